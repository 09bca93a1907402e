//! Server with one file for one device, and the clock of both. Frames arrive at once, and the clock jumps to the next
//! event unless flash is busy.

use std::cell::Cell;
use std::collections::VecDeque;

use zigbee_ota::aps::{Address, FrameMeta, Transmit};
use zigbee_ota::server::{
    Server, ServerAction, ServerConfig, Session, SliceStore, StandardPolicy, StoreEntry,
};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::zcl::LONGEST_TO_CLIENT;

/// Address of the device.
const DEVICE: Address = Address::new(0x5a17, 1);
/// Address of a node that reads the progress of the download while flash is busy.
const NEIGHBOR: Address = Address::new(0x1d0c, 1);

/// Read Attributes for FileOffset, the progress of the download.
const READ_FILE_OFFSET: [u8; 5] = [0x18, 0x00, 0x00, 0x01, 0x00];

/// Maximum duration of a simulated upgrade.
const PATIENCE: Millis = Millis::from_secs(7 * 24 * 60 * 60);

/// Server, network and clock around one device. The device may restart: the server and the time go on.
#[derive(Debug)]
pub struct LoneServer<'a> {
    now: Instant,
    server: Server<[Session; 1]>,
    images: SliceStore<'a>,
    to_device: VecDeque<(Address, Vec<u8>)>,
    /// Whether flash works, so that the time passes millisecond by millisecond, and the neighbour asks in each.
    pub is_busy: &'a Cell<bool>,
    /// Whether no event was left before the longest duration of an upgrade.
    pub is_stalled: bool,
    /// Number of blocks that the device received.
    pub blocks: u64,
    /// Number of attribute commands that the device answered while flash was busy.
    pub answered: u64,
}

impl<'a> LoneServer<'a> {
    /// Address of the server.
    pub const ADDRESS: Address = Address::new(0x0000, 1);

    /// Creates the server of one image. `is_busy` tells whether flash works at the moment.
    ///
    /// # Panics
    /// Never: one entry is no duplicate.
    #[must_use]
    pub fn new(entries: &'a [StoreEntry<'a>; 1], is_busy: &'a Cell<bool>) -> Self {
        Self {
            now: Instant::ZERO,
            server: Server::new(ServerConfig::default(), [Session::EMPTY]),
            images: SliceStore::new(entries).expect("one entry is no duplicate"),
            to_device: VecDeque::new(),
            is_busy,
            is_stalled: false,
            blocks: 0,
            answered: 0,
        }
    }

    /// Time now.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// Removes all frames in flight, as when the device restarts.
    pub fn lose_frames(&mut self) {
        self.to_device.clear();
    }

    /// Takes a frame of the device, and queues the answer of the server.
    pub fn send(&mut self, transmit: &Transmit, frame: &[u8]) {
        if transmit.to == NEIGHBOR {
            self.answered += 1;
            return;
        }
        let (meta, policy) = (FrameMeta::unicast(DEVICE), &mut StandardPolicy::default());
        let mut out = [0; LONGEST_TO_CLIENT];
        let handled = self.server.handle_frame(self.now, meta, frame, &mut self.images, policy, &mut out);
        if let ServerAction::Reply(transmit) = handled {
            self.to_device.push_back((Self::ADDRESS, out[..transmit.len].to_vec()));
        }
        while let Some(transmit) = self.server.poll_transmit(self.now, &mut self.images, &mut out) {
            self.to_device.push_back((Self::ADDRESS, out[..transmit.len].to_vec()));
        }
        while self.server.poll_event().is_some() {}
    }

    /// Writes the next frame to the device to `buffer` and returns its length, or advances the clock to `deadline`.
    pub fn receive(&mut self, deadline: Option<Instant>, buffer: &mut [u8]) -> Option<(FrameMeta, usize)> {
        let is_busy = self.is_busy.get();
        let (from, frame) = match self.to_device.pop_front() {
            Some(next) => next,
            None if is_busy => {
                self.now = self.now.plus(Millis(1));
                (NEIGHBOR, READ_FILE_OFFSET.to_vec())
            }
            None => {
                let next = deadline.filter(|next| *next < Instant::ZERO.plus(PATIENCE));
                self.is_stalled = next.is_none();
                self.now = self.now.max(next.unwrap_or(self.now));
                return None;
            }
        };
        // An Image Block Response with data.
        self.blocks += u64::from(from == Self::ADDRESS && frame.get(2..4) == Some(&[0x05, 0x00]));
        buffer[..frame.len()].copy_from_slice(&frame);
        Some((FrameMeta::unicast(from), frame.len()))
    }
}
