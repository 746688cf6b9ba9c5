//! What is known of a play: everything that the picture shows.

use evaluate::Tally;

use crate::dashboard::curve::Curve;

/// Lines told of a policy, about.
const LINES: u32 = 10;

/// One of the two policies.
#[derive(Debug, Clone, Default)]
pub(crate) struct Side {
    pub(crate) name: String,
    /// Days that it has played.
    pub(crate) days: u32,
    /// Satisfaction a person over days.
    pub(crate) satisfaction: Curve,
    /// The sum of it.
    pub(crate) satisfaction_a_person: f64,
    pub(crate) visits: u64,
    pub(crate) impressions: u64,
    pub(crate) clicks: u64,
    /// Lately.
    pub(crate) impressions_per_s: Option<f64>,
}

/// A play as it stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlayState {
    /// Days that each of them plays.
    pub(crate) days: u32,
    pub(crate) sides: [Side; 2],
    /// Whether the user asked to stop.
    pub(crate) stopping: bool,
    /// What was told in lines, the latest last.
    pub(crate) lines: Vec<String>,
}

impl PlayState {
    /// Before the first day.
    pub(crate) fn new(first: &str, second: &str, days: u32) -> PlayState {
        let sides =
            [first, second].map(|name| Side { name: name.to_owned(), ..Side::default() });
        PlayState { days, sides, ..PlayState::default() }
    }

    /// A day has ended. Returns the line that tells it, where this day has one.
    pub(crate) fn heard(
        &mut self,
        arm: usize,
        day: u32,
        people: u64,
        tally: &Tally,
        impressions_per_s: f64,
    ) -> Option<String> {
        let days = self.days;
        let side = self.sides.get_mut(arm)?;
        let satisfaction = tally.satisfaction / people.max(1) as f64;
        side.satisfaction.push(f64::from(day), satisfaction);
        side.days = day;
        if satisfaction.is_finite() {
            side.satisfaction_a_person += satisfaction;
        }
        side.visits += tally.visits;
        side.impressions += tally.impressions;
        side.clicks += tally.clicks;
        let known = impressions_per_s.is_finite() && impressions_per_s > 0.0;
        side.impressions_per_s = known.then_some(impressions_per_s);
        let told = day == days || day.is_multiple_of(days.div_ceil(LINES).max(1));
        let line = told.then(|| side.line(days, satisfaction))?;
        self.lines.push(line.clone());
        Some(line)
    }

    /// Days that were played, of all that both play.
    pub(crate) fn done(&self) -> (u32, u32) {
        let played = self.sides.iter().map(|side| side.days.min(self.days)).sum();
        (played, self.days * 2)
    }

    /// At the pace of what was played.
    pub(crate) fn seconds_left(&self) -> Option<f64> {
        let (done, all) = self.done();
        let spent: f64 = self.sides.iter().filter_map(Side::seconds).sum();
        let left = spent / f64::from(done) * f64::from(all - done);
        (left.is_finite() && spent > 0.0).then_some(left)
    }
}

impl Side {
    /// Clicks over impressions, where something was shown.
    pub(crate) fn click_rate(&self) -> Option<f64> {
        (self.impressions > 0).then(|| self.clicks as f64 / self.impressions as f64)
    }

    /// Seconds that it has played for.
    fn seconds(&self) -> Option<f64> {
        self.impressions_per_s.map(|rate| self.impressions as f64 / rate)
    }

    fn line(&self, days: u32, satisfaction: f64) -> String {
        let clicks = percent(self.click_rate());
        let rate = self.impressions_per_s.map_or("–".to_owned(), thousands);
        let satisfaction = match satisfaction.is_finite() {
            true => format!("{satisfaction:.4}"),
            false => "–".to_owned(),
        };
        format!(
            "{}: day {} of {days}  satisfaction {satisfaction} a person  clicks {clicks}  {rate} \
             impressions/s",
            self.name, self.days
        )
    }
}

/// `6.10 %`, or a dash.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |share| format!("{:.2} %", share * 100.0))
}

/// `310 k`.
pub(super) fn thousands(rate: f64) -> String {
    let thousands = rate / 1e3;
    let digits = usize::from(thousands < 10.0);
    format!("{thousands:.digits$} k")
}
