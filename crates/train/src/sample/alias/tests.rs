use super::*;

/// The probability of each item that a table stands for, without a draw.
fn of_table(alias: &Alias) -> Vec<f64> {
    let columns = alias.own.len() as f64;
    let mut q = vec![0.0; alias.own.len()];
    for (column, (own, other)) in alias.own.iter().zip(&alias.other).enumerate() {
        let own = *own as f64 / 64f64.exp2();
        q[column] += own / columns;
        q[*other as usize] += (1.0 - own) / columns;
    }
    q
}

#[test]
fn a_table_stands_for_the_probabilities_it_was_made_from() {
    let zipf: Vec<f64> = (1..=5_000).map(|rank| f64::from(rank).powf(-1.3)).collect();
    let holes: Vec<f64> = (0..777).map(|item| f64::from(item % 5)).collect();
    for weights in [vec![3.0], vec![1.0; 64], vec![0.0, 0.0, 1.0], zipf, holes] {
        let total: f64 = weights.iter().sum();
        let q: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
        for (ours, q) in of_table(&Alias::new(&q)).into_iter().zip(&q) {
            assert!((ours - q).abs() < 1e-13 && (*q > 0.0 || ours == 0.0), "{ours}, not {q}");
        }
    }
}
