//! Lists of items and users, and searches in them: a scan, any case, with a bound. Runs off
//! the executor.

use crate::limits::SEARCH_SCAN_MAX;
use crate::wire::Listing;
use crate::world::Names;

/// Item indices that a listing asks for, and where to go on.
pub(crate) fn items(names: &Names, listing: &Listing) -> (Vec<u32>, Option<u32>) {
    scan(names.item_count(), listing, |index, needle| {
        contains(names.item_id(index), needle)
            || names.item(index).is_some_and(|item| contains(item.label(), needle))
    })
}

/// User indices that a listing asks for, and where to go on.
pub(crate) fn users(names: &Names, listing: &Listing) -> (Vec<u32>, Option<u32>) {
    scan(names.user_count(), listing, |index, needle| {
        contains(names.user_id(index), needle)
            || names.user(index).is_some_and(|user| {
                user.attributes.values().any(|value| contains(value, needle))
            })
    })
}

fn scan(
    count: u32,
    listing: &Listing,
    matches: impl Fn(u32, &str) -> bool,
) -> (Vec<u32>, Option<u32>) {
    let needle = listing.search.as_ref().map(|text| text.trim().to_lowercase());
    let end = count.min(listing.from.saturating_add(SEARCH_SCAN_MAX));
    let mut found = Vec::new();
    for index in listing.from..end {
        if needle.as_deref().is_none_or(|needle| matches(index, needle)) {
            if found.len() == listing.k {
                return (found, Some(index));
            }
            found.push(index);
        }
    }
    (found, (end < count && end > listing.from).then_some(end))
}

/// Whether `text`, in lower case, holds `needle`, which is in lower case already.
fn contains(text: &str, needle: &str) -> bool {
    if text.len() < needle.len() {
        return false;
    }
    if text.is_ascii() && needle.is_ascii() {
        let (text, needle) = (text.as_bytes(), needle.as_bytes());
        return needle.is_empty()
            || text.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle));
    }
    text.to_lowercase().contains(needle)
}
