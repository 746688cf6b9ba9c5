//! Cells of other papers: an experiment that one of them has finished is not run again.

use anyhow::Result;

use super::cell::{Cell, Identity};
use super::recipe::Grid;
use super::store::Store;

/// A cell that is not finished, and the grid that would show it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) grid: &'a Grid,
    pub(crate) identity: &'a Identity,
}

/// What `lenders` have finished of `wanted`, in its order: the same data, split, model, settings
/// and seed. The first lender that has it lends it.
///
/// # Errors
/// Where a cell of a lender is damaged.
pub(crate) fn borrow(lenders: &[Store], wanted: &[Wanted<'_>]) -> Result<Vec<Option<Cell>>> {
    let mut lent: Vec<Option<Cell>> = wanted.iter().map(|_| None).collect();
    for lender in lenders {
        if lent.iter().all(Option::is_some) {
            break;
        }
        for cell in lender.all()? {
            let cell = cell?;
            for (wanted, lent) in wanted.iter().zip(&mut lent) {
                if lent.is_none() && wanted.is(&cell) {
                    *lent = Some(wanted.renamed(cell.clone()));
                }
            }
        }
    }
    Ok(lent)
}

impl Wanted<'_> {
    /// Whether `cell` is the experiment, with all that the grid shows: what lists have together
    /// cannot be computed again.
    fn is(&self, cell: &Cell) -> bool {
        let mut of_lists = self.grid.metrics.iter().filter(|metric| metric.kind.is_of_lists());
        self.identity.same_experiment(&cell.identity)
            && of_lists.all(|metric| cell.lists.contains_key(&metric.to_string()))
            && (cell.deciles.is_some() || !self.grid.deciles)
    }

    /// `cell` under the names of this paper.
    fn renamed(&self, mut cell: Cell) -> Cell {
        let Identity { paper, grid, arm, .. } = &cell.identity;
        let place = format!("{paper}/{grid}/{arm}");
        cell.borrowed_from.get_or_insert(place);
        cell.identity = self.identity.clone();
        if !self.grid.deciles {
            cell.deciles = None;
        }
        cell.take_means(&self.grid.metrics);
        cell
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use data::RealFiles;

    use super::*;

    const GRID: &str = "name = 'here'\ntitle = 't'\ndata = 'd'\narms = []\n\
                        split = { kind = 'leave-last-out' }\nmetrics = ['mrr@10', 'coverage@10']";

    fn grid(more: &str) -> Grid {
        toml::from_str(&format!("{GRID}\n{more}")).unwrap()
    }

    fn lender(root: &std::path::Path, cells: &[Cell]) -> Store {
        let store = Store::new(Arc::new(RealFiles), root, "lender", false);
        let _lock = store.lock().unwrap();
        cells.iter().for_each(|cell| store.put(cell).unwrap());
        store
    }

    #[test]
    fn the_same_experiment_is_lent_under_the_borrowers_names() {
        let mut theirs = Cell::made_up("there", "theirs", 2, "1 2 -");
        theirs.lists.insert("coverage@10".into(), 0.5);
        let mut bare = Cell::made_up("there", "bare", 3, "1");
        bare.lists.clear();
        let dir = tempfile::tempdir().unwrap();
        let lender = lender(dir.path(), &[theirs.clone(), bare]);

        let grid = grid("");
        let own = |seed| Cell::made_up("here", "ours", seed, "1").identity;
        let (lent, no_coverage, other_seed) = (own(2), own(3), own(1));
        let other_data = Identity { data: "e".into(), ..own(2) };
        let other_split = Identity { split: "t".into(), ..own(2) };
        let all = [&lent, &no_coverage, &other_seed, &other_data, &other_split];
        let wanted = all.map(|identity| Wanted { grid: &grid, identity });
        let found = borrow(&[lender], &wanted).unwrap();

        let cell = found[0].as_ref().unwrap();
        assert_eq!(cell.identity, lent);
        assert_eq!(cell.borrowed_from.as_deref(), Some("made-up/there/theirs"));
        assert_eq!(cell.outcomes, theirs.outcomes);
        let means: Vec<&str> = cell.means.keys().map(String::as_str).collect();
        assert_eq!(means, ["hr@10", "mrr@10", "ndcg@10"]);
        assert!(found[1..].iter().all(Option::is_none), "{found:?}");
    }

    #[test]
    fn deciles_are_borrowed_only_where_they_were_taken() {
        let mut theirs = Cell::made_up("there", "theirs", 1, "1");
        theirs.lists.insert("coverage@10".into(), 0.5);
        let dir = tempfile::tempdir().unwrap();
        let lender = lender(dir.path(), &[theirs]);
        let grid = grid("deciles = true");
        let identity = Cell::made_up("here", "ours", 1, "1").identity;
        let found = borrow(&[lender], &[Wanted { grid: &grid, identity: &identity }]).unwrap();
        assert_eq!(found, [None]);
    }

    #[test]
    fn who_has_finished_nothing_lends_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let nobody = Store::new(Arc::new(RealFiles), dir.path(), "nobody", false);
        let grid = grid("");
        let identity = Cell::made_up("here", "ours", 1, "1").identity;
        let found = borrow(&[nobody], &[Wanted { grid: &grid, identity: &identity }]).unwrap();
        assert_eq!(found, [None]);
    }
}
