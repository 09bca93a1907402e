//! What comes in: who sent it, what it is, and what becomes of it in which state.
//!
//! ```text
//! frame -> direction -> security, delivery -> who sent it -> decode -> state and message -> Step
//!                                                      Step -> Handled, and perhaps a Default Response
//! ```

use crate::link::{Address, DeliveryMode, Meta};
use crate::time::Instant;
use crate::zcl::{
    AttributeCommand, CommandId, DefaultResponse, Direction, Frame, FrameControl, Header, Message, Quirks,
    Status, ToClient,
};

use super::output::{Block, Handled, Ignored, Ticket};
use super::state::State;
use super::{Client, Reply};

/// What a message makes of the state.
pub(super) enum Step<'f, const ISLANDS: usize> {
    /// It was taken, nothing changes.
    Stay,
    /// It was taken.
    Enter(State<ISLANDS>),
    /// It was taken, and these bytes are for the application: its ticket, where they start in the file, and they
    /// themselves.
    Lend(Ticket, u32, &'f [u8]),
    /// It was read, and must be answered as refused.
    Deny(State<ISLANDS>),
    /// It must be answered as malformed.
    Malformed(Ignored),
    /// It is passed over.
    Drop(Ignored),
}

/// What is needed to answer a frame.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    pub(super) meta: Meta,
    header: Header,
}

impl<const ISLANDS: usize> Client<ISLANDS> {
    /// Takes a frame that came in.
    ///
    /// Data to store is lent from `frame`. Only the server in use is heard, that is the node at its network address,
    /// whatever endpoint it sends from; and anybody who asks for attributes. An invalid frame of the server's is
    /// answered as section 6.10 wants by the next [`poll_transmit`](Self::poll_transmit).
    #[inline(never)]
    pub fn handle_frame<'f>(&mut self, now: Instant, meta: Meta, frame: &'f [u8]) -> Handled<'f> {
        let (header, payload) = match Header::decode(frame) {
            Ok(parts) => parts,
            Err(error) => return Handled::Ignored(Ignored::Unreadable(error)),
        };
        if header.direction() == Direction::ToServer {
            return Handled::Ignored(Ignored::NotForClients);
        }
        if self.config.require_aps_security && !meta.aps_security {
            return Handled::Ignored(Ignored::Insecure);
        }
        if self.config.require_unicast && meta.delivery != DeliveryMode::Unicast {
            return Handled::Ignored(Ignored::NotUnicast);
        }
        if header.is_cluster_command() && !self.is_heard(meta.from, header) {
            return Handled::Ignored(Ignored::NotTheServer);
        }
        let answer = Answer { meta, header };
        let quirks = if self.config.strict { Quirks::empty() } else { Quirks::all() };
        let frame = match Frame::decode_payload(&header, payload, quirks) {
            Ok(frame) => frame,
            Err(error) => {
                self.reply(answer, Status::MALFORMED_COMMAND);
                return Handled::Ignored(Ignored::Unreadable(error));
            }
        };
        let step = match frame.message {
            Message::ToClient(message) => self.on_command(now, answer, message),
            Message::Attributes(
                _,
                AttributeCommand::Read(_) | AttributeCommand::Write(_) | AttributeCommand::Discover(_),
            ) => {
                return match meta.delivery {
                    DeliveryMode::Unicast => Handled::ReadAttributes(frame),
                    _ => Handled::Ignored(Ignored::NotUnicast),
                };
            }
            Message::DefaultResponse(..) if meta.from.network != self.config.server.network => {
                Step::Drop(Ignored::NotTheServer)
            }
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

    /// The server in use is heard; where none is known, whoever tells that there may be an image.
    fn is_heard(&self, from: Address, header: Header) -> bool {
        let network = self.config.server.network;
        let told = CommandId(header.command) == CommandId::IMAGE_NOTIFY;
        from.network == network || (network == Address::UNKNOWN.network && told)
    }

    /// The one place that decides by state and message.
    fn on_command<'f>(&mut self, now: Instant, answer: Answer, message: ToClient<'f>) -> Step<'f, ISLANDS> {
        let unicast = answer.meta.delivery == DeliveryMode::Unicast;
        match message {
            ToClient::ImageNotify(notify) => self.on_notify(now, notify, answer.meta.delivery),
            ToClient::UpgradeEnd(order) => self.on_upgrade_end(now, order, answer.meta.delivery),
            _ if !unicast => Step::Drop(Ignored::NotUnicast),
            ToClient::QueryNextImage(response) => self.on_query_response(now, response),
            ToClient::QuerySpecificFile(response) => self.on_specific_response(now, response),
            ToClient::ImageBlock(response) => self.on_block_response(now, answer.header.sequence, response),
        }
    }

    /// A Default Response counts only when it repeats the number of a request that is open: servers send stray ones.
    fn on_default_response<'f>(
        &mut self,
        now: Instant,
        sequence: u8,
        DefaultResponse { command, status }: DefaultResponse,
    ) -> Step<'f, ISLANDS> {
        let open = |exchange: &super::Exchange| exchange.is_waiting() && exchange.carried(sequence);
        let ours = match (&self.state, command) {
            (State::Downloading(download), CommandId::IMAGE_BLOCK_REQUEST) => download.is_block(sequence),
            (State::Downloading(download), CommandId::IMAGE_PAGE_REQUEST) => download.is_page(sequence),
            (state, _) => state.exchange().is_some_and(open),
        };
        match (&self.state, command) {
            _ if !ours => Step::Drop(Ignored::NotExpected),
            (State::Reporting { .. } | State::Ending { .. }, CommandId::UPGRADE_END_REQUEST) => {
                self.on_end_status(now, status)
            }
            // An answer of its own is still to come.
            _ if status == Status::SUCCESS => Step::Drop(Ignored::NotExpected),
            (&State::Querying { wanted, next, .. }, asked) if asked == Self::query_command(wanted) => {
                self.on_no_image(now, status, wanted, next)
            }
            (State::Downloading(_), asked) => self.on_transfer_status(now, asked, status),
            _ => Step::Drop(Ignored::NotExpected),
        }
    }

    fn conclude<'f>(&mut self, answer: Answer, step: Step<'f, ISLANDS>) -> Handled<'f> {
        let handled = match step {
            Step::Stay => Handled::Done,
            Step::Enter(state) => {
                self.enter(state);
                Handled::Done
            }
            Step::Lend(ticket, offset, data) => Handled::Store(Block { ticket, offset, data }),
            Step::Deny(state) => {
                self.enter(state);
                self.reply(answer, Status::NOT_AUTHORIZED);
                return Handled::Ignored(Ignored::NotAuthorized);
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

    /// Answers a command of the cluster, but never one that more than this device got (section 6.10).
    fn reply(&mut self, answer: Answer, status: Status) {
        let Answer { meta, header } = answer;
        if meta.delivery == DeliveryMode::Unicast && header.is_cluster_command() {
            let response = DefaultResponse { command: CommandId(header.command), status };
            let Address { network, endpoint } = meta.from;
            self.replies.push(Reply { network, endpoint, sequence: header.sequence, response });
        }
    }
}
