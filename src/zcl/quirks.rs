//! What field devices do otherwise than the specification says: [`Quirks`] are the leniencies a reader may
//! take, one bit and its reason each, and [`Deviations`] is what a frame made use of.
//!
//! No bit stands for what one revision of the text says and another does not: WAIT_FOR_DATA of 9 bytes is the letter of
//! 2011, that of 11 bytes the letter of today, and readers take both. None stands for a frame that is right and comes
//! when nobody waits for it, such as a [`DefaultResponse`](super::DefaultResponse): a reader cannot know.

use bitflags::bitflags;

use crate::codec::{Parsed, fail};
use crate::error::DecodeErrorKind;
use crate::open_enum::flags_as_number;

bitflags! {
    /// Leniencies of [`Frame::decode`](super::Frame::decode). Empty is the letter of the specification (of 2011, and of
    /// later revisions where they add a form), all are what the machines use.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Quirks: u16 {
        /// The field control of an Image Block Request announces a MinimumBlockPeriod that is not there; the bit
        /// is ignored.
        /// Report: <https://github.com/Koenkk/zigbee2mqtt/issues/28217>
        const PERIOD_BIT_WITHOUT_FIELD = 1 << 0;
        /// Bytes after the last field of a command that a later revision may have extended; they are ignored.
        /// No report names a device: the MinimumBlockPeriod of later revisions comes that way to a reader of 2011, and
        /// the readers of two large stacks bear it in most commands.
        const TRAILING_BYTES = 1 << 1;
        /// An Image Block Response that is only a status which the command does not have; it counts as a Default
        /// Response with that status.
        /// Seen in the sources of two servers: <https://github.com/dresden-elektronik/deconz-ota-plugin> and
        /// <https://github.com/zigpy/zigpy>.
        const STATUS_ONLY_BLOCK_RESPONSE = 1 << 2;
        /// An Image Block Response ABORT followed by more bytes; it is an abort all the same, or the client
        /// would ask for ever.
        /// No report names a device; without it the letter of section 6.10.8.5.1 would lose the abort.
        const ABORT_WITH_MORE = 1 << 3;
    }
}

flags_as_number!(Quirks(u16), "Quirks({=u16:#x})");

/// What a frame said beyond its message, or otherwise than the specification wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Deviations<'a> {
    /// The leniencies that were needed to read it.
    pub quirks: Quirks,
    /// Bits of the message's field control that no field of the message explains, 0 where it has none.
    pub reserved: u8,
    /// Bytes left over; they are the last of the frame.
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))]
    pub trailing: &'a [u8],
}

impl Deviations<'_> {
    /// Nothing to say.
    pub const NONE: Self = Self { quirks: Quirks::empty(), reserved: 0, trailing: &[] };
}

/// A reader's leave to be lenient, and the record of its use.
pub(super) struct Leniency<'a> {
    allowed: Quirks,
    pub(super) seen: Deviations<'a>,
}

impl<'a> Leniency<'a> {
    pub(super) const fn new(allowed: Quirks) -> Self {
        Self { allowed, seen: Deviations::NONE }
    }

    /// Whether `quirk` may be used; if so, it is recorded.
    pub(super) fn take(&mut self, quirk: Quirks) -> bool {
        let allowed = self.allowed.contains(quirk);
        if allowed {
            self.seen.quirks |= quirk;
        }
        allowed
    }

    /// Ends a command that later revisions may extend.
    pub(super) fn open_end(&mut self, rest: &'a [u8]) -> Parsed<'a, ()> {
        self.end_with(Quirks::TRAILING_BYTES, rest)
    }

    /// Ends a command after which bytes are bearable with `quirk`.
    pub(super) fn end_with(&mut self, quirk: Quirks, rest: &'a [u8]) -> Parsed<'a, ()> {
        if rest.is_empty() || !self.take(quirk) {
            return exact_end(rest);
        }
        self.seen.trailing = rest;
        Ok((&[], ()))
    }
}

/// Ends a command after which no byte may stand.
pub(super) fn exact_end(rest: &[u8]) -> Parsed<'_, ()> {
    match rest {
        [] => Ok((rest, ())),
        _ => fail(rest, DecodeErrorKind::TrailingBytes { count: rest.len() }),
    }
}
