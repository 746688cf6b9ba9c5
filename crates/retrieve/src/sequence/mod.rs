//! What comes next, by a causal network over the history: SASRec (Kang and McAuley, ICDM 2018)
//! or HSTU (Zhai et al., ICML 2024).
//!
//! The network reads the latest items that it knows, in order, and HSTU when each was and that it
//! is asked now; the score of every item is the scalar product of the last hidden state and the
//! item's vector, and the best are found by an exact scan with the query's filter inside. Good where order matters and there are enough histories to learn it
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
use models::{Past, SequenceModel, SequenceModelConfig};
use serde::{Deserialize, Serialize};
use tensor::Tensor;
use tensor::scan::ItemIndex;

use crate::best::Best;
use crate::retriever::{Candidate, Query, Reason, Retriever};
use crate::tensors::{TensorsIn, TensorsOut};
use crate::{Error, Result};

/// Name of the embeddings among the tensors of the file.
const ITEMS: &str = "items";

/// A network and the embeddings of all items.
#[derive(Debug, Clone)]
pub struct Sequence {
    network: SequenceModel,
    /// What scores are products with: the embeddings, or of length 1 where scores are cosines.
    index: ItemIndex,
    /// The embeddings, where they are not what the index holds.
    embeddings: Option<Vec<f32>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    config: SequenceModelConfig,
    /// Size of the catalogue.
    items: u32,
}

impl Sequence {
    /// A network and its items, `[items, dim]`, as training left them.
    ///
    /// # Errors
    /// Where the items are not as wide as the network, or a number is not finite.
    pub fn new(network: SequenceModel, items: &Tensor) -> Result<Sequence> {
        let name = network.name();
        let refused = |what: String| Error::Refused(format!("{name}: {what}; train again"));
        if items.width() != network.dim() {
            let (found, dim) = (items.width(), network.dim());
            return Err(refused(format!("items of {found} columns for a network of {dim}")));
        }
        for (_, name, tensor) in network.parameters().iter() {
            if let Some(at) = tensor.values().iter().position(|value| !value.is_finite()) {
                return Err(refused(format!("{name:?} is not finite at {at}")));
            }
        }
        Sequence::indexed(network, items.values().to_vec(), items.rows())
            .map_err(|why| refused(why.to_string()))
    }

    fn indexed(
        network: SequenceModel,
        items: Vec<f32>,
        rows: usize,
    ) -> tensor::Result<Sequence> {
        let index = ItemIndex::new(network.score_vectors(&items), rows, network.dim())?;
        let embeddings = network.cosine().then_some(items);
        Ok(Sequence { network, index, embeddings })
    }

    /// Size of the catalogue it was trained on.
    pub fn item_count(&self) -> u32 {
        self.index.rows() as u32
    }

    /// What the network is made of.
    pub fn config(&self) -> SequenceModelConfig {
        self.network.config()
    }

    /// The embeddings, `[items, dim]`.
    fn embeddings(&self) -> &[f32] {
        self.embeddings.as_deref().unwrap_or(self.index.values())
    }

    /// The items of a history that the network reads, oldest first, and their times.
    fn read(&self, history: History<'_>) -> (Vec<u32>, Vec<i64>) {
        let (most, items) = (self.config().length_max() as usize, self.item_count());
        let known = history.items.iter().zip(history.times_ms).rev();
        let known = known.filter(|(item, _)| **item < items).take(most);
        let mut read: Vec<(u32, i64)> = known.map(|(item, time)| (*item, *time)).collect();
        read.reverse();
        read.into_iter().unzip()
    }

    fn row(&self, item: u32) -> &[f32] {
        let dim = self.index.width();
        &self.index.values()[item as usize * dim..][..dim]
    }

    /// The bytes of its file.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let facts = Facts { config: self.config(), items: self.item_count() };
        let shape = [self.index.rows(), self.index.width()];
        let mut out = TensorsOut::default().f32(ITEMS, &shape, self.embeddings());
        for (_, name, tensor) in self.network.parameters().iter() {
            out = out.f32(name, &[tensor.rows(), tensor.width()], tensor.values());
        }
        out.into_bytes(self.network.name(), &facts)
    }

    /// Reads a file of [`Sequence::to_bytes`] of the model called `name`; `place` is for messages.
    ///
    /// # Errors
    /// Where the bytes are not such a file, or state what cannot be.
    pub fn from_bytes(name: &str, bytes: &[u8], place: &Path) -> Result<Sequence> {
        let (file, facts): (_, Facts) = TensorsIn::open(name, bytes, place)?;
        let config = facts.config;
        if config.name() != name {
            return Err(file.damaged(format!("its settings: of {}", config.name())));
        }
        config.check().map_err(|why| file.damaged(format!("its settings: {why}")))?;
        if config.numbers_least() > bytes.len() as u64 / 4 {
            return Err(file.damaged("its settings are of a larger network than it holds"));
        }
        let rows = facts.items as usize;
        let items = file.f32(ITEMS, &[rows, config.dim() as usize])?;
        let mut network = SequenceModel::init(&config, 0)
            .map_err(|why| file.damaged(format!("its settings: {why}")))?;
        let wanted: Vec<_> =
            network.parameters().iter().map(|(id, name, _)| (id, name.to_owned())).collect();
        if file.len() != wanted.len() + 1 {
            let (found, wanted) = (file.len(), wanted.len() + 1);
            return Err(file.damaged(format!("{found} tensors, not {wanted}")));
        }
        for (id, name) in wanted {
            let tensor = network.parameters_mut().get_mut(id);
            let values = file.f32(&name, &[tensor.rows(), tensor.width()])?;
            tensor.values_mut().copy_from_slice(&values);
        }
        Sequence::indexed(network, items, rows).map_err(|why| file.damaged(why.to_string()))
    }
}

impl PartialEq for Sequence {
    fn eq(&self, other: &Sequence) -> bool {
        self.config() == other.config()
            && self.network.parameters() == other.network.parameters()
            && self.index.rows() == other.index.rows()
            && self.embeddings() == other.embeddings()
    }
}

impl Retriever for Sequence {
    fn name(&self) -> &str {
        self.network.name()
    }

    fn retrieve(&self, query: &Query<'_>) -> Vec<Candidate> {
        let (history, times_ms) = self.read(query.history);
        if history.is_empty() || query.k == 0 {
            return Vec::new();
        }
        let admits = |_: usize, item: u32| query.filter.admits(item);
        let tie = |item: u32| order::tie(item, query.seed);
        // Neither fails with the weights of a training. Weights from elsewhere may be too large
        // to compute with: then the model has nothing to say.
        let found = lane::with_workspace(|workspace| {
            let past = Past { items: &history, times_ms: &times_ms, now_ms: query.now_ms };
            let state = self.network.encode(workspace, self.embeddings(), &[past]).ok()?;
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
        for told in self.read(query.history).0 {
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
