//! What comes next, by a causal transformer over the history.
//!
//! Kang and McAuley: Self-attentive sequential recommendation (ICDM 2018). The network reads the
//! latest items that it knows, in order; the score of every item is the scalar product of the
//! last hidden state and the item's embedding, and the best are found by an exact scan with the
//! query's filter inside. Good where order matters and there are enough histories to learn it
//! from; a new item is unknown to it until the next training.
//!
//! The reason that it gives is the item of the history whose embedding points the most in the
//! direction of the recommended one's. That is what the model holds to be alike, and cheap; it
//! is not what moved the score most, which only leaving items out one by one would tell.
//!
//! Training is the affair of the crate `train`, which this one does not know.

mod lane;

use std::path::Path;

use data::{History, order};
use models::SasRecConfig;
use serde::{Deserialize, Serialize};
use tensor::Tensor;
use tensor::scan::ItemIndex;

use crate::best::Best;
use crate::retriever::{Candidate, Query, Reason, Retriever};
use crate::tensors::{TensorsIn, TensorsOut};
use crate::{Error, Result};

const NAME: &str = "sasrec";
/// Name of the embeddings among the tensors of the file.
const ITEMS: &str = "items";

/// A network and the embeddings of all items.
#[derive(Debug, Clone)]
pub struct SasRec {
    network: models::SasRec,
    index: ItemIndex,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    config: SasRecConfig,
    /// Size of the catalogue.
    items: u32,
}

impl SasRec {
    /// A network and its items, `[items, dim]`, as training left them.
    ///
    /// # Errors
    /// Where the items are not as wide as the network, or a number is not finite.
    pub fn new(network: models::SasRec, items: &Tensor) -> Result<SasRec> {
        let refused = |what: String| Error::Refused(format!("{NAME}: {what}; train again"));
        if items.width() != network.config().dim as usize {
            let (found, dim) = (items.width(), network.config().dim);
            return Err(refused(format!("items of {found} columns for a network of {dim}")));
        }
        for (_, name, tensor) in network.parameters.iter() {
            if let Some(at) = tensor.values().iter().position(|value| !value.is_finite()) {
                return Err(refused(format!("{name:?} is not finite at {at}")));
            }
        }
        let index = ItemIndex::new(items.values(), items.rows(), items.width())
            .map_err(|why| refused(why.to_string()))?;
        Ok(SasRec { network, index })
    }

    /// Size of the catalogue it was trained on.
    pub fn item_count(&self) -> u32 {
        self.index.rows() as u32
    }

    /// What the network is made of.
    pub fn config(&self) -> &SasRecConfig {
        self.network.config()
    }

    /// The items of a history that the network reads, oldest first.
    fn read(&self, history: History<'_>) -> Vec<u32> {
        let (most, items) = (self.config().length_max as usize, self.item_count());
        let known = history.items.iter().rev().filter(|item| **item < items);
        let mut read: Vec<u32> = known.take(most).copied().collect();
        read.reverse();
        read
    }

    fn row(&self, item: u32) -> &[f32] {
        let dim = self.index.width();
        &self.index.values()[item as usize * dim..][..dim]
    }

    /// The bytes of its file.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let facts = Facts { config: self.config().clone(), items: self.item_count() };
        let shape = [self.index.rows(), self.index.width()];
        let mut out = TensorsOut::default().f32(ITEMS, &shape, self.index.values());
        for (_, name, tensor) in self.network.parameters.iter() {
            out = out.f32(name, &[tensor.rows(), tensor.width()], tensor.values());
        }
        out.into_bytes(NAME, &facts)
    }

    /// Reads a file of [`SasRec::to_bytes`]; `place` is for messages.
    ///
    /// # Errors
    /// Where the bytes are not such a file, or state what cannot be.
    pub fn from_bytes(bytes: &[u8], place: &Path) -> Result<SasRec> {
        let (file, facts): (_, Facts) = TensorsIn::open(NAME, bytes, place)?;
        let config = facts.config;
        config.check().map_err(|why| file.damaged(format!("its settings: {why}")))?;
        if numbers_least(&config) > bytes.len() as u64 / 4 {
            return Err(file.damaged("its settings are of a larger network than it holds"));
        }
        let width = config.dim as usize;
        let items = file.f32(ITEMS, &[facts.items as usize, width])?;
        let mut network = models::SasRec::init(&config, 0)
            .map_err(|why| file.damaged(format!("its settings: {why}")))?;
        let wanted: Vec<_> =
            network.parameters.iter().map(|(id, name, _)| (id, name.to_owned())).collect();
        if file.len() != wanted.len() + 1 {
            let (found, wanted) = (file.len(), wanted.len() + 1);
            return Err(file.damaged(format!("{found} tensors, not {wanted}")));
        }
        for (id, name) in wanted {
            let tensor = network.parameters.get_mut(id);
            let values = file.f32(&name, &[tensor.rows(), tensor.width()])?;
            tensor.values_mut().copy_from_slice(&values);
        }
        let index = ItemIndex::new(items, facts.items as usize, width)
            .map_err(|why| file.damaged(why.to_string()))?;
        Ok(SasRec { network, index })
    }
}

/// Numbers that a network of these settings has at the very least, whatever its blocks: known
/// before anything is allocated for it, and within a small factor of what will be.
fn numbers_least(config: &SasRecConfig) -> u64 {
    let [dim, blocks, hidden, length] =
        [config.dim, config.blocks, config.hidden, config.length_max].map(u64::from);
    // Checked settings: the products stay far below 2^64.
    length * dim + blocks * (4 * dim * dim + 2 * dim * hidden)
}

impl PartialEq for SasRec {
    fn eq(&self, other: &SasRec) -> bool {
        self.config() == other.config()
            && self.network.parameters == other.network.parameters
            && self.index.rows() == other.index.rows()
            && self.index.values() == other.index.values()
    }
}

impl Retriever for SasRec {
    fn name(&self) -> &str {
        NAME
    }

    fn retrieve(&self, query: &Query<'_>) -> Vec<Candidate> {
        let history = self.read(query.history);
        if history.is_empty() || query.k == 0 {
            return Vec::new();
        }
        let admits = |_: usize, item: u32| query.filter.admits(item);
        let tie = |item: u32| order::tie(item, query.seed);
        // Neither fails with the weights of a training. Weights from elsewhere may be too large
        // to compute with: then the model has nothing to say.
        let found = lane::with_workspace(|workspace| {
            let state =
                self.network.encode(workspace, self.index.values(), &[&history]).ok()?;
            self.index.search(&state, query.k, Some(&admits), &tie).ok()?.pop()
        });
        let found = found.unwrap_or_default().into_iter();
        let scored = found.filter(|(_, score)| score.is_finite());
        scored.map(|(item, score)| Candidate { item, score }).collect()
    }

    fn reason(&self, query: &Query<'_>, item: u32) -> Reason {
        if item >= self.item_count() {
            return Reason::Taste;
        }
        let wanted = self.row(item);
        let mut best = Best::new(1, query.seed);
        for told in self.read(query.history) {
            let (mut product, mut length) = (0.0f32, 0.0f32);
            for (a, b) in self.row(told).iter().zip(wanted) {
                product += a * b;
                length += a * a;
            }
            let alike = product / length.sqrt();
            if best.wants(alike) {
                best.push(told, alike);
            }
        }
        let because =
            best.candidates().first().map(|found| Reason::Because { item: found.item });
        because.unwrap_or(Reason::Taste)
    }
}
