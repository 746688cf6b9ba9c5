//! A number of bytes that must hold.

use std::str::FromStr;

use crate::{Error, Result};

/// Bytes of memory that may be used, as `256MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryBudget(usize);

const UNITS: [(&str, u32); 5] = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40), ("B", 0)];

impl MemoryBudget {
    /// Reads a whole number with its unit: B, KiB, MiB, GiB or TiB.
    ///
    /// # Errors
    /// Where it is anything else, none at all, or more than an address reaches.
    pub fn parse(text: &str) -> Result<MemoryBudget> {
        let wrong = |why: &str| Error::Setting {
            field: "memory",
            what: format!("{text:?} {why}; write it as 256MiB (B, KiB, MiB, GiB, TiB)"),
        };
        let trimmed = text.trim();
        let (number, shift) = UNITS
            .iter()
            .find_map(|(unit, shift)| Some((trimmed.strip_suffix(unit)?.trim_end(), *shift)))
            .ok_or_else(|| wrong("has no unit that is known"))?;
        let number = match number.bytes().all(|byte| byte.is_ascii_digit()) {
            true => number.parse::<usize>().map_err(|_| wrong("is not a whole number"))?,
            false => return Err(wrong("is not a whole number")),
        };
        match number.checked_mul(1usize << shift) {
            Some(0) => Err(wrong("is no memory")),
            Some(bytes) => Ok(MemoryBudget(bytes)),
            None => Err(wrong("is more than an address reaches")),
        }
    }

    /// In bytes.
    pub fn bytes(self) -> usize {
        self.0
    }
}

impl FromStr for MemoryBudget {
    type Err = Error;

    fn from_str(text: &str) -> Result<MemoryBudget> {
        MemoryBudget::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read_or_refused() {
        let read = |text| MemoryBudget::parse(text).map(MemoryBudget::bytes);
        assert_eq!(read("256MiB"), Ok(256 << 20));
        assert_eq!(read(" 3 GiB "), Ok(3 << 30));
        assert_eq!(read("17B"), Ok(17));
        for bad in ["", "256", "MiB", "-1MiB", "+1MiB", "1.5GiB", "0B", "99999999999TiB", "1MB"]
        {
            let error = read(bad).unwrap_err().to_string();
            assert!(error.contains(&format!("{bad:?}")), "{error}");
        }
    }
}
