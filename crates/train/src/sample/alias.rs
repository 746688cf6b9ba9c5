//! Drawing from a discrete distribution in constant time: Walker's alias method, with Vose's
//! construction (IEEE Trans. Software Eng. 1991).

use rand::Rng;

use crate::stream::below;

/// A column for each item, holding part of its own probability and the rest of another's.
#[derive(Debug, Clone)]
pub(super) struct Alias {
    /// Draws whose fraction (times 2^64) is not below this go to the other item.
    own: Vec<u64>,
    other: Vec<u32>,
}

impl Alias {
    /// Of probabilities that sum to 1.
    pub(super) fn new(q: &[f64]) -> Alias {
        let mut own = vec![u64::MAX; q.len()];
        let mut other: Vec<u32> = (0..q.len() as u32).collect();
        let mut heights: Vec<f64> = q.iter().map(|share| share * q.len() as f64).collect();
        let (mut low, mut high): (Vec<usize>, Vec<usize>) =
            (0..q.len()).partition(|item| heights[*item] < 1.0);
        while let (Some(short), Some(tall)) = (low.pop(), high.last().copied()) {
            own[short] = (heights[short] * 64f64.exp2()) as u64;
            other[short] = tall as u32;
            heights[tall] -= 1.0 - heights[short];
            if heights[tall] < 1.0 {
                high.pop();
                low.push(tall);
            }
        }
        // What is left has height 1 up to rounding and keeps its whole column, except an item
        // of no probability, which must not appear by rounding.
        if let Some(likely) = (0..q.len()).max_by(|a, b| q[*a].total_cmp(&q[*b])) {
            for item in (0..q.len()).filter(|item| q[*item] <= 0.0) {
                if other[item] as usize == item {
                    other[item] = likely as u32;
                }
                own[item] = 0;
            }
        }
        Alias { own, other }
    }

    #[inline]
    pub(super) fn draw(&self, rng: &mut impl Rng) -> u32 {
        let (column, rest) = below(rng, self.own.len());
        if rest < self.own[column] { column as u32 } else { self.other[column] }
    }
}

#[cfg(test)]
mod tests;
