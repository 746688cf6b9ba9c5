//! `train --delta-every`: a model goes on learning from what the log gets, and ships what it
//! learned as deltas, which `serve --follow` takes over.
//!
//! ```text
//! DIR/deltas/000001/sasrec/snapshot/      the model as version 000001 has it
//! DIR/deltas/000001/sasrec/000001.delta   rows that changed since, and the network
//! DIR/deltas/000001/sasrec/waiting-000001 rows that it had no room for (`--delta-bytes`)
//! ```

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use data::{
    Catalogue, Change, Clock, DELTAS_DIR, Files, Lock, Log, Sequences, SystemClock, grouped,
};
use retrieve::{LiveFacts, Retriever, Sequence, Version};
use serde_json::json;
use tables::ship::{Contents, Follower, Published, Publisher, Served};
use tensor::Tensor;
use train::{Continued, Learned};

use crate::fitting::{self, Opened};
use crate::hint;
use crate::period::Period;
use crate::settings::Settings;
use crate::terminal::{answer, note, stopped, unseen};

/// How often, and how much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rhythm {
    /// Between two looks at the log.
    pub(crate) every: Period,
    /// Bytes of the rows of a delta, at most; none: all that changed.
    pub(crate) bytes_max: Option<u64>,
    /// Deltas after which it ends; none: when it is stopped.
    pub(crate) deltas_max: Option<u32>,
    pub(crate) json: bool,
}

/// Who the rows are shipped to, whoever they are.
const SERVERS: &str = "servers";

/// A model that goes on.
struct Going {
    name: String,
    model: Continued,
    publisher: Publisher,
    /// Whether rows wait for room in a delta.
    waits: bool,
    /// Nobody else ships these meanwhile.
    _lock: Lock,
}

/// Goes on with the sequence models of `version`, which were trained on `opened` or have deltas
/// already, until it is stopped.
pub(crate) fn go_on(
    opened: &Opened,
    version: &str,
    settings: &Settings,
    rhythm: Rhythm,
) -> Result<()> {
    let files = opened.log.files().clone();
    let dir = opened.log.dir();
    let version = Version::load(&files, &opened.log.models_dir(), version)?;
    let mut all = begin(&version, opened, settings, rhythm)?;
    let folder = opened.log.deltas_dir().join(version.folder());
    if !rhythm.json {
        note(&format!(
            "going on with {}: a look at the log every {}; deltas in {}; `tastemaker serve {} --follow` takes \
             them over; Ctrl-C stops it",
            all.iter().map(|going| going.name.as_str()).collect::<Vec<_>>().join(", "),
            data::seconds_in_words(rhythm.every.duration().as_secs_f64()),
            folder.display(),
            dir.display(),
        ));
    }
    let mut checksum = None;
    let mut made = 0;
    let ended = |made: u32| rhythm.deltas_max.is_some_and(|most| made >= most);
    while !stopped() && !ended(made) {
        // What is not read whole now is read whole next time: a writer may be at it.
        let log = Log::open(files.clone(), dir)?;
        let grown = checksum.as_deref() != Some(log.checksum());
        if grown || all.iter().any(|going| going.waits) {
            checksum = Some(log.checksum().to_owned());
            let opened = fitting::open(dir, settings)?;
            for going in &mut all {
                if let Some((learned, published)) = going.round(&opened, rhythm)? {
                    made += 1;
                    tell(going, &learned, &published, rhythm.json);
                }
            }
        }
        if !ended(made) {
            wait(rhythm.every.duration());
        }
    }
    Ok(())
}

/// The models of `version` that can go on, each where it stands: as it was published, or after
/// its last delta.
fn begin(
    version: &Version,
    opened: &Opened,
    settings: &Settings,
    rhythm: Rhythm,
) -> Result<Vec<Going>> {
    let sequences =
        version.models().iter().filter_map(|model| Some((model.name(), model.as_sequence()?)));
    let all = sequences
        .map(|(name, model)| {
            Going::begin(name, model, version, opened, settings, rhythm)
                .with_context(|| format!("going on with {name}"))
        })
        .collect::<Result<Vec<_>>>()?;
    if all.is_empty() {
        return Err(hint::error(
            format!("model version {} has no model that can go on learning", version.folder()),
            "train one of sasrec and hstu: `--model sasrec --delta-every 1m`",
        ));
    }
    Ok(all)
}

impl Going {
    fn begin(
        name: &str,
        model: &Sequence,
        version: &Version,
        opened: &Opened,
        settings: &Settings,
        rhythm: Rhythm,
    ) -> Result<Going> {
        let files = opened.log.files();
        let dir = opened.log.deltas_dir().join(version.folder()).join(name);
        let config = &settings.sequence(name).context("a model with settings")?.training;
        let config = train::SequenceConfig { model: model.config(), ..config.clone() };
        let seed = settings.seed;
        let title = format!("{name} of {}", version.folder());
        let lock = lock(files, &dir)?;
        let begun = files.open(&dir.join("snapshot").join(data::sealed::MANIFEST)).is_ok();
        let (model, publisher) = if begun {
            let served = Follower::open(files.clone(), &dir)?.serve()?;
            let publisher = Publisher::resume(files.clone(), &dir)?;
            if served.model() != title {
                let what = format!("{}: deltas of {:?}", dir.display(), served.model());
                return Err(hint::error(what, "remove this folder to begin anew"));
            }
            let (live, facts) = live(name, &served, &dir)?;
            let known = first(&opened.sequences, facts.events)?;
            let items = matrix(&live)?;
            let network = live.network().clone();
            (Continued::new(&config, network, &items, &known, seed)?, publisher)
        } else {
            let known = first(&opened.sequences, version.facts().split.train_events)?;
            let items = matrix(model)?;
            let network = model.network().clone();
            let model = Continued::new(&config, network, &items, &known, seed)?;
            let dense = facts(&model, &opened.catalogue, &known).with(model.model())?;
            let contents = Contents {
                model: &title,
                parent: None,
                tables: &[model.items()],
                dense: &dense,
                state: false,
            };
            let publisher = Publisher::begin(files.clone(), &dir, contents)?;
            (model, publisher)
        };
        let mut model = model;
        model.consumer(SERVERS, rhythm.bytes_max.is_some());
        // What had no room in the last delta.
        let waiting = publisher.waiting()?;
        if let Some(waiting) = &waiting {
            model.restore(&waiting.tables)?;
        }
        let waits = waiting.is_some();
        Ok(Going { name: name.to_owned(), model, publisher, waits, _lock: lock })
    }

    /// Learns from what is new, and ships it; nothing where nothing is.
    fn round(
        &mut self,
        opened: &Opened,
        rhythm: Rhythm,
    ) -> Result<Option<(Learned, Published)>> {
        let Opened { catalogue, sequences, .. } = opened;
        if self.model.waiting(sequences) == 0 && !self.waits {
            return Ok(None);
        }
        let learned = unseen(|progress| self.model.learn(sequences, progress))?;
        let bytes_max =
            rhythm.bytes_max.map(|most| usize::try_from(most).unwrap_or(usize::MAX));
        let taken = self.model.changed(SERVERS, bytes_max)?;
        let rows =
            taken.tables.iter().map(|it| it.ids.len() + it.tombstones.len()).sum::<usize>();
        self.waits = bytes_max.is_some() && rows > 0;
        if learned.events == 0 && rows == 0 {
            return Ok(None);
        }
        if bytes_max.is_some() {
            let left_out = self.model.changed(SERVERS, Some(usize::MAX))?.without(&taken);
            if !left_out.is_empty() {
                self.publisher.keep(&[self.model.items()], &left_out)?;
            }
        }
        let dense = facts(&self.model, catalogue, sequences).with(self.model.model())?;
        let published =
            self.publisher.delta(&[self.model.items()], &taken, Some(dense.into()))?;
        self.model.shipped(SERVERS, &taken);
        Ok(Some((learned, published)))
    }
}

/// Takes the folder of a model's deltas for this process.
fn lock(files: &Arc<dyn Files>, dir: &Path) -> Result<Lock> {
    files.change(Change::MakeDir(dir)).map_err(data::Error::io(dir))?;
    let path = dir.join(".lock");
    let lock = files.lock(&path).map_err(data::Error::io(&path))?;
    lock.ok_or_else(|| {
        hint::error(
            format!("{}: another process ships deltas here", path.display()),
            "wait for it to end, or stop it",
        )
    })
}

/// What a delta's dense part says.
fn facts(model: &Continued, catalogue: &Catalogue, learned: &Sequences) -> LiveFacts {
    LiveFacts {
        config: model.model().config(),
        items: catalogue.items.len(),
        items_blake3: catalogue.items.checksum(),
        users: catalogue.users.len(),
        users_blake3: catalogue.users.checksum(),
        learned_until_ms: learned.last_ms().unwrap_or(0),
        events: learned.events() as u64,
        made_ms: SystemClock.now_ms(),
    }
}

/// The model that servers have.
fn live(name: &str, served: &Served, dir: &Path) -> Result<(Sequence, LiveFacts)> {
    let table =
        served.table("items").with_context(|| format!("{}: no items", dir.display()))?;
    let row = |item: u32, out: &mut [f32]| table.row(u64::from(item), out);
    Ok(Sequence::live(name, &served.dense(), dir, table.len(), row)?)
}

fn matrix(model: &Sequence) -> Result<Tensor> {
    let values: Vec<f32> =
        (0..model.item_count()).flat_map(|item| model.embedding(item)).copied().collect();
    Ok(Tensor::new(model.item_count() as usize, model.dim(), values)?)
}

/// The first `count` events of a log by time, which are those that were learned from where it has
/// only been added to since.
fn first(all: &Sequences, count: u64) -> Result<Sequences> {
    let mut events = Vec::with_capacity(all.events());
    for user in 0..all.users() as u32 {
        let own = all.user(user);
        for at in 0..own.len() {
            events.push((user, own.items[at], own.times_ms[at], own.values[at]));
        }
    }
    // Stable: a user's events keep their order.
    events.sort_by_key(|(_, _, time_ms, _)| *time_ms);
    events.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    Ok(Sequences::from_events(all.users(), all.item_count(), &events)?)
}

fn tell(going: &Going, learned: &Learned, published: &Published, as_json: bool) {
    let name = &going.name;
    if as_json {
        let line = json!({"model": name, "delta": published.sequence, "events": learned.events,
            "steps": learned.steps, "loss": learned.loss, "rows": published.rows,
            "bytes": published.bytes, "file": published.path});
        answer(&line.to_string());
        return;
    }
    answer(&format!(
        "{name} delta {}: {} events, loss {:.3}, {} rows, {} bytes",
        published.sequence,
        grouped(learned.events as u64),
        learned.loss,
        grouped(published.rows as u64),
        grouped(published.bytes),
    ));
}

/// What is damaged among the deltas of a log, in words.
pub(crate) fn verify(files: &Arc<dyn Files>, dir: &Path) -> Vec<String> {
    let folder = dir.join(DELTAS_DIR);
    let listed = |path: &Path| files.list(path).map_err(data::Error::io(path));
    let mut found = Vec::new();
    let versions = listed(&folder).unwrap_or_else(|error| {
        found.push(error.to_string());
        Vec::new()
    });
    for model in versions.iter().flat_map(|version| listed(version).unwrap_or_default()) {
        let served = Follower::open(files.clone(), &model).and_then(|it| it.serve());
        found.extend(served.err().map(|error| error.to_string()));
    }
    found
}

/// Sleeps, and wakes up where it is asked to stop.
fn wait(mut left: Duration) {
    const LOOK: Duration = Duration::from_millis(50);
    while !left.is_zero() && !stopped() {
        let some = left.min(LOOK);
        std::thread::sleep(some);
        left -= some;
    }
}
