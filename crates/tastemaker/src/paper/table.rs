//! A summary as tables: for the terminal, and for a README.

use std::fmt::Write;

use comfy_table::{Table, TableStyle};

use super::metric::{Kind, Metric};
use super::summary::{ArmSummary, GridSummary, Spread, Summary, Winner};

const QUICK: &str = "quick: fewer users and epochs, not numbers to quote";

/// For people at a terminal.
pub(crate) fn terminal(summary: &Summary) -> String {
    render(summary, &|rows| {
        let mut table = Table::new();
        table.load_style(TableStyle::new());
        if let [head, rows @ ..] = rows {
            table.set_header(head);
            for row in rows {
                table.add_row(row);
            }
        }
        table.to_string()
    })
}

/// For a README.
pub(crate) fn markdown(summary: &Summary) -> String {
    let tables = render(summary, &|rows| {
        let line = |row: &Vec<String>| format!("| {} |", row.join(" | "));
        let mut lines: Vec<String> = rows.iter().map(line).collect();
        if let Some(head) = rows.first() {
            lines.insert(1, format!("|{}", "---|".repeat(head.len())));
        }
        lines.join("\n")
    });
    let paper = &summary.paper;
    format!("<!-- measured: `tastemaker paper {paper} --markdown` wrote this -->\n\n{tables}\n")
}

/// Draws rows, the first of which is the head.
pub(crate) type Rows<'a> = &'a dyn Fn(&[Vec<String>]) -> String;

fn render(summary: &Summary, table: Rows<'_>) -> String {
    let mut text = String::new();
    if summary.grids.is_empty() && summary.studies.is_empty() {
        return "no cell is finished yet".into();
    }
    for (at, grid) in summary.grids.iter().enumerate() {
        if at > 0 {
            text.push_str("\n\n");
        }
        let _ = write!(text, "**{}**", grid.title);
        if summary.quick {
            let _ = write!(text, " ({QUICK})");
        }
        let _ = write!(
            text,
            "\n\n{}; split: {}{}; {} cases, {} items, clock {}.\n\n",
            grid.data,
            grid.split,
            if grid.leaky { " (leaky: for comparing with papers only)" } else { "" },
            grid.cases,
            grid.items,
            grid.clock
        );
        text.push_str(&table(&accuracy(grid)));
        if grid.arms.iter().any(|arm| !arm.published.is_empty()) {
            let _ = write!(text, "\n\nBeside the literature:\n\n{}", table(&published(grid)));
        }
        if grid.arms.iter().any(|arm| !arm.deciles.is_empty()) {
            let words = "By popularity of the target (1: the few items with the first tenth of \
                         the training events)";
            let _ = write!(text, "\n\n{words}, NDCG@10:\n\n{}", table(&deciles(grid)));
        }
        if let Some(winner) = &grid.winner {
            let _ = write!(text, "\n\n{}", in_a_sentence(winner));
        }
        if grid.unfinished > 0 {
            let _ = write!(text, "\n\n{} cells are not finished.", grid.unfinished);
        }
        let _ = write!(text, "\n\nRan on: {}.", grid.machines.join("; "));
    }
    if !summary.studies.is_empty() {
        if !summary.grids.is_empty() {
            text.push_str("\n\n");
        }
        let quick = if summary.quick { format!(" ({QUICK})") } else { String::new() };
        text.push_str(&super::study::studies(&summary.studies, &quick, table));
    }
    if let Some(reversals) = &summary.reversals {
        let _ = write!(text, "\n\n{}", super::reversal_table::reversals(reversals, table));
    }
    text
}

fn accuracy(grid: &GridSummary) -> Vec<Vec<String>> {
    let mut head = vec!["arm".to_owned(), "seeds".to_owned()];
    head.extend(grid.metrics.iter().map(shown_name));
    head.extend(["kept epoch".to_owned(), "time of a cell".to_owned()]);
    let mut rows = vec![head];
    for arm in &grid.arms {
        let mut row = vec![arm.title.clone(), arm.seeds.len().to_string()];
        for metric in &grid.metrics {
            let found = arm.metrics.iter().find(|spread| spread.metric == *metric);
            row.push(found.map_or("–".into(), |spread| shown(spread, arm.seeds.len())));
        }
        row.push(epochs(arm));
        row.push(data::seconds_in_words(arm.seconds));
        rows.push(row);
    }
    rows
}

/// As tables name it.
pub(crate) fn shown_name(metric: &Metric) -> String {
    match metric.kind {
        Kind::Hr | Kind::Ndcg | Kind::Mrr => metric.to_string().to_uppercase(),
        Kind::Recall | Kind::Coverage | Kind::Popularity => metric.to_string(),
    }
}

/// Mean, then deviation over seeds; with one seed, the interval over users.
fn shown(spread: &Spread, seeds: usize) -> String {
    let digits = match spread.metric.kind {
        Kind::Popularity => 0,
        Kind::Coverage => 3,
        Kind::Hr | Kind::Ndcg | Kind::Recall | Kind::Mrr => 4,
    };
    let mean = spread.mean;
    match (seeds, spread.interval) {
        (1, Some(interval)) => {
            format!("{mean:.digits$} [{:.digits$}, {:.digits$}]", interval.low, interval.high)
        }
        (1, None) => format!("{mean:.digits$}"),
        _ => format!(
            "{mean:.digits$} ± {:.digits$} ({:.digits$}..{:.digits$})",
            spread.deviation, spread.min, spread.max
        ),
    }
}

fn epochs(arm: &ArmSummary) -> String {
    let kept: Vec<String> = arm.best_epochs.iter().map(u32::to_string).collect();
    if arm.best_epochs.iter().all(|epoch| *epoch == 0) { "–".into() } else { kept.join(", ") }
}

fn published(grid: &GridSummary) -> Vec<Vec<String>> {
    let head = ["arm", "metric", "ours", "published", "ours ÷ published", "verdict", "source"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for arm in &grid.arms {
        for compared in &arm.published {
            rows.push(vec![
                arm.title.clone(),
                shown_name(&compared.metric),
                format!("{:.4}", compared.ours),
                format!("{:.4}", compared.published),
                format!("{:.3}", compared.ours / compared.published),
                format!("{} (band ±{:.0} %)", compared.verdict, compared.band * 100.0),
                compared.source.clone(),
            ]);
        }
    }
    rows
}

fn deciles(grid: &GridSummary) -> Vec<Vec<String>> {
    let with: Vec<&ArmSummary> =
        grid.arms.iter().filter(|arm| !arm.deciles.is_empty()).collect();
    let mut head = vec!["arm".to_owned()];
    let mut sizes = vec!["items / cases".to_owned()];
    for row in &with[0].deciles {
        head.push(row.decile.to_string());
        sizes.push(format!("{} / {}", row.items, row.cases));
    }
    let mut rows = vec![head, sizes];
    for arm in with {
        let mut row = vec![arm.title.clone()];
        row.extend(arm.deciles.iter().map(|decile| match arm.seeds.len() {
            1 => format!("{:.3}", decile.ndcg.mean),
            _ => format!("{:.3} ± {:.3}", decile.ndcg.mean, decile.ndcg.deviation),
        }));
        rows.push(row);
    }
    rows
}

fn in_a_sentence(winner: &Winner) -> String {
    let (clear, close): (Vec<_>, Vec<_>) =
        winner.ahead_of.iter().partition(|other| other.difference.low > 0.0);
    let list = |others: &[&super::summary::Ahead]| {
        let each = others.iter().map(|other| {
            let difference = &other.difference;
            format!(
                "{} (+{:.4} [{:.4}, {:.4}])",
                other.arm, difference.value, difference.low, difference.high
            )
        });
        each.collect::<Vec<_>>().join(", ")
    };
    let mut text = format!("Best by NDCG@10: {} with {:.4}.", winner.arm, winner.ndcg);
    if !clear.is_empty() {
        let _ = write!(text, " Ahead beyond doubt (95 %, users paired) of {}.", list(&clear));
    }
    if !close.is_empty() {
        let _ = write!(text, " Not told apart from {}.", list(&close));
    }
    text
}
