//! Which command a frame holds: the two directions as two types, so that a client cannot be handed a request.
//!
//! ```text
//! Frame { sequence, message }
//!         message   ToServer(ToServer)   ToClient(ToClient)   DefaultResponse   AttributeSnapshot   OtherFrame, not this cluster's
//! ```

use crate::codec::{Parsed, locate};
use crate::error::DecodeError;
use crate::open_enum::open_enum;
use crate::types::ManufacturerCode;

use super::frame::{HEADER_LEN, Kind};
use super::quirks::Leniency;
use super::{
    AttributeCommand, DefaultResponse, FrameControl, FrameHeader, ImageBlockRequest, ImageBlockResponse,
    ImageNotify, ImagePageRequest, QueryNextImageRequest, QueryNextImageResponse, QuerySpecificFileRequest,
    QuerySpecificFileResponse, UpgradeEndRequest, UpgradeEndResponse, Violation,
};

open_enum! {
    /// Command id within the cluster (table 19).
    CommandId(u8) {
        /// To client, optional.
        IMAGE_NOTIFY = 0x00 => "Image Notify",
        /// To server, mandatory.
        QUERY_NEXT_IMAGE_REQUEST = 0x01 => "Query Next Image Request",
        /// To client, mandatory.
        QUERY_NEXT_IMAGE_RESPONSE = 0x02 => "Query Next Image Response",
        /// To server, mandatory.
        IMAGE_BLOCK_REQUEST = 0x03 => "Image Block Request",
        /// To server, optional.
        IMAGE_PAGE_REQUEST = 0x04 => "Image Page Request",
        /// To client, mandatory.
        IMAGE_BLOCK_RESPONSE = 0x05 => "Image Block Response",
        /// To server, mandatory.
        UPGRADE_END_REQUEST = 0x06 => "Upgrade End Request",
        /// To client, mandatory.
        UPGRADE_END_RESPONSE = 0x07 => "Upgrade End Response",
        /// To server, optional.
        QUERY_SPECIFIC_FILE_REQUEST = 0x08 => "Query Specific File Request",
        /// To client, optional.
        QUERY_SPECIFIC_FILE_RESPONSE = 0x09 => "Query Specific File Response",
    }
}

impl CommandId {
    /// Who the command is for, `None` for ids that nobody has assigned.
    #[must_use]
    pub const fn direction(self) -> Option<Direction> {
        match self {
            Self::QUERY_NEXT_IMAGE_REQUEST
            | Self::IMAGE_BLOCK_REQUEST
            | Self::IMAGE_PAGE_REQUEST
            | Self::UPGRADE_END_REQUEST
            | Self::QUERY_SPECIFIC_FILE_REQUEST => Some(Direction::ToServer),
            Self::IMAGE_NOTIFY
            | Self::QUERY_NEXT_IMAGE_RESPONSE
            | Self::IMAGE_BLOCK_RESPONSE
            | Self::UPGRADE_END_RESPONSE
            | Self::QUERY_SPECIFIC_FILE_RESPONSE => Some(Direction::ToClient),
            _ => None,
        }
    }

    /// Whether every node of its side has the command.
    #[must_use]
    pub const fn is_mandatory(self) -> bool {
        !matches!(
            self,
            Self::IMAGE_NOTIFY
                | Self::IMAGE_PAGE_REQUEST
                | Self::QUERY_SPECIFIC_FILE_REQUEST
                | Self::QUERY_SPECIFIC_FILE_RESPONSE
        ) && self.direction().is_some()
    }
}

/// Who a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Direction {
    /// Bit 3 of the frame control clear.
    ToServer,
    /// Bit 3 of the frame control set.
    ToClient,
}

impl Direction {
    /// Its bit of the frame control.
    pub(super) const fn control(self) -> FrameControl {
        match self {
            Self::ToServer => FrameControl::empty(),
            Self::ToClient => FrameControl::TO_CLIENT,
        }
    }
}

/// What clients send: the commands 0x01, 0x03, 0x04, 0x06 and 0x08 (table 19).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ToServer {
    /// 0x01
    QueryNextImage(QueryNextImageRequest),
    /// 0x03
    ImageBlock(ImageBlockRequest),
    /// 0x04
    ImagePage(ImagePageRequest),
    /// 0x06
    UpgradeEnd(UpgradeEndRequest),
    /// 0x08
    QuerySpecificFile(QuerySpecificFileRequest),
}

/// What servers send: the commands 0x00, 0x02, 0x05, 0x07 and 0x09 (table 19).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ToClient<'a> {
    /// 0x00
    ImageNotify(ImageNotify),
    /// 0x02
    QueryNextImage(QueryNextImageResponse),
    /// 0x05
    ImageBlock(#[cfg_attr(feature = "serde", serde(borrow))] ImageBlockResponse<'a>),
    /// 0x07
    UpgradeEnd(UpgradeEndResponse),
    /// 0x09
    QuerySpecificFile(QuerySpecificFileResponse),
}

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Message<'a> {
    /// A command of the cluster from a client.
    ToServer(ToServer),
    /// A command of the cluster from a server.
    ToClient(#[cfg_attr(feature = "serde", serde(borrow))] ToClient<'a>),
    /// A ZCL Default Response.
    DefaultResponse(Direction, DefaultResponse),
    /// A ZCL command about attributes.
    Attributes(Direction, #[cfg_attr(feature = "serde", serde(borrow))] AttributeCommand<'a>),
    /// Anything else.
    Other(#[cfg_attr(feature = "serde", serde(borrow))] OtherFrame<'a>),
}

/// A frame that is no command of this cluster which this crate reads; [`why`](Self::why) says which kind it is. Only
/// decoding makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "Claimed<'a>"))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OtherFrame<'a> {
    header: FrameHeader,
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))]
    payload: &'a [u8],
}

/// What may be an [`OtherFrame`]; [`Message::read`] decides.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(rename = "Other")]
struct Claimed<'a> {
    header: FrameHeader,
    #[serde(borrow, with = "crate::serde_bytes")]
    payload: &'a [u8],
}

#[cfg(feature = "serde")]
impl<'a> TryFrom<Claimed<'a>> for OtherFrame<'a> {
    type Error = &'static str;

    fn try_from(Claimed { header, payload }: Claimed<'a>) -> Result<Self, Self::Error> {
        match Message::read(&header, payload, &mut Leniency::new(super::Quirks::empty())) {
            Ok(Message::Other(other)) => Ok(other),
            _ => Err("a frame of a command that is read"),
        }
    }
}

/// Why a frame is none that this crate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum OtherKind {
    /// A command of the cluster for the other direction: unsupported, not malformed (CMD-014).
    WrongDirection(CommandId),
    /// A command of the cluster that nobody has assigned: unsupported.
    Unassigned(CommandId),
    /// A command of one maker, whatever its id.
    ManufacturerSpecific(ManufacturerCode),
    /// A global command of the ZCL that is about no attributes of this cluster.
    Global(u8),
    /// Frame type 2 or 3: nobody knows what it is.
    ReservedFrameType(u8),
}

impl<'a> OtherFrame<'a> {
    /// Why the frame is not read. The kinds are told apart in this order: manufacturer code, frame type, command id.
    #[must_use]
    pub fn why(&self) -> OtherKind {
        let command = CommandId(self.header.command);
        match (self.header.manufacturer, self.header.kind()) {
            (Some(manufacturer), _) => OtherKind::ManufacturerSpecific(manufacturer),
            (None, Kind::Global) => OtherKind::Global(self.header.command),
            (None, Kind::Cluster) if command.direction().is_some() => OtherKind::WrongDirection(command),
            (None, Kind::Cluster) => OtherKind::Unassigned(command),
            (None, Kind::Other) => OtherKind::ReservedFrameType(
                self.header.control.intersection(FrameControl::FRAME_TYPE).bits(),
            ),
        }
    }

    /// The frame's header, with the command id.
    #[must_use]
    pub const fn header(&self) -> FrameHeader {
        self.header
    }

    /// What the header says in its frame control, but for the manufacturer code: that is there or not.
    const fn control(&self) -> FrameControl {
        let kept = self.header.control.intersection(FrameControl::OF_MESSAGE);
        match self.header.manufacturer {
            Some(_) => kept.union(FrameControl::MANUFACTURER_SPECIFIC),
            None => kept.difference(FrameControl::MANUFACTURER_SPECIFIC),
        }
    }

    /// The bytes after the ZCL header.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }
}

impl ToServer {
    /// The command this is.
    #[must_use]
    pub const fn command(&self) -> CommandId {
        match self {
            Self::QueryNextImage(_) => CommandId::QUERY_NEXT_IMAGE_REQUEST,
            Self::ImageBlock(_) => CommandId::IMAGE_BLOCK_REQUEST,
            Self::ImagePage(_) => CommandId::IMAGE_PAGE_REQUEST,
            Self::UpgradeEnd(_) => CommandId::UPGRADE_END_REQUEST,
            Self::QuerySpecificFile(_) => CommandId::QUERY_SPECIFIC_FILE_REQUEST,
        }
    }

    /// Rules that the values break.
    ///
    /// # Errors
    /// As `check` of the message inside.
    pub fn check(&self) -> Result<(), Violation> {
        match self {
            Self::QueryNextImage(message) => message.check(),
            Self::ImageBlock(message) => message.check(),
            Self::ImagePage(message) => message.check(),
            Self::UpgradeEnd(message) => message.check(),
            Self::QuerySpecificFile(message) => message.check(),
        }
    }
}

impl ToClient<'_> {
    /// The command this is.
    #[must_use]
    pub const fn command(&self) -> CommandId {
        match self {
            Self::ImageNotify(_) => CommandId::IMAGE_NOTIFY,
            Self::QueryNextImage(_) => CommandId::QUERY_NEXT_IMAGE_RESPONSE,
            Self::ImageBlock(_) => CommandId::IMAGE_BLOCK_RESPONSE,
            Self::UpgradeEnd(_) => CommandId::UPGRADE_END_RESPONSE,
            Self::QuerySpecificFile(_) => CommandId::QUERY_SPECIFIC_FILE_RESPONSE,
        }
    }

    /// Rules that the values break.
    ///
    /// # Errors
    /// As `check` of the message inside.
    pub fn check(&self) -> Result<(), Violation> {
        match self {
            Self::ImageNotify(message) => message.check(),
            Self::QueryNextImage(message) => message.check(),
            Self::ImageBlock(message) => message.check(),
            Self::UpgradeEnd(message) => message.check(),
            Self::QuerySpecificFile(message) => message.check(),
        }
    }
}

impl<'a> Message<'a> {
    /// Who it is for.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        match self {
            Self::ToServer(_) => Direction::ToServer,
            Self::ToClient(_) => Direction::ToClient,
            Self::DefaultResponse(direction, _) | Self::Attributes(direction, _) => *direction,
            Self::Other(other) => other.header.direction(),
        }
    }

    /// Rules that the values break; a message of no command of the cluster breaks none, attributes excepted.
    ///
    /// # Errors
    /// As `check` of the message inside.
    pub fn check(&self) -> Result<(), Violation> {
        match self {
            Self::ToServer(message) => message.check(),
            Self::ToClient(message) => message.check(),
            Self::Attributes(_, AttributeCommand::ReadResponse(message)) => message.check(),
            Self::Attributes(..) | Self::DefaultResponse(..) | Self::Other(_) => Ok(()),
        }
    }

    /// Reads the payload that `header` announces.
    pub(super) fn read(
        header: &FrameHeader,
        payload: &'a [u8],
        leniency: &mut Leniency<'a>,
    ) -> Result<Self, DecodeError> {
        use {CommandId as Id, Direction as To, ToClient as Down, ToServer as Up};

        let at = Place(payload);
        let direction = header.direction();
        match (header.kind(), direction, CommandId(header.command)) {
            (Kind::Cluster, To::ToServer, Id::QUERY_NEXT_IMAGE_REQUEST) => at
                .read("Query Next Image Request", QueryNextImageRequest::parse(payload, leniency))
                .map(|message| Self::ToServer(Up::QueryNextImage(message))),
            (Kind::Cluster, To::ToServer, Id::IMAGE_BLOCK_REQUEST) => at
                .read("Image Block Request", ImageBlockRequest::parse(payload, leniency))
                .map(|message| Self::ToServer(Up::ImageBlock(message))),
            (Kind::Cluster, To::ToServer, Id::IMAGE_PAGE_REQUEST) => at
                .read("Image Page Request", ImagePageRequest::parse(payload, leniency))
                .map(|message| Self::ToServer(Up::ImagePage(message))),
            (Kind::Cluster, To::ToServer, Id::UPGRADE_END_REQUEST) => at
                .read("Upgrade End Request", UpgradeEndRequest::parse(payload, leniency))
                .map(|message| Self::ToServer(Up::UpgradeEnd(message))),
            (Kind::Cluster, To::ToServer, Id::QUERY_SPECIFIC_FILE_REQUEST) => at
                .read("Query Specific File Request", QuerySpecificFileRequest::parse(payload, leniency))
                .map(|message| Self::ToServer(Up::QuerySpecificFile(message))),
            (Kind::Cluster, To::ToClient, Id::IMAGE_NOTIFY) => at
                .read("Image Notify", ImageNotify::parse(payload))
                .map(|message| Self::ToClient(Down::ImageNotify(message))),
            (Kind::Cluster, To::ToClient, Id::QUERY_NEXT_IMAGE_RESPONSE) => at
                .read("Query Next Image Response", QueryNextImageResponse::parse(payload, leniency))
                .map(|message| Self::ToClient(Down::QueryNextImage(message))),
            (Kind::Cluster, To::ToClient, Id::IMAGE_BLOCK_RESPONSE) => at
                .read("Image Block Response", ImageBlockResponse::parse(payload, leniency))
                .map(|message| Self::ToClient(Down::ImageBlock(message))),
            (Kind::Cluster, To::ToClient, Id::UPGRADE_END_RESPONSE) => at
                .read("Upgrade End Response", UpgradeEndResponse::parse(payload, leniency))
                .map(|message| Self::ToClient(Down::UpgradeEnd(message))),
            (Kind::Cluster, To::ToClient, Id::QUERY_SPECIFIC_FILE_RESPONSE) => at
                .read("Query Specific File Response", QuerySpecificFileResponse::parse(payload, leniency))
                .map(|message| Self::ToClient(Down::QuerySpecificFile(message))),
            (Kind::Global, _, CommandId(DefaultResponse::COMMAND)) => at
                .read("Default Response", DefaultResponse::parse(payload, leniency))
                .map(|message| Self::DefaultResponse(direction, message)),
            (Kind::Global, _, CommandId(command)) => {
                match AttributeCommand::parse(command, payload, leniency) {
                    Some((item, parsed)) => {
                        at.read(item, parsed).map(|message| Self::Attributes(direction, message))
                    }
                    None => Ok(Self::Other(OtherFrame { header: *header, payload })),
                }
            }
            _ => Ok(Self::Other(OtherFrame { header: *header, payload })),
        }
    }

    /// Bits of the frame control that the message decides: type, manufacturer, direction.
    pub(super) const fn control(&self) -> FrameControl {
        let frame_type = match self {
            Self::ToServer(_) | Self::ToClient(_) => FrameControl::CLUSTER,
            Self::DefaultResponse(..) | Self::Attributes(..) => FrameControl::empty(),
            Self::Other(other) => return other.control(),
        };
        frame_type.union(self.direction().control())
    }

    pub(super) fn command(&self) -> u8 {
        match self {
            Self::ToServer(message) => message.command().0,
            Self::ToClient(message) => message.command().0,
            Self::DefaultResponse(..) => DefaultResponse::COMMAND,
            Self::Attributes(_, command) => command.command(),
            Self::Other(other) => other.header.command,
        }
    }

    pub(super) const fn manufacturer(&self) -> Option<ManufacturerCode> {
        match self {
            Self::Other(other) => other.header.manufacturer,
            _ => None,
        }
    }
}

/// The payload of a frame without a manufacturer code, for errors: others are not read.
struct Place<'a>(&'a [u8]);

impl<'a> Place<'a> {
    fn read<T>(&self, item: &'static str, parsed: Parsed<'a, T>) -> Result<T, DecodeError> {
        locate(item, HEADER_LEN, self.0, parsed).map(|(message, _)| message)
    }
}
