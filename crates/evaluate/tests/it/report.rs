//! From rankings to a report and back from its file.

use std::path::Path;
use std::sync::Arc;

use data::split::{Cut, Split, SplitSpec, split};
use data::{Catalogue, ClockKind, Feedback, Files, Jagged, Progress, RealFiles, Sequences};
use evaluate::{Cases, EvaluateConfig, Group, Metric, Ranked, Report, SeenPolicy, Setting};

const DAY: i64 = 86_400_000;

/// 300 users of 20 items: one item each in training (user 0 none), one in the test.
fn world(leaky: bool) -> (Catalogue, Split) {
    let mut catalogue = Catalogue::default();
    for user in 0..300 {
        catalogue.users.intern(&format!("u{user}")).unwrap();
    }
    for item in 0..20 {
        catalogue.items.intern(&format!("i{item}")).unwrap();
    }
    let mut events: Vec<(u32, u32, i64, f32)> =
        (1..300u32).map(|user| (user, user % 10, (100 + i64::from(user)) * DAY, 1.0)).collect();
    let middle = (1..300u32).map(|user| (user, user % 3 + 17, 450 * DAY, 1.0));
    if leaky {
        events.extend(middle);
    }
    events.extend((0..300u32).map(|user| (user, user % 10 + 5 + user % 2, 500 * DAY, 1.0)));
    let all = Sequences::from_events(300, 20, &events).unwrap();
    let spec = if leaky {
        SplitSpec::LeaveLastOut
    } else {
        SplitSpec::Time { validation_from: None, test_from: Cut::Instant(500 * DAY) }
    };
    (catalogue, split(&all, ClockKind::Real, &spec).unwrap())
}

fn rank(name: &str, cases: &Cases, row: impl Fn(usize) -> Vec<u32>) -> Ranked {
    let mut items = Jagged::default();
    (0..cases.len()).for_each(|case| items.push(row(case)).unwrap());
    Ranked { name: name.into(), items, seconds: 0.5 }
}

fn measured(leaky: bool) -> Report {
    let (catalogue, split) = world(leaky);
    let cases = Cases::new(&split, SeenPolicy::Exclude).unwrap();
    let right = rank("oracle", &cases, |case| cases.relevant(case).to_vec());
    let wrong = rank("popular-lately", &cases, |_| Vec::new());
    evaluate_all(&catalogue, &split, &cases, &[right, wrong]).unwrap()
}

fn evaluate_all(
    catalogue: &Catalogue,
    split: &Split,
    cases: &Cases,
    ranked: &[Ranked],
) -> evaluate::Result<Report> {
    let setting = Setting {
        catalogue,
        split,
        log_checksum: "abc",
        seed: 1,
        tie_rule: data::order::TIE_RULE,
        feedback: &Feedback::default(),
        created_ms: 600 * DAY,
    };
    let config = EvaluateConfig::default();
    evaluate::evaluate(cases, ranked, &setting, &config, &Progress::silent())
}

#[test]
fn the_right_answer_is_perfect_and_beats_silence() {
    let report = measured(false);
    let ndcg = report.model("oracle").unwrap().metric(Group::All, 10, Metric::Ndcg).unwrap();
    assert!((ndcg.mean.low - 1.0).abs() < 1e-12 && (ndcg.mean.value - 1.0).abs() < 1e-12);
    assert!(ndcg.difference.unwrap().low > 0.99);
    assert!(report.verdict.starts_with("oracle beats popular-lately"), "{}", report.verdict);
    assert_eq!(report.users(Group::Cold), 1, "user 0 has no history");
    assert_eq!(report.users(Group::All), report.users(Group::Warm) + 1);
    assert_eq!(report, measured(false), "the same numbers again");
}

#[test]
fn a_leaky_split_is_named_first() {
    let report = measured(true);
    let text = report.to_terminal();
    assert!(text.starts_with("LEAKY SPLIT (leave-last-out)"), "{text}");
    assert!(report.to_html().contains("LEAKY SPLIT"));
    assert!(measured(false).leaky.is_none());
}

#[test]
fn rankings_that_cannot_be_are_refused() {
    let (catalogue, split) = world(false);
    let cases = Cases::new(&split, SeenPolicy::Exclude).unwrap();
    let refused = |row: Vec<u32>, wanted: &str| {
        let ranked =
            [rank("mine", &cases, |case| if case == 3 { row.clone() } else { vec![] })];
        let error = evaluate_all(&catalogue, &split, &cases, &ranked).unwrap_err().to_string();
        assert!(error.contains("mine") && error.contains(wanted), "{error}");
    };
    refused(vec![20], "of 20");
    refused(split.train.user(cases.user(3)).items.to_vec(), "already seen");
    let short = Ranked { name: "short".into(), items: Jagged::default(), seconds: 0.0 };
    assert!(evaluate_all(&catalogue, &split, &cases, &[short]).is_err());
}

#[test]
fn items_of_the_validation_part_are_seen_too() {
    let events = [(0, 0, 1, 1.0), (0, 1, 2, 1.0), (0, 1, 3, 1.0), (0, 2, 4, 1.0)];
    let events = events.map(|(user, item, day, value)| (user, item, (100 + day) * DAY, value));
    let all = Sequences::from_events(1, 3, &events).unwrap();
    let at = |day: i64| Cut::Instant((100 + day) * DAY);
    let spec = SplitSpec::Time { validation_from: Some(at(2)), test_from: at(3) };
    let split = split(&all, ClockKind::Real, &spec).unwrap();
    let cases = Cases::new(&split, SeenPolicy::Exclude).unwrap();
    assert_eq!((cases.seen_items(0), cases.relevant(0)), (&[0, 1][..], &[2][..]));
    let again = Cases::new(&split, SeenPolicy::Include).unwrap();
    assert_eq!((again.seen_items(0), again.relevant(0)), (&[][..], &[1, 2][..]));
    // Who came back for what was known had come back.
    assert_eq!((cases.asked_ms(0), cases.times_ms(0)), (103 * DAY, &[104 * DAY][..]));
}

#[test]
fn a_report_is_kept_and_read_back_and_damage_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let files: Arc<dyn Files> = Arc::new(RealFiles);
    assert!(evaluate::latest(&files, dir.path()).unwrap().is_none());
    let report = measured(false);
    assert_eq!(evaluate::save(&files, dir.path(), &report).unwrap(), "000001");
    assert_eq!(evaluate::save(&files, dir.path(), &report).unwrap(), "000002");
    let (id, read) = evaluate::latest(&files, dir.path()).unwrap().unwrap();
    assert_eq!((id.as_str(), &read), ("000002", &report));
    flip(&dir.path().join("000002/report.json"));
    let error = evaluate::latest(&files, dir.path()).unwrap_err().to_string();
    assert!(error.contains("report.json"), "{error}");
}

pub(crate) fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn the_page_stands_alone() {
    let html = measured(false).to_html();
    assert!(html.contains("<svg") && html.contains("NDCG@10 by model"));
    for outside in ["<script", "http://", "https://", "url("] {
        assert!(!html.contains(outside), "{outside}");
    }
}
