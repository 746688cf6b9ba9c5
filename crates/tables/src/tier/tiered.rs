//! A table whose rows lie in a slow tier, the ones in use in memory: to the bit what [`Table`] is.
//!
//! The fast tier is a [`Table`] of slots: those of the cache, then two pads for rows that found no
//! way, of the batch at hand and the one ahead. Ids become numbers of slots, and look-ups and
//! updates are the table's own.
//!
//! Batch i+1 may be loaded before update i: rows that both need are locked in the cache and updated in
//! place. Before update i the load ahead is waited for, and rows of the pad of i are looked for again:
//! those that it brought into the cache are updated there. Those in both pads are handed on after
//! the update. What a pad has changed is written before anything else is loaded.

use std::sync::{Arc, PoisonError, RwLock};

use xxhash_rust::xxh3::Xxh3;

use super::Tier;
use super::ahead::{Ahead, gone};
use super::cache::{Cache, Counters, WAYS};
use super::config::TieredConfig;
use super::loading::{Batch, Beginning, Engine};
use crate::{Bags, Dtype, Error, Init, Pooling, Result, Table, TableConfig};

/// Embedding rows over a slow tier.
pub struct TieredTable {
    pub(super) config: TieredConfig,
    pub(super) firsts: Vec<u64>,
    pub(super) steps: Vec<u32>,
    pub(super) fast: Arc<RwLock<Table>>,
    /// Lent while a batch is ahead.
    pub(super) engine: Option<Box<Engine>>,
    ahead: Ahead,
    is_ahead: bool,
    current: Option<Batch>,
    loaded: Option<Batch>,
    spare: Vec<Batch>,
}

impl TieredTable {
    /// A table over what the last flush left in the tier.
    ///
    /// # Errors
    /// Where a setting cannot be, the memory does not do (the error says what would), or the tier is
    /// another table's.
    pub fn open(mut tier: Box<dyn Tier>, config: TieredConfig) -> Result<TieredTable> {
        let bad = |field, what: String| Err(Error::Setting { field, what });
        if config.features.is_empty() || config.features.iter().any(|it| it.rows == 0) {
            return bad("features", "there is one at least, of one row at least".into());
        }
        if config.batch_ids == 0 || config.batch_ids > 1 << 30 {
            return bad("batch_ids", format!("{} is not between 1 and 2^30", config.batch_ids));
        }
        if config.width == 0 || config.width > 1 << 16 || config.rows() >= 1 << 40 {
            return bad("width", format!("{} or {} rows", config.width, config.rows()));
        }
        config.features.iter().try_for_each(|feature| feature.init.check())?;
        let fixed = config.fixed_bytes(tier.as_ref());
        let set = WAYS * (config.record_bytes() + Cache::SLOT_BYTES);
        let sets = config.memory_bytes.saturating_sub(fixed) / set;
        if sets == 0 {
            let what = format!(
                "{} bytes are too few for a batch of {} ids; {} is the least that would do",
                config.memory_bytes,
                config.batch_ids,
                fixed + set
            );
            return bad("memory", what);
        }
        // More slots than rows are good for nothing, but for sets that would be full.
        let sets = sets.min((config.rows() as usize).div_ceil(WAYS).saturating_mul(4));
        let slots = sets * WAYS;
        let fast = TableConfig {
            name: config.name.clone(),
            width: config.width,
            dtype: Dtype::F32,
            init: Init::Zero,
            optimiser: config.optimiser,
        };
        let fast = Table::dense(fast, slots + 2 * config.pad_rows)?;
        let firsts: Vec<u64> = config
            .features
            .iter()
            .scan(0, |next, feature| {
                *next += feature.rows;
                Some(*next - feature.rows)
            })
            .collect();
        let steps = match tier.note()? {
            None => vec![0; firsts.len()],
            Some(note) => steps_of(&note, &config)?,
        };
        let beginnings = (firsts.iter().zip(&config.features))
            .map(|(first, feature)| Beginning { first: *first, init: feature.init })
            .collect();
        let cache = Cache::new(sets, config.policy, config.rows());
        let sizes = [config.batch_ids, config.pad_rows, config.width, config.record_bytes()];
        let engine = Box::new(Engine::new(cache, tier, beginnings, sizes));
        let fast = Arc::new(RwLock::new(fast));
        let ahead = Ahead::start(fast.clone(), config.pad_rows)?;
        let spare = [0, 1]
            .map(|side| {
                let pad = slots + side * config.pad_rows;
                Batch::new(config.batch_ids, config.pad_rows, pad)
            })
            .into();
        Ok(TieredTable {
            config,
            firsts,
            steps,
            fast,
            engine: Some(engine),
            ahead,
            is_ahead: false,
            current: None,
            loaded: None,
            spare,
        })
    }

    /// What it is.
    pub fn config(&self) -> &TieredConfig {
        &self.config
    }

    /// Changes the learning rate of the steps that follow.
    ///
    /// # Errors
    /// Where it is negative or not finite.
    pub fn set_rate(&mut self, rate: f32) -> Result<()> {
        self.fast.write().unwrap_or_else(PoisonError::into_inner).set_rate(rate)?;
        self.config.optimiser = self.config.optimiser.at_rate(rate);
        Ok(())
    }

    /// Rows that the cache holds.
    pub fn cached_rows(&self) -> usize {
        let fast = self.fast.read().unwrap_or_else(PoisonError::into_inner);
        fast.len() - 2 * self.config.pad_rows
    }

    /// Begins to load a batch, on a thread of its own, while the batch at hand is worked on. An error of
    /// that comes with whatever is asked next.
    ///
    /// # Errors
    /// Where a batch is ahead already, or ids are not rows.
    pub fn look_ahead(&mut self, features: &[(usize, Bags<'_>)]) -> Result<()> {
        if self.current.as_ref().is_some_and(|batch| batch.print == print_of(features)) {
            // The same ids again: they are at hand.
            return Ok(());
        }
        if self.is_ahead || self.loaded.is_some() {
            return Err(self.wrong("a batch is ahead already; look it up first".into()));
        }
        let batch = self.named(features)?;
        let engine = self.engine.take().ok_or_else(|| gone("it died"))?;
        self.ahead.begin(engine, batch)?;
        self.is_ahead = true;
        Ok(())
    }

    /// Pools rows of a batch side by side into `out` `[samples, features × width]`, as
    /// [`Table::pooled`]. The batch is at hand from now on.
    ///
    /// # Errors
    /// Where ids are not rows, the tier fails, or the batch does not fit.
    ///
    /// # Panics
    /// As [`Table::pooled`].
    pub fn pooled(
        &mut self,
        features: &[(usize, Bags<'_>)],
        pooling: Pooling,
        out: &mut [f32],
    ) -> Result<()> {
        self.bring(features)?;
        let fast = self.fast.read().unwrap_or_else(PoisonError::into_inner);
        let batch = self.current.as_ref().ok_or_else(|| gone("no batch is at hand"))?;
        let placed: Vec<(&Table, Bags<'_>)> =
            placed(features, &batch.places).into_iter().map(|bags| (&*fast, bags)).collect();
        Table::pooled(&placed, pooling, out)
    }

    /// Rows of all ids in order, feature after feature, `[ids, width]`.
    ///
    /// # Errors
    /// As [`TieredTable::pooled`].
    ///
    /// # Panics
    /// Where `out` has another size.
    pub fn sequence(&mut self, features: &[(usize, Bags<'_>)], out: &mut [f32]) -> Result<()> {
        self.bring(features)?;
        let fast = self.fast.read().unwrap_or_else(PoisonError::into_inner);
        let batch = self.current.as_ref().ok_or_else(|| gone("no batch is at hand"))?;
        fast.sequence(&batch.places, out)
    }

    /// One step of every feature, as [`Table::update`]; `gradient` is `[samples, features × width]`. Waits
    /// for the batch ahead.
    ///
    /// # Errors
    /// As [`TieredTable::pooled`], where loading ahead failed, or a gradient is not finite; nothing
    /// has changed then.
    ///
    /// # Panics
    /// Where `gradient` has another size.
    pub fn update(
        &mut self,
        features: &[(usize, Bags<'_>)],
        pooling: Pooling,
        gradient: &[f32],
    ) -> Result<()> {
        let (width, stride) = (self.config.width, features.len() * self.config.width);
        let samples = features.first().map_or(0, |(_, bags)| bags.len());
        assert!(features.iter().all(|(_, bags)| bags.len() == samples), "one bag a sample");
        assert_eq!(gradient.len(), samples * stride, "samples times widths");
        if let Some(at) = gradient.iter().position(|value| !value.is_finite()) {
            let what = format!("the gradient of sample {} is not finite", at / stride);
            return Err(self.wrong(what));
        }
        self.bring(features)?;
        self.wait()?;
        let engine = self.engine.as_mut().ok_or_else(|| gone("it died"))?;
        let batch = self.current.as_mut().ok_or_else(|| gone("no batch is at hand"))?;
        // What the load ahead brought into the cache is updated there.
        let mut moved = Vec::new();
        for (at, row) in batch.conflicts.iter().enumerate() {
            if let Some(slot) = engine.cache.find(*row) {
                moved.push((at, slot as u64));
            }
        }
        if !moved.is_empty() {
            for place in &mut batch.places {
                let Some(at) = (*place as usize).checked_sub(batch.pad) else { continue };
                if let Ok(found) = moved.binary_search_by_key(&at, |(at, _)| *at) {
                    *place = moved[found].1;
                }
            }
        }
        let mut fast = self.fast.write().unwrap_or_else(PoisonError::into_inner);
        let placed = placed(features, &batch.places);
        for (at, ((feature, _), bags)) in features.iter().zip(placed).enumerate() {
            fast.steps = self.steps[*feature];
            fast.update(&bags, pooling, gradient, stride, at * width)?;
            self.steps[*feature] = fast.steps;
        }
        engine.cache.soil(&batch.used);
        for (_, slot) in &moved {
            engine.cache.soil(&[*slot as u32]);
        }
        let next = self.loaded.as_ref();
        // A row that another pad owes is owed by this one now. Sorted: pads may be large.
        let places = |rows: &mut dyn Iterator<Item = u64>| {
            let mut places: Vec<(u64, usize)> = rows.zip(0..).collect();
            places.sort_unstable();
            places
        };
        let find = |places: &[(u64, usize)], row: u64| {
            let at = places.binary_search_by_key(&row, |(other, _)| *other).ok()?;
            Some(places[at].1)
        };
        let owed = places(&mut engine.owed.iter().map(|(row, _)| *row));
        let ahead = next.map_or(Vec::new(), |next| places(&mut next.conflicts.iter().copied()));
        for (at, row) in batch.conflicts.iter().enumerate() {
            if moved.binary_search_by_key(&at, |(at, _)| *at).is_ok() {
                continue;
            }
            let place = (batch.pad + at) as u32;
            match find(&owed, *row) {
                Some(known) => engine.owed[known].1 = place,
                None => engine.owed.push((*row, place)),
            }
            let also = next.and_then(|next| Some(next.pad + find(&ahead, *row)?));
            if let Some(to) = also {
                let (values, state) = fast.parts(batch.pad + at);
                let (values, state) = (values.to_vec(), state.to_vec());
                let (row, own) = fast.parts_mut(to);
                row.copy_from_slice(&values);
                own.copy_from_slice(&state);
            }
        }
        Ok(())
    }

    /// Writes every row that has changed to the tier and makes all of it durable.
    ///
    /// # Errors
    /// Where loading ahead or the tier fails.
    pub fn flush(&mut self) -> Result<()> {
        self.wait()?;
        let names: Vec<&str> = self.config.features.iter().map(|it| &*it.name).collect();
        let rows: Vec<u64> = self.config.features.iter().map(|it| it.rows).collect();
        let note = serde_json::json!({"steps": self.steps, "features": names, "rows": rows});
        let engine = self.engine.as_mut().ok_or_else(|| gone("it died"))?;
        engine.flush(&self.fast, &note.to_string())
    }

    /// Copies out a row as it is now.
    ///
    /// # Errors
    /// Where it is none, loading ahead failed, or the tier fails.
    ///
    /// # Panics
    /// Where `out` has another width.
    pub fn row(&mut self, feature: usize, id: u64, out: &mut [f32]) -> Result<()> {
        assert_eq!(out.len(), self.config.width, "width of table {}", self.config.name);
        self.check(feature, &[id])?;
        self.wait()?;
        let row = self.firsts[feature] + id;
        let engine = self.engine.as_mut().ok_or_else(|| gone("it died"))?;
        let owed = engine.owed.iter().find(|(other, _)| *other == row);
        let place = engine.cache.find(row).or(owed.map(|(_, place)| *place as usize));
        match place {
            Some(place) => {
                let fast = self.fast.read().unwrap_or_else(PoisonError::into_inner);
                out.copy_from_slice(fast.parts(place).0);
                Ok(())
            }
            None => engine.read_one(row, out),
        }
    }

    /// What the cache has done so far; waits for the batch ahead.
    ///
    /// # Errors
    /// Where loading ahead failed.
    pub fn counters(&mut self) -> Result<Counters> {
        self.wait()?;
        Ok(self.engine.as_ref().ok_or_else(|| gone("it died"))?.cache.counters)
    }

    /// Bytes of memory that it takes, by what its parts have; waits for the batch ahead.
    ///
    /// # Errors
    /// Where loading ahead failed.
    pub fn memory_bytes(&mut self) -> Result<usize> {
        self.wait()?;
        let engine = self.engine.as_ref().ok_or_else(|| gone("it died"))?.bytes();
        let fast = self.fast.read().unwrap_or_else(PoisonError::into_inner).bytes();
        let batches = [&self.current, &self.loaded].into_iter().flatten().chain(&self.spare);
        let batches: usize = batches.map(|batch| batch.bytes()).sum();
        Ok(engine + fast + batches + self.config.transient_bytes())
    }

    /// Makes a batch the one at hand.
    fn bring(&mut self, features: &[(usize, Bags<'_>)]) -> Result<()> {
        let print = print_of(features);
        if self.current.as_ref().is_some_and(|batch| batch.print == print) {
            return Ok(());
        }
        self.wait()?;
        let engine = self.engine.as_mut().ok_or_else(|| gone("it died"))?;
        if let Some(batch) = self.current.take() {
            engine.cache.unlock(&batch.used);
            self.spare.push(batch);
        }
        match self.loaded.take() {
            Some(batch) if batch.print == print => {
                self.current = Some(batch);
                return Ok(());
            }
            // Another batch comes than the one that was looked ahead for.
            Some(batch) => {
                engine.cache.unlock(&batch.used);
                self.spare.push(batch);
            }
            None => {}
        }
        let mut batch = self.named(features)?;
        let engine = self.engine.as_mut().ok_or_else(|| gone("it died"))?;
        let result = engine.load(&mut batch, &self.fast, self.config.pad_rows);
        match self.fits(result) {
            Ok(()) => self.current = Some(batch),
            Err(error) => {
                self.spare.push(batch);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Waits for the batch ahead.
    pub(super) fn wait(&mut self) -> Result<()> {
        if !self.is_ahead {
            return Ok(());
        }
        self.is_ahead = false;
        let (engine, batch, result) = self.ahead.wait()?;
        self.engine = Some(engine);
        let result = self.fits(result);
        match result {
            Ok(()) => self.loaded = Some(batch),
            Err(_) => self.spare.push(batch),
        }
        result
    }

    fn fits(&self, conflicts: Result<usize>) -> Result<()> {
        let pad = self.config.pad_rows;
        match conflicts? {
            conflicts if conflicts <= pad => Ok(()),
            conflicts => {
                // A row in each of two pads, of which a plan and a list of debts know.
                let each = 2 * (self.config.record_bytes() + 8) + 32;
                let least = self.config.memory_bytes + (conflicts - pad) * each;
                let what = format!(
                    "{conflicts} rows of a batch find no way into the cache, and the pad has \
                     {pad}; pad_rows {conflicts} with {least} bytes would do"
                );
                Err(Error::Setting { field: "memory", what })
            }
        }
    }

    /// A batch with its ids.
    fn named(&mut self, features: &[(usize, Bags<'_>)]) -> Result<Batch> {
        let ids: usize = features.iter().map(|(_, bags)| bags.ids().len()).sum();
        if ids > self.config.batch_ids {
            let what = format!("a batch of {ids} ids, more than {}", self.config.batch_ids);
            return Err(self.wrong(what));
        }
        for (feature, bags) in features {
            self.check(*feature, bags.ids())?;
        }
        let mut batch = self.spare.pop().ok_or_else(|| gone("it died"))?;
        batch.places.clear();
        for (feature, bags) in features {
            let first = self.firsts[*feature];
            batch.places.extend(bags.ids().iter().map(|id| first + id));
        }
        batch.print = print_of(features);
        Ok(batch)
    }

    pub(super) fn check(&self, feature: usize, ids: &[u64]) -> Result<()> {
        let Some(known) = self.config.features.get(feature) else {
            let count = self.config.features.len();
            return Err(self.wrong(format!("feature {feature} of {count}")));
        };
        match ids.iter().position(|id| *id >= known.rows) {
            None => Ok(()),
            Some(at) => Err(self.wrong(format!(
                "feature {}: id {} (number {at}) of {} rows",
                known.name, ids[at], known.rows
            ))),
        }
    }

    pub(super) fn wrong(&self, what: String) -> Error {
        Error::Input { table: self.config.name.clone(), what }
    }
}

/// The same bags, of places.
fn placed<'a>(features: &[(usize, Bags<'a>)], places: &'a [u64]) -> Vec<Bags<'a>> {
    let mut rest = places;
    let mut placed = Vec::with_capacity(features.len());
    for (_, bags) in features {
        let (own, after) = rest.split_at(bags.ids().len());
        placed.push(bags.placed(own));
        rest = after;
    }
    placed
}

/// Tells batches apart.
fn print_of(features: &[(usize, Bags<'_>)]) -> u128 {
    let mut hasher = Xxh3::new();
    let mut bytes = [0u8; 512];
    for (feature, bags) in features {
        hasher.update(&(*feature as u64).to_le_bytes());
        hasher.update(&(bags.ids().len() as u64).to_le_bytes());
        hasher.update(&(bags.offsets().len() as u64).to_le_bytes());
        for some in bags.ids().chunks(64) {
            let parts = bytes.as_chunks_mut::<8>().0;
            parts.iter_mut().zip(some).for_each(|(part, id)| *part = id.to_le_bytes());
            hasher.update(&bytes[..some.len() * 8]);
        }
    }
    hasher.digest128()
}

/// Steps so far, of the note of a flush.
fn steps_of(note: &str, config: &TieredConfig) -> Result<Vec<u32>> {
    #[derive(serde::Deserialize)]
    struct Note {
        steps: Vec<u32>,
        features: Vec<String>,
        rows: Vec<u64>,
    }
    let wrong = |what: String| Error::Tier { place: config.name.clone(), what };
    let note: Note =
        serde_json::from_str(note).map_err(|error| wrong(format!("its note: {error}")))?;
    let same = note.steps.len() == config.features.len()
        && config.features.iter().map(|it| &it.name).eq(&note.features)
        && config.features.iter().map(|it| &it.rows).eq(&note.rows);
    match same {
        true => Ok(note.steps),
        false => Err(wrong(format!("the tier is of other features: {:?}", note.features))),
    }
}
