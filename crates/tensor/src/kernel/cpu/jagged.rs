//! Operations of jagged tensors in `f32`; definitions and shapes are those of
//! [`crate::kernel::reference::jagged`].
//!
//! Work is cut into tasks by the offsets alone, and every sum runs inside one task in a fixed
//! order: the number of threads changes no bit.

mod broadcast;
mod columns;
mod concat;
mod elementwise;
mod matrix;
mod padded;
mod product;
mod segment;
mod select;
mod softmax;
mod tasks;

pub(crate) use broadcast::{
    broadcast_add, broadcast_add_backward, broadcast_multiply, broadcast_multiply_backward,
};
pub(crate) use concat::{concat, concat_backward, split, split_backward};
pub(crate) use elementwise::{
    add, add_backward, multiply, multiply_backward, subtract, subtract_backward,
};
pub(crate) use padded::{from_padded, from_padded_backward, to_padded, to_padded_backward};
pub(crate) use product::{
    dense_product, dense_product_backward, jagged_product, jagged_product_backward,
};
pub(crate) use segment::{
    segment_max, segment_max_backward, segment_mean, segment_mean_backward, segment_sum,
    segment_sum_backward,
};
pub(crate) use select::{select, select_backward};
pub(crate) use softmax::{softmax, softmax_backward};
