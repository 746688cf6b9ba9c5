//! What is taken comes back, and nothing piles up.

use super::{Buffer, Buffers};
use crate::random::number;

#[test]
fn the_smallest_that_is_large_enough_and_none_that_is_far_too_large() {
    let mut buffers = Buffers::new();
    let (small, large) = (buffers.take(4_000), buffers.take(40_000));
    buffers.give(large);
    buffers.give(small);
    let taken = buffers.take(4_500);
    assert_eq!((taken.len(), buffers.made()), (4_500, 2));
    let other = buffers.take(4_500);
    assert_eq!(buffers.made(), 3, "a buffer of 50000 is kept for who needs it");
    buffers.give(taken);
    buffers.give(other);
    assert_eq!(buffers.bytes(), 4 * (5_000 + 50_000 + 5_625));
}

#[test]
fn nothing_is_made_for_nothing() {
    let mut buffers = Buffers::new();
    for _ in 0..3 {
        let none = buffers.take(0);
        assert!(none.is_empty());
        buffers.give(none);
    }
    assert_eq!((buffers.made(), buffers.bytes()), (0, 0));
}

#[test]
fn a_buffer_that_is_dropped_counts_no_longer() {
    let mut buffers = Buffers::new();
    drop(buffers.take(100));
    assert_eq!(buffers.bytes(), 0);
    drop(Buffer::default());
}

/// Phases of ever other sizes: each would leave its buffers behind for ever.
#[test]
fn sizes_that_never_come_back_are_let_go() {
    let mut buffers = Buffers::new();
    let mut most = 0;
    for phase in 0..60u32 {
        // Up by more than a buffer's reserve, and down by more than a buffer may be too large.
        let size = 2_000 + (if phase % 2 == 0 { phase } else { 61 - phase } * 4_321) as usize;
        let taken: Vec<Buffer> = (0..10).map(|_| buffers.take(size)).collect();
        most = most.max(10 * size * 5 / 4);
        taken.into_iter().for_each(|buffer| buffers.give(buffer));
        let bound = 4 * 3 * most;
        assert!(buffers.bytes() <= bound, "{} bytes, at most {bound}", buffers.bytes());
    }
    for draw in 0..20_000u32 {
        let size = 1 + number(1, draw) as usize % (1 << (number(2, draw) % 18));
        let (one, other) = (buffers.take(size), buffers.take(size / 3 + 1));
        buffers.give(one);
        buffers.give(other);
        assert!(buffers.bytes() <= 4 * 3 * most);
    }
}
