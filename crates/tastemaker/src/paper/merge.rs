//! What a file of measurements says beside what this store holds: cells are kept on one machine,
//! numbers travel.

use super::summary::{GridSummary, Summary, Winner};

impl Summary {
    /// Takes over from `older`, of the same paper: grids and arms that this one lacks, and arms that it has
    /// with fewer seeds. Comparisons of users in pairs need cells, so they are of either, never of both.
    pub(crate) fn keep(&mut self, older: Summary) {
        if older.paper != self.paper || older.quick != self.quick {
            return;
        }
        for grid in older.grids {
            match self.grids.iter_mut().find(|own| own.grid == grid.grid) {
                // Another data set or split under the same name is another grid.
                Some(own) if own.cases == grid.cases && own.items == grid.items => {
                    own.keep(grid);
                }
                Some(_) => {}
                None => self.grids.push(grid),
            }
        }
        super::study::keep(&mut self.studies, older.studies);
        match (&mut self.reversals, older.reversals) {
            (Some(own), Some(older)) => own.keep(older),
            (own, older) => *own = own.take().or(older),
        }
    }
}

impl GridSummary {
    fn keep(&mut self, older: GridSummary) {
        for arm in older.arms {
            match self.arms.iter_mut().find(|own| own.arm == arm.arm) {
                Some(own) if own.seeds.len() < arm.seeds.len() => {
                    self.unfinished = self
                        .unfinished
                        .saturating_sub(arm.seeds.len().saturating_sub(own.seeds.len()));
                    *own = arm;
                }
                Some(_) => {}
                None => {
                    self.unfinished = self.unfinished.saturating_sub(arm.seeds.len());
                    self.arms.push(arm);
                }
            }
        }
        let compared =
            |winner: &Option<Winner>| winner.as_ref().map_or(0, |winner| winner.ahead_of.len());
        if compared(&older.winner) > compared(&self.winner) {
            self.winner = older.winner;
        }
        self.machines.extend(older.machines);
        self.machines.sort();
        self.machines.dedup();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn summary(arms: &[(&str, usize)], against: &[&str], grid: &str) -> Summary {
        let arm = |(name, seeds): &(&str, usize)| {
            json!({"arm": name, "title": name, "seeds": (1..=*seeds).collect::<Vec<_>>(),
                "metrics": [], "published": [], "deciles": [], "best_epochs": [],
                "epoch_seconds": 0.0, "seconds": 0.0})
        };
        let none = json!({"value": 0.0, "low": 0.0, "high": 0.0});
        let ahead = |name: &&str| json!({"arm": name, "difference": none});
        let winner = json!({"arm": arms[0].0, "ndcg": 0.5,
            "ahead_of": against.iter().map(ahead).collect::<Vec<Value>>()});
        serde_json::from_value(json!({"paper": "p", "title": "t", "quick": false, "grids": [{
            "grid": grid, "title": "t", "data": "d", "split": "s", "leaky": false,
            "clock": "real", "cases": 3, "items": 4, "metrics": [],
            "arms": arms.iter().map(arm).collect::<Vec<Value>>(), "winner": winner,
            "unfinished": 4, "machines": ["m"]}]}))
        .unwrap()
    }

    #[test]
    fn more_seeds_win_and_nothing_is_lost() {
        let mut now = summary(&[("a", 1), ("b", 3)], &["b"], "g");
        now.keep(summary(&[("a", 3), ("b", 1), ("c", 1)], &["b", "c"], "g"));
        let arms: Vec<(&str, usize)> =
            now.grids[0].arms.iter().map(|arm| (arm.arm.as_str(), arm.seeds.len())).collect();
        assert_eq!(arms, [("a", 3), ("b", 3), ("c", 1)]);
        assert_eq!(now.grids[0].unfinished, 1);
        assert_eq!(now.grids[0].winner.as_ref().unwrap().ahead_of.len(), 2);
        now.keep(summary(&[("x", 1)], &[], "other"));
        assert_eq!(now.grids.len(), 2);
        let before = serde_json::to_string(&now).unwrap();
        let mut another = summary(&[("y", 1)], &[], "third");
        another.paper = "q".into();
        now.keep(another);
        assert_eq!(serde_json::to_string(&now).unwrap(), before);
    }
}
