//! What was read of the log, whole in memory and never changed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use data::{
    Catalogue, ClockKind, Feedback, Files, Log, LogManifest, Progress, Sequences, order,
};

use crate::Result;
use crate::limits::POPULAR_KEPT;

/// A log, read.
#[derive(Debug)]
pub(crate) struct Base {
    /// What the log said of itself.
    pub(crate) manifest: LogManifest,
    /// Checksum of the whole log.
    pub(crate) checksum: String,
    pub(crate) catalogue: Catalogue,
    /// Positive events by user.
    pub(crate) sequences: Sequences,
    /// Positive events by item.
    pub(crate) popularity: Vec<u32>,
    /// The most popular items, best first: what is left when there is no time or no model.
    pub(crate) popular: Vec<u32>,
    /// One bit an item that may not be recommended.
    pub(crate) unavailable: Vec<u64>,
    /// Items by category.
    pub(crate) items_by_category: BTreeMap<String, Vec<u32>>,
}

impl Base {
    /// Reads the log in `dir`.
    pub(crate) fn read(
        files: &Arc<dyn Files>,
        dir: &Path,
        feedback: &Feedback,
    ) -> Result<Base> {
        let log = Log::open(files.clone(), dir)?;
        let catalogue = log.catalogue()?;
        let sequences = log.sequences(feedback, &Progress::silent())?;
        let popularity = sequences.popularity();
        let mut scored: Vec<(u32, f32)> =
            (0u32..).zip(&popularity).map(|(item, count)| (item, *count as f32)).collect();
        scored.retain(|(_, count)| *count > 0.0);
        order::top_k(&mut scored, POPULAR_KEPT, 0);
        let items = catalogue.items.len();
        let mut unavailable = vec![0u64; (items as usize).div_ceil(64)];
        let mut items_by_category: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for index in 0..items {
            let Some(item) = catalogue.item(index) else { continue };
            if !item.available {
                unavailable[index as usize / 64] |= 1 << (index % 64);
            }
            for category in &item.categories {
                match items_by_category.get_mut(category) {
                    Some(list) => list.push(index),
                    None => {
                        items_by_category.insert(category.clone(), vec![index]);
                    }
                }
            }
        }
        Ok(Base {
            manifest: log.manifest().clone(),
            checksum: log.checksum().to_owned(),
            catalogue,
            sequences,
            popularity,
            popular: scored.into_iter().map(|(item, _)| item).collect(),
            unavailable,
            items_by_category,
        })
    }

    /// Whether times of this log are places in a sequence, so that a live event has no place.
    pub(crate) fn order_only(&self) -> bool {
        self.manifest.clock == ClockKind::OrderOnly && self.manifest.events > 0
    }
}
