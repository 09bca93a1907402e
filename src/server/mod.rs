//! Server of the OTA Upgrade cluster: it offers images, serves their blocks, and says when to upgrade. Sections refer to
//! ZigBee document 095264 (2011).
//!
//! The server does no input or output, contains no image and reads no clock. Radio, files and decisions are the caller's:
//!
//! ```text
//!   frame in         ImageStore    ServerPolicy                       frame out
//!      |                  |          |                              ^
//!      v                  v          v                              |
//!   handle_frame(now, meta, frame, images, policy, out) -----> ServerAction::Reply(Transmit)
//!      |                                        |
//!      |                                        +------------> ServerAction::Deferred(Deferred)
//!      |                                                            |  the caller reads
//!      |                                                            v
//!      |                      answer(now, deferred, data, out) -> Transmit
//!      v
//!   poll_event() -> ServerEvent        notify, release, hold, read_status, abort_page -> Transmit
//!   poll_timeout() -> Instant    poll_transmit(now, images, out) -> Transmit, for the blocks of pages
//! ```
//!
//! - Input: [`handle_frame`](Server::handle_frame) for each frame of the cluster that the node receives, also those for a
//!   client; [`answer`](Server::answer) for deferred requests; [`handle_timeout`](Server::handle_timeout) at the deadline of
//!   [`poll_timeout`](Server::poll_timeout); [`handle_delivery`](Server::handle_delivery) for the stack's delivery reports;
//!   [`set_utc`](Server::set_utc).
//! - Output: the [`Transmit`] that a call returns. Its bytes are in the `out` that the caller lent, and are sent before
//!   `out` is lent again. After each call: [`poll_transmit`](Server::poll_transmit) and [`poll_event`](Server::poll_event)
//!   until they return `None`.
//! - Commands of the caller: [`notify`](Server::notify), [`release`](Server::release), [`hold`](Server::hold),
//!   [`read_status`](Server::read_status), [`abort_page`](Server::abort_page).
//! - State: [`session`](Server::session), [`sessions`](Server::sessions),
//!   [`is_ready_to_upgrade`](Server::is_ready_to_upgrade).
//!
//! `now` must not go back from call to call.
//!
//! **Block service is a function.** A request for a block contains all that its answer needs, and is answered at once, in
//! any order, from any client, for any number of clients (section 6.1). [`serve_block`] is that function alone. Sessions are
//! optional: they store statistics, page state and rate limits for recently seen clients. A server with zero slots still
//! serves blocks.
//!
//! **A failed delivery is an input**, and ends no session: only the Upgrade End Request of the client or a timeout does.
//!
//! | request | answer | or a Default Response with |
//! |---|---|---|
//! | Query Next Image | Query Next Image Response | MALFORMED_COMMAND |
//! | Image Block | Image Block Response: data, WAIT_FOR_DATA, ABORT | NO_IMAGE_AVAILABLE, MALFORMED_COMMAND |
//! | Image Page | several Image Block Responses | those of Image Block, UNSUP_CLUSTER_COMMAND |
//! | Upgrade End, SUCCESS | Upgrade End Response | the status of [`UpgradeDecision`], MALFORMED_COMMAND |
//! | Upgrade End, any other status | | SUCCESS, MALFORMED_COMMAND |
//! | Query Specific File | Query Specific File Response | MALFORMED_COMMAND, UNSUP_CLUSTER_COMMAND |
//! | any other command | | UNSUP_CLUSTER_COMMAND |
//! | Default Response | none | none |
//!
//! Responses repeat the sequence number of the request, ask for an APS acknowledgement (except the blocks of a page), and
//! are sent with APS security if the request was. Requests by broadcast or multicast get no response.
//!
//! ```
//! use zigbee_ota::file::{FileHeader, FileWriter};
//! use zigbee_ota::aps::{Address, FrameMeta};
//! use zigbee_ota::server::{SliceStore, ServerConfig, StoreEntry, ServerEvent, ServerAction, Server, Session, StandardPolicy};
//! use zigbee_ota::{Encode, ImageId, time::Instant, zcl};
//!
//! let id = ImageId::new(0x1001, 0x00ab, 0x1005_3519);
//! let writer = FileWriter::new(FileHeader::new(id), &[])?;
//! let mut file = [0; 56];
//! writer.encode(&mut file)?;
//!
//! let entries = [StoreEntry::parse(&file)?];
//! let mut images = SliceStore::new(&entries)?;
//! let mut server = Server::new(ServerConfig::default(), [Session::EMPTY; 4]);
//! let mut out = [0; zcl::LONGEST_TO_CLIENT];
//!
//! // Image Block Request for the first 4 bytes.
//! let frame = [1, 7, 3, 0, 0x01, 0x10, 0xab, 0x00, 0x19, 0x35, 0x05, 0x10, 0, 0, 0, 0, 4];
//! let (now, client) = (Instant::ZERO, Address::new(0x1234, 1));
//! let handled =
//!     server.handle_frame(now, FrameMeta::unicast(client), &frame, &mut images, &mut StandardPolicy::default(), &mut out);
//! let ServerAction::Reply(transmit) = handled else { panic!("{handled:?}") };
//! assert_eq!(transmit.to, client);
//! assert_eq!(out[..4], [0x19, 7, 5, 0]);
//! assert_eq!(out[17..transmit.len], [0x1e, 0xf1, 0xee, 0x0b]);
//! assert_eq!(server.poll_event(), Some(ServerEvent::Started { client, id }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clock;
mod config;
pub mod espressif;
mod event;
#[cfg(feature = "std")]
mod folder_store;
mod image_block;
mod image_notify;
mod image_page;
mod image_store;
pub(crate) mod lookup;
mod model_overrides;
#[cfg(feature = "alloc")]
mod owned_store;
mod policy;
mod query_next_image;
mod query_specific_file;
mod rate_limit;
mod response_frame;
mod session;
mod session_table;
mod slice_store;
mod slot_store;
#[cfg(test)]
mod tests;
mod timers;
mod upgrade_end;

pub use config::ServerConfig;
pub use event::{RequestFault, ServerEvent};
#[cfg(feature = "std")]
pub use folder_store::{FolderError, FolderStore};
pub use image_block::{Deferred, NotReady, serve_block};
pub use image_store::{ImageInfo, ImageStore, ReadResult};
pub use lookup::AddError;
pub use model_overrides::{DEVICE_OVERRIDES, DeviceOverride};
#[cfg(feature = "alloc")]
pub use owned_store::OwnedStore;
pub use policy::{
    OfferedVersions, PaceDecision, QueryDecision, ServerPolicy, StandardPolicy, UpgradeDecision,
};
pub use session::{Session, SessionPhase, SessionProgress};
pub use slice_store::{SliceStore, StoreEntry};
pub use slot_store::SlotStore;

use crate::aps::{Address, DeliveryMode, FrameMeta, Transmit};
use crate::error::DecodeError;
use crate::fifo::Fifo;
use crate::time::{Instant, UtcTime};
use crate::zcl::{
    self, AttributeCommand, ClientStatus, CommandId, Direction, Frame, FrameHeader, ImageBlockRequest,
    Message, Status, ToServer,
};
use clock::Clock;
use image_block::BlockQuery;
use rate_limit::TokenBucket;
use response_frame::RequestContext;
use session_table::SessionTable;

/// Buffer for one frame of a server. An array of the length of the longest frame, so that every frame fits.
pub type ResponseBuffer = [u8; zcl::LONGEST_TO_CLIENT];

/// Memory for sessions that the caller lends: `[Session; N]`, `&mut [Session]` or a `Vec<Session>`. The server uses all its
/// slots, up to 65,528, the number of unicast addresses of one network.
pub trait SessionSlots: AsRef<[Session]> + AsMut<[Session]> {}

impl<T: AsRef<[Session]> + AsMut<[Session]>> SessionSlots for T {}

/// Server of the OTA Upgrade cluster, with the contract of the [module](self).
#[doc(alias("OTA provider", "ota server", "zb_zcl_ota_upgrade_init_server"))]
#[derive(Clone, Debug)]
pub struct Server<S> {
    config: ServerConfig,
    table: SessionTable<S>,
    clock: Clock,
    /// Sequence number of the next unsolicited frame.
    sequence: u8,
    bucket: TokenBucket,
    /// Events to poll; one call adds at most four.
    events: Fifo<ServerEvent, 8>,
}

/// Result of [`Server::handle_frame`]. Exhaustive: a caller that ignored one of these would leave a client without its
/// answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "there may be a frame to send"]
pub enum ServerAction {
    /// The answer to send.
    Reply(Transmit),
    /// Request for a block whose data the store reads later; answer it with [`Server::answer`].
    Deferred(Deferred),
    /// The frame was handled and needs no answer.
    Done,
    /// The frame is not for a server of the cluster; it changed nothing.
    Ignored(ServerIgnored),
}

/// Reason why a server ignored a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ServerIgnored {
    /// The ZCL header is truncated, or a frame other than a command of the cluster cannot be decoded.
    #[error(transparent)]
    Unreadable(#[from] DecodeError),
    /// The frame came by broadcast or multicast: many servers would answer at once.
    #[error("not sent to this node alone")]
    NotUnicast,
    /// The frame is for a client.
    #[error("sent from a server to a client")]
    ToClient,
    /// The command is manufacturer specific.
    #[error("manufacturer specific")]
    ManufacturerSpecific,
    /// The command is a global one other than those for attributes and Default Response, or of a reserved frame type.
    #[error("not a command of the cluster")]
    NotOfCluster,
}

impl<S> Server<S> {
    /// Server without any session. It overwrites the content of the slots.
    pub const fn new(config: ServerConfig, slots: S) -> Self
    where
        S: SessionSlots,
    {
        Self {
            config,
            table: SessionTable::new(slots),
            clock: Clock::Offsets,
            sequence: 0,
            bucket: TokenBucket::NEW,
            events: Fifo::new(),
        }
    }

    /// Sets the clock: later responses contain times in UTC, counted from `utc` now. `None` removes the clock: responses
    /// contain offsets, as before the first call. Several clients in the field misread times in UTC (section 6.13).
    ///
    /// The clock advances with the `now` of later calls; set it again if it is adjusted.
    pub fn set_utc(&mut self, now: Instant, utc: Option<UtcTime>) {
        self.clock = match utc {
            None => Clock::Offsets,
            Some(utc) => Clock::Utc { set_at: now, utc },
        };
    }

    /// Returns the oldest event. The queue has room for eight; poll it after each call.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        self.events.pop()
    }
}

impl<S: SessionSlots> Server<S> {
    /// Handles a frame from the radio. `out` contains the bytes of the answer if the result is [`ServerAction::Reply`];
    /// otherwise its content is unspecified.
    ///
    /// Malformed and repeated frames have no effect on later ones.
    pub fn handle_frame(
        &mut self,
        now: Instant,
        meta: FrameMeta,
        frame: &[u8],
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl ServerPolicy + ?Sized),
        out: &mut ResponseBuffer,
    ) -> ServerAction {
        // Fast path for the most frequent request in its usual form; any other frame is decoded from the start by
        // `handle_any_frame`, which must do the same for this one.
        if meta.delivery == DeliveryMode::Unicast
            && let Some((_, sequence, request)) = ImageBlockRequest::read_plain(frame)
        {
            self.table.cache_slot_of(meta.from);
            let query =
                BlockQuery { context: RequestContext::new(&meta, sequence), request: &request, page: None };
            let handled = self.answer_data_request(now, query, images, policy, out);
            self.record_frame_from(now, meta.from);
            return handled;
        }
        self.handle_any_frame(now, meta, frame, images, policy, out)
    }

    /// Handles any frame, without the fast path of [`handle_frame`](Self::handle_frame).
    #[inline(never)]
    fn handle_any_frame(
        &mut self,
        now: Instant,
        meta: FrameMeta,
        frame: &[u8],
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl ServerPolicy + ?Sized),
        out: &mut ResponseBuffer,
    ) -> ServerAction {
        let (header, payload) = match FrameHeader::decode(frame) {
            Ok(read) => read,
            Err(error) => return ServerAction::Ignored(ServerIgnored::Unreadable(error)),
        };
        if meta.delivery != DeliveryMode::Unicast {
            return ServerAction::Ignored(ServerIgnored::NotUnicast);
        }
        if header.direction() == Direction::ToClient {
            return ServerAction::Ignored(ServerIgnored::ToClient);
        }
        self.table.cache_slot_of(meta.from);
        let context = RequestContext::new(&meta, header.sequence);
        let command = CommandId(header.command);
        let frame = Frame::decode_payload(&header, payload, self.config.quirks);
        let handled = match frame.as_ref().map(|frame| &frame.message) {
            Ok(Message::ToServer(ToServer::QueryNextImage(request))) => {
                ServerAction::Reply(self.answer_query_next_image(now, context, request, images, policy, out))
            }
            Ok(Message::ToServer(ToServer::ImageBlock(request))) => self.answer_data_request(
                now,
                BlockQuery { context, request, page: None },
                images,
                policy,
                out,
            ),
            Ok(Message::ToServer(ToServer::UpgradeEnd(request))) => {
                self.answer_upgrade_end(now, context, header.control, *request, policy, out)
            }
            Ok(Message::ToServer(ToServer::ImagePage(request))) => {
                self.answer_image_page(now, context, request, images, policy, out)
            }
            Ok(Message::ToServer(ToServer::QuerySpecificFile(request))) => ServerAction::Reply(
                self.answer_query_specific_file(now, context, request, images, policy, out),
            ),
            // Malformed requests of unsupported commands get the answer of well-formed ones.
            Err(_) if header.is_cluster_command() && !self.supports(command) => {
                ServerAction::Reply(context.default_response(command, Status::UNSUP_CLUSTER_COMMAND, out))
            }
            Ok(Message::DefaultResponse(_, response)) => {
                let (command, status) = (response.command, response.status);
                self.events.push(ServerEvent::DefaultResponse { client: context.client, command, status });
                ServerAction::Done
            }
            Ok(Message::Other(_)) if header.is_cluster_command() => {
                ServerAction::Reply(context.default_response(command, Status::UNSUP_CLUSTER_COMMAND, out))
            }
            Ok(Message::Other(_)) if header.manufacturer.is_some() => {
                ServerAction::Ignored(ServerIgnored::ManufacturerSpecific)
            }
            Ok(Message::Attributes(_, AttributeCommand::ReadResponse(response))) => {
                match ClientStatus::from_response(*response) {
                    Ok(report) => {
                        self.events.push(ServerEvent::StatusReport { client: context.client, report });
                        ServerAction::Done
                    }
                    Err(error) => ServerAction::Ignored(ServerIgnored::Unreadable(error)),
                }
            }
            // A server has no attributes: all commands for them are answered with an error (section 6.7).
            Ok(Message::Attributes(direction, command)) => {
                let frame = Frame::attributes(context.sequence, *direction, *command);
                match zcl::answer_as_server(&frame, out) {
                    Ok(Some(len)) => ServerAction::Reply(context.transmit(len, 0)),
                    _ => ServerAction::Ignored(ServerIgnored::NotOfCluster),
                }
            }
            Ok(Message::Other(_)) => ServerAction::Ignored(ServerIgnored::NotOfCluster),
            Ok(Message::ToClient(_)) => ServerAction::Ignored(ServerIgnored::ToClient),
            Err(error) if header.is_cluster_command() => {
                ServerAction::Reply(self.respond_malformed(context, command, (*error).into(), out))
            }
            Err(error) => ServerAction::Ignored(ServerIgnored::Unreadable(*error)),
        };
        // Last: the policy reads from the session when the previous frame came.
        self.record_frame_from(now, meta.from);
        handled
    }

    /// Session of a client; `None` without one.
    #[must_use]
    pub fn session(&self, client: Address) -> Option<&Session> {
        self.table.session_of(client)
    }

    /// All sessions, in no particular order.
    pub fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.table.sessions()
    }

    /// Returns whether the server supports a command of the cluster.
    fn supports(&self, command: CommandId) -> bool {
        match command {
            CommandId::IMAGE_PAGE_REQUEST => self.config.max_pages > 0 && self.table.has_capacity(),
            CommandId::QUERY_SPECIFIC_FILE_REQUEST => self.config.query_specific_file,
            _ => true,
        }
    }

    /// Answers `command` with MALFORMED_COMMAND.
    fn respond_malformed(
        &mut self,
        context: RequestContext,
        command: CommandId,
        fault: RequestFault,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        self.events.push(ServerEvent::Malformed { client: context.client, fault });
        context.default_response(command, Status::MALFORMED_COMMAND, out)
    }
}
