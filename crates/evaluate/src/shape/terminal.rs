//! Shapes as text: a table a curve, and which made log is nearest to which real one.

use comfy_table::Table;

use super::page::{QUESTIONS, label, ticks};
use super::{CURVES, Calibration};
use crate::number::fixed;
use crate::terminal::{add, table};

/// The whole text.
pub(super) fn text(held: &Calibration) -> String {
    let mut lines = Vec::new();
    for (curve, question) in QUESTIONS {
        lines.push(question.to_owned());
        lines.push(of_curve(held, curve).to_string());
        for nearest in held.nearest.iter().filter(|nearest| nearest.curve == curve) {
            lines.push(format!(
                "nearest to {}: {}, at most {} apart",
                nearest.real,
                nearest.made,
                fixed(nearest.distance, 3)
            ));
        }
        lines.push(String::new());
    }
    for shape in &held.shapes {
        lines.push(format!("{}: {}", shape.name, shape.what));
    }
    lines.extend(held.missing.iter().map(|missing| format!("NOT THERE: {missing}")));
    lines.join("\n")
}

fn of_curve(held: &Calibration, curve: &str) -> Table {
    let of = CURVES.iter().find(|(name, _)| *name == curve).map(|(_, of)| of);
    let ticks = ticks(curve);
    // A line of the terminal holds nine columns.
    let every = ticks.div_ceil(9);
    let shown: Vec<usize> = (0..ticks).step_by(every).collect();
    let mut header = vec![String::new()];
    header.extend(shown.iter().map(|at| label(curve, *at)));
    let mut table = table(header);
    for shape in &held.shapes {
        let Some(values) = of.and_then(|of| of(shape)) else { continue };
        let mut row = vec![shape.name.clone()];
        row.extend(shown.iter().map(|at| fixed(values[*at], 3)));
        add(&mut table, row);
    }
    table
}
