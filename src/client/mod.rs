//! The device's side, without I/O: a state machine that is fed frames, answers and time, and says what to send, what
//! to do and when to be called again.
//!
//! # How to drive it
//!
//! Methods come in four kinds: `handle_*` take what happened outside, the answers ([`accept`](Client::accept) to
//! [`applied`](Client::applied)) take what the application did, the wishes ([`query`](Client::query),
//! [`abort`](Client::abort)) are the application's own, and `poll_*` give what comes out. **After each input, poll
//! until nothing more comes:**
//!
//! 1. [`poll_transmit`](Client::poll_transmit) until `None`: send each frame.
//! 2. [`poll_event`](Client::poll_event) until `None`: tell whoever wants to know.
//! 3. [`poll_need`](Client::poll_need) until `None`: do it, now or later, and answer with its ticket.
//! 4. [`poll_timeout`](Client::poll_timeout): call [`handle_timeout`](Client::handle_timeout) then, at the latest.
//!
//! Time given must never go back. A call too many does nothing; an answer that comes too late is a
//! [`StaleTicket`] and does nothing either.
//!
//! # Back-pressure
//!
//! [`handle_frame`](Client::handle_frame) lends the data of a block and a ticket. The next block is asked for only after
//! [`stored`](Client::stored) came with that ticket, be it at once or seconds later: storage is never overrun, and there is
//! one machine for blocking and asynchronous storage. Offsets only grow; no byte is lent twice unless storage
//! was [`Busy`](Stored::Busy).
//!
//! # States
//!
//! Idle, querying, deciding, preparing, downloading, verifying, ending, waiting, counting down, applying; a fault leads over a
//! report to the server back to idle. No failure is forgotten: [`Event::Ended`] says why, and it alone.

mod application;
mod config;
mod finish;
mod output;
mod query;
mod random;
mod retransmit;
mod state;
#[cfg(test)]
mod tests;
mod transfer;

pub use config::{Config, Identity, Unanswered};
pub use output::{
    Applied, Block, Busy, Event, Handled, Ignored, Need, Outcome, Passed, Prepared, StaleTicket, Stored,
    Ticket, Verdict, Waiting,
};

use crate::codec::Encode;
use crate::fifo::Fifo;
use crate::link::{Address, DeliveryMode, Meta, Transmit};
use crate::time::{Instant, UtcTime};
use crate::types::ImageId;
use crate::zcl::{
    BlockData, CommandId, DefaultResponse, Direction, Frame, FrameControl, Header, ImageBlockRequest,
    ImageOffer, LONGEST_TO_SERVER, Message, QueryNextImageRequest, Quirks, Status, ToClient, ToServer,
    UpgradeEndRequest,
};

use random::Random;
use retransmit::{Exchange, RoundTrip};
use state::{Download, Fetch, State};

/// Room for the longest frame a client sends; an array, so that there is always enough.
pub type TxBuffer = [u8; LONGEST_TO_SERVER];

/// An OTA Upgrade client for one image of one device. See the [module](self) for how to drive it.
#[derive(Clone, Debug)]
pub struct Client {
    config: Config,
    state: State,
    /// Counts changes of state; a ticket is its value when the question was asked.
    generation: u32,
    /// The generation whose need was handed out.
    announced: u32,
    sequence: u8,
    random: Random,
    round_trip: RoundTrip,
    repeated: u32,
    /// The own clock, and when it was told.
    utc: Option<(Instant, UtcTime)>,
    replies: Fifo<Reply, 2>,
    events: Fifo<Event, 3>,
}

/// A Default Response to send.
#[derive(Clone, Copy, Debug)]
struct Reply {
    to: Address,
    sequence: u8,
    response: DefaultResponse,
}

/// What a message makes of the state.
enum Step<'f> {
    /// It was taken, nothing changes.
    Stay,
    /// It was taken.
    Enter(State),
    /// It was taken, and its data is for the application.
    Lend(State, BlockData<'f>),
    /// It must be answered as malformed.
    Malformed(Ignored),
    /// It is passed over.
    Drop(Ignored),
}

/// How far a download has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is downloaded.
    pub offer: ImageOffer,
    /// Bytes stored, of `offer.size`.
    pub received: u32,
}

impl Client {
    /// A client that starts its first query `config.first_query` after `now`.
    ///
    /// `seed` feeds the jitter of notifies, and that alone: give each device its own, such as its address.
    #[must_use]
    pub fn new(config: Config, seed: u64, now: Instant) -> Self {
        Self {
            config,
            state: State::Idle { query_at: config.query_interval.map(|_| now.plus(config.first_query)) },
            generation: 0,
            announced: 0,
            sequence: 0,
            random: Random::new(seed),
            round_trip: RoundTrip::new(),
            repeated: 0,
            utc: None,
            replies: Fifo::new(),
            events: Fifo::new(),
        }
    }

    /// Takes a frame that came in.
    ///
    /// Data to store is lent from `frame`. Only the server in use is heard: the node at the network address of
    /// `config.server`, whatever endpoint it sends from. An invalid frame of its is answered as section 6.10 wants by
    /// the next [`poll_transmit`](Self::poll_transmit).
    pub fn handle_frame<'f>(&mut self, now: Instant, meta: Meta, frame: &'f [u8]) -> Handled<'f> {
        let (header, payload) = match Header::decode(frame) {
            Ok(parts) => parts,
            Err(error) => return Handled::Ignored(Ignored::Unreadable(error)),
        };
        if header.direction() == Direction::ToServer {
            return Handled::Ignored(Ignored::NotForClients);
        }
        if meta.from.network != self.config.server.network {
            return Handled::Ignored(Ignored::NotTheServer);
        }
        let answer = Answer { meta, header };
        let frame = match Frame::decode_payload(&header, payload, Quirks::all()) {
            Ok(frame) => frame,
            Err(error) => {
                self.reply(answer, Status::MALFORMED_COMMAND);
                return Handled::Ignored(Ignored::Unreadable(error));
            }
        };
        let step = match frame.message {
            Message::ToClient(message) => self.on_command(now, answer, message),
            Message::DefaultResponse(_, response) => self.on_default_response(now, header.sequence, response),
            Message::Other(_) if header.is_cluster_command() => {
                self.reply(answer, Status::UNSUP_CLUSTER_COMMAND);
                Step::Drop(Ignored::Unsupported)
            }
            Message::Attributes(..) | Message::Other(_) | Message::ToServer(_) => {
                Step::Drop(Ignored::NotForClients)
            }
        };
        if frame.deviations.quirks.contains(Quirks::ABORT_WITH_MORE) {
            self.reply(answer, Status::MALFORMED_COMMAND);
        }
        self.conclude(answer, step)
    }

    /// The one place that decides by state and message.
    fn on_command<'f>(&mut self, now: Instant, answer: Answer, message: ToClient<'f>) -> Step<'f> {
        let unicast = answer.meta.delivery == DeliveryMode::Unicast;
        match message {
            ToClient::ImageNotify(notify) => self.on_notify(now, notify, answer.meta.delivery),
            ToClient::UpgradeEnd(order) => self.on_upgrade_end(now, order),
            ToClient::QueryNextImage(_) | ToClient::ImageBlock(_) if !unicast => {
                Step::Drop(Ignored::NotUnicast)
            }
            ToClient::QueryNextImage(response) => self.on_query_response(response),
            ToClient::ImageBlock(response) => self.on_block_response(now, answer.header.sequence, response),
            // Nobody asked for such a file.
            ToClient::QuerySpecificFile(_) => {
                self.reply(answer, Status::UNSUP_CLUSTER_COMMAND);
                Step::Drop(Ignored::Unsupported)
            }
        }
    }

    /// A Default Response counts only when it repeats the number of a request that is open: servers send stray ones.
    fn on_default_response(
        &mut self,
        now: Instant,
        sequence: u8,
        response: DefaultResponse,
    ) -> Step<'static> {
        let ours = self.state.exchange().is_some_and(|exchange| exchange.sent_at(sequence).is_some());
        let DefaultResponse { command, status } = response;
        match (self.state, command) {
            _ if !ours => Step::Drop(Ignored::NotExpected),
            (State::Reporting { .. } | State::Ending { .. }, CommandId::UPGRADE_END_REQUEST) => {
                self.on_end_status(now, status)
            }
            // An answer of its own is still to come.
            _ if status == Status::SUCCESS => Step::Drop(Ignored::NotExpected),
            (State::Querying { next, .. }, CommandId::QUERY_NEXT_IMAGE_REQUEST) => {
                self.no_image(Some(status), next)
            }
            (State::Downloading(download), CommandId::IMAGE_BLOCK_REQUEST) => {
                self.on_refusal(now, download, status)
            }
            _ => Step::Drop(Ignored::NotExpected),
        }
    }

    fn conclude<'f>(&mut self, answer: Answer, step: Step<'f>) -> Handled<'f> {
        let handled = match step {
            Step::Stay => Handled::Done,
            Step::Enter(state) => {
                self.enter(state);
                Handled::Done
            }
            Step::Lend(state, block) => {
                self.enter(state);
                let ticket = Ticket(self.generation);
                Handled::Store(Block { ticket, offset: block.offset, data: block.data.get() })
            }
            Step::Malformed(why) => {
                self.reply(answer, Status::MALFORMED_COMMAND);
                return Handled::Ignored(why);
            }
            Step::Drop(why) => return Handled::Ignored(why),
        };
        if !answer.header.control.contains(FrameControl::DISABLE_DEFAULT_RESPONSE) {
            self.reply(answer, Status::SUCCESS);
        }
        handled
    }

    /// The one place that assigns the state.
    fn enter(&mut self, state: State) {
        self.state = state;
        self.generation = self.generation.wrapping_add(1);
    }

    /// Answers a command of the cluster, but never one that more than this device got (section 6.10).
    fn reply(&mut self, answer: Answer, status: Status) {
        let Answer { meta, header } = answer;
        if meta.delivery == DeliveryMode::Unicast && header.is_cluster_command() {
            let response = DefaultResponse { command: CommandId(header.command), status };
            self.replies.push(Reply { to: meta.from, sequence: header.sequence, response });
        }
    }

    /// Does what is due. A call before [`poll_timeout`](Self::poll_timeout) does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.state.deadline().is_none_or(|at| now < at) {
            return;
        }
        match self.state {
            State::Idle { .. } => self.enter(self.asking(now)),
            State::CountingDown { id, .. } => self.enter(State::Applying { id }),
            State::Waiting { id, .. } => self.enter(State::Ending { id, exchange: Exchange::due(now) }),
            _ => self.handle_overdue(now),
        }
    }

    /// A request that nobody answered is given up or sent again.
    fn handle_overdue(&mut self, now: Instant) {
        let Some(exchange) = self.state.exchange_mut().filter(|exchange| exchange.is_overdue(now)) else {
            return;
        };
        let attempts = exchange.attempts();
        exchange.again(now);
        let next = match self.state {
            State::Querying { next, .. } if attempts >= self.config.query_attempts => {
                self.events.push(Event::NoImage(None));
                Some(State::Idle { query_at: next })
            }
            State::Downloading(Download { offer, .. }) if attempts >= self.config.block_attempts => {
                Some(reporting(now, offer.id, Status::ABORT, Outcome::ServerSilent))
            }
            _ => self.end_unanswered(now, attempts),
        };
        if let Some(state) = next {
            self.enter(state);
        }
    }

    /// Writes the next frame to send, if there is one, to the start of `buf`.
    ///
    /// May have more after any other call, and at [`poll_timeout`](Self::poll_timeout).
    pub fn poll_transmit(&mut self, now: Instant, buf: &mut TxBuffer) -> Option<Transmit> {
        if let Some(Reply { to, sequence, response }) = self.replies.pop() {
            let frame = Frame::default_response(sequence, Direction::ToServer, response);
            return Some(unicast(to, frame.encode(buf).ok()?));
        }
        let exchange = self.state.exchange().filter(|exchange| exchange.is_due(now))?;
        let attempts = exchange.attempts();
        let request = self.request()?;
        let sequence = self.sequence;
        let len = Frame::to_server(sequence, request).encode(buf).ok()?;
        let timeout =
            self.link(&request).timeout(self.config.first_timeout, self.config.max_timeout, attempts);
        self.state.exchange_mut()?.sent(now, sequence, timeout);
        self.sequence = sequence.wrapping_add(1);
        self.repeated = self.repeated.saturating_add(u32::from(attempts > 0));
        Some(unicast(self.config.server, len))
    }

    /// The request that the state wants sent.
    fn request(&self) -> Option<ToServer> {
        let Config { identity, max_data, .. } = self.config;
        Some(match self.state {
            State::Querying { .. } => ToServer::QueryNextImage(QueryNextImageRequest {
                current: identity.current,
                hardware: identity.hardware,
            }),
            State::Downloading(Download { offer, received, .. }) => ToServer::ImageBlock(ImageBlockRequest {
                id: offer.id,
                offset: received,
                max_data: max_data.get(),
                node: None,
                min_block_period: None,
            }),
            State::Reporting { id, status, .. } => ToServer::UpgradeEnd(UpgradeEndRequest { status, id }),
            State::Ending { id, .. } => {
                ToServer::UpgradeEnd(UpgradeEndRequest { status: Status::SUCCESS, id })
            }
            _ => return None,
        })
    }

    /// What is known of how long the answer takes: the round trip of blocks says nothing of a decision.
    fn link(&self, request: &ToServer) -> RoundTrip {
        match request {
            ToServer::ImageBlock(_) => self.round_trip,
            _ => RoundTrip::new(),
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) and [`poll_transmit`](Self::poll_transmit); `None` while
    /// the client waits for somebody else only. May change with any other call.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.state.deadline()
    }

    /// What happened since the last call, the oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// What the application is to do, once. The client waits until it answers.
    pub fn poll_need(&mut self) -> Option<Need> {
        if self.announced == self.generation {
            return None;
        }
        let ticket = Ticket(self.generation);
        let need = match self.state {
            State::Deciding { offer } => Need::Decide(ticket, offer),
            State::Preparing { offer } => Need::Prepare(ticket, offer),
            State::Verifying { offer } => Need::Verify(ticket, offer),
            State::Applying { id } => Need::Apply(ticket, id),
            _ => return None,
        };
        self.announced = self.generation;
        Some(need)
    }

    /// What the client waits for.
    #[must_use]
    pub fn waiting_for(&self) -> Waiting {
        match &self.state {
            State::Deciding { .. }
            | State::Preparing { .. }
            | State::Verifying { .. }
            | State::Applying { .. }
            | State::Downloading(Download { fetch: Fetch::Storing { .. }, .. }) => Waiting::Application,
            state if state.exchange().is_some_and(Exchange::is_waiting) => Waiting::Server,
            _ => Waiting::Time,
        }
    }

    /// How far the download has come; `None` outside of one.
    #[must_use]
    pub const fn progress(&self) -> Option<Progress> {
        match &self.state {
            State::Downloading(download) => {
                Some(Progress { offer: download.offer, received: download.received })
            }
            _ => None,
        }
    }

    /// Requests sent again because no answer came in time, since the start.
    #[must_use]
    pub const fn requests_repeated(&self) -> u32 {
        self.repeated
    }

    /// Who the device is; after an upgrade with the new version.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.config.identity
    }

    fn utc(&self, now: Instant) -> Option<UtcTime> {
        self.utc.map(|(told, utc)| utc.running(told, now))
    }

    /// A query from now on.
    fn asking(&self, now: Instant) -> State {
        State::Querying { exchange: Exchange::due(now), next: self.next_query(now) }
    }

    /// Idle until the next query is due.
    fn resting(&self, now: Instant) -> State {
        State::Idle { query_at: self.next_query(now) }
    }

    fn next_query(&self, now: Instant) -> Option<Instant> {
        self.config.query_interval.map(|interval| now.plus(interval))
    }

    /// The upgrade is over.
    fn end(&mut self, now: Instant, outcome: Outcome) {
        self.events.push(Event::Ended(outcome));
        self.enter(self.resting(now));
    }
}

/// What is needed to answer a frame.
#[derive(Clone, Copy)]
struct Answer {
    meta: Meta,
    header: Header,
}

/// The upgrade failed; the server is told before it ends.
fn reporting(now: Instant, id: ImageId, status: Status, outcome: Outcome) -> State {
    State::Reporting { id, status, outcome, exchange: Exchange::due(now) }
}

fn unicast(to: Address, len: usize) -> Transmit {
    Transmit { to, len, delivery: DeliveryMode::Unicast, aps_ack: true }
}
