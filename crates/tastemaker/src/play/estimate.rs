//! What the log of one policy says of another.

use std::collections::BTreeMap;

use anyhow::Result;
use data::Progress;
use evaluate::policy::{
    self, Additive, Health, Logged, Method, SlateLog, SlateMethod, SlateRow,
};
use evaluate::{Estimator, PolicyEstimates};

use super::arm::Round;
use super::policy::PolicyName;

/// Requests that are kept at most; the first ones are.
const ROWS_MAX: usize = 100_000;
const REPLICATES: usize = 500;
const FOLDS: u32 = 5;
/// Most pairs of place and candidate whose matrix is inverted; its cost is their cube.
const PAIRS_MAX: usize = 600;

/// Requests of the logging policy, with what another would have done.
#[derive(Debug, Default)]
pub(super) struct Requests {
    rows: Vec<Row>,
}

/// One request.
#[derive(Debug)]
struct Row {
    person: u32,
    /// Candidates in the other policy's order.
    ranking: Vec<u32>,
    /// Those in that order, as places in the logging policy's.
    logger_place: Vec<usize>,
    /// Shown items, as places in that order.
    shown: Vec<usize>,
    propensities: Vec<f32>,
    /// Places from the top that stand as the logging policy ranks.
    as_ranked: usize,
    /// Whether there was a click, place by place.
    clicks: Vec<bool>,
    /// True value of the other policy here: of its first place, of its slate.
    first_click: f64,
    slate_clicks: f64,
}

impl Requests {
    /// Takes a round of a policy that also says what another would have done; others are left out.
    pub(super) fn add(&mut self, round: &mut Round) {
        if self.rows.len() >= ROWS_MAX {
            return;
        }
        let from = self.rows.len();
        for (person, chosen) in round.people.iter().zip(&mut round.chosen) {
            let Some(other) = chosen.other.take() else { return };
            let place = |item: &u32| other.ranking.iter().position(|ranked| ranked == item);
            let logger = |item: &u32| chosen.ranking.iter().position(|ranked| ranked == item);
            let same = chosen.shown.iter().zip(&chosen.ranking).take_while(|(a, b)| a == b);
            self.rows.push(Row {
                person: *person,
                logger_place: other.ranking.iter().filter_map(logger).collect(),
                shown: chosen.shown.iter().filter_map(place).collect(),
                propensities: chosen.propensities.clone(),
                as_ranked: same.count(),
                clicks: vec![false; chosen.shown.len()],
                first_click: other.first_click,
                slate_clicks: other.clicks,
                ranking: other.ranking,
            });
        }
        for event in &round.happened {
            if let (world::Kind::Click, Some(place)) = (event.kind, event.place) {
                self.rows[from + event.request as usize].clicks[usize::from(place)] = true;
            }
        }
        // Nothing was shown: nothing to learn.
        self.rows.retain(|row| !row.shown.is_empty());
    }
}

/// Every estimator, beside the truth.
pub(super) fn estimates(
    requests: &Requests,
    policies: &[PolicyName; 2],
    seed: u64,
    progress: &Progress<'_>,
) -> Result<Vec<PolicyEstimates>> {
    if requests.rows.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![
        first_place(&requests.rows, policies, seed, progress)?,
        slates(&requests.rows, policies, seed, progress)?,
    ])
}

/// Chance of each place of a policy's own order: `(1 − ε)·[it is that place] + ε/K`.
fn chance(policy: &PolicyName, ranked: usize, place: usize, candidates: usize) -> f64 {
    let greedy = if ranked == place { 1.0 - policy.explored } else { 0.0 };
    greedy + policy.explored / candidates as f64
}

fn mean(rows: &[Row], of: impl Fn(&Row) -> f64) -> f64 {
    rows.iter().map(of).sum::<f64>() / rows.len() as f64
}

fn first_place(
    rows: &[Row],
    [target, _]: &[PolicyName; 2],
    seed: u64,
    progress: &Progress<'_>,
) -> Result<PolicyEstimates> {
    let mut logged = Logged::new();
    for row in rows {
        let candidates = row.ranking.len();
        let shares: Vec<f64> =
            (0..candidates).map(|ranked| chance(target, ranked, 0, candidates)).collect();
        logged.push(policy::Row {
            user: row.person,
            action: row.shown[0],
            propensity: row.propensities[0].into(),
            reward: if row.clicks[0] { 1.0 } else { 0.0 },
            target: &shares,
            candidates: &row.ranking,
        })?;
    }
    logged.set_estimates(policy::tabular(&logged, FOLDS, seed))?;
    let mut estimators = Vec::new();
    let values = policy::values(&logged, &Method::ALL, REPLICATES, seed, progress)?;
    for (method, value) in Method::ALL.into_iter().zip(values) {
        estimators.push(Estimator { name: method.name(), value });
    }
    let health = Health::of(&logged);
    Ok(PolicyEstimates {
        of: "click on the first place".into(),
        rows: rows.len() as u64,
        true_value: mean(rows, |row| row.first_click),
        logged_value: logged.logged_value(),
        estimators,
        effective_share: health.effective_share,
        weight_max: health.weight_max,
        weight_mean: health.weight_mean,
        alarms: health.alarms,
    })
}

fn slates(
    rows: &[Row],
    [target, logger]: &[PolicyName; 2],
    seed: u64,
    progress: &Progress<'_>,
) -> Result<PolicyEstimates> {
    let mut log = SlateLog::new();
    let mut pairs = Pairs::of(rows, target, logger);
    let (mut sum, mut squares, mut most) = (0.0f64, 0.0f64, 0.0f64);
    let mut count = 0.0f64;
    let (mut whole, mut whole_squares) = (0.0f64, 0.0f64);
    for row in rows {
        let candidates = row.ranking.len();
        let (mut single, mut given_above) = (Vec::new(), Vec::new());
        let (mut uniform, mut before) = (1.0, 1.0);
        let matched =
            row.shown.iter().enumerate().take_while(|(at, shown)| at == *shown).count();
        for (place, shown) in row.shown.iter().enumerate() {
            let weight =
                chance(target, *shown, place, candidates) / f64::from(row.propensities[place]);
            single.push(weight);
            sum += weight;
            squares += weight * weight;
            most = most.max(weight);
            count += 1.0;
            // The chance of everything down to here, under both.
            uniform /= (candidates - place) as f64;
            let down_to = |policy: &PolicyName, as_ranked: usize| {
                let greedy = if as_ranked > place { 1.0 - policy.explored } else { 0.0 };
                greedy + policy.explored * uniform
            };
            let here = down_to(target, matched) / down_to(logger, row.as_ranked);
            given_above.push(if before > 0.0 { here / before } else { 0.0 });
            before = here;
        }
        whole += before;
        whole_squares += before * before;
        let rewards: Vec<f64> =
            row.clicks.iter().map(|click| if *click { 1.0 } else { 0.0 }).collect();
        log.push(SlateRow {
            user: row.person,
            place_weights: &single,
            prefix_weights: &given_above,
            additive_weight: pairs.weight(row)?,
            rewards: &rewards,
        })?;
    }
    let mut estimators = Vec::new();
    let methods = [
        ("item-position IPS", SlateMethod::ItemPosition),
        ("cascade IPS", SlateMethod::Cascade),
        ("pseudo-inverse", SlateMethod::PseudoInverse),
    ];
    let has = |method| method != SlateMethod::PseudoInverse || pairs.within_reach;
    for (name, method) in methods.into_iter().filter(|(_, method)| has(*method)) {
        let value = log.value(method, REPLICATES, seed, progress)?;
        estimators.push(Estimator { name: name.into(), value });
    }
    Ok(PolicyEstimates {
        of: "clicks of a slate".into(),
        rows: rows.len() as u64,
        true_value: mean(rows, |row| row.slate_clicks),
        logged_value: mean(rows, |row| {
            row.clicks.iter().filter(|click| **click).count() as f64
        }),
        estimators,
        effective_share: if squares > 0.0 { sum * sum / squares / count } else { 0.0 },
        weight_max: most,
        weight_mean: sum / count.max(1.0),
        alarms: whole_slates(whole, whole_squares),
    })
}

/// Weights of slates by the pseudo-inverse of the logging policy, whose pairs are counted in its own
/// order: one matrix for all requests of a shape.
struct Pairs {
    logger_explored: f64,
    target_explored: f64,
    within_reach: bool,
    /// By places and candidates.
    known: BTreeMap<(usize, usize), Additive>,
}

impl Pairs {
    fn of(rows: &[Row], target: &PolicyName, logger: &PolicyName) -> Pairs {
        let pairs = |row: &Row| row.shown.len() * row.ranking.len();
        Pairs {
            logger_explored: logger.explored,
            target_explored: target.explored,
            // A log without chance says nothing of pairs that it never shows.
            within_reach: logger.explored > 0.0
                && rows.iter().all(|row| pairs(row) <= PAIRS_MAX),
            known: BTreeMap::new(),
        }
    }

    fn weight(&mut self, row: &Row) -> Result<Option<f64>> {
        if !self.within_reach {
            return Ok(None);
        }
        let (places, candidates) = (row.shown.len(), row.ranking.len());
        let shape = (places, candidates);
        if !self.known.contains_key(&shape) {
            let fresh = Additive::explored(places, candidates, self.logger_explored)?;
            self.known.insert(shape, fresh);
        }
        let mut wanted = vec![self.target_explored / candidates as f64; places * candidates];
        for (place, at) in row.logger_place.iter().take(places).enumerate() {
            wanted[place * candidates + at] += 1.0 - self.target_explored;
        }
        let shown: Vec<usize> = row.shown.iter().map(|at| row.logger_place[*at]).collect();
        Ok(Some(self.known[&shape].weight(&wanted, &shown)))
    }
}

/// What the weights of whole slates say: most of the way down, hardly any slate is the policy's.
fn whole_slates(sum: f64, squares: f64) -> Vec<String> {
    const ROWS_MIN: f64 = 30.0;
    let rows = if squares > 0.0 { sum * sum / squares } else { 0.0 };
    if rows >= ROWS_MIN {
        return Vec::new();
    }
    vec![format!(
        "down to the last place, all slates together are worth {rows:.1} that the policy would have \
         shown: do not believe the cascade's estimate"
    )]
}
