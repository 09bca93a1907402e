//! The server of the cluster: offers images, serves their blocks, and says when to upgrade.
//!
//! It does no input or output, holds no image and reads no clock. Radio, files and decisions are the caller's:
//!
//! ```text
//!   frame in         ImageStore    Policy                       frame out
//!      |                  |          |                              ^
//!      v                  v          v                              |
//!   handle_frame(now, meta, frame, images, policy, out) -----> Handled::Reply(Transmit)
//!      |                                        |
//!      |                                        +------------> Handled::Parked(Parked)
//!      |                                                            |  the caller reads
//!      |                                                            v
//!      |                      answer(now, parked, data, out) -> Transmit
//!      v
//!   poll_event() -> Event        notify(to, delivery, notify, out) -> Transmit
//! ```
//!
//! - Input: [`handle_frame`](Server::handle_frame) for each frame of the cluster that comes in, whoever it is for;
//!   [`answer`](Server::answer) for what it left parked; [`set_utc`](Server::set_utc).
//! - Output: the [`Transmit`] that a call returns, whose bytes are in the `out` lent to it, to be sent before `out`
//!   is lent again; [`poll_event`](Server::poll_event) until it is `None`, after each call.
//! - Wishes: [`notify`](Server::notify).
//! - Looking: [`session`](Server::session).
//!
//! `now` must not go back from call to call. Nothing happens by time alone: there is no timeout to wait for.
//!
//! **Block service is a function.** A request for a block carries all that is needed to answer it, and is answered
//! from that at once, in any order, from any client, however many there are (section 6.1). The slots hold what is
//! nice to know of the clients heard of lately; no slots at all is a legal number.
//!
//! | request | answer | or a Default Response with |
//! |---|---|---|
//! | Query Next Image | Query Next Image Response | MALFORMED_COMMAND |
//! | Image Block | Image Block Response: data, WAIT_FOR_DATA, ABORT | NO_IMAGE_AVAILABLE, MALFORMED_COMMAND |
//! | Upgrade End, SUCCESS | Upgrade End Response | what [`Apply::Refuse`] says, MALFORMED_COMMAND |
//! | Upgrade End, any other | | SUCCESS, MALFORMED_COMMAND |
//! | any other command | | UNSUP_CLUSTER_COMMAND |
//!
//! Answers repeat the request's sequence number, ask for an APS acknowledgement, and go to nobody who asked by
//! broadcast or multicast.
//!
//! ```
//! use zigbee_ota::file::{Header, Writer};
//! use zigbee_ota::link::{Address, Meta};
//! use zigbee_ota::server::{Catalog, Config, Entry, Event, Handled, Server, Session, Standard};
//! use zigbee_ota::{Encode, ImageId, time::Instant, zcl};
//!
//! let id = ImageId::new(0x1001, 0x00ab, 0x1005_3519);
//! let writer = Writer::new(Header::new(id), &[])?;
//! let mut file = [0; 56];
//! writer.encode(&mut file)?;
//!
//! let entries = [Entry::parse(&file)?];
//! let mut images = Catalog::new(&entries)?;
//! let mut server = Server::new(Config::default(), [Session::EMPTY; 4]);
//! let mut out = [0; zcl::LONGEST_TO_CLIENT];
//!
//! // Image Block Request: the first 4 bytes, please.
//! let frame = [1, 7, 3, 0, 0x01, 0x10, 0xab, 0x00, 0x19, 0x35, 0x05, 0x10, 0, 0, 0, 0, 4];
//! let (now, client) = (Instant::ZERO, Address::new(0x1234, 1));
//! let handled =
//!     server.handle_frame(now, Meta::unicast(client), &frame, &mut images, &mut Standard::default(), &mut out);
//! let Handled::Reply(transmit) = handled else { panic!("{handled:?}") };
//! assert_eq!(transmit.to, client);
//! assert_eq!(out[..4], [0x19, 7, 5, 0]);
//! assert_eq!(out[17..transmit.len], [0x1e, 0xf1, 0xee, 0x0b]);
//! assert_eq!(server.poll_event(), Some(Event::Started { client, id }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod block;
mod catalog;
mod clock;
mod end;
mod event;
mod notify;
mod policy;
mod query;
mod reply;
mod session;
mod store;
mod table;
#[cfg(test)]
mod tests;

use core::num::NonZeroU8;

pub use block::{NotReady, Parked};
pub use catalog::{Catalog, DuplicateImage, Entry};
pub use event::{Event, Fault};
pub use policy::{Apply, Pace, Policy, Standard, Verdict, Versions};
pub use session::{Phase, Session};
pub use store::{ImageInfo, ImageStore, Read};

use crate::error::{DecodeError, Item};
use crate::fifo::Fifo;
use crate::link::{Address, DeliveryMode, Meta, Transmit};
use crate::time::{Instant, UtcTime};
use crate::zcl::{self, CommandId, Direction, Frame, Header, Message, Quirks, Status, ToServer};
use clock::Clock;
use reply::Asked;
use table::Table;

/// Room for the longest frame a server sends: an array, so that there is always enough.
pub type TxBuffer = [u8; zcl::LONGEST_TO_CLIENT];

/// What holds the sessions: `[Session; N]`, `&mut [Session]` or a `Vec<Session>`, used as long as it is, up to
/// 65,528, the unicast addresses of one network.
pub trait Slots: AsRef<[Session]> + AsMut<[Session]> {}

impl<T: AsRef<[Session]> + AsMut<[Session]>> Slots for T {}

/// What does not change while a server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The most bytes of data in one block.
    pub max_block: NonZeroU8,
    /// Seconds after which a client shall ask again when the store had no byte for it and named no time.
    pub wait: u32,
    /// Leniencies of the reader.
    pub quirks: Quirks,
    /// Answer queries and Upgrade End Requests that break a rule of their `check` by MALFORMED_COMMAND. Otherwise
    /// a manufacturer code or image type out of range is looked up as it stands, an unknown version is for the
    /// [`Policy`], and an unknown status means failed.
    pub strict: bool,
}

impl Default for Config {
    /// Blocks as large as clients ask for, 10 seconds, and lenient in all.
    fn default() -> Self {
        Self { max_block: NonZeroU8::MAX, wait: 10, quirks: Quirks::all(), strict: false }
    }
}

/// A server; its contract is that of the [module](self).
#[derive(Clone, Debug)]
pub struct Server<S> {
    config: Config,
    table: Table<S>,
    clock: Clock,
    /// Sequence number of the next frame that answers none.
    sequence: u8,
    /// One call leaves one event, or none.
    events: Fifo<Event, 4>,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "there may be a frame to send"]
pub enum Handled {
    /// It was answered.
    Reply(Transmit),
    /// It is answered by [`Server::answer`] when there is data.
    Parked(Parked),
    /// It needs no answer.
    Done,
    /// It is nothing for a server.
    Ignored(Ignored),
}

/// Why a frame was ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ignored {
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
    pub const fn new(config: Config, slots: S) -> Self
    where
        S: Slots,
    {
        Self { config, table: Table::new(slots), clock: Clock::Offsets, sequence: 0, events: Fifo::new() }
    }
}

impl<S: Slots> Server<S> {
    /// Takes a frame and answers it. `out` holds the answer's bytes when it is [`Handled::Reply`], and nothing of
    /// use otherwise.
    ///
    /// Each frame is handled by itself: one that is bad, or comes twice, changes nothing for the next.
    pub fn handle_frame(
        &mut self,
        now: Instant,
        meta: Meta,
        frame: &[u8],
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl Policy + ?Sized),
        out: &mut TxBuffer,
    ) -> Handled {
        let (header, payload) = match Header::decode(frame) {
            Ok(read) => read,
            Err(error) => return Handled::Ignored(Ignored::Unreadable(error)),
        };
        if meta.delivery != DeliveryMode::Unicast {
            return Handled::Ignored(Ignored::NotUnicast);
        }
        if header.direction() == Direction::ToClient {
            return Handled::Ignored(Ignored::ToClient);
        }
        let asked = Asked { client: meta.from, sequence: header.sequence };
        let command = CommandId(header.command);
        let message = Frame::decode_payload(&header, payload, self.config.quirks).map(|frame| frame.message);
        let handled = match message {
            Ok(Message::ToServer(ToServer::QueryNextImage(request))) => {
                Handled::Reply(self.query(now, asked, &request, images, policy, out))
            }
            Ok(Message::ToServer(ToServer::ImageBlock(request))) => {
                self.block(now, asked, request, images, policy, out)
            }
            Ok(Message::ToServer(ToServer::UpgradeEnd(request))) => {
                self.end(now, asked, header.control, request, policy, out)
            }
            // Not served, so that it makes no difference how they are formed.
            Ok(Message::ToServer(ToServer::ImagePage(_) | ToServer::QuerySpecificFile(_)))
            | Err(DecodeError { item: Item::ImagePageRequest | Item::QuerySpecificFileRequest, .. }) => {
                Handled::Reply(asked.default_response(command, Status::UNSUP_CLUSTER_COMMAND, out))
            }
            Ok(Message::DefaultResponse(_, response)) => {
                let (command, status) = (response.command, response.status);
                self.events.push(Event::DefaultResponse { client: asked.client, command, status });
                Handled::Done
            }
            Ok(Message::Other(_)) if header.is_cluster_command() => {
                Handled::Reply(asked.default_response(command, Status::UNSUP_CLUSTER_COMMAND, out))
            }
            Ok(Message::Other(_)) if header.manufacturer.is_some() => {
                Handled::Ignored(Ignored::ManufacturerSpecific)
            }
            Ok(Message::Attributes(..) | Message::Other(_)) => Handled::Ignored(Ignored::NotOfCluster),
            Ok(Message::ToClient(_)) => Handled::Ignored(Ignored::ToClient),
            Err(error) if header.is_cluster_command() => {
                Handled::Reply(self.malformed(asked, command, error.into(), out))
            }
            Err(error) => Handled::Ignored(Ignored::Unreadable(error)),
        };
        // Last, so that the policy was shown when the client was heard before.
        if let Some(session) = self.table.get_mut(meta.from) {
            session.heard = now;
        }
        handled
    }

    /// What is remembered of a client; `None` when it has no slot.
    #[must_use]
    pub fn session(&self, client: Address) -> Option<&Session> {
        self.table.get(client)
    }

    fn malformed(&mut self, asked: Asked, command: CommandId, fault: Fault, out: &mut TxBuffer) -> Transmit {
        self.events.push(Event::Malformed { client: asked.client, fault });
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

    /// The next event, oldest first. Four are kept.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }
}
