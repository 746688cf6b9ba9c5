//! A thread and its working memory for one query at a time.
//!
//! The kernels below split their work over the rayon pool they are called in. That is right for
//! training and wrong here: a history is a millisecond of arithmetic, and a pool that all
//! requests share lets one request's wait become another's work. So each query in flight gets a
//! lane of its own, a pool of one thread, handed over once; there are as many lanes as there
//! ever were queries at the same time, which the server bounds. A caller that is in a rayon pool
//! already (an evaluation ranks many users at once) stays there.

use std::sync::Mutex;

use rayon::{ThreadPool, ThreadPoolBuilder};
use tensor::{Device, Workspace};

struct Lane {
    /// None where none was needed yet, or the system gave no further thread: then the caller's
    /// pool has to do.
    pool: Option<ThreadPool>,
    workspace: Workspace,
}

/// Lanes that nobody uses now.
static FREE: Mutex<Vec<Lane>> = Mutex::new(Vec::new());

/// Runs `work` with working memory that no other query uses meanwhile.
pub(super) fn with_workspace<T: Send>(work: impl FnOnce(&mut Workspace) -> T + Send) -> T {
    let mut lane = taken().unwrap_or_else(Lane::new);
    let inside = rayon::current_thread_index().is_some();
    if !inside && lane.pool.is_none() {
        lane.pool = thread();
    }
    let answer = match &lane.pool {
        Some(pool) if !inside => pool.install(|| work(&mut lane.workspace)),
        _ => work(&mut lane.workspace),
    };
    // A panic drops the lane instead: nobody knows what it left behind.
    if let Ok(mut free) = FREE.lock() {
        free.push(lane);
    }
    answer
}

fn taken() -> Option<Lane> {
    FREE.lock().ok()?.pop()
}

/// A pool of one thread.
fn thread() -> Option<ThreadPool> {
    let pool = ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "sequence".into());
    pool.build().ok()
}

impl Lane {
    fn new() -> Lane {
        Lane { pool: None, workspace: Workspace::new(Device::Cpu) }
    }
}
