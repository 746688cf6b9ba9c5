//! Parameters as safetensors, under their names, and back.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use tensor::Parameters;

use crate::{Error, Result};

/// The bytes of a safetensors file. `facts` goes into its header, under `tastemaker`.
///
/// # Errors
/// Where a number is not finite (nobody could read it back), or the format refuses.
pub fn parameters_to_bytes(parameters: &Parameters, facts: &str) -> Result<Vec<u8>> {
    for (_, name, tensor) in parameters.iter() {
        if let Some(at) = tensor.values().iter().position(|value| !value.is_finite()) {
            return Err(Error::Damaged(format!("{name:?} is not finite at {at}")));
        }
    }
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = parameters
        .iter()
        .map(|(_, name, tensor)| {
            let bytes = tensor.values().iter().flat_map(|value| value.to_le_bytes()).collect();
            (name.to_owned(), vec![tensor.rows(), tensor.width()], bytes)
        })
        .collect();
    let views = bytes
        .iter()
        .map(|(name, shape, bytes)| {
            Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?))
        })
        .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|why| Error::Damaged(why.to_string()))?;
    serialize(views, Some(HashMap::from([("tastemaker".to_owned(), facts.to_owned())])))
        .map_err(|why| Error::Damaged(why.to_string()))
}

/// Overwrites every parameter from such bytes.
///
/// # Errors
/// Where one is missing, has another shape, holds a number that is none, or there is one too
/// many. Nothing is overwritten then.
pub fn parameters_from_bytes(parameters: &mut Parameters, bytes: &[u8]) -> Result<()> {
    let damaged = |what: String| Error::Damaged(what);
    let file = SafeTensors::deserialize(bytes).map_err(|why| damaged(why.to_string()))?;
    if file.len() != parameters.len() {
        return Err(damaged(format!(
            "{} tensors, where the model has {}",
            file.len(),
            parameters.len()
        )));
    }
    let mut loaded = Vec::with_capacity(parameters.len());
    for (id, name, tensor) in parameters.iter() {
        let view =
            file.tensor(name).map_err(|_| damaged(format!("no tensor is called {name:?}")))?;
        let shape = [tensor.rows(), tensor.width()];
        // Other programs write a bias as a vector.
        let vector = tensor.rows() == 1 && view.shape() == [tensor.width()];
        if view.dtype() != Dtype::F32 || (view.shape() != shape && !vector) {
            let (kind, found) = (view.dtype(), view.shape());
            return Err(damaged(format!("{name:?} is {kind} {found:?}, not F32 {shape:?}")));
        }
        let (words, _) = view.data().as_chunks::<4>();
        let values: Vec<f32> = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(damaged(format!("{name:?} is not finite at {at}")));
        }
        loaded.push((id, values));
    }
    for (id, values) in loaded {
        parameters.get_mut(id).values_mut().copy_from_slice(&values);
    }
    Ok(())
}
