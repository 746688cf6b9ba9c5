//! Both policies in one slate: team-draft interleaving, as a product would do it with one crowd.

use anyhow::Result;
use data::Progress;
use evaluate::bootstrap::Ratios;
use evaluate::policy::{Drafted, draft};
use evaluate::{Interleaved, Interval};
use rayon::prelude::*;
use world::{Kind, Slates, World};

use super::arm::Arm;
use super::candidates::{Chance, Draw, draw};
use super::chosen::Chooser;
use super::known::Known;

const REPLICATES: usize = 1000;

/// Lets both rank every request of `days`, in a world of their own that begins like those of the
/// arms; clicks are credited to whoever picked the item. A policy that leaves a share of requests to
/// chance does so here as well.
pub(super) fn duel(
    begun: Arm,
    choosers: [&Chooser; 2],
    days: u32,
    progress: &Progress<'_>,
) -> Result<Interleaved> {
    let Arm { mut world, mut known, .. } = begun;
    let people = world.config().users as usize;
    let start_ms = world.now_ms();
    let end_ms = start_ms + i64::from(days) * 86_400_000;
    let (mut credit, mut asked) = (vec![0.0; people], vec![0.0; people]);
    let mut sum = Interleaved {
        requests: 0,
        first_won: 0,
        second_won: 0,
        credit: Interval { value: 0.0, low: 0.0, high: 0.0 },
    };
    loop {
        let requests = world.next_requests().to_vec();
        let now_ms = world.now_ms();
        if now_ms >= end_ms {
            break;
        }
        progress.step(
            "interleaving",
            ((now_ms - start_ms) / 3_600_000).max(0) as u64,
            Some(u64::from(days) * 24),
        )?;
        let drafted = drafts(&world, &known, choosers);
        let mut slates = Slates::new();
        drafted.iter().for_each(|drafted| slates.push(&drafted.items));
        let people: Vec<u32> = (0..requests.len()).map(|at| world.person(at)).collect();
        let mut clicked: Vec<Vec<usize>> = vec![Vec::new(); requests.len()];
        for event in world.respond(&slates)? {
            if let (Kind::Click, Some(item)) = (event.kind, event.item) {
                let at = event.request as usize;
                known.click(requests[at].user, item, event.time_ms);
                clicked[at].extend(event.place.map(usize::from));
            }
        }
        for ((drafted, clicked), person) in drafted.iter().zip(&clicked).zip(&people) {
            let won = drafted.credit(clicked);
            credit[*person as usize] += won as f64;
            asked[*person as usize] += 1.0;
            sum.requests += 1;
            sum.first_won += u64::from(won > 0);
            sum.second_won += u64::from(won < 0);
        }
    }
    let mut ratios = Ratios::new(people);
    let over = ratios.denominator(asked);
    let column = ratios.column(over, credit);
    let resampled = ratios.resample(REPLICATES, choosers[0].seed, progress)?;
    sum.credit = resampled.combined(&[(column, 1.0)]);
    Ok(sum)
}

fn drafts(world: &World, known: &Known, [first, second]: [&Chooser; 2]) -> Vec<Drafted> {
    world
        .requests()
        .par_iter()
        .enumerate()
        .map(|(at, request)| {
            let mut chance = Chance::new(first.seed, Draw::Candidates, request, at);
            let candidates = draw(world.catalogue(), first.candidates, &mut chance);
            let truth = world.truth(at);
            let mut chance = Chance::new(first.seed, Draw::Slate, request, at);
            let mut ordered = |chooser: &Chooser| {
                let seed = chooser.seed;
                let ranking = chooser.ranker.rank(request, &candidates, known, &truth, seed);
                chooser.name.slate(&ranking, ranking.len(), &mut chance).0
            };
            let (first, second) = (ordered(first), ordered(second));
            draft(&first, &second, request.places.into(), || chance.share() < 0.5)
        })
        .collect()
}
