//! Simulated server, attribute reader and clock around the device. Frames arrive at once, and the clock jumps to the
//! next event.

use std::collections::VecDeque;

use zigbee_ota::aps::{Address, FrameMeta};
use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::server::{
    Server, ServerAction, ServerConfig, Session, SliceStore, StandardPolicy, StoreEntry,
};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::zcl::{LONGEST_TO_CLIENT, LONGEST_TO_SERVER};
use zigbee_ota::{Encode, ImageId};

use crate::device::{Device, FrameResult};

pub const SERVER: Address = Address::new(0x0000, 1);
const DEVICE: Address = Address::new(0x5a17, 1);
const NEIGHBOR: Address = Address::new(0x1d0c, 1);

/// Running image of the device before the upgrade.
pub const DEVICE_RUNS: ImageId = ImageId::new(0x1001, 0x00ab, 1);
/// Image on the server.
pub const SERVED: ImageId = ImageId::new(0x1001, 0x00ab, 2);

/// Maximum duration of a simulated upgrade.
const PATIENCE: Millis = Millis::from_secs(7 * 24 * 60 * 60);

/// Read Attributes for FileOffset, the progress of the download.
const READ_FILE_OFFSET: [u8; 5] = [0x18, 0x00, 0x00, 0x01, 0x00];

pub struct SimulatedServer<'a> {
    now: Instant,
    server: Server<[Session; 1]>,
    catalog: SliceStore<'a>,
    to_device: VecDeque<Vec<u8>>,
    /// Number of blocks that the device received.
    pub blocks: u64,
    /// Number of attribute commands that the device answered while flash was busy.
    pub answered: u64,
}

impl<'a> SimulatedServer<'a> {
    pub fn new(entries: &'a [StoreEntry<'a>; 1]) -> Self {
        Self {
            now: Instant::ZERO,
            server: Server::new(ServerConfig::default(), [Session::EMPTY]),
            catalog: SliceStore::new(entries).expect("one entry is no duplicate"),
            to_device: VecDeque::new(),
            blocks: 0,
            answered: 0,
        }
    }

    pub fn now(&self) -> Instant {
        self.now
    }

    /// Delivers the next frame or advances the clock to the next timer; returns false if there is neither.
    pub fn turn(&mut self, device: &mut Device) -> bool {
        if !self.deliver(device) {
            let Some(next) = device.poll_timeout().filter(|next| *next < Instant::ZERO.plus(PATIENCE)) else {
                return false;
            };
            self.now = self.now.max(next);
            device.handle_timeout(self.now);
        }
        self.collect(device);
        true
    }

    /// Simulates a busy millisecond of the flash, in which a peer reads the progress of the download.
    pub fn meanwhile(&mut self, device: &mut Device) {
        self.now = self.now.plus(Millis(1));
        let heard = device.handle_frame(self.now, FrameMeta::unicast(NEIGHBOR), &READ_FILE_OFFSET);
        self.answered += u64::from(matches!(heard, FrameResult::Question(answer) if !answer.is_empty()));
        self.deliver(device);
        device.handle_timeout(self.now);
        self.collect(device);
    }

    fn deliver(&mut self, device: &mut Device) -> bool {
        let Some(frame) = self.to_device.pop_front() else { return false };
        let heard = device.handle_frame(self.now, FrameMeta::unicast(SERVER), &frame);
        self.blocks += u64::from(matches!(heard, FrameResult::Block));
        true
    }

    /// Takes the frames of the device and queues the responses of the server.
    fn collect(&mut self, device: &mut Device) {
        let (mut frame, mut out) = ([0; LONGEST_TO_SERVER], [0; LONGEST_TO_CLIENT]);
        while let Some(len) = device.poll_transmit(self.now, &mut frame) {
            let (meta, policy) = (FrameMeta::unicast(DEVICE), &mut StandardPolicy::default());
            let (now, images) = (self.now, &mut self.catalog);
            let handled = self.server.handle_frame(now, meta, &frame[..len], images, policy, &mut out);
            if let ServerAction::Reply(transmit) = handled {
                self.to_device.push_back(out[..transmit.len].to_vec());
            }
        }
        while self.server.poll_event().is_some() {}
    }
}

/// Generates incompressible firmware for a file of `size` bytes, at least [`LEAST`].
pub fn firmware(size: usize) -> Vec<u8> {
    let mut firmware = vec![0; size - LEAST];
    fastrand::Rng::with_seed(0xf1a5).fill(&mut firmware);
    firmware
}

/// Number of file bytes besides the firmware: header, three element heads, and the data of two elements.
pub const LEAST: usize = 56 + 3 * Element::HEAD_LEN + ABOUT.len() + NOTICE.len();

const ABOUT: &[u8] = b"built in memory";
const NOTICE: &[u8] = b"what follows the firmware is not to be kept either";

/// Builds a file with elements before and after the firmware.
pub fn file(firmware: &[u8]) -> Vec<u8> {
    let elements = [
        Element { tag: Tag(0xf000), data: ABOUT },
        Element { tag: Tag::UPGRADE_IMAGE, data: firmware },
        Element { tag: Tag(0xf001), data: NOTICE },
    ];
    let writer = FileWriter::new(FileHeader::new(SERVED), &elements).expect("it can be counted");
    let mut file = vec![0; writer.encoded_len()];
    writer.encode(&mut file).expect("the room was measured");
    file
}
