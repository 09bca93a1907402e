//! Session: the state that a server remembers of one client. Sections refer to ZigBee document 095264 (2011).
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
//! | | query refused because of repeated downloads | the same phase, so that the count goes on |
//! | | block of the image of the phase is sent | Downloading, `reached` at the end of the block |
//! | | block of another image, or at offset 0 again, is sent | Downloading, counted anew |
//! | | Upgrade End Request | Ended, with the status of the request |
//! | | ABORT as answer to a block request, or for a page (`abort_page`) | Ended, with ABORT |
//! | Offered, Downloading | silence for `ServerConfig::stall_timeout` plus the time to wait | Stalled |
//! | Downloading, all bytes sent | silence for `ServerConfig::verify_timeout`, or longer by a device override | Stalled |

use core::fmt::{self, Display, Formatter};
use core::mem::size_of;
use core::num::NonZeroU8;

use bitflags::bitflags;
use zerocopy::little_endian::U32;

use super::path_mtu::PathMtu;
use crate::aps::Address;
use crate::time::{Instant, Millis};
use crate::types::{Eui64, ImageId};
use crate::zcl::{ImagePageRequest, Refusal, Status};

bitflags! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Flags: u16 {
        /// The session counts as a download. `SessionTable::set_flag` keeps the count.
        const DOWNLOAD = 1 << 0;
        /// A page is being sent to the client, and the session counts as a page. `SessionTable::set_flag` keeps the
        /// count.
        const PAGE = 1 << 1;
        /// The Image Page Request contained an IEEE address, which the field `node` holds.
        const NODE = 1 << 2;
        /// The server sent the client a MinimumBlockPeriod that the requests of the client do not contain yet.
        const PERIOD_SENT = 1 << 3;
        /// The server released the client from a hold. The next Upgrade End Request of the client gets the same answer.
        const RELEASED = 1 << 4;
        /// The Image Page Request came with APS security.
        const SECURED = 1 << 5;
        /// The last answer to a block request was WAIT_FOR_DATA with no time to wait.
        const ZERO_WAIT = 1 << 6;
        /// The last block was the repeat of a block, and was sent before the period was over.
        const EARLY_REPEAT = 1 << 7;
        /// The client counts MinimumBlockPeriod in seconds, as cluster revision 2 does.
        const PERIOD_IN_SECONDS = 1 << 8;
    }
}

/// State that a server remembers of one client: phase of the upgrade, statistics, the page that is being sent, and rate
/// limit.
///
/// Sessions are optional: a server serves blocks even to a client without a session (section 6.1). Pages and the limits
/// for each client need a session. The caller and its [`ServerPolicy`](super::ServerPolicy) can read a session.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// Time of the last unicast frame from the client.
    pub(super) last_heard: Instant,
    /// Time at which the server last sent data to the client.
    pub(super) last_served: Instant,
    /// Deadline of the timer of the session. A deadline may be too early; the server then sets the timer again.
    pub(super) timer_deadline: Instant,
    /// IEEE address in the Image Page Request. The address is valid if the flag NODE is set.
    pub(super) node: u64,
    phase: SessionPhase,
    /// Time at which the download started, in milliseconds modulo 2³².
    started_at: u32,
    /// Offset of the first block of the download in the file.
    start_offset: u32,
    pub(super) client: Address,
    pub(super) page: Page,
    /// Links of the session table. The session stores the links, so that the table needs no second array.
    pub(super) links: Links,
    /// Milliseconds by which the blocks to the client are ahead of the period of the rate limit.
    pub(super) ahead: u16,
    /// Number of seconds that the client was last told to wait.
    pub(super) wait_seconds: u16,
    pub(super) flags: Flags,
    /// Longest block that the path to the client carries.
    pub(super) path: PathMtu,
    /// Number of downloads of the same image by the client without an upgrade.
    pub(super) repeated_downloads: u8,
}

/// The sessions of a whole network of 65,528 clients take 6 megabytes.
const _: () = assert!(size_of::<Session>() <= 104);

/// Value of a field of [`Links`] that names no slot.
pub(super) const NO_SLOT: u16 = u16::MAX;

/// Links of the session table: indices of other slots, or [`NO_SLOT`]. The module `session_table` draws the structures
/// that the links form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    /// First slot of the hash bucket that has the same index as this slot.
    pub(super) bucket_head: u16,
    /// Next slot in the hash bucket of this slot.
    pub(super) bucket_next: u16,
    /// Next slot in the order of age, in the direction of the newest slot.
    pub(super) newer: u16,
    /// Next slot in the order of age, in the direction of the oldest slot.
    pub(super) older: u16,
    /// Slot at the heap place that has the same index as this slot.
    pub(super) heap_slot: u16,
    /// Place of this slot in the timer heap.
    pub(super) heap_place: u16,
}

impl Links {
    /// Links of a slot that is in no bucket, not in the order of age and not in the heap.
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
    /// Offset of the next block in the file. All fields of a page are unaligned, so that the session has no padding.
    pub(super) next: U32,
    /// Number of bytes of the page that are not sent yet.
    pub(super) left: u16,
    /// Milliseconds between two blocks of the page.
    pub(super) spacing: u16,
    /// Maximum bytes of data in one block of the page.
    pub(super) max_data: u8,
    /// Sequence number of the next block of the page.
    pub(super) sequence: u8,
}

/// Phase of the upgrade of one client, as far as the requests of the client show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SessionPhase {
    /// The server refused the query of the client.
    Refused(Refusal),
    /// The server answered the query of the client with an offer of this image.
    Offered(ImageId),
    /// The client requests blocks of an image.
    Downloading {
        /// Image that the client downloads.
        id: ImageId,
        /// End of the furthest block sent, in bytes from the start of the file.
        reached: u32,
        /// Number of blocks sent to the client, repeated blocks included.
        blocks: u32,
        /// Total image size in bytes. If `reached` equals `size`, the client verifies the image, which can take hours.
        size: u32,
    },
    /// The client was silent for longer than the timeout, after an offer or during a download.
    Stalled {
        /// Image that the server offered, or that the client downloads.
        id: ImageId,
        /// End of the furthest block sent, in bytes from the start of the file.
        reached: u32,
    },
    /// The download ended with an Upgrade End Request of the client, or with ABORT from the server.
    Ended {
        /// Image that the client downloaded.
        id: ImageId,
        /// Status of the Upgrade End Request of the client, or ABORT.
        status: Status,
    },
}

impl SessionPhase {
    /// Returns the image of the phase; `None` after a refused query.
    const fn image(&self) -> Option<ImageId> {
        match *self {
            Self::Refused(_) => None,
            Self::Offered(id)
            | Self::Downloading { id, .. }
            | Self::Stalled { id, .. }
            | Self::Ended { id, .. } => Some(id),
        }
    }
}

/// Progress of a download. `Display` writes, for instance, `400 of 1000 bytes, 133 bytes/s, 4 s left`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct SessionProgress {
    /// End of the furthest block sent, in bytes from the start of the file.
    pub reached: u32,
    /// Total image size of the downloaded image in bytes.
    pub size: u32,
    /// Speed of the download in bytes per second, since the download started or was resumed.
    pub rate: u32,
    /// Seconds until the last byte of the file at the present `rate`; `None` while `rate` is 0.
    pub remaining: Option<u32>,
}

impl Display for SessionProgress {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { reached, size, rate, remaining } = self;
        write!(f, "{reached} of {size} bytes, {rate} bytes/s")?;
        remaining.map_or(Ok(()), |seconds| write!(f, ", {seconds} s left"))
    }
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
    /// Empty slot to lend to a server, which overwrites the slot. Client and phase of the slot are placeholders.
    pub const EMPTY: Self = Self {
        last_heard: Instant::ZERO,
        last_served: Instant::ZERO,
        timer_deadline: Instant::ZERO,
        node: 0,
        phase: SessionPhase::Refused(Refusal::NO_IMAGE_AVAILABLE),
        started_at: 0,
        start_offset: 0,
        client: Address::new(0, 0),
        page: Page { next: U32::ZERO, left: 0, spacing: 0, max_data: 0, sequence: 0 },
        links: Links::NONE,
        ahead: 0,
        wait_seconds: 0,
        flags: Flags::empty(),
        path: PathMtu::UNKNOWN,
        repeated_downloads: 0,
    };

    /// Makes the session of a client without any history.
    pub(super) const fn new(client: Address, links: Links) -> Self {
        Self { client, links, ..Self::EMPTY }
    }

    /// Returns the network address and endpoint of the client.
    #[must_use]
    pub const fn client(&self) -> Address {
        self.client
    }

    /// Returns the time of the last unicast frame from the client, or of the answer to a deferred request.
    #[must_use]
    pub const fn last_heard(&self) -> Instant {
        self.last_heard
    }

    /// Returns the phase of the client's upgrade.
    #[must_use]
    pub const fn phase(&self) -> SessionPhase {
        self.phase
    }

    /// Returns the maximum bytes of data in a block for this client, a multiple of 16; `None` if the server knows no
    /// limit of the path. Delivery reports show the limit
    /// ([`Server::handle_delivery`](super::Server::handle_delivery)).
    #[must_use]
    pub const fn max_block_size(&self) -> Option<NonZeroU8> {
        self.path.limit()
    }

    /// Returns whether a page is being sent to the client.
    #[must_use]
    pub const fn has_page(&self) -> bool {
        self.flags.contains(Flags::PAGE)
    }

    /// Returns whether the client has downloaded and verified the image `id` and sent an Upgrade End Request with SUCCESS
    /// (section 6.10.9).
    #[must_use]
    pub fn has_downloaded(&self, id: ImageId) -> bool {
        self.phase == SessionPhase::Ended { id, status: Status::SUCCESS }
    }

    /// Returns the progress of the download; `None` in any phase except [`SessionPhase::Downloading`].
    #[must_use]
    pub fn progress(&self) -> Option<SessionProgress> {
        let SessionPhase::Downloading { reached, size, .. } = self.phase else { return None };
        let now = self.last_heard.max(self.last_served);
        let millis = u64::from(wrapping_millis(now).wrapping_sub(self.started_at)).max(1);
        let served = u64::from(reached.saturating_sub(self.start_offset)).saturating_mul(1000);
        let rate = u32::try_from(served.checked_div(millis)?).unwrap_or(u32::MAX);
        let remaining = size.saturating_sub(reached).checked_div(rate);
        Some(SessionProgress { reached, size, rate, remaining })
    }

    /// Moves the session to a phase. Only this method and `record_stall` assign the phase.
    pub(super) fn set_phase(&mut self, now: Instant, phase: SessionPhase) {
        self.last_heard = now;
        self.wait_seconds = 0;
        self.flags.remove(Flags::RELEASED);
        self.phase = phase;
    }

    /// Moves the session to the phase `Stalled` after the timeout. Returns the image, the end of the furthest block,
    /// and whether all bytes were sent. Returns `None` in phases without a timeout.
    pub(super) fn record_stall(&mut self) -> Option<(ImageId, u32, bool)> {
        let (id, reached, all) = match self.phase {
            SessionPhase::Offered(id) => (id, 0, false),
            SessionPhase::Downloading { id, reached, size, .. } => (id, reached, reached == size),
            // The server awaits no request in the phases Refused, Stalled and Ended, and sets no timer.
            SessionPhase::Refused(_) | SessionPhase::Stalled { .. } | SessionPhase::Ended { .. } => {
                return None;
            }
        };
        self.phase = SessionPhase::Stalled { id, reached };
        Some((id, reached, all))
    }

    /// Records a sent block of the image `id`, which has `size` bytes. The block reaches from `offset` to `end` of the
    /// file. A download starts with the first block of an image, or with a block at offset 0 after blocks beyond offset
    /// 0.
    pub(super) fn record_block(
        &mut self,
        now: Instant,
        id: ImageId,
        size: u32,
        offset: u32,
        end: u32,
    ) -> BlockOutcome {
        let (before, blocks) = match self.phase {
            SessionPhase::Downloading { id: same, reached, blocks, .. }
                if same == id && (offset > 0 || reached <= end) =>
            {
                (reached, blocks)
            }
            _ => (0, 0),
        };
        if blocks == 0 {
            (self.started_at, self.start_offset) = (wrapping_millis(now), offset);
        }
        if self.phase.image() != Some(id) {
            self.path = PathMtu::UNKNOWN;
        }
        self.flags.remove(Flags::ZERO_WAIT);
        let reached = before.max(end);
        self.set_phase(
            now,
            SessionPhase::Downloading { id, reached, blocks: blocks.saturating_add(1), size },
        );
        self.last_served = now;
        BlockOutcome {
            started: blocks == 0,
            hundredth: reached > before && passes_hundredth(before, reached, size),
            all: reached == size && before < size,
            more: reached < size,
        }
    }

    /// Returns whether the byte at `offset` of the image `id` was sent to the client in this download.
    pub(super) fn has_been_sent(&self, id: ImageId, offset: u32) -> bool {
        matches!(self.phase, SessionPhase::Downloading { id: same, reached, .. } if same == id && offset < reached)
    }

    /// Records a page after its first block. The first block has `sent` bytes of data and the sequence number
    /// `sequence`.
    pub(super) fn start_page(&mut self, request: &ImagePageRequest, sequence: u8, sent: u16) {
        self.page = Page {
            next: request.offset.saturating_add(sent.into()).into(),
            left: request.page_size.saturating_sub(sent),
            spacing: request.spacing,
            max_data: request.max_data,
            sequence: sequence.wrapping_add(1),
        };
        self.flags.set(Flags::NODE, request.node.is_some());
        self.node = request.node.map_or(0, |node| node.0);
    }

    /// Returns the IEEE address in the Image Page Request of the page that is being sent; `None` if the request
    /// contained no address.
    pub(super) fn page_node(&self) -> Option<Eui64> {
        self.flags.contains(Flags::NODE).then_some(Eui64(self.node))
    }

    /// Returns the time at which the next block of the page is due; `None` if no page is being sent.
    pub(super) fn next_page_block_due(&self) -> Option<Instant> {
        self.has_page().then(|| self.last_served.plus(Millis(self.page.spacing.into())))
    }

    /// Returns the start of the client's silence. The silence starts with the last frame in either direction, plus the
    /// time that the client was told to wait.
    pub(super) fn silence_start(&self) -> Instant {
        self.last_heard.max(self.last_served).plus(Millis::from_secs(self.wait_seconds.into()))
    }
}

/// Returns whether a multiple of a hundredth of `size` lies after `before` and not after `after`.
fn passes_hundredth(before: u32, after: u32, size: u32) -> bool {
    // No product overflows for a size below 2³², and one division for each argument is enough.
    let hundred = |bytes: u32| u64::from(bytes).wrapping_mul(100);
    let done = hundred(before).checked_div(size.into()).unwrap_or(0);
    hundred(after) >= done.wrapping_add(1).wrapping_mul(size.into())
}

/// Returns the milliseconds of `now` modulo 2³². The value wraps after 49 days.
fn wrapping_millis(now: Instant) -> u32 {
    let [a, b, c, d, ..] = now.as_millis().to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

impl Default for Session {
    fn default() -> Self {
        Self::EMPTY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ImageId = ImageId::new(0x1001, 0x00ab, 5);
    const B: ImageId = ImageId::new(0x1001, 0x00ab, 6);

    /// The size of a session is the same on 32 and 64 bits, because no field is as wide as a pointer. (Some 32-bit
    /// targets align a `u64` to four bytes; the session is no larger on such a target.)
    #[test]
    fn a_session_is_small() {
        assert_eq!(size_of::<Session>(), 104);
    }

    #[test]
    fn blocks_add_up_to_progress() {
        let mut session = Session::EMPTY;
        let at = Instant::from_millis;
        let mut serve = |millis, id, offset, end| {
            let served = session.record_block(at(millis), id, 200, offset, end);
            assert_eq!(session.last_heard(), at(millis));
            match session.phase() {
                SessionPhase::Downloading { id: now, reached, blocks, size: 200 } => {
                    assert_eq!(now, id);
                    (served.started, reached, blocks)
                }
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(serve(1, A, 0, 50), (true, 50, 1));
        assert_eq!(serve(2, A, 0, 50), (false, 50, 2), "the first block repeated");
        assert_eq!(serve(3, A, 100, 150), (false, 150, 3));
        assert_eq!(serve(4, A, 50, 100), (false, 150, 4), "a gap filled");
        assert_eq!(serve(5, A, 0, 50), (true, 50, 1), "from the start again");
        assert_eq!(serve(6, B, 64, 128), (true, 128, 1), "another image, resumed");
    }

    #[test]
    fn a_rate_counts_what_was_served_here() {
        let mut session = Session::EMPTY;
        let start = u64::from(u32::MAX) - 1000;
        assert_eq!(session.progress(), None);
        session.record_block(Instant::from_millis(start), A, 10_000, 4_000, 4_050);
        session.record_block(Instant::from_millis(start + 2_000), A, 10_000, 5_950, 6_000);
        let progress = SessionProgress { reached: 6_000, size: 10_000, rate: 1_000, remaining: Some(4) };
        assert_eq!(session.progress(), Some(progress), "across the turn of the counter");
        session.record_block(Instant::from_millis(start + 9_000_000), A, 10_000, 5_950, 6_000);
        assert_eq!(session.progress().unwrap().remaining, None);
    }
}
