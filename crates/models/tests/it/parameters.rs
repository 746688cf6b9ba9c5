//! Parameters as bytes and back; bytes that are not theirs.

use models::{
    BlockKind, Error, SasRec, SasRecConfig, parameters_from_bytes, parameters_to_bytes,
};
use tensor::{Parameters, Tensor};

fn model(seed: u64) -> SasRec {
    let config = SasRecConfig { dim: 8, hidden: 8, length_max: 6, ..SasRecConfig::default() };
    SasRec::init(&config, seed).unwrap()
}

fn of(tensors: &[(&str, usize, usize)]) -> Parameters {
    let mut parameters = Parameters::new();
    for (at, (name, rows, width)) in tensors.iter().enumerate() {
        let values = (0..rows * width).map(|value| (value + at) as f32).collect();
        parameters.add(*name, Tensor::new(*rows, *width, values).unwrap()).unwrap();
    }
    parameters
}

#[track_caller]
fn refused(into: &Parameters, bytes: &[u8], why: &str) {
    let mut parameters = into.clone();
    let error = parameters_from_bytes(&mut parameters, bytes).unwrap_err();
    assert!(matches!(error, Error::Damaged(_)));
    assert!(error.to_string().contains(why), "{error}");
    assert_eq!(&parameters, into, "nothing is overwritten");
}

#[test]
fn they_come_back_bit_for_bit() {
    for block in [BlockKind::Classic, BlockKind::PreNorm, BlockKind::Ligr] {
        let config = SasRecConfig { block, dim: 8, hidden: 8, ..SasRecConfig::default() };
        let model = SasRec::init(&config, 1).unwrap();
        let bytes = parameters_to_bytes(&model.parameters, r#"{"a": 1}"#).unwrap();
        let mut other = SasRec::init(&config, 2).unwrap();
        assert_ne!(other.parameters, model.parameters);
        parameters_from_bytes(&mut other.parameters, &bytes).unwrap();
        assert_eq!(other.parameters, model.parameters);
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let facts = header.metadata().as_ref().unwrap();
        assert_eq!(facts["tastemaker"], r#"{"a": 1}"#);
    }
}

#[test]
fn bytes_cut_off_anywhere_are_refused() {
    let model = model(1);
    let bytes = parameters_to_bytes(&model.parameters, "{}").unwrap();
    for length in (0..64).chain((64..bytes.len()).step_by(97)).chain([bytes.len() - 1]) {
        refused(&model.parameters, &bytes[..length], "not this model's parameters");
    }
}

#[test]
fn other_parameters_are_refused() {
    let own = of(&[("a", 2, 3), ("b", 1, 4)]);
    let bytes =
        |tensors: &[(&str, usize, usize)]| parameters_to_bytes(&of(tensors), "{}").unwrap();
    refused(&own, &bytes(&[("a", 2, 3), ("b", 4, 1)]), "\"b\" is F32 [4, 1], not F32 [1, 4]");
    refused(&own, &bytes(&[("a", 2, 3)]), "1 tensors, where the model has 2");
    let surplus = bytes(&[("a", 2, 3), ("b", 1, 4), ("c", 1, 1)]);
    refused(&own, &surplus, "3 tensors, where the model has 2");
    refused(&own, &bytes(&[("a", 2, 3), ("c", 1, 4)]), "no tensor is called \"b\"");
}

#[test]
fn a_number_that_is_none_is_neither_written_nor_read() {
    let own = of(&[("a", 2, 3), ("b", 1, 4)]);
    let good = parameters_to_bytes(&own, "{}").unwrap();
    for bad in [f32::NAN, f32::INFINITY] {
        let mut bytes = good.clone();
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&bad.to_le_bytes());
        refused(&own, &bytes, "is not finite at");
        let mut broken = own.clone();
        let id = broken.find("b").unwrap();
        broken.get_mut(id).values_mut()[2] = bad;
        let error = parameters_to_bytes(&broken, "{}").unwrap_err().to_string();
        assert!(error.contains("\"b\" is not finite at 2"), "{error}");
    }
}
