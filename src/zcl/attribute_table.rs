//! Attributes of the cluster (section 6.7 and table 15 of ZigBee document 095264, 2011). All attributes are read
//! only. A client has attributes of the whole table; a server has only ClusterRevision, which every cluster has since
//! ZCL 6.
//!
//! | id | name | type | maximum | default | | section |
//! |---|---|---|---|---|---|---|
//! | 0x0000 | UpgradeServerID | IEEE address | all | all ones | mandatory | 6.7.1 |
//! | 0x0001 | FileOffset | uint32 | all | all ones | optional | 6.7.2 |
//! | 0x0002 | CurrentFileVersion | uint32 | all | all ones | optional | 6.7.3 |
//! | 0x0003 | CurrentZigBeeStackVersion | uint16 | all | all ones | optional | 6.7.4 |
//! | 0x0004 | DownloadedFileVersion | uint32 | all | all ones | optional | 6.7.5 |
//! | 0x0005 | DownloadedZigBeeStackVersion | uint16 | all | all ones | optional | 6.7.6 |
//! | 0x0006 | ImageUpgradeStatus | enum8 | all | 0 | mandatory | 6.7.7 |
//! | 0x0007 | Manufacturer ID | uint16 | all | none | optional | 6.7.8 |
//! | 0x0008 | Image Type ID | uint16 | all | none | optional | 6.7.9 |
//! | 0x0009 | MinimumBlockPeriod | uint16 | 0xFFFE | 0 | optional | later revisions |
//! | 0x000A | ImageStamp | uint32 | all | none | optional | later revisions |
//! | 0x000B | UpgradeActivationPolicy | enum8 | 1 | 0 | optional | later revisions |
//! | 0x000C | UpgradeTimeoutPolicy | enum8 | 1 | 0 | optional | later revisions |
//! | 0xFFFD | ClusterRevision | uint16 | all | none | of every cluster | later revisions |
//!
//! Sections numbered 11.x are sections of ZCL 8. An attribute value is encoded as its data type (1 byte), followed by
//! the value, little endian.

use core::fmt;

use nom::Parser;
use nom::combinator::map;

use crate::codec::{Emit, Parsed, Sink, fail, le_u8, le_u16, le_u32, le_u64};
use crate::error::DecodeErrorKind;
use crate::open_enum::open_enum;
use crate::types::Eui64;

open_enum! {
    /// Id of an attribute of the OTA Upgrade cluster (table 15 and later revisions of the specification).
    AttributeId(u16) {
        /// IEEE address of the server that the client uses.
        UPGRADE_SERVER_ID = 0x0000 => "UpgradeServerID",
        /// Offset of the next byte that the client downloads.
        FILE_OFFSET = 0x0001 => "FileOffset",
        /// Version of the running image.
        CURRENT_FILE_VERSION = 0x0002 => "CurrentFileVersion",
        /// Zigbee stack version of the running image.
        CURRENT_STACK_VERSION = 0x0003 => "CurrentZigBeeStackVersion",
        /// Version of the downloaded image that does not run yet.
        DOWNLOADED_FILE_VERSION = 0x0004 => "DownloadedFileVersion",
        /// Zigbee stack version of the downloaded image.
        DOWNLOADED_STACK_VERSION = 0x0005 => "DownloadedZigBeeStackVersion",
        /// Stage of the upgrade.
        IMAGE_UPGRADE_STATUS = 0x0006 => "ImageUpgradeStatus",
        /// Manufacturer code of the device.
        MANUFACTURER_ID = 0x0007 => "Manufacturer ID",
        /// Image type of the file that is being downloaded or waits to be installed.
        IMAGE_TYPE_ID = 0x0008 => "Image Type ID",
        /// Minimum time between two block requests of a client, in milliseconds, or in seconds on a device of cluster
        /// revision 2. A device of cluster revision 1 does not have the attribute MinimumBlockPeriod.
        #[doc(alias("rate limit", "throttle"))]
        MINIMUM_BLOCK_PERIOD = 0x0009 => "MinimumBlockPeriod",
        /// Number that distinguishes two builds of one version.
        IMAGE_STAMP = 0x000a => "ImageStamp",
        /// Whether the server can start the upgrade, or only an event outside the OTA Upgrade cluster.
        UPGRADE_ACTIVATION_POLICY = 0x000b => "UpgradeActivationPolicy",
        /// Whether the client installs a downloaded image without an Upgrade End Response.
        UPGRADE_TIMEOUT_POLICY = 0x000c => "UpgradeTimeoutPolicy",
        /// Revision of the cluster that a device implements; every cluster has this attribute.
        CLUSTER_REVISION = 0xfffd => "ClusterRevision",
    }
}

open_enum! {
    /// ZCL data type. The named constants are the data types of the attributes of the OTA Upgrade cluster.
    DataType(u8) {
        /// Unsigned number of one byte.
        UINT8 = 0x20 => "uint8",
        /// Unsigned number of two bytes.
        UINT16 = 0x21 => "uint16",
        /// Unsigned number of four bytes.
        UINT32 = 0x23 => "uint32",
        /// Enumeration of one byte: a number whose values have names.
        ENUM8 = 0x30 => "enum8",
        /// IEEE address, eight bytes.
        IEEE_ADDRESS = 0xf0 => "IEEE address",
    }
}

open_enum! {
    /// Stage of the upgrade: the values of ImageUpgradeStatus (table 16).
    ImageUpgradeStatus(u8) {
        /// No upgrade is in progress.
        NORMAL = 0x00 => "normal",
        /// The client is downloading an image.
        DOWNLOAD_IN_PROGRESS = 0x01 => "download in progress",
        /// The client has downloaded and verified an image.
        DOWNLOAD_COMPLETE = 0x02 => "download complete",
        /// The client waits for an Upgrade End Response that permits the upgrade.
        WAITING_TO_UPGRADE = 0x03 => "waiting to upgrade",
        /// The client waits for the upgrade time that the server named.
        COUNT_DOWN = 0x04 => "count down",
        /// The client has downloaded an image, but needs further images before the upgrade.
        WAIT_FOR_MORE = 0x05 => "wait for more",
        /// The client waits for an event outside the OTA Upgrade cluster, which starts the upgrade (defined by later
        /// revisions of the specification).
        WAITING_FOR_EXTERNAL_EVENT = 0x06 => "waiting to upgrade via external event",
    }
}

open_enum! {
    /// Whether the server can start the upgrade, or only an event outside the OTA Upgrade cluster: the values of
    /// UpgradeActivationPolicy (defined by later revisions of the specification).
    UpgradeActivationPolicy(u8) {
        /// An Upgrade End Response of the server starts the upgrade.
        SERVER = 0x00 => "OTA server activation allowed",
        /// Only an event outside the OTA Upgrade cluster starts the upgrade.
        OUT_OF_BAND = 0x01 => "out of band activation only",
    }
}

open_enum! {
    /// Whether a client installs an image without an Upgrade End Response: the values of UpgradeTimeoutPolicy (defined
    /// by later revisions of the specification).
    UpgradeTimeoutPolicy(u8) {
        /// If no Upgrade End Response arrives in time, the client installs the image.
        APPLY = 0x00 => "apply upgrade after timeout",
        /// If no Upgrade End Response arrives in time, the client does not install the image.
        DO_NOT_APPLY = 0x01 => "do not apply upgrade after timeout",
    }
}

/// Value of an attribute, with its data type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AttributeValue {
    /// Value of the data type [`DataType::UINT8`].
    U8(u8),
    /// Value of the data type [`DataType::UINT16`].
    U16(u16),
    /// Value of the data type [`DataType::UINT32`].
    U32(u32),
    /// Value of the data type [`DataType::ENUM8`].
    Enum8(u8),
    /// Value of the data type [`DataType::IEEE_ADDRESS`].
    Eui64(Eui64),
}

impl AttributeValue {
    /// Returns the data type of the value.
    #[must_use]
    pub const fn data_type(self) -> DataType {
        match self {
            Self::U8(_) => DataType::UINT8,
            Self::U16(_) => DataType::UINT16,
            Self::U32(_) => DataType::UINT32,
            Self::Enum8(_) => DataType::ENUM8,
            Self::Eui64(_) => DataType::IEEE_ADDRESS,
        }
    }

    /// Returns the value as a number, regardless of its data type.
    #[must_use]
    pub fn number(self) -> u64 {
        match self {
            Self::U8(number) | Self::Enum8(number) => number.into(),
            Self::U16(number) => number.into(),
            Self::U32(number) => number.into(),
            Self::Eui64(Eui64(number)) => number,
        }
    }

    pub(super) fn parse(input: &[u8]) -> Parsed<'_, Self> {
        let (rest, data_type) = map(le_u8, DataType).parse(input)?;
        match data_type {
            DataType::UINT8 => map(le_u8, Self::U8).parse(rest),
            DataType::UINT16 => map(le_u16, Self::U16).parse(rest),
            DataType::UINT32 => map(le_u32, Self::U32).parse(rest),
            DataType::ENUM8 => map(le_u8, Self::Enum8).parse(rest),
            DataType::IEEE_ADDRESS => map(map(le_u64, Eui64), Self::Eui64).parse(rest),
            unknown => fail(input, DecodeErrorKind::UnknownDataType(unknown.0)),
        }
    }
}

impl Emit for AttributeValue {
    fn len(&self) -> usize {
        match self {
            Self::U8(_) | Self::Enum8(_) => 2,
            Self::U16(_) => 3,
            Self::U32(_) => 5,
            Self::Eui64(_) => 9,
        }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        out.array(&[self.data_type().0]);
        match self {
            Self::U8(number) | Self::Enum8(number) => out.array(&[*number]),
            Self::U16(number) => out.array(&number.to_le_bytes()),
            Self::U32(number) => out.array(&number.to_le_bytes()),
            Self::Eui64(address) => out.array(&address.0.to_le_bytes()),
        }
    }
}

/// Writes a number in hexadecimal, with leading zeros up to the width of its data type. Writes an IEEE address as
/// [`Eui64`] does.
impl fmt::Display for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::U8(number) | Self::Enum8(number) => write!(f, "{number:#04x}"),
            Self::U16(number) => write!(f, "{number:#06x}"),
            Self::U32(number) => write!(f, "{number:#010x}"),
            Self::Eui64(address) => write!(f, "{address}"),
        }
    }
}

/// Edition of the specification that introduced an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Revision {
    /// Edition of 2011: ZigBee document 095264.
    Original,
    /// Later editions: the ZCL editions since 2014. A client has an attribute of a later edition only if the
    /// configuration of the client includes the attribute.
    Later,
}

/// Definition of an attribute, as in a row of table 15 of ZigBee document 095264.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct AttributeInfo {
    /// Id of the attribute; [`AttributeId::name`] gives the name of the attribute.
    pub id: AttributeId,
    /// Data type of the attribute value.
    pub data_type: DataType,
    /// Maximum of the attribute value; the minimum is always 0.
    pub max: u64,
    /// Default of the attribute value, if the specification defines one.
    pub default: Option<AttributeValue>,
    /// `true` if every client must have the attribute.
    pub mandatory: bool,
    /// Number of the section that describes the attribute, in ZigBee document 095264 (2011) or in ZCL 8.
    pub section: &'static str,
    /// Edition of the specification that introduced the attribute.
    pub revision: Revision,
}

/// Definitions of all attributes of the cluster, in the order of their ids.
pub const ATTRIBUTES: [AttributeInfo; 14] = {
    use AttributeId as Id;
    use AttributeValue::{Enum8, U16, U32};
    use Revision::{Later, Original};

    const ALL_U16: u64 = 0xffff;
    const ALL_U32: u64 = 0xffff_ffff;
    const UNSET: Option<AttributeValue> = Some(U32(u32::MAX));
    let unset_address = Some(AttributeValue::Eui64(Eui64(u64::MAX)));
    let unset_u16 = Some(U16(u16::MAX));
    let address =
        row(Id::UPGRADE_SERVER_ID, DataType::IEEE_ADDRESS, u64::MAX, unset_address, "6.7.1", Original);
    let status = row(Id::IMAGE_UPGRADE_STATUS, DataType::ENUM8, 0xff, Some(Enum8(0)), "6.7.7", Original);
    [
        AttributeInfo { mandatory: true, ..address },
        row(Id::FILE_OFFSET, DataType::UINT32, ALL_U32, UNSET, "6.7.2", Original),
        row(Id::CURRENT_FILE_VERSION, DataType::UINT32, ALL_U32, UNSET, "6.7.3", Original),
        row(Id::CURRENT_STACK_VERSION, DataType::UINT16, ALL_U16, unset_u16, "6.7.4", Original),
        row(Id::DOWNLOADED_FILE_VERSION, DataType::UINT32, ALL_U32, UNSET, "6.7.5", Original),
        row(Id::DOWNLOADED_STACK_VERSION, DataType::UINT16, ALL_U16, unset_u16, "6.7.6", Original),
        // Section 6.7.7 calls ImageUpgradeStatus optional, table 15 calls it mandatory. This crate follows table 15.
        AttributeInfo { mandatory: true, ..status },
        row(Id::MANUFACTURER_ID, DataType::UINT16, ALL_U16, None, "6.7.8", Original),
        row(Id::IMAGE_TYPE_ID, DataType::UINT16, ALL_U16, None, "6.7.9", Original),
        row(Id::MINIMUM_BLOCK_PERIOD, DataType::UINT16, 0xfffe, Some(U16(0)), "11.10.10", Later),
        row(Id::IMAGE_STAMP, DataType::UINT32, ALL_U32, None, "11.10", Later),
        row(Id::UPGRADE_ACTIVATION_POLICY, DataType::ENUM8, 1, Some(Enum8(0)), "11.10", Later),
        row(Id::UPGRADE_TIMEOUT_POLICY, DataType::ENUM8, 1, Some(Enum8(0)), "11.10", Later),
        row(Id::CLUSTER_REVISION, DataType::UINT16, ALL_U16, None, "11.10", Later),
    ]
};

const fn row(
    id: AttributeId,
    data_type: DataType,
    max: u64,
    default: Option<AttributeValue>,
    section: &'static str,
    revision: Revision,
) -> AttributeInfo {
    AttributeInfo { id, data_type, max, default, mandatory: false, section, revision }
}

impl AttributeId {
    /// Returns the definition of the attribute, or `None` for an id that the cluster does not assign.
    #[must_use]
    pub fn info(self) -> Option<&'static AttributeInfo> {
        const { &ATTRIBUTES }.iter().find(|info| info.id == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn the_text_of_a_value_has_the_width_of_its_type() {
        for (value, text) in [
            (AttributeValue::U8(5), "0x05"),
            (AttributeValue::Enum8(1), "0x01"),
            (AttributeValue::U16(0x1001), "0x1001"),
            (AttributeValue::U32(5), "0x00000005"),
            (AttributeValue::Eui64(Eui64(0x0123_4567_89ab_cdef)), "01:23:45:67:89:AB:CD:EF"),
        ] {
            assert_eq!(value.to_string(), text);
        }
    }
}
