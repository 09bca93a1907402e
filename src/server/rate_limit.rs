//! How much, and how fast: the size of a block, and the limits on clients and on all of them together.
//!
//! ```text
//! asked   max_block   device   policy   what arrives   room in a frame        the least of them is the size of a block
//! downloads   rate (a bucket of one second)   period                          whoever is over one waits
//! ```

use core::num::{NonZeroU8, NonZeroU32};

use super::device_overrides::DeviceOverride;
use super::reply::RequestContext;
use super::session::Flags;
use super::{Server, Session, SessionSlots};
use crate::time::{Instant, Millis, ServerTime};
use crate::types::ImageId;
use crate::zcl::{DATA_FRAME_HEAD_LEN, WaitForData};

/// What APS security takes from a frame: auxiliary header 5, integrity code 4.
const APS_SECURITY: usize = 9;

/// Below that, a block is more head than data.
const LEAST: u8 = 16;

/// Blocks in a row that must fail before they are made smaller: one can be lost to anything.
const FAILURES: u8 = 2;

/// All that limits the data of one block (sections 6.10.6.2.6 and 6.10.8.3). Whatever it says, a block has at least
/// one byte, and never more than are left of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockSize {
    /// The maximum data size that the client asks for, bytes (section 6.10.6.2.6).
    pub(super) asked: u8,
    /// [`ServerConfig::max_block_size`](super::ServerConfig::max_block_size).
    pub(super) configured: NonZeroU8,
    /// [`DeviceOverride::max_block`] of such clients.
    pub(super) device: Option<NonZeroU8>,
    /// What the policy says of this request.
    pub(super) policy: Option<NonZeroU8>,
    /// What has been found to arrive ([`Session::max_block_size`]).
    pub(super) carries: Option<NonZeroU8>,
    /// [`ServerConfig::max_unfragmented_frame`](super::ServerConfig::max_unfragmented_frame): bytes of a frame sent in one piece.
    pub(super) frame_room: Option<NonZeroU8>,
    /// Relays of the source route: two bytes each and two more.
    pub(super) relays: u8,
    /// Whether APS security is asked for: nine bytes.
    pub(super) aps_security: bool,
}

impl BlockSize {
    /// The most bytes of data.
    pub(super) fn most(&self) -> u8 {
        let caps = [self.device, self.policy, self.carries, self.route()];
        let most = self.asked.min(self.configured.get());
        caps.iter().flatten().fold(most, |most, cap| most.min(cap.get())).max(1)
    }

    fn route(&self) -> Option<NonZeroU8> {
        let security = if self.aps_security { APS_SECURITY } else { 0 };
        let route = match usize::from(self.relays) {
            0 => 0,
            relays => relays.saturating_mul(2).saturating_add(2),
        };
        let room = usize::from(self.frame_room?.get());
        let data = room.saturating_sub(DATA_FRAME_HEAD_LEN).saturating_sub(security).saturating_sub(route);
        NonZeroU8::new(u8::try_from(data).unwrap_or(u8::MAX).max(1))
    }
}

/// Data that may still be sent, for all clients together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    /// Thousandths of a byte.
    level: u64,
    filled: Option<Instant>,
}

impl Bucket {
    pub(super) const NEW: Self = Self { level: 0, filled: None };

    /// Whether something may be sent; a block may take what is not there yet.
    fn is_open(&mut self, now: Instant, rate: NonZeroU32) -> bool {
        let full = u64::from(rate.get()).saturating_mul(1000);
        let passed = self.filled.map_or(1000, |filled| u64::from(now.since(filled).0));
        self.level = self.level.saturating_add(passed.saturating_mul(rate.get().into())).min(full);
        self.filled = Some(now);
        // Below half a second's worth a debt is being paid back.
        self.level >= full / 2
    }

    fn take(&mut self, bytes: u8) {
        self.level = self.level.saturating_sub(u64::from(bytes).saturating_mul(1000));
    }
}

/// What a time to wait is told in.
const SECOND: Millis = Millis::from_secs(1);

impl Session {
    /// When the next block may be served; at once to a client that was served none.
    pub(super) fn due(&self, period: Millis) -> Instant {
        if self.served == Instant::ZERO { self.served } else { self.served.plus(period) }
    }

    /// A period below a second is kept on the average of one, as nothing shorter can be told to wait: a block that is
    /// served before it was `due` counts as served then.
    pub(super) fn keep(&mut self, now: Instant, due: Instant, period: Millis) {
        if period < SECOND {
            self.served = now.max(due.min(now.plus(SECOND)));
        }
    }

    /// Blocks of `len` bytes do not arrive, or they do. Tells whether they are made smaller.
    pub(super) fn delivered(&mut self, len: u8, arrived: bool) -> bool {
        if arrived {
            self.failures = 0;
            return false;
        }
        self.failures = self.failures.saturating_add(1);
        // What was sent before it was made smaller says nothing new.
        let smaller = self.carries.is_some_and(|carries| carries.get() < len);
        if self.failures < FAILURES || smaller || len <= LEAST {
            return false;
        }
        self.failures = 0;
        self.carries = NonZeroU8::new(len.saturating_sub(len.div_ceil(4)).max(LEAST));
        true
    }
}

impl<S: SessionSlots> Server<S> {
    pub(super) fn device(&self, id: ImageId) -> Option<&'static DeviceOverride> {
        DeviceOverride::find(self.config.device_overrides, id)
    }

    /// The most bytes of a block of `id`.
    pub(super) fn most(
        &self,
        asked: RequestContext,
        id: ImageId,
        max_data: u8,
        policy: Option<NonZeroU8>,
    ) -> u8 {
        let size = BlockSize {
            asked: max_data,
            configured: self.config.max_block_size,
            device: self.device(id).and_then(|device| device.max_block_size),
            policy,
            carries: self.table.get(asked.client).and_then(Session::max_block_size),
            frame_room: self.config.max_unfragmented_frame,
            relays: asked.relays,
            aps_security: asked.secured,
        };
        size.most()
    }

    /// Whether the limits let a request pass that tells the period `told`; otherwise what to answer.
    pub(super) fn limit(
        &mut self,
        now: Instant,
        asked: RequestContext,
        id: ImageId,
        told: Option<u16>,
    ) -> Result<(), WaitForData> {
        let told = told.filter(|_| !self.device(id).is_some_and(|device| device.ignore_min_block_period));
        let wait = |server: &Self, seconds| WaitForData {
            time: server.clock.after(now, seconds),
            min_block_period: told,
        };
        let session = self.table.get(asked.client);
        let active = session.is_some_and(|session| session.flags.contains(Flags::ACTIVE));
        if !active && self.table.active() >= self.config.max_downloads {
            return Err(wait(self, self.config.wait_seconds));
        }
        if let Some(rate) = self.config.max_bytes_per_second
            && !self.bucket.is_open(now, rate)
        {
            return Err(wait(self, 1));
        }
        let period = self.config.min_block_period;
        if period == Millis(0) {
            return Ok(());
        }
        let slot = self.table.enter(asked.client);
        let Some((slot, session)) = slot.and_then(|slot| Some((slot, self.table.at(slot)?))) else {
            return Ok(());
        };
        let wanted = u16::try_from(period.0).unwrap_or(u16::MAX - 1);
        let told_before = session.flags.contains(Flags::TOLD_PERIOD);
        match told {
            Some(told) if told == wanted => {
                self.table.set(slot, Flags::TOLD_PERIOD, false);
                return Ok(());
            }
            // Once: one that does not take it on is told to wait like those that have none.
            Some(_) if !told_before => {
                self.table.set(slot, Flags::TOLD_PERIOD, true);
                return Err(WaitForData { time: ServerTime::NOW, min_block_period: Some(wanted) });
            }
            _ => {}
        }
        let early = session.due(period).since(now);
        if early == Millis(0) || period < SECOND && early < SECOND {
            return Ok(());
        }
        Err(wait(self, early.0.div_ceil(1000)))
    }

    /// Counts data that is sent.
    pub(super) fn count(&mut self, bytes: u8) {
        self.bucket.take(bytes);
    }

    /// Whether data may be sent to anybody now.
    pub(super) fn is_open(&mut self, now: Instant) -> bool {
        self.config.max_bytes_per_second.is_none_or(|rate| self.bucket.is_open(now, rate))
    }
}
