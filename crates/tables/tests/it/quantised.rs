//! Tables that serve in int8 and int4.

use proptest::prelude::*;
use tables::quantised::{decode_int4, decode_int8};
use tables::{Bags, Dtype, Optimiser, Pooling, Table};

use crate::looking_up::{config, features};

#[test]
fn a_quantised_table_serves_its_rows_and_learns_nothing() {
    let whole = Table::dense(config(64, Dtype::F32, Optimiser::Sgd { rate: 0.1 }), 20).unwrap();
    let bags = features(&[vec![0, 3, 3], vec![19]], 1);
    let bags = Bags::of(&bags, 0);
    // Rows lie between -0.5 and 0.5; int4 rounds its ends to binary16 too.
    for (dtype, bytes, most) in
        [(Dtype::Int8, 72, 0.51 / 255.0), (Dtype::Int4, 36, 0.52 / 15.0)]
    {
        let mut served = whole.to_dtype(dtype).unwrap();
        assert_eq!((dtype.row_bytes(64), served.bytes()), (bytes, 20 * bytes));
        let (mut row, mut own) = ([[0.0f32; 64]; 20], [0.0f32; 64]);
        for (id, row) in (0..20).zip(&mut row) {
            assert!(served.row(id, row) && whole.row(id, &mut own));
            assert!(row.iter().zip(&own).all(|(a, b)| (a - b).abs() <= most));
        }
        let mut out = vec![0.0; 128];
        Table::pooled(&[(&served, bags)], Pooling::Sum, &mut out).unwrap();
        for column in 0..64 {
            let sum = row[0][column] + 2.0 * row[3][column];
            assert!((out[column] - sum).abs() < 1e-5);
            assert!((out[64 + column] - row[19][column]).abs() < 1e-6);
        }
        let error = served.update(&bags, Pooling::Sum, &[0.1; 128], 64, 0).unwrap_err();
        assert!(error.to_string().contains("table t"), "{error}");
        assert!(served.set(0, &[0.0; 64]).is_err());
        let error = tables::ship::Format::of(served.config()).unwrap_err().to_string();
        assert!(error.contains("table t") && error.contains("only serve"), "{error}");
        assert!(Table::keyed(config(4, dtype, Optimiser::Sgd { rate: 0.1 }), 0).is_err());
    }
}

#[test]
fn hostile_rows_are_refused() {
    let mut out = [7.0; 2];
    let row = |scale: f32, bias: f32| {
        [&[1, 2][..], &scale.to_le_bytes(), &bias.to_le_bytes()].concat()
    };
    for (scale, bias) in [(f32::NAN, 0.0), (-1.0, 0.0), (1.0, f32::INFINITY), (f32::MAX, 0.0)] {
        assert!(decode_int8(&row(scale, bias), &mut out).is_err());
    }
    assert!(decode_int8(&row(1.0, 0.0)[1..], &mut out).is_err());
    assert!(decode_int4(&[0x21, 0, 0x7c, 0, 0], &mut out).is_err());
    assert!(decode_int4(&[0x21, 0, 0x3c, 0], &mut out).is_err());
    assert_eq!(out.map(f32::to_bits), [7.0f32; 2].map(f32::to_bits));
    decode_int4(&[0x21, 0, 0x3c, 0, 0x38], &mut out).unwrap();
    assert_eq!(out.map(f32::to_bits), [1.5f32, 2.5].map(f32::to_bits));
}

#[test]
fn a_bias_that_is_rounded_above_its_row_is_read_back() {
    let (mut bytes, mut decoded) = (Vec::new(), [0.0]);
    // The next of binary16 is 96.125.
    tables::quantised::encode_int4(&[96.117_78], &mut bytes).unwrap();
    decode_int4(&bytes, &mut decoded).unwrap();
    assert!((decoded[0] - 96.117_78).abs() < 1e-5, "{decoded:?}");
}

#[test]
fn bytes_and_numbers_are_those_of_numpy() {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../golden/quantised.json")).unwrap();
    let rows: Vec<Vec<f32>> = serde_json::from_value(golden["rows"].clone()).unwrap();
    for (at, row) in rows.iter().enumerate() {
        for name in ["int8", "int4"] {
            let (mut bytes, mut decoded) = (Vec::new(), vec![0.0; row.len()]);
            if name == "int8" {
                tables::quantised::encode_int8(row, &mut bytes).unwrap();
                decode_int8(&bytes, &mut decoded).unwrap();
            } else {
                tables::quantised::encode_int4(row, &mut bytes).unwrap();
                decode_int4(&bytes, &mut decoded).unwrap();
            }
            let theirs = &golden[name][at];
            let known: Vec<u8> = serde_json::from_value(theirs["bytes"].clone()).unwrap();
            assert_eq!(bytes, known, "{name} {at}");
            let known: Vec<f32> = serde_json::from_value(theirs["decoded"].clone()).unwrap();
            assert!(decoded.iter().zip(&known).all(|(a, b)| (a - b).abs() < 1e-6));
        }
    }
}

proptest! {
    #[test]
    fn no_number_is_further_off_than_half_a_level(
        row in prop::collection::vec(-100.0f32..100.0, 1..70),
        factor in prop_oneof![Just(1.0f32), Just(1e-3), Just(100.0)],
    ) {
        let row: Vec<f32> = row.into_iter().map(|value| value * factor).collect();
        let (mut bytes, mut decoded) = (Vec::new(), vec![0.0; row.len()]);
        let least = row.iter().copied().fold(f32::INFINITY, f32::min);
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let furthest = |decoded: &[f32]| {
            row.iter().zip(decoded).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        // Of the arithmetic itself, in f32.
        let slack = 4.0 * f32::EPSILON * least.abs().max(largest.abs());
        tables::quantised::encode_int8(&row, &mut bytes).unwrap();
        decode_int8(&bytes, &mut decoded).unwrap();
        let scale = (largest - least) / 255.0;
        prop_assert!(furthest(&decoded) <= 0.5 * scale + 1e-8 + slack);
        bytes.clear();
        tables::quantised::encode_int4(&row, &mut bytes).unwrap();
        decode_int4(&bytes, &mut decoded).unwrap();
        // Scale and bias are rounded to 11 bits each: the ends lie that much beside the levels.
        let scale = (largest - least) / 15.0;
        let ends = 2f32.powi(-11) * (least.abs() + 15.0 * scale) + 2f32.powi(-24);
        prop_assert!(furthest(&decoded) <= 0.5 * scale * 1.001 + ends + slack);
    }
}

#[test]
fn keys_serve_in_levels_too_at_every_width_by_bag_and_by_sequence() {
    // Widths that are compiled in, and others; 5 and 33 leave half a byte over in int4.
    for width in [1, 5, 16, 33, 64] {
        let sgd = Optimiser::Sgd { rate: 0.1 };
        let mut whole = Table::keyed(config(width, Dtype::F32, sgd), 0).unwrap();
        let ids = [u64::MAX, 0, 7, 1 << 40];
        whole.admit(&ids).unwrap();
        for (dtype, levels) in [(Dtype::Int8, 255.0), (Dtype::Int4, 15.0)] {
            let served = whole.to_dtype(dtype).unwrap();
            let asked = [7, 5, u64::MAX, 7, 1 << 40];
            let mut sequence = vec![9.0; asked.len() * width];
            served.sequence(&asked, &mut sequence).unwrap();
            let mut row = vec![0.0; width];
            for (id, served) in asked.iter().zip(sequence.chunks(width)) {
                whole.row(*id, &mut row);
                let most = 0.55 / levels + 1e-3;
                assert!(row.iter().zip(served).all(|(a, b)| (a - b).abs() <= most), "{width}");
            }
            // Bags of the same ids: what the sequence has, summed; the id that is unknown is nothing.
            let bags = features(&[asked.to_vec(), vec![]], 1);
            let mut pooled = vec![9.0; 2 * width];
            let bags = Bags::of(&bags, 0);
            Table::pooled(&[(&served, bags)], Pooling::Sum, &mut pooled).unwrap();
            for column in 0..width {
                let sum: f32 = sequence.chunks(width).map(|row| row[column]).sum();
                assert!((pooled[column] - sum).abs() < 1e-5, "{width} {dtype:?}");
            }
            assert!(pooled[width..].iter().all(|value| value.to_bits() == 0));
        }
    }
}
