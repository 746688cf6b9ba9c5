//! Hit rate: did the list hold anything relevant at all? It saturates with long lists and with
//! users who have many relevant items; prefer NDCG to compare models.

/// HR@k of one user: 1 where the first k places hold at least one relevant item, else 0.
pub fn hit_rate(hits: &[bool], relevant: usize, k: usize) -> Option<f64> {
    let flags = super::cut(hits, relevant, k)?;
    Some(if flags.contains(&true) { 1.0 } else { 0.0 })
}
