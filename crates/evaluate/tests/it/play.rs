//! A play as text, as a page and as a sealed folder.

use std::sync::Arc;

use data::{Files, RealFiles};
use evaluate::{
    ArmReport, Difference, Estimator, Interleaved, Interval, PLAY_FORMAT, PlayReport,
    PolicyEstimates, Tally, WorldFacts,
};
use expect_test::expect;

fn interval(value: f64, half: f64) -> Interval {
    Interval { value, low: value - half, high: value + half }
}

/// Days of a policy whose people are the more pleased the higher `rate` is.
fn arm(name: &str, rate: f64) -> ArmReport {
    let mut total = Tally::default();
    let days: Vec<Tally> = (0..14u32)
        .map(|day| {
            let visits = 900 + u64::from(day) * (rate * 400.0) as u64;
            let impressions = visits * 24;
            let clicks = (impressions as f64 * rate) as u64;
            let wave = 1.0 + 0.1 * f64::from(day % 7);
            let day = Tally {
                visits,
                requests: visits * 3,
                impressions,
                clicks,
                satisfaction: clicks as f64 * 0.4 * wave * rate * 8.0,
                expected_clicks: impressions as f64 * rate * 1.01,
                watched_s: clicks as f64 * 31.0,
                likes: clicks / 9,
                buys: clicks / 40,
                abandons: visits / 5,
                creations: clicks / 200,
            };
            add(&mut total, &day);
            day
        })
        .collect();
    ArmReport { name: name.into(), total, days, seconds: 1.25 }
}

fn add(sum: &mut Tally, day: &Tally) {
    sum.visits += day.visits;
    sum.requests += day.requests;
    sum.impressions += day.impressions;
    sum.clicks += day.clicks;
    sum.satisfaction += day.satisfaction;
    sum.expected_clicks += day.expected_clicks;
    sum.watched_s += day.watched_s;
    sum.likes += day.likes;
    sum.buys += day.buys;
    sum.abandons += day.abandons;
    sum.creations += day.creations;
}

fn difference(of: &str, first: f64, second: f64, half: f64) -> Difference {
    Difference { of: of.into(), first, second, difference: interval(first - second, half) }
}

fn estimator(name: &str, value: f64, half: f64) -> Estimator {
    Estimator { name: name.into(), value: interval(value, half) }
}

fn made() -> PlayReport {
    PlayReport {
        format: PLAY_FORMAT,
        world: WorldFacts {
            preset: "short-video".into(),
            seed: 7,
            users: 2_000,
            items: 5_000,
            places: 8,
            candidates: 200,
            warm_impressions: 400_000,
            days: 14,
        },
        arms: vec![arm("item-knn", 0.061), arm("epsilon:0.1:popular", 0.052)],
        differences: vec![
            difference("satisfaction", 2.0412, 1.4471, 0.21),
            difference("visits", 7.23, 7.16, 0.12),
            difference("abandons", 1.2, 1.3, 0.05),
        ],
        estimates: vec![PolicyEstimates {
            of: "click on the first place".into(),
            rows: 41_221,
            true_value: 0.0834,
            logged_value: 0.0601,
            estimators: vec![
                estimator("IPS", 0.0911, 0.0233),
                estimator("SNIPS", 0.0871, 0.0104),
                estimator("DM", 0.0755, 0.0031),
                estimator("DR", 0.0829, 0.0042),
                estimator("wild IPS", 0.9, 3.0),
            ],
            effective_share: 0.083,
            weight_max: 212.4,
            weight_mean: 0.987,
            alarms: vec!["few rows carry most of the weight".into()],
        }],
        interleaved: Some(Interleaved {
            requests: 50_210,
            first_won: 9_113,
            second_won: 7_004,
            credit: Interval { value: 0.0512, low: 0.0402, high: 0.0631 },
        }),
        verdict: "item-knn pleases people more than epsilon:0.1:popular.".into(),
    }
}

#[test]
fn a_play_fits_a_terminal() {
    expect![[r#"
        item-knn pleases people more than epsilon:0.1:popular.

        what happened in 14 days
        ┌──────────────────────────────────────────────────────────────────┐
        │                         item-knn   epsilon:0.1:popular    change │
        ╞══════════════════════════════════════════════════════════════════╡
        │ satisfaction a person     2.7645                1.9573   +41.2 % │
        │ satisfaction a visit      0.3740                0.2715   +37.8 % │
        │ satisfaction a click      0.2555                0.2176   +17.4 % │
        │ satisfaction              5529.1                3914.6   +41.2 % │
        │ visits a person           7.3920                7.2100    +2.5 % │
        │ visits                    14,784                14,420    +2.5 % │
        │ visits abandoned         19.96 %               20.00 %    -0.2 % │
        │ abandons                   2,951                 2,884    +2.3 % │
        │ requests                  44,352                43,260    +2.5 % │
        │ impressions              354,816               346,080    +2.5 % │
        │ clicks                    21,637                17,989   +20.3 % │
        │ click rate                6.10 %                5.20 %   +17.3 % │
        │ click rate expected       6.16 %                5.25 %   +17.3 % │
        │ hours watched             186.32                154.91   +20.3 % │
        │ likes                      2,399                 1,992   +20.4 % │
        │ buys                         533                   443   +20.3 % │
        │ creations                    100                    82   +22.0 % │
        └──────────────────────────────────────────────────────────────────┘

        a person, first minus second
        ┌─────────────────────────────────────────────────────────────────────────────────┐
        │                item-knn   epsilon:0.1:popular   difference        95 % interval │
        ╞═════════════════════════════════════════════════════════════════════════════════╡
        │ satisfaction     2.0412                1.4471      +0.5941   +0.3841 to +0.8041 │
        │ visits           7.2300                7.1600      +0.0700   -0.0500 to +0.1900 │
        │ abandons         1.2000                1.3000      -0.1000   -0.1500 to -0.0500 │
        └─────────────────────────────────────────────────────────────────────────────────┘
        Both in one slate, drafted by turns (50,210 requests): item-knn has more clicks in 18.1 %, epsilon:0.1:popular in 13.9 %; +0.0512 clicks a request for item-knn, +0.0402 to +0.0631: people prefer item-knn, by clicks

        What the log of epsilon:0.1:popular says of item-knn: click on the first place
        ALARM: few rows carry most of the weight
        ┌──────────────────────────────────────────────────────────────────────┐
        │ estimator     value       95 % interval    off by   covers the truth │
        ╞══════════════════════════════════════════════════════════════════════╡
        │ IPS          0.0911    0.0678 to 0.1144   +0.0077                yes │
        │ SNIPS        0.0871    0.0767 to 0.0975   +0.0037                yes │
        │ DM           0.0755    0.0724 to 0.0786   -0.0079                 no │
        │ DR           0.0829    0.0787 to 0.0871   -0.0005                yes │
        │ wild IPS     0.9000   -2.1000 to 3.9000   +0.8166                yes │
        │ true value   0.0834                                                  │
        └──────────────────────────────────────────────────────────────────────┘
        41,221 requests in the log, worth 8.3 % of as many of its own; weights: mean 0.987 (1 where propensities are right), largest 212.4; the log's own policy reached 0.0601

        world short-video, seed 7: 2,000 people, 5,000 items at the start, 14 days; 400,000 impressions by chance before, to learn from
        a slate has 8 places and is chosen from 200 candidates; each policy plays in a world of its own, and both begin the same
        time: item-knn 1 s, 283,852 impressions/s; epsilon:0.1:popular 1 s, 276,864 impressions/s
    "#]].assert_eq(&made().to_terminal());
}

#[test]
fn the_page_stands_alone_and_has_the_truth_in_it() {
    let html = made().to_html();
    for outside in ["<script", "http://", "https://", "url(", "@import"] {
        assert!(!html.contains(outside), "{outside}");
    }
    for word in [
        "item-knn pleases people more",
        "Satisfaction a person, day by day",
        "What the log of epsilon:0.1:popular says of item-knn: click on the first place",
        "few rows carry most of the weight",
        "true value",
        "class=\"base\"",
        "class=\"arrow\"",
        "covers the truth",
        "8.3 %",
        "creations",
    ] {
        assert!(html.contains(word), "{word}");
    }
    assert!(html.ends_with("</html>") && html.starts_with("<!DOCTYPE html>"));
    let body = made().html_body().into_string();
    assert!(html.contains(&body) && body.starts_with("<article"));
}

/// No text of a play shows a number that is none.
fn check_words(play: &PlayReport) {
    for text in [play.to_html(), play.to_terminal(), play.to_json()] {
        let text = text.replace("inf_est", "").replace("info", "");
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
}

#[test]
fn what_is_no_number_is_not_shown_as_one() {
    let mut play = made();
    let no = f64::NAN;
    play.estimates[0].estimators[0].value = Interval { value: no, low: no, high: no };
    play.estimates[0].estimators[1].value = Interval { value: 0.08, low: no, high: no };
    play.estimates[0].estimators[2].value =
        Interval { value: 0.08, low: f64::NEG_INFINITY, high: f64::INFINITY };
    play.differences[0].difference = Interval { value: no, low: no, high: f64::INFINITY };
    play.differences[1].first = no;
    check_words(&play);
    let estimators = &play.estimates[0].estimators;
    assert!(estimators[..3].iter().all(|it| !it.covers(0.0834)), "they say nothing");
    assert!(estimators[3].covers(0.0834) && !estimators[2].covers(no));
    play.estimates[0].effective_share = no;
    play.estimates[0].weight_max = f64::INFINITY;
    play.estimates[0].true_value = no;
    play.arms[0].seconds = 0.0;
    play.arms[0].days[3].satisfaction = no;
    check_words(&play);
    assert!(play.to_html().contains("∞"));
}

#[test]
fn a_play_of_nothing_is_a_page_too() {
    let mut play = made();
    play.estimates.clear();
    play.differences.clear();
    play.arms[1].total = Tally::default();
    play.arms[1].days = vec![Tally::default(); 3];
    check_words(&play);
    assert!(play.to_terminal().contains("—"), "a rate of no clicks");
    for arm in &mut play.arms {
        arm.days.clear();
    }
    play.world.users = 0;
    check_words(&play);
    assert!(play.to_html().contains("No day was played."));
    play.arms.clear();
    check_words(&play);
    play.estimates = made().estimates;
    play.estimates[0].estimators.clear();
    check_words(&play);
    assert!(play.to_html().contains("Nothing was estimated."));
}

#[test]
fn names_are_escaped() {
    let mut play = made();
    let hostile = "<script>alert('&\"')</script>";
    play.world.preset = hostile.into();
    play.verdict = hostile.into();
    play.arms[0].name = hostile.into();
    play.arms[1].name = hostile.into();
    play.differences[0].of = hostile.into();
    play.estimates[0].of = hostile.into();
    play.estimates[0].alarms[0] = hostile.into();
    play.estimates[0].estimators[0].name = hostile.into();
    let html = play.to_html();
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"));
    assert!(!html.contains("\"')"), "a quote ends an attribute");
}

fn files() -> Arc<dyn Files> {
    Arc::new(RealFiles)
}

#[test]
fn plays_are_kept_listed_and_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let (files, dir) = (files(), dir.path());
    assert!(evaluate::latest_play(&files, dir).unwrap().is_none());
    assert!(evaluate::play_ids(&files, dir).unwrap().is_empty());
    let first = made();
    let second = PlayReport { verdict: "Neither.".into(), ..made() };
    assert_eq!(evaluate::save_play(&files, dir, &first).unwrap(), "000001");
    assert_eq!(evaluate::save_play(&files, dir, &second).unwrap(), "000002");
    assert_eq!(evaluate::play_ids(&files, dir).unwrap(), ["000001", "000002"]);
    assert_eq!(evaluate::latest_play(&files, dir).unwrap(), Some(("000002".into(), second)));
    assert_eq!(evaluate::read_play(&files, dir, "000001").unwrap(), Some(first));
    for id in ["000003", "..", "../000001", "", ".lock"] {
        assert_eq!(evaluate::read_play(&files, dir, id).unwrap(), None, "{id}");
    }
    let html = std::fs::read_to_string(dir.join("000001/play.html")).unwrap();
    assert_eq!(html, made().to_html());
}

#[test]
fn what_is_no_number_is_kept_as_null() {
    let dir = tempfile::tempdir().unwrap();
    let (files, dir) = (files(), dir.path());
    let mut play = made();
    play.estimates[0].estimators[0].value =
        Interval { value: 0.5, low: f64::NAN, high: f64::INFINITY };
    play.estimates[0].weight_max = f64::INFINITY;
    play.differences[0].first = f64::NAN;
    evaluate::save_play(&files, dir, &play).unwrap();
    let (_, read) = evaluate::latest_play(&files, dir).unwrap().unwrap();
    let it = read.estimates[0].estimators[0].value;
    assert!((it.value - 0.5).abs() < 1e-12 && it.low.is_nan() && it.high.is_nan());
    assert!(read.estimates[0].weight_max.is_nan() && read.differences[0].first.is_nan());
    assert_eq!(read.to_json(), play.to_json());
}

#[test]
fn a_newer_play_is_refused_and_damage_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (files, dir) = (files(), dir.path());
    let newer = PlayReport { format: PLAY_FORMAT + 1, ..made() };
    evaluate::save_play(&files, dir, &newer).unwrap();
    let error = evaluate::latest_play(&files, dir).unwrap_err().to_string();
    assert!(error.contains("play.json") && error.contains("newer"), "{error}");
    evaluate::save_play(&files, dir, &made()).unwrap();
    crate::report::flip(&dir.join("000002/play.json"));
    let error = evaluate::latest_play(&files, dir).unwrap_err().to_string();
    assert!(error.contains("000002") && error.contains("play.json"), "{error}");
    // A report is no play.
    let error = evaluate::latest(&files, dir).unwrap_err().to_string();
    assert!(error.contains("play"), "{error}");
}
