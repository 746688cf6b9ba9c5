//! How training scales: one step of a large HSTU, predicted and measured, and quality against the
//! compute that HSTUs of several sizes were trained with.

mod shape;
mod prediction;
mod memory;
mod large;
mod law;
mod catalogue_loss;
mod point;
mod ground;
mod curve;
mod plot;
mod words;

use serde::Serialize;

pub(crate) use curve::{Choice, Curve, curve};
pub(crate) use ground::{Source, must_have_data};
pub(crate) use large::{Large, large};
pub(crate) use memory::peak_mib;
pub(crate) use plot::svg;
pub(crate) use shape::Shape;
pub(crate) use words::{of_curve, of_large};

/// The object that `--json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Scale {
    /// What it ran on.
    pub(crate) machine: String,
    pub(crate) quick: bool,
    /// The large one; none where only the curve was asked for.
    pub(crate) large: Option<Large>,
    /// The curve; none where only the large one was asked for.
    pub(crate) curve: Option<Curve>,
}
