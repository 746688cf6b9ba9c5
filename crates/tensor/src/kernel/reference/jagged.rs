//! Operations of jagged tensors, as their definitions read.
//!
//! `Σn` is [`Offsets::total`](crate::Offsets::total), `B` is [`Offsets::rows`](crate::Offsets::rows), slices
//! are row-major. A slice of another size than is written is a panic here, and an error in
//! [`crate::op::jagged`].
//!
//! Every `_backward` takes the gradient of the output, and either adds to the gradients of the
//! inputs (`accumulate`) or overwrites all of them.

mod broadcast;
mod concat;
mod elementwise;
mod padded;
mod product;
mod segment;
mod select;
mod softmax;

pub use broadcast::{
    broadcast_add, broadcast_add_backward, broadcast_multiply, broadcast_multiply_backward,
};
pub use concat::{concat, concat_backward, split, split_backward};
pub use elementwise::{
    add, add_backward, multiply, multiply_backward, subtract, subtract_backward,
};
pub use padded::{from_padded, from_padded_backward, to_padded, to_padded_backward};
pub use product::{
    dense_product, dense_product_backward, jagged_product, jagged_product_backward,
};
pub use segment::{
    segment_max, segment_max_backward, segment_mean, segment_mean_backward, segment_sum,
    segment_sum_backward,
};
pub use select::{select, select_backward};
pub use softmax::{softmax, softmax_backward};
