//! A simulated world whose truth is known: it asks for slates and does with them what people would,
//! so that a policy's value can be known and not only estimated.
//!
//! The way of a slate: [`World::next_requests`] says who is here and asks; somebody answers with
//! [`Slates`], the world does not know who; [`World::respond`] lets people look, click, watch, like,
//! search, create, leave, and come back earlier or later for it. What they did comes out as
//! [`Happened`], and [`record`] makes of it the slates and events that a real product writes.
//!
//! The equations stand with the numbers in them: [`WorldConfig`] and its parts. In short, for person
//! u and item i at place k: affinity `a = κ·⟨θ_u + μ_u, v_i⟩`; `P(click | examined) =
//! σ(base + a + quality + clickbait − age − price)`; a click is worth `s = σ(base + ½a + quality −
//! clickbait)`; examination follows [`Examination`]; satisfaction x moves to s with every click and
//! sets the rate `r(x) = f·visits·exp(k·(x − ½))` at which the person comes back. What all of that is
//! for one request, [`Truth`] tells an oracle.
//!
//! Chance has a stream for each (purpose, person, how often before), so that a seed decides
//! everything, whatever the number of threads. Memory is that of people and of the items alive.
#![forbid(unsafe_code)]

mod error;
mod config;
mod preset;
mod dice;
mod vector;
mod topic;
mod words;
mod item;
mod catalogue;
mod examination;
mod comeback;
mod user;
mod appeal;
mod request;
mod happened;
mod visit;
mod truth;
mod world;
pub mod record;

pub use appeal::Appeal;
pub use catalogue::Catalogue;
pub use config::{
    CatalogueConfig, ClickConfig, ComebackConfig, CreationConfig, LabelConfig, Mode,
    ReactionConfig, SatisfactionConfig, SearchConfig, SessionConfig, TasteConfig, TopicConfig,
    WatchConfig, WorldConfig,
};
pub use error::{Error, Result};
pub use examination::Examination;
pub use happened::{Happened, Kind};
pub use item::{Creator, Item};
pub use preset::Preset;
pub use request::{Request, Slates};
pub use topic::Topics;
pub use truth::{PlaceTruth, SlateValue, Truth};
pub use user::User;
pub use words::Words;
pub use world::World;
