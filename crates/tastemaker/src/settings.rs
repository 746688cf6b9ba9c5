//! Settings: the commented defaults, then a file, then `TASTEMAKER__…`, then flags.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use config::{Environment, File, FileFormat};
use data::Feedback;
use data::split::{Cut, SplitSpec};
use evaluate::EvaluateConfig;
use retrieve::{MergeConfig, ModelsConfig};
use serde::{Deserialize, Serialize};
use serve::ServeConfig;

use crate::hint;
use crate::sequence::{self, SequenceSettings};
use crate::terminal::answer;

/// The manual: every setting with its default and its meaning.
pub(crate) const DEFAULTS: &str = include_str!("../../../config/default.toml");

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) seed: u64,
    pub(crate) feedback: Feedback,
    pub(crate) split: SplitSettings,
    pub(crate) evaluate: EvaluateConfig,
    pub(crate) models: ModelsConfig,
    pub(crate) sasrec: SequenceSettings,
    pub(crate) hstu: SequenceSettings,
    pub(crate) merge: MergeConfig,
    pub(crate) serve: ServeConfig,
}

impl Settings {
    /// The section of a model that is trained in epochs.
    pub(crate) fn sequence(&self, name: &str) -> Option<&SequenceSettings> {
        match name {
            "sasrec" => Some(&self.sasrec),
            "hstu" => Some(&self.hstu),
            _ => None,
        }
    }

    /// As [`Settings::sequence`], to be changed.
    pub(crate) fn sequence_mut(&mut self, name: &str) -> Option<&mut SequenceSettings> {
        match name {
            "sasrec" => Some(&mut self.sasrec),
            "hstu" => Some(&mut self.hstu),
            _ => None,
        }
    }
}

/// `[split]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SplitSettings {
    pub(crate) kind: SplitKind,
    pub(crate) test_from: String,
    pub(crate) validation_from: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SplitKind {
    /// Models see what happened before an instant and are judged by what happened after it
    Time,
    /// Each user's last event is the test; leaky, for comparing with papers only
    LeaveLastOut,
}

impl SplitSettings {
    pub(crate) fn spec(&self) -> Result<SplitSpec> {
        let cut = |name: &str, text: &str| {
            text.parse::<Cut>()
                .map_err(|why| hint::error(format!("split.{name}: {why}"), CUT_HINT))
        };
        Ok(match self.kind {
            SplitKind::LeaveLastOut => SplitSpec::LeaveLastOut,
            SplitKind::Time => SplitSpec::Time {
                validation_from: match self.validation_from.as_str() {
                    "" => None,
                    text => Some(cut("validation_from", text)?),
                },
                test_from: cut("test_from", &self.test_from)?,
            },
        })
    }
}

const CUT_HINT: &str = "a share of all events like 0.9, or an instant like 2018-06-01";

/// Where settings come from, on the command line of every command that has any.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SettingsArgs {
    /// Settings file, TOML; what it leaves out keeps its default
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One setting, over the file and the environment: `models.als.factors=128`
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Seed of everything random
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
}

impl SettingsArgs {
    /// The settings that hold.
    pub(crate) fn resolve(&self) -> Result<Settings> {
        let mut sources = config::Config::builder();
        if let Some(path) = &self.config {
            sources = sources.add_source(File::from(path.as_path()).format(FileFormat::Toml));
        }
        let environment = Environment::with_prefix("TASTEMAKER")
            .prefix_separator("__")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("models.train")
            .with_list_parse_key("evaluate.k");
        sources = sources.add_source(environment);
        for pair in &self.set {
            let (key, value) = pair.split_once('=').ok_or_else(|| {
                hint::error(
                    format!("--set {pair}: no `=` in it"),
                    "--set models.als.factors=128",
                )
            })?;
            sources = sources
                .set_override(key.trim(), parsed(value.trim()))
                .with_context(|| format!("--set {pair}"))?;
        }
        if let Some(seed) = self.seed {
            sources = sources.set_override("seed", seed)?;
        }
        let built = sources.build().and_then(|given| {
            let defaults = defaults_beside(&given);
            config::Config::builder()
                .add_source(File::from_str(&defaults, FileFormat::Toml))
                .add_source(given)
                .build()?
                .try_deserialize::<Settings>()
        });
        built.map_err(|why| {
            let place = match &self.config {
                Some(path) => format!("settings ({}, TASTEMAKER__…, --set)", path.display()),
                None => "settings (TASTEMAKER__…, --set)".to_owned(),
            };
            hint::error(format!("{place}: {why}"), "`tastemaker config` prints every setting")
        })
    }
}

/// Tables whose `kind` decides which other settings they have.
const BY_KIND: [&str; 3] = ["loss", "negatives", "optimizer"];

/// The defaults, without the tables that `given` makes one of another kind: the settings of the
/// default kind have no meaning there.
fn defaults_beside(given: &config::Config) -> String {
    let Ok(mut defaults) = DEFAULTS.parse::<toml::Table>() else { return DEFAULTS.to_owned() };
    let tables = sequence::NAMES
        .iter()
        .flat_map(|model| BY_KIND.iter().map(move |table| [*model, "training", *table]));
    for path in tables {
        let Ok(kind) = given.get_string(&format!("{}.kind", path.join("."))) else { continue };
        let [outer @ .., last] = path;
        let mut table = Some(&mut defaults);
        for name in outer {
            table = table.and_then(|table| table.get_mut(name)?.as_table_mut());
        }
        let Some(table) = table else { continue };
        let same = table.get(last).and_then(|table| table.get("kind")?.as_str()) == Some(&kind);
        if !same {
            table.remove(last);
        }
    }
    defaults.to_string()
}

/// A value of `--set`, read as TOML reads it; what is no TOML is text.
fn parsed(text: &str) -> config::Value {
    let table = format!("value = {text}").parse::<toml::Table>();
    let value = table.ok().and_then(|mut table| table.remove("value"));
    value.map_or_else(|| text.into(), from_toml)
}

fn from_toml(value: toml::Value) -> config::Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(instant) => instant.to_string().into(),
        toml::Value::Array(values) => {
            values.into_iter().map(from_toml).collect::<Vec<_>>().into()
        }
        toml::Value::Table(table) => table
            .into_iter()
            .map(|(key, value)| (key, from_toml(value)))
            .collect::<config::Map<String, config::Value>>()
            .into(),
    }
}

/// What is on the command line of `config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print the settings that hold as one JSON object
    #[arg(long)]
    json: bool,
    /// Print the settings that hold as TOML, without the comments of the manual
    #[arg(long)]
    resolved: bool,
}

pub(crate) fn run(args: &ConfigArgs) -> Result<()> {
    let settings = args.settings.resolve()?;
    let changed = args.settings.config.is_some()
        || !args.settings.set.is_empty()
        || args.settings.seed.is_some();
    if args.json {
        answer(&serde_json::to_string(&settings)?);
    } else if args.resolved || changed {
        answer(toml::to_string(&settings)?.trim_end());
    } else {
        answer(DEFAULTS.trim_end());
    }
    Ok(())
}
