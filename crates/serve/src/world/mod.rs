//! What the server knows: the log as it was read, what came in since, and the model version
//! that answers. One request sees one world from beginning to end.

mod frozen;
mod overlay;
mod histories;
mod admitted;

use std::sync::Arc;

use data::{History, Item, NewEvent, User};
use retrieve::{Reason, Version};

pub(crate) use admitted::Admitted;
pub(crate) use frozen::Base;
pub(crate) use histories::OwnHistory;

use histories::LiveHistories;
pub(crate) use overlay::TooManyIds;
use overlay::{Overlay, Snapshot};

/// Everything that answers are made from.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) base: Arc<Base>,
    pub(crate) live: Arc<Live>,
    /// None until a version was published that fits.
    pub(crate) version: Option<Arc<Version>>,
}

/// What came in since the log was read. Readers never wait for writers.
#[derive(Debug)]
pub(crate) struct Live {
    items: Overlay<Item>,
    users: Overlay<User>,
    histories: LiveHistories,
}

/// The names of items and users at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    base: Arc<Base>,
    items: Arc<Snapshot<Item>>,
    users: Arc<Snapshot<User>>,
}

/// A user's history, wherever it lies.
#[derive(Debug)]
pub(crate) enum HistoryOf {
    /// In the log's columns.
    Log(Arc<Base>, u32),
    /// Log and live events together, or a session's.
    Own(Arc<OwnHistory>),
    None,
}

impl HistoryOf {
    pub(crate) fn view(&self) -> History<'_> {
        match self {
            HistoryOf::Log(base, user) => base.sequences.user(*user),
            HistoryOf::Own(own) => own.view(),
            HistoryOf::None => History::default(),
        }
    }
}

impl World {
    /// A world of the log alone.
    pub(crate) fn new(base: Base) -> World {
        let live = Live {
            items: Overlay::new(base.catalogue.items.len()),
            users: Overlay::new(base.catalogue.users.len()),
            histories: LiveHistories::new(),
        };
        World { base: Arc::new(base), live: Arc::new(live), version: None }
    }

    /// Names as they are now.
    pub(crate) fn names(&self) -> Names {
        Names {
            base: self.base.clone(),
            items: self.live.items.snapshot(),
            users: self.live.users.snapshot(),
        }
    }

    /// What this user did.
    pub(crate) fn history(&self, user: u32) -> HistoryOf {
        match self.live.histories.get(user) {
            Some(own) => HistoryOf::Own(own),
            None if user < self.base.catalogue.users.len() => {
                HistoryOf::Log(self.base.clone(), user)
            }
            None => HistoryOf::None,
        }
    }

    /// Users with live events.
    pub(crate) fn live_users(&self) -> usize {
        self.live.histories.users()
    }

    /// Takes in an event: its ids, and its place in the history where it is positive. The
    /// caller holds the intake's lock.
    pub(crate) fn take_event(
        &self,
        event: &NewEvent,
        positive: bool,
    ) -> Result<(), TooManyIds> {
        let catalogue = &self.base.catalogue;
        let user = event.user.as_deref().map(|id| self.live.users.intern(&catalogue.users, id));
        let user = user.transpose()?;
        let item = event.item.as_deref().map(|id| self.live.items.intern(&catalogue.items, id));
        let item = item.transpose()?;
        if let (Some(user), Some(item), true) = (user, item, positive) {
            let base = self.base.sequences.user(user);
            let value = event.value.unwrap_or(1.0);
            self.live.histories.push(user, base, item, event.time_ms, value);
        }
        Ok(())
    }

    /// Takes in items, the later of equal ids winning; how many were taken before there were
    /// too many new ids. The caller holds the intake's lock.
    pub(crate) fn take_items(&self, items: &[Item]) -> usize {
        self.live.items.change(&self.base.catalogue.items, |live| {
            let mut taken = 0;
            for item in items {
                let Some(index) = live.intern(&item.id) else { break };
                live.put(index, item.clone());
                taken += 1;
            }
            taken
        })
    }

    /// As [`World::take_items`], for users.
    pub(crate) fn take_users(&self, users: &[User]) -> usize {
        self.live.users.change(&self.base.catalogue.users, |live| {
            let mut taken = 0;
            for user in users {
                let Some(index) = live.intern(&user.id) else { break };
                live.put(index, user.clone());
                taken += 1;
            }
            taken
        })
    }
}

impl Names {
    /// Items in all; indices are below.
    pub(crate) fn item_count(&self) -> u32 {
        self.base.catalogue.items.len() + self.items.added()
    }

    /// Users in all; indices are below.
    pub(crate) fn user_count(&self) -> u32 {
        self.base.catalogue.users.len() + self.users.added()
    }

    /// The index of an item's id.
    pub(crate) fn item_index(&self, id: &str) -> Option<u32> {
        self.base.catalogue.items.get(id).or_else(|| self.items.index(id))
    }

    /// The index of a user's id.
    pub(crate) fn user_index(&self, id: &str) -> Option<u32> {
        self.base.catalogue.users.get(id).or_else(|| self.users.index(id))
    }

    /// An item's id.
    pub(crate) fn item_id(&self, index: u32) -> &str {
        self.base.catalogue.items.id(index).or_else(|| self.items.id(index)).unwrap_or("?")
    }

    /// A user's id.
    pub(crate) fn user_id(&self, index: u32) -> &str {
        self.base.catalogue.users.id(index).or_else(|| self.users.id(index)).unwrap_or("?")
    }

    /// What is known of an item; `None` where only its id is.
    pub(crate) fn item(&self, index: u32) -> Option<&Item> {
        self.items.facts(index).or_else(|| self.base.catalogue.item(index))
    }

    /// What is known of a user; `None` where only its id is.
    pub(crate) fn user(&self, index: u32) -> Option<&User> {
        self.users.facts(index).or_else(|| self.base.catalogue.user(index))
    }

    /// An item's title for people, or its id.
    pub(crate) fn label(&self, index: u32) -> &str {
        self.item(index).map_or_else(|| self.item_id(index), Item::label)
    }

    /// A reason as people read it; titles are those of now.
    pub(crate) fn reason_in_words(&self, reason: &Reason) -> String {
        match reason {
            Reason::Because { item } => format!("because of {}", self.label(*item)),
            other => other.in_words(&self.base.catalogue),
        }
    }

    /// Items that may be recommended: available ones unless all are asked for, of one of the
    /// categories where there are any.
    pub(crate) fn admitted(&self, available_only: bool, categories: &[String]) -> Admitted {
        let items = self.item_count();
        let mut admitted = match available_only {
            true => Admitted::without(items, &self.base.unavailable),
            false => Admitted::all(items),
        };
        if !categories.is_empty() {
            let mut wanted = Admitted::none(items);
            for list in
                categories.iter().filter_map(|name| self.base.items_by_category.get(name))
            {
                list.iter().for_each(|item| wanted.let_in(*item));
            }
            admitted.only(&wanted);
        }
        // Items that changed since.
        for (index, item) in self.items.all_facts() {
            let available = item.available || !available_only;
            let fits = categories.is_empty()
                || item.categories.iter().any(|category| categories.contains(category));
            if available && fits {
                admitted.let_in(index);
            } else {
                admitted.keep_out(index);
            }
        }
        admitted
    }

    /// The same item's index in another dictionary, where that knows it.
    pub(crate) fn translate_item(&self, index: u32, to: &data::Dictionary) -> Option<u32> {
        if index < self.base.catalogue.items.len() {
            // The dictionary is append-only: what the log had, it has at the same index.
            return Some(index);
        }
        to.get(self.items.id(index)?)
    }

    /// Whether the log's own dictionary has this item.
    pub(crate) fn in_log(&self, index: u32) -> bool {
        index < self.base.catalogue.items.len()
    }
}
