//! Items that the same users took: item-based nearest neighbours.
//!
//! Sarwar, Karypis, Konstan, Riedl: Item-based collaborative filtering recommendation
//! algorithms (WWW 2001); Deshpande, Karypis: Item-based top-N recommendation algorithms (TOIS
//! 2004). Weightings: see `weighting`. Shrinkage as in Bell, Koren: Scalable collaborative
//! filtering with jointly derived neighborhood interpolation weights (ICDM 2007), section 4.
//!
//! With user × item weights w (see `weighting`, where events older than a half-life count less),
//! n(i, j) users who took both, and N(i) the items with the largest s(i, ·):
//!
//! ```text
//! s(i, j)  = Σ_u w(u, i) w(u, j) × n(i, j) / (n(i, j) + shrinkage)
//! score(j) = Σ_h recency(h) s(h, j)      over the items h of the history with j in N(h)
//! ```
//!
//! Hard to beat on dense logs, quick to train, and able to say why. Not for items that few
//! users took: they have no neighbours worth the name.

mod weighting;
mod cooccurrence;

use std::path::Path;

use data::{Progress, Sequences};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::config::{ItemKnnConfig, check_range};
use crate::neighbours::Neighbours;
use crate::recency::Recency;
use crate::retriever::{Candidate, Query, Reason, Retriever};
use crate::scratch::with_scratch;
use crate::tensors::{TensorsIn, TensorsOut};

const NAME: &str = "item-knn";

/// The neighbours of every item.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemKnn {
    neighbours: Neighbours,
    recency: Recency,
    config: ItemKnnConfig,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    config: ItemKnnConfig,
}

impl ItemKnn {
    /// Learns from `train`, whose data end at `end_ms` (recency counts back from there).
    ///
    /// # Errors
    /// Where a setting is out of range, or on request ([`Progress::check`]).
    pub fn fit(
        train: &Sequences,
        config: &ItemKnnConfig,
        end_ms: i64,
        seed: u64,
        progress: &Progress<'_>,
    ) -> Result<ItemKnn> {
        let recency = checked(config)?;
        let weights = weighting::weigh(train, config, end_ms, progress)?;
        let neighbours = cooccurrence::neighbours(&weights, config, seed, progress)?;
        Ok(ItemKnn { neighbours, recency, config: config.clone() })
    }

    /// Size of the catalogue it was fitted on.
    pub fn item_count(&self) -> u32 {
        self.neighbours.items()
    }

    /// The neighbours of `item` with their similarity, by rising index; none where the item
    /// came after training.
    pub fn neighbours(&self, item: u32) -> &[(u32, f32)] {
        if item < self.item_count() { self.neighbours.row(item) } else { &[] }
    }

    /// The bytes of its file.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let facts = Facts { config: self.config.clone() };
        self.neighbours.write(TensorsOut::default()).into_bytes(NAME, &facts)
    }

    /// Reads a file of [`ItemKnn::to_bytes`]; `place` is for messages.
    ///
    /// # Errors
    /// Where the bytes are not such a file, or state what cannot be.
    pub fn from_bytes(bytes: &[u8], place: &Path) -> Result<ItemKnn> {
        let (file, facts): (_, Facts) = TensorsIn::open(NAME, bytes, place)?;
        let recency = checked(&facts.config).map_err(|why| file.damaged(why.to_string()))?;
        let neighbours = Neighbours::read(&file)?;
        Ok(ItemKnn { neighbours, recency, config: facts.config })
    }
}

fn checked(config: &ItemKnnConfig) -> Result<Recency> {
    let field = |name: &str| format!("models.item_knn.{name}");
    let at_least = |name: &str, value: f64, least: f64| {
        check_range(&field(name), value, least.., &format!("{least} or above"))
    };
    at_least("neighbours", f64::from(config.neighbours), 1.0)?;
    at_least("user_events_max", f64::from(config.user_events_max), 2.0)?;
    at_least("shrinkage", config.shrinkage, 0.0)?;
    at_least("bm25_k1", config.bm25_k1, 0.0)?;
    at_least("half_life_days", config.half_life_days, 0.0)?;
    check_range(&field("bm25_b"), config.bm25_b, 0.0..=1.0, "between 0 and 1")?;
    Recency::new(
        "item_knn",
        config.history_max,
        config.history_half_life_events,
        config.history_half_life_days,
    )
}

impl Retriever for ItemKnn {
    fn name(&self) -> &str {
        NAME
    }

    fn retrieve(&self, query: &Query<'_>) -> Vec<Candidate> {
        let items = self.item_count();
        with_scratch(items as usize, |scratch| {
            for (item, weight) in self.recency.weigh(query.history, items, scratch) {
                for (neighbour, similarity) in self.neighbours.row(item) {
                    scratch.add(*neighbour, weight * similarity);
                }
            }
            scratch.best(query)
        })
    }

    fn reason(&self, query: &Query<'_>, item: u32) -> Reason {
        let items = self.item_count();
        let weighed = with_scratch(items as usize, |scratch| {
            self.recency.weigh(query.history, items, scratch)
        });
        let because = weighed
            .iter()
            .filter_map(|(from, weight)| {
                Some((*from, weight * self.neighbours.weight(*from, item)?))
            })
            .min_by(|a, b| data::order::descending(*a, *b, query.seed));
        because.map_or(Reason::Taste, |(item, _)| Reason::Because { item })
    }
}
