//! Memory that is used again: what a step took, the next step takes.
//!
//! Batches are jagged, so sizes differ from step to step: a buffer is given out when it is large
//! enough, and made a little larger than asked. After a few steps nothing is allocated.

use std::ops::{Deref, DerefMut};

/// Numbers of a size that was asked for. What they hold at first is left from earlier use.
#[derive(Debug, Default)]
pub struct Buffer {
    storage: Vec<f32>,
    len: usize,
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.storage[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.storage[..self.len]
    }
}

/// Free buffers, by rising size.
#[derive(Debug, Default)]
pub struct Buffers {
    free: Vec<Vec<f32>>,
    made: u64,
    floats: usize,
}

impl Buffers {
    /// None yet.
    pub fn new() -> Buffers {
        Buffers::default()
    }

    /// A buffer of `len` numbers, whatever they are.
    pub(crate) fn take(&mut self, len: usize) -> Buffer {
        let at = self.free.partition_point(|storage| storage.len() < len);
        // A buffer more than four times too large is kept for who needs it.
        let fits = self.free.get(at).is_some_and(|storage| storage.len() / 4 <= len.max(1024));
        let storage = if fits {
            self.free.remove(at)
        } else {
            self.made += 1;
            let size = len + len / 4;
            self.floats += size;
            vec![0.0; size]
        };
        Buffer { storage, len }
    }

    /// Takes a buffer back.
    pub fn give(&mut self, buffer: Buffer) {
        let size = buffer.storage.len();
        if size > 0 {
            let at = self.free.partition_point(|storage| storage.len() < size);
            self.free.insert(at, buffer.storage);
        }
    }

    /// Buffers that had to be allocated so far.
    pub fn made(&self) -> u64 {
        self.made
    }

    /// Bytes of all buffers, free and in use.
    pub fn bytes(&self) -> usize {
        self.floats * size_of::<f32>()
    }
}
