//! Estimators of how often an item is seen.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use train::frequency::{CountMin, Exact, Streaming, StreamingConfig};

const ITEMS: usize = 1_000;
const HEAD: usize = 20;

struct Zipf {
    q: Vec<f64>,
    ends: Vec<f64>,
}

impl Zipf {
    fn new() -> Zipf {
        let total: f64 = (1..=ITEMS).map(|rank| 1.0 / rank as f64).sum();
        let q: Vec<f64> = (1..=ITEMS).map(|rank| 1.0 / rank as f64 / total).collect();
        let mut sum = 0.0;
        let ends = q
            .iter()
            .map(|q| {
                sum += q;
                sum
            })
            .collect();
        Zipf { q, ends }
    }

    fn draw(&self, rng: &mut impl Rng) -> u32 {
        let at: f64 = rng.random();
        self.ends.partition_point(|end| *end <= at).min(ITEMS - 1) as u32
    }
}

/// Mean over the head of how far `q` is from the truth, relative to it; `item` names the item
/// at a rank.
fn head_error(zipf: &Zipf, q: impl Fn(u32) -> f64, item: impl Fn(u32) -> u32) -> f64 {
    let error = |rank: usize| (q(item(rank as u32)) / zipf.q[rank] - 1.0).abs();
    (0..HEAD).map(error).sum::<f64>() / HEAD as f64
}

#[test]
fn a_million_steps_of_zipf_and_then_a_shift() {
    let zipf = Zipf::new();
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let config = StreamingConfig { buckets: 1 << 14, hashes: 3, rate: 0.01, gap: 1000.0 };
    let mut streaming = Streaming::new(config).unwrap();
    let mut exact = Exact::new(ITEMS);
    let mut sketch = CountMin::new(1 << 12, 4).unwrap();
    for _ in 0..1_000_000 {
        let item = [zipf.draw(&mut rng)];
        streaming.observe(&item);
        exact.observe(&item);
        sketch.observe(&item);
    }
    let same = |item: u32| item;
    let error = head_error(&zipf, |item| streaming.q(item), same);
    assert!(error < 0.1, "streaming: {error}");
    let error = head_error(&zipf, |item| exact.q(item), same);
    assert!(error < 0.02, "exact: {error}");
    let error = head_error(&zipf, |item| sketch.q(item), same);
    assert!(error < 0.02, "count-min: {error}");
    for item in 0..ITEMS as u32 {
        assert!(sketch.q(item) >= exact.q(item), "a sketch never underestimates");
    }

    // The tail becomes the head: counting forgets nothing and is wrong by half.
    let turned = |rank: u32| ITEMS as u32 - 1 - rank;
    for _ in 0..1_000_000 {
        let item = [turned(zipf.draw(&mut rng))];
        streaming.observe(&item);
        exact.observe(&item);
    }
    let error = head_error(&zipf, |item| streaming.q(item), turned);
    assert!(error < 0.1, "streaming after the shift: {error}");
    let error = head_error(&zipf, |item| exact.q(item), turned);
    assert!((0.4..0.6).contains(&error), "exact after the shift: {error}");
    assert!(streaming.q(0) < 0.1 * zipf.q[0], "the old head fell");
}

#[test]
fn batches_of_several_items_count_appearances() {
    let zipf = Zipf::new();
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let config = StreamingConfig { rate: 0.005, ..StreamingConfig::default() };
    let mut streaming = Streaming::new(config).unwrap();
    for _ in 0..10_000 {
        let batch: Vec<u32> = (0..50).map(|_| zipf.draw(&mut rng)).collect();
        streaming.observe(&batch);
    }
    let error = head_error(&zipf, |item| streaming.q(item), |item| item);
    assert!(error < 0.1, "{error}");
    assert!((streaming.a_step(0) / (50.0 * zipf.q[0]) - 1.0).abs() < 0.25);
}

#[test]
fn several_hashes_undo_collisions() {
    let zipf = Zipf::new();
    let error = |hashes: usize| {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let config = StreamingConfig { buckets: 1 << 11, hashes, ..StreamingConfig::default() };
        let mut streaming = Streaming::new(config).unwrap();
        for _ in 0..200_000 {
            streaming.observe(&[zipf.draw(&mut rng)]);
        }
        let middle = 100..200usize;
        let error = |rank: usize| streaming.q(rank as u32) / zipf.q[rank] - 1.0;
        middle.clone().map(error).sum::<f64>() / middle.len() as f64
    };
    let (one, five) = (error(1), error(5));
    assert!(five.abs() < 0.1 && one > 2.0 * five.abs(), "one hash {one}, five {five}");
}

#[test]
fn estimators_are_saved_and_loaded() {
    let mut streaming = Streaming::new(StreamingConfig {
        buckets: 16,
        hashes: 2,
        ..StreamingConfig::default()
    })
    .unwrap();
    let mut exact = Exact::new(4);
    let mut sketch = CountMin::new(8, 2).unwrap();
    streaming.observe(&[0, 3, 3]);
    exact.observe(&[0, 3, 3]);
    sketch.observe(&[0, 3, 3]);
    let text = serde_json::to_string(&streaming).unwrap();
    assert_eq!(serde_json::from_str::<Streaming>(&text).unwrap(), streaming);
    let text = serde_json::to_string(&exact).unwrap();
    assert_eq!(serde_json::from_str::<Exact>(&text).unwrap(), exact);
    let text = serde_json::to_string(&sketch).unwrap();
    assert_eq!(serde_json::from_str::<CountMin>(&text).unwrap(), sketch);
    assert!((exact.q(3) - 2.0 / 3.0).abs() < 1e-12 && exact.q(9) == 0.0);
    assert_eq!(exact.counts(), [1, 0, 0, 2]);
}

#[test]
fn settings_out_of_range_are_named() {
    let wrong = StreamingConfig { rate: 0.0, ..StreamingConfig::default() };
    let error = Streaming::new(wrong).unwrap_err().to_string();
    assert!(error.starts_with("frequency.rate: 0 is no weight"), "{error}");
    let wrong = StreamingConfig { gap: f64::NAN, ..StreamingConfig::default() };
    assert!(Streaming::new(wrong).is_err());
    assert!(CountMin::new(0, 3).is_err());
    assert!(CountMin::new(2, 2).unwrap().q(1) <= 0.0, "nothing observed");
}
