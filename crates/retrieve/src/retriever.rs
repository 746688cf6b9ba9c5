//! The one question that every candidate generator answers.

use std::sync::Arc;

use data::{Catalogue, History};

use crate::Filter;

/// What is asked: items for this history at this instant.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// User index, where known; most retrievers need only the history.
    pub user: Option<u32>,
    /// What the user did, oldest first; empty for a new user. Item indices may lie beyond the
    /// model's catalogue (items that arrived after training): they are skipped.
    pub history: History<'a>,
    /// The present, milliseconds since the epoch.
    pub now_ms: i64,
    /// Which items may come back (seen items are kept out here as well).
    pub filter: &'a dyn Filter,
    /// Most items that come back.
    pub k: usize,
    /// Seed of the tie order ([`data::order`]).
    pub seed: u64,
}

/// One answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Item index.
    pub item: u32,
    /// Score, finite; comparable only within one retriever and one query.
    pub score: f32,
}

/// Why an item came back, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Many users took it.
    Popular,
    /// Many users took it in these last days.
    PopularLately {
        /// Length of the window.
        days: u32,
    },
    /// It goes with this item of the history more than with any other.
    Because {
        /// Item index.
        item: u32,
    },
    /// Users with a similar history took it.
    Taste,
}

impl Reason {
    /// The reason as people read it, item titles in it.
    pub fn in_words(&self, catalogue: &Catalogue) -> String {
        match self {
            Reason::Popular => "popular".into(),
            Reason::PopularLately { days: 1 } => "popular in the last day".into(),
            Reason::PopularLately { days } => format!("popular in the last {days} days"),
            Reason::Because { item } => format!("because of {}", catalogue.item_label(*item)),
            Reason::Taste => "taken by people of similar taste".into(),
        }
    }
}

/// A candidate generator. It never reads the log and never reads a clock.
pub trait Retriever: Send + Sync {
    /// Its name in configs, reports and answers: `popular`, `item-knn`.
    fn name(&self) -> &str;

    /// At most `query.k` items that the filter admits, in score order ([`data::order`]). Empty
    /// where the retriever knows nothing of this history.
    fn retrieve(&self, query: &Query<'_>) -> Vec<Candidate>;

    /// Why `item` came back for this query. Asked only for the few items that are shown.
    fn reason(&self, query: &Query<'_>, item: u32) -> Reason;
}

impl<T: Retriever + ?Sized> Retriever for Arc<T> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn retrieve(&self, query: &Query<'_>) -> Vec<Candidate> {
        (**self).retrieve(query)
    }

    fn reason(&self, query: &Query<'_>, item: u32) -> Reason {
        (**self).reason(query, item)
    }
}

impl<T: Retriever + ?Sized> Retriever for &T {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn retrieve(&self, query: &Query<'_>) -> Vec<Candidate> {
        (**self).retrieve(query)
    }

    fn reason(&self, query: &Query<'_>, item: u32) -> Reason {
        (**self).reason(query, item)
    }
}
