//! The thread that looks ahead. It has the engine while it loads, and gives it back with the batch: one
//! batch ahead at most, and whoever needs the engine waits for it.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, RwLock};
use std::thread::JoinHandle;

use super::loading::{Batch, Engine};
use crate::{Error, Result, Table};

/// What is lent.
type Job = (Box<Engine>, Batch);
/// And what comes back, with the number of conflicts.
pub(super) type Loaded = (Box<Engine>, Batch, Result<usize>);

pub(super) struct Ahead {
    send: Option<SyncSender<Job>>,
    receive: Receiver<Loaded>,
    thread: Option<JoinHandle<()>>,
}

impl Ahead {
    pub(super) fn start(fast: Arc<RwLock<Table>>, pad_rows: usize) -> Result<Ahead> {
        let (send, jobs) = sync_channel::<Job>(1);
        let (answers, receive) = sync_channel::<Loaded>(1);
        let work = move || {
            for (mut engine, mut batch) in jobs {
                let result = engine.load(&mut batch, &fast, pad_rows);
                if answers.send((engine, batch, result)).is_err() {
                    break;
                }
            }
        };
        let thread = std::thread::Builder::new().name("look-ahead".into()).spawn(work);
        let thread = thread.map_err(|error| gone(&error.to_string()))?;
        Ok(Ahead { send: Some(send), receive, thread: Some(thread) })
    }

    pub(super) fn begin(&self, engine: Box<Engine>, batch: Batch) -> Result<()> {
        let send = self.send.as_ref().ok_or_else(|| gone("it has ended"))?;
        send.send((engine, batch)).map_err(|_| gone("it died"))
    }

    pub(super) fn wait(&self) -> Result<Loaded> {
        self.receive.recv().map_err(|_| gone("it died while it loaded a batch"))
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.send = None;
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

pub(super) fn gone(what: &str) -> Error {
    Error::Tier { place: "the thread that looks ahead".into(), what: what.into() }
}
