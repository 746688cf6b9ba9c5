//! Operations of jagged tensors.
//!
//! Shapes: `B` rows ([`Offsets::rows`](crate::Offsets::rows)), `Σn` tokens in all
//! ([`Offsets::total`](crate::Offsets::total)), slices row-major. Widths are from 1 to 2²⁴; rows may be empty, and
//! there may be none.
//!
//! Every `_backward` takes `gradient`, that of the output, and writes those of the inputs: added
//! to what is there where `accumulate`, else every value overwritten. What forward has to save for
//! it is its first argument.
//!
//! Every function refuses with [`Error::Shape`](crate::Error::Shape) what does not fit, and with
//! [`Error::Absent`](crate::Error::Absent) a device that is not built; then it has written nothing.

mod broadcast;
mod check;
mod concat;
mod elementwise;
mod padded;
mod product;
mod segment;
mod select;
mod softmax;
pub(crate) mod layer;

pub use broadcast::{
    broadcast_add, broadcast_add_backward, broadcast_multiply, broadcast_multiply_backward,
};
pub use concat::{
    concat, concat_backward, concat_offsets, split, split_backward, split_offsets,
};
pub use elementwise::{
    add, add_backward, multiply, multiply_backward, subtract, subtract_backward,
};
pub use layer::Pool;
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

/// Calls the kernel of this name for a device.
macro_rules! run {
    ($device:expr, $kernel:ident($($argument:expr),* $(,)?)) => {
        match $device {
            crate::device::Device::Reference => {
                crate::kernel::reference::jagged::$kernel($($argument),*);
                Ok(())
            }
            crate::device::Device::Cpu => {
                crate::kernel::cpu::jagged::$kernel($($argument),*);
                Ok(())
            }
            crate::device::Device::Cuda => crate::kernel::absent::cuda(),
        }
    };
}
use run;
