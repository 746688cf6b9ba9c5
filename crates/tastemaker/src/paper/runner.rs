//! Cells one after another: finished ones are passed over, the one that was cut off goes on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use data::{Clock, Feedback, Files, RealFiles, SystemClock};

use super::arm::{self, Answered};
use super::borrow::{Wanted, borrow};
use super::cell::{CELL_VERSION, Cell, Identity};
use super::decile::Deciles;
use super::ground::Ground;
use super::metric::HEADLINE;
use super::outcome::{Outcome, Outcomes};
use super::recipe::{Grid, GridArm, Recipe};
use super::store::Store;
use super::study;
use crate::experiment::{Loaded, Machine, SplitChoice, load, must_exist};
use crate::hint;
use crate::terminal::note;

/// What of a recipe to run, and where.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// `GRID`, `ARM` or `GRID/ARM`; empty: everything.
    pub(crate) only: Vec<String>,
    /// Seeds of every arm, in place of the recipe's.
    pub(crate) seeds: Option<u32>,
    pub(crate) quick: bool,
    /// Folder of the data.
    pub(crate) data: PathBuf,
    /// Folder of all papers' cells.
    pub(crate) store: PathBuf,
}

/// A cell to run.
struct Task<'a> {
    grid: &'a Grid,
    own: &'a GridArm,
    seed: u64,
}

impl Choice {
    /// Where cells of `recipe` are kept.
    pub(crate) fn cells(&self, recipe: &Recipe) -> Store {
        self.cells_of(&recipe.slug)
    }

    /// Where cells of the paper called `slug` are kept.
    fn cells_of(&self, slug: &str) -> Store {
        let files: Arc<dyn Files> = Arc::new(RealFiles);
        Store::new(files, &self.store, slug, self.quick)
    }

    /// Whether an arm of a grid is meant.
    pub(crate) fn takes(&self, grid: &Grid, own: &GridArm) -> bool {
        let both = format!("{}/{}", grid.name, own.arm);
        let named = |name: &String| *name == grid.name || *name == own.arm || *name == both;
        self.only.is_empty() || self.only.iter().any(named)
    }

    /// Seeds of an arm.
    pub(crate) fn seeds(&self, own: &GridArm) -> std::ops::RangeInclusive<u64> {
        1..=u64::from(self.seeds.unwrap_or(own.seeds))
    }

    /// All cells that are meant: every first seed before any second one, so that a run that is
    /// looked at early has something of everything.
    fn tasks<'a>(&self, recipe: &'a Recipe, none: bool) -> Result<Vec<Task<'a>>> {
        let mut tasks = Vec::new();
        for grid in &recipe.grids {
            for own in grid.arms.iter().filter(|own| self.takes(grid, own)) {
                tasks.extend(self.seeds(own).map(|seed| Task { grid, own, seed }));
            }
        }
        if tasks.is_empty() && none {
            let studies: Vec<&str> =
                recipe.studies.iter().map(|own| own.name.as_str()).collect();
            let grids: Vec<&str> = recipe.grids.iter().map(|grid| grid.name.as_str()).collect();
            let arms: Vec<&str> = recipe.arms.iter().map(|arm| arm.name.as_str()).collect();
            return Err(hint::error(
                format!("--only {}: nothing of this paper is called so", self.only.join(", ")),
                match studies[..] {
                    [] => format!("grids: {}; arms: {}", grids.join(", "), arms.join(", ")),
                    _ => format!("studies: {}", studies.join(", ")),
                },
            ));
        }
        tasks.sort_by_key(|task| task.seed);
        Ok(tasks)
    }
}

/// Runs what is not finished yet.
pub(crate) fn run(recipe: &Recipe, choice: &Choice) -> Result<()> {
    let studies = study::tasks(recipe, choice);
    let tasks = choice.tasks(recipe, studies.is_empty())?;
    for task in &tasks {
        let more = "the paper's README.md says where it comes from, and `--only GRID` runs what \
                    needs other data";
        must_exist(&choice.data, recipe.data_of(task.grid)?, more)?;
    }
    let store = choice.cells(recipe);
    let _lock = store.lock()?;
    let mut grounds = Grounds {
        recipe,
        choice,
        store: &store,
        loaded: BTreeMap::new(),
        grounds: BTreeMap::new(),
    };
    let mut costs = Costs::default();
    let mut left = Vec::new();
    for task in tasks {
        let ground = grounds.of(task.grid)?;
        let identity = identity(recipe, choice, &task, ground)?;
        match store.get(&task.grid.name, &task.own.arm, task.seed)? {
            Some(cell) if cell.identity == identity => costs.add(&cell),
            Some(_) => {
                note(&format!("{}: kept with other settings or data, run again", name(&task)));
                left.push((task, identity));
            }
            None => left.push((task, identity)),
        }
    }
    let left = without_borrowed(recipe, choice, left, &store, &mut costs)?;
    let (finished, all) = (costs.cells, costs.cells + left.len());
    if finished > 0 {
        note(&format!("{finished} of {all} cells are finished already"));
    }
    for (at, (task, identity)) in left.iter().enumerate() {
        let eta = match costs.of(&left[at..]) {
            Some(seconds) => format!(", about {} left", data::seconds_in_words(seconds)),
            None => String::new(),
        };
        note(&format!("cell {} of {all}: {}{eta}", finished + at + 1, name(task)));
        let ground = grounds.of(task.grid)?;
        let settings = recipe.settings(task.grid, task.own, choice.quick)?;
        let answered =
            arm::answer(&store, identity, &settings, ground).with_context(|| name(task))?;
        let cell = judged(identity.clone(), task.grid, ground, &answered);
        store.put(&cell)?;
        arm::clear(&store, &cell.identity)?;
        note(&format!("  {}", headline(&cell)));
        costs.add(&cell);
    }
    study::run(recipe, choice, &store, &studies)
}

/// Keeps what other papers have finished of `left`; the rest is to be run.
fn without_borrowed<'a>(
    recipe: &Recipe,
    choice: &Choice,
    left: Vec<(Task<'a>, Identity)>,
    store: &Store,
    costs: &mut Costs,
) -> Result<Vec<(Task<'a>, Identity)>> {
    let lenders: Vec<Store> = recipe.borrow.iter().map(|slug| choice.cells_of(slug)).collect();
    let wanted: Vec<Wanted<'_>> =
        left.iter().map(|(task, identity)| Wanted { grid: task.grid, identity }).collect();
    let lent = borrow(&lenders, &wanted)?;
    let mut rest = Vec::new();
    for (own, lent) in left.into_iter().zip(lent) {
        let Some(cell) = lent else {
            rest.push(own);
            continue;
        };
        store.put(&cell)?;
        arm::clear(store, &cell.identity)?;
        let place = cell.borrowed_from.as_deref().unwrap_or_default();
        note(&format!("{}: borrowed from {place}", name(&own.0)));
        costs.add(&cell);
    }
    Ok(rest)
}

fn name(task: &Task<'_>) -> String {
    format!("{}/{} seed {}", task.grid.name, task.own.arm, task.seed)
}

fn headline(cell: &Cell) -> String {
    let hr = cell.means.get("hr@10").copied().unwrap_or(f64::NAN);
    let ndcg = cell.mean(HEADLINE).unwrap_or(f64::NAN);
    let epoch = match cell.best_epoch {
        0 => String::new(),
        epoch => format!(", epoch {epoch} of {}", cell.epochs.len()),
    };
    format!(
        "test: HR@10 {hr:.4}, NDCG@10 {ndcg:.4}{epoch}, {}",
        data::seconds_in_words(cell.seconds())
    )
}

fn identity(
    recipe: &Recipe,
    choice: &Choice,
    task: &Task<'_>,
    ground: &Ground,
) -> Result<Identity> {
    let arm = recipe.arm(&task.own.arm)?;
    Ok(Identity {
        version: CELL_VERSION,
        paper: recipe.slug.clone(),
        grid: task.grid.name.clone(),
        arm: arm.name.clone(),
        seed: task.seed,
        quick: choice.quick,
        data: ground.fingerprint.clone(),
        split: task.grid.split.in_words(),
        model: arm.model.clone(),
        settings: recipe.settings(task.grid, task.own, choice.quick)?.to_json()?,
        places: Identity::PLACES,
    })
}

fn judged(identity: Identity, grid: &Grid, ground: &Ground, answered: &Answered) -> Cell {
    let Ground { split, cases, before, .. } = ground;
    let counts = match grid.split {
        SplitChoice::LeaveLastOut => split.train.popularity(),
        SplitChoice::Time { .. } => before.popularity(),
    };
    let relevant: Vec<&[u32]> = ground.warm.iter().map(|at| cases.relevant(*at)).collect();
    let outcomes = answered.lists.iter().zip(&relevant);
    let outcomes = Outcomes(outcomes.map(|(list, own)| Outcome::of(list, own)).collect());
    let single = relevant.iter().all(|own| own.len() == 1);
    let deciles = (grid.deciles && single)
        .then(|| Deciles::new(&counts, relevant.iter().map(|own| own[0])));
    let mut cell = Cell {
        identity,
        split: split.facts.clone(),
        users: ground.warm.len() as u64,
        cold: (cases.len() - ground.warm.len()) as u64,
        items: split.train.item_count(),
        nothing_new: cases.nothing_new() as u64,
        lists: BTreeMap::new(),
        means: BTreeMap::new(),
        epochs: answered.epochs.clone(),
        best_epoch: answered.best_epoch,
        fit_seconds: answered.fit_seconds,
        rank_seconds: answered.rank_seconds,
        machine: Machine::here(),
        finished_ms: SystemClock.now_ms(),
        deciles,
        borrowed_from: None,
        outcomes,
    };
    for metric in &grid.metrics {
        if let Some(value) = metric.of_lists(&answered.lists, &counts) {
            cell.lists.insert(metric.to_string(), value);
        }
    }
    cell.take_means(&grid.metrics);
    cell
}

/// Data sets and splits, each made once, when it is first needed.
struct Grounds<'a> {
    recipe: &'a Recipe,
    choice: &'a Choice,
    store: &'a Store,
    loaded: BTreeMap<String, Loaded>,
    grounds: BTreeMap<String, Ground>,
}

impl Grounds<'_> {
    fn of(&mut self, grid: &Grid) -> Result<&Ground> {
        if !self.grounds.contains_key(&grid.name) {
            if !self.loaded.contains_key(&grid.data) {
                let set = self.recipe.data_of(grid)?;
                let scratch = self.store.dir().join("importing");
                let (files, data) = (self.store.files(), &self.choice.data);
                let loaded = load(files, data, set, &Feedback::default(), &scratch)?;
                self.loaded.insert(grid.data.clone(), loaded);
            }
            let ground =
                Ground::new(self.recipe, grid, &self.loaded[&grid.data], self.choice.quick)?;
            self.grounds.insert(grid.name.clone(), ground);
        }
        Ok(&self.grounds[&grid.name])
    }
}

/// What finished cells took, to say what others will take.
#[derive(Default)]
struct Costs {
    cells: usize,
    seconds: f64,
    /// By grid, and by grid and arm: cells and seconds.
    of: BTreeMap<(String, Option<String>), (f64, f64)>,
}

impl Costs {
    fn add(&mut self, cell: &Cell) {
        self.cells += 1;
        self.seconds += cell.seconds();
        let Identity { grid, arm, .. } = &cell.identity;
        for arm in [None, Some(arm.clone())] {
            let (cells, seconds) = self.of.entry((grid.clone(), arm)).or_default();
            *cells += 1.0;
            *seconds += cell.seconds();
        }
    }

    /// Seconds of these cells, by the nearest of those that are finished.
    fn of(&self, left: &[(Task<'_>, Identity)]) -> Option<f64> {
        let overall = (self.cells > 0).then(|| self.seconds / self.cells as f64)?;
        let of = |(task, _): &(Task<'_>, Identity)| {
            let grid = &task.grid.name;
            let known = self
                .of
                .get(&(grid.clone(), Some(task.own.arm.clone())))
                .or_else(|| self.of.get(&(grid.clone(), None)));
            known.map_or(overall, |(cells, seconds)| seconds / cells)
        };
        Some(left.iter().map(of).sum())
    }
}
