//! The topic tree: the truth behind hierarchical ids and behind words.

use crate::WorldConfig;
use crate::dice::{Dice, Purpose, Seed};
use crate::vector::{Vector, direction, mixed};

/// Nodes level by level, the root (which has no direction) left out.
#[derive(Debug, Clone)]
pub struct Topics {
    branching: Vec<u16>,
    /// First node of each level.
    levels: Vec<u32>,
    directions: Vec<Vector>,
    /// Cumulated popularity of leaves, the last is 1.
    popularity: Vec<f32>,
}

impl Topics {
    pub(crate) fn new(config: &WorldConfig, seed: &Seed) -> Topics {
        let branching = config.topics.branching.clone();
        let mut levels = Vec::with_capacity(branching.len());
        let mut directions: Vec<Vector> = Vec::new();
        let (mut above, mut wide) = (0usize, 1usize);
        for (level, children) in branching.iter().enumerate() {
            let first = directions.len();
            levels.push(first as u32);
            for parent in 0..wide {
                for _ in 0..*children {
                    let node = directions.len() as u64;
                    let own = direction(&mut seed.dice(Purpose::Topics, node, 0));
                    directions.push(match level {
                        0 => own,
                        _ => mixed(
                            &directions[above + parent],
                            &own,
                            1.0 - config.topics.inherit,
                        ),
                    });
                }
            }
            above = first;
            wide *= usize::from(*children);
        }
        let popularity = popularity(wide, config.topics.zipf, seed);
        Topics { branching, levels, directions, popularity }
    }

    /// How many leaves there are.
    pub fn leaves(&self) -> u32 {
        self.popularity.len() as u32
    }

    /// Levels below the root.
    pub fn depth(&self) -> usize {
        self.branching.len()
    }

    /// The child that is taken at each level on the way to a leaf.
    pub fn path(&self, leaf: u32) -> Vec<u16> {
        let mut rest = leaf;
        let mut path = vec![0; self.branching.len()];
        for (at, children) in self.branching.iter().enumerate().rev() {
            path[at] = (rest % u32::from(*children)) as u16;
            rest /= u32::from(*children);
        }
        path
    }

    /// The node of a leaf at a level (from 0), numbered over all levels.
    pub(crate) fn node(&self, leaf: u32, level: usize) -> u32 {
        let below: u32 = self.branching[level + 1..].iter().map(|n| u32::from(*n)).product();
        self.levels[level] + leaf / below
    }

    pub(crate) fn direction(&self, leaf: u32) -> &Vector {
        &self.directions[self.node(leaf, self.depth() - 1) as usize]
    }

    /// A leaf, drawn by popularity.
    pub(crate) fn draw(&self, dice: &mut Dice) -> u32 {
        let share = dice.share();
        let at = self.popularity.partition_point(|upto| *upto <= share);
        at.min(self.popularity.len() - 1) as u32
    }
}

/// Which leaf is how popular falls by a hash, so that neighbours differ.
fn popularity(leaves: usize, zipf: f32, seed: &Seed) -> Vec<f32> {
    let mut order: Vec<usize> = (0..leaves).collect();
    let mut dice = seed.dice(Purpose::Topics, u64::from(u32::MAX), 0);
    for last in (1..leaves).rev() {
        order.swap(last, dice.below(last as u32 + 1) as usize);
    }
    let mut weights = vec![0.0f64; leaves];
    for (rank, leaf) in order.iter().enumerate() {
        weights[*leaf] = ((rank + 1) as f64).powf(-f64::from(zipf));
    }
    let total: f64 = weights.iter().sum();
    let mut upto = 0.0;
    weights
        .iter()
        .map(|weight| {
            upto += weight;
            (upto / total) as f32
        })
        .collect()
}
