//! Items on disk against the same in memory: more than a block of them, more than a part of histories.

use std::sync::Arc;

use data::RealFiles;
use models::{HstuConfig, SasRecConfig, SequenceModelConfig};
use tables::MemoryBudget;
use tensor::Device;

use super::*;
use crate::config::{ItemUpdates, SequenceConfig};
use crate::items::table;
use crate::on_disk::TableTier;

const ITEMS: u32 = 3 * BLOCK as u32 - 200;
const PEOPLE: u32 = HISTORIES as u32 + ABREAST as u32 + 9;
const K: usize = 12;

fn items(config: &SequenceConfig, folder: &std::path::Path) -> OnDisk {
    let memory = MemoryBudget::parse("3MiB").unwrap();
    let tier = TableTier::new(Arc::new(RealFiles), &folder.join("table"), memory);
    let mut items = OnDisk::begin(&tier, table(config, 3).unwrap(), ITEMS).unwrap();
    // Some of all blocks have learnt something.
    let rows: Vec<u32> = (0..ITEMS).filter(|row| row % 7 == 2).collect();
    let gradient: Vec<f32> =
        (0..rows.len() * items.dim()).map(|at| (at % 13) as f32 - 6.0).collect();
    items.step(&rows, &gradient, 0.05).unwrap();
    items
}

fn models() -> [SequenceModelConfig; 2] {
    let sasrec =
        SasRecConfig { dim: 8, hidden: 8, length_max: 6, blocks: 1, ..SasRecConfig::default() };
    let hstu = HstuConfig { dim: 8, length_max: 6, blocks: 1, ..HstuConfig::default() };
    [sasrec.into(), hstu.into()]
}

#[test]
fn ranks_are_those_in_memory_to_the_last_tie() {
    for model in models() {
        let config = SequenceConfig {
            model,
            item_updates: ItemUpdates::Keyed,
            ..SequenceConfig::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let mut on_disk = items(&config, folder.path());
        let matrix = on_disk.matrix().unwrap();
        assert_eq!(matrix.rows(), ITEMS as usize);
        let model = SequenceModel::init(&config.model, 1).unwrap();
        // Histories of 0 to 9 events, of which 6 are read, all over the catalogue.
        let item =
            |person: u32, at: u32| person.wrapping_mul(2_654_435_761).rotate_left(at) % ITEMS;
        let lists: Vec<Vec<u32>> =
            (0..PEOPLE).map(|who| (0..who % 10).map(|at| item(who, at)).collect()).collect();
        let times: Vec<i64> = (0..10).map(|at| at * 60_000).collect();
        let past = |items: &'_ Vec<u32>| (items.len(), 700_000);
        let histories: Vec<Past<'_>> = lists
            .iter()
            .map(|items| {
                let (length, now_ms) = past(items);
                Past { items, times_ms: &times[..length], now_ms }
            })
            .collect();
        // What would be first, in every block, is seen.
        let none: Vec<&[u32]> = vec![&[]; lists.len()];
        let mut workspace = Workspace::new(Device::Cpu);
        let rank_them = |seen: &[&[u32]], workspace: &mut Workspace| {
            rank(&model, workspace, matrix.values(), &histories, seen, 40, 9).unwrap()
        };
        let first = rank_them(&none, &mut workspace);
        let seen: Vec<&[u32]> = first.iter().map(|list| &list[..25.min(list.len())]).collect();
        let mut blocks: Vec<u32> = seen.iter().flat_map(|seen| seen.iter()).copied().collect();
        blocks.iter_mut().for_each(|item| *item /= BLOCK as u32);
        blocks.sort_unstable();
        blocks.dedup();
        assert_eq!(blocks, [0, 1, 2], "seen items lie in all blocks");
        for seen in [&none, &seen] {
            let expected =
                rank(&model, &mut workspace, matrix.values(), &histories, seen, K, 9).unwrap();
            let found =
                rank_on_disk(&model, &mut workspace, &mut on_disk, &histories, seen, K, 9)
                    .unwrap();
            assert!(found == expected, "{}", config.model.name());
            assert!(found.iter().all(|list| list.len() == K));
            let is_seen = |(list, seen): (&Vec<u32>, &&[u32])| {
                list.iter().any(|item| seen.contains(item))
            };
            assert!(!found.iter().zip(seen.iter()).any(is_seen));
        }
    }
}

#[test]
fn a_number_that_is_none_is_found_in_its_row() {
    let config = SequenceConfig {
        item_updates: ItemUpdates::Keyed,
        model: models()[0].clone(),
        ..SequenceConfig::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let mut on_disk = items(&config, folder.path());
    let mut rows = 0;
    let mut last = Vec::new();
    let each = |from: u64, block: &[f32]| -> Result<()> {
        assert_eq!(from, rows);
        rows += (block.len() / 8) as u64;
        last = block[block.len() - 8..].to_vec();
        Ok(())
    };
    on_disk.blocks(each).unwrap();
    assert_eq!(rows, u64::from(ITEMS));
    let matrix = on_disk.matrix().unwrap();
    assert_eq!(matrix.row(ITEMS as usize - 1), last);
    let mut values = Vec::new();
    on_disk.look(&[ITEMS - 1, 5, 9000], &mut values).unwrap();
    assert_eq!(values[..8], last);
    assert_eq!(values[16..], *matrix.row(9000));
}
