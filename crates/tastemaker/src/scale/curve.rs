//! The curve: HSTUs of several sizes on the same data, each trained until validation stops
//! rising; quality against the compute that it took. Finished sizes are kept.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use data::{Clock, Files, RealFiles, SystemClock};
use models::HstuConfig;
use serde::Serialize;
use train::{Loss, SequenceConfig, Trained};

use super::catalogue_loss::catalogue_loss;
use super::ground::{Source, ground};
use super::law::{LogLaw, PowerLaw};
use super::point::{Identity, Point};
use crate::experiment::{self, Ground, Machine, Store};
use crate::hint;
use crate::terminal::{Stopwatch, note};

/// Sizes that a law needs at least.
pub(crate) const SIZES_MIN: usize = 5;
/// Places that scores know beyond the history: the public recipe's.
const SPARE: u32 = 11;

/// What to run.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// Columns of each size.
    pub(crate) sizes: Vec<u32>,
    pub(crate) blocks: u32,
    /// Events of a history that a model sees.
    pub(crate) length_max: u32,
    pub(crate) batch_tokens: u32,
    pub(crate) epochs: u32,
    pub(crate) seed: u64,
    pub(crate) source: Source,
    /// Folder in which finished sizes are kept.
    pub(crate) store: PathBuf,
}

/// Points and laws.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Curve {
    pub(crate) data: String,
    pub(crate) split: String,
    /// Whether what is judged happened before what others were trained on.
    pub(crate) leaky: bool,
    /// Users that were judged.
    pub(crate) cases: u64,
    /// From the smallest to the largest.
    pub(crate) points: Vec<Point>,
    /// Validation NDCG@10 by training operations.
    pub(crate) ndcg_law: Option<LogLaw>,
    /// Validation loss, likewise.
    pub(crate) loss_law: Option<LogLaw>,
    pub(crate) loss_power_law: Option<PowerLaw>,
    /// `log` or `power`: which fits the loss better.
    pub(crate) loss_better: Option<&'static str>,
    /// Where the plot lies, once it is drawn.
    pub(crate) plot: Option<String>,
}

impl Choice {
    /// Sizes in order, each once.
    ///
    /// # Errors
    /// Where there are too few.
    fn sizes(&self) -> Result<Vec<u32>> {
        let mut sizes = self.sizes.clone();
        sizes.sort_unstable();
        sizes.dedup();
        if sizes.len() < SIZES_MIN {
            return Err(hint::error(
                format!("{} sizes; a law needs {SIZES_MIN} at least", sizes.len()),
                "--sizes 8,16,32,64,128",
            ));
        }
        Ok(sizes)
    }

    /// Settings of one size: the public recipe but for the width.
    fn settings(&self, dim: u32) -> Result<SequenceConfig> {
        let model = HstuConfig {
            dim,
            blocks: self.blocks,
            query_width: dim,
            value_width: dim,
            length_max: self.length_max,
            score_length: self.length_max + SPARE,
            ..HstuConfig::default()
        };
        let config = SequenceConfig {
            model: model.into(),
            batch_tokens: self.batch_tokens,
            epochs: self.epochs,
            ..SequenceConfig::hstu()
        };
        config.check()?;
        Ok(config)
    }
}

/// Runs what is not finished yet and lays laws through all.
pub(crate) fn curve(choice: &Choice) -> Result<Curve> {
    let sizes = choice.sizes()?;
    let configs: Vec<SequenceConfig> =
        sizes.iter().map(|dim| choice.settings(*dim)).collect::<Result<_>>()?;
    let files: Arc<dyn Files> = Arc::new(RealFiles);
    let store = Store::new(files, choice.store.clone());
    let _lock = store.lock("curve")?;
    let ground = ground(&choice.source, &store)?;
    let split = choice.source.split().in_words();
    let mut points: Vec<Point> = Vec::new();
    for (at, (dim, config)) in sizes.iter().zip(&configs).enumerate() {
        let name = format!("size {} of {}: {dim} columns", at + 1, sizes.len());
        let seed = choice.seed;
        let identity = Identity::of(config, seed, split.clone(), &ground.fingerprint)?;
        let point = match Point::kept(&store, &identity)? {
            Some(point) => {
                note(&format!("{name}, finished already"));
                point
            }
            None => {
                note(&name);
                let point = trained(&store, (*dim, choice.blocks), config, identity, &ground)
                    .context(name)?;
                store.put(&point.identity.place(), &point)?;
                store.clear(&point.identity.checkpoints())?;
                point
            }
        };
        note(&format!(
            "  validation: NDCG@10 {:.4}, loss {:.4} after {:.2e} operations, {}",
            point.ndcg,
            point.loss,
            point.flops as f64,
            data::seconds_in_words(point.seconds)
        ));
        points.push(point);
    }
    let leaky = matches!(choice.source.split(), experiment::SplitChoice::LeaveLastOut);
    Ok(Curve { data: choice.source.title()?, split, leaky, ..Curve::through(points) })
}

impl Curve {
    /// Laws through points.
    pub(crate) fn through(points: Vec<Point>) -> Curve {
        let by = |of: fn(&Point) -> f64| -> Vec<(f64, f64)> {
            points.iter().map(|point| (point.flops as f64, of(point))).collect()
        };
        let losses = by(|point| point.loss);
        let (loss_law, loss_power_law) = (LogLaw::fit(&losses), PowerLaw::fit(&losses));
        let log = loss_law.map_or(f64::NEG_INFINITY, |law| law.r2);
        Curve {
            data: String::new(),
            split: String::new(),
            leaky: false,
            cases: points.first().map_or(0, |point| point.cases),
            ndcg_law: LogLaw::fit(&by(|point| point.ndcg)),
            loss_better: match loss_power_law {
                Some(power) if power.r2 > log => Some("power"),
                _ => loss_law.map(|_| "log"),
            },
            loss_law,
            loss_power_law,
            points,
            plot: None,
        }
    }
}

fn trained(
    store: &Store,
    (dim, blocks): (u32, u32),
    config: &SequenceConfig,
    identity: Identity,
    ground: &Ground,
) -> Result<Point> {
    let watch = Stopwatch::start();
    let checkpoints = store.checkpoints(&identity.checkpoints());
    let parts = (&ground.train, Some(&ground.validation));
    let title = format!("hstu {dim}");
    let trained = experiment::fit(&title, checkpoints, config, parts, identity.seed)
        .map_err(experiment::stopped)?;
    let temperature = match config.loss {
        Loss::SampledSoftmax { temperature, .. } | Loss::FullSoftmax { temperature } => {
            temperature
        }
        Loss::Gbce { .. } => 1.0,
    };
    let loss = catalogue_loss(&trained, temperature, ground)?;
    let own = trained.model.parameters().iter().map(|(_, _, tensor)| tensor.values().len());
    let parameters = own.sum::<usize>() + trained.items.values().len();
    let Trained { epochs, best_epoch, .. } = trained;
    let until = |last: u32| -> u64 {
        let counted = epochs.iter().filter(|facts| facts.epoch <= last);
        counted.map(|facts| facts.flops).sum()
    };
    let best = epochs.iter().find(|facts| facts.epoch == best_epoch);
    let of_epochs: f64 = epochs.iter().map(|facts| facts.seconds).sum();
    Ok(Point {
        dim,
        blocks,
        parameters: parameters as u64,
        flops: until(best_epoch),
        flops_all: until(u32::MAX),
        ndcg: best.and_then(|facts| facts.ndcg).unwrap_or_default(),
        loss,
        epochs,
        best_epoch,
        cases: ground.warm.len() as u64,
        // What ran before it was cut off counts as well.
        seconds: watch.seconds().max(of_epochs),
        machine: Machine::here(),
        finished_ms: SystemClock.now_ms(),
        identity,
    })
}
