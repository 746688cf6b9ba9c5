//! The picture of a [`PlayState`]: the same state, the same picture.

use data::{grouped, seconds_in_words};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType, Paragraph};

use super::state::{PlayState, Side, percent, thousands};
use crate::dashboard::draw::{LARGE, bar, number, title};
use crate::dashboard::screen::Picture;

/// How the two are told apart, also without colours.
const LOOKS: [(Color, Marker, &str); 2] =
    [(Color::Cyan, Marker::Braille, "⠒⠒"), (Color::Magenta, Marker::Dot, "••")];

impl Picture for PlayState {
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
fn draw(frame: &mut Frame<'_>, state: &PlayState) {
    let area = frame.area();
    let large = area.width >= LARGE.0 && area.height >= LARGE.1;
    let wide = usize::from(area.width);
    let below: u16 = if large { 6 } else { 3 };
    let rows = [Constraint::Length(1), Constraint::Fill(1), Constraint::Length(below)];
    let rows = Layout::vertical(rows).split(area);
    frame.render_widget(header(state, wide), rows[0]);
    curves(frame, rows[1], state, large);
    let (done, all) = state.done();
    let share = f64::from(done) / f64::from(all.max(1));
    let mut lines = Vec::new();
    if large {
        let words = format!("{done} of {all} days");
        lines.push(bar("days", share, &words, wide));
        lines.push(Line::from(left(state)));
        lines
            .push(Line::from(cells(wide, ["", "satisfaction", "visits", "clicks", "items/s"])));
        lines.extend(at_length(state, wide));
    } else {
        lines.push(bar("days", share, "", wide));
        lines.extend(in_short(state));
    }
    frame.render_widget(Paragraph::new(lines), rows[2]);
}

fn header(state: &PlayState, wide: usize) -> Line<'static> {
    let [first, second] = &state.sides;
    let name = format!("{} against {}", first.name, second.name);
    let (done, all) = state.done();
    // They play one after the other, or side by side.
    let playing = state.sides.iter().map(|side| side.days).filter(|days| *days < state.days);
    let place = match playing.clone().max() {
        _ if done == 0 => "beginning".to_owned(),
        _ if done == all => format!("{} days are played", state.days),
        Some(days) => format!("day {} of {}", days + 1, state.days),
        None => String::new(),
    };
    title(&name, &place, if state.stopping { "stopping" } else { "q stops" }, wide)
}

fn left(state: &PlayState) -> String {
    match state.seconds_left() {
        Some(seconds) if seconds > 0.0 => format!(" about {} left", seconds_in_words(seconds)),
        _ => String::new(),
    }
}

/// Columns of the table below the curves.
fn cells(wide: usize, cells: [&str; 5]) -> String {
    let name = wide.saturating_sub(50).clamp(10, 40);
    let [first, rest @ ..] = cells;
    let rest: String = rest.iter().map(|cell| format!("{cell:>12}")).collect();
    format!("    {first:<name$.name$}{rest}")
}

fn at_length(state: &PlayState, wide: usize) -> Vec<Line<'static>> {
    let row = |(side, (colour, _, mark)): (&Side, (Color, Marker, &'static str))| {
        let rate = side.impressions_per_s.map_or("–".to_owned(), thousands);
        let text = cells(
            wide,
            [
                &side.name,
                &number(side.satisfaction_a_person),
                &grouped(side.visits),
                &percent(side.click_rate()),
                &rate,
            ],
        );
        let rest = text.chars().skip(4).collect::<String>();
        Line::from(vec![
            Span::styled(format!(" {mark} "), Style::new().fg(colour)),
            Span::raw(rest),
        ])
    };
    state.sides.iter().zip(LOOKS).map(row).collect()
}

fn in_short(state: &PlayState) -> Vec<Line<'static>> {
    let row = |(side, (colour, _, mark)): (&Side, (Color, Marker, &'static str))| {
        let words = format!(
            "{} {}  {}",
            number(side.satisfaction_a_person),
            percent(side.click_rate()),
            side.name
        );
        Line::from(vec![
            Span::styled(format!(" {mark} "), Style::new().fg(colour)),
            Span::raw(words),
        ])
    };
    state.sides.iter().zip(LOOKS).map(row).collect()
}

fn curves(frame: &mut Frame<'_>, area: Rect, state: &PlayState, axes: bool) {
    let block = Block::bordered().title("satisfaction a person, day by day");
    let drawn = state.sides.iter().zip(LOOKS);
    let drawn = drawn.filter(|(side, _)| !side.satisfaction.points().is_empty());
    let ends = drawn.clone().map(|(side, _)| side.satisfaction.heights());
    let Some((low, high)) = ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else {
        let words = Paragraph::new("no day has ended yet").centered().block(block);
        frame.render_widget(words, area);
        return;
    };
    // What came first is drawn last: it lies on top.
    let sets = drawn.rev().map(|(side, (colour, marker, _))| {
        let points = side.satisfaction.points();
        let kind = if points.len() == 1 { GraphType::Scatter } else { GraphType::Line };
        let style = Style::new().fg(colour);
        Dataset::default().marker(marker).style(style).data(points).graph_type(kind)
    });
    let last = f64::from(state.days.max(2));
    let mut x = Axis::default().bounds([1.0, last]);
    let mut y = Axis::default().bounds([low, high]);
    if axes {
        x = x.labels(["day 1".to_owned(), format!("day {last}")]);
        y = y.labels([number(low), number(high)]);
    }
    frame.render_widget(Chart::new(sets.collect()).x_axis(x).y_axis(y).block(block), area);
}

#[cfg(test)]
mod tests;
