//! What stands in for kernels that are not built.

use crate::error::{Error, Result};

/// No CUDA kernels in this build.
pub(crate) fn cuda<T>() -> Result<T> {
    Err(Error::Absent { device: "cuda" })
}
