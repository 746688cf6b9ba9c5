//! Bad slates and bad settings are refused by name, and nothing has happened.

use world::{Examination, Preset, Slates, World, WorldConfig};

use crate::playing::{round, slates, small};

fn refused(change: impl FnOnce(&mut WorldConfig)) -> String {
    let mut config = small(Preset::ShortVideo);
    change(&mut config);
    World::new(config, 1).expect_err("it is out of range").to_string()
}

#[test]
fn settings_out_of_range() {
    for (message, expected) in [
        (refused(|config| config.users = 0), "world.users: 0 is not between 1 and 50000000"),
        (refused(|config| config.places = 101), "world.places: 101 is not between 1 and 100"),
        (
            refused(|config| config.click.base = f32::NAN),
            "world.click.base: NaN is not between -100 and 100",
        ),
        (
            refused(|config| config.labels.lost = 1.5),
            "world.labels.lost: 1.5 is not between 0 and 1",
        ),
        (
            refused(|config| config.topics.branching = Vec::new()),
            "world.topics.branching: name 1 to 8 levels",
        ),
        (
            refused(|config| config.topics.branching = vec![u16::MAX; 8]),
            "world.topics.branching: 4294967295 is not between 1 and 65536",
        ),
        (
            refused(|config| config.catalogue.alive_max = 10),
            "world.items: 300 is not between 1 and 10",
        ),
        (
            refused(|config| {
                config.examination =
                    Examination::TrustBias { decay: 1.0, noise: 0.7, noise_decay: 1.0 };
            }),
            "world.examination.noise: 0.7 is not between 0 and 0.5",
        ),
        (
            refused(|config| config.start_ms = i64::MAX),
            "world.start_ms: 9223372036854775807 is no time of a log",
        ),
    ] {
        assert_eq!(message, expected);
    }
}

#[test]
fn slates_that_do_not_fit() {
    let mut world = World::new(small(Preset::ShortVideo), 1).expect("a world");
    let requests = world.next_requests().to_vec();
    let mut draw = 9;
    let good = slates(&world, &requests, &mut draw);
    let refused = |world: &mut World, change: &dyn Fn(usize) -> Vec<u32>| {
        let mut slates = Slates::new();
        for at in 0..requests.len() {
            if at == 1 { slates.push(&change(at)) } else { slates.push(good.get(at)) }
        }
        world.respond(&slates).expect_err("it does not fit").to_string()
    };
    assert_eq!(
        refused(&mut world, &|_| vec![300]),
        "slate 1: item 300 is not in the catalogue, which is 0..300"
    );
    assert_eq!(refused(&mut world, &|_| vec![4, 5, 4]), "slate 1: item 4 stands in it twice");
    assert_eq!(refused(&mut world, &|_| (0..11).collect()), "slate 1: 11 items for 10 places");
    let none = world.respond(&Slates::new()).expect_err("none").to_string();
    let count = requests.len();
    assert_eq!(
        none,
        format!(
            "slate 0: 0 slates for {count} requests; answer each, with an empty slate if need be"
        )
    );
    // Nothing has happened: the world goes on as another that was never asked.
    let mut other = World::new(small(Preset::ShortVideo), 1).expect("a world");
    other.next_requests();
    let (mut a, mut b) = (3, 3);
    for _ in 0..3 {
        assert_eq!(round(&mut world, &mut a).happened, round(&mut other, &mut b).happened);
    }
}

#[test]
fn an_empty_slate_is_an_answer() {
    let mut world = World::new(small(Preset::Shop), 1).expect("a world");
    let count = world.next_requests().len();
    let mut slates = Slates::new();
    (0..count).for_each(|_| slates.push(&[]));
    let happened = world.respond(&slates).expect("empty slates");
    assert!(happened.iter().all(|event| event.item.is_none()));
}
