//! Tastemaker: an event log in, honestly evaluated recommendations out.
//!
//! This crate is the command line (`src/main.rs`) and a facade: it re-exports the crates of the
//! house. Depend on the crate you need.
//!
//! ```
//! use tastemaker::data::split::{Cut, SplitSpec, split};
//! use tastemaker::data::{ClockKind, Progress, Sequences};
//! use tastemaker::retrieve::{Model, ModelsConfig, Query, Retriever, Unseen};
//!
//! // Three users, three items: (user, item, time, value).
//! let events = [(2, 2, 5, 1.0), (0, 0, 10, 1.0), (1, 0, 20, 1.0), (1, 1, 30, 1.0), (0, 2, 40, 1.0)];
//! let all = Sequences::from_events(3, 3, &events)?;
//! let cut = SplitSpec::Time { validation_from: None, test_from: Cut::Instant(40) };
//! let parts = split(&all, ClockKind::Real, &cut)?;
//!
//! let config = ModelsConfig::default();
//! let model = Model::fit("item-knn", &config, &parts.train, 40, 1, &Progress::silent())?;
//! let history = parts.train.user(0);
//! let unseen = Unseen::new(history.items.iter().copied());
//! let query = Query { user: Some(0), history, now_ms: 40, filter: &unseen, k: 10, seed: 1 };
//! let found: Vec<u32> = model.retrieve(&query).iter().map(|found| found.item).collect();
//! assert_eq!(found, [1]); // user 1 took item 0 as well, and then item 1
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub use data;
pub use evaluate;
pub use models;
pub use retrieve;
pub use serve;
pub use tables;
pub use tensor;
pub use train;
pub use world;
