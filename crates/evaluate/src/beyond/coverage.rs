//! Catalogue coverage (Ge et al., "Beyond accuracy", RecSys 2010, section 4).

/// Share of the catalogue that stands in at least one list, in [0, 1], of
/// [`exposure`](super::exposure); `None` for an empty catalogue.
pub fn coverage(exposure: &[u32]) -> Option<f64> {
    let shown = exposure.iter().filter(|count| **count > 0).count();
    (!exposure.is_empty()).then(|| shown as f64 / exposure.len() as f64)
}
