//! Parameters as safetensors, under their names, and back.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use tensor::Parameters;

use crate::{Error, Result};

/// The bytes of a safetensors file. `facts` goes into its header, under `tastemaker`.
///
/// # Errors
/// Where the format refuses.
pub fn parameters_to_bytes(parameters: &Parameters, facts: &str) -> Result<Vec<u8>> {
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
/// Where one is missing, has another shape, holds a number that is none, or there is one too many.
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
    let names: Vec<_> = parameters.iter().map(|(id, name, _)| (id, name.to_owned())).collect();
    for (id, name) in names {
        let view =
            file.tensor(&name).map_err(|_| damaged(format!("no tensor is called {name:?}")))?;
        let into = parameters.get_mut(id);
        let shape = [into.rows(), into.width()];
        // Other programs write a bias as a vector.
        let vector = into.rows() == 1 && view.shape() == [into.width()];
        if view.dtype() != Dtype::F32 || (view.shape() != shape && !vector) {
            let (kind, found) = (view.dtype(), view.shape());
            return Err(damaged(format!("{name:?} is {kind} {found:?}, not F32 {shape:?}")));
        }
        for (at, (value, word)) in
            into.values_mut().iter_mut().zip(view.data().chunks_exact(4)).enumerate()
        {
            *value = f32::from_le_bytes(word.try_into().expect("chunks of four bytes"));
            if !value.is_finite() {
                return Err(damaged(format!("{name:?} is not finite at {at}")));
            }
        }
    }
    Ok(())
}
