//! Attribute values of a client at one moment, and responses to commands that read, discover or write these attributes.
//!
//! ```text
//! state of the client --> AttributeSnapshot -- frame that reads, discovers or writes --> response frame
//! ```

use crate::codec::{Emit, Encode, Sink};
use crate::error::EncodeError;
use crate::types::{Eui64, FileVersion, ImageType, ManufacturerCode, StackVersion};

use super::attribute_commands::{
    AttributeCommand, AttributeRecord, DISCOVER_RESPONSE, DiscoverAttributes, READ_RESPONSE, ReadAttributes,
    WRITE, WRITE_RESPONSE, WriteAttributes,
};
use super::attribute_table::{
    ATTRIBUTES, AttributeId, AttributeValue, DataType, ImageUpgradeStatus, UpgradeActivationPolicy,
    UpgradeTimeoutPolicy,
};
use super::frame::HEADER_LEN;
use super::{CommandId, DefaultResponse, Direction, Frame, FrameControl, Message, Refusal, Status};

/// Attribute values of a client at one moment. `None` stands for an attribute that the client does not have.
///
/// ```
/// use zigbee_ota::zcl::{AttributeSnapshot, Frame, ImageUpgradeStatus, Quirks};
///
/// let mut attributes = AttributeSnapshot::DEFAULT;
/// attributes.status = ImageUpgradeStatus::COUNT_DOWN;
/// // A server reads ImageUpgradeStatus.
/// let request = Frame::decode(&[0x08, 7, 0x00, 0x06, 0x00], Quirks::empty())?;
/// let mut out = [0; 16];
/// let len = attributes.answer(&request, &mut out)?.expect("a request to a client");
/// assert_eq!(out[..len], [0x10, 7, 0x01, 0x06, 0x00, 0x00, 0x30, 0x04]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct AttributeSnapshot {
    /// UpgradeServerID: IEEE address of the server. The values 0 and 0xFFFFFFFFFFFFFFFF stand for no address.
    pub server: Eui64,
    /// ImageUpgradeStatus: stage of the upgrade.
    pub status: ImageUpgradeStatus,
    /// FileOffset: offset of the next byte to download, from the start of the file.
    pub file_offset: Option<u32>,
    /// CurrentFileVersion: version of the running image.
    pub current_version: Option<FileVersion>,
    /// CurrentZigBeeStackVersion: Zigbee stack version of the running image.
    pub current_stack: Option<StackVersion>,
    /// DownloadedFileVersion: version of the downloaded image that is not running yet.
    pub downloaded_version: Option<FileVersion>,
    /// DownloadedZigBeeStackVersion: Zigbee stack version of the downloaded image.
    pub downloaded_stack: Option<StackVersion>,
    /// Manufacturer ID: manufacturer code of the device.
    pub manufacturer: Option<ManufacturerCode>,
    /// Image Type ID: image type of the file that is being downloaded or waits to be installed; 0xFFFF if there is no
    /// such file.
    pub image_type: Option<ImageType>,
    /// MinimumBlockPeriod: minimum time between two block requests (defined by later revisions of the specification).
    /// The unit of MinimumBlockPeriod is milliseconds, except in cluster revision 2, where the unit is seconds.
    pub min_block_period: Option<u16>,
    /// ImageStamp: number that distinguishes two builds of one version (defined by later revisions of the
    /// specification).
    pub image_stamp: Option<u32>,
    /// UpgradeActivationPolicy: whether the server can start the upgrade, or only an event outside the OTA Upgrade
    /// cluster (defined by later revisions of the specification).
    pub activation_policy: Option<UpgradeActivationPolicy>,
    /// UpgradeTimeoutPolicy: whether the client installs an image without an Upgrade End Response (defined by later
    /// revisions of the specification).
    pub timeout_policy: Option<UpgradeTimeoutPolicy>,
    /// ClusterRevision: revision of the cluster that the device implements (defined by later revisions of the
    /// specification).
    pub cluster_revision: Option<u16>,
}

impl AttributeSnapshot {
    /// Default attribute values of table 15 in document 095264 (2011): no server, no download, and only the attributes
    /// of document 095264. The manufacturer code and the running version of the device have no useful default, so the
    /// caller sets `manufacturer` and `current_version`.
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

    /// Returns the value of one attribute, or `None` if the client does not have the attribute.
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

    /// Encodes the response of a client to a frame that reads, discovers or writes attributes of the client, and
    /// returns the length of the response in bytes. Returns `None` for a frame that does not read, discover or write
    /// attributes of a client. The response to Write Attributes is a refusal, because all attributes of the cluster are
    /// read only. If a response is longer than `out`, the encoder cuts the response after the last record that fits
    /// into `out`. The records of a response are in the order of the request, so the server sees which records are
    /// missing and requests the missing attributes again. If the encoder cuts a Discover Attributes Response, the
    /// response reports that its list is incomplete. `out` should have the length of the longest frame that the network
    /// carries without fragmentation.
    ///
    /// # Errors
    /// [`EncodeError::NoRoom`] if not even one record fits into `out`. An empty response would make the server repeat
    /// its request for ever. An `out` of [`LONGEST_ATTRIBUTES`](super::LONGEST_ATTRIBUTES) bytes has room for a
    /// response with all attributes, if the request contains each attribute once.
    #[doc(alias = "read attributes")]
    pub fn answer(&self, frame: &Frame<'_>, out: &mut [u8]) -> Result<Option<usize>, EncodeError> {
        match frame.message {
            Message::Attributes(Direction::ToClient, command) => {
                let owner = Owner::Client(self);
                Responder { owner, sequence: frame.sequence, direction: Direction::ToServer }
                    .answer(command, out)
            }
            _ => Ok(None),
        }
    }
}

/// Encodes the response of a server to a frame that reads, discovers or writes attributes, and returns the length of
/// the response in bytes. Returns `None` for a frame that does not read, discover or write attributes of a server.
///
/// Section 6.7 of document 095264 defines no attributes for a server. The only attribute of a server is the global
/// attribute ClusterRevision (0xFFFD), which ZCL 6 introduced. The value of ClusterRevision is
/// [`SERVER_CLUSTER_REVISION`].
///
/// # Errors
/// `answer_as_server` returns the same errors as [`AttributeSnapshot::answer`].
pub fn answer_as_server(frame: &Frame<'_>, out: &mut [u8]) -> Result<Option<usize>, EncodeError> {
    match frame.message {
        Message::Attributes(Direction::ToServer, command) => {
            Responder { owner: Owner::Server, sequence: frame.sequence, direction: Direction::ToClient }
                .answer(command, out)
        }
        _ => Ok(None),
    }
}

/// ClusterRevision that a server of this crate reports: 3, the revision of the cluster in ZCL 8. Since revision 3,
/// MinimumBlockPeriod counts milliseconds.
pub const SERVER_CLUSTER_REVISION: u16 = 3;

/// Device whose attributes a response is about: a client with its attribute values, or a server.
#[derive(Clone, Copy)]
enum Owner<'s> {
    Client(&'s AttributeSnapshot),
    Server,
}

impl Owner<'_> {
    /// Returns the value of an attribute; `None` if the client or server does not have the attribute.
    fn get(self, id: AttributeId) -> Option<AttributeValue> {
        match self {
            Self::Client(attributes) => attributes.get(id),
            Self::Server => {
                (id == AttributeId::CLUSTER_REVISION).then_some(AttributeValue::U16(SERVER_CLUSTER_REVISION))
            }
        }
    }
}

/// Encoder of one response to a command that reads, discovers or writes attributes. The encoder contains the attribute
/// values, and the header fields of the response that depend on the request.
#[derive(Clone, Copy)]
struct Responder<'s> {
    owner: Owner<'s>,
    /// Sequence number of the request.
    sequence: u8,
    /// Direction of the response.
    direction: Direction,
}

impl Responder<'_> {
    fn answer(self, command: AttributeCommand<'_>, out: &mut [u8]) -> Result<Option<usize>, EncodeError> {
        match command {
            AttributeCommand::Read(read) => self.answer_read(read, out),
            AttributeCommand::Discover(discover) => self.answer_discover(discover, out),
            AttributeCommand::Write(write) => self.answer_write(write, out),
            AttributeCommand::ReadResponse(_)
            | AttributeCommand::WriteResponse(_)
            | AttributeCommand::DiscoverResponse(_) => return Ok(None),
        }
        .map(Some)
    }

    fn answer_read(self, read: ReadAttributes<'_>, out: &mut [u8]) -> Result<usize, EncodeError> {
        let records = read.ids().map(|id| AttributeRecord {
            id,
            value: self.owner.get(id).ok_or(Refusal::UNSUPPORTED_ATTRIBUTE),
        });
        let head = self.head(READ_RESPONSE);
        let count = count_fitting(records.clone(), head.len(), out.len());
        Response { head, records: records.take(count) }.encode(out)
    }

    fn answer_discover(
        self,
        DiscoverAttributes { first, max_count }: DiscoverAttributes,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let found = const { &ATTRIBUTES }
            .iter()
            .filter(|info| self.owner.get(info.id).is_some())
            .filter(|info| info.id >= first)
            .map(|info| DiscoverRecord(info.id, info.data_type));
        let [control, sequence, command] = self.head(DISCOVER_RESPONSE);
        let wanted = found.clone().take(max_count.into());
        // 4 bytes: the header, and the byte that says whether the discovery is complete.
        let fit = count_fitting(wanted, 4, out.len());
        let count = fit.min(max_count.into());
        let complete = found.clone().nth(count).is_none();
        let head = [control, sequence, command, u8::from(complete)];
        Response { head, records: found.take(count) }.encode(out)
    }

    fn answer_write(self, write: WriteAttributes<'_>, out: &mut [u8]) -> Result<usize, EncodeError> {
        let mut records = write.records();
        if records.clone().next().is_none() || records.any(|record| record.is_err()) {
            let response = DefaultResponse { command: CommandId(WRITE), status: Status::MALFORMED_COMMAND };
            return Frame::default_response(self.sequence, self.direction, response).encode(out);
        }
        let records = write.records().filter_map(Result::ok).map(|(id, _)| {
            let known = self.owner.get(id).is_some();
            WriteRecord(if known { Refusal::READ_ONLY } else { Refusal::UNSUPPORTED_ATTRIBUTE }, id)
        });
        let head = self.head(WRITE_RESPONSE);
        let count = count_fitting(records.clone(), head.len(), out.len());
        Response { head, records: records.take(count) }.encode(out)
    }

    /// Returns the ZCL header of the response.
    const fn head(self, command: u8) -> [u8; HEADER_LEN] {
        let control = self.direction.control().with(FrameControl::DISABLE_DEFAULT_RESPONSE);
        [control.0, self.sequence, command]
    }
}

/// Returns the number of `records` that fit into a buffer of `room` bytes after the first `head` bytes of the buffer.
/// If not even one record fits, `count_fitting` returns 1, so that encoding the response fails.
fn count_fitting(records: impl Iterator<Item = impl Emit>, head: usize, room: usize) -> usize {
    let mut left = room.checked_sub(head);
    let fitting = records.take_while(|record| {
        left = left.and_then(|left| left.checked_sub(record.len()));
        left.is_some()
    });
    fitting.count().max(1)
}

/// Response frame: the ZCL header and the other fixed bytes, then the records.
struct Response<const HEAD: usize, R> {
    head: [u8; HEAD],
    records: R,
}

impl<const HEAD: usize, R: Iterator<Item: Emit> + Clone> Emit for Response<HEAD, R> {
    fn len(&self) -> usize {
        self.records.clone().fold(HEAD, |len, record| len.saturating_add(record.len()))
    }

    fn emit(&self, out: &mut Sink<'_>) {
        out.array(&self.head);
        self.records.clone().for_each(|record| record.emit(out));
    }
}

/// Record of a Discover Attributes Response.
struct DiscoverRecord(AttributeId, DataType);

impl Emit for DiscoverRecord {
    fn len(&self) -> usize {
        3
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let Self(id, data_type) = self;
        out.array(&id.0.to_le_bytes());
        out.array(&[data_type.0]);
    }
}

/// Record of a Write Attributes Response.
struct WriteRecord(Refusal, AttributeId);

impl Emit for WriteRecord {
    fn len(&self) -> usize {
        3
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let Self(refusal, id) = self;
        out.array(&[refusal.status().0]);
        out.array(&id.0.to_le_bytes());
    }
}
