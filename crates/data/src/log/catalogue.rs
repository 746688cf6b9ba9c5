//! Dictionaries and catalogues of a log, whole in memory.

use super::{ITEM_IDS, ITEMS, Log, USER_IDS, USERS, columns};
use crate::{Dictionary, Error, Item, Result, User};

/// Who and what the log knows.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// User ids by index.
    pub users: Dictionary,
    /// Item ids by index.
    pub items: Dictionary,
    /// Names of event kinds by index.
    pub kinds: Vec<String>,
    item_facts: Vec<Option<Box<Item>>>,
    user_facts: Vec<Option<Box<User>>>,
}

impl Catalogue {
    /// What is known of the item with this index; `None` where only its id is.
    pub fn item(&self, index: u32) -> Option<&Item> {
        self.item_facts.get(index as usize)?.as_deref()
    }

    /// What is known of the user with this index; `None` where only its id is.
    pub fn user(&self, index: u32) -> Option<&User> {
        self.user_facts.get(index as usize)?.as_deref()
    }

    /// The item's title for people, or its id.
    pub fn item_label(&self, index: u32) -> &str {
        self.item(index).map(Item::label).or_else(|| self.items.id(index)).unwrap_or("?")
    }

    /// Sets or replaces what is known of an item; its id is interned.
    pub fn put_item(&mut self, item: Item) -> Result<u32> {
        let index = self.items.intern(&item.id)?;
        put(&mut self.item_facts, index, item);
        Ok(index)
    }

    /// Sets or replaces what is known of a user; its id is interned.
    pub fn put_user(&mut self, user: User) -> Result<u32> {
        let index = self.users.intern(&user.id)?;
        put(&mut self.user_facts, index, user);
        Ok(index)
    }
}

fn put<T>(facts: &mut Vec<Option<Box<T>>>, index: u32, fact: T) {
    let at = index as usize;
    if facts.len() <= at {
        facts.resize_with(at + 1, || None);
    }
    facts[at] = Some(Box::new(fact));
}

pub(super) fn read(log: &Log) -> Result<Catalogue> {
    let mut catalogue = Catalogue { kinds: log.manifest.kinds.clone(), ..Catalogue::default() };
    for import in &log.manifest.imports {
        let folder = log.import_dir(import);
        let manifest = log.import_manifest(import)?;
        let read = |name: &str| {
            let known = manifest.files.iter().any(|file| file.name == name);
            known.then(|| manifest.read(log.files.as_ref(), &folder, name)).transpose()
        };
        for (name, dictionary) in
            [(USER_IDS, &mut catalogue.users), (ITEM_IDS, &mut catalogue.items)]
        {
            let place = folder.join(name);
            if let Some(bytes) = read(name)? {
                columns::ids_from_bytes(bytes, &place, |id| {
                    let before = dictionary.len();
                    match dictionary.intern(id)? == before {
                        true => Ok(()),
                        false => {
                            Err(Error::damaged(&place, format!("id {id:?} appears twice")))
                        }
                    }
                })?;
            }
        }
        if let Some(bytes) = read(ITEMS)? {
            for item in columns::items_from_bytes(bytes, &folder.join(ITEMS))? {
                catalogue.put_item(item)?;
            }
        }
        if let Some(bytes) = read(USERS)? {
            for user in columns::users_from_bytes(bytes, &folder.join(USERS))? {
                catalogue.put_user(user)?;
            }
        }
    }
    let (users, items) = (catalogue.users.len(), catalogue.items.len());
    if users != log.manifest.users || items != log.manifest.items {
        let what = format!(
            "it counts {} users and {} items, its imports hold {users} and {items}",
            log.manifest.users, log.manifest.items
        );
        return Err(Error::damaged(&log.dir.join(crate::sealed::MANIFEST), what));
    }
    Ok(catalogue)
}
