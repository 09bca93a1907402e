//! Upgrade End Request and Upgrade End Response (sections 6.10.9 and 6.10.10 of ZigBee document 095264, 2011).
//!
//! | request | size | field | | response | size | field |
//! |---|---|---|---|---|---|---|
//! | 0 | 1 | status | | 0 | 2 | manufacturer code or 0xFFFF |
//! | 1 | 2 | manufacturer code | | 2 | 2 | image type or 0xFFFF |
//! | 3 | 2 | image type | | 4 | 4 | file version or 0xFFFFFFFF |
//! | 5 | 4 | file version | | 8 | 4 | current time, s |
//! | | | | | 12 | 4 | upgrade time, s |

use core::fmt;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::codec::{Emit, Parsed, Sink, fixed};
use crate::time::{ServerTime, TimeField};
use crate::types::{ImageFilter, ImageId};

use super::decoder_quirks::Leniency;
use super::display::{Wildcards, WireTime};
use super::shared_fields::{RawImageId, RawTime};
use super::{Status, Violation};

/// Fields of an Upgrade End Request.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RawRequest {
    status: u8,
    id: RawImageId,
}

/// Fields of an Upgrade End Response.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RawResponse {
    target: RawImageId,
    time: RawTime,
}

/// Upgrade End Request: the report of a client on the end of a download.
// Exhaustive: all fields are mandatory, and without a field control no revision can add an optional field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UpgradeEndRequest {
    /// Result of the download: SUCCESS, INVALID_IMAGE, REQUIRE_MORE_IMAGE or ABORT. Some devices report a failed
    /// download with a status that the specification does not define for an Upgrade End Request.
    pub status: Status,
    /// Downloaded image: manufacturer code, image type and version.
    pub id: ImageId,
}

impl UpgradeEndRequest {
    /// Checks the field values of the Upgrade End Request against the rules of the specification.
    ///
    /// # Errors
    /// [`Violation::Status`] for a status that section 6.10.9.2.1 does not define.
    pub fn check(&self) -> Result<(), Violation> {
        let Self { status, id: _ } = *self;
        match status {
            Status::SUCCESS | Status::INVALID_IMAGE | Status::REQUIRE_MORE_IMAGE | Status::ABORT => Ok(()),
            other => Err(Violation::Status(other)),
        }
    }

    pub(super) fn parse<'a>(input: &'a [u8], leniency: &mut Leniency<'a>) -> Parsed<'a, Self> {
        let (rest, raw) = fixed::<RawRequest>(input)?;
        let (rest, ()) = leniency.ignore_trailing(rest)?;
        Ok((rest, Self { status: Status(raw.status), id: raw.id.into() }))
    }
}

impl Emit for UpgradeEndRequest {
    fn len(&self) -> usize {
        size_of::<RawRequest>()
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let Self { status, id } = *self;
        out.bytes(RawRequest { status: status.0, id: id.into() }.as_bytes());
    }
}

impl fmt::Display for UpgradeEndRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, id } = self;
        write!(f, "{id}: {status}")
    }
}

/// Upgrade End Response: the time at which a server lets one or several clients switch to a downloaded image.
// Exhaustive: all fields are mandatory, and without a field control no revision can add an optional field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UpgradeEndResponse {
    /// Image to which the client upgrades. If `target` has wildcards, one Upgrade End Response applies to several
    /// images.
    pub target: ImageFilter,
    /// Current time of the server, and upgrade time.
    pub time: ServerTime,
}

impl UpgradeEndResponse {
    /// Checks the field values of the Upgrade End Response against the rules of the specification.
    ///
    /// # Errors
    /// [`Violation::Time`] if the upgrade time is before the current time. `check` accepts an upgrade time of 0.
    pub fn check(&self) -> Result<(), Violation> {
        let Self { target: _, time } = self;
        match time.delay(TimeField::Upgrade, None, 0) {
            Ok(_) => Ok(()),
            Err(past) => Err(Violation::Time(past)),
        }
    }

    pub(super) fn parse<'a>(input: &'a [u8], leniency: &mut Leniency<'a>) -> Parsed<'a, Self> {
        let (rest, raw) = fixed::<RawResponse>(input)?;
        let (rest, ()) = leniency.ignore_trailing(rest)?;
        Ok((rest, Self { target: raw.target.into(), time: raw.time.into() }))
    }
}

impl Emit for UpgradeEndResponse {
    fn len(&self) -> usize {
        size_of::<RawResponse>()
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let Self { target, time } = *self;
        out.bytes(RawResponse { target: target.into(), time: time.into() }.as_bytes());
    }
}

impl fmt::Display for UpgradeEndResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, time } = self;
        write!(f, "{} {}", Wildcards(*target), WireTime(*time))
    }
}
