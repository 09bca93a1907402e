//! Tests of the client in the form of scripts: frames and times are the input, and frames are the expected output.

mod activation_policy;
mod attributes;
mod block_errors;
mod block_retries;
mod checkpoint_resume;
mod declined_needs;
mod discovery;
mod download_pauses;
mod failed_image_retries;
mod frame_acceptance;
mod header_check;
mod image_block;
mod image_notify;
mod image_page;
mod lifecycle;
mod missing_security_credentials;
mod multi_image;
mod optional_abilities;
mod out_of_order_ranges;
mod page_timeouts;
mod query_during_upgrade;
mod query_next_image;
mod query_specific_file;
mod random_request_delays;
mod request_rate;
mod request_window;
mod sequence_numbers;
mod states;
mod upgrade_end;

use core::num::NonZeroU8;
use std::vec::Vec;

use super::*;
use crate::aps::FrameMeta;
use crate::codec::Encode;
use crate::file::{Element, FileHeader, FileWriter, Tag};
use crate::time::Millis;
use crate::types::{Eui64, FileVersion, HardwareVersion, ImageType, SecurityCredentialVersion, StackVersion};
use crate::zcl::{Frame, Message, Quirks};

const SERVER: Address = Address::new(0x0000, 1);
const STRANGER: Address = Address::new(0x1234, 1);

/// Image that the server offers in most scripts: manufacturer 0x115F, type 0x0101, version 0x00001A2C.
const OFFERED: ImageId = ImageId::new(0x115f, 0x0101, 0x1a2c);

/// Query Next Image Response to the query with sequence number 0: an offer of `OFFERED` with 100 bytes.
const OFFER: &str = "19 00 02 00 5F11 0101 2C1A0000 64000000";

/// Upgrade End Response to the request with sequence number 3, which orders the client to upgrade now.
const UPGRADE_NOW: &str = "19 03 07 5F11 0101 2C1A0000 00000000 00000000";

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// Returns `config` with a maximum pause of 0, so that the upgrade ends where the download would otherwise pause.
fn without_pause(config: ClientConfig) -> ClientConfig {
    ClientConfig { max_pause: Some(Millis(0)), ..config }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn nonzero(bytes: u8) -> NonZeroU8 {
    NonZeroU8::new(bytes).unwrap()
}

fn config() -> ClientConfig {
    let identity = Identity { current: ImageId::new(0x115f, 0x0101, 0x1a2b), hardware: None, node: None };
    let mut config = ClientConfig::new(identity, SERVER);
    // Exact times; the test of the module `random_request_delays` has the default.
    config.query_spread = Millis(0);
    config
}

/// Returns a file of 100 bytes for the image `OFFERED`; the function `change` may change the header of the file.
fn file(change: impl FnOnce(&mut FileHeader<'static>)) -> Vec<u8> {
    file_of(OFFERED, change)
}

fn file_of(id: ImageId, change: impl FnOnce(&mut FileHeader<'static>)) -> Vec<u8> {
    let mut header = FileHeader::new(id);
    change(&mut header);
    let data = [0x5a; 100];
    let data = &data[..100 - 6 - header.header_len()];
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data }];
    let mut bytes = std::vec![0; 100];
    assert_eq!(FileWriter::new(header, &elements).unwrap().encode(&mut bytes), Ok(100));
    bytes
}

/// Returns a file of `size` bytes for the image `OFFERED`; each byte of the firmware depends on the offset of the byte.
fn long_file(size: usize) -> Vec<u8> {
    let header = FileHeader::new(OFFERED);
    let data: Vec<u8> = (0..size - 6 - header.header_len()).map(|place| (place % 251) as u8).collect();
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &data }];
    let mut bytes = std::vec![0; size];
    assert_eq!(FileWriter::new(header, &elements).unwrap().encode(&mut bytes), Ok(size));
    bytes
}

/// Action that the client returns for a received frame, except that a script itself stores the data of a block at once.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Handled {
    Done,
    AttributeRequest,
    Ignored(ClientIgnored),
}

/// Test script: a client and the current time.
struct Script {
    client: Client,
    now: Instant,
}

impl Script {
    /// A client that starts at 0 ms.
    fn new(config: ClientConfig) -> Self {
        Self { client: Client::new(config, 1, at(0)), now: at(0) }
    }

    /// A client that sent its query with the sequence number 0 at 0 ms.
    fn querying(config: ClientConfig) -> Self {
        let mut script = Self::new(config);
        script.client.query(at(0)).unwrap();
        let (_, query) = script.transmit().expect("a query");
        assert_eq!(query[..3], [0x01, 0x00, 0x01]);
        script
    }

    /// A client that is about to request the first block of a file of 100 bytes, with the sequence number 1.
    fn downloading(config: ClientConfig) -> Self {
        let mut script = Self::querying(config);
        assert_eq!(script.receive(OFFER), Handled::Done);
        script.accept();
        script.prepare();
        script
    }

    /// A client that has downloaded `file` and waits for the verification of `file`; the next request of the client has
    /// the sequence number 3.
    fn downloaded(config: ClientConfig, file: &[u8]) -> Self {
        let mut script = Self::downloading(config);
        script.assert_requests_block(0);
        script.receive_block(1, 0, &file[..64]);
        script.assert_requests_block(64);
        script.receive_block(2, 64, &file[64..]);
        script
    }

    /// A client that sent its Upgrade End Request with the status SUCCESS and the sequence number 3.
    fn ending(config: ClientConfig) -> Self {
        let mut script = Self::downloaded(config, &file(|_| {}));
        script.verify(VerifyResult::Valid);
        script.assert_sends("01 03 06 00 5F11 0101 2C1A0000");
        script
    }

    /// Advances the time of the script to `millis`, and lets the client handle its timeouts.
    fn advance_to(&mut self, millis: u64) -> &mut Self {
        assert!(self.now <= at(millis), "time goes back");
        self.now = at(millis);
        self.client.handle_timeout(self.now);
        self
    }

    fn transmit(&mut self) -> Option<(Transmit, Vec<u8>)> {
        let mut buf = [0; LONGEST_TO_SERVER];
        let transmit = self.client.poll_transmit(self.now, &mut buf)?;
        Some((transmit, buf[..transmit.len].to_vec()))
    }

    /// Asserts that the next frame of the client equals the given frame, and goes to the server with an APS
    /// acknowledgement.
    /// Sends each request as soon as it is due, without an answer, until the download is paused.
    fn run_until_paused(&mut self) {
        while self.events().iter().all(|event| !matches!(event, ClientEvent::DownloadPaused(..))) {
            while self.transmit().is_some() {}
            let next = self.client.poll_timeout().unwrap().as_millis();
            self.advance_to(next);
        }
    }

    #[track_caller]
    fn assert_sends(&mut self, frame: &str) -> &mut Self {
        let (transmit, bytes) = self.transmit().expect("a frame");
        assert_eq!(bytes, hex(frame));
        assert_eq!((transmit.to, transmit.delivery, transmit.aps_ack), (SERVER, DeliveryMode::Unicast, true));
        self
    }

    /// Asserts that the next frame of the client requests the block at `offset`.
    #[track_caller]
    fn assert_requests_block(&mut self, offset: u32) -> &mut Self {
        let (_, bytes) = self.transmit().expect("a frame");
        let Message::ToServer(ToServer::ImageBlock(request)) = decode(&bytes).message else {
            panic!("not a block request: {bytes:02x?}");
        };
        // A request never reaches past the end of the file of 100 bytes.
        let max = (100 - offset).min(64) as u8;
        assert_eq!((request.id, request.offset, request.max_data), (OFFERED, offset, max));
        self
    }

    #[track_caller]
    fn assert_silent(&mut self) -> &mut Self {
        assert_eq!(self.transmit(), None);
        self
    }

    /// Lets the client receive `frame` from the server by unicast, and stores the data of `frame` at once.
    #[track_caller]
    fn receive(&mut self, frame: &str) -> Handled {
        self.receive_frame(FrameMeta::unicast(SERVER), &hex(frame))
    }

    #[track_caller]
    fn receive_by(&mut self, delivery: DeliveryMode, frame: &str) -> Handled {
        self.receive_frame(FrameMeta::new(SERVER, delivery), &hex(frame))
    }

    fn receive_frame(&mut self, meta: FrameMeta, frame: &[u8]) -> Handled {
        match self.client.handle_frame(self.now, meta, frame) {
            ClientAction::Store(block) => {
                self.client.stored(self.now, block.ticket, StoreResult::Ok).unwrap();
                Handled::Done
            }
            ClientAction::Done => Handled::Done,
            ClientAction::AnswerAttributes(_) => Handled::AttributeRequest,
            ClientAction::Ignored(why) => Handled::Ignored(why),
        }
    }

    /// Lets the client receive a block of the image `OFFERED` from the server, and stores the block at once.
    #[track_caller]
    fn receive_block(&mut self, sequence: u8, offset: u32, data: &[u8]) -> Handled {
        self.receive_frame(FrameMeta::unicast(SERVER), &block(sequence, OFFERED, offset, data))
    }

    #[track_caller]
    fn accept(&mut self) -> &mut Self {
        let Some(Need::Decide(ticket, _)) = self.client.poll_need() else { panic!("no need to decide") };
        self.client.accept(ticket).unwrap();
        self
    }

    #[track_caller]
    fn refuse(&mut self) -> &mut Self {
        let Some(Need::Decide(ticket, _)) = self.client.poll_need() else { panic!("no need to decide") };
        self.client.refuse(self.now, ticket).unwrap();
        self
    }

    #[track_caller]
    fn prepare(&mut self) -> &mut Self {
        let Some(Need::Prepare(ticket, _)) = self.client.poll_need() else {
            panic!("no need to prepare storage")
        };
        self.client.prepared(self.now, ticket, PrepareResult::Ready).unwrap();
        self
    }

    #[track_caller]
    fn verify(&mut self, verdict: VerifyResult) -> &mut Self {
        let Some(Need::Verify(ticket, _)) = self.client.poll_need() else { panic!("no need to verify") };
        self.client.verified(self.now, ticket, verdict).unwrap();
        self
    }

    /// Accepts the offer and downloads `file`; returns the ticket of the need to verify `file`.
    #[track_caller]
    fn download(&mut self, id: ImageId, file: &[u8]) -> Ticket {
        self.accept().prepare();
        loop {
            if let Some(need) = self.client.poll_need() {
                let Need::Verify(ticket, offer) = need else { panic!("{need:?}") };
                assert_eq!((offer.id, offer.size as usize), (id, file.len()));
                return ticket;
            }
            let (_, bytes) = self.transmit().expect("a frame");
            let Message::ToServer(ToServer::ImageBlock(request)) = decode(&bytes).message else {
                panic!("not a block request: {bytes:02x?}");
            };
            let start = request.offset as usize;
            let piece = &file[start..file.len().min(start + usize::from(request.max_data))];
            self.receive_frame(FrameMeta::unicast(SERVER), &block(bytes[1], id, request.offset, piece));
        }
    }

    fn status(&self) -> u8 {
        self.client.attributes().status.0
    }

    #[track_caller]
    fn expect_need(&mut self) -> Need {
        self.client.poll_need().expect("a need")
    }

    #[track_caller]
    fn expect_apply(&mut self) -> Ticket {
        let Some(Need::Apply(ticket, OFFERED)) = self.client.poll_need() else { panic!("no need to apply") };
        ticket
    }

    #[track_caller]
    fn expect_end(&mut self) -> Outcome {
        while let Some(event) = self.client.poll_event() {
            if let ClientEvent::Ended(outcome) = event {
                return outcome;
            }
        }
        panic!("the upgrade did not end")
    }

    /// Returns the reason of the last pause of the download, and the time of the next query in ms.
    #[track_caller]
    fn expect_pause(&mut self) -> (PauseReason, u64) {
        let mut last = None;
        while let Some(event) = self.client.poll_event() {
            if let ClientEvent::DownloadPaused(reason, next) = event {
                last = Some((reason, next.as_millis()));
            }
        }
        last.expect("a pause")
    }

    /// Returns all events of the client since the last call.
    fn events(&mut self) -> Vec<ClientEvent> {
        std::iter::from_fn(|| self.client.poll_event()).collect()
    }

    /// Asserts that the next frame of the client is a Query Next Image Request.
    #[track_caller]
    fn assert_queries(&mut self) -> &mut Self {
        let (_, bytes) = self.transmit().expect("a query");
        assert_eq!(bytes[2], 0x01, "a query");
        self
    }

    /// Asserts that the next frame of the client requests `size` bytes of the image `OFFERED` at `offset`; returns the
    /// sequence number of the request.
    #[track_caller]
    fn assert_requests_range(&mut self, offset: u32, size: u8) -> u8 {
        let (_, bytes) = self.transmit().expect("a frame");
        let Message::ToServer(ToServer::ImageBlock(request)) = decode(&bytes).message else {
            panic!("not a block request: {bytes:02x?}");
        };
        assert_eq!((request.id, request.offset, request.max_data), (OFFERED, offset, size));
        bytes[1]
    }

    /// Asserts that the client requests the header of the file, and then the last stored block, which ends at the
    /// offset `received`; answers both requests with bytes of `file`.
    #[track_caller]
    fn check(&mut self, file: &[u8], received: usize, last: usize) -> &mut Self {
        // A last block that holds the header is asked for alone.
        let ranges = [(0, 56.min(received)), (received - last, received)];
        for (start, end) in ranges.into_iter().skip(usize::from(received == last)) {
            let sequence = self.assert_requests_range(start as u32, (end - start) as u8);
            self.assert_silent();
            self.receive_block(sequence, start as u32, &file[start..end]);
        }
        self
    }

    /// Returns `true` if the client waits for its next query.
    fn is_idle(&self) -> bool {
        matches!(self.client.state, State::NoFile(NoFile::Idle { .. }))
    }
}

fn decode(frame: &[u8]) -> Frame<'_> {
    Frame::decode(frame, Quirks::empty()).unwrap()
}

/// Returns the frame of an Image Block Response with data.
fn block(sequence: u8, id: ImageId, offset: u32, data: &[u8]) -> Vec<u8> {
    let size = u8::try_from(data.len()).unwrap();
    let mut frame = hex("19 00 05 00");
    frame[1] = sequence;
    frame.extend(id.manufacturer.0.to_le_bytes());
    frame.extend(id.image_type.0.to_le_bytes());
    frame.extend(id.version.0.to_le_bytes());
    frame.extend(offset.to_le_bytes());
    frame.push(size);
    frame.extend(data);
    frame
}

/// Returns the frame of an offer: a Query Next Image Response (`command` 0x02) or a Query Specific File Response
/// (0x09).
fn offer(sequence: u8, command: u8, id: ImageId, size: u32) -> Vec<u8> {
    let mut frame = std::vec![0x19, sequence, command, 0x00];
    frame.extend(id.manufacturer.0.to_le_bytes());
    frame.extend(id.image_type.0.to_le_bytes());
    frame.extend(id.version.0.to_le_bytes());
    frame.extend(size.to_le_bytes());
    frame
}
