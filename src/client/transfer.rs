//! The download: one block asked for, received, stored, then the next (sections 6.10.6 and 6.10.8).
//!
//! The client reads the header itself while its bytes pass through, and stops there if the file is not the one that was
//! offered.

use crate::file::Header;
use crate::time::{Delay, Instant, Purpose};
use crate::zcl::{BlockData, ImageBlockResponse, ImageOffer, Status, WaitForData};

use super::config::Identity;
use super::output::{Event, Ignored, Outcome};
use super::retransmit::Exchange;
use super::state::{Download, Fetch, HeaderStart, State};
use super::{Client, Step, reporting};

/// Requests with NO_IMAGE_AVAILABLE for an answer, in a row, after which the image is gone (section 6.10.6.5.2).
const MISSING_LIMIT: u8 = 3;

impl Client {
    pub(super) fn on_block_response<'f>(
        &mut self,
        now: Instant,
        sequence: u8,
        response: ImageBlockResponse<'f>,
    ) -> Step<'f> {
        let State::Downloading(download) = self.state else {
            return Step::Drop(Ignored::NotExpected);
        };
        match response {
            ImageBlockResponse::Data(block) => self.on_data(now, sequence, download, block),
            ImageBlockResponse::Wait(wait) => self.on_wait(now, download, wait),
            ImageBlockResponse::Abort => {
                self.events.push(Event::Ended(Outcome::ServerAborted));
                Step::Enter(self.resting(now))
            }
            ImageBlockResponse::Refused(refusal) => self.on_refusal(now, download, refusal.status()),
        }
    }

    fn on_data<'f>(
        &mut self,
        now: Instant,
        sequence: u8,
        mut download: Download,
        block: BlockData<'f>,
    ) -> Step<'f> {
        let size = block.data.size();
        let end = block.offset.checked_add(u32::from(size)).filter(|end| *end <= download.offer.size);
        let (Some(end), true) = (end, block.id == download.offer.id && size <= self.config.max_data.get())
        else {
            return Step::Malformed(Ignored::NotAsked);
        };
        let exchange = match download.fetch {
            Fetch::Asking(exchange) => Some(exchange),
            Fetch::Halted => None,
            Fetch::Storing { .. } => return Step::Drop(Ignored::NotExpected),
        };
        if end <= download.received && size > 0 {
            // An answer given twice is usual on a lossy link, and must not lead to another request.
            return Step::Drop(Ignored::NotExpected);
        }
        if block.offset != download.received {
            return Step::Malformed(Ignored::NotAsked);
        }
        if let Some(sent) = exchange.and_then(|exchange| exchange.sent_at(sequence)) {
            self.round_trip.measure(now.since(sent));
        }
        if size == 0 {
            return self.on_error(now, download, Outcome::EmptyBlocks);
        }
        (download.errors, download.missing) = (0, 0);
        match download.header.advance(block, &download.offer, &self.config.identity) {
            Ok(header) => download.header = header,
            Err(outcome) => {
                return Step::Enter(reporting(now, download.offer.id, Status::INVALID_IMAGE, outcome));
            }
        }
        let asked_at = exchange.and_then(|exchange| exchange.last_sent());
        download.fetch = Fetch::Storing { size, asked_at };
        Step::Lend(State::Downloading(download), block)
    }

    /// However often a server says wait, it does not count as failure (section 6.8.4).
    fn on_wait<'f>(&mut self, now: Instant, mut download: Download, wait: WaitForData) -> Step<'f> {
        if matches!(download.fetch, Fetch::Storing { .. }) {
            return Step::Drop(Ignored::NotExpected);
        }
        let until = match wait.time.delay(Purpose::Request, self.utc(now), self.config.utc_tolerance) {
            Ok(Delay::For(delay)) => Some(now.after(delay)),
            Ok(Delay::Forever) => self.config.max_wait.map(|most| now.plus(most)),
            Err(_) => return Step::Malformed(Ignored::NotAsked),
        };
        download.fetch = until.map_or(Fetch::Halted, |at| Fetch::Asking(Exchange::due(at)));
        (download.errors, download.missing) = (0, 0);
        self.events.push(Event::Paused(until));
        Step::Enter(State::Downloading(download))
    }

    /// The server answered a block request with a status.
    pub(super) fn on_refusal<'f>(
        &mut self,
        now: Instant,
        mut download: Download,
        status: Status,
    ) -> Step<'f> {
        if matches!(download.fetch, Fetch::Storing { .. }) {
            return Step::Drop(Ignored::NotExpected);
        }
        if status != Status::NO_IMAGE_AVAILABLE {
            download.missing = 0;
            return self.on_error(now, download, Outcome::ServerErrors(status));
        }
        download.missing = download.missing.saturating_add(1);
        if download.missing >= MISSING_LIMIT {
            self.events.push(Event::Ended(Outcome::ImageGone));
            return Step::Enter(self.resting(now));
        }
        self.ask_later(now, download)
    }

    fn on_error<'f>(&mut self, now: Instant, mut download: Download, outcome: Outcome) -> Step<'f> {
        download.errors = download.errors.saturating_add(1);
        if download.errors >= self.config.error_limit {
            return Step::Enter(reporting(now, download.offer.id, Status::ABORT, outcome));
        }
        self.ask_later(now, download)
    }

    fn ask_later<'f>(&self, now: Instant, mut download: Download) -> Step<'f> {
        download.fetch = Fetch::Asking(Exchange::due(now.plus(self.config.error_pause)));
        Step::Enter(State::Downloading(download))
    }

    /// The application has the block: on to the next, or to the check of the whole.
    pub(super) fn after_stored(&self, now: Instant, mut download: Download) -> State {
        let Fetch::Storing { size, asked_at } = download.fetch else {
            return State::Downloading(download);
        };
        download.received = download.received.saturating_add(u32::from(size));
        if download.received >= download.offer.size {
            return State::Verifying { offer: download.offer };
        }
        let earliest = asked_at.map_or(now, |asked| asked.plus(self.config.block_pause));
        download.fetch = Fetch::Asking(Exchange::due(earliest.max(now)));
        State::Downloading(download)
    }

    /// The application could not take the block now.
    pub(super) fn after_busy(&self, now: Instant, mut download: Download) -> State {
        download.fetch = Fetch::Asking(Exchange::due(now.plus(self.config.error_pause)));
        State::Downloading(download)
    }
}

impl HeaderStart {
    /// Takes the bytes of `block`, the next of the file, as far as they belong to the header, and checks it as soon as
    /// it is there.
    fn advance(
        mut self,
        block: BlockData<'_>,
        offer: &ImageOffer,
        identity: &Identity,
    ) -> Result<Self, Outcome> {
        let Self::Arriving(bytes) = &mut self else {
            return Ok(self);
        };
        let start = usize::try_from(block.offset).unwrap_or(usize::MAX);
        for (to, from) in bytes.iter_mut().skip(start).zip(block.data.get()) {
            *to = *from;
        }
        let arrived = start.saturating_add(block.data.get().len());
        let arrived = bytes.get(..arrived).unwrap_or(bytes);
        // A file that is all here can be no longer than what it is here of.
        let complete = arrived.len() == Header::MAX_KNOWN_LEN
            || usize::try_from(offer.size).is_ok_and(|size| arrived.len() >= size);
        match Header::parse_known(arrived) {
            Ok(header) => check_header(&header, offer, identity).map(|()| Self::Checked),
            Err(error) if complete || !error.is_truncated() => Err(Outcome::HeaderUnreadable(error)),
            Err(_) => Ok(self),
        }
    }
}

/// The file must be the one that was offered, and for this device (sections 6.3.2.12 to 6.3.2.14).
fn check_header(header: &Header<'_>, offer: &ImageOffer, identity: &Identity) -> Result<(), Outcome> {
    if header.id != offer.id || header.total_size != offer.size {
        return Err(Outcome::HeaderMismatch);
    }
    let hardware_fits = identity.hardware.is_none_or(|hardware| header.suits(hardware));
    let address_fits = header.destination.is_none() || header.destination == identity.node;
    if hardware_fits && address_fits { Ok(()) } else { Err(Outcome::NotForThisDevice) }
}
