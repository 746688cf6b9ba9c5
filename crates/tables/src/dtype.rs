//! How the numbers of a row are kept.

/// Number format of rows. Arithmetic is in f32 whatever they are kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    /// 32 bits.
    F32,
    /// 16 bits with 8 of exponent: the upper half of an f32, rounded to the nearest.
    Bf16,
}

impl Dtype {
    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Dtype::F32 => 4,
            Dtype::Bf16 => 2,
        }
    }
}

/// To the nearest, ties to even; NaN stays NaN.
#[inline(always)]
pub(crate) fn to_bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        return (bits >> 16) as u16 | 0x40;
    }
    ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16
}

/// Exact.
#[inline(always)]
pub(crate) fn from_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_to_the_nearest() {
        for value in [0.0f32, -0.0, 1.0, -2.5, 1e-30, 3e38, f32::INFINITY, f32::MIN_POSITIVE] {
            let back = from_bf16(to_bf16(value));
            assert!(
                back.to_bits() == value.to_bits()
                    || ((back - value) / value).abs() <= 1.0 / 256.0,
                "{value} {back}"
            );
        }
        // 1 + 2^-8 lies between 1 and 1 + 2^-7: a tie, to even.
        assert!((from_bf16(to_bf16(1.0 + 1.0 / 256.0)) - 1.0).abs() < 1e-9);
        assert!((from_bf16(to_bf16(1.0 + 3.0 / 256.0)) - (1.0 + 4.0 / 256.0)).abs() < 1e-9);
        assert!(from_bf16(to_bf16(f32::NAN)).is_nan());
    }
}
