//! How the numbers of a row are kept.

/// Number format of rows. Arithmetic is in f32 whatever they are kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    /// 32 bits.
    F32,
    /// 16 bits with 8 of exponent: the upper half of an f32, rounded to the nearest.
    Bf16,
    /// 16 bits with 5 of exponent (IEEE 754 binary16), rounded to the nearest: finer than [`Dtype::Bf16`],
    /// and infinite from 65,520 on.
    F16,
    /// A byte a number, with scale and bias of its row: for serving ([`crate::Table::to_dtype`]).
    Int8,
    /// Half a byte a number, the same.
    Int4,
}

impl Dtype {
    /// Bytes of a row of `width` numbers, with its scale and bias.
    pub fn row_bytes(self, width: usize) -> usize {
        match self {
            Dtype::F32 => 4 * width,
            Dtype::Bf16 | Dtype::F16 => 2 * width,
            Dtype::Int8 => width + 8,
            Dtype::Int4 => width.div_ceil(2) + 4,
        }
    }

    /// Whether a row has levels of its own, and cannot learn.
    pub fn is_quantised(self) -> bool {
        matches!(self, Dtype::Int8 | Dtype::Int4)
    }
}

/// The largest number of [`Dtype::Bf16`].
pub(crate) const BF16_MAX: f32 = f32::from_bits(0x7f7f_0000);
/// The largest number of [`Dtype::F16`].
pub(crate) const F16_MAX: f32 = 65_504.0;

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

/// To the nearest, ties to even, subnormals too; NaN stays NaN.
#[inline(always)]
pub(crate) fn to_f16(value: f32) -> u16 {
    let bits = value.to_bits();
    let (sign, magnitude) = ((bits >> 16) as u16 & 0x8000, bits & 0x7fff_ffff);
    let half = if magnitude > 0x7f80_0000 {
        0x7e00
    } else if magnitude >= 0x4780_0000 {
        // 2^16 and more.
        0x7c00
    } else if magnitude < 0x3880_0000 {
        // Below 2^-14: the sum with 1/2, whose last bit is 2^-24, rounds as a subnormal must.
        (f32::from_bits(magnitude) + 0.5).to_bits() - 0.5f32.to_bits()
    } else {
        // Another bias; a carry out of the fraction goes where it should, up to infinity.
        (magnitude - (112 << 23) + 0xfff + ((magnitude >> 13) & 1)) >> 13
    };
    sign | half as u16
}

/// Exact.
#[inline(always)]
pub(crate) fn from_f16(bits: u16) -> f32 {
    let (sign, magnitude) = (u32::from(bits & 0x8000) << 16, u32::from(bits & 0x7fff) << 13);
    // 2^112 sets the bias right, and makes subnormals normal; infinity and NaN have no bias.
    let scaled = f32::from_bits(magnitude) * f32::from_bits((127 + 112) << 23);
    let odd = if magnitude >= 0x7c00 << 13 { 0x7f80_0000 } else { 0 };
    f32::from_bits(scaled.to_bits() | odd | sign)
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

    /// A half's value by its definition.
    fn defined(bits: u16) -> f64 {
        let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
        let value = match exponent {
            0 => fraction * 2f64.powi(-24),
            _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
        };
        if bits >> 15 == 1 { -value } else { value }
    }

    #[test]
    fn every_ieee_half_is_there_and_back() {
        for bits in 0..=u16::MAX {
            let value = from_f16(bits);
            match (bits >> 10 & 31, bits & 1023) {
                (31, 0) => assert!(value.is_infinite() && to_f16(value) == bits),
                (31, _) => assert!(value.is_nan() && from_f16(to_f16(value)).is_nan()),
                _ => {
                    assert_eq!(
                        f64::from(value).to_bits(),
                        defined(bits).to_bits(),
                        "{bits:#x}"
                    );
                    assert_eq!(to_f16(value), bits);
                }
            }
        }
        // Between neighbours: each side of the middle, and the middle to the even one.
        for bits in 0..0x7bff_u16 {
            let middle = ((defined(bits) + defined(bits + 1)) / 2.0) as f32;
            let even = bits + (bits & 1);
            let around = [middle.next_down(), middle, middle.next_up()].map(to_f16);
            assert_eq!(around, [bits, even, bits + 1], "{bits:#x}");
            assert_eq!(to_f16(-middle), even | 0x8000);
        }
        assert_eq!([65_519.0, 65_520.0, 1e30].map(to_f16), [0x7bff, 0x7c00, 0x7c00]);
    }
}
