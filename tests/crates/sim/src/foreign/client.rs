//! Client of another stack: a row of the table of clients, and the interpreter that runs it.
//!
//! ```text
//!   Idle --query--> Querying --offer--> Downloading --last byte--> Ending --order--> CountingDown --> runs the image
//!    ^  notify, timer  |   refusal,         |  gives up              |  gives up
//!    +-----------------+   no answer -------+------------------------+
//! ```

use super::wire::{
    ABORT, BLOCK_REQUEST, BLOCK_RESPONSE, Bytes, END_REQUEST, END_RESPONSE, FAILURE, FROM_CLIENT, HAS_IEEE,
    HAS_PERIOD, IMAGE_NOTIFY, INVALID_FIELD, INVALID_IMAGE, MALFORMED_COMMAND, PAGE_REQUEST, Parts,
    QUERY_REQUEST, QUERY_RESPONSE, RawId, SUCCESS, WAIT_FOR_DATA, command, default_response, version,
};
use crate::Micros;

/// Behaviour of one client: a row of [`CLIENTS`](super::CLIENTS).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientModel {
    /// Name of the row.
    pub name: &'static str,
    /// Place where the behaviour was seen.
    pub seen: &'static str,
    /// Maximum data size that block requests ask for.
    pub block: u8,
    /// Field control of block requests: 1 for the IEEE address, 2 for the MinimumBlockPeriod.
    pub fields: u8,
    /// Offset and size of a first request that announces a MinimumBlockPeriod without the field. `None` starts at 0.
    pub first_request: Option<(u32, u8)>,
    /// Number of bytes at the end of the file that are never asked for.
    pub spared: u32,
    /// Use of pages after the first request.
    pub pages: Option<PageUse>,
    /// Time from a block request to its repetition.
    pub block_timeout: Micros,
    /// Number of block requests for one block before the client gives up.
    pub block_tries: u8,
    /// Time from a response to the next request.
    pub pace: Micros,
    /// Time from a query to its repetition.
    pub query_timeout: Micros,
    /// Number of queries before the client waits for its next periodic query.
    pub query_tries: u8,
    /// Time between periodic queries.
    pub query_every: Micros,
    /// Time from an Upgrade End Request to its repetition.
    pub end_timeout: Micros,
    /// Number of Upgrade End Requests.
    pub end_tries: u8,
    /// Consequence of Upgrade End Requests without an answer.
    pub unanswered: Unanswered,
    /// Handling of WAIT_FOR_DATA.
    pub wait: WaitForm,
    /// Reaction to an offer.
    pub offer: OfferReaction,
    /// Whether a unicast notify is answered with a Default Response, besides the query.
    pub answers_notify: bool,
    /// Whether responses to block requests are dropped unless they have the number of the latest one.
    pub checks_number: bool,
    /// Whether every request has the number 0.
    pub numbers_zero: bool,
    /// Status with which the client answers an unsolicited block.
    pub unexpected_block: Option<u8>,
    /// Whether an error in a Default Response to a block request ends the download.
    pub obeys_errors: bool,
    /// Whether a notify during the countdown leads to a query, whose offer is answered with INVALID_FIELD.
    pub queries_in_countdown: bool,
}

/// Use of Image Page Requests by a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PageUse {
    /// Size of a page in bytes.
    pub size: u16,
    /// Response spacing in milliseconds.
    pub spacing: u16,
    /// Silence after which the client asks for the missing blocks of a page one by one.
    pub silence: Micros,
}

/// Consequence of Upgrade End Requests without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unanswered {
    /// The client upgrades.
    Upgrade,
    /// The client forgets the image, and queries again at its next periodic query.
    Forget,
}

/// Handling of WAIT_FOR_DATA by a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WaitForm {
    /// Status of the Default Response to a WAIT_FOR_DATA without the MinimumBlockPeriod; `None` reads it as period 0.
    pub needs_period: Option<u8>,
    /// Whether the request after the wait is not repeated, because the timer was cancelled.
    pub cancels_timer: bool,
    /// Whether a period is ignored when the two times are equal.
    pub ignores_period: bool,
}

/// Reaction of a client to an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OfferReaction {
    /// The client downloads the image.
    Download,
    /// The client sends an Upgrade End Request with the status INVALID_IMAGE.
    Refuse,
}

/// Client of another stack.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ForeignClient {
    model: ClientModel,
    /// Manufacturer, image type and running version.
    running: RawId,
    ieee: [u8; 8],
    stage: Stage,
    number: u8,
    period: Micros,
    /// Frames to send.
    outbox: Vec<Vec<u8>>,
    upgraded: bool,
    /// Number of downloads that were started, and that were given up.
    started: u32,
    given_up: u32,
    /// File of the latest download.
    image: Image,
}

/// File that is downloaded, with the bytes that are here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Image {
    id: RawId,
    bytes: Vec<u8>,
    here: Vec<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stage {
    Idle {
        query_at: Micros,
    },
    Querying {
        tries: u8,
        until: Micros,
    },
    /// `at` is the time of the next request, `until` of its repetition; neither is set while the client hangs.
    Downloading {
        at: Option<Micros>,
        until: Option<Micros>,
        tries: u8,
        page: Option<Page>,
        is_waiting: bool,
    },
    Ending {
        tries: u8,
        until: Micros,
    },
    CountingDown {
        at: Micros,
    },
    Done,
}

/// Page that arrives: its last byte, and the end of the silence after which it counts as ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Page {
    end: u32,
    until: Micros,
}

impl ForeignClient {
    /// Creates a client that runs the image `running` and queries first at `first_query`.
    #[must_use]
    pub fn new(model: ClientModel, running: RawId, ieee: [u8; 8], first_query: Micros) -> Self {
        Self {
            model,
            running,
            ieee,
            stage: Stage::Idle { query_at: first_query },
            number: 0,
            period: 0,
            outbox: Vec::new(),
            upgraded: false,
            started: 0,
            given_up: 0,
            image: Image::default(),
        }
    }

    /// Whether the client runs the downloaded image.
    #[must_use]
    pub const fn is_upgraded(&self) -> bool {
        self.upgraded
    }

    /// Number of downloads that were started, and that were given up.
    #[must_use]
    pub const fn downloads(&self) -> (u32, u32) {
        (self.started, self.given_up)
    }

    /// Id of the image that the client downloads or has downloaded.
    #[must_use]
    pub const fn image(&self) -> RawId {
        self.image.id
    }

    /// Whether the bytes that the client asks for are those of `file`.
    #[must_use]
    pub fn has(&self, file: &[u8]) -> bool {
        let Image { bytes, here, .. } = &self.image;
        bytes.len() == file.len()
            && (self.missing().is_none())
            && bytes.iter().zip(file).zip(here).all(|((byte, other), here)| !here || byte == other)
    }

    /// Number of bytes that are here.
    #[must_use]
    pub fn received(&self) -> usize {
        self.image.here.iter().filter(|here| **here).count()
    }

    /// Returns the client with its times counted from `now`, so that states that differ in their moment alone are equal.
    /// Times that have passed count as now. The result is for comparison and hashing, not for running.
    #[must_use]
    pub fn relative_to(&self, now: Micros) -> Self {
        let mut client = self.clone();
        let since = |at: &mut Micros| *at = at.saturating_sub(now);
        match &mut client.stage {
            Stage::Idle { query_at: at }
            | Stage::Querying { until: at, .. }
            | Stage::Ending { until: at, .. }
            | Stage::CountingDown { at } => since(at),
            Stage::Downloading { at, until, page, .. } => {
                at.iter_mut().chain(until).for_each(since);
                page.iter_mut().for_each(|page| since(&mut page.until));
            }
            Stage::Done => {}
        }
        client
    }

    /// Restarts the client, which keeps nothing of a download.
    pub fn restart(&mut self, first_query: Micros) {
        if !self.upgraded {
            let started = self.started;
            *self = Self::new(self.model, self.running, self.ieee, first_query);
            self.started = started;
        }
    }

    /// Returns the time of the next call of [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Micros> {
        match self.stage {
            Stage::Idle { query_at: at }
            | Stage::Querying { until: at, .. }
            | Stage::Ending { until: at, .. }
            | Stage::CountingDown { at } => Some(at),
            Stage::Downloading { at, until, page, .. } => {
                [at, until, page.map(|page| page.until)].into_iter().flatten().min()
            }
            Stage::Done => None,
        }
    }

    /// Returns the next frame to send.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        (!self.outbox.is_empty()).then(|| self.outbox.remove(0))
    }

    /// Handles the passed deadline of the present stage.
    pub fn handle_timeout(&mut self, now: Micros) {
        if self.poll_timeout().is_none_or(|at| at > now) {
            return;
        }
        match self.stage {
            Stage::Idle { .. } => self.query(now, 1),
            Stage::Querying { tries, .. } if tries < self.model.query_tries => self.query(now, tries + 1),
            Stage::Querying { .. } => self.rest(now),
            Stage::Downloading { at, until, tries, page, is_waiting } => {
                if at.is_some_and(|at| at <= now) {
                    self.request(now, 1, is_waiting);
                } else if until.is_some_and(|until| until <= now) {
                    if tries < self.model.block_tries {
                        self.request(now, tries + 1, false)
                    } else {
                        self.give_up(now, ABORT)
                    }
                } else if page.is_some_and(|page| page.until <= now) {
                    self.request_block(now, 1, false);
                }
            }
            Stage::Ending { tries, .. } if tries < self.model.end_tries => self.end(now, tries + 1),
            Stage::Ending { .. } => match self.model.unanswered {
                Unanswered::Upgrade => self.upgrade(),
                Unanswered::Forget => self.rest(now),
            },
            Stage::CountingDown { .. } => self.upgrade(),
            Stage::Done => {}
        }
    }

    /// Handles a frame of the server.
    pub fn handle_frame(&mut self, now: Micros, unicast: bool, frame: &[u8]) {
        let Some(parts) = Parts::of(frame) else { return };
        if let Some((command, status)) = parts.default_response {
            return self.on_default_response(now, command, status);
        }
        // No client compares the numbers of the blocks of a page.
        let is_in_page = matches!(self.stage, Stage::Downloading { page: Some(_), .. });
        let is_answer =
            !self.model.checks_number || is_in_page || parts.number == self.number.wrapping_sub(1);
        match parts.command {
            Some(IMAGE_NOTIFY) => self.on_notify(now, unicast, parts),
            Some(QUERY_RESPONSE) => self.on_offer(now, parts),
            Some(BLOCK_RESPONSE) if is_answer => self.on_block(now, parts),
            Some(END_RESPONSE) => self.on_order(now, parts),
            _ => {}
        }
    }

    fn on_notify(&mut self, now: Micros, unicast: bool, parts: Parts<'_>) {
        if let Stage::Idle { .. } = self.stage {
            if unicast && self.model.answers_notify {
                self.answer(parts, SUCCESS);
            }
            self.query(now, 1);
        } else if self.counts_down() {
            let running = self.running;
            self.send(QUERY_REQUEST, &[&[0], &running]);
        } else if unicast && self.model.answers_notify {
            self.answer(parts, FAILURE);
        }
    }

    const fn counts_down(&self) -> bool {
        self.model.queries_in_countdown && matches!(self.stage, Stage::CountingDown { .. })
    }

    fn on_offer(&mut self, now: Micros, parts: Parts<'_>) {
        if self.counts_down() {
            return self.answer(parts, INVALID_FIELD);
        }
        let Stage::Querying { .. } = self.stage else { return };
        let mut payload = Bytes(parts.payload);
        let (Some(SUCCESS), Some(id), Some(size)) = (payload.byte(), payload.take(), payload.long()) else {
            return self.rest(now);
        };
        if version(id) == version(self.running) {
            return self.rest(now);
        }
        if self.model.offer == OfferReaction::Refuse {
            self.image.id = id;
            return self.give_up(now, INVALID_IMAGE);
        }
        let size = usize::try_from(size).unwrap_or(0).min(1 << 20);
        self.image = Image { id, bytes: vec![0; size], here: vec![false; size] };
        self.started += 1;
        self.next(now);
    }

    fn on_block(&mut self, now: Micros, parts: Parts<'_>) {
        let Stage::Downloading { page, .. } = self.stage else { return };
        let mut payload = Bytes(parts.payload);
        match payload.byte() {
            Some(SUCCESS) => self.on_data(now, parts, payload, page),
            Some(WAIT_FOR_DATA) => self.on_wait(now, parts, payload),
            Some(ABORT) => self.rest_after_failure(now),
            _ => self.answer(parts, MALFORMED_COMMAND),
        }
    }

    fn on_data(&mut self, now: Micros, parts: Parts<'_>, mut payload: Bytes<'_>, page: Option<Page>) {
        let (Some(id), Some(offset), Some(len)) =
            (payload.take::<8>(), payload.long(), payload.byte().map(usize::from))
        else {
            return self.answer(parts, MALFORMED_COMMAND);
        };
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let data = payload.0.get(..len).filter(|data| !data.is_empty() && id == self.image.id);
        let place = data.and_then(|data| {
            let end = start.checked_add(data.len())?;
            (end <= self.image.bytes.len()).then_some((data, start..end))
        });
        let is_next = self.missing() == Some(offset);
        let (Some((data, range)), true) = (place, page.is_some() || is_next) else {
            if let Some(status) = self.model.unexpected_block {
                self.answer(parts, status);
            }
            return;
        };
        self.image.bytes[range.clone()].copy_from_slice(data);
        self.image.here[range].fill(true);
        match page {
            Some(Page { end, .. }) if self.missing().is_some_and(|missing| missing < end) => {
                let silence = self.model.pages.map_or(0, |pages| pages.silence);
                let page = Some(Page { end, until: now + silence });
                self.stage = Stage::Downloading { at: None, until: None, tries: 0, page, is_waiting: false };
            }
            _ => self.next(now),
        }
    }

    fn on_wait(&mut self, now: Micros, parts: Parts<'_>, mut payload: Bytes<'_>) {
        let (Some(current), Some(then)) = (payload.long(), payload.long()) else {
            return self.answer(parts, MALFORMED_COMMAND);
        };
        let period = match (payload.word(), self.model.wait.needs_period) {
            (Some(period), _) => period,
            (None, Some(status)) => return self.answer(parts, status),
            (None, None) => 0,
        };
        let seconds = then.saturating_sub(current);
        let pause = if seconds > 0 {
            Micros::from(seconds) * 1_000_000
        } else if self.model.wait.ignores_period {
            0
        } else {
            self.period = Micros::from(period) * 1000;
            self.period
        };
        let is_waiting = self.model.wait.cancels_timer;
        self.stage =
            Stage::Downloading { at: Some(now + pause), until: None, tries: 0, page: None, is_waiting };
    }

    fn on_order(&mut self, now: Micros, parts: Parts<'_>) {
        let Stage::Ending { .. } = self.stage else { return };
        let mut payload = Bytes(parts.payload);
        let (Some(_), Some(current), Some(then)) = (payload.take::<8>(), payload.long(), payload.long())
        else {
            return self.answer(parts, MALFORMED_COMMAND);
        };
        self.stage = match then {
            // The order comes later; the client asks again in an hour.
            u32::MAX => Stage::Ending { tries: 0, until: now + 3_600_000_000 },
            _ => Stage::CountingDown { at: now + Micros::from(then.saturating_sub(current)) * 1_000_000 },
        };
    }

    fn on_default_response(&mut self, now: Micros, command: u8, status: u8) {
        if status == SUCCESS {
            return;
        }
        match (self.stage, command) {
            (Stage::Querying { .. }, QUERY_REQUEST) => self.rest(now),
            (Stage::Downloading { page: Some(_), .. }, PAGE_REQUEST) => {
                self.model.pages = None;
                self.next(now);
            }
            (Stage::Downloading { .. }, BLOCK_REQUEST) if self.model.obeys_errors => {
                self.rest_after_failure(now)
            }
            _ => {}
        }
    }

    /// Sends a query.
    fn query(&mut self, now: Micros, tries: u8) {
        let running = self.running;
        self.send(QUERY_REQUEST, &[&[0], &running]);
        self.stage = Stage::Querying { tries, until: now + self.model.query_timeout };
    }

    /// Schedules the next request, or ends the download.
    fn next(&mut self, now: Micros) {
        if self.missing().is_none() {
            return self.end(now, 1);
        }
        let at = Some(now + self.model.pace.max(self.period));
        self.stage = Stage::Downloading { at, until: None, tries: 0, page: None, is_waiting: false };
    }

    /// Sends the next page or block request. `is_last` sends one that is never repeated.
    fn request(&mut self, now: Micros, tries: u8, is_last: bool) {
        match (self.missing(), self.model.pages) {
            (Some(offset), Some(pages)) if tries == 1 && self.asks_page(offset) => {
                self.request_page(now, offset, pages)
            }
            _ => self.request_block(now, tries, is_last),
        }
    }

    fn request_page(&mut self, now: Micros, offset: u32, PageUse { size, spacing, silence }: PageUse) {
        let size = u16::try_from(self.left(offset)).unwrap_or(u16::MAX).min(size);
        let id = self.image.id;
        let place = [&[0][..], &id, &offset.to_le_bytes(), &[self.model.block]].concat();
        self.send(PAGE_REQUEST, &[&place, &size.to_le_bytes(), &spacing.to_le_bytes()]);
        // The first block takes a round trip more.
        let page = Some(Page { end: offset + u32::from(size), until: now + silence + 1_000_000 });
        self.stage = Stage::Downloading { at: None, until: None, tries: 1, page, is_waiting: false };
    }

    fn request_block(&mut self, now: Micros, tries: u8, is_last: bool) {
        let Some(offset) = self.missing() else { return self.end(now, 1) };
        match self.model.first_request.filter(|_| self.received() == 0) {
            Some((_, size)) => self.send_block_request(HAS_PERIOD, offset, size, &[]),
            None => {
                let size = u8::try_from(self.left(offset)).unwrap_or(u8::MAX).min(self.model.block);
                let (fields, ieee) = (self.model.fields, self.ieee);
                let millis = u16::try_from(self.period / 1000).unwrap_or(u16::MAX).to_le_bytes();
                let ieee: &[u8] = if fields & HAS_IEEE != 0 { &ieee } else { &[] };
                let period: &[u8] = if fields & HAS_PERIOD != 0 { &millis } else { &[] };
                self.send_block_request(fields, offset, size, &[ieee, period].concat());
            }
        }
        let until = Some(now + self.model.block_timeout).filter(|_| !is_last);
        self.stage = Stage::Downloading { at: None, until, tries, page: None, is_waiting: false };
    }

    /// Returns the number of bytes from `offset` on that are asked for.
    fn left(&self, offset: u32) -> u32 {
        let size = u32::try_from(self.image.bytes.len()).unwrap_or(u32::MAX);
        size.saturating_sub(offset).saturating_sub(self.model.spared)
    }

    /// Whether a page is asked for at this offset: everything before is here, and nothing behind.
    fn asks_page(&self, offset: u32) -> bool {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let is_first = self.model.first_request.is_some() && self.received() == 0;
        !is_first && self.image.here.iter().skip(from).all(|here| !here)
    }

    fn send_block_request(&mut self, fields: u8, offset: u32, size: u8, more: &[u8]) {
        let id = self.image.id;
        self.send(BLOCK_REQUEST, &[&[fields], &id, &offset.to_le_bytes(), &[size], more]);
    }

    /// Sends an Upgrade End Request.
    fn end(&mut self, now: Micros, tries: u8) {
        let id = self.image.id;
        self.send(END_REQUEST, &[&[SUCCESS], &id]);
        self.stage = Stage::Ending { tries, until: now + self.model.end_timeout };
    }

    fn give_up(&mut self, now: Micros, status: u8) {
        let id = self.image.id;
        self.send(END_REQUEST, &[&[status], &id]);
        self.rest_after_failure(now);
    }

    fn rest_after_failure(&mut self, now: Micros) {
        self.given_up += 1;
        self.rest(now);
    }

    fn rest(&mut self, now: Micros) {
        self.stage = Stage::Idle { query_at: now + self.model.query_every };
    }

    fn upgrade(&mut self) {
        (self.stage, self.upgraded, self.running) = (Stage::Done, true, self.image.id);
    }

    /// Returns the first offset that is to be asked for and not here.
    fn missing(&self) -> Option<u32> {
        let start = self.model.first_request.map_or(0, |(offset, _)| usize::try_from(offset).unwrap_or(0));
        let end = self.image.bytes.len().saturating_sub(usize::try_from(self.model.spared).unwrap_or(0));
        let wanted = self.image.here.get(start..end)?;
        let place = start + wanted.iter().position(|here| !here)?;
        u32::try_from(place).ok()
    }

    fn send(&mut self, id: u8, payload: &[&[u8]]) {
        let number = if self.model.numbers_zero { 0 } else { self.number };
        self.number = self.number.wrapping_add(1);
        self.outbox.push(command(FROM_CLIENT, number, id, payload));
    }

    fn answer(&mut self, parts: Parts<'_>, status: u8) {
        let Some(command) = parts.command else { return };
        self.outbox.push(default_response(0x10, parts.number, command, status));
    }
}
