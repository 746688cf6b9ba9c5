//! Where CUDA kernels will be. This build has none.

use crate::error::{Error, Result};

/// Says so.
pub(crate) fn cuda<T>() -> Result<T> {
    Err(Error::Absent { device: "cuda" })
}
