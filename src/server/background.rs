//! Background pace: while many clients download, the blocks to all of them are spaced, so that the radio channel stays
//! free for what people wait for.
//!
//! ```text
//! request --> due? --now-----> Image Block Response
//!              |------later--> held: poll_transmit sends it at its time
//!              +--much later-> WAIT_FOR_DATA: the client returns in its turn
//!
//! sent:     | block | rest                | block | rest                | ...     due: one spacing after the block before
//! spacing:  SPACING times the delivery time, from a block to the first sign that it arrived; for a page a third of it
//! turns:    the clients that wait return one by one, five seconds apart
//! ```
//!
//! Only a caller that calls [`Server::poll_transmit`] can send a held answer. Until its first call nothing is held.
//!
//! The server does not know the channel. It sees how long a block takes until the delivery report comes or the client
//! asks for the next one. The longer that takes, over more relays or a busier channel, the less often it sends.

use super::image_block::BlockQuery;
use super::response_frame::RequestContext;
use super::session::{Flags, Page};
use super::session_table::Slot;
use super::{Server, Session, SessionSlots};
use crate::time::{Instant, Millis};

/// Time between two blocks as a multiple of the delivery time. In the simulation, a command waits for a block that is on
/// its way; one delivery time in twelve keeps the 95th percentile of its latency within twice that of the idle network.
const SPACING: u32 = 12;

/// How many blocks of a page are sent in the time of one requested block. A block of a page comes without a request and
/// without APS acknowledgements: 6.2 of 17.7 ms on the channel, over one hop.
const PAGE_BLOCKS: u32 = 3;

/// Delivery time before anything was measured: that of a block over three hops.
const FIRST_DELIVERY: Millis = Millis(50);

/// Longest delivery time that counts. Whatever takes longer, such as a sleepy client, says nothing about the channel.
const LONGEST_DELIVERY: Millis = Millis(250);

/// Time until a block is due from which on new clients wait. Most clients have one request in flight, so that a few
/// clients are enough to use the schedule.
const NEWCOMERS_WAIT: Millis = Millis(300);

/// Time until a block is due from which on clients wait that download. It is shorter than the timeouts of clients in the
/// field, which are a second and more.
const CLIENTS_WAIT: Millis = Millis(1500);

/// Time between the returns of two clients that were answered WAIT_FOR_DATA. A request that is answered WAIT_FOR_DATA takes as much
/// of the channel as a block, and several downloads go on meanwhile.
const TURN: Millis = Millis::from_secs(5);

/// Schedule of the blocks to all clients, and of the returns of clients that wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Smoothed delivery time of a block, in sixteenths of a millisecond.
    delivery: u32,
    /// Time at which the next block is due that no request has asked for yet.
    next_block: Instant,
    /// Time at which the last waiting client returns.
    last_return: Instant,
    /// Whether the caller has polled for frames to send, as it must to send held answers.
    is_polled: bool,
}

impl Pace {
    pub(super) const NEW: Self = Self {
        delivery: FIRST_DELIVERY.0.saturating_mul(16),
        next_block: Instant::ZERO,
        last_return: Instant::ZERO,
        is_polled: false,
    };

    /// Records that the caller polls for frames to send.
    pub(super) const fn record_poll(&mut self) {
        self.is_polled = true;
    }

    const fn spacing(&self) -> Millis {
        Millis(self.delivery.saturating_mul(SPACING) / 16)
    }

    /// Records a delivery time. The smoothed time follows a shorter one by an eighth of the difference, and a longer one
    /// by a sixteenth of itself at most, so that single long times count for little.
    fn record_delivery(&mut self, Millis(took): Millis) {
        let took = took.clamp(1, LONGEST_DELIVERY.0).saturating_mul(16);
        let shorter = self.delivery.saturating_sub(took) / 8;
        let longer = (took.saturating_sub(self.delivery) / 8).min(self.delivery / 16);
        self.delivery = self.delivery.saturating_sub(shorter).saturating_add(longer);
    }

    /// Returns the time at which a block is due that may be sent from `earliest` on, and takes this place in the schedule.
    /// The block after it is due `spacing` later.
    fn take_place(&mut self, earliest: Instant, spacing: Millis) -> Instant {
        let due = self.next_block.max(earliest);
        self.next_block = due.plus(spacing);
        due
    }

    /// Returns the seconds until the turn of a client that has to wait for at least `least` seconds.
    pub(super) fn next_turn(&mut self, now: Instant, least: u32) -> u32 {
        self.last_return = self.last_return.plus(TURN).max(now.plus(Millis::from_secs(least)));
        self.last_return.since(now).0.div_ceil(1000)
    }

    /// Returns about how many clients wait for their turn, where each waits for `least` seconds or longer.
    fn waiting(&self, now: Instant, least: u32) -> u32 {
        let until = self.last_return.since(now).0;
        if until == 0 {
            0
        } else {
            (until.saturating_sub(least.saturating_mul(1000)) / TURN.0).saturating_add(1)
        }
    }
}

impl<S: SessionSlots> Server<S> {
    /// Returns whether enough clients download or wait to make their blocks background traffic, and the caller can send
    /// them later.
    pub(super) fn is_background(&self, now: Instant) -> bool {
        self.config.background_from.filter(|_| self.pace.is_polled).is_some_and(|from| {
            let waiting = self.pace.waiting(now, self.config.wait_seconds);
            u32::from(self.table.downloads()).saturating_add(waiting) >= from.get().into()
        })
    }

    /// Returns the seconds that a client must wait because too many blocks are due before its own; `None` if the client
    /// may have a block.
    pub(super) fn background_wait(&mut self, now: Instant, context: RequestContext) -> Option<u32> {
        let queue = self.pace.next_block.since(now);
        if queue < NEWCOMERS_WAIT || !self.is_background(now) {
            return None;
        }
        if queue < CLIENTS_WAIT && self.table.has_download(context.client) {
            return None;
        }
        Some(self.pace.next_turn(now, self.config.wait_seconds))
    }

    /// Holds the answer to a request for `len` bytes until it is due, and returns whether it is held. An answer that is
    /// not held goes out at once, and takes its place in the schedule nevertheless: the first block of a download, of a
    /// page, or of a client without a session.
    ///
    /// A session holds the answers to requests that follow each other, as a client sends them that has several in
    /// flight. Any other request of the client is not answered while answers are held, and the client repeats it.
    pub(super) fn hold_back(
        &mut self,
        now: Instant,
        query: BlockQuery<'_>,
        slot: Option<Slot>,
        len: u8,
    ) -> bool {
        if !self.is_background(now) {
            return false;
        }
        let session = slot.and_then(|slot| self.table.session_at_mut(slot));
        let is_held = session.as_ref().is_some_and(|session| session.flags.contains(Flags::HELD));
        let (request, sequence) = (query.request, query.context.sequence);
        let page = session.filter(|session| session.id() == request.id).and_then(Session::page_mut);
        let Some((slot, page)) = slot.zip(page).filter(|_| query.page.is_none()) else {
            self.pace.take_place(now, self.pace.spacing());
            return false;
        };
        if is_held && !page.continues_with(request.offset, sequence, len) {
            return true;
        }
        let due = self.pace.take_place(now, self.pace.spacing());
        if is_held {
            page.left = page.left.saturating_add(len.into());
            return true;
        }
        if due <= now {
            return false;
        }
        *page = Page { next: request.offset.into(), left: len.into(), spacing: 0, max_data: len, sequence };
        if let Some(session) = self.table.session_at_mut(slot) {
            session.flags.set(Flags::SECURED, query.context.secured);
        }
        self.table.set_flag(slot, Flags::HELD, true);
        self.table.set_timer(slot, due);
        true
    }

    /// Returns the time of the next block of a page or of held answers, which is due `spacing` after the last one by
    /// itself. A page asks for its blocks only here.
    pub(super) fn next_due(&mut self, now: Instant, spacing: Millis, is_held: bool) -> Instant {
        let due = now.plus(spacing);
        match (self.is_background(now), is_held) {
            (false, _) => due,
            (true, true) => now.plus(self.pace.spacing()),
            (true, false) => self.pace.take_place(due, Millis(self.pace.spacing().0 / PAGE_BLOCKS)),
        }
    }

    /// Records the first sign that the last block to a client arrived or was lost: a delivery report or the next request.
    pub(super) fn record_sign(&mut self, now: Instant, slot: Slot, arrived: bool) {
        let Some(session) = self.table.session_at_mut(slot) else { return };
        if !session.flags.contains(Flags::UNCONFIRMED) {
            return;
        }
        session.flags.remove(Flags::UNCONFIRMED);
        let took = session.last_served(now).map(|served| now.since(served));
        if self.is_background(now)
            && let Some(took) = took
        {
            self.pace.record_delivery(if arrived { took } else { LONGEST_DELIVERY });
        }
    }

    /// Ends a page or the held answers of a session.
    pub(super) fn end_sending(&mut self, slot: Slot) {
        self.table.set_flag(slot, Flags::PAGE, false);
        self.table.set_flag(slot, Flags::HELD, false);
    }
}

impl Page {
    /// Returns whether a request for `len` bytes continues at the end of the held answers, with the next sequence number.
    fn continues_with(&self, offset: u32, sequence: u8, len: u8) -> bool {
        let blocks = self.left.checked_div(self.max_data.into()).unwrap_or(0);
        let [blocks, _] = blocks.to_le_bytes();
        len == self.max_data
            && offset == self.next.get().saturating_add(self.left.into())
            && sequence == self.sequence.wrapping_add(blocks)
    }
}
