//! What is true of every tier.

use std::sync::Arc;

use data::RealFiles;
use tables::{Disk, DiskTier, Policy, RemoteTier, Tier, TieredTable};

use crate::tiered::{OPTIMISERS, ROWS, WIDTH, all_rows, config, in_memory, tiered};

/// Bytes of a record of the tiers that are handed to [`conforms`].
pub(crate) const RECORD: usize = 24;
/// And their rows.
pub(crate) const COUNT: u64 = 5000;

fn record(row: u64, version: u64) -> Vec<u8> {
    (0..RECORD as u64).map(|at| (row * 31 + version * 101 + at * 7) as u8).collect()
}

fn read(tier: &mut dyn Tier, rows: &[u64]) -> Vec<Option<Vec<u8>>> {
    let mut out = vec![0xaa; rows.len() * RECORD];
    // Both must be set.
    let mut known: Vec<bool> = (0..rows.len()).map(|at| at % 2 == 0).collect();
    tier.read(rows, &mut out, &mut known).unwrap();
    let each = known.iter().zip(out.chunks(RECORD));
    each.map(|(known, record)| known.then(|| record.to_vec())).collect()
}

fn write(tier: &mut dyn Tier, rows: &[u64], version: u64) {
    let records: Vec<u8> = rows.iter().flat_map(|row| record(*row, version)).collect();
    tier.write(rows, &records).unwrap();
}

/// The contract of [`Tier`], of one that is opened without a record and then again, one at a time.
pub(crate) fn conforms(open: &mut dyn FnMut() -> Box<dyn Tier>) {
    let mut tier = open();
    let tier = tier.as_mut();
    assert_eq!(tier.note().unwrap(), None);
    let some = [4999, 0, 17, 256, 3];
    assert_eq!(read(tier, &some), vec![None; 5]);
    assert_eq!(read(tier, &[]), vec![]);
    write(tier, &[], 0);
    write(tier, &[17, 4999], 1);
    let (first, last) = (Some(record(17, 1)), Some(record(4999, 1)));
    assert_eq!(read(tier, &some), [last, None, first.clone(), None, None]);
    // What is written is read, whatever came before it and in whatever order.
    write(tier, &[4999, 256, 0], 2);
    let [last, of_256] = [4999, 256].map(|row| Some(record(row, 2)));
    assert_eq!(read(tier, &[256, 17, 4999, 3]), [of_256.clone(), first.clone(), last, None]);
    tier.flush("a note").unwrap();
    assert_eq!(tier.note().unwrap().as_deref(), Some("a note"));
    // More than a tier moves at once.
    let all: Vec<u64> = (0..COUNT).map(|at| at * 7 % COUNT).collect();
    write(tier, &all, 3);
    let found = read(tier, &all);
    assert!(all.iter().zip(found).all(|(row, found)| found == Some(record(*row, 3))));
    write(tier, &[17], 4);
    tier.flush("another \"note\"\n").unwrap();
    assert!(tier.bytes(16) <= tier.bytes(1 << 12));
}

/// And what is there when it is opened again.
pub(crate) fn lasts(open: &mut dyn FnMut() -> Box<dyn Tier>) {
    let mut tier = open();
    assert_eq!(tier.note().unwrap().as_deref(), Some("another \"note\"\n"));
    let found = read(tier.as_mut(), &[18, 17, 4999]);
    assert_eq!(found, [record(18, 3), record(17, 4), record(4999, 3)].map(Some));
}

/// A table over a tier of 2 x [`ROWS`] records of so many bytes, against the table in memory.
pub(crate) fn trains(open: &mut dyn FnMut(usize) -> Box<dyn Tier>) {
    let optimiser = OPTIMISERS[2];
    let (pooled, rows) = in_memory(optimiser, 20);
    let tier = open((WIDTH + optimiser.state_width(WIDTH)) * 4);
    let config = config(optimiser, Policy::Lru, 2, tier.as_ref());
    let mut table = TieredTable::open(tier, config).unwrap();
    assert!(tiered(&mut table, 20, true).unwrap() == pooled, "pooled");
    assert!(table.counters().unwrap().written_back > 20);
    assert!(all_rows(&mut table) == rows, "rows");
    table.flush().unwrap();
    let (memory, may) = (table.memory_bytes().unwrap(), table.config().memory_bytes);
    assert!(memory <= may, "{memory} of {may}");
}

#[test]
fn the_disk_is_a_tier() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str, rows, record| -> Box<dyn Tier> {
        let folder = folder.path().join(name);
        let disk = Disk { folder, rows, record, direct: false, threads: 2 };
        Box::new(DiskTier::open(Arc::new(RealFiles), disk).unwrap())
    };
    conforms(&mut || open("tier", COUNT, RECORD));
    lasts(&mut || open("tier", COUNT, RECORD));
    trains(&mut |record| open("table", 2 * ROWS, record));
}

#[test]
fn the_remote_place_is_a_tier() {
    let tier = RemoteTier::new(RECORD);
    conforms(&mut || Box::new(tier.clone()));
    lasts(&mut || Box::new(tier.clone()));
    trains(&mut |record| Box::new(RemoteTier::new(record)));
}
