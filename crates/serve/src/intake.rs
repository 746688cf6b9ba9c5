//! What comes in: checked one by one, taken into the world at once, buffered for the log.
//! Nothing is acknowledged that the buffer does not hold.

use axum::http::StatusCode;

use crate::buffer::Records;
use crate::limits::KINDS_MAX;
use crate::problem::Problem;
use crate::state::Inner;
use crate::strict::Node;
use crate::wire::{self, Accepted, RowError};
use crate::world::World;

/// Takes in events, one or a batch.
pub(crate) fn events(inner: &Inner, body: Node) -> Result<Accepted, Problem> {
    let mut taking = Taking::new(inner, body, "events")?;
    let now_ms = inner.clock.now_ms();
    let rows = taking.parsed(|node, place| wire::event(node, place, now_ms));
    let mut records = inner.buffer.intake();
    let world = inner.world.load_full();
    if world.base.order_only() {
        let message = "this log only knows the order within each user (clock: order-only): a live \
                       event has no place in it";
        return Err(Problem::new(StatusCode::CONFLICT, "order_only_log", message)
            .hint("serve a log whose events have times"));
    }
    taking.check_room(rows.len())?;
    for (index, event) in rows {
        if event.id.as_deref().is_some_and(|id| records.is_recent(id)) {
            taking.answer.duplicates += 1;
            continue;
        }
        let positive = inner.feedback.is_positive(&event.kind, event.value);
        let taken = admit_kind(&mut records, &world, &event.kind)
            .and_then(|()| world.take_event(&event, positive).map_err(|_| too_many_ids()));
        if let Err(problem) = taken {
            taking.refuse(index, problem);
            continue;
        }
        if let Some(id) = &event.id {
            records.remember(id);
        }
        records.pending.events.push(event);
        taking.answer.accepted += 1;
    }
    inner.metrics.events.inc_by(u64::from(taking.answer.accepted));
    taking.done()
}

/// Takes in items, one or a batch.
pub(crate) fn items(inner: &Inner, body: Node) -> Result<Accepted, Problem> {
    let mut taking = Taking::new(inner, body, "items")?;
    let rows = taking.parsed(wire::item);
    let mut records = inner.buffer.intake();
    taking.check_room(rows.len())?;
    let (indices, mut items): (Vec<u32>, Vec<data::Item>) = rows.into_iter().unzip();
    let taken = inner.world.load().take_items(&items);
    indices[taken..].iter().for_each(|index| taking.refuse(*index, too_many_ids()));
    items.truncate(taken);
    taking.answer.accepted = taken as u32;
    records.pending.items.append(&mut items);
    taking.done()
}

/// Takes in users, one or a batch.
pub(crate) fn users(inner: &Inner, body: Node) -> Result<Accepted, Problem> {
    let mut taking = Taking::new(inner, body, "users")?;
    let rows = taking.parsed(wire::user);
    let mut records = inner.buffer.intake();
    taking.check_room(rows.len())?;
    let (indices, mut users): (Vec<u32>, Vec<data::User>) = rows.into_iter().unzip();
    let taken = inner.world.load().take_users(&users);
    indices[taken..].iter().for_each(|index| taking.refuse(*index, too_many_ids()));
    users.truncate(taken);
    taking.answer.accepted = taken as u32;
    records.pending.users.append(&mut users);
    taking.done()
}

/// A post under way.
struct Taking<'a> {
    inner: &'a Inner,
    nodes: Vec<Node>,
    name: &'static str,
    is_batch: bool,
    answer: Accepted,
    /// The first refusal: the answer, where nothing was taken in.
    first: Option<Problem>,
}

impl<'a> Taking<'a> {
    fn new(inner: &'a Inner, body: Node, name: &'static str) -> Result<Taking<'a>, Problem> {
        let (nodes, is_batch) = wire::batch(body, name)?;
        let flush_seconds = inner.config.flush_seconds;
        let answer = Accepted { flush_seconds, durable: false, ..Accepted::default() };
        Ok(Taking { inner, nodes, name, is_batch, answer, first: None })
    }

    /// The rows that pass the checks, with their places.
    fn parsed<T>(&mut self, parse: impl Fn(Node, &str) -> Result<T, Problem>) -> Vec<(u32, T)> {
        let mut rows = Vec::with_capacity(self.nodes.len());
        for (index, node) in (0u32..).zip(std::mem::take(&mut self.nodes)) {
            let place = match self.is_batch {
                true => format!("{}[{index}]", self.name),
                false => String::new(),
            };
            match parse(node, &place) {
                Ok(row) => rows.push((index, row)),
                Err(problem) => self.refuse(index, problem),
            }
        }
        rows
    }

    /// All or nothing: a batch that does not fit is refused whole, so that it can be sent again.
    fn check_room(&self, rows: usize) -> Result<(), Problem> {
        if rows <= self.inner.buffer.room() {
            return Ok(());
        }
        let message = "what came in before could not be written to the log yet, and the buffer \
                       is full; nothing of this request was taken in";
        Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "buffer_full", message))
    }

    fn refuse(&mut self, index: u32, problem: Problem) {
        self.answer.rejected += 1;
        self.answer.errors.push(RowError {
            index,
            field: problem.field().map(str::to_owned),
            message: problem.message().to_owned(),
        });
        self.first.get_or_insert(problem);
    }

    /// The answer; the first refusal where there is nothing else to say.
    fn done(mut self) -> Result<Accepted, Problem> {
        self.inner.buffer.pushed(self.answer.accepted as usize);
        let (slates, records) = self.inner.buffer.len();
        if slates + records >= self.inner.config.flush_records as usize {
            self.inner.flush_wanted.notify_one();
        }
        match self.first {
            Some(problem) if self.answer.accepted + self.answer.duplicates == 0 => Err(problem),
            _ => {
                self.answer.errors.sort_by_key(|error| error.index);
                Ok(self.answer)
            }
        }
    }
}

/// A log holds a limited number of kinds: one more would make every later flush fail.
fn admit_kind(records: &mut Records, world: &World, kind: &str) -> Result<(), Problem> {
    let known = &world.base.catalogue.kinds;
    if known.iter().chain(&records.kinds_new).any(|known| known == kind) {
        return Ok(());
    }
    if known.len() + records.kinds_new.len() >= KINDS_MAX {
        let message = format!("this would be more than {KINDS_MAX} kinds of events in one log");
        return Err(Problem::value("kind", message));
    }
    records.kinds_new.push(kind.to_owned());
    Ok(())
}

fn too_many_ids() -> Problem {
    Problem::value("id", "too many new ids since the log was read; restart the server")
}
