//! An open-loop load generator.
//!
//! Arrivals are a Poisson process fixed before the run; a latency counts from the intended
//! arrival, not from the moment a free connection was found, so that a server that stalls
//! pays for every request that had to wait (a closed loop would politely stop asking:
//! coordinated omission).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use hdrhistogram::Histogram;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::hint;
use crate::terminal::{answer, note, stopped};

/// What is on the command line.
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// Where the server answers: `http://127.0.0.1:8088`
    #[arg(long)]
    url: String,
    /// Requests a second, on average
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Length of the run
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Items a request asks for
    #[arg(short, long, default_value_t = 20)]
    k: u32,
    /// Connections kept open
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1000))]
    connections: u32,
    /// Process of the server: its CPU time is reported a request
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// Seed of arrivals and users
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// One request: when it should arrive, and what it asks.
struct Arrival {
    at: Instant,
    body: Bytes,
}

/// What the connections count.
#[derive(Default)]
struct Counts {
    errors: AtomicU64,
    degraded: AtomicU64,
    late: AtomicU64,
}

pub(crate) fn run(args: &LoadArgs) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(drive(args))
}

async fn drive(args: &LoadArgs) -> Result<()> {
    let address = loopback(&args.url)?;
    let users = user_ids(address).await?;
    let rows = schedule(args, &users);
    let counts = Arc::new(Counts::default());
    let mut clients = Vec::new();
    // One queue for all connections: a free one takes the next arrival.
    let (send, receive) = mpsc::unbounded_channel::<Arrival>();
    let receive = Arc::new(tokio::sync::Mutex::new(receive));
    for _ in 0..args.connections {
        let client = connect(address).await?;
        clients.push(tokio::spawn(answer_all(
            client,
            address,
            receive.clone(),
            counts.clone(),
        )));
    }
    let cpu_before = args.pid.map(cpu_seconds).transpose()?;
    let begin = now() + Duration::from_millis(100);
    let mut sent = 0u64;
    let mut told = 0;
    for (after, body) in rows {
        let at = begin + after;
        tokio::time::sleep_until(at.into()).await;
        if stopped() {
            break;
        }
        if now().saturating_duration_since(at) > Duration::from_millis(5) {
            counts.late.fetch_add(1, Ordering::Relaxed);
        }
        send.send(Arrival { at, body }).context("every connection ended early")?;
        sent += 1;
        if after.as_secs() > told {
            told = after.as_secs();
            if told.is_multiple_of(5) {
                note(&format!("  {told} of {} s, {sent} requests", args.seconds));
            }
        }
    }
    drop(send);
    let mut latencies = Histogram::<u64>::new_with_bounds(1, 120_000_000, 3)?;
    for client in clients {
        latencies.add(client.await.context("a connection panicked")?)?;
    }
    let seconds = now().saturating_duration_since(begin).as_secs_f64();
    let cpu = match (cpu_before, args.pid) {
        (Some(before), Some(pid)) => Some(cpu_seconds(pid)? - before),
        _ => None,
    };
    report(args, sent, seconds, &latencies, &counts, cpu);
    Ok(())
}

fn report(
    args: &LoadArgs,
    sent: u64,
    seconds: f64,
    latencies: &Histogram<u64>,
    counts: &Counts,
    cpu: Option<f64>,
) {
    let ms = |quantile: f64| latencies.value_at_quantile(quantile) as f64 / 1000.0;
    let count = |number: &AtomicU64| number.load(Ordering::Relaxed);
    let cpu_us = cpu.map(|cpu| cpu * 1e6 / sent.max(1) as f64);
    if args.json {
        let answered = json!({"rate": args.rate, "seconds": seconds, "sent": sent,
            "answered": latencies.len(), "errors": count(&counts.errors),
            "degraded": count(&counts.degraded), "sent_late": count(&counts.late),
            "latency_ms": {"p50": ms(0.5), "p90": ms(0.9), "p99": ms(0.99), "p999": ms(0.999),
                "max": latencies.max() as f64 / 1000.0},
            "server_cpu_us_per_request": cpu_us});
        answer(&answered.to_string());
        return;
    }
    answer(&format!(
        "{sent} requests in {seconds:.1} s ({:.0}/s), {} errors, {} degraded answers\n\
         latency from the intended arrival: p50 {:.2} ms, p90 {:.2}, p99 {:.2}, p99.9 {:.2}, \
         max {:.2}",
        sent as f64 / seconds,
        count(&counts.errors),
        count(&counts.degraded),
        ms(0.5),
        ms(0.9),
        ms(0.99),
        ms(0.999),
        latencies.max() as f64 / 1000.0,
    ));
    if let Some(cpu_us) = cpu_us {
        answer(&format!("server: {cpu_us:.0} µs of CPU a request"));
    }
    if count(&counts.late) > 0 {
        note(&format!(
            "{} requests left more than 5 ms late: this machine was busy; their latencies count \
             that",
            count(&counts.late)
        ));
    }
}

/// A load test is for a server of one's own, on this machine.
fn loopback(url: &str) -> Result<SocketAddr> {
    let rest = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/');
    let rest = rest.replace("localhost", "127.0.0.1");
    let address: SocketAddr = rest.parse().map_err(|_| {
        hint::error(format!("--url {url}: no address and port"), "--url http://127.0.0.1:8088")
    })?;
    if !address.ip().is_loopback() {
        bail!("--url {url}: only a server on this machine may be loaded");
    }
    Ok(address)
}

/// Users to ask for, as the server lists them.
async fn user_ids(address: SocketAddr) -> Result<Vec<String>> {
    let mut client = connect(address).await?;
    let request = Request::get("/v1/users?k=1000")
        .header("host", address.to_string())
        .body(Full::new(Bytes::new()))?;
    let response = client.send_request(request).await.context("listing users")?;
    if response.status() != StatusCode::OK {
        bail!("listing users: the server answered {}", response.status());
    }
    let body = response.into_body().collect().await?.to_bytes();
    let listed: serde_json::Value = serde_json::from_slice(&body).context("listing users")?;
    let users = listed["users"].as_array().cloned().unwrap_or_default();
    let ids: Vec<String> =
        users.iter().filter_map(|user| user["id"].as_str().map(str::to_owned)).collect();
    if ids.is_empty() {
        bail!("the server knows no user to ask for");
    }
    Ok(ids)
}

/// Arrivals after the beginning: gaps are exponential, users uniform.
fn schedule(args: &LoadArgs, users: &[String]) -> Vec<(Duration, Bytes)> {
    let mut random = ChaCha8Rng::seed_from_u64(args.seed);
    let mut rows = Vec::new();
    let mut at = 0.0;
    loop {
        at += exponential(&mut random) / f64::from(args.rate);
        if at >= f64::from(args.seconds) {
            return rows;
        }
        let user = &users[random.random_range(0..users.len())];
        let body = json!({"user": user, "k": args.k}).to_string();
        rows.push((Duration::from_secs_f64(at), Bytes::from(body)));
    }
}

/// Exponential with mean 1.
fn exponential(random: &mut impl Rng) -> f64 {
    let uniform: f64 = random.random();
    -(1.0 - uniform).ln()
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("connecting to {address}"))?;
    stream.set_nodelay(true)?;
    let (client, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        // An error here shows as a failed request.
        let _ = connection.await;
    });
    Ok(client)
}

/// Takes arrivals until there are none, one at a time. Latencies in microseconds.
async fn answer_all(
    mut client: SendRequest<Full<Bytes>>,
    address: SocketAddr,
    arrivals: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Arrival>>>,
    counts: Arc<Counts>,
) -> Histogram<u64> {
    let mut latencies = Histogram::<u64>::new_with_bounds(1, 120_000_000, 3)
        .expect("these bounds make a histogram");
    loop {
        let next = arrivals.lock().await.recv().await;
        let Some(arrival) = next else { return latencies };
        let asked = tokio::time::timeout(
            Duration::from_secs(30),
            ask(&mut client, address, arrival.body),
        );
        match asked.await {
            Ok(Ok(degraded)) => {
                counts.degraded.fetch_add(u64::from(degraded), Ordering::Relaxed);
            }
            Ok(Err(_)) | Err(_) => {
                counts.errors.fetch_add(1, Ordering::Relaxed);
                if let Ok(again) = connect(address).await {
                    client = again;
                }
            }
        }
        let micros = now().saturating_duration_since(arrival.at).as_micros();
        latencies.saturating_record(u64::try_from(micros).unwrap_or(u64::MAX).max(1));
    }
}

/// One request; whether the answer was a degraded one.
async fn ask(
    client: &mut SendRequest<Full<Bytes>>,
    address: SocketAddr,
    body: Bytes,
) -> Result<bool> {
    let request = Request::post("/v1/recommend")
        .header("host", address.to_string())
        .header("content-type", "application/json")
        .body(Full::new(body))?;
    client.ready().await?;
    let response = client.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    if status != StatusCode::OK {
        bail!("{status}");
    }
    let degraded = memmem(&body, b"\"degraded\":") && !memmem(&body, b"\"degraded\":null");
    Ok(degraded)
}

fn memmem(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

/// CPU seconds, user and system, that a process has used (Linux).
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let place = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&place).with_context(|| format!("reading {place}"))?;
    // The command's name may hold blanks and brackets: fields count from the last bracket.
    let fields: Vec<&str> =
        text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
    match (ticks(11), ticks(12)) {
        // USER_HZ is 100 on every Linux that Rust supports.
        (Some(user), Some(system)) => Ok((user + system) / 100.0),
        _ => bail!("{place}: not as expected"),
    }
}

#[allow(clippy::disallowed_methods, reason = "a load generator is made of real time")]
fn now() -> Instant {
    Instant::now()
}
