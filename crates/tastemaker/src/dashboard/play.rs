//! A play of two policies as a screen, or as lines where there is no terminal to draw on.

mod state;
mod draw;

use evaluate::Tally;

pub(crate) use state::PlayState;

use super::screen::Screen;
use crate::terminal::note;

/// How a play that goes on is seen, until it is dropped or left. While it has the terminal, nothing
/// else may write to stderr: work in between runs [`unseen`](crate::terminal::unseen).
pub(crate) struct PlayScreen {
    shown: Shown,
}

enum Shown {
    Picture(Screen<PlayState>),
    Lines(Box<PlayState>),
}

impl PlayScreen {
    /// Of these two policies, over so many days. A picture, where `live` and stderr is a terminal
    /// that can be drawn on; else some lines.
    pub(crate) fn new(first: &str, second: &str, days: u32, live: bool) -> PlayScreen {
        let state = PlayState::new(first, second, days);
        let screen = if live { Screen::of(state.clone()) } else { None };
        let shown = screen.map_or_else(|| Shown::Lines(Box::new(state)), Shown::Picture);
        PlayScreen { shown }
    }

    /// The first (0) or second (1) policy has played `day` days. The last of them was `tally`, of
    /// so many people; lately it shows so many items a second.
    pub(crate) fn heard(
        &mut self,
        arm: usize,
        day: u32,
        people: u64,
        tally: &Tally,
        impressions_per_s: f64,
    ) {
        match &mut self.shown {
            Shown::Picture(screen) => {
                screen.change(|state| {
                    state.heard(arm, day, people, tally, impressions_per_s);
                });
            }
            Shown::Lines(state) => {
                if let Some(line) = state.heard(arm, day, people, tally, impressions_per_s) {
                    note(&line);
                }
            }
        }
    }

    /// Gives the terminal back; what was told then stands there in lines.
    pub(crate) fn leave(self) {}
}
