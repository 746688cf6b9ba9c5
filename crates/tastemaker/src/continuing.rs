//! `train --delta-every`: a model goes on learning from what the log gets, and ships what it
//! learned as deltas, which `serve --follow` takes over.
//!
//! ```text
//! DIR/deltas/000001/sasrec/snapshot/      the model as version 000001 has it
//! DIR/deltas/000001/sasrec/000001.delta   rows that changed since, and the network
//! ```

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use data::{Catalogue, Clock, SystemClock, grouped};
use retrieve::{LiveFacts, Model, Retriever, Sequence, Version};
use serde_json::json;
use tables::ship::{Budget, Follower, Published, Publisher};
use tensor::Tensor;
use train::{Continued, Learned};

use crate::fitting::{self, Opened};
use crate::hint;
use crate::period::Period;
use crate::sequence;
use crate::settings::Settings;
use crate::terminal::{answer, note, stopped, with_bar};

/// How often, and how much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rhythm {
    /// Between two looks at the log.
    pub(crate) every: Period,
    /// Bytes of a delta, at most; none: all that changed.
    pub(crate) bytes_max: Option<u64>,
    /// Deltas after which it ends; none: when it is stopped.
    pub(crate) deltas_max: Option<u32>,
    pub(crate) json: bool,
}

/// A model that goes on.
struct Going {
    name: String,
    model: Continued,
    publisher: Publisher,
}
