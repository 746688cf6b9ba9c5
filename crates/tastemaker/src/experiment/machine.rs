//! The machine that something ran on.

use serde::{Deserialize, Serialize};

/// Where it ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: u32,
    pub(crate) system: String,
    pub(crate) tastemaker: String,
}

impl Machine {
    /// This one.
    pub(crate) fn here() -> Machine {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let line = cpuinfo.lines().find(|line| line.starts_with("model name"));
        let processor = line.and_then(|line| line.split_once(':')).map(|(_, name)| name.trim());
        Machine {
            processor: processor.unwrap_or("unknown").to_owned(),
            cores: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            tastemaker: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// `AMD EPYC, 2 cores, linux x86_64`.
    pub(crate) fn in_words(&self) -> String {
        format!("{}, {} cores, {}", self.processor, self.cores, self.system)
    }
}
