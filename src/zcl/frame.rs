//! The ZCL header and what follows it.
//!
//! ```text
//! 0       1  frame control   bits 0-1 type, 2 manufacturer specific, 3 to the client, 4 disable default response
//! 1       2  manufacturer    only with bit 2
//! 1 or 3  1  sequence number
//! 2 or 4  1  command
//! 3 or 5  n  payload         as the command's own module has it
//! ```

use bitflags::bitflags;
use nom::Parser;
use nom::combinator::{cond, map};

use crate::aps::DeliveryMode;
use crate::codec::{Parsed, le_u8, le_u16, locate};
use crate::error::DecodeError;
use crate::open_enum::flags_as_number;
use crate::types::ManufacturerCode;

use super::quirks::Leniency;
use super::{
    AttributeCommand, CommandId, DefaultResponse, Deviations, Direction, ImageBlockRequest, ImageNotify,
    Message, Quirks, ToClient, ToServer,
};

bitflags! {
    /// Frame control of a ZCL header, as received.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct FrameControl: u8 {
        /// The two bits of the frame type: 0 global, 1 specific to the cluster, 2 and 3 reserved.
        const FRAME_TYPE = 0b11;
        /// Frame type 1.
        const CLUSTER = 0b01;
        /// A manufacturer code follows.
        const MANUFACTURER_SPECIFIC = 1 << 2;
        /// From server to client.
        const TO_CLIENT = 1 << 3;
        /// The sender wants no Default Response unless something is wrong.
        const DISABLE_DEFAULT_RESPONSE = 1 << 4;
    }
}

flags_as_number!(FrameControl(u8), "FrameControl({=u8:#04x})");

impl FrameControl {
    /// Of a server's responses, and of what it tells more than one client: 0x19.
    pub const RESPONSE: Self = Self::COMMAND_TO_CLIENT.union(Self::DISABLE_DEFAULT_RESPONSE);

    pub(super) const COMMAND_TO_CLIENT: Self = Self::CLUSTER.union(Self::TO_CLIENT);

    /// What the message decides; the rest belongs to the sender.
    pub(super) const OF_MESSAGE: Self =
        Self::FRAME_TYPE.union(Self::MANUFACTURER_SPECIFIC).union(Self::TO_CLIENT);
}

/// What stands before the payload of any ZCL frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FrameHeader {
    /// Frame control with all its bits.
    pub control: FrameControl,
    /// The maker whose extension the command is.
    pub manufacturer: Option<ManufacturerCode>,
    /// Sequence number; a response repeats the request's.
    pub sequence: u8,
    /// Command id: of ZCL for a global frame, else of the cluster or the maker.
    pub command: u8,
}

/// Bytes of a header without a manufacturer code.
pub(super) const HEADER_LEN: usize = 3;

/// How this cluster sees a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Cluster,
    Global,
    Other,
}

impl FrameHeader {
    /// Reads the header of a frame and returns the payload with it.
    ///
    /// # Errors
    /// The frame ends within the header.
    pub fn decode(frame: &[u8]) -> Result<(Self, &[u8]), DecodeError> {
        locate("ZCL header", 0, frame, Self::parse(frame))
    }

    fn parse(frame: &[u8]) -> Parsed<'_, Self> {
        let (rest, control) = map(le_u8, FrameControl::from_bits_retain).parse(frame)?;
        let specific = control.contains(FrameControl::MANUFACTURER_SPECIFIC);
        let (rest, (manufacturer, sequence, command)) =
            (cond(specific, map(le_u16, ManufacturerCode)), le_u8, le_u8).parse(rest)?;
        Ok((rest, Self { control, manufacturer, sequence, command }))
    }

    /// Who the frame is for.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        if self.control.contains(FrameControl::TO_CLIENT) { Direction::ToClient } else { Direction::ToServer }
    }

    /// Whether it is a command of the cluster, known or not: frame type 1 without a manufacturer code (CMD-002).
    #[must_use]
    pub fn is_cluster_command(&self) -> bool {
        self.kind() == Kind::Cluster
    }

    pub(super) fn kind(&self) -> Kind {
        let frame_type = self.control.intersection(FrameControl::FRAME_TYPE);
        if self.manufacturer.is_some() {
            Kind::Other
        } else if frame_type == FrameControl::CLUSTER {
            Kind::Cluster
        } else if frame_type.is_empty() {
            Kind::Global
        } else {
            Kind::Other
        }
    }
}

/// A whole ZCL frame of the cluster.
///
/// ```
/// use zigbee_ota::zcl::{Frame, ImageBlockRequest, Message, Quirks, ToServer};
/// use zigbee_ota::{Encode, ImageId};
///
/// let request = ImageBlockRequest {
///     id: ImageId::new(0x115f, 0x0101, 6699),
///     offset: 0,
///     max_data: 50,
///     node: None,
///     min_block_period: None,
/// };
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
pub struct Frame<'a> {
    /// Frame control as received. Encoding takes only the disable-default-response and reserved bits from it: the
    /// others follow from the message, so that the two cannot contradict each other.
    pub control: FrameControl,
    /// Sequence number; an answer repeats that of its request.
    pub sequence: u8,
    /// What it says.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub message: Message<'a>,
    /// What it said beyond that when it was read. Not encoded.
    #[cfg_attr(feature = "serde", serde(borrow))]
    pub deviations: Deviations<'a>,
}

impl<'a> Frame<'a> {
    /// A client's request: a Default Response is welcome (table 19).
    #[must_use]
    pub const fn to_server(sequence: u8, message: ToServer) -> Self {
        Self::of(FrameControl::CLUSTER, sequence, Message::ToServer(message))
    }

    /// A server's response to the request `sequence`, or one of its own: no Default Response unless something is
    /// wrong (table 19).
    #[must_use]
    pub const fn response(sequence: u8, message: ToClient<'a>) -> Self {
        Self::of(FrameControl::RESPONSE, sequence, Message::ToClient(message))
    }

    /// An Image Notify: a Default Response is welcome from one client, not from many (section 6.10.3.3).
    #[must_use]
    pub const fn notify(sequence: u8, notify: ImageNotify, delivery: DeliveryMode) -> Self {
        let control = match delivery {
            DeliveryMode::Unicast => FrameControl::COMMAND_TO_CLIENT,
            DeliveryMode::Multicast | DeliveryMode::Broadcast => FrameControl::RESPONSE,
        };
        Self::of(control, sequence, Message::ToClient(ToClient::ImageNotify(notify)))
    }

    /// A Default Response to the frame `sequence`; it is never answered by another.
    #[must_use]
    pub const fn default_response(sequence: u8, direction: Direction, response: DefaultResponse) -> Self {
        let control = direction.control().union(FrameControl::DISABLE_DEFAULT_RESPONSE);
        Self::of(control, sequence, Message::DefaultResponse(direction, response))
    }

    /// A ZCL command about attributes: a Default Response is welcome to a question, not to an answer.
    #[must_use]
    pub const fn attributes(sequence: u8, direction: Direction, command: AttributeCommand<'a>) -> Self {
        let control = match command.is_response() {
            true => direction.control().union(FrameControl::DISABLE_DEFAULT_RESPONSE),
            false => direction.control(),
        };
        Self::of(control, sequence, Message::Attributes(direction, command))
    }

    /// `control` holds the message's own bits too, so that what is made and what is read compare equal.
    const fn of(control: FrameControl, sequence: u8, message: Message<'a>) -> Self {
        Self { control, sequence, message, deviations: Deviations::NONE }
    }

    /// Reads a frame, strictly but for the leniencies in `allowed`.
    ///
    /// # Errors
    /// The bytes are no ZCL frame, or a command of this cluster in a form it does not have. Offsets count from the
    /// frame's first byte. What is no command of this cluster is [`Message::Other`], not an error.
    #[inline]
    pub fn decode(frame: &'a [u8], allowed: Quirks) -> Result<Self, DecodeError> {
        // What leaves this line leaves it for good: the other way reads it all again.
        match ImageBlockRequest::read_plain(frame) {
            Some((control, sequence, request)) => {
                let message = Message::ToServer(ToServer::ImageBlock(request));
                Ok(Self { control, sequence, message, deviations: Deviations::NONE })
            }
            None => Self::decode_any(frame, allowed),
        }
    }

    #[inline(never)]
    fn decode_any(frame: &'a [u8], allowed: Quirks) -> Result<Self, DecodeError> {
        let (header, payload) = FrameHeader::decode(frame)?;
        Self::decode_payload(&header, payload, allowed)
    }

    /// Reads the rest of a frame whose header was read before.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_payload(
        header: &FrameHeader,
        payload: &'a [u8],
        allowed: Quirks,
    ) -> Result<Self, DecodeError> {
        let mut leniency = Leniency::new(allowed);
        let message = Message::read(header, payload, &mut leniency)?;
        Ok(Self { control: header.control, sequence: header.sequence, message, deviations: leniency.seen })
    }

    /// The command of the cluster that the frame holds, `None` for other frames.
    #[must_use]
    pub const fn command(&self) -> Option<CommandId> {
        match &self.message {
            Message::ToServer(message) => Some(message.command()),
            Message::ToClient(message) => Some(message.command()),
            Message::DefaultResponse(..) | Message::Attributes(..) | Message::Other(_) => None,
        }
    }
}
