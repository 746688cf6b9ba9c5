//! Attention with SiLU weights and biases over rows of events.

use proptest::prelude::*;
use tensor::kernel::Grad;
use tensor::kernel::reference::pointwise_attention::{self as truth, Inputs};
use tensor::{
    Device, EventRows, Offsets, PointwiseShape, Result, ScoreBiases, TIME_BUCKETS, Tape, Var,
    Weighting,
};

use super::{
    How, Input, Outcome, SMALL, absent_on_cuda, agrees, agrees_above, close, input, offsets,
    room, run,
};
use crate::gradients::check;
use crate::numbers::{numbers, wide};

const SILU: Weighting = Weighting::Silu { length: 7 };

/// A batch, and how tokens are seen.
struct Case {
    shape: PointwiseShape,
    offsets: Offsets,
    happened_at: Vec<i64>,
    asked_at: Vec<i64>,
    context: u32,
    candidates: Vec<u32>,
    window: u32,
    /// Entries of the table of positions.
    places: usize,
}

fn shape(
    heads: usize,
    query_width: usize,
    value_width: usize,
    weighting: Weighting,
) -> PointwiseShape {
    PointwiseShape { heads, query_width, value_width, scale: 0.7, weighting }
}

impl Case {
    /// Times that rise along rows, from seconds to years apart.
    fn new(shape: PointwiseShape, lengths: &[usize]) -> Case {
        let offsets = offsets(lengths);
        let steps = numbers(0x71e, offsets.total());
        let (mut happened_at, mut asked_at) = (Vec::new(), Vec::new());
        for range in offsets.ranges() {
            let mut now = 1_000_000_000;
            for step in &steps[range.clone()] {
                happened_at.push(now);
                now += (9.0 * (step + 1.0)).exp() as i64 - 1;
                asked_at.push(now);
            }
        }
        let longest = lengths.iter().max().copied().unwrap_or(0);
        Case {
            shape,
            offsets,
            happened_at,
            asked_at,
            context: 0,
            candidates: Vec::new(),
            window: 0,
            places: longest + 3,
        }
    }

    fn rows(&self) -> EventRows<'_> {
        EventRows {
            offsets: &self.offsets,
            happened_at: &self.happened_at,
            asked_at: &self.asked_at,
            context: self.context,
            candidates: &self.candidates,
            window: self.window,
        }
    }

    fn inputs(&self) -> [Input; 3] {
        let rows = self.offsets.total();
        [
            input(1, rows, self.shape.stride()),
            input(2, 1, self.places),
            input(3, 1, TIME_BUCKETS),
        ]
    }

    fn build<'t>(&'t self, tape: &mut Tape<'t>, vars: &[Var]) -> Result<Var> {
        let biases = ScoreBiases { position: vars.get(1).copied(), time: vars.get(2).copied() };
        tape.pointwise_attention(vars[0], self.shape, biases, self.rows())
    }

    #[track_caller]
    fn agrees(&self) -> Outcome {
        // The softmax of a token that sees one score is a constant: what is left of its gradient
        // is the rounding of terms of about one.
        let terms = match self.shape.weighting {
            Weighting::Silu { .. } => SMALL,
            Weighting::Softmax => 0.5,
        };
        agrees_above(terms, &self.inputs(), self, |case, tape, vars| case.build(tape, vars))
    }

    /// On the CPU.
    fn value(&self, inputs: &[Input]) -> Vec<f32> {
        let how = How { device: Device::Cpu, ..How::default() };
        run(inputs, self, how, &|case: &Case, tape, vars| case.build(tape, vars)).unwrap().value
    }
}

#[test]
fn kernels_agree_at_every_head_width() {
    for weighting in [SILU, Weighting::Softmax] {
        for (query_width, value_width) in
            [(1, 1), (4, 16), (25, 25), (16, 3), (32, 64), (50, 50)]
        {
            for heads in [1, 2, 5] {
                let shape = shape(heads, query_width, value_width, weighting);
                Case::new(shape, &[0, 1, 5, 0, 33, 70, 2]).agrees();
            }
        }
    }
    let case = Case::new(shape(1, 2, 3, SILU), &[2, 1]);
    absent_on_cuda(&case.inputs(), &case, |case, tape, vars| case.build(tape, vars));
}

#[test]
fn either_table_may_be_missing() {
    let case = Case::new(shape(2, 4, 4, SILU), &[9, 70]);
    let [x, position, time] = case.inputs();
    agrees(std::slice::from_ref(&x), &case, |case, tape, vars| case.build(tape, vars));
    agrees(&[x.clone(), position], &case, |case, tape, vars| case.build(tape, vars));
    agrees(&[x, time], &case, |case, tape, vars| {
        let biases = ScoreBiases { position: None, time: Some(vars[1]) };
        tape.pointwise_attention(vars[0], case.shape, biases, case.rows())
    });
}

#[test]
fn rows_that_end_on_borders_of_tiles() {
    for length in [1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 257] {
        Case::new(shape(2, 4, 8, SILU), &[length]).agrees();
        Case::new(shape(2, 4, 8, Weighting::Softmax), &[length]).agrees();
    }
}

#[test]
fn context_candidates_and_windows() {
    let lengths = [40, 3, 1, 0, 130, 2];
    for weighting in [SILU, Weighting::Softmax] {
        for context in [0, 2, 35] {
            for window in [0, 1, 9, 70] {
                for candidates in [vec![], vec![0, 3, 1, 0, 75, 1], vec![39, 0, 0, 0, 1, 2]] {
                    let mut case = Case::new(shape(2, 3, 5, weighting), &lengths);
                    (case.context, case.window, case.candidates) =
                        (context, window, candidates);
                    case.agrees();
                }
            }
        }
    }
}

#[test]
fn many_candidates_are_each_alone() {
    let mut case = Case::new(shape(2, 8, 8, SILU), &[60]);
    (case.context, case.candidates) = (3, vec![20]);
    // All are asked for now.
    let now = case.asked_at[59];
    case.asked_at[39..].fill(now);
    case.happened_at[40..].fill(now);
    let inputs = case.inputs();
    let together = case.value(&inputs);
    let (stride, width) = (case.shape.stride(), case.shape.width());
    for candidate in 40..60 {
        let mut alone = Case::new(case.shape, &[41]);
        (alone.context, alone.candidates, alone.places) = (3, vec![1], case.places);
        (alone.happened_at, alone.asked_at) =
            (case.happened_at[..41].to_vec(), case.asked_at[..41].to_vec());
        let mut x = inputs[0].0[..40 * stride].to_vec();
        x.extend_from_slice(&inputs[0].0[candidate * stride..][..stride]);
        let [_, position, time] = inputs.clone();
        let found = alone.value(&[(x, stride), position, time]);
        close("history", &together[..40 * width], &found[..40 * width]);
        close("candidate", &together[candidate * width..][..width], &found[40 * width..]);
    }
}

#[test]
fn long_rows() {
    for window in [0, 300] {
        let mut case = Case::new(shape(1, 3, 4, SILU), &[900, 0, 2000, 1]);
        case.window = window;
        let inputs = case.inputs();
        let on = |device| {
            let how = How { device, ..How::default() };
            run(&inputs, &case, how, &|case: &Case, tape, vars| case.build(tape, vars)).unwrap()
        };
        let (truth, fast) = (on(Device::Reference), on(Device::Cpu));
        close("value", &truth.value, &fast.value);
        for (truth, fast) in truth.gradients.iter().zip(&fast.gradients) {
            close("gradient", truth.as_ref().unwrap(), fast.as_ref().unwrap());
        }
    }
}

#[test]
fn no_rows_and_empty_rows() {
    for lengths in [&[][..], &[0, 0, 0][..]] {
        assert!(Case::new(shape(2, 3, 4, SILU), lengths).agrees().value.is_empty());
    }
}

#[test]
fn gradients_are_right() {
    for weighting in [SILU, Weighting::Softmax] {
        let mut case = Case::new(shape(2, 2, 3, weighting), &[3, 0, 1, 5]);
        (case.context, case.window, case.candidates) = (1, 3, vec![0, 0, 1, 2]);
        let rows = case.offsets.total();
        let forward = |inputs: &[Vec<f64>]| {
            let mut out = room(rows * case.shape.width());
            let mut lse = room(rows * case.shape.heads);
            let inputs =
                Inputs { x: &inputs[0], position: Some(&inputs[1]), time: Some(&inputs[2]) };
            truth::forward(case.shape, &case.rows(), inputs, &mut out, &mut lse);
            (out, lse)
        };
        check(
            "pointwise attention",
            &[wide(1, rows * case.shape.stride()), wide(2, case.places), wide(3, TIME_BUCKETS)],
            |inputs| forward(inputs).0,
            |inputs, up| {
                let (out, lse) = forward(inputs);
                let mut gradients: Vec<Vec<f64>> =
                    inputs.iter().map(|input| room(input.len())).collect();
                let [x, position, time] = &mut gradients[..] else { unreachable!() };
                let given = Inputs {
                    x: &inputs[0],
                    position: Some(&inputs[1]),
                    time: Some(&inputs[2]),
                };
                let (x, position, time) =
                    (Grad::fresh(x), Grad::fresh(position), Grad::fresh(time));
                truth::backward(
                    case.shape,
                    &case.rows(),
                    given,
                    &out,
                    &lse,
                    up,
                    x,
                    Some(position),
                    Some(time),
                );
                gradients
            },
        );
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let refusal = |change: fn(&mut Case), inputs: fn(&mut [Input; 3])| {
        let mut case = Case::new(shape(2, 3, 4, SILU), &[3, 2]);
        change(&mut case);
        let mut given = Case::new(shape(2, 3, 4, SILU), &[3, 2]).inputs();
        inputs(&mut given);
        run(&given, &case, How::default(), &|case: &Case, tape, vars| case.build(tape, vars))
            .unwrap_err()
            .to_string()
    };
    let nothing = |_: &mut [Input; 3]| {};
    assert_eq!(
        refusal(|case| case.shape.heads = 0, nothing),
        "pointwise attention: heads and their columns are at least 1"
    );
    assert_eq!(
        refusal(|case| case.shape.query_width = 2, nothing),
        "pointwise attention: 20 columns are not 8 of values, twice 4 of queries and keys"
    );
    assert_eq!(
        refusal(|case| case.shape.weighting = Weighting::Silu { length: 0 }, nothing),
        "pointwise attention: weights are divided by at least 1"
    );
    assert_eq!(
        refusal(|case| case.asked_at.truncate(4), nothing),
        "pointwise attention: 4 times asked_at for 5 tokens"
    );
    assert_eq!(
        refusal(|case| case.candidates = vec![1], nothing),
        "pointwise attention: 1 counts of candidates for 2 rows"
    );
    assert_eq!(
        refusal(|case| case.candidates = vec![1, 3], nothing),
        "pointwise attention: row 1: 3 candidates of 2 tokens"
    );
    assert_eq!(
        refusal(|_| {}, |inputs| inputs[1] = input(1, 1, 2)),
        "pointwise attention: a table of positions of (1, 2) for 3 places"
    );
    assert_eq!(
        refusal(|_| {}, |inputs| inputs[2] = input(1, 1, 128)),
        "pointwise attention: a table of times of (1, 128), not [1, 129]"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn kernels_agree_on_any_rows(
        rows in prop::collection::vec((0usize..80, 0u32..4), 0..6),
        heads in 1usize..6,
        widths in (1usize..20, 1usize..20),
        context in 0u32..5,
        window in 0u32..40,
        softmax: bool,
        sorted: bool,
    ) {
        let weighting = if softmax { Weighting::Softmax } else { SILU };
        let lengths: Vec<usize> = rows.iter().map(|(length, _)| *length).collect();
        let mut case = Case::new(shape(heads, widths.0, widths.1, weighting), &lengths);
        case.candidates = rows.iter().map(|(n, count)| (*count).min(*n as u32)).collect();
        (case.context, case.window) = (context, window);
        if !sorted {
            case.happened_at.reverse();
        }
        case.agrees();
    }
}
