//! Rows for serving in a byte or half a byte a number, in the row layouts of FBGEMM: numbers first, then
//! scale and bias of the row, little-endian. Not for training: a step is less than a level.

use crate::dtype::{from_f16, to_f16};
use crate::{Error, Result};

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
