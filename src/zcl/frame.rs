//! ZCL header and frame: decoder and constructors. Sections and tables refer to ZigBee document 095264 (2011).
//!
//! ```text
//! 0       1  frame control   bits 0-1 type, 2 manufacturer specific, 3 to the client, 4 disable default response
//! 1       2  manufacturer    only with bit 2
//! 1 or 3  1  sequence number
//! 2 or 4  1  command
//! 3 or 5  n  payload         described in the module of the command
//! ```

use nom::Parser;
use nom::combinator::{cond, map};

use crate::aps::DeliveryMode;
use crate::codec::{FieldReader, Parsed, le_u8, le_u16, locate};
use crate::error::DecodeError;
use crate::types::ManufacturerCode;

use super::decoder_quirks::Leniency;
use super::{
    AttributeCommand, CommandId, DefaultResponse, Deviations, Direction, ImageBlockRequest, ImageNotify,
    Message, Quirks, ToClient, ToServer,
};

/// Frame control of a ZCL header. A `FrameControl` keeps all bits, also the bits that have no named constant.
// A newtype over the number, because users of the frame control need no method other than `contains`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FrameControl(pub u8);

impl FrameControl {
    /// Bits 0 and 1 of the frame control, the frame type: 0 global, 1 specific to the cluster, 2 and 3 reserved.
    pub const FRAME_TYPE: Self = Self(0b11);
    /// Frame type 1 in a frame control: a command specific to the cluster.
    pub const CLUSTER: Self = Self(0b01);
    /// Bit 2 of the frame control: the header has a manufacturer code.
    pub const MANUFACTURER_SPECIFIC: Self = Self(1 << 2);
    /// Bit 3 of the frame control: the frame goes from server to client.
    pub const TO_CLIENT: Self = Self(1 << 3);
    /// Bit 4 of the frame control: the sender of the frame requests a Default Response only for an error.
    pub const DISABLE_DEFAULT_RESPONSE: Self = Self(1 << 4);

    pub(super) const EMPTY: Self = Self(0);
    /// Frame control 0x19, for a response of a server and for a server command to several clients.
    pub(super) const RESPONSE: Self = Self::COMMAND_TO_CLIENT.with(Self::DISABLE_DEFAULT_RESPONSE);
    /// Frame control of a command from server to client that requests a Default Response.
    pub(super) const COMMAND_TO_CLIENT: Self = Self::CLUSTER.with(Self::TO_CLIENT);
    /// Bits of the frame control that the message determines; the sender chooses the remaining bits.
    pub(super) const OF_MESSAGE: Self =
        Self::FRAME_TYPE.with(Self::MANUFACTURER_SPECIFIC).with(Self::TO_CLIENT);

    /// Returns whether all bits of `bits` are set in `self`.
    #[must_use]
    pub const fn contains(self, bits: Self) -> bool {
        self.0 & bits.0 == bits.0
    }

    pub(super) const fn with(self, bits: Self) -> Self {
        Self(self.0 | bits.0)
    }

    pub(super) const fn without(self, bits: Self) -> Self {
        Self(self.0 & !bits.0)
    }

    pub(super) const fn masked(self, bits: Self) -> Self {
        Self(self.0 & bits.0)
    }
}

/// Header of a ZCL frame: the bytes before the payload.
// Exhaustive: the ZCL fixes the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FrameHeader {
    /// Frame control with all its bits, also those without a named constant.
    pub control: FrameControl,
    /// Manufacturer code of a manufacturer-specific command.
    pub manufacturer: Option<ManufacturerCode>,
    /// Sequence number; a response repeats the sequence number of its request.
    pub sequence: u8,
    /// Command id. A global frame has a command id of the ZCL; any other frame has a command id of the cluster or of
    /// the manufacturer.
    pub command: u8,
}

/// Length of a header without a manufacturer code, in bytes.
pub(super) const HEADER_LEN: usize = 3;

/// Kind of a frame, which depends on the frame type and on whether the header has a manufacturer code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// Command of the cluster: frame type 1 without a manufacturer code.
    Cluster,
    /// Global ZCL command: frame type 0 without a manufacturer code.
    Global,
    /// Frame of any other kind: a manufacturer-specific frame, or a frame with a reserved frame type.
    Other,
}

impl FrameHeader {
    /// Decodes the header of a frame and returns it with the payload.
    ///
    /// # Errors
    /// [`DecodeErrorKind::Truncated`](crate::DecodeErrorKind::Truncated) for a frame that ends within its header.
    pub fn decode(frame: &[u8]) -> Result<(Self, &[u8]), DecodeError> {
        locate("ZCL header", 0, frame, Self::parse(frame))
    }

    fn parse(frame: &[u8]) -> Parsed<'_, Self> {
        let (rest, control) = map(le_u8, FrameControl).parse(frame)?;
        let specific = control.contains(FrameControl::MANUFACTURER_SPECIFIC);
        let (rest, (manufacturer, sequence, command)) =
            (cond(specific, map(le_u16, ManufacturerCode)), le_u8, le_u8).parse(rest)?;
        Ok((rest, Self { control, manufacturer, sequence, command }))
    }

    /// Decodes the header like [`decode`](Self::decode), but does not report at which byte a frame is wrong. The
    /// decoder of a client calls `read` as a fast path (guide, "Fast paths"). Returns `None` for a frame that ends
    /// within its header.
    pub(crate) fn read(frame: &[u8]) -> Option<(Self, &[u8])> {
        let mut input = FieldReader::new(frame);
        let control = FrameControl(input.u8());
        let manufacturer =
            control.contains(FrameControl::MANUFACTURER_SPECIFIC).then(|| ManufacturerCode(input.u16()));
        let (sequence, command) = (input.u8(), input.u8());
        (!input.is_short()).then(|| (Self { control, manufacturer, sequence, command }, input.take_rest()))
    }

    /// Returns the direction of the frame.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        if self.control.contains(FrameControl::TO_CLIENT) { Direction::ToClient } else { Direction::ToServer }
    }

    /// Returns whether the frame is a command of the cluster, with any command id: frame type 1 without a manufacturer
    /// code.
    #[must_use]
    pub fn is_cluster_command(&self) -> bool {
        self.kind() == FrameKind::Cluster
    }

    pub(super) fn kind(&self) -> FrameKind {
        let Self { control, manufacturer, sequence: _, command: _ } = self;
        let frame_type = control.masked(FrameControl::FRAME_TYPE);
        if manufacturer.is_some() {
            FrameKind::Other
        } else if frame_type == FrameControl::CLUSTER {
            FrameKind::Cluster
        } else if frame_type == FrameControl::EMPTY {
            FrameKind::Global
        } else {
            FrameKind::Other
        }
    }
}

/// ZCL frame: the whole payload of the APS layer (ASDU).
///
/// ```
/// use zigbee_ota::zcl::{Frame, ImageBlockRequest, Message, Quirks, ToServer};
/// use zigbee_ota::{Encode, ImageId};
///
/// let request = ImageBlockRequest::new(ImageId::new(0x115f, 0x0101, 6699), 0, 50);
/// let mut bytes = [0; 29];
/// let len = Frame::to_server(7, ToServer::ImageBlock(request)).encode(&mut bytes)?;
/// assert_eq!(len, 17);
///
/// let frame = Frame::decode(&bytes[..len], Quirks::empty())?;
/// assert_eq!(frame.message, Message::ToServer(ToServer::ImageBlock(request)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Frame<'a> {
    /// Frame control of the frame, as received. The encoder takes two things from `control`: the bit that disables the
    /// Default Response, and the reserved bits. The encoder derives all other bits from `message`, so that `control`
    /// and `message` cannot contradict each other.
    pub control: FrameControl,
    /// Sequence number; a response repeats the sequence number of its request.
    pub sequence: u8,
    /// Content of the frame.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub message: Message<'a>,
    /// Deviations from the specification that the decoder found in the received frame. The encoder ignores the field
    /// `deviations`.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub deviations: Deviations<'a>,
}

impl<'a> Frame<'a> {
    /// Creates a request of a client. The request asks the server for a Default Response (table 19).
    #[must_use]
    pub const fn to_server(sequence: u8, message: ToServer) -> Self {
        Self::of(FrameControl::CLUSTER, sequence, Message::ToServer(message))
    }

    /// Creates a response of a server to the request with the sequence number `sequence`, or an unsolicited response. A
    /// response does not ask for a Default Response (table 19).
    #[must_use]
    pub const fn response(sequence: u8, message: ToClient<'a>) -> Self {
        Self::of(FrameControl::RESPONSE, sequence, Message::ToClient(message))
    }

    /// Creates an Image Notify. An Image Notify to one client asks for a Default Response; an Image Notify to several
    /// clients does not (section 6.10.3.3).
    #[must_use]
    pub const fn notify(sequence: u8, notify: ImageNotify, delivery: DeliveryMode) -> Self {
        let control = match delivery {
            DeliveryMode::Unicast => FrameControl::COMMAND_TO_CLIENT,
            DeliveryMode::Multicast | DeliveryMode::Broadcast => FrameControl::RESPONSE,
        };
        Self::of(control, sequence, Message::ToClient(ToClient::ImageNotify(notify)))
    }

    /// Creates a Default Response to the frame with the sequence number `sequence`. A Default Response asks for no
    /// Default Response.
    #[must_use]
    pub const fn default_response(sequence: u8, direction: Direction, response: DefaultResponse) -> Self {
        let control = direction.control().with(FrameControl::DISABLE_DEFAULT_RESPONSE);
        Self::of(control, sequence, Message::DefaultResponse(direction, response))
    }

    /// Creates a global ZCL command that reads, writes or discovers attributes, or a response to such a command. If the
    /// command is a request, the created frame asks for a Default Response; if the command is a response, the frame
    /// does not.
    #[must_use]
    pub const fn attributes(sequence: u8, direction: Direction, command: AttributeCommand<'a>) -> Self {
        let control = match command.is_response() {
            true => direction.control().with(FrameControl::DISABLE_DEFAULT_RESPONSE),
            false => direction.control(),
        };
        Self::of(control, sequence, Message::Attributes(direction, command))
    }

    /// Creates a frame. `Frame::of` adds to `control` the bits that the message determines, so that a created frame
    /// equals the frame that is decoded from its bytes.
    const fn of(control: FrameControl, sequence: u8, message: Message<'a>) -> Self {
        Self { control, sequence, message, deviations: Deviations::NONE }
    }

    /// Decodes a frame strictly, except that the deviations in `allowed` are accepted.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are no ZCL frame, or contain a malformed command of the OTA Upgrade cluster. The
    /// offset in the error counts from the first byte of the frame. A frame with an unknown command is no error: it
    /// decodes to [`Message::Other`].
    #[inline]
    pub fn decode(frame: &'a [u8], allowed: Quirks) -> Result<Self, DecodeError> {
        // Fast path (guide, "Fast paths"): a frame that `read_plain` rejects is decoded again from the start by
        // `decode_any`.
        match ImageBlockRequest::read_plain(frame) {
            Some((control, sequence, request)) => {
                let message = Message::ToServer(ToServer::ImageBlock(request));
                Ok(Self { control, sequence, message, deviations: Deviations::NONE })
            }
            None => Self::decode_any(frame, allowed),
        }
    }

    /// Decodes a frame of any kind, also an Image Block Request. `decode_any` is not inlined, so that the code that
    /// decodes an ordinary Image Block Request stays short.
    #[inline(never)]
    fn decode_any(frame: &'a [u8], allowed: Quirks) -> Result<Self, DecodeError> {
        let (header, payload) = FrameHeader::decode(frame)?;
        Self::decode_payload(&header, payload, allowed)
    }

    /// Decodes the payload of a frame whose header [`FrameHeader::decode`] has decoded.
    ///
    /// # Errors
    /// `decode_payload` returns the same errors as [`decode`](Self::decode).
    pub fn decode_payload(
        header: &FrameHeader,
        payload: &'a [u8],
        allowed: Quirks,
    ) -> Result<Self, DecodeError> {
        let mut leniency = Leniency::new(allowed);
        let message = Message::decode(header, payload, &mut leniency)?;
        Ok(Self { control: header.control, sequence: header.sequence, message, deviations: leniency.seen })
    }

    /// Returns the command id, or `None` if the frame contains no command of the OTA Upgrade cluster.
    #[must_use]
    pub const fn command(&self) -> Option<CommandId> {
        match &self.message {
            Message::ToServer(message) => Some(message.command()),
            Message::ToClient(message) => Some(message.command()),
            Message::DefaultResponse(..) | Message::Attributes(..) | Message::Other(_) => None,
        }
    }
}
