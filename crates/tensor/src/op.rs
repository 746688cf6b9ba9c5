//! Operations: each checks its shapes, then runs the kernels of a [`Device`](crate::Device).

pub mod jagged;
