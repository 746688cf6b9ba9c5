//! What does not fit is refused with words, never a panic; a NaN is located.

use tensor::{
    Activation, Contrast, Error, Negatives, NormKind, Parameters, Pick, Pool, Qkv, Result,
    SampledLoss, Tape, Tensor, Var, Workspace,
};
use tensor::{Device, Offsets};

use super::{PARAMETERS, offsets};

const FORTY: [f32; 40] = [0.5; 40];

/// Every device refuses it, in these words.
#[track_caller]
fn refuses<C>(
    context: &C,
    words: &str,
    build: impl for<'t> Fn(&'t C, &mut Tape<'t>) -> Result<Var>,
) {
    for device in [Device::Reference, Device::Cpu, Device::Cuda] {
        let mut workspace = Workspace::new(device);
        let mut tape = Tape::training(&PARAMETERS, &mut workspace, 1);
        let error = build(context, &mut tape).unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{error:?}");
        assert_eq!(error.to_string(), words);
        drop(tape);
        let made = workspace.buffers.made();
        let bytes = workspace.buffers.bytes();
        assert!(made == 0 || bytes > 0, "what was taken comes back");
    }
}

/// `[rows, width]`.
fn matrix(tape: &mut Tape<'_>, rows: usize, width: usize) -> Var {
    tape.leaf(&FORTY[..rows * width], width).unwrap()
}

#[test]
fn leaves_and_parameters() {
    refuses(&(), "leaf: 40 values in rows of 3", |(), tape| tape.leaf(&FORTY, 3));
    refuses(&(), "leaf: 40 values in rows of 0", |(), tape| tape.constant(&FORTY, 0));
    let mut parameters = Parameters::new();
    let refusal = parameters.add("hollow", Tensor::zeros(3, 0)).unwrap_err();
    assert_eq!(refusal.to_string(), "parameters: \"hollow\" has no columns");
}

#[test]
fn dense_layers() {
    refuses(&(), "linear: [2, 3] × [4, 5]", |(), tape| {
        let (x, w) = (matrix(tape, 2, 3), matrix(tape, 4, 5));
        tape.linear(x, w, None, Activation::None)
    });
    refuses(&(), "linear: a bias of [5, 1] for 5 columns", |(), tape| {
        let (x, w, b) = (matrix(tape, 2, 3), matrix(tape, 3, 5), matrix(tape, 5, 1));
        tape.linear(x, w, Some(b), Activation::None)
    });
    refuses(&(), "norm: a scale or shift of (1, 2) for width 3", |(), tape| {
        let (x, s) = (matrix(tape, 2, 3), matrix(tape, 1, 2));
        tape.norm(x, NormKind::Rms, 1e-5, None, Some(s))
    });
    refuses(&(), "norm: eps is at least 0, not -1", |(), tape| {
        let x = matrix(tape, 2, 3);
        tape.norm(x, NormKind::Layer, -1.0, None, None)
    });
    refuses(&(), "normalise: eps is above 0, not NaN", |(), tape| {
        let x = matrix(tape, 2, 3);
        tape.normalise(x, f32::NAN)
    });
    refuses(&(), "residual: (2, 3) and a branch of (3, 2)", |(), tape| {
        let (x, b) = (matrix(tape, 2, 3), matrix(tape, 3, 2));
        tape.residual(x, b, 0.0)
    });
    for rate in [1.0, -0.1, f32::NAN] {
        let words = format!("a dropout rate lies in [0, 1), not at {rate}");
        refuses(&(), &format!("residual: {words}"), |(), tape| {
            let x = matrix(tape, 2, 3);
            tape.residual(x, x, rate)
        });
        refuses(&(), &format!("dropout: {words}"), |(), tape| {
            let x = matrix(tape, 2, 3);
            tape.dropout(x, rate)
        });
        refuses(&(), &format!("gated residual: {words}"), |(), tape| {
            let x = matrix(tape, 2, 3);
            tape.gated_residual(x, x, x, rate)
        });
    }
    refuses(&(), "gated residual: (2, 3), a gate of (2, 3), a branch of (2, 2)", |(), tape| {
        let (x, b) = (matrix(tape, 2, 3), matrix(tape, 2, 2));
        tape.gated_residual(x, x, b, 0.0)
    });
    refuses(&(), "swiglu: 3 columns are no two halves", |(), tape| {
        let x = matrix(tape, 2, 3);
        tape.swiglu(x)
    });
    refuses(&(), "multiply: [2, 3] by (3, 2)", |(), tape| {
        let (a, b) = (matrix(tape, 2, 3), matrix(tape, 3, 2));
        tape.multiply(a, b)
    });
    refuses(&(), "concat: 2 rows beside 3", |(), tape| {
        let (a, b) = (matrix(tape, 2, 3), matrix(tape, 3, 3));
        tape.concat(a, b)
    });
    for (at, width) in [(3, 1), (0, 0), (0, 4), (usize::MAX, 2)] {
        let words = format!("split: columns {at}.. ({width} of them) of 3");
        refuses(&(), &words, |(), tape| {
            let x = matrix(tape, 2, 3);
            tape.columns(x, at, width)
        });
    }
    refuses(&[1, 2], "gather: row 2 of 2", |index, tape| {
        let x = matrix(tape, 2, 3);
        tape.gather(x, index, 1.0)
    });
    refuses(&(), "weighted sum: 5 weights for 6 values", |(), tape| {
        let x = matrix(tape, 2, 3);
        tape.weighted_sum(x, &FORTY[..5])
    });
    refuses(&(), "binary loss: 5 labels for 6 logits", |(), tape| {
        let x = matrix(tape, 2, 3);
        tape.binary_loss(x, &FORTY[..5])
    });
    refuses(&(), "binary loss: a label of NaN, not in 0 to 1", |(), tape| {
        let x = matrix(tape, 1, 1);
        tape.binary_loss(x, &[f32::NAN])
    });
    refuses(&(), "binary loss: 5 weights for 6 logits", |(), tape| {
        let x = matrix(tape, 2, 3);
        tape.weighted_binary_loss(x, &[0.5; 6], &FORTY[..5])
    });
    for weight in [-1.0, f32::NAN, f32::INFINITY] {
        let words = format!("binary loss: a weight of {weight}, not finite and at least 0");
        refuses(&(), &words, |(), tape| {
            let x = matrix(tape, 1, 1);
            tape.weighted_binary_loss(x, &[0.5], &[weight])
        });
    }
}

#[test]
fn attention() {
    let two = offsets(&[1, 1]);
    let with = |words: &str, rows: usize, width: usize, heads: usize| {
        refuses(&two, words, |two, tape| {
            let x = matrix(tape, rows, width);
            tape.attention(Qkv::Packed(x), heads, two, 0.0)
        });
    };
    with("attention: 4 columns are not q, k and v", 2, 4, 1);
    with("attention: 0 heads do not share 2 columns", 2, 6, 0);
    with("attention: 3 heads do not share 2 columns", 2, 6, 3);
    with("attention: offsets over 2 tokens for 3 rows", 3, 6, 1);
    refuses(&two, "attention: queries of [2, 3], keys and values of (2, 3)", |two, tape| {
        let x = matrix(tape, 2, 3);
        tape.attention(Qkv::Split { query: x, key_value: x }, 1, two, 0.0)
    });
}

#[test]
fn sampled_losses() {
    let good = SampledLoss {
        positives: &[0, 1],
        negatives: Negatives::Shared { items: &[2, 0] },
        negative_log_q: None,
        positive_log_q: None,
        contrast: Contrast::Softmax,
        scale: 1.0,
    };
    let with = |words: &str, loss: SampledLoss<'_>| {
        refuses(&(), &format!("sampled loss: {words}"), |(), tape| {
            let (h, items) = (matrix(tape, 2, 4), matrix(tape, 3, 4));
            tape.sampled_loss(h, items, &loss)
        });
    };
    refuses(&(), "sampled loss: hidden states and items differ in width", |(), tape| {
        let (h, items) = (matrix(tape, 2, 4), matrix(tape, 3, 5));
        tape.sampled_loss(h, items, &good)
    });
    with("1 positives for 2 tokens", SampledLoss { positives: &[0], ..good });
    with("item 3 of 3", SampledLoss { positives: &[0, 3], ..good });
    let shared = |items| Negatives::Shared { items };
    with("item 4 of 3", SampledLoss { negatives: shared(&[4]), ..good });
    let negatives = Negatives::PerToken { count: 2, items: &[0, 1, 2] };
    with("3 negatives for 2 lists of 2", SampledLoss { negatives, ..good });
    let negatives = Negatives::PerToken { count: usize::MAX, items: &[0, 1] };
    let words = format!("2 negatives for 2 lists of {}", usize::MAX);
    with(&words, SampledLoss { negatives, ..good });
    let offsets = offsets(&[3]);
    let negatives = Negatives::PerRow { offsets: &offsets, count: 1, items: &[0] };
    with("negatives for 3 tokens, not 2", SampledLoss { negatives, ..good });
    with(
        "1 finite log q where 2 are needed",
        SampledLoss { negative_log_q: Some(&[0.0]), ..good },
    );
    let positive_log_q = Some(&[0.0, f32::NEG_INFINITY][..]);
    with("2 finite log q where 2 are needed", SampledLoss { positive_log_q, ..good });
    with(
        "the corrected form needs log q of positives and negatives",
        SampledLoss { contrast: Contrast::Corrected, ..good },
    );
    let contrast = Contrast::Binary { beta: 1.0 };
    let positive_log_q = Some(&[0.0, 0.0][..]);
    with("a binary loss takes no log q", SampledLoss { contrast, positive_log_q, ..good });
}

#[test]
fn jagged_layers() {
    let context = (offsets(&[2, 1]), offsets(&[1, 1, 1]), [Pick::Token { row: 1, index: 1 }]);
    type Context = (Offsets, Offsets, [Pick; 1]);
    let with =
        |words: &str,
         build: for<'t> fn(&'t Context, &mut Tape<'t>, Var, Var) -> Result<Var>| {
            refuses(&context, words, |context, tape| {
                let (x, y) = (matrix(tape, 3, 2), matrix(tape, 2, 3));
                build(context, tape, x, y)
            });
        };
    with("jagged segment sum: values holds 6 values, needs [3, 3]", |c, tape, _, y| {
        tape.pool(y, &c.0, Pool::Sum)
    });
    with("jagged select: pick 0 is token 1 of row 1, which has 1", |c, tape, x, _| {
        tape.select(x, &c.0, &c.2)
    });
    with("jagged softmax: values holds 6 values, needs [3, 3]", |c, tape, _, y| {
        tape.jagged_softmax(y, &c.0)
    });
    with("jagged to padded: row 0 has 2 tokens, room is for 1", |c, tape, x, _| {
        tape.to_padded(x, &c.0, 1, 0.0)
    });
    let words = format!("jagged to padded: 2 rows of {} pass 2^31 - 1", usize::MAX);
    with(&words, |c, tape, x, _| tape.to_padded(x, &c.0, usize::MAX, 0.0));
    with("jagged from padded: padded holds 6 values, needs [2, 2, 2]", |c, tape, x, _| {
        tape.from_padded(x, &c.0, 2)
    });
    with("jagged broadcast add: 2 columns on the left and 3 on the right", |c, tape, x, y| {
        tape.broadcast_add(x, y, &c.0)
    });
    with("jagged broadcast multiply: right holds 6 values, needs [2, 2]", |c, tape, x, _| {
        tape.broadcast_multiply(x, x, &c.0)
    });
    with("jagged dense product: right holds 6 values, needs [2, 2, 3]", |c, tape, x, y| {
        tape.dense_product(x, y, &c.0)
    });
    with("jagged jagged product: right holds 6 values, needs [3, 3]", |c, tape, x, y| {
        tape.jagged_product(x, y, &c.0)
    });
    with("jagged concat: 2 rows on the left and 3 on the right", |c, tape, x, _| {
        tape.concat_rows(x, x, (&c.0, &c.1))
    });
    with("jagged split: values holds 6 values, needs [6, 2]", |c, tape, x, _| {
        tape.split_rows(x, (&c.0, &c.0)).map(|parts| parts.0)
    });
}

#[test]
fn backward_starts_at_one_number() {
    let mut workspace = Workspace::new(Device::Cpu);
    let mut tape = Tape::training(&PARAMETERS, &mut workspace, 1);
    let x = matrix(&mut tape, 2, 3);
    let refusal = tape.backward(x).unwrap_err();
    assert_eq!(refusal.to_string(), "backward: starts at one number, not at [2, 3]");
}

#[test]
fn a_constant_gets_no_gradient() {
    let mut workspace = Workspace::new(Device::Cpu);
    let mut tape = Tape::training(&PARAMETERS, &mut workspace, 1);
    let one = tape.constant(&FORTY[..1], 1).unwrap();
    let gradients = tape.backward(one).unwrap();
    assert_eq!((gradients.leaf(one), gradients.all().count()), (None, 0));
}

/// The first value and the first gradient that are no finite numbers, by scope and layer.
#[test]
fn a_nan_is_located() {
    for device in [Device::Reference, Device::Cpu] {
        let (mut x, w) = (FORTY[..6].to_vec(), [1e30, 1e30, 1e30, 1e30]);
        let mut workspace = Workspace::new(device);
        let mut tape = Tape::training(&PARAMETERS, &mut workspace, 1);
        x[4] = 1e30;
        tape.scope("embedding");
        let (v, w) = (tape.leaf(&x, 2).unwrap(), tape.leaf(&w, 2).unwrap());
        assert_eq!(tape.first_not_finite(), None);
        tape.scope("block.1");
        let y = tape.linear(v, w, None, Activation::Relu).unwrap();
        let z = tape.normalise(y, 1e-6).unwrap();
        let error = tape.first_not_finite().unwrap();
        assert_eq!(error.to_string(), "block.1.linear: value is not finite at row 2, column 0");
        let loss = tape.weighted_sum(z, &FORTY[..6]).unwrap();
        let error = tape.backward_checked(loss, true).unwrap_err();
        assert_eq!(
            error.to_string(),
            "block.1.linear: gradient is not finite at row 2, column 0"
        );
    }
}
