//! Which row an id is hashed to: a salt of (feature, chunk), a 64-bit mix, multiply-high.

use super::config::{Salts, ViewConfig};
use crate::mix::{below, mix};
use crate::{Error, Result};

/// The salt of a chunk, and the rows that its hash chooses among.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hash {
    salt: u64,
    rows: u32,
}

impl Hash {
    /// Of chunk number `chunk` of a feature, into a table of `rows` rows.
    pub(super) fn new(
        config: &ViewConfig,
        feature: usize,
        chunk: usize,
        rows: usize,
    ) -> Result<Hash> {
        let rows = u32::try_from(rows).ok().filter(|rows| *rows > 0).ok_or_else(|| {
            Error::Setting { field: "numbers", what: format!("{rows} rows make no table") }
        })?;
        let name = match config.salts {
            Salts::Own => config.features[feature].name.as_str(),
            Salts::Shared => "",
        };
        // Byte after byte, so that the salt of a name is the same for ever.
        let name =
            name.bytes().fold(mix(config.seed, 1), |hash, byte| mix(hash, u64::from(byte)));
        Ok(Hash { salt: mix(name, 0x0001_0000 + chunk as u64), rows })
    }

    /// The row of an id. The id is mixed before the salt comes to it: sums of ids and salts would meet again for
    /// another chunk's neighbours.
    #[inline(always)]
    pub(super) fn row(self, id: u64) -> u64 {
        let hash = mix(mix(id, 0x9e37_79b9_7f4a_7c15) ^ self.salt, 0xd1b5_4a32_d192_ed03);
        below(hash, self.rows) as u64
    }
}
