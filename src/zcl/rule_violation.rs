//! Rules of the specification that a decodable message can break. The `check` methods return a broken rule as an error.
//! Sections and tables refer to ZigBee document 095264 (2011).

use crate::time::TimeInPast;
use crate::types::ImageType;

use super::{AttributeId, DataType, Status};

/// Rule of the specification that a message breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Violation {
    /// The query jitter is outside 1 to 100 (section 6.10.3.2.2).
    #[error("query jitter {0} is not in 1..=100")]
    QueryJitter(u8),
    /// The manufacturer code of a device is the wildcard 0xFFFF (section 6.10.4.2.2).
    #[error("the wildcard 0xffff is not the manufacturer code of a device")]
    WildcardManufacturer,
    /// The image type in a Query Next Image Request is above 0xFFBF (section 6.10.4.2.3).
    #[error("image type {:#06x} is above 0xffbf, the last image type of a query", .0.0)]
    NotAQueryType(ImageType),
    /// The running version of a client is the wildcard 0xFFFFFFFF (section 6.10.4.2.4).
    #[error("the wildcard 0xffffffff is not a running version")]
    WildcardVersion,
    /// The status is not among the statuses that the specification defines for the command of the message (tables 25,
    /// 30 and 33).
    #[error("{0} is not a status of this command")]
    Status(Status),
    /// The request has a maximum data size of 0 (section 6.10.6.2.6).
    #[error("a maximum data size of 0 requests nothing")]
    EmptyRequest,
    /// The request has a page size of 0 (section 6.10.7.2.7).
    #[error("a page size of 0 requests nothing")]
    EmptyPage,
    /// The page size is below the maximum data size of one response (section 6.10.7.2.7). The specification forbids a
    /// client to request a page that is shorter than one response, but a server of this crate sends the page
    /// nevertheless.
    #[error("a page of {page_size} bytes is shorter than one response of {max_data} bytes")]
    SmallPage {
        /// Page size in the request, in bytes.
        page_size: u16,
        /// Maximum data size of one response, in bytes.
        max_data: u8,
    },
    /// The image type in a Query Specific File Request is outside 0xFFC0 to 0xFFFE (section 6.10.11.2.3).
    #[error("image type {:#06x} is not in 0xffc0..=0xfffe, the types of files made for one device", .0.0)]
    NotASpecificType(ImageType),
    /// The data type of an attribute value differs from the data type of the attribute in table 15.
    #[error("the data type of {0} is not {1}")]
    AttributeType(AttributeId, DataType),
    /// The attribute value is above the maximum of the attribute in table 15 or in later revisions of the
    /// specification.
    #[error("{1:#x} is above the maximum of {0}")]
    AttributeRange(AttributeId, u64),
    /// The upgrade time or request time is before the current time in the same frame (sections 6.10.8.5.1 and
    /// 6.10.10.5.1).
    #[error(transparent)]
    Time(TimeInPast),
}
