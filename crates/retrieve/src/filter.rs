//! Which items may be recommended to this request.

/// Decides item by item; asked inside the scan, so that k items come back where k exist.
pub trait Filter: Sync {
    /// Whether the item with this index may come back.
    fn admits(&self, item: u32) -> bool;
}

/// Lets everything pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct Everything;

impl Filter for Everything {
    fn admits(&self, _: u32) -> bool {
        true
    }
}

/// Lets pass what is not in a list: items seen already, items to exclude.
#[derive(Debug, Clone, Default)]
pub struct Unseen {
    sorted: Vec<u32>,
}

impl Unseen {
    /// Keeps these out; any order, repeats allowed.
    pub fn new(items: impl IntoIterator<Item = u32>) -> Unseen {
        let mut sorted: Vec<u32> = items.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        Unseen { sorted }
    }
}

impl Filter for Unseen {
    fn admits(&self, item: u32) -> bool {
        self.sorted.binary_search(&item).is_err()
    }
}

/// Lets pass what both let pass.
pub struct Both<'a>(
    /// Asked first.
    pub &'a dyn Filter,
    /// Asked second.
    pub &'a dyn Filter,
);

impl Filter for Both<'_> {
    fn admits(&self, item: u32) -> bool {
        self.0.admits(item) && self.1.admits(item)
    }
}
