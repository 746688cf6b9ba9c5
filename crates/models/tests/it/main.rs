//! Tests of `models`.

mod golden;
mod parameters;
mod encode;
mod init;
mod config;
