//! A history that is kept encoded: the next event costs itself, and many candidates for it are
//! scored without encoding the history again (M-FALCON, Zhai et al. 2024, section 3.4).
//!
//! What a token asks depends on when the event after it happened, and so do its keys and values
//! in all blocks but the first. So all events but the last are kept for good; the last is asked
//! anew at each request, with the time of the request, and kept for good once there is another.

use tensor::{EventRows, KeyValues, NextTokens, Offsets, Tape, Var, Workspace};

use super::{AttentionWeights, Block, Hstu};
use crate::{Error, Past, Positions, Result, seconds};

/// Candidates that pass through the model together, unless said otherwise: their rows fit the
/// second-level cache.
pub const MICRO_BATCH: usize = 256;

/// What is kept of one history.
#[derive(Debug, Clone, Default)]
pub struct HstuCache {
    /// Of each block: the events that are over, and the last where it was asked.
    blocks: Vec<KeyValues>,
    /// Every event: its row of the items' matrix and its time in seconds, the last one's too.
    items: Vec<u32>,
    happened_at: Vec<i64>,
    /// When the last event was asked, where it lies in `blocks`, and its hidden state.
    asked: Option<(i64, Vec<f32>)>,
}

impl HstuCache {
    /// Events.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        let keys = self.blocks.iter().map(KeyValues::bytes).sum::<usize>();
        let state = self.asked.as_ref().map_or(0, |(_, state)| state.capacity() * 4);
        keys + state + self.items.capacity() * 4 + self.happened_at.capacity() * 8
    }

    /// Whether it holds the beginning of `past` and no other event, so that it can go on to be
    /// all of it.
    pub fn begins(&self, past: &Past<'_>) -> bool {
        let times = past.times_ms.iter().map(|ms| seconds(*ms));
        past.items.len() == past.times_ms.len()
            && past.items.starts_with(&self.items)
            && self.happened_at.iter().copied().eq(times.take(self.len()))
    }

    /// Events that lie in `blocks` for good.
    fn over(&self) -> usize {
        let kept = self.blocks.first().map_or(0, KeyValues::len);
        if self.asked.is_some() { kept - 1 } else { kept }
    }
}

/// New tokens on their way through the blocks.
struct Next<'a> {
    items: &'a [u32],
    positions: Vec<u32>,
    happened_at: &'a [i64],
    asked_at: &'a [i64],
    candidates: bool,
}

impl Hstu {
    /// Whether encoded histories of this model can be kept.
    pub fn can_keep(&self) -> bool {
        self.config.positions == Positions::FromStart
            && self.config.weights == AttentionWeights::Silu
    }

    /// Brings `cache` up to `past`, which begins with what it holds, and asks its last event at
    /// `past.now_ms` → its hidden state `[dim]`, the last of a fresh encode. The cost is that of
    /// the events that the cache lacks, plus one. `items [n, dim]` are the embeddings. A call
    /// that fails leaves the cache as it was.
    ///
    /// # Errors
    /// Where `past` is empty, too long, begins otherwise or has no times; an item is not below n;
    /// positions are counted from the end or weights are a softmax's (then nothing can be kept).
    pub fn ask(
        &self,
        workspace: &mut Workspace,
        items: &[f32],
        cache: &mut HstuCache,
        past: &Past<'_>,
    ) -> Result<Vec<f32>> {
        let refused = |what: &str| Error::Rows { of: "kept history", what: what.into() };
        if self.config.positions != Positions::FromStart {
            return Err(refused("positions counted from the end change with every event"));
        }
        if past.items.is_empty() || past.items.len() > self.config.length_max as usize {
            return Err(refused(&format!(
                "{} events, not 1 to the {} of length_max",
                past.items.len(),
                self.config.length_max
            )));
        }
        if !cache.begins(past) {
            return Err(refused("what is kept is not the beginning of this history"));
        }
        let now = seconds(past.now_ms);
        if cache.len() == past.items.len()
            && let Some((asked_at, state)) = &cache.asked
            && *asked_at == now
        {
            return Ok(state.clone());
        }
        let over = cache.over();
        let happened_at: Vec<i64> = past.times_ms.iter().map(|ms| seconds(*ms)).collect();
        let mut asked_at = happened_at[over + 1..].to_vec();
        asked_at.push(now);
        let next = Next {
            items: &past.items[over..],
            positions: (over as u32..past.items.len() as u32).collect(),
            happened_at: &happened_at[over..],
            asked_at: &asked_at,
            candidates: false,
        };
        let mut blocks = std::mem::take(&mut cache.blocks);
        blocks.resize_with(self.blocks.len(), || KeyValues::new(self.config.shape()));
        blocks.iter_mut().for_each(|block| block.truncate(over));
        let found = self.pass(workspace, items, &blocks, &happened_at[..over], &next);
        let (states, added) = match found {
            Ok(found) => found,
            Err(why) => {
                // The last event is asked again another time.
                (cache.blocks, cache.asked) = (blocks, None);
                return Err(why);
            }
        };
        for (block, added) in blocks.iter_mut().zip(&added) {
            block.push(added)?;
        }
        let state = states[states.len() - self.config.dim as usize..].to_vec();
        *cache = HstuCache {
            blocks,
            items: past.items.to_vec(),
            happened_at,
            asked: Some((now, state.clone())),
        };
        Ok(state)
    }

    /// The hidden state of each candidate as the event that comes next, `micro_batch` of them at
    /// a time → `[candidates, dim]`: what encoding the history with that candidate alone after it
    /// gives. [`Hstu::ask`] comes before; the time is that of its request.
    ///
    /// # Errors
    /// Where nothing was asked, there is no place after the history, or a candidate is not below
    /// n.
    pub fn candidates(
        &self,
        workspace: &mut Workspace,
        items: &[f32],
        cache: &HstuCache,
        candidates: &[u32],
        micro_batch: usize,
    ) -> Result<Vec<f32>> {
        let refused = |what: String| Error::Rows { of: "candidates", what };
        let Some((now, _)) = &cache.asked else {
            return Err(refused("nothing was asked before".into()));
        };
        if cache.len() >= self.config.length_max as usize {
            let most = self.config.length_max;
            return Err(refused(format!("no place after {} events, of {most}", cache.len())));
        }
        let mut states = Vec::with_capacity(candidates.len() * self.config.dim as usize);
        for batch in candidates.chunks(micro_batch.max(1)) {
            let times = vec![*now; batch.len()];
            let next = Next {
                items: batch,
                positions: vec![cache.len() as u32; batch.len()],
                happened_at: &times,
                asked_at: &times,
                candidates: true,
            };
            let (found, _) =
                self.pass(workspace, items, &cache.blocks, &cache.happened_at, &next)?;
            states.extend_from_slice(&found);
        }
        Ok(states)
    }

    /// New tokens through all blocks → their hidden states, and their values, queries and keys
    /// of each block.
    fn pass(
        &self,
        workspace: &mut Workspace,
        items: &[f32],
        blocks: &[KeyValues],
        history_at: &[i64],
        next: &Next<'_>,
    ) -> Result<(Vec<f32>, Vec<Vec<f32>>)> {
        let tokens = NextTokens {
            history_at,
            happened_at: next.happened_at,
            asked_at: next.asked_at,
            candidates: next.candidates,
        };
        // Nothing is kept yet: the kernel for whole histories is the quicker one.
        let offsets = Offsets::from_lengths(&[next.items.len()])?;
        let fresh = (history_at.is_empty() && !next.candidates)
            .then(|| EventRows::histories(&offsets, next.happened_at, next.asked_at));
        let mut tape = Tape::inference(&self.parameters, workspace);
        let table = tape.leaf(items, self.config.dim as usize)?;
        let mut x = self.embed(&mut tape, table, next.items, &next.positions)?;
        let mut added = Vec::with_capacity(self.blocks.len());
        for (block, history) in self.blocks.iter().zip(blocks) {
            let (y, vqk) = block.next(&mut tape, x, history, tokens, fresh)?;
            added.push(vqk);
            x = y;
        }
        let x = self.finish(&mut tape, x)?;
        let states = tape.value(x).to_vec();
        let added = added.into_iter().map(|vqk| tape.value(vqk).to_vec()).collect();
        Ok((states, added))
    }
}

impl Block {
    /// As [`Block::forward`], for tokens after a kept history; also their values, queries, keys.
    fn next<'a>(
        &'a self,
        tape: &mut Tape<'a>,
        x: Var,
        history: &KeyValues,
        tokens: NextTokens<'_>,
        fresh: Option<EventRows<'a>>,
    ) -> tensor::Result<(Var, Var)> {
        let (u, vqk) = self.project(tape, x)?;
        let biases = self.biases(tape);
        let mixed = match fresh {
            Some(rows) => tape.pointwise_attention(vqk, self.shape, biases, rows)?,
            None => tape.next_attention(vqk, history, biases, tokens)?,
        };
        Ok((self.join(tape, x, u, mixed)?, vqk))
    }
}
