//! Optimisers against PyTorch (golden/make_optim.py), and what must not change their bits.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use train::optim::{
    Adagrad, AdagradConfig, Adam, AdamConfig, LazyAdam, RowwiseAdagrad, RowwiseAdagradConfig,
    WeightDecay, clip, norm,
};

#[derive(Deserialize)]
struct Golden {
    start: Vec<f32>,
    gradients: Vec<Vec<f32>>,
    adam: Vec<Vec<f32>>,
    adam_decay: Vec<Vec<f32>>,
    adam_w: Vec<Vec<f32>>,
    adagrad: Vec<Vec<f32>>,
    adagrad_all: Vec<Vec<f32>>,
    table: Vec<f32>,
    width: usize,
    touched: Vec<Vec<u32>>,
    row_gradients: Vec<Vec<f32>>,
    sparse_adam: Vec<Vec<f32>>,
    rowwise_adagrad: Vec<Vec<f32>>,
    clip: Vec<Clip>,
}

#[derive(Deserialize)]
struct Clip {
    max: f64,
    norm: f64,
    after: Vec<Vec<f32>>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/optim.json")).expect("the golden file")
}

#[track_caller]
fn close(ours: &[f32], theirs: &[f32], what: &str) {
    assert_eq!(ours.len(), theirs.len());
    for (at, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{what}: element {at}: {a}, not {b}");
    }
}

fn dense(
    golden: &Golden,
    expected: &[Vec<f32>],
    what: &str,
    mut step: impl FnMut(&mut [f32], &[f32]),
) {
    let mut parameter = golden.start.clone();
    assert_eq!(expected.len(), 10);
    for (at, (gradient, expected)) in golden.gradients.iter().zip(expected).enumerate() {
        step(&mut parameter, gradient);
        close(&parameter, expected, &format!("{what}, step {at}"));
    }
}

#[test]
fn dense_optimisers_step_as_pytorch_does() {
    let golden = golden();
    let length = golden.start.len();
    let mut adam = Adam::new(AdamConfig::default(), length).unwrap();
    dense(&golden, &golden.adam, "adam", |p, g| adam.step(p, g, 0.01));
    let mut config =
        AdamConfig { beta_2: 0.98, eps: 1e-6, decay: 0.1, ..AdamConfig::default() };
    let mut decayed = Adam::new(config, length).unwrap();
    dense(&golden, &golden.adam_decay, "adam with l2", |p, g| decayed.step(p, g, 0.02));
    config.decay_kind = WeightDecay::Decoupled;
    let mut adam_w = Adam::new(config, length).unwrap();
    dense(&golden, &golden.adam_w, "adamw", |p, g| adam_w.step(p, g, 0.02));
    let mut adagrad = Adagrad::new(AdagradConfig::default(), length).unwrap();
    dense(&golden, &golden.adagrad, "adagrad", |p, g| adagrad.step(p, g, 0.05));
    let config = AdagradConfig { eps: 1e-6, decay: 0.1, rate_decay: 0.1, start: 0.2 };
    let mut adagrad = Adagrad::new(config, length).unwrap();
    dense(&golden, &golden.adagrad_all, "adagrad, all", |p, g| adagrad.step(p, g, 0.05));
}

#[test]
fn sparse_optimisers_step_as_pytorch_does_and_leave_other_rows_alone() {
    let golden = golden();
    let (rows, width) = (golden.table.len() / golden.width, golden.width);
    let config = AdamConfig { beta_2: 0.98, eps: 0.01, ..AdamConfig::default() };
    let mut lazy = LazyAdam::new(config, rows, width).unwrap();
    let mut rowwise =
        RowwiseAdagrad::new(RowwiseAdagradConfig { eps: 0.01 }, rows, width).unwrap();
    let (mut by_lazy, mut by_rowwise) = (golden.table.clone(), golden.table.clone());
    for (at, (touched, gradient)) in
        golden.touched.iter().zip(&golden.row_gradients).enumerate()
    {
        lazy.step(&mut by_lazy, touched, gradient, 0.01).unwrap();
        close(&by_lazy, &golden.sparse_adam[at], &format!("lazy adam, step {at}"));
        rowwise.step(&mut by_rowwise, touched, gradient, 0.05).unwrap();
        close(&by_rowwise, &golden.rowwise_adagrad[at], &format!("row-wise, step {at}"));
    }
    let untouched = (rows - 1) * width..;
    assert_eq!(by_lazy[untouched.clone()], golden.table[untouched.clone()]);
    assert_eq!(by_rowwise[untouched.clone()], golden.table[untouched]);
    assert_eq!(rowwise.moments().named[0].1.len(), rows);
}

#[test]
fn clipping_is_pytorchs() {
    let golden = golden();
    for case in &golden.clip {
        let mut gradients: Vec<Vec<f32>> = golden.gradients[..3].to_vec();
        let mut slices: Vec<&mut [f32]> =
            gradients.iter_mut().map(|gradient| &mut gradient[..]).collect();
        let norm = clip(&mut slices, case.max);
        assert!((norm - case.norm).abs() < 1e-5 * case.norm, "{norm}, not {}", case.norm);
        for (ours, theirs) in gradients.iter().zip(&case.after) {
            close(ours, theirs, "clipped");
        }
    }
}

#[test]
fn a_norm_that_is_not_finite_scales_nothing() {
    let mut gradient = [1.0, f32::NAN, 3.0];
    assert!(clip(&mut [&mut gradient], 1.0).is_nan());
    assert_eq!((gradient[0], gradient[2]), (1.0, 3.0));
}

/// `length` floats around 0.
fn noise(length: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..length).map(|_| rng.next_u32() as f32 / 2f32.powi(31) - 1.0).collect()
}

fn in_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("a pool").install(work)
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    const ROWS: usize = 3000;
    const WIDTH: usize = 24;
    let run = || {
        let mut parameter = noise(ROWS * WIDTH, 1);
        let config = AdamConfig {
            decay: 0.01,
            decay_kind: WeightDecay::Decoupled,
            ..AdamConfig::default()
        };
        let mut adam = Adam::new(config, ROWS * WIDTH).unwrap();
        let mut adagrad = Adagrad::new(AdagradConfig::default(), ROWS * WIDTH).unwrap();
        let mut lazy = LazyAdam::new(config, ROWS, WIDTH).unwrap();
        let mut rowwise =
            RowwiseAdagrad::new(RowwiseAdagradConfig::default(), ROWS, WIDTH).unwrap();
        let mut norms = Vec::new();
        for step in 0..3 {
            let mut gradient = noise(ROWS * WIDTH, 2 + step);
            norms.push(clip(&mut [&mut gradient], 10.0).to_bits());
            norms.push(norm([&gradient[..]]).to_bits());
            adam.step(&mut parameter, &gradient, 0.01);
            adagrad.step(&mut parameter, &gradient, 0.01);
            let rows: Vec<u32> =
                (0..ROWS as u32).filter(|row| (row + step as u32).is_multiple_of(2)).collect();
            let gradient = &gradient[..rows.len() * WIDTH];
            lazy.step(&mut parameter, &rows, gradient, 0.01).unwrap();
            rowwise.step(&mut parameter, &rows, gradient, 0.01).unwrap();
        }
        (parameter.iter().map(|value| value.to_bits()).collect::<Vec<_>>(), norms)
    };
    assert!(in_threads(1, run) == in_threads(5, run));
}

#[test]
fn loading_moments_goes_on_where_they_were_saved() {
    let (gradients, mut parameter) = (noise(70, 3), noise(7, 4));
    let mut adam = Adam::new(AdamConfig::default(), 7).unwrap();
    let mut adagrad =
        Adagrad::new(AdagradConfig { rate_decay: 0.1, ..AdagradConfig::default() }, 7).unwrap();
    let mut lazy = LazyAdam::new(AdamConfig::default(), 7, 1).unwrap();
    let mut rowwise = RowwiseAdagrad::new(RowwiseAdagradConfig::default(), 7, 1).unwrap();
    let mut resumed = Vec::new();
    for (step, gradient) in gradients.chunks(7).enumerate() {
        if step == 5 {
            resumed = parameter.clone();
            let mut loaded = Adam::new(AdamConfig::default(), 7).unwrap();
            loaded.load(&adam.moments()).unwrap();
            assert_eq!(loaded, adam);
            let mut loaded =
                Adagrad::new(AdagradConfig { rate_decay: 0.1, ..AdagradConfig::default() }, 7)
                    .unwrap();
            loaded.load(&adagrad.moments()).unwrap();
            assert_eq!(loaded, adagrad);
            let mut loaded = LazyAdam::new(AdamConfig::default(), 7, 1).unwrap();
            loaded.load(&lazy.moments()).unwrap();
            assert_eq!(loaded, lazy);
            let mut loaded =
                RowwiseAdagrad::new(RowwiseAdagradConfig::default(), 7, 1).unwrap();
            loaded.load(&rowwise.moments()).unwrap();
            assert_eq!(loaded, rowwise);
        }
        adam.step(&mut parameter, gradient, 0.01);
        adagrad.step(&mut parameter, gradient, 0.01);
        lazy.step(&mut parameter, &[1, 5], &gradient[..2], 0.01).unwrap();
        rowwise.step(&mut parameter, &[0, 6], &gradient[..2], 0.01).unwrap();
    }
    assert_ne!(resumed, parameter);
    let error = Adam::new(AdamConfig::default(), 8).unwrap().load(&adam.moments()).unwrap_err();
    assert_eq!(error.to_string(), "moment \"first\" has 7 numbers, the parameter needs 8");
    let error = adagrad.load(&adam.moments()).unwrap_err();
    assert_eq!(error.to_string(), "no moment \"squares\" among those to load");
}

#[test]
fn rows_that_repeat_or_lie_beyond_the_table_are_refused_and_nothing_moves() {
    let mut lazy = LazyAdam::new(AdamConfig::default(), 4, 2).unwrap();
    let before = lazy.clone();
    let mut parameter = vec![1.0; 8];
    for (rows, words) in [
        (&[1u32, 1][..], "sort the rows"),
        (&[2, 1], "sort the rows"),
        (&[1, 4], "row 4 of a sparse gradient, in a table of 4"),
        (&[1], "1 rows of 2 with a gradient of 4"),
    ] {
        let error = lazy.step(&mut parameter, rows, &[1.0; 4], 0.1).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    assert!(lazy.step(&mut parameter[..6], &[1, 2], &[1.0; 4], 0.1).is_err());
    assert_eq!(lazy, before);
    assert_eq!(parameter, [1.0; 8]);
}

#[test]
fn settings_out_of_range_are_named() {
    let wrong = AdamConfig { beta_2: 1.0, ..AdamConfig::default() };
    let error = Adam::new(wrong, 1).unwrap_err().to_string();
    assert!(error.starts_with("adam.beta_2: 1 is no decay rate"), "{error}");
    let wrong = AdagradConfig { eps: -1.0, ..AdagradConfig::default() };
    let error = Adagrad::new(wrong, 1).unwrap_err().to_string();
    assert!(error.starts_with("adagrad.eps: -1"), "{error}");
    let wrong = AdamConfig { decay: 0.1, ..AdamConfig::default() };
    let error = LazyAdam::new(wrong, 1, 1).unwrap_err().to_string();
    assert!(error.contains("use decoupled"), "{error}");
}

#[test]
#[should_panic(expected = "a parameter of 3 with a gradient of 2")]
fn a_gradient_of_another_length_is_a_bug() {
    Adam::new(AdamConfig::default(), 3).unwrap().step(&mut [0.0; 3], &[0.0; 2], 0.1);
}
