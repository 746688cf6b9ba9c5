//! What people did with a slate.

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A request was a search.
    Search,
    /// An item was opened; in a stream: it was played and not skipped.
    Click,
    /// It was watched, listened to or read; the value is seconds.
    Watch,
    /// It was left within seconds.
    Skip,
    /// It was liked.
    Like,
    /// It was sent to somebody.
    Share,
    /// It was bought; the value is the price.
    Buy,
    /// The creator's tool was opened on it.
    OpenCreator,
    /// Something was made.
    Create,
    /// The visit ended in the middle of a slate.
    Abandon,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 10] = [
        Kind::Search,
        Kind::Click,
        Kind::Watch,
        Kind::Skip,
        Kind::Like,
        Kind::Share,
        Kind::Buy,
        Kind::OpenCreator,
        Kind::Create,
        Kind::Abandon,
    ];

    /// Its name in a log.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Search => "search",
            Kind::Click => "click",
            Kind::Watch => "watch",
            Kind::Skip => "skip",
            Kind::Like => "like",
            Kind::Share => "share",
            Kind::Buy => "buy",
            Kind::OpenCreator => "open-creator",
            Kind::Create => "create",
            Kind::Abandon => "abandon",
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Happened {
    /// Place of its request in the round.
    pub request: u32,
    /// What.
    pub kind: Kind,
    /// Place of the item in the slate, from 0, where it was about one.
    pub place: Option<u16>,
    /// On which item.
    pub item: Option<u32>,
    /// How much: seconds, a price.
    pub value: Option<f32>,
    /// When.
    pub time_ms: i64,
}
