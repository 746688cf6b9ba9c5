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
