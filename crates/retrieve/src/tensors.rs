//! Model files: safetensors, with the model's facts as JSON in the header.
//!
//! The header's metadata has one key, `tastemaker`, whose value is
//! `{"format": 1, "model": "item-knn", "facts": {...}}`: one key, because the format keeps its
//! metadata in a hash map and equal models shall be equal files.
//!
//! A file may come from anywhere, so nothing in it is believed: a length is compared with the
//! bytes that are there before anything is allocated for it, floats must be finite, indices
//! must lie below their count.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Version of the model files that this program writes, and the newest it reads.
const FORMAT: u32 = 1;
const KEY: &str = "tastemaker";

#[derive(Serialize, Deserialize)]
struct Header<F> {
    format: u32,
    model: String,
    facts: F,
}

/// Tensors of a model on their way into a file.
#[derive(Debug, Default)]
pub(crate) struct TensorsOut {
    tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)>,
}

impl TensorsOut {
    /// Adds floats of this shape.
    pub(crate) fn f32(mut self, name: &str, shape: &[usize], values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensors.push((name.to_owned(), Dtype::F32, shape.to_vec(), bytes));
        self
    }

    /// Adds a list of indices or counts.
    pub(crate) fn u32(mut self, name: &str, values: &[u32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensors.push((name.to_owned(), Dtype::U32, vec![values.len()], bytes));
        self
    }

    /// Adds a list of offsets.
    pub(crate) fn u64(mut self, name: &str, values: &[u64]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensors.push((name.to_owned(), Dtype::U64, vec![values.len()], bytes));
        self
    }

    /// The bytes of the file of the model called `model`.
    pub(crate) fn into_bytes<F: Serialize>(self, model: &str, facts: &F) -> Result<Vec<u8>> {
        let refused =
            |why: String| Error::Refused(format!("model {model} cannot be saved: {why}"));
        let header = Header { format: FORMAT, model: model.to_owned(), facts };
        let header = serde_json::to_string(&header).map_err(|why| refused(why.to_string()))?;
        let views = self
            .tensors
            .iter()
            .map(|(name, kind, shape, bytes)| {
                Ok((name, TensorView::new(*kind, shape.clone(), bytes)?))
            })
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(|why| refused(why.to_string()))?;
        serialize(views, Some(HashMap::from([(KEY.to_owned(), header)])))
            .map_err(|why| refused(why.to_string()))
    }
}

/// A model file being read.
pub(crate) struct TensorsIn<'a> {
    place: &'a Path,
    tensors: SafeTensors<'a>,
}

impl<'a> TensorsIn<'a> {
    /// Reads the header of a file of the model called `model`; `place` is for messages.
    pub(crate) fn open<F: DeserializeOwned>(
        model: &str,
        bytes: &'a [u8],
        place: &'a Path,
    ) -> Result<(TensorsIn<'a>, F)> {
        let damaged = |what: String| Error::from(data::Error::damaged(place, what));
        let (_, metadata) = SafeTensors::read_metadata(bytes)
            .map_err(|why| damaged(format!("no model file: {why}")))?;
        let header = metadata
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get(KEY))
            .ok_or_else(|| damaged(format!("its header has no {KEY:?}")))?;
        let header: Header<serde_json::Value> = serde_json::from_str(header)
            .map_err(|why| damaged(format!("its header: {why}")))?;
        if header.format > FORMAT {
            let (path, found, known) = (place.to_path_buf(), header.format, FORMAT);
            return Err(data::Error::Newer { path, found, known }.into());
        }
        if header.model != model {
            return Err(damaged(format!("it holds a model {:?}, not {model:?}", header.model)));
        }
        let facts = serde_json::from_value(header.facts)
            .map_err(|why| damaged(format!("its facts: {why}")))?;
        let tensors = SafeTensors::deserialize(bytes)
            .map_err(|why| damaged(format!("no model file: {why}")))?;
        Ok((TensorsIn { place, tensors }, facts))
    }

    /// How many tensors it holds.
    pub(crate) fn len(&self) -> usize {
        self.tensors.len()
    }

    /// An error about this file.
    pub(crate) fn damaged(&self, what: impl Into<String>) -> Error {
        data::Error::damaged(self.place, what).into()
    }

    fn view(&self, name: &str, kind: Dtype) -> Result<TensorView<'_>> {
        let view = self
            .tensors
            .tensor(name)
            .map_err(|_| self.damaged(format!("it has no tensor {name:?}")))?;
        if view.dtype() != kind {
            let found = view.dtype();
            return Err(self.damaged(format!("tensor {name:?} holds {found}, not {kind}")));
        }
        Ok(view)
    }

    /// Finite floats of exactly this shape.
    pub(crate) fn f32(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let view = self.view(name, Dtype::F32)?;
        if view.shape() != shape {
            let found = view.shape();
            return Err(self.damaged(format!("tensor {name:?} is {found:?}, not {shape:?}")));
        }
        let values: Vec<f32> = words(view.data()).map(f32::from_le_bytes).collect();
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(self.damaged(format!("tensor {name:?} is not finite at {at}"))),
            None => Ok(values),
        }
    }

    /// A list of numbers, each below `below`.
    pub(crate) fn u32(&self, name: &str, below: u64) -> Result<Vec<u32>> {
        let view = self.view(name, Dtype::U32)?;
        let values: Vec<u32> = words(view.data()).map(u32::from_le_bytes).collect();
        match values.iter().find(|value| u64::from(**value) >= below) {
            Some(value) => Err(self.damaged(format!("tensor {name:?}: {value} of {below}"))),
            None => Ok(values),
        }
    }

    /// Offsets of rows: from 0, never falling, up to `end`; at least one.
    pub(crate) fn offsets(&self, name: &str, end: usize) -> Result<Vec<u64>> {
        let view = self.view(name, Dtype::U64)?;
        let values: Vec<u64> = words(view.data()).map(u64::from_le_bytes).collect();
        let fits = values.first() == Some(&0)
            && values.last() == Some(&(end as u64))
            && values.is_sorted();
        if fits {
            Ok(values)
        } else {
            Err(self
                .damaged(format!("tensor {name:?} is no list of offsets into {end} values")))
        }
    }
}

fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.chunks_exact(N).map(|word| word.try_into().expect("chunks of N bytes"))
}
