//! The whole catalogue ranked, against plain loops.

use data::order::descending;
use models::{Past, SasRecConfig, SequenceModel, normal};
use tensor::{Device, Tensor, Workspace};
use train::rank;

const DIM: usize = 8;

fn model() -> SequenceModel {
    let config = SasRecConfig {
        dim: DIM as u32,
        hidden: 8,
        length_max: 6,
        blocks: 1,
        ..SasRecConfig::default()
    };
    SequenceModel::init(&config.into(), 1).unwrap()
}

fn past(items: &[u32]) -> Past<'_> {
    Past { items, ..Past::default() }
}

fn brute_force(
    model: &SequenceModel,
    items: &Tensor,
    history: &[u32],
    seen: &[u32],
    k: usize,
) -> Vec<u32> {
    let mut workspace = Workspace::new(Device::Reference);
    let state = model.encode(&mut workspace, items.values(), &[past(history)]).unwrap();
    let mut scored: Vec<(u32, f32)> = (0..items.rows())
        .filter(|item| !seen.contains(&(*item as u32)))
        .map(|item| {
            let products = items.row(item).iter().zip(&state);
            (item as u32, products.map(|(a, b)| a * b).sum::<f32>())
        })
        .collect();
    scored.sort_by(|a, b| descending(*a, *b, 9));
    scored.into_iter().map(|(item, _)| item).take(k).collect()
}

fn ours(
    model: &SequenceModel,
    items: &Tensor,
    histories: &[Vec<u32>],
    seen: &[Vec<u32>],
    k: usize,
) -> train::Result<Vec<Vec<u32>>> {
    let histories: Vec<Past<'_>> = histories.iter().map(|items| past(items)).collect();
    let seen: Vec<&[u32]> = seen.iter().map(Vec::as_slice).collect();
    let mut workspace = Workspace::new(Device::Cpu);
    rank(model, &mut workspace, items.values(), &histories, &seen, k, 9)
}

fn histories(count: u32, items: u32) -> Vec<Vec<u32>> {
    (0..count)
        .map(|user| (0..user % 8).map(|at| (user * 31 + at * 7) % items).collect())
        .collect()
}

/// Integers below 2^23 as scores, so that no order of summing changes them.
fn whole(rows: usize) -> Tensor {
    let mut items = normal(rows, DIM, 4.0, 2, "items");
    items.values_mut().iter_mut().for_each(|value| *value = value.round());
    items
}

#[test]
fn it_is_the_order_of_all_scores() {
    let (model, items) = (model(), normal(5000, DIM, 1.0, 2, "items"));
    let histories = histories(1200, 5000);
    let seen: Vec<Vec<u32>> = histories.clone();
    for k in [1, 10, 400] {
        let ranked = ours(&model, &items, &histories, &seen, k).unwrap();
        assert_eq!(ranked.len(), histories.len());
        for user in (1..histories.len()).step_by(67) {
            if histories[user].is_empty() {
                continue; // all tie: below
            }
            let expected = brute_force(&model, &items, &histories[user], &seen[user], k);
            // Sums in another order may swap two that are equal to the last bit.
            let same = ranked[user].iter().zip(&expected).filter(|(a, b)| a == b).count();
            assert!(same + 2 >= k && ranked[user].len() == k, "user {user}: {same} of {k}");
            assert!(ranked[user].iter().all(|item| !seen[user].contains(item)));
        }
    }
}

#[test]
fn ties_fall_by_hash_and_a_cold_user_is_all_ties() {
    let model = model();
    // Each item thrice; an empty history scores 0 everywhere.
    let some = whole(200);
    let mut values = some.values().to_vec();
    values.extend_from_slice(some.values());
    values.extend_from_slice(some.values());
    let items = Tensor::new(600, DIM, values).unwrap();
    let histories = vec![vec![], vec![3, 4], vec![5]];
    let seen = vec![vec![7, 8], vec![3, 203], vec![]];
    let ranked = ours(&model, &items, &histories, &seen, 30).unwrap();
    let mut cold: Vec<u32> = (0..600).filter(|item| ![7, 8].contains(item)).collect();
    cold.sort_by_key(|item| data::order::tie(*item, 9));
    assert_eq!(ranked[0], cold[..30]);
    for user in 1..3 {
        // Copies stand together, in the order of their hashes.
        let expected = brute_force(&model, &items, &histories[user], &seen[user], 30);
        assert_eq!(ranked[user], expected);
    }
}

#[test]
fn fewer_are_left_than_asked_for() {
    let (model, items) = (model(), normal(20, DIM, 1.0, 2, "items"));
    let seen = vec![(0..15).collect(), (0..20).collect()];
    let ranked = ours(&model, &items, &[vec![1], vec![2]], &seen, 50).unwrap();
    let mut left = ranked[0].clone();
    left.sort_unstable();
    assert_eq!(left, [15, 16, 17, 18, 19]);
    assert!(ranked[1].is_empty());
    assert!(ours(&model, &items, &[vec![1]], &[vec![]], 0).unwrap()[0].is_empty());
    let nothing = Tensor::zeros(0, DIM);
    let ranked = ours(&model, &nothing, &[vec![], vec![]], &[vec![], vec![]], 5).unwrap();
    assert_eq!(ranked, [Vec::<u32>::new(), Vec::new()]);
}

#[test]
fn items_whose_score_is_not_finite_never_rank() {
    let (model, mut items) = (model(), normal(400, DIM, 1.0, 2, "items"));
    // Every one that the sample of scores looks at, and more.
    for item in (0..400).filter(|item| item % 16 == 0 || item % 5 == 0) {
        let bad = if item % 2 == 0 { f32::NAN } else { f32::INFINITY };
        items.values_mut()[item * DIM..][..DIM].fill(bad);
    }
    let ranked = ours(&model, &items, &[vec![1, 2]], &[vec![]], 10).unwrap();
    assert_eq!(ranked[0], brute_force(&model, &items, &[1, 2], &[], 10));
    assert_eq!(ranked[0].len(), 10);
}

#[test]
fn what_does_not_fit_is_refused() {
    let (model, items) = (model(), normal(20, DIM, 1.0, 2, "items"));
    let error = |histories: &[Vec<u32>], seen: &[Vec<u32>]| {
        ours(&model, &items, histories, seen, 5).unwrap_err().to_string()
    };
    assert_eq!(error(&[vec![1], vec![2]], &[vec![]]), "1 lists of seen items, 2 histories");
    assert_eq!(error(&[vec![1]], &[vec![20]]), "seen item 20 of 20");
    assert_eq!(error(&[vec![20]], &[vec![]]), "gather: row 20 of 20");
}
