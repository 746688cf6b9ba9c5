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

mod kept;
mod lane;
mod live;

use std::path::Path;
use std::sync::Arc;

use data::{History, order};
use models::{Hstu, Past, SequenceModel, SequenceModelConfig};
use serde::{Deserialize, Serialize};
use tensor::scan::ItemIndex;
use tensor::{Tensor, Workspace};

pub use self::live::LiveFacts;

use self::kept::Kept;
use self::live::{check, network_of};
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
    /// Items that it has never met, rising: their rows say nothing.
    unmet: Vec<u32>,
    /// Shared by clones, which are the same model.
    kept: Arc<Kept>,
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
        Ok(Sequence { network, index, embeddings, unmet: Vec::new(), kept: Arc::default() })
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

    /// Keeps encoded histories of users who ask, in at most so many bytes; 0, as at first: none.
    /// Only HSTU's can be kept, with positions from the start: others take no memory.
    ///
    /// With it on, of a history longer than the network's `length_max` the first event that is
    /// read moves in steps of a quarter of it, so that an event more does not move all others:
    /// between three quarters and all of `length_max` events are read.
    pub fn keep_histories(&self, bytes: usize) {
        self.kept.set_budget(if self.keeps().is_some() { bytes } else { 0 });
    }

    /// Users whose history is kept, and the bytes that all take.
    pub fn histories_kept(&self) -> (usize, usize) {
        self.kept.held()
    }

    /// The network, where histories of it can be kept.
    fn keeps(&self) -> Option<&Hstu> {
        match &self.network {
            SequenceModel::Hstu(network) if network.can_keep() => Some(network),
            _ => None,
        }
    }

    /// The items of a history that the network reads, oldest first, and their times.
    fn read(&self, history: History<'_>) -> (Vec<u32>, Vec<i64>) {
        let (most, items) = (self.config().length_max() as usize, self.item_count());
        let known = || {
            let events = history.items.iter().zip(history.times_ms);
            events.filter(|(item, _)| **item < items && self.met(**item))
        };
        let count = known().count();
        let mut skip = count.saturating_sub(most);
        if self.kept.is_on() {
            skip = skip.next_multiple_of((most / 4).max(1)).min(count.saturating_sub(1));
        }
        known().skip(skip).map(|(item, time)| (*item, *time)).unzip()
    }

    /// The last hidden state of what was read.
    fn state(
        &self,
        workspace: &mut Workspace,
        user: Option<u32>,
        past: Past<'_>,
    ) -> models::Result<Vec<f32>> {
        let (Some(user), Some(network), true) = (user, self.keeps(), self.kept.is_on()) else {
            return self.network.encode(workspace, self.embeddings(), &[past]);
        };
        let mut cache = self.kept.take(user);
        if !cache.begins(&past) {
            // The log was changed, or the window moved on.
            cache = models::HstuCache::default();
        }
        let state = network.ask(workspace, self.embeddings(), &mut cache, &past)?;
        self.kept.put(user, cache);
        Ok(state)
    }

    /// Whether its row says anything.
    fn met(&self, item: u32) -> bool {
        self.unmet.is_empty() || self.unmet.binary_search(&item).is_err()
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
        check(name, &file, &facts.config, bytes.len())?;
        let rows = facts.items as usize;
        let items = file.f32(ITEMS, &[rows, facts.config.dim() as usize])?;
        let network = network_of(&file, &facts.config)?;
        let wanted = network.parameters().len() + 1;
        if file.len() != wanted {
            return Err(file.damaged(format!("{} tensors, not {wanted}", file.len())));
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
        let admits = |_: usize, item: u32| self.met(item) && query.filter.admits(item);
        let tie = |item: u32| order::tie(item, query.seed);
        // Neither fails with the weights of a training. Weights from elsewhere may be too large
        // to compute with: then the model has nothing to say.
        let found = lane::with_workspace(|workspace| {
            let past = Past { items: &history, times_ms: &times_ms, now_ms: query.now_ms };
            let state = self.state(workspace, query.user, past).ok()?;
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
