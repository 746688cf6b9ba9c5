//! What each preset is like under random slates, and how fast it goes:
//! `cargo run --release -p world --example rates -- 1000000`
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]
#![allow(clippy::disallowed_methods, reason = "an example measures")]

use std::collections::BTreeMap;
use std::time::Instant;

use world::{Preset, Slates, World};

fn main() -> world::Result<()> {
    let impressions = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(300_000);
    for preset in Preset::ALL {
        let made = Instant::now();
        let mut world = World::new(preset.config(), 1)?;
        let made = made.elapsed();
        let mut slates = Slates::new();
        let (mut shown, mut requests, mut visits) = (0, 0, 0);
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        let mut draw = 0x9e37_79b9_u64;
        let mut seconds = 0.0;
        let begun = Instant::now();
        while shown < impressions {
            slates.clear();
            let asked = Instant::now();
            let (first, end) = (world.catalogue().first(), world.catalogue().end());
            let _ = world.next_requests();
            seconds += asked.elapsed().as_secs_f64();
            let (first, end) =
                (first.max(world.catalogue().first()), end.max(world.catalogue().end()));
            let mut slate = Vec::new();
            for request in world.next_requests() {
                visits += u64::from(request.slates_before == 0);
                requests += 1;
                slate.clear();
                draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let begin = (draw >> 33) as u32;
                for place in 0..u32::from(request.places) {
                    slate.push(first + begin.wrapping_add(place * 7919) % (end - first));
                }
                slate.dedup();
                slates.push(&slate);
            }
            shown += slates.impressions();
            let answered = Instant::now();
            for event in world.respond(&slates)? {
                *counts.entry(event.kind.name()).or_default() += 1;
            }
            seconds += answered.elapsed().as_secs_f64();
        }
        let days = (world.now_ms() - world.config().start_ms) as f64 / 86_400_000.0;
        println!(
            "{}: {shown} impressions, {requests} requests, {visits} visits in {days:.1} days; made in {:.2} s, {:.0} impressions/s ({:.0} with the slates)",
            preset.name(),
            made.as_secs_f64(),
            shown as f64 / seconds,
            shown as f64 / begun.elapsed().as_secs_f64(),
        );
        for (kind, count) in counts {
            println!("  {kind} {count} ({:.4} an impression)", count as f64 / shown as f64);
        }
    }
    Ok(())
}
