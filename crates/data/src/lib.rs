//! Events in; ids, time splits, jagged sequences and batches out.
//!
//! The way of an event: a file is [`import`]ed row by row, checked, given a dictionary index
//! and a place in the order (time, seq), and sealed in the [`Log`]; the log is read back as
//! [`Sequences`], cut by a [`split`], and handed on as [`batch`]es.
#![forbid(unsafe_code)]

mod error;
mod clock;
mod grouped;
mod progress;
mod files;
mod random;
mod faulty;
pub mod sealed;
pub mod order;
mod event;
mod catalogue;
mod dictionary;
pub mod check;
mod sort;
mod log;
pub mod import;
mod feedback;
mod jagged;
mod sequence;
pub mod split;
pub mod batch;

pub use catalogue::{Item, User};
pub use clock::{
    Clock, ClockKind, FixedClock, SystemClock, TIME_MS_MAX, TIME_MS_MIN, format_ms, parse_ms,
    seconds_in_words,
};
pub use dictionary::Dictionary;
pub use error::{Error, Result};
pub use event::{Event, NewEvent, Shown, Slate};
pub use faulty::FaultyFiles;
pub use feedback::{Feedback, PositiveRule};
pub use files::{Change, Files, Lock, ReadFile, RealFiles, WriteFile};
pub use grouped::{bytes_in_words, grouped};
pub use jagged::{Jagged, KeyedJagged};
pub use log::{
    Appended, Catalogue, DELTAS_DIR, Events, ImportEntry, Log, LogManifest, MODELS_DIR,
    PLAYS_DIR, REPORTS_DIR, SourceFile, Writer,
};
pub use progress::{Progress, Step};
pub use random::{Access, DIRECT_BYTES, RandomFile};
pub use sequence::{History, Sequences};
