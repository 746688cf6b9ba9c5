//! Estimators of a policy's value, each a ratio of sums over rows.

use super::logged::Logged;

/// How the value is estimated; w = π(a|x)/π₀(a|x), q̂ the reward estimate, `d = Σ_a π(a|x)·q̂(x, a)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// Mean reward where the policy would have done the same: `Σ 1[π(a|x) ≥ ½]·r / Σ 1[…]`. Of a
    /// deterministic policy on uniform logs (Li et al. 2011).
    Replay,
    /// `(1/n) Σ w·r` (Horvitz and Thompson 1952).
    Ips,
    /// `Σ w·r / Σ w` (Swaminathan and Joachims 2015).
    Snips,
    /// `(1/n) Σ min(w, M)·r`: biased, unless M is above every weight.
    Clipped(f64),
    /// `(1/n) Σ d`: as good as q̂.
    Dm,
    /// `(1/n) Σ d + w·(r − q̂)` (Dudík et al. 2011).
    Dr,
    /// `(1/n) Σ d + Σ w·(r − q̂) / Σ w`.
    SnDr,
    /// DR where w ≤ τ, DM elsewhere (Wang et al. 2017).
    SwitchDr(f64),
    /// DR with `w·λ/(w² + λ)` for w (Su et al. 2020).
    DrOs(f64),
}

impl Method {
    /// All, with usual parameters: clipping at 100, switching at 10, shrinking by 100.
    pub const ALL: [Method; 9] = [
        Method::Replay,
        Method::Ips,
        Method::Snips,
        Method::Clipped(100.0),
        Method::Dm,
        Method::Dr,
        Method::SnDr,
        Method::SwitchDr(10.0),
        Method::DrOs(100.0),
    ];

    /// Its name in tables.
    pub fn name(self) -> String {
        match self {
            Method::Replay => "replay".into(),
            Method::Ips => "IPS".into(),
            Method::Snips => "SNIPS".into(),
            Method::Clipped(most) => format!("IPS clipped at {most}"),
            Method::Dm => "DM".into(),
            Method::Dr => "DR".into(),
            Method::SnDr => "SNDR".into(),
            Method::SwitchDr(from) => format!("Switch-DR at {from}"),
            Method::DrOs(by) => format!("DRos by {by}"),
        }
    }

    /// Whether it needs reward estimates.
    pub fn needs_estimates(self) -> bool {
        !matches!(self, Method::Replay | Method::Ips | Method::Snips | Method::Clipped(_))
    }

    /// Whether any row tells it anything: replay needs a policy that does some things for sure.
    pub fn applies(self, logged: &Logged) -> bool {
        self != Method::Replay
            || (0..logged.len()).any(|row| self.term(logged, row).under > 0.0)
    }

    /// What a row adds: to a sum that is divided by the rows, and to a numerator and a denominator
    /// of a ratio that is added to it.
    pub(super) fn term(self, logged: &Logged, row: usize) -> Term {
        let (w, r) = (logged.weight(row), logged.rewards[row]);
        let plain = |value: f64| Term { plain: value, over: 0.0, under: 0.0 };
        let (q, d) = logged.estimated(row);
        match self {
            Method::Replay => {
                let at = logged.offsets[row] + logged.actions[row] as usize;
                let same = if logged.target[at] >= 0.5 { 1.0 } else { 0.0 };
                Term { plain: 0.0, over: same * r, under: same }
            }
            Method::Ips => plain(w * r),
            Method::Snips => Term { plain: 0.0, over: w * r, under: w },
            Method::Clipped(most) => plain(w.min(most) * r),
            Method::Dm => plain(d),
            Method::Dr => plain(d + w * (r - q)),
            Method::SnDr => Term { plain: d, over: w * (r - q), under: w },
            Method::SwitchDr(from) => plain(d + if w <= from { w * (r - q) } else { 0.0 }),
            Method::DrOs(by) => plain(d + w * by / (w * w + by) * (r - q)),
        }
    }
}

/// A row's part of an estimate `Σ plain / n + Σ over / Σ under`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Term {
    pub(super) plain: f64,
    pub(super) over: f64,
    pub(super) under: f64,
}
