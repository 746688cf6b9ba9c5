//! The kernel in plain Rust.

use std::ops::Range;

use super::Gate;
use crate::scan::panel::{GROUP, Panel, Tile};

pub(super) fn scan<const Q: usize>(
    panel: &Panel,
    groups: Range<usize>,
    tile: &Tile,
    gate: &mut impl Gate<Q>,
) {
    for group in groups {
        let floors = gate.floors(group);
        let scales = panel.scales(group);
        for query in 0..Q {
            let mut sums = [tile.starts[query]; GROUP];
            for (line, words) in panel.lines(group).iter().zip(tile.words.chunks_exact(Q)) {
                let (quads, _) = line.0.as_chunks::<4>();
                for (sum, quad) in sums.iter_mut().zip(quads) {
                    for (byte, code) in quad.iter().zip(words[query]) {
                        // On the way a sum may pass 2^31 and come back.
                        *sum = sum.wrapping_add(i32::from(*byte) * i32::from(code));
                    }
                }
            }
            let mut reach = 0u16;
            for (lane, (sum, scale)) in sums.iter().zip(scales.0).enumerate() {
                reach |= u16::from(*sum as f32 * scale >= floors[query]) << lane;
            }
            if reach != 0 {
                gate.take(query, group, reach, &sums);
            }
        }
    }
}
