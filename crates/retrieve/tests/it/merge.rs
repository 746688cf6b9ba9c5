//! The merge: quotas, order, reasons, and what stands in where taste is unknown.

use data::{Catalogue, History, order};
use expect_test::expect;
use proptest::prelude::*;
use retrieve::{
    Candidate, Everything, Fallback, Filter, Merge, MergeConfig, Merged, Query, Reason,
    Retriever, Unseen,
};

use super::worlds::{Told, query};

/// Gives these items, the first with the highest score, to everybody or to who has a history.
struct Fixed {
    name: &'static str,
    items: Vec<u32>,
}

impl Retriever for Fixed {
    fn name(&self) -> &str {
        self.name
    }

    fn retrieve(&self, query: &Query<'_>) -> Vec<Candidate> {
        if query.history.is_empty() && !self.name.starts_with("popular") {
            return Vec::new();
        }
        let admitted = self.items.iter().filter(|item| query.filter.admits(**item));
        let scored = (0u16..).zip(admitted).take(query.k);
        scored.map(|(at, item)| Candidate { item: *item, score: 9.0 - f32::from(at) }).collect()
    }

    fn reason(&self, query: &Query<'_>, _: u32) -> Reason {
        match self.name {
            "popular" => Reason::Popular,
            "popular-lately" => Reason::PopularLately { days: 7 },
            "als" => Reason::Taste,
            _ => Reason::Because { item: query.history.items[0] },
        }
    }
}

fn fixed(name: &'static str, items: impl IntoIterator<Item = u32>) -> Fixed {
    Fixed { name, items: items.into_iter().collect() }
}

fn config(sources: &[(&str, f64)], candidates: u32) -> MergeConfig {
    let sources = sources.iter().map(|(name, share)| ((*name).to_owned(), *share)).collect();
    MergeConfig { sources, candidates, ..MergeConfig::default() }
}

fn shown(merged: &Merged) -> String {
    let mut text = String::new();
    for item in &merged.items {
        let sources: Vec<String> = item
            .sources
            .iter()
            .map(|source| format!("{} {} {}", source.name, source.rank, source.score))
            .collect();
        text += &format!("{} {:?} [{}]\n", item.item, item.reason, sources.join(", "));
    }
    for source in &merged.sources {
        text += &format!("{} gave {} of {}\n", source.name, source.retrieved, source.quota);
    }
    text += &merged.fallback.map_or_else(String::new, |why| format!("{why}\n"));
    text
}

#[test]
fn sources_are_fused_by_rank_and_share() {
    let models = [fixed("als", [1, 2, 3]), fixed("item-knn", [3, 4]), fixed("popular", 0..9)];
    let merge = Merge::new(&config(&[("als", 1.0), ("item-knn", 3.0)], 40), &models).unwrap();
    let told = Told::of(&[8]);
    let merged = merge.recommend(&models, &query(told.history(), &Everything, 4));
    expect![[r#"
        3 Because { item: 8 } [item-knn 0 9, als 2 7]
        4 Because { item: 8 } [item-knn 1 8]
        1 Taste [als 0 9]
        2 Taste [als 1 8]
        als gave 3 of 10
        item-knn gave 2 of 30
    "#]]
    .assert_eq(&shown(&merged));
    assert_eq!(merged.candidates, [3, 4, 1, 2]);
    let score = 0.75 / 61.0 + 0.25 / 63.0;
    assert!((merged.items[0].score - score).abs() < 1e-7);
}

#[test]
fn a_source_gives_no_more_than_its_quota() {
    let models = [fixed("als", 0..100), fixed("ease", 100..200), fixed("walk", 200..300)];
    let shares =
        [("als", 0.5), ("ease", 0.3), ("walk", 0.2), ("item-knn", 9.0), ("popular", 0.0)];
    let merge = Merge::new(&config(&shares[..3], 50), &models).unwrap();
    let told = Told::of(&[999]);
    let merged = merge.recommend(&models, &query(told.history(), &Everything, 20));
    let of = |from: u32| {
        merged.candidates.iter().filter(|item| (from..from + 100).contains(item)).count()
    };
    assert_eq!([of(0), of(100), of(200)], [25, 15, 10]);
    assert_eq!(merged.items.len(), 20);
    // More items asked for than there are candidates: the quotas grow with them.
    let merged = merge.recommend(&models, &query(told.history(), &Everything, 100));
    assert_eq!((merged.items.len(), merged.candidates.len()), (100, 100 + 60 + 40));
    // What was not trained gives up its share to the others.
    let merge = Merge::new(&config(&shares, 50), &models).unwrap();
    let merged = merge.recommend(&models, &query(told.history(), &Everything, 20));
    assert_eq!(merged.sources.iter().map(|source| source.quota).sum::<u32>(), 50);
}

#[test]
fn an_unknown_user_gets_popular_items_with_that_as_the_reason() {
    let models =
        [fixed("als", 0..9), fixed("popular", [5, 6, 7, 8]), fixed("popular-lately", [6, 1])];
    let merge = Merge::new(&MergeConfig::default(), &models).unwrap();
    let merged = merge.recommend(&models, &query(History::default(), &Everything, 4));
    expect![[r#"
        6 PopularLately { days: 7 } [popular-lately 0 9]
        1 PopularLately { days: 7 } [popular-lately 1 8]
        5 Popular [popular 0 9]
        7 Popular [popular 2 7]
        popular-lately gave 2 of 4
        popular gave 4 of 6
        no history yet: popular items
    "#]]
    .assert_eq(&shown(&merged));
    assert_eq!(merged.fallback, Some(Fallback::EmptyHistory));
}

#[test]
fn a_history_that_nobody_knows_and_one_that_runs_out_are_told_apart() {
    let models = [fixed("als", [1, 2]), fixed("popular", [2, 3, 4])];
    let merge = Merge::new(&MergeConfig::default(), &models).unwrap();
    let told = Told::of(&[7]);
    let merged = merge.recommend(&models, &query(told.history(), &Everything, 4));
    expect![[r#"
        1 Taste [als 0 9]
        2 Taste [als 1 8]
        3 Popular [popular 1 8]
        4 Popular [popular 2 7]
        als gave 2 of 300
        popular gave 3 of 6
        only 2 personal items: popular ones after them
    "#]]
    .assert_eq(&shown(&merged));
    assert_eq!(merged.fallback, Some(Fallback::TooFew { found: 2 }));
    let seen = Unseen::new([1, 2]);
    let merged = merge.recommend(&models, &query(told.history(), &seen, 2));
    assert_eq!(merged.fallback, Some(Fallback::NothingFound));
    assert_eq!(merged.items.iter().map(|item| item.item).collect::<Vec<_>>(), [3, 4]);
    let merged = merge.recommend(&models, &query(told.history(), &Everything, 2));
    assert_eq!(merged.fallback, None);
    let nothing = merge.recommend(&models, &query(told.history(), &Everything, 0));
    assert_eq!((nothing.items.len(), nothing.fallback), (0, None));
    struct Closed;
    impl Filter for Closed {
        fn admits(&self, _: u32) -> bool {
            false
        }
    }
    let nothing = merge.recommend(&models, &query(told.history(), &Closed, 5));
    assert_eq!((nothing.items.len(), nothing.fallback), (0, None));
}

#[test]
fn popular_models_alone_are_a_merge_too() {
    let models = [fixed("popular", 0..30)];
    let merge = Merge::new(&MergeConfig::default(), &models).unwrap();
    let told = Told::of(&[7]);
    let merged = merge.recommend(&models, &query(told.history(), &Everything, 20));
    assert_eq!(merged.items.len(), 20);
    assert_eq!(merged.fallback, Some(Fallback::NothingFound));
}

#[test]
fn settings_out_of_range_are_named() {
    let models = [fixed("als", 0..9)];
    let refused = |config: &MergeConfig| Merge::new(config, &models).unwrap_err().to_string();
    let why = refused(&config(&[("als", -1.0)], 10));
    assert!(why.starts_with("merge.sources.als: -1"), "{why}");
    let why = refused(&config(&[("alz", 1.0)], 10));
    assert!(why.starts_with("merge.sources.alz: there is no such model"), "{why}");
    let why = refused(&config(&[("als", 0.0), ("ease", 1.0)], 10));
    assert!(why.starts_with("merge.sources: none of the models [als]"), "{why}");
    let why = refused(&config(&[("als", 1.0)], 0));
    assert!(why.starts_with("merge.candidates: "), "{why}");
    let infinite = MergeConfig { rank_constant: f64::INFINITY, ..MergeConfig::default() };
    let why = refused(&infinite);
    assert!(why.starts_with("merge.rank_constant: "), "{why}");
}

#[test]
fn reasons_are_words() {
    let mut catalogue = Catalogue::default();
    let mut item = data::Item::bare("i-1");
    item.title = Some("Alien (1979)".into());
    catalogue.put_item(item).unwrap();
    let words: Vec<String> = [
        Reason::Popular,
        Reason::PopularLately { days: 1 },
        Reason::PopularLately { days: 7 },
        Reason::Because { item: 0 },
        Reason::Because { item: 5 },
        Reason::Taste,
    ]
    .iter()
    .map(|reason| reason.in_words(&catalogue))
    .collect();
    expect![[r#"
        popular
        popular in the last day
        popular in the last 7 days
        because of Alien (1979)
        because of ?
        taken by people of similar taste"#]]
    .assert_eq(&words.join("\n"));
}

proptest! {
    #[test]
    fn a_merged_list_keeps_the_promises_of_a_list(
        lists in prop::collection::vec(prop::collection::btree_set(0..40u32, 0..15), 4),
        seen in prop::collection::vec(0..40u32, 0..10),
        (k, known, seed) in (0..30usize, any::<bool>(), 0..5u64),
    ) {
        let names = ["als", "ease", "popular-lately", "popular"];
        let models: Vec<Fixed> =
            names.into_iter().zip(lists).map(|(name, items)| fixed(name, items)).collect();
        let shares = [("als", 0.5), ("ease", 0.4), ("popular-lately", 0.1)];
        let merge = Merge::new(&config(&shares, 10), &models).unwrap();
        let told = Told::of(&[77]);
        let history = if known { told.history() } else { History::default() };
        let seen = Unseen::new(seen);
        let asked = Query { seed, ..query(history, &seen, k) };
        let merged = merge.recommend(&models, &asked);
        prop_assert!(merged.items.len() <= k);
        prop_assert!(merged.items.iter().all(|item| seen.admits(item.item)));
        for pair in merged.items.windows(2) {
            let [a, b] = [(pair[0].item, pair[0].score), (pair[1].item, pair[1].score)];
            prop_assert!(order::descending(a, b, seed).is_lt(), "{:?} {:?}", a, b);
        }
        let first: Vec<u32> = merged.items.iter().map(|item| item.item).collect();
        prop_assert_eq!(&merged.candidates[..first.len()], &first[..]);
        // As many as there are: the popular lists hold nothing back.
        let popular: std::collections::BTreeSet<u32> = models[2..]
            .iter()
            .flat_map(|model| model.items.iter().copied().filter(|item| seen.admits(*item)))
            .collect();
        prop_assert!(merged.items.len() >= k.min(popular.len()));
        prop_assert!(merged.items.iter().all(|item| !item.sources.is_empty()));
        prop_assert_eq!(merge.recommend(&models, &asked), merged);
    }
}
