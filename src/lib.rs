//! Firmware updates over Zigbee: the OTA file format, the frames of the OTA Upgrade cluster (0x0019), and sans-IO state machines for
//! client and server.
//!
//! Without its optional features, the library does no I/O and allocates no memory. The library reads no clock, contains
//! no `unsafe` code and does not panic. The same code runs in a device with 16 KB of RAM, in a gateway, on a build
//! server and in a protocol analyser.
//!
//! ```text
//!      bytes of a file                         bytes of a frame
//!            |                                        |
//!   container, payload, file         zcl (frames)   observer (captures)
//!            |                                        |
//!   signature, mmo                  client (device)   server (gateway)      each call is given the time
//!            |                                        |
//!   build servers                   radio, flash, files: the caller's       unify (MQTT), matter
//! ```
//!
//! # Modules
//!
//! | module | content | feature |
//! |---|---|---|
//! | [`mod@file`] | OTA files: header, sub-elements, whole files, files that are read in pieces, writer, file names | |
//! | [`container`] | the files that vendors ship: the OTA file inside, and the checksums around it | `inspect` |
//! | [`inspect`] | inspection of a file: wrong or doubtful contents, and the byte ranges that checksums cover | `inspect` |
//! | [`payload`] | the firmware inside an OTA file: format, integrity by the firmware's own checksums, metadata | `inspect` |
//! | [`zcl`] | all ten commands of the cluster, attributes, quirks of field devices | |
//! | [`client`] | the device: find a server, query, download, resume, verify, upgrade | |
//! | [`server`] | the gateway: offer, serve blocks and pages, limit rates, order upgrades, for 1 to 65,528 clients | |
//! | [`observer`] | analysis of captured frames: assigns each frame to the exchange between one client and its server, and assembles the images | |
//! | [`device`] | the loop that runs a client on a device: `Driver`, an image and checkpoints in NOR flash, checks of a file | `device` |
//! | [`mmo`], [`signature`] | AES-MMO digests, integrity codes, signatures of both crypto suites | `crypto` |
//! | [`matter`] | commands, ImageURIs and image headers of Matter's OTA clusters, and a bridge | `matter` |
//! | [`unify`] | the OTA service of the Unify framework over MQTT | `unify` |
//! | [`index`] | the lists of OTA files that zigbee2mqtt and zigpy read, and the entry for a device | `index` |
//! | [`aps`], [`time`] | addresses and delivery of frames; instants, durations, UTC | |
//!
//! [`guide`] has a chapter for each kind of user, a chapter on [security](guide::security), a
//! [glossary](guide::glossary) and a [map of the specification](guide::specification).
//!
//! # A device
//!
//! The client returns the frames to send, the tasks of the application (needs), and the time of the next call. After
//! each input, poll the client in this order: needs, frames, events. Poll the needs before the frames, because the
//! answers to needs produce frames. After the client has no further outputs, sleep until a frame arrives or the instant
//! returned by [`poll_timeout`](client::Client::poll_timeout) has come.
//!
//! ```
//! use zigbee_ota::client::{ApplyResult, Client, ClientConfig, ClientAction, Identity, Need, PrepareResult, StoreResult, VerifyResult};
//! use zigbee_ota::aps::{Address, FrameMeta, Transmit};
//! use zigbee_ota::time::Instant;
//! use zigbee_ota::ImageId;
//!
//! # struct Frame { from: Address, bytes: Vec<u8> }
//! # struct Board { radio: Option<Frame>, flash: Vec<u8>, rounds: u32 }
//! # impl Board {
//! #     fn now(&self) -> Instant { Instant::from_millis(u64::from(self.rounds) * 60_000) }
//! #     fn send(&mut self, to: &Transmit, frame: &[u8]) { let _ = (to, frame); }
//! #     fn sleep_until(&mut self, deadline: Option<Instant>) -> Option<Frame> { let _ = deadline; self.rounds += 1; self.radio.take() }
//! #     fn erase(&mut self, bytes: u32) -> bool { self.flash.clear(); bytes <= 1 << 20 }
//! #     fn write(&mut self, offset: u32, data: &[u8]) -> bool { self.flash.extend(data); offset < 1 << 20 }
//! #     fn verify(&mut self) -> bool { true }
//! #     fn boot_new_image(&mut self) -> bool { true }
//! #     fn is_on(&self) -> bool { self.rounds < 3 }
//! # }
//! fn run(board: &mut Board) -> Result<(), Box<dyn std::error::Error>> {
//!     let identity = Identity::new(ImageId::new(0x1001, 0x00ab, 0x1010_3519));
//!     let server = Address::new(0x0000, 1);
//!     let mut client = Client::new(ClientConfig::new(identity, server), 0x5eed, board.now());
//!     let mut out = [0; zigbee_ota::zcl::LONGEST_TO_SERVER];
//!
//!     while board.is_on() {
//!         while let Some(need) = client.poll_need() {
//!             match need {
//!                 Need::Decide(ticket, _offer) => client.accept(ticket)?,
//!                 Need::Prepare(ticket, offer) => {
//!                     let erased = if board.erase(offer.size) { PrepareResult::Ready } else { PrepareResult::Fault };
//!                     client.prepared(board.now(), ticket, erased)?;
//!                 }
//!                 Need::Verify(ticket, _offer) => {
//!                     let verdict = if board.verify() { VerifyResult::Valid } else { VerifyResult::Invalid };
//!                     client.verified(board.now(), ticket, verdict)?;
//!                 }
//!                 Need::Apply(ticket, _image) => {
//!                     let applied = if board.boot_new_image() { ApplyResult::Done } else { ApplyResult::Failed };
//!                     client.applied(board.now(), ticket, applied)?;
//!                 }
//!                 // Finding the server, link keys, credentials: needs of settings that this device leaves off.
//!                 _ => {}
//!             }
//!         }
//!         while let Some(transmit) = client.poll_transmit(board.now(), &mut out) {
//!             board.send(&transmit, &out[..transmit.len]);
//!         }
//!         while let Some(event) = client.poll_event() {
//!             println!("{event:?}");
//!         }
//!         if let Some(frame) = board.sleep_until(client.poll_timeout()) {
//!             let handled = client.handle_frame(board.now(), FrameMeta::unicast(frame.from), &frame.bytes);
//!             if let ClientAction::Store(block) = handled {
//!                 let stored = if board.write(block.offset, block.data) { StoreResult::Ok } else { StoreResult::Fault };
//!                 client.stored(board.now(), block.ticket, stored)?;
//!             }
//!         }
//!         client.handle_timeout(board.now());
//!     }
//!     Ok(())
//! }
//! # let notify = Frame { from: Address::new(0, 1), bytes: vec![0x09, 7, 0, 0, 100] };
//! # run(&mut Board { radio: Some(notify), flash: Vec::new(), rounds: 0 }).unwrap();
//! ```
//!
//! [`guide::device`] continues with flash that writes in the background, checkpoints, transfer modes and signatures.
//!
//! # A gateway
//!
//! The server writes the answer to each frame into the caller's buffer before the call returns. The server keeps no
//! image and makes no decision: the image store and the policy are arguments of each call, and sessions live in slots
//! that the caller lends.
//!
//! ```
//! use zigbee_ota::aps::{Address, DeliveryMode, FrameMeta, Transmit};
//! use zigbee_ota::server::{SliceStore, ServerConfig, StoreEntry, ServerAction, Server, Session, StandardPolicy};
//! use zigbee_ota::time::Instant;
//! use zigbee_ota::zcl::ImageNotify;
//!
//! # struct Frame { from: Address, bytes: Vec<u8> }
//! # struct Gateway { inbox: Vec<Frame>, sent: Vec<Vec<u8>> }
//! # impl Gateway {
//! #     fn now(&self) -> Instant { Instant::ZERO }
//! #     fn send(&mut self, to: &Transmit, frame: &[u8]) { let _ = to; self.sent.push(frame.to_vec()); }
//! #     fn receive(&mut self) -> Option<Frame> { self.inbox.pop() }
//! #     fn read(&mut self) -> Vec<u8> { unreachable!("a slice store has every byte in memory") }
//! # }
//! fn serve(gateway: &mut Gateway, file: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//!     let entries = [StoreEntry::parse(file)?];
//!     let mut images = SliceStore::new(&entries)?;
//!     let mut policy = StandardPolicy::default();
//!     let mut server = Server::new(ServerConfig::default(), vec![Session::EMPTY; 100]);
//!     let mut out = [0; zigbee_ota::zcl::LONGEST_TO_CLIENT];
//!
//!     // Tell all devices that a new image is there; about half of the devices shall query now.
//!     let notify = ImageNotify { jitter: ImageNotify::DEFAULT_JITTER, ..ImageNotify::UNICAST };
//!     let transmit = server.notify(Address::ALL_AWAKE, DeliveryMode::Broadcast, notify, &mut out)?;
//!     gateway.send(&transmit, &out[..transmit.len]);
//!
//!     while let Some(frame) = gateway.receive() {
//!         let (now, meta) = (gateway.now(), FrameMeta::unicast(frame.from));
//!         match server.handle_frame(now, meta, &frame.bytes, &mut images, &mut policy, &mut out) {
//!             ServerAction::Reply(transmit) => gateway.send(&transmit, &out[..transmit.len]),
//!             // A store that reads in the background returned `ReadResult::Later`; a task could continue here.
//!             ServerAction::Deferred(parked) => {
//!                 let data = gateway.read();
//!                 let transmit = server.answer(gateway.now(), parked, Ok(&data), &mut out);
//!                 gateway.send(&transmit, &out[..transmit.len]);
//!             }
//!             ServerAction::Done => {}
//!             ServerAction::Ignored(why) => println!("{}: {why}", frame.from),
//!         }
//!         // Blocks of pages and timers are also due when no frame arrives: at `poll_timeout`.
//!         while let Some(transmit) = server.poll_transmit(gateway.now(), &mut images, &mut out) {
//!             gateway.send(&transmit, &out[..transmit.len]);
//!         }
//!         server.handle_timeout(gateway.now());
//!         while let Some(event) = server.poll_event() {
//!             println!("{event:?}");
//!         }
//!     }
//!     Ok(())
//! }
//! # let mut file = [0; 56];
//! # let id = zigbee_ota::ImageId::new(0x1001, 0x00ab, 2);
//! # let writer = zigbee_ota::file::FileWriter::new(zigbee_ota::file::FileHeader::new(id), &[]).unwrap();
//! # zigbee_ota::Encode::encode(&writer, &mut file).unwrap();
//! # let query = Frame { from: Address::new(0x1234, 1), bytes: vec![1, 7, 1, 0, 0x01, 0x10, 0xab, 0, 1, 0, 0, 0] };
//! # let mut gateway = Gateway { inbox: vec![query], sent: Vec::new() };
//! # serve(&mut gateway, &file).unwrap();
//! # assert_eq!(gateway.sent[1][..4], [0x19, 7, 2, 0]);
//! ```
//!
//! [`guide::gateway`] continues with stores, policies, rate limits, pages, dashboards and MQTT.
//!
//! # Features
//!
//! No Cargo feature is on by default. Cargo features add items, and no Cargo feature changes a type. Only the Cargo
//! feature `inspect` changes a behaviour: with `inspect`, `server::FolderStore` finds OTA files inside containers, and
//! refuses files that no device should get.
//!
//! | feature | adds | requires |
//! |---|---|---|
//! | `inspect` | [`inspect`], [`container`] and [`payload`] | `crypto` |
//! | `crypto` | [`mmo`] and [`signature`] | |
//! | `gateway` | [`gateway`] | |
//! | `device` | [`device`] | |
//! | `embedded-storage` | [`device::FlashStorage`] over blocking NOR flash | `device` |
//! | `embedded-storage-async` | [`device::FlashStorage`] over asynchronous NOR flash | `device` |
//! | `openssl` | `signature::SigningKey`: signatures and certificates by the system's OpenSSL | `crypto`, `std` |
//! | `matter` | [`matter`] | |
//! | `unify` | [`unify`] | `alloc`, `serde` |
//! | `index` | [`index`] | `alloc`, `inspect` |
//! | `alloc` | [`Encode::to_vec`], [`server::OwnedStore`] | |
//! | `std` | [`file::FileWriter::write_to`], [`server::FolderStore`] | `alloc` |
//! | `serde` | `Serialize` for data types, `Deserialize` for the data types that callers may construct | |
//! | `defmt` | `defmt::Format` for data types | |
//! | `arbitrary`, `proptest` | generators of wire types, headers and whole files, for your own tests | `std` |
//! | `full` | all features except `openssl`, which needs a system library | |
//!
//! With `serde`, identifiers (such as an image type), statuses and flags are serialized as numbers, even if the value
//! has a named constant; commands and enumerations are serialized as their Rust names. An IEEE address is serialized as
//! a number of 64 bits, which a JSON reader with floating-point numbers cannot represent exactly. Fields that borrow
//! bytes can be deserialized only from a format that lends bytes of its input, such as postcard. JSON lends no bytes: a
//! field that borrows bytes can be deserialized from JSON only if the field is empty. Errors can be serialized but not
//! deserialized.
#![no_std]
// The front page and the guide link to the modules of all features. Only the documentation with all features, which is
// the published one, resolves these links.
#![cfg_attr(not(feature = "full"), allow(rustdoc::broken_intra_doc_links))]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![deny(missing_docs, unreachable_pub, unused_must_use)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
// A test may panic when the test cannot continue; the library may not panic.
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod aps;
pub mod client;
mod codec;
#[cfg(feature = "inspect")]
pub mod container;
#[cfg(feature = "inspect")]
mod crc;
mod crc_bitwise;
#[cfg(feature = "device")]
pub mod device;
mod error;
mod fifo;
pub mod file;
#[cfg(feature = "gateway")]
pub mod gateway;
#[cfg(any(doc, doctest))]
// The examples of the guide need all features, so doctests without all features leave the guide out.
#[cfg(any(not(doctest), feature = "full"))]
pub mod guide;
#[cfg(feature = "index")]
pub mod index;
#[cfg(feature = "inspect")]
pub mod inspect;
#[cfg(feature = "matter")]
pub mod matter;
#[cfg(feature = "crypto")]
pub mod mmo;
pub mod observer;
mod open_enum;
#[cfg(feature = "inspect")]
pub mod payload;
mod ranges;
#[cfg(feature = "serde")]
mod serde_bytes;
pub mod server;
#[cfg(feature = "crypto")]
pub mod signature;
pub mod time;
mod types;
#[cfg(feature = "unify")]
pub mod unify;
pub mod zcl;

/// The examples of the README, compiled but not run; the examples of the guide are run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

pub use codec::Encode;
pub use error::{DecodeError, DecodeErrorKind, EncodeError};
pub use types::{
    Eui64, FileVersion, HardwareRange, HardwareVersion, ImageFilter, ImageId, ImageType, ImageTypeClass,
    ManufacturerCode, ParseError, SecurityCredentialVersion, StackVersion,
};
