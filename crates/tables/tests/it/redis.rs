//! The tier in Redis, against a real server; and against what only looks like one.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tables::{Policy, Pooling, Redis, RedisTier, Tier, TieredTable};

use crate::tiered::{
    OPTIMISERS, ROWS, SAMPLES, WIDTH, all_rows, batch, bits, both, config, gradient, in_memory,
};
use crate::tiers::{COUNT, RECORD, conforms, lasts, trains};

const WAIT: Duration = Duration::from_secs(5);

/// A server of ours on a port of its own, in a temporary folder, which ends with this.
struct Server {
    process: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Server {
    /// None, said aloud, where there is no `redis-server`.
    #[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
    fn start() -> Option<Server> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|at| at.join("redis-server").is_file()) {
            println!("SKIPPED: no redis-server on the PATH");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        // Somebody may take the port before the server does.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if let Some(process) = process(port, folder.path()) {
                return Some(Server { process, port, folder });
            }
        }
        panic!("no redis-server begins: {}", log(folder.path()));
    }

    /// As a loss of power would, but for the disk.
    fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn again(&mut self) {
        let found = process(self.port, self.folder.path());
        self.process =
            found.unwrap_or_else(|| panic!("it does not return: {}", log(self.folder.path())));
    }

    fn settings(&self, name: &str, rows: u64, record: usize) -> Redis {
        Redis {
            url: format!("redis://127.0.0.1:{}", self.port),
            name: name.into(),
            rows,
            record,
            connect: WAIT,
            read: WAIT,
            write: WAIT,
            replicas: 0,
        }
    }

    fn tier(&self, name: &str, rows: u64, record: usize) -> RedisTier {
        RedisTier::open(self.settings(name, rows, record)).unwrap()
    }

    /// By hand.
    fn hand(&self) -> ::redis::Connection {
        connect(self.port).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn connect(port: u16) -> ::redis::RedisResult<::redis::Connection> {
    let client = ::redis::Client::open(format!("redis://127.0.0.1:{port}"))?;
    let connection = client.get_connection_with_timeout(WAIT)?;
    connection.set_read_timeout(Some(WAIT))?;
    Ok(connection)
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// One that answers; none where it ended or does not within 10 s.
fn process(port: u16, folder: &Path) -> Option<Child> {
    let mut process = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--logfile", "log"])
        .args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""])
        .arg("--dir")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..500 {
        if process.try_wait().unwrap().is_some() {
            return None;
        }
        let answers = connect(port).and_then(|mut it| ::redis::cmd("PING").exec(&mut it));
        if answers.is_ok() {
            return Some(process);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    None
}

/// Of a row's first slot.
fn key(name: &str, row: u64) -> Vec<u8> {
    [name.as_bytes(), b":", &row.to_be_bytes(), &[0]].concat()
}

#[test]
fn redis_is_a_tier() {
    let Some(mut server) = Server::start() else { return };
    conforms(&mut || Box::new(server.tier("a", COUNT, RECORD)));
    lasts(&mut || Box::new(server.tier("a", COUNT, RECORD)));
    trains(&mut |record| Box::new(server.tier("table", 2 * ROWS, record)));
    // Another name is another tier; a server that keeps all it answered to has all after its end.
    assert_eq!(server.tier("b", COUNT, RECORD).note().unwrap(), None);
    server.stop();
    server.again();
    lasts(&mut || Box::new(server.tier("a", COUNT, RECORD)));
}

#[test]
fn what_was_changed_in_redis_is_refused_by_row() {
    let Some(server) = Server::start() else { return };
    let mut tier = server.tier("a", COUNT, RECORD);
    tier.write(&[3, 4, 5], &[7; 3 * RECORD]).unwrap();
    tier.flush("note").unwrap();
    let mut hand = server.hand();
    let sound: Vec<u8> = ::redis::cmd("GET").arg(key("a", 4)).query(&mut hand).unwrap();
    let refused = |tier: &mut RedisTier| {
        let (mut out, mut known) = (vec![0; 3 * RECORD], [false; 3]);
        tier.read(&[3, 4, 5], &mut out, &mut known).unwrap_err().to_string()
    };
    let mut set = |row: u64, value: &[u8]| {
        ::redis::cmd("SET").arg(key("a", row)).arg(value).exec(&mut hand).unwrap();
    };
    for bit in 0..8 * sound.len() {
        let mut changed = sound.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        set(4, &changed);
        let error = refused(&mut tier);
        assert!(error.contains("damaged: row 4: its checksum is wrong"), "{bit}: {error}");
    }
    for (value, what) in [
        (&sound[1..], "damaged: row 5: 31 bytes, not 32"),
        (&[], "damaged: row 5: 0 bytes, not 32"),
        // Another row's.
        (&sound, "damaged: row 5: its checksum is wrong"),
    ] {
        set(4, &sound);
        set(5, value);
        let error = refused(&mut tier);
        assert!(error.contains(what), "{error}");
        assert!(error.contains(&format!("127.0.0.1:{}", server.port)), "{error}");
    }
    // One that is gone is not a row that was never written.
    tier.write(&[5], &[7; RECORD]).unwrap();
    ::redis::cmd("DEL").arg(key("a", 3)).exec(&mut hand).unwrap();
    let error = refused(&mut tier);
    assert!(error.contains("row 3: it was written and is gone"), "{error}");
    for note in [&b"short"[..], b"longer than a checksum"] {
        ::redis::cmd("SET").arg("a:note").arg(note).exec(&mut hand).unwrap();
        let error = tier.note().unwrap_err().to_string();
        assert!(error.contains("damaged: the note"), "{error}");
    }
    // Nothing of this is left where it is written again.
    tier.write(&[3], &[8; RECORD]).unwrap();
    let (mut out, mut known) = (vec![0; RECORD], [false]);
    tier.read(&[3], &mut out, &mut known).unwrap();
    assert_eq!((out, known), (vec![8; RECORD], [true]));
}

#[test]
fn a_training_goes_on_when_the_server_returns() {
    let Some(mut server) = Server::start() else { return };
    let optimiser = OPTIMISERS[4];
    let (pooled, rows) = in_memory(optimiser, 15);
    let tier = server.tier("t", 2 * ROWS, (WIDTH + optimiser.state_width(WIDTH)) * 4);
    let config = config(optimiser, Policy::Lru, 2, &tier);
    let mut table = TieredTable::open(Box::new(tier), config).unwrap();
    let (mut found, mut met) = (Vec::new(), 0);
    let mut out = vec![0.0; SAMPLES * 2 * WIDTH];
    for number in 0..15 {
        let now = batch(number);
        // Not where a batch is the same as the one before: it is at hand, and the server is not asked.
        let away = number % 5 == 2;
        if away {
            server.stop();
        }
        let mut retried = |step: &mut dyn FnMut() -> tables::Result<()>| {
            for attempt in 0..4 {
                match step() {
                    Ok(()) => return,
                    Err(error) => {
                        let text = error.to_string();
                        assert!(matches!(error, tables::Error::Tier { .. }), "{text}");
                        assert!(text.starts_with("redis 127.0.0.1:"), "{text}");
                        met += 1;
                        if away && attempt == 1 {
                            server.again();
                        }
                    }
                }
            }
            panic!("it does not recover");
        };
        retried(&mut || table.pooled(&both(&now), Pooling::Mean, &mut out));
        found.extend(bits(&out));
        retried(&mut || table.update(&both(&now), Pooling::Mean, &gradient(number)));
    }
    assert!(met >= 6, "{met}");
    assert!(found == pooled, "pooled");
    assert!(all_rows(&mut table) == rows, "rows");
    server.stop();
    assert!(table.flush().is_err());
    server.again();
    table.flush().unwrap();
}

#[test]
fn a_training_that_dies_leaves_its_last_flush() {
    let Some(server) = Server::start() else { return };
    let optimiser = OPTIMISERS[4];
    let record = (WIDTH + optimiser.state_width(WIDTH)) * 4;
    let open = || {
        let tier = server.tier("t", 2 * ROWS, record);
        let config = config(optimiser, Policy::Lru, 2, &tier);
        TieredTable::open(Box::new(tier), config).unwrap()
    };
    // Every few batches a flush; the process dies after any of them, with rows written since.
    let mut flushed: Vec<(u64, Vec<Vec<u32>>)> = Vec::new();
    let mut begun = 0;
    for dies in [2, 5, 6, 9, 13] {
        let mut table = open();
        if let Some((at, rows)) = flushed.last() {
            assert!(all_rows(&mut table) == *rows, "as of the flush after batch {at}");
            begun = *at;
        }
        let mut out = vec![0.0; SAMPLES * 2 * WIDTH];
        for number in begun..dies {
            let now = batch(number);
            table.pooled(&both(&now), Pooling::Mean, &mut out).unwrap();
            table.update(&both(&now), Pooling::Mean, &gradient(number)).unwrap();
            if number % 4 == 1 {
                table.flush().unwrap();
                flushed.push((number + 1, all_rows(&mut table)));
            }
        }
        let counters = table.counters().unwrap();
        assert!(dies % 4 == 2 || counters.written_back > 0, "{dies}: {counters:?}");
    }
    // What was trained twice over is as if nobody had died.
    let mut table = open();
    let (_, rows) = in_memory(optimiser, 10);
    assert_eq!(flushed.last().map(|(at, _)| *at), Some(10));
    assert!(all_rows(&mut table) == rows, "as in memory");
}

#[test]
fn a_flush_without_an_answer_is_sent_again_before_a_row_is_written_over() {
    let Some(mut server) = Server::start() else { return };
    let mut tier = server.tier("a", COUNT, RECORD);
    tier.write(&[1, 2], &[1; 2 * RECORD]).unwrap();
    tier.flush("first").unwrap();
    tier.write(&[1], &[2; RECORD]).unwrap();
    server.stop();
    assert!(tier.flush("second").is_err());
    server.again();
    let found = |tier: &mut RedisTier| {
        let (mut out, mut known) = (vec![0; 2 * RECORD], [false; 2]);
        tier.read(&[1, 2], &mut out, &mut known).unwrap();
        (tier.note().unwrap(), out[0], out[RECORD], known)
    };
    let first = (Some("first".to_owned()), 1, 1, [true; 2]);
    assert_eq!(found(&mut server.tier("a", COUNT, RECORD)), first);
    tier.write(&[1], &[3; RECORD]).unwrap();
    let second = (Some("second".to_owned()), 2, 1, [true; 2]);
    assert_eq!(found(&mut server.tier("a", COUNT, RECORD)), second);
    assert_eq!(found(&mut tier).1, 3);
    // Places of other sizes, or without their note, are refused.
    let refused = |settings: Redis| RedisTier::open(settings).err().unwrap().to_string();
    let error = refused(server.settings("a", COUNT + 8, RECORD));
    assert!(error.contains("not of 5008 rows"), "{error}");
    ::redis::cmd("DEL").arg("a:note").exec(&mut server.hand()).unwrap();
    let error = refused(server.settings("a", COUNT, RECORD));
    assert!(error.contains("one of note and places"), "{error}");
}

#[test]
fn replicas_that_are_asked_for_are_waited_for() {
    let Some(server) = Server::start() else { return };
    let read = Duration::from_millis(200);
    let settings = Redis { replicas: 1, read, ..server.settings("a", COUNT, RECORD) };
    let mut tier = RedisTier::open(settings).unwrap();
    let error = tier.flush("note").unwrap_err().to_string();
    assert!(error.contains("a flush reached 0 replicas of 1 in 100 ms"), "{error}");
}

#[test]
fn a_server_that_is_silent_or_absent_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let short = Duration::from_millis(50);
    let settings = Redis {
        url: format!("redis://:secret@127.0.0.1:{port}"),
        name: "a".into(),
        rows: COUNT,
        record: RECORD,
        connect: short,
        read: short,
        write: short,
        replicas: 0,
    };
    let refused = |settings: Redis| RedisTier::open(settings).err().unwrap().to_string();
    // The system takes the connection; nobody answers, to a password or to a greeting.
    let url = format!("redis://127.0.0.1:{port}");
    for settings in [settings.clone(), Redis { url, ..settings.clone() }] {
        let error = refused(settings);
        assert!(error.contains("a greeting: ") && !error.contains("secret"), "{error}");
        assert!(error.starts_with(&format!("redis 127.0.0.1:{port}: ")), "{error}");
    }
    drop(listener);
    let error = refused(settings.clone());
    assert!(error.contains("refused"), "{error}");
    for (settings, what) in [
        (Redis { url: "nowhere".into(), ..settings.clone() }, "redis: url: "),
        (Redis { name: "a:b".into(), ..settings.clone() }, "redis: name \"a:b\""),
        (Redis { rows: 0, ..settings.clone() }, "redis: 0 rows"),
        (Redis { record: 0, ..settings.clone() }, "of 0 bytes"),
        (Redis { read: Duration::ZERO, ..settings.clone() }, "redis: read: 0ns"),
    ] {
        let error = refused(settings);
        assert!(error.contains(what), "{error}");
    }
}
