//! Does anything beat the baseline? In one or two sentences for people.

use crate::bootstrap::Interval;
use crate::report::{Group, Metric, Report, TOO_FEW_USERS};

/// The verdict of a report whose other fields are filled in.
pub(crate) fn verdict(report: &Report) -> String {
    let (all, warm) = (report.users(Group::All), report.users(Group::Warm));
    let mut words = Vec::new();
    if all < TOO_FEW_USERS {
        words.push(format!(
            "Too few users to rank models: {all} can be judged, {TOO_FEW_USERS} are needed."
        ));
    }
    words.push(of_group(report, Group::All));
    // Where most of the test are new users, a model that needs a history loses by keeping
    // silent; among those it can speak to, it may well be the best.
    if warm > 0 && warm < all {
        words.push(of_group(report, Group::Warm));
    }
    words.join(" ")
}

fn of_group(report: &Report, group: Group) -> String {
    let k = report.k();
    let baseline = &report.setting.baseline;
    let users = count(report.users(group));
    let who = match group {
        Group::All => format!("over {users} users"),
        Group::Warm => format!("among the {users} of them with a history"),
        Group::Cold => format!("among the {users} without a history"),
    };
    let value = |name: &str| report.model(name)?.metric(group, k, Metric::Ndcg);
    let Some(base) = value(baseline) else {
        return format!(
            "{baseline}, the baseline, was not measured {who}: nothing to compare with."
        );
    };
    let mut others: Vec<(&str, f64, Interval)> = report
        .models
        .iter()
        .filter_map(|model| {
            let measured = model.metric(group, k, Metric::Ndcg)?;
            Some((model.name.as_str(), measured.mean.value, measured.difference?))
        })
        .collect();
    // The best first; equal ones by name.
    others.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    let winners: Vec<_> = others.iter().filter(|other| other.2.low > 0.0).collect();
    let difference = |difference: &Interval| {
        format!(
            "a difference of {:+.4} (95 % interval {:+.4} to {:+.4})",
            difference.value, difference.low, difference.high
        )
    };
    match (winners.first(), others.first()) {
        (Some((name, best, by)), _) => format!(
            "{name} beats {baseline} at NDCG@{k} {who}: {best:.4} against {:.4}, {}; {} of {} \
             models beat it.",
            base.mean.value,
            difference(by),
            winners.len(),
            others.len()
        ),
        (None, Some((name, best, by))) => format!(
            "Nothing beats {baseline} at NDCG@{k} {who}: it reaches {:.4}; the best of the \
             others, {name}, reaches {best:.4}, {}.",
            base.mean.value,
            difference(by)
        ),
        (None, None) => {
            format!(
                "{baseline} reaches NDCG@{k} {:.4} {who}; nothing to compare.",
                base.mean.value
            )
        }
    }
}

/// `12,345`.
pub(crate) fn count(number: usize) -> String {
    data::grouped(number as u64)
}
