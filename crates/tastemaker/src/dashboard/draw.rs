//! The picture of a [`State`]: the same state, the same picture.

use data::{grouped, seconds_in_words};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType, Paragraph};

use super::State;
use super::curve::Curve;
use super::screen::Picture;

/// From here on curves have axes and messages a box.
pub(super) const LARGE: (u16, u16) = (60, 18);

impl Picture for State {
    fn draw(&self, frame: &mut Frame<'_>) {
        draw(frame, self);
    }

    fn stop(&mut self) {
        self.stopping = true;
    }

    fn lines(&self) -> &[String] {
        &self.lines
    }
}

/// Draws it over the whole frame, of whatever size.
fn draw(frame: &mut Frame<'_>, state: &State) {
    let area = frame.area();
    let large = area.width >= LARGE.0 && area.height >= LARGE.1;
    let wide = usize::from(area.width);
    let (rates, left) = (rates(state, large), left(state));
    if large {
        let lines = [1, 1, 1].map(Constraint::Length);
        let rows = [Constraint::Length(1), Constraint::Min(6)];
        let rows = rows.into_iter().chain(lines).chain([Constraint::Length(6)]);
        let rows = Layout::vertical(rows).split(area);
        frame.render_widget(header(state, wide), rows[0]);
        curves(frame, rows[1], state, true);
        frame
            .render_widget(bar("epoch", state.share_of_epoch(), &tokens(state), wide), rows[2]);
        frame.render_widget(bar("run", state.share_of_run(), &steps(state), wide), rows[3]);
        let both = [rates, left].into_iter().filter(|words| !words.is_empty());
        let both = both.collect::<Vec<_>>().join("  ");
        frame.render_widget(Line::from(format!(" {both}")), rows[4]);
        let shown = last_lines(state, 4);
        frame.render_widget(Paragraph::new(shown).block(Block::bordered()), rows[5]);
    } else {
        // What matters most stays where there are few rows.
        let rows = [1, 1, 1, 1].map(Constraint::Length);
        let rows = [Constraint::Length(1), Constraint::Fill(1)].into_iter().chain(rows);
        let rows = Layout::vertical(rows).split(area);
        frame.render_widget(header(state, wide), rows[0]);
        curves(frame, rows[1], state, false);
        frame.render_widget(bar("run", state.share_of_run(), "", wide), rows[2]);
        frame.render_widget(Line::from(format!(" {rates}")), rows[3]);
        frame.render_widget(Line::from(format!(" {left}")), rows[4]);
        frame.render_widget(Paragraph::new(last_lines(state, 1)), rows[5]);
    }
}

fn header(state: &State, wide: usize) -> Line<'static> {
    let place = match state.epochs {
        0 => "beginning".to_owned(),
        epochs if state.epoch > epochs => format!("{epochs} epochs are run"),
        epochs => format!("epoch {} of {epochs}", state.epoch),
    };
    let doing = if state.stopping {
        "stopping"
    } else if state.validating {
        "validating, q stops"
    } else {
        "q stops"
    };
    title(&state.title, &place, doing, wide)
}

/// The first line: what it is, how far it is, and what a key does.
pub(super) fn title(name: &str, place: &str, doing: &str, wide: usize) -> Line<'static> {
    let used = 1 + name.chars().count() + 2 + place.chars().count();
    let gap = wide.saturating_sub(used + doing.chars().count() + 1).max(1);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    Line::from(vec![
        Span::styled(format!(" {name}"), bold),
        Span::raw(format!("  {place}{}", " ".repeat(gap))),
        Span::styled(doing.to_owned(), Style::new().fg(Color::Yellow)),
    ])
}

/// `epoch ━━━━━━━━────  62 %  words`.
pub(super) fn bar(name: &str, share: f64, words: &str, wide: usize) -> Line<'static> {
    let percent = format!("{:>3.0} %", share * 100.0);
    let tail = if words.is_empty() { percent } else { format!("{percent}  {words}") };
    let room = wide.saturating_sub(10 + tail.chars().count());
    let long = if words.is_empty() { room } else { room.min(30) };
    let done = (share * long as f64).round() as usize;
    Line::from(vec![
        Span::raw(format!(" {name:<6}")),
        Span::styled("━".repeat(done), Style::new().fg(Color::Cyan)),
        Span::raw("─".repeat(long.saturating_sub(done))),
        Span::raw(format!(" {tail}")),
    ])
}

fn tokens(state: &State) -> String {
    let whole = grouped(state.tokens_an_epoch);
    format!("{} of {whole} tokens", grouped(state.tokens_of_epoch.min(state.tokens_an_epoch)))
}

fn steps(state: &State) -> String {
    format!("step {} of {}", grouped(state.step), grouped(state.steps))
}

/// `151 k tokens/s  96 GFLOP/s, 78 % of 123`.
fn rates(state: &State, large: bool) -> String {
    let Some(rate) = state.tokens_rate else { return String::new() };
    let thousands = rate / 1e3;
    let digits = usize::from(thousands < 10.0);
    let mut words = format!("{thousands:.digits$} k tokens/s");
    if let Some(gflops) = state.gflops {
        words.push_str(&format!("  {gflops:.0} GFLOP/s"));
    }
    if let Some(share) = state.share_of_peak() {
        words.push_str(&format!(", {:.0} %", share * 100.0));
        if large {
            words.push_str(&format!(" of the GEMM peak, {:.0}", state.peak_gflops));
        }
    }
    words
}

fn left(state: &State) -> String {
    match state.seconds_left {
        Some(seconds) if seconds.is_finite() && state.epoch <= state.epochs => {
            format!("at most {} left", seconds_in_words(seconds))
        }
        _ => String::new(),
    }
}

fn last_lines(state: &State, count: usize) -> Vec<Line<'_>> {
    let from = state.lines.len().saturating_sub(count);
    let own = format!("{}: ", state.title);
    let short = |line: &'_ str| line.strip_prefix(&own).unwrap_or(line).to_owned();
    state.lines[from..].iter().map(|line| Line::from(format!(" {}", short(line)))).collect()
}

fn curves(frame: &mut Frame<'_>, area: Rect, state: &State, axes: bool) {
    let halves = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).split(area);
    let last = |curve: &Curve| curve.points().last().map(|point| point.1);
    let loss = match last(&state.loss) {
        Some(loss) => format!("loss {}", number(loss)),
        None => "loss".to_owned(),
    };
    let plot =
        Plot { curve: &state.loss, colour: Color::Cyan, best: None, empty: "no step yet" };
    plot.draw(frame, halves[0], loss, axes);
    let mut ndcg = "NDCG@10".to_owned();
    if let Some(last) = last(&state.ndcg) {
        ndcg.push_str(&format!(" {}", number(last)));
    }
    if let Some((epoch, best)) = state.best.filter(|_| axes) {
        ndcg.push_str(&format!("  • {} epoch {epoch}", number(best)));
    }
    let empty = match state.epochs > 0 && !state.validates {
        true => "nothing is held out",
        false => "no validation yet",
    };
    let best = state.best.map(|(epoch, best)| (f64::from(epoch), best));
    let plot = Plot { curve: &state.ndcg, colour: Color::Green, best, empty };
    plot.draw(frame, halves[1], ndcg, axes);
}

/// One curve in a box.
struct Plot<'a> {
    curve: &'a Curve,
    colour: Color,
    /// The point to mark.
    best: Option<(f64, f64)>,
    /// What stands there before there is a curve.
    empty: &'a str,
}

impl Plot<'_> {
    fn draw(&self, frame: &mut Frame<'_>, area: Rect, title: String, axes: bool) {
        let block = Block::bordered().title(title);
        let points = self.curve.points();
        if points.is_empty() {
            let words = Paragraph::new(self.empty).centered().block(block);
            frame.render_widget(words, area);
            return;
        }
        let style = Style::new().fg(self.colour);
        let line = Dataset::default().marker(Marker::Braille).style(style).data(points);
        // One point makes no line.
        let kind = if points.len() == 1 { GraphType::Scatter } else { GraphType::Line };
        let mut sets = vec![line.graph_type(kind)];
        let mark: Vec<(f64, f64)> = self.best.into_iter().collect();
        let bright = Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD);
        let best = Dataset::default().marker(Marker::Dot).style(bright).data(&mark);
        sets.push(best.graph_type(GraphType::Scatter));
        let (width, (low, high)) = (self.curve.width(), self.curve.heights());
        let mut x = Axis::default().bounds([0.0, width]);
        let mut y = Axis::default().bounds([low, high]);
        if axes {
            x = x.labels(["0".to_owned(), format!("epoch {}", width.ceil())]);
            y = y.labels([number(low), number(high)]);
        }
        frame.render_widget(Chart::new(sets).x_axis(x).y_axis(y).block(block), area);
    }
}

/// Four digits after the point where there is room for them.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        size if size < 10.0 => format!("{value:.4}"),
        size if size < 1e5 => format!("{value:.1}"),
        _ => format!("{value:.1e}"),
    }
}

#[cfg(test)]
mod tests;
