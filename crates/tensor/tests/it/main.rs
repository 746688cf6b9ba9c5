//! Tests of `tensor`.

mod scan;
