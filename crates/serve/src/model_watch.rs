//! Watches the pointer to the current model version and swaps a new one in, off the request
//! path. A version that is damaged or does not fit is refused; the old one keeps serving.
//!
//! A version that was trained after the log grew (by an import, or by what this server itself
//! flushed) knows more users and items than the log that was read at the start. Then the log is
//! read again, what is still buffered is applied on top, and the whole world is swapped at once.

use std::sync::Arc;

use retrieve::Version;

use crate::Result;
use crate::limits::REFUSED_AGAIN_SECONDS;
use crate::state::Inner;
use crate::stopwatch::Stopwatch;
use crate::world::{Base, World};

/// What became of the last look at the pointer.
#[derive(Debug, Default, Clone)]
pub(crate) struct ModelStatus {
    /// The version that is not served although the pointer names it, and why.
    pub(crate) refused: Option<Refused>,
    /// When the present version was taken into service.
    pub(crate) since_ms: Option<i64>,
}

#[derive(Debug, Clone)]
pub(crate) struct Refused {
    /// Its id; empty where the pointer itself cannot be read.
    pub(crate) id: String,
    pub(crate) why: String,
    at: Stopwatch,
}

/// Looks once; loads and swaps where the pointer names another version than the one in service.
pub(crate) fn look(inner: &Inner) {
    let named = match retrieve::current(&inner.files, &inner.models_dir()) {
        Ok(None) => return,
        Ok(Some(id)) => id,
        Err(error) => return refuse(inner, "", &error.to_string()),
    };
    let world = inner.world.load_full();
    if world.version.as_ref().is_some_and(|version| version.folder() == named) {
        if inner.model.load().refused.is_some() {
            // The pointer is back at what is served.
            let since_ms = inner.model.load().since_ms;
            inner.model.store(Arc::new(ModelStatus { refused: None, since_ms }));
        }
        return;
    }
    if let Some(refused) = &inner.model.load().refused
        && refused.id == named
        && refused.at.elapsed().as_secs() < REFUSED_AGAIN_SECONDS
    {
        return;
    }
    match take(inner, &world, &named) {
        Ok(()) => {
            inner.metrics.model_swaps.inc();
            let since_ms = Some(inner.clock.now_ms());
            inner.model.store(Arc::new(ModelStatus { refused: None, since_ms }));
        }
        Err(error) => refuse(inner, &named, &error.to_string()),
    }
}

fn refuse(inner: &Inner, id: &str, why: &str) {
    let before = inner.model.load_full();
    let again =
        before.refused.as_ref().is_some_and(|refused| refused.id == id && refused.why == why);
    if !again {
        inner.metrics.model_refusals.inc();
    }
    let refused = Refused { id: id.to_owned(), why: why.to_owned(), at: Stopwatch::start() };
    let status = ModelStatus { refused: Some(refused), since_ms: before.since_ms };
    inner.model.store(Arc::new(status));
}

/// Takes the version called `id` into service.
fn take(inner: &Inner, world: &World, id: &str) -> Result<()> {
    let version = Arc::new(Version::load(&inner.files, &inner.models_dir(), id)?);
    put_in_service(inner, world, version)
}

/// Swaps `version` into `world`, which is read again where it knows less of the log.
pub(crate) fn put_in_service(
    inner: &Inner,
    world: &World,
    version: Arc<Version>,
) -> Result<()> {
    for model in version.models() {
        model.keep_histories(inner.config.history_memory_mib as usize * (1 << 20));
    }
    if version.check_catalogue(&world.base.catalogue).is_ok() {
        let _intake = inner.buffer.intake();
        inner.world.store(Arc::new(World { version: Some(version), ..world.clone() }));
        return Ok(());
    }
    let base = Base::read(&inner.files, &inner.dir, &inner.feedback)?;
    version.check_catalogue(&base.catalogue)?;
    let mut again = World::new(base);
    again.version = Some(version);
    // From here on nothing comes in until the new world stands.
    let mut records = inner.buffer.intake();
    let pending = &records.pending;
    // These ids were taken in before, so they fit again.
    again.take_items(&pending.items);
    again.take_users(&pending.users);
    for event in &pending.events {
        let positive = inner.feedback.is_positive(&event.kind, event.value);
        let _fits = again.take_event(event, positive);
    }
    let known = &again.base.catalogue.kinds;
    let kinds_new: Vec<String> =
        records.kinds_new.iter().filter(|kind| !known.contains(kind)).cloned().collect();
    records.kinds_new = kinds_new;
    inner.world.store(Arc::new(again));
    Ok(())
}
