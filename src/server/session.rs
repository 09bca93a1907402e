//! Session: the state that a server remembers of one download. A download belongs to a client and one image type of the
//! client. Sections refer to ZigBee document 095264 (2011).
//!
//! ```text
//!   query --> Refused
//!         \-> Offered ---- block ----> Downloading ---- Upgrade End Request, ABORT ----> Ended
//!                |                        ^    |
//!                | silence          block |    | silence
//!                +---------------> Stalled <---+
//! ```
//!
//! | from | on | to |
//! |---|---|---|
//! | any | query answered with an offer; with a refusal | Offered; Refused |
//! | | query refused because of repeated downloads | the same phase |
//! | | block of the image of the phase is sent | Downloading, `reached` at the end of the block |
//! | | block of another version, or at offset 0 again, is sent | Downloading, with a new count |
//! | | Upgrade End Request | Ended, with the status of the request |
//! | | ABORT as answer to a block request, or for a page (`abort_page`); `cancel` | Ended, with ABORT |
//! | Offered, Downloading | silence for `ServerConfig::stall_timeout` plus the time to wait | Stalled |
//! | Downloading, all bytes sent | silence for `ServerConfig::verify_timeout`, or longer by a device override | Stalled |
//!
//! **A session slot contains two kinds of state.** The state of the download is its phase, its page and its counts. The
//! state of the client, which is a node of the network, is the IEEE address, the block size and the times of the blocks
//! to the node. Each session has room for the state of the download and for the state of the client. The session that
//! the client used last has the flag PRIMARY and the current state of the client. A session without the flag PRIMARY
//! has a copy of the client's state from the time at which the client used the session last.

mod flags;
mod one_byte_wait;
mod progress;
mod repeated_downloads;
#[cfg(test)]
mod tests;

pub(super) use flags::Flags;
pub use progress::SessionProgress;

use core::mem::size_of;
use core::num::NonZeroU8;

use zerocopy::little_endian::U32;

use super::RefusalReason;
use super::path_mtu::PackedPathMtu;
use crate::aps::Address;
use crate::time::{Instant, Millis};
use crate::types::{Eui64, FileVersion, HardwareVersion, ImageId, ImageType, ManufacturerCode};
use crate::zcl::{ImagePageRequest, Refusal, Status};
use flags::CLIENT_FLAGS;
use one_byte_wait::CoarseSeconds;
use progress::{RateMeasurement, passes_hundredth};
use repeated_downloads::wrapping_seconds;

/// State that a server remembers of one download: client, image type, phase of the upgrade, statistics, the page that
/// is being sent, and rate limit.
///
/// A client with several image types has a session for each image type. The downloads of a client do not affect each
/// other.
///
/// Sessions are optional: a server serves blocks even to a client without a session (section 6.1). The server needs a
/// session of a client for pages and for the limits of the client. The caller and its
/// [`ServerPolicy`](super::ServerPolicy) can read a session.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// Time of the last frame of the client about the download of the session.
    last_heard: Instant,
    /// Deadline of the timer of the session. The timer deadline of a session with a page is exact. The timer deadline
    /// of a session without a page may be too early: when the timer expires too early, the server sets the timer again.
    pub(super) timer_deadline: Instant,
    /// State of the client: its IEEE address, which is known if the flag IEEE is set.
    ieee: u64,
    state: State,
    /// Version of the image that `state` is about.
    version: FileVersion,
    /// State of the client: time at which the server last sent data to the client, in milliseconds modulo 2³². The time
    /// in `served` is valid if the flag SERVED is set.
    served: u32,
    manufacturer: ManufacturerCode,
    image_type: ImageType,
    /// Hardware version of the device, or a version in the hardware range of the file that the policy chose. The
    /// hardware version is known if the flag HARDWARE is set.
    hardware: HardwareVersion,
    /// Hour of the last download in the count of repeated downloads, or of the last daily decrease of the count, modulo
    /// 2¹⁶.
    repeats_hour: u16,
    network: u16,
    pub(super) flags: Flags,
    /// Links of the slot in the session table. Each session stores its links, so that the session table needs no second
    /// array.
    pub(super) links: Links,
    endpoint: u8,
    /// Number of downloads of the version `version` after which the server ordered the upgrade, or the client reported
    /// INVALID_IMAGE. The number of repeated downloads falls by one each day.
    repeats: u8,
    /// Digest of the version that the client ran when it last queried.
    running: u8,
    /// Waiting time in the last WAIT_FOR_DATA to the client.
    wait: CoarseSeconds,
    /// State of the client: time by which the blocks to the client are ahead of the schedule of the rate limit, in the
    /// unit of `rate_limits_and_block_size::ahead_unit`.
    pub(super) ahead: u8,
    /// State of the client: longest block that the path to the client carries.
    pub(super) path: PackedPathMtu,
}

/// State of a download, with the data that only some phases need.
#[derive(Clone, Copy, Debug)]
enum State {
    Refused {
        refusal: Refusal,
        /// Whether the policy refused an image that the store has. The server sends the client no blocks of an image
        /// that the policy refused.
        by_policy: bool,
    },
    Offered,
    Downloading {
        reached: u32,
        blocks: u32,
        size: u32,
        measured: RateMeasurement,
        /// Page that is being sent, or held answers. The field `page` is valid if the flag PAGE or HELD is set.
        page: Page,
    },
    Stalled {
        reached: u32,
    },
    Ended {
        status: Status,
        /// Upgrade time that the server ordered, in seconds modulo 2³²; `None` if the server ordered no upgrade, or
        /// ordered the client to hold.
        upgrade_at: Option<u32>,
        taken: Taken,
    },
    /// The operator cancelled the download. The server answers requests for blocks with ABORT until the client queries
    /// again.
    Cancelled,
}

/// Whether a download counts as repeated when the client downloads the same image again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// The server sent no block since the last download of the session ended.
    No,
    /// The server sent blocks of the image, but ordered no upgrade yet.
    Blocks,
    /// The server has counted the download as a repeated download.
    Counted,
}

/// A session takes at most 96 bytes, so that 65,528 sessions take 6 megabytes.
const _: () = assert!(size_of::<Session>() <= 96);

/// Value of a field of [`Links`] that names no slot.
pub(super) const NO_SLOT: u16 = u16::MAX;

/// Links of the session table: indices of other slots, or [`NO_SLOT`]. The documentation of the module `session_table`
/// shows the structures that the links form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    /// First slot of the hash bucket that has the same index as this slot.
    pub(super) bucket_head: u16,
    /// Next slot in the hash bucket of this slot.
    pub(super) bucket_next: u16,
    /// Next slot in the order of sessions by age, in the direction of the newest slot.
    pub(super) newer: u16,
    /// Next slot in the order of sessions by age, in the direction of the oldest slot. In a free slot, `older` is the
    /// index of the next free slot.
    pub(super) older: u16,
    /// Slot at the place in the timer heap that has the same index as this slot.
    pub(super) heap_slot: u16,
    /// Place of this slot in the timer heap.
    pub(super) heap_place: u16,
}

impl Links {
    /// Links of a slot that is in no hash bucket, in no order by age and not in the timer heap.
    pub(super) const NONE: Self = Self {
        bucket_head: NO_SLOT,
        bucket_next: NO_SLOT,
        newer: NO_SLOT,
        older: NO_SLOT,
        heap_slot: NO_SLOT,
        heap_place: NO_SLOT,
    };
}

/// Page that is being sent to a client (section 6.10.7).
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// Offset in the file of the next block of the page. The type `U32` is unaligned, so that the session has no
    /// padding.
    pub(super) next: U32,
    /// Number of bytes of the page that are not sent yet.
    pub(super) left: u16,
    /// Milliseconds between two blocks of the page.
    pub(super) spacing: u16,
    /// Maximum number of bytes of data in one block of the page.
    pub(super) max_data: u8,
    /// Sequence number of the next block of the page.
    pub(super) sequence: u8,
}

impl Page {
    /// Placeholder for the page in the session of a download without a page.
    const NONE: Self = Self { next: U32::ZERO, left: 0, spacing: 0, max_data: 0, sequence: 0 };
}

/// Phase of one download, as far as the server knows the phase from the requests of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SessionPhase {
    /// The server refused the query of the client.
    Refused(Refusal),
    /// The server answered the query of the client with an offer; `Offered` contains the offered image.
    Offered(ImageId),
    /// The client requests blocks of an image.
    Downloading {
        /// Image that the client downloads.
        id: ImageId,
        /// Offset in bytes, from the start of the file, at which the furthest sent block ends.
        reached: u32,
        /// Number of blocks sent to the client, repeated blocks included.
        blocks: u32,
        /// Total image size in bytes. If `reached` equals `size`, the client verifies the image, which can take hours.
        size: u32,
    },
    /// The client was silent for longer than the stall timeout or the verify timeout, after an offer or during a
    /// download.
    Stalled {
        /// Image that the server offered, or that the client downloads.
        id: ImageId,
        /// Offset in bytes, from the start of the file, at which the furthest sent block ends.
        reached: u32,
    },
    /// The download ended with an Upgrade End Request of the client, or with ABORT from the server.
    Ended {
        /// Image that the client downloaded.
        id: ImageId,
        /// Status of the Upgrade End Request of the client, or ABORT if the server ended the download.
        status: Status,
    },
}

/// Effects that one sent block has on a session.
pub(super) struct BlockOutcome {
    /// Whether the block is the first block of a download.
    pub(super) started: bool,
    /// Whether the block completes another hundredth of the file.
    pub(super) hundredth: bool,
    /// Whether the last byte of the file was sent for the first time with this block.
    pub(super) all: bool,
    /// Whether some bytes of the file are still not sent.
    pub(super) more: bool,
}

impl Session {
    /// Empty session slot to lend to a server, which overwrites the slot. Client, image and phase of an empty session
    /// slot are placeholders.
    pub const EMPTY: Self = Self {
        last_heard: Instant::ZERO,
        timer_deadline: Instant::ZERO,
        ieee: 0,
        state: State::Refused { refusal: Refusal::NO_IMAGE_AVAILABLE, by_policy: false },
        version: FileVersion(0),
        served: 0,
        manufacturer: ManufacturerCode(0),
        image_type: ImageType(0),
        hardware: HardwareVersion(0),
        repeats_hour: 0,
        network: 0,
        flags: Flags::empty(),
        links: Links::NONE,
        endpoint: 0,
        repeats: 0,
        running: 0,
        wait: CoarseSeconds::ZERO,
        ahead: 0,
        path: PackedPathMtu::UNKNOWN,
    };

    /// Makes a new session of `client` for the image `id`. All counters of a new session start at 0, and the rate of
    /// its download has not been measured yet.
    pub(super) const fn new(now: Instant, client: Address, id: ImageId, links: Links) -> Self {
        let ImageId { manufacturer, image_type, version } = id;
        let Address { network, endpoint } = client;
        let (last_heard, flags) = (now, Flags::IN_USE);
        Self { last_heard, version, manufacturer, image_type, network, flags, links, endpoint, ..Self::EMPTY }
    }

    /// Returns the network address and endpoint of the client.
    #[must_use]
    pub const fn client(&self) -> Address {
        Address::new(self.network, self.endpoint)
    }

    /// Returns the manufacturer code of the session's image.
    #[must_use]
    pub const fn manufacturer(&self) -> ManufacturerCode {
        self.manufacturer
    }

    /// Returns the image type of the session's image.
    #[must_use]
    pub const fn image_type(&self) -> ImageType {
        self.image_type
    }

    /// Returns the IEEE address of the client as the caller gave it, in `FrameMeta::ieee` or as the result of
    /// `ServerPolicy::ieee`; `None` if the caller gave no address. `Session::ieee` never returns an IEEE address from
    /// the payload of a request.
    #[must_use]
    pub fn ieee(&self) -> Option<Eui64> {
        self.flags.contains(Flags::IEEE).then_some(Eui64(self.ieee))
    }

    /// Returns the hardware version that chooses between several files of one image; `None` if the version is unknown.
    /// The hardware version in a session comes from the last Query Next Image Request, or lies in the hardware range of
    /// the offered file.
    #[must_use]
    pub fn hardware(&self) -> Option<HardwareVersion> {
        self.flags.contains(Flags::HARDWARE).then_some(self.hardware)
    }

    /// Returns the time of the client's last frame about the image of the session, or of the answer to a deferred
    /// request.
    #[must_use]
    pub const fn last_heard(&self) -> Instant {
        self.last_heard
    }

    /// Returns the phase of the download.
    #[must_use]
    pub const fn phase(&self) -> SessionPhase {
        let id = self.id();
        match self.state {
            State::Refused { refusal, .. } => SessionPhase::Refused(refusal),
            State::Offered => SessionPhase::Offered(id),
            State::Downloading { reached, blocks, size, .. } => {
                SessionPhase::Downloading { id, reached, blocks, size }
            }
            State::Stalled { reached } => SessionPhase::Stalled { id, reached },
            State::Ended { status, .. } => SessionPhase::Ended { id, status },
            State::Cancelled => SessionPhase::Ended { id, status: Status::ABORT },
        }
    }

    /// Returns the maximum number of bytes of data in a block that the path to the client carries, a multiple of 16;
    /// `None` if the server knows no limit of the path. The server finds the limit of the path from delivery reports
    /// ([`Server::handle_delivery`](super::Server::handle_delivery)).
    #[must_use]
    pub const fn max_block_size(&self) -> Option<NonZeroU8> {
        self.path.get().limit()
    }

    /// Returns whether a page is being sent to the client.
    #[must_use]
    pub const fn has_page(&self) -> bool {
        self.flags.contains(Flags::PAGE)
    }

    /// Returns whether the client has downloaded and verified the image `id` and sent an Upgrade End Request with
    /// SUCCESS (section 6.10.9).
    #[must_use]
    pub fn has_downloaded(&self, id: ImageId) -> bool {
        self.phase() == SessionPhase::Ended { id, status: Status::SUCCESS }
    }

    /// Returns the image of the session, with the version that the phase is about.
    pub(crate) const fn id(&self) -> ImageId {
        ImageId { manufacturer: self.manufacturer, image_type: self.image_type, version: self.version }
    }

    /// Returns whether the session belongs to the download of `id`, in any version, by `client`.
    pub(super) fn is_of(&self, client: Address, id: ImageId) -> bool {
        self.network == client.network
            && self.endpoint == client.endpoint
            && self.manufacturer == id.manufacturer
            && self.image_type == id.image_type
    }

    /// Returns the network address of the client.
    pub(super) const fn network(&self) -> u16 {
        self.network
    }

    /// Changes the network address of the client. Only the session table changes the network address, because the
    /// address is the key of the table.
    pub(super) const fn set_network(&mut self, network: u16) {
        self.network = network;
    }

    /// Records the IEEE address of the client.
    pub(super) fn set_ieee(&mut self, Eui64(ieee): Eui64) {
        self.ieee = ieee;
        self.flags.insert(Flags::IEEE);
    }

    /// Records the hardware version that chooses between several files of the image.
    pub(super) fn set_hardware(&mut self, hardware: Option<HardwareVersion>) {
        self.flags.set(Flags::HARDWARE, hardware.is_some());
        self.hardware = hardware.unwrap_or(HardwareVersion(0));
    }

    /// Copies the state of the client from `other`, which is another session of the client.
    pub(super) fn copy_client_state(&mut self, other: &Self) {
        (self.ieee, self.served, self.ahead, self.path) = (other.ieee, other.served, other.ahead, other.path);
        self.flags = self.flags.difference(CLIENT_FLAGS) | other.flags.intersection(CLIENT_FLAGS);
    }

    /// Records the time of a frame from the client about the download of the session.
    pub(super) fn record_frame(&mut self, now: Instant) {
        // The time in `served` is modulo 49 days, so an old time is dropped before it becomes ambiguous.
        if self.last_served(now).is_none_or(|served| now.since(served) > MAX_SERVED_AGE) {
            self.flags.remove(Flags::SERVED);
        }
        self.last_heard = now;
    }

    /// Sets the time of the client's last frame back to `heard` after the server sent a block of a page, because the
    /// server sends a block of a page without a frame from the client.
    pub(super) const fn set_last_heard(&mut self, heard: Instant) {
        self.last_heard = heard;
    }

    /// Returns the time at which the server last sent a block to the client; `None` if the server has sent no block, or
    /// has forgotten the time ([`MAX_SERVED_AGE`], [`MAX_SILENCE`]).
    pub(super) fn last_served(&self, now: Instant) -> Option<Instant> {
        // At the last frame, the time was at most `MAX_SERVED_AGE` old. The time is therefore at most 37 days old now,
        // and unambiguous.
        if !self.flags.contains(Flags::SERVED) || now.since(self.last_heard) > MAX_SILENCE {
            return None;
        }
        let until = self.served.wrapping_sub(wrapping_millis(now));
        match until <= MAX_SERVED_AHEAD {
            true => Some(now.plus(Millis(until))),
            false => Some(now.minus(Millis(until.wrapping_neg()))),
        }
    }

    /// Sets the time at which the server last sent a block to the client.
    pub(super) fn set_last_served(&mut self, at: Instant) {
        self.served = wrapping_millis(at);
        self.flags.insert(Flags::SERVED);
    }

    /// Records that the server sent a WAIT_FOR_DATA to the client.
    pub(super) fn record_wait(&mut self, seconds: u32) {
        self.flags.set(Flags::ZERO_WAIT, seconds == 0);
        self.wait = CoarseSeconds::new(seconds);
    }

    /// Returns whether the byte at `offset` of the image `id` was sent to the client in the present download.
    pub(super) fn has_been_sent(&self, id: ImageId, offset: u32) -> bool {
        matches!(self.state, State::Downloading { reached, .. } if self.id() == id && offset < reached)
    }

    /// Returns whether the session is the newest in its order by age.
    pub(super) const fn is_newest(&self) -> bool {
        self.links.newer == NO_SLOT
    }

    /// Returns whether the timer of the session is set to `when` or an earlier time.
    pub(super) fn has_timer_before(&self, when: Instant) -> bool {
        self.links.heap_place != NO_SLOT && self.timer_deadline <= when
    }

    /// Returns whether the session has the current state of the client, such as its block size.
    pub(super) const fn is_primary(&self) -> bool {
        self.flags.contains(Flags::PRIMARY)
    }

    /// Returns the reason why the client gets no block of the image: the policy refused the image, or the caller
    /// cancelled the download. Returns `None` if the server may send blocks of the image to the client.
    pub(super) const fn refusal_reason(&self) -> Option<RefusalReason> {
        match self.state {
            State::Refused { by_policy: true, .. } => Some(RefusalReason::Policy),
            State::Cancelled => Some(RefusalReason::Cancelled),
            _ => None,
        }
    }

    /// Returns whether the download is offered or in progress, so that an operator can cancel it.
    pub(crate) const fn is_underway(&self) -> bool {
        matches!(self.state, State::Offered | State::Downloading { .. } | State::Stalled { .. })
    }

    /// Returns whether a page or held answers are being sent to the client.
    pub(super) const fn is_sending(&self) -> bool {
        self.flags.intersects(Flags::PAGE.union(Flags::HELD))
    }

    /// Returns the page or the held answers that are being sent; `None` if nothing is being sent.
    pub(super) const fn page(&self) -> Option<&Page> {
        match &self.state {
            State::Downloading { page, .. } if self.is_sending() => Some(page),
            _ => None,
        }
    }

    /// Lends the page that is being sent, or the memory for a page; `None` if no download is in progress.
    pub(super) const fn page_mut(&mut self) -> Option<&mut Page> {
        match &mut self.state {
            State::Downloading { page, .. } => Some(page),
            _ => None,
        }
    }

    /// Sets the field `state` of the session. Only `enter`, `record_cancel` and `record_stall` assign the field
    /// `state`.
    fn enter(&mut self, now: Instant, version: FileVersion, state: State) {
        if self.version != version {
            self.flags.remove(Flags::RELEASED);
            self.forget_repeats();
        }
        self.record_frame(now);
        self.wait = CoarseSeconds::ZERO;
        self.version = version;
        self.state = state;
    }

    /// Records that the server offered the image version `version`. If the store has several files of the image, the
    /// server finds the offered file with `hardware`, which is `None` if the hardware version is not known.
    ///
    /// Returns `true` if the session keeps its phase, because the client already downloads the image version `version`,
    /// is on hold with the downloaded version, or is about to upgrade to the version. A client that downloads, is on
    /// hold or is about to upgrade sends a query because of an Image Notify. If the client restarts the download after
    /// its query, the server detects the restart at the next block. If the client does not download `version`, is not
    /// on hold with it and is not about to upgrade to it, the session enters the phase `Offered`, and `record_offer`
    /// returns `false`.
    pub(super) fn record_offer(
        &mut self,
        now: Instant,
        version: FileVersion,
        hardware: Option<HardwareVersion>,
    ) -> bool {
        self.set_hardware(hardware);
        let goes_on = match self.state {
            State::Downloading { .. } | State::Ended { status: Status::SUCCESS, upgrade_at: None, .. } => {
                true
            }
            State::Ended { status: Status::SUCCESS, .. } => self.is_upgrading(now),
            _ => false,
        };
        let stays = goes_on && self.version == version;
        match stays {
            true => self.record_frame(now),
            false => self.enter(now, version, State::Offered),
        }
        stays
    }

    /// Records that the server refused a query. If `by_policy` is set, the store has an image for the client, and the
    /// policy refused this image.
    pub(super) fn record_refusal(&mut self, now: Instant, refusal: Refusal, by_policy: bool) {
        self.flags.remove(Flags::RELEASED);
        self.enter(now, self.version, State::Refused { refusal, by_policy });
    }

    /// Records that the server ended the download with ABORT. After a refusal by the policy, or after a cancellation,
    /// the ABORT does not change the phase of the download.
    pub(super) fn record_abort(&mut self, now: Instant, id: ImageId) {
        if self.refusal_reason().is_some() {
            return self.record_frame(now);
        }
        let taken = Taken::No;
        self.enter(now, id.version, State::Ended { status: Status::ABORT, upgrade_at: None, taken });
    }

    /// Records that the operator cancelled the download.
    pub(super) fn record_cancel(&mut self) {
        self.forget_repeats();
        self.state = State::Cancelled;
    }

    /// Records an Upgrade End Request. Returns whether the operator released the client from a hold of the image.
    pub(super) fn record_end(&mut self, now: Instant, id: ImageId, status: Status) -> bool {
        let taken = match self.state {
            _ if self.version != id.version => Taken::No,
            State::Downloading { .. } | State::Stalled { reached: 1.. } => Taken::Blocks,
            State::Ended { taken, .. } => taken,
            State::Refused { .. } | State::Offered | State::Stalled { .. } | State::Cancelled => Taken::No,
        };
        self.enter(now, id.version, State::Ended { status, upgrade_at: None, taken });
        if status == Status::INVALID_IMAGE {
            self.count_download(now);
        }
        if status != Status::SUCCESS {
            self.flags.remove(Flags::RELEASED);
        }
        self.flags.contains(Flags::RELEASED)
    }

    /// Records that the server ordered the client to upgrade `seconds` after `now`.
    pub(super) fn record_order(&mut self, now: Instant, seconds: u32) {
        if let State::Ended { upgrade_at, .. } = &mut self.state {
            *upgrade_at = Some(wrapping_seconds(now).wrapping_add(seconds));
            self.count_download(now);
        }
    }

    /// Records that the server ordered the client to hold.
    pub(super) fn record_hold(&mut self) {
        self.flags.remove(Flags::RELEASED);
        if let State::Ended { upgrade_at, .. } = &mut self.state {
            *upgrade_at = None;
        }
    }

    /// Moves the session to the phase `Stalled` after the silence timeout of the client. Returns the image, the end of
    /// the furthest sent block, and whether all bytes of the file were sent. Returns `None` in phases without a
    /// timeout.
    pub(super) fn record_stall(&mut self) -> Option<(ImageId, u32, bool)> {
        let (reached, all) = match self.state {
            State::Offered => (0, false),
            State::Downloading { reached, size, .. } => (reached, reached == size),
            // The server awaits no request in these phases, and sets no timer.
            State::Refused { .. } | State::Stalled { .. } | State::Ended { .. } | State::Cancelled => {
                return None;
            }
        };
        self.state = State::Stalled { reached };
        Some((self.id(), reached, all))
    }

    /// Records a sent block of the image `id`, whose total image size is `size` bytes. The block contains the bytes of
    /// the file from `offset` to `end`. A download starts with the first block of an image, or with a block at offset 0
    /// after blocks beyond offset 0.
    #[inline(always)]
    pub(super) fn record_block(
        &mut self,
        now: Instant,
        id: ImageId,
        size: u32,
        offset: u32,
        end: u32,
    ) -> BlockOutcome {
        let millis = wrapping_millis(now);
        let before = match &mut self.state {
            State::Downloading { reached, blocks, size: of, measured, .. }
                if self.version == id.version
                    && (offset > 0 || is_same_download(*reached, end, measured)) =>
            {
                let before = *reached;
                *reached = before.max(end);
                *blocks = blocks.saturating_add(1);
                *of = size;
                measured.record_block(millis, before, offset..end);
                Some(before)
            }
            _ => None,
        };
        if before.is_none() {
            self.start_download(now, id, size, end);
        }
        // The time of this block replaces the time in `served`, which therefore needs no check of its age.
        self.last_heard = now;
        self.wait = CoarseSeconds::ZERO;
        self.served = millis;
        self.flags = self.flags.difference(Flags::ZERO_WAIT) | Flags::SERVED | Flags::UNCONFIRMED;
        let started = before.is_none();
        let before = before.unwrap_or(0);
        let reached = before.max(end);
        BlockOutcome {
            started,
            hundredth: passes_hundredth(before, reached, size),
            all: reached == size && before < size,
            more: reached < size,
        }
    }

    /// Moves the session to the phase `Downloading` with the first block of a download; the block ends at the offset
    /// `end`.
    #[cold]
    fn start_download(&mut self, now: Instant, id: ImageId, size: u32, end: u32) {
        // A restarted download uses the same path, so the known block size limit stays.
        if !(self.version == id.version && matches!(self.state, State::Downloading { .. })) {
            self.path = PackedPathMtu::UNKNOWN;
        }
        let measured = RateMeasurement::start(wrapping_millis(now), end);
        let state = State::Downloading { reached: end, blocks: 1, size, measured, page: Page::NONE };
        self.enter(now, id.version, state);
    }

    /// Records the rest of a page in the session, after the first block of the page. The first block of the page has
    /// `sent` bytes of data and the sequence number `sequence`.
    pub(super) fn start_page(&mut self, request: &ImagePageRequest, sequence: u8, sent: u16) {
        if let Some(page) = self.page_mut() {
            *page = Page {
                next: request.offset.saturating_add(sent.into()).into(),
                left: request.page_size.saturating_sub(sent),
                spacing: request.spacing,
                max_data: request.max_data,
                sequence: sequence.wrapping_add(1),
            };
        }
    }

    /// Returns the time from which the silence of a client counts: the time of the last frame from the client or to the
    /// client, plus the waiting time that the server demanded. `last_served` is the time at which the server last sent
    /// a block of any image to the client.
    pub(super) fn silence_start(&self, last_served: Option<Instant>) -> Instant {
        let last = last_served.map_or(self.last_heard, |served| served.max(self.last_heard));
        last.plus(Millis::from_secs(self.wait.get()))
    }
}

/// Returns whether a block from offset 0 to `end` belongs to the download whose furthest block ends at `reached`. The
/// server may send the first block again, with fewer bytes; any other block at offset 0 starts a new download.
#[cold]
const fn is_same_download(reached: u32, end: u32, measured: &RateMeasurement) -> bool {
    reached <= end || measured.starts_at(reached)
}

/// Maximum time from the last block to a client until the last frame from the client: 12 days. If the last block to a
/// client is more than 12 days older than a frame from the client, the server forgets the time of the block.
const MAX_SERVED_AGE: Millis = Millis(1 << 30);

/// Maximum silence of a client after which the server still knows the time of the last block to the client: 24 days.
const MAX_SILENCE: Millis = Millis(1 << 31);

/// Maximum number of milliseconds by which the stored time of the last block may lie after the current time; a stored
/// time that is further ahead, modulo 2³², is a time in the past.
const MAX_SERVED_AHEAD: u32 = 10_000;

/// Returns the milliseconds of `now` modulo 2³². The number of milliseconds wraps after 49 days.
pub(super) const fn wrapping_millis(now: Instant) -> u32 {
    let [a, b, c, d, ..] = now.as_millis().to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

impl Default for Session {
    fn default() -> Self {
        Self::EMPTY
    }
}
