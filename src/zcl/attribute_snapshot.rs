//! A client's attributes as plain values, and the answers to who reads them.
//!
//! ```text
//! client's state -> AttributeSnapshot -- a frame that reads, discovers or writes --> the frame that answers
//! ```

use crate::codec::{Emit, Encode, Sink};
use crate::error::EncodeError;
use crate::types::{Eui64, FileVersion, ImageType, ManufacturerCode, StackVersion};

use super::attribute_commands::{
    AttributeCommand, AttributeRecord, DiscoverAttributes, ReadAttributes, WriteAttributes,
};
use super::attribute_table::{
    ATTRIBUTES, AttributeId, AttributeInfo, AttributeValue, DataType, ImageUpgradeStatus,
    UpgradeActivationPolicy, UpgradeTimeoutPolicy,
};
use super::{CommandId, DefaultResponse, Direction, Frame, FrameControl, Message, Refusal, Status};

/// What a client's attributes hold at one moment. `None` is an attribute that the client does not have.
///
/// ```
/// use zigbee_ota::zcl::{AttributeSnapshot, Frame, ImageUpgradeStatus, Quirks};
///
/// let attributes = AttributeSnapshot { status: ImageUpgradeStatus::COUNT_DOWN, ..AttributeSnapshot::DEFAULT };
/// // A server reads ImageUpgradeStatus.
/// let question = Frame::decode(&[0x08, 7, 0x00, 0x06, 0x00], Quirks::empty())?;
/// let mut out = [0; 16];
/// let len = attributes.answer(&question, &mut out)?.expect("a question for a client");
/// assert_eq!(out[..len], [0x10, 7, 0x01, 0x06, 0x00, 0x00, 0x30, 0x04]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AttributeSnapshot {
    /// UpgradeServerID: 0 and all ones are no address.
    pub server: Eui64,
    /// ImageUpgradeStatus.
    pub status: ImageUpgradeStatus,
    /// FileOffset: where the download stands, bytes from the start of the file (section 6.7.2).
    pub file_offset: Option<u32>,
    /// CurrentFileVersion.
    pub current_version: Option<FileVersion>,
    /// CurrentZigBeeStackVersion.
    pub current_stack: Option<StackVersion>,
    /// DownloadedFileVersion.
    pub downloaded_version: Option<FileVersion>,
    /// DownloadedZigBeeStackVersion.
    pub downloaded_stack: Option<StackVersion>,
    /// Manufacturer ID.
    pub manufacturer: Option<ManufacturerCode>,
    /// Image Type ID: 0xFFFF while no file is downloaded or waits.
    pub image_type: Option<ImageType>,
    /// MinimumBlockPeriod: between two block requests, ms; s up to revision 2 (later revisions).
    pub min_block_period: Option<u16>,
    /// ImageStamp (later revisions).
    pub image_stamp: Option<u32>,
    /// UpgradeActivationPolicy (later revisions).
    pub activation_policy: Option<UpgradeActivationPolicy>,
    /// UpgradeTimeoutPolicy (later revisions).
    pub timeout_policy: Option<UpgradeTimeoutPolicy>,
    /// ClusterRevision (later revisions).
    pub cluster_revision: Option<u16>,
}

impl AttributeSnapshot {
    /// A client that knows no server and downloads nothing, with the attributes of 2011. Two values are the caller's:
    /// it knows its manufacturer code, which has no default, and what it runs.
    pub const DEFAULT: Self = Self {
        server: Eui64(u64::MAX),
        status: ImageUpgradeStatus::NORMAL,
        file_offset: Some(u32::MAX),
        current_version: Some(FileVersion(u32::MAX)),
        current_stack: Some(StackVersion(u16::MAX)),
        downloaded_version: Some(FileVersion(u32::MAX)),
        downloaded_stack: Some(StackVersion(u16::MAX)),
        manufacturer: None,
        image_type: Some(ImageType::ANY),
        min_block_period: None,
        image_stamp: None,
        activation_policy: None,
        timeout_policy: None,
        cluster_revision: None,
    };

    /// The value of one attribute; `None` where the client does not have it, or nobody.
    #[must_use]
    pub fn get(&self, id: AttributeId) -> Option<AttributeValue> {
        use AttributeId as Id;
        use AttributeValue::{Enum8, U16, U32};

        match id {
            Id::UPGRADE_SERVER_ID => Some(AttributeValue::Eui64(self.server)),
            Id::FILE_OFFSET => self.file_offset.map(U32),
            Id::CURRENT_FILE_VERSION => self.current_version.map(|version| U32(version.0)),
            Id::CURRENT_STACK_VERSION => self.current_stack.map(|version| U16(version.0)),
            Id::DOWNLOADED_FILE_VERSION => self.downloaded_version.map(|version| U32(version.0)),
            Id::DOWNLOADED_STACK_VERSION => self.downloaded_stack.map(|version| U16(version.0)),
            Id::IMAGE_UPGRADE_STATUS => Some(Enum8(self.status.0)),
            Id::MANUFACTURER_ID => self.manufacturer.map(|code| U16(code.0)),
            Id::IMAGE_TYPE_ID => self.image_type.map(|image_type| U16(image_type.0)),
            Id::MINIMUM_BLOCK_PERIOD => self.min_block_period.map(U16),
            Id::IMAGE_STAMP => self.image_stamp.map(U32),
            Id::UPGRADE_ACTIVATION_POLICY => self.activation_policy.map(|policy| Enum8(policy.0)),
            Id::UPGRADE_TIMEOUT_POLICY => self.timeout_policy.map(|policy| Enum8(policy.0)),
            Id::CLUSTER_REVISION => self.cluster_revision.map(U16),
            _ => None,
        }
    }

    /// Writes the answer to a frame that reads, discovers or writes a client's attributes, and returns its length;
    /// `None` when `frame` is no such frame. Nothing can be written: the answer to that says why not.
    ///
    /// An answer longer than `out` holds as many whole records as fit, in the order they were asked for, and says
    /// nothing of the others: who asked sees which are missing and asks again. (A discovery says that it is not
    /// complete.) Give `out` the length of what the network carries in one piece.
    ///
    /// # Errors
    /// [`EncodeError::NoRoom`] when not even one record fits, or the asker would ask for ever; at most
    /// [`LONGEST_ATTRIBUTES`](super::LONGEST_ATTRIBUTES) bytes hold them all, each asked for once.
    pub fn answer(&self, frame: &Frame<'_>, out: &mut [u8]) -> Result<Option<usize>, EncodeError> {
        match frame.message {
            Message::Attributes(Direction::ToClient, command) => {
                AttributeQuestion { sequence: frame.sequence, back: Direction::ToServer }.answer(
                    Some(self),
                    command,
                    out,
                )
            }
            _ => Ok(None),
        }
    }
}

/// Writes the answer of a server, which has no attributes (section 6.7), to a frame that reads, discovers or writes
/// some, and returns its length; `None` when `frame` is no such frame.
///
/// # Errors
/// As [`AttributeSnapshot::answer`].
pub fn answer_as_server(frame: &Frame<'_>, out: &mut [u8]) -> Result<Option<usize>, EncodeError> {
    match frame.message {
        Message::Attributes(Direction::ToServer, command) => {
            AttributeQuestion { sequence: frame.sequence, back: Direction::ToClient }
                .answer(None, command, out)
        }
        _ => Ok(None),
    }
}

/// Whom an answer goes to.
#[derive(Clone, Copy)]
struct AttributeQuestion {
    sequence: u8,
    back: Direction,
}

impl AttributeQuestion {
    fn answer(
        self,
        attributes: Option<&AttributeSnapshot>,
        command: AttributeCommand<'_>,
        out: &mut [u8],
    ) -> Result<Option<usize>, EncodeError> {
        match command {
            AttributeCommand::Read(read) => self.values(attributes, read, out),
            AttributeCommand::Discover(discover) => self.discovered(attributes, discover, out),
            AttributeCommand::Write(write) => self.refusals(attributes, write, out),
            AttributeCommand::ReadResponse(_)
            | AttributeCommand::WriteResponse(_)
            | AttributeCommand::DiscoverResponse(_) => return Ok(None),
        }
        .map(Some)
    }

    fn values(
        self,
        attributes: Option<&AttributeSnapshot>,
        read: ReadAttributes<'_>,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let records = read.ids().map(|id| {
            let value = attributes.and_then(|attributes| attributes.get(id));
            AttributeRecord { id, value: value.ok_or(Refusal::UNSUPPORTED_ATTRIBUTE) }
        });
        let head = self.head(AttributeCommand::READ_RESPONSE);
        let count = fitting(records.clone(), head.len(), out.len());
        Answer { head, records: records.take(count) }.encode(out)
    }

    fn discovered(
        self,
        attributes: Option<&AttributeSnapshot>,
        DiscoverAttributes { first, most }: DiscoverAttributes,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let found = const { &ATTRIBUTES }
            .iter()
            .filter(|info| attributes.is_some_and(|attributes| attributes.get(info.id).is_some()))
            .filter(|info| info.id >= first)
            .map(|AttributeInfo { id, data_type, .. }| Discovered(*id, *data_type));
        let [control, sequence, command] = self.head(AttributeCommand::DISCOVER_RESPONSE);
        let wanted = found.clone().take(most.into());
        let fit = fitting(wanted, 4, out.len());
        let count = fit.min(most.into());
        let complete = found.clone().nth(count).is_none();
        let head = [control, sequence, command, u8::from(complete)];
        Answer { head, records: found.take(count) }.encode(out)
    }

    fn refusals(
        self,
        attributes: Option<&AttributeSnapshot>,
        write: WriteAttributes<'_>,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let mut records = write.records();
        if records.clone().next().is_none() || records.any(|record| record.is_err()) {
            let response = DefaultResponse {
                command: CommandId(AttributeCommand::WRITE),
                status: Status::MALFORMED_COMMAND,
            };
            return Frame::default_response(self.sequence, self.back, response).encode(out);
        }
        let records = write.records().filter_map(Result::ok).map(|(id, _)| {
            let known = attributes.is_some_and(|attributes| attributes.get(id).is_some());
            Refused(if known { Refusal::READ_ONLY } else { Refusal::UNSUPPORTED_ATTRIBUTE }, id)
        });
        let head = self.head(AttributeCommand::WRITE_RESPONSE);
        let count = fitting(records.clone(), head.len(), out.len());
        Answer { head, records: records.take(count) }.encode(out)
    }

    const fn head(self, command: u8) -> [u8; 3] {
        let control = match self.back {
            Direction::ToServer => FrameControl::DISABLE_DEFAULT_RESPONSE,
            Direction::ToClient => FrameControl::DISABLE_DEFAULT_RESPONSE.union(FrameControl::TO_CLIENT),
        };
        [control.bits(), self.sequence, command]
    }
}

/// How many of `records` to write after `head` bytes in `room`: those that fit, but one at the least, so that there
/// is an error when none does.
fn fitting(records: impl Iterator<Item = impl Emit>, head: usize, room: usize) -> usize {
    let mut left = room.checked_sub(head);
    let fitting = records.take_while(|record| {
        left = left.and_then(|left| left.checked_sub(record.len()));
        left.is_some()
    });
    fitting.count().max(1)
}

/// A whole frame with its records, one after the other.
struct Answer<const HEAD: usize, R> {
    head: [u8; HEAD],
    records: R,
}

impl<const HEAD: usize, R: Iterator<Item: Emit> + Clone> Emit for Answer<HEAD, R> {
    fn len(&self) -> usize {
        self.records.clone().fold(HEAD, |len, record| len.saturating_add(record.len()))
    }

    fn emit(&self, out: &mut Sink<'_>) {
        out.array(&self.head);
        self.records.clone().for_each(|record| record.emit(out));
    }
}

struct Discovered(AttributeId, DataType);

impl Emit for Discovered {
    fn len(&self) -> usize {
        3
    }

    fn emit(&self, out: &mut Sink<'_>) {
        out.array(&self.0.0.to_le_bytes());
        out.array(&[self.1.0]);
    }
}

struct Refused(Refusal, AttributeId);

impl Emit for Refused {
    fn len(&self) -> usize {
        3
    }

    fn emit(&self, out: &mut Sink<'_>) {
        out.array(&[self.0.status().0]);
        out.array(&self.1.0.to_le_bytes());
    }
}
