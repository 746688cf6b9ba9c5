//! What is known of items and users besides their events.

use std::collections::BTreeMap;

/// One item.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The id that the source gave.
    pub id: String,
    /// Title for people.
    pub title: Option<String>,
    /// Longer text.
    pub text: Option<String>,
    /// Genres, departments, tags.
    pub categories: Vec<String>,
    /// Who made it: a seller, an artist, a channel.
    pub creator: Option<String>,
    /// When it came to be.
    pub created_ms: Option<i64>,
    /// Whether it may be recommended now.
    pub available: bool,
    /// Everything else, by name.
    pub attributes: BTreeMap<String, String>,
}

impl Item {
    /// An item of which only the id is known.
    pub fn bare(id: &str) -> Item {
        Item {
            id: id.to_owned(),
            title: None,
            text: None,
            categories: Vec::new(),
            creator: None,
            created_ms: None,
            available: true,
            attributes: BTreeMap::new(),
        }
    }

    /// Its title, or its id where it has none.
    pub fn label(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.id)
    }
}

/// One user.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct User {
    /// The id that the source gave.
    pub id: String,
    /// Everything known, by name.
    pub attributes: BTreeMap<String, String>,
}
