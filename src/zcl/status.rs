//! Status codes (table 20 and the ZCL's own).
//!
//! ```text
//! 00 SUCCESS   01 FAILURE   7E NOT_AUTHORIZED   80 MALFORMED_COMMAND   81 UNSUP_CLUSTER_COMMAND   ...
//! 95 ABORT   96 INVALID_IMAGE   97 WAIT_FOR_DATA   98 NO_IMAGE_AVAILABLE   99 REQUIRE_MORE_IMAGE
//! ```

use core::fmt;
use core::num::NonZeroU8;

use crate::open_enum::open_enum;

open_enum! {
    /// A ZCL status, one byte.
    Status(u8) {
        /// Done.
        SUCCESS = 0x00 => "SUCCESS",
        /// Not done, no reason given.
        FAILURE = 0x01 => "FAILURE",
        /// The server does not let this client upgrade.
        NOT_AUTHORIZED = 0x7e => "NOT_AUTHORIZED",
        /// A field is missing or holds a value that is not allowed.
        MALFORMED_COMMAND = 0x80 => "MALFORMED_COMMAND",
        /// The command is not supported; later revisions call it UNSUP_COMMAND.
        UNSUP_CLUSTER_COMMAND = 0x81 => "UNSUP_CLUSTER_COMMAND",
        /// The global command is not supported; later revisions send UNSUP_COMMAND.
        UNSUP_GENERAL_COMMAND = 0x82 => "UNSUP_GENERAL_COMMAND",
        /// A field holds a value that is not supported.
        INVALID_FIELD = 0x85 => "INVALID_FIELD",
        /// There is no such attribute here.
        UNSUPPORTED_ATTRIBUTE = 0x86 => "UNSUPPORTED_ATTRIBUTE",
        /// A value out of its range.
        INVALID_VALUE = 0x87 => "INVALID_VALUE",
        /// The attribute cannot be written.
        READ_ONLY = 0x88 => "READ_ONLY",
        /// No room for it.
        INSUFFICIENT_SPACE = 0x89 => "INSUFFICIENT_SPACE",
        /// It took too long.
        TIMEOUT = 0x94 => "TIMEOUT",
        /// The upgrade ends here.
        ABORT = 0x95 => "ABORT",
        /// The downloaded image failed a check.
        INVALID_IMAGE = 0x96 => "INVALID_IMAGE",
        /// The data is not ready; ask again later.
        WAIT_FOR_DATA = 0x97 => "WAIT_FOR_DATA",
        /// There is no such image, or no newer one.
        NO_IMAGE_AVAILABLE = 0x98 => "NO_IMAGE_AVAILABLE",
        /// The client needs further files before it upgrades.
        REQUIRE_MORE_IMAGE = 0x99 => "REQUIRE_MORE_IMAGE",
    }
}

/// A status that says no: any but SUCCESS.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Refusal(NonZeroU8);

impl Refusal {
    /// There is nothing (new) for this client.
    pub const NO_IMAGE_AVAILABLE: Self = Self::of(Status::NO_IMAGE_AVAILABLE);
    /// This client may not upgrade.
    pub const NOT_AUTHORIZED: Self = Self::of(Status::NOT_AUTHORIZED);
    /// The upgrade ends here.
    pub const ABORT: Self = Self::of(Status::ABORT);
    /// There is no such attribute here.
    pub const UNSUPPORTED_ATTRIBUTE: Self = Self::of(Status::UNSUPPORTED_ATTRIBUTE);
    /// The attribute cannot be written.
    pub const READ_ONLY: Self = Self::of(Status::READ_ONLY);

    const fn of(status: Status) -> Self {
        match NonZeroU8::new(status.0) {
            Some(code) => Self(code),
            None => Self(NonZeroU8::MAX),
        }
    }

    /// The refusal by `status`; `None` for SUCCESS, which is none.
    #[must_use]
    pub fn new(status: Status) -> Option<Self> {
        NonZeroU8::new(status.0).map(Self)
    }

    /// The status it is.
    #[must_use]
    pub const fn status(self) -> Status {
        Status(self.0.get())
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Refusal").field(&self.status()).finish()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Refusal {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Refusal({})", self.status());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    /// Shows: CMD-015
    #[test]
    fn statuses_have_their_codes_and_stay_open() {
        for (code, name) in [
            (0x00, "SUCCESS"),
            (0x7e, "NOT_AUTHORIZED"),
            (0x80, "MALFORMED_COMMAND"),
            (0x81, "UNSUP_CLUSTER_COMMAND"),
            (0x95, "ABORT"),
            (0x96, "INVALID_IMAGE"),
            (0x97, "WAIT_FOR_DATA"),
            (0x98, "NO_IMAGE_AVAILABLE"),
            (0x99, "REQUIRE_MORE_IMAGE"),
        ] {
            assert_eq!(Status(code).name(), Some(name));
            assert_eq!(Status(code).to_string(), name);
        }
        assert_eq!(Status(0x42).name(), None);
        assert_eq!(Status(0x42).to_string(), "0x42");
    }

    #[test]
    fn a_refusal_is_never_success() {
        assert_eq!(Refusal::new(Status::SUCCESS), None);
        assert_eq!(Refusal::new(Status(0x98)), Some(Refusal::NO_IMAGE_AVAILABLE));
        assert_eq!(Refusal::NOT_AUTHORIZED.status(), Status::NOT_AUTHORIZED);
        assert_eq!(
            std::format!("{:?}", Refusal::NO_IMAGE_AVAILABLE),
            "Refusal(Status(0x98 NO_IMAGE_AVAILABLE))"
        );
    }
}
