//! Rows for serving in a byte or half a byte a number, in the row layouts of FBGEMM: numbers first, then
//! scale and bias of the row, little-endian. Not for training: a step is less than a level.

use std::ops::RangeInclusive;

use crate::dtype::{from_f16, to_f16};
use crate::{Dtype, Error, Result};

/// Appends a row as int8: a byte a number, then scale and bias in f32.
///
/// # Errors
/// Where a number, or the distance of the least and the largest, is not finite.
pub fn encode_int8(row: &[f32], out: &mut Vec<u8>) -> Result<()> {
    let (least, largest) = ends(row)?;
    let range = largest - least;
    let by = 255.0 / (range + 1e-8);
    out.extend(row.iter().map(|value| ((value - least) * by).round_ties_even() as u8));
    out.extend_from_slice(&(range / 255.0).to_le_bytes());
    out.extend_from_slice(&least.to_le_bytes());
    Ok(())
}

/// Appends a row as int4: two numbers a byte, the first one low, then scale and bias in binary16.
///
/// # Errors
/// As [`encode_int8`], and where the least number is beyond binary16.
pub fn encode_int4(row: &[f32], out: &mut Vec<u8>) -> Result<()> {
    let (least, largest) = ends(row)?;
    let bias = to_f16(least);
    if !from_f16(bias).is_finite() {
        return Err(wrong(format!("{least} is beyond binary16")));
    }
    let least = from_f16(bias);
    let mut scale = from_f16(to_f16((largest - least) / 15.0));
    if scale == 0.0 || !scale.is_finite() || !scale.recip().is_finite() {
        scale = 1.0;
    }
    let level = |value: &f32| {
        ((value - least) * scale.recip()).round_ties_even().clamp(0.0, 15.0) as u8
    };
    let pair = |pair: &[f32]| level(&pair[0]) | (pair.get(1).map_or(0, level) << 4);
    out.extend(row.chunks(2).map(pair));
    out.extend_from_slice(&to_f16(scale).to_le_bytes());
    out.extend_from_slice(&bias.to_le_bytes());
    Ok(())
}

/// Scale and bias of an int8 row.
#[inline(always)]
pub(crate) fn ends_int8(bytes: &[u8], width: usize) -> (f32, f32) {
    let four = |at| f32::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
    (four(width), four(width + 4))
}

/// Scale and bias of an int4 row.
#[inline(always)]
pub(crate) fn ends_int4(bytes: &[u8], width: usize) -> (f32, f32) {
    let two = |at| from_f16(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let from = width.div_ceil(2);
    (two(from), two(from + 2))
}

/// `out += scale · number + bias`, of a row in int8.
#[inline(always)]
pub(crate) fn add_int8(bytes: &[u8], scale: f32, bias: f32, out: &mut [f32]) {
    out.iter_mut().zip(bytes).for_each(|(out, q)| *out += scale * f32::from(*q) + bias);
}

/// The same of a row in int4.
#[inline(always)]
pub(crate) fn add_int4(bytes: &[u8], scale: f32, bias: f32, out: &mut [f32]) {
    for (pair, byte) in out.chunks_mut(2).zip(bytes) {
        pair[0] += scale * f32::from(byte & 15) + bias;
        if let Some(high) = pair.get_mut(1) {
            *high += scale * f32::from(byte >> 4) + bias;
        }
    }
}

/// Numbers of an int8 row.
///
/// # Errors
/// Where there are not as many bytes as the row of `out` takes, or scale and bias are no ends of a row;
/// `out` is untouched then.
pub fn decode_int8(bytes: &[u8], out: &mut [f32]) -> Result<()> {
    length(bytes, Dtype::Int8.row_bytes(out.len()))?;
    let (scale, bias) = ends_int8(bytes, out.len());
    levels(scale, 0.0..=f32::MAX, bias, 255.0)?;
    out.fill(0.0);
    add_int8(bytes, scale, bias, out);
    Ok(())
}

/// Numbers of an int4 row.
///
/// # Errors
/// As [`decode_int8`].
pub fn decode_int4(bytes: &[u8], out: &mut [f32]) -> Result<()> {
    length(bytes, Dtype::Int4.row_bytes(out.len()))?;
    let (scale, bias) = ends_int4(bytes, out.len());
    // Where all numbers are nearly the same, the bias may be rounded to above them.
    levels(scale, f32::MIN..=f32::MAX, bias, 15.0)?;
    out.fill(0.0);
    add_int4(bytes, scale, bias, out);
    Ok(())
}

fn length(bytes: &[u8], needed: usize) -> Result<()> {
    match bytes.len() == needed {
        true => Ok(()),
        false => Err(wrong(format!("{} bytes, {needed} are needed", bytes.len()))),
    }
}

fn levels(scale: f32, among: RangeInclusive<f32>, bias: f32, most: f32) -> Result<()> {
    match among.contains(&scale) && (scale * most + bias).is_finite() {
        true => Ok(()),
        false => Err(wrong(format!("scale {scale} and bias {bias}"))),
    }
}

/// The least number and the largest.
fn ends(row: &[f32]) -> Result<(f32, f32)> {
    if let Some(at) = row.iter().position(|value| !value.is_finite()) {
        return Err(wrong(format!("number {at} is {}", row[at])));
    }
    let least = row.iter().copied().fold(f32::INFINITY, f32::min);
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    match (largest - least).is_finite() && !row.is_empty() {
        true => Ok((least, largest)),
        false => Err(wrong("its numbers are too far apart, or none".into())),
    }
}

fn wrong(what: String) -> Error {
    Error::Setting { field: "row", what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_layout() {
        // By hand: 0 to 15 in steps of 1 is exact in both; 255 in int8.
        let mut out = Vec::new();
        encode_int4(&[0.0, 15.0, 1.0, 2.0, 7.0], &mut out).expect("finite");
        assert_eq!(out, [0xf0, 0x21, 0x07, 0x00, 0x3c, 0, 0]);
        out.clear();
        encode_int8(&[-1.0, 254.0, 0.0], &mut out).expect("finite");
        assert_eq!(out, [0, 255, 1, 0, 0, 0x80, 0x3f, 0, 0, 0x80, 0xbf]);
        out.clear();
        for bad in [&[f32::NAN][..], &[f32::MAX, f32::MIN], &[]] {
            assert!(encode_int8(bad, &mut out).is_err() && encode_int4(bad, &mut out).is_err());
        }
        assert!(out.is_empty());
        encode_int4(&[0.5; 3], &mut out).expect("constant");
        assert_eq!(out, [0, 0, 0, 0x3c, 0, 0x38]);
    }
}
