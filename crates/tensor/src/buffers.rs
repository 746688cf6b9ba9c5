//! Memory that is used again: what a step took, the next step takes.
//!
//! Batches are jagged, so sizes differ from step to step: a buffer is given out when it is large
//! enough, and made a little larger than asked. After a few steps nothing is allocated.
//!
//! What lies free never passes twice what was in use at once, or the longest unused is let go, so
//! that sizes that never come back do not pile up.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Numbers of a size that was asked for. What they hold at first is left from earlier use.
#[derive(Debug, Default)]
pub struct Buffer {
    storage: Vec<f32>,
    len: usize,
    /// Numbers in use, of the [`Buffers`] it came from.
    lent: Arc<AtomicUsize>,
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

impl Drop for Buffer {
    /// One that is never given back counts no longer.
    fn drop(&mut self) {
        self.lent.fetch_sub(self.storage.len(), Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Free {
    storage: Vec<f32>,
    /// When it was given back, in gifts.
    since: u64,
}

/// Free buffers, by rising size.
#[derive(Debug, Default)]
pub struct Buffers {
    free: Vec<Free>,
    made: u64,
    gifts: u64,
    /// Numbers that lie free.
    idle: usize,
    /// Numbers in use, now and at most.
    lent: Arc<AtomicUsize>,
    lent_max: usize,
}

impl Buffers {
    /// None yet.
    pub fn new() -> Buffers {
        Buffers::default()
    }

    /// A buffer of `len` numbers, whatever they are.
    pub(crate) fn take(&mut self, len: usize) -> Buffer {
        let lent = Arc::clone(&self.lent);
        if len == 0 {
            return Buffer { storage: Vec::new(), len, lent };
        }
        let at = self.free.partition_point(|free| free.storage.len() < len);
        // A buffer more than four times too large is kept for who needs it.
        let fits =
            self.free.get(at).is_some_and(|free| free.storage.len() / 4 <= len.max(1024));
        let storage = if fits {
            let storage = self.free.remove(at).storage;
            self.idle -= storage.len();
            storage
        } else {
            self.made += 1;
            vec![0.0; len + len / 4]
        };
        let in_use = lent.fetch_add(storage.len(), Ordering::Relaxed) + storage.len();
        self.lent_max = self.lent_max.max(in_use);
        if !fits {
            self.let_go();
        }
        Buffer { storage, len, lent }
    }

    /// Forgets the longest unused until what is free is in proportion to what was ever in use.
    fn let_go(&mut self) {
        while self.idle > 2 * self.lent_max {
            let ages = self.free.iter().enumerate().map(|(at, free)| (free.since, at));
            let Some((_, oldest)) = ages.min() else { return };
            self.idle -= self.free.remove(oldest).storage.len();
        }
    }

    /// Takes a buffer back.
    pub fn give(&mut self, mut buffer: Buffer) {
        let storage = std::mem::take(&mut buffer.storage);
        let size = storage.len();
        if size > 0 {
            buffer.lent.fetch_sub(size, Ordering::Relaxed);
            let at = self.free.partition_point(|free| free.storage.len() < size);
            self.gifts += 1;
            self.free.insert(at, Free { storage, since: self.gifts });
            self.idle += size;
        }
    }

    /// Buffers that had to be allocated so far.
    pub fn made(&self) -> u64 {
        self.made
    }

    /// Bytes of all buffers, free and in use.
    pub fn bytes(&self) -> usize {
        (self.idle + self.lent.load(Ordering::Relaxed)) * size_of::<f32>()
    }
}

#[cfg(test)]
mod tests;
