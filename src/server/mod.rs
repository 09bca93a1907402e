//! The server of the cluster: offers images, serves their blocks, and says when to upgrade.
//!
//! It does no input or output, holds no image and reads no clock. Radio, files and decisions are the caller's:
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
//!      |                      answer(now, parked, data, out) -> Transmit
//!      v
//!   poll_event() -> ServerEvent        notify, release, hold, read_status, abort_page -> Transmit
//!   poll_timeout() -> Instant    poll_transmit(now, images, out) -> Transmit, for the blocks of pages
//! ```
//!
//! - Input: [`handle_frame`](Server::handle_frame) for each frame of the cluster that comes in, whoever it is for;
//!   [`answer`](Server::answer) for what it left parked; [`handle_timeout`](Server::handle_timeout) when
//!   [`poll_timeout`](Server::poll_timeout) has come; [`handle_delivery`](Server::handle_delivery) where the stack
//!   tells; [`set_utc`](Server::set_utc).
//! - Output: the [`Transmit`] that a call returns, whose bytes are in the `out` lent to it, to be sent before `out`
//!   is lent again; [`poll_transmit`](Server::poll_transmit) and [`poll_event`](Server::poll_event) until they are
//!   `None`, after each call.
//! - Wishes: [`notify`](Server::notify), [`release`](Server::release), [`hold`](Server::hold),
//!   [`read_status`](Server::read_status), [`abort_page`](Server::abort_page).
//! - Looking: [`session`](Server::session), [`sessions`](Server::sessions).
//!
//! `now` must not go back from call to call.
//!
//! **Block service is a function.** A request for a block carries all that is needed to answer it, and is answered
//! from that at once, in any order, from any client, however many there are (section 6.1). The slots hold what is
//! nice to know of the clients heard of lately, and what pages and pacing need; no slots at all is a legal number.
//! [`serve_block`] is that function with nothing around it.
//!
//! **A failed delivery is an input**, and nothing that ends a session: only its client ends it, or silence.
//!
//! | request | answer | or a Default Response with |
//! |---|---|---|
//! | Query Next Image | Query Next Image Response | MALFORMED_COMMAND |
//! | Image Block | Image Block Response: data, WAIT_FOR_DATA, ABORT | NO_IMAGE_AVAILABLE, MALFORMED_COMMAND |
//! | Image Page | the same, many times | the same, UNSUP_CLUSTER_COMMAND |
//! | Upgrade End, SUCCESS | Upgrade End Response | what [`UpgradeDecision`] says, MALFORMED_COMMAND |
//! | Upgrade End, any other | | SUCCESS, MALFORMED_COMMAND |
//! | Query Specific File | Query Specific File Response | MALFORMED_COMMAND, UNSUP_CLUSTER_COMMAND |
//! | any other command | | UNSUP_CLUSTER_COMMAND |
//! | Default Response | | never |
//!
//! Answers repeat the request's sequence number, ask for an APS acknowledgement (but for the blocks of a page), come
//! with APS security to who asked with it, and go to nobody who asked by broadcast or multicast.
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
//! // Image Block Request: the first 4 bytes, please.
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
mod device_overrides;
pub mod espressif;
mod event;
#[cfg(feature = "std")]
mod folder_store;
mod image_block;
mod image_notify;
mod image_page;
mod image_store;
pub(crate) mod lookup;
#[cfg(feature = "alloc")]
mod owned_store;
mod policy;
mod query_next_image;
mod query_specific_file;
mod rate_limit;
mod reply;
mod session;
mod session_table;
mod slice_store;
mod slot_store;
#[cfg(test)]
mod tests;
mod timers;
mod upgrade_end;

pub use config::ServerConfig;
pub use device_overrides::{DEVICE_OVERRIDES, DeviceOverride};
pub use event::{RequestFault, ServerEvent};
#[cfg(feature = "std")]
pub use folder_store::{FolderError, FolderStore};
pub use image_block::{Deferred, NotReady, serve_block};
pub use image_store::{ImageInfo, ImageStore, ReadResult};
pub use lookup::AddError;
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
use rate_limit::Bucket;
use reply::RequestContext;
use session_table::Table;

/// Room for the longest frame a server sends: an array, so that there is always enough.
pub type ResponseBuffer = [u8; zcl::LONGEST_TO_CLIENT];

/// What holds the sessions: `[Session; N]`, `&mut [Session]` or a `Vec<Session>`, used as long as it is, up to
/// 65,528, the unicast addresses of one network.
pub trait SessionSlots: AsRef<[Session]> + AsMut<[Session]> {}

impl<T: AsRef<[Session]> + AsMut<[Session]>> SessionSlots for T {}

/// A server; its contract is that of the [module](self).
#[derive(Clone, Debug)]
pub struct Server<S> {
    config: ServerConfig,
    table: Table<S>,
    clock: Clock,
    /// Sequence number of the next frame that answers none.
    sequence: u8,
    bucket: Bucket,
    /// One call leaves four at the most.
    events: Fifo<ServerEvent, 8>,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "there may be a frame to send"]
pub enum ServerAction {
    /// It was answered.
    Reply(Transmit),
    /// It is answered by [`Server::answer`] when there is data.
    Deferred(Deferred),
    /// It needs no answer.
    Done,
    /// It is nothing for a server.
    Ignored(ServerIgnored),
}

/// Why a frame was ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ServerIgnored {
    /// It ends within the ZCL header, or it is no command of the cluster and cannot be read.
    #[error(transparent)]
    Unreadable(#[from] DecodeError),
    /// It came by broadcast or multicast: many servers would answer at once.
    #[error("not sent to this node alone")]
    NotUnicast,
    /// It is for a client.
    #[error("sent from a server to a client")]
    ToClient,
    /// It is a command of a maker's own.
    #[error("manufacturer specific")]
    ManufacturerSpecific,
    /// It is a global command other than Default Response, or of a reserved frame type.
    #[error("not a command of the cluster")]
    NotOfCluster,
}

impl<S> Server<S> {
    /// A server that knows no client yet. What the slots hold is overwritten in time.
    pub const fn new(config: ServerConfig, slots: S) -> Self
    where
        S: SessionSlots,
    {
        Self {
            config,
            table: Table::new(slots),
            clock: Clock::Offsets,
            sequence: 0,
            bucket: Bucket::NEW,
            events: Fifo::new(),
        }
    }
}

impl<S: SessionSlots> Server<S> {
    /// Takes a frame and answers it. `out` holds the answer's bytes when it is [`ServerAction::Reply`], and nothing of
    /// use otherwise.
    ///
    /// Each frame is handled by itself: one that is bad, or comes twice, changes nothing for the next.
    pub fn handle_frame(
        &mut self,
        now: Instant,
        meta: FrameMeta,
        frame: &[u8],
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl ServerPolicy + ?Sized),
        out: &mut ResponseBuffer,
    ) -> ServerAction {
        // What servers are asked for by far the most, and in the usual form, takes the short way.
        if meta.delivery == DeliveryMode::Unicast
            && let Some((_, sequence, request)) = ImageBlockRequest::read_plain(frame)
        {
            self.table.seek(meta.from);
            let wish =
                BlockQuery { asked: RequestContext::new(&meta, sequence), request: &request, page: None };
            let handled = self.data(now, wish, images, policy, out);
            self.heard(now, meta.from);
            return handled;
        }
        self.handle_any(now, meta, frame, images, policy, out)
    }

    /// As [`handle_frame`](Self::handle_frame), by the long way.
    #[inline(never)]
    fn handle_any(
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
        self.table.seek(meta.from);
        let asked = RequestContext::new(&meta, header.sequence);
        let command = CommandId(header.command);
        let frame = Frame::decode_payload(&header, payload, self.config.quirks);
        let handled = match frame.as_ref().map(|frame| &frame.message) {
            Ok(Message::ToServer(ToServer::QueryNextImage(request))) => {
                ServerAction::Reply(self.query(now, asked, request, images, policy, out))
            }
            Ok(Message::ToServer(ToServer::ImageBlock(request))) => {
                self.data(now, BlockQuery { asked, request, page: None }, images, policy, out)
            }
            Ok(Message::ToServer(ToServer::UpgradeEnd(request))) => {
                self.end(now, asked, header.control, *request, policy, out)
            }
            Ok(Message::ToServer(ToServer::ImagePage(request))) => {
                self.page(now, asked, request, images, policy, out)
            }
            Ok(Message::ToServer(ToServer::QuerySpecificFile(request))) => {
                ServerAction::Reply(self.query_device_file(now, asked, request, images, policy, out))
            }
            // Not served, so that it makes no difference how they are formed.
            Err(_) if header.is_cluster_command() && !self.serves(command) => {
                ServerAction::Reply(asked.default_response(command, Status::UNSUP_CLUSTER_COMMAND, out))
            }
            Ok(Message::DefaultResponse(_, response)) => {
                let (command, status) = (response.command, response.status);
                self.events.push(ServerEvent::DefaultResponse { client: asked.client, command, status });
                ServerAction::Done
            }
            Ok(Message::Other(_)) if header.is_cluster_command() => {
                ServerAction::Reply(asked.default_response(command, Status::UNSUP_CLUSTER_COMMAND, out))
            }
            Ok(Message::Other(_)) if header.manufacturer.is_some() => {
                ServerAction::Ignored(ServerIgnored::ManufacturerSpecific)
            }
            Ok(Message::Attributes(_, AttributeCommand::ReadResponse(response))) => {
                match ClientStatus::from_response(*response) {
                    Ok(report) => {
                        self.events.push(ServerEvent::StatusReport { client: asked.client, report });
                        ServerAction::Done
                    }
                    Err(error) => ServerAction::Ignored(ServerIgnored::Unreadable(error)),
                }
            }
            // A server has no attributes, and says so (section 6.7).
            Ok(Message::Attributes(direction, command)) => {
                let frame = Frame::attributes(asked.sequence, *direction, *command);
                match zcl::answer_as_server(&frame, out) {
                    Ok(Some(len)) => ServerAction::Reply(asked.transmit(len, 0)),
                    _ => ServerAction::Ignored(ServerIgnored::NotOfCluster),
                }
            }
            Ok(Message::Other(_)) => ServerAction::Ignored(ServerIgnored::NotOfCluster),
            Ok(Message::ToClient(_)) => ServerAction::Ignored(ServerIgnored::ToClient),
            Err(error) if header.is_cluster_command() => {
                ServerAction::Reply(self.malformed(asked, command, (*error).into(), out))
            }
            Err(error) => ServerAction::Ignored(ServerIgnored::Unreadable(*error)),
        };
        // Last, so that the policy was shown when the client was heard before.
        self.heard(now, meta.from);
        handled
    }

    /// What is remembered of a client; `None` when it has no slot.
    #[must_use]
    pub fn session(&self, client: Address) -> Option<&Session> {
        self.table.get(client)
    }

    /// What is remembered of all clients that have a slot, in no order.
    pub fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.table.sessions()
    }

    /// Whether a command of the cluster is served at all.
    fn serves(&self, command: CommandId) -> bool {
        match command {
            CommandId::IMAGE_PAGE_REQUEST => self.config.max_pages > 0 && self.table.has_slots(),
            CommandId::QUERY_SPECIFIC_FILE_REQUEST => self.config.query_specific_file,
            _ => true,
        }
    }

    fn malformed(
        &mut self,
        asked: RequestContext,
        command: CommandId,
        fault: RequestFault,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        self.events.push(ServerEvent::Malformed { client: asked.client, fault });
        asked.default_response(command, Status::MALFORMED_COMMAND, out)
    }
}

impl<S> Server<S> {
    /// Tells all times in UTC from now on, by the clock that shows `utc` now; with `None` as offsets, as a server
    /// does from the start. Several clients in the field misread UTC (section 6.13).
    ///
    /// The clock runs on by the `now` of later calls; set it again when it is adjusted.
    pub fn set_utc(&mut self, now: Instant, utc: Option<UtcTime>) {
        self.clock = match utc {
            None => Clock::Offsets,
            Some(utc) => Clock::Utc { set: now, to: utc },
        };
    }

    /// The next event, oldest first. Eight are kept.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        self.events.pop()
    }
}
