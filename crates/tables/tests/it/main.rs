//! Tests of the crate from outside.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop here")]

mod admission;
mod crashing;
mod faults;
mod disk;
mod golden;
mod index;
mod learning;
mod looking_up;
mod trace;
mod old_formats;
mod parts;
mod quantised;
#[cfg(feature = "redis")]
mod redis;
mod shipping;
mod views;
mod tiered;
mod tiers;
mod usage;
