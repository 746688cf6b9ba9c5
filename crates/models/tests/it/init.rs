//! First weights: their size, and what they depend on.

use models::{BlockKind, SasRec, SasRecConfig, normal};
use tensor::Tensor;

/// Deviation of a standard normal that is cut off at two deviations.
const CUT: f64 = 0.8796;

#[track_caller]
fn is_normal(tensor: &Tensor, deviation: f64, what: &str) {
    let values = tensor.values();
    let n = values.len() as f64;
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / n;
    let square = values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / n;
    let own = CUT * deviation;
    assert!(mean.abs() < 5.0 * own / n.sqrt(), "{what}: mean {mean}");
    assert!((square.sqrt() / own - 1.0).abs() < 5.0 / n.sqrt(), "{what}: {}", square.sqrt());
    let largest = values.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    assert!(f64::from(largest) <= 2.0 * deviation * 1.000_001, "{what}: {largest}");
    assert!(f64::from(largest) > 1.8 * deviation, "{what}: {largest}");
}

#[test]
fn weights_are_glorots_norms_one_and_biases_zero() {
    for block in [BlockKind::Classic, BlockKind::PreNorm, BlockKind::Ligr] {
        let config = SasRecConfig { block, ..SasRecConfig::default() };
        let model = SasRec::init(&config, 7).unwrap();
        for (_, name, tensor) in model.parameters.iter() {
            if name == "positions" {
                is_normal(tensor, 0.02, name);
            } else if name.ends_with("norm.weight") {
                assert!(tensor.values().iter().all(|value| value.to_bits() == 1f32.to_bits()));
            } else if name.ends_with(".bias") {
                assert!(tensor.values().iter().all(|value| value.to_bits() == 0), "{name}");
            } else {
                let both = (tensor.rows() + tensor.width()) as f64;
                is_normal(tensor, (2.0 / both).sqrt(), name);
            }
        }
        is_normal(&SasRec::init_items(&config, 1000, 7), 0.02, "items");
    }
}

#[test]
fn a_tensor_depends_on_seed_and_name_alone() {
    let config = SasRecConfig { dim: 16, hidden: 16, ..SasRecConfig::default() };
    let model = SasRec::init(&config, 7).unwrap();
    assert_eq!(model.parameters, SasRec::init(&config, 7).unwrap().parameters);
    let deeper = SasRecConfig { blocks: 3, ..config.clone() };
    let deeper = SasRec::init(&deeper, 7).unwrap();
    let other = SasRec::init(&config, 8).unwrap();
    for (_, name, tensor) in model.parameters.iter() {
        let of =
            |model: &SasRec| model.parameters.get(model.parameters.find(name).unwrap()).clone();
        assert_eq!(&of(&deeper), tensor, "{name}");
        let constant = name.ends_with(".bias") || name.ends_with("norm.weight");
        assert!(constant || &of(&other) != tensor, "{name}");
    }
    assert_ne!(normal(4, 4, 1.0, 1, "a"), normal(4, 4, 1.0, 1, "b"));
    // A larger catalogue begins with the smaller one.
    let few = SasRec::init_items(&config, 10, 7);
    assert_eq!(SasRec::init_items(&config, 20, 7).values()[..160], *few.values());
}
