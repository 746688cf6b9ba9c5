//! `tastemaker paper SLUG`: a paper's numbers, made again.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use crate::experiment::data_folder;
use crate::hint;
use crate::paper::{self, Choice, Summary};
use crate::terminal::{answer, note};

/// What is on the command line.
#[derive(Debug, Args)]
pub(crate) struct PaperArgs {
    /// Which paper (`--list` names them), or a recipe of your own: a file that ends in .toml
    #[arg(required_unless_present = "list", value_name = "SLUG")]
    slug: Option<String>,
    /// Name the papers and what each runs
    #[arg(long)]
    list: bool,
    /// Few users and epochs, kept apart: to see that it runs, not to quote
    #[arg(long)]
    quick: bool,
    /// Run this only, a GRID, an ARM or GRID/ARM; of a study a STUDY, an ARM, a POINT, ARM-POINT, or
    /// STUDY/ and one of these; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Seeds of every arm, in place of the recipe's
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=100))]
    seeds: Option<u32>,
    /// Folder of the data. Default: TASTEMAKER_DATA, else ../shared/data, beside the checkout
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder in which finished cells of all papers are kept, each paper's in its own
    #[arg(long, value_name = "DIR", default_value = "tastemaker-papers")]
    store: PathBuf,
    /// Run nothing: sum up what is finished
    #[arg(long)]
    show: bool,
    /// Print the tables as Markdown, for the paper's README
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Print everything as one JSON object
    #[arg(long)]
    json: bool,
    /// Write that object to a file as well, with what the file knows and the store does not; plots lie
    /// beside it, without it in the store
    #[arg(long, value_name = "FILE")]
    measured: Option<PathBuf>,
}

pub(crate) fn run(args: &PaperArgs) -> Result<()> {
    let Some(slug) = args.slug.as_deref().filter(|_| !args.list) else {
        return list(args.json);
    };
    let recipe = paper::find(slug)?;
    let choice = Choice {
        only: args.only.clone(),
        seeds: args.seeds,
        quick: args.quick,
        data: data_folder(args.data.as_deref()),
        store: args.store.clone(),
    };
    if !args.show {
        paper::run(&recipe, &choice)?;
    }
    let mut summary = paper::summarise(&recipe, &choice)?;
    if let Some(path) = &args.measured {
        if path.exists() {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("reading {}", path.display()))?;
            let older = serde_json::from_str(&text).with_context(|| {
                format!("{} is no file that --measured wrote", path.display())
            })?;
            summary.keep(older);
        }
        write(&summary, path)?;
    }
    let beside = args.measured.as_deref().and_then(Path::parent);
    for (name, svg) in paper::plots(&recipe, &summary) {
        let path = beside
            .map_or_else(|| choice.cells(&recipe).dir().to_path_buf(), Path::to_path_buf)
            .join(name);
        std::fs::write(&path, svg).with_context(|| path.display().to_string())?;
        note(&format!("the plot: {}", path.display()));
    }
    if args.json {
        answer(&serde_json::to_string(&summary)?);
    } else if args.markdown {
        answer(paper::markdown(&summary).trim_end());
    } else {
        answer(&paper::terminal(&summary));
    }
    Ok(())
}

fn write(summary: &Summary, path: &std::path::Path) -> Result<()> {
    if summary.quick {
        return Err(hint::error(
            "--measured with --quick: those are not numbers to keep",
            "leave one of them out",
        ));
    }
    let mut text = serde_json::to_string_pretty(summary)?;
    text.push('\n');
    std::fs::write(path, text).with_context(|| path.display().to_string())?;
    note(&format!("wrote {}", path.display()));
    Ok(())
}

fn list(as_json: bool) -> Result<()> {
    let recipes = paper::embedded()?;
    if as_json {
        let all: Vec<serde_json::Value> = recipes
            .iter()
            .map(|recipe| {
                let grids: Vec<&str> =
                    recipe.grids.iter().map(|grid| grid.name.as_str()).collect();
                let studies: Vec<&str> =
                    recipe.studies.iter().map(|own| own.name.as_str()).collect();
                let mut all =
                    json!({"paper": recipe.slug, "title": recipe.title, "grids": grids});
                if !studies.is_empty() {
                    all["studies"] = json!(studies);
                }
                all
            })
            .collect();
        answer(&serde_json::Value::Array(all).to_string());
        return Ok(());
    }
    for recipe in &recipes {
        answer(&format!("{}: {}", recipe.slug, recipe.title));
        for grid in &recipe.grids {
            let arms: Vec<String> = grid
                .arms
                .iter()
                .map(|own| match own.seeds {
                    1 => own.arm.clone(),
                    seeds => format!("{} × {seeds}", own.arm),
                })
                .collect();
            answer(&format!("  {}: {}", grid.name, arms.join(", ")));
        }
        for study in &recipe.studies {
            let arms: Vec<&str> = study.arms.iter().map(|arm| arm.name.as_str()).collect();
            let seeds = study.seeds;
            answer(&format!("  {}: {} (each × {seeds})", study.name, arms.join(", ")));
        }
    }
    Ok(())
}
