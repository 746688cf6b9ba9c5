//! The answers to a round: candidates, their order, a slate, and what is true of it.

use rayon::prelude::*;
use world::{PlaceTruth, Request, Slates, Truth, World};

use super::candidates::{Chance, Draw, draw};
use super::known::Known;
use super::policy::{PolicyName, RankerName};
use super::ranker::Ranker;

/// One answer.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) candidates: Vec<u32>,
    /// The candidates in the policy's order.
    pub(super) ranking: Vec<u32>,
    pub(super) shown: Vec<u32>,
    pub(super) propensities: Vec<f32>,
    pub(super) places: Vec<PlaceTruth>,
    /// The best slate of the candidates; empty where nobody asked for it.
    pub(super) best: Vec<u32>,
    /// What another policy would have done here.
    pub(super) other: Option<Other>,
}

/// What a policy would have done with a request that another one answered.
#[derive(Debug)]
pub(super) struct Other {
    /// The candidates in its order.
    pub(super) ranking: Vec<u32>,
    /// True chance of a click on its first place, over its own chance.
    pub(super) first_click: f64,
    /// True clicks that its slate was expected to bring, as it was drawn.
    pub(super) clicks: f64,
}

/// A policy at work.
#[derive(Debug, Clone)]
pub(super) struct Chooser {
    pub(super) name: PolicyName,
    pub(super) ranker: Ranker,
    /// Candidates of a request.
    pub(super) candidates: usize,
    pub(super) seed: u64,
    /// Another policy that says what it would have done.
    pub(super) other: Option<Box<Chooser>>,
    /// Whether the best slate is worked out as well.
    pub(super) wants_best: bool,
}

impl Chooser {
    /// Of a policy that needs no model; nobody is asked what else could have been done.
    pub(super) fn of_no_model(name: PolicyName, candidates: usize, seed: u64) -> Chooser {
        let ranker = match name.ranker {
            RankerName::Popular => Ranker::Popular,
            RankerName::Oracle => Ranker::Oracle,
            RankerName::Random | RankerName::Model(_) => Ranker::Random,
        };
        Chooser { name, ranker, candidates, seed, other: None, wants_best: false }
    }

    /// Answers every request of the round, on all cores.
    pub(super) fn answer(&self, world: &World, known: &Known) -> Vec<Chosen> {
        world
            .requests()
            .par_iter()
            .enumerate()
            .map(|(at, request)| {
                let mut chance = Chance::new(self.seed, Draw::Candidates, request, at);
                let candidates = draw(world.catalogue(), self.candidates, &mut chance);
                let truth = world.truth(at);
                let ranking = self.ranker.rank(request, &candidates, known, &truth, self.seed);
                let mut chance = Chance::new(self.seed, Draw::Slate, request, at);
                let (shown, propensities) =
                    self.name.slate(&ranking, request.places.into(), &mut chance);
                let places = truth.places(&shown);
                let best = match self.wants_best {
                    true => truth.best(&candidates, request.places.into()),
                    false => Vec::new(),
                };
                let other = self.other.as_ref().map(|other| {
                    other.instead(request, &candidates, known, &truth, &mut chance)
                });
                Chosen { candidates, ranking, shown, propensities, places, best, other }
            })
            .collect()
    }
}

impl Chooser {
    fn instead(
        &self,
        request: &Request,
        candidates: &[u32],
        known: &Known,
        truth: &Truth<'_>,
        chance: &mut Chance,
    ) -> Other {
        let ranking = self.ranker.rank(request, candidates, known, truth, self.seed);
        let (slate, _) = self.name.slate(&ranking, request.places.into(), chance);
        let first = |item: &u32| {
            truth.appeal(*item).map_or(0.0, |appeal| f64::from(truth.click_at(0, &appeal)))
        };
        let greedy = ranking.first().map_or(0.0, first);
        let uniform = ranking.iter().map(first).sum::<f64>() / ranking.len().max(1) as f64;
        let explored = self.name.explored;
        Other {
            first_click: (1.0 - explored) * greedy + explored * uniform,
            clicks: truth.value(&slate).clicks,
            ranking,
        }
    }
}

/// The slates of these answers.
pub(super) fn slates(chosen: &[Chosen]) -> Slates {
    let mut slates = Slates::new();
    chosen.iter().for_each(|answer| slates.push(&answer.shown));
    slates
}
