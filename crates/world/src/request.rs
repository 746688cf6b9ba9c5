//! What is asked for, and what is answered: all that a product would see.

/// A request for one slate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks, where that is known.
    pub user: Option<u32>,
    /// When.
    pub time_ms: i64,
    /// At most so many places.
    pub places: u16,
    /// What was typed, where it is a search.
    pub query: Option<String>,
    /// The page that is open, in [`crate::Mode::Pages`].
    pub page: Option<u32>,
    /// Their market.
    pub market: u8,
    /// Their language.
    pub language: u8,
    /// How many slates this visit had before.
    pub slates_before: u16,
}

/// The answers to one round of requests, in their order.
#[derive(Debug, Clone, Default)]
pub struct Slates {
    items: Vec<u32>,
    ends: Vec<usize>,
}

impl Slates {
    /// None yet.
    pub fn new() -> Slates {
        Slates::default()
    }

    /// Answers the next request: items, first place first.
    pub fn push(&mut self, items: &[u32]) {
        self.items.extend_from_slice(items);
        self.ends.push(self.items.len());
    }

    /// Forgets all of them, to be filled again.
    pub fn clear(&mut self) {
        self.items.clear();
        self.ends.clear();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Items shown in all of them.
    pub fn impressions(&self) -> usize {
        self.items.len()
    }

    /// The answer to request `at` of the round.
    pub fn get(&self, at: usize) -> &[u32] {
        let begin = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.items[begin..self.ends[at]]
    }
}
