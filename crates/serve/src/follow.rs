//! What models have learned since their version was published: deltas that a trainer writes beside
//! it are taken over as they come, off the request path.
//!
//! Rows are applied to tables of their own; a model is then put together again, and the world swapped, so
//! that a request sees one model from beginning to end. What does not fit is refused, and the model stays
//! as it was after the delta before.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use data::DELTAS_DIR;
use data::sealed::MANIFEST;
use retrieve::{Model, Sequence, Version};
use tables::ship::{Follower, SNAPSHOT, Served};

use crate::state::Inner;
use crate::{Result, model_watch};

/// Table of the items' rows.
const ITEMS: &str = "items";

/// The folders that are followed, of one version.
#[derive(Default)]
pub(crate) struct Following {
    version: String,
    models: Vec<Followed>,
    /// Why something was refused; none: all is well.
    refused: Option<String>,
}

/// One model.
struct Followed {
    name: String,
    dir: PathBuf,
    follower: Follower,
    served: Served,
    /// The delta that is in service; none where even the snapshot is not.
    taken: Option<u64>,
}

/// Looks once for new deltas of the version in service.
pub(crate) fn look(inner: &Inner) {
    // Where a look panicked, tables are as some delta left them, and what does not follow that is refused.
    let mut following = inner.following.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(version) = inner.world.load().version.clone() else { return };
    if following.version != version.folder() {
        *following = Following { version: version.folder().to_owned(), ..Following::default() };
    }
    let mut refused = None;
    for model in version.models().iter().filter(|model| model.as_sequence().is_some()) {
        if let Err(error) = following.one(inner, retrieve::Retriever::name(model.as_ref())) {
            refused = Some(error.to_string());
        }
    }
    if refused.is_some() && refused != following.refused {
        inner.metrics.delta_refusals.inc();
    }
    following.refused = refused;
    let told = following.refused.clone();
    if *inner.delta_refused.load_full() != told {
        inner.delta_refused.store(Arc::new(told));
    }
}

impl Following {
    fn one(&mut self, inner: &Inner, name: &str) -> Result<()> {
        let at = match self.models.iter().position(|followed| followed.name == name) {
            Some(at) => at,
            None => {
                let dir = inner.dir.join(DELTAS_DIR).join(&self.version).join(name);
                if inner.files.open(&dir.join(SNAPSHOT).join(MANIFEST)).is_err() {
                    return Ok(());
                }
                // Its snapshot is the version in service.
                self.models.push(Followed::open(inner, name, dir, Some(0))?);
                self.models.len() - 1
            }
        };
        let followed = &mut self.models[at];
        if !followed.follower.is_followed_by(&followed.served)? {
            *followed = Followed::open(inner, name, followed.dir.clone(), None)?;
        }
        // What came before one that is refused is taken over.
        let mut looked = followed.follower.follow(&followed.served);
        let is_told =
            |error: &tables::ship::Error| self.refused.as_ref() == Some(&error.to_string());
        if looked.as_ref().is_err_and(|error| error.is_out_of_order() && !is_told(error)) {
            // The folder may have been begun anew, and have as many deltas again. Once: it is all read.
            let anew = Followed::open(inner, name, followed.dir.clone(), None)?;
            if anew.follower.follow(&anew.served).is_ok() {
                (*followed, looked) = (anew, Ok(0));
            }
        }
        let sequence = followed.served.sequence();
        if followed.taken != Some(sequence) {
            followed.take(inner)?;
            inner.metrics.deltas.inc_by(sequence - followed.taken.unwrap_or(0));
            followed.taken = Some(sequence);
        }
        looked?;
        Ok(())
    }
}

impl Followed {
    fn open(inner: &Inner, name: &str, dir: PathBuf, taken: Option<u64>) -> Result<Followed> {
        let follower = Follower::open(inner.files.clone(), &dir)?;
        let served = Served::of(follower.snapshot())?;
        Ok(Followed { name: name.to_owned(), dir, follower, served, taken })
    }

    /// Puts what has come into service.
    fn take(&self, inner: &Inner) -> Result<()> {
        let world = inner.world.load_full();
        let Some(version) = &world.version else { return Ok(()) };
        let Some(table) = self.served.table(ITEMS) else {
            let what = format!("no table {ITEMS:?}; a trainer writes one");
            return Err(data::Error::damaged(&self.dir, what).into());
        };
        let row = |item: u32, out: &mut [f32]| table.row(u64::from(item), out);
        let dense = self.served.dense();
        let (live, facts) = Sequence::live(&self.name, &dense, &self.dir, table.len(), row)?;
        let version: Version =
            version.with_live(Model::live(live), &facts, self.served.sequence())?;
        model_watch::put_in_service(inner, &world, Arc::new(version))?;
        inner.metrics.delta_made_ms.set(facts.made_ms);
        Ok(())
    }
}
