//! What is true of a request: what each item would do there, and which slate is best.

use serde::Serialize;

use crate::appeal::{Appeal, Wish};
use crate::comeback::{after_click, after_nothing, worth};
use crate::examination::Examination;
use crate::item::Item;
use crate::user::User;
use crate::{Catalogue, WorldConfig};

/// The truth of one request.
#[derive(Debug)]
pub struct Truth<'w> {
    pub(crate) config: &'w WorldConfig,
    pub(crate) catalogue: &'w Catalogue,
    pub(crate) user: &'w User,
    pub(crate) wish: Wish,
}

/// The truth of one place of a slate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PlaceTruth {
    /// P(examined).
    pub examined: f32,
    /// P(examined and clicked).
    pub click: f32,
    /// What the click is worth now.
    pub satisfaction: f32,
    /// What it is worth now and later, over leaving without one.
    pub lift: f64,
}

/// What a slate is expected to bring.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct SlateValue {
    /// Clicks.
    pub clicks: f64,
    /// Satisfaction of these clicks.
    pub satisfaction: f64,
    /// Satisfaction of these clicks and of later visits, over leaving without a click.
    pub lift: f64,
}

impl Truth<'_> {
    /// What an item is to whoever asks; `None` where it is not in the catalogue.
    pub fn appeal(&self, item: u32) -> Option<Appeal> {
        self.catalogue.get(item).map(|item| self.of(item))
    }

    fn of(&self, item: &Item) -> Appeal {
        self.wish.appeal(self.config, item)
    }

    /// R_click − R_abandon (Wu et al. 2024): what a click worth `satisfaction` brings now, and by
    /// the visits that it makes more likely, over a slate without a click.
    pub fn lift(&self, satisfaction: f32) -> f64 {
        let (config, x, f) = (self.config, self.user.satisfaction, self.user.frequency);
        let glad = worth(config, f, after_click(config, x, satisfaction));
        let left = worth(config, f, after_nothing(config, x));
        f64::from(satisfaction) + glad - left
    }

    /// P(click | examined) at place `k`, from 0.
    pub fn click_at(&self, place: usize, appeal: &Appeal) -> f32 {
        self.config.examination.clicked(place, appeal.click)
    }

    /// Every place of a slate; items that are not in the catalogue are neither seen nor clicked.
    pub fn places(&self, slate: &[u32]) -> Vec<PlaceTruth> {
        let mut reached = 1.0f32;
        slate
            .iter()
            .enumerate()
            .map(|(place, item)| {
                let Some(appeal) = self.appeal(*item) else { return PlaceTruth::NONE };
                let examination = self.config.examination;
                let examined = examination.seen(place, self.user.attention).unwrap_or(reached);
                if let Examination::Cascade { many } = examination {
                    reached *= 1.0 - appeal.abandon - if many { 0.0 } else { appeal.click };
                }
                PlaceTruth {
                    examined,
                    click: examined * self.click_at(place, &appeal),
                    satisfaction: appeal.satisfaction,
                    lift: self.lift(appeal.satisfaction),
                }
            })
            .collect()
    }

    /// What a slate is expected to bring.
    pub fn value(&self, slate: &[u32]) -> SlateValue {
        self.places(slate).iter().fold(SlateValue::default(), |sum, place| {
            let click = f64::from(place.click);
            SlateValue {
                clicks: sum.clicks + click,
                satisfaction: sum.satisfaction + click * f64::from(place.satisfaction),
                lift: sum.lift + click * place.lift,
            }
        })
    }

    /// The best slate of these items by lift, best place first. Of one click and leaving, by
    /// `c/(c + a)·L` (Wu et al. 2024, theorem); of many clicks in a cascade, by `c·L/a` (the same
    /// exchange of neighbours, where a click does not end the slate); of independent places, by
    /// `c·L`.
    pub fn best(&self, candidates: &[u32], places: usize) -> Vec<u32> {
        let mut scored: Vec<(f64, u32)> = candidates
            .iter()
            .filter_map(|id| {
                let appeal = self.appeal(*id)?;
                let (click, leave) = (f64::from(appeal.click), f64::from(appeal.abandon));
                let gain = click * self.lift(appeal.satisfaction);
                let score = match self.config.examination {
                    Examination::Cascade { many: false } => gain / (click + leave),
                    Examination::Cascade { many: true } => gain / leave.max(1e-12),
                    _ => gain,
                };
                Some((score, *id))
            })
            .collect();
        scored.sort_unstable_by(|(a, i), (b, j)| b.total_cmp(a).then(i.cmp(j)));
        scored.truncate(places);
        scored.into_iter().map(|(_, id)| id).collect()
    }
}

impl PlaceTruth {
    const NONE: PlaceTruth =
        PlaceTruth { examined: 0.0, click: 0.0, satisfaction: 0.0, lift: 0.0 };
}
