//! String ids to dense `u32` indices and back: append-only, an index is never reused.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use crate::{Error, Result};

/// Ids in the order in which they were first seen. The key bytes are stored once.
#[derive(Clone, Default)]
pub struct Dictionary {
    bytes: Vec<u8>,
    /// `ends[i]` is where id `i` ends in `bytes`.
    ends: Vec<u64>,
    /// (index, high half of the hash): most misses are settled without touching `bytes`.
    table: HashTable<(u32, u32)>,
}

impl std::fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dictionary({} ids)", self.len())
    }
}

impl Dictionary {
    /// Number of ids.
    pub fn len(&self) -> u32 {
        self.ends.len() as u32
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The index of `id`, where it is known.
    #[inline]
    pub fn get(&self, id: &str) -> Option<u32> {
        let hash = xxh3_64(id.as_bytes());
        self.table
            .find(hash, |entry| {
                entry.1 == (hash >> 32) as u32 && self.slice(entry.0) == id.as_bytes()
            })
            .map(|entry| entry.0)
    }

    /// The index of `id`, new at the end where it is not known yet.
    ///
    /// # Errors
    /// At 2^32 - 1 ids: `u32::MAX` stands for "none" elsewhere.
    #[inline]
    pub fn intern(&mut self, id: &str) -> Result<u32> {
        self.intern_hashed(id).map(|(index, _)| index)
    }

    /// [`Dictionary::intern`], with the hash of the id beside the index.
    #[inline]
    pub(crate) fn intern_hashed(&mut self, id: &str) -> Result<(u32, u64)> {
        let hash = xxh3_64(id.as_bytes());
        let high = (hash >> 32) as u32;
        if let Some(entry) = self
            .table
            .find(hash, |entry| entry.1 == high && self.slice(entry.0) == id.as_bytes())
        {
            return Ok((entry.0, hash));
        }
        let index = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        if index == u32::MAX {
            return Err(Error::Refused("a dictionary holds at most 2^32 - 1 ids".into()));
        }
        self.bytes.extend_from_slice(id.as_bytes());
        self.ends.push(self.bytes.len() as u64);
        let Self { bytes, ends, table } = self;
        table.insert_unique(hash, (index, high), |entry| {
            xxh3_64(slice_of(bytes, ends, entry.0))
        });
        Ok((index, hash))
    }

    /// The id at `index`, where there is one.
    pub fn id(&self, index: u32) -> Option<&str> {
        if index >= self.len() {
            return None;
        }
        Some(std::str::from_utf8(self.slice(index)).expect("only strings were interned"))
    }

    /// All ids from index `from` on, in order.
    pub fn ids_from(&self, from: u32) -> impl Iterator<Item = &str> {
        (from..self.len()).filter_map(|index| self.id(index))
    }

    /// BLAKE3 over all ids in order, in hex: two dictionaries with one checksum give every
    /// index the same meaning.
    pub fn checksum(&self) -> String {
        self.checksum_of(self.ends.len())
    }

    /// [`Dictionary::checksum`] of a dictionary of the first `count` ids alone, where there are
    /// so many: whether this one began as another.
    pub fn checksum_of_first(&self, count: u32) -> Option<String> {
        let count = count as usize;
        (count <= self.ends.len()).then(|| self.checksum_of(count))
    }

    fn checksum_of(&self, count: usize) -> String {
        let ends = &self.ends[..count];
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.bytes[..ends.last().copied().unwrap_or(0) as usize]);
        for end in ends {
            hasher.update(&end.to_le_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    fn slice(&self, index: u32) -> &[u8] {
        slice_of(&self.bytes, &self.ends, index)
    }
}

#[inline]
fn slice_of<'a>(bytes: &'a [u8], ends: &[u64], index: u32) -> &'a [u8] {
    let at = index as usize;
    let from = if at == 0 { 0 } else { ends[at - 1] as usize };
    &bytes[from..ends[at] as usize]
}
