//! Coming back: how satisfaction decides when, and what that is worth.
//!
//! A visit pays for itself and by what it makes of the person: satisfaction x sets the rate r(x) of
//! visits. The worth of x is that of all later visits, discounted, were x to stay: visits are a
//! Poisson process, so `V(x) = ∫ e^(−δt)·w·r(x) dt = w·r(x)/δ`. It is exact for the world as it
//! stands after this slate, and short-sighted for what later slates will make of it: what a policy
//! does to people in the long run, a closed loop shows.

use crate::WorldConfig;
use crate::config::Mode;
use crate::dice::Dice;
use crate::user::User;

const DAY_MS: f64 = 86_400_000.0;
/// Nobody stays away for longer.
const GAP_DAYS_MAX: f64 = 3650.0;

/// r(x), visits a day.
pub(crate) fn rate(config: &WorldConfig, frequency: f32, satisfaction: f32) -> f64 {
    let comeback = &config.comeback;
    let tilt = comeback.sensitivity * (satisfaction - 0.5);
    f64::from(comeback.visits_a_day * frequency) * f64::from(tilt).exp()
}

/// V(x), in units of satisfaction.
pub(crate) fn worth(config: &WorldConfig, frequency: f32, satisfaction: f32) -> f64 {
    let comeback = &config.comeback;
    let rate = rate(config, frequency, satisfaction);
    f64::from(comeback.visit_value) * rate / f64::from(comeback.discount_a_day)
}

/// x after a click that was worth `s`.
pub(crate) fn after_click(config: &WorldConfig, satisfaction: f32, s: f32) -> f32 {
    satisfaction + config.comeback.memory * (s - satisfaction)
}

/// x after a slate without a click.
pub(crate) fn after_nothing(config: &WorldConfig, satisfaction: f32) -> f32 {
    after_click(config, satisfaction, config.comeback.empty)
}

/// Until the next visit, milliseconds.
pub(crate) fn gap_ms(config: &WorldConfig, user: &User, dice: &mut Dice) -> i64 {
    let days = match config.mode {
        // Every week that the person has not lost interest in.
        Mode::Playlist => {
            let open = rate(config, user.frequency, user.satisfaction) * 7.0;
            let weekly = 1.0 - (-open).exp();
            let skipped = (dice.exponential() / -(1.0 - weekly).max(1e-9).ln()).floor();
            7.0 * (1.0 + skipped)
        }
        _ => dice.exponential() / rate(config, user.frequency, user.satisfaction),
    };
    (days.min(GAP_DAYS_MAX) * DAY_MS) as i64
}
