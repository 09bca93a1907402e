//! ZCL status codes (table 20 of ZigBee document 095264, 2011, and the ZCL itself).
//!
//! ```text
//! 00 SUCCESS   01 FAILURE   7E NOT_AUTHORIZED   80 MALFORMED_COMMAND   81 UNSUP_CLUSTER_COMMAND   ...
//! 95 ABORT   96 INVALID_IMAGE   97 WAIT_FOR_DATA   98 NO_IMAGE_AVAILABLE   99 REQUIRE_MORE_IMAGE
//! ```

use core::fmt;
use core::num::NonZeroU8;

use crate::open_enum::open_enum;

open_enum! {
    /// ZCL status code, one byte.
    Status(u8) {
        /// The operation succeeded.
        SUCCESS = 0x00 => "SUCCESS",
        /// The operation failed for an unstated reason.
        FAILURE = 0x01 => "FAILURE",
        /// The server does not authorise the client to upgrade.
        NOT_AUTHORIZED = 0x7e => "NOT_AUTHORIZED",
        /// A field of the command is missing or has a value that is not allowed.
        MALFORMED_COMMAND = 0x80 => "MALFORMED_COMMAND",
        /// The device does not support the cluster command. Later revisions of the specification call the status 0x81
        /// UNSUP_COMMAND.
        UNSUP_CLUSTER_COMMAND = 0x81 => "UNSUP_CLUSTER_COMMAND",
        /// The device does not support the global command. In later revisions of the specification, devices send
        /// UNSUP_COMMAND (0x81) instead of UNSUP_GENERAL_COMMAND.
        UNSUP_GENERAL_COMMAND = 0x82 => "UNSUP_GENERAL_COMMAND",
        /// A field of the command has a value that is not supported.
        INVALID_FIELD = 0x85 => "INVALID_FIELD",
        /// The device does not have the attribute.
        UNSUPPORTED_ATTRIBUTE = 0x86 => "UNSUPPORTED_ATTRIBUTE",
        /// A value in the command is out of range.
        INVALID_VALUE = 0x87 => "INVALID_VALUE",
        /// The command would change an attribute that is read only.
        READ_ONLY = 0x88 => "READ_ONLY",
        /// The device has too little memory for the operation.
        INSUFFICIENT_SPACE = 0x89 => "INSUFFICIENT_SPACE",
        /// The operation took too long.
        TIMEOUT = 0x94 => "TIMEOUT",
        /// The client or the server cancels the upgrade.
        ABORT = 0x95 => "ABORT",
        /// The downloaded image failed verification.
        INVALID_IMAGE = 0x96 => "INVALID_IMAGE",
        /// The server has no data yet, so the client repeats its block request later.
        WAIT_FOR_DATA = 0x97 => "WAIT_FOR_DATA",
        /// The server has no image for the client, or no image that is newer than the running image of the client.
        NO_IMAGE_AVAILABLE = 0x98 => "NO_IMAGE_AVAILABLE",
        /// The client needs further images before it can upgrade.
        REQUIRE_MORE_IMAGE = 0x99 => "REQUIRE_MORE_IMAGE",
    }
}

/// Status other than SUCCESS.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Refusal(NonZeroU8);

impl Refusal {
    /// Refusal with the status [`Status::NO_IMAGE_AVAILABLE`].
    pub const NO_IMAGE_AVAILABLE: Self = Self::of(Status::NO_IMAGE_AVAILABLE);
    /// Refusal with the status [`Status::NOT_AUTHORIZED`].
    pub const NOT_AUTHORIZED: Self = Self::of(Status::NOT_AUTHORIZED);
    /// Refusal with the status [`Status::ABORT`].
    pub const ABORT: Self = Self::of(Status::ABORT);
    /// Refusal with the status [`Status::UNSUPPORTED_ATTRIBUTE`].
    pub const UNSUPPORTED_ATTRIBUTE: Self = Self::of(Status::UNSUPPORTED_ATTRIBUTE);
    /// Refusal with the status [`Status::READ_ONLY`].
    pub const READ_ONLY: Self = Self::of(Status::READ_ONLY);

    const fn of(status: Status) -> Self {
        match NonZeroU8::new(status.0) {
            Some(code) => Self(code),
            None => Self(NonZeroU8::MAX),
        }
    }

    /// Returns `status` as a refusal, or `None` for SUCCESS.
    #[must_use]
    pub fn new(status: Status) -> Option<Self> {
        NonZeroU8::new(status.0).map(Self)
    }

    /// Returns the status of the refusal.
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

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.status().fmt(f)
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
    fn status_codes_have_names_and_unknown_codes_are_kept() {
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
