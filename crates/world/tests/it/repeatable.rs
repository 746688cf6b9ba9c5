//! A seed decides everything, whatever the number of threads.

use world::{Preset, World};

use crate::playing::{round, small};

/// Everything that came out of some rounds.
fn trace(preset: Preset, seed: u64, threads: usize) -> String {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    pool.install(|| {
        let mut world = World::new(small(preset), seed).expect("a preset is a world");
        let mut draw = 5;
        let mut trace = String::new();
        for _ in 0..30 {
            let round = round(&mut world, &mut draw);
            trace.push_str(&format!("{:?} {:?}\n", round.requests, round.happened));
        }
        trace
    })
}

#[test]
fn a_seed_decides_everything() {
    for preset in Preset::ALL {
        let one = trace(preset, 7, 1);
        for threads in [2, 5] {
            assert!(one == trace(preset, 7, threads), "{} threads: {threads}", preset.name());
        }
        assert!(one != trace(preset, 8, 1), "{}: another seed", preset.name());
    }
}

#[test]
fn a_copy_goes_on_as_the_world_itself() {
    let mut world = World::new(small(Preset::ShortVideo), 3).expect("a world");
    let mut draw = 1;
    for _ in 0..5 {
        round(&mut world, &mut draw);
    }
    let (mut copy, mut same) = (world.clone(), draw);
    for _ in 0..5 {
        let (a, b) = (round(&mut world, &mut draw), round(&mut copy, &mut same));
        assert_eq!(a.requests, b.requests);
        assert_eq!(a.happened, b.happened);
    }
}

#[test]
fn requests_stay_until_they_are_answered() {
    let mut world = World::new(small(Preset::Shop), 3).expect("a world");
    let requests = world.next_requests().to_vec();
    assert_eq!(world.next_requests(), requests);
    assert_eq!(world.requests(), requests);
    assert!(!requests.is_empty());
}
