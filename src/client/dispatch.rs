//! Dispatch of incoming frames: check of the sender, decoding, choice of the handler by message, and Default Response.
//!
//! ```text
//! frame -> direction -> security, delivery -> sender -> decode -> handler by message and state -> Reaction
//!                                                Reaction -> ClientAction, and a Default Response if required
//! ```
//!
//! Sections refer to ZigBee document 095264 (2011).

use crate::aps::{Address, DeliveryMode, FrameMeta};
use crate::time::Instant;
use crate::zcl::{
    ClientMessage, CommandId, DefaultResponse, Direction, Frame, FrameControl, FrameHeader,
    ImageBlockResponse, Status, ToClient,
};

use super::actions_and_needs::{Block, ClientAction, ClientIgnored, Ticket};
use super::clock_ticks::Ticks;
use super::config::Settings;
use super::request_retry::PendingRequest;
use super::state::{DownloadStage, ImageStage, NoFile, State};
use super::{Client, Reply};

/// Reaction of the client to a message: the work that remains after the handler has changed the state of the client.
pub(super) enum Reaction<'f> {
    /// The client handled the message, and the application has nothing to do.
    Done,
    /// The message holds data of the file for the application: the ticket of the block, the offset of the block in the
    /// file, and the bytes of the block.
    Lend(Ticket, u32, &'f [u8]),
    /// The client refuses the message with NOT_AUTHORIZED.
    Deny,
    /// The message contradicts the request, and the client answers MALFORMED_COMMAND.
    Malformed(ClientIgnored),
    /// The client ignores the message, for the reason in this variant.
    Drop(ClientIgnored),
}

/// Sender and header of a frame, from which the client makes the Default Response to the frame.
#[derive(Clone, Copy)]
pub(super) struct ReplyTo {
    pub(super) meta: FrameMeta,
    header: FrameHeader,
}

impl<const RANGES: usize, S: Settings> Client<RANGES, S> {
    /// Handles an incoming frame of the cluster.
    ///
    /// The block in [`ClientAction::Store`] borrows the data from `frame`. The client accepts commands of the cluster
    /// only from the network address of the server in use, from any endpoint of that node. The client accepts attribute
    /// commands from every node. The next [`poll_transmit`](Self::poll_transmit) returns the Default Response to an
    /// invalid frame (section 6.10).
    #[doc(alias = "block response")]
    #[inline(never)]
    pub fn handle_frame<'f>(&mut self, now: Instant, meta: FrameMeta, frame: &'f [u8]) -> ClientAction<'f> {
        let now = self.ticks(now);
        let Some((header, payload)) = FrameHeader::read(frame) else {
            return ClientAction::Ignored(ClientIgnored::Unreadable);
        };
        if header.direction() == Direction::ToServer {
            return ClientAction::Ignored(ClientIgnored::NotForClients);
        }
        if self.settings.config().require_aps_security && !meta.aps_security {
            return ClientAction::Ignored(ClientIgnored::NoApsSecurity);
        }
        if self.settings.config().require_unicast && meta.delivery != DeliveryMode::Unicast {
            return ClientAction::Ignored(ClientIgnored::NotUnicast);
        }
        if header.is_cluster_command() && !self.accepts_sender(meta.from, header) {
            return ClientAction::Ignored(ClientIgnored::NotFromServer);
        }
        let answer = ReplyTo { meta, header };
        let Some(message) = ClientMessage::read(&header, payload, self.settings.config().strict) else {
            self.note_unreadable_response(CommandId(header.command));
            self.reply(answer, Status::MALFORMED_COMMAND);
            return ClientAction::Ignored(ClientIgnored::Unreadable);
        };
        let reaction = match message {
            ClientMessage::Command(message) => {
                if let (ToClient::ImageBlock(ImageBlockResponse::Abort), [_, _, ..]) = (message, payload) {
                    // The ABORT is valid although bytes follow its status (`Quirks::ABORT_WITH_MORE`).
                    self.reply(answer, Status::MALFORMED_COMMAND);
                }
                self.on_command(now, answer, message)
            }
            ClientMessage::Attributes(command) => {
                return match meta.delivery {
                    DeliveryMode::Unicast => {
                        let sequence = header.sequence;
                        ClientAction::AnswerAttributes(Frame::attributes(
                            sequence,
                            Direction::ToClient,
                            command,
                        ))
                    }
                    _ => ClientAction::Ignored(ClientIgnored::NotUnicast),
                };
            }
            ClientMessage::DefaultResponse(_) if meta.from.network != self.server.network => {
                Reaction::Drop(ClientIgnored::NotFromServer)
            }
            ClientMessage::DefaultResponse(response) => {
                self.on_default_response(now, header.sequence, response)
            }
            ClientMessage::Other if header.is_cluster_command() => {
                self.reply(answer, Status::UNSUP_CLUSTER_COMMAND);
                Reaction::Drop(ClientIgnored::Unsupported)
            }
            ClientMessage::Other => Reaction::Drop(ClientIgnored::NotForClients),
        };
        self.conclude(answer, reaction)
    }

    /// Returns whether the client accepts a command with `header` from the node `from`. The client accepts every
    /// command of the server in use and, while the server is unknown, an Image Notify of any node.
    fn accepts_sender(&self, from: Address, header: FrameHeader) -> bool {
        let network = self.server.network;
        let is_notify = CommandId(header.command) == CommandId::IMAGE_NOTIFY;
        from.network == network || (network == Address::UNKNOWN.network && is_notify)
    }

    /// Calls the handler of the cluster command `message`, whose effect depends on the state of the client.
    fn on_command<'f>(&mut self, now: Ticks, answer: ReplyTo, message: ToClient<'f>) -> Reaction<'f> {
        let unicast = answer.meta.delivery == DeliveryMode::Unicast;
        match message {
            ToClient::ImageNotify(notify) => {
                self.on_notify(now, answer.header.sequence, notify, answer.meta.delivery)
            }
            ToClient::UpgradeEnd(response) => {
                self.on_upgrade_end(now, answer.header.sequence, response, answer.meta.delivery)
            }
            _ if !unicast => Reaction::Drop(ClientIgnored::NotUnicast),
            ToClient::QuerySpecificFile(_) if !S::ABILITIES.specific_files => {
                Reaction::Drop(ClientIgnored::Unexpected)
            }
            ToClient::QueryNextImage(response) => {
                self.on_query_response(now, answer.header.sequence, response)
            }
            ToClient::QuerySpecificFile(response) => {
                self.on_specific_response(now, answer.header.sequence, response)
            }
            ToClient::ImageBlock(response) => self.on_block_response(now, answer.header.sequence, response),
        }
    }

    /// Handles a Default Response. A Default Response is ignored unless its sequence number is that of a request in
    /// flight, because some servers send unrelated Default Responses.
    fn on_default_response<'f>(
        &mut self,
        now: Ticks,
        sequence: u8,
        DefaultResponse { command, status }: DefaultResponse,
    ) -> Reaction<'f> {
        let is_answered = |pending: &PendingRequest| pending.is_in_flight() && pending.has_sequence(sequence);
        if self.open_query_command() == Some(command) && self.open_pending_query().is_some_and(is_answered) {
            // A Default Response SUCCESS only acknowledges the query; the response is still to come.
            if status == Status::SUCCESS {
                return Reaction::Drop(ClientIgnored::Unexpected);
            }
            self.numbering.record_query(true);
            self.on_no_image(now, status);
            return Reaction::Done;
        }
        match (&self.state, command) {
            // A server may serve a page request as a series of block requests, and name the command Image Block Request
            // in its Default Response.
            (
                State::Download(download, DownloadStage::Downloading),
                CommandId::IMAGE_BLOCK_REQUEST | CommandId::IMAGE_PAGE_REQUEST,
            ) if download.has_page_request(sequence) && status != Status::SUCCESS => {
                self.on_transfer_status(now, CommandId::IMAGE_PAGE_REQUEST, status)
            }
            (State::Download(download, DownloadStage::Downloading), CommandId::IMAGE_BLOCK_REQUEST)
                if download.has_block_request(sequence) && status != Status::SUCCESS =>
            {
                self.on_transfer_status(now, command, status)
            }
            (
                State::NoFile(NoFile::Reporting { pending, .. })
                | State::Image(
                    _,
                    ImageStage::Ending { pending, .. }
                    | ImageStage::CountingDown { pending: Some(pending), .. },
                ),
                CommandId::UPGRADE_END_REQUEST,
            ) if is_answered(pending) => self.on_upgrade_end_status(now, status),
            _ => Reaction::Drop(ClientIgnored::Unexpected),
        }
    }

    /// Converts `reaction` to the action that `handle_frame` returns to the application. If the frame requires a
    /// Default Response, the method queues the Default Response for `poll_transmit`.
    fn conclude<'f>(&mut self, answer: ReplyTo, reaction: Reaction<'f>) -> ClientAction<'f> {
        let action = match reaction {
            Reaction::Done => ClientAction::Done,
            Reaction::Lend(ticket, offset, data) => ClientAction::Store(Block { ticket, offset, data }),
            Reaction::Deny => {
                self.reply(answer, Status::NOT_AUTHORIZED);
                return ClientAction::Ignored(ClientIgnored::NotAuthorized);
            }
            Reaction::Malformed(why) => {
                self.reply(answer, Status::MALFORMED_COMMAND);
                return ClientAction::Ignored(why);
            }
            Reaction::Drop(why) => return ClientAction::Ignored(why),
        };
        if !answer.header.control.contains(FrameControl::DISABLE_DEFAULT_RESPONSE) {
            self.reply(answer, Status::SUCCESS);
        }
        action
    }

    /// Queues a Default Response to a command of the cluster. A frame that was sent by broadcast or multicast gets no
    /// Default Response (section 6.10).
    fn reply(&mut self, answer: ReplyTo, status: Status) {
        let ReplyTo { meta, header } = answer;
        if meta.delivery == DeliveryMode::Unicast && header.is_cluster_command() {
            let response = DefaultResponse { command: CommandId(header.command), status };
            let Address { network, endpoint } = meta.from;
            self.replies.push(Reply { network, endpoint, sequence: header.sequence, response });
        }
    }
}
