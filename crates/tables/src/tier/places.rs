//! Where the record of each row lies: 3 bits a row.

/// Which of the two slots of a row holds its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It was never written.
    None,
    /// The first or second.
    Slot(u8),
}

/// The slot of each row, and which rows were written since the last checkpoint.
pub(super) struct Places {
    /// Two bits a row: 0, 1 and 2 are nowhere, slot 0, slot 1; as they are kept in a file.
    slots: Vec<u8>,
    fresh: Vec<u8>,
}

impl Places {
    /// Of rows that were never written.
    pub(super) fn none(rows: u64) -> Places {
        Places {
            slots: vec![0; rows.div_ceil(4) as usize],
            fresh: vec![0; rows.div_ceil(8) as usize],
        }
    }

    /// As a file has them; none where a row is in a slot that is none.
    pub(super) fn read(rows: u64, slots: Vec<u8>) -> Option<Places> {
        let sound = slots.len() as u64 == rows.div_ceil(4)
            && slots.iter().all(|four| four & (four >> 1) & 0b0101_0101 == 0);
        sound.then(|| Places { slots, fresh: vec![0; rows.div_ceil(8) as usize] })
    }

    /// As a file should have them.
    pub(super) fn slots(&self) -> &[u8] {
        &self.slots
    }

    pub(super) fn bytes(&self) -> usize {
        self.slots.capacity() + self.fresh.capacity()
    }

    pub(super) fn get(&self, row: u64) -> Place {
        match self.slots[row as usize / 4] >> (row % 4 * 2) & 3 {
            0 => Place::None,
            slot => Place::Slot(slot - 1),
        }
    }

    /// The slot that may be written: never the one that the last checkpoint has.
    pub(super) fn writable(&self, row: u64) -> u8 {
        match (self.get(row), self.fresh[row as usize / 8] >> (row % 8) & 1) {
            (Place::None, _) => 0,
            (Place::Slot(slot), 1) => slot,
            (Place::Slot(slot), _) => 1 - slot,
        }
    }

    /// A record is in this slot from now on.
    pub(super) fn put(&mut self, row: u64, slot: u8) {
        let shift = row % 4 * 2;
        let four = &mut self.slots[row as usize / 4];
        *four = *four & !(3 << shift) | ((slot + 1) << shift);
        self.fresh[row as usize / 8] |= 1 << (row % 8);
    }

    /// All of it is in a checkpoint.
    pub(super) fn checkpointed(&mut self) {
        self.fresh.fill(0);
    }
}
