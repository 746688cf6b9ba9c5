//! Rows as bytes: numbers one after another, little-endian, in the format of their table.

use serde::{Deserialize, Serialize};

use super::{Error, Result};
use crate::dtype::{from_bf16, from_f16, to_bf16, to_f16};
use crate::{Dtype, TableConfig};

/// Number format of shipped rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// 4 bytes a number.
    F32,
    /// 2 bytes a number, the upper half of an f32.
    Bf16,
    /// 2 bytes a number, IEEE 754 binary16.
    F16,
}

impl Format {
    /// The format in which rows of a table are shipped without loss.
    ///
    /// # Errors
    /// Of rows that only serve: rows are shipped as they were trained.
    pub fn of(config: &TableConfig) -> Result<Format> {
        Ok(match config.dtype {
            Dtype::F32 => Format::F32,
            Dtype::Bf16 => Format::Bf16,
            Dtype::F16 => Format::F16,
            Dtype::Int8 | Dtype::Int4 => {
                let what = "its rows only serve; ship the table that they were made of";
                let place = format!("table {}, {:?}", config.name, config.dtype);
                return Err(Error::contents(place, what));
            }
        })
    }

    /// The number format of tables that keep such rows.
    pub fn dtype(self) -> Dtype {
        match self {
            Format::F32 => Dtype::F32,
            Format::Bf16 => Dtype::Bf16,
            Format::F16 => Dtype::F16,
        }
    }

    /// Bytes of a row.
    pub fn row_bytes(self, width: usize) -> usize {
        self.dtype().row_bytes(width)
    }

    /// Appends a row; whether all of it is finite, also after rounding.
    pub(super) fn encode(self, row: &[f32], out: &mut Vec<u8>) -> bool {
        let from = out.len();
        match self {
            Format::F32 => row.iter().for_each(|v| out.extend_from_slice(&v.to_le_bytes())),
            Format::Bf16 => {
                row.iter().for_each(|v| out.extend_from_slice(&to_bf16(*v).to_le_bytes()));
            }
            Format::F16 => {
                row.iter().for_each(|v| out.extend_from_slice(&to_f16(*v).to_le_bytes()));
            }
        }
        self.first_bad(&out[from..]).is_none()
    }

    /// Bytes of a row back into numbers.
    pub(super) fn decode(self, bytes: &[u8], out: &mut [f32]) {
        match self {
            Format::F32 => {
                let (values, _) = bytes.as_chunks::<4>();
                out.iter_mut().zip(values).for_each(|(out, v)| *out = f32::from_le_bytes(*v));
            }
            Format::Bf16 => {
                let (values, _) = bytes.as_chunks::<2>();
                let each = |(out, v): (&mut f32, &[u8; 2])| {
                    *out = from_bf16(u16::from_le_bytes(*v));
                };
                out.iter_mut().zip(values).for_each(each);
            }
            Format::F16 => {
                let (values, _) = bytes.as_chunks::<2>();
                let each = |(out, v): (&mut f32, &[u8; 2])| {
                    *out = from_f16(u16::from_le_bytes(*v));
                };
                out.iter_mut().zip(values).for_each(each);
            }
        }
    }

    /// Place of the first number that is not finite: an exponent of ones.
    pub(super) fn first_bad(self, bytes: &[u8]) -> Option<usize> {
        // Most blocks have none, and are looked at side by side.
        match self {
            Format::F32 => {
                let bad = |v: &[u8; 4]| u32::from_le_bytes(*v) & 0x7f80_0000 == 0x7f80_0000;
                first(bytes.as_chunks::<4>().0, bad)
            }
            Format::Bf16 => {
                let bad = |v: &[u8; 2]| u16::from_le_bytes(*v) & 0x7f80 == 0x7f80;
                first(bytes.as_chunks::<2>().0, bad)
            }
            Format::F16 => {
                let bad = |v: &[u8; 2]| u16::from_le_bytes(*v) & 0x7c00 == 0x7c00;
                first(bytes.as_chunks::<2>().0, bad)
            }
        }
    }
}

#[inline(always)]
fn first<T>(values: &[T], bad: impl Fn(&T) -> bool) -> Option<usize> {
    let mut from = 0;
    for block in values.chunks(1024) {
        if block.iter().fold(false, |any, value| any | bad(value)) {
            return block.iter().position(&bad).map(|at| from + at);
        }
        from += block.len();
    }
    None
}
