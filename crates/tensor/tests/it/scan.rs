//! The best k, from scores and by scalar product: every kernel against the plain version.

use std::sync::Mutex;

use proptest::prelude::*;
use tensor::Error;
use tensor::scan::{Filter, ItemIndex, Kernel, reference, top_k};

/// A key in no order of the index.
fn tie(row: u32) -> u64 {
    (u64::from(row) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
}

/// Numbers of one seed, like those of a bell.
fn normal(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2).wrapping_add(0x1234_5678_9abc_def1);
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32) / (1u64 << 24) as f32 - 0.5
    };
    (0..count).map(|_| (0..6).map(|_| uniform()).sum::<f32>() * 1.4).collect()
}

fn bits(found: &[Vec<(u32, f32)>]) -> Vec<Vec<(u32, u32)>> {
    found
        .iter()
        .map(|one| one.iter().map(|(row, score)| (*row, score.to_bits())).collect())
        .collect()
}

/// Every kernel finds what the plain version finds, to the bit.
fn exact(values: &[f32], width: usize, queries: &[f32], k: usize, filter: Option<Filter<'_>>) {
    let wanted = reference::search(values, width, queries, k, filter, &tie);
    let index = ItemIndex::new(values, values.len() / width, width).expect("good rows");
    for kernel in Kernel::available() {
        let index = index.clone().with_kernel(kernel).expect("available");
        let found = index.search(queries, k, filter, &tie).expect("good queries");
        assert_eq!(bits(&found), bits(&wanted), "{kernel:?}");
    }
}

#[test]
fn every_kernel_is_exact_at_every_batch() {
    for (rows, width) in
        [(1, 1), (15, 3), (16, 4), (17, 64), (3_000, 7), (4_113, 64), (2_000, 130)]
    {
        let values = normal(rows as u64, rows * width);
        for batch in [0, 1, 2, 3, 8, 13, 32] {
            exact(&values, width, &normal(99, batch * width), 20, None);
        }
    }
}

#[test]
fn several_blocks_and_threads_find_the_same() {
    let (rows, width) = (40_000, 32);
    let (values, queries) = (normal(5, rows * width), normal(6, 5 * width));
    let wanted = reference::search(&values, width, &queries, 50, None, &tie);
    let index = ItemIndex::new(values, rows, width).unwrap();
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found = pool.install(|| index.search(&queries, 50, None, &tie)).unwrap();
        assert_eq!(bits(&found), bits(&wanted), "{threads} threads");
        // One by one as in a batch.
        for (query, wanted) in queries.chunks(width).zip(&wanted) {
            let found = pool.install(|| index.search(query, 50, None, &tie)).unwrap();
            assert_eq!(bits(&found)[0], bits(std::slice::from_ref(wanted))[0]);
        }
    }
}

#[test]
fn scores_are_those_of_f64() {
    let (rows, width, k) = (20_000, 48, 30);
    let (values, queries) = (normal(1, rows * width), normal(2, 4 * width));
    let index = ItemIndex::new(values.clone(), rows, width).unwrap();
    for (query, found) in
        queries.chunks(width).zip(index.search(&queries, k, None, &tie).unwrap())
    {
        let wide = |row: &[f32]| {
            row.iter().zip(query).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let mut scores: Vec<f64> = values.chunks(width).map(wide).collect();
        for (row, score) in &found {
            assert!((scores[*row as usize] - f64::from(*score)).abs() < 1e-5);
        }
        scores.sort_by(|a, b| b.total_cmp(a));
        for (score, (_, found)) in scores.iter().zip(&found) {
            assert!((score - f64::from(*found)).abs() < 1e-5);
        }
    }
}

#[test]
fn duplicated_rows_fall_by_the_key() {
    let width = 12;
    let few = normal(8, 3 * width);
    let values: Vec<f32> =
        (0..9_000).flat_map(|row| few[row % 3 * width..][..width].to_vec()).collect();
    let mut queries = normal(9, 9 * width);
    queries[width..2 * width].fill(0.0);
    for k in [1, 10, 500, 5_000] {
        exact(&values, width, &queries, k, None);
    }
    let odd = |query: usize, row: u32| (row as usize + query) % 2 == 1;
    exact(&values, width, &queries, 70, Some(&odd));
}

#[test]
fn rows_of_all_sizes_stay_exact() {
    let (rows, width) = (3_000, 10);
    let mut values = normal(3, rows * width);
    for (row, values) in values.chunks_mut(width).enumerate() {
        let scale = [1.0, 0.0, 1e13, 1e-17, 1e-30, 1e-44, 3.0][row % 7];
        values.iter_mut().for_each(|value| *value *= scale);
        // One number that leaves the others no codes.
        values[row % width] *= if row % 5 == 0 { 1e4 } else { 1.0 };
    }
    let mut queries = normal(4, 10 * width);
    for (query, values) in queries.chunks_mut(width).enumerate() {
        let scale = [1.0, 1e17, 1e-17, 1e-30, 1e-44, 0.0][query % 6];
        values.iter_mut().for_each(|value| *value *= scale);
    }
    exact(&values, width, &queries, 25, None);
    // Without the huge ones, which take all places above.
    for value in values.iter_mut().filter(|value| value.abs() > 1e-10) {
        *value = 0.0;
    }
    exact(&values, width, &queries, 25, None);
}

#[test]
fn a_filter_leaves_no_hole_and_is_asked_of_few() {
    let (rows, width) = (20_000, 16);
    let (values, queries) = (normal(10, rows * width), normal(11, 3 * width));
    exact(&values, width, &queries, 40, Some(&|query, row| row as usize % 7 == query));
    exact(&values, width, &queries, 40, Some(&|_, row| row > 19_995));
    exact(&values, width, &queries, 40, Some(&|_, _| false));
    let asked = Mutex::new(vec![0usize; 3]);
    let all = |query: usize, _: u32| {
        asked.lock().unwrap()[query] += 1;
        true
    };
    let index = ItemIndex::new(values, rows, width).unwrap();
    index.search(&queries, 10, Some(&all), &tie).unwrap();
    assert!(
        asked.into_inner().unwrap().into_iter().all(|asked| (10..rows / 10).contains(&asked))
    );
}

#[test]
fn nothing_to_find() {
    let none = ItemIndex::new(Vec::new(), 0, 5).unwrap();
    assert_eq!(none.search(&[1.0; 10], 3, None, &tie).unwrap(), vec![Vec::new(); 2]);
    let one = ItemIndex::new(vec![1.0, 2.0], 1, 2).unwrap();
    assert_eq!(one.search(&[1.0, 1.0], 0, None, &tie).unwrap(), vec![Vec::new()]);
    assert_eq!(one.search(&[1.0, 1.0], usize::MAX, None, &tie).unwrap(), vec![vec![(0, 3.0)]]);
    assert_eq!((one.rows(), one.width(), one.values()), (1, 2, &[1.0, 2.0][..]));
}

#[test]
fn bad_input_is_refused_by_name() {
    let refusal = |values: Vec<f32>, rows, width| match ItemIndex::new(values, rows, width) {
        Err(Error::Shape { op: "item index", what }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal(vec![0.0; 4], 2, 3), "2 rows of 3 need as many values, found 4");
    assert_eq!(refusal(vec![], 3, 0), "width 0, needs 1 to 65536");
    let nan = vec![0.0, 1.0, 2.0, f32::NAN, f32::INFINITY, 0.0];
    assert_eq!(refusal(nan, 3, 2), "row 1 has NaN at column 1, needs finite numbers");
    assert!(refusal(vec![1e30, 0.0], 1, 2).contains("row 0 has length 1"));

    let index = ItemIndex::new(vec![1.0, 2.0], 1, 2).unwrap();
    let refusal =
        |queries: &[f32]| index.search(queries, 1, None, &tie).unwrap_err().to_string();
    assert_eq!(refusal(&[1.0; 3]), "item index: queries of 3 values are not whole rows of 2");
    assert_eq!(
        refusal(&[1.0, 1.0, f32::NEG_INFINITY, 1.0]),
        "item index: query 1 has -inf at column 0, needs finite numbers"
    );
}

#[test]
fn memory_is_what_the_page_says() {
    let index = ItemIndex::new(vec![1.0; 1_600 * 64], 1_600, 64).unwrap();
    assert_eq!(index.bytes(), 1_600 * (256 + 76) + 100 * 8);
}

#[test]
fn best_scores_in_memory() {
    let mut scores = normal(12, 100_000);
    scores[7] = f32::NAN;
    scores[8] = f32::INFINITY;
    scores[99_999] = 50.0;
    for k in [0, 1, 2, 64, 65, 1_000, 100_000, 200_000] {
        assert_eq!(top_k(&scores, k, &tie), reference::top_k(&scores, k, &tie), "{k}");
    }
    assert_eq!(top_k(&scores, 1, &tie), [(99_999, 50.0)]);
    assert!(top_k(&[f32::NAN, f32::NEG_INFINITY, f32::INFINITY], 2, &tie).is_empty());
    let equal = [0.0, -0.0].repeat(50_000);
    let best = top_k(&equal, 10, &tie);
    assert_eq!(best, reference::top_k(&equal, 10, &tie));
    assert!(best.windows(2).all(|pair| tie(pair[0].0) < tie(pair[1].0)));
}

/// Few different numbers make many equal scores; the rest are of any size.
fn numbers(count: usize) -> BoxedStrategy<Vec<f32>> {
    let few = prop::sample::select(vec![0.0f32, -0.0, 1.0, -1.0, 0.5, 3.0]);
    let many = (-1.0f32..1.0, -12i32..12).prop_map(|(value, power)| value * 10f32.powi(power));
    prop_oneof![
        prop::collection::vec(few, count),
        prop::collection::vec(-1.0f32..1.0, count),
        prop::collection::vec(many, count),
    ]
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_search_is_exact(
        (width, values, queries) in (0usize..400, 1usize..20, 0usize..12).prop_flat_map(
            |(rows, width, batch)| (Just(width), numbers(rows * width), numbers(batch * width))
        ),
        k in 0usize..90,
        one_in in 0u64..5,
    ) {
        let allows = |query: usize, row: u32| tie(row ^ (query as u32) << 20).is_multiple_of(one_in);
        let filter: Option<Filter<'_>> = if one_in > 0 { Some(&allows) } else { None };
        exact(&values, width, &queries, k, filter);
    }

    #[test]
    fn any_selection_is_exact(
        mut scores in (0usize..2_000).prop_flat_map(numbers),
        odd in prop::collection::vec((0usize..2_000, prop::sample::select(vec![
            f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN,
        ])), 0..10),
        k in 0usize..300,
    ) {
        for (at, value) in odd {
            if let Some(score) = scores.get_mut(at) {
                *score = value;
            }
        }
        prop_assert_eq!(top_k(&scores, k, &tie), reference::top_k(&scores, k, &tie));
    }
}
