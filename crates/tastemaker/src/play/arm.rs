//! A policy in its world: rounds, what is known after them, and what is counted.

use anyhow::Result;
use evaluate::Tally;
use world::{Happened, Kind, Request, World};

use super::chosen::{Chooser, Chosen, slates};
use super::known::Known;
use crate::terminal::nanos;

const DAY_MS: i64 = 86_400_000;

/// One round.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) requests: Vec<Request>,
    /// Who asked, also where the request does not say.
    pub(super) people: Vec<u32>,
    pub(super) chosen: Vec<Chosen>,
    pub(super) happened: Vec<Happened>,
    /// Nanoseconds that the world took: requests out, slates in, events out.
    pub(super) world_ns: u64,
}

/// A world, who makes its slates, and what that one knows.
#[derive(Debug, Clone)]
pub(super) struct Arm {
    pub(super) world: World,
    pub(super) chooser: Chooser,
    pub(super) known: Known,
}

impl Arm {
    /// Answers one round and learns what came of it.
    pub(super) fn round(&mut self) -> Result<Round> {
        let begun = nanos();
        let requests = self.world.next_requests().to_vec();
        let asked = nanos();
        let people = (0..requests.len()).map(|at| self.world.person(at)).collect();
        let chosen = self.chooser.answer(&self.world, &self.known);
        let slates = slates(&chosen);
        let answered = nanos();
        let happened = self.world.respond(&slates)?.to_vec();
        let world_ns = (asked - begun) + (nanos() - answered);
        for event in &happened {
            if let (Kind::Click, Some(item)) = (event.kind, event.item) {
                let user = requests[event.request as usize].user;
                self.known.click(user, item, event.time_ms);
            }
        }
        Ok(Round { requests, people, chosen, happened, world_ns })
    }
}

/// Sums by day and by person.
#[derive(Debug)]
pub(super) struct Counts {
    start_ms: i64,
    pub(super) total: Tally,
    pub(super) days: Vec<Tally>,
    pub(super) satisfaction: Vec<f64>,
    pub(super) visits: Vec<f64>,
    pub(super) clicks: Vec<f64>,
    pub(super) creations: Vec<f64>,
}

impl Counts {
    /// Of this many people, from here on.
    pub(super) fn new(people: u32, start_ms: i64) -> Counts {
        let none = || vec![0.0; people as usize];
        Counts {
            start_ms,
            total: Tally::default(),
            days: Vec::new(),
            satisfaction: none(),
            visits: none(),
            clicks: none(),
            creations: none(),
        }
    }

    /// The day (from 0) that a time is in.
    pub(super) fn day(&self, now_ms: i64) -> u32 {
        ((now_ms - self.start_ms).max(0) / DAY_MS) as u32
    }

    pub(super) fn add(&mut self, now_ms: i64, round: &Round) {
        let day = self.day(now_ms) as usize;
        if self.days.len() <= day {
            self.days.resize(day + 1, Tally::default());
        }
        let mut tally = Tally::default();
        for ((request, person), chosen) in
            round.requests.iter().zip(&round.people).zip(&round.chosen)
        {
            let person = *person as usize;
            tally.requests += 1;
            tally.impressions += chosen.shown.len() as u64;
            if request.slates_before == 0 {
                tally.visits += 1;
                self.visits[person] += 1.0;
            }
            for place in &chosen.places {
                let click = f64::from(place.click);
                tally.expected_clicks += click;
                let satisfaction = click * f64::from(place.satisfaction);
                tally.satisfaction += satisfaction;
                self.satisfaction[person] += satisfaction;
            }
        }
        for event in &round.happened {
            let person = round.people[event.request as usize] as usize;
            match event.kind {
                Kind::Click => {
                    tally.clicks += 1;
                    self.clicks[person] += 1.0;
                }
                Kind::Watch => tally.watched_s += f64::from(event.value.unwrap_or(0.0)),
                Kind::Like => tally.likes += 1,
                Kind::Buy => tally.buys += 1,
                Kind::Abandon => tally.abandons += 1,
                Kind::Create => {
                    tally.creations += 1;
                    self.creations[person] += 1.0;
                }
                Kind::Search | Kind::Skip | Kind::Share | Kind::OpenCreator => {}
            }
        }
        for sum in [&mut self.days[day], &mut self.total] {
            add(sum, &tally);
        }
    }
}

fn add(sum: &mut Tally, more: &Tally) {
    sum.visits += more.visits;
    sum.requests += more.requests;
    sum.impressions += more.impressions;
    sum.clicks += more.clicks;
    sum.satisfaction += more.satisfaction;
    sum.expected_clicks += more.expected_clicks;
    sum.watched_s += more.watched_s;
    sum.likes += more.likes;
    sum.buys += more.buys;
    sum.abandons += more.abandons;
    sum.creations += more.creations;
}
