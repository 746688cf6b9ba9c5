//! The plot of the curve in SVG: NDCG@10 and loss against operations, each with its law.

use maud::{Markup, html};

use super::Curve;
use super::law::{LogLaw, PowerLaw};
use super::point::Point;
use crate::experiment::{Frame, Label, px, sheet};

/// Pieces that a law is drawn in.
const PIECES: u32 = 40;

/// The plot; two panels.
pub(crate) fn svg(curve: &Curve) -> String {
    let ndcg = curve.ndcg_law.map(|law: LogLaw| move |compute: f64| law.at(compute));
    let power = curve.loss_power_law.filter(|_| curve.loss_better == Some("power"));
    let log = curve.loss_law;
    let loss = log.map(|log: LogLaw| {
        move |compute: f64| power.map_or(log.at(compute), |law: PowerLaw| law.at(compute))
    });
    let panels = [
        panel(curve, "validation NDCG@10", |point| point.ndcg, ndcg),
        panel(curve, "validation loss", |point| point.loss, loss),
    ];
    sheet(&format!("HSTU on {}", curve.data), &panels)
}

fn panel(
    curve: &Curve,
    metric: &str,
    of: impl Fn(&Point) -> f64,
    law: Option<impl Fn(f64) -> f64>,
) -> Markup {
    let points = &curve.points;
    let least = points.iter().map(|point| point.flops as f64).fold(f64::INFINITY, f64::min);
    let most = points.iter().map(|point| point.flops as f64).fold(1.0, f64::max);
    let share = |compute: f64| {
        let share = (compute / least).ln() / (most / least).ln();
        if share.is_finite() { share } else { 0.5 }
    };
    let at = |step: u32| least * (most / least).powf(f64::from(step) / f64::from(PIECES));
    let drawn: Vec<(f64, f64)> = law.map_or_else(Vec::new, |law| {
        (0..=PIECES).map(|step| (share(at(step)), law(at(step)))).collect()
    });
    let all = || points.iter().map(&of).chain(drawn.iter().map(|(_, y)| *y));
    let frame = Frame::around(
        all().fold(f64::INFINITY, f64::min),
        all().fold(f64::NEG_INFINITY, f64::max),
    );
    let ends = if most > least { vec![least, most] } else { vec![most] };
    let labels: Vec<Label> = ends
        .into_iter()
        .filter(|end| end.is_finite())
        .map(|end| Label { share: share(end), words: format!("{end:.1e}"), line: 0 })
        .collect();
    let line: Vec<String> =
        drawn.iter().map(|(x, y)| format!("{},{}", px(frame.x(*x)), px(frame.y(*y)))).collect();
    html! {
        (frame.axes(&format!("{metric} by training FLOP, log scale"), &labels))
        @if !line.is_empty() { polyline.fit points=(line.join(" ")) {} }
        @for point in points {
            g.mark {
                title { (point.dim) " columns: " (format!("{:.4}", of(point))) }
                circle cx=(px(frame.x(share(point.flops as f64)))) cy=(px(frame.y(of(point)))) r="4" {}
            }
        }
    }
}
