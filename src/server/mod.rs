//! Server of the OTA Upgrade cluster. The server offers images, serves the blocks of these images, and tells each
//! client when to upgrade. Sections refer to ZigBee document 095264 (2011).
//!
//! The server does no input or output, contains no image and reads no clock. The caller provides radio, files and
//! decisions:
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
//! - Input: [`handle_frame`](Server::handle_frame) takes each frame of the cluster that the node receives, even a frame
//!   that is not for a server. [`answer`](Server::answer) takes the data for a deferred request. The caller calls
//!   [`handle_timeout`](Server::handle_timeout) at the deadline of [`poll_timeout`](Server::poll_timeout).
//!   [`handle_delivery`](Server::handle_delivery) takes the delivery reports of the stack. [`set_utc`](Server::set_utc)
//!   takes the UTC time.
//! - Output: a call that makes a frame returns a [`Transmit`], and writes the bytes of the frame to the buffer `out`
//!   that the caller lent. The caller sends the frame before it lends the buffer `out` to the server again. After each
//!   call of the server, the caller calls [`poll_transmit`](Server::poll_transmit) and
//!   [`poll_event`](Server::poll_event) until both return `None`.
//! - Commands of the caller: [`notify`](Server::notify), [`release`](Server::release), [`hold`](Server::hold),
//!   [`read_status`](Server::read_status) and [`abort_page`](Server::abort_page) write a frame that no client asked
//!   for.
//! - Changes of the network: the caller calls [`forget`](Server::forget) with the network address of a device that left
//!   the network, and [`moved`](Server::moved) with the old and the new network address of a device.
//!   [`cancel`](Server::cancel) ends the downloads of a client.
//! - State of the clients: [`session`](Server::session), [`session_for`](Server::session_for),
//!   [`sessions`](Server::sessions) and [`is_ready_to_upgrade`](Server::is_ready_to_upgrade) return what the server
//!   knows of its clients.
//!
//! The time `now` that the caller passes must not go back from call to call.
//!
//! **The server needs no session to serve blocks.** A block request contains all that its answer needs. The server
//! answers block requests at once, in any order, from any number of clients (section 6.1). [`serve_block`] answers a
//! block request without a server. Sessions are optional: a session stores the statistics, the page and the rate limit
//! of a recent download. A server without any slot for a session still serves blocks.
//!
//! **A session belongs to a client and an image type.** A device with two processors can download two images at the
//! same time or one after the other; neither download affects the other. The server creates a session only for an image
//! type that the store has. If no slot is free, the server evicts the oldest idle session. If no session is idle, the
//! server evicts the oldest download without a page; a download with a page is evicted only if all sessions have pages.
//! A node of the network has at most six sessions.
//!
//! **A failed delivery ends no session.** The caller passes the failure to
//! [`handle_delivery`](Server::handle_delivery), and the client repeats its request. A download ends with an Upgrade
//! End Request of the client, with ABORT from the server, or with [`cancel`](Server::cancel). A client that is silent
//! for longer than a timeout of the settings counts as stalled.
//!
//! | request | answer | or a Default Response with |
//! |---|---|---|
//! | Query Next Image | Query Next Image Response | MALFORMED_COMMAND |
//! | Image Block | Image Block Response: data, WAIT_FOR_DATA, ABORT | NO_IMAGE_AVAILABLE, MALFORMED_COMMAND |
//! | Image Page | several Image Block Responses | the statuses of Image Block, NOT_AUTHORIZED, UNSUP_CLUSTER_COMMAND |
//! | Upgrade End, SUCCESS | Upgrade End Response | the status of [`UpgradeDecision`], NOT_AUTHORIZED, MALFORMED_COMMAND |
//! | Upgrade End, any other status | | SUCCESS, MALFORMED_COMMAND |
//! | Query Specific File | Query Specific File Response | MALFORMED_COMMAND, UNSUP_CLUSTER_COMMAND |
//! | any other command | | UNSUP_CLUSTER_COMMAND |
//! | Default Response | none | none |
//!
//! A response repeats the sequence number of the request and asks for an APS acknowledgement. The blocks of a page ask
//! for no APS acknowledgement, and each block after the first has the next sequence number. A response is sent with APS
//! security if the request came with APS security. The server does not respond to requests that came by broadcast or
//! multicast.
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

mod access_check;
mod clock_and_time_fields;
mod config;
mod device_overrides;
pub mod espressif;
mod event;
#[cfg(feature = "std")]
mod folder_store;
mod image_block;
pub(crate) mod image_lookup;
mod image_page;
mod image_store;
mod lent_slot_store;
mod notify_and_read_status;
#[cfg(feature = "alloc")]
mod owned_store;
mod path_mtu;
mod pause_between_blocks;
mod policy;
mod query_next_image;
mod query_specific_file;
mod rate_limits_and_block_size;
mod response_frame;
mod responses_without_data;
mod session;
mod session_table;
mod slice_store;
#[cfg(test)]
mod tests;
mod timers_and_delivery_reports;
mod upgrade_end;

pub use config::ServerConfig;
pub use device_overrides::{DEVICE_OVERRIDES, DeviceOverride};
pub use event::{RefusalReason, RequestFault, ServerEvent};
#[cfg(feature = "std")]
pub use folder_store::{FolderChange, FolderError, FolderStore};
pub use image_block::{Deferred, NotReady, serve_block};
pub use image_lookup::AddError;
pub use image_page::{MAX_BLOCKS_PER_TURN, MIN_PAGE_BLOCK, MIN_PAGE_SPACING};
pub use image_store::{FileLookup, ImageInfo, ImageStore, ReadResult};
pub use lent_slot_store::SlotStore;
#[cfg(feature = "alloc")]
pub use owned_store::OwnedStore;
pub use policy::{
    OfferedVersions, PaceDecision, QueryDecision, ServerPolicy, StandardPolicy, UpgradeDecision,
};
pub use rate_limits_and_block_size::MAX_WAIT_SECONDS;
pub use session::{Session, SessionPhase, SessionProgress};
pub use slice_store::{SliceStore, StoreEntry};

use crate::aps::{Address, DeliveryMode, FrameMeta, Transmit};
use crate::error::DecodeError;
use crate::fifo::Fifo;
use crate::time::{Instant, UtcTime};
use crate::types::{Eui64, ImageFilter, ImageId};
use crate::zcl::{
    self, AttributeCommand, ClientStatus, CommandId, Direction, Frame, FrameHeader, ImageBlockRequest,
    Message, Status, ToServer,
};
use clock_and_time_fields::Clock;
use image_block::BlockQuery;
use pause_between_blocks::Pace;
use rate_limits_and_block_size::TokenBucket;
use response_frame::RequestContext;
use session::Flags;
use session_table::{SessionTable, Slot};

/// Buffer for one frame of a server. The frame buffer is an array as long as the longest frame of a server, so that
/// every frame fits.
pub type ResponseBuffer = [u8; zcl::LONGEST_TO_CLIENT];

/// Memory that the caller lends for sessions: `[Session; N]`, `&mut [Session]` or a `Vec<Session>`. A session takes 96
/// bytes, and a client needs one session for each image type that it downloads. The server uses at most 65,528 slots,
/// the number of unicast addresses of one network.
pub trait SessionSlots: AsRef<[Session]> + AsMut<[Session]> {}

impl<T: AsRef<[Session]> + AsMut<[Session]>> SessionSlots for T {}

/// Server of the OTA Upgrade cluster. The [module documentation](self) describes how a caller drives a server.
#[doc(alias("OTA provider", "ota server", "zb_zcl_ota_upgrade_init_server"))]
#[derive(Clone, Debug)]
pub struct Server<S> {
    config: ServerConfig,
    table: SessionTable<S>,
    clock: Clock,
    /// Sequence number of the next frame that the server sends without a request.
    sequence: u8,
    bucket: TokenBucket,
    pace: Pace,
    /// Number of blocks of pages that the server may still send before the next call of `handle_frame` or
    /// `handle_timeout`.
    blocks_left_in_turn: u8,
    /// Queue of events that the caller polls. One call of the server adds at most six events: `cancel` adds one event
    /// for each session of a node.
    events: Fifo<ServerEvent, 8>,
}

/// Result of [`Server::handle_frame`]. `ServerAction` is exhaustive, because a caller that ignored one of its variants
/// would leave a client without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use = "there may be a frame to send"]
pub enum ServerAction {
    /// The server answered the frame, and the caller sends the answer.
    Reply(Transmit),
    /// The store reads the requested block later; the caller answers the request with [`Server::answer`].
    Deferred(Deferred),
    /// The server handled the frame, and the caller sends nothing now. Either the frame needs no answer, or the server
    /// holds the answer until the answer is due; [`Server::poll_transmit`] then returns the answer
    /// ([`ServerConfig::background_from`]).
    Done,
    /// The frame is not for a server of the cluster and changed nothing.
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
    /// The frame came by broadcast or multicast; if servers answered such frames, many servers would answer one request
    /// at the same time.
    #[error("not sent to this node alone")]
    NotUnicast,
    /// The frame is for a client of the cluster, not for a server.
    #[error("sent from a server to a client")]
    ToClient,
    /// The command in the frame is manufacturer specific.
    #[error("manufacturer specific")]
    ManufacturerSpecific,
    /// The command is reserved, or is a global command other than the attribute commands and Default Response.
    #[error("not a command of the cluster")]
    NotOfCluster,
}

impl<S> Server<S> {
    /// Makes a server without any session. The server overwrites the content of the session slots that the caller
    /// lends.
    pub const fn new(config: ServerConfig, slots: S) -> Self
    where
        S: SessionSlots,
    {
        Self {
            config,
            table: SessionTable::new(slots, config.hash_seed),
            clock: Clock::Offsets,
            sequence: 0,
            bucket: TokenBucket::NEW,
            pace: Pace::NEW,
            blocks_left_in_turn: MAX_BLOCKS_PER_TURN,
            events: Fifo::new(),
        }
    }

    /// Sets the UTC clock of the server: the time is `utc` at `now`, and later responses contain times in UTC. With
    /// `None`, the server has no UTC clock, as before the first call of `set_utc`, and responses contain offsets in
    /// seconds. Several clients in the field misread times in UTC (section 6.13).
    ///
    /// The UTC clock advances with the argument `now` of later calls of the server. The caller sets the UTC clock of
    /// the server again after an adjustment of its own clock.
    pub fn set_utc(&mut self, now: Instant, utc: Option<UtcTime>) {
        self.clock = match utc {
            None => Clock::Offsets,
            Some(utc) => Clock::Utc { set_at: now, utc },
        };
    }

    /// Returns the oldest event and removes it from the queue. The queue has room for eight events, so the caller polls
    /// all events after each call of the server.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        self.events.pop()
    }

    /// Returns the number of events that were dropped because the caller did not poll them. The number stays 0 for a
    /// caller that polls all events after each call.
    pub const fn lost_events(&self) -> u32 {
        self.events.dropped()
    }
}

impl<S: SessionSlots> Server<S> {
    /// Handles a frame from the radio. `out` contains the bytes of the answer if the result is [`ServerAction::Reply`];
    /// for any other result the content of `out` is unspecified.
    ///
    /// Malformed and repeated frames have no effect on the answers to later frames.
    pub fn handle_frame(
        &mut self,
        now: Instant,
        meta: FrameMeta,
        frame: &[u8],
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl ServerPolicy + ?Sized),
        out: &mut ResponseBuffer,
    ) -> ServerAction {
        self.blocks_left_in_turn = MAX_BLOCKS_PER_TURN;
        // Fast path for the most frequent request in its usual form. `handle_any_frame` decodes any other frame from
        // the start, and would handle a frame of the fast path with the same result.
        if meta.delivery == DeliveryMode::Unicast
            && let Some((_, sequence, request)) = ImageBlockRequest::read_plain(frame)
        {
            let context = self.identify_client(&meta, sequence, policy);
            return self.answer_block_request(now, context, request, images, policy, out);
        }
        self.handle_any_frame(now, meta, frame, images, policy, out)
    }

    /// Handles a frame from the radio without the fast path of [`handle_frame`](Self::handle_frame).
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
        let context = self.identify_client(&meta, header.sequence, policy);
        let command = CommandId(header.command);
        let frame = Frame::decode_payload(&header, payload, self.config.quirks);
        let id = match frame.as_ref().map(|frame| &frame.message) {
            Ok(Message::ToServer(request)) => Some(request.image()),
            _ => None,
        };
        let handled = match frame.as_ref().map(|frame| &frame.message) {
            Ok(Message::ToServer(ToServer::QueryNextImage(request))) => {
                ServerAction::Reply(self.answer_query_next_image(now, context, request, images, policy, out))
            }
            Ok(Message::ToServer(ToServer::ImageBlock(request))) => self.answer_data_request(
                now,
                BlockQuery { context, request: *request, page: None },
                images,
                policy,
                out,
            ),
            Ok(Message::ToServer(ToServer::UpgradeEnd(request))) => {
                self.answer_upgrade_end(now, context, header.control, *request, images, policy, out)
            }
            Ok(Message::ToServer(ToServer::ImagePage(request))) => {
                self.answer_image_page(now, context, request, images, policy, out)
            }
            Ok(Message::ToServer(ToServer::QuerySpecificFile(request))) => ServerAction::Reply(
                self.answer_query_specific_file(now, context, request, images, policy, out),
            ),
            // A malformed request with an unsupported command gets the same answer as a well-formed one.
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
            // A server has one attribute, ClusterRevision; other attributes do not exist (section 6.7).
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
        // The time of the frame is recorded last, because the policy reads the time of the previous frame from the
        // session.
        self.record_frame_from(now, context, id);
        handled
    }

    /// Returns the context of a request. If the caller knows the IEEE address of the client, the server moves the
    /// sessions of the client to the present network address of the client. The server also removes the sessions of
    /// another device that had the client's network address before.
    #[inline]
    fn identify_client(
        &mut self,
        meta: &FrameMeta,
        sequence: u8,
        policy: &mut (impl ServerPolicy + ?Sized),
    ) -> RequestContext {
        let ieee = meta.ieee.or_else(|| policy.ieee(meta.from));
        if let Some(ieee) = ieee {
            self.recognise(meta.from, ieee);
        }
        RequestContext::new(meta, sequence, ieee)
    }

    /// Ensures that the sessions of `client` belong to the device with the IEEE address `ieee`.
    #[inline(never)]
    fn recognise(&mut self, client: Address, ieee: Eui64) {
        match self.table.session_of(client).map(Session::ieee) {
            Some(Some(known)) if known == ieee => {}
            Some(Some(_)) => {
                self.table.remove_node(client.network);
                self.follow(client, ieee);
            }
            // Sessions without an IEEE address may be those of the device that had the network address before.
            Some(None) | None => self.follow(client, ieee),
        }
    }

    /// Moves the sessions of the device `ieee` to the network address of `client`, or records `ieee` in the sessions of
    /// `client` if the device has no other sessions.
    fn follow(&mut self, client: Address, ieee: Eui64) {
        if let Some(old) = self.table.find_ieee(ieee) {
            self.table.move_node(old, client.network);
        } else if let Some(slot) = self.table.find(client) {
            self.table.set_ieee(slot, ieee);
        }
    }

    /// Finds or inserts the session of the download of `id` by the client. Returns `None` only if the server has no
    /// session slots. The caller of `find_or_insert_session` has checked that the store has an image with the
    /// manufacturer code and image type of `id`.
    #[inline(never)]
    fn find_or_insert_session(&mut self, now: Instant, context: RequestContext, id: ImageId) -> Option<Slot> {
        let (slot, dropped) = self.table.find_or_insert(now, context.client, id);
        if let Some((client, id)) = dropped {
            self.events.push(ServerEvent::PageDropped { client, id });
        }
        // If the client already had a session, `identify_client` has recorded the IEEE address there.
        if let (Some(slot), Some(ieee)) = (slot, context.ieee) {
            self.table.set_ieee(slot, ieee);
        }
        let has_override = self.device_override(id).is_some();
        if let Some(session) = slot.and_then(|slot| self.table.session_at_mut(slot)) {
            session.flags.set(Flags::OVERRIDE, has_override);
        }
        slot
    }

    /// Returns the session that `client` used last; `None` if the client has no session. A client with several image
    /// types has a session for each image type, see [`session_for`](Self::session_for).
    #[must_use]
    pub fn session(&self, client: Address) -> Option<&Session> {
        let of_client =
            self.table.sessions_of_node(client.network).filter(|session| session.client() == client);
        of_client.max_by_key(|session| (session.is_primary(), session.last_heard()))
    }

    /// Returns the session of the download of an image by `client`; `None` if the client has no such session. The
    /// version of `id` does not matter, because a client has one session for each manufacturer code and image type.
    #[must_use]
    pub fn session_for(&self, client: Address, id: ImageId) -> Option<&Session> {
        self.table.session_at(self.table.find_download(client, id)?)
    }

    /// Removes all sessions of the node with the network address `network`, and returns whether the server had a
    /// session of the node. The caller calls `forget` when a device leaves the network. After a call of `forget`, the
    /// device no longer counts for [`ServerConfig::max_downloads`], and the next device with the same network address
    /// does not inherit the sessions.
    pub fn forget(&mut self, network: u16) -> bool {
        self.table.remove_node(network)
    }

    /// Moves the sessions of a node whose network address changed from `old` to `new`, and returns whether the server
    /// had a session of the node. The downloads and pages of the node continue at its new network address. The server
    /// forgets the node that had the network address `new` before. A second call of `moved` with the same addresses
    /// does nothing.
    ///
    /// The caller calls `moved` when the stack reports a new network address of a device. A caller that passes the IEEE
    /// address with each frame ([`FrameMeta::ieee`]) need not call `moved`, because the server moves the sessions of
    /// the device by itself.
    pub fn moved(&mut self, old: u16, new: u16) -> bool {
        self.table.move_node(old, new)
    }

    /// Cancels the downloads of `client` that `target` matches, and returns the number of cancelled downloads. The
    /// server reports each cancelled download by an event [`ServerEvent::Cancelled`].
    ///
    /// A cancelled download no longer counts for [`ServerConfig::max_downloads`], and its page ends. The server answers
    /// the next requests for blocks or pages of the image with ABORT, and an Upgrade End Request with a Default
    /// Response ABORT, until the client queries again. A download without a session cannot be cancelled.
    pub fn cancel(&mut self, client: Address, target: ImageFilter) -> usize {
        let mut cancelled = 0_usize;
        while let Some((id, slot)) = self.find_underway(client, target) {
            self.stop_download(slot);
            if let Some(session) = self.table.session_at_mut(slot) {
                session.record_cancel();
            }
            self.table.clear_timer(slot);
            self.events.push(ServerEvent::Cancelled { client, id });
            cancelled = cancelled.saturating_add(1);
        }
        cancelled
    }

    /// Finds a download of `client` that is offered or in progress, of an image that `target` matches.
    fn find_underway(&self, client: Address, target: ImageFilter) -> Option<(ImageId, Slot)> {
        let mut sessions = self.table.sessions_of_node(client.network);
        let id = sessions
            .find(|session| {
                session.client() == client && session.is_underway() && target.matches(session.id())
            })?
            .id();
        Some((id, self.table.find_download(client, id)?))
    }

    /// Resets the counts of repeated downloads of the node with the network address `network`, so that the server
    /// offers images to the node again. The limit on repeated downloads is [`ServerConfig::repeated_download_limit`].
    pub fn reset_repeats(&mut self, network: u16) {
        for session in self.table.sessions_mut().filter(|session| session.client().network == network) {
            session.forget_repeats();
        }
    }

    /// Returns all sessions, in no particular order.
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

    /// Answers `command` with a Default Response MALFORMED_COMMAND.
    #[cold]
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
