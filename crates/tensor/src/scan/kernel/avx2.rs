//! The kernel for AVX2, in 16-bit products.
//!
//! `vpmaddubsw` would multiply bytes, but adds pairs in 16 bits and saturates at full range;
//! `vpmaddwd` adds pairs of 16-bit products in 32 bits, exactly. A word of four codes is split
//! into its even and odd ones on both sides, so that nothing has to be moved between places.

use std::arch::x86_64::{
    __m256, __m256i, _CMP_GE_OQ, _mm256_add_epi32, _mm256_and_si256, _mm256_cmp_ps,
    _mm256_cvtepi32_ps, _mm256_load_ps, _mm256_load_si256, _mm256_madd_epi16,
    _mm256_movemask_ps, _mm256_mul_ps, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_ps,
    _mm256_setzero_si256, _mm256_slli_epi16, _mm256_srai_epi16, _mm256_srli_epi16,
    _mm256_storeu_si256,
};
use std::ops::Range;

use super::Gate;
use crate::scan::panel::{GROUP, Lanes, Line, Panel, Tile};

/// A group is two registers.
const HALVES: usize = 2;
/// Places of a register.
const PLACES: usize = GROUP / HALVES;

#[target_feature(enable = "avx2")]
pub(super) fn scan<const Q: usize>(
    panel: &Panel,
    groups: Range<usize>,
    tile: &Tile,
    gate: &mut impl Gate<Q>,
) {
    for group in groups {
        // Sums of four queries and what they are made of fit into 16 registers.
        match Q {
            1 => some::<Q, 1>(panel, group, tile, gate, 0),
            2 => some::<Q, 2>(panel, group, tile, gate, 0),
            _ => {
                for first in (0..Q).step_by(4) {
                    some::<Q, 4>(panel, group, tile, gate, first);
                }
            }
        }
    }
}

/// Queries `first..first + N` of the tile on one group.
#[inline]
#[target_feature(enable = "avx2")]
fn some<const Q: usize, const N: usize>(
    panel: &Panel,
    group: usize,
    tile: &Tile,
    gate: &mut impl Gate<Q>,
    first: usize,
) {
    let starts: &[i32; N] = tile.starts[first..].first_chunk().expect("a start for each query");
    let (words, _) = tile.words.as_chunks::<Q>();
    let low = _mm256_set1_epi16(0xff);
    let mut sums = [[_mm256_setzero_si256(); HALVES]; N];
    for (sums, start) in sums.iter_mut().zip(starts) {
        *sums = [_mm256_set1_epi32(*start); HALVES];
    }
    for (line, words) in panel.lines(group).iter().zip(words) {
        let mut even = [_mm256_setzero_si256(); HALVES];
        let mut odd = even;
        for half in 0..HALVES {
            let bytes = load(line, half);
            even[half] = _mm256_and_si256(bytes, low);
            odd[half] = _mm256_srli_epi16::<8>(bytes);
        }
        let words = &words[first..first + N];
        for query in 0..N {
            let word =
                _mm256_set1_epi32(i32::from_ne_bytes(words[query].map(i8::cast_unsigned)));
            let even_codes = _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(word));
            let odd_codes = _mm256_srai_epi16::<8>(word);
            for half in 0..HALVES {
                let products = _mm256_add_epi32(
                    _mm256_madd_epi16(even[half], even_codes),
                    _mm256_madd_epi16(odd[half], odd_codes),
                );
                sums[query][half] = _mm256_add_epi32(sums[query][half], products);
            }
        }
    }
    let floors = gate.floors(group);
    let scales = panel.scales(group);
    for (query, sums) in (first..).zip(sums) {
        let floor = _mm256_set1_ps(floors[query]);
        let mut reach = 0u16;
        for (half, sums) in sums.into_iter().enumerate() {
            let estimates = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), lanes(scales, half));
            let places = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(estimates, floor));
            reach |= (places as u16) << (half * PLACES);
        }
        if reach != 0 {
            gate.take(query, group, reach, &stored(sums));
        }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
#[allow(unsafe_code, reason = "the instruction takes a pointer")]
fn load(line: &Line, half: usize) -> __m256i {
    let bytes = &line.0[half * 4 * PLACES..][..4 * PLACES];
    // SAFETY: the slice is 32 bytes, and half a line is aligned to 32.
    unsafe { _mm256_load_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
#[allow(unsafe_code, reason = "the instruction takes a pointer")]
fn lanes(lanes: &Lanes, half: usize) -> __m256 {
    let places = &lanes.0[half * PLACES..][..PLACES];
    // SAFETY: the slice is 8 f32, and half of the lanes is aligned to 32.
    unsafe { _mm256_load_ps(places.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx2")]
#[allow(unsafe_code, reason = "the instruction takes a pointer")]
fn stored(sums: [__m256i; HALVES]) -> [i32; GROUP] {
    let mut stored = [0i32; GROUP];
    for (places, sums) in stored.chunks_exact_mut(PLACES).zip(sums) {
        // SAFETY: the slice is 32 bytes; the instruction asks for no alignment.
        unsafe { _mm256_storeu_si256(places.as_mut_ptr().cast(), sums) };
    }
    stored
}
