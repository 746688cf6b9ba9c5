//! The closed loop: requests out, slates in, and what happened out again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rayon::prelude::*;

use crate::dice::Seed;
use crate::happened::Happened;
use crate::item::{Item, Origin};
use crate::request::{Request, Slates};
use crate::topic::Topics;
use crate::truth::Truth;
use crate::user::User;
use crate::visit::{Outcome, Place, Visit};
use crate::words::{self, Words};
use crate::{Catalogue, Error, Result, WorldConfig};

/// Visits that one thread takes at a time; what comes out does not depend on it.
const VISITS: usize = 128;

/// A simulated world. It does not know who makes the slates.
///
/// ```
/// use world::{Preset, Slates, World};
///
/// let mut world = World::new(Preset::ShortVideo.config(), 7)?;
/// for _ in 0..3 {
///     let mut slates = Slates::new();
///     for _ in world.next_requests() {
///         slates.push(&[3, 1, 2]);
///     }
///     let happened = world.respond(&slates)?;
///     assert!(happened.iter().all(|event| event.item.is_none_or(|item| item < 4)));
/// }
/// # Ok::<(), world::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct World {
    config: WorldConfig,
    seed: Seed,
    topics: Topics,
    catalogue: Catalogue,
    users: Vec<User>,
    /// Whose visit begins when.
    due: BinaryHeap<Reverse<(i64, u32)>>,
    /// Begin of the tick.
    tick_ms: i64,
    visits: Vec<Visit>,
    requests: Vec<Request>,
    happened: Vec<Happened>,
    made: Vec<Origin>,
}

impl World {
    /// A world of these settings; the seed decides everything else.
    ///
    /// # Errors
    /// [`Error::Setting`] where a setting is out of range.
    pub fn new(config: WorldConfig, seed: u64) -> Result<World> {
        config.check()?;
        let seed = Seed::new(seed);
        let topics = Topics::new(&config, &seed);
        let catalogue = Catalogue::new(&config, &topics, &seed);
        let users: Vec<User> = (0..config.users)
            .into_par_iter()
            .map(|number| User::new(&config, &topics, &seed, number))
            .collect();
        let due = users
            .iter()
            .zip(0u32..)
            .map(|(user, number)| Reverse((user.next_visit_ms, number)))
            .collect();
        Ok(World {
            tick_ms: config.start_ms,
            config,
            seed,
            topics,
            catalogue,
            users,
            due,
            visits: Vec::new(),
            requests: Vec::new(),
            happened: Vec::new(),
            made: Vec::new(),
        })
    }

    /// Its settings.
    pub fn config(&self) -> &WorldConfig {
        &self.config
    }

    /// Begin of the present tick.
    pub fn now_ms(&self) -> i64 {
        self.tick_ms
    }

    /// What there is to show.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The topic tree.
    pub fn topics(&self) -> &Topics {
        &self.topics
    }

    /// What an item is called.
    pub fn words(&self, item: &Item) -> Words {
        words::item(&self.topics, &self.seed, item.id, item.leaf, item.language)
    }

    /// People, those who are here as they came.
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// The requests of this round: at most one a person, ordered by person. They stay the same
    /// until [`World::respond`] has answers. Where nobody is here, time goes on to the next visit.
    pub fn next_requests(&mut self) -> &[Request] {
        while self.visits.is_empty() {
            self.advance();
        }
        &self.requests
    }

    /// The requests of this round, as [`World::next_requests`] gave them last; none before.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// Who is behind request `at` of this round, also where the request does not say: a visitor's
    /// number in [`crate::Mode::Pages`].
    ///
    /// # Panics
    /// Where the round has no such request.
    pub fn person(&self, at: usize) -> u32 {
        self.visits[at].number
    }

    /// To the next tick in which somebody comes.
    fn advance(&mut self) {
        let tick_ms = i64::from(self.config.tick_s) * 1000;
        let Some(Reverse((next_ms, _))) = self.due.peek() else {
            unreachable!("everybody who is not here is due");
        };
        let next_ms = *next_ms;
        while self.tick_ms + tick_ms <= next_ms || !self.made.is_empty() {
            self.tick_ms += tick_ms;
            let made = std::mem::take(&mut self.made);
            let (config, now_ms) = (&self.config, self.tick_ms);
            self.catalogue.grow(config, &self.topics, &self.seed, &made, now_ms);
        }
        let end_ms = self.tick_ms + tick_ms;
        let mut here = Vec::new();
        while let Some(Reverse((at_ms, number))) = self.due.peek().copied() {
            if at_ms >= end_ms {
                break;
            }
            self.due.pop();
            here.push(number);
        }
        here.sort_unstable();
        let place = place(&self.config, &self.seed, &self.topics, &self.catalogue);
        let begun: Vec<(Visit, Request)> = here
            .par_iter()
            .with_min_len(VISITS)
            .map(|number| Visit::begin(place, *number, self.users[*number as usize].clone()))
            .collect();
        (self.visits, self.requests) = begun.into_iter().unzip();
    }

    /// Shows these slates to those who asked, and gives what they did, in the order of requests.
    ///
    /// # Errors
    /// [`Error::Slate`] where slates and requests do not match, a slate has more items than places,
    /// one twice, or one that is not in the catalogue. Nothing has happened then.
    pub fn respond(&mut self, slates: &Slates) -> Result<&[Happened]> {
        self.check(slates)?;
        let place = place(&self.config, &self.seed, &self.topics, &self.catalogue);
        let end_ms = self.tick_ms + i64::from(self.config.tick_s) * 1000;
        let looked: Vec<(Outcome, Vec<Option<Request>>)> = self
            .visits
            .par_chunks_mut(VISITS)
            .enumerate()
            .map(|(chunk, visits)| {
                let mut outcome = Outcome::default();
                let next = visits
                    .iter_mut()
                    .zip(chunk * VISITS..)
                    .map(|(visit, at)| {
                        visit.look(place, at as u32, slates.get(at), &mut outcome)
                    })
                    .collect();
                (outcome, next)
            })
            .collect();
        self.happened.clear();
        self.requests.clear();
        let mut visits = std::mem::take(&mut self.visits).into_iter();
        for (outcome, next) in looked {
            self.happened.extend_from_slice(&outcome.happened);
            self.made.extend_from_slice(&outcome.made);
            for (request, visit) in next.into_iter().zip(&mut visits) {
                match request {
                    Some(request) => {
                        self.requests.push(request);
                        self.visits.push(visit);
                    }
                    None => {
                        let (number, user) = visit.end(place, end_ms);
                        self.due.push(Reverse((user.next_visit_ms, number)));
                        self.users[number as usize] = user;
                    }
                }
            }
        }
        Ok(&self.happened)
    }

    fn check(&self, slates: &Slates) -> Result<()> {
        let bad = |slate, what: String| Err(Error::Slate { slate, what });
        if slates.len() != self.requests.len() {
            let what = format!(
                "{} slates for {} requests; answer each, with an empty slate if need be",
                slates.len(),
                self.requests.len()
            );
            return bad(slates.len().min(self.requests.len()), what);
        }
        for at in 0..slates.len() {
            let slate = slates.get(at);
            if slate.len() > usize::from(self.config.places) {
                let what = format!("{} items for {} places", slate.len(), self.config.places);
                return bad(at, what);
            }
            for (place, item) in slate.iter().enumerate() {
                if self.catalogue.get(*item).is_none() {
                    let what = format!(
                        "item {item} is not in the catalogue, which is {}..{}",
                        self.catalogue.first(),
                        self.catalogue.end()
                    );
                    return bad(at, what);
                }
                if slate[..place].contains(item) {
                    return bad(at, format!("item {item} stands in it twice"));
                }
            }
        }
        Ok(())
    }

    /// The truth of request `at` of this round. A policy that looks at it is an oracle.
    ///
    /// # Panics
    /// Where the round has no such request.
    pub fn truth(&self, at: usize) -> Truth<'_> {
        let visit = &self.visits[at];
        Truth {
            config: &self.config,
            catalogue: &self.catalogue,
            user: &visit.user,
            wish: visit.wish(&self.config),
        }
    }
}

/// What is lent to threads while visits are changed.
fn place<'w>(
    config: &'w WorldConfig,
    seed: &'w Seed,
    topics: &'w Topics,
    catalogue: &'w Catalogue,
) -> Place<'w> {
    Place { config, seed, topics, catalogue }
}
