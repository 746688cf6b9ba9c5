//! Reversals of made-up cells, by hand.

use super::*;
use crate::paper::recipe::GridArm;

const RECIPE: &str = "slug = 's'\ntitle = 't'\nquick = { users = 1, epochs = 1 }\n\
    data.d = { title = 'd', path = 'd', format = 'movielens' }\n\
    [[arm]]\nname = 'a'\ntitle = 'A'\nmodel = 'popular'\n\
    [[arm]]\nname = 'b'\ntitle = 'B'\nmodel = 'popular'\n\
    [[arm]]\nname = 'c'\ntitle = 'C'\nmodel = 'popular'\n\
    [[grid]]\nname = 'last'\ntitle = 'l'\ndata = 'd'\nsplit = { kind = 'leave-last-out' }\n\
    arms = [{ arm = 'a' }, { arm = 'b' }, { arm = 'c' }]\nmetrics = ['ndcg@10']\n\
    [[grid]]\nname = 'time'\ntitle = 't'\ndata = 'd'\n\
    split = { kind = 'time', validation_from = '0.8', test_from = '0.9' }\n\
    arms = [{ arm = 'a' }, { arm = 'b' }, { arm = 'c' }]\nmetrics = ['ndcg@10']\n\
    [[reversal]]\nname = 'd'\ntitle = 'D'\ngrids = ['last', 'time']\nmetrics = ['hr@10']\n";

fn choice(only: &[&str]) -> Choice {
    Choice {
        only: only.iter().map(|name| (*name).to_owned()).collect(),
        seeds: None,
        quick: false,
        data: "data".into(),
        store: "store".into(),
    }
}

/// Cells of (grid, arm, seed, outcomes), put into the grids of [`RECIPE`].
fn compared(cells: &[(&str, &str, u64, &str)], only: &[&str]) -> Option<Reversals> {
    let recipe = Recipe::parse(RECIPE, "s").unwrap();
    let mut found: BTreeMap<&str, Found<'_>> = BTreeMap::new();
    for grid in &recipe.grids {
        let of_arm = |own: &GridArm| -> Vec<Cell> {
            let own =
                cells.iter().filter(|(place, arm, ..)| *place == grid.name && *arm == own.arm);
            own.map(|(grid, arm, seed, outcomes)| Cell::made_up(grid, arm, *seed, outcomes))
                .collect()
        };
        let own = grid.arms.iter().map(|own| (own, of_arm(own)));
        found.insert(&grid.name, own.filter(|(_, cells)| !cells.is_empty()).collect());
    }
    reversals(&recipe, &choice(only), &found).unwrap()
}

fn only_set(cells: &[(&str, &str, u64, &str)]) -> ReversalSummary {
    let sets = compared(cells, &[]).unwrap().sets;
    let [set] = <[ReversalSummary; 1]>::try_from(sets).unwrap();
    set
}

const ALL: &str = "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1";
const MOST: &str = "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 -";
const HALF: &str = "1 - 1 - 1 - 1 - 1 - 1 - 1 - 1 - 1 - 1 -";
const NONE: &str = "- - - - - - - - - - - - - - - - - - - -";

#[test]
fn an_order_that_turns_round_is_counted() {
    let set = only_set(&[
        ("last", "a", 1, ALL),
        ("last", "b", 1, HALF),
        ("last", "c", 1, NONE),
        ("time", "a", 1, NONE),
        ("time", "b", 1, HALF),
        ("time", "c", 1, ALL),
    ]);
    let own = &set.metrics[0];
    assert_eq!(own.kendall_tau, Some(-1.0));
    assert_eq!(own.best, [["a"], ["c"]]);
    let counts = own.counts;
    assert_eq!((counts.pairs, counts.reversed, counts.tied), (3, 3, 0));
    assert_eq!(
        (counts.decided, counts.decided_in_both, counts.decided_reversed),
        ([3, 3], 3, 3)
    );
    let ranks: Vec<[usize; 2]> = own.arms.iter().map(|arm| arm.ranks).collect();
    assert_eq!(ranks, [[1, 3], [2, 2], [3, 1]]);
    let found: Vec<String> = own.arms[0].values.iter().map(f64::to_string).collect();
    assert_eq!(found, ["1", "0"]);
    let turned = own.pairs[0].turned();
    assert_eq!(turned.arms, ["b", "a"]);
    let found: Vec<String> =
        turned.differences.iter().map(|own| own.value.to_string()).collect();
    assert_eq!(found, ["-0.5", "0.5"]);
    assert!(turned.differences.iter().all(|own| own.low <= own.value && own.value <= own.high));
    assert!(set.missing.is_empty());
    assert_eq!(
        (set.sides[0].cases, set.sides[1].split.as_str()),
        (20, "time, validation from 0.8, test from 0.9")
    );
}

#[test]
fn what_users_do_not_tell_apart_is_undecided() {
    // a and b differ in one case under `time`: reversed by the means, not beyond doubt.
    let set = only_set(&[
        ("last", "a", 1, ALL),
        ("last", "b", 1, HALF),
        ("last", "c", 1, NONE),
        ("time", "a", 1, MOST),
        ("time", "b", 1, ALL),
        ("time", "c", 1, NONE),
    ]);
    let own = &set.metrics[0];
    let pair = &own.pairs[0];
    assert_eq!(pair.arms, ["a", "b"]);
    assert!(pair.reversed && pair.verdict == Order::Undecided, "{pair:?}");
    assert!(own.pairs[1..].iter().all(|pair| pair.verdict == Order::Agreeing), "{own:?}");
    let counts = own.counts;
    assert_eq!((counts.reversed, counts.decided), (1, [3, 2]));
    assert_eq!((counts.decided_in_both, counts.decided_reversed), (2, 0));
    // Two agree, one does not.
    assert!((own.kendall_tau.unwrap() - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn equals_share_a_rank_and_reverse_nothing() {
    let set = only_set(&[
        ("last", "a", 1, ALL),
        ("last", "b", 1, ALL),
        ("last", "c", 1, NONE),
        ("time", "a", 1, NONE),
        ("time", "b", 1, HALF),
        ("time", "c", 1, NONE),
    ]);
    let own = &set.metrics[0];
    let ranks: Vec<(&str, [usize; 2])> =
        own.arms.iter().map(|arm| (arm.arm.as_str(), arm.ranks)).collect();
    assert_eq!(ranks, [("b", [1, 1]), ("a", [1, 2]), ("c", [3, 2])]);
    assert_eq!(own.best, [vec!["b", "a"], vec!["b"]]);
    assert_eq!((own.counts.reversed, own.counts.tied), (0, 2));
    // One pair agrees; each split tells two of three apart.
    assert!((own.kendall_tau.unwrap() - 0.5).abs() < 1e-12);
    assert!(own.pairs.iter().flat_map(|pair| &pair.differences).all(|interval| {
        [interval.value, interval.low, interval.high].iter().all(|value| value.is_finite())
    }));

    let equal = ["a", "b", "c"].map(|arm| ("last", arm, 1, HALF));
    let apart = [("time", "a", 1, ALL), ("time", "b", 1, HALF), ("time", "c", 1, NONE)];
    let set = only_set(&[equal, apart].concat());
    assert_eq!(
        set.metrics[0].kendall_tau, None,
        "a split that tells nobody apart has no order"
    );
}

#[test]
fn seeds_are_averaged() {
    let set = only_set(&[
        ("last", "a", 1, ALL),
        ("last", "a", 2, NONE),
        ("last", "b", 1, MOST),
        ("time", "a", 1, HALF),
        ("time", "b", 1, NONE),
    ]);
    let a = set.metrics[0].arms.iter().find(|arm| arm.arm == "a").unwrap();
    assert_eq!((a.seeds, a.values), ([2, 1], [0.5, 0.5]));
}

#[test]
fn an_arm_without_a_cell_is_named_and_left_out() {
    let cells = [
        ("last", "a", 1, ALL),
        ("last", "b", 1, HALF),
        ("last", "c", 1, NONE),
        ("time", "b", 1, HALF),
    ];
    let set = only_set(&cells);
    let missing = |arm: &str| Missing { arm: arm.into(), grid: "time".into() };
    assert_eq!(set.missing, [missing("a"), missing("c")]);
    assert!(set.metrics.is_empty(), "one arm has no order");
    assert!(compared(&cells, &[]).unwrap().totals.is_empty());

    let set = only_set(&[&cells[..], &[("time", "c", 1, ALL)]].concat());
    assert_eq!((set.missing.len(), set.metrics[0].counts.pairs), (1, 1));

    // What was not asked for is not missing.
    assert!(compared(&cells, &["last"]).is_none());
}

#[test]
fn sets_add_up() {
    let cells =
        |value: &str| Counts { pairs: value.len(), decided: [1, 2], ..Counts::default() };
    let both = cells("abc").plus(cells("de"));
    assert_eq!((both.pairs, both.decided), (5, [2, 4]));
}
