//! The server from outside: real sockets, real logs in temporary folders.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop here")]

mod fixture;
mod recommend;
mod bad_input;
mod events;
mod flush;
mod models;
mod overload;
mod health;
mod openapi;
mod console;
mod browser;
