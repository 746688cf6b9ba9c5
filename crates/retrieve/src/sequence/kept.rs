//! Encoded histories of users who asked lately, within a budget of memory: who asks again after
//! an event or two pays for those alone.
//!
//! They belong to one trained model and go with it. A request takes the user's out and puts it
//! back grown; another request of the same user meanwhile finds none and encodes afresh. Where
//! memory runs out, those who asked longest ago are forgotten.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use models::HstuCache;

/// What a map entry costs besides the history, about.
const ENTRY_BYTES: usize = 200;

/// The histories.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Bytes at most; 0: nothing is kept.
    budget: AtomicUsize,
    users: Mutex<Users>,
}

#[derive(Debug, Default)]
struct Users {
    /// History of a user, and when it was put here.
    histories: HashMap<u32, (u64, HstuCache)>,
    /// Users by when they were put here.
    order: BTreeMap<u64, u32>,
    turn: u64,
    bytes: usize,
}

impl Kept {
    /// Sets the budget; what is beyond it is forgotten.
    pub(super) fn set_budget(&self, bytes: usize) {
        self.budget.store(bytes, Ordering::Relaxed);
        if let Ok(mut users) = self.users.lock() {
            users.shrink(bytes);
        }
    }

    /// Whether anything is kept at all.
    pub(super) fn is_on(&self) -> bool {
        self.budget.load(Ordering::Relaxed) > 0
    }

    /// The history of `user`, which is gone from here until it is put back.
    pub(super) fn take(&self, user: u32) -> HstuCache {
        let Ok(mut users) = self.users.lock() else { return HstuCache::default() };
        users.remove(user).unwrap_or_default()
    }

    /// Keeps the history of `user`.
    pub(super) fn put(&self, user: u32, history: HstuCache) {
        let budget = self.budget.load(Ordering::Relaxed);
        let bytes = history.bytes() + ENTRY_BYTES;
        if bytes > budget {
            return;
        }
        let Ok(mut users) = self.users.lock() else { return };
        users.remove(user);
        users.turn += 1;
        let turn = users.turn;
        users.order.insert(turn, user);
        users.histories.insert(user, (turn, history));
        users.bytes += bytes;
        users.shrink(budget);
    }

    /// Users and bytes.
    pub(super) fn held(&self) -> (usize, usize) {
        self.users.lock().map_or((0, 0), |users| (users.histories.len(), users.bytes))
    }
}

impl Users {
    fn remove(&mut self, user: u32) -> Option<HstuCache> {
        let (turn, history) = self.histories.remove(&user)?;
        self.order.remove(&turn);
        self.bytes -= history.bytes() + ENTRY_BYTES;
        Some(history)
    }

    fn shrink(&mut self, budget: usize) {
        while self.bytes > budget {
            let Some(user) = self.order.values().next().copied() else { return };
            self.remove(user);
        }
    }
}

#[cfg(test)]
mod tests {
    use models::{Hstu, HstuConfig, Past};
    use tensor::{Device, Workspace};

    use super::*;

    fn history(events: usize) -> HstuCache {
        let config =
            HstuConfig { dim: 8, query_width: 8, value_width: 8, ..HstuConfig::default() };
        let model = Hstu::init(&config, 1).expect("settings of a model");
        let items = Hstu::init_items(&config, 4, 1);
        let (read, times_ms) = (vec![1; events], vec![5; events]);
        let past = Past { items: &read, times_ms: &times_ms, now_ms: 9 };
        let mut cache = HstuCache::default();
        let mut workspace = Workspace::new(Device::Cpu);
        model.ask(&mut workspace, items.values(), &mut cache, &past).expect("a history");
        cache
    }

    #[test]
    fn the_budget_holds_and_the_oldest_go_first() {
        let kept = Kept::default();
        kept.put(1, history(10));
        assert_eq!(kept.held(), (0, 0), "off");
        let one = history(10).bytes() + ENTRY_BYTES;
        kept.set_budget(3 * one);
        for user in [1, 2, 3, 1, 4] {
            kept.put(user, history(10));
            assert!(kept.held().1 <= 3 * one);
        }
        assert_eq!(kept.held(), (3, 3 * one));
        assert!(kept.take(2).is_empty(), "the oldest is gone");
        assert_eq!(kept.take(1).len(), 10, "who asked again is not the oldest");
        assert!(kept.take(1).is_empty(), "it was taken");
        kept.put(5, history(150));
        assert!(kept.held().1 <= 3 * one);
        kept.set_budget(0);
        assert_eq!(kept.held(), (0, 0));
    }
}
