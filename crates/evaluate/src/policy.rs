//! Logged actions in; the value of another policy out.
//!
//! [`Logged`] holds what a policy did and what another would have done; a [`Method`] makes of each
//! row a term, a user-bootstrap an interval ([`value`], [`difference`]), and [`Health`] says whether
//! to believe it. [`SlateLog`] is the same for slates, where the chance of a whole slate is hopeless.
//! Reward estimates come in as numbers, cross-fitted ([`tabular()`] makes simple ones): nothing here
//! knows a model.

mod additive;
mod counterfactual;
mod health;
mod interleaving;
mod interval;
mod logged;
mod method;
mod places;
mod slates;
mod tabular;

pub use additive::Additive;
pub use counterfactual::{Clicked, counterfactual_dcg};
pub use health::Health;
pub use interleaving::{Drafted, draft};
pub use interval::{difference, logged, value, values};
pub use logged::{Logged, Row};
pub use method::Method;
pub use places::{PlacePolicy, places};
pub use slates::{SlateLog, SlateMethod, SlateRow};
pub use tabular::tabular;
