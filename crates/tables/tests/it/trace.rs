//! Predicted miss ratios beside caches that were run, and memory shared by them.

use tables::trace::allocate::{Demand, greedy, proportional};
use tables::trace::{MissCurve, StackDistances};
use tables::{
    Bags, Init, Optimiser, Policy, Pooling, RemoteTier, TieredConfig, TieredFeature,
    TieredTable, WAYS,
};

/// Uniform numbers; each test has its own stream.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Ids by Zipf, the popular ones scattered.
pub(crate) struct Zipf {
    sums: Vec<f64>,
}

impl Zipf {
    pub(crate) fn new(rows: usize, exponent: f64) -> Zipf {
        let mut sum = 0.0;
        let sums = (1..=rows).map(|rank| {
            sum += (rank as f64).powf(-exponent);
            sum
        });
        Zipf { sums: sums.collect() }
    }

    pub(crate) fn draw(&self, dice: &mut Dice) -> u64 {
        let at = dice.share() * self.sums.last().copied().unwrap_or_default();
        let rank = self.sums.partition_point(|sum| *sum < at) as u64;
        rank.wrapping_mul(0x9e37_79b9) % self.sums.len() as u64
    }
}

/// Batches of different ids.
fn trace(rows: usize, exponent: f64, batches: usize) -> Vec<Vec<u64>> {
    let (zipf, mut dice) = (Zipf::new(rows, exponent), Dice::new(5));
    (0..batches)
        .map(|_| {
            let mut ids: Vec<u64> = (0..500).map(|_| zipf.draw(&mut dice)).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        })
        .collect()
}

/// Miss ratio of the second half in an LRU of so many rows, which forgets who was asked longest ago.
fn lru(trace: &[Vec<u64>], capacity: usize) -> f64 {
    let mut order = std::collections::BTreeMap::new();
    let mut at = std::collections::BTreeMap::new();
    let (mut now, mut misses, mut asked) = (0u64, 0, 0);
    for (number, ids) in trace.iter().enumerate() {
        for id in ids {
            now += 1;
            let before = at.insert(*id, now);
            before.into_iter().for_each(|before| {
                order.remove(&before);
            });
            order.insert(now, *id);
            if number >= trace.len() / 2 {
                asked += 1;
                misses += usize::from(before.is_none());
            }
            if order.len() > capacity {
                let (_, oldest) = order.pop_first().expect("it is not empty");
                at.remove(&oldest);
            }
        }
    }
    f64::from(misses as u32) / f64::from(asked)
}

fn curve(mut distances: StackDistances, trace: &[Vec<u64>], rows: u64) -> MissCurve {
    for (number, ids) in trace.iter().enumerate() {
        if number == trace.len() / 2 {
            distances.warmed_up();
        }
        distances.ask(ids);
    }
    distances.curve(rows).expect("ids were asked for")
}

#[test]
fn the_curve_is_what_an_lru_misses() {
    let rows = 40_000;
    let trace = trace(rows, 1.05, 400);
    let exact = curve(StackDistances::exact(), &trace, rows as u64);
    let sampled = StackDistances::sampled(0.2).expect("a share");
    let sampled = curve(sampled, &trace, rows as u64);
    for share in [0.01, 0.02, 0.05, 0.1, 0.2, 0.5] {
        let found = lru(&trace, (share * rows as f64) as usize);
        let told = exact.miss(share);
        assert!((told - found).abs() < 0.004, "{share}: {told} for {found}");
        let told = sampled.miss(share);
        assert!((told - found).abs() < 0.04, "{share}: {told} for {found}, of a sample");
    }
    assert!(exact.miss(0.0) > 0.999);
    assert!(exact.cacheability() > 0.0 && exact.cacheability() < 0.5);
}

#[test]
fn a_uniform_trace_is_hard_to_cache() {
    let rows = 5_000;
    let trace = trace(rows, 0.0, 300);
    let uniform = curve(StackDistances::exact(), &trace, rows as u64);
    // About as much as the cache lacks: a little more, because a batch asks for an id once.
    let (told, found) = (uniform.miss(0.5), lru(&trace, rows / 2));
    assert!((told - found).abs() < 0.004, "{told} for {found}");
    assert!((0.5..0.58).contains(&found), "{found}");
    assert!((0.5..0.58).contains(&uniform.cacheability()));
}

#[test]
fn what_cannot_be_is_refused() {
    assert!(StackDistances::sampled(0.0).is_err());
    assert!(StackDistances::sampled(f64::NAN).is_err());
    assert!(StackDistances::exact().curve(5).is_err());
}

#[test]
fn memory_goes_where_it_saves_misses_and_never_beyond_the_budget() {
    let demand = |rows: usize, exponent, lookups| Demand {
        curve: curve(StackDistances::exact(), &trace(rows, exponent, 200), rows as u64),
        lookups,
        row_bytes: 256,
        slot_bytes: 20,
    };
    let tables =
        [demand(20_000, 1.2, 500.0), demand(20_000, 0.0, 500.0), demand(300, 0.8, 90.0)];
    let whole: u64 = tables.iter().map(|it| it.curve.rows() * it.row_bytes).sum();
    let misses = |cached: &[u64]| {
        tables.iter().zip(cached).map(|(it, own)| it.misses(*own)).sum::<f64>()
    };
    for share in [0.02, 0.1, 0.3, 0.7] {
        let budget = (share * whole as f64) as u64;
        let equal: Vec<u64> =
            tables.iter().map(|it| (budget / 3 / 276).min(it.curve.rows())).collect();
        for (name, cached) in [
            ("greedy", greedy(&tables, budget)),
            ("proportional", proportional(&tables, budget)),
        ] {
            let used: u64 = tables
                .iter()
                .zip(&cached)
                .map(|(it, own)| match *own >= it.curve.rows() {
                    true => it.curve.rows() * 256,
                    false => own * 276,
                })
                .sum();
            assert!(used <= budget, "{name} at {share}: {used} of {budget}");
            if name == "greedy" {
                let (best, even) = (misses(&cached), misses(&equal));
                assert!(best <= even + 1e-9, "{share}: {best} for {even}");
            }
        }
    }
    // Everything fits: everything is there whole.
    let all: Vec<u64> = tables.iter().map(|it| it.curve.rows()).collect();
    assert_eq!(greedy(&tables, whole), all);
}

/// Misses over different ids asked for by a 32-way cache of so many sets, in the second half.
fn tiered(trace: &[Vec<u64>], rows: u64, sets: usize) -> f64 {
    let batch_ids = trace.iter().map(Vec::len).max().unwrap_or(1);
    let feature = TieredFeature { name: "f".into(), rows, init: Init::Zero };
    let mut config = TieredConfig {
        name: "t".into(),
        width: 1,
        optimiser: Optimiser::Sgd { rate: 0.0 },
        features: vec![feature],
        memory_bytes: 1,
        batch_ids,
        pad_rows: batch_ids,
        policy: Policy::Lru,
    };
    let tier = || Box::new(RemoteTier::new(4));
    // What is refused says what would do: one set.
    let error =
        TieredTable::open(tier(), config.clone()).err().expect("too little").to_string();
    let numbers = error.split_whitespace().filter_map(|word| word.parse::<usize>().ok());
    let least = numbers.max().expect("the least that would do");
    // Rows of one number, and 14 bytes beside each.
    config.memory_bytes = least + (sets - 1) * WAYS * (4 + 14);
    let mut table = TieredTable::open(tier(), config).expect("memory for it");
    let mut before = table.counters().expect("whole");
    let mut out = Vec::new();
    for (number, ids) in trace.iter().enumerate() {
        if number == trace.len() / 2 {
            before = table.counters().expect("whole");
        }
        let offsets = [0, ids.len() as i32];
        let bags = Bags::new(&offsets, ids).expect("one bag");
        out.resize(1, 0.0);
        table.pooled(&[(0, bags)], Pooling::Sum, &mut out).expect("rows");
        table.update(&[(0, bags)], Pooling::Sum, &out).expect("a step");
    }
    let after = table.counters().expect("whole");
    (after.unique_misses - before.unique_misses) as f64 / (after.unique - before.unique) as f64
}

#[test]
fn what_is_predicted_is_what_the_cache_misses() {
    let rows = 64_000usize;
    let (zipf, mut dice) = (Zipf::new(rows, 1.05), Dice::new(9));
    let trace: Vec<Vec<u64>> = (0..1500)
        .map(|_| {
            let mut ids: Vec<u64> = (0..150).map(|_| zipf.draw(&mut dice)).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        })
        .collect();
    let curve = curve(StackDistances::exact(), &trace, rows as u64);
    for share in [0.01, 0.02, 0.05, 0.1, 0.2, 0.5] {
        let sets = (share * rows as f64) as usize / WAYS;
        let (told, found) =
            (curve.miss_of((sets * WAYS) as u64), tiered(&trace, rows as u64, sets));
        assert!((told - found).abs() < 0.02, "{share}: {told} for {found}");
    }
}
