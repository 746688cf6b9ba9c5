//! `tastemaker bench scale`: one step of a large model, and quality against compute.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use crate::experiment::{Machine, data_folder};
use crate::scale::{self, Choice, Scale, Shape, Source};
use crate::terminal::{answer, note};

/// What is on the command line.
#[derive(Debug, Args)]
pub(crate) struct ScaleArgs {
    /// Run one of the two parts only
    #[arg(long, value_name = "PART")]
    only: Option<Part>,
    /// A small model, and a curve of small models on the MovieLens latest-small that tastemaker
    /// brings along: to see that it runs, not to quote
    #[arg(long)]
    quick: bool,
    /// Print everything as one JSON object
    #[arg(long)]
    json: bool,

    /// The large one: blocks [default: 24]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=128), help_heading = LARGE)]
    layers: Option<u32>,
    /// Columns; as many for queries, keys and values of all heads [default: 1280]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=8192), help_heading = LARGE)]
    width: Option<u32>,
    /// Heads; they divide the columns [default: 8]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=256), help_heading = LARGE)]
    heads: Option<u32>,
    /// Histories of the batch [default: 2]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=256), help_heading = LARGE)]
    rows: Option<u32>,
    /// Events of each [default: 512]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=16_384), help_heading = LARGE)]
    events: Option<u32>,
    /// Items of the catalogue [default: 10000]
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=10_000_000), help_heading = LARGE)]
    items: Option<u32>,
    /// Negatives a history [default: 128]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=65_536), help_heading = LARGE)]
    negatives: Option<u32>,
    /// Keep only the input of each block, and compute the rest again on the way back
    #[arg(long, help_heading = LARGE)]
    recompute: bool,
    /// Steps, on the same batch; the first is not timed
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..=10_000), help_heading = LARGE)]
    steps: u32,

    /// The curve: columns of each size, five or more [default: 8,16,32,64,128]
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', help_heading = CURVE)]
    sizes: Vec<u32>,
    /// Blocks of every size
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=128), help_heading = CURVE)]
    blocks: u32,
    /// Epochs of every size, at most: training ends when validation has long not risen
    /// [default: 50]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = CURVE)]
    epochs: Option<u32>,
    /// Seed of every size
    #[arg(long, default_value_t = 1, help_heading = CURVE)]
    seed: u64,
    /// Folder of MovieLens 1M's folder, as for `tastemaker paper`. Default: TASTEMAKER_DATA, else
    /// ../shared/data, beside the checkout
    #[arg(long, value_name = "DIR", help_heading = CURVE)]
    data: Option<PathBuf>,
    /// Folder of a log to learn from in its place, cut in time
    #[arg(long, value_name = "DIR", conflicts_with = "data", help_heading = CURVE)]
    log: Option<PathBuf>,
    /// Folder in which finished sizes are kept: a run that was cut off goes on
    #[arg(long, value_name = "DIR", default_value = "tastemaker-scale", help_heading = CURVE)]
    store: PathBuf,
}

const LARGE: &str = "The large one";
const CURVE: &str = "The curve";

/// What there is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Steps of one large model: prediction and measurement
    Large,
    /// Quality against training compute
    Curve,
}

pub(crate) fn run(args: &ScaleArgs) -> Result<()> {
    let wants = |part: Part| args.only.is_none_or(|only| only == part);
    let choice = args.choice();
    if wants(Part::Curve) {
        // Before the minutes of the other part.
        scale::must_have_data(&choice.source)?;
    }
    let large = match wants(Part::Large) {
        true => Some(scale::large(&args.shape(), args.steps)?),
        false => None,
    };
    let mut curve = match wants(Part::Curve) {
        true => Some(scale::curve(&choice)?),
        false => None,
    };
    if let Some(curve) = &mut curve {
        let path = choice.store.join("scale.svg");
        std::fs::write(&path, scale::svg(curve)).with_context(|| path.display().to_string())?;
        note(&format!("the plot: {}", path.display()));
        curve.plot = Some(path.display().to_string());
    }
    let machine = Machine::here().in_words();
    let quick = args.quick;
    if args.json {
        answer(&serde_json::to_string(&Scale { machine, quick, large, curve })?);
        return Ok(());
    }
    let parts = [large.as_ref().map(scale::of_large), curve.as_ref().map(scale::of_curve)];
    for part in parts.into_iter().flatten() {
        answer(&format!("{part}\n"));
    }
    answer(&format!("Ran on: {machine}."));
    if quick {
        answer("--quick: not numbers to quote.");
    }
    Ok(())
}

impl ScaleArgs {
    fn shape(&self) -> Shape {
        let usual = if self.quick { Shape::QUICK } else { Shape::LARGE };
        Shape {
            layers: self.layers.unwrap_or(usual.layers),
            width: self.width.unwrap_or(usual.width),
            heads: self.heads.unwrap_or(usual.heads),
            rows: self.rows.unwrap_or(usual.rows),
            events: self.events.unwrap_or(usual.events),
            items: self.items.unwrap_or(usual.items),
            negatives: self.negatives.unwrap_or(usual.negatives),
            recompute: self.recompute,
        }
    }

    fn choice(&self) -> Choice {
        let source = match (&self.log, &self.data, self.quick) {
            (Some(log), ..) => Source::Log(log.clone()),
            (None, None, true) => Source::Bundled,
            (None, data, _) => Source::Papers(data_folder(data.as_deref())),
        };
        // The public recipe for MovieLens 1M; less of everything where it is to be quick.
        let (sizes, length_max, batch_tokens, epochs) = match self.quick {
            true => ([4, 8, 12, 16, 24], 50, 2_500, 4),
            false => ([8, 16, 32, 64, 128], 200, 20_000, 50),
        };
        Choice {
            sizes: if self.sizes.is_empty() { sizes.to_vec() } else { self.sizes.clone() },
            blocks: self.blocks,
            length_max,
            batch_tokens,
            epochs: self.epochs.unwrap_or(epochs),
            seed: self.seed,
            source,
            store: self.store.clone(),
        }
    }
}
