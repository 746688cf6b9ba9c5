//! Negatives: where they come from, how often, and with what probability on record.

use std::collections::BTreeSet;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use train::sample::{
    HardWeight, Interacted, Labels, Layout, Negatives, Sampled, Sampler, Targets,
};

const ITEMS: usize = 12;
/// Targets in training, by item; item 5 has none.
const COUNTS: [u32; ITEMS] = [400, 200, 100, 100, 50, 0, 50, 25, 25, 20, 20, 10];

/// Three users with 3, 0 and 5 targets.
struct World {
    interacted: Interacted,
    users: [u32; 3],
    offsets: [i32; 4],
    items: Vec<u32>,
}

impl World {
    fn new() -> World {
        let interacted =
            Interacted::new(vec![0, 3, 4, 4, 11], vec![0, 4, 9, 7, 0, 1, 2, 3, 4, 6, 11]);
        World {
            interacted: interacted.expect("sorted sets"),
            users: [0, 1, 3],
            offsets: [0, 3, 3, 8],
            items: vec![0, 4, 9, 0, 1, 1, 2, 11],
        }
    }

    fn targets(&self) -> Targets<'_> {
        Targets {
            users: &self.users,
            offsets: &self.offsets,
            items: &self.items,
            interacted: &self.interacted,
        }
    }
}

fn sampler(config: Negatives) -> Sampler {
    Sampler::new(config, &COUNTS, 42).expect("settings in range")
}

/// Asserts that `items` are as frequent as `probability` says (chi-square over all items, at
/// about 5 sigma), and that none has probability 0.
#[track_caller]
fn follows(items: impl IntoIterator<Item = u32>, probability: impl Fn(u32) -> f64, what: &str) {
    let mut observed = [0.0f64; ITEMS];
    let mut total = 0.0;
    for item in items {
        observed[item as usize] += 1.0;
        total += 1.0;
    }
    let (mut chi_square, mut degrees) = (0.0, -1.0f64);
    for (item, observed) in observed.into_iter().enumerate() {
        let expected = probability(item as u32) * total;
        if expected <= 0.0 {
            assert!(observed <= 0.0, "{what}: item {item}");
        } else {
            chi_square += (observed - expected).powi(2) / expected;
            degrees += 1.0;
        }
    }
    let bound = degrees + 5.0 * (2.0 * degrees).sqrt();
    assert!(chi_square < bound, "{what}: {chi_square} > {bound}, {observed:?}");
}

#[track_caller]
fn close(ours: f32, q: f64) {
    assert!((f64::from(ours) - q.ln()).abs() < 1e-5, "{} is on record, not {q}", ours.exp());
}

fn q(item: u32, power: f64) -> f64 {
    let weight = |count: u32| if count == 0 { 0.0 } else { f64::from(count).powf(power) };
    weight(COUNTS[item as usize]) / COUNTS.iter().map(|count| weight(*count)).sum::<f64>()
}

#[test]
fn layouts_have_a_list_for_all_for_a_row_or_for_a_token() {
    let world = World::new();
    for (layout, lists) in [(Layout::Shared, 1), (Layout::PerRow, 3), (Layout::PerToken, 8)] {
        let config = Negatives::Uniform { count: 5, layout, unseen: false };
        let sampled = sampler(config).sample(3, &world.targets()).unwrap();
        assert_eq!((sampled.items.len(), sampled.log_q.len()), (lists * 5, lists * 5));
        assert_eq!(sampled.positive_log_q.len(), 8);
        let place = match layout {
            Layout::Shared => 0,
            Layout::PerRow => 2 * 5,
            Layout::PerToken => 6 * 5,
        };
        assert_eq!(sampled.list(2, 6), place..place + 5);
        assert!(sampled.hits);
    }
}

#[test]
fn independent_draws_follow_their_distribution_and_record_it() {
    let world = World::new();
    let count = 20_000;
    for layout in [Layout::Shared, Layout::PerRow, Layout::PerToken] {
        let uniform = Negatives::Uniform { count, layout, unseen: false };
        let sampled = sampler(uniform).sample(1, &world.targets()).unwrap();
        follows(sampled.items, |_| 1.0 / 12.0, "uniform");
        sampled.log_q.iter().for_each(|log_q| close(*log_q, 1.0 / 12.0));
        for power in [0.0, 0.75, 1.0] {
            let popular = Negatives::Popularity { count, power, layout, unseen: false };
            let sampled = sampler(popular).sample(1, &world.targets()).unwrap();
            for (item, log_q) in sampled.items.iter().zip(&sampled.log_q) {
                close(*log_q, q(*item, power));
            }
            for (item, log_q) in world.items.iter().zip(&sampled.positive_log_q) {
                close(*log_q, q(*item, power));
            }
            follows(sampled.items, |item| q(item, power), "popularity");
        }
    }
}

#[test]
fn unseen_draws_leave_out_what_the_user_took_and_no_more() {
    let world = World::new();
    let count = 20_000;
    for layout in [Layout::PerRow, Layout::PerToken] {
        for power in [None, Some(1.0), Some(0.5)] {
            let config = match power {
                None => Negatives::Uniform { count, layout, unseen: true },
                Some(power) => Negatives::Popularity { count, power, layout, unseen: true },
            };
            let weight = |item| power.map_or(1.0, |power| q(item, power));
            let sampled = sampler(config).sample(5, &world.targets()).unwrap();
            assert!(!sampled.hits, "all targets are interacted with");
            for (row, user) in world.users.iter().enumerate() {
                let seen = world.interacted.items(*user);
                let left = |item: &u32| seen.binary_search(item).is_err();
                let total: f64 = (0..ITEMS as u32).filter(left).map(weight).sum();
                let probability =
                    |item: u32| if left(&item) { weight(item) / total } else { 0.0 };
                let tokens = world.offsets[row] as usize..world.offsets[row + 1] as usize;
                let tokens: Vec<usize> = match layout {
                    Layout::PerRow => vec![usize::MAX],
                    _ => tokens.collect(),
                };
                for token in tokens {
                    let list = sampled.list(row, token.min(count));
                    for place in list.clone() {
                        close(sampled.log_q[place], probability(sampled.items[place]));
                    }
                    follows(sampled.items[list].iter().copied(), probability, "unseen");
                }
            }
        }
    }
}

#[test]
fn a_target_that_its_user_did_not_take_may_be_a_hit() {
    let mut world = World::new();
    world.items[1] = 8;
    let config = Negatives::Uniform { count: 2, layout: Layout::PerRow, unseen: true };
    assert!(sampler(config).sample(0, &world.targets()).unwrap().hits);
}

fn same(a: &Sampled, b: &Sampled) -> bool {
    let bits = |sampled: &Sampled| -> Vec<u32> {
        sampled.log_q.iter().map(|log_q| log_q.to_bits()).collect()
    };
    a.items == b.items && bits(a) == bits(b)
}

#[test]
fn seed_and_step_decide_alone() {
    let world = World::new();
    let kinds = [
        Negatives::Uniform { count: 300, layout: Layout::PerToken, unseen: true },
        Negatives::Popularity { count: 300, power: 0.7, layout: Layout::PerRow, unseen: false },
        Negatives::InBatch { count: Some(4), labels: Labels::Repeated },
        Negatives::Mixed { count: 30, share: 0.1, labels: Labels::Unique },
    ];
    for kind in kinds {
        let long = sampler(kind.clone());
        let history: Vec<_> =
            (0..6).map(|step| long.sample(step, &world.targets()).unwrap()).collect();
        // Another sampler, one thread, straight to step 4.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let resumed =
            pool.install(|| sampler(kind.clone()).sample(4, &world.targets()).unwrap());
        assert!(same(&history[4], &resumed), "{kind:?}");
        let distinct: BTreeSet<_> = history.iter().map(|sampled| &sampled.items).collect();
        assert!(distinct.len() > 1, "{kind:?}: steps differ");
        let other = Sampler::new(kind.clone(), &COUNTS, 43).unwrap();
        let other: Vec<_> =
            (0..6).map(|step| other.sample(step, &world.targets()).unwrap().items).collect();
        assert!(
            other.iter().zip(&history).any(|(a, b)| *a != b.items),
            "{kind:?}: seeds differ"
        );
    }
}

#[test]
fn lists_of_different_tokens_are_independent() {
    let world = World::new();
    let config = Negatives::Uniform { count: 64, layout: Layout::PerToken, unseen: false };
    let sampled = sampler(config).sample(0, &world.targets()).unwrap();
    let lists: BTreeSet<_> = sampled.items.chunks(64).collect();
    assert_eq!(lists.len(), 8);
}

#[test]
fn in_batch_is_the_targets_with_what_they_came_with() {
    let world = World::new();
    let all = Negatives::InBatch { count: None, labels: Labels::Repeated };
    let sampled = sampler(all).sample(0, &world.targets()).unwrap();
    assert_eq!(sampled.items, world.items);
    assert_eq!((sampled.layout, sampled.count), (Layout::Shared, 8));
    for (item, log_q) in world.items.iter().zip(&sampled.log_q) {
        close(*log_q, q(*item, 1.0));
    }
    let unique = Negatives::InBatch { count: None, labels: Labels::Unique };
    let sampled = sampler(unique).sample(0, &world.targets()).unwrap();
    assert_eq!(sampled.items, [0, 1, 2, 4, 9, 11]);
    let inclusion = |item: u32| 1.0 - (1.0 - q(item, 1.0)).powi(8);
    for (item, log_q) in sampled.items.iter().zip(&sampled.log_q) {
        close(log_q + (sampled.count as f32).ln(), inclusion(*item));
    }
    for (item, log_q) in world.items.iter().zip(&sampled.positive_log_q) {
        close(log_q + (sampled.count as f32).ln(), inclusion(*item));
    }
}

#[test]
fn a_subset_of_the_batch_is_a_fair_one() {
    let world = World::new();
    for labels in [Labels::Repeated, Labels::Unique] {
        let sampler = sampler(Negatives::InBatch { count: Some(3), labels });
        let mut items = Vec::new();
        for step in 0..4_000 {
            let sampled = sampler.sample(step, &world.targets()).unwrap();
            assert_eq!(sampled.items.len(), 3);
            items.extend(sampled.items);
        }
        let of_batch = |item: u32| match labels {
            Labels::Repeated => {
                world.items.iter().filter(|target| **target == item).count() as f64 / 8.0
            }
            Labels::Unique => f64::from(u8::from(world.items.contains(&item))) / 6.0,
        };
        follows(items, of_batch, "subset");
    }
}

/// Batches from the unigram: what is on record as `n q` is how often an item is in a list.
#[test]
fn expected_appearances_are_on_record_for_lists_of_random_batches() {
    let interacted = Interacted::default();
    let kinds = [
        (Negatives::InBatch { count: None, labels: Labels::Unique }, 0.02),
        (Negatives::InBatch { count: None, labels: Labels::Repeated }, 0.02),
        (Negatives::Mixed { count: 14, share: 0.5, labels: Labels::Repeated }, 0.02),
    ];
    for (kind, tolerance) in kinds {
        let sampler = sampler(kind.clone());
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let (mut seen, mut recorded, mut records) = ([0.0; ITEMS], [0.0; ITEMS], [0.0; ITEMS]);
        const STEPS: u64 = 20_000;
        for step in 0..STEPS {
            let draw = |_| {
                let mut at = rng.next_u32() % COUNTS.iter().sum::<u32>();
                let mut item = 0;
                while at >= COUNTS[item] {
                    at -= COUNTS[item];
                    item += 1;
                }
                item as u32
            };
            let items: Vec<u32> = (0..10).map(draw).collect();
            let targets = Targets {
                users: &[0],
                offsets: &[0, 10],
                items: &items,
                interacted: &interacted,
            };
            let sampled = sampler.sample(step, &targets).unwrap();
            for (item, log_q) in sampled.items.iter().zip(&sampled.log_q) {
                seen[*item as usize] += 1.0 / STEPS as f64;
                recorded[*item as usize] += f64::from(log_q.exp()) * sampled.count as f64;
                records[*item as usize] += 1.0;
            }
        }
        for item in (0..ITEMS).filter(|item| records[*item] > 0.0) {
            let recorded = recorded[item] / records[item];
            let sigmas = 5.0 * (recorded / STEPS as f64).sqrt();
            let gap = (seen[item] - recorded).abs();
            assert!(
                gap < tolerance * recorded + sigmas,
                "{kind:?}, {item}: {} {recorded}",
                seen[item]
            );
        }
    }
}

#[test]
fn mixed_is_batch_then_uniform_under_one_q() {
    let world = World::new();
    let mixed = Negatives::Mixed { count: 10_000, share: 0.6, labels: Labels::Repeated };
    let sampled = sampler(mixed).sample(9, &world.targets()).unwrap();
    assert_eq!(sampled.items[..8], world.items, "the batch has 8, uniform items fill");
    follows(sampled.items[8..].iter().copied(), |_| 1.0 / 12.0, "the uniform part");
    let mixture = |item: u32| (8.0 * q(item, 1.0) + 9_992.0 / 12.0) / 10_000.0;
    for (item, log_q) in sampled.items.iter().zip(&sampled.log_q) {
        close(*log_q, mixture(*item));
    }
    close(sampled.positive_log_q[2], mixture(9));
    let small = Negatives::Mixed { count: 10, share: 0.5, labels: Labels::Repeated };
    let sampled = sampler(small).sample(9, &world.targets()).unwrap();
    let mut rest = world.items.clone();
    for item in &sampled.items[..5] {
        let place = rest.iter().position(|other| other == item).expect("a target");
        rest.swap_remove(place);
    }
    close(sampled.positive_log_q[0], (5.0 * q(0, 1.0) + 5.0 / 12.0) / 10.0);
}

#[test]
fn hard_negatives_lead_their_row_and_spare_what_its_user_took() {
    let world = World::new();
    for weight in [HardWeight::Uniform, HardWeight::Drawn] {
        let sampler =
            sampler(Negatives::Hard { count: 1_000, share: 0.002, weight, power: 0.0 });
        let mut asked = Vec::new();
        let mut mine = |row: usize, n: usize| {
            asked.push((row, n));
            // 4 is user 0's and user 3's, 8 is nobody's, 7 is user 1's; 99 is no item.
            vec![4, 8, 99, 8, 7, 5, 10]
        };
        let sampled = sampler.sample_mined(0, &world.targets(), &mut mine).unwrap();
        assert_eq!(asked, [(0, 5), (1, 3), (2, 9)], "2 wanted and the user's own");
        assert_eq!((sampled.layout, sampled.hits), (Layout::PerRow, false));
        for (row, (first, own)) in [([8, 7], 3), ([4, 8], 1), ([8, 7], 7)].iter().enumerate() {
            let list = sampled.list(row, 0);
            let items = &sampled.items[list.clone()];
            let seen = world.interacted.items(world.users[row]);
            assert_eq!(items[..2], *first, "row {row}");
            assert!(items.iter().all(|item| seen.binary_search(item).is_err()));
            let left = (ITEMS - own) as f64;
            let uniform = |item| if seen.contains(&item) { 0.0 } else { 1.0 / left };
            follows(items[2..].iter().copied(), uniform, "the uniform part");
            for (item, log_q) in items.iter().zip(&sampled.log_q[list]) {
                let mined = f64::from(u8::from(first.contains(item)));
                close(
                    *log_q,
                    match weight {
                        HardWeight::Uniform => 1.0 / left,
                        HardWeight::Drawn => (mined + 998.0 / left) / 1000.0,
                    },
                );
            }
        }
        let error = sampler.sample(0, &world.targets()).unwrap_err().to_string();
        assert!(error.contains("call sample_mined"), "{error}");
    }
}

#[test]
fn the_rest_of_hard_negatives_may_follow_popularity() {
    let world = World::new();
    let weight = HardWeight::Drawn;
    let sampler = sampler(Negatives::Hard { count: 1_000, share: 0.002, weight, power: 1.0 });
    let mut mine = |_: usize, _: usize| vec![8, 7, 5];
    let sampled = sampler.sample_mined(0, &world.targets(), &mut mine).unwrap();
    for row in [0, 2] {
        let list = sampled.list(row, 0);
        let items = &sampled.items[list.clone()];
        let seen = world.interacted.items(world.users[row]);
        let left: f64 = 1.0 - seen.iter().map(|item| q(*item, 1.0)).sum::<f64>();
        let rest = |item| if seen.contains(&item) { 0.0 } else { q(item, 1.0) / left };
        follows(items[2..].iter().copied(), rest, "the rest");
        for (item, log_q) in items.iter().zip(&sampled.log_q[list]) {
            let mined = f64::from(u8::from(items[..2].contains(item)));
            close(*log_q, (mined + 998.0 * rest(*item)) / 1000.0);
        }
    }
}

#[test]
fn another_unigram_changes_what_is_on_record() {
    let world = World::new();
    let mut sampler = sampler(Negatives::InBatch { count: None, labels: Labels::Repeated });
    sampler.set_unigram(vec![1.0 / 12.0; ITEMS]).unwrap();
    let sampled = sampler.sample(0, &world.targets()).unwrap();
    sampled.log_q.iter().for_each(|log_q| close(*log_q, 1.0 / 12.0));
    assert!(sampler.set_unigram(vec![0.1; 3]).is_err());
    assert!(sampler.set_unigram(vec![f64::NAN; ITEMS]).is_err());
}

#[test]
fn an_item_that_training_never_saw_has_a_bounded_log_q() {
    let mut world = World::new();
    world.items[0] = 5;
    let sampler = sampler(Negatives::InBatch { count: None, labels: Labels::Repeated });
    close(sampler.sample(0, &world.targets()).unwrap().log_q[0], 1e-10);
}

#[test]
fn sets_of_sequences_are_sorted_and_without_repeats() {
    let events = [(1, 3, 0, 1.0), (0, 2, 1, 1.0), (1, 0, 2, 1.0), (1, 3, 3, 1.0)];
    let sequences = data::Sequences::from_events(3, 4, &events).unwrap();
    let interacted = Interacted::of(&sequences);
    let sets: Vec<_> = (0..5).map(|user| interacted.items(user)).collect();
    assert_eq!(sets, [&[2][..], &[0, 3], &[], &[], &[]]);
    assert!(Interacted::new(vec![0, 2], vec![1, 1]).is_err());
    assert!(Interacted::new(vec![0, 3], vec![1, 2]).is_err());
}

#[test]
fn settings_are_read_by_kind_and_refused_by_name() {
    let read = |text: &str| serde_json::from_str::<Negatives>(text);
    let ours =
        read(r#"{"kind": "uniform", "count": 3000, "layout": "per-row", "unseen": true}"#);
    assert_eq!(
        ours.unwrap(),
        Negatives::Uniform { count: 3000, layout: Layout::PerRow, unseen: true }
    );
    let ours = read(r#"{"kind": "in-batch"}"#).unwrap();
    assert_eq!(ours, Negatives::InBatch { count: None, labels: Labels::Unique });
    assert_eq!(
        serde_json::to_string(&ours).unwrap(),
        r#"{"kind":"in-batch","labels":"unique"}"#
    );
    for wrong in [
        r#"{"kind": "uniform", "count": 3, "unsen": true}"#,
        r#"{"kind": "in_batch"}"#,
        r#"{"kind": "uniform"}"#,
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    for (text, words) in [
        (r#"{"kind": "uniform", "count": 0}"#, "negatives.count: 0"),
        (r#"{"kind": "uniform", "count": 1, "unseen": true}"#, "negatives.unseen: a list"),
        (r#"{"kind": "popularity", "count": 1, "power": -1}"#, "negatives.power: -1"),
        (r#"{"kind": "mixed", "count": 1, "share": 1.5}"#, "negatives.share: 1.5"),
        (r#"{"kind": "hard", "count": 1, "share": 0.5}"#, "negatives.share: 0.5 of mined"),
    ] {
        let error = Sampler::new(read(text).unwrap(), &COUNTS, 0).unwrap_err().to_string();
        assert!(error.starts_with(words), "{error}");
    }
    let popular = read(r#"{"kind": "popularity", "count": 1}"#).unwrap();
    assert!(Sampler::new(popular.clone(), &[0, 0], 0).is_err());
    assert!(Sampler::new(popular, &[], 0).is_err());
}

#[test]
fn targets_that_do_not_fit_are_refused() {
    let world = World::new();
    let sampler =
        sampler(Negatives::Uniform { count: 1, layout: Layout::Shared, unseen: false });
    let good = world.targets();
    assert!(sampler.sample(0, &good).is_ok());
    for wrong in [
        Targets { offsets: &[0, 3, 8], ..good },
        Targets { offsets: &[0, 5, 3, 8], ..good },
        Targets { offsets: &[0, 3, 3, 9], ..good },
        Targets { offsets: &[0, 3, 3, -1], ..good },
        Targets { items: &[12; 8], ..good },
    ] {
        assert!(sampler.sample(0, &wrong).is_err(), "{wrong:?}");
    }
    let empty = Targets { users: &[], offsets: &[0], items: &[], ..good };
    for layout in [Layout::Shared, Layout::PerRow, Layout::PerToken] {
        let config = Negatives::Uniform { count: 2, layout, unseen: false };
        assert!(Sampler::new(config, &COUNTS, 0).unwrap().sample(0, &empty).is_ok());
    }
}
