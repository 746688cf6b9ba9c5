//! `tastemaker policy LOG`: what another policy would have earned, by what one log showed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use comfy_table::{Table, TableStyle};
use data::{Catalogue, Files, Log, RealFiles, Slate, grouped};
use evaluate::policy::{self, Health, Method, PlacePolicy};
use evaluate::{Estimator, Interval};
use serde::{Deserialize, Serialize};

use crate::hint;
use crate::terminal::{answer, with_progress};

/// Parts in which reward estimates are fitted: each on the rows of the others.
const FOLDS: u32 = 5;

/// What is on the command line.
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    /// Folder of the log, whose slates have propensities
    log: PathBuf,
    /// The policy in question is the one that wrote this log, as the shares of items at each place
    /// tell it; what it earned there is shown beside the estimates
    #[arg(long, value_name = "DIR", required_unless_present = "table")]
    of_log: Option<PathBuf>,
    /// The policy in question is this table: CSV with columns item, place (from 1) and chance
    #[arg(long, value_name = "FILE", conflicts_with = "of_log")]
    table: Option<PathBuf>,
    /// Kinds of events that make a place worth 1
    #[arg(long, value_name = "KIND,…", default_value = "click", value_delimiter = ',')]
    reward: Vec<String>,
    /// Samples of the users for intervals
    #[arg(long, value_name = "NUMBER", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(20..=1_000_000))]
    replicates: u32,
    /// Seed of those samples and of the parts of cross-fitting
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The object that `--json` prints.
#[derive(Debug, Serialize)]
struct Answer {
    log: PathBuf,
    /// The log or table of the policy in question.
    policy: PathBuf,
    reward: Vec<String>,
    /// Places that were shown.
    rows: usize,
    /// Mean reward of a place as logged.
    logged: Interval,
    /// What the policy in question earned in its own log.
    earned: Option<Interval>,
    estimators: Vec<Estimator>,
    effective_rows: f64,
    weight_mean: f64,
    weight_max: f64,
    alarms: Vec<String>,
}

/// A log, opened and read.
struct Shown {
    slates: Vec<Slate>,
    catalogue: Catalogue,
    /// Items that were rewarded, by request.
    rewarded: BTreeMap<String, Vec<u32>>,
}

pub(crate) fn run(args: &PolicyArgs) -> Result<()> {
    let found = with_progress("estimating", |progress| -> Result<Answer> {
        let shown = read(&args.log, &args.reward)?;
        let replicates = args.replicates as usize;
        let (target, earned, source) = match (&args.of_log, &args.table) {
            (Some(dir), _) => {
                let other = read(dir, &args.reward)?;
                let own = PlacePolicy::of_log(&other.slates);
                let logged = policy::places(&other.slates, &other.rewarded, &own)?;
                let earned = policy::logged(&logged, replicates, args.seed, progress)?;
                (renumbered(&other, &shown.catalogue, dir)?, Some(earned), dir)
            }
            (None, Some(file)) => (table(file, &shown.catalogue)?, None, file),
            (None, None) => anyhow::bail!("neither --of-log nor --table"),
        };
        let mut logged = policy::places(&shown.slates, &shown.rewarded, &target)?;
        logged.set_estimates(policy::tabular(&logged, FOLDS, args.seed))?;
        let methods: Vec<Method> =
            Method::ALL.into_iter().filter(|method| method.applies(&logged)).collect();
        let values = policy::values(&logged, &methods, replicates, args.seed, progress)?;
        let named = methods.iter().zip(values);
        let health = Health::of(&logged);
        Ok(Answer {
            log: args.log.clone(),
            policy: source.clone(),
            reward: args.reward.clone(),
            rows: logged.len(),
            logged: policy::logged(&logged, replicates, args.seed, progress)?,
            earned,
            estimators: named
                .map(|(method, value)| Estimator { name: method.name(), value })
                .collect(),
            effective_rows: health.effective,
            weight_mean: health.weight_mean,
            weight_max: health.weight_max,
            alarms: health.alarms,
        })
    })?;
    answer(&if args.json { serde_json::to_string_pretty(&found)? } else { in_words(&found) });
    Ok(())
}

fn read(dir: &Path, reward: &[String]) -> Result<Shown> {
    let files: Arc<dyn Files> = Arc::new(RealFiles);
    let log = Log::open(files, dir)?;
    let slates = log.slates()?;
    if slates.is_empty() {
        return Err(hint::error(
            format!("{} holds no slate: nobody logged what was shown", dir.display()),
            "`tastemaker serve` logs slates with their propensities, `tastemaker import \
             open-bandit` reads them",
        ));
    }
    let catalogue = log.catalogue()?;
    let kinds: BTreeSet<u16> = (0u16..)
        .zip(&catalogue.kinds)
        .filter(|(_, kind)| reward.contains(kind))
        .map(|(at, _)| at)
        .collect();
    if kinds.is_empty() {
        return Err(hint::error(
            format!("{} has no event of kind {}", dir.display(), reward.join(" or ")),
            format!("it has {}; name one with --reward", catalogue.kinds.join(", ")),
        ));
    }
    let mut rewarded: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for event in log.events()? {
        let event = event?;
        if let (Some(request), Some(item), true) =
            (event.request, event.item, kinds.contains(&event.kind))
        {
            rewarded.entry(request).or_default().push(item);
        }
    }
    Ok(Shown { slates, catalogue, rewarded })
}

/// The policy of `other`, with the item numbers of another log.
fn renumbered(other: &Shown, catalogue: &Catalogue, dir: &Path) -> Result<PlacePolicy> {
    let mut slates = other.slates.clone();
    for shown in slates.iter_mut().flat_map(|slate| &mut slate.shown) {
        let id = other.catalogue.items.id(shown.item).unwrap_or_default();
        shown.item = catalogue.items.get(id).with_context(|| {
            format!("{} shows item {id:?}, which the other log never met", dir.display())
        })?;
    }
    Ok(PlacePolicy::of_log(&slates))
}

/// A line of `--table`.
#[derive(Debug, Deserialize)]
struct Line {
    item: String,
    place: u16,
    chance: f64,
}

fn table(file: &Path, catalogue: &Catalogue) -> Result<PlacePolicy> {
    let mut policy = PlacePolicy::new();
    let mut reader =
        csv::Reader::from_path(file).with_context(|| format!("reading {}", file.display()))?;
    for (at, line) in reader.deserialize().enumerate() {
        let place = || format!("{} line {}", file.display(), at + 2);
        let line: Line = line.with_context(place)?;
        let item = catalogue.items.get(line.item.trim());
        let item = item.ok_or_else(|| {
            hint::error(
                format!("{}: the log does not know item {:?}", place(), line.item),
                "a line of the table is item,place,chance, with the log's own names of items",
            )
        })?;
        if line.place == 0 || !(0.0..=1.0).contains(&line.chance) {
            anyhow::bail!(
                "{}: place {} and chance {}; places count from 1, chances lie between 0 and 1",
                place(),
                line.place,
                line.chance
            );
        }
        policy.set(line.place - 1, item, line.chance);
    }
    Ok(policy)
}

fn in_words(found: &Answer) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.set_header(["", "value", "95 % interval"]);
    let mut add = |name: String, value: &Interval| {
        let number = |number: f64| format!("{number:.5}");
        table.add_row([
            name,
            number(value.value),
            format!("{} to {}", number(value.low), number(value.high)),
        ]);
    };
    for estimator in &found.estimators {
        add(estimator.name.clone(), &estimator.value);
    }
    add(format!("{}, as logged", found.log.display()), &found.logged);
    if let Some(earned) = &found.earned {
        add(format!("{}, as logged", found.policy.display()), earned);
    }
    let mut lines = vec![format!(
        "{} for each place shown, by the policy of {}, estimated from {} places of {}",
        found.reward.join(" or "),
        found.policy.display(),
        grouped(found.rows as u64),
        found.log.display()
    )];
    lines.extend(found.alarms.iter().map(|alarm| format!("ALARM: {alarm}")));
    lines.push(table.to_string());
    lines.push(format!(
        "weights are worth {:.0} rows; mean {:.3} (1 where propensities are right), at most {:.1}",
        found.effective_rows, found.weight_mean, found.weight_max
    ));
    lines.join("\n")
}
