//! The last stage: what was selected becomes an answer, and a slate in the log.

use std::sync::Arc;

use data::{Shown, Slate};
use serde::Serialize;

use super::{Chosen, Selection, reason_item, reason_kind};
use crate::buffer::{Buffer, PendingSlate};
use crate::limits::SLATE_CANDIDATES_MAX;
use crate::wire::{
    AdmittedCounts, Ask, ReasonAnswer, Recommendation, RecommendedItem, SourceAnswer,
    SourceCounts, Trace,
};
use crate::world::Names;

/// Probability of a place where nothing was random.
const CERTAIN: f32 = 1.0;

/// What the log keeps of a request besides user and items.
#[derive(Serialize)]
struct Context<'a> {
    k: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    degraded: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    categories: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    exclude: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<&'a [String]>,
    #[serde(skip_serializing_if = "is_true")]
    available: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_true(flag: &bool) -> bool {
    *flag
}

/// Keeps what was shown for the log.
pub(crate) fn log(
    buffer: &Buffer,
    (number, request): (u64, &str),
    ask: &Ask,
    selection: &Selection,
    now_ms: i64,
) {
    let context = Context {
        k: ask.k,
        model: ask.model.as_deref(),
        degraded: selection.degraded.as_ref().map(|degraded| degraded.reason),
        categories: &ask.categories,
        exclude: &ask.exclude,
        history: ask.history.as_deref(),
        available: ask.available_only,
    };
    let shown = |(position, chosen): (u16, &Chosen)| Shown {
        item: chosen.item,
        position,
        propensity: CERTAIN,
    };
    let kept = selection.candidates.len().min(SLATE_CANDIDATES_MAX);
    let slate = Slate {
        request: request.to_owned(),
        time_ms: now_ms,
        user: ask.user.clone(),
        surface: ask.surface.clone(),
        context: serde_json::to_string(&context).expect("strings and numbers serialise"),
        model_version: selection
            .version
            .as_ref()
            .map_or_else(|| "none".to_owned(), |version| version.id().to_owned()),
        seed: selection.seed,
        candidates: selection.candidates[..kept].to_vec(),
        shown: (0u16..).zip(&selection.items).map(shown).collect(),
    };
    buffer.push_slate(PendingSlate { number, slate, names: selection.names.clone() });
}

/// The answer.
pub(crate) fn answer<'a>(
    request: &'a str,
    selection: &'a Selection,
    explain: bool,
) -> Recommendation<'a> {
    let trace = explain.then(|| Trace {
        history: selection.history_events,
        unknown_items: selection.unknown_items,
        filtered: AdmittedCounts { ..selection.filtered },
        retrieved: selection
            .retrieved
            .iter()
            .map(|trace| SourceCounts {
                name: &trace.name,
                quota: trace.quota,
                retrieved: trace.retrieved,
                selected: selected_of(&selection.items, &trace.name),
            })
            .collect(),
        candidates: selection.candidates.len() as u32,
        selected: selection.items.len() as u32,
        micros: selection.micros.clone(),
    });
    Recommendation {
        request,
        model_version: selection.version.as_ref().map(|version| version.id()),
        items: items(&selection.names, &selection.items, explain),
        degraded: selection.degraded.clone(),
        trace,
    }
}

/// Selected items that this source proposed.
fn selected_of(items: &[Chosen], name: &Arc<str>) -> u32 {
    let of = |chosen: &&Chosen| chosen.sources.iter().any(|source| source.name == *name);
    items.iter().filter(of).count() as u32
}

/// Selected items as they go over the wire.
pub(crate) fn items<'a>(
    names: &'a Names,
    chosen: &'a [Chosen],
    explain: bool,
) -> Vec<RecommendedItem<'a>> {
    let sources = |chosen: &'a Chosen| {
        let source = |source: &'a super::Source| SourceAnswer {
            name: &source.name,
            rank: source.rank,
            score: source.score,
        };
        chosen.sources.iter().map(source).collect()
    };
    let one = |(position, chosen): (u16, &'a Chosen)| RecommendedItem {
        id: names.item_id(chosen.item),
        title: names.item(chosen.item).and_then(|item| item.title.as_deref()),
        score: chosen.score,
        position,
        propensity: CERTAIN,
        reason: ReasonAnswer {
            kind: reason_kind(&chosen.reason),
            text: names.reason_in_words(&chosen.reason),
            item: reason_item(&chosen.reason).map(|item| names.item_id(item)),
        },
        sources: explain.then(|| sources(chosen)),
    };
    (0u16..).zip(chosen).map(one).collect()
}
