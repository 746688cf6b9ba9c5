//! A training or a play as a screen: what it tells, drawn while it runs.
//!
//! A [`State`] hears reports, `draw` makes a picture of it and of nothing else, a [`Screen`] is
//! the terminal for as long as the work lasts.

mod curve;
mod state;
mod draw;
mod screen;
mod play;

pub(crate) use play::PlayScreen;
pub(crate) use screen::{Screen, leave};
pub(crate) use state::State;
