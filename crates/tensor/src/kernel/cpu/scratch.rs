//! Working memory of one thread, kept between calls.

use std::cell::Cell;
use std::thread::LocalKey;

thread_local! {
    static SCRATCH: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    static BYTES: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends `work` this many numbers, whatever they are. A call within a call gets its own.
pub(super) fn with_scratch<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    lend(&SCRATCH, len, work)
}

/// As [`with_scratch`], bytes.
pub(super) fn with_bytes<R>(len: usize, work: impl FnOnce(&mut [u8]) -> R) -> R {
    lend(&BYTES, len, work)
}

fn lend<T: Copy + Default, R>(
    kept: &'static LocalKey<Cell<Vec<T>>>,
    len: usize,
    work: impl FnOnce(&mut [T]) -> R,
) -> R {
    let mut memory = kept.take();
    if memory.len() < len {
        memory.resize(len + len / 4, T::default());
    }
    let result = work(&mut memory[..len]);
    kept.set(memory);
    result
}
