//! Who is glad comes back sooner; tastes drift, creators create.

use world::{Creator, Kind, Preset, Slates, World, WorldConfig};

use crate::playing::{round, small};

/// Visits within some days where each slate is made by `make`.
fn visits(config: &WorldConfig, days: i64, make: impl Fn(&World, usize) -> Vec<u32>) -> usize {
    let mut world = World::new(config.clone(), 4).expect("a world");
    let end_ms = config.start_ms + days * 86_400_000;
    let mut visits = 0;
    loop {
        let requests = world.next_requests().to_vec();
        if world.now_ms() >= end_ms {
            return visits;
        }
        visits += requests.iter().filter(|request| request.slates_before == 0).count();
        let mut slates = Slates::new();
        (0..requests.len()).for_each(|at| slates.push(&make(&world, at)));
        world.respond(&slates).expect("good slates");
    }
}

#[test]
fn good_slates_bring_people_back() {
    let config = small(Preset::ShortVideo);
    let candidates: Vec<u32> = (0..40).collect();
    let best = visits(&config, 20, |world, at| world.truth(at).best(&candidates, 10));
    let worst = visits(&config, 20, |world, at| {
        let mut order = world.truth(at).best(&candidates, 40);
        order.reverse();
        order.truncate(10);
        order
    });
    assert!(best as f64 > 1.3 * worst as f64, "{best} visits of the glad, {worst} of others");
}

#[test]
fn what_a_click_is_worth_rises_with_satisfaction() {
    let mut world = World::new(small(Preset::ShortVideo), 4).expect("a world");
    world.next_requests();
    let truth = world.truth(0);
    let lifts: Vec<f64> =
        [0.0f32, 0.2, 0.5, 0.9].iter().map(|satisfaction| truth.lift(*satisfaction)).collect();
    assert!(lifts.windows(2).all(|pair| pair[0] < pair[1]), "{lifts:?}");
    // An empty slate counts as 0.2: a click of that satisfaction brings itself only.
    assert!((lifts[1] - 0.2).abs() < 1e-6, "{lifts:?}");
    assert!(lifts[0] < 0.0, "a click that disappoints is worse than none");
}

#[test]
fn creations_enter_at_the_next_tick_and_belong_to_people() {
    let mut config = small(Preset::ShortVideo);
    (config.creation.creators, config.creation.open, config.creation.create) = (1.0, 1.0, 1.0);
    config.catalogue.arrivals_a_day = 0.0;
    let mut world = World::new(config, 4).expect("a world");
    let mut draw = 8;
    let mut made = 0;
    for _ in 0..200 {
        let before = world.now_ms();
        world.next_requests();
        if world.now_ms() != before {
            assert_eq!(world.catalogue().end(), 300 + made as u32);
        }
        let round = round(&mut world, &mut draw);
        made += round.happened.iter().filter(|event| event.kind == Kind::Create).count();
    }
    assert!(made > 100);
    for item in world.catalogue().items().skip(300) {
        assert!(matches!(item.creator, Creator::User(_)));
    }
}

#[test]
fn tastes_drift() {
    let clicks = |drift: f32| {
        let mut config = small(Preset::ShortVideo);
        (config.taste.drift_a_day, config.taste.mood, config.taste.reinforce) =
            (drift, 0.0, 0.0);
        config.catalogue.arrivals_a_day = 0.0;
        let mut world = World::new(config, 4).expect("a world");
        // What is best for each at first is shown to them for ever.
        let mut first: std::collections::BTreeMap<u32, Vec<u32>> = Default::default();
        let all: Vec<u32> = (0..300).collect();
        let (mut early, mut late) = (0.0, 0.0);
        let mut early_count = 0;
        let mut late_count = 0;
        while world.now_ms() < world.config().start_ms + 60 * 86_400_000 {
            let requests = world.next_requests().to_vec();
            let mut slates = Slates::new();
            for (at, request) in requests.iter().enumerate() {
                let user = request.user.expect("a user");
                let truth = world.truth(at);
                let slate = first.entry(user).or_insert_with(|| truth.best(&all, 5));
                let days = (request.time_ms - world.config().start_ms) / 86_400_000;
                let appeal = |item: &u32| truth.appeal(*item).map_or(0.0, |it| it.satisfaction);
                let mean = slate.iter().map(appeal).sum::<f32>() / 5.0;
                if days < 5 {
                    (early, early_count) = (early + mean, early_count + 1);
                } else if days > 50 {
                    (late, late_count) = (late + mean, late_count + 1);
                }
                slates.push(slate);
            }
            world.respond(&slates).expect("good slates");
        }
        (early / early_count as f32, late / late_count as f32)
    };
    let (early, late) = clicks(0.0);
    assert!((early - late).abs() < 0.03, "{early} {late}");
    let (early, late) = clicks(0.05);
    assert!(late < early - 0.1, "{early} {late}");
}
