//! What all requests share.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use data::{Clock, Feedback, Files, MODELS_DIR, PLAYS_DIR, REPORTS_DIR};
use evaluate::{PlayReport, Report};
use tokio::sync::Notify;

use crate::Result;
use crate::admission::Admission;
use crate::buffer::Buffer;
use crate::config::ServeConfig;
use crate::follow::{self, Following};
use crate::metrics::{Gauges, Metrics};
use crate::model_watch::{self, ModelStatus};
use crate::reports::{self, Latest};
use crate::request_id::RequestIds;
use crate::traffic::Traffic;
use crate::world::{Base, World};

/// A log that is ready to be served. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct ServeState {
    pub(crate) inner: Arc<Inner>,
}

impl std::fmt::Debug for ServeState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServeState").field("dir", &self.inner.dir).finish_non_exhaustive()
    }
}

/// Everything that requests and background work share. Requests read; only the intake and the
/// keeper change, each behind its own swap or lock.
pub(crate) struct Inner {
    pub(crate) files: Arc<dyn Files>,
    pub(crate) dir: PathBuf,
    pub(crate) feedback: Feedback,
    pub(crate) config: ServeConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) started_ms: i64,
    /// Where it listens, once it does.
    pub(crate) listening: OnceLock<SocketAddr>,
    pub(crate) world: ArcSwap<World>,
    pub(crate) buffer: Buffer,
    pub(crate) admission: Admission,
    pub(crate) metrics: Metrics,
    pub(crate) ids: RequestIds,
    pub(crate) model: ArcSwap<ModelStatus>,
    /// Deltas that are followed, where they are.
    pub(crate) following: Mutex<Following>,
    /// Why the last delta was refused.
    pub(crate) delta_refused: ArcSwap<Option<String>>,
    pub(crate) report: ArcSwap<Latest<Report>>,
    pub(crate) play: ArcSwap<Latest<PlayReport>>,
    pub(crate) traffic: Traffic,
    /// Rung when the buffer has enough for a flush.
    pub(crate) flush_wanted: Notify,
}

impl ServeState {
    /// Reads the log in `dir` and the model version that its pointer names. A version that does
    /// not fit or is damaged is refused, and the server starts without a model: it says so, and
    /// answers with popular items.
    ///
    /// # Errors
    /// Where a setting does not do, there is no log, or the log is damaged.
    pub fn open(
        files: Arc<dyn Files>,
        dir: &Path,
        feedback: Feedback,
        config: ServeConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<ServeState> {
        config.check()?;
        let world = World::new(Base::read(&files, dir, &feedback)?);
        let started_ms = clock.now_ms();
        let wait = Duration::from_millis(u64::from(config.wait_ms));
        let inner = Inner {
            world: ArcSwap::from_pointee(world),
            buffer: Buffer::new(config.buffer_records as usize),
            admission: Admission::new(config.places(), config.waiting as usize, wait),
            metrics: Metrics::default(),
            ids: RequestIds::new(started_ms),
            model: ArcSwap::from_pointee(ModelStatus::default()),
            following: Mutex::default(),
            delta_refused: ArcSwap::default(),
            report: ArcSwap::from_pointee(Latest::default()),
            play: ArcSwap::from_pointee(Latest::default()),
            traffic: Traffic::default(),
            flush_wanted: Notify::new(),
            listening: OnceLock::new(),
            files,
            dir: dir.to_path_buf(),
            feedback,
            config,
            clock,
            started_ms,
        };
        model_watch::look(&inner);
        if inner.config.follow {
            follow::look(&inner);
        }
        reports::look(&inner);
        Ok(ServeState { inner: Arc::new(inner) })
    }

    /// The model version that answers, where there is one.
    pub fn model_version(&self) -> Option<String> {
        self.inner.world.load().version.as_ref().map(|version| version.id().to_owned())
    }
}

impl Inner {
    /// What the gauges show now.
    pub(crate) fn gauges(&self) -> Gauges {
        let (slates_buffered, records_buffered) = self.buffer.len();
        let version = self.world.load().version.as_ref().map(|version| version.id().to_owned());
        Gauges {
            in_flight: self.admission.in_flight(),
            slates_buffered,
            records_buffered,
            slates_dropped: self.buffer.slates_dropped(),
            ready: version.is_some(),
            model_version: version.unwrap_or_else(|| "none".to_owned()),
        }
    }

    /// Where it listens, or will.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listening.get().copied().unwrap_or(self.config.listen)
    }

    /// Where the model versions lie.
    pub(crate) fn models_dir(&self) -> PathBuf {
        self.dir.join(MODELS_DIR)
    }

    /// Where the evaluations lie.
    pub(crate) fn reports_dir(&self) -> PathBuf {
        self.dir.join(REPORTS_DIR)
    }

    /// Where the plays lie.
    pub(crate) fn plays_dir(&self) -> PathBuf {
        self.dir.join(PLAYS_DIR)
    }
}
