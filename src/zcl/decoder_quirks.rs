//! Deviations of field devices from the specification. [`Quirks`] is the set of deviations that a decoder may accept,
//! each with a reason. [`Deviations`] records what the decoder accepted in one frame.
//!
//! A form of a command that only some revisions of the specification define is no quirk. For example, WAIT_FOR_DATA has
//! 9 bytes in the specification of 2011 and 11 bytes in later revisions, and the decoder accepts both lengths. A
//! correct frame at an unexpected moment, such as an unsolicited [`DefaultResponse`](super::DefaultResponse), is no
//! quirk, because the decoder sees one frame at a time.

use core::fmt;

use bitflags::bitflags;

use crate::codec::{Parsed, fail};
use crate::error::DecodeErrorKind;
use crate::open_enum::flags_as_number;

bitflags! {
    /// Quirks that [`Frame::decode`](super::Frame::decode) accepts. Without any quirk, the decoder is strict: it
    /// accepts only the forms of a command that the specification of 2011 or a later revision defines. By default, the
    /// client and the server accept all quirks.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[doc(alias("lenient", "workaround"))]
    pub struct Quirks: u16 {
        /// The field control of an Image Block Request announces a MinimumBlockPeriod, but the field is missing. The
        /// decoder ignores the field control bit that announces the missing MinimumBlockPeriod. Report:
        /// <https://github.com/Koenkk/zigbee2mqtt/issues/28217>
        const PERIOD_BIT_WITHOUT_FIELD = 1 << 0;
        /// Bytes follow the last field of a command that a later revision of the specification may extend. The decoder
        /// ignores the trailing bytes. No device is known to send trailing bytes. The quirk `TRAILING_BYTES` exists for
        /// fields of future revisions of the specification. For example, a decoder that follows the specification of
        /// 2011 sees the MinimumBlockPeriod of later revisions as two trailing bytes. The decoders of two large Zigbee
        /// stacks ignore trailing bytes in most commands.
        const TRAILING_BYTES = 1 << 1;
        /// An Image Block Response consists of a status alone, and the specification does not define the status for an
        /// Image Block Response. The decoder reads this response as
        /// [`ImageBlockResponse::Refused`](super::ImageBlockResponse::Refused). According to their source code, two
        /// servers send an Image Block Response that consists of a status alone:
        /// <https://github.com/dresden-elektronik/deconz-ota-plugin> and <https://github.com/zigpy/zigpy>.
        const STATUS_ONLY_BLOCK_RESPONSE = 1 << 2;
        /// Bytes follow the status of an Image Block Response ABORT. The decoder ignores the bytes after the status
        /// ABORT. No device is known to send bytes after ABORT. By section 6.10.8.5.1 of ZigBee document 095264 (2011),
        /// a strict client drops an ABORT with bytes after the status, because the frame is malformed. A client that
        /// dropped an ABORT with bytes after the status would request the same block again, without end.
        const ABORT_WITH_MORE = 1 << 3;
        /// Bytes follow the status of a query response that offers no image, or the status of an Image Block Response
        /// with the quirk [`STATUS_ONLY_BLOCK_RESPONSE`](Self::STATUS_ONLY_BLOCK_RESPONSE). The decoder ignores the
        /// bytes after the status, and reads the response as a refusal. A server that writes the fields of an offer
        /// into every query response sends bytes after the status of a refusal. Report:
        /// <https://github.com/espressif/esp-zigbee-sdk/issues/393>
        const REFUSAL_WITH_MORE = 1 << 4;
        /// Bytes follow the fields that the payload type of an Image Notify announces. The decoder ignores the bytes
        /// that the payload type of the Image Notify does not announce. The gateway of Microchip's BitCloud and a macro
        /// of ZBOSS send all ten bytes of payload type 3 whatever payload type the first byte states.
        const NOTIFY_WITH_MORE = 1 << 5;
    }
}

flags_as_number!(Quirks(u16), "Quirks({=u16:#x})");

/// Deviations from the specification that the decoder found in a received frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Deviations<'a> {
    /// Quirks that the decoder accepted in the frame; a strict decoder would have refused the frame.
    pub quirks: Quirks,
    /// Reserved bits that are set in the field control of the message; 0 if the message has no field control.
    pub reserved: u8,
    /// Bytes after the last field of the message, up to the end of the frame.
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))]
    pub trailing: &'a [u8],
}

impl Deviations<'_> {
    /// No deviation: the received frame has a form that the specification defines.
    pub const NONE: Self = Self { quirks: Quirks::empty(), reserved: 0, trailing: &[] };
}

/// Writes the deviations as `ABORT_WITH_MORE, reserved bits 0x80, 2 trailing bytes`, and leaves out every part that is
/// zero or empty.
impl fmt::Display for Deviations<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { quirks, reserved, trailing } = self;
        let mut separator = "";
        if !quirks.is_empty() {
            bitflags::parser::to_writer(quirks, &mut *f)?;
            separator = ", ";
        }
        if *reserved != 0 {
            write!(f, "{separator}reserved bits {reserved:#04x}")?;
            separator = ", ";
        }
        if !trailing.is_empty() {
            write!(f, "{separator}{} trailing bytes", trailing.len())?;
        }
        Ok(())
    }
}

/// Quirks that a decoder may accept, and the deviations that the decoder has found so far.
pub(super) struct Leniency<'a> {
    allowed: Quirks,
    pub(super) seen: Deviations<'a>,
}

impl<'a> Leniency<'a> {
    pub(super) const fn new(allowed: Quirks) -> Self {
        Self { allowed, seen: Deviations::NONE }
    }

    /// Returns whether the decoder may accept `quirk`. If the decoder may, `try_use` records `quirk` in the deviations
    /// of the frame.
    pub(super) fn try_use(&mut self, quirk: Quirks) -> bool {
        let allowed = self.allowed.contains(quirk);
        if allowed {
            self.seen.quirks |= quirk;
        }
        allowed
    }

    /// Handles the bytes `rest` after the last field of a command that later revisions of the specification may extend.
    /// `ignore_trailing` ignores the bytes `rest` if [`Quirks::TRAILING_BYTES`] is allowed, and otherwise returns an
    /// error if `rest` is not empty.
    pub(super) fn ignore_trailing(&mut self, rest: &'a [u8]) -> Parsed<'a, ()> {
        self.ignore_trailing_by(Quirks::TRAILING_BYTES, rest)
    }

    /// Handles the bytes `rest` after the last field of a command. `ignore_trailing_by` ignores the bytes `rest` if
    /// `quirk` is allowed, and otherwise returns an error if `rest` is not empty.
    pub(super) fn ignore_trailing_by(&mut self, quirk: Quirks, rest: &'a [u8]) -> Parsed<'a, ()> {
        if rest.is_empty() || !self.try_use(quirk) {
            return expect_end(rest);
        }
        self.seen.trailing = rest;
        Ok((&[], ()))
    }
}

/// Checks that no byte follows the last field of a command. Returns an error if `rest` is not empty.
pub(super) fn expect_end(rest: &[u8]) -> Parsed<'_, ()> {
    match rest {
        [] => Ok((rest, ())),
        _ => fail(rest, DecodeErrorKind::TrailingBytes { count: rest.len() }),
    }
}
