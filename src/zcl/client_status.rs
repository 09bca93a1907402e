//! What a server learns of a client by one Read Attributes frame (section 6.11).
//!
//! ```text
//! server -> client   Read AttributeSnapshot            8 ids, ImageUpgradeStatus first
//! client -> server   Read AttributeSnapshot Response   of each: id, status, and with SUCCESS type and value
//! ```

use crate::error::DecodeError;
use crate::types::{FileVersion, ImageType, ManufacturerCode, StackVersion};

use super::attribute_commands::{AttributeCommand, ReadAttributes, ReadAttributesResponse};
use super::attribute_table::{AttributeId, AttributeValue, ImageUpgradeStatus};
use super::{Direction, Frame};

/// The status of a client and the versions it has. `None` is what it did not tell, or told in another type.
///
/// ```
/// use zigbee_ota::zcl::{AttributeCommand, ClientStatus, Frame, ImageUpgradeStatus, Message, Quirks};
/// use zigbee_ota::Encode;
///
/// let mut question = [0; ClientStatus::QUESTION_LEN];
/// ClientStatus::question(7).encode(&mut question)?;
///
/// // A client that has ImageUpgradeStatus and not CurrentFileVersion.
/// let answer = [0x10, 7, 0x01, 0x06, 0x00, 0x00, 0x30, 0x01, 0x02, 0x00, 0x86];
/// let frame = Frame::decode(&answer, Quirks::empty())?;
/// let Message::Attributes(_, AttributeCommand::ReadResponse(response)) = frame.message else { panic!() };
/// let report = ClientStatus::read(response)?;
/// assert_eq!(report.status, Some(ImageUpgradeStatus::DOWNLOAD_IN_PROGRESS));
/// assert_eq!(report.current_version, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ClientStatus {
    /// How far an upgrade has come.
    pub status: Option<ImageUpgradeStatus>,
    /// Where the download stands; all ones while there is none.
    pub file_offset: Option<u32>,
    /// What the client runs.
    pub current_version: Option<FileVersion>,
    /// Which stack that contains.
    pub current_stack: Option<StackVersion>,
    /// What it holds and does not run yet; all ones while there is nothing.
    pub downloaded_version: Option<FileVersion>,
    /// Which stack that contains.
    pub downloaded_stack: Option<StackVersion>,
    /// The device's maker.
    pub manufacturer: Option<ManufacturerCode>,
    /// The type of the file that is downloaded, or waits; 0xFFFF while there is none.
    pub image_type: Option<ImageType>,
}

impl ClientStatus {
    /// What is asked for. The mandatory one comes first, as a client with little room may tell no more.
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

    /// Bytes of the [`question`](Self::question). The answer has at most 56, fewer than a frame carries unfragmented.
    pub const QUESTION_LEN: usize = 19;

    /// The Read Attributes frame that asks for all of it at once.
    #[must_use]
    pub const fn question(sequence: u8) -> Frame<'static> {
        let read = ReadAttributes::new(const { &Self::IDS });
        Frame::attributes(sequence, Direction::ToClient, AttributeCommand::Read(read))
    }

    /// Reads the answer.
    ///
    /// # Errors
    /// A record that cannot be read.
    pub fn read(response: ReadAttributesResponse<'_>) -> Result<Self, DecodeError> {
        use AttributeId as Id;
        use AttributeValue::{Enum8, U16, U32};

        let mut report = Self::default();
        for record in response.records() {
            let record = record?;
            match (record.id, record.value) {
                (Id::IMAGE_UPGRADE_STATUS, Ok(Enum8(status))) => {
                    report.status = Some(ImageUpgradeStatus(status));
                }
                (Id::FILE_OFFSET, Ok(U32(offset))) => report.file_offset = Some(offset),
                (Id::CURRENT_FILE_VERSION, Ok(U32(version))) => {
                    report.current_version = Some(FileVersion(version));
                }
                (Id::CURRENT_STACK_VERSION, Ok(U16(version))) => {
                    report.current_stack = Some(StackVersion(version));
                }
                (Id::DOWNLOADED_FILE_VERSION, Ok(U32(version))) => {
                    report.downloaded_version = Some(FileVersion(version));
                }
                (Id::DOWNLOADED_STACK_VERSION, Ok(U16(version))) => {
                    report.downloaded_stack = Some(StackVersion(version));
                }
                (Id::MANUFACTURER_ID, Ok(U16(code))) => report.manufacturer = Some(ManufacturerCode(code)),
                (Id::IMAGE_TYPE_ID, Ok(U16(image_type))) => report.image_type = Some(ImageType(image_type)),
                // Not there, of another type, or not asked for.
                _ => {}
            }
        }
        Ok(report)
    }
}
