//! A network that goes on learning while it serves: its weights travel whole, its items row by
//! row, and both make a [`Sequence`] again.

use std::path::Path;

use models::{SequenceModel, SequenceModelConfig};
use serde::{Deserialize, Serialize};

use super::Sequence;
use crate::Result;
use crate::tensors::{TensorsIn, TensorsOut};

/// Items without a row that a catalogue may have, beside 64 a row.
const UNKNOWN_MOST: usize = 1 << 20;

/// What the dense part of a delta says beside its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveFacts {
    /// What the network is made of.
    pub config: SequenceModelConfig,
    /// Items of the log that it learned from; rows have indices below.
    pub items: u32,
    /// Checksum of that log's item dictionary.
    pub items_blake3: String,
    /// Users of it.
    pub users: u32,
    /// Checksum of its user dictionary.
    pub users_blake3: String,
    /// The latest event that it learned from, milliseconds since the epoch.
    pub learned_until_ms: i64,
    /// Events that it has learned from: the first of the log by time.
    pub events: u64,
    /// When the delta was made, milliseconds since the epoch.
    pub made_ms: i64,
}

impl LiveFacts {
    /// The bytes of a dense part: safetensors with these facts in the header.
    ///
    /// # Errors
    /// Where the format refuses.
    pub fn with(&self, network: &SequenceModel) -> Result<Vec<u8>> {
        let mut out = TensorsOut::default();
        for (_, name, tensor) in network.parameters().iter() {
            out = out.f32(name, &[tensor.rows(), tensor.width()], tensor.values());
        }
        out.into_bytes(network.name(), self)
    }
}

impl Sequence {
    /// The network called `name` of a dense part ([`LiveFacts::with`]) and its items: `row` writes
    /// that of an item, or says that there is none. An item without one is neither recommended
    /// nor read in histories. There are `rows` of them. `place` is for messages.
    ///
    /// # Errors
    /// Where the bytes are no such part, or state what cannot be.
    pub fn live(
        name: &str,
        dense: &[u8],
        place: &Path,
        rows: usize,
        row: impl Fn(u32, &mut [f32]) -> bool,
    ) -> Result<(Sequence, LiveFacts)> {
        let (file, facts): (_, LiveFacts) = TensorsIn::open(name, dense, place)?;
        check(name, &file, &facts.config, dense.len())?;
        let network = network_of(&file, &facts.config)?;
        // A catalogue of which next to nothing is known would still take memory for all of it.
        if facts.items as usize > UNKNOWN_MOST + 64 * rows {
            let items = facts.items;
            return Err(file.damaged(format!("{rows} rows for a catalogue of {items} items")));
        }
        let dim = network.dim();
        let mut items = vec![0.0; facts.items as usize * dim];
        let mut unmet = Vec::new();
        for (item, values) in (0..facts.items).zip(items.chunks_exact_mut(dim)) {
            if !row(item, values) {
                values.fill(0.0);
                unmet.push(item);
            } else if values.iter().any(|value| !value.is_finite()) {
                return Err(file.damaged(format!("the row of item {item} is not finite")));
            }
        }
        let mut live = Sequence::indexed(network, items, facts.items as usize)
            .map_err(|why| file.damaged(why.to_string()))?;
        live.unmet = unmet;
        Ok((live, facts))
    }

    /// Columns of its items.
    pub fn dim(&self) -> usize {
        self.index.width()
    }

    /// The embedding of an item.
    ///
    /// # Panics
    /// Where there is none.
    pub fn embedding(&self, item: u32) -> &[f32] {
        let dim = self.dim();
        &self.embeddings()[item as usize * dim..][..dim]
    }

    /// The network.
    pub fn network(&self) -> &SequenceModel {
        &self.network
    }
}

/// Refuses settings of another model than `name`, that make none, or that make a larger one than
/// a file of so many bytes holds.
pub(super) fn check(
    name: &str,
    file: &TensorsIn<'_>,
    config: &SequenceModelConfig,
    bytes: usize,
) -> Result<()> {
    if config.name() != name {
        return Err(file.damaged(format!("its settings: of {}", config.name())));
    }
    config.check().map_err(|why| file.damaged(format!("its settings: {why}")))?;
    if config.numbers_least() > bytes as u64 / 4 {
        return Err(file.damaged("its settings are of a larger network than it holds"));
    }
    Ok(())
}

/// The network of a file that holds every tensor of it; its settings are checked.
pub(super) fn network_of(
    file: &TensorsIn<'_>,
    config: &SequenceModelConfig,
) -> Result<SequenceModel> {
    let mut network = SequenceModel::init(config, 0)
        .map_err(|why| file.damaged(format!("its settings: {why}")))?;
    let wanted: Vec<_> =
        network.parameters().iter().map(|(id, name, _)| (id, name.to_owned())).collect();
    for (id, name) in wanted {
        let tensor = network.parameters_mut().get_mut(id);
        let values = file.f32(&name, &[tensor.rows(), tensor.width()])?;
        tensor.values_mut().copy_from_slice(&values);
    }
    Ok(network)
}
