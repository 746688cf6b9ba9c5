//! Ids keep arriving, and memory is that of those alive.

use world::{Preset, World};

use crate::playing::{round, small};

#[test]
fn the_oldest_go_and_numbers_go_on() {
    let mut config = small(Preset::IdGrowth);
    (config.catalogue.arrivals_a_day, config.catalogue.alive_max) = (2400.0, 500);
    let mut world = World::new(config, 2).expect("a world");
    let mut draw = 3;
    let start_ms = world.now_ms();
    while world.now_ms() < start_ms + 5 * 86_400_000 {
        round(&mut world, &mut draw);
        let catalogue = world.catalogue();
        assert!(catalogue.items().len() <= 500);
        assert_eq!(catalogue.items().len() as u32, catalogue.end() - catalogue.first());
        for (item, id) in catalogue.items().zip(catalogue.first()..) {
            assert_eq!(item.id, id);
        }
        assert!(catalogue.get(catalogue.first()).is_some());
        assert!(catalogue.get(catalogue.end()).is_none());
        if let Some(gone) = catalogue.first().checked_sub(1) {
            assert!(catalogue.get(gone).is_none());
        }
    }
    let ticks = (world.now_ms() - start_ms) / 3_600_000;
    let made = i64::from(world.catalogue().end()) - 300;
    // A hundred a tick, and what people made.
    assert!(made >= 100 * ticks && made < 100 * ticks + 200, "{made} in {ticks}");
}

#[test]
fn a_hundred_million_ids_are_numbers_like_others() {
    let mut config = small(Preset::IdGrowth);
    // Two million an hour, of whom the last thousand stay.
    (config.catalogue.arrivals_a_day, config.catalogue.alive_max) = (48e6, 1000);
    let mut world = World::new(config, 2).expect("a world");
    let mut draw = 3;
    while world.catalogue().end() < 100_000_000 {
        round(&mut world, &mut draw);
    }
    assert_eq!(world.catalogue().items().len(), 1000);
    assert_eq!(world.catalogue().first(), world.catalogue().end() - 1000);
}
