//! A table over a slow tier whose batches are cut into parts, against a keyed table in memory; and the
//! file that both write.

use std::path::Path;
use std::sync::Arc;

use data::{FaultyFiles, Files, RealFiles};
use tables::ship::read_matrix;
use tables::{
    Bags, Disk, DiskTier, Dtype, Init, MemoryBudget, Optimiser, Pooling, Table, TableConfig,
    TieredConfig, TieredTable,
};

use crate::tiered::OPTIMISERS;

const ROWS: u64 = 6000;
const WIDTH: usize = 8;
const STEP_IDS: usize = 900;

fn what(optimiser: Optimiser) -> TableConfig {
    TableConfig {
        name: "items".into(),
        width: WIDTH,
        dtype: Dtype::F32,
        init: Init::Uniform { bound: 0.1, seed: 3 },
        optimiser,
    }
}

fn disk(folder: &Path, config: &TableConfig) -> Disk {
    let state = config.optimiser.state_width(WIDTH);
    let record = (WIDTH + state) * 4;
    Disk { folder: folder.into(), rows: ROWS, record, direct: false, threads: 1 }
}

/// A tenth of what all rows take, over a slab in `folder`.
fn open(folder: &Path, optimiser: Optimiser) -> TieredTable {
    let config = what(optimiser);
    let tier = DiskTier::open(Arc::new(RealFiles), disk(folder, &config)).unwrap();
    let memory = MemoryBudget::parse("600KiB").unwrap();
    let config = TieredConfig::in_parts(&tier, &config, ROWS, memory);
    assert!(config.batch_ids < STEP_IDS / 2, "{} ids a part", config.batch_ids);
    TieredTable::open(Box::new(tier), config).unwrap()
}

/// Rising, each once, half of them among the first.
fn ids(step: u64) -> Vec<u64> {
    let mut ids: Vec<u64> = (0..STEP_IDS as u64)
        .map(|at| {
            let mixed = (step * 7919 + at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
            if at % 2 == 0 { mixed % 500 } else { mixed % ROWS }
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn gradient(step: u64, ids: &[u64]) -> Vec<f32> {
    let each = |at: usize| ((at as u64 * 31 + step * 17) % 101) as f32 / 50.0 - 1.0;
    (0..ids.len() * WIDTH).map(each).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn step_both(number: u64, tiered: &mut TieredTable, table: &mut Table) {
    let ids = ids(number);
    let gradient = gradient(number, &ids);
    table.admit(&ids).unwrap();
    let mut expected = vec![0.0; ids.len() * WIDTH];
    let mut found = expected.clone();
    table.sequence(&ids, &mut expected).unwrap();
    tiered.rows(0, &ids, &mut found).unwrap();
    assert_eq!(bits(&found), bits(&expected), "step {number}");
    let offsets: Vec<i32> = (0..=ids.len() as i32).collect();
    let bags = Bags::new(&offsets, &ids).unwrap();
    let rate = 0.1 / (number + 1) as f32;
    table.set_rate(rate).unwrap();
    tiered.set_rate(rate).unwrap();
    table.update(&bags, Pooling::Sum, &gradient, WIDTH, 0).unwrap();
    tiered.update_rows(0, &ids, &gradient).unwrap();
    assert_eq!(tiered.steps(0), table.steps());
    let (found, may) = (tiered.memory_bytes().unwrap(), tiered.config().memory_bytes);
    assert!(found <= may, "{found} bytes of {may}");
}

fn write_both(folder: &Path, tiered: &mut TieredTable, table: &Table) -> u64 {
    let (one, other) = (folder.join("one"), folder.join("other"));
    tiered.write_file(0, true, std::fs::File::create(&one).unwrap(), &one).unwrap();
    table.write_file(std::fs::File::create(&other).unwrap(), &other).unwrap();
    let bytes = std::fs::read(&one).unwrap();
    assert!(bytes == std::fs::read(&other).unwrap(), "the same file");
    bytes.len() as u64
}

fn all_rows(table: &Table) -> Vec<f32> {
    let mut rows = vec![0.0; ROWS as usize * WIDTH];
    for (id, row) in (0..).zip(rows.chunks_exact_mut(WIDTH)) {
        if !table.row(id, row) {
            table.first_row(id, row);
        }
    }
    rows
}

#[test]
fn parts_and_files_are_a_keyed_tables_to_the_bit() {
    for optimiser in OPTIMISERS {
        let folder = tempfile::tempdir().unwrap();
        let mut tiered = open(&folder.path().join("a"), optimiser);
        let mut table = Table::keyed(what(optimiser), 0).unwrap();
        (0..12).for_each(|step| step_both(step, &mut tiered, &mut table));
        let bytes = write_both(folder.path(), &mut tiered, &table);

        // Read by another one, both go on as if nothing had been.
        let files: Arc<dyn Files> = Arc::new(RealFiles);
        let place = folder.path().join("one");
        let steps = table.steps();
        let mut again = open(&folder.path().join("b"), optimiser);
        again.read_file(0, &files, &place, bytes, steps).unwrap();
        let mut table =
            Table::read_file(what(optimiser), &files, &place, bytes, steps).unwrap();
        (12..20).for_each(|step| step_both(step, &mut again, &mut table));
        let bytes = write_both(folder.path(), &mut again, &table);

        // All rows, also those that nobody met: from the file, and past the cache.
        let expected = bits(&all_rows(&table));
        let matrix = read_matrix(&what(optimiser), ROWS, &files, &place, bytes).unwrap();
        assert_eq!(bits(&matrix), expected);
        let mut copied = Vec::new();
        let mut next = 0;
        let each = |from: u64, rows: &[f32]| -> tables::Result<()> {
            assert_eq!(from, next);
            next += (rows.len() / WIDTH) as u64;
            copied.extend_from_slice(rows);
            Ok(())
        };
        again.blocks(0, 1300, each).unwrap();
        assert_eq!(bits(&copied), expected);
        // Without state it is the same matrix, in fewer bytes.
        let short = folder.path().join("short");
        again.write_file(0, false, std::fs::File::create(&short).unwrap(), &short).unwrap();
        let fewer = std::fs::metadata(&short).unwrap().len();
        assert!(fewer < bytes || matches!(optimiser, Optimiser::Sgd { .. }));
        let matrix = read_matrix(&what(optimiser), ROWS, &files, &short, fewer).unwrap();
        assert_eq!(bits(&matrix), expected);
    }
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut tiered = open(&folder.path().join("a"), OPTIMISERS[3]);
    let before = {
        let mut row = vec![0.0; WIDTH];
        tiered.row(0, 7, &mut row).unwrap();
        row
    };
    let mut refused = |ids: &[u64], gradient: &[f32]| {
        tiered.update_rows(0, ids, gradient).unwrap_err().to_string()
    };
    let fine = vec![0.5; 2 * WIDTH];
    assert!(refused(&[7, 7], &fine).contains("id 7 after 7"));
    assert!(refused(&[7, ROWS], &fine).contains("id 6000 (number 1) of 6000 rows"));
    let mut bad = fine.clone();
    bad[WIDTH + 1] = f32::NAN;
    assert!(refused(&[7, 9], &bad).contains("gradient of id 9 is not finite"));
    let mut row = vec![0.0; WIDTH];
    tiered.row(0, 7, &mut row).unwrap();
    assert_eq!(bits(&row), bits(&before), "nothing has changed");

    // A file of more rows than there are, and one for a table that is in use.
    let files: Arc<dyn Files> = Arc::new(RealFiles);
    let place = folder.path().join("file");
    let mut table = Table::keyed(what(OPTIMISERS[3]), 0).unwrap();
    table.admit(&[3, ROWS + 5]).unwrap();
    table.write_file(std::fs::File::create(&place).unwrap(), &place).unwrap();
    let bytes = std::fs::metadata(&place).unwrap().len();
    let error = tiered.read_file(0, &files, &place, bytes, 1).unwrap_err().to_string();
    assert!(error.contains("id 6005 of 6000 rows"), "{error}");
    let error = read_matrix(&what(OPTIMISERS[3]), ROWS, &files, &place, bytes).unwrap_err();
    assert!(error.to_string().contains("id 6005 of 6000 rows"), "{error}");
    table.forget(ROWS + 5);
    table.write_file(std::fs::File::create(&place).unwrap(), &place).unwrap();
    let bytes = std::fs::metadata(&place).unwrap().len();
    tiered.update_rows(0, &[7, 9], &fine).unwrap();
    let error = tiered.read_file(0, &files, &place, bytes, 1).unwrap_err().to_string();
    assert!(error.contains("before the first batch"), "{error}");
}

#[test]
fn a_failing_disk_is_an_error_that_names_it() {
    let optimiser = OPTIMISERS[2];
    let work = |files: &Arc<FaultyFiles>| -> tables::Result<()> {
        let folder = tempfile::tempdir().unwrap();
        let config = what(optimiser);
        let tier = DiskTier::open(files.clone(), disk(&folder.path().join("slab"), &config))?;
        let memory = MemoryBudget::parse("600KiB")?;
        let config = TieredConfig::in_parts(&tier, &config, ROWS, memory);
        let mut tiered = TieredTable::open(Box::new(tier), config)?;
        for step in 0..8 {
            let ids = ids(step);
            tiered.update_rows(0, &ids, &gradient(step, &ids))?;
        }
        tiered.blocks(0, 1000, |_, _| Ok(()))
    };
    let whole = Arc::new(FaultyFiles::failing_from(u64::MAX));
    work(&whole).unwrap();
    let count = whole.operations();
    assert!(count > 20, "{count} operations");
    for at in (0..count).step_by(count.div_ceil(60) as usize) {
        let error = work(&Arc::new(FaultyFiles::failing_from(at))).unwrap_err().to_string();
        assert!(error.contains("slab") && error.contains("planted fault"), "{at}: {error}");
    }
}
