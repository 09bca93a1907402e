//! Rate limits of a server, and the size of its blocks. Sections refer to ZigBee document 095264 (2011).
//!
//! ```text
//! block size    smallest of: request, max_block_size, device override, policy, failed deliveries, unfragmented frame
//! rate limits   max_downloads   max_bytes_per_second (token bucket of one second)   min_block_period
//!               over a limit: WAIT_FOR_DATA, or another MinimumBlockPeriod for clients that have one
//! ```

use core::num::{NonZeroU8, NonZeroU32};

use super::model_overrides::DeviceOverride;
use super::response_frame::RequestContext;
use super::session::Flags;
use super::{Server, Session, SessionSlots};
use crate::time::{Instant, Millis, ServerTime};
use crate::types::ImageId;
use crate::zcl::{DATA_FRAME_HEAD_LEN, WaitForData};

/// Number of bytes that APS security takes from a frame: 5 for the auxiliary header and 4 for the integrity code.
const APS_SECURITY: usize = 9;

/// Minimum size to which failed deliveries reduce a block, in bytes. In a smaller block the 17 bytes of the frame
/// before the data outweigh the data.
const MIN_REDUCED_BLOCK: u8 = 16;

/// Number of consecutive undelivered blocks after which the server reduces the block size. A single frame can be lost
/// by chance.
const FAILURES_BEFORE_REDUCTION: u8 = 2;

/// Limits on the data of one block (sections 6.10.6.2.6 and 6.10.8.3). A block has at least one byte, whatever the
/// limits are, and no more bytes than the image has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockSizeLimits {
    /// Maximum data size in the request, in bytes (section 6.10.6.2.6).
    pub(super) requested: u8,
    /// Limit of [`ServerConfig::max_block_size`](super::ServerConfig::max_block_size), in bytes of data.
    pub(super) configured: NonZeroU8,
    /// Limit of [`DeviceOverride::max_block_size`], in bytes of data.
    pub(super) device: Option<NonZeroU8>,
    /// Limit that the policy sets for this request, in bytes of data.
    pub(super) policy: Option<NonZeroU8>,
    /// Limit after failed deliveries ([`Session::max_block_size`]), in bytes of data.
    pub(super) delivered: Option<NonZeroU8>,
    /// Limit of [`ServerConfig::max_unfragmented_frame`](super::ServerConfig::max_unfragmented_frame), in bytes of the
    /// whole frame.
    pub(super) unfragmented_frame: Option<NonZeroU8>,
    /// Number of relays of the source route. Each relay takes two bytes of the frame, and the route takes two more.
    pub(super) relays: u8,
    /// Whether the block is sent with APS security, which takes [`APS_SECURITY`] bytes of the frame.
    pub(super) aps_security: bool,
}

impl BlockSizeLimits {
    /// Returns the smallest of all limits, in bytes of data.
    pub(super) fn smallest(&self) -> u8 {
        let limits = [self.device, self.policy, self.delivered, self.unfragmented()];
        let smallest = self.requested.min(self.configured.get());
        limits.iter().flatten().fold(smallest, |smallest, limit| smallest.min(limit.get())).max(1)
    }

    /// Returns the number of bytes of data that an unfragmented frame has room for; `None` without a limit.
    fn unfragmented(&self) -> Option<NonZeroU8> {
        let security = if self.aps_security { APS_SECURITY } else { 0 };
        let route = match usize::from(self.relays) {
            0 => 0,
            relays => relays.saturating_mul(2).saturating_add(2),
        };
        let room = usize::from(self.unfragmented_frame?.get());
        let data = room.saturating_sub(DATA_FRAME_HEAD_LEN).saturating_sub(security).saturating_sub(route);
        NonZeroU8::new(u8::try_from(data).unwrap_or(u8::MAX).max(1))
    }
}

/// Token bucket that limits the data to all clients together. The bucket holds the tokens of one second.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenBucket {
    /// Number of tokens in the bucket, in thousandths of a byte.
    level: u64,
    /// Time of the last refill of the bucket.
    refilled: Option<Instant>,
}

impl TokenBucket {
    pub(super) const NEW: Self = Self { level: 0, refilled: None };

    /// Adds the tokens for the time since the last refill, and returns whether data may be sent. A block may overdraw
    /// the bucket.
    fn refill(&mut self, now: Instant, rate: NonZeroU32) -> bool {
        let full = u64::from(rate.get()).saturating_mul(1000);
        let passed = self.refilled.map_or(1000, |filled| u64::from(now.since(filled).0));
        self.level = self.level.saturating_add(passed.saturating_mul(rate.get().into())).min(full);
        self.refilled = Some(now);
        // A level below the tokens of half a second is the debt of a block that overdrew the bucket.
        self.level >= full / 2
    }

    /// Takes the tokens of `bytes` sent bytes from the bucket.
    fn consume(&mut self, bytes: u8) {
        self.level = self.level.saturating_sub(u64::from(bytes).saturating_mul(1000));
    }
}

/// Unit of the time in WAIT_FOR_DATA: one second.
const SECOND: Millis = Millis::from_secs(1);

impl Session {
    /// Returns the earliest time of the next block for the client; `None` for a client that was sent no block and may
    /// have a block at once.
    pub(super) fn next_block_due(&self, now: Instant, period: Millis) -> Option<Instant> {
        self.last_served(now).map(|served| served.plus(period))
    }

    /// Records the time of a sent block if the rate limit has a period below one second. WAIT_FOR_DATA cannot express
    /// such a period, so the server keeps the period on average over one second. A block that is sent before the time
    /// `due` counts as sent at `due`.
    pub(super) fn record_paced_block(&mut self, now: Instant, due: Option<Instant>, period: Millis) {
        if let Some(due) = due.filter(|_| period < SECOND) {
            self.set_last_served(now.max(due.min(now.plus(SECOND))));
        }
    }

    /// Records whether a block of `len` bytes was delivered, and returns whether the block size was reduced.
    pub(super) fn record_delivery(&mut self, len: u8, arrived: bool) -> bool {
        let state = &mut self.delivery;
        if arrived {
            state.failures = 0;
            return false;
        }
        state.failures = state.failures.saturating_add(1);
        // A block that was sent before the last reduction is no reason for another reduction.
        let smaller = state.max_block_size.is_some_and(|size| size.get() < len);
        if state.failures < FAILURES_BEFORE_REDUCTION || smaller || len <= MIN_REDUCED_BLOCK {
            return false;
        }
        state.failures = 0;
        state.max_block_size = NonZeroU8::new(len.saturating_sub(len.div_ceil(4)).max(MIN_REDUCED_BLOCK));
        true
    }
}

impl<S: SessionSlots> Server<S> {
    /// Returns the override for the devices of the image `id`; `None` if no row of the table applies.
    pub(super) fn device_override(&self, id: ImageId) -> Option<&'static DeviceOverride> {
        DeviceOverride::find(self.config.device_overrides, id)
    }

    /// Returns the maximum bytes of data in a block of the image `id` for the client that sent the request.
    pub(super) fn block_size(
        &self,
        context: RequestContext,
        id: ImageId,
        max_data: u8,
        policy: Option<NonZeroU8>,
    ) -> u8 {
        let limits = BlockSizeLimits {
            requested: max_data,
            configured: self.config.max_block_size,
            device: self.device_override(id).and_then(|device| device.max_block_size),
            policy,
            delivered: self.table.session_of(context.client).and_then(Session::max_block_size),
            unfragmented_frame: self.config.max_unfragmented_frame,
            relays: context.relays,
            aps_security: context.secured,
        };
        limits.smallest()
    }

    /// Checks the rate limits for a request with the MinimumBlockPeriod `period_in_request`.
    ///
    /// # Errors
    /// Fails with the answer WAIT_FOR_DATA if a limit is reached.
    pub(super) fn check_limits(
        &mut self,
        now: Instant,
        context: RequestContext,
        id: ImageId,
        period_in_request: Option<u16>,
    ) -> Result<(), WaitForData> {
        let period_in_request = period_in_request
            .filter(|_| !self.device_override(id).is_some_and(|device| device.ignore_min_block_period));
        let wait = |server: &Self, seconds| WaitForData {
            time: server.clock.after(now, seconds),
            min_block_period: period_in_request,
        };
        if self.table.downloads() >= self.config.max_downloads && !self.table.has_download(context.client) {
            return Err(wait(self, self.config.wait_seconds));
        }
        if let Some(rate) = self.config.max_bytes_per_second
            && !self.bucket.refill(now, rate)
        {
            return Err(wait(self, 1));
        }
        let period = self.config.min_block_period;
        if period == Millis(0) {
            return Ok(());
        }
        let slot = self.find_or_insert_session(now, context, id);
        let Some((slot, session)) = slot.and_then(|slot| Some((slot, self.table.session_at(slot)?))) else {
            return Ok(());
        };
        let wanted = u16::try_from(period.0).unwrap_or(u16::MAX - 1);
        let was_sent = session.flags.contains(Flags::PERIOD_SENT);
        match period_in_request {
            Some(period) if period == wanted => {
                self.table.set_flag(slot, Flags::PERIOD_SENT, false);
                return Ok(());
            }
            // The server sends the period once. A client that does not adopt the period is answered like a client
            // without the field.
            Some(_) if !was_sent => {
                self.table.set_flag(slot, Flags::PERIOD_SENT, true);
                return Err(WaitForData { time: ServerTime::NOW, min_block_period: Some(wanted) });
            }
            _ => {}
        }
        let early = session.next_block_due(now, period).map_or(Millis(0), |due| due.since(now));
        if early == Millis(0) || period < SECOND && early < SECOND {
            return Ok(());
        }
        Err(wait(self, early.0.div_ceil(1000)))
    }

    /// Takes sent data from the common rate limit of all clients.
    pub(super) fn consume_bandwidth(&mut self, bytes: u8) {
        self.bucket.consume(bytes);
    }

    /// Returns whether the common rate limit of all clients lets the server send data now.
    pub(super) fn has_bandwidth(&mut self, now: Instant) -> bool {
        self.config.max_bytes_per_second.is_none_or(|rate| self.bucket.refill(now, rate))
    }
}
