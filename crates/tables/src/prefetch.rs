//! Asking memory for a row before it is needed: rows of a bag lie anywhere, and a processor that
//! waits for one after another is idle most of the time.

/// Asks for the numbers from `at` on, as many as `count`, where the machine can be asked.
#[inline(always)]
#[allow(unsafe_code, reason = "there is no safe way to ask for a prefetch")]
pub(crate) fn prefetch<T>(values: &[T], at: usize, count: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        const LINE: usize = 64;
        let Some(values) = values.get(at..at + count) else { return };
        let bytes = std::mem::size_of_val(values);
        let begin = values.as_ptr().cast::<i8>();
        for line in (0..bytes).step_by(LINE) {
            // SAFETY: `line` is below the length of `values` in bytes, so the pointer stays inside
            // it; a prefetch reads nothing that a program could see.
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(begin.add(line));
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, at, count);
}
