//! A report as text: what must be known first, then one table a group of users.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use crate::bootstrap::Interval;
use crate::report::{Group, Metric, ModelReport, Report};
use crate::verdict::count;

/// The whole text. Lines of prose are not wrapped: the terminal does that.
pub(crate) fn text(report: &Report) -> String {
    let mut lines: Vec<String> = Vec::new();
    lines.extend(report.leaky.clone());
    lines.push(report.verdict.clone());
    lines.extend(report.notes.iter().map(|note| format!("note: {note}")));
    lines.push(String::new());
    let k = report.k();
    for size in &report.groups {
        if size.users == 0 {
            lines.push(format!("{} (n = 0): nobody", size.group));
            continue;
        }
        lines.push(format!("{} (n = {})", size.group, count(size.users)));
        lines.push(accuracy(report, size.group, k).to_string());
        lines.push(String::new());
    }
    lines.push(format!("beyond accuracy, at {k}, all users"));
    lines.push(beyond(report, k).to_string());
    lines.push(String::new());
    lines.extend(setting_words(report));
    lines.join("\n") + "\n"
}

/// An empty table: words to the left in the first column, numbers to the right in the others.
pub(crate) fn table(header: Vec<String>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_content_arrangement(ContentArrangement::Disabled);
    let cell = |(at, text): (usize, String)| match at {
        0 => Cell::new(text),
        _ => Cell::new(text).set_alignment(CellAlignment::Right),
    };
    table.set_header(header.into_iter().enumerate().map(cell).collect::<Vec<_>>());
    table
}

/// Adds a row.
pub(crate) fn add(table: &mut Table, cells: Vec<String>) {
    let cell = |(at, text): (usize, String)| match at {
        0 => Cell::new(text),
        _ => Cell::new(text).set_alignment(CellAlignment::Right),
    };
    table.add_row(cells.into_iter().enumerate().map(cell).collect::<Vec<_>>());
}

fn accuracy(report: &Report, group: Group, k: u32) -> Table {
    let mut header = vec!["model".to_owned(), format!("NDCG@{k}"), "95 % interval".to_owned()];
    header.push(format!("vs {}", report.setting.baseline));
    header.extend(Metric::EVERY[1..].iter().map(|metric| format!("{metric}@{k}")));
    let mut table = table(header);
    for model in &report.models {
        let Some(ndcg) = model.metric(group, k, Metric::Ndcg) else { continue };
        let difference = match ndcg.difference {
            Some(by) => format!("{:+.4} ({:+.4} to {:+.4})", by.value, by.low, by.high),
            None => "—".into(),
        };
        let mut cells = vec![
            model.name.clone(),
            format!("{:.4}", ndcg.mean.value),
            format!("{:.4} to {:.4}", ndcg.mean.low, ndcg.mean.high),
            difference,
        ];
        cells.extend(Metric::EVERY[1..].iter().map(|metric| {
            let measured = model.metric(group, k, *metric);
            measured.map_or("—".into(), |measured| format!("{:.4}", measured.mean.value))
        }));
        add(&mut table, cells);
    }
    table
}

fn beyond(report: &Report, k: u32) -> Table {
    let header =
        ["model", "debiased HR", "coverage", "Gini", "novelty, bits", "diversity", "µs a user"];
    let mut table = table(header.map(str::to_owned).into());
    let users = report.users(Group::All);
    for model in &report.models {
        let Some(beyond) = model.beyond_at(k) else { continue };
        let interval = |interval: Option<Interval>, digits: usize| {
            interval.map_or("—".into(), |it| format!("{:.digits$}", it.value))
        };
        let share =
            |value: Option<f64>| value.map_or("—".into(), |value| format!("{value:.4}"));
        add(
            &mut table,
            vec![
                model.name.clone(),
                interval(beyond.debiased_hit_rate, 4),
                share(beyond.coverage),
                share(beyond.gini),
                interval(beyond.novelty, 2),
                interval(beyond.diversity, 3),
                format!("{:.0}", microseconds(model, users)),
            ],
        );
    }
    table
}

/// Wall time to rank for one user, all threads busy.
pub(crate) fn microseconds(model: &ModelReport, users: usize) -> f64 {
    model.rank_seconds * 1e6 / users.max(1) as f64
}

/// What was measured, on what, one line a fact.
pub(crate) fn setting_words(report: &Report) -> Vec<String> {
    let setting = &report.setting;
    let split = &setting.split;
    let cut = split.test_from_ms.map_or(String::new(), |test_from_ms| {
        format!(", test from {}", data::format_ms(test_from_ms))
    });
    let validation = match split.validation_events {
        0 => String::new(),
        events => format!(" {} validation,", count(events as usize)),
    };
    let catalogue = &setting.catalogue;
    let feedback = match setting.feedback.positive.len() {
        0 => "every event counts".to_owned(),
        rules => format!("events count by {rules} rules"),
    };
    vec![
        format!(
            "split: {}{cut}; {} training,{validation} {} test events; clock {}; histories {}",
            split.kind,
            count(split.train_events as usize),
            count(split.test_events as usize),
            split.clock,
            setting.histories
        ),
        format!(
            "catalogue: all {} items ranked ({} in training); {} pairs to find, {} of them new \
             items; seen items: {}; {feedback}",
            count(catalogue.items as usize),
            count(catalogue.items_in_training as usize),
            count(catalogue.relevant as usize),
            count(catalogue.relevant_new as usize),
            setting.seen
        ),
        format!(
            "data {}; seed {}; ties: {}; intervals: user bootstrap, {} replicates",
            setting.log_checksum.chars().take(16).collect::<String>(),
            setting.seed,
            setting.tie_rule,
            setting.bootstrap
        ),
    ]
}
