//! The Open Bandit Dataset against numbers of obp (`tests/golden/open_bandit.py`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data::import::{Format, ImportSpec, import};
use data::{Dictionary, Files, Log, Progress, RealFiles, Slate};
use evaluate::policy::{
    Health, Logged, Method, PlacePolicy, SlateLog, SlateMethod, SlateRow, places, value,
};
use serde_json::Value;

const PLACES: u32 = 3;

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/open_bandit.json")).unwrap()
}

fn list<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

/// The small data set, where it is.
#[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
fn folder() -> Option<PathBuf> {
    let given = std::env::var_os("TASTEMAKER_DATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let found = given.unwrap_or(beside).join("open-bandit");
    let there = found.is_dir();
    if !there {
        println!("SKIPPED: {} is not there; TASTEMAKER_DATA names its folder", found.display());
    }
    there.then_some(found)
}

/// A log of one policy.
struct Imported {
    slates: Vec<Slate>,
    /// Items that were clicked, by request.
    clicked: BTreeMap<String, Vec<u32>>,
    items: Dictionary,
}

fn imported(folder: &Path, policy: &str) -> Imported {
    let dir = tempfile::tempdir().unwrap();
    let into = dir.path().join("log");
    let files: Arc<dyn Files> = Arc::new(RealFiles);
    let spec = ImportSpec {
        format: Format::OpenBandit,
        path: folder.join(policy).join("men"),
        map: None,
        max_rejects: 0.0,
        chunk_rows: None,
    };
    import(&files, &into, &spec, 1_700_000_000_000, &Progress::silent()).unwrap();
    let log = Log::open(files, &into).unwrap();
    let mut clicked: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for event in log.events().unwrap() {
        let event = event.unwrap();
        clicked.entry(event.request.unwrap()).or_default().push(event.item.unwrap());
    }
    let items = log.catalogue().unwrap().items;
    Imported { slates: log.slates().unwrap(), clicked, items }
}

#[test]
fn values_on_real_rows_are_those_of_obp() {
    let Some(folder) = folder() else { return };
    let golden = golden();
    let Imported { slates, clicked, items } = imported(&folder, "random");
    assert_eq!(slates.len(), 10_000);
    let index = |item: usize| items.get(&item.to_string()).unwrap();
    let target: Vec<[f64; 3]> = list(&golden["target"]);
    let estimates: Vec<[f64; 3]> = list(&golden["estimates"]);
    let greedy: Vec<usize> = list(&golden["greedy"]);
    let (mut bts, mut one_hot) = (PlacePolicy::new(), PlacePolicy::new());
    let mut reward = BTreeMap::new();
    for place in 0..PLACES as usize {
        for (item, row) in target.iter().enumerate() {
            bts.set(place as u16, index(item), row[place]);
            reward.insert(index(item) * PLACES + place as u32, estimates[item][place]);
        }
        one_hot.set(place as u16, index(greedy[place]), 1.0);
    }
    let by_bts = places(&slates, &clicked, &bts).unwrap();
    let labelled = |logged: Logged| {
        let q: Vec<f64> = logged.candidates().iter().map(|label| reward[label]).collect();
        let mut logged = logged;
        logged.set_estimates(q).unwrap();
        logged
    };
    let (by_bts, by_greedy) = (labelled(by_bts), places(&slates, &clicked, &one_hot).unwrap());
    for (name, method) in [
        ("ips", Method::Ips),
        ("snips", Method::Snips),
        ("clipped-2", Method::Clipped(2.0)),
        ("dm", Method::Dm),
        ("dr", Method::Dr),
        ("sndr", Method::SnDr),
        ("switch-dr-2", Method::SwitchDr(2.0)),
        ("dros-10", Method::DrOs(10.0)),
        ("replay", Method::Replay),
    ] {
        let logged = if name == "replay" { &by_greedy } else { &by_bts };
        let ours = value(logged, method, 2, 1, &Progress::silent()).unwrap().value;
        let theirs: f64 = list(&golden["estimators"][name]);
        assert!(
            (ours - theirs).abs() < 1e-6 * theirs.abs().max(1e-2),
            "{name}: {ours}, {theirs}"
        );
    }
    let logged: f64 = list(&golden["logged"]["random"]);
    assert!((by_bts.logged_value() - logged).abs() < 1e-12);
    // A real uniform logger raises nothing.
    assert_eq!(Health::of(&by_bts).alarms, Vec::<String>::new());
}

#[test]
fn the_policy_of_another_log_is_seen_from_its_shares() {
    let Some(folder) = folder() else { return };
    let (random, bts) = (imported(&folder, "random"), imported(&folder, "bts"));
    // Both logs number items as the same file lists them.
    assert!(random.items.ids_from(0).eq(bts.items.ids_from(0)));
    let policy = PlacePolicy::of_log(&bts.slates);
    let logged = places(&random.slates, &random.clicked, &policy).unwrap();
    let found = value(&logged, Method::Snips, 500, 1, &Progress::silent()).unwrap();
    let truth = bts.clicked.len() as f64 / bts.slates.len() as f64;
    assert!(found.low < truth && truth < found.high, "{found:?} {truth}");
    // A place that the other never showed says nothing.
    let mut partial = PlacePolicy::new();
    partial.set(0, 1, 1.0);
    let error = places(&random.slates, &random.clicked, &partial).unwrap_err().to_string();
    assert!(error.contains("place") && error.contains("nothing"), "{error}");
}

#[test]
fn values_of_slates_are_those_of_obp() {
    let golden = golden();
    let slates = golden["slates"].as_array().unwrap();
    let mut log = SlateLog::new();
    for (user, slate) in (0u32..).zip(slates) {
        let column = |name: &str| list::<[f64; 3]>(&slate[name]);
        let ratio = |name: &str| {
            let (over, under) = (column(&format!("evaluation_policy_{name}")), column(name));
            [0, 1, 2].map(|place| over[place] / under[place])
        };
        // Theirs is down to each place; ours is each place given those above.
        let down = ratio("pscore_cascade");
        let given = [down[0], down[1] / down[0], down[2] / down[1]].map(|weight| {
            // 0/0 below a place that the target never shows.
            if weight.is_nan() { 0.0 } else { weight }
        });
        log.push(SlateRow {
            user,
            place_weights: &ratio("pscore_item_position"),
            prefix_weights: &given,
            additive_weight: None,
            rewards: &column("reward"),
        })
        .unwrap();
    }
    for (name, method) in [
        ("independent", SlateMethod::ItemPosition),
        ("cascade", SlateMethod::Cascade),
        ("standard", SlateMethod::Standard),
    ] {
        let ours = log.value(method, 2, 1, &Progress::silent()).unwrap().value;
        let theirs: f64 = list(&golden["slate_estimators"][name]);
        assert!((ours - theirs).abs() < 1e-9, "{name}: {ours}, {theirs}");
    }
    assert!(log.value(SlateMethod::PseudoInverse, 2, 1, &Progress::silent()).is_err());
}
