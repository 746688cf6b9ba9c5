//! Which world: a preset, a file, single settings.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use world::{Preset, WorldConfig};

use crate::experiment::overlay;
use crate::hint;

/// Which world.
#[derive(Debug, Clone, Args)]
pub(crate) struct WorldArgs {
    /// A world that makes sense: shop, short-video, music-stream, news-pages, id-growth
    #[arg(long, value_name = "NAME", default_value = "short-video", value_parser = preset)]
    pub(crate) preset: Preset,
    /// Settings over those of the preset, a TOML file; `tastemaker world show` prints all
    #[arg(long, value_name = "FILE")]
    pub(crate) world: Option<PathBuf>,
    /// One setting over all others, as `click.base=-3`; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Seed of everything in it
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// A preset by its name.
pub(crate) fn preset(name: &str) -> Result<Preset, String> {
    Preset::named(name).ok_or_else(|| {
        let names: Vec<&str> = Preset::ALL.iter().map(|preset| preset.name()).collect();
        format!("there are {}", names.join(", "))
    })
}

impl WorldArgs {
    /// The settings that hold.
    pub(crate) fn config(&self) -> Result<WorldConfig> {
        let mut value = serde_json::to_value(self.preset.config())?;
        if let Some(path) = &self.world {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("reading {}", path.display()))?;
            let over: toml::Table =
                text.parse().with_context(|| format!("{} is not TOML", path.display()))?;
            overlay(&mut value, &serde_json::to_value(over)?);
        }
        for setting in &self.set {
            overlay(&mut value, &serde_json::to_value(assignment(setting)?)?);
        }
        let config: WorldConfig = serde_json::from_value(value).map_err(|error| {
            hint::error(
                format!("settings of the world: {error}"),
                "`tastemaker world show` prints every setting with its value",
            )
        })?;
        config.check()?;
        Ok(config)
    }
}

/// `a.b=3` as a table; what is no TOML value is a word.
fn assignment(setting: &str) -> Result<toml::Table> {
    let bad = |what: String| hint::error(what, "write it as `--set click.base=-3`");
    let (name, value) = setting
        .split_once('=')
        .ok_or_else(|| bad(format!("--set {setting}: it has no `=`")))?;
    let (name, value) = (name.trim(), value.trim());
    let as_value: Result<toml::Table, _> = format!("{name} = {value}").parse();
    as_value
        .or_else(|_| format!("{name} = {value:?}").parse())
        .map_err(|error: toml::de::Error| bad(format!("--set {setting}: {}", error.message())))
}
