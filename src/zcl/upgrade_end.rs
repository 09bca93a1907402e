//! Upgrade End (sections 6.10.9 and 6.10.10).
//!
//! | request | size | field | | response | size | field |
//! |---|---|---|---|---|---|---|
//! | 0 | 1 | status | | 0 | 2 | manufacturer code or 0xFFFF |
//! | 1 | 2 | manufacturer code | | 2 | 2 | image type or 0xFFFF |
//! | 3 | 2 | image type | | 4 | 4 | file version or 0xFFFFFFFF |
//! | 5 | 4 | file version | | 8 | 4 | current time, s |
//! | | | | | 12 | 4 | upgrade time, s |

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::codec::{Emit, Parsed, Sink, fixed};
use crate::time::{Purpose, ServerTime};
use crate::types::{ImageFilter, ImageId};

use super::layout::{RawImageId, RawTime};
use super::quirks::Leniency;
use super::{Status, Violation};

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RawRequest {
    status: u8,
    id: RawImageId,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct RawResponse {
    target: RawImageId,
    time: RawTime,
}

/// A client tells how its download ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UpgradeEndRequest {
    /// SUCCESS, INVALID_IMAGE, REQUIRE_MORE_IMAGE or ABORT; others do occur and mean "failed".
    pub status: Status,
    /// The image downloaded.
    pub id: ImageId,
}

impl UpgradeEndRequest {
    /// Rules that the values break.
    ///
    /// # Errors
    /// [`Violation::Status`] for a status other than the four that section 6.10.9.2.1 names.
    pub fn check(&self) -> Result<(), Violation> {
        match self.status {
            Status::SUCCESS | Status::INVALID_IMAGE | Status::REQUIRE_MORE_IMAGE | Status::ABORT => Ok(()),
            other => Err(Violation::Status(other, "CMD-074")),
        }
    }

    pub(super) fn parse<'a>(input: &'a [u8], leniency: &mut Leniency<'a>) -> Parsed<'a, Self> {
        let (rest, raw) = fixed::<RawRequest>(input)?;
        let (rest, ()) = leniency.open_end(rest)?;
        Ok((rest, Self { status: Status(raw.status), id: raw.id.into() }))
    }
}

impl Emit for UpgradeEndRequest {
    fn len(&self) -> usize {
        size_of::<RawRequest>()
    }

    fn emit(&self, out: &mut Sink<'_>) {
        out.bytes(RawRequest { status: self.status.0, id: self.id.into() }.as_bytes());
    }
}

/// A server tells when to upgrade, as the answer to a request or of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UpgradeEndResponse {
    /// The image, or images, to upgrade to.
    pub target: ImageFilter,
    /// When.
    pub time: ServerTime,
}

impl UpgradeEndResponse {
    /// Rules that the values break.
    ///
    /// # Errors
    /// [`Violation::Time`] for an upgrade time before the current time, 0 excepted.
    pub fn check(&self) -> Result<(), Violation> {
        match self.time.delay(Purpose::Upgrade, None, 0) {
            Ok(_) => Ok(()),
            Err(past) => Err(Violation::Time(past, "CMD-081")),
        }
    }

    pub(super) fn parse<'a>(input: &'a [u8], leniency: &mut Leniency<'a>) -> Parsed<'a, Self> {
        let (rest, raw) = fixed::<RawResponse>(input)?;
        let (rest, ()) = leniency.open_end(rest)?;
        Ok((rest, Self { target: raw.target.into(), time: raw.time.into() }))
    }
}

impl Emit for UpgradeEndResponse {
    fn len(&self) -> usize {
        size_of::<RawResponse>()
    }

    fn emit(&self, out: &mut Sink<'_>) {
        out.bytes(RawResponse { target: self.target.into(), time: self.time.into() }.as_bytes());
    }
}
