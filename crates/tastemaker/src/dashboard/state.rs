//! What is known of a training: everything that the picture shows.

use train::{EpochLine, Report, Steps};

use super::curve::Curve;

/// Share of a new rate in the one that is shown.
const FRESH: f64 = 0.3;
/// Lines kept.
const LINES_MAX: usize = 10_000;

/// A training as it stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// What is trained.
    pub(crate) title: String,
    /// What this machine can do, in GFLOP/s; 0 where it is not known.
    pub(crate) peak_gflops: f64,
    /// Epochs at most; 0 before the run begins.
    pub(crate) epochs: u32,
    /// Steps of all of them.
    pub(crate) steps: u64,
    pub(crate) tokens_an_epoch: u64,
    /// Whether epochs are measured.
    pub(crate) validates: bool,
    /// The epoch that runs, from 1.
    pub(crate) epoch: u32,
    pub(crate) step: u64,
    pub(crate) tokens_of_epoch: u64,
    /// Loss over epochs, several points each.
    pub(crate) loss: Curve,
    /// NDCG@10 over epochs.
    pub(crate) ndcg: Curve,
    /// The best epoch and its NDCG@10.
    pub(crate) best: Option<(u32, f64)>,
    /// Tokens a second, lately.
    pub(crate) tokens_rate: Option<f64>,
    /// GFLOP/s, lately.
    pub(crate) gflops: Option<f64>,
    pub(crate) seconds_left: Option<f64>,
    /// Whether the model is being measured.
    pub(crate) validating: bool,
    /// Whether the user asked to stop.
    pub(crate) stopping: bool,
    /// What was told in lines, the latest last.
    pub(crate) lines: Vec<String>,
}

impl State {
    /// Another run begins: what was known of the last one goes, its lines stay.
    pub(crate) fn begin(&mut self, title: &str) {
        *self = State {
            title: title.to_owned(),
            peak_gflops: self.peak_gflops,
            stopping: self.stopping,
            lines: std::mem::take(&mut self.lines),
            ..State::default()
        };
    }

    /// Takes in what the run tells.
    pub(crate) fn hear(&mut self, report: &Report) {
        match report {
            Report::Begin(begin) => {
                (self.epochs, self.steps) = (begin.epochs, begin.steps);
                self.tokens_an_epoch = begin.tokens_an_epoch;
                self.validates = begin.validates;
                for facts in &begin.done {
                    self.ended(facts.epoch, facts.loss, facts.ndcg);
                }
                self.epoch = begin.done.len() as u32 + 1;
            }
            Report::Steps(steps) => self.stepped(steps),
            Report::Validating(_) => self.validating = true,
            Report::Epoch(line) => {
                let EpochLine { epoch, loss, validated, seconds_left, .. } = *line;
                self.ended(epoch, loss, validated.map(|(ndcg, _)| ndcg));
                self.seconds_left = Some(seconds_left);
                (self.validating, self.epoch, self.tokens_of_epoch) = (false, epoch + 1, 0);
            }
            Report::Message(_) => {}
        }
        if let Some(line) = report.line() {
            if self.lines.len() == LINES_MAX {
                self.lines.drain(..LINES_MAX / 2);
            }
            self.lines.push(format!("{}: {line}", self.title));
        }
    }

    fn stepped(&mut self, steps: &Steps) {
        self.epoch = steps.epoch;
        self.step = steps.step;
        self.tokens_of_epoch = steps.tokens_of_epoch;
        self.seconds_left = Some(steps.seconds_left);
        let done = steps.tokens_of_epoch as f64 / self.tokens_an_epoch.max(1) as f64;
        self.loss.push(f64::from(steps.epoch - 1) + done.min(1.0), steps.loss);
        if steps.seconds > 0.0 {
            smooth(&mut self.tokens_rate, steps.tokens as f64 / steps.seconds);
            smooth(&mut self.gflops, steps.flops as f64 / steps.seconds / 1e9);
        }
    }

    fn ended(&mut self, epoch: u32, loss: f64, ndcg: Option<f64>) {
        let at = f64::from(epoch);
        // Where its steps were told, they are the curve.
        if self.loss.points().last().is_none_or(|last| last.0 <= at - 1.0) {
            self.loss.push(at, loss);
        }
        if let Some(ndcg) = ndcg {
            self.ndcg.push(at, ndcg);
            if self.best.is_none_or(|(_, best)| ndcg > best) {
                self.best = Some((epoch, ndcg));
            }
        }
    }

    /// Share of the run that is done, 0 to 1.
    pub(crate) fn share_of_run(&self) -> f64 {
        if self.epochs == 0 {
            return 0.0;
        }
        let ended = f64::from(self.epoch.saturating_sub(1));
        ((ended + self.share_of_epoch()) / f64::from(self.epochs)).clamp(0.0, 1.0)
    }

    /// Share of the epoch that is done, 0 to 1.
    pub(crate) fn share_of_epoch(&self) -> f64 {
        let share = self.tokens_of_epoch as f64 / self.tokens_an_epoch.max(1) as f64;
        share.clamp(0.0, 1.0)
    }

    /// GFLOP/s as a share of the peak, where both are known.
    pub(crate) fn share_of_peak(&self) -> Option<f64> {
        let known = self.peak_gflops > 0.0 && self.peak_gflops.is_finite();
        self.gflops.filter(|_| known).map(|rate| rate / self.peak_gflops)
    }
}

fn smooth(shown: &mut Option<f64>, rate: f64) {
    *shown = Some(shown.map_or(rate, |before| before + FRESH * (rate - before)));
}
