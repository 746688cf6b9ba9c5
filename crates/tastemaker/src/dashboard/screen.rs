//! The terminal while a training or a play has it: entered, drawn on, listened to, and given back whatever
//! happens.

use std::io::{BufWriter, IsTerminal, stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::{Frame, Terminal};
use train::Report;

use super::State;
use crate::terminal::{ask_to_stop, nanos, note, stopped};

/// Between two pictures, where no key is pressed.
const REST: Duration = Duration::from_millis(200);

/// Whether the terminal is ours.
static OURS: AtomicBool = AtomicBool::new(false);
/// Held by whoever writes to it.
static PEN: Mutex<()> = Mutex::new(());

/// What a screen shows.
pub(crate) trait Picture: Send + 'static {
    /// Draws it over the whole frame, of whatever size.
    fn draw(&self, frame: &mut Frame<'_>);
    /// The user asked to stop.
    fn stop(&mut self);
    /// What is to stand on the terminal when the picture is gone.
    fn lines(&self) -> &[String];
}

/// The terminal, ours until it is dropped; then what was told stands there in lines.
pub(crate) struct Screen<P: Picture = State> {
    shared: Arc<Shared<P>>,
    drawer: Option<JoinHandle<()>>,
}

struct Shared<P> {
    state: Mutex<P>,
    done: AtomicBool,
}

impl<P> Shared<P> {
    fn state(&self) -> MutexGuard<'_, P> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Picture> Screen<P> {
    /// Takes the terminal, where stderr is one that can be drawn on and this process is in front
    /// of it.
    pub(crate) fn of(picture: P) -> Option<Screen<P>> {
        if !there_is_one() {
            return None;
        }
        leave_on_panic();
        enable_raw_mode().ok()?;
        OURS.store(true, Ordering::SeqCst);
        let shared =
            Arc::new(Shared { state: Mutex::new(picture), done: AtomicBool::new(false) });
        let seen = shared.clone();
        let drawer = std::thread::Builder::new().name("dashboard".into());
        let entered = execute!(stderr(), EnterAlternateScreen, Hide);
        match entered.and_then(|()| drawer.spawn(move || show(&seen))) {
            Ok(drawer) => Some(Screen { shared, drawer: Some(drawer) }),
            Err(_) => {
                leave();
                None
            }
        }
    }

    /// Changes what is shown.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut P) -> T) -> T {
        change(&mut self.shared.state())
    }
}

impl Screen {
    /// The screen of a training. Measures the peak of the machine first, which takes a quarter of
    /// a second.
    pub(crate) fn open() -> Option<Screen> {
        if !there_is_one() {
            return None;
        }
        let peak_gflops = tensor::peak::gemm_gflops(rayon::current_num_threads(), nanos);
        Screen::of(State { peak_gflops, ..State::default() })
    }

    /// Another run begins.
    pub(crate) fn begin(&self, title: &str) {
        self.change(|state| state.begin(title));
    }

    /// Takes in what the run tells.
    pub(crate) fn hear(&self, report: &Report) {
        self.change(|state| state.hear(report));
    }
}

impl<P: Picture> Drop for Screen<P> {
    fn drop(&mut self) {
        self.shared.done.store(true, Ordering::SeqCst);
        if let Some(drawer) = self.drawer.take() {
            // If it panicked, that was said.
            let _ = drawer.join();
        }
        leave();
        for line in self.shared.state().lines() {
            note(line);
        }
    }
}

/// Gives the terminal back, where it is ours: as it was before.
pub(crate) fn leave() {
    if !OURS.swap(false, Ordering::SeqCst) {
        return;
    }
    // A picture that is being drawn is finished first; where the one who draws it panicked, it
    // never will be.
    let mut pen = PEN.try_lock();
    for _ in 0..20 {
        if pen.is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
        pen = PEN.try_lock();
    }
    let _ = execute!(stderr(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
    drop(pen);
}

/// A panic's message goes to the terminal as it was.
fn leave_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            leave();
            before(info);
        }));
    });
}

/// Draws and listens until the work is done or the terminal is gone.
fn show<P: Picture>(shared: &Shared<P>) {
    let backend = CrosstermBackend::new(BufWriter::with_capacity(1 << 16, stderr()));
    let Ok(mut terminal) = Terminal::new(backend) else { return };
    while !shared.done.load(Ordering::SeqCst) {
        {
            let _pen = PEN.lock().unwrap_or_else(PoisonError::into_inner);
            if !OURS.load(Ordering::SeqCst) {
                return;
            }
            let mut state = shared.state();
            if stopped() {
                state.stop();
            }
            // It asks for the size each time: a window that was resized is drawn anew.
            if terminal.draw(|frame| state.draw(frame)).is_err() {
                return;
            }
        }
        match event::poll(REST) {
            Ok(true) => match event::read() {
                Ok(Event::Key(key)) if means_stop(key) => ask_to_stop(),
                _ => {}
            },
            Ok(false) => {}
            Err(_) => std::thread::sleep(REST),
        }
    }
}

/// `q`, or Ctrl-C, which is a key like any other while the terminal is ours.
fn means_stop(key: KeyEvent) -> bool {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press
        && match key.code {
            KeyCode::Char('q' | 'Q') => !control,
            KeyCode::Char('c' | 'C') => control,
            _ => false,
        }
}

/// Whether stderr is a terminal that can be drawn on, with this process in front of it.
fn there_is_one() -> bool {
    stderr().is_terminal() && can_draw() && in_front()
}

/// Whether the terminal knows how to move its cursor.
#[allow(clippy::disallowed_methods, reason = "the binary reads its environment")]
fn can_draw() -> bool {
    std::env::var("TERM").is_ok_and(|name| !name.is_empty() && name != "dumb")
}

/// Whether keys reach this process: one in the background that asked for them would be halted.
fn in_front() -> bool {
    let Ok(text) = std::fs::read_to_string("/proc/self/stat") else { return true };
    is_in_front(&text)
}

/// By the system's line on a process: its group is that in front of its terminal.
fn is_in_front(stat: &str) -> bool {
    // The name, in brackets, may hold anything.
    let Some((_, fields)) = stat.rsplit_once(')') else { return true };
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    match (fields.get(2), fields.get(5)) {
        (Some(group), Some(front)) => group == front,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_in_the_background_is_told_from_one_in_front() {
        assert!(is_in_front("71 (a) b) R 70 71 70 34816 71 4194304"));
        assert!(!is_in_front("71 (tastemaker) R 70 71 70 34816 70 4194304"));
        assert!(is_in_front("what is this"));
    }

    #[test]
    fn only_q_and_control_c_stop() {
        let key = |code, modifiers| KeyEvent::new(KeyCode::Char(code), modifiers);
        assert!(means_stop(key('q', KeyModifiers::NONE)));
        assert!(means_stop(key('c', KeyModifiers::CONTROL)));
        assert!(!means_stop(key('c', KeyModifiers::NONE)));
        assert!(!means_stop(key('q', KeyModifiers::CONTROL)));
    }
}
