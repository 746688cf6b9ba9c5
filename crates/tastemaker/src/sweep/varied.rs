//! What a setting is varied over: a list, or a range.

use rand::{Rng, RngExt};
use serde::Deserialize;
use serde_json::{Value, json};

/// One setting and its values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Varied {
    /// Dotted: `model.dim`.
    pub(crate) path: String,
    pub(crate) values: Values,
}

/// Values of a setting.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    /// These.
    List(Vec<Value>),
    /// Anything between two ends.
    Range(Range),
}

/// `{ from = 1e-4, to = 1e-2, scale = "log", count = 3 }`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Range {
    from: toml::Value,
    to: toml::Value,
    #[serde(default)]
    pub(crate) scale: Scale,
    /// Values of a grid, both ends among them.
    count: Option<u32>,
}

/// How values lie in a range.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scale {
    /// At equal distances.
    #[default]
    Linear,
    /// At equal ratios.
    Log,
}

/// What `[vary]` says, in the order of paths.
///
/// # Errors
/// In words, with the path.
pub(crate) fn varied(table: &toml::Table) -> Result<Vec<Varied>, String> {
    let mut found = Vec::new();
    walk("", table, &mut found)?;
    if found.is_empty() {
        return Err("nothing is varied".into());
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    if let Some(pair) = found.windows(2).find(|pair| pair[0].path == pair[1].path) {
        return Err(format!("{:?} stands there twice", pair[0].path));
    }
    Ok(found)
}

/// `model.dim = [..]` without quotes is a table in a table: it means the same.
fn walk(above: &str, table: &toml::Table, found: &mut Vec<Varied>) -> Result<(), String> {
    for (key, value) in table {
        let path = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        let wrong = |why: String| format!("{path:?}: {why}");
        let values = match value {
            toml::Value::Array(values) if values.is_empty() => {
                return Err(wrong("an empty list".into()));
            }
            toml::Value::Array(values) => {
                let values = values.iter().map(serde_json::to_value).collect::<Result<_, _>>();
                Values::List(values.map_err(|why| wrong(why.to_string()))?)
            }
            toml::Value::Table(inner) if inner.contains_key("from") => {
                let range: Range =
                    value.clone().try_into().map_err(|why: toml::de::Error| {
                        wrong(format!("{}; a range has from, to, scale, count", why.message()))
                    })?;
                range.check().map_err(wrong)?;
                Values::Range(range)
            }
            toml::Value::Table(inner) => {
                walk(&path, inner, found)?;
                continue;
            }
            other => {
                let words = format!(
                    "{other} is one value; to vary, write a list, [{other}, …], \
                     or a range, {{ from = …, to = … }}"
                );
                return Err(wrong(words));
            }
        };
        found.push(Varied { path, values });
    }
    Ok(())
}

fn number(value: &toml::Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
}

impl Range {
    fn check(&self) -> Result<(), String> {
        let (Some(from), Some(to)) = (number(&self.from), number(&self.to)) else {
            return Err(format!("{} to {} is no range of numbers", self.from, self.to));
        };
        if !(from.is_finite() && to.is_finite() && from < to) {
            return Err(format!("{from} to {to} is no range: from lies below to"));
        }
        if self.scale == Scale::Log && from <= 0.0 {
            return Err(format!("from = {from} has no place on a log scale; it is above 0"));
        }
        if self.count.is_some_and(|count| count < 2) {
            return Err("count is 2 at least: both ends are among the values".into());
        }
        Ok(())
    }

    /// The value at a share of the way, 0 to 1.
    fn at(&self, share: f64) -> Value {
        // They were checked.
        let end = |value| number(value).unwrap_or(0.0);
        let (from, to) = (end(&self.from), end(&self.to));
        let value = match self.scale {
            Scale::Linear => from + (to - from) * share,
            Scale::Log => from * (to / from).powf(share),
        };
        let value = value.clamp(from, to);
        if self.from.is_integer() && self.to.is_integer() {
            return json!(value.round() as i64);
        }
        // Six digits are enough for a setting, and can be read.
        json!(format!("{value:.5e}").parse::<f64>().unwrap_or(value))
    }
}

impl Varied {
    /// The values of a grid, each once.
    ///
    /// # Errors
    /// Where a range does not say how many.
    pub(crate) fn grid(&self) -> Result<Vec<Value>, String> {
        let all = match &self.values {
            Values::List(values) => values.clone(),
            Values::Range(range) => {
                let count = range.count.ok_or_else(|| {
                    format!(
                        "{:?}: a grid has to know how many values of the range: add count = 3",
                        self.path
                    )
                })?;
                let last = f64::from(count - 1);
                (0..count).map(|at| range.at(f64::from(at) / last)).collect()
            }
        };
        let mut once: Vec<Value> = Vec::new();
        for value in all {
            if !once.contains(&value) {
                once.push(value);
            }
        }
        Ok(once)
    }

    /// Values by which it can be seen whether the setting takes them: the list, or the ends.
    pub(crate) fn samples(&self) -> Vec<Value> {
        match &self.values {
            Values::List(values) => values.clone(),
            Values::Range(range) => vec![range.at(0.0), range.at(1.0)],
        }
    }

    /// A value at random.
    pub(crate) fn draw(&self, random: &mut impl Rng) -> Value {
        match &self.values {
            Values::List(values) => values[random.random_range(0..values.len())].clone(),
            Values::Range(range) => range.at(random.random()),
        }
    }

    /// Whether its values belong on a log scale.
    pub(crate) fn is_log(&self) -> bool {
        matches!(&self.values, Values::Range(range) if range.scale == Scale::Log)
    }
}

#[cfg(test)]
mod tests;
