//! A server's copy of a model, which knows what was shipped to it and nothing more.

use anyhow::Result;
use evaluate::ranking::{hits, ndcg};
use models::{Past, SequenceModel};
use tensor::Workspace;

/// Items that a list has.
pub(super) const K: usize = 10;

/// A copy.
pub(super) struct Replica {
    network: SequenceModel,
    /// `[items, dim]`, 0 where none was shipped.
    items: Vec<f32>,
    /// Items that it has no row of, rising.
    unmet: Vec<u32>,
    pub(super) tally: Tally,
}

/// What became of the clicks that it was asked about before they happened.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) judged: u64,
    pub(super) hits: f64,
    pub(super) ndcg: f64,
}

/// A click that is about to happen: what its user did before, and the item.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) items: &'a [u32],
    pub(super) times_ms: &'a [i64],
    pub(super) now_ms: i64,
    pub(super) taken: u32,
}

impl Replica {
    /// With all rows of a training, `[n, dim]`.
    pub(super) fn new(network: SequenceModel, items: &[f32]) -> Replica {
        Replica { network, items: items.to_vec(), unmet: Vec::new(), tally: Tally::default() }
    }

    /// Takes over the network, and rows of items.
    pub(super) fn take(&mut self, network: &SequenceModel, ids: &[u64], rows: &[f32]) {
        self.network = network.clone();
        let dim = self.network.dim();
        for (id, row) in ids.iter().zip(rows.chunks_exact(dim)) {
            let at = *id as usize;
            let count = self.items.len() / dim;
            if at >= count {
                self.items.resize((at + 1) * dim, 0.0);
                self.unmet.extend(count as u32..=at as u32);
            }
            self.items[at * dim..][..dim].copy_from_slice(row);
            if let Ok(place) = self.unmet.binary_search(&(at as u32)) {
                self.unmet.remove(place);
            }
        }
    }

    /// Ranks the catalogue that it knows for each, and counts.
    pub(super) fn judge(
        &mut self,
        asked: &[Asked<'_>],
        workspace: &mut Workspace,
    ) -> Result<()> {
        let count = (self.items.len() / self.network.dim()) as u32;
        let known = |item: u32| item < count && self.unmet.binary_search(&item).is_err();
        let read: Vec<(Vec<u32>, Vec<i64>)> = asked
            .iter()
            .map(|it| {
                let events = it.items.iter().zip(it.times_ms);
                let known = events.filter(|(item, _)| known(**item));
                known.map(|(item, time)| (*item, *time)).unzip()
            })
            .collect();
        let pasts: Vec<Past<'_>> = read
            .iter()
            .zip(asked)
            .map(|((items, times_ms), it)| Past { items, times_ms, now_ms: it.now_ms })
            .collect();
        let unmet: Vec<&[u32]> = vec![&self.unmet; asked.len()];
        let lists = train::rank(&self.network, workspace, &self.items, &pasts, &unmet, K, 1)?;
        for (list, it) in lists.iter().zip(asked) {
            let found = hits(list, &[it.taken]);
            self.tally.judged += 1;
            self.tally.hits += f64::from(u8::from(found.contains(&true)));
            self.tally.ndcg += ndcg(&found, 1, K).unwrap_or(0.0);
        }
        Ok(())
    }
}
