//! Settings of a model, from the defaults and what a file lays on them.

use anyhow::Result;
use retrieve::ModelsConfig;
use serde_json::Value;
use train::SequenceConfig;

use super::overlay;

/// The model of histories that is meant where none is named.
pub(crate) const SEQUENCE: &str = "sasrec";

/// The defaults of a model that is trained in epochs; none for others.
pub(crate) fn sequence_defaults(model: &str) -> Option<SequenceConfig> {
    match model {
        SEQUENCE => Some(SequenceConfig::default()),
        "hstu" => Some(SequenceConfig::hstu()),
        _ => None,
    }
}

/// What a model is made with.
#[derive(Debug, Clone)]
pub(crate) enum ModelSettings {
    /// A sequence model.
    Sequence(Box<SequenceConfig>),
    /// A model of `retrieve`.
    Retrieve(Box<ModelsConfig>),
}

impl ModelSettings {
    /// The defaults of `model` with `layers` over them, the later over the earlier. Whether a
    /// training can be made with them is not looked at ([`ModelSettings::check`]).
    ///
    /// # Errors
    /// Where no model is called so, or a setting is unknown or of another type, in words.
    pub(crate) fn of(model: &str, layers: &[Value]) -> Result<ModelSettings, String> {
        let sequence = sequence_defaults(model);
        if !retrieve::MODEL_NAMES.contains(&model) {
            let known = retrieve::MODEL_NAMES.join(", ");
            return Err(format!("no model {model:?}; {known}"));
        }
        let words = |why: serde_json::Error| why.to_string();
        let defaults = match &sequence {
            Some(config) => serde_json::to_value(config),
            None => serde_json::to_value(ModelsConfig::default()),
        };
        let mut all = defaults.map_err(words)?;
        for layer in layers {
            overlay(&mut all, layer);
        }
        Ok(match sequence {
            Some(_) => ModelSettings::Sequence(serde_json::from_value(all).map_err(words)?),
            None => ModelSettings::Retrieve(serde_json::from_value(all).map_err(words)?),
        })
    }

    /// Refuses what cannot be trained, in words. (Models of `retrieve` are checked when fitted.)
    ///
    /// # Errors
    /// Names the setting.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            ModelSettings::Sequence(config) => config.check().map_err(|why| why.to_string()),
            ModelSettings::Retrieve(_) => Ok(()),
        }
    }

    /// As they are stored and compared.
    pub(crate) fn to_json(&self) -> Result<Value> {
        Ok(match self {
            ModelSettings::Sequence(config) => serde_json::to_value(config)?,
            ModelSettings::Retrieve(config) => serde_json::to_value(config)?,
        })
    }
}
