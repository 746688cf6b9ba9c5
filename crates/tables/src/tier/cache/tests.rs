use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

struct Planned {
    ids: Vec<u64>,
    used: Vec<u32>,
    conflicts: Vec<u64>,
    plan: Plan,
}

fn plan(cache: &mut Cache, ids: &[u64]) -> Planned {
    let mut planned = Planned {
        ids: ids.to_vec(),
        used: Vec::new(),
        conflicts: Vec::with_capacity(ids.len()),
        plan: Plan::for_ids(ids.len()),
    };
    let pad = cache.slots() as u64;
    let Planned { ids, used, conflicts, plan } = &mut planned;
    cache.plan(ids, pad, plan, used, conflicts);
    planned
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_row_in_use_never_leaves_and_counts_add_up(
        batches in prop::collection::vec(prop::collection::vec(0u64..300, 1..120), 2..12),
        sets in 1usize..4,
        lfu in any::<bool>(),
    ) {
        let policy = if lfu { Policy::Lfu } else { Policy::Lru };
        let mut cache = Cache::new(sets, policy, 300);
        let mut held: Vec<Planned> = Vec::new();
        for ids in &batches {
            if held.len() == 2 {
                cache.unlock(&held.remove(0).used);
            }
            let planned = plan(&mut cache, ids);
            // Victims are of no batch that is held, nor of this one.
            for come in &planned.plan.coming {
                prop_assert!(held.iter().all(|it| !it.used.contains(&come.slot)));
                prop_assert!(!ids.contains(&come.victim));
            }
            // Each id is where it is said to be.
            for (id, place) in ids.iter().zip(&planned.ids) {
                match (*place as usize).checked_sub(sets * WAYS) {
                    None => prop_assert_eq!(cache.tags[*place as usize], *id),
                    Some(at) => prop_assert_eq!(planned.conflicts[at], *id),
                }
            }
            let unique: BTreeSet<u64> = ids.iter().copied().collect();
            prop_assert_eq!(planned.used.len() + planned.conflicts.len(), unique.len());
            held.push(planned);
        }
        let counters = cache.counters;
        let unique: usize =
            batches.iter().map(|it| it.iter().collect::<BTreeSet<_>>().len()).sum();
        prop_assert_eq!(counters.unique as usize, unique);
        prop_assert_eq!(counters.requested as usize, batches.iter().map(Vec::len).sum::<usize>());
        prop_assert_eq!(counters.batches as usize, batches.len());
        held.iter().for_each(|it| cache.unlock(&it.used));
        prop_assert!(cache.locks.iter().all(|locks| *locks == 0));
    }

    #[test]
    fn one_set_is_an_lru_list(
        batches in prop::collection::vec(prop::collection::vec(0u64..60, 1..8), 1..40),
    ) {
        // Of 32 rows, by the batch in which they were used last.
        let mut cache = Cache::new(1, Policy::Lru, 60);
        let mut last: BTreeMap<u64, usize> = BTreeMap::new();
        let mut misses = 0;
        for (time, ids) in batches.iter().enumerate() {
            let planned = plan(&mut cache, ids);
            cache.unlock(&planned.used);
            let unique: BTreeSet<u64> = ids.iter().copied().collect();
            for come in &planned.plan.coming {
                prop_assert!(!last.contains_key(&come.row));
                if come.victim != EMPTY {
                    let age = last.remove(&come.victim).unwrap();
                    let oldest = last
                        .iter()
                        .filter(|(row, _)| !unique.contains(row))
                        .map(|(_, age)| *age)
                        .min();
                    prop_assert!(oldest.is_none_or(|oldest| age <= oldest));
                }
                misses += 1;
            }
            unique.iter().for_each(|id| {
                last.insert(*id, time);
            });
        }
        prop_assert_eq!(cache.counters.unique_misses, misses);
    }
}

#[test]
fn a_set_that_is_all_locked_lets_the_rest_fall_through() {
    let mut cache = Cache::new(1, Policy::Lru, 1000);
    let first = plan(&mut cache, &(0..32).collect::<Vec<u64>>());
    assert!(first.conflicts.is_empty());
    let second = plan(&mut cache, &[3, 40, 40, 41]);
    assert_eq!(second.conflicts, [40, 41]);
    assert_eq!(second.ids, [first.ids[3], 32, 32, 33]);
    cache.unlock(&first.used);
    let third = plan(&mut cache, &[40, 3]);
    assert_eq!(third.conflicts.len(), 0, "its ways are free again");
}

#[test]
fn rare_rows_do_not_drive_out_frequent_ones() {
    let mut cache = Cache::new(1, Policy::Lfu, 1000);
    let often: Vec<u64> = (0..32).collect();
    for _ in 0..3 {
        let planned = plan(&mut cache, &often);
        cache.unlock(&planned.used);
    }
    for turn in 1..=3 {
        let planned = plan(&mut cache, &[100]);
        assert_eq!(planned.conflicts.is_empty(), turn == 3, "a count of {turn} against 3");
        cache.unlock(&planned.used);
    }
}

#[test]
fn what_could_not_be_loaded_is_as_before() {
    let mut cache = Cache::new(1, Policy::Lru, 1000);
    let first = plan(&mut cache, &(0..32).collect::<Vec<u64>>());
    cache.unlock(&first.used);
    cache.soil(&first.used);
    let second = plan(&mut cache, &[50, 51, 3]);
    assert!(second.plan.coming.iter().all(|come| come.victim().is_some()));
    cache.undo(&second.plan, &second.used, false);
    assert!((0..32).all(|row| cache.find(row).and_then(|slot| cache.dirty(slot)) == Some(row)));
    let third = plan(&mut cache, &[50]);
    cache.undo(&third.plan, &third.used, true);
    assert_eq!((0..32).filter(|row| cache.find(*row).is_none()).count(), 1);
    assert!(cache.find(50).is_none() && cache.locks.iter().all(|locks| *locks == 0));
}
