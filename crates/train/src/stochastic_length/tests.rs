use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;

#[test]
fn what_is_kept_follows_the_exponent() {
    let kept = |alpha, length_max| {
        StochasticLength { alpha, ..StochasticLength::default() }.kept(length_max)
    };
    let found = [1.6, 1.7, 1.8, 1.9].map(|alpha| kept(alpha, 4096));
    assert_eq!(found, [776, 1176, 1783, 2702]);
    let found = [1.6, 1.7, 1.8, 1.9].map(|alpha| kept(alpha, 8192));
    assert_eq!(found, [1351, 2120, 3327, 5221]);
    assert_eq!((kept(1.5, 81), kept(2.0, 50), kept(1.2, 1)), (27, 50, 1));
}

#[test]
fn short_windows_are_whole() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    // 100^(3/4) is 31.6.
    let on = StochasticLength { alpha: 1.5, ..StochasticLength::default() };
    let off = StochasticLength::default();
    let times: Vec<i64> = (0..101).collect();
    for _ in 0..50 {
        assert_eq!(on.thin(&times[..33], 100, &mut rng), None);
        assert_eq!(off.thin(&times, 100, &mut rng), None);
        let most = StochasticLength { alpha: 2.0, ..on };
        assert_eq!(most.thin(&times, 100, &mut rng), None);
    }
    assert_eq!(on.thin(&[], 100, &mut rng), None);
}

#[test]
fn the_kept_ascend_and_are_so_many() {
    let times: Vec<i64> = (0..101).map(|at| at * at).collect();
    for keep in [Keep::AgeWeighted, Keep::Newest, Keep::Uniform] {
        let how = StochasticLength { alpha: 1.5, keep };
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let (mut whole, mut seen) = (0, vec![0; 101]);
        for _ in 0..2000 {
            let Some(places) = how.thin(&times, 100, &mut rng) else {
                whole += 1;
                continue;
            };
            assert_eq!(places.len(), 33);
            assert!(places.is_sorted_by(|a, b| a < b));
            places.iter().for_each(|place| seen[*place] += 1);
        }
        // 100^1.5 / 100^2 is a tenth: 200, deviation 13.
        assert!((140..260).contains(&whole), "{keep:?}: {whole}");
        let thinned = 2000 - whole;
        match keep {
            Keep::Newest => {
                assert!(seen[..68].iter().all(|n| *n == 0));
                assert!(seen[68..].iter().all(|n| *n == thinned));
            }
            // 33 of 101 of about 1800: 590, deviation 20.
            _ => assert!(seen.iter().all(|n| (490..690).contains(n)), "{keep:?}: {seen:?}"),
        }
    }
}

#[test]
fn the_old_are_kept_less_often() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let draws = 30_000;
    let mut left_out = [0; 3];
    for _ in 0..draws {
        let places = by_age(&[-1000, -400, 0], 2, &mut rng);
        left_out[3 - places.iter().sum::<usize>()] += 1;
    }
    // Weights from ages 1000, 400 and 0: two draws, in either order, of the others.
    let w = [1.0 - 1000.0 / 1400.0, 1.0 - 400.0 / 1400.0, 1.0];
    for out in 0..3 {
        let (a, b) = (w[(out + 1) % 3], w[(out + 2) % 3]);
        let expected = a / 2.0 * b / (2.0 - a) + b / 2.0 * a / (2.0 - b);
        let found = f64::from(left_out[out]) / f64::from(draws);
        assert!((found - expected).abs() < 0.012, "{out}: {found}, not {expected}");
    }
    for _ in 0..50 {
        assert_eq!(by_age(&[0, 9, 9], 2, &mut rng), [1, 2], "all the age is the first's");
    }
    let firsts = (0..300).filter(|_| by_age(&[5, 5, 5], 1, &mut rng) == [0]).count();
    assert!((60..140).contains(&firsts), "{firsts}: without ages all are alike");
}
