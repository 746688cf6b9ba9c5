//! Worlds beside real logs: reuse of ids, popularity of items, length of visits.

use std::collections::{HashMap, VecDeque};

use anyhow::Result;
use evaluate::shape::Shape;
use world::{Creator, Kind, Mode, Preset, Request, World, WorldConfig};

use super::arm::{Arm, Round};
use super::chosen::Chooser;
use super::known::Known;
use super::policy::PolicyName;
use crate::terminal::with_progress;

/// Clicks of a person that a training sample looks up beside the item that it is about.
const HISTORY: usize = 20;
/// Samples whose look-ups are counted: the batch of Meta's traces.
const SAMPLES: u64 = 65_536;

/// A world to be looked at.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub(crate) preset: Preset,
    pub(crate) config: WorldConfig,
    pub(crate) seed: u64,
    pub(crate) policy: PolicyName,
    pub(crate) candidates: usize,
    /// At least so many, to the end of a round.
    pub(crate) impressions: u64,
}

/// What its log is like.
pub(crate) fn shape(look: &Look) -> Result<Shape> {
    let name = look.preset.name();
    with_progress(name, |progress| {
        let chooser = Chooser::of_no_model(look.policy.clone(), look.candidates, look.seed);
        let world = World::new(look.config.clone(), look.seed)?;
        let mut arm = Arm { world, chooser, known: Known::new(look.config.users) };
        let mut counts = Counts::new(look);
        while counts.impressions < look.impressions {
            let round = arm.round()?;
            counts.add(&arm.world, &round);
            progress.step("impressions", counts.impressions, Some(look.impressions))?;
        }
        Ok(counts.shape(look))
    })
}

/// A table of embeddings that a sample looks into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Feature {
    User,
    Market,
    Language,
    Item,
    Topic,
    Creator,
    Clicked,
    ClickedTopic,
}

/// What is counted of a world.
struct Counts {
    mode: Mode,
    impressions: u64,
    /// Samples from the last of which uses are counted.
    uses_from: u64,
    /// By table and id.
    uses: HashMap<(Feature, u32), u64>,
    clicks: HashMap<u32, u64>,
    /// By person: last clicks, newest last.
    histories: Vec<VecDeque<u32>>,
    /// By person: events of the visit that is open.
    open: Vec<u64>,
    visits: Vec<u64>,
}

impl Counts {
    fn new(look: &Look) -> Counts {
        let people = look.config.users as usize;
        Counts {
            mode: look.config.mode,
            impressions: 0,
            uses_from: look.impressions.saturating_sub(SAMPLES),
            uses: HashMap::new(),
            clicks: HashMap::new(),
            histories: vec![VecDeque::new(); people],
            open: vec![0; people],
            visits: Vec::new(),
        }
    }

    fn add(&mut self, world: &World, round: &Round) {
        for ((request, person), chosen) in
            round.requests.iter().zip(&round.people).zip(&round.chosen)
        {
            let person = *person as usize;
            if request.slates_before == 0 {
                self.visits.push(std::mem::take(&mut self.open[person]));
            }
            // A log of pages sees every page, others see clicks.
            if self.mode == Mode::Pages {
                self.open[person] += 1;
            }
            for item in &chosen.shown {
                self.impressions += 1;
                if self.impressions > self.uses_from
                    && self.impressions <= self.uses_from + SAMPLES
                {
                    self.look_up(world, request, person, *item);
                }
            }
        }
        for event in &round.happened {
            let (Kind::Click, Some(item)) = (event.kind, event.item) else { continue };
            let person = round.people[event.request as usize] as usize;
            *self.clicks.entry(item).or_default() += 1;
            if self.mode != Mode::Pages {
                self.open[person] += 1;
            }
            let history = &mut self.histories[person];
            if history.len() == HISTORY {
                history.pop_front();
            }
            history.push_back(item);
        }
    }

    /// What a ranking model would look up for one sample.
    fn look_up(&mut self, world: &World, request: &Request, person: usize, item: u32) {
        let uses = &mut self.uses;
        let mut used = |feature, id| *uses.entry((feature, id)).or_default() += 1;
        used(Feature::User, person as u32);
        used(Feature::Market, request.market.into());
        used(Feature::Language, request.language.into());
        let known = |item| world.catalogue().get(item);
        if let Some(item) = known(item) {
            used(Feature::Item, item.id);
            used(Feature::Topic, item.leaf);
            let creator = match item.creator {
                Creator::Maker(maker) => maker,
                Creator::User(user) => user + world.config().catalogue.makers,
            };
            used(Feature::Creator, creator);
        }
        for clicked in &self.histories[person] {
            used(Feature::Clicked, *clicked);
            if let Some(item) = known(*clicked) {
                used(Feature::ClickedTopic, item.leaf);
            }
        }
    }

    fn shape(self, look: &Look) -> Shape {
        let Counts { impressions, uses, clicks, visits, .. } = self;
        let visit = match look.config.mode {
            Mode::Pages => "pages",
            _ => "clicks",
        };
        let what = format!(
            "simulated, {} impressions by {}; uses: user, market, language, item, topic, creator, and \
             the last {HISTORY} clicks with their topics, of {} samples; events: clicks on items \
             that were ever clicked; a visit's {visit}",
            data::grouped(impressions),
            look.policy,
            data::grouped(SAMPLES.min(impressions)),
        );
        Shape::new(look.preset.name(), what, true)
            .with_uses(uses.into_values())
            .with_events(clicks.into_values())
            .with_visits(visits)
    }
}
