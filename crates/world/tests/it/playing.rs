//! Slates for tests: any items that are alive.

use world::{Happened, Preset, Request, Slates, World, WorldConfig};

/// One round under random slates.
pub(crate) struct Round {
    pub(crate) requests: Vec<Request>,
    pub(crate) slates: Slates,
    pub(crate) happened: Vec<Happened>,
}

/// Shows each request other items.
pub(crate) fn round(world: &mut World, draw: &mut u64) -> Round {
    let requests = world.next_requests().to_vec();
    let slates = slates(world, &requests, draw);
    let happened = world.respond(&slates).expect("slates of items that are alive").to_vec();
    Round { requests, slates, happened }
}

pub(crate) fn slates(world: &World, requests: &[Request], draw: &mut u64) -> Slates {
    let (first, end) = (world.catalogue().first(), world.catalogue().end());
    let mut slates = Slates::new();
    for request in requests {
        let mut slate = Vec::new();
        while slate.len() < usize::from(request.places) {
            *draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let item = first + (*draw >> 33) as u32 % (end - first);
            if !slate.contains(&item) {
                slate.push(item);
            }
        }
        slates.push(&slate);
    }
    slates
}

/// A preset, small.
pub(crate) fn small(preset: Preset) -> WorldConfig {
    let mut config = preset.config();
    config.users = config.users.min(400);
    config.items = 300;
    config
}
