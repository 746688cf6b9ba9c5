//! Places of slates as single actions, and policies that know nobody.

use std::collections::BTreeMap;

use data::Slate;

use super::logged::{Logged, Row};
use crate::{Error, Result};

/// A policy that knows nobody: the chance of each item at each place.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlacePolicy {
    /// By place from 0, then by item.
    chances: BTreeMap<u16, BTreeMap<u32, f64>>,
}

impl PlacePolicy {
    /// Knows no place yet.
    pub fn new() -> PlacePolicy {
        PlacePolicy::default()
    }

    /// What wrote this log, seen from outside: the share of each item at each place. Estimated, so
    /// the value that is made of it strays a little more than its interval says.
    pub fn of_log(slates: &[Slate]) -> PlacePolicy {
        let mut policy = PlacePolicy::new();
        for shown in slates.iter().flat_map(|slate| &slate.shown) {
            *policy
                .chances
                .entry(shown.position)
                .or_default()
                .entry(shown.item)
                .or_default() += 1.0;
        }
        for items in policy.chances.values_mut() {
            let total: f64 = items.values().sum();
            items.values_mut().for_each(|share| *share /= total);
        }
        policy
    }

    /// Gives an item its chance at a place, from 0.
    pub fn set(&mut self, position: u16, item: u32, chance: f64) {
        self.chances.entry(position).or_default().insert(item, chance);
    }

    /// Chances of these candidates at a place.
    ///
    /// # Errors
    /// Where the policy does not know the place, or shows there what is no candidate: the log cannot
    /// say what that is worth.
    pub fn over(&self, position: u16, candidates: &[u32]) -> Result<Vec<f64>> {
        let place = || format!("place {} of the policy in question", position + 1);
        let Some(chances) = self.chances.get(&position) else {
            return Err(Error::input(place(), "it shows nothing there, the log does"));
        };
        let over: Vec<f64> =
            candidates.iter().map(|item| chances.get(item).copied().unwrap_or(0.0)).collect();
        let total: f64 = over.iter().sum();
        if (total - 1.0).abs() > 1e-6 {
            let what = format!(
                "its chances over the {} candidates of the log sum to {total:.6}, not 1: it shows \
                 items that the log never chose from, or the table is not whole",
                candidates.len()
            );
            return Err(Error::input(place(), what));
        }
        Ok(over)
    }
}

/// Every shown place as an action of its own, with what `target` would do there. A place is rewarded
/// with 1 where `rewarded` has its item among those of the slate's request. Reward estimates
/// are told apart by item and place.
///
/// # Errors
/// As [`PlacePolicy::over`] and [`Logged::push`]; where an item that was shown is no candidate.
pub fn places(
    slates: &[Slate],
    rewarded: &BTreeMap<String, Vec<u32>>,
    target: &PlacePolicy,
) -> Result<Logged> {
    let mut logged = Logged::new();
    let mut users: BTreeMap<&str, u32> = BTreeMap::new();
    // Somebody unknown is like nobody else.
    let mut people = 0u32;
    // Slates of one policy have the same candidates for long stretches.
    let mut known: BTreeMap<u16, AtPlace<'_>> = BTreeMap::new();
    let of_place = places_of(slates)?;
    for slate in slates {
        let next = people;
        let user = match &slate.user {
            Some(user) => *users.entry(user).or_insert(next),
            None => next,
        };
        people += u32::from(user == next);
        let liked = rewarded.get(&slate.request).map_or(&[][..], Vec::as_slice);
        for shown in &slate.shown {
            let Some(action) = slate.candidates.iter().position(|item| *item == shown.item)
            else {
                let what = format!("it shows item {}, which is no candidate", shown.item);
                return Err(Error::input(format!("slate {}", slate.request), what));
            };
            let last = known.get(&shown.position);
            if last.is_none_or(|last| *last.candidates != slate.candidates) {
                let label = |item: &u32| item * of_place + u32::from(shown.position);
                let fresh = AtPlace {
                    candidates: &slate.candidates,
                    chances: target.over(shown.position, &slate.candidates)?,
                    labels: slate.candidates.iter().map(label).collect(),
                };
                known.insert(shown.position, fresh);
            }
            let here = &known[&shown.position];
            logged.push(Row {
                user,
                action,
                propensity: shown.propensity.into(),
                reward: if liked.contains(&shown.item) { 1.0 } else { 0.0 },
                target: &here.chances,
                candidates: &here.labels,
            })?;
        }
    }
    Ok(logged)
}

/// What the policy in question does at a place, and how its candidates are told apart.
struct AtPlace<'a> {
    candidates: &'a [u32],
    chances: Vec<f64>,
    labels: Vec<u32>,
}

/// Places of the longest slate, by which items are numbered apart.
fn places_of(slates: &[Slate]) -> Result<u32> {
    let all = || slates.iter().flat_map(|slate| &slate.shown);
    let places = all().map(|shown| u32::from(shown.position) + 1).max().unwrap_or(1);
    let items = slates.iter().flat_map(|slate| &slate.candidates).max().copied().unwrap_or(0);
    match (items + 1).checked_mul(places) {
        Some(_) => Ok(places),
        None => Err(Error::Refused(format!("{items} items at {places} places are too many"))),
    }
}
