//! A positive against negatives: layouts, forms of the loss, hits, empty and repeated lists.

use proptest::prelude::*;
use tensor::kernel::reference::sampled_loss as truth;
use tensor::{Contrast, Device, Negatives, Offsets, SampledLoss, SampledShape};

use super::{How, Input, absent_on_cuda, agrees, close, input, offsets, room, run};
use crate::gradients::check;
use crate::numbers::{Numbers, numbers, wide};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Layout {
    Shared,
    PerRow,
    PerToken,
}

const LAYOUTS: [Layout; 3] = [Layout::Shared, Layout::PerRow, Layout::PerToken];

/// Which log q a loss is given.
#[derive(Debug, Clone, Copy)]
enum LogQ {
    None,
    Negatives,
    Both,
}

const FORMS: [(Contrast, LogQ); 6] = [
    (Contrast::Softmax, LogQ::None),
    (Contrast::Softmax, LogQ::Negatives),
    (Contrast::Softmax, LogQ::Both),
    (Contrast::Corrected, LogQ::Both),
    (Contrast::Binary { beta: 1.0 }, LogQ::None),
    (Contrast::Binary { beta: 0.3 }, LogQ::None),
];

/// All that a loss is made of.
struct Case {
    offsets: Offsets,
    layout: Layout,
    count: usize,
    positives: Vec<u32>,
    items: Vec<u32>,
    negative_log_q: Vec<f32>,
    positive_log_q: Vec<f32>,
    scale: f32,
}

impl Case {
    /// Positives and negatives drawn of `rows` items: hits and repeated items are frequent where
    /// there are few.
    fn draw(seed: u64, lengths: &[usize], layout: Layout, count: usize, rows: usize) -> Case {
        let (offsets, mut draws) = (offsets(lengths), Numbers::new(seed));
        let tokens = offsets.total();
        let lists = match layout {
            Layout::Shared => 1,
            Layout::PerRow => offsets.rows(),
            Layout::PerToken => tokens,
        };
        let mut items = |len: usize| -> Vec<u32> {
            (0..len).map(|_| (draws.bits() % rows as u64) as u32).collect()
        };
        let (positives, items) = (items(tokens), items(lists * count));
        let log_q = |seed, len| numbers(seed, len).iter().map(|x| 0.9 * x - 1.2).collect();
        let negative_log_q = log_q(seed ^ 1, items.len());
        let positive_log_q = log_q(seed ^ 2, tokens);
        Case {
            offsets,
            layout,
            count,
            positives,
            items,
            negative_log_q,
            positive_log_q,
            scale: 1.7,
        }
    }

    fn loss(&self, (contrast, log_q): (Contrast, LogQ)) -> SampledLoss<'_> {
        let items = &self.items[..];
        let (count, offsets) = (self.count, &self.offsets);
        let negatives = match self.layout {
            Layout::Shared => Negatives::Shared { items },
            Layout::PerRow => Negatives::PerRow { offsets, count, items },
            Layout::PerToken => Negatives::PerToken { count, items },
        };
        let (of_negatives, of_positives) = match log_q {
            LogQ::None => (false, false),
            LogQ::Negatives => (true, false),
            LogQ::Both => (true, true),
        };
        SampledLoss {
            positives: &self.positives,
            negatives,
            negative_log_q: of_negatives.then_some(&self.negative_log_q[..]),
            positive_log_q: of_positives.then_some(&self.positive_log_q[..]),
            contrast,
            scale: self.scale,
        }
    }
}

#[test]
fn kernels_agree() {
    let shapes: [(&[usize], usize, usize, usize); 7] = [
        (&[], 3, 4, 5),
        (&[0, 0], 3, 4, 5),
        (&[1], 1, 1, 1),
        (&[3, 0, 5], 4, 3, 4),
        (&[70, 1, 0, 90], 7, 0, 9),
        (&[200, 33, 0, 1], 17, 40, 12),
        (&[1500], 8, 130, 900),
    ];
    for (lengths, width, count, rows) in shapes {
        for layout in LAYOUTS {
            for form in FORMS {
                let case = Case::draw(3, lengths, layout, count, rows);
                let tokens = case.offsets.total();
                let inputs = [input(1, tokens, width), input(2, rows, width)];
                agrees(&inputs, &case, |case, tape, v| {
                    tape.sampled_loss(v[0], v[1], &case.loss(form))
                });
            }
        }
    }
    let case = Case::draw(3, &[2], Layout::Shared, 2, 3);
    absent_on_cuda(&[input(1, 2, 3), input(2, 3, 3)], &case, |case, tape, v| {
        tape.sampled_loss(v[0], v[1], &case.loss(FORMS[0]))
    });
}

/// Every negative is the positive itself: none is left.
#[test]
fn lists_of_hits_alone() {
    for layout in LAYOUTS {
        for form in FORMS {
            let mut case = Case::draw(3, &[3, 2], layout, 4, 6);
            case.positives.fill(5);
            case.items.fill(5);
            let inputs = [input(1, 5, 7), input(2, 6, 7)];
            let hit = agrees(&inputs, &case, |case, tape, v| {
                tape.sampled_loss(v[0], v[1], &case.loss(form))
            });
            if !matches!(form.0, Contrast::Binary { .. }) {
                assert!(hit.value[0].abs() < 1e-6);
                assert!(hit.gradients.iter().flatten().flatten().all(|x| x.abs() < 1e-6));
            }
        }
    }
}

#[test]
fn gradients_are_right() {
    let (tokens, rows, width) = (4, 5, 3);
    for layout in LAYOUTS {
        for (contrast, log_q) in FORMS {
            // The corrected form's weight has no gradient by design: see the next test.
            if contrast == Contrast::Corrected {
                continue;
            }
            let case = Case::draw(9, &[3, 1], layout, 3, rows);
            let loss = case.loss((contrast, log_q));
            let shape = shape(&loss, width);
            check(
                "sampled loss",
                &[wide(1, tokens * width), wide(2, rows * width)],
                |inputs| {
                    let (mut dh, mut di) = (room(tokens * width), room(rows * width));
                    vec![truth::forward(&shape, &inputs[0], &inputs[1], &mut dh, &mut di)]
                },
                |inputs, up| {
                    let (mut dh, mut di) = (room(tokens * width), room(rows * width));
                    truth::forward(&shape, &inputs[0], &inputs[1], &mut dh, &mut di);
                    dh.iter_mut().chain(&mut di).for_each(|value| *value *= up[0]);
                    vec![dh, di]
                },
            );
        }
    }
}

fn shape<'a>(loss: &SampledLoss<'a>, width: usize) -> SampledShape<'a> {
    SampledShape {
        width,
        positives: loss.positives,
        negatives: loss.negatives,
        negative_log_q: loss.negative_log_q,
        positive_log_q: loss.positive_log_q,
        contrast: loss.contrast,
        scale: loss.scale,
    }
}

/// The corrected form written down again, its weights given from outside.
fn corrected(
    case: &Case,
    width: usize,
    inputs: &[Vec<f64>],
    weights: Option<&[f64]>,
) -> Vec<f64> {
    let mut out = Vec::new();
    for (token, positive) in case.positives.iter().enumerate() {
        let score = |item: u32| {
            let (h, i) = (&inputs[0][token * width..], &inputs[1][item as usize * width..]);
            let product: f64 = (0..width).map(|lane| h[lane] * i[lane]).sum();
            f64::from(case.scale) * product
        };
        let left = 1.0 - f64::from(case.positive_log_q[token]).exp();
        let powers: Vec<f64> = (0..case.count)
            .filter(|at| case.items[*at] != *positive)
            .map(|at| {
                let q = f64::from(case.negative_log_q[at]).exp() / left;
                score(case.items[at]).exp() / q
            })
            .collect();
        let (sum, own) = (powers.iter().sum::<f64>(), score(*positive));
        let mean = sum / powers.len() as f64;
        out.push(match weights {
            Some(weights) => weights[token] * (sum.ln() - own) / case.positives.len() as f64,
            None => 1.0 - own.exp() / (own.exp() + mean),
        });
    }
    out
}

#[test]
fn the_corrected_gradient_is_right_with_its_weight_frozen() {
    let (tokens, rows, width) = (4, 6, 3);
    let mut case = Case::draw(9, &[tokens], Layout::Shared, 4, rows);
    case.positives = vec![0, 1, 2, 3];
    case.items = vec![1, 4, 4, 5];
    let inputs = [wide(1, tokens * width), wide(2, rows * width)];
    let weights = corrected(&case, width, &inputs, None);
    let loss = case.loss(FORMS[3]);
    check(
        "corrected",
        &inputs,
        |inputs| vec![corrected(&case, width, inputs, Some(&weights)).iter().sum()],
        |inputs, up| {
            let (mut dh, mut di) = (room(tokens * width), room(rows * width));
            let shape = shape(&loss, width);
            let value = truth::forward(&shape, &inputs[0], &inputs[1], &mut dh, &mut di);
            let again: f64 = corrected(&case, width, inputs, Some(&weights)).iter().sum();
            assert!((value - again).abs() < 1e-9, "{value}, by hand {again}");
            dh.iter_mut().chain(&mut di).for_each(|value| *value *= up[0]);
            vec![dh, di]
        },
    );
}

/// Logits of thousands, either side far ahead: loss and gradients are finite, and the loss is
/// what is left of it in the limit.
#[test]
fn large_logits_stay_finite() {
    for layout in LAYOUTS {
        for form in FORMS {
            for (own, other) in
                [(1e4, -1e4), (-1e4, 1e4), (1e4, 1e4), (0.0, -200.0), (200.0, 0.0)]
            {
                let mut case = Case::draw(3, &[2, 1], layout, 2, 3);
                case.scale = 1.0;
                case.positives.fill(0);
                case.items
                    .iter_mut()
                    .enumerate()
                    .for_each(|(at, item)| *item = 1 + at as u32 % 2);
                let items = (vec![own, other, other], 1);
                let inputs = [(vec![1.0; 3], 1), items];
                let mut losses = Vec::new();
                for device in [Device::Reference, Device::Cpu] {
                    let how = How { device, ..How::default() };
                    let found = run(&inputs, &case, how, &|case, tape, v| {
                        tape.sampled_loss(v[0], v[1], &case.loss(form))
                    });
                    losses.push(found.expect("gradients are finite").value[0]);
                }
                close("loss", &losses[..1], &losses[1..]);
                assert!(losses[1].is_finite(), "{form:?} at {own}, {other}");
                if own < other {
                    assert!(losses[1] > 50.0, "{form:?} at {own}, {other}: {}", losses[1]);
                }
            }
        }
    }
}

/// A large score must not swallow the logarithm: here it is log 2.
#[test]
fn a_small_loss_of_large_scores() {
    let mut case = Case::draw(3, &[1], Layout::Shared, 1, 2);
    (case.positives, case.items, case.scale) = (vec![0], vec![1], 1.0);
    let found = agrees(&[(vec![1e6], 1), (vec![1.0, 1.0], 1)], &case, |case, tape, v| {
        tape.sampled_loss(v[0], v[1], &case.loss(FORMS[0]))
    });
    assert_eq!(found.value, [std::f32::consts::LN_2]);
}

#[test]
fn a_nan_among_negatives_shows_in_the_loss() {
    for layout in LAYOUTS {
        for form in FORMS {
            let mut case = Case::draw(3, &[2], layout, 1, 2);
            case.positives.fill(0);
            case.items.fill(1);
            let inputs = [(vec![1.0; 2], 1), (vec![0.5, f32::NAN], 1)];
            for device in [Device::Reference, Device::Cpu] {
                let how = How { device, ..How::default() };
                let refusal = run(&inputs, &case, how, &|case, tape, v| {
                    let loss = tape.sampled_loss(v[0], v[1], &case.loss(form))?;
                    assert!(tape.value(loss)[0].is_nan(), "{form:?}");
                    Ok(loss)
                });
                assert!(refusal.is_err(), "{form:?}: a gradient is not finite");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// All items as negatives, in any order: the full softmax.
    #[test]
    fn all_items_are_the_full_softmax(tokens in 1usize..80, rows in 1usize..60, seed: u64) {
        let width = 6;
        let mut case = Case::draw(seed, &[tokens], Layout::Shared, rows, rows);
        case.items = (0..rows as u32).rev().collect();
        let inputs: [Input; 2] = [input(seed, tokens, width), input(!seed, rows, width)];
        let how = How { device: Device::Cpu, ..How::default() };
        let found = run(&inputs, &case, how, &|case, tape, v| {
            tape.sampled_loss(v[0], v[1], &case.loss(FORMS[0]))
        })
        .unwrap();
        let mut loss = 0.0;
        for (h, positive) in inputs[0].0.chunks_exact(width).zip(&case.positives) {
            let score = |item: &[f32]| -> f64 {
                let product: f64 = h.iter().zip(item).map(|(h, i)| f64::from(h * i)).sum();
                f64::from(case.scale) * product
            };
            let scores: Vec<f64> = inputs[1].0.chunks_exact(width).map(score).collect();
            let sum: f64 = scores.iter().map(|score| score.exp()).sum();
            loss += sum.ln() - scores[*positive as usize];
        }
        close("loss", &[(loss / tokens as f64) as f32], &found.value);
    }

    /// A shared list given to each row or each token is the same loss.
    #[test]
    fn layouts_agree(
        lengths in prop::collection::vec(0usize..40, 1..5),
        count in 0usize..20,
        form in 0usize..FORMS.len(),
        seed: u64,
    ) {
        let (width, rows) = (5, 30);
        let shared = Case::draw(seed, &lengths, Layout::Shared, count, rows);
        let tokens = shared.offsets.total();
        let inputs = [input(seed, tokens, width), input(!seed, rows, width)];
        let on = |case: &Case| {
            let how = How { device: Device::Cpu, ..How::default() };
            run(&inputs, case, how, &|case, tape, v| {
                tape.sampled_loss(v[0], v[1], &case.loss(FORMS[form]))
            })
            .unwrap()
        };
        let truth = on(&shared);
        for (layout, lists) in [(Layout::PerRow, lengths.len()), (Layout::PerToken, tokens)] {
            let mut case = Case::draw(seed, &lengths, layout, count, rows);
            case.positives.clone_from(&shared.positives);
            case.positive_log_q.clone_from(&shared.positive_log_q);
            case.items = shared.items.repeat(lists);
            case.negative_log_q = shared.negative_log_q.repeat(lists);
            let found = on(&case);
            close("loss", &truth.value, &found.value);
            for (truth, found) in truth.gradients.iter().zip(&found.gradients) {
                close("gradient", truth.as_deref().unwrap(), found.as_deref().unwrap());
            }
        }
    }
}
