use super::*;

/// 1 layer of 4 columns in 2 heads, 1 row of 3 events.
const TINY: Shape = Shape {
    layers: 1,
    width: 4,
    heads: 2,
    rows: 1,
    events: 3,
    items: 10,
    negatives: 2,
    recompute: false,
};

#[test]
fn a_tiny_step_by_hand() {
    let found = Prediction::of(&TINY);
    // 4 × 16 for u, v, q, k, 4 × 4 out, 4 of its bias, 3 places, 129 times.
    assert_eq!(found.parameters_in_blocks, 80 + 4 + 3 + 129);
    // And 3 positions, 10 items of 4.
    assert_eq!(found.parameters, 216 + 52);
    assert_eq!(found.bytes.weights, 1072);
    assert_eq!(found.bytes.moments, 2144);
    // 14 × 12 in the block, 5 × 12 and 2 × 40 outside.
    assert_eq!(found.bytes.activations, 4 * (168 + 60 + 80));
    assert_eq!(found.bytes.partial_sums, 4 * 64);
    assert_eq!(found.bytes_total, 1072 + 1072 + 2144 + 1232 + 256);
    // Linear: 3 × 2 × 3 × 80. Attention: 6 pairs × 4 columns × 2 products × 2 = 96, and 2.5 times.
    // Loss: 3 × 2 × 3 × 2 × 4.
    assert_eq!(found.flops, 1440 + 96 + 240 + 144);
    let again = Prediction::of(&Shape { recompute: true, ..TINY });
    assert_eq!(again.flops, found.flops + 480 + 96);
    assert_eq!(again.bytes.activations, found.bytes.activations + 4 * 12);
}

#[test]
fn the_large_one_is_as_large_as_is_said() {
    let found = Prediction::of(&Shape::LARGE);
    let products = 24 * 5 * 1280 * 1280;
    let tables = 24 * (1280 + 512 + 129);
    assert_eq!(found.parameters_in_blocks, products + tables);
    assert_eq!(products, 196_608_000);
    assert!(found.bytes_total > 5 << 30 && found.bytes_total < 6 << 30, "{found:?}");
    let again = Prediction::of(&Shape { recompute: true, ..Shape::LARGE });
    assert!(again.bytes.activations * 5 < found.bytes.activations);
    assert_eq!(found.seconds(100.0), Some(found.flops as f64 / 1e11));
    assert_eq!(found.seconds(0.0), None);
}
