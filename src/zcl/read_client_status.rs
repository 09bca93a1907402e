//! Status and versions of a client, as a server reads them with a single Read Attributes frame (section 6.11 of ZigBee
//! document 095264, 2011).
//!
//! ```text
//! server -> client   Read Attributes            8 ids, ImageUpgradeStatus first
//! client -> server   Read Attributes Response   for each id: status, and with SUCCESS type and value
//! ```

use crate::error::DecodeError;
use crate::types::{FileVersion, ImageType, ManufacturerCode, StackVersion};

use super::attribute_commands::{AttributeCommand, ReadAttributes, ReadAttributesResponse};
use super::attribute_table::{AttributeId, AttributeValue, ImageUpgradeStatus};
use super::{Direction, Frame};

/// Status and versions of a client. A field is `None` if the response does not contain the attribute, the client
/// refused to give the value, or the value has another data type than the attribute.
///
/// ```
/// use zigbee_ota::zcl::{AttributeCommand, ClientStatus, Frame, ImageUpgradeStatus, Message, Quirks};
/// use zigbee_ota::Encode;
///
/// let mut request = [0; ClientStatus::REQUEST_LEN];
/// ClientStatus::request(7).encode(&mut request)?;
///
/// // A client with ImageUpgradeStatus, without CurrentFileVersion.
/// let response = [0x10, 7, 0x01, 0x06, 0x00, 0x00, 0x30, 0x01, 0x02, 0x00, 0x86];
/// let frame = Frame::decode(&response, Quirks::empty())?;
/// let Message::Attributes(_, AttributeCommand::ReadResponse(response)) = frame.message else { panic!() };
/// let status = ClientStatus::from_response(response)?;
/// assert_eq!(status.status, Some(ImageUpgradeStatus::DOWNLOAD_IN_PROGRESS));
/// assert_eq!(status.current_version, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct ClientStatus {
    /// Stage of the upgrade.
    pub status: Option<ImageUpgradeStatus>,
    /// Offset of the next byte to download; 0xFFFFFFFF if no download is in progress.
    pub file_offset: Option<u32>,
    /// Version of the running image.
    pub current_version: Option<FileVersion>,
    /// Zigbee stack version of the running image.
    pub current_stack: Option<StackVersion>,
    /// Version of the downloaded image that does not run yet; 0xFFFFFFFF if there is no such image.
    pub downloaded_version: Option<FileVersion>,
    /// Zigbee stack version of the downloaded image.
    pub downloaded_stack: Option<StackVersion>,
    /// Manufacturer code of the device.
    pub manufacturer: Option<ManufacturerCode>,
    /// Image type of the file that is being downloaded or waits to be installed; 0xFFFF if there is no such file.
    pub image_type: Option<ImageType>,
}

impl ClientStatus {
    /// Ids of the attributes that [`request`](Self::request) reads. ImageUpgradeStatus comes first, so that a client
    /// with a short buffer, which cuts its response, still reports ImageUpgradeStatus.
    const IDS: [[u8; 2]; 8] = [
        AttributeId::IMAGE_UPGRADE_STATUS.0.to_le_bytes(),
        AttributeId::CURRENT_FILE_VERSION.0.to_le_bytes(),
        AttributeId::DOWNLOADED_FILE_VERSION.0.to_le_bytes(),
        AttributeId::FILE_OFFSET.0.to_le_bytes(),
        AttributeId::IMAGE_TYPE_ID.0.to_le_bytes(),
        AttributeId::MANUFACTURER_ID.0.to_le_bytes(),
        AttributeId::CURRENT_STACK_VERSION.0.to_le_bytes(),
        AttributeId::DOWNLOADED_STACK_VERSION.0.to_le_bytes(),
    ];

    /// Length in bytes of the [`request`](Self::request) frame. The Read Attributes Response to this frame has at most
    /// 56 bytes, so it fits into one frame without fragmentation.
    pub const REQUEST_LEN: usize = 19;

    /// Creates the Read Attributes frame that requests all attributes of [`ClientStatus`] at once.
    #[must_use]
    pub const fn request(sequence: u8) -> Frame<'static> {
        let ids = ReadAttributes::new(const { &Self::IDS });
        Frame::attributes(sequence, Direction::ToClient, AttributeCommand::Read(ids))
    }

    /// Reads the attribute values from the response to [`request`](Self::request).
    ///
    /// # Errors
    /// The error of the first malformed record in the Read Attributes Response.
    pub fn from_response(response: ReadAttributesResponse<'_>) -> Result<Self, DecodeError> {
        use AttributeId as Id;
        use AttributeValue::{Enum8, U16, U32};

        let mut read = Self::default();
        for record in response.records() {
            let record = record?;
            match (record.id, record.value) {
                (Id::IMAGE_UPGRADE_STATUS, Ok(Enum8(status))) => {
                    read.status = Some(ImageUpgradeStatus(status));
                }
                (Id::FILE_OFFSET, Ok(U32(offset))) => read.file_offset = Some(offset),
                (Id::CURRENT_FILE_VERSION, Ok(U32(version))) => {
                    read.current_version = Some(FileVersion(version));
                }
                (Id::CURRENT_STACK_VERSION, Ok(U16(version))) => {
                    read.current_stack = Some(StackVersion(version));
                }
                (Id::DOWNLOADED_FILE_VERSION, Ok(U32(version))) => {
                    read.downloaded_version = Some(FileVersion(version));
                }
                (Id::DOWNLOADED_STACK_VERSION, Ok(U16(version))) => {
                    read.downloaded_stack = Some(StackVersion(version));
                }
                (Id::MANUFACTURER_ID, Ok(U16(code))) => read.manufacturer = Some(ManufacturerCode(code)),
                (Id::IMAGE_TYPE_ID, Ok(U16(image_type))) => read.image_type = Some(ImageType(image_type)),
                // The attribute was refused, has another data type, or was not requested.
                _ => {}
            }
        }
        Ok(read)
    }
}
