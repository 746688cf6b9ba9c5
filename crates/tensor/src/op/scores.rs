//! Scores of every item for some queries: one product, for validation and exact ranking.

use crate::device::Device;
use crate::error::{Result, refused};
use crate::kernel::{absent, cpu};
use crate::meter::Meter;

/// `queries [b, width]`, `items [n, width]` → `out [b, n]`, the inner products.
///
/// # Errors
/// Where sizes do not fit.
pub fn scores(
    device: Device,
    meter: &Meter,
    width: usize,
    queries: &[f32],
    items: &[f32],
    out: &mut [f32],
) -> Result<()> {
    let whole = width > 0
        && queries.len().is_multiple_of(width)
        && items.len().is_multiple_of(width)
        && out.len() == queries.len() / width * (items.len() / width);
    if !whole {
        let (queries, items, out) = (queries.len(), items.len(), out.len());
        return refused(
            "scores",
            format!("{queries} and {items} numbers in rows of {width}, {out} scores"),
        );
    }
    match device {
        Device::Reference => {
            let rows = items.len() / width;
            for (query, out) in queries.chunks_exact(width).zip(out.chunks_exact_mut(rows)) {
                for (item, out) in items.chunks_exact(width).zip(out) {
                    *out = query.iter().zip(item).map(|(query, item)| query * item).sum();
                }
            }
        }
        Device::Cpu => cpu::scores::scores(meter, width, queries, items, out),
        Device::Cuda => return absent::cuda(),
    }
    Ok(())
}
