//! The world from outside: what it promises to whoever plays in it.

mod behaviour;
mod coming_back;
mod growth;
mod playing;
mod refusals;
mod repeatable;
mod searching;
mod theorem;
