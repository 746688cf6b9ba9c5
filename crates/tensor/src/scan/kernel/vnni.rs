//! The kernel for AVX-512 with VNNI: `vpdpbusd` adds four products to each of 16 sums.
//!
//! `Q` queries meet `G` groups in `Q · G` registers of sums, so that every line and every word
//! that is read serves several instructions: 8 × 2 keeps the multiplier busy in every cycle
//! (its result takes four), and a lone query takes four groups for the same reason.

use std::arch::x86_64::{
    __m512, __m512i, _CMP_GE_OQ, _MM_HINT_T0, _mm_prefetch, _mm512_cmp_ps_mask,
    _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_load_ps, _mm512_load_si512, _mm512_mul_ps,
    _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_si512, _mm512_storeu_si512,
};
use std::ops::Range;

use super::Gate;
use crate::scan::panel::{GROUP, Lanes, Line, Panel, Tile};

/// How far ahead lines are asked for.
const LINES_AHEAD: usize = 64;

#[target_feature(enable = "avx512f,avx512vnni")]
pub(super) fn scan<const Q: usize>(
    panel: &Panel,
    groups: Range<usize>,
    tile: &Tile,
    gate: &mut impl Gate<Q>,
) {
    let rest = if Q > 4 {
        several::<Q, 2>(panel, groups, tile, gate)
    } else {
        several::<Q, 4>(panel, groups, tile, gate)
    };
    several::<Q, 1>(panel, rest, tile, gate);
}

/// `G` groups at a time; gives back the groups that are left.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn several<const Q: usize, const G: usize>(
    panel: &Panel,
    groups: Range<usize>,
    tile: &Tile,
    gate: &mut impl Gate<Q>,
) -> Range<usize> {
    // Counts that the compiler knows keep the sums in registers.
    let starts: &[i32; Q] = tile.starts.first_chunk().expect("a start for each query");
    let (words, _) = tile.words.as_chunks::<Q>();
    let mut group = groups.start;
    while group + G <= groups.end {
        let mut lines: [&[Line]; G] = [&[]; G];
        for (other, lines) in lines.iter_mut().enumerate() {
            *lines = &panel.lines(group + other)[..words.len()];
        }
        let mut sums = [[_mm512_setzero_si512(); G]; Q];
        for (sums, start) in sums.iter_mut().zip(starts) {
            *sums = [_mm512_set1_epi32(*start); G];
        }
        for (quad, words) in words.iter().enumerate() {
            let mut rows = [_mm512_setzero_si512(); G];
            for other in 0..G {
                rows[other] = load(&lines[other][quad]);
                fetch(&lines[other][quad]);
            }
            for query in 0..Q {
                let word =
                    _mm512_set1_epi32(i32::from_ne_bytes(words[query].map(i8::cast_unsigned)));
                for other in 0..G {
                    sums[query][other] =
                        _mm512_dpbusd_epi32(sums[query][other], rows[other], word);
                }
            }
        }
        // All comparisons before any is looked at: a loop with a call in it would move the sums
        // out of the registers.
        let mut floors = [[0.0f32; Q]; G];
        for (other, floors) in floors.iter_mut().enumerate() {
            *floors = gate.floors(group + other);
        }
        let mut reach = [[0u16; G]; Q];
        let mut any = 0u16;
        for query in 0..Q {
            for other in 0..G {
                let estimates = _mm512_mul_ps(
                    _mm512_cvtepi32_ps(sums[query][other]),
                    lanes(panel.scales(group + other)),
                );
                let floor = _mm512_set1_ps(floors[other][query]);
                reach[query][other] = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(estimates, floor);
                any |= reach[query][other];
            }
        }
        if any != 0 {
            let mut stored = [[[0i32; GROUP]; G]; Q];
            for query in 0..Q {
                for other in 0..G {
                    store(sums[query][other], &mut stored[query][other]);
                }
            }
            for (query, (reach, stored)) in reach.iter().zip(&stored).enumerate() {
                for (other, (reach, stored)) in reach.iter().zip(stored).enumerate() {
                    if *reach != 0 {
                        gate.take(query, group + other, *reach, stored);
                    }
                }
            }
        }
        group += G;
    }
    group..groups.end
}

#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "the instruction takes a pointer")]
fn load(line: &Line) -> __m512i {
    // SAFETY: a line is 64 bytes, aligned to 64.
    unsafe { _mm512_load_si512(line.0.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "the instruction takes a pointer")]
fn lanes(lanes: &Lanes) -> __m512 {
    // SAFETY: lanes are 16 f32, aligned to 64.
    unsafe { _mm512_load_ps(lanes.0.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "the instruction takes a pointer")]
fn store(sums: __m512i, to: &mut [i32; GROUP]) {
    // SAFETY: the array is 64 bytes; the instruction asks for no alignment.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), sums) };
}

/// Asks for what comes after `line`; a hint, which may name any address. The processor's own
/// reading ahead ends at every page.
#[inline]
#[target_feature(enable = "avx512f")]
fn fetch(line: &Line) {
    let ahead = std::ptr::from_ref(line).wrapping_add(LINES_AHEAD);
    _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
}
