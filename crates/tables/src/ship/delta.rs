//! A delta: what changed in tables since the delta before it.

use bytes::Bytes;

use super::{Error, Format, Result};

/// Rows that replace those of servers, and ids that lose theirs. Number `sequence` of the deltas that
/// follow the snapshot `base`, from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Delta {
    /// Of which model.
    pub model: String,
    /// Checksum of the snapshot that it builds on.
    pub base: String,
    /// Its place in the order, from 1.
    pub sequence: u64,
    /// Checksum of the delta before it, of the snapshot where it is the first.
    pub previous: String,
    /// What changed, a table each.
    pub tables: Vec<TableDelta>,
    /// The dense part, whole; `None` where it stays as it is.
    pub dense: Option<Bytes>,
    /// BLAKE3 of its bytes in hex; empty before [`super::encode`].
    pub checksum: String,
}

/// What changed in one table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableDelta {
    /// Its name.
    pub table: String,
    /// Numbers of a row.
    pub width: usize,
    /// How they are written.
    pub format: Format,
    /// Ids with a new row; they rise.
    pub ids: Vec<u64>,
    /// Their rows, one after another.
    pub rows: Bytes,
    /// Ids that have a row no more; they rise.
    pub tombstones: Vec<u64>,
}

impl Delta {
    /// Rows of all tables.
    pub fn rows(&self) -> usize {
        self.tables.iter().map(|table| table.ids.len()).sum()
    }
}

impl TableDelta {
    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        self.format.row_bytes(self.width)
    }

    /// Row number `at`, of id `ids[at]`.
    ///
    /// # Panics
    /// Where there is none, or `out` has another width.
    pub fn row(&self, at: usize, out: &mut [f32]) {
        assert_eq!(out.len(), self.width, "numbers of a row");
        let bytes = self.row_bytes();
        self.format.decode(&self.rows[at * bytes..][..bytes], out);
    }

    /// Whether it holds together: ids rise, no id lives and dies, a row an id, all numbers finite.
    ///
    /// # Errors
    /// Where it does not, with the table and the id.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: String| Err(Error::contents(format!("table {}", self.table), what));
        if self.width == 0 || self.width > 1 << 16 {
            return wrong(format!("width {} is not between 1 and 65,536", self.width));
        }
        for (ids, name) in [(&self.ids, "ids"), (&self.tombstones, "tombstones")] {
            if let Some(at) = ids.windows(2).position(|pair| pair[0] >= pair[1]) {
                return wrong(format!("{name} do not rise at {}", ids[at + 1]));
            }
        }
        if self.ids.len().checked_mul(self.row_bytes()) != Some(self.rows.len()) {
            let (ids, bytes) = (self.ids.len(), self.rows.len());
            return wrong(format!("{bytes} bytes for {ids} rows of {}", self.row_bytes()));
        }
        let mut dead = self.tombstones.iter().peekable();
        for id in &self.ids {
            while dead.next_if(|dead| *dead < id).is_some() {}
            if dead.peek() == Some(&id) {
                return wrong(format!("id {id} has both a row and a tombstone"));
            }
        }
        match self.format.first_bad(&self.rows) {
            Some(at) => {
                wrong(format!("the row of id {} is not finite", self.ids[at / self.width]))
            }
            None => Ok(()),
        }
    }
}
