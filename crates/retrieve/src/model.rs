//! All models that can be trained by name, kept in a file and asked for items.

use std::path::Path;

use data::{Progress, Sequences};

use crate::als::Als;
use crate::config::{MODEL_NAMES, ModelsConfig};
use crate::ease::Ease;
use crate::item_knn::ItemKnn;
use crate::popular::Popular;
use crate::retriever::{Candidate, Query, Reason, Retriever};
use crate::sequence::Sequence;
use crate::walk::Walk;
use crate::{Error, Result};

/// One trained model; each variant is called by its entry in [`MODEL_NAMES`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Model {
    /// `popular`
    Popular(Popular),
    /// `popular-lately`
    PopularLately(Popular),
    /// `item-knn`
    ItemKnn(ItemKnn),
    /// `ease`
    Ease(Ease),
    /// `als`
    Als(Als),
    /// `walk`
    Walk(Walk),
    /// `sasrec`, `hstu`
    Sequence(Box<Sequence>),
}

impl Model {
    /// Trains the model called `name` on `train`. `now_ms` is the end of the training data: the
    /// windows and half-lives of models count back from it. The result depends on nothing else
    /// than the arguments.
    ///
    /// # Errors
    /// Where the name is unknown or of a model that is trained elsewhere (`sasrec`, `hstu`), a
    /// setting is out of range, there is nothing to train on, or on request ([`Progress::check`]).
    pub fn fit(
        name: &str,
        config: &ModelsConfig,
        train: &Sequences,
        now_ms: i64,
        seed: u64,
        progress: &Progress<'_>,
    ) -> Result<Model> {
        if train.events() == 0 {
            return Err(Error::Refused(format!(
                "{name} has no event to train on; import more, or widen `[feedback]`"
            )));
        }
        Ok(match name {
            "popular" => Model::Popular(Popular::fit(train, &config.popular, seed, progress)?),
            "popular-lately" => {
                let config = &config.popular_lately;
                Model::PopularLately(Popular::fit_lately(
                    train, config, now_ms, seed, progress,
                )?)
            }
            "item-knn" => {
                Model::ItemKnn(ItemKnn::fit(train, &config.item_knn, now_ms, seed, progress)?)
            }
            "ease" => Model::Ease(Ease::fit(train, &config.ease, seed, progress)?),
            "als" => Model::Als(Als::fit(train, &config.als, seed, progress)?),
            "walk" => Model::Walk(Walk::fit(train, &config.walk, now_ms, seed, progress)?),
            "sasrec" | "hstu" => {
                return Err(Error::Refused(format!(
                    "{name} is not fitted here: `tastemaker train --model {name}` trains it, and \
                     `Model::sequence` takes what was trained"
                )));
            }
            _ => return Err(unknown(name)),
        })
    }

    /// The model of a trained network of histories and its items, `[items, dim]`.
    ///
    /// # Errors
    /// Where they do not fit together, or a number is not finite.
    pub fn sequence(network: models::SequenceModel, items: &tensor::Tensor) -> Result<Model> {
        Ok(Model::Sequence(Box::new(Sequence::new(network, items)?)))
    }

    /// A network that has learned since, put together again ([`Sequence::live`]).
    pub fn live(sequence: Sequence) -> Model {
        Model::Sequence(Box::new(sequence))
    }

    /// The network of histories, where it is one.
    pub fn as_sequence(&self) -> Option<&Sequence> {
        match self {
            Model::Sequence(sequence) => Some(sequence),
            _ => None,
        }
    }

    /// The bytes of its file: safetensors, with its settings in the header.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        match self {
            Model::Popular(model) | Model::PopularLately(model) => model.to_bytes(),
            Model::ItemKnn(model) => model.to_bytes(),
            Model::Ease(model) => model.to_bytes(),
            Model::Als(model) => model.to_bytes(),
            Model::Walk(model) => model.to_bytes(),
            Model::Sequence(model) => model.to_bytes(),
        }
    }

    /// Reads the file of the model called `name`; `place` is for messages.
    ///
    /// # Errors
    /// Where the bytes are not such a file, or state what cannot be (a wrong shape, an index
    /// out of range, a number that is none): never a panic, never a model that could.
    pub fn from_bytes(name: &str, bytes: &[u8], place: &Path) -> Result<Model> {
        Ok(match name {
            "popular" => Model::Popular(Popular::from_bytes(name, bytes, place)?),
            "popular-lately" => Model::PopularLately(Popular::from_bytes(name, bytes, place)?),
            "item-knn" => Model::ItemKnn(ItemKnn::from_bytes(bytes, place)?),
            "ease" => Model::Ease(Ease::from_bytes(bytes, place)?),
            "als" => Model::Als(Als::from_bytes(bytes, place)?),
            "walk" => Model::Walk(Walk::from_bytes(bytes, place)?),
            "sasrec" | "hstu" => {
                Model::Sequence(Box::new(Sequence::from_bytes(name, bytes, place)?))
            }
            _ => return Err(unknown(name)),
        })
    }

    /// Keeps encoded histories of users who ask, in at most so many bytes, where the model can
    /// go on from them: see [`Sequence::keep_histories`].
    pub fn keep_histories(&self, bytes: usize) {
        if let Model::Sequence(model) = self {
            model.keep_histories(bytes);
        }
    }

    /// Users whose history is kept, and the bytes that all take.
    pub fn histories_kept(&self) -> (usize, usize) {
        match self {
            Model::Sequence(model) => model.histories_kept(),
            _ => (0, 0),
        }
    }

    /// Size of the catalogue that it was trained on: it returns no index beyond.
    pub fn item_count(&self) -> u32 {
        match self {
            Model::Popular(model) | Model::PopularLately(model) => model.item_count(),
            Model::ItemKnn(model) => model.item_count(),
            Model::Ease(model) => model.item_count(),
            Model::Als(model) => model.item_count(),
            Model::Walk(model) => model.item_count(),
            Model::Sequence(model) => model.item_count(),
        }
    }

    fn inner(&self) -> &dyn Retriever {
        match self {
            Model::Popular(model) | Model::PopularLately(model) => model,
            Model::ItemKnn(model) => model,
            Model::Ease(model) => model,
            Model::Als(model) => model,
            Model::Walk(model) => model,
            Model::Sequence(model) => model.as_ref(),
        }
    }
}

fn unknown(name: &str) -> Error {
    Error::Setting {
        field: "models.train".into(),
        what: format!("no model is called {name:?}; there are {}", MODEL_NAMES.join(", ")),
    }
}

impl Retriever for Model {
    fn name(&self) -> &str {
        self.inner().name()
    }

    fn retrieve(&self, query: &Query<'_>) -> Vec<Candidate> {
        self.inner().retrieve(query)
    }

    fn reason(&self, query: &Query<'_>, item: u32) -> Reason {
        self.inner().reason(query, item)
    }
}
