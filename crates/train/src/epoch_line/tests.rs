use super::*;

#[test]
fn the_line_has_what_is_known_and_no_more() {
    let mut line = EpochLine {
        epoch: 3,
        epochs: 50,
        loss: 4.126_58,
        validated: Some((0.071_26, true)),
        seconds: 2.0,
        tokens: 302_000,
        flops: 192_400_000_000,
        seconds_left: 122.7,
    };
    let told = "epoch 3 of 50  loss 4.1266  NDCG@10 0.0713 (best)  151 k tokens/s  96 GFLOP/s  \
                at most 2 min 3 s left";
    assert_eq!(line.to_string(), told);
    line.validated = Some((0.05, false));
    (line.tokens, line.seconds_left) = (3_000, 2.0 * 3600.0 + 60.0);
    let told = "epoch 3 of 50  loss 4.1266  NDCG@10 0.0500  1.5 k tokens/s  96 GFLOP/s  \
                at most 2 h 1 min left";
    assert_eq!(line.to_string(), told);
    (line.validated, line.seconds, line.epoch) = (None, 0.0, 50);
    assert_eq!(line.to_string(), "epoch 50 of 50  loss 4.1266");
}
