//! Server of another stack: a row of the table of servers, and the interpreter that runs it.
//!
//! ```text
//!   notify --> Notified --query--> Serving --end request--> (session ends, order to upgrade)
//!                 |                   |
//!                 +-- no query -------+-- no block request: the session ends, the operator starts it again later
//! ```
//!
//! A server without sessions serves every request, as in `Serving`.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::wire::{
    ABORT, BLOCK_REQUEST, BLOCK_RESPONSE, Bytes, END_REQUEST, END_RESPONSE, FROM_SERVER, FROM_SERVER_QUIET,
    HAS_IEEE, HAS_PERIOD, IMAGE_NOTIFY, MALFORMED_COMMAND, NO_IMAGE_AVAILABLE, PAGE_REQUEST, Parts,
    QUERY_REQUEST, QUERY_RESPONSE, RawId, SUCCESS, UNSUP_CLUSTER_COMMAND, WAIT_FOR_DATA, command,
    default_response, id_of, version,
};
use crate::Micros;
use crate::radio::Node;

/// Behaviour of one server: a row of [`SERVERS`](super::SERVERS).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerModel {
    /// Name of the row.
    pub name: &'static str,
    /// Place where the behaviour was seen.
    pub seen: &'static str,
    /// Clients that are served.
    pub sessions: Sessions,
    /// Sequence numbers of responses.
    pub numbering: Numbering,
    /// Service of requests for another image than that of the file.
    pub other_image: OtherImage,
    /// Greatest number of data bytes in a block.
    pub block: u8,
    /// Whether blocks at the end of the file are as long as asked for, with bytes from beyond the end. Otherwise they
    /// end with the file.
    pub past_the_end: bool,
    /// Service of requests that arrive while a response is being sent.
    pub overload: Overload,
    /// Time from a request to its response.
    pub delay: Micros,
    /// Least time between two block responses to one client.
    pub between: Micros,
    /// Service of Image Page Requests.
    pub pages: PageService,
    /// Intervals at which the server has no data.
    pub busy: Option<BusyWait>,
    /// Seconds from an Upgrade End Request to the upgrade.
    pub order: u32,
    /// Whether an order gives the server's time since its start, in milliseconds, as the current time, and as the upgrade
    /// time that number plus the seconds. Otherwise the current time is 0.
    pub tells_uptime: bool,
    /// Whether an Image Notify of payload type 0 carries all ten bytes.
    pub long_notify: bool,
    /// Whether an Image Notify is broadcast while a client counts down to the upgrade.
    pub notifies_again: bool,
    /// Whether responses ask for a Default Response.
    pub asks_default_response: bool,
    /// Whether a block request that announces a MinimumBlockPeriod without the field gets no answer.
    pub needs_period: bool,
    /// Status of the Default Response to an Upgrade End Request from a client without a query or a block request since the
    /// start of the server; `None` for an order.
    pub unknown_end: Option<u8>,
    /// Status of the Default Response to a truncated request; `None` for no answer.
    pub truncated: Option<u8>,
    /// Commands without an answer; every other unknown command gets UNSUP_CLUSTER_COMMAND.
    pub ignored: &'static [u8],
    /// Whether an Upgrade End Request with an error gets an Upgrade End Response. Otherwise it gets a Default Response.
    pub orders_failed: bool,
}

/// Clients that a server serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sessions {
    /// Every client, at any time.
    NotNeeded,
    /// Clients for which an operator has started an update.
    Needed {
        /// Time from the Image Notify to the query.
        query_within: Micros,
        /// Time from one block request to the next.
        silence: Micros,
        /// Whether blocks are served before the query.
        serves_before_query: bool,
        /// Whether a query in the middle of a download is answered.
        answers_queries: bool,
        /// Whether the session keeps the file that was there at its start. Otherwise each block is of the present file.
        keeps_file: bool,
        /// Answer to a block request outside of a session.
        stray: Stray,
    },
}

/// Answer to a block request outside of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stray {
    /// No answer.
    Silence,
    /// Image Block Response with the status ABORT alone.
    Abort,
}

/// Sequence numbers of responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Numbering {
    /// The number of the request.
    OfRequest,
    /// A counter of the server.
    Own,
}

/// Service of requests for another image than that of the file, in a session for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OtherImage {
    /// Bytes of the present file, under the id that was asked for.
    AsAsked,
    /// Bytes of the present file, under the id of the file.
    AsFile,
    /// Default Response NO_IMAGE_AVAILABLE.
    Refused,
    /// Image Block Response with the status ABORT alone.
    Aborted,
}

/// Service of requests that arrive while a response to the same client is being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overload {
    /// Each request is answered.
    Answers,
    /// Such requests are dropped.
    Drops,
    /// Such requests are dropped if they repeat the sequence number of the request before.
    DropsRepeats,
}

/// Service of Image Page Requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PageService {
    /// No answer.
    Ignored,
    /// Default Response UNSUP_CLUSTER_COMMAND.
    Unsupported,
    /// Blocks until the end of the page.
    Served {
        /// Whether the spacing of the request is kept, in addition to the least time between two blocks.
        keeps_spacing: bool,
        /// Least spacing, which applies where a shorter one is asked for.
        least_spacing: Micros,
        /// Whether other requests of the client are dropped until the page ends; otherwise they are served beside it.
        drops_others: bool,
        /// Whether a page that runs past the end of the file never ends, with blocks of zero bytes.
        endless: bool,
    },
}

/// Intervals at which the server has no data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BusyWait {
    /// Number of block requests after which one is answered with WAIT_FOR_DATA.
    pub every: u32,
    /// Seconds of the wait.
    pub seconds: u32,
}

/// Frame of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sent {
    /// Receiver; `None` broadcasts.
    pub to: Option<Node>,
    /// ZCL frame.
    pub frame: Vec<u8>,
    /// Whether an APS acknowledgement is asked for.
    pub ack: bool,
}

/// File with the id in its header.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct File {
    id: RawId,
    bytes: Rc<[u8]>,
}

/// Session state of one client in a server model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Session {
    stage: Stage,
    /// File at the start of the session.
    file: Option<File>,
    /// End of the present response, and the number of its request.
    sending: Option<(Micros, u8)>,
    /// Time of the latest block.
    last_block: Option<Micros>,
    page: Option<Page>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stage {
    Notified { until: Micros },
    Serving { until: Micros },
}

/// Page that is being served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Page {
    id: RawId,
    number: u8,
    offset: u32,
    end: u32,
    max: u8,
    spacing: Micros,
    next: Micros,
}

/// Server of another stack.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ForeignServer {
    model: ServerModel,
    file: Option<File>,
    sessions: BTreeMap<Node, Session>,
    /// Clients for which an update was started, and whether they were ordered to upgrade.
    ordered: BTreeMap<Node, bool>,
    /// Time after which the operator starts a failed update again.
    again_after: Micros,
    /// Updates that the operator will start.
    starts: Vec<(Micros, Node)>,
    /// Responses and the times at which they are sent, in the order of their creation.
    due: Vec<(Micros, Sent)>,
    /// Sequence number of the next frame with a number of the server's own.
    number: u8,
    /// Number of block requests so far.
    requests: u32,
    /// Time of the start.
    started: Micros,
}

impl ForeignServer {
    /// Creates a server with `file`. A minute after a failure, the operator starts an update again.
    #[must_use]
    pub fn new(model: ServerModel, file: Option<&[u8]>) -> Self {
        let mut server = Self {
            model,
            file: None,
            sessions: BTreeMap::new(),
            ordered: BTreeMap::new(),
            again_after: 60_000_000,
            starts: Vec::new(),
            due: Vec::new(),
            number: 0,
            requests: 0,
            started: 0,
        };
        server.set_file(file);
        server
    }

    /// Sets the time after which the operator starts a failed update again.
    #[must_use]
    pub fn with_operator(mut self, again_after: Micros) -> Self {
        self.again_after = again_after;
        self
    }

    /// Returns the server with its times counted from `now`, so that states that differ in their moment alone are equal.
    /// Times that have passed count as now. The result is for comparison and hashing, not for running.
    #[must_use]
    pub fn relative_to(&self, now: Micros) -> Self {
        let mut server = self.clone();
        let since = |at: &mut Micros| *at = at.saturating_sub(now);
        for session in server.sessions.values_mut() {
            let (Stage::Notified { until } | Stage::Serving { until }) = &mut session.stage;
            if *until < Micros::MAX {
                since(until);
            }
            session.sending.iter_mut().for_each(|(until, _)| since(until));
            session.page.iter_mut().for_each(|page| since(&mut page.next));
            // What counts is the time until the next block may be sent.
            let free = session.last_block.map(|last| (last + server.model.between).saturating_sub(now));
            session.last_block = free.filter(|free| *free > 0);
        }
        server.starts.iter_mut().for_each(|(at, _)| since(at));
        server.due.iter_mut().for_each(|(at, _)| since(at));
        // Only the orders of some servers depend on the time since the start.
        server.started = if server.model.tells_uptime { now - server.started } else { 0 };
        server.requests %= server.model.busy.map_or(1, |busy| busy.every);
        server
    }

    /// Replaces or removes the file.
    pub fn set_file(&mut self, file: Option<&[u8]>) {
        self.file = file.map(|bytes| File { id: id_of(bytes), bytes: bytes.into() });
    }

    /// Restarts the server, which is back at `back_at` and keeps nothing but its file. The operator of a server with
    /// sessions starts the unfinished updates again.
    pub fn restart(&mut self, back_at: Micros) {
        self.sessions.clear();
        self.due.clear();
        (self.number, self.requests, self.started) = (0, 0, back_at);
        self.starts.clear();
        if let Sessions::Needed { .. } = self.model.sessions {
            let unfinished = self.ordered.iter().filter(|(_, ordered)| !**ordered).map(|(client, _)| *client);
            self.starts.extend(unfinished.map(|client| (back_at + self.again_after, client)));
        }
    }

    /// Starts an update: sends an Image Notify, by unicast.
    pub fn notify(&mut self, now: Micros, client: Node) {
        self.ordered.entry(client).or_insert(false);
        self.starts.retain(|(_, other)| *other != client);
        if let Sessions::Needed { query_within, .. } = self.model.sessions {
            let stage = Stage::Notified { until: now + query_within };
            self.sessions.insert(client, self.session(stage));
        }
        let frame = self.notify_frame(FROM_SERVER);
        self.due.push((now, Sent { to: Some(client), frame, ack: true }));
    }

    /// Returns the time of the next call of [`handle_timeout`](Self::handle_timeout) or
    /// [`poll_transmit`](Self::poll_transmit).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Micros> {
        let due = self.due.iter().map(|(at, _)| *at);
        let starts = self.starts.iter().map(|(at, _)| *at);
        let sessions = self.sessions.values().flat_map(|session| {
            let (Stage::Notified { until } | Stage::Serving { until }) = session.stage;
            let page = session.page.map(|page| page.next);
            [page, Some(until).filter(|until| page.is_none() && *until < Micros::MAX)]
        });
        due.chain(starts).chain(sessions.flatten()).min()
    }

    /// Handles due events: blocks of pages, ends of sessions, updates started by the operator.
    pub fn handle_timeout(&mut self, now: Micros) {
        let clients: Vec<Node> = self.sessions.keys().copied().collect();
        for client in clients {
            while self.sessions.get(&client).and_then(|session| session.page).is_some_and(|p| p.next <= now) {
                self.send_page_block(client);
            }
            let Some(session) = self.sessions.get(&client) else { continue };
            let (Stage::Notified { until } | Stage::Serving { until }) = session.stage;
            if until <= now && session.page.is_none() {
                self.fail(now, client);
            }
        }
        let (due, later) = std::mem::take(&mut self.starts).into_iter().partition(|(at, _)| *at <= now);
        self.starts = later;
        for (_, client) in Vec::from_iter::<Vec<(Micros, Node)>>(due) {
            self.notify(now, client);
        }
    }

    /// Returns the next frame that is due.
    pub fn poll_transmit(&mut self, now: Micros) -> Option<Sent> {
        let (place, (at, _)) = self.due.iter().enumerate().min_by_key(|(_, (at, _))| *at)?;
        (*at <= now).then(|| self.due.remove(place).1)
    }

    /// Handles a frame of a client.
    pub fn handle_frame(&mut self, now: Micros, client: Node, frame: &[u8]) {
        // Default Responses change nothing in any of the servers, and nor do other global commands here.
        let Some(parts @ Parts { command: Some(command), .. }) = Parts::of(frame) else { return };
        let at = now + self.model.delay;
        let handled = match command {
            QUERY_REQUEST => self.on_query(now, client, parts),
            BLOCK_REQUEST => self.on_block_request(now, client, parts),
            PAGE_REQUEST => self.on_page_request(now, client, parts),
            END_REQUEST => self.on_end_request(now, client, parts),
            other if self.model.ignored.contains(&other) => Some(()),
            other => {
                self.default_response(at, client, parts.number, other, UNSUP_CLUSTER_COMMAND);
                Some(())
            }
        };
        if handled.is_none() {
            self.on_truncated(now, client, parts.number, command);
        }
    }

    /// A truncated request ends a session of a server that serves only after a query.
    fn on_truncated(&mut self, now: Micros, client: Node, number: u8, command: u8) {
        let is_serving = self.is_serving(client);
        if let Some(status) = self.model.truncated.filter(|_| is_serving) {
            self.default_response(now + self.model.delay, client, number, command, status);
            if let Sessions::Needed { .. } = self.model.sessions {
                self.fail(now, client);
            }
        }
    }

    fn on_query(&mut self, now: Micros, client: Node, parts: Parts<'_>) -> Option<()> {
        let mut payload = Bytes(parts.payload);
        let (_, id): (_, RawId) = (payload.byte()?, payload.take()?);
        let is_open = match self.model.sessions {
            Sessions::NotNeeded => self.is_serving(client),
            Sessions::Needed { silence, answers_queries, .. } => {
                let Some(session) = self.sessions.get_mut(&client) else {
                    // The host of such a server answers a query that nobody waits for, so that the device is content.
                    self.answer_query(now, client, parts.number, None);
                    return Some(());
                };
                let is_first = matches!(session.stage, Stage::Notified { .. });
                if is_first {
                    session.stage = Stage::Serving { until: now + silence };
                }
                is_first || answers_queries
            }
        };
        if is_open {
            let file = self.file_for(client).filter(|file| version(file.id) != version(id)).cloned();
            self.answer_query(now, client, parts.number, file);
        }
        Some(())
    }

    fn answer_query(&mut self, now: Micros, client: Node, number: u8, file: Option<File>) {
        let payload = match file {
            Some(File { id, bytes }) => {
                let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
                [&[SUCCESS][..], &id, &size].concat()
            }
            None => vec![NO_IMAGE_AVAILABLE],
        };
        self.respond(now + self.model.delay, client, number, QUERY_RESPONSE, &payload);
    }

    fn on_block_request(&mut self, now: Micros, client: Node, parts: Parts<'_>) -> Option<()> {
        let mut payload = Bytes(parts.payload);
        let (fields, id, offset, max) = (payload.byte()?, payload.take()?, payload.long()?, payload.byte()?);
        if fields & HAS_IEEE != 0 {
            payload.take::<8>()?;
        }
        if fields & HAS_PERIOD != 0 && payload.word().is_none() && self.model.needs_period {
            return Some(());
        }
        if !self.is_serving(client) {
            if let Sessions::Needed { stray: Stray::Abort, .. } = self.model.sessions {
                self.respond(now + self.model.delay, client, parts.number, BLOCK_RESPONSE, &[ABORT]);
            }
            return Some(());
        }
        if self.is_overloaded(now, client, parts.number) {
            return Some(());
        }
        self.extend(now, client);
        self.requests = self.requests.wrapping_add(1);
        if let Some(BusyWait { every, seconds }) = self.model.busy
            && self.requests.is_multiple_of(every)
        {
            let wait = [&[WAIT_FOR_DATA][..], &[0; 4], &seconds.to_le_bytes(), &[0; 2]].concat();
            self.respond(now + self.model.delay, client, parts.number, BLOCK_RESPONSE, &wait);
            return Some(());
        }
        let at = self.next_block_at(client, now + self.model.delay);
        self.send_block(at, client, parts.number, id, offset, max);
        if let Some(session) = self.sessions.get_mut(&client) {
            session.sending = Some((at, parts.number));
        }
        Some(())
    }

    fn on_page_request(&mut self, now: Micros, client: Node, parts: Parts<'_>) -> Option<()> {
        let mut payload = Bytes(parts.payload);
        let (fields, id, offset, max) = (payload.byte()?, payload.take()?, payload.long()?, payload.byte()?);
        let (size, spacing) = (payload.word()?, payload.word()?);
        if fields & HAS_IEEE != 0 {
            payload.take::<8>()?;
        }
        let (keeps_spacing, least) = match self.model.pages {
            PageService::Ignored => return Some(()),
            PageService::Unsupported => {
                let at = now + self.model.delay;
                self.default_response(at, client, parts.number, PAGE_REQUEST, UNSUP_CLUSTER_COMMAND);
                return Some(());
            }
            PageService::Served { keeps_spacing, least_spacing, .. } => (keeps_spacing, least_spacing),
        };
        if !self.is_serving(client) || self.is_overloaded(now, client, parts.number) {
            return Some(());
        }
        self.extend(now, client);
        let spacing = if keeps_spacing { least.max(Micros::from(spacing) * 1000) } else { least };
        let next = self.next_block_at(client, now + self.model.delay);
        let end = offset.saturating_add(size.into());
        let session = self.sessions.get_mut(&client)?;
        session.page = Some(Page { id, number: parts.number, offset, end, max, spacing, next });
        Some(())
    }

    fn on_end_request(&mut self, now: Micros, client: Node, parts: Parts<'_>) -> Option<()> {
        let at = now + self.model.delay;
        let mut payload = Bytes(parts.payload);
        let status = payload.byte()?;
        let id: RawId = payload.take()?;
        if let Some(refusal) = self.model.unknown_end.filter(|_| !self.sessions.contains_key(&client)) {
            self.default_response(at, client, parts.number, END_REQUEST, refusal);
            return Some(());
        }
        if !self.is_serving(client) {
            return Some(());
        }
        if status == SUCCESS || self.model.orders_failed {
            let file = self.file_for(client).filter(|_| self.model.other_image == OtherImage::AsFile);
            let id = file.map_or(id, |file| file.id);
            let uptime = if self.model.tells_uptime { (now - self.started) / 1000 } else { 0 };
            let current = u32::try_from(uptime).unwrap_or(u32::MAX - self.model.order);
            let then = current + self.model.order;
            let order = [&id[..], &current.to_le_bytes(), &then.to_le_bytes()].concat();
            self.respond(at, client, parts.number, END_RESPONSE, &order);
        } else {
            self.default_response(at, client, parts.number, END_REQUEST, SUCCESS);
        }
        if status != SUCCESS {
            self.fail(now, client);
            return Some(());
        }
        self.ordered.insert(client, true);
        self.starts.retain(|(_, other)| *other != client);
        self.sessions.remove(&client);
        if self.model.notifies_again {
            let (half, frame) =
                (Micros::from(self.model.order) * 500_000, self.notify_frame(FROM_SERVER_QUIET));
            self.due.push((at + half, Sent { to: None, frame, ack: false }));
        }
        Some(())
    }

    /// Returns the least time at which the next block can be sent to the client.
    fn next_block_at(&self, client: Node, at: Micros) -> Micros {
        let last = self.sessions.get(&client).and_then(|session| session.last_block);
        last.map_or(at, |last| at.max(last + self.model.between))
    }

    /// Sends the next block of a page at its time.
    fn send_page_block(&mut self, client: Node) {
        let Some(page) = self.sessions.get(&client).and_then(|session| session.page) else { return };
        let left = page.end.saturating_sub(page.offset);
        let max = page.max.min(u8::try_from(left).unwrap_or(u8::MAX));
        let sent = self.send_block(page.next, client, page.number, page.id, page.offset, max);
        let endless = matches!(self.model.pages, PageService::Served { endless: true, .. });
        let Some(session) = self.sessions.get_mut(&client) else { return };
        let offset = page.offset + u32::from(sent);
        // A page of zero bytes a block would otherwise fill the moment.
        let pause = page.spacing.max(self.model.between).max(5_000);
        let goes_on = offset < page.end && (sent > 0 || endless);
        session.page = goes_on.then_some(Page { offset, next: page.next + pause, ..page });
        if !goes_on {
            self.extend(page.next, client);
        }
    }

    /// Sends a block, and returns its number of data bytes.
    fn send_block(&mut self, at: Micros, client: Node, number: u8, id: RawId, offset: u32, max: u8) -> u8 {
        let serves_any = matches!(self.model.other_image, OtherImage::AsAsked | OtherImage::AsFile);
        let Some(file) = self.file_for(client).filter(|file| serves_any || file.id == id).cloned() else {
            if self.model.other_image == OtherImage::Aborted {
                self.respond(at, client, number, BLOCK_RESPONSE, &[ABORT]);
                return 0;
            }
            self.default_response(at, client, number, BLOCK_REQUEST, NO_IMAGE_AVAILABLE);
            return 0;
        };
        let id = if self.model.other_image == OtherImage::AsFile { file.id } else { id };
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let wanted = usize::from(max.min(self.model.block));
        let mut data: Vec<u8> = file.bytes.iter().skip(start).take(wanted).copied().collect();
        if start > file.bytes.len() && self.model.other_image == OtherImage::AsAsked {
            // Such a request makes the server fail inside, so that it does not answer.
            return 0;
        }
        if self.model.past_the_end {
            // What lies behind a file in flash.
            data.resize(wanted, 0xff);
        } else if data.is_empty() && self.model.other_image == OtherImage::AsFile {
            // The server that serves whatever file it has calls such a request malformed, within the block response.
            self.respond(at, client, number, BLOCK_RESPONSE, &[MALFORMED_COMMAND]);
            self.fail(at, client);
            return 0;
        }
        let len = u8::try_from(data.len()).unwrap_or(u8::MAX);
        let payload = [&[SUCCESS][..], &id, &offset.to_le_bytes(), &[len], &data].concat();
        self.respond(at, client, number, BLOCK_RESPONSE, &payload);
        if let Some(session) = self.sessions.get_mut(&client) {
            session.last_block = Some(at);
        }
        len
    }

    /// Whether a request is dropped because a response or a page to the client is being sent.
    fn is_overloaded(&self, now: Micros, client: Node, number: u8) -> bool {
        let Some(session) = self.sessions.get(&client) else { return false };
        let drops_others = matches!(self.model.pages, PageService::Served { drops_others: true, .. });
        if session.page.is_some() && drops_others {
            return true;
        }
        match (session.sending, self.model.overload) {
            (None, _) | (_, Overload::Answers) => false,
            (Some((until, _)), Overload::Drops) => now <= until,
            (Some((until, before)), Overload::DropsRepeats) => now <= until && number == before,
        }
    }

    /// Returns whether blocks are served to the client now. A server without sessions makes one for its pages.
    fn is_serving(&mut self, client: Node) -> bool {
        match self.model.sessions {
            Sessions::NotNeeded => {
                let session = self.session(Stage::Serving { until: Micros::MAX });
                self.sessions.entry(client).or_insert(session);
                true
            }
            Sessions::Needed { serves_before_query, .. } => self
                .sessions
                .get(&client)
                .is_some_and(|session| serves_before_query || matches!(session.stage, Stage::Serving { .. })),
        }
    }

    /// Restarts the time without requests after which the session ends.
    fn extend(&mut self, now: Micros, client: Node) {
        if let Sessions::Needed { silence, .. } = self.model.sessions
            && let Some(session) = self.sessions.get_mut(&client)
        {
            session.stage = Stage::Serving { until: now + silence };
        }
    }

    /// Ends the session of a client without success. The operator starts the update again later.
    fn fail(&mut self, now: Micros, client: Node) {
        self.sessions.remove(&client);
        if let Sessions::Needed { .. } = self.model.sessions {
            self.starts.push((now + self.again_after, client));
        }
    }

    fn session(&self, stage: Stage) -> Session {
        Session { stage, file: self.file.clone(), sending: None, last_block: None, page: None }
    }

    /// Returns the file that the client is served from.
    fn file_for(&self, client: Node) -> Option<&File> {
        match self.model.sessions {
            Sessions::Needed { keeps_file: true, .. } => self.sessions.get(&client)?.file.as_ref(),
            _ => self.file.as_ref(),
        }
    }

    fn notify_frame(&mut self, control: u8) -> Vec<u8> {
        let number = self.own_number();
        let id = self.file.as_ref().map_or([0xff; 8], |file| file.id);
        let fields: &[u8] = if self.model.long_notify { &id } else { &[] };
        command(control, number, IMAGE_NOTIFY, &[&[0, 100], fields])
    }

    fn own_number(&mut self) -> u8 {
        let number = self.number;
        self.number = self.number.wrapping_add(1);
        number
    }

    fn answer_number(&mut self, of_request: u8) -> u8 {
        match self.model.numbering {
            Numbering::OfRequest => of_request,
            Numbering::Own => self.own_number(),
        }
    }

    fn respond(&mut self, at: Micros, client: Node, number: u8, id: u8, payload: &[u8]) {
        let control = if self.model.asks_default_response { FROM_SERVER } else { FROM_SERVER_QUIET };
        let frame = command(control, self.answer_number(number), id, &[payload]);
        self.due.push((at, Sent { to: Some(client), frame, ack: true }));
    }

    /// A Default Response always has the sequence number of its request, even from a server that numbers its other
    /// answers itself.
    fn default_response(&mut self, at: Micros, client: Node, number: u8, command: u8, status: u8) {
        let frame = default_response(0x18, number, command, status);
        self.due.push((at, Sent { to: Some(client), frame, ack: true }));
    }
}
