//! Every limit of the server by name. Reaching one is an answer with a status, never a stall.

/// Largest request body.
pub(crate) const BODY_BYTES_MAX: usize = 4 << 20;
/// A larger body is still read to its end, up to here, so that its sender gets the answer.
pub(crate) const BODY_PASSED_OVER_MAX: usize = 4 * BODY_BYTES_MAX;
/// Longest query string.
pub(crate) const QUERY_STRING_BYTES_MAX: usize = 16 << 10;
/// Deepest nesting of a JSON body.
pub(crate) const JSON_DEPTH_MAX: usize = 32;
/// Most items that one answer may hold.
pub(crate) const K_MAX: u64 = 1000;
/// Items of an answer where the request does not say.
pub(crate) const K_DEFAULT: u64 = 10;
/// Most events, items or users in one request.
pub(crate) const BATCH_MAX: usize = 10_000;
/// Most items of a history that a request brings along.
pub(crate) const SESSION_ITEMS_MAX: usize = 10_000;
/// Most items that a request may exclude.
pub(crate) const EXCLUDE_MAX: usize = 10_000;
/// Most categories: of an item, and of a filter.
pub(crate) const CATEGORIES_MAX: usize = 100;
/// Longest name of a surface.
pub(crate) const SURFACE_BYTES_MAX: usize = 64;
/// Longest title.
pub(crate) const TITLE_BYTES_MAX: usize = 4 << 10;
/// Longest text of an item.
pub(crate) const TEXT_BYTES_MAX: usize = 64 << 10;
/// Most attributes of an item or a user.
pub(crate) const ATTRIBUTES_MAX: usize = 256;
/// Longest value of an attribute.
pub(crate) const ATTRIBUTE_BYTES_MAX: usize = 4 << 10;
/// Most kinds of events in one log; the log's own limit is the same.
pub(crate) const KINDS_MAX: usize = 1024;
/// How far ahead of the server's clock an event may lie: clocks differ, but not by a week.
pub(crate) const AHEAD_MS_MAX: i64 = 86_400_000;
/// Most candidates that a logged slate keeps.
pub(crate) const SLATE_CANDIDATES_MAX: usize = 1000;
/// Popular items kept ready for answers under overload.
pub(crate) const POPULAR_KEPT: usize = 5000;
/// Most events of one user that are kept in memory once live ones arrive; the oldest go first.
pub(crate) const HISTORY_EVENTS_MAX: usize = 50_000;
/// Most users and most items that may appear between two loads of the log.
pub(crate) const NEW_IDS_MAX: u32 = 1_000_000;
/// Event ids remembered to tell a repeated post from a new one.
pub(crate) const RECENT_IDS_MAX: usize = 200_000;
/// Open connections; further ones wait to be accepted.
pub(crate) const CONNECTIONS_MAX: usize = 4096;
/// Requests that are being answered; beyond, the answer is 503 at once.
pub(crate) const IN_FLIGHT_MAX: usize = 2048;
/// Seconds after which a connection that sends nothing is closed.
pub(crate) const IDLE_SECONDS: u64 = 60;
/// Seconds that a client has for one request, its body included.
pub(crate) const REQUEST_SECONDS: u64 = 15;
/// Seconds that open requests have once the server was asked to stop.
pub(crate) const DRAIN_SECONDS: u64 = 10;
/// Tries of the last flush, a quarter of a second apart.
pub(crate) const FINAL_FLUSH_TRIES: u32 = 20;
/// What `Retry-After` says.
pub(crate) const RETRY_AFTER_SECONDS: u32 = 1;
/// Console pages and lists that are computed at once; they never take the place of a recommend.
pub(crate) const PAGES_AT_ONCE: usize = 2;
/// Rows of a list or a search where the request does not say.
pub(crate) const ROWS_DEFAULT: u64 = 50;
/// Ids and titles that one search looks at.
pub(crate) const SEARCH_SCAN_MAX: u32 = 2_000_000;
/// Seconds before a model version that was refused is looked at again.
pub(crate) const REFUSED_AGAIN_SECONDS: u64 = 30;
