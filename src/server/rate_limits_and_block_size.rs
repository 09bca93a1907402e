//! Rate limits of a server, and the size of its blocks. Sections refer to ZigBee document 095264 (2011).
//!
//! ```text
//! block size    smallest of: request, max_block_size, device override, policy, unfragmented frame, path MTU
//! rate limits   max_downloads   max_bytes_per_second (token bucket of one second, counts bytes on air)   min_block_period
//!               over a limit: WAIT_FOR_DATA, or another MinimumBlockPeriod for clients that have one
//! ```

use core::num::{NonZeroU8, NonZeroU32};

use super::device_overrides::DeviceOverride;
use super::response_frame::RequestContext;
use super::session::Flags;
use super::{Server, ServerPolicy, Session, SessionSlots};
use crate::time::{Instant, Millis};
use crate::types::ImageId;
use crate::zcl::DATA_FRAME_HEAD_LEN;

/// Number of bytes that APS security takes from a frame: 5 for the auxiliary header and 4 for the integrity code.
const APS_SECURITY: usize = 9;

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
    /// Limit that the policy sets for the requested block, in bytes of data.
    pub(super) policy: Option<NonZeroU8>,
    /// Limit of [`ServerConfig::max_unfragmented_frame`](super::ServerConfig::max_unfragmented_frame), in bytes of the
    /// whole frame.
    pub(super) unfragmented_frame: Option<NonZeroU8>,
    /// Number of relays of the source route. The source route takes two bytes of the frame, and two more bytes for each
    /// relay.
    pub(super) relays: u8,
    /// Whether the block is sent with APS security, which takes [`APS_SECURITY`] bytes of the frame.
    pub(super) aps_security: bool,
}

impl BlockSizeLimits {
    /// Returns the smallest of all limits on the data of a block, in bytes.
    pub(super) fn smallest(&self) -> u8 {
        let at_most = |size: u8, limit: Option<NonZeroU8>| limit.map_or(size, |limit| size.min(limit.get()));
        let smallest = self.requested.min(self.configured.get());
        at_most(at_most(at_most(smallest, self.device), self.policy), self.unfragmented()).max(1)
    }

    /// Returns the number of bytes of data that an unfragmented frame has room for; `None` if `unfragmented_frame` is
    /// `None`.
    fn unfragmented(&self) -> Option<NonZeroU8> {
        let room = usize::from(self.unfragmented_frame?.get());
        let security = if self.aps_security { APS_SECURITY } else { 0 };
        let route = match usize::from(self.relays) {
            0 => 0,
            relays => relays.saturating_mul(2).saturating_add(2),
        };
        let data = room.saturating_sub(DATA_FRAME_HEAD_LEN).saturating_sub(security).saturating_sub(route);
        NonZeroU8::new(u8::try_from(data).unwrap_or(u8::MAX).max(1))
    }
}

/// Number of bytes that the layers below the ZCL frame add to a frame on the air: 6 of the physical layer, 11 of the
/// MAC layer, 8 of the network layer, 18 of network security and 8 of the APS layer.
const LOWER_LAYERS: u32 = 51;

/// Maximum number of bytes of a ZCL frame in one radio frame. The stack sends a longer frame in fragments of
/// [`FRAGMENT`] bytes.
const MAX_UNFRAGMENTED: u32 = 82;

/// Maximum number of bytes of a ZCL frame in one fragment: 2 bytes less than in an unfragmented frame, because the APS
/// header of a fragment is 2 bytes longer.
const FRAGMENT: u32 = 80;

/// Returns the number of bytes that the radio of the server sends for an Image Block Response with `len` bytes of data:
/// the ZCL frame and the headers of all lower layers.
pub(super) fn bytes_on_air(len: u8) -> u32 {
    let frame = u32::try_from(DATA_FRAME_HEAD_LEN).unwrap_or(u32::MAX).saturating_add(len.into());
    let heads = match frame {
        0..=MAX_UNFRAGMENTED => LOWER_LAYERS,
        _ => frame.div_ceil(FRAGMENT).saturating_mul(LOWER_LAYERS.saturating_add(2)),
    };
    frame.saturating_add(heads)
}

/// Token bucket that limits the blocks to all clients together. The token bucket holds at most the tokens that it gains
/// in one second.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenBucket {
    /// Number of tokens in the bucket, in thousandths of a byte. The number of tokens may become negative, because the
    /// server may send a block that needs more tokens than the bucket has. While the number of tokens is negative,
    /// refills only reduce the deficit.
    level: i64,
    /// Time of the last refill of the bucket.
    refilled: Option<Instant>,
}

impl TokenBucket {
    pub(super) const NEW: Self = Self { level: 0, refilled: None };

    /// Adds the tokens for the time since the last refill, and returns whether the server may send a block. A block may
    /// take more tokens than the bucket has.
    fn refill(&mut self, now: Instant, rate: NonZeroU32) -> bool {
        let rate = i64::from(rate.get());
        let full = rate.saturating_mul(1000);
        let passed = self.refilled.map_or(1000, |filled| i64::from(now.since(filled).0));
        self.level = self.level.saturating_add(passed.saturating_mul(rate)).min(full);
        self.refilled = Some(now);
        self.level > 0
    }

    /// Takes the tokens of `bytes` bytes on the air from the bucket.
    fn consume(&mut self, bytes: u32) {
        self.level = self.level.saturating_sub(i64::from(bytes).saturating_mul(1000));
    }
}

/// Unit of the waiting time in WAIT_FOR_DATA: one second.
const SECOND: Millis = Millis::from_secs(1);

/// Maximum number of seconds that the server asks a client to wait for data: one day. Clients in the field obey any
/// waiting time, so a wait of years, set by mistake, would end the upgrades of the client.
pub const MAX_WAIT_SECONDS: u32 = 24 * 60 * 60;

/// ClusterRevision of clients that count MinimumBlockPeriod in seconds.
const REVISION_OF_SECONDS: Option<u16> = Some(2);

/// Contents of an answer WAIT_FOR_DATA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    /// Seconds from the answer WAIT_FOR_DATA until the client repeats its request.
    pub(super) seconds: u32,
    /// MinimumBlockPeriod for the client, in the unit of its cluster revision; `None` if the request of the client
    /// contains no MinimumBlockPeriod.
    pub(super) min_block_period: Option<u16>,
}

impl Session {
    /// Returns the milliseconds until the next block to the client is due, if the client gets one block in each
    /// `period`; 0 if the block is due now. The first block to a client is due at once.
    pub(super) fn early(&self, now: Instant, period: Millis) -> Millis {
        if period == Millis(0) {
            return period;
        }
        let ahead = Millis(ahead_unit(period).saturating_mul(self.ahead.into()));
        self.last_served(now).map_or(Millis(0), |served| served.plus(period).plus(ahead).since(now))
    }

    /// Records in the schedule of the rate limit that a block was sent now, `early` milliseconds before the block was
    /// due. The next block to the client becomes due later by `early` milliseconds, at most by [`burst`].
    pub(super) fn record_paced_block(&mut self, now: Instant, early: Millis, period: Millis) {
        if period == Millis(0) {
            return;
        }
        // The repeat of a lost block replaces the lost block in the schedule: the next block is due a period after the
        // repeat.
        let takes_place = period >= SECOND && self.flags.contains(Flags::EARLY_REPEAT);
        let early = if takes_place { 0 } else { early.min(burst(period)).0 };
        let unit = ahead_unit(period);
        self.ahead = u8::try_from(early.div_ceil(unit)).unwrap_or(u8::MAX);
        // The remainder of less than one unit is subtracted from the recorded time of the block, so that rounding
        // errors do not accumulate.
        let excess = unit.saturating_mul(self.ahead.into()).saturating_sub(early);
        self.set_last_served(now.minus(Millis(excess)));
    }
}

/// Returns the unit of the field `ahead` of a session, in milliseconds. The field `ahead` has one byte, so the unit is
/// long enough that 255 units reach the time of [`burst`].
fn ahead_unit(period: Millis) -> u32 {
    burst(period).0.div_ceil(u8::MAX.into()).max(1)
}

/// Returns the maximum time by which the server may send a block before the block is due, if the blocks to a client are
/// due one `period` apart. If `period` is below one second, a block may be almost one second early, because
/// WAIT_FOR_DATA cannot demand less than a whole second. If `period` is one second or more and the client keeps the
/// period by itself, a block may be almost a quarter of the period early, because the delays of the network vary. On
/// average, the blocks to a client are still one `period` apart, because an early block makes the next block due later.
fn burst(period: Millis) -> Millis {
    if period < SECOND { SECOND } else { Millis(period.0 / 4) }
}

impl<S: SessionSlots> Server<S> {
    /// Returns the override for the devices of the image `id`; `None` if no row of the table of device overrides
    /// applies.
    #[inline(never)]
    pub(super) fn device_override(&self, id: ImageId) -> Option<&'static DeviceOverride> {
        DeviceOverride::find(self.config.device_overrides, id)
    }

    /// Returns the maximum number of bytes of data in a block of the image `id` for the client that sent the request.
    /// `session` is the session of the download, if the download has a session. `requested` and `policy` are the limits
    /// that the request and the policy set for the data of the block, in bytes. If the stack reports the delivery of
    /// the block, the block may be a probe, which is longer than the limit of the path to the client.
    #[inline(always)]
    pub(super) fn block_size(
        &self,
        context: RequestContext,
        session: Option<&Session>,
        id: ImageId,
        (requested, policy): (u8, Option<NonZeroU8>),
        is_reported: bool,
    ) -> u8 {
        let has_override = session.is_none_or(|session| session.flags.contains(Flags::OVERRIDE));
        let device = if has_override { self.device_override(id) } else { None };
        let device = device.and_then(|device| device.max_block_size);
        let limits = BlockSizeLimits {
            requested,
            configured: self.config.max_block_size,
            device,
            policy,
            unfragmented_frame: self.config.max_unfragmented_frame,
            relays: context.relays,
            aps_security: context.secured,
        };
        let most = limits.smallest();
        // The session of the requested download is the primary session, which has the current limit of the path.
        match session.or_else(|| self.table.session_of(context.client)) {
            None => most,
            Some(session) if is_reported => session.path.next_size(most),
            Some(session) => session.max_block_size().map_or(most, |limit| limit.get().min(most)),
        }
    }

    /// Checks the rate limits for a request for the image `id` from `offset` on. `period` is the MinimumBlockPeriod in
    /// the request.
    ///
    /// # Errors
    /// Fails with the answer WAIT_FOR_DATA if the request exceeds a rate limit.
    #[inline(always)]
    pub(super) fn check_limits(
        &mut self,
        now: Instant,
        context: RequestContext,
        id: ImageId,
        (offset, period): (u32, Option<u16>),
        is_background: bool,
        policy: &mut (impl ServerPolicy + ?Sized),
    ) -> Result<(), Wait> {
        if self.table.downloads() >= self.config.max_downloads && !self.table.has_download(context.client) {
            let seconds = match is_background {
                true => self.pace.next_turn(now, self.config.wait_seconds),
                false => self.config.wait_seconds,
            };
            return Err(self.wait(id, period, seconds));
        }
        if is_background && let Some(seconds) = self.background_wait(now, context) {
            return Err(self.wait(id, period, seconds));
        }
        if !self.has_bandwidth(now) {
            return Err(self.wait(id, period, 1));
        }
        match self.config.min_block_period {
            Millis(0) => Ok(()),
            limit => self.check_period(now, context, id, (offset, period), limit, policy),
        }
    }

    /// Returns the contents of an answer WAIT_FOR_DATA: a wait of `seconds`, and the MinimumBlockPeriod of the request.
    #[cold]
    fn wait(&self, id: ImageId, period: Option<u16>, seconds: u32) -> Wait {
        Wait { seconds, min_block_period: self.kept_period(id, period) }
    }

    /// Returns `period`, the MinimumBlockPeriod in a request for the image `id`; `None` if the request has none, or if
    /// an override says that the device does not keep the period.
    fn kept_period(&self, id: ImageId, period: Option<u16>) -> Option<u16> {
        let ignores = |_: &u16| self.device_override(id).is_some_and(|device| device.ignore_min_block_period);
        period.filter(|period| !ignores(period))
    }

    /// Checks the minimum time `period` between two blocks to the client.
    ///
    /// # Errors
    /// Fails with the answer WAIT_FOR_DATA if the client requests the block too early.
    #[inline(never)]
    fn check_period(
        &mut self,
        now: Instant,
        context: RequestContext,
        id: ImageId,
        (offset, period_in_request): (u32, Option<u16>),
        period: Millis,
        policy: &mut (impl ServerPolicy + ?Sized),
    ) -> Result<(), Wait> {
        let period_in_request = self.kept_period(id, period_in_request);
        let slot = self.find_or_insert_session(now, context, id);
        let Some((slot, session)) = slot.and_then(|slot| Some((slot, self.table.session_at(slot)?))) else {
            return Ok(());
        };
        let in_seconds =
            period_in_request.is_some() && policy.cluster_revision(context.client) == REVISION_OF_SECONDS;
        let wanted = if in_seconds { period.0.div_ceil(SECOND.0) } else { period.0 };
        let wanted = u16::try_from(wanted).unwrap_or(u16::MAX - 1);
        let was_sent = session.flags.contains(Flags::PERIOD_SENT);
        let keeps_period = period_in_request == Some(wanted);
        if keeps_period {
            self.table.set_flag(slot, Flags::PERIOD_SENT, false);
        } else if period_in_request.is_some() && !was_sent {
            // The server sends its MinimumBlockPeriod to a client only once. A client that does not adopt the period is
            // answered like a client whose requests have no MinimumBlockPeriod.
            self.table.set_flag(slot, Flags::PERIOD_SENT, true);
            return Err(Wait { seconds: 0, min_block_period: Some(wanted) });
        }
        // A client that keeps the period by its own clock may be up to a tenth faster.
        let period = if keeps_period { Millis(period.0.saturating_sub(period.0 / 10)) } else { period };
        let Some(session) = self.table.session_at(slot) else { return Ok(()) };
        let early = session.early(now, period);
        // A client that does not keep the period by itself is answered with WAIT_FOR_DATA, which counts in whole
        // seconds. Such a client needs no tolerance for a period of one second or more.
        let tolerance = if keeps_period || period < SECOND { burst(period) } else { Millis(0) };
        let is_early = early > Millis(0) && early >= tolerance;
        // The answer to a request can be lost, and the client then repeats its request before the period is over. The
        // server cannot detect whether the answer was lost, so it sends one early block, but never two early blocks in
        // succession.
        let repeats = session.has_been_sent(id, offset) && !session.flags.contains(Flags::EARLY_REPEAT);
        if is_early && !repeats {
            return Err(Wait { seconds: early.0.div_ceil(SECOND.0), min_block_period: period_in_request });
        }
        self.table.set_flag(slot, Flags::EARLY_REPEAT, is_early);
        Ok(())
    }

    /// Counts a sent block of `len` bytes of data against the common rate limit of all clients.
    pub(super) fn consume_bandwidth(&mut self, len: u8) {
        if self.config.max_bytes_per_second.is_some() {
            self.bucket.consume(bytes_on_air(len));
        }
    }

    /// Returns whether the common rate limit of all clients lets the server send data now.
    pub(super) fn has_bandwidth(&mut self, now: Instant) -> bool {
        self.config.max_bytes_per_second.is_none_or(|rate| self.bucket.refill(now, rate))
    }
}
