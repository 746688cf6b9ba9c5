//! Five worlds that make sense, and what each is for.

use crate::config::{
    CatalogueConfig, ClickConfig, ComebackConfig, CreationConfig, LabelConfig, Mode,
    ReactionConfig, SatisfactionConfig, SearchConfig, SessionConfig, TasteConfig, TopicConfig,
    WatchConfig,
};
use crate::{Examination, WorldConfig};

/// A world by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Users compare: many places, prices, searches, trust in what stands on top.
    Shop,
    /// Users swipe: a stream that plays by itself, short items that loop, people who create.
    ShortVideo,
    /// A playlist a week, long lives, strong tastes.
    MusicStream,
    /// Pages without users; news get old within a day.
    NewsPages,
    /// Ids keep arriving, a hundred million of them.
    IdGrowth,
}

impl Preset {
    /// Every preset, in the order of the manual.
    pub const ALL: [Preset; 5] = [
        Preset::Shop,
        Preset::ShortVideo,
        Preset::MusicStream,
        Preset::NewsPages,
        Preset::IdGrowth,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Shop => "shop",
            Preset::ShortVideo => "short-video",
            Preset::MusicStream => "music-stream",
            Preset::NewsPages => "news-pages",
            Preset::IdGrowth => "id-growth",
        }
    }

    /// The preset of that name.
    pub fn named(name: &str) -> Option<Preset> {
        Preset::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Its settings.
    pub fn config(self) -> WorldConfig {
        let usual = WorldConfig::default();
        match self {
            Preset::ShortVideo => usual,
            Preset::Shop => WorldConfig {
                mode: Mode::Slates,
                places: 12,
                examination: Examination::TrustBias {
                    decay: 0.7,
                    noise: 0.06,
                    noise_decay: 0.5,
                },
                catalogue: CatalogueConfig {
                    arrivals_a_day: 20.0,
                    half_life_days: 180.0,
                    ..usual.catalogue
                },
                click: ClickConfig { base: -3.4, clickbait: 0.2, price: 0.6, ..usual.click },
                watch: WatchConfig { loops: 0.0, skip_s: 0.0, ..usual.watch },
                reaction: ReactionConfig { like: -3.0, share: -6.0, buy: -1.5 },
                comeback: ComebackConfig { visits_a_day: 0.15, ..usual.comeback },
                creation: CreationConfig { creators: 0.0, ..usual.creation },
                search: SearchConfig { share: 0.3, ..usual.search },
                ..usual
            },
            Preset::MusicStream => WorldConfig {
                mode: Mode::Playlist,
                places: 30,
                examination: Examination::Cascade { many: true },
                taste: TasteConfig {
                    sharpness: 6.0,
                    drift_a_day: 0.002,
                    mood: 0.2,
                    ..usual.taste
                },
                catalogue: CatalogueConfig {
                    length_s: 210.0,
                    length_sd: 0.25,
                    arrivals_a_day: 50.0,
                    half_life_days: 365.0,
                    ..usual.catalogue
                },
                click: ClickConfig { base: -1.5, clickbait: 0.0, age: 0.3, ..usual.click },
                watch: WatchConfig { loops: 0.2, skip_s: 30.0, ..usual.watch },
                session: SessionConfig { hazard: 0.03, glance_s: 5.0, ..usual.session },
                comeback: ComebackConfig { visits_a_day: 0.25, ..usual.comeback },
                creation: CreationConfig { creators: 0.002, ..usual.creation },
                ..usual
            },
            Preset::NewsPages => WorldConfig {
                mode: Mode::Pages,
                users: 5_000,
                items: 3_000,
                places: 8,
                examination: Examination::PositionBased { decay: 0.8 },
                catalogue: CatalogueConfig {
                    length_s: 60.0,
                    arrivals_a_day: 800.0,
                    alive_max: 10_000,
                    half_life_days: 0.7,
                    ..usual.catalogue
                },
                click: ClickConfig { base: -3.0, clickbait: 0.8, age: 1.5, ..usual.click },
                watch: WatchConfig { loops: 0.0, skip_s: 5.0, ..usual.watch },
                session: SessionConfig { slates: 3.0, ..usual.session },
                comeback: ComebackConfig { visits_a_day: 2.0, ..usual.comeback },
                creation: CreationConfig { creators: 0.0, ..usual.creation },
                ..usual
            },
            Preset::IdGrowth => WorldConfig {
                // As many as make ids recur about as in Meta's traces (`world calibrate`).
                users: 100_000,
                items: 20_000,
                catalogue: CatalogueConfig {
                    arrivals_a_day: 1_000_000.0,
                    alive_max: 1_000_000,
                    half_life_days: 2.0,
                    ..usual.catalogue
                },
                click: ClickConfig { age: 1.0, ..usual.click },
                ..usual
            },
        }
    }
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            mode: Mode::Stream,
            users: 10_000,
            items: 10_000,
            places: 10,
            // 2024-10-14, a Monday: RecSys 2024 begins.
            start_ms: 1_728_864_000_000,
            tick_s: 3600,
            markets: 3,
            languages: 2,
            topics: TopicConfig::default(),
            catalogue: CatalogueConfig::default(),
            taste: TasteConfig::default(),
            examination: Examination::Cascade { many: true },
            click: ClickConfig::default(),
            satisfaction: SatisfactionConfig::default(),
            watch: WatchConfig::default(),
            reaction: ReactionConfig::default(),
            session: SessionConfig::default(),
            comeback: ComebackConfig::default(),
            creation: CreationConfig::default(),
            search: SearchConfig::default(),
            labels: LabelConfig::default(),
        }
    }
}

impl Default for TopicConfig {
    fn default() -> Self {
        Self { branching: vec![8, 6, 5], inherit: 0.6, zipf: 0.7 }
    }
}

impl Default for CatalogueConfig {
    fn default() -> Self {
        Self {
            own: 0.25,
            length_s: 20.0,
            length_sd: 0.8,
            price: 30.0,
            price_sd: 0.7,
            makers: 500,
            arrivals_a_day: 100.0,
            alive_max: 1_000_000,
            half_life_days: 30.0,
        }
    }
}

impl Default for TasteConfig {
    fn default() -> Self {
        Self {
            interests: 3,
            sharpness: 5.0,
            drift_a_day: 0.01,
            mood: 0.3,
            mood_keeps: 0.8,
            reinforce: 0.01,
        }
    }
}

impl Default for ClickConfig {
    fn default() -> Self {
        Self { base: -2.5, quality: 0.5, clickbait: 0.6, age: 0.5, price: 0.0, foreign: -2.0 }
    }
}

impl Default for SatisfactionConfig {
    fn default() -> Self {
        Self { base: -0.5, affinity: 0.5, quality: 0.7, clickbait: 1.2 }
    }
}

impl Default for WatchConfig {
    fn default() -> Self {
        Self { slope: 1.0, noise: 1.0, loops: 0.5, skip_s: 3.0 }
    }
}

impl Default for ReactionConfig {
    fn default() -> Self {
        Self { like: -2.0, share: -4.0, buy: -100.0 }
    }
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self { hazard: 0.05, slates: 4.0, glance_s: 1.5 }
    }
}

impl Default for ComebackConfig {
    fn default() -> Self {
        Self {
            visits_a_day: 0.8,
            sensitivity: 3.0,
            memory: 0.1,
            empty: 0.2,
            discount_a_day: 0.1,
            visit_value: 1.0,
        }
    }
}

impl Default for CreationConfig {
    fn default() -> Self {
        Self { creators: 0.05, open: 0.05, create: 0.3 }
    }
}

impl Default for SearchConfig {
    fn default() -> Self {
        Self { share: 0.0, vague: 0.4, sharpness: 7.0 }
    }
}

impl Default for LabelConfig {
    fn default() -> Self {
        Self { lost: 0.0, corrupted: 0.0 }
    }
}
