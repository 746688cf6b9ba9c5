//! Several retrievers, one list.
//!
//! Each source gives the first of its items, as many as its quota of the candidates. They are
//! fused by weighted reciprocal rank (Cormack, Clarke, Büttcher: Reciprocal rank fusion
//! outperforms Condorcet and individual rank learning methods, SIGIR 2009, whose constant is
//! 60), with the share of the source as the weight:
//!
//! ```text
//! score(item) = Σ_source share(source) / (rank_constant + rank(source, item))      rank from 1
//! ```
//!
//! Ranks and not scores, because scores of different retrievers have no common unit. Where the
//! personal sources know too little, popular items fill the list up: the recently popular
//! first. Which items may come back at all, seen ones above all, is the query's filter's to say.

use std::fmt;
use std::sync::Arc;

use data::order;

use crate::config::{MODEL_NAMES, MergeConfig, check_range};
use crate::retriever::{Query, Reason, Retriever};
use crate::{Error, Result};

/// The models that fill up, best first.
const FILLERS: [&str; 2] = ["popular-lately", "popular"];

/// How to make one list of several.
#[derive(Debug, Clone, PartialEq)]
pub struct Merge {
    /// Sources with their share; shares sum to one.
    sources: Vec<(Arc<str>, f64)>,
    fillers: Vec<Arc<str>>,
    candidates: usize,
    rank_constant: f64,
}

/// One list of several retrievers.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// At most k items, best first.
    pub items: Vec<MergedItem>,
    /// Item indices of everything that was considered, best first.
    pub candidates: Vec<u32>,
    /// Set where popular items had to stand in.
    pub fallback: Option<Fallback>,
    /// What each source gave, fillers that were asked included.
    pub sources: Vec<SourceTrace>,
}

/// One item of a merged list.
#[derive(Debug, Clone, PartialEq)]
pub struct MergedItem {
    /// Item index.
    pub item: u32,
    /// Fused score; comparable within one list only.
    pub score: f32,
    /// The reason that its strongest source gives.
    pub reason: Reason,
    /// Who proposed it, the strongest first.
    pub sources: Vec<MergedSource>,
}

/// A source of an item.
#[derive(Debug, Clone, PartialEq)]
pub struct MergedSource {
    /// Name of the retriever.
    pub name: Arc<str>,
    /// The item's place in its list, from 0.
    pub rank: u32,
    /// The score it gave.
    pub score: f32,
}

/// What a source gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceTrace {
    /// Name of the retriever.
    pub name: Arc<str>,
    /// Items it was asked for.
    pub quota: u32,
    /// Items it gave.
    pub retrieved: u32,
}

/// Why popular items stand in for personal ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// The user is unknown or has done nothing yet.
    EmptyHistory,
    /// No personal source found an admitted item for this history.
    NothingFound,
    /// The personal sources found fewer than were asked for; popular items come after them.
    TooFew {
        /// Personal items.
        found: u32,
    },
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fallback::EmptyHistory => f.write_str("no history yet: popular items"),
            Fallback::NothingFound => {
                f.write_str("nothing goes with this history: popular items")
            }
            Fallback::TooFew { found } => {
                write!(f, "only {found} personal items: popular ones after them")
            }
        }
    }
}

/// One item of one source, on its way through the fusion.
struct Part {
    item: u32,
    contribution: f64,
    /// Index of the model.
    model: usize,
    /// Index of the trace of its source.
    trace: usize,
    rank: u32,
    score: f32,
}

/// Parts grouped by item, and the items in order.
struct Fused {
    parts: Vec<Part>,
    /// (item, score), best first.
    ranked: Vec<(u32, f32)>,
}

impl Merge {
    /// A merge of those of `models` that the settings name.
    ///
    /// # Errors
    /// Where a setting is out of range, names no model that exists, or names none of `models`
    /// and none of them is a popular one.
    pub fn new<R: Retriever>(config: &MergeConfig, models: &[R]) -> Result<Merge> {
        check_range("merge.rank_constant", config.rank_constant, 0.0.., "0 or above")?;
        if config.candidates == 0 {
            let what = "0 does not do; it must be at least 1".into();
            return Err(Error::Setting { field: "merge.candidates".into(), what });
        }
        let trained = |name: &str| models.iter().any(|model| model.name() == name);
        let mut sources: Vec<(Arc<str>, f64)> = Vec::new();
        for (name, share) in &config.sources {
            let field = format!("merge.sources.{name}");
            check_range(&field, *share, 0.0.., "0 (not asked) or above")?;
            if trained(name) {
                if *share > 0.0 {
                    sources.push((name.as_str().into(), *share));
                }
            } else if !MODEL_NAMES.contains(&name.as_str()) {
                let what =
                    format!("there is no such model; there are {}", MODEL_NAMES.join(", "));
                return Err(Error::Setting { field, what });
            }
        }
        let fillers: Vec<Arc<str>> =
            FILLERS.into_iter().filter(|name| trained(name)).map(Arc::from).collect();
        if sources.is_empty() && fillers.is_empty() {
            let names: Vec<&str> = models.iter().map(Retriever::name).collect();
            return Err(Error::Setting {
                field: "merge.sources".into(),
                what: format!("none of the models [{}] has a share above 0", names.join(", ")),
            });
        }
        let sum: f64 = sources.iter().map(|(_, share)| share).sum();
        for (_, share) in &mut sources {
            *share /= sum;
        }
        let candidates = config.candidates as usize;
        Ok(Merge { sources, fillers, candidates, rank_constant: config.rank_constant })
    }

    /// One list of at most `query.k` items. `models` are those the merge was made for, in any
    /// order; a source that is not among them gives nothing.
    pub fn recommend<R: Retriever>(&self, models: &[R], query: &Query<'_>) -> Merged {
        let pool = self.candidates.max(query.k.saturating_mul(2));
        let mut asked = Asked { models, query, traces: Vec::new() };
        let mut parts = Vec::new();
        if query.k > 0 && !query.history.is_empty() {
            for (name, share) in &self.sources {
                let quota = ((share * pool as f64).round() as usize).max(1);
                parts.extend(asked.parts(name, quota).map(|mut part| {
                    part.contribution =
                        share / (self.rank_constant + f64::from(part.rank) + 1.0);
                    part
                }));
            }
        }
        let mut fused = Fused::of(parts, query.seed);
        let personal = fused.count(|part| !FILLERS.contains(&models[part.model].name()));
        let before = fused.ranked.len();
        for name in &self.fillers {
            if fused.ranked.len() < query.k {
                // Enough even where all that was found already comes first again.
                let quota = query.k.saturating_add(fused.ranked.len());
                fused.fill(asked.parts(name, quota), query.k);
            }
        }
        let filled = fused.ranked.len() > before;
        let fallback = match personal {
            _ if fused.ranked.is_empty() => None,
            0 if query.history.is_empty() => Some(Fallback::EmptyHistory),
            0 => Some(Fallback::NothingFound),
            found if filled => Some(Fallback::TooFew { found: found as u32 }),
            _ => None,
        };
        let items = fused.ranked.iter().take(query.k);
        let items = items.map(|(item, score)| fused.shown(*item, *score, &asked)).collect();
        let candidates = fused.ranked.iter().map(|(item, _)| *item).collect();
        Merged { items, candidates, fallback, sources: asked.traces }
    }
}

/// Asks retrievers by name, and keeps the trace.
struct Asked<'a, R> {
    models: &'a [R],
    query: &'a Query<'a>,
    traces: Vec<SourceTrace>,
}

impl<R: Retriever> Asked<'_, R> {
    /// The first `quota` items of the retriever called `name`.
    fn parts(&mut self, name: &Arc<str>, quota: usize) -> impl Iterator<Item = Part> + use<R> {
        let found = self.models.iter().position(|model| model.name() == &**name);
        let list = found.map_or(Vec::new(), |at| {
            let list = self.models[at].retrieve(&Query { k: quota, ..*self.query });
            let quota = u32::try_from(quota).unwrap_or(u32::MAX);
            let retrieved = list.len() as u32;
            self.traces.push(SourceTrace { name: name.clone(), quota, retrieved });
            list
        });
        let model = found.unwrap_or_default();
        let trace = self.traces.len().saturating_sub(1);
        (0u32..).zip(list).map(move |(rank, found)| Part {
            item: found.item,
            contribution: 0.0,
            model,
            trace,
            rank,
            score: found.score,
        })
    }
}

impl Fused {
    fn of(mut parts: Vec<Part>, seed: u64) -> Fused {
        // The strongest part of an item comes first; equal ones in the order of the sources.
        parts.sort_by(|a, b| {
            a.item.cmp(&b.item).then(b.contribution.total_cmp(&a.contribution))
        });
        let mut ranked: Vec<(u32, f32)> = parts
            .chunk_by(|a, b| a.item == b.item)
            .map(|of_item| {
                let sum: f64 = of_item.iter().map(|part| part.contribution).sum();
                (of_item[0].item, sum as f32)
            })
            .collect();
        ranked.sort_unstable_by(|a, b| order::descending(*a, *b, seed));
        Fused { parts, ranked }
    }

    fn parts(&self, item: u32) -> &[Part] {
        let from = self.parts.partition_point(|part| part.item < item);
        let to = self.parts.partition_point(|part| part.item <= item);
        &self.parts[from..to]
    }

    /// Number of items with a part like that.
    fn count(&self, wanted: impl Fn(&Part) -> bool) -> usize {
        self.parts.chunk_by(|a, b| a.item == b.item).filter(|of| of.iter().any(&wanted)).count()
    }

    /// Appends what is not there yet, up to `k` items in all, below everything before it.
    fn fill(&mut self, list: impl Iterator<Item = Part>, k: usize) {
        let last = self.ranked.last().map_or(1.0, |(_, score)| f64::from(*score));
        let mut new: Vec<Part> = list.filter(|part| self.parts(part.item).is_empty()).collect();
        new.truncate(k - self.ranked.len());
        for (place, part) in new.iter().enumerate() {
            self.ranked.push((part.item, (last / (place + 2) as f64) as f32));
        }
        self.parts.append(&mut new);
        self.parts.sort_by_key(|part| part.item);
    }

    fn shown<R: Retriever>(&self, item: u32, score: f32, asked: &Asked<'_, R>) -> MergedItem {
        let parts = self.parts(item);
        let source = |part: &Part| MergedSource {
            name: asked.traces[part.trace].name.clone(),
            rank: part.rank,
            score: part.score,
        };
        MergedItem {
            item,
            score,
            reason: asked.models[parts[0].model].reason(asked.query, item),
            sources: parts.iter().map(source).collect(),
        }
    }
}
