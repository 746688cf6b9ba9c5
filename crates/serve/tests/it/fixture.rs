//! Logs, models and servers for the tests.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use data::import::{Format, ImportSpec, import};
use data::{
    Clock, Feedback, Files, FixedClock, Item, Log, NewEvent, Progress, RealFiles, User, Writer,
};
use evaluate::{
    ArmReport, Difference, Estimator, Interval, PLAY_FORMAT, PlayReport, PolicyEstimates,
    Tally, WorldFacts,
};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use retrieve::{Model, ModelFacts, ModelsConfig, VersionFacts, publish};
use serde_json::{Value, json};
use serve::{ServeConfig, ServeState, serve};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

pub(crate) const DAY: i64 = 86_400_000;
/// The present of all tests that need one: 2026-01-31.
pub(crate) const NOW: i64 = 1_769_860_800_000;

pub(crate) fn files() -> Arc<dyn Files> {
    Arc::new(RealFiles)
}

/// A folder that goes with the test.
pub(crate) struct Dir(tempfile::TempDir);

impl Dir {
    pub(crate) fn new() -> Dir {
        Dir(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.0.path().join("log")
    }
}

pub(crate) fn event(user: &str, item: &str, days_ago: i64) -> NewEvent {
    NewEvent {
        user: Some(user.into()),
        item: Some(item.into()),
        kind: "play".into(),
        time_ms: NOW - days_ago * DAY,
        ..NewEvent::default()
    }
}

/// Songs `a`-`h` of two tastes: users `r1`-`r6` play the rock songs `a`-`d`, users `j1`-`j6`
/// the jazz songs `e`-`h`; nobody played `quiet`, and `gone` is not available.
pub(crate) fn small_log(dir: &Path) {
    let mut events = Vec::new();
    for (taste, songs) in [("r", ["a", "b", "c", "d"]), ("j", ["e", "f", "g", "h"])] {
        for user in 1..=6usize {
            for (place, song) in songs.iter().enumerate() {
                // Everybody leaves one song out, so that there is something to recommend.
                if place != user % 4 {
                    let days_ago = 40 - (user * 4 + place) as i64;
                    events.push(event(&format!("{taste}{user}"), song, days_ago));
                }
            }
        }
    }
    events.push(event("r1", "gone", 50));
    events.push(event("r2", "gone", 50));
    let mut items: Vec<Item> = Vec::new();
    for (id, category) in
        [("a", "rock"), ("b", "rock"), ("c", "rock"), ("d", "rock"), ("e", "jazz")]
            .into_iter()
            .chain([("f", "jazz"), ("g", "jazz"), ("h", "jazz"), ("gone", "rock")])
    {
        let mut item = Item::bare(id);
        item.title = Some(format!("Song {}", id.to_uppercase()));
        item.categories = vec![category.into()];
        item.available = id != "gone";
        items.push(item);
    }
    items.push(Item::bare("quiet"));
    let users =
        [User { id: "r1".into(), attributes: [("city".into(), "Bergen".into())].into() }];
    Writer::open(files(), dir)
        .expect("a new log")
        .append(&events, &[], &items, &users, NOW - DAY)
        .expect("the events are good");
}

/// Trains and publishes a version; returns its id.
pub(crate) fn train(dir: &Path, names: &[&str]) -> String {
    let log = Log::open(files(), dir).expect("there is a log");
    let catalogue = log.catalogue().expect("it has a catalogue");
    let train =
        log.sequences(&Feedback::default(), &Progress::silent()).expect("it has sequences");
    let mut config = ModelsConfig::default();
    config.als.factors = 16;
    config.als.iterations = 5;
    config.ease.items_max = 1500;
    let now_ms = train.last_ms().unwrap_or(0);
    let models: Vec<Model> = names
        .iter()
        .map(|name| {
            if *name == "sasrec" {
                return sasrec(train.item_count());
            }
            Model::fit(name, &config, &train, now_ms, 1, &Progress::silent())
                .expect("the model can be trained")
        })
        .collect();
    let models: Vec<&Model> = models.iter().collect();
    let facts = VersionFacts {
        created_ms: NOW - DAY,
        log_checksum: log.checksum().into(),
        split: data::split::everything(&train, log.manifest().clock),
        seed: 1,
        models_config: config,
        models: models.iter().map(|model| ModelFacts::of(model, 0.5)).collect(),
        ..VersionFacts::of_catalogue(&catalogue)
    };
    publish(&files(), &log.models_dir(), &models, facts).expect("the version is published")
}

/// A network with its first weights: who serves knows nothing of training.
fn sasrec(items: u32) -> Model {
    let config = models::SasRecConfig {
        dim: 8,
        hidden: 16,
        length_max: 50,
        ..models::SasRecConfig::default()
    };
    let config = config.into();
    let network = models::SequenceModel::init(&config, 1).expect("settings of a model");
    let items = models::SequenceModel::init_items(&config, items, 1);
    Model::sequence(network, &items).expect("finite")
}

/// A play that nobody played: two weeks, in which the first policy does better and better.
pub(crate) fn play(first: &str, second: &str) -> PlayReport {
    let arm = |name: &str, gain: u64| {
        let days: Vec<Tally> = (0..14)
            .map(|day| Tally {
                visits: 800 + day * gain,
                requests: 2_400 + 3 * day * gain,
                impressions: 24_000 + 30 * day * gain,
                clicks: 1_200 + 4 * day * gain,
                satisfaction: 400.0 + (day * gain) as f64,
                ..Tally::default()
            })
            .collect();
        let total = Tally {
            visits: days.iter().map(|day| day.visits).sum(),
            impressions: days.iter().map(|day| day.impressions).sum(),
            clicks: days.iter().map(|day| day.clicks).sum(),
            satisfaction: days.iter().map(|day| day.satisfaction).sum(),
            ..Tally::default()
        };
        ArmReport { name: name.into(), total, days, seconds: 2.0 }
    };
    let interval =
        |value: f64, half: f64| Interval { value, low: value - half, high: value + half };
    let estimator =
        |name: &str, value, half| Estimator { name: name.into(), value: interval(value, half) };
    PlayReport {
        format: PLAY_FORMAT,
        world: WorldFacts {
            preset: "short-video".into(),
            seed: 1,
            users: 2_000,
            items: 5_000,
            places: 10,
            candidates: 30,
            warm_impressions: 1_000_000,
            days: 14,
        },
        arms: vec![arm(first, 12), arm(second, 3)],
        differences: vec![Difference {
            of: "satisfaction".into(),
            first: 3.346,
            second: 2.936,
            difference: interval(0.41, 0.08),
        }],
        estimates: vec![PolicyEstimates {
            of: "clicks of a slate".into(),
            rows: 34_419,
            true_value: 0.512,
            logged_value: 0.498,
            estimators: vec![
                estimator("IPS", 0.61, 0.15),
                estimator("item-position", 0.53, 0.04),
                estimator("pseudo-inverse", 0.52, 0.06),
                estimator("DM", 0.49, 0.01),
                estimator("DR", 0.51, 0.02),
            ],
            effective_share: 0.11,
            weight_max: 81.0,
            weight_mean: 1.003,
            alarms: vec!["the effective sample is small".into()],
        }],
        interleaved: None,
        verdict: format!("{first} is better for people than {second}."),
    }
}

/// The bundled MovieLens ratings, imported.
pub(crate) fn movielens(dir: &Path) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data/ml-latest-small");
    let spec = ImportSpec {
        format: Format::MovieLens,
        path,
        map: None,
        max_rejects: 0.01,
        chunk_rows: None,
    };
    import(&files(), dir, &spec, NOW - DAY, &Progress::silent()).expect("the import works");
}

/// Settings for tests: a free port, quick looks, no flush but the last one.
pub(crate) fn config() -> ServeConfig {
    ServeConfig {
        listen: "127.0.0.1:0".parse().expect("an address"),
        flush_seconds: 3600,
        poll_ms: 20,
        ..ServeConfig::default()
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// Ids of the items of a recommendation.
    pub(crate) fn items(&self) -> Vec<String> {
        let answer = self.json();
        let items = answer["items"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
    }
}

/// A server on a free port, until it is stopped or dropped.
pub(crate) struct Server {
    pub(crate) runtime: Runtime,
    pub(crate) address: std::net::SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    done: Option<tokio::task::JoinHandle<serve::Result<()>>>,
}

impl Server {
    pub(crate) fn start(dir: &Path) -> Server {
        Server::start_with(dir, config(), Feedback::default())
    }

    pub(crate) fn start_with(dir: &Path, config: ServeConfig, feedback: Feedback) -> Server {
        let clock: Arc<dyn Clock> = Arc::new(FixedClock(NOW));
        let state =
            ServeState::open(files(), dir, feedback, config, clock).expect("the log is served");
        Server::of(state)
    }

    pub(crate) fn of(state: ServeState) -> Server {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let done = runtime.spawn(serve(state, listener, async {
            let _ = stopped.await;
        }));
        Server { runtime, address, stop: Some(stop), done: Some(done) }
    }

    /// Asks it to stop and waits for what it says.
    pub(crate) fn stop(mut self) -> serve::Result<()> {
        self.stop.take().expect("not stopped yet").send(()).expect("it runs");
        let done = self.done.take().expect("not stopped yet");
        self.runtime.block_on(done).expect("it does not panic")
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], Vec::new())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, body.to_string())
    }

    pub(crate) fn post_text(&self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.send("POST", path, &[("content-type", "application/json")], body.into())
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        self.runtime.block_on(send(self.address, method, path, headers, body))
    }

    /// Recommended item ids for a user.
    pub(crate) fn recommended(&self, user: &str) -> Vec<String> {
        let answer = self.post("/v1/recommend", &json!({"user": user}));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.items()
    }

    /// Asks again and again until the answer is as wanted, at most ten seconds.
    pub(crate) fn until(&self, path: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
        for _ in 0..500 {
            let answer = self.get(path);
            if wanted(&answer) {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{path} never came to what was wanted: {}", self.get(path).text());
    }
}

/// One request on a connection of its own.
pub(crate) async fn send(
    address: std::net::SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Answer {
    let stream = TcpStream::connect(address).await.expect("the server listens");
    let (mut client, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP");
    tokio::spawn(connection);
    let mut request =
        Request::builder().method(method).uri(path).header("host", address.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body))).expect("a request");
    let response = client.send_request(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes().to_vec();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}
