//! Numbers side by side from the beginning of a cache line on: a row that is as wide as some lines
//! lies in as many, not in one more, and none of its vectors is in two. Large pieces are pages that
//! the system gives when they are touched, huge ones where it has them: a look-up goes anywhere, and
//! the processor knows where few small pages lie.

use std::alloc::{Layout, handle_alloc_error};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use bytemuck::{Pod, Zeroable};
use memmap2::MmapMut;

use crate::{Error, Result};

/// From so many bytes on, pages are asked for: the size of a huge one.
const PAGES_FROM: usize = 1 << 21;
/// Bytes that are copied at a time, or left alone where they are 0: a small page.
const BLOCK: usize = 1 << 12;

/// As many numbers as it was made for, zeros at first.
#[derive(Debug)]
pub(crate) struct Memory<T> {
    place: Place,
    len: usize,
    kind: PhantomData<T>,
}

#[derive(Debug)]
enum Place {
    Lines(Vec<Line>),
    Pages(MmapMut),
}

/// A line of a cache.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

impl<T: Pod> Memory<T> {
    /// # Errors
    /// Where the system has no room for them.
    pub(crate) fn zeros(len: usize) -> Result<Memory<T>> {
        let bytes = len.checked_mul(size_of::<T>());
        let place = bytes.and_then(Place::zeros).ok_or_else(|| {
            let what = format!("no memory for {len} numbers of {} bytes", size_of::<T>());
            Error::Setting { field: "rows", what }
        })?;
        Ok(Memory { place, len, kind: PhantomData })
    }
}

impl<T: Pod> Memory<T> {
    /// As a `Vec` would: where there is no room, that is the end.
    pub(crate) fn zeros_or_end(len: usize) -> Memory<T> {
        Memory::zeros(len).unwrap_or_else(|_| {
            handle_alloc_error(Layout::array::<T>(len).unwrap_or(Layout::new::<T>()))
        })
    }
}

impl Place {
    fn zeros(bytes: usize) -> Option<Place> {
        if bytes >= PAGES_FROM {
            let pages = MmapMut::map_anon(bytes).ok()?;
            // A wish: without huge pages it is slower, and the same.
            #[cfg(target_os = "linux")]
            let _ = pages.advise(memmap2::Advice::HugePage);
            return Some(Place::Pages(pages));
        }
        let count = bytes.div_ceil(size_of::<Line>());
        let mut lines = Vec::new();
        lines.try_reserve_exact(count).ok()?;
        lines.resize(count, Line::zeroed());
        Some(Place::Lines(lines))
    }

    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        match self {
            Place::Lines(lines) => bytemuck::cast_slice(lines),
            Place::Pages(pages) => pages,
        }
    }

    #[inline(always)]
    fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Place::Lines(lines) => bytemuck::cast_slice_mut(lines),
            Place::Pages(pages) => pages,
        }
    }
}

impl<T: Pod> Deref for Memory<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        bytemuck::cast_slice(&self.place.bytes()[..self.len * size_of::<T>()])
    }
}

impl<T: Pod> DerefMut for Memory<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(&mut self.place.bytes_mut()[..self.len * size_of::<T>()])
    }
}

impl<T: Pod> Clone for Memory<T> {
    fn clone(&self) -> Memory<T> {
        let from = self.place.bytes();
        let Some(mut place) = Place::zeros(from.len()) else {
            handle_alloc_error(Layout::for_value(from));
        };
        // A chunk that has room for rows to come takes memory for those that are there.
        for (from, to) in from.chunks(BLOCK).zip(place.bytes_mut().chunks_mut(BLOCK)) {
            if from.iter().any(|byte| *byte != 0) {
                to.copy_from_slice(from);
            }
        }
        Memory { place, len: self.len, kind: PhantomData }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_at_a_line_and_a_copy_is_the_same() {
        for len in [0, 1, 63, 1000, PAGES_FROM / 4, PAGES_FROM] {
            let mut memory = Memory::<f32>::zeros(len).expect("room");
            assert!(memory.len() == len && memory.iter().all(|value| value.to_bits() == 0));
            assert_eq!(memory.as_ptr() as usize % 64, 0, "{len}");
            for at in (0..len).step_by(5000) {
                memory[at] = at as f32 - 0.5;
            }
            assert_eq!(memory.clone()[..], memory[..], "{len}");
        }
        for len in [usize::MAX / 8, usize::MAX] {
            let error = Memory::<f32>::zeros(len).expect_err("more than there is");
            assert!(error.to_string().contains("no memory"), "{error}");
        }
    }
}
