//! Counters and latencies in the Prometheus text format. What the hot path touches are atomics.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// Upper bounds of the latency buckets, seconds.
const BUCKETS_S: [f64; 14] =
    [0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// The route whose latencies are kept apart.
const RECOMMEND: &str = "/v1/recommend";

/// A histogram of atomics: observing takes no lock.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    counts: [AtomicU64; BUCKETS_S.len() + 1],
    sum_ns: AtomicU64,
}

impl Latencies {
    pub(crate) fn observe(&self, latency: Duration) {
        let seconds = latency.as_secs_f64();
        let bucket = BUCKETS_S.partition_point(|bound| *bound < seconds);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// Observations.
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// The bound of the bucket that holds this share of all observations, seconds.
    pub(crate) fn quantile_s(&self, share: f64) -> Option<f64> {
        let total = self.count();
        let mut left = (share * total as f64).ceil() as u64;
        for (count, bound) in self.counts.iter().zip(BUCKETS_S) {
            let count = count.load(Ordering::Relaxed);
            if total > 0 && left <= count {
                return Some(bound);
            }
            left -= count.min(left);
        }
        None
    }
}

/// Shared between the registry and those who count.
#[derive(Debug, Clone, Default)]
struct Shared(Arc<Latencies>);

impl EncodeMetric for Shared {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let counts: Vec<u64> =
            self.0.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let bounds = BUCKETS_S.into_iter().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(counts.iter().copied()).collect();
        let sum_s = self.0.sum_ns.load(Ordering::Relaxed) as f64 / 1e9;
        encoder.encode_histogram::<NoLabelSet>(sum_s, counts.iter().sum(), &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteStatus {
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WhyLabel {
    reason: String,
}

/// Everything that is counted. Gauges are set when somebody asks.
#[derive(Debug)]
pub(crate) struct Metrics {
    requests: Family<RouteStatus, Counter>,
    /// The entry of `requests` that the hot path counts in, without its lock.
    recommended_well: Counter,
    recommended: Shared,
    others: Shared,
    degraded: Family<WhyLabel, Counter>,
    pub(crate) slates: Counter,
    pub(crate) events: Counter,
    pub(crate) flushes: Counter,
    pub(crate) flush_failures: Counter,
    pub(crate) model_swaps: Counter,
    pub(crate) model_refusals: Counter,
    pub(crate) deltas: Counter,
    pub(crate) delta_refusals: Counter,
    /// When the trainer made the last one, milliseconds since the epoch.
    pub(crate) delta_made_ms: Gauge,
}

/// What the gauges show at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Gauges {
    pub(crate) in_flight: usize,
    pub(crate) slates_buffered: usize,
    pub(crate) records_buffered: usize,
    pub(crate) slates_dropped: u64,
    pub(crate) model_version: String,
    pub(crate) ready: bool,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let requests: Family<RouteStatus, Counter> = Family::default();
        let well = RouteStatus { route: RECOMMEND.to_owned(), status: 200 };
        Metrics {
            recommended_well: requests.get_or_create_owned(&well),
            requests,
            recommended: Shared::default(),
            others: Shared::default(),
            degraded: Family::default(),
            slates: Counter::default(),
            events: Counter::default(),
            flushes: Counter::default(),
            flush_failures: Counter::default(),
            model_swaps: Counter::default(),
            model_refusals: Counter::default(),
            deltas: Counter::default(),
            delta_refusals: Counter::default(),
            delta_made_ms: Gauge::default(),
        }
    }
}

impl Metrics {
    /// Counts an answer.
    pub(crate) fn answered(&self, route: &str, status: u16, latency: Duration) {
        if route == RECOMMEND && status == 200 {
            self.recommended_well.inc();
        } else {
            let labels = RouteStatus { route: route.to_owned(), status };
            self.requests.get_or_create(&labels).inc();
        }
        if route == RECOMMEND {
            self.recommended.0.observe(latency);
        } else {
            self.others.0.observe(latency);
        }
    }

    /// Counts an answer that was less than it could be.
    pub(crate) fn degraded(&self, reason: &str) {
        self.degraded.get_or_create(&WhyLabel { reason: reason.to_owned() }).inc();
    }

    /// Latencies of recommendations.
    pub(crate) fn recommended(&self) -> &Latencies {
        &self.recommended.0
    }

    /// The page that Prometheus reads.
    pub(crate) fn page(&self, gauges: &Gauges) -> Result<String, fmt::Error> {
        let mut registry = Registry::with_prefix("tastemaker");
        let r = &mut registry;
        r.register("requests", "Answers by route and status", self.requests.clone());
        r.register(
            "recommend_latency_seconds",
            "Latency of /v1/recommend inside the server",
            self.recommended.clone(),
        );
        r.register(
            "other_latency_seconds",
            "Latency of every other route inside the server",
            self.others.clone(),
        );
        r.register("degraded", "Recommendations that were degraded", self.degraded.clone());
        r.register("slates", "Slates shown", self.slates.clone());
        r.register("events", "Events accepted", self.events.clone());
        r.register("flushes", "Flushes into the log", self.flushes.clone());
        r.register(
            "flush_failures",
            "Flushes that failed and wait for another try",
            self.flush_failures.clone(),
        );
        r.register(
            "model_swaps",
            "Model versions taken into service",
            self.model_swaps.clone(),
        );
        r.register("model_refusals", "Model versions refused", self.model_refusals.clone());
        r.register("deltas", "Deltas taken into service", self.deltas.clone());
        r.register("delta_refusals", "Deltas refused", self.delta_refusals.clone());
        let made = self.delta_made_ms.clone();
        r.register("delta_made_ms", "When the last delta was made, 0: none yet", made);
        let gauge = |value: usize| {
            let gauge: Gauge = Gauge::default();
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            gauge
        };
        r.register("in_flight", "Requests being answered", gauge(gauges.in_flight));
        r.register(
            "slates_buffered",
            "Slates not yet in the log",
            gauge(gauges.slates_buffered),
        );
        r.register(
            "records_buffered",
            "Events, items and users not yet in the log",
            gauge(gauges.records_buffered),
        );
        r.register("ready", "Whether a model answers", gauge(usize::from(gauges.ready)));
        let dropped: Counter = Counter::default();
        dropped.inc_by(gauges.slates_dropped);
        r.register("slates_dropped", "Slates that did not fit the buffer", dropped);
        r.register(
            "model_version",
            "The model version that answers",
            Info::new([("version", gauges.model_version.clone())]),
        );
        let mut page = String::new();
        encode(&mut page, &registry)?;
        Ok(page)
    }
}
