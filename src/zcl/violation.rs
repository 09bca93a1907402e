//! The rules of the specification that a message can break though it can be read: what `check` answers.

use crate::types::ImageType;

use super::{AttributeId, DataType, Status};

/// A rule that a message breaks, with the requirement that states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Violation {
    /// Query jitter outside 1 to 100 (section 6.10.3.2.2).
    #[error("query jitter {0} is not in 1..=100 (CMD-026)")]
    QueryJitter(u8),
    /// The wildcard 0xFFFF as a device's manufacturer code (section 6.10.4.2.2).
    #[error("the wildcard 0xffff is no manufacturer code of a device (CMD-036)")]
    WildcardManufacturer,
    /// An image type that Query Next Image is not for (section 6.10.4.2.3).
    #[error("image type {:#06x} is above 0xffbf, the last a query may ask for (CMD-037)", .0.0)]
    NotAQueryType(ImageType),
    /// The wildcard 0xFFFFFFFF as a running version (section 6.10.4.2.4).
    #[error("the wildcard 0xffffffff is no running version (CMD-038)")]
    WildcardVersion,
    /// A status the command does not have (tables 25, 30 and 33).
    #[error("{0} is no status of this command ({1})")]
    Status(Status, &'static str),
    /// A maximum data size of 0 (section 6.10.6.2.6).
    #[error("a maximum data size of 0 asks for nothing (CMD-055)")]
    EmptyRequest,
    /// A page size of 0 (section 6.10.7.2.7).
    #[error("a page size of 0 asks for nothing (CMD-060)")]
    EmptyPage,
    /// A page that does not hold one response (section 6.10.7.2.7). Only for who sends it: servers bear it.
    #[error("a page of {page_size} bytes is less than one response of {max_data} (CMD-059)")]
    SmallPage {
        /// Page size.
        page_size: u16,
        /// Maximum data size.
        max_data: u8,
    },
    /// An image type that Query Specific File is not for (section 6.10.11.2.3).
    #[error("image type {:#06x} is not in 0xffc0..=0xfffe, those of files for one device (CMD-083)", .0.0)]
    NotASpecificType(ImageType),
    /// An attribute of another type than the cluster gives it (table 15).
    #[error("{0} is no {1} (ATTR-014)")]
    AttributeType(AttributeId, DataType),
    /// An attribute above the last value of its range (table 15 and later revisions).
    #[error("{0} may not be {1:#x} (ATTR-015)")]
    AttributeRange(AttributeId, u64),
    /// A time before the clock that comes with it (sections 6.10.8.5.1 and 6.10.10.5.1).
    #[error("{0} ({1})")]
    Time(crate::time::TimeInPast, &'static str),
}
