//! Rows in one byte a number, laid out so that one instruction serves sixteen of them.
//!
//! Rows lie in groups of 16. A group is a run of lines of 64 bytes; line d holds bytes
//! `4 d..4 d + 4` of every row, 16 × 4. An instruction that adds four products to each of 16
//! sums, with four codes of the query in every place, ends with the 16 scores side by side: no
//! horizontal sums, and the comparison with the bar is one more instruction.
//!
//! A byte is code + 128, because the instruction wants one of its factors without a sign; the
//! query's sums start at `-128 Σ codes`. Rows and columns are filled up with zeros (byte 128
//! and code 0).
//!
//! Memory: `ceil(width / 4) · 4 + 12` bytes a row, rows rounded up to 16, and 8 bytes a group.

use rayon::prelude::*;

use super::codes::{Measures, encode};

/// Rows in a group.
pub(super) const GROUP: usize = 16;
/// Codes of a row in a line.
const QUAD: usize = 4;
/// What code 0 is as a byte.
const ZERO: u8 = 128;

/// A cache line: four codes of each of 16 rows.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [u8; GROUP * QUAD]);

/// Measures of a group's rows side by side.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Lanes(pub(super) [f32; GROUP]);

/// The largest measures in a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Most {
    /// Of `Measures::spread`.
    pub(super) spread: f32,
    /// Of `Measures::approximate_norm`.
    pub(super) norm: f32,
}

/// All rows of a catalogue.
#[derive(Debug, Clone)]
pub(super) struct Panel {
    lines: Vec<Line>,
    scales: Vec<Lanes>,
    spreads: Vec<Lanes>,
    norms: Vec<Lanes>,
    most: Vec<Most>,
    /// Lines of a group.
    quads: usize,
}

impl Panel {
    /// Of `values`, `[rows, width]`, whose rows were checked.
    pub(super) fn new(values: &[f32], width: usize) -> Panel {
        let quads = width.div_ceil(QUAD);
        let groups = values.len().div_ceil(GROUP * width);
        let mut panel = Panel {
            lines: vec![Line([ZERO; GROUP * QUAD]); groups * quads],
            scales: vec![Lanes([1.0; GROUP]); groups],
            spreads: vec![Lanes([0.0; GROUP]); groups],
            norms: vec![Lanes([0.0; GROUP]); groups],
            most: vec![Most { spread: 0.0, norm: 0.0 }; groups],
            quads,
        };
        let measures =
            (&mut panel.scales, &mut panel.spreads, &mut panel.norms, &mut panel.most);
        (panel.lines.par_chunks_mut(quads), values.par_chunks(GROUP * width), measures)
            .into_par_iter()
            .for_each_init(
                || vec![0i8; width],
                |codes, (lines, values, (scales, spreads, norms, most))| {
                    for (lane, row) in values.chunks_exact(width).enumerate() {
                        let measures = encode(row, codes);
                        place(lines, lane, codes);
                        scales.0[lane] = measures.scale;
                        spreads.0[lane] = measures.spread(width);
                        norms.0[lane] = measures.approximate_norm;
                        most.spread = most.spread.max(spreads.0[lane]);
                        most.norm = most.norm.max(norms.0[lane]);
                    }
                },
            );
        panel
    }

    /// Groups in all.
    pub(super) fn groups(&self) -> usize {
        self.most.len()
    }

    /// Lines of a group.
    pub(super) fn quads(&self) -> usize {
        self.quads
    }

    /// The lines of group `group`.
    #[inline(always)]
    pub(super) fn lines(&self, group: usize) -> &[Line] {
        &self.lines[group * self.quads..][..self.quads]
    }

    /// The scale of each row of group `group`.
    #[inline(always)]
    pub(super) fn scales(&self, group: usize) -> &Lanes {
        &self.scales[group]
    }

    /// The largest measures in group `group`.
    #[inline(always)]
    pub(super) fn most(&self, group: usize) -> Most {
        self.most[group]
    }

    /// Spread and norm of row `row`.
    pub(super) fn measures(&self, row: usize) -> (f32, f32) {
        let (group, lane) = (row / GROUP, row % GROUP);
        (self.spreads[group].0[lane], self.norms[group].0[lane])
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        let lanes = self.scales.len() + self.spreads.len() + self.norms.len();
        size_of_val(&self.lines[..]) + lanes * size_of::<Lanes>() + size_of_val(&self.most[..])
    }
}

fn place(lines: &mut [Line], lane: usize, codes: &[i8]) {
    for (line, quad) in lines.iter_mut().zip(codes.chunks(QUAD)) {
        for (byte, code) in line.0[lane * QUAD..].iter_mut().zip(quad) {
            *byte = code.cast_unsigned() ^ ZERO;
        }
    }
}

/// Queries that pass over the rows together.
#[derive(Debug)]
pub(super) struct Tile {
    /// Number of its first query.
    pub(super) first: usize,
    /// How many: 1, 2, 4 or 8.
    pub(super) size: usize,
    /// Four codes of each query, `[quads, size]`.
    pub(super) words: Vec<[i8; QUAD]>,
    /// Where each query's sums start.
    pub(super) starts: Vec<i32>,
    /// What is known of each query beside its codes.
    pub(super) measures: Vec<Measures>,
}

/// Most queries in a tile.
const TILE_MAX: usize = 8;

impl Tile {
    /// All of `queries`, `[batch, width]`, in tiles.
    pub(super) fn all(queries: &[f32], width: usize) -> Vec<Tile> {
        let batch = queries.len() / width;
        let mut tiles = Vec::with_capacity(batch.div_ceil(TILE_MAX) + 3);
        let mut first = 0;
        while first < batch {
            let left = batch - first;
            let size = if left >= TILE_MAX { TILE_MAX } else { 1 << left.ilog2() };
            tiles.push(Tile::new(
                &queries[first * width..(first + size) * width],
                width,
                first,
            ));
            first += size;
        }
        tiles
    }

    fn new(queries: &[f32], width: usize, first: usize) -> Tile {
        let size = queries.len() / width;
        let mut words = vec![[0i8; QUAD]; width.div_ceil(QUAD) * size];
        let mut starts = Vec::with_capacity(size);
        let mut measures = Vec::with_capacity(size);
        let mut codes = vec![0i8; width];
        for (number, query) in queries.chunks_exact(width).enumerate() {
            measures.push(encode(query, &mut codes));
            for (quad, codes) in codes.chunks(QUAD).enumerate() {
                words[quad * size + number][..codes.len()].copy_from_slice(codes);
            }
            let sum: i32 = codes.iter().map(|code| i32::from(*code)).sum();
            starts.push(-i32::from(ZERO) * sum);
        }
        Tile { first, size, words, starts, measures }
    }
}
