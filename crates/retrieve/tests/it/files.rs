//! Model files: the same model comes back, and no damage gets in.

use std::path::Path;

use data::Sequences;
use proptest::prelude::*;
use retrieve::{Everything, MODEL_NAMES, Model, Retriever};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};

use super::worlds::{Told, any_log, fit, query, small, two_tastes};

fn read(name: &str, bytes: &[u8]) -> retrieve::Result<Model> {
    Model::from_bytes(name, bytes, Path::new("000001/some.safetensors"))
}

/// Asks a model that came out of damaged bytes everything, for panics.
fn use_it(model: &Model) {
    let told = Told::of(&[0, 5, 13, 39, 400, u32::MAX]);
    let asked = query(told.history(), &Everything, 50);
    for found in model.retrieve(&asked) {
        model.reason(&asked, found.item);
    }
}

/// The file with one tensor replaced.
fn with(bytes: &[u8], name: &str, kind: Dtype, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).expect("our own file");
    let header = metadata.metadata().clone();
    let tensors = SafeTensors::deserialize(bytes).expect("our own file");
    let views: Vec<(String, TensorView<'_>)> = tensors
        .tensors()
        .into_iter()
        .map(|(of, view)| {
            let new = || TensorView::new(kind, shape.to_vec(), data).expect("shape fits data");
            let view = if of == name { new() } else { view };
            (of, view)
        })
        .collect();
    assert!(views.iter().any(|(of, _)| of == name), "no tensor {name}");
    serialize(views, header).expect("tensors fit")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_what_was_written(log in any_log()) {
        for name in MODEL_NAMES {
            let model = fit(name, &small(), &log);
            let bytes = model.to_bytes().unwrap();
            let back = read(name, &bytes).unwrap();
            prop_assert_eq!(&back, &model);
            prop_assert_eq!(back.to_bytes().unwrap(), bytes);
            prop_assert_eq!(back.name(), name);
        }
    }
}

#[test]
fn a_file_of_another_model_or_a_newer_one_is_refused() {
    let log = two_tastes();
    for name in MODEL_NAMES {
        let bytes = fit(name, &small(), &log).to_bytes().unwrap();
        for other in MODEL_NAMES.into_iter().filter(|other| *other != name) {
            assert!(read(other, &bytes).is_err(), "{name} as {other}");
        }
        // One digit for another, so that the header's length stays true.
        let format = br#"\"format\":1"#;
        let at = bytes.windows(format.len()).position(|window| window == format);
        let mut newer = bytes.clone();
        newer[at.expect("the format is in the header") + format.len() - 1] = b'9';
        let why = read(name, &newer).unwrap_err().to_string();
        assert!(why.contains("newer") && why.contains("some.safetensors"), "{name}: {why}");
        assert!(read("nothing", &bytes).is_err());
    }
}

#[test]
fn cut_and_flipped_files_never_panic() {
    let log = two_tastes();
    for name in MODEL_NAMES {
        let mut config = small();
        config.item_knn.neighbours = 3;
        config.walk.neighbours = 3;
        let bytes = fit(name, &config, &log).to_bytes().unwrap();
        for length in (0..bytes.len()).step_by(1 + bytes.len() / 300) {
            assert!(read(name, &bytes[..length]).is_err(), "{name} cut at {length}");
        }
        for at in (0..bytes.len()).step_by(1 + bytes.len() / 2000) {
            for bit in [0, 3, 7] {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                // A flipped mantissa is a model too: the sealed folder's checksum tells.
                if let Ok(model) = read(name, &flipped) {
                    use_it(&model);
                }
            }
        }
    }
}

#[test]
fn a_header_that_promises_much_allocates_nothing() {
    let header = r#"{"__metadata__":{"tastemaker":"{\"format\":1,\"model\":\"popular\",\"facts\":{\"seed\":1,\"items\":4294967295,\"days\":null}}"},"items":{"dtype":"U32","shape":[4000000000],"data_offsets":[0,16000000000]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    assert!(read("popular", &bytes).is_err());
    for length in [u64::MAX, 1 << 40, 99_999_999] {
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        assert!(read("popular", &bytes).is_err());
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let log = Sequences::from_events(
        3,
        4,
        &[(0, 0, 1, 1.0), (0, 1, 2, 1.0), (1, 0, 3, 1.0), (1, 2, 4, 1.0), (2, 0, 5, 1.0)],
    )
    .unwrap();
    let u32s = |values: &[u32]| -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    };
    let f32s = |values: &[f32]| -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    };
    let refused = |name: &str, bytes: &[u8], wanted: &str| {
        let why = read(name, bytes).unwrap_err().to_string();
        assert!(why.contains(wanted), "{name}: {why}, wanted {wanted}");
        assert!(why.contains("some.safetensors"), "{why}");
    };
    let popular = fit("popular", &small(), &log).to_bytes().unwrap();
    let items = |values: &[u32]| with(&popular, "items", Dtype::U32, &[3], &u32s(values));
    refused("popular", &items(&[0, 1, 4]), "4 of 4");
    refused("popular", &items(&[0, 1, 1]), "order");
    refused("popular", &items(&[0, 1, 0]), "order");
    let counts = |values: &[f32]| with(&popular, "counts", Dtype::F32, &[3], &f32s(values));
    refused("popular", &counts(&[3.0, 1.0, f32::NAN]), "not finite at 2");
    refused("popular", &counts(&[1.0, 1.0, 3.0]), "order");
    refused("popular", &counts(&[3.0, 0.0, 0.0]), "order");
    let short = with(&popular, "counts", Dtype::F32, &[2], &f32s(&[3.0, 1.0]));
    refused("popular", &short, "[2], not [3]");
    let typed = with(&popular, "counts", Dtype::I32, &[3], &f32s(&[3.0, 1.0, 1.0]));
    refused("popular", &typed, "I32, not F32");

    for name in ["item-knn", "walk"] {
        let model = fit(name, &small(), &log).to_bytes().unwrap();
        let tensors = SafeTensors::deserialize(&model).unwrap();
        let pairs = tensors.tensor("weights").unwrap().shape()[0];
        assert_eq!(tensors.tensor("offsets").unwrap().shape(), [5]);
        let weights = |first: f32| {
            let mut values = vec![0.01; pairs];
            values[0] = first;
            with(&model, "weights", Dtype::F32, &[pairs], &f32s(&values))
        };
        assert!(read(name, &weights(0.01)).is_ok());
        refused(name, &weights(-1.0), "weight -1");
        refused(name, &weights(0.0), "weight 0");
        refused(name, &weights(f32::INFINITY), "not finite");
        let neighbours = |value: u32| {
            let values = vec![value; pairs];
            with(&model, "neighbours", Dtype::U32, &[pairs], &u32s(&values))
        };
        refused(name, &neighbours(4), "beyond the 4 items");
        refused(name, &neighbours(1), "not sorted");
        for offsets in [[0u64, 9, 9, 9, 99], [0, 3, 2, 3, pairs as u64], [1, 1, 1, 1, 1]] {
            let data: Vec<u8> = offsets.iter().flat_map(|at| at.to_le_bytes()).collect();
            let bytes = with(&model, "offsets", Dtype::U64, &[5], &data);
            refused(name, &bytes, "no list of offsets");
        }
        refused(name, &with(&model, "offsets", Dtype::U64, &[0], &[]), "no list of offsets");
    }
    let walk = fit("walk", &small(), &log).to_bytes().unwrap();
    let pairs = SafeTensors::deserialize(&walk).unwrap().tensor("weights").unwrap().shape()[0];
    let heavy = with(&walk, "weights", Dtype::F32, &[pairs], &f32s(&vec![0.9; pairs]));
    refused("walk", &heavy, "next items of weight");
}
