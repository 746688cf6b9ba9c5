//! Group AUC: AUC within each user's impressions, averaged with their number as weight (Zhou
//! et al., "Deep Interest Network", arXiv 1706.06978, equation 7 with impressions as weight).
//! Use it where lists are ranked user by user: AUC over everything also rewards knowing which
//! users click.

use crate::{Error, Result};

/// GAUC, and what it was taken over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gauc {
    /// The weighted mean, in [0, 1]; `None` where no group has both classes.
    pub value: Option<f64>,
    /// Groups with both classes: those that count.
    pub groups: usize,
    /// Groups with one class only: left out.
    pub groups_one_class: usize,
}

/// GAUC of rows that each belong to a group (a user), in any order.
///
/// # Errors
/// Where the lengths differ or a score is not finite.
pub fn gauc(groups: &[u32], scores: &[f32], labels: &[bool]) -> Result<Gauc> {
    super::check(scores, labels.len())?;
    if groups.len() != scores.len() {
        let what =
            format!("{} groups, {} scores; give each row one", groups.len(), scores.len());
        return Err(Error::input("groups", what));
    }
    let mut rows: Vec<usize> = (0..groups.len()).collect();
    rows.sort_unstable_by_key(|row| (groups[*row], *row));
    let (mut sum, mut weight) = (0.0, 0.0);
    let mut answer = Gauc { value: None, groups: 0, groups_one_class: 0 };
    for group in rows.chunk_by(|a, b| groups[*a] == groups[*b]) {
        let mut pairs: Vec<(f32, bool)> =
            group.iter().map(|row| (scores[*row], labels[*row])).collect();
        match super::auc::auc_of(&mut pairs) {
            Some(auc) => {
                answer.groups += 1;
                sum += auc * group.len() as f64;
                weight += group.len() as f64;
            }
            None => answer.groups_one_class += 1,
        }
    }
    answer.value = (answer.groups > 0).then(|| sum / weight);
    Ok(answer)
}
