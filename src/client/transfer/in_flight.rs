//! Slots for blocks in flight. Each slot in use holds a block request that waits for a response, or a block that the
//! application is storing.
//!
//! A client with `RANGES` out-of-order ranges has `RANGES + 1` slots. Each slot in use counts towards the window, which
//! limits the number of block requests in flight.
//!
//! ```text
//!   Free ----- request sent ----> Requested, waiting <--- retry ---+
//!    ^ ^ |                          |     |                        |
//!    | | |                          |     +-- timeout, delivery -> Requested, to be resent --- no attempts left:
//!    | | |                          |         failed, WAIT,        |                           the download pauses
//!    | | |                          |         error, server lost   |
//!    | | +--- data of a page ---+   | data                         | data (late)
//!    | |                        v   v                              |
//!    | +--- stored, or busy -- Storing <---------------------------+
//!    |
//!    +--- from Requested, both kinds: the data arrived as part of another block
//! ```

use crate::client::actions_and_needs::Ticket;
use crate::client::clock_ticks::Ticks;
use crate::ranges::Range;
use crate::time::Millis;

/// Limit of the distance between the sequence number of a response and the sequence number of the latest attempt of a
/// request. If the distance between the two sequence numbers is less than 64, the response counts as the answer to an
/// earlier attempt of the request.
///
/// The limit of the distance between two sequence numbers, 64, is a quarter of the 256 sequence numbers, and was chosen
/// without a measurement. Requests for other blocks use the sequence numbers between two attempts of a request. A
/// response whose sequence number is 64 or more below the latest attempt may already answer a newer request.
const ATTEMPT_SEQUENCE_RANGE: u8 = 64;

/// All slots of one download.
///
/// Invariant: the slots in use precede the free slots, so that every search ends at the first free slot. A download
/// usually uses only one or two of its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InFlight<const RANGES: usize> {
    first: Slot,
    more: [Slot; RANGES],
}

/// State of one slot for a block in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// Slot without a block.
    Free,
    /// Slot with a block that was requested and has not arrived.
    Requested(BlockRequest),
    /// Slot with a block that has arrived and that the application is storing.
    Storing(StoringBlock),
}

/// Description of the slots that a call of [`InFlight::remove`] frees.
#[derive(Clone, Copy)]
enum Removed {
    /// Slot of the block with the given ticket, which the application was storing.
    Block(Ticket),
    /// Slots of the requests for blocks whose first byte lies in the given range of the file.
    RequestsIn(Range),
}

impl Removed {
    fn is(self, slot: &Slot) -> bool {
        match (self, slot) {
            (Self::Block(ticket), Slot::Storing(block)) => block.ticket == ticket,
            (Self::RequestsIn(range), Slot::Requested(request)) => {
                range.start <= request.offset && request.offset < range.end
            }
            _ => false,
        }
    }
}

/// Image Block Request for one block, with the record of all attempts of this request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockRequest {
    /// File offset of the block.
    pub(super) offset: u32,
    /// Time at which the first attempt of the request was sent.
    pub(super) first_sent: Ticks,
    /// Time at which the latest attempt of the request was sent.
    pub(super) last_sent: Ticks,
    /// Sequence number of the latest attempt of the request.
    pub(super) sequence: u8,
    /// Number of attempts of the request that the client has sent. After WAIT_FOR_DATA or an error, the client sets the
    /// number of attempts to 0.
    pub(super) attempts: u8,
    /// Requested size of the block in bytes.
    pub(super) size: u8,
    /// `true` while a response to the latest attempt may arrive; `false` if the client has to resend the request.
    pub(super) is_waiting: bool,
}

/// Block that the application is storing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoringBlock {
    /// File offset of the block.
    pub(super) offset: u32,
    /// Ticket that the application returns when the block is stored.
    pub(super) ticket: Ticket,
    /// Checksum of the bytes of the block, see `RangeSum`.
    pub(super) sum: u32,
    /// Size of the block in bytes.
    pub(super) size: u8,
}

impl BlockRequest {
    /// Returns the range of file bytes that the request asks for.
    pub(super) fn range(&self) -> Range {
        block_range(self.offset, self.size)
    }

    /// Returns `true` if an attempt of this request has, or may have, the sequence number `sequence`. For attempts
    /// before the latest one, the result is an estimate, because a slot holds only the sequence number of the latest
    /// attempt.
    pub(super) const fn has_sequence(&self, sequence: u8) -> bool {
        self.sequence == sequence
            || (self.attempts > 1 && self.sequence.wrapping_sub(sequence) < ATTEMPT_SEQUENCE_RANGE)
    }

    /// Returns whether a response with the sequence number `sequence` repeats the sequence number of its request; `None`
    /// if this is unknown, because the request was sent several times and the response may answer an earlier attempt.
    pub(super) fn is_echoed_by(&self, sequence: u8) -> Option<bool> {
        let is_latest = self.sequence == sequence;
        (is_latest || self.attempts <= 1).then_some(is_latest)
    }

    /// Returns the round trip that ends at `now` with the response that has the sequence number `sequence`; `None` if
    /// it is unknown which attempt the response answers. `is_own` is `true` if the server numbers its answers by a
    /// counter of its own. A response of such a server that arrives earlier than `plausible` after the latest attempt
    /// answers an earlier attempt.
    ///
    /// The round trip of a request that was sent once is measured regardless of the sequence number of the response.
    /// The round trip of a repeated request is measured only if the answered attempt is known (Karn's algorithm). The
    /// sequence number of the response identifies the answered attempt, unless the server numbers its answers by a
    /// counter of its own. If the response answers an attempt before the latest attempt, the round trip is measured from
    /// the first attempt. A measurement above the real round trip is harmless; a measurement below the real round trip
    /// causes retries of requests whose responses are still on their way.
    // Not inlined on a small processor, to save flash.
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub(super) fn round_trip(
        &self,
        now: Ticks,
        sequence: u8,
        is_own: bool,
        plausible: Millis,
    ) -> Option<Millis> {
        let sent = match self.attempts {
            0 => None,
            1 => Some(self.last_sent),
            _ if is_own => Some(self.first_sent).filter(|_| now.since(self.last_sent) < plausible),
            _ if self.sequence == sequence => Some(self.last_sent),
            _ => Some(self.first_sent).filter(|_| self.has_sequence(sequence)),
        };
        sent.map(|sent| now.since(sent))
    }
}

impl StoringBlock {
    /// Returns the range of the file bytes in the block that the application is storing.
    pub(super) fn range(&self) -> Range {
        block_range(self.offset, self.size)
    }
}

/// Returns the range of `size` file bytes that begins at the offset `start`.
pub(super) fn block_range(start: u32, size: u8) -> Range {
    Range { start, end: start.saturating_add(u32::from(size)) }
}

impl Slot {
    /// Returns the block request in the slot; `None` if the slot holds no request.
    pub(super) const fn request(&self) -> Option<&BlockRequest> {
        match self {
            Self::Requested(request) => Some(request),
            _ => None,
        }
    }

    /// Returns the block in the slot that the application is storing; `None` if the slot holds no such block.
    pub(super) const fn storing(&self) -> Option<&StoringBlock> {
        match self {
            Self::Storing(block) => Some(block),
            _ => None,
        }
    }

    /// Returns the file range of the request or block in the slot; `None` if the slot is free.
    pub(super) fn range(&self) -> Option<Range> {
        match self {
            Self::Free => None,
            Self::Requested(request) => Some(request.range()),
            Self::Storing(block) => Some(block.range()),
        }
    }
}

impl<const RANGES: usize> InFlight<RANGES> {
    /// Slots of a download without a block in flight: all slots are free.
    pub(super) const EMPTY: Self = Self { first: Slot::Free, more: [Slot::Free; RANGES] };

    /// Returns the first slot, which is the only slot of a client without out-of-order ranges.
    pub(super) const fn first(&self) -> &Slot {
        &self.first
    }

    /// Iterates over the slots in use, and over the first slot even if the first slot is free.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot> {
        let (mut first, mut more) = (Some(&self.first), self.more.iter());
        core::iter::from_fn(move || match first.take() {
            None if RANGES > 0 => next_in_use(&mut more),
            first => first,
        })
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        let (mut first, mut more) = (Some(&mut self.first), self.more.iter_mut());
        core::iter::from_fn(move || match first.take() {
            None if RANGES > 0 => next_in_use_mut(&mut more),
            first => first,
        })
    }

    /// Returns the number of slots, including free slots.
    pub(super) const fn capacity(&self) -> usize {
        RANGES.saturating_add(1)
    }

    /// Iterates over all block requests in the slots: requests that wait for a response, and requests to resend.
    pub(super) fn requests(&self) -> impl Iterator<Item = &BlockRequest> {
        self.iter().filter_map(Slot::request)
    }

    /// Iterates mutably over all block requests in the slots: requests that wait for a response, and requests to
    /// resend.
    pub(super) fn requests_mut(&mut self) -> impl Iterator<Item = &mut BlockRequest> {
        self.iter_mut().filter_map(|slot| match slot {
            Slot::Requested(request) => Some(request),
            _ => None,
        })
    }

    /// Iterates over the blocks that the application is storing.
    pub(super) fn storing(&self) -> impl Iterator<Item = &StoringBlock> {
        self.iter().filter_map(Slot::storing)
    }

    /// Returns the number of block requests that wait for a response and of blocks that the application is storing.
    pub(super) fn open_count(&self) -> usize {
        let is_open = |slot: &&Slot| match slot {
            Slot::Free => false,
            Slot::Requested(request) => request.is_waiting,
            Slot::Storing(_) => true,
        };
        self.iter().filter(is_open).count()
    }

    /// Returns the number of free slots.
    pub(super) fn free_count(&self) -> usize {
        let used = self.iter().filter(|slot| !matches!(slot, Slot::Free)).count();
        self.capacity().saturating_sub(used)
    }

    /// Returns the number of block requests that wait for a response.
    pub(super) fn waiting_count(&self) -> usize {
        self.requests().filter(|request| request.is_waiting).count()
    }

    /// Returns the request for the block at the file offset `offset`; `None` if there is no such request.
    pub(super) fn request_at(&self, offset: u32) -> Option<&BlockRequest> {
        self.requests().find(|request| request.offset == offset)
    }

    /// Puts `request` into the slot of a request for the same offset or, without a request for this offset, into a free
    /// slot. Returns `false` if the slots hold no request for the same offset and no slot is free.
    pub(super) fn insert_request(&mut self, request: BlockRequest) -> bool {
        self.place(request.offset, Slot::Requested(request))
    }

    /// Puts `block`, which has just arrived, into the slot of the request for `block` or, without a request for
    /// `block`, into a free slot. The method drops all other requests for bytes of `block`. Returns `false` if the
    /// slots hold no request for `block` and no slot is free.
    pub(super) fn start_storing(&mut self, block: StoringBlock) -> bool {
        let range = block.range();
        let is_placed = self.place(block.offset, Slot::Storing(block));
        // A single slot cannot hold another request.
        if is_placed && RANGES > 0 {
            while self.remove(Removed::RequestsIn(range)).is_some() {}
        }
        is_placed
    }

    /// Puts `slot` in the place of the request for the block at `offset` or, without a request for this block, into the
    /// first free slot. Returns `false` if the slots hold no request for the block and no slot is free.
    fn place(&mut self, offset: u32, slot: Slot) -> bool {
        let mut all = core::iter::once(&mut self.first).chain(&mut self.more);
        let place = all.find(|slot| match slot {
            Slot::Free => true,
            Slot::Requested(request) => request.offset == offset,
            Slot::Storing(_) => false,
        });
        place.map(|place| *place = slot).is_some()
    }

    /// Frees one slot that `removed` describes, and returns the former content of the slot; returns `None` if `removed`
    /// describes no slot in use. The content of the last slot in use moves to the freed slot.
    fn remove(&mut self, removed: Removed) -> Option<Slot> {
        let place = self.iter_mut().find(|slot| removed.is(slot))?;
        let content = core::mem::replace(place, Slot::Free);
        if RANGES > 0 {
            self.close_gap();
        }
        Some(content)
    }

    /// Moves the content of the last slot in use to a slot that was just freed, so that the slots in use again precede
    /// the free slots.
    #[inline(never)]
    fn close_gap(&mut self) {
        let mut slots = core::iter::once(&mut self.first).chain(&mut self.more);
        let Some(gap) = slots.find(|slot| matches!(slot, Slot::Free)) else { return };
        if let Some(last) = slots.take_while(|slot| !matches!(slot, Slot::Free)).last() {
            *gap = core::mem::replace(last, Slot::Free);
        }
    }

    /// Frees the slot of the block with `ticket`, and returns this block; returns `None` if no block has this ticket.
    pub(super) fn finish_storing(&mut self, ticket: Ticket) -> Option<StoringBlock> {
        self.remove(Removed::Block(ticket))?.storing().copied()
    }

    /// Frees the slots of all block requests.
    pub(super) fn drop_requests(&mut self) {
        while self.remove(Removed::RequestsIn(Range { start: 0, end: u32::MAX })).is_some() {}
    }

    /// Marks all block requests as requests to resend, and sets the number of attempts of each request to 0.
    pub(super) fn reset_requests(&mut self) {
        for request in self.requests_mut() {
            (request.is_waiting, request.attempts) = (false, 0);
        }
    }
}

// The two functions are not inlined on a small processor, to save flash: a client iterates over its slots at some twenty
// places.
#[cfg_attr(target_pointer_width = "32", inline(never))]
fn next_in_use<'s>(slots: &mut core::slice::Iter<'s, Slot>) -> Option<&'s Slot> {
    slots.next().filter(|slot| !matches!(slot, Slot::Free))
}

#[cfg_attr(target_pointer_width = "32", inline(never))]
fn next_in_use_mut<'s>(slots: &mut core::slice::IterMut<'s, Slot>) -> Option<&'s mut Slot> {
    slots.next().filter(|slot| !matches!(slot, Slot::Free))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arriving_block_takes_the_slot_of_its_request() {
        let sent = Ticks::LONG_AGO;
        let request = |offset, size| {
            let (first_sent, last_sent, sequence, attempts) = (sent, sent, 1, 1);
            BlockRequest { offset, first_sent, last_sent, sequence, attempts, size, is_waiting: true }
        };
        let mut in_flight = InFlight::<2>::EMPTY;
        assert!([0, 64, 128].into_iter().all(|offset| in_flight.insert_request(request(offset, 64))));
        assert!(!in_flight.insert_request(request(192, 64)), "there are three slots");
        assert!(in_flight.insert_request(request(64, 32)), "a retry takes the slot of its request");
        let block = StoringBlock { offset: 0, ticket: Ticket(1), sum: 0, size: 100 };
        assert!(in_flight.start_storing(block));
        assert_eq!(
            (in_flight.free_count(), in_flight.waiting_count()),
            (1, 1),
            "the request for offset 64 is answered as well"
        );
        assert_eq!(in_flight.finish_storing(Ticket(2)), None);
        assert_eq!(in_flight.finish_storing(Ticket(1)), Some(block));
        assert_eq!(in_flight.finish_storing(Ticket(1)), None);
        assert!(
            [500, 600].into_iter().all(|offset| in_flight.start_storing(StoringBlock { offset, ..block }))
        );
        assert!(!in_flight.start_storing(StoringBlock { offset: 700, ..block }), "no slot is free");
    }

    #[test]
    fn a_freed_slot_hides_no_other_slot() {
        let at = Ticks::LONG_AGO;
        let request = |offset| BlockRequest {
            offset,
            first_sent: at,
            last_sent: at,
            sequence: 1,
            attempts: 1,
            size: 64,
            is_waiting: true,
        };
        let all = [0, 64, 128];
        for freed in all {
            let mut in_flight = InFlight::<2>::EMPTY;
            assert!(all.into_iter().all(|offset| in_flight.insert_request(request(offset))));
            let block = StoringBlock { offset: freed, ticket: Ticket(1), sum: 0, size: 64 };
            assert!(in_flight.start_storing(block));
            assert_eq!(in_flight.finish_storing(Ticket(1)), Some(block));
            let found = all.map(|offset| in_flight.request_at(offset).is_some());
            assert_eq!(found, all.map(|offset| offset != freed), "the slot of {freed} is free");
            assert_eq!(in_flight.free_count(), 1);
            in_flight.drop_requests();
            assert_eq!((in_flight.free_count(), in_flight.waiting_count()), (3, 0));
        }
    }

    /// Shows: FLD-015
    #[test]
    fn a_response_is_matched_by_the_sequence_number_of_any_attempt() {
        let [first_sent, last_sent] = [1000, 4000].map(Ticks::from_millis);
        let twice = BlockRequest {
            offset: 0,
            first_sent,
            last_sent,
            sequence: 10,
            attempts: 2,
            size: 64,
            is_waiting: true,
        };
        let once = BlockRequest { first_sent: last_sent, attempts: 1, ..twice };
        let reset = BlockRequest { attempts: 0, ..twice };
        let now = Ticks::from_millis(4100);
        let [from_first, from_last] = [Some(Millis(3100)), Some(Millis(100))];
        for (request, sequence, is_own, time) in [
            (twice, 10, false, from_last),
            (twice, 9, false, from_first),
            (twice, 10_u8.wrapping_sub(63), false, from_first),
            (twice, 10_u8.wrapping_sub(64), false, None),
            (twice, 11, false, None),
            (twice, 10, true, None),
            (once, 10, false, from_last),
            (once, 9, false, from_last),
            (once, 9, true, from_last),
            (reset, 10, false, None),
        ] {
            assert_eq!(
                request.round_trip(now, sequence, is_own, Millis(100)),
                time,
                "sequence number {sequence} after {} attempts",
                request.attempts
            );
        }
        for (request, is_own, time) in [
            (twice, true, from_first),
            (twice, false, from_last),
            (once, true, from_last),
            (reset, true, None),
        ] {
            assert_eq!(request.round_trip(now, 10, is_own, Millis(101)), time, "early: {request:?}");
        }
        for (request, sequence, echoed) in [
            (once, 10, Some(true)),
            (once, 9, Some(false)),
            (twice, 10, Some(true)),
            (twice, 9, None),
            (twice, 200, None),
            (reset, 9, Some(false)),
        ] {
            assert_eq!(request.is_echoed_by(sequence), echoed, "{sequence} of {request:?}");
        }
    }
}
