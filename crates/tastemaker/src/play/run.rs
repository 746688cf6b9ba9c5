//! Two policies, each in a world of its own that begins the same.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use data::{ClockKind, Files, Log, Progress, RealFiles};
use evaluate::bootstrap::Ratios;
use evaluate::{ArmReport, Difference, PLAY_FORMAT, PlayReport, WorldFacts};
use retrieve::{Model, Retriever, Version};
use world::{World, WorldConfig};

use super::arm::{Arm, Counts};
use super::chosen::Chooser;
use super::duel::duel;
use super::estimate::{Requests, estimates};
use super::known::Known;
use super::policy::{PolicyName, RankerName};
use super::ranker::Ranker;
use super::simulate::{WORLD_FILE, WorldFile};
use crate::dashboard::PlayScreen;
use crate::fitting;
use crate::hint;
use crate::sequence::Show;
use crate::settings::Settings;
use crate::terminal::{Stopwatch, note, unseen, with_progress};

/// Replicates of every bootstrap here.
const REPLICATES: usize = 1000;

/// What is played.
#[derive(Debug)]
pub(crate) struct Play {
    pub(crate) preset: String,
    pub(crate) config: WorldConfig,
    pub(crate) seed: u64,
    /// The policy in question, and the one that it is held against.
    pub(crate) policies: [PolicyName; 2],
    pub(crate) candidates: usize,
    /// Impressions by a random policy before the two begin.
    pub(crate) warm: u64,
    pub(crate) days: u32,
    /// A log that a world wrote: it goes on from there, with the models of that log.
    pub(crate) log: Option<PathBuf>,
    pub(crate) settings: Settings,
    /// Whether the terminal shows it live.
    pub(crate) live: bool,
}

/// Plays it.
pub(crate) fn run(mut play: Play) -> Result<PlayReport> {
    let mut begun = match play.log.clone() {
        Some(dir) => play.go_on_from(&dir)?,
        None => {
            play.warm_up(&PolicyName { explored: 1.0, ranker: RankerName::Random }, None)?
        }
    };
    let rankers = play.rankers(&begun)?;
    let [first, second] = &play.policies;
    let chooser = |name: &PolicyName, ranker: &Ranker, other| Chooser {
        name: name.clone(),
        ranker: ranker.clone(),
        candidates: play.candidates,
        seed: play.seed,
        other,
        wants_best: false,
    };
    let in_question = chooser(first, &rankers[0], None);
    // The second's log is what the first is estimated from.
    let against = chooser(second, &rankers[1], Some(Box::new(in_question.clone())));
    let mut screen =
        PlayScreen::new(&first.to_string(), &second.to_string(), play.days, play.live);
    let mut arms = Vec::new();
    let mut counts = Vec::new();
    let mut logged = Requests::default();
    let both = [in_question, against];
    for (at, chooser) in both.iter().enumerate() {
        begun.chooser = chooser.clone();
        let (report, counted) =
            unseen(|progress| play.arm(begun.clone(), at, &mut logged, &mut screen, progress))?;
        arms.push(report);
        counts.push(counted);
    }
    screen.leave();
    let interleaved = with_progress("interleave", |progress| {
        duel(begun, [&both[0], &both[1]], play.days, progress)
    })?;
    let differences = play.differences(&counts)?;
    let estimates = with_progress("estimate", |progress| {
        estimates(&logged, &play.policies, play.seed, progress)
    })?;
    let verdict = verdict(&play, &differences);
    Ok(PlayReport {
        format: PLAY_FORMAT,
        world: play.facts(),
        arms,
        differences,
        estimates,
        interleaved: Some(interleaved),
        verdict,
    })
}

impl Play {
    fn facts(&self) -> WorldFacts {
        WorldFacts {
            preset: self.preset.clone(),
            seed: self.seed,
            users: self.config.users.into(),
            items: self.config.items.into(),
            places: self.config.places.into(),
            candidates: self.candidates as u32,
            warm_impressions: self.warm,
            days: self.days,
        }
    }

    /// A world in which a policy has shown `warm` impressions, and what is known of it then.
    fn warm_up(&self, name: &PolicyName, expected: Option<&WorldFile>) -> Result<Arm> {
        let candidates = expected.map_or(self.candidates, |file| file.candidates);
        let chooser = Chooser::of_no_model(name.clone(), candidates, self.seed);
        let world = World::new(self.config.clone(), self.seed)?;
        let mut arm = Arm { world, chooser, known: Known::new(self.config.users) };
        with_progress("warm up", |progress| {
            let mut shown = 0;
            while shown < self.warm {
                let round = arm.round()?;
                shown += round.chosen.iter().map(|it| it.shown.len() as u64).sum::<u64>();
                progress.step("impressions", shown, Some(self.warm))?;
            }
            if let Some(file) = expected
                && shown != file.impressions
            {
                anyhow::bail!(
                    "the world came to {shown} impressions where its log says {}: another \
                     version of tastemaker wrote it",
                    file.impressions
                );
            }
            Ok(())
        })?;
        Ok(arm)
    }

    /// The world that wrote a log, at the end of that log.
    fn go_on_from(&mut self, dir: &std::path::Path) -> Result<Arm> {
        let place = dir.join(WORLD_FILE);
        if !place.exists() {
            return Err(hint::error(
                format!("{}: no world wrote this log", dir.display()),
                "`tastemaker world simulate --into DIR` makes such a log",
            ));
        }
        let (file, _): (WorldFile, _) = data::sealed::read_checked(&RealFiles, &place)?;
        self.preset.clone_from(&file.preset);
        self.config = file.config.clone();
        self.seed = file.seed;
        self.warm = file.impressions;
        let name: PolicyName = file.policy.parse().map_err(anyhow::Error::msg)?;
        self.warm_up(&name, Some(&file))
    }

    /// Who ranks for each policy. Models are those of the log's current version, or fitted to what
    /// is known at the end of the warm-up.
    fn rankers(&self, begun: &Arm) -> Result<[Ranker; 2]> {
        let version = match &self.log {
            Some(dir) => {
                let files: Arc<dyn Files> = Arc::new(RealFiles);
                let log = Log::open(files, dir)?;
                Version::load_current(log.files(), &log.models_dir())?
            }
            None => None,
        };
        let ranker = |name: &PolicyName| -> Result<Ranker> {
            Ok(match &name.ranker {
                RankerName::Random => Ranker::Random,
                RankerName::Popular => Ranker::Popular,
                RankerName::Oracle => Ranker::Oracle,
                RankerName::Model(name) => {
                    let trained = version.as_ref().and_then(|version| {
                        version.models().iter().find(|model| model.name() == *name)
                    });
                    Ranker::Model(match trained {
                        Some(model) => model.clone(),
                        None => self.fit(name, begun)?,
                    })
                }
            })
        };
        Ok([ranker(&self.policies[0])?, ranker(&self.policies[1])?])
    }

    fn fit(&self, name: &str, begun: &Arm) -> Result<Arc<Model>> {
        let known = begun.known.sequences(begun.world.catalogue().end())?;
        note(&format!("{name} learns from {} clicks", known.events()));
        let names = [name.to_owned()];
        let show = Show::Lines;
        let fitted = fitting::fit(&names, &self.settings, &known, ClockKind::Real, None, show)?;
        let fitted = fitted.into_iter().next();
        Ok(fitted.with_context(|| format!("{name} could not be fitted"))?.model)
    }

    fn arm(
        &self,
        mut arm: Arm,
        at: usize,
        logged: &mut Requests,
        screen: &mut PlayScreen,
        progress: &Progress<'_>,
    ) -> Result<(ArmReport, Counts)> {
        let watch = Stopwatch::start();
        let start_ms = arm.world.now_ms();
        let end_ms = start_ms + i64::from(self.days) * 86_400_000;
        let mut counts = Counts::new(self.config.users, start_ms);
        let mut told = 0;
        loop {
            let _ = arm.world.next_requests();
            let now_ms = arm.world.now_ms();
            let day = counts.day(now_ms).min(self.days);
            if day > told {
                let tally = counts.days.get(told as usize).copied().unwrap_or_default();
                let rate = counts.total.impressions as f64 / watch.seconds().max(1e-9);
                screen.heard(at, day, self.config.users.into(), &tally, rate);
                told = day;
            }
            if now_ms >= end_ms {
                break;
            }
            progress.check()?;
            let mut round = arm.round()?;
            counts.add(now_ms, &round);
            logged.add(&mut round);
        }
        counts.days.resize(self.days as usize, evaluate::Tally::default());
        let report = ArmReport {
            name: self.policies[at].to_string(),
            total: counts.total,
            days: counts.days.clone(),
            seconds: watch.seconds(),
        };
        Ok((report, counts))
    }

    /// First arm minus second, person by person: the worlds begin the same, so people pair up.
    fn differences(&self, counts: &[Counts]) -> Result<Vec<Difference>> {
        let people = self.config.users as usize;
        let mut ratios = Ratios::new(people);
        let each = ratios.denominator(vec![1.0; people]);
        type Of = fn(&Counts) -> &Vec<f64>;
        let of: [(&str, Of); 4] = [
            ("satisfaction", |counts| &counts.satisfaction),
            ("visits", |counts| &counts.visits),
            ("clicks", |counts| &counts.clicks),
            ("creations", |counts| &counts.creations),
        ];
        let columns: Vec<_> = of
            .iter()
            .map(|(name, take)| {
                let mut column = |at: usize| ratios.column(each, take(&counts[at]).clone());
                (*name, column(0), column(1))
            })
            .collect();
        let resampled = with_progress("intervals", |progress| {
            ratios.resample(REPLICATES, self.seed, progress)
        })?;
        let value = |column| resampled.interval(column).map_or(0.0, |interval| interval.value);
        Ok(columns
            .into_iter()
            .filter_map(|(name, first, second)| {
                Some(Difference {
                    of: name.to_owned(),
                    first: value(first),
                    second: value(second),
                    difference: resampled.difference(first, second)?,
                })
            })
            .collect())
    }
}

fn verdict(play: &Play, differences: &[Difference]) -> String {
    let [first, second] = &play.policies;
    let Some(gain) = differences.iter().find(|difference| difference.of == "satisfaction")
    else {
        return format!("{first} and {second} were not compared");
    };
    let it = gain.difference;
    let share = 100.0 * it.value / gain.second.abs().max(1e-12);
    let numbers =
        format!("{share:+.1} %, {:+.4} a person, {:+.4} to {:+.4}", it.value, it.low, it.high);
    if it.low > 0.0 {
        format!("{first} gives people more than {second}: {numbers}, in {} days", play.days)
    } else if it.high < 0.0 {
        format!("{first} gives people less than {second}: {numbers}, in {} days", play.days)
    } else {
        format!("{first} and {second} cannot be told apart: {numbers}, in {} days", play.days)
    }
}
