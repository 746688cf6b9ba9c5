//! A summary as a table for the terminal.

use std::fmt::Write;

use comfy_table::{Table, TableStyle};
use data::{grouped, seconds_in_words};

use super::plan::value_in_words;
use super::summary::{Summary, Tried};

/// For people at a terminal.
pub(crate) fn terminal(summary: &Summary) -> String {
    if summary.combinations.is_empty() {
        return "no trial is finished yet".into();
    }
    let mut text = format!(
        "{}\n\n{}; split: {}; {} users of the validation part; the test part is not looked at.\n\n",
        summary.title,
        summary.model,
        summary.split,
        grouped(summary.cases)
    );
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    let paths = summary.varied.iter().map(|axis| axis.path.clone());
    let several = summary.combinations.iter().any(|tried| tried.seeds.len() > 1);
    let mut head = vec!["".to_owned()];
    head.extend(paths);
    head.push(summary.metric.clone());
    if several {
        head.extend(["deviation", "least to most", "seeds"].map(str::to_owned));
    }
    head.extend(["epoch", "time"].map(str::to_owned));
    table.set_header(&head);
    for (at, tried) in summary.combinations.iter().enumerate() {
        table.add_row(row(summary, at + 1, tried, several));
    }
    let _ = write!(text, "{table}");
    if summary.unfinished > 0 {
        let _ = write!(text, "\n\n{} trials are not finished.", summary.unfinished);
    }
    let _ = write!(text, "\n\nRan on: {}.", summary.machines.join("; "));
    text
}

fn row(summary: &Summary, place: usize, tried: &Tried, several: bool) -> Vec<String> {
    let mut row = vec![place.to_string()];
    let of = |path: &String| tried.values.get(path).map(value_in_words).unwrap_or_default();
    row.extend(summary.varied.iter().map(|axis| of(&axis.path)));
    let number = |value: f64| format!("{value:.4}");
    row.push(tried.ndcg.map_or("diverged".into(), |ndcg| number(ndcg.mean)));
    if several {
        let seeds = tried.seeds.len();
        match tried.ndcg {
            Some(ndcg) => {
                row.push(number(ndcg.deviation));
                row.push(format!("{} to {}", number(ndcg.min), number(ndcg.max)));
            }
            None => row.extend([String::new(), String::new()]),
        }
        row.push(match tried.diverged {
            0 => seeds.to_string(),
            diverged => format!("{seeds}, {diverged} diverged"),
        });
    }
    let epochs: Vec<String> = tried.best_epochs.iter().map(u32::to_string).collect();
    let none = tried.best_epochs.iter().all(|epoch| *epoch == 0);
    row.push(if none { "".into() } else { epochs.join(", ") });
    row.push(seconds_in_words(tried.seconds));
    row
}
