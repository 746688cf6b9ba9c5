//! MovieLens latest-small, which the binary brings along.

use std::path::Path;

use anyhow::{Context, Result};

/// The files, with the terms under which they are passed on.
const FILES: [(&str, &[u8]); 3] = [
    ("ratings.csv.gz", include_bytes!("../../../examples/data/ml-latest-small/ratings.csv.gz")),
    ("movies.csv.gz", include_bytes!("../../../examples/data/ml-latest-small/movies.csv.gz")),
    ("README.txt", include_bytes!("../../../examples/data/ml-latest-small/README.txt")),
];

/// Writes them where they are not there yet as they should be.
pub(crate) fn unpack(into: &Path) -> Result<()> {
    std::fs::create_dir_all(into).with_context(|| format!("making {}", into.display()))?;
    for (name, bytes) in FILES {
        let path = into.join(name);
        if std::fs::read(&path).is_ok_and(|there| there == bytes) {
            continue;
        }
        std::fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}
