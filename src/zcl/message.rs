//! Content of a frame: a command of the cluster, a global command that the cluster needs, or the bytes of any other
//! frame.
//!
//! ```text
//! Frame { sequence, message }
//!                   message   ToServer(ToServer)   ToClient(ToClient)   DefaultResponse   Attributes   Other
//! ```

use core::fmt;

use crate::codec::{Emit, Parsed, Sink, locate};
use crate::error::DecodeError;
use crate::types::ManufacturerCode;

use super::command::DecodeCommand;
use super::decoder_quirks::Leniency;
use super::default_response::DEFAULT_RESPONSE;
use super::frame::{FrameKind, HEADER_LEN};
use super::{
    AttributeCommand, CommandId, DefaultResponse, Direction, FrameControl, FrameHeader, ToClient, ToServer,
    Violation,
};

/// Content of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Message<'a> {
    /// Command of the cluster from a client.
    ToServer(ToServer),
    /// Command of the cluster from a server.
    ToClient(#[cfg_attr(feature = "serde", serde(borrow))] ToClient<'a>),
    /// ZCL Default Response, with its direction.
    DefaultResponse(Direction, DefaultResponse),
    /// Global ZCL command that reads, writes or discovers attributes, or a response to such a command.
    Attributes(Direction, #[cfg_attr(feature = "serde", serde(borrow))] AttributeCommand<'a>),
    /// Any other frame, with its header and payload bytes.
    Other(#[cfg_attr(feature = "serde", serde(borrow))] OtherFrame<'a>),
}

impl<'a> Message<'a> {
    /// Returns the direction of the message.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        match self {
            Self::ToServer(_) => Direction::ToServer,
            Self::ToClient(_) => Direction::ToClient,
            Self::DefaultResponse(direction, _) | Self::Attributes(direction, _) => *direction,
            Self::Other(other) => other.header.direction(),
        }
    }

    /// Checks the field values of the message against the rules of the specification. Among the global commands,
    /// `check` checks only a Read Attributes Response, because the cluster has rules for the attribute values in a Read
    /// Attributes Response.
    ///
    /// # Errors
    /// `Message::check` returns the errors of the `check` method of the command in the message.
    pub fn check(&self) -> Result<(), Violation> {
        match self {
            Self::ToServer(message) => message.check(),
            Self::ToClient(message) => message.check(),
            Self::Attributes(_, command) => command.check(),
            Self::DefaultResponse(..) | Self::Other(_) => Ok(()),
        }
    }

    /// Decodes the payload that follows `header`.
    pub(super) fn decode(
        header: &FrameHeader,
        payload: &'a [u8],
        leniency: &mut Leniency<'a>,
    ) -> Result<Self, DecodeError> {
        let direction = header.direction();
        let id = CommandId(header.command);
        match (header.kind(), direction) {
            (FrameKind::Cluster, Direction::ToServer) => {
                if let Some((item, parsed)) = ToServer::parse(id, payload, leniency) {
                    return finish(item, payload, parsed).map(Self::ToServer);
                }
            }
            (FrameKind::Cluster, Direction::ToClient) => {
                if let Some((item, parsed)) = ToClient::parse(id, payload, leniency) {
                    return finish(item, payload, parsed).map(Self::ToClient);
                }
            }
            (FrameKind::Global, _) if header.command == DEFAULT_RESPONSE => {
                let parsed = DefaultResponse::parse(payload, leniency);
                let response = finish("Default Response", payload, parsed)?;
                return Ok(Self::DefaultResponse(direction, response));
            }
            (FrameKind::Global, _) => {
                if let Some((item, parsed)) = AttributeCommand::parse(header.command, payload, leniency) {
                    return Ok(Self::Attributes(direction, finish(item, payload, parsed)?));
                }
            }
            (FrameKind::Other, _) => {}
        }
        Ok(Self::Other(OtherFrame { header: *header, payload }))
    }

    /// Returns the bits of the frame control that the message determines: frame type, manufacturer specific, direction.
    pub(super) const fn control(&self) -> FrameControl {
        let frame_type = match self {
            Self::ToServer(_) | Self::ToClient(_) => FrameControl::CLUSTER,
            Self::DefaultResponse(..) | Self::Attributes(..) => FrameControl::EMPTY,
            Self::Other(other) => return other.control(),
        };
        frame_type.with(self.direction().control())
    }

    /// Returns the command id in the ZCL header.
    pub(super) fn command(&self) -> u8 {
        match self {
            Self::ToServer(message) => message.command().0,
            Self::ToClient(message) => message.command().0,
            Self::DefaultResponse(..) => DEFAULT_RESPONSE,
            Self::Attributes(_, command) => command.command(),
            Self::Other(other) => other.header.command,
        }
    }

    /// Returns the manufacturer code in the ZCL header, if there is one.
    pub(super) const fn manufacturer(&self) -> Option<ManufacturerCode> {
        match self {
            Self::Other(other) => other.header.manufacturer,
            Self::ToServer(_) | Self::ToClient(_) | Self::DefaultResponse(..) | Self::Attributes(..) => None,
        }
    }
}

/// Converts the result of the parser of a payload: returns the message, or an error whose offset counts from the first
/// byte of the frame. `finish` is only for frames without a manufacturer code, whose ZCL header has three bytes.
fn finish<'a, T>(item: &'static str, payload: &'a [u8], parsed: Parsed<'a, T>) -> Result<T, DecodeError> {
    locate(item, HEADER_LEN, payload, parsed).map(|(message, _)| message)
}

impl Emit for Message<'_> {
    fn len(&self) -> usize {
        match self {
            Self::ToServer(message) => message.len(),
            Self::ToClient(message) => message.len(),
            Self::DefaultResponse(_, message) => message.len(),
            Self::Attributes(_, message) => message.len(),
            Self::Other(other) => other.payload.len(),
        }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        match self {
            Self::ToServer(message) => message.emit(out),
            Self::ToClient(message) => message.emit(out),
            Self::DefaultResponse(_, message) => message.emit(out),
            Self::Attributes(_, message) => message.emit(out),
            Self::Other(other) => out.bytes(other.payload),
        }
    }
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ToServer(message) => message.fmt(f),
            Self::ToClient(message) => message.fmt(f),
            Self::DefaultResponse(_, message) => message.fmt(f),
            Self::Attributes(_, message) => message.fmt(f),
            Self::Other(other) => other.fmt(f),
        }
    }
}

/// Frame whose payload this crate does not decode, with its header and payload bytes. The method [`why`](Self::why)
/// returns the reason why the crate does not decode the payload. Only the decoder creates an `OtherFrame`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "Unchecked<'a>")
)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OtherFrame<'a> {
    header: FrameHeader,
    #[cfg_attr(feature = "serde", serde(borrow, with = "crate::serde_bytes"))]
    payload: &'a [u8],
}

/// Deserialized form of an [`OtherFrame`], before [`Message::decode`] confirms that the frame has no known command.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(rename = "Other")]
struct Unchecked<'a> {
    header: FrameHeader,
    #[serde(borrow, with = "crate::serde_bytes")]
    payload: &'a [u8],
}

#[cfg(feature = "serde")]
impl<'a> TryFrom<Unchecked<'a>> for OtherFrame<'a> {
    type Error = &'static str;

    fn try_from(Unchecked { header, payload }: Unchecked<'a>) -> Result<Self, Self::Error> {
        match Message::decode(&header, payload, &mut Leniency::new(super::Quirks::empty())) {
            Ok(Message::Other(other)) => Ok(other),
            _ => Err("a frame of a command that is read"),
        }
    }
}

/// Reason why the crate does not decode a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum OtherKind {
    /// Command of the cluster that arrived in the wrong direction. The crate treats a frame whose command has the wrong
    /// direction as unsupported, not as malformed.
    WrongDirection(CommandId),
    /// Command id that the cluster does not assign. The crate treats a frame with an unassigned command id as
    /// unsupported, not as malformed.
    Unassigned(CommandId),
    /// Manufacturer-specific command, with any command id.
    ManufacturerSpecific(ManufacturerCode),
    /// Global ZCL command that neither concerns attributes nor is a Default Response.
    Global(u8),
    /// Frame type 2 or 3, which the ZCL reserves.
    ReservedFrameType(u8),
}

impl<'a> OtherFrame<'a> {
    /// Returns the reason why the crate does not decode the frame. If the crate has several reasons not to decode the
    /// frame, a manufacturer code takes precedence over the frame type, and the frame type takes precedence over the
    /// command id.
    #[must_use]
    pub fn why(&self) -> OtherKind {
        let FrameHeader { control, manufacturer, sequence: _, command } = self.header;
        let id = CommandId(command);
        match (manufacturer, self.header.kind()) {
            (Some(manufacturer), _) => OtherKind::ManufacturerSpecific(manufacturer),
            (None, FrameKind::Global) => OtherKind::Global(command),
            (None, FrameKind::Cluster) if id.direction().is_some() => OtherKind::WrongDirection(id),
            (None, FrameKind::Cluster) => OtherKind::Unassigned(id),
            (None, FrameKind::Other) => {
                OtherKind::ReservedFrameType(control.masked(FrameControl::FRAME_TYPE).0)
            }
        }
    }

    /// Returns the ZCL header of the frame.
    #[must_use]
    pub const fn header(&self) -> FrameHeader {
        self.header
    }

    /// Returns the bits of the frame control that the fields of the header determine. The bit
    /// [`MANUFACTURER_SPECIFIC`](FrameControl::MANUFACTURER_SPECIFIC) is set if and only if the header has a
    /// manufacturer code.
    const fn control(&self) -> FrameControl {
        let kept = self.header.control.masked(FrameControl::OF_MESSAGE);
        match self.header.manufacturer {
            Some(_) => kept.with(FrameControl::MANUFACTURER_SPECIFIC),
            None => kept.without(FrameControl::MANUFACTURER_SPECIFIC),
        }
    }

    /// Returns the bytes after the ZCL header.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }
}

impl fmt::Display for OtherFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { header: FrameHeader { control: _, manufacturer: _, sequence: _, command }, payload } =
            self;
        match self.why() {
            OtherKind::WrongDirection(command) => write!(f, "{command} in the wrong direction")?,
            OtherKind::Unassigned(command) => write!(f, "unassigned command {command}")?,
            OtherKind::ManufacturerSpecific(code) => {
                write!(f, "command {command:#04x} of manufacturer {code}")?;
            }
            OtherKind::Global(command) => write!(f, "global command {command:#04x}")?,
            OtherKind::ReservedFrameType(frame_type) => {
                write!(f, "command {command:#04x} of reserved frame type {frame_type}")?;
            }
        }
        write!(f, ", {} bytes", payload.len())
    }
}
