//! Working memory of one thread, kept between calls.

use std::cell::Cell;

thread_local! {
    static SCRATCH: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Lends `work` this many numbers, whatever they are. A call within a call gets its own.
pub(super) fn with_scratch<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut memory = SCRATCH.take();
    if memory.len() < len {
        memory.resize(len + len / 4, 0.0);
    }
    let result = work(&mut memory[..len]);
    SCRATCH.set(memory);
    result
}
