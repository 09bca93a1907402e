//! Pace of background blocks: while many clients download, the server leaves a pause between any two blocks that it
//! sends, so that the radio channel stays free for other frames, such as the commands of switches.
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
//! The server holds an answer that is not due yet, and [`Server::poll_transmit`] returns the held answer when the
//! answer is due. Until the caller calls `poll_transmit` for the first time, the server holds back no answer.
//!
//! The server does not know the load of the radio channel. As a measure of the load, the server takes the delivery time
//! of a block: the time from the transmission of the block until its delivery report, or until the next request of the
//! client. More relays on the route, and a busier radio channel, make the delivery time of a block longer. The longer
//! the delivery time of a block, the longer the pause that the server leaves between two blocks.

use super::response_frame::RequestContext;
use super::session::{Flags, Page};
use super::session_table::Slot;
use super::{Server, Session, SessionSlots};
use crate::time::{Instant, Millis};
use crate::types::ImageId;

/// Time between two background blocks, as a multiple of the delivery time of a block. In a simulation of lamps and
/// switches, the command of a switch waits while a block is on its way to a client. If the time between two blocks is
/// 12 times the delivery time, a block is on its way for a twelfth of the time, and the 95th percentile of the latency
/// of commands is at most twice as long as in an idle network.
const SPACING: u32 = 12;

/// Number of blocks of a page that the server sends in the time between two blocks that are requested singly. Over one
/// hop, a singly requested block takes 17.7 ms of channel time, together with its request and the APS acknowledgements.
/// Over one hop, a block of a page takes only 6.2 ms of channel time, because the block comes without a request of its
/// own and without APS acknowledgements.
const PAGE_BLOCKS: u32 = 3;

/// Delivery time that the server assumes before it has measured one: the delivery time of a block over three hops.
const FIRST_DELIVERY: Millis = Millis(50);

/// Maximum delivery time of a block that the server records; a longer measured time counts as the maximum. A delivery
/// time above the maximum, for instance of a block to a sleepy client, is no evidence of a busy channel.
const LONGEST_DELIVERY: Millis = Millis(250);

/// Time limit for clients without a download in progress: the server answers WAIT_FOR_DATA if the wait until the first
/// free place in the schedule of blocks is at least as long as the limit. Most clients have only one request in flight,
/// and thus only one block in the schedule, so the blocks of a few clients already fill enough of the schedule to make
/// new clients wait.
const NEWCOMERS_WAIT: Millis = Millis(300);

/// Time limit for clients with a download in progress: the server answers WAIT_FOR_DATA if the wait until the first
/// free place in the schedule of blocks is at least as long as the limit. The time limit for clients with a download in
/// progress is below the time after which a client repeats an unanswered request, which is about 3 s for the devices of
/// IKEA.
const CLIENTS_WAIT: Millis = Millis(1500);

/// Minimum time between the repeated requests of two clients whose requests the server answered by WAIT_FOR_DATA. A
/// request and its answer WAIT_FOR_DATA take as much channel time as a block, and the channel also carries the blocks
/// of several downloads.
const TURN: Millis = Millis::from_secs(5);

/// Schedule of the blocks to all clients, and of the repeated requests of the clients that were answered WAIT_FOR_DATA.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Smoothed delivery time of a block, in sixteenths of a millisecond.
    delivery: u32,
    /// Time of the first free place in the schedule of blocks.
    next_block: Instant,
    /// Time at which the last of the clients that were answered WAIT_FOR_DATA repeats its request.
    last_return: Instant,
    /// Whether the caller has called `poll_transmit`, the method that returns held answers.
    is_polled: bool,
}

impl Pace {
    pub(super) const NEW: Self = Self {
        delivery: FIRST_DELIVERY.0.saturating_mul(16),
        next_block: Instant::ZERO,
        last_return: Instant::ZERO,
        is_polled: false,
    };

    /// Records that the caller calls `poll_transmit`.
    pub(super) const fn record_poll(&mut self) {
        self.is_polled = true;
    }

    const fn spacing(&self) -> Millis {
        Millis(self.delivery.saturating_mul(SPACING) / 16)
    }

    /// Records the measured delivery time of a block. The smoothed delivery time moves towards the measured delivery
    /// time by an eighth of the difference between the two times. One long delivery time has little effect, because it
    /// increases the smoothed delivery time by at most a sixteenth.
    fn record_delivery(&mut self, Millis(took): Millis) {
        let took = took.clamp(1, LONGEST_DELIVERY.0).saturating_mul(16);
        let shorter = self.delivery.saturating_sub(took) / 8;
        let longer = (took.saturating_sub(self.delivery) / 8).min(self.delivery / 16);
        self.delivery = self.delivery.saturating_sub(shorter).saturating_add(longer);
    }

    /// Records the first sign that the last block to the client of `session` arrived or was lost: a delivery report, or
    /// the next request of the client.
    #[inline(always)]
    pub(super) fn record_sign(
        &mut self,
        now: Instant,
        session: &mut Session,
        arrived: bool,
        is_background: bool,
    ) {
        if !session.flags.contains(Flags::UNCONFIRMED) {
            return;
        }
        session.flags.remove(Flags::UNCONFIRMED);
        if is_background && let Some(served) = session.last_served(now) {
            self.record_delivery(if arrived { now.since(served) } else { LONGEST_DELIVERY });
        }
    }

    /// Takes the first free place in the schedule at or after `earliest` for a block, and returns the time of the
    /// place. The next free place in the schedule is `spacing` after the returned time.
    fn take_place(&mut self, earliest: Instant, spacing: Millis) -> Instant {
        let due = self.next_block.max(earliest);
        self.next_block = due.plus(spacing);
        due
    }

    /// Returns the waiting time in seconds, at least `least`, for one more client that must wait. After the waiting
    /// time, the client repeats its request, at least [`TURN`] after the repeated requests of all clients that already
    /// wait.
    pub(super) fn next_turn(&mut self, now: Instant, least: u32) -> u32 {
        self.last_return = self.last_return.plus(TURN).max(now.plus(Millis::from_secs(least)));
        self.last_return.since(now).0.div_ceil(1000)
    }

    /// Returns the approximate number of clients that were answered WAIT_FOR_DATA and have not repeated their requests
    /// yet. `least` is the minimum waiting time of a client, in seconds.
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
    /// Returns whether blocks are background traffic: at least `background_from` clients download or wait for data, and
    /// the caller has called `poll_transmit`.
    pub(super) fn is_background(&self, now: Instant) -> bool {
        let Some(from) = self.config.background_from.filter(|_| self.pace.is_polled) else { return false };
        let waiting = self.pace.waiting(now, self.config.wait_seconds);
        u32::from(self.table.downloads()).saturating_add(waiting) >= from.get().into()
    }

    /// Returns the seconds that a client must wait because too many blocks to other clients are scheduled before its
    /// block; `None` if the client may have a block. The caller of `background_wait` has checked that blocks are
    /// background traffic.
    #[inline(never)]
    pub(super) fn background_wait(&mut self, now: Instant, context: RequestContext) -> Option<u32> {
        let queue = self.pace.next_block.since(now);
        if queue < NEWCOMERS_WAIT {
            return None;
        }
        if queue < CLIENTS_WAIT && self.table.has_download(context.client) {
            return None;
        }
        Some(self.pace.next_turn(now, self.config.wait_seconds))
    }

    /// Holds the answer to a request for `len` bytes at `offset` of the image `id` until the answer is due. Returns
    /// `true` if the server sends nothing now, because it holds the answer or drops the request. The caller of
    /// `hold_back` has checked that the answer is background traffic; `is_page` tells whether the request is an Image
    /// Page Request. The server sends some answers at once, although they also take a place in the schedule: the first
    /// block of a download, the first block of a page, and a block to a client without a session.
    ///
    /// A session holds the answers to consecutive requests of a client that has several requests in flight. While the
    /// session holds answers, the server drops every Image Block Request of the download that does not ask for the next
    /// block after the held answers, and the client repeats the dropped request.
    #[inline(never)]
    pub(super) fn hold_back(
        &mut self,
        now: Instant,
        context: RequestContext,
        (id, offset, len): (ImageId, u32, u8),
        slot: Option<Slot>,
        is_page: bool,
    ) -> bool {
        let session = slot.and_then(|slot| self.table.session_at_mut(slot));
        let is_held = session.as_ref().is_some_and(|session| session.flags.contains(Flags::HELD));
        let sequence = context.sequence;
        let page = session.filter(|session| session.id() == id).and_then(Session::page_mut);
        let Some((slot, page)) = slot.zip(page).filter(|_| !is_page) else {
            self.pace.take_place(now, self.pace.spacing());
            return false;
        };
        if is_held && !page.continues_with(offset, sequence, len) {
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
        *page = Page { next: offset.into(), left: len.into(), spacing: 0, max_data: len, sequence };
        if let Some(session) = self.table.session_at_mut(slot) {
            session.flags.set(Flags::SECURED, context.secured);
        }
        self.table.set_flag(slot, Flags::HELD, true);
        self.table.set_timer(slot, due);
        true
    }

    /// Returns the time of the next block of a page, or of the next held answer. The next block of a page is due
    /// `spacing` after the previous block of the page. If blocks are background traffic, `next_due` moves the next
    /// block of the page to the next free place in the schedule of the blocks to all clients. A held answer already has
    /// a place in the schedule of the blocks to all clients.
    pub(super) fn next_due(&mut self, now: Instant, spacing: Millis, is_held: bool) -> Instant {
        let due = now.plus(spacing);
        match (self.is_background(now), is_held) {
            (false, _) => due,
            (true, true) => now.plus(self.pace.spacing()),
            (true, false) => self.pace.take_place(due, Millis(self.pace.spacing().0 / PAGE_BLOCKS)),
        }
    }

    /// Records that the session of a slot has no page and no held answers any more.
    pub(super) fn end_sending(&mut self, slot: Slot) {
        self.table.set_flag(slot, Flags::PAGE, false);
        self.table.set_flag(slot, Flags::HELD, false);
    }
}

impl Page {
    /// Returns whether a request asks for the `len` bytes after the held answers, and has the sequence number after
    /// that of the last held answer.
    fn continues_with(&self, offset: u32, sequence: u8, len: u8) -> bool {
        let blocks = self.left.checked_div(self.max_data.into()).unwrap_or(0);
        let [blocks, _] = blocks.to_le_bytes();
        len == self.max_data
            && offset == self.next.get().saturating_add(self.left.into())
            && sequence == self.sequence.wrapping_add(blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clients that wait count towards the number of clients from which blocks are background traffic.
    #[test]
    fn the_clients_that_wait_are_counted() {
        let (mut pace, at) = (Pace::NEW, Instant::from_millis);
        assert_eq!(pace.waiting(at(1_000), 10), 0);
        for count in 1..=5 {
            pace.next_turn(at(1_000), 10);
            assert_eq!(pace.waiting(at(1_000), 10), count);
        }
        // The first clients have returned.
        assert_eq!(pace.waiting(at(11_000), 10), 3);
    }
}
