//! The server from outside: real sockets, real logs in temporary folders.

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
