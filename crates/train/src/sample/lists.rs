//! Independent draws from one distribution: shared, per row, per token.

use rayon::prelude::*;

use super::config::Layout;
use super::distribution::Distribution;
use super::sampled::Sampled;
use super::targets::Targets;
use crate::Result;
use crate::stream::Stream;

/// Tokens that draw from one place of the stream, one after another.
const TOKENS_AT_A_TIME: usize = 32;

/// Lists of `count` draws. With `unseen`, none that the row's user interacted with.
pub(super) fn draw(
    distribution: &Distribution,
    stream: &Stream,
    targets: &Targets<'_>,
    count: usize,
    layout: Layout,
    unseen: bool,
) -> Result<Sampled> {
    let lists = match layout {
        Layout::Shared => 1,
        Layout::PerRow => targets.users.len(),
        Layout::PerToken => targets.items.len(),
    };
    let mut items = vec![0; lists * count];
    let mut log_q = vec![0.0; lists * count];
    let (rows, at_a_time) = match layout {
        Layout::Shared => (Vec::new(), 1),
        Layout::PerRow => ((0..lists as u32).collect(), 1),
        Layout::PerToken => (targets.rows(), TOKENS_AT_A_TIME),
    };
    let group = |(place, (items, log_q)): (usize, (&mut [u32], &mut [f32]))| -> Result<()> {
        let mut rng = stream.at(place);
        if !unseen {
            distribution.fill(&mut rng, items, log_q);
            return Ok(());
        }
        let lists = items.len() / count;
        let rows = &rows[place * at_a_time..][..lists];
        let mut done = 0;
        // Tokens of one row lie together and share the distribution without its user's items.
        for same in rows.chunk_by(|a, b| a == b) {
            let user = targets.users[same[0] as usize];
            let range = done * count..(done + same.len()) * count;
            let left = distribution.without(targets.interacted.items(user), user)?;
            left.fill(&mut rng, &mut items[range.clone()], &mut log_q[range]);
            done += same.len();
        }
        Ok(())
    };
    let piece = at_a_time * count;
    items
        .par_chunks_mut(piece)
        .zip(log_q.par_chunks_mut(piece))
        .enumerate()
        .try_for_each(group)?;
    let positive_log_q = targets.items.iter().map(|item| distribution.log_q(*item)).collect();
    let hits = !unseen || !targets.all_interacted();
    Ok(Sampled { layout, count, items, log_q, positive_log_q, hits })
}
