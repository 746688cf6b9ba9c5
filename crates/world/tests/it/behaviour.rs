//! What people do is what the truth says, in the long run.

use world::{Examination, Kind, Mode, Preset, World, WorldConfig};

use crate::playing::{round, slates, small};

/// Expected and actual clicks of many slates: the deviation in standard deviations, place by place.
fn deviations(config: WorldConfig, seed: u64) -> Vec<f64> {
    let places = usize::from(config.places);
    let mut world = World::new(config, seed).expect("a world");
    let mut draw = seed;
    let (mut off, mut variance) = (vec![0.0f64; places], vec![0.0f64; places]);
    for _ in 0..150 {
        let requests = world.next_requests().to_vec();
        let slates = slates(&world, &requests, &mut draw);
        for at in 0..requests.len() {
            for (place, truth) in world.truth(at).places(slates.get(at)).iter().enumerate() {
                let click = f64::from(truth.click);
                assert!((0.0..=1.0).contains(&click));
                assert!(truth.examined >= truth.click);
                off[place] -= click;
                variance[place] += click * (1.0 - click);
            }
        }
        for event in world.respond(&slates).expect("good slates") {
            if let (Kind::Click, Some(place)) = (event.kind, event.place) {
                off[usize::from(place)] += 1.0;
            }
        }
    }
    off.iter().zip(&variance).map(|(off, variance)| off / variance.max(1.0).sqrt()).collect()
}

#[test]
fn clicks_come_as_the_truth_says() {
    let models = [
        Examination::PositionBased { decay: 0.8 },
        Examination::TrustBias { decay: 0.5, noise: 0.1, noise_decay: 0.5 },
        Examination::Cascade { many: false },
        Examination::Cascade { many: true },
    ];
    for examination in models {
        for mode in [Mode::Slates, Mode::Stream] {
            let mut config = small(Preset::ShortVideo);
            (config.mode, config.examination, config.session.hazard) =
                (mode, examination, 0.15);
            let off = deviations(config, 11);
            let worst = off.iter().fold(0.0f64, |worst, off| worst.max(off.abs()));
            // Ten places: a normal deviate above 4 comes once in 1,600 tests.
            assert!(worst < 4.0, "{examination:?} {mode:?}: {off:?}");
        }
    }
}

#[test]
fn on_top_more_is_seen_and_trust_clicks_what_is_not_wanted() {
    let examination = Examination::TrustBias { decay: 1.0, noise: 0.2, noise_decay: 1.0 };
    assert_eq!(examination.seen(0, 1.0), Some(1.0));
    assert_eq!(examination.seen(3, 1.0), Some(0.25));
    assert!((examination.clicked(0, 0.0) - 0.2).abs() < 1e-6);
    assert!((examination.clicked(0, 1.0) - 1.0).abs() < 1e-6);
    assert!(examination.clicked(9, 0.0) < 0.03 && examination.clicked(9, 1.0) < 0.83);
}

#[test]
fn lost_and_corrupted_labels_come_at_their_rates_and_change_nobody() {
    let clean = small(Preset::ShortVideo);
    let mut spoilt = clean.clone();
    (spoilt.labels.lost, spoilt.labels.corrupted) = (0.3, 0.2);
    let mut worlds = [clean, spoilt].map(|config| World::new(config, 2).expect("a world"));
    let mut draws = [4, 4];
    let (mut all, mut kept, mut moved) = (0usize, 0usize, 0usize);
    for _ in 0..60 {
        let a = round(&mut worlds[0], &mut draws[0]);
        let b = round(&mut worlds[1], &mut draws[1]);
        assert_eq!(a.requests, b.requests, "people are not touched by what the log loses");
        all += a.happened.len();
        kept += b.happened.len();
        let mut rest = a.happened.iter();
        for event in &b.happened {
            // Labels keep their order, kind and time.
            let true_event = rest
                .find(|it| {
                    (it.request, it.kind, it.time_ms, it.value)
                        == (event.request, event.kind, event.time_ms, event.value)
                })
                .expect("nothing is made up");
            moved += usize::from(true_event.item != event.item);
        }
    }
    let lost = 1.0 - kept as f64 / all as f64;
    assert!((lost - 0.3).abs() < 0.02, "{lost} of {all}");
    let moved = moved as f64 / kept as f64;
    assert!((0.1..0.2).contains(&moved), "{moved}: a fifth, less those who stay by chance");
}

#[test]
fn watching_is_bounded_by_length_but_for_loops() {
    let mut config = small(Preset::ShortVideo);
    config.watch.loops = 0.0;
    let mut world = World::new(config, 6).expect("a world");
    let mut draw = 2;
    let (mut seen, mut long, mut short) = (0, Vec::new(), Vec::new());
    for _ in 0..300 {
        for event in round(&mut world, &mut draw).happened {
            if event.kind == Kind::Watch {
                let item = world.catalogue().get(event.item.expect("an item")).expect("alive");
                let seconds = event.value.expect("seconds");
                assert!(seconds > 0.0 && seconds <= item.length_s);
                if item.length_s > 30.0 {
                    long.push(seconds)
                } else {
                    short.push(seconds)
                }
                seen += 1;
            }
        }
    }
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    assert!(seen > 500);
    assert!(
        mean(&long) > 2.0 * mean(&short),
        "the duration effect: who is long is watched long"
    );
}

#[test]
fn each_mode_asks_as_it_should() {
    let mut pages = World::new(small(Preset::NewsPages), 1).expect("a world");
    let mut draw = 1;
    let mut opened = 0;
    for _ in 0..100 {
        let round = round(&mut pages, &mut draw);
        for request in &round.requests {
            assert!(request.user.is_none() && request.page.is_some());
        }
        opened += round.happened.iter().filter(|event| event.kind == Kind::Click).count();
    }
    assert!(opened > 50);
    let mut music = World::new(small(Preset::MusicStream), 1).expect("a world");
    let mut last: std::collections::BTreeMap<u32, i64> = std::collections::BTreeMap::new();
    for _ in 0..300 {
        for request in round(&mut music, &mut draw).requests {
            let user = request.user.expect("somebody listens");
            if let Some(before) = last.insert(user, request.time_ms) {
                let week = 7 * 86_400_000;
                assert!(request.time_ms - before >= week, "one playlist a week");
            }
        }
    }
}
