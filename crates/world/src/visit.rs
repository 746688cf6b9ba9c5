//! A visit: a person looks at slates, one after another, and leaves.

use crate::appeal::{Appeal, Wish, logit};
use crate::comeback::{after_click, after_nothing};
use crate::config::Mode;
use crate::dice::{Dice, Purpose, Seed};
use crate::examination::Examination;
use crate::happened::{Happened, Kind};
use crate::item::{Item, Origin};
use crate::request::Request;
use crate::topic::Topics;
use crate::user::User;
use crate::vector::{Vector, dot, sigmoid};
use crate::{Catalogue, WorldConfig, words};

/// What everybody in a round stands in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'w> {
    pub(crate) config: &'w WorldConfig,
    pub(crate) seed: &'w Seed,
    pub(crate) topics: &'w Topics,
    pub(crate) catalogue: &'w Catalogue,
}

/// A person who is here.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) number: u32,
    pub(crate) user: User,
    clock_ms: i64,
    slates: u16,
    page: Option<u32>,
    intent: Option<Vector>,
}

/// What came of a slate.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) happened: Vec<Happened>,
    pub(crate) made: Vec<Origin>,
}

impl Visit {
    /// A person arrives, and asks for the first slate.
    pub(crate) fn begin(place: Place<'_>, number: u32, mut user: User) -> (Visit, Request) {
        let clock_ms = user.next_visit_ms;
        let mut dice = place.seed.dice(Purpose::Visit, number.into(), user.visits.into());
        let pages = place.config.mode == Mode::Pages;
        if pages {
            user.replace(place.config, place.topics, &mut dice);
        }
        user.arrive(place.config, clock_ms, &mut dice);
        let mut visit = Visit { number, user, clock_ms, slates: 0, page: None, intent: None };
        if pages {
            visit.page = Some(visit.wanted(place, &mut dice).id);
        }
        let request = visit.ask(place);
        (visit, request)
    }

    pub(crate) fn wish(&self, config: &WorldConfig) -> Wish {
        Wish::new(config, &self.user, self.intent.as_ref(), self.clock_ms)
    }

    /// The next request, and the intent behind it.
    fn ask(&mut self, place: Place<'_>) -> Request {
        let config = place.config;
        self.intent = None;
        let mut query = None;
        if config.search.share > 0.0 {
            let count = u64::from(self.user.requests);
            let mut dice = place.seed.dice(Purpose::Query, self.number.into(), count);
            if dice.chance(config.search.share) {
                query = Some(self.search(place, &mut dice));
            }
        }
        Request {
            user: (config.mode != Mode::Pages).then_some(self.number),
            time_ms: self.clock_ms,
            places: config.places,
            query,
            page: self.page,
            market: self.user.market,
            language: self.user.language,
            slates_before: self.slates,
        }
    }

    fn search(&mut self, place: Place<'_>, dice: &mut Dice) -> String {
        let target = self.wanted(place, dice);
        if dice.chance(place.config.search.vague) {
            self.intent = Some(*place.topics.direction(target.leaf));
            words::vague(place.topics, target.leaf, self.user.language, dice)
        } else {
            self.intent = Some(target.vector);
            let words =
                words::item(place.topics, place.seed, target.id, target.leaf, target.language);
            words::precise(&words.title, dice)
        }
    }

    /// Of sixteen items, the one that the person likes best: what one comes for.
    fn wanted<'w>(&self, place: Place<'w>, dice: &mut Dice) -> &'w Item {
        let mut best = place.catalogue.draw(dice);
        let liking = |item: &Item| {
            let foreign = item.language != self.user.language;
            dot(&self.user.taste, &item.vector) - if foreign { 1.0 } else { 0.0 }
        };
        for _ in 1..16 {
            let other = place.catalogue.draw(dice);
            if liking(other) > liking(best) {
                best = other;
            }
        }
        best
    }

    /// Looks at a slate, whose items are in the catalogue. Gives the next request, or `None` where
    /// the person leaves.
    pub(crate) fn look(
        &mut self,
        place: Place<'_>,
        at: u32,
        slate: &[u32],
        outcome: &mut Outcome,
    ) -> Option<Request> {
        let config = place.config;
        let count = u64::from(self.user.requests);
        let mut glance = Glance {
            place,
            dice: place.seed.dice(Purpose::Respond, self.number.into(), count),
            at,
            wish: self.wish(config),
            clicks: 0,
        };
        let searched = self.intent.is_some();
        if searched {
            glance.tell(self, outcome, Kind::Search, None, None);
        }
        let begun = outcome.happened.len();
        let stays = glance.slate(self, slate, outcome);
        if glance.clicks == 0 {
            self.user.satisfaction = after_nothing(config, self.user.satisfaction);
        }
        if config.labels.lost > 0.0 || config.labels.corrupted > 0.0 {
            let mut dice = place.seed.dice(Purpose::Labels, self.number.into(), count);
            spoil(config, slate, &mut outcome.happened, begun, &mut dice);
        }
        self.user.requests += 1;
        self.slates += 1;
        let more = match config.mode {
            Mode::Stream => 1.0,
            Mode::Playlist => 0.0,
            Mode::Slates | Mode::Pages => {
                let liking = self.user.patience * (0.5 + self.user.satisfaction);
                1.0 - 1.0 / (1.0 + (config.session.slates - 1.0) * liking)
            }
        };
        // A stream of items that cannot bore anybody still ends.
        let goes_on = stays && self.slates < 1000 && glance.dice.chance(more);
        goes_on.then(|| self.ask(place))
    }

    /// The person is gone; back when?
    pub(crate) fn end(mut self, place: Place<'_>, not_before_ms: i64) -> (u32, User) {
        let count = u64::from(self.user.visits) | 1 << 31;
        let mut dice = place.seed.dice(Purpose::Visit, self.number.into(), count);
        self.user.left_ms = self.clock_ms;
        let gap_ms = crate::comeback::gap_ms(place.config, &self.user, &mut dice);
        self.user.next_visit_ms = (self.clock_ms + gap_ms).max(not_before_ms);
        (self.number, self.user)
    }
}

/// One look at one slate.
struct Glance<'w> {
    place: Place<'w>,
    dice: Dice,
    /// Place of the request in its round.
    at: u32,
    wish: Wish,
    clicks: u32,
}

impl Glance<'_> {
    /// Whether the person stays.
    fn slate(&mut self, visit: &mut Visit, slate: &[u32], outcome: &mut Outcome) -> bool {
        let config = self.place.config;
        let plays = matches!(config.mode, Mode::Stream | Mode::Playlist);
        let (eta, hazard) =
            (visit.user.attention, (config.session.hazard / visit.user.patience).min(0.9));
        for (at, id) in slate.iter().enumerate() {
            let Some(item) = self.place.catalogue.get(*id) else { continue };
            match config.examination.seen(at, eta) {
                Some(seen) if !self.dice.chance(seen) => continue,
                _ => {}
            }
            visit.clock_ms += (config.session.glance_s * 1000.0) as i64;
            let appeal = self.wish.appeal(config, item);
            if self.dice.chance(config.examination.clicked(at, appeal.click)) {
                self.click(visit, at as u16, item, &appeal, outcome);
                if config.examination == (Examination::Cascade { many: false }) {
                    return true;
                }
                continue;
            }
            if plays {
                self.tell(visit, outcome, Kind::Skip, Some((at as u16, item)), None);
            }
            let cascade = matches!(config.examination, Examination::Cascade { .. });
            if cascade && self.dice.chance(hazard) {
                self.tell(visit, outcome, Kind::Abandon, None, None);
                return false;
            }
        }
        true
    }

    fn click(
        &mut self,
        visit: &mut Visit,
        at: u16,
        item: &Item,
        appeal: &Appeal,
        outcome: &mut Outcome,
    ) {
        let config = self.place.config;
        let (s, on) = (appeal.satisfaction, Some((at, item)));
        self.clicks += 1;
        self.tell(visit, outcome, Kind::Click, on, None);
        let seconds = self.watch(item, s);
        visit.clock_ms += (f64::from(seconds) * 1000.0) as i64;
        self.tell(visit, outcome, Kind::Watch, on, Some(seconds));
        if seconds < config.watch.skip_s {
            self.tell(visit, outcome, Kind::Skip, on, None);
        }
        let glad = logit(s);
        if self.dice.chance(sigmoid(config.reaction.like + glad)) {
            self.tell(visit, outcome, Kind::Like, on, None);
        }
        if self.dice.chance(sigmoid(config.reaction.share + glad)) {
            self.tell(visit, outcome, Kind::Share, on, None);
        }
        if config.reaction.buy > -50.0 && self.dice.chance(self.wish.buys(config, item, s)) {
            self.tell(visit, outcome, Kind::Buy, on, Some(item.price));
        }
        if visit.user.tendency > 0.0
            && self.dice.chance(config.creation.open * visit.user.tendency * s)
        {
            self.tell(visit, outcome, Kind::OpenCreator, on, None);
            if self.dice.chance(config.creation.create) {
                self.tell(visit, outcome, Kind::Create, None, None);
                let by = Some((visit.number, item.leaf, visit.user.language));
                outcome.made.push(Origin { born_ms: visit.clock_ms, by });
            }
        }
        visit.user.satisfaction = after_click(config, visit.user.satisfaction, s);
        visit.user.enjoy(config, item, s);
        if config.mode == Mode::Pages {
            visit.page = Some(item.id);
        }
    }

    /// T, seconds.
    fn watch(&mut self, item: &Item, s: f32) -> f32 {
        let watch = &self.place.config.watch;
        let part = sigmoid(watch.slope * logit(s) + watch.noise * self.dice.normal());
        let loops = match part >= 0.9 && watch.loops > 0.0 {
            true => watch.loops * self.dice.exponential() as f32,
            false => 0.0,
        };
        item.length_s * (part + loops)
    }

    fn tell(
        &self,
        visit: &Visit,
        outcome: &mut Outcome,
        kind: Kind,
        on: Option<(u16, &Item)>,
        value: Option<f32>,
    ) {
        outcome.happened.push(Happened {
            request: self.at,
            kind,
            place: on.map(|(place, _)| place),
            item: on.map(|(_, item)| item.id),
            value,
            time_ms: visit.clock_ms,
        });
    }
}

/// Loses some of what happened since `begun`, and puts some on another item of the slate.
fn spoil(
    config: &WorldConfig,
    slate: &[u32],
    happened: &mut Vec<Happened>,
    begun: usize,
    dice: &mut Dice,
) {
    let mut kept = begun;
    for at in begun..happened.len() {
        if dice.chance(config.labels.lost) {
            continue;
        }
        let mut event = happened[at];
        if event.item.is_some() && dice.chance(config.labels.corrupted) {
            let other = dice.below(slate.len() as u32);
            (event.place, event.item) = (Some(other as u16), Some(slate[other as usize]));
        }
        happened[kept] = event;
        kept += 1;
    }
    happened.truncate(kept);
}
