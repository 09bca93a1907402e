//! What a server remembers of one client.
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
//! | any | a query that is answered by an offer; by a refusal | Offered; Refused |
//! | | a query refused for its repetitions | the same, so that they are counted on |
//! | | a block of the image in hand is served | Downloading, `reached` at its end |
//! | | a block of another image, or at offset 0 once more | Downloading, begun anew |
//! | | Upgrade End Request | Ended, with its status |
//! | | ABORT in answer to a block, or for a page (`abort_page`) | Ended, with ABORT |
//! | Offered, Downloading | silence for `ServerConfig::stall_timeout` and the time it was told to wait | Stalled |
//! | Downloading with all | silence for `ServerConfig::verify_timeout`, or longer where the device is known to take longer | Stalled |

use core::mem::size_of;
use core::num::NonZeroU8;

use bitflags::bitflags;
use zerocopy::little_endian::U32;

use super::session_table::Links;
use crate::aps::Address;
use crate::time::{Instant, Millis};
use crate::types::{Eui64, ImageId};
use crate::zcl::{ImagePageRequest, Refusal, Status};

bitflags! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Flags: u8 {
        /// It counts among the downloads: see `Table::set`.
        const ACTIVE = 1 << 0;
        /// A page is being sent: it counts among the pages.
        const PAGE = 1 << 1;
        /// The page was asked for with the address in `node`.
        const NODE = 1 << 2;
        /// It was told a MinimumBlockPeriod that it has not taken on yet.
        const TOLD_PERIOD = 1 << 3;
        /// It was told to upgrade while it was held: the next ask is answered the same.
        const RELEASED = 1 << 4;
        /// The page was asked for with APS security.
        const SECURED = 1 << 5;
    }
}

/// The slot of one client.
///
/// It decides nothing about blocks by itself: a server without a slot for a client serves it just as well
/// (section 6.1). It is what the caller and its [`ServerPolicy`](super::ServerPolicy) can look up about a client heard of lately,
/// and what pages and pacing need.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    pub(super) heard: Instant,
    /// When data was last sent.
    pub(super) served: Instant,
    /// When its timer rings; it may ring early and is set anew then.
    pub(super) timer: Instant,
    pub(super) node: u64,
    phase: SessionPhase,
    /// When the download began, in milliseconds that wrap.
    since: u32,
    /// Where it began.
    first: u32,
    pub(super) client: Address,
    pub(super) page: Page,
    /// Not of this session: see [`Table`](super::session_table::Table).
    pub(super) links: Links,
    /// Seconds that it was told to wait.
    pub(super) wait: u16,
    pub(super) flags: Flags,
    /// Bytes in a block that arrive, where others failed.
    pub(super) carries: Option<NonZeroU8>,
    /// Blocks in a row that did not arrive.
    pub(super) failures: u8,
    /// How often it took the same image and asked again.
    pub(super) repeats: u8,
}

/// A network of 65,528 clients takes 6 megabytes.
const _: () = assert!(size_of::<Session>() <= 96);

/// A page under way (section 6.10.7).
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// First byte of the next block. Unaligned, as all else here, so that a session has no bytes to spare.
    pub(super) next: U32,
    /// Bytes of the page from there on.
    pub(super) left: u16,
    /// Milliseconds between two blocks.
    pub(super) spacing: u16,
    pub(super) max_data: u8,
    /// Sequence number of the next block.
    pub(super) sequence: u8,
}

/// How far a client has come, as far as it told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SessionPhase {
    /// It asked for an image, and this was the answer.
    Refused(Refusal),
    /// It asked for an image and was offered this one.
    Offered(ImageId),
    /// It asks for blocks of an image.
    Downloading {
        /// Which image.
        id: ImageId,
        /// Bytes from the start of the file up to the end of the furthest block served.
        reached: u32,
        /// Blocks served, repeated ones as often as they were.
        blocks: u32,
        /// Bytes of the file. When `reached` is as many, the client checks what it got, which can take hours.
        size: u32,
    },
    /// It was silent for too long after it had been offered the image, or in the midst of it.
    Stalled {
        /// Which image.
        id: ImageId,
        /// Bytes from the start of the file up to the end of the furthest block served.
        reached: u32,
    },
    /// The download ended: by the client's Upgrade End Request, or because the server answered ABORT to a block
    /// request.
    Ended {
        /// Which image.
        id: ImageId,
        /// How: the status of the request, or ABORT.
        status: Status,
    },
}

/// How a download goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct SessionProgress {
    /// Bytes from the start of the file up to the end of the furthest block served.
    pub reached: u32,
    /// Bytes of the file.
    pub size: u32,
    /// Bytes per second since the download began, or was resumed.
    pub rate: u32,
    /// Seconds that the rest takes at that rate; `None` while the rate is 0.
    pub remaining: Option<u32>,
}

/// What became of a session by a block.
pub(super) struct Served {
    /// The download starts with it.
    pub(super) started: bool,
    /// Another hundredth of the file is done.
    pub(super) hundredth: bool,
    /// The last byte of the file was served for the first time.
    pub(super) all: bool,
    /// There are bytes left that were not served.
    pub(super) more: bool,
}

impl Session {
    /// A slot to lend to a server, which overwrites it. Its client and phase mean nothing.
    pub const EMPTY: Self = Self {
        heard: Instant::ZERO,
        served: Instant::ZERO,
        timer: Instant::ZERO,
        node: 0,
        phase: SessionPhase::Refused(Refusal::NO_IMAGE_AVAILABLE),
        since: 0,
        first: 0,
        client: Address::new(0, 0),
        page: Page { next: U32::ZERO, left: 0, spacing: 0, max_data: 0, sequence: 0 },
        links: Links::NONE,
        wait: 0,
        flags: Flags::empty(),
        carries: None,
        failures: 0,
        repeats: 0,
    };

    /// The session of a client that nothing is known of yet.
    pub(super) const fn of(client: Address, links: Links) -> Self {
        Self { client, links, ..Self::EMPTY }
    }

    /// Whose it is: network address and endpoint of the client.
    #[must_use]
    pub const fn client(&self) -> Address {
        self.client
    }

    /// When the client's last unicast frame came in, or was answered where it had been parked.
    #[must_use]
    pub const fn last_heard(&self) -> Instant {
        self.heard
    }

    /// How far the client has come.
    #[must_use]
    pub const fn phase(&self) -> SessionPhase {
        self.phase
    }

    /// The most bytes of data that arrive in one block, as far as larger ones did not
    /// ([`Server::handle_delivery`](super::Server::handle_delivery)).
    #[must_use]
    pub const fn max_block_size(&self) -> Option<NonZeroU8> {
        self.carries
    }

    /// Whether a page is being sent to it.
    #[must_use]
    pub const fn has_page(&self) -> bool {
        self.flags.contains(Flags::PAGE)
    }

    /// Whether the client holds `id`, complete and checked, and asked when to upgrade to it (section 6.10.9).
    #[must_use]
    pub fn has_downloaded(&self, id: ImageId) -> bool {
        self.phase == SessionPhase::Ended { id, status: Status::SUCCESS }
    }

    /// How a download goes; `None` without one.
    #[must_use]
    pub fn progress(&self) -> Option<SessionProgress> {
        let SessionPhase::Downloading { reached, size, .. } = self.phase else { return None };
        let now = self.heard.max(self.served);
        let millis = u64::from(low(now).wrapping_sub(self.since)).max(1);
        let served = u64::from(reached.saturating_sub(self.first)).saturating_mul(1000);
        let rate = u32::try_from(served.checked_div(millis)?).unwrap_or(u32::MAX);
        let remaining = size.saturating_sub(reached).checked_div(rate);
        Some(SessionProgress { reached, size, rate, remaining })
    }

    /// Moves the client on. Only this and `stall` assign the phase.
    pub(super) fn enter(&mut self, now: Instant, phase: SessionPhase) {
        self.heard = now;
        self.wait = 0;
        self.flags.remove(Flags::RELEASED);
        self.phase = phase;
    }

    /// It was silent for too long. Tells what it had been at.
    pub(super) fn stall(&mut self) -> Option<(ImageId, u32, bool)> {
        let (id, reached, all) = match self.phase {
            SessionPhase::Offered(id) => (id, 0, false),
            SessionPhase::Downloading { id, reached, size, .. } => (id, reached, reached == size),
            // Nothing is awaited of these, and no timer rings for them.
            SessionPhase::Refused(_) | SessionPhase::Stalled { .. } | SessionPhase::Ended { .. } => {
                return None;
            }
        };
        self.phase = SessionPhase::Stalled { id, reached };
        Some((id, reached, all))
    }

    /// Takes note of a block of `id`, which has `size` bytes, from `offset` to `end` of the file. A download starts
    /// with the first block of an image heard of, or one at offset 0 when others were served beyond it.
    pub(super) fn serve(&mut self, now: Instant, id: ImageId, size: u32, offset: u32, end: u32) -> Served {
        let (before, blocks) = match self.phase {
            SessionPhase::Downloading { id: same, reached, blocks, .. }
                if same == id && (offset > 0 || reached <= end) =>
            {
                (reached, blocks)
            }
            _ => (0, 0),
        };
        if blocks == 0 {
            (self.since, self.first) = (low(now), offset);
        }
        let reached = before.max(end);
        self.enter(now, SessionPhase::Downloading { id, reached, blocks: blocks.saturating_add(1), size });
        self.served = now;
        Served {
            started: blocks == 0,
            hundredth: reached > before && passes_hundredth(before, reached, size),
            all: reached == size && before < size,
            more: reached < size,
        }
    }

    /// Takes a page on whose next block starts at `next`.
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

    /// The address that a running page was asked for with.
    pub(super) fn page_node(&self) -> Option<Eui64> {
        self.flags.contains(Flags::NODE).then_some(Eui64(self.node))
    }

    /// When the next block of a page is due.
    pub(super) fn page_due(&self) -> Option<Instant> {
        self.has_page().then(|| self.served.plus(Millis(self.page.spacing.into())))
    }

    /// Since when it is silent, with the time that it was told to wait.
    pub(super) fn silent_since(&self) -> Instant {
        self.heard.max(self.served).plus(Millis::from_secs(self.wait.into()))
    }
}

/// Whether a whole hundredth of `size` lies between the two, or at the later one.
fn passes_hundredth(before: u32, after: u32, size: u32) -> bool {
    // With a size below 2³² all of it fits, and one division is enough.
    let hundred = |bytes: u32| u64::from(bytes).wrapping_mul(100);
    let done = hundred(before).checked_div(size.into()).unwrap_or(0);
    hundred(after) >= done.wrapping_add(1).wrapping_mul(size.into())
}

/// Milliseconds that wrap after 49 days.
fn low(now: Instant) -> u32 {
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

    /// The same on 32 and 64 bits: nothing in it is as wide as a pointer. (Some 32-bit targets align a `u64` to
    /// four bytes; it is no larger there.)
    #[test]
    fn a_session_is_small() {
        assert_eq!(size_of::<Session>(), 96);
    }

    #[test]
    fn blocks_add_up_to_progress() {
        let mut session = Session::EMPTY;
        let at = Instant::from_millis;
        let mut serve = |millis, id, offset, end| {
            let served = session.serve(at(millis), id, 200, offset, end);
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
        session.serve(Instant::from_millis(start), A, 10_000, 4_000, 4_050);
        session.serve(Instant::from_millis(start + 2_000), A, 10_000, 5_950, 6_000);
        let progress = SessionProgress { reached: 6_000, size: 10_000, rate: 1_000, remaining: Some(4) };
        assert_eq!(session.progress(), Some(progress), "across the turn of the counter");
        session.serve(Instant::from_millis(start + 9_000_000), A, 10_000, 5_950, 6_000);
        assert_eq!(session.progress().unwrap().remaining, None);
    }
}
