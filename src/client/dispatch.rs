//! What comes in: who sent it, what it is, and what becomes of it in which state.
//!
//! ```text
//! frame -> direction -> security, delivery -> who sent it -> decode -> state and message -> Transition
//!                                                      Transition -> ClientAction, and perhaps a Default Response
//! ```

use crate::aps::{Address, DeliveryMode, FrameMeta};
use crate::time::Instant;
use crate::zcl::{
    AttributeCommand, CommandId, DefaultResponse, Direction, Frame, FrameControl, FrameHeader, Message,
    Quirks, Status, ToClient,
};

use super::output::{Block, ClientAction, ClientIgnored, Ticket};
use super::state::State;
use super::{Client, Reply};

/// What a message makes of the state.
pub(super) enum Transition<'f, const RANGES: usize> {
    /// It was taken, nothing changes.
    Stay,
    /// It was taken.
    Enter(State<RANGES>),
    /// It was taken, and these bytes are for the application: its ticket, where they start in the file, and they
    /// themselves.
    Lend(Ticket, u32, &'f [u8]),
    /// It was read, and must be answered as refused.
    Deny(State<RANGES>),
    /// It must be answered as malformed.
    Malformed(ClientIgnored),
    /// It is passed over.
    Drop(ClientIgnored),
}

/// What is needed to answer a frame.
#[derive(Clone, Copy)]
pub(super) struct ReplyTo {
    pub(super) meta: FrameMeta,
    header: FrameHeader,
}

impl<const RANGES: usize> Client<RANGES> {
    /// Takes a frame that came in.
    ///
    /// Data to store is lent from `frame`. Only the server in use is heard, that is the node at its network address,
    /// whatever endpoint it sends from; and anybody who asks for attributes. An invalid frame of the server's is
    /// answered as section 6.10 wants by the next [`poll_transmit`](Self::poll_transmit).
    #[inline(never)]
    pub fn handle_frame<'f>(&mut self, now: Instant, meta: FrameMeta, frame: &'f [u8]) -> ClientAction<'f> {
        let (header, payload) = match FrameHeader::decode(frame) {
            Ok(parts) => parts,
            Err(error) => return ClientAction::Ignored(ClientIgnored::Unreadable(error)),
        };
        if header.direction() == Direction::ToServer {
            return ClientAction::Ignored(ClientIgnored::NotForClients);
        }
        if self.config.require_aps_security && !meta.aps_security {
            return ClientAction::Ignored(ClientIgnored::Insecure);
        }
        if self.config.require_unicast && meta.delivery != DeliveryMode::Unicast {
            return ClientAction::Ignored(ClientIgnored::NotUnicast);
        }
        if header.is_cluster_command() && !self.is_heard(meta.from, header) {
            return ClientAction::Ignored(ClientIgnored::NotTheServer);
        }
        let answer = ReplyTo { meta, header };
        let quirks = if self.config.strict { Quirks::empty() } else { Quirks::all() };
        let frame = match Frame::decode_payload(&header, payload, quirks) {
            Ok(frame) => frame,
            Err(error) => {
                self.reply(answer, Status::MALFORMED_COMMAND);
                return ClientAction::Ignored(ClientIgnored::Unreadable(error));
            }
        };
        let step = match frame.message {
            Message::ToClient(message) => self.on_command(now, answer, message),
            Message::Attributes(
                _,
                AttributeCommand::Read(_) | AttributeCommand::Write(_) | AttributeCommand::Discover(_),
            ) => {
                return match meta.delivery {
                    DeliveryMode::Unicast => ClientAction::AnswerAttributes(frame),
                    _ => ClientAction::Ignored(ClientIgnored::NotUnicast),
                };
            }
            Message::DefaultResponse(..) if meta.from.network != self.config.server.network => {
                Transition::Drop(ClientIgnored::NotTheServer)
            }
            Message::DefaultResponse(_, response) => self.on_default_response(now, header.sequence, response),
            Message::Other(_) if header.is_cluster_command() => {
                self.reply(answer, Status::UNSUP_CLUSTER_COMMAND);
                Transition::Drop(ClientIgnored::Unsupported)
            }
            Message::Attributes(..) | Message::Other(_) | Message::ToServer(_) => {
                Transition::Drop(ClientIgnored::NotForClients)
            }
        };
        if frame.deviations.quirks.contains(Quirks::ABORT_WITH_MORE) {
            self.reply(answer, Status::MALFORMED_COMMAND);
        }
        self.conclude(answer, step)
    }

    /// The server in use is heard; where none is known, whoever tells that there may be an image.
    fn is_heard(&self, from: Address, header: FrameHeader) -> bool {
        let network = self.config.server.network;
        let told = CommandId(header.command) == CommandId::IMAGE_NOTIFY;
        from.network == network || (network == Address::UNKNOWN.network && told)
    }

    /// The one place that decides by state and message.
    fn on_command<'f>(
        &mut self,
        now: Instant,
        answer: ReplyTo,
        message: ToClient<'f>,
    ) -> Transition<'f, RANGES> {
        let unicast = answer.meta.delivery == DeliveryMode::Unicast;
        match message {
            ToClient::ImageNotify(notify) => self.on_notify(now, notify, answer.meta.delivery),
            ToClient::UpgradeEnd(order) => self.on_upgrade_end(now, order, answer.meta.delivery),
            _ if !unicast => Transition::Drop(ClientIgnored::NotUnicast),
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
    ) -> Transition<'f, RANGES> {
        let open = |exchange: &super::PendingRequest| exchange.is_waiting() && exchange.carried(sequence);
        let ours = match (&self.state, command) {
            (State::Downloading(download), CommandId::IMAGE_BLOCK_REQUEST) => {
                download.has_block_request(sequence)
            }
            (State::Downloading(download), CommandId::IMAGE_PAGE_REQUEST) => {
                download.has_page_request(sequence)
            }
            (state, _) => state.exchange().is_some_and(open),
        };
        match (&self.state, command) {
            _ if !ours => Transition::Drop(ClientIgnored::NotExpected),
            (State::Reporting { .. } | State::Ending { .. }, CommandId::UPGRADE_END_REQUEST) => {
                self.on_end_status(now, status)
            }
            // An answer of its own is still to come.
            _ if status == Status::SUCCESS => Transition::Drop(ClientIgnored::NotExpected),
            (&State::Querying { wanted, next, .. }, asked) if asked == Self::query_command(wanted) => {
                self.on_no_image(now, status, wanted, next)
            }
            (State::Downloading(_), asked) => self.on_transfer_status(now, asked, status),
            _ => Transition::Drop(ClientIgnored::NotExpected),
        }
    }

    fn conclude<'f>(&mut self, answer: ReplyTo, step: Transition<'f, RANGES>) -> ClientAction<'f> {
        let handled = match step {
            Transition::Stay => ClientAction::Done,
            Transition::Enter(state) => {
                self.enter(state);
                ClientAction::Done
            }
            Transition::Lend(ticket, offset, data) => ClientAction::Store(Block { ticket, offset, data }),
            Transition::Deny(state) => {
                self.enter(state);
                self.reply(answer, Status::NOT_AUTHORIZED);
                return ClientAction::Ignored(ClientIgnored::NotAuthorized);
            }
            Transition::Malformed(why) => {
                self.reply(answer, Status::MALFORMED_COMMAND);
                return ClientAction::Ignored(why);
            }
            Transition::Drop(why) => return ClientAction::Ignored(why),
        };
        if !answer.header.control.contains(FrameControl::DISABLE_DEFAULT_RESPONSE) {
            self.reply(answer, Status::SUCCESS);
        }
        handled
    }

    /// Answers a command of the cluster, but never one that more than this device got (section 6.10).
    fn reply(&mut self, answer: ReplyTo, status: Status) {
        let ReplyTo { meta, header } = answer;
        if meta.delivery == DeliveryMode::Unicast && header.is_cluster_command() {
            let response = DefaultResponse { command: CommandId(header.command), status };
            let Address { network, endpoint } = meta.from;
            self.replies.push(Reply { network, endpoint, sequence: header.sequence, response });
        }
    }
}
