//! Mean reciprocal rank (Voorhees, "The TREC-8 Question Answering Track Report", 1999): how
//! far down is the first relevant item? It looks at nothing else.

/// Reciprocal rank of one user, cut at k: 1 ÷ place of the first hit, counted from 1; 0 where
/// the first k places hold none.
pub fn reciprocal_rank(hits: &[bool], relevant: usize, k: usize) -> Option<f64> {
    let flags = super::cut(hits, relevant, k)?;
    Some(flags.iter().position(|hit| *hit).map_or(0.0, |place| 1.0 / (place as f64 + 1.0)))
}
