//! Every number that a world is made of, with its unit and its symbol in the equations.

use serde::{Deserialize, Serialize};

use crate::{Error, Examination, Result};

/// A world: people, things, and how they meet. [`crate::Preset`] has five that make sense.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorldConfig {
    /// What is asked for, and how it is looked at.
    pub mode: Mode,
    /// People, at least 1. In [`Mode::Pages`]: visitors at a time.
    pub users: u32,
    /// Items at the start, at least 1.
    pub items: u32,
    /// Places of a slate, 1 to 100.
    pub places: u16,
    /// When it begins.
    pub start_ms: i64,
    /// Length of a tick in seconds: creations and arrivals enter the catalogue between ticks.
    pub tick_s: u32,
    /// Markets; a market has one language (market mod languages).
    pub markets: u8,
    /// Languages.
    pub languages: u8,
    /// The topic tree.
    pub topics: TopicConfig,
    /// What items are like, and how they come and go.
    pub catalogue: CatalogueConfig,
    /// What people like, and how that changes.
    pub taste: TasteConfig,
    /// How a slate is looked at.
    pub examination: Examination,
    /// What makes people click.
    pub click: ClickConfig,
    /// What makes them glad that they did.
    pub satisfaction: SatisfactionConfig,
    /// How long they watch, listen or read.
    pub watch: WatchConfig,
    /// What else they do after a click.
    pub reaction: ReactionConfig,
    /// When they leave.
    pub session: SessionConfig,
    /// When they come back, and what that is worth.
    pub comeback: ComebackConfig,
    /// Whether they make items themselves.
    pub creation: CreationConfig,
    /// Whether they search.
    pub search: SearchConfig,
    /// What the log gets wrong.
    pub labels: LabelConfig,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Pages of a feed or shop: a slate at a time, several in a visit.
    Slates,
    /// An endless stream: everything starts to play and is skipped or not, until the user leaves.
    Stream,
    /// A playlist a week, played front to back.
    Playlist,
    /// Pages without a user: the request knows the page that is open, a click opens the next.
    Pages,
}

/// The topic tree. A child's direction is that of its parent with some of its own:
/// `τ_child = unit(√h·τ_parent + √(1−h)·g)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TopicConfig {
    /// Children of a node, level by level; the product is the number of leaves, at most 65,536.
    pub branching: Vec<u16>,
    /// h: the share that a child has of its parent, 0 to 1.
    pub inherit: f32,
    /// z: popularity of the r-th leaf (from 1) is ∝ r^−z, for tastes and for items.
    pub zipf: f32,
}

/// Items: `v = unit(√(1−s)·τ_leaf + √s·g)`, quality q ~ N(0, 1), clickbait b = max(0, N(0, 1)),
/// length and price log-normal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CatalogueConfig {
    /// s: what an item has of its own beside its topic, 0 to 1.
    pub own: f32,
    /// Median length in seconds.
    pub length_s: f32,
    /// Standard deviation of its logarithm.
    pub length_sd: f32,
    /// Median price.
    pub price: f32,
    /// Standard deviation of its logarithm.
    pub price_sd: f32,
    /// Those who make what people here do not.
    pub makers: u32,
    /// Items that arrive in a day.
    pub arrivals_a_day: f64,
    /// Items in the catalogue at a time; the oldest go.
    pub alive_max: u32,
    /// Days after which the interest in an item's news has halved.
    pub half_life_days: f32,
}

/// Tastes: `θ = unit(Σ_j τ_j / j)` over a few leaves; both it and the mood μ of a visit change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TasteConfig {
    /// Leaves that a person likes, at least 1.
    pub interests: u16,
    /// κ: affinity `a = κ·⟨θ + μ, v⟩`, in logits.
    pub sharpness: f32,
    /// Drift of θ: the share of its square that becomes another direction in a day, 0 to 1.
    pub drift_a_day: f32,
    /// Length of the mood μ at the begin of a visit, where θ has 1.
    pub mood: f32,
    /// Share of the mood that is kept from slate to slate; the rest is pulled to what was clicked.
    pub mood_keeps: f32,
    /// How far a satisfying item pulls θ to itself, 0 to 1.
    pub reinforce: f32,
}

/// `P(click | examined) = σ(base + a + quality·q + clickbait·b − age·(1 − 2^(−age/half-life)) −
/// price·thrift·ln(price/median) + foreign·[language differs])`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClickConfig {
    /// In logits.
    pub base: f32,
    /// By standard deviation of quality.
    pub quality: f32,
    /// By unit of clickbait.
    pub clickbait: f32,
    /// Lost by an old item.
    pub age: f32,
    /// Lost by e-fold of the price, for a person of thrift 1.
    pub price: f32,
    /// Of an item in another language (negative).
    pub foreign: f32,
}

/// How much a click was worth: `s = σ(base + affinity·a + quality·q − clickbait·b)`, 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SatisfactionConfig {
    /// In logits.
    pub base: f32,
    /// By logit of affinity.
    pub affinity: f32,
    /// By standard deviation of quality.
    pub quality: f32,
    /// Lost by unit of clickbait.
    pub clickbait: f32,
}

/// `T = D·f`, `f = σ(slope·logit(s) + noise·N(0, 1))`; what is seen to 0.9 and more starts again an
/// exponential number of times: `T += D·loops·Exp(1)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WatchConfig {
    /// Slope over the logit of satisfaction.
    pub slope: f32,
    /// Standard deviation of the noise, in logits.
    pub noise: f32,
    /// Mean number of loops; 0: none.
    pub loops: f32,
    /// Seconds below which it was a skip.
    pub skip_s: f32,
}

/// After a click: `P(like) = σ(like + logit(s))`, share and buy likewise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReactionConfig {
    /// In logits.
    pub like: f32,
    /// In logits.
    pub share: f32,
    /// In logits, less the thrift for the price as in a click.
    pub buy: f32,
}

/// When people leave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionConfig {
    /// Chance to leave at an examined item without a click, of a person with patience 1
    /// (`P(abandon) = (1 − p_click)·min(0.9, hazard/patience)`): in a cascade and in a stream.
    pub hazard: f32,
    /// Slates of a visit, for a person with patience 1 whose slates please as much as not:
    /// `P(another) = 1 − 1/(1 + (slates − 1)·patience·(½ + x))`.
    pub slates: f32,
    /// Seconds that one examined item takes.
    pub glance_s: f32,
}

/// Satisfaction x of a person: `x ← x + memory·(s − x)` by click, and toward `empty` by slate
/// without one. Between visits: an exponential gap at rate `r(x) = f·visits·exp(sensitivity·(x − ½))`
/// a day, f the person's own frequency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ComebackConfig {
    /// Visits a day of a person with x = ½.
    pub visits_a_day: f32,
    /// k.
    pub sensitivity: f32,
    /// ρ, 0 to 1.
    pub memory: f32,
    /// What a slate without a click counts as.
    pub empty: f32,
    /// δ: discount a day, above 0.
    pub discount_a_day: f32,
    /// w: satisfaction that a visit gives on average.
    pub visit_value: f32,
}

/// After a click, a person with the tendency t (0 for most) opens the creator's tool with
/// `open·t·s`, and makes something with `create` then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CreationConfig {
    /// Share of people who ever create.
    pub creators: f32,
    /// At s = t = 1.
    pub open: f32,
    /// Of those who opened it.
    pub create: f32,
}

/// A search has an intent: an item (the words of its title) or a leaf topic (other words for it).
/// What counts is `a = κ_s·⟨intent, v⟩` in place of taste.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchConfig {
    /// Share of requests that are searches.
    pub share: f32,
    /// Share of these that are vague.
    pub vague: f32,
    /// κ_s.
    pub sharpness: f32,
}

/// What the log gets wrong; people are not touched by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelConfig {
    /// Chance that an event is lost.
    pub lost: f32,
    /// Chance that an event names another item of its slate.
    pub corrupted: f32,
}

impl WorldConfig {
    /// Leaves of the topic tree.
    pub fn leaves(&self) -> u32 {
        self.topics
            .branching
            .iter()
            .fold(1, |leaves: u32, n| leaves.saturating_mul((*n).into()))
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first that is out of range, and the range.
    pub fn check(&self) -> Result<()> {
        let bad = |field, what: String| Err(Error::Setting { field, what });
        let counts = [
            ("users", self.users, 1, 50_000_000),
            ("items", self.items, 1, self.catalogue.alive_max),
            ("places", self.places.into(), 1, 100),
            ("tick_s", self.tick_s, 1, 7 * 86_400),
            ("markets", self.markets.into(), 1, 255),
            ("languages", self.languages.into(), 1, 255),
            ("topics.branching", self.leaves(), 1, 65_536),
            ("taste.interests", self.taste.interests.into(), 1, 100),
            ("catalogue.makers", self.catalogue.makers, 1, 1 << 30),
            ("catalogue.alive_max", self.catalogue.alive_max, 1, 200_000_000),
        ];
        for (field, value, low, high) in counts {
            if !(low..=high).contains(&value) {
                return bad(field, format!("{value} is not between {low} and {high}"));
            }
        }
        if self.topics.branching.is_empty() || self.topics.branching.len() > 8 {
            return bad("topics.branching", "name 1 to 8 levels".into());
        }
        if !(data::TIME_MS_MIN..=data::TIME_MS_MAX).contains(&self.start_ms) {
            return bad("start_ms", format!("{} is no time of a log", self.start_ms));
        }
        let numbers = self.numbers();
        for (field, value, low, high) in numbers {
            if !(low..=high).contains(&value) {
                return bad(field, format!("{value} is not between {low} and {high}"));
            }
        }
        self.examination.check()
    }

    fn numbers(&self) -> [(&'static str, f64, f64, f64); 48] {
        const LOGITS: f64 = 100.0;
        let n = f64::from;
        [
            ("topics.inherit", n(self.topics.inherit), 0.0, 1.0),
            ("topics.zipf", n(self.topics.zipf), 0.0, 5.0),
            ("catalogue.own", n(self.catalogue.own), 0.0, 1.0),
            ("catalogue.length_s", n(self.catalogue.length_s), 1e-3, 1e6),
            ("catalogue.length_sd", n(self.catalogue.length_sd), 0.0, 3.0),
            ("catalogue.price", n(self.catalogue.price), 1e-3, 1e6),
            ("catalogue.price_sd", n(self.catalogue.price_sd), 0.0, 3.0),
            ("catalogue.arrivals_a_day", self.catalogue.arrivals_a_day, 0.0, 1e9),
            ("catalogue.half_life_days", n(self.catalogue.half_life_days), 1e-3, 1e5),
            ("taste.sharpness", n(self.taste.sharpness), 0.0, LOGITS),
            ("taste.drift_a_day", n(self.taste.drift_a_day), 0.0, 1.0),
            ("taste.mood", n(self.taste.mood), 0.0, 10.0),
            ("taste.mood_keeps", n(self.taste.mood_keeps), 0.0, 1.0),
            ("taste.reinforce", n(self.taste.reinforce), 0.0, 1.0),
            ("click.base", n(self.click.base), -LOGITS, LOGITS),
            ("click.quality", n(self.click.quality), -LOGITS, LOGITS),
            ("click.clickbait", n(self.click.clickbait), -LOGITS, LOGITS),
            ("click.age", n(self.click.age), -LOGITS, LOGITS),
            ("click.price", n(self.click.price), -LOGITS, LOGITS),
            ("click.foreign", n(self.click.foreign), -LOGITS, LOGITS),
            ("satisfaction.base", n(self.satisfaction.base), -LOGITS, LOGITS),
            ("satisfaction.affinity", n(self.satisfaction.affinity), -LOGITS, LOGITS),
            ("satisfaction.quality", n(self.satisfaction.quality), -LOGITS, LOGITS),
            ("satisfaction.clickbait", n(self.satisfaction.clickbait), -LOGITS, LOGITS),
            ("watch.slope", n(self.watch.slope), -LOGITS, LOGITS),
            ("watch.noise", n(self.watch.noise), 0.0, LOGITS),
            ("watch.loops", n(self.watch.loops), 0.0, 100.0),
            ("watch.skip_s", n(self.watch.skip_s), 0.0, 1e6),
            ("reaction.like", n(self.reaction.like), -LOGITS, LOGITS),
            ("reaction.share", n(self.reaction.share), -LOGITS, LOGITS),
            ("reaction.buy", n(self.reaction.buy), -LOGITS, LOGITS),
            ("session.hazard", n(self.session.hazard), 0.0, 0.9),
            ("session.slates", n(self.session.slates), 1.0, 1000.0),
            ("session.glance_s", n(self.session.glance_s), 0.0, 3600.0),
            ("comeback.visits_a_day", n(self.comeback.visits_a_day), 1e-6, 1000.0),
            ("comeback.sensitivity", n(self.comeback.sensitivity), -20.0, 20.0),
            ("comeback.memory", n(self.comeback.memory), 0.0, 1.0),
            ("comeback.empty", n(self.comeback.empty), 0.0, 1.0),
            ("comeback.discount_a_day", n(self.comeback.discount_a_day), 1e-6, 100.0),
            ("comeback.visit_value", n(self.comeback.visit_value), 0.0, 1e6),
            ("creation.creators", n(self.creation.creators), 0.0, 1.0),
            ("creation.open", n(self.creation.open), 0.0, 1.0),
            ("creation.create", n(self.creation.create), 0.0, 1.0),
            ("search.share", n(self.search.share), 0.0, 1.0),
            ("search.vague", n(self.search.vague), 0.0, 1.0),
            ("search.sharpness", n(self.search.sharpness), 0.0, LOGITS),
            ("labels.lost", n(self.labels.lost), 0.0, 1.0),
            ("labels.corrupted", n(self.labels.corrupted), 0.0, 1.0),
        ]
    }
}
