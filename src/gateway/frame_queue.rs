//! Queue of received frames, which is fair to all clients. The waiting frames of one client form a lane, and the driver
//! takes one frame of each lane in turn.
//!
//! ```text
//! frames --> | 0x0001 | a1 a2 a3 a4 |   ---> a1, b1, c1, a2, a3, a4
//!            | 0x0002 | b1          |
//!            | 0x0003 | c1          |   full: the last frame of the longest lane makes room for a shorter lane
//! ```
//!
//! In the queue, all endpoints of a node count as one client, because a node may have 240 endpoints.

use super::gateway_trait::{LONGEST_RECEIVED, ReceiveBuffer};
use crate::aps::{Address, FrameMeta};

/// Maximum number of frames in the queue. A client waits for the response to one request at a time, or to a few
/// requests if it requests several blocks ahead.
const CAPACITY: usize = 64;

/// Frame that waits in the queue.
#[derive(Clone, Copy, Debug)]
struct WaitingFrame {
    meta: FrameMeta,
    len: usize,
    /// Number of frames that arrived at the queue before this frame.
    arrival: u64,
    bytes: ReceiveBuffer,
}

/// Fair queue of received frames.
#[derive(Clone, Debug)]
pub(super) struct FrameQueue {
    slots: [Option<WaitingFrame>; CAPACITY],
    /// Number of frames that have arrived at the queue so far.
    arrivals: u64,
    /// Network address of the last client whose frame was taken from the queue.
    last_taken: u16,
}

impl FrameQueue {
    pub(super) const NEW: Self = Self { slots: [None; CAPACITY], arrivals: 0, last_taken: 0 };

    fn waiting(&self) -> impl Iterator<Item = &WaitingFrame> {
        self.slots.iter().flatten()
    }

    /// Returns the number of waiting frames of the node with the network address `network`.
    fn lane_len(&self, network: u16) -> usize {
        self.waiting().filter(|frame| frame.meta.from.network == network).count()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.iter().all(Option::is_none)
    }

    /// Returns whether the queue has room for a frame of a client that has no frame in the queue: a slot is free, or
    /// another client has more than one frame in the queue.
    pub(super) fn has_room(&self) -> bool {
        self.slots.iter().any(Option::is_none)
            || self.waiting().any(|frame| self.lane_len(frame.meta.from.network) > 1)
    }

    /// Adds a frame to the queue. If no slot is free, `push` drops either the added frame or the newest frame of the
    /// client with the most frames in the queue, and returns the sender of the dropped frame.
    pub(super) fn push(&mut self, meta: FrameMeta, len: usize, bytes: &ReceiveBuffer) -> Option<Address> {
        let frame =
            WaitingFrame { meta, len: len.min(LONGEST_RECEIVED), arrival: self.arrivals, bytes: *bytes };
        self.arrivals = self.arrivals.saturating_add(1);
        if let Some(free) = self.slots.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(frame);
            return None;
        }
        let longest = self.waiting().map(|frame| frame.meta.from.network);
        let longest = longest.max_by_key(|network| self.lane_len(*network)).unwrap_or_default();
        if self.lane_len(longest) <= self.lane_len(meta.from.network).saturating_add(1) {
            return Some(meta.from);
        }
        let is_of_longest = |slot: &&mut Option<WaitingFrame>| {
            slot.as_ref().is_some_and(|frame| frame.meta.from.network == longest)
        };
        let last = self.slots.iter_mut().filter(is_of_longest);
        let last = last.max_by_key(|slot| slot.as_ref().map(|frame| frame.arrival))?;
        last.replace(frame).map(|dropped| dropped.meta.from)
    }

    /// Removes the oldest frame of the next client in the order of addresses, and copies its bytes to `bytes`. Returns
    /// the metadata and the length of the removed frame.
    pub(super) fn pop(&mut self, bytes: &mut ReceiveBuffer) -> Option<(FrameMeta, usize)> {
        let first = self.last_taken.wrapping_add(1);
        let next = self.slots.iter_mut().filter(|slot| slot.is_some());
        let next = next.min_by_key(|slot| {
            let frame = slot.as_ref();
            frame.map(|frame| (frame.meta.from.network.wrapping_sub(first), frame.arrival))
        })?;
        let frame = next.take()?;
        self.last_taken = frame.meta.from.network;
        *bytes = frame.bytes;
        Some((frame.meta, frame.len))
    }

    /// Drops the frames of a node that left the network.
    pub(super) fn forget(&mut self, network: u16) {
        for slot in &mut self.slots {
            if slot.as_ref().is_some_and(|frame| frame.meta.from.network == network) {
                *slot = None;
            }
        }
    }
}
