//! 64-bit mixing: the finaliser of splitmix64, with an increment so that different uses of a key
//! are independent (correlated hashes break cuckoo tables at small loads).

/// Spreads a number.
#[inline(always)]
pub(crate) fn mix(x: u64, increment: u64) -> u64 {
    let mut x = x.wrapping_add(increment);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The number that became this one.
pub(crate) fn unmix(mixed: u64, increment: u64) -> u64 {
    // Each step is undone, the last one first; factors by their inverses modulo 2^64.
    let mut x = mixed ^ (mixed >> 31) ^ (mixed >> 62);
    x = x.wrapping_mul(0x3196_42b2_d24d_8ec3);
    x = x ^ (x >> 27) ^ (x >> 54);
    x = x.wrapping_mul(0x96de_1b17_3f11_9089);
    (x ^ (x >> 30) ^ (x >> 60)).wrapping_sub(increment)
}

/// A number below `n`, by multiplying: no bias of a remainder.
#[inline(always)]
pub(crate) fn below(hash: u64, n: u32) -> usize {
    ((u128::from(hash) * u128::from(n)) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_mixed_comes_back() {
        for key in [0, 1, u64::MAX, 1 << 63].into_iter().chain((0..1000).map(|at| at * at * at))
        {
            assert_eq!(unmix(mix(key, 77), 77), key);
        }
    }
}
