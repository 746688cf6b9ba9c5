use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;

#[test]
fn the_nth_unseen_counts_past_what_is_seen() {
    for seen in [&[][..], &[0], &[0, 1, 2], &[1, 3, 9], &[9], &[0, 1, 2, 3, 4, 5, 6, 7, 8]] {
        let expected: Vec<u32> = (0..10).filter(|item| !seen.contains(item)).collect();
        let ours: Vec<u32> = (0..expected.len()).map(|n| nth_unseen(seen, n)).collect();
        assert_eq!(ours, expected, "{seen:?}");
    }
}

/// Every number that a draw without a set can get lands on an unseen item of its probability.
#[test]
fn unseen_mass_maps_onto_unseen_items() {
    let weights = [5.0, 0.0, 1.0, 2.0, 0.0, 4.0, 3.0, 1.0];
    let total: f64 = weights.iter().sum();
    let distribution = Distribution::weighted(&weights);
    for seen in [&[][..], &[0], &[7], &[0, 1, 2], &[2, 3, 5], &[0, 2, 3, 5, 6], &[1, 4]] {
        let unseen = distribution.without(seen, 0).unwrap();
        let left = unseen.left();
        let mut hits = [0.0; 8];
        const STEPS: u32 = 16_000;
        for step in 0..STEPS {
            let mass = left * (f64::from(step) + 0.5) / f64::from(STEPS);
            hits[unseen.place(mass).unwrap() as usize] += left / f64::from(STEPS);
        }
        for (item, hits) in hits.iter().enumerate() {
            let expected =
                if seen.contains(&(item as u32)) { 0.0 } else { weights[item] / total };
            assert!((hits - expected).abs() < 2e-4, "{seen:?}, item {item}: {hits}");
        }
    }
}

#[test]
fn nothing_left_and_foreign_items_are_refused() {
    let weighted = Distribution::weighted(&[1.0, 0.0, 2.0]);
    let error = weighted.without(&[0, 2], 5).unwrap_err().to_string();
    assert!(error.contains("user 5 has interacted with everything"), "{error}");
    let uniform = Distribution::Uniform { items: 2 };
    assert!(uniform.without(&[0, 1], 5).is_err());
    let error = uniform.without(&[2], 5).unwrap_err().to_string();
    assert!(error.contains("item 2, beyond the catalogue of 2"), "{error}");
}

#[test]
fn an_item_of_no_probability_is_never_drawn() {
    let mut weights = vec![0.0; 1000];
    weights[..7].fill(0.1);
    let distribution = Distribution::weighted(&weights);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut items, mut log_q) = (vec![0; 100_000], vec![0.0; 100_000]);
    distribution.fill(&mut rng, &mut items, &mut log_q);
    assert!(items.iter().all(|item| *item < 7));
    assert!(log_q.iter().all(|log_q| (log_q.exp() - 1.0 / 7.0).abs() < 1e-6));
    distribution.without(&[0, 3], 0).unwrap().fill(&mut rng, &mut items, &mut log_q);
    assert!(items.iter().all(|item| [1, 2, 4, 5, 6].contains(item)));
    assert!(log_q.iter().all(|log_q| (log_q.exp() - 0.2).abs() < 1e-6));
}
