//! A recommendation, stage by stage: history, filter, retrieve, select, log. Each stage has a
//! name, counts and a time; `explain` and the console show exactly these.

mod slate;

use std::collections::BTreeMap;
use std::sync::Arc;

use data::History;
use retrieve::{Fallback, Model, Query, Reason, Retriever, Version};

pub(crate) use slate::{answer, items, log};

use crate::problem::Problem;
use crate::stopwatch::Stopwatch;
use crate::wire::{AdmittedCounts, Ask, Degraded};
use crate::world::{Admitted, HistoryOf, Names, OwnHistory, World};

/// How much work an answer may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// All models.
    Full,
    /// Popular items from a list that lies ready.
    Overloaded,
}

/// What was selected for one request, and how.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) names: Names,
    pub(crate) version: Option<Arc<Version>>,
    pub(crate) seed: u64,
    pub(crate) items: Vec<Chosen>,
    /// Item indices of everything that was considered, best first.
    pub(crate) candidates: Vec<u32>,
    pub(crate) degraded: Option<Degraded>,
    pub(crate) history_events: u32,
    pub(crate) unknown_items: u32,
    pub(crate) filtered: AdmittedCounts,
    pub(crate) retrieved: Vec<Retrieved>,
    pub(crate) micros: BTreeMap<&'static str, u64>,
}

/// One selected item.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub(crate) item: u32,
    pub(crate) score: f32,
    pub(crate) reason: Reason,
    pub(crate) sources: Vec<Source>,
}

/// A model that proposed an item.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) name: Arc<str>,
    pub(crate) rank: u32,
    pub(crate) score: f32,
}

/// What a model gave.
#[derive(Debug, Clone)]
pub(crate) struct Retrieved {
    pub(crate) name: Arc<str>,
    pub(crate) quota: u32,
    pub(crate) retrieved: u32,
}

/// What the retrieve stage found.
struct Found {
    items: Vec<Chosen>,
    candidates: Vec<u32>,
    retrieved: Vec<Retrieved>,
    degraded: Option<Degraded>,
}

/// Stages one to four: everything but the log. The console asks here, so that what people look
/// at is not logged as if it had been shown to the user.
pub(crate) fn select(
    world: &World,
    ask: &Ask,
    effort: Effort,
    now_ms: i64,
) -> Result<Selection, Problem> {
    let mut micros = BTreeMap::new();
    let names = world.names();

    let watch = Stopwatch::start();
    let user = ask.user.as_deref().and_then(|id| names.user_index(id));
    let (history, unknown_in_history) = history(world, &names, ask, user, now_ms);
    micros.insert("history", watch.micros());

    let watch = Stopwatch::start();
    let (admitted, filtered, unknown_excluded) = filter(&names, ask, history.view());
    micros.insert("filter", watch.micros());

    let watch = Stopwatch::start();
    let seed = ask.seed.or(world.version.as_ref().map(|version| version.facts().seed));
    let query = Query {
        user,
        history: history.view(),
        now_ms,
        filter: &admitted,
        k: ask.k,
        seed: seed.unwrap_or(0),
    };
    let mut found = retrieve(world, ask, effort, &query)?;
    micros.insert("retrieve", watch.micros());

    if let (Some(id), None, true) = (&ask.user, user, found.degraded.is_some())
        && effort == Effort::Full
        && world.version.is_some()
    {
        let text = format!("user {id:?} is not known: popular items");
        found.degraded = Some(Degraded { reason: "unknown-user", text });
    }
    Ok(Selection {
        version: world.version.clone(),
        seed: query.seed,
        items: found.items,
        candidates: found.candidates,
        degraded: found.degraded,
        history_events: history.view().len() as u32,
        unknown_items: unknown_in_history + unknown_excluded,
        filtered,
        retrieved: found.retrieved,
        micros,
        names,
    })
}

/// Stage one: what the user did, or what the request says was done; and how many of the
/// request's items nobody knows.
fn history(
    world: &World,
    names: &Names,
    ask: &Ask,
    user: Option<u32>,
    now_ms: i64,
) -> (HistoryOf, u32) {
    if let Some(ids) = &ask.history {
        let known: Vec<u32> = ids.iter().filter_map(|id| names.item_index(id)).collect();
        let unknown = (ids.len() - known.len()) as u32;
        return (HistoryOf::Own(Arc::new(OwnHistory::of_session(known, now_ms))), unknown);
    }
    (user.map_or(HistoryOf::None, |user| world.history(user)), 0)
}

/// Stage two: which items may come back at all.
fn filter(names: &Names, ask: &Ask, history: History<'_>) -> (Admitted, AdmittedCounts, u32) {
    let catalogue = names.item_count();
    let mut admitted = names.admitted(ask.available_only, &ask.categories);
    let left = admitted.count();
    let seen = history.items.iter().filter(|item| admitted.keep_out(**item)).count() as u32;
    let (mut excluded, mut unknown) = (0, 0);
    for id in &ask.exclude {
        match names.item_index(id) {
            Some(item) => excluded += u32::from(admitted.keep_out(item)),
            None => unknown += 1,
        }
    }
    let counts = AdmittedCounts {
        catalogue,
        by_facts: catalogue - left,
        seen,
        excluded,
        admitted: left - seen - excluded,
    };
    (admitted, counts, unknown)
}

/// Stages three and four: the models propose, the merge selects.
fn retrieve(
    world: &World,
    ask: &Ask,
    effort: Effort,
    query: &Query<'_>,
) -> Result<Found, Problem> {
    let degraded = |reason, text: &str| Some(Degraded { reason, text: text.to_owned() });
    if effort == Effort::Overloaded {
        let why = degraded("overloaded", "too many requests at once: popular items");
        return Ok(popular(world, query, why));
    }
    let Some(version) = &world.version else {
        if ask.model.is_some() {
            return Err(Problem::unavailable("no_model", "there is no model version yet"));
        }
        let why = degraded("no-model", "no model was trained yet: popular items");
        return Ok(popular(world, query, why));
    };
    match &ask.model {
        None => Ok(by_merge(version, query)),
        Some(name) => match version.retriever(name) {
            Some(model) => Ok(by_one(model, query)),
            None => {
                let known: Vec<&str> =
                    version.models().iter().map(|model| model.name()).collect();
                let message = format!("model version {} has no model {name:?}", version.id());
                Err(Problem::value("model", message)
                    .hint(format!("it has {}", known.join(", "))))
            }
        },
    }
}

fn by_merge(version: &Version, query: &Query<'_>) -> Found {
    let merged = version.merge().recommend(version.models(), query);
    let degraded = merged.fallback.map(|fallback| Degraded {
        reason: match fallback {
            Fallback::EmptyHistory => "no-history",
            Fallback::NothingFound => "nothing-found",
            Fallback::TooFew { .. } => "too-few",
        },
        text: fallback.to_string(),
    });
    let chosen = |item: retrieve::MergedItem| Chosen {
        item: item.item,
        score: item.score,
        reason: item.reason,
        sources: item
            .sources
            .into_iter()
            .map(|source| Source { name: source.name, rank: source.rank, score: source.score })
            .collect(),
    };
    let retrieved = |trace: retrieve::SourceTrace| Retrieved {
        name: trace.name,
        quota: trace.quota,
        retrieved: trace.retrieved,
    };
    Found {
        items: merged.items.into_iter().map(chosen).collect(),
        candidates: merged.candidates,
        retrieved: merged.sources.into_iter().map(retrieved).collect(),
        degraded,
    }
}

fn by_one(model: &Model, query: &Query<'_>) -> Found {
    let name: Arc<str> = model.name().into();
    let list = model.retrieve(query);
    let degraded = list.is_empty().then(|| Degraded {
        reason: "nothing-found",
        text: format!("{name} has nothing for this history"),
    });
    let retrieved =
        Retrieved { name: name.clone(), quota: query.k as u32, retrieved: list.len() as u32 };
    let chosen = |(rank, found): (u32, &retrieve::Candidate)| Chosen {
        item: found.item,
        score: found.score,
        reason: model.reason(query, found.item),
        sources: vec![Source { name: name.clone(), rank, score: found.score }],
    };
    Found {
        items: (0u32..).zip(&list).map(chosen).collect(),
        candidates: list.iter().map(|found| found.item).collect(),
        retrieved: vec![retrieved],
        degraded,
    }
}

/// Popular items from the list that lies ready; needs no model.
fn popular(world: &World, query: &Query<'_>, degraded: Option<Degraded>) -> Found {
    let name: Arc<str> = "popular".into();
    let admitted = world.base.popular.iter().filter(|item| query.filter.admits(**item));
    let chosen = |(rank, item): (u32, &u32)| {
        let score =
            world.base.popularity.get(*item as usize).map_or(0.0, |count| *count as f32);
        let sources = vec![Source { name: name.clone(), rank, score }];
        Chosen { item: *item, score, reason: Reason::Popular, sources }
    };
    let items: Vec<Chosen> = (0u32..).zip(admitted.take(query.k)).map(chosen).collect();
    let retrieved =
        Retrieved { name: name.clone(), quota: query.k as u32, retrieved: items.len() as u32 };
    Found {
        candidates: items.iter().map(|chosen| chosen.item).collect(),
        items,
        retrieved: vec![retrieved],
        degraded,
    }
}

/// Models that can say what goes with an item, the best first.
const SIMILAR_BY: [&str; 4] = ["item-knn", "ease", "walk", "als"];

/// Items that go with `item`, and the model that says so.
pub(crate) fn similar(
    world: &World,
    names: &Names,
    item: u32,
    k: usize,
    now_ms: i64,
) -> (Option<&'static str>, Vec<Chosen>) {
    let Some(version) = &world.version else { return (None, Vec::new()) };
    let mut admitted = names.admitted(true, &[]);
    admitted.keep_out(item);
    let history = OwnHistory::of_session(vec![item], now_ms);
    let query = Query {
        user: None,
        history: history.view(),
        now_ms,
        filter: &admitted,
        k,
        seed: version.facts().seed,
    };
    let mut answered = None;
    for name in SIMILAR_BY {
        let Some(model) = version.retriever(name) else { continue };
        let found = by_one(model, &query);
        if !found.items.is_empty() {
            return (Some(name), found.items);
        }
        answered = answered.or(Some(name));
    }
    (answered, Vec::new())
}

/// The name of a reason, for programs.
pub(crate) fn reason_kind(reason: &Reason) -> &'static str {
    match reason {
        Reason::Popular => "popular",
        Reason::PopularLately { .. } => "popular-lately",
        Reason::Because { .. } => "because",
        Reason::Taste => "taste",
    }
}

/// The item of the history that a reason names.
pub(crate) fn reason_item(reason: &Reason) -> Option<u32> {
    match reason {
        Reason::Because { item } => Some(*item),
        _ => None,
    }
}
