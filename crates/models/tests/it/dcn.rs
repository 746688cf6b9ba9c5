//! DCN-V2: gradients by finite differences, the degree of its crosses, refusals.

use models::{Dcn, DcnConfig, DcnStructure};
use tensor::{Device, Tape, Workspace};

fn config(structure: DcnStructure, rank: u32, hidden: &[u32]) -> DcnConfig {
    DcnConfig { dense: 2, embeddings: 3, crosses: 2, rank, hidden: hidden.to_vec(), structure }
}

const DENSE: [f32; 6] = [0.3, -0.2, 0.7, 0.1, -0.5, 0.4];
const ROWS: [f32; 9] = [0.5, -0.4, 0.2, 0.9, 0.1, -0.6, -0.3, 0.8, 0.25];
const LABELS: [f32; 3] = [1.0, 0.0, 1.0];

fn loss(model: &Dcn, rows: &[f32]) -> f32 {
    let mut workspace = Workspace::new(Device::Reference);
    let mut tape = Tape::inference(&model.parameters, &mut workspace);
    let dense = tape.constant(&DENSE, 2).unwrap();
    let rows = tape.constant(rows, 3).unwrap();
    let logits = model.forward(&mut tape, Some(dense), rows).unwrap();
    let loss = tape.binary_loss(logits, &LABELS).unwrap();
    tape.value(loss)[0]
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for (structure, rank, hidden) in [
        (DcnStructure::Stacked, 0, &[4u32, 3][..]),
        (DcnStructure::Parallel, 0, &[4]),
        (DcnStructure::Parallel, 2, &[]),
        (DcnStructure::Stacked, 2, &[]),
    ] {
        let config = config(structure, rank, hidden);
        let mut model = Dcn::init(&config, 3).unwrap();
        let mut workspace = Workspace::new(Device::Cpu);
        let mut tape = Tape::training(&model.parameters, &mut workspace, 1);
        let dense = tape.constant(&DENSE, 2).unwrap();
        let rows = tape.leaf(&ROWS, 3).unwrap();
        let logits = model.forward(&mut tape, Some(dense), rows).unwrap();
        let end = tape.binary_loss(logits, &LABELS).unwrap();
        let gradients = tape.backward(end).unwrap();
        let near = |own: f32, up: f32, down: f32, what: &str| {
            let numeric = (up - down) / 0.02;
            assert!((own - numeric).abs() < 2e-3, "{config:?} {what}: {own}, {numeric}");
        };
        let own = gradients.leaf(rows).unwrap();
        for at in 0..ROWS.len() {
            let moved = |by: f32| {
                let mut rows = ROWS;
                rows[at] += by;
                loss(&model, &rows)
            };
            near(own[at], moved(0.01), moved(-0.01), "embeddings");
        }
        let ids: Vec<_> =
            model.parameters.iter().map(|(id, name, _)| (id, name.to_owned())).collect();
        let mut moving = 0;
        for (id, name) in ids {
            let own = gradients.of(id).unwrap().to_vec();
            for (at, own) in own.into_iter().enumerate() {
                let before = model.parameters.get(id).values()[at];
                let mut moved = |by: f32| {
                    model.parameters.get_mut(id).values_mut()[at] = before + by;
                    loss(&model, &ROWS)
                };
                let (up, down) = (moved(0.01), moved(-0.01));
                moved(0.0);
                near(own, up, down, &name);
                moving += usize::from(own.abs() > 1e-4);
            }
        }
        assert!(moving > 20, "{config:?}");
    }
}

/// Without biases, two crosses are of degree 3 at most: a fourth difference of a cubic is 0, a third is not.
#[test]
fn crosses_are_polynomials_of_their_input() {
    let config = DcnConfig { dense: 0, ..config(DcnStructure::Stacked, 0, &[]) };
    let model = Dcn::init(&config, 5).unwrap();
    let at = |scale: f32| {
        f64::from({
            let rows: Vec<f32> = ROWS[..3].iter().map(|value| scale * value).collect();
            let mut workspace = Workspace::new(Device::Reference);
            let mut tape = Tape::inference(&model.parameters, &mut workspace);
            let rows = tape.constant(&rows, 3).unwrap();
            let logits = model.forward(&mut tape, None, rows).unwrap();
            tape.value(logits)[0]
        })
    };
    let differences = |order: usize| {
        let mut values: Vec<f64> = (0..=order).map(|step| at(step as f32)).collect();
        for _ in 0..order {
            values = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
        }
        values[0].abs()
    };
    assert!(differences(3) > 1e-3, "{}", differences(3));
    assert!(differences(4) < 1e-4, "{}", differences(4));
}

#[test]
fn criteo_is_the_default_and_nonsense_is_refused() {
    let model =
        Dcn::init(&DcnConfig { hidden: vec![8], crosses: 1, ..DcnConfig::default() }, 1)
            .unwrap();
    assert_eq!(model.config().dense + model.config().embeddings, 1677);
    for (config, field) in [
        (DcnConfig { embeddings: 0, ..DcnConfig::default() }, "embeddings"),
        (DcnConfig { hidden: vec![0], ..DcnConfig::default() }, "hidden"),
        (DcnConfig { rank: 1678, ..DcnConfig::default() }, "rank"),
        (DcnConfig { crosses: 33, ..DcnConfig::default() }, "crosses"),
    ] {
        let why = Dcn::init(&config, 1).unwrap_err().to_string();
        assert!(why.starts_with(field), "{why}");
    }
    let mut workspace = Workspace::new(Device::Cpu);
    let model = Dcn::init(&config(DcnStructure::Stacked, 0, &[4]), 1).unwrap();
    let mut tape = Tape::inference(&model.parameters, &mut workspace);
    let rows = tape.constant(&ROWS, 3).unwrap();
    assert!(model.forward(&mut tape, None, rows).is_err());
}
