//! What a server remembers of one client.

use core::mem::size_of;

use crate::link::Address;
use crate::time::Instant;
use crate::types::ImageId;
use crate::zcl::{Refusal, Status};

/// The slot of one client.
///
/// It decides nothing by itself: a server without a slot for a client serves it just as well (section 6.1). It is
/// what the caller and its [`Policy`](super::Policy) can look up about a client heard of lately.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    pub(super) client: Address,
    pub(super) heard: Instant,
    phase: Phase,
    /// Not of this session: see [`Table`](super::table::Table).
    pub(super) order: u16,
}

/// A network of 65,528 clients takes 6 megabytes at the most.
const _: () = assert!(size_of::<Session>() <= 96);

/// How far a client has come, as far as it told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
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

impl Session {
    /// A slot to lend to a server, which overwrites it. Its client and phase mean nothing.
    pub const EMPTY: Self = Self {
        client: Address::new(0, 0),
        heard: Instant::ZERO,
        phase: Phase::Refused(Refusal::NO_IMAGE_AVAILABLE),
        order: 0,
    };

    /// The session of a client that nothing is known of yet.
    pub(super) const fn of(client: Address, order: u16) -> Self {
        Self { client, order, ..Self::EMPTY }
    }

    /// Whose it is.
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
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Moves the client on. The only place that assigns the phase, but for `EMPTY`.
    pub(super) const fn enter(&mut self, now: Instant, phase: Phase) {
        self.heard = now;
        self.phase = phase;
    }

    /// Takes note of a block of `id`, from `offset` to `end` of the file. Tells whether a download starts with
    /// it: the first block of an image heard of, or one at offset 0 when others were served beyond it.
    pub(super) fn served(&mut self, now: Instant, id: ImageId, offset: u32, end: u32) -> bool {
        let (reached, blocks) = match self.phase {
            Phase::Downloading { id: same, reached, blocks }
                if same == id && (offset > 0 || reached <= end) =>
            {
                (reached, blocks)
            }
            _ => (0, 0),
        };
        let phase = Phase::Downloading { id, reached: reached.max(end), blocks: blocks.saturating_add(1) };
        self.enter(now, phase);
        blocks == 0
    }
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
    /// four bytes; there it is four bytes less.)
    #[test]
    fn a_session_is_small() {
        assert!([36, 40].contains(&size_of::<Session>()), "{}", size_of::<Session>());
    }

    #[test]
    fn blocks_add_up_to_progress() {
        let mut session = Session::EMPTY;
        let at = Instant::from_millis;
        let mut serve = |millis, id, offset, end| {
            let started = session.served(at(millis), id, offset, end);
            assert_eq!(session.last_heard(), at(millis));
            match session.phase() {
                Phase::Downloading { id: now, reached, blocks } => {
                    assert_eq!(now, id);
                    (started, reached, blocks)
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
}
