//! Numbers that the reference kernels compute in: `f32` as the fast kernels do, `f64` for
//! finite differences.

use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// `f32` or `f64`.
pub trait Real:
    Copy
    + Debug
    + Display
    + Default
    + PartialEq
    + PartialOrd
    + Send
    + Sync
    + Sum
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Below every number.
    const NEG_INFINITY: Self;

    /// The nearest such number.
    fn of(value: f64) -> Self;
    /// As `f64`, exactly.
    fn wide(self) -> f64;
    /// e to this power.
    fn exp(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// The larger of two; a NaN loses.
    fn max(self, other: Self) -> Self;
    /// Without its sign.
    fn abs(self) -> Self;
}

macro_rules! real {
    ($name:ident) => {
        impl Real for $name {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NEG_INFINITY: Self = $name::NEG_INFINITY;

            #[inline]
            #[allow(clippy::cast_possible_truncation, reason = "rounding is what is asked")]
            fn of(value: f64) -> Self {
                value as $name
            }

            #[inline]
            #[allow(clippy::cast_lossless, reason = "one body for both widths")]
            fn wide(self) -> f64 {
                self as f64
            }

            #[inline]
            fn exp(self) -> Self {
                $name::exp(self)
            }

            #[inline]
            fn ln(self) -> Self {
                $name::ln(self)
            }

            #[inline]
            fn sqrt(self) -> Self {
                $name::sqrt(self)
            }

            #[inline]
            fn tanh(self) -> Self {
                $name::tanh(self)
            }

            #[inline]
            fn max(self, other: Self) -> Self {
                $name::max(self, other)
            }

            #[inline]
            fn abs(self) -> Self {
                $name::abs(self)
            }
        }
    };
}

real!(f32);
real!(f64);
