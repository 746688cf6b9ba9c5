//! Sealed model versions, the pointer to the current one, and the way back.
//!
//! ```text
//! MODELS/000001/manifest.json          facts and checksums (data::sealed, kind "model")
//! MODELS/000001/item-knn.safetensors   one file a model
//! MODELS/current.json                  {"format": 1, "version": "000001"}
//! MODELS/.lock                         held while a version is published or chosen
//! ```
//!
//! Publishing seals the new folder first and moves the pointer then, each by one rename: at any
//! moment the pointer names a whole version, the old one or the new. Versions are never changed
//! and never removed here; their numbers only rise.

mod facts;
mod pointer;

use std::path::Path;
use std::sync::Arc;

use data::sealed::{self, Manifest, Staged};
use data::{Catalogue, Change, Files, Lock};

pub use facts::{ModelFacts, TrainingEpoch, TrainingFacts, VersionFacts};
pub use pointer::{current, rollback, set_current};

use crate::merge::Merge;
use crate::model::Model;
use crate::retriever::Retriever;
use crate::sequence::LiveFacts;
use crate::{Error, Result};

/// Kind of the sealed folders.
const KIND: &str = "model";
const LOCK: &str = ".lock";

/// A model version, whole in memory.
#[derive(Debug, Clone)]
pub struct Version {
    id: String,
    folder: String,
    facts: VersionFacts,
    models: Vec<Arc<Model>>,
    merge: Merge,
}

/// A model version in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionEntry {
    /// Its name: `000001`.
    pub id: String,
    /// What it says of itself.
    pub facts: VersionFacts,
    /// Whether the pointer names it.
    pub current: bool,
}

impl Version {
    /// Reads the version `id`, every byte checked.
    ///
    /// # Errors
    /// Where there is no such version, or it is damaged.
    pub fn load(files: &Arc<dyn Files>, models_dir: &Path, id: &str) -> Result<Version> {
        let (manifest, facts) = open(files, models_dir, id)?;
        let dir = models_dir.join(id);
        let damaged = |what: String| Error::from(data::Error::damaged(&dir, what));
        let mut models: Vec<Arc<Model>> = Vec::with_capacity(facts.models.len());
        for entry in &facts.models {
            if entry.file != file_of(&entry.name) {
                return Err(damaged(format!("{} lies in {:?}", entry.name, entry.file)));
            }
            let place = dir.join(&entry.file);
            let bytes = manifest.read(files.as_ref(), &dir, &entry.file)?;
            let model = Model::from_bytes(&entry.name, &bytes, &place)?;
            if model.item_count() > facts.items {
                let (model, known) = (model.item_count(), facts.items);
                return Err(damaged(format!("{} knows {model} items of {known}", entry.name)));
            }
            models.push(Arc::new(model));
        }
        let merge = Merge::new(&facts.merge_config, &models)?;
        let (id, folder) = (id.to_owned(), id.to_owned());
        Ok(Version { id, folder, facts, models, merge })
    }

    /// Reads the version that the pointer names; `None` where nothing was published yet.
    pub fn load_current(files: &Arc<dyn Files>, models_dir: &Path) -> Result<Option<Version>> {
        current(files, models_dir)?.map(|id| Version::load(files, models_dir, &id)).transpose()
    }

    /// Its name: `000001`, or `000001+3` with the third delta of a model in it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name of its folder, without deltas: `000001`.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// This version, with what one of its models has learned since: `model` in place of its
    /// namesake, delta number `sequence`.
    ///
    /// # Errors
    /// Where the version has no model of that name.
    pub fn with_live(&self, model: Model, facts: &LiveFacts, sequence: u64) -> Result<Version> {
        let mut live = self.clone();
        let Some(own) = live.models.iter_mut().find(|own| own.name() == model.name()) else {
            let (id, name) = (&self.folder, model.name());
            return Err(Error::Refused(format!("model version {id} has no {name} to go on")));
        };
        *own = Arc::new(model);
        live.id = match sequence {
            0 => self.folder.clone(),
            sequence => format!("{}+{sequence}", self.folder),
        };
        // It may know more of the log than the rest.
        if facts.items > live.facts.items || facts.users > live.facts.users {
            live.facts.items = facts.items;
            live.facts.items_blake3.clone_from(&facts.items_blake3);
            live.facts.users = facts.users;
            live.facts.users_blake3.clone_from(&facts.users_blake3);
        }
        live.merge = Merge::new(&live.facts.merge_config, &live.models)?;
        Ok(live)
    }

    /// What it says of itself.
    pub fn facts(&self) -> &VersionFacts {
        &self.facts
    }

    /// Its models, in the order in which they were trained.
    pub fn models(&self) -> &[Arc<Model>] {
        &self.models
    }

    /// The model called `name`, where it has one.
    pub fn retriever(&self, name: &str) -> Option<&Model> {
        self.models.iter().map(Arc::as_ref).find(|model| model.name() == name)
    }

    /// Its merge of [`Version::models`].
    pub fn merge(&self) -> &Merge {
        &self.merge
    }

    /// Checks that indices mean the same in this catalogue as where the version was trained:
    /// the dictionaries must begin with the version's.
    ///
    /// # Errors
    /// Where they do not.
    pub fn check_catalogue(&self, catalogue: &Catalogue) -> Result<()> {
        let facts = &self.facts;
        for (what, dictionary, count, blake3) in [
            ("users", &catalogue.users, facts.users, &facts.users_blake3),
            ("items", &catalogue.items, facts.items, &facts.items_blake3),
        ] {
            if dictionary.checksum_of_first(count).as_ref() != Some(blake3) {
                return Err(Error::Refused(format!(
                    "model version {} was trained on another log: its first {count} {what} are \
                     not those of this one; train again",
                    self.id
                )));
            }
        }
        Ok(())
    }
}

/// Seals `models` as a new version and makes it the current one. Returns its name. The parent,
/// the format and the files of the models are filled into `facts` here.
///
/// # Errors
/// Where another process publishes at the same time, or writing fails; the version that was
/// current before then still is.
pub fn publish(
    files: &Arc<dyn Files>,
    models_dir: &Path,
    models: &[&Model],
    facts: VersionFacts,
) -> Result<String> {
    if models.is_empty() {
        return Err(Error::Refused("a model version needs a model; name one to train".into()));
    }
    let _lock = lock(files, models_dir)?;
    let parent = current(files, models_dir)?;
    let mut given = facts.models.clone();
    let mut facts = VersionFacts { format: facts::FORMAT, parent, models: Vec::new(), ..facts };
    // Fails before anything is written where the settings could not be loaded again.
    Merge::new(&facts.merge_config, models)?;
    let id = sealed::id_after(&sealed::ids(files.as_ref(), models_dir)?);
    let mut staged = Staged::begin(files.clone(), models_dir, &id)?;
    for model in models {
        let known = given.iter().position(|entry| entry.name == model.name());
        let entry = match known.map(|at| given.swap_remove(at)) {
            Some(known) => {
                ModelFacts { training: known.training, ..ModelFacts::of(model, known.seconds) }
            }
            None => ModelFacts::of(model, 0.0),
        };
        if facts.models.iter().any(|other| other.name == entry.name) {
            return Err(Error::Refused(format!("model {} is there twice", entry.name)));
        }
        if model.item_count() > facts.items {
            let (model, known) = (model.item_count(), facts.items);
            return Err(Error::Refused(format!(
                "{} knows {model} items of {known}",
                entry.name
            )));
        }
        staged.add(&entry.file, &model.to_bytes()?)?;
        facts.models.push(entry);
    }
    staged.seal(KIND, facts.to_json()?)?;
    pointer::point_to(files, models_dir, &id)?;
    Ok(id)
}

/// All versions, the oldest first.
///
/// # Errors
/// Where a manifest is damaged.
pub fn list(files: &Arc<dyn Files>, models_dir: &Path) -> Result<Vec<VersionEntry>> {
    let pointed = current(files, models_dir)?;
    sealed::ids(files.as_ref(), models_dir)?
        .into_iter()
        .map(|id| {
            let (_, facts) = open(files, models_dir, &id)?;
            let current = pointed.as_ref() == Some(&id);
            Ok(VersionEntry { id, facts, current })
        })
        .collect()
}

/// Opens the version `id`: its manifest and what it says.
fn open(
    files: &Arc<dyn Files>,
    models_dir: &Path,
    id: &str,
) -> Result<(Manifest, VersionFacts)> {
    if !sealed::ids(files.as_ref(), models_dir)?.iter().any(|known| known == id) {
        let what = format!("there is no model version {id:?} in {}", models_dir.display());
        return Err(Error::Refused(what));
    }
    let dir = models_dir.join(id);
    let manifest = sealed::open_as(files.as_ref(), &dir, KIND)?;
    let facts = VersionFacts::of_manifest(&manifest, &dir)?;
    Ok((manifest, facts))
}

fn file_of(model: &str) -> String {
    format!("{model}.safetensors")
}

/// Takes the lock under which versions are published and chosen.
fn lock(files: &Arc<dyn Files>, models_dir: &Path) -> Result<Lock> {
    files.change(Change::MakeDir(models_dir)).map_err(data::Error::io(models_dir))?;
    let path = models_dir.join(LOCK);
    let lock = files.lock(&path).map_err(data::Error::io(&path))?;
    lock.ok_or_else(|| {
        Error::Refused(format!(
            "{}: another process is publishing a model version; wait for it to end, then try again",
            path.display()
        ))
    })
}
