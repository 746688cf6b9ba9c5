//! Items and what was done with them, one after the other: the rows of a target-aware ranking model
//! (Zhai et al., ICML 2024, arXiv 2402.17152, section 2).
//!
//! ```text
//! a row:      context … | item_0, action_0, item_1, action_1, … | candidate, candidate, …
//! happened    never       t_0     t_0       t_1     t_1           now
//! asked       never       t_0     t_1       t_1     now           now
//! place       0, 1 …      c       c + 1     c + 2   c + 3         c + 2n, each of them
//! ```
//!
//! At an item it is asked what will be done with it, there and then; at an action, what comes next,
//! which is when the next event happens. A candidate is the item of an event that is not over: it
//! has the times and the place that the next event's item would have.
//!
//! Places count tokens, not events, as the public ranking code does: attention's bias for how far a
//! key is counts tokens too, and an item and its action at one place would be told apart by nothing
//! but their embeddings. The price is a table of positions twice as long.

use tensor::{EventRows, Offsets};

use crate::{Error, Result};

/// Histories, oldest event first, back to back.
#[derive(Debug, Clone, Copy)]
pub struct RankingEvents<'a> {
    /// Where histories lie.
    pub offsets: &'a Offsets,
    /// Row of the items' matrix, an event.
    pub items: &'a [u32],
    /// What was done, an event: bit k is set where action k was. None may be.
    pub actions: &'a [u32],
    /// When, an event, in seconds.
    pub times: &'a [i64],
    /// When it is asked what follows the last event, a history, in seconds. In training, where
    /// nothing is read after the last event, any time does.
    pub now: &'a [i64],
    /// Rows of the contexts' matrix, `[histories, context]`: none for a model without context.
    pub contexts: &'a [u32],
    /// What might come next.
    pub candidates: Option<Candidates<'a>>,
}

/// Items that are scored, each as if it alone came next.
#[derive(Debug, Clone, Copy)]
pub struct Candidates<'a> {
    /// Where those of each history lie.
    pub offsets: &'a Offsets,
    /// Rows of the items' matrix.
    pub items: &'a [u32],
}

/// Events as tokens: what [`interleave`] makes.
#[derive(Debug, Clone, PartialEq)]
pub struct RankingRows {
    offsets: Offsets,
    happened_at: Vec<i64>,
    asked_at: Vec<i64>,
    /// Tokens of context at the beginning of each row.
    pub(crate) context: u32,
    /// How many tokens at the end of each row are candidates; empty where there are none at all.
    candidates: Vec<u32>,
    /// Place of each token.
    pub(crate) positions: Vec<u32>,
    /// Rows of the items' matrix: each row's events, then its candidates.
    pub(crate) items: Vec<u32>,
    /// Rows of the contexts' matrix.
    pub(crate) contexts: Vec<u32>,
    /// Kinds of actions.
    pub(crate) actions: u32,
    /// `[events, actions]`: 1 where it was done.
    labels: Vec<f32>,
    /// As jagged rows, so that concatenations set tokens in order: of each of `items` one item, and
    /// one action where it is an event's; of each row its context, and all else.
    pub(crate) halves: [Offsets; 2],
    pub(crate) parts: [Offsets; 2],
    /// The token of each event's item.
    pub(crate) event_tokens: Vec<u32>,
    /// The token of each candidate.
    pub(crate) candidate_tokens: Vec<u32>,
    /// Events of the longest history, its candidates counted as one.
    pub(crate) events_max: usize,
}

impl RankingRows {
    /// Rows, times and roles of all tokens, as attention takes them.
    pub fn tokens(&self) -> EventRows<'_> {
        EventRows {
            context: self.context,
            candidates: &self.candidates,
            ..EventRows::histories(&self.offsets, &self.happened_at, &self.asked_at)
        }
    }

    /// Place of each token, from its row's beginning.
    pub fn positions(&self) -> &[u32] {
        &self.positions
    }

    /// The token of each event's item, in the order of events: where its action is predicted.
    pub fn event_tokens(&self) -> &[u32] {
        &self.event_tokens
    }

    /// The token of each candidate, in the order of candidates.
    pub fn candidate_tokens(&self) -> &[u32] {
        &self.candidate_tokens
    }

    /// `[events, actions]`: 1 where the action was done at the event, else 0.
    pub fn labels(&self) -> &[f32] {
        &self.labels
    }
}

/// The tokens of `events`, whose rows begin with `context` tokens each and whose actions are of
/// `actions` kinds (1 to 32).
///
/// Context has no time. It is given 0, as in the public code, so that all events see it from afar.
///
/// # Errors
/// Where sizes do not fit, or an action is of a kind that there is not.
pub fn interleave(
    events: &RankingEvents<'_>,
    context: u32,
    actions: u32,
) -> Result<RankingRows> {
    check(events, context, actions)?;
    let rows = events.offsets.rows();
    let context_length = context as usize;
    let (mut items, mut candidates) = (Vec::new(), Vec::new());
    let (mut event_tokens, mut candidate_tokens) = (Vec::new(), Vec::new());
    let (mut happened_at, mut asked_at, mut positions) = (Vec::new(), Vec::new(), Vec::new());
    // Tokens of each item's action; of each row's events and candidates; of each row.
    let (mut acted, mut after, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
    let mut events_max = 0;
    for (row, range) in events.offsets.ranges().enumerate() {
        let now = events.now[row];
        let scored = match &events.candidates {
            Some(candidates) => &candidates.items[candidates.offsets.range(row)],
            None => &[],
        };
        let count = range.len();
        let first = happened_at.len() + context_length;
        happened_at.resize(first, 0);
        asked_at.resize(first, 0);
        for event in range.clone() {
            event_tokens.push(happened_at.len() as u32);
            let time = events.times[event];
            let next = if event + 1 < range.end { events.times[event + 1] } else { now };
            happened_at.extend([time, time]);
            asked_at.extend([time, next]);
        }
        candidate_tokens.extend((0..scored.len()).map(|at| (first + 2 * count + at) as u32));
        happened_at.resize(first + 2 * count + scored.len(), now);
        asked_at.resize(happened_at.len(), now);
        let next_place = context_length + 2 * count;
        positions.extend(0..next_place as u32);
        positions.resize(happened_at.len(), next_place as u32);
        items.extend_from_slice(&events.items[range]);
        items.extend_from_slice(scored);
        acted.resize(acted.len() + count, 1);
        acted.resize(items.len(), 0);
        after.push(2 * count + scored.len());
        lengths.push(context_length + 2 * count + scored.len());
        candidates.push(scored.len() as u32);
        events_max = events_max.max(count + scored.len().min(1));
    }
    if candidate_tokens.is_empty() {
        candidates.clear();
    }
    let labels = |set: &u32| {
        let set = *set;
        (0..actions).map(move |kind| (set >> kind & 1) as f32)
    };
    Ok(RankingRows {
        offsets: Offsets::from_lengths(&lengths)?,
        happened_at,
        asked_at,
        context,
        candidates,
        positions,
        halves: [Offsets::from_lengths(&vec![1; items.len()])?, Offsets::from_lengths(&acted)?],
        parts: [
            Offsets::from_lengths(&vec![context_length; rows])?,
            Offsets::from_lengths(&after)?,
        ],
        items,
        contexts: events.contexts.to_vec(),
        actions,
        labels: events.actions.iter().flat_map(labels).collect(),
        event_tokens,
        candidate_tokens,
        events_max,
    })
}

fn check(events: &RankingEvents<'_>, context: u32, actions: u32) -> Result<()> {
    let refused = |what: String| Err(Error::Rows { of: "ranking rows", what });
    let (rows, count) = (events.offsets.rows(), events.offsets.total());
    for (name, found, needed) in [
        ("items", events.items.len(), count),
        ("actions", events.actions.len(), count),
        ("times", events.times.len(), count),
    ] {
        if found != needed {
            return refused(format!("{found} {name} for {needed} events"));
        }
    }
    if events.now.len() != rows {
        return refused(format!("{} times now for {rows} histories", events.now.len()));
    }
    if rows.checked_mul(context as usize) != Some(events.contexts.len()) {
        let found = events.contexts.len();
        return refused(format!("{found} contexts for {rows} histories of {context} each"));
    }
    if let Some(candidates) = &events.candidates {
        let (found, of) = (candidates.offsets.rows(), candidates.offsets.total());
        if found != rows {
            return refused(format!("candidates of {found} histories, where there are {rows}"));
        }
        if candidates.items.len() != of {
            return refused(format!("{} items for {of} candidates", candidates.items.len()));
        }
    }
    if !(1..=u32::BITS).contains(&actions) {
        return refused(format!("{actions} kinds of actions are not in 1 to 32"));
    }
    let known = u32::MAX >> (u32::BITS - actions);
    if let Some(event) = events.actions.iter().position(|set| set & !known != 0) {
        let set = events.actions[event];
        return refused(format!("event {event} has actions {set:#b}, of {actions} kinds"));
    }
    Ok(())
}
