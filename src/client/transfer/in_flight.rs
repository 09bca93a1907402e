//! What is under way: requests that are out, and blocks that are with the application. There is a place for each,
//! one more than the client has islands; the open places are the window.
//!
//! ```text
//!   Free ------ request sent ------> Asked, waiting <--- sent again ---+
//!    ^ ^ |                             |     |                         |
//!    | | |                             |     +-- overdue, not ---> Asked, to be sent again --- tried too often: the download
//!    | | |                             |         delivered, WAIT,      |                        is over
//!    | | |                             |         error, server sought  |
//!    | | +-- data of a page ---+       | data                          | data (late)
//!    | |                       v       v                               |
//!    | +-- stored, or busy -- Storing <---+-------------------------------+
//!    |
//!    +-- from Asked, either: the data came as part of another block
//! ```

use crate::client::output::Ticket;
use crate::client::ranges::Range;
use crate::time::{Instant, Millis};

/// How far back a sequence number may lie to be that of an earlier try.
const REMEMBERED: u8 = 64;

/// The places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InFlight<const RANGES: usize> {
    first: Slot,
    more: [Slot; RANGES],
}

/// One place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Free,
    Requested(Request),
    Storing(Storing),
}

/// A request for one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// Where the block starts in the file.
    pub(super) offset: u32,
    /// When the first and the last try went out.
    pub(super) first: Millis32,
    pub(super) last: Millis32,
    /// Sequence number of the last try.
    pub(super) sequence: u8,
    /// Tries without an answer.
    pub(super) tries: u8,
    /// Bytes asked for.
    pub(super) size: u8,
    /// The last try is out; else it is to be sent again.
    pub(super) waiting: bool,
}

/// A block that the application stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Storing {
    pub(super) offset: u32,
    pub(super) ticket: Ticket,
    pub(super) size: u8,
}

/// The low half of an [`Instant`]'s milliseconds: enough for what lies less than 49 days back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Millis32(u32);

impl Millis32 {
    pub(super) const fn of(at: Instant) -> Self {
        let [a, b, c, d, ..] = at.as_millis().to_le_bytes();
        Self(u32::from_le_bytes([a, b, c, d]))
    }

    /// Time since `earlier`.
    pub(super) const fn since(self, earlier: Self) -> Millis {
        Millis(self.0.wrapping_sub(earlier.0))
    }

    /// The moment meant, which is not after `latest`.
    pub(super) fn before(self, latest: Instant) -> Instant {
        latest.minus(Self::of(latest).since(self))
    }
}

impl Request {
    pub(super) const fn range(&self) -> Range {
        range(self.offset, self.size)
    }

    /// Whether one of the tries carried `sequence`, as far as can be told: numbers of others lie between them.
    pub(super) const fn carried(&self, sequence: u8) -> bool {
        self.sequence == sequence || (self.tries > 1 && self.sequence.wrapping_sub(sequence) < REMEMBERED)
    }

    /// How long an answer with `sequence` took that comes now; `None` where it cannot be told. Of an earlier try than the
    /// last it is taken to be the first: too long a time passes, too short a one does harm.
    pub(super) fn round_trip(&self, now: Instant, latest: Instant, sequence: u8) -> Option<Millis> {
        let sent = match self.sequence == sequence {
            true => self.last,
            false => self.first,
        };
        (self.tries > 0 && self.carried(sequence)).then(|| now.since(sent.before(latest)))
    }
}

impl Storing {
    pub(super) const fn range(&self) -> Range {
        range(self.offset, self.size)
    }
}

/// `size` bytes from `start` on.
pub(super) const fn range(start: u32, size: u8) -> Range {
    // `From` is not const.
    Range { start, end: start.saturating_add(u32::from_le_bytes([size, 0, 0, 0])) }
}

impl Slot {
    pub(super) const fn asked(&self) -> Option<&Request> {
        match self {
            Self::Requested(request) => Some(request),
            _ => None,
        }
    }

    pub(super) const fn lent(&self) -> Option<&Storing> {
        match self {
            Self::Storing(lent) => Some(lent),
            _ => None,
        }
    }

    /// The bytes it is about.
    pub(super) fn range(&self) -> Option<Range> {
        match self {
            Self::Free => None,
            Self::Requested(request) => Some(request.range()),
            Self::Storing(lent) => Some(lent.range()),
        }
    }
}

impl<const RANGES: usize> InFlight<RANGES> {
    pub(super) const EMPTY: Self = Self { first: Slot::Free, more: [Slot::Free; RANGES] };

    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot> {
        core::iter::once(&self.first).chain(&self.more)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        core::iter::once(&mut self.first).chain(&mut self.more)
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        RANGES.saturating_add(1)
    }

    pub(super) fn requests(&self) -> impl Iterator<Item = &Request> {
        self.iter().filter_map(Slot::asked)
    }

    pub(super) fn requests_mut(&mut self) -> impl Iterator<Item = &mut Request> {
        self.iter_mut().filter_map(|slot| match slot {
            Slot::Requested(request) => Some(request),
            _ => None,
        })
    }

    pub(super) fn lent(&self) -> impl Iterator<Item = &Storing> {
        self.iter().filter_map(Slot::lent)
    }

    pub(super) fn free(&self) -> usize {
        self.iter().filter(|slot| **slot == Slot::Free).count()
    }

    /// Requests that wait for their answer.
    pub(super) fn waiting(&self) -> usize {
        self.requests().filter(|request| request.waiting).count()
    }

    /// The request for the block at `offset`.
    pub(super) fn at(&self, offset: u32) -> Option<&Request> {
        self.requests().find(|request| request.offset == offset)
    }

    /// Puts `request` where one for the same block is, or into a free place; `false` where there is none.
    pub(super) fn ask(&mut self, request: Request) -> bool {
        self.put(request.offset, Slot::Requested(request))
    }

    /// The data of `lent` came: it takes the place of its request or a free one, and what else was asked for of it is not
    /// waited for any more. `false` where there is no place.
    pub(super) fn lend(&mut self, lent: Storing) -> bool {
        let range = lent.range();
        let done = self.put(lent.offset, Slot::Storing(lent));
        if done {
            for slot in self.iter_mut() {
                let within = |request: &Request| range.start <= request.offset && request.offset < range.end;
                if slot.asked().is_some_and(within) {
                    *slot = Slot::Free;
                }
            }
        }
        done
    }

    fn put(&mut self, offset: u32, slot: Slot) -> bool {
        let same = |slot: &Slot| slot.asked().is_some_and(|request| request.offset == offset);
        let has_same = self.iter().any(same);
        let place = match has_same {
            true => self.iter_mut().find(|slot| same(slot)),
            false => self.iter_mut().find(|slot| **slot == Slot::Free),
        };
        match place {
            Some(place) => {
                *place = slot;
                true
            }
            None => false,
        }
    }

    /// Takes back what was lent with `ticket`.
    pub(super) fn take_back(&mut self, ticket: Ticket) -> Option<Storing> {
        let lent = *self.lent().find(|lent| lent.ticket == ticket)?;
        let place = self.iter_mut().find(|slot| **slot == Slot::Storing(lent))?;
        *place = Slot::Free;
        Some(lent)
    }

    /// Nobody is waited for any more: what was asked for is to be asked for again, as if for the first time.
    pub(super) fn renew(&mut self) {
        for request in self.requests_mut() {
            (request.waiting, request.tries) = (false, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_exact_for_49_days() {
        for (at, latest) in [
            (5, 5),
            (0, u64::from(u32::MAX)),
            (u64::from(u32::MAX), u64::from(u32::MAX) + 1),
            (u64::MAX - 9, u64::MAX),
        ] {
            let at = Instant::from_millis(at);
            assert_eq!(Millis32::of(at).before(Instant::from_millis(latest)), at);
        }
    }

    #[test]
    fn data_takes_the_place_of_its_request() {
        let stamp = Millis32::of(Instant::ZERO);
        let request = |offset, size| {
            let (first, last, sequence, tries) = (stamp, stamp, 1, 1);
            Request { offset, first, last, sequence, tries, size, waiting: true }
        };
        let mut slots = InFlight::<2>::EMPTY;
        assert!(slots.ask(request(0, 64)) && slots.ask(request(64, 64)) && slots.ask(request(128, 64)));
        assert!(!slots.ask(request(192, 64)), "three places");
        assert!(slots.ask(request(64, 32)), "the same one again");
        let lent = Storing { offset: 0, ticket: Ticket(1), size: 100 };
        assert!(slots.lend(lent));
        assert_eq!((slots.free(), slots.waiting()), (1, 1), "64 is here, too");
        assert_eq!(slots.take_back(Ticket(2)), None);
        assert_eq!(slots.take_back(Ticket(1)), Some(lent));
        assert_eq!(slots.take_back(Ticket(1)), None);
        assert!(slots.lend(Storing { offset: 500, ..lent }) && slots.lend(Storing { offset: 600, ..lent }));
        assert!(!slots.lend(Storing { offset: 700, ..lent }), "no place");
    }

    #[test]
    fn an_answer_is_told_by_the_number_of_any_try() {
        let [first, last] = [1000, 4000].map(|at| Millis32::of(Instant::from_millis(at)));
        let twice = Request { offset: 0, first, last, sequence: 10, tries: 2, size: 64, waiting: true };
        let once = Request { first: last, tries: 1, ..twice };
        let renewed = Request { tries: 0, ..twice };
        let now = Instant::from_millis(4100);
        let [long, short] = [Some(Millis(3100)), Some(Millis(100))];
        for (request, sequence, time) in [
            (twice, 10, short),
            (twice, 9, long),
            (twice, 10_u8.wrapping_sub(63), long),
            (twice, 10_u8.wrapping_sub(64), None),
            (twice, 11, None),
            (once, 10, short),
            (once, 9, None),
            (renewed, 10, None),
        ] {
            assert_eq!(request.round_trip(now, now, sequence), time, "{sequence}, {} tries", request.tries);
        }
    }
}
