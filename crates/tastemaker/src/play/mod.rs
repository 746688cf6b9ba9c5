//! Policies in a world whose truth is known.
//!
//! A [`World`](world::World) asks; [`candidates`] are drawn for every request, a [`Ranker`] orders
//! them by what a product [`Known`]s, a [`Policy`] makes a slate of the order, with propensities.
//! [`simulate`] writes down what happens as a log; [`run`] lets two policies play in worlds that
//! begin the same, and asks what the log of one would have said of the other ([`estimate`]). [`calibrate`] holds worlds
//! against real logs ([`reference`](self::reference)).

mod candidates;
mod chosen;
mod clicks;
mod duel;
mod estimate;
mod known;
mod arm;
mod calibrate;
mod policy;
mod ranker;
mod reference;
mod run;
mod settings;
mod simulate;
mod truth_file;

pub(crate) use calibrate::{Look, shape};
pub(crate) use clicks::{Clicks, clicks};
pub(crate) use policy::{PolicyName, RankerName};
pub(crate) use reference::references;
pub(crate) use run::{Play, run};
pub(crate) use settings::{WorldArgs, preset};
pub(crate) use simulate::{SETTINGS_FILE, Simulation, simulate};
