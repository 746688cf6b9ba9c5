//! Importing, end to end: every format, every kind of bad row, twice, interrupted, spilled.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use data::import::{ColumnMap, Format, ImportSpec, Imported, import};
use data::{ClockKind, Error, FaultyFiles, Feedback, Files, Log, Progress, RealFiles};

fn files() -> Arc<dyn Files> {
    Arc::new(RealFiles)
}

fn spec(format: Format, path: &Path) -> ImportSpec {
    ImportSpec { format, path: path.into(), map: None, max_rejects: 0.01, chunk_rows: None }
}

fn run(spec: &ImportSpec, into: &Path) -> data::Result<Imported> {
    import(&files(), into, spec, 1_700_000_000_000, &Progress::silent())
}

fn added(done: Imported) -> data::ImportEntry {
    match done {
        Imported::Added(entry) => *entry,
        Imported::Unchanged { .. } => panic!("the import should add something"),
    }
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, bytes).expect("a temporary folder can be written to");
    path
}

/// (user, item, kind, time, value) of every event, in order.
fn events(dir: &Path) -> Vec<(String, String, String, i64, Option<f32>)> {
    let log = Log::open(files(), dir).unwrap();
    let catalogue = log.catalogue().unwrap();
    let of = |event: data::Event| {
        (
            catalogue.users.id(event.user.unwrap()).unwrap().to_owned(),
            catalogue.items.id(event.item.unwrap()).unwrap().to_owned(),
            catalogue.kinds[usize::from(event.kind)].clone(),
            event.time_ms,
            event.value,
        )
    };
    log.events().unwrap().map(|event| of(event.unwrap())).collect()
}

const CSV: &str = "user_id,item_id,rating,timestamp\n\
    u1,i1,4.5,1500000300\nu2,\"i,2\",3,1500000100\nu1,i3,,1500000200\n";
const JSONL: &str = r#"{"user_id":"u1","item_id":"i1","rating":4.5,"timestamp":1500000300}
{"user_id":"u2","item_id":"i,2","rating":3,"timestamp":1500000100}
{"user_id":"u1","item_id":"i3","timestamp":1500000200}
"#;

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn one_table_in_every_format_and_wrapping_gives_one_log() {
    let dir = tempfile::tempdir().unwrap();
    let sources = [
        (Format::Csv, "a.csv", CSV.as_bytes().to_vec()),
        (Format::Csv, "b.csv.gz", gz(CSV.as_bytes())),
        (Format::Csv, "c.csv.zst", zstd::encode_all(CSV.as_bytes(), 1).unwrap()),
        (Format::Jsonl, "d.jsonl", JSONL.as_bytes().to_vec()),
        (Format::Jsonl, "e.jsonl.gz", gz(JSONL.as_bytes())),
    ];
    let mut logs = Vec::new();
    for (format, name, bytes) in sources {
        let path = write(dir.path(), name, &bytes);
        let into = dir.path().join(format!("log-{name}"));
        let entry = added(run(&spec(format, &path), &into).unwrap());
        assert_eq!(
            (entry.events, entry.rejects, entry.clock),
            (3, 0, ClockKind::Real),
            "{name}"
        );
        assert!(Log::verify(&files(), &into).is_empty());
        let rows = events(&into)
            .into_iter()
            .map(|(user, item, _, time_ms, value)| (user, item, time_ms, value));
        logs.push(rows.collect::<Vec<_>>());
    }
    let row = |user: &str, item: &str, time_s: i64, value| {
        (user.to_owned(), item.to_owned(), time_s * 1000, value)
    };
    let expected = [
        row("u2", "i,2", 1_500_000_100, Some(3.0)),
        row("u1", "i3", 1_500_000_200, None),
        row("u1", "i1", 1_500_000_300, Some(4.5)),
    ];
    for log in logs {
        assert_eq!(log, expected);
    }
}

#[test]
fn a_column_map_names_the_columns() {
    let dir = tempfile::tempdir().unwrap();
    let text = "wer;was;wann;wieviel;art\nu;i;2018-01-02;2;kauf\n";
    let path = write(dir.path(), "a.csv", text.as_bytes());
    let map = "[event]\nuser = \"wer\"\nitem = \"was\"\ntime = \"wann\"\nvalue = \"wieviel\"\n\
        kind = \"art\"\n[csv]\ndelimiter = \";\"\n";
    let mut mapped = spec(Format::Csv, &path);
    mapped.map = Some(ColumnMap::from_toml(map, "map.toml").unwrap());
    let into = dir.path().join("log");
    run(&mapped, &into).unwrap();
    let expected = ("u".into(), "i".into(), "kauf".into(), 1_514_851_200_000, Some(2.0));
    assert_eq!(events(&into), [expected]);
    let unknown = ColumnMap::from_toml("[event]\nusr = \"x\"\n", "map.toml").unwrap_err();
    assert!(unknown.to_string().contains("usr"), "{unknown}");
}

#[test]
fn every_bad_row_is_rejected_with_its_line_and_reason() {
    let long = "x".repeat(257);
    let rows: Vec<(String, &str)> = vec![
        ("u,i,1,1500000000".into(), ""),
        (",i,1,1500000000".into(), "user"),
        ("u,i,NaN,1500000000".into(), "finite"),
        ("u,i,inf,1500000000".into(), "finite"),
        ("u,i,1e39,1500000000".into(), "32 bits"),
        ("u,i,abc,1500000000".into(), "abc"),
        ("u,i,1,someday".into(), "someday"),
        ("u,i,1,0".into(), "absurd"),
        ("u,i,1,99999999999999999".into(), ""),
        (format!("{long},i,1,1500000000"), "257 bytes"),
        ("u,i\u{1},1,1500000000".into(), "control"),
        ("u,i".into(), ""),
        ("u,i,1,1500000000,extra".into(), ""),
    ];
    let mut text = String::from("user_id,item_id,rating,timestamp\n");
    rows.iter().for_each(|(row, _)| text.push_str(&format!("{row}\n")));
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(b"u,i\xff,1,1500000000\n");
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "a.csv", &bytes);
    let into = dir.path().join("log");

    let strict = run(&spec(Format::Csv, &path), &into).unwrap_err();
    assert!(matches!(strict, Error::TooManyRejects { rejected: 13, rows: 14, .. }), "{strict}");
    assert!(!into.exists(), "nothing stays behind");
    let kept = std::fs::read_to_string(dir.path().join("log.rejects.jsonl")).unwrap();
    assert_eq!(kept.lines().count(), 13);

    let mut lax = spec(Format::Csv, &path);
    lax.max_rejects = 1.0;
    let entry = added(run(&lax, &into).unwrap());
    assert_eq!((entry.events, entry.rejects), (1, 13));
    let notes = std::fs::read_to_string(into.join("imports/000001/rejects.jsonl")).unwrap();
    let notes: Vec<serde_json::Value> =
        notes.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let wanted = rows.iter().skip(1).map(|(_, why)| *why).chain(["UTF-8"]);
    for (note, (line, why)) in notes.iter().zip((3..).zip(wanted)) {
        assert_eq!((&note["line"], &note["file"]), (&line.into(), &"a.csv".into()), "{note}");
        let reason = note["reason"].as_str().unwrap();
        assert!(reason.contains(why), "line {line}: {reason} (wanted {why})");
    }
}

#[test]
fn json_traps_are_rejects() {
    let good = r#"{"user_id":"u","item_id":7,"timestamp":1500000000}"#;
    let bad = [
        r#"{"user_id":"u","user_id":"v","item_id":"i","timestamp":1500000000}"#,
        r#"{"user_id":"u","item_id":"i","timestamp":1500000000,"rating":1e39}"#,
        r#"{"user_id":"u","item_id":1.5,"timestamp":1500000000}"#,
        r#"{"user_id":"u","item_id":"i"}"#,
        r#"{"user_id":"u","item_id":"a\u0000b","timestamp":1500000000}"#,
        r#"{"user_id":"u","item_id":"i","timestamp":1500000000"#,
        r#"["u","i"]"#,
    ];
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "a.jsonl", format!("{good}\n{}\n", bad.join("\n")).as_bytes());
    let mut lax = spec(Format::Jsonl, &path);
    lax.max_rejects = 1.0;
    let into = dir.path().join("log");
    let entry = added(run(&lax, &into).unwrap());
    assert_eq!((entry.events, entry.rejects), (1, bad.len() as u64));
    assert_eq!(events(&into)[0].1, "7");
}

#[test]
fn the_same_file_twice_changes_nothing_and_a_longer_one_adds_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "a.csv", CSV.as_bytes());
    let into = dir.path().join("log");
    run(&spec(Format::Csv, &path), &into).unwrap();
    let before = std::fs::read(into.join("manifest.json")).unwrap();
    let again = run(&spec(Format::Csv, &path), &into).unwrap();
    assert_eq!(again, Imported::Unchanged { duplicates: 3, rejects: 0 });
    let copy = write(dir.path(), "copy.csv", format!("{CSV}\n").as_bytes());
    let again = run(&spec(Format::Csv, &copy), &into).unwrap();
    assert_eq!(again, Imported::Unchanged { duplicates: 3, rejects: 0 });
    assert_eq!(std::fs::read(into.join("manifest.json")).unwrap(), before);
    let longer = write(dir.path(), "b.csv", format!("{CSV}u9,i9,1,1500000150\n").as_bytes());
    let entry = added(run(&spec(Format::Csv, &longer), &into).unwrap());
    assert_eq!((entry.events, entry.duplicates, entry.users_new), (1, 3, 1));
    let users: Vec<String> = events(&into).into_iter().map(|event| event.0).collect();
    assert_eq!(users, ["u2", "u9", "u1", "u1"]);
}

#[test]
fn sequences_keep_their_order_and_refuse_to_mix_with_times() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "sequences.txt", b"1 5 5 2\n2 9\n");
    let into = dir.path().join("log");
    let entry = added(run(&spec(Format::Sequences, &path), &into).unwrap());
    assert_eq!((entry.events, entry.clock), (4, ClockKind::OrderOnly));
    let log = Log::open(files(), &into).unwrap();
    let catalogue = log.catalogue().unwrap();
    let all = log.sequences(&Feedback::default(), &Progress::silent()).unwrap();
    let first = all.user(catalogue.users.get("1").unwrap());
    let items: Vec<&str> =
        first.items.iter().map(|item| catalogue.items.id(*item).unwrap()).collect();
    assert_eq!((items, first.times_ms), (vec!["5", "5", "2"], &[0, 1, 2][..]));
    let csv = write(dir.path(), "a.csv", CSV.as_bytes());
    let error = run(&spec(Format::Csv, &csv), &into).unwrap_err().to_string();
    assert!(error.contains("order-only"), "{error}");
}

#[test]
fn open_bandit_keeps_what_was_shown_with_which_chance() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("random/men");
    std::fs::create_dir_all(&folder).unwrap();
    write(&folder, "item_context.csv", b",item_id,item_feature_0\n0,0,-0.5\n1,1,0.5\n2,2,x\n");
    let rows = b",timestamp,item_id,position,click,propensity_score,user_feature_0,\
user-item_affinity_0,user-item_affinity_1\n\
0,2019-11-24 00:03:13.442536+00:00,1,3,0,0.25,abc,0.0,2.0\n\
1,2019-11-24 00:03:14+00:00,0,1,1,0.5,abc,0.0,0.0\n\
2,2019-11-24 00:03:15+00:00,0,0,1,0.5,abc,0.0,0.0\n\
3,2019-11-24 00:03:15+00:00,0,1,1,1.5,abc,0.0,0.0\n\
4,2019-11-24 00:03:15+00:00,7,1,1,0.5,abc,0.0,0.0\n\
5,2019-11-24 00:03:15+00:00,0,1,2,0.5,abc,0.0,0.0\n";
    write(&folder, "men.csv", rows);
    let into = dir.path().join("log");
    let mut spec = spec(Format::OpenBandit, &folder);
    spec.max_rejects = 0.9;
    let entry = added(run(&spec, &into).unwrap());
    assert_eq!((entry.events, entry.slates, entry.rejects, entry.items_new), (1, 2, 4, 3));
    let log = Log::open(files(), &into).unwrap();
    let slates = log.slates().unwrap();
    let first = &slates[0];
    assert_eq!((first.time_ms, first.surface.as_str()), (1_574_553_793_442, "men"));
    assert_eq!((first.model_version.as_str(), first.user.as_deref()), ("random", None));
    assert_eq!(first.context, r#"{"affinity":{"1":2.0},"user_0":"abc"}"#);
    assert_eq!(first.candidates, [0, 1, 2]);
    let shown = first.shown[0];
    assert_eq!((shown.item, shown.position, shown.propensity), (1, 2, 0.25));
    let events = log.events().unwrap();
    let click = events.map(Result::unwrap).next().unwrap();
    assert_eq!(click.request.as_deref(), Some(slates[1].request.as_str()));
    assert_eq!((click.user, click.item), (None, Some(0)));
    let empty = dir.path().join("bts");
    std::fs::create_dir_all(&empty).unwrap();
    let error = run(&self::spec(Format::OpenBandit, &empty), &into).unwrap_err().to_string();
    assert!(error.contains("item_context") || error.contains("CAMPAIGN"), "{error}");
}

#[test]
fn spilling_to_disk_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::from("user_id,item_id,rating,timestamp\n");
    for row in 0..5000u64 {
        let mixed = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        text.push_str(&format!(
            "u{},i{},1,{}\n",
            mixed % 97,
            row % 89,
            1_500_000_000 + mixed % 50
        ));
    }
    let path = write(dir.path(), "a.csv", text.as_bytes());
    let mut small = spec(Format::Csv, &path);
    small.chunk_rows = Some(64);
    let (spilled, whole) = (dir.path().join("spilled"), dir.path().join("whole"));
    assert_eq!(added(run(&small, &spilled).unwrap()).events, 5000);
    run(&spec(Format::Csv, &path), &whole).unwrap();
    assert_eq!(events(&spilled), events(&whole));
    assert_eq!(
        std::fs::read(spilled.join("manifest.json")).unwrap(),
        std::fs::read(whole.join("manifest.json")).unwrap(),
        "to the last byte"
    );
}

#[test]
fn a_stop_or_a_broken_file_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let into = dir.path().join("log");
    let path = write(dir.path(), "a.csv", CSV.as_bytes());
    let stop = AtomicBool::new(false);
    let report = |_: data::Step<'_>| stop.store(true, Ordering::Relaxed);
    let progress = Progress::new(&report, &stop);
    let error = import(&files(), &into, &spec(Format::Csv, &path), 1, &progress).unwrap_err();
    assert!(matches!(error, Error::Stopped), "{error}");
    assert!(!into.exists());
    let packed = gz(CSV.as_bytes());
    let torn = write(dir.path(), "torn.csv.gz", &packed[..packed.len() - 9]);
    let error = run(&spec(Format::Csv, &torn), &into).unwrap_err().to_string();
    assert!(error.contains("torn.csv.gz"), "{error}");
    assert!(!into.exists());
    let error = run(&spec(Format::Csv, &dir.path().join("none.csv")), &into).unwrap_err();
    assert!(error.to_string().contains("none.csv"), "{error}");
    assert!(!into.exists());
}

#[test]
fn a_fault_at_any_operation_leaves_no_log_or_a_whole_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "a.csv", CSV.as_bytes());
    let mut spilling = spec(Format::Csv, &path);
    spilling.chunk_rows = Some(1);
    let attempt = |files: FaultyFiles, into: &Path| {
        let files: Arc<dyn Files> = Arc::new(files);
        import(&files, into, &spilling, 1, &Progress::silent())
    };
    let counting = FaultyFiles::failing_from(u64::MAX);
    attempt(counting.clone(), &dir.path().join("counted")).unwrap();
    let (mut none, mut whole) = (0, 0);
    for fault in 0..counting.operations() {
        let into = dir.path().join(format!("at-{fault}"));
        let result = attempt(FaultyFiles::failing_from(fault), &into);
        match Log::open(files(), &into) {
            Ok(log) => {
                whole += 1;
                assert_eq!(log.events().unwrap().count(), 3, "operation {fault}");
            }
            Err(Error::NoLog { .. }) => {
                none += 1;
                assert!(result.is_err(), "operation {fault}");
            }
            Err(error) => panic!("operation {fault}: {error}"),
        }
        run(&spec(Format::Csv, &path), &into).unwrap();
        assert!(Log::verify(&files(), &into).is_empty(), "operation {fault}");
        assert_eq!(events(&into).len(), 3);
    }
    assert!(none > 20 && whole > 0, "{none} without, {whole} whole");
}
