//! What a person sees while work goes on: bars on stderr, answers on stdout, Ctrl-C heard.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result};
use data::{Progress, Step};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::dashboard;

static STOP: AtomicBool = AtomicBool::new(false);

/// Hears Ctrl-C and SIGTERM from now on: the first asks work to stop cleanly, the second ends
/// the process.
pub(crate) fn hear_stop() -> Result<()> {
    ctrlc::set_handler(ask_to_stop).context("listening for Ctrl-C")
}

/// What Ctrl-C does.
pub(crate) fn ask_to_stop() {
    if STOP.swap(true, Ordering::Relaxed) {
        dashboard::leave();
        std::process::exit(130);
    }
}

/// Runs `work` without showing anything; it hears when to stop.
pub(crate) fn unseen<T>(work: impl FnOnce(&Progress<'_>) -> T) -> T {
    work(&Progress::new(&|_| {}, &STOP))
}

/// Whether the user asked to stop.
pub(crate) fn stopped() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// Runs `work` with a progress bar on stderr (nothing where stderr is no terminal but a line a
/// phase), named `title`.
pub(crate) fn with_progress<T>(title: &str, work: impl FnOnce(&Progress<'_>) -> T) -> T {
    with(Bar::new(title), work)
}

/// The same for work that tells lines of its own: nothing where stderr is no terminal.
pub(crate) fn with_bar<T>(title: &str, work: impl FnOnce(&Progress<'_>) -> T) -> T {
    with(Bar { plain: false, ..Bar::new(title) }, work)
}

fn with<T>(bar: Bar, work: impl FnOnce(&Progress<'_>) -> T) -> T {
    let report = |step: Step<'_>| bar.report(step);
    let progress = Progress::new(&report, &STOP);
    let result = work(&progress);
    bar.bar.finish_and_clear();
    result
}

/// As [`with_progress`], for work that has something to say in lines of its own: they stand above
/// the bar, and take the place of the line a phase where there is no terminal.
pub(crate) fn with_notes<T>(
    title: &str,
    work: impl FnOnce(&Progress<'_>, &dyn Fn(&str)) -> T,
) -> T {
    let mut bar = Bar::new(title);
    bar.plain = false;
    let report = |step: Step<'_>| bar.report(step);
    let progress = Progress::new(&report, &STOP);
    let tell = |line: &str| bar.bar.suspend(|| note(line));
    let result = work(&progress, &tell);
    bar.bar.finish_and_clear();
    result
}

struct Bar {
    bar: ProgressBar,
    title: String,
    /// The phase shown, to print plain lines where there is no terminal.
    phase: Mutex<String>,
    plain: bool,
}

impl Bar {
    fn new(title: &str) -> Bar {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
        bar.set_style(style(false));
        bar.enable_steady_tick(Duration::from_millis(250));
        let plain = !std::io::stderr().is_terminal();
        Bar { bar, title: title.to_owned(), phase: Mutex::default(), plain }
    }

    fn report(&self, step: Step<'_>) {
        let mut phase = self.phase.lock().expect("no thread panics while it holds a title");
        if *phase != step.what {
            step.what.clone_into(&mut phase);
            self.bar.set_style(style(step.total.is_some()));
            self.bar.set_message(format!("{}: {}", self.title, step.what));
            if self.plain {
                note(&format!("{}: {}", self.title, step.what));
            }
        }
        if let Some(total) = step.total {
            self.bar.set_length(total);
        }
        self.bar.set_position(step.done);
    }
}

fn style(known_end: bool) -> ProgressStyle {
    let template = if known_end {
        "  {msg:<40} {bar:24} {percent:>3} %  {human_pos} of {human_len}  {eta} left"
    } else {
        "  {msg:<40} {spinner} {human_pos}  {elapsed}"
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━━─")
}

/// A line for people, on stderr.
#[allow(clippy::print_stderr, reason = "this is the one place that writes to stderr")]
pub(crate) fn note(line: &str) {
    eprintln!("{line}");
}

/// A line of the answer, on stdout. A reader that went away (`| head`) ends the process
/// quietly.
pub(crate) fn answer(text: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Nanoseconds since it was first asked.
#[allow(clippy::disallowed_methods, reason = "the binary measures; libraries are told")]
pub(crate) fn nanos() -> u64 {
    static BEGAN: OnceLock<std::time::Instant> = OnceLock::new();
    let passed = BEGAN.get_or_init(std::time::Instant::now).elapsed();
    u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds for which this thread has had a processor; 0 where the system does not tell
/// (Linux does, a few milliseconds late).
pub(crate) fn nanos_of_thread() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or_default()
}

/// Time since [`Stopwatch::start`].
pub(crate) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[allow(clippy::disallowed_methods, reason = "the binary measures; libraries are told")]
    pub(crate) fn start() -> Stopwatch {
        Stopwatch(std::time::Instant::now())
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}
