//! How frames are written: what the message decides comes from the message.
//!
//! ```text
//! 0       1  frame control   type and direction of the message, the sender's other bits
//! 1       2  manufacturer    only of what is a maker's own
//! 1 or 3  1  sequence number
//! 2 or 4  1  command
//! 3 or 5  n  payload
//! ```
//!
//! A block of data is written in a straight line, as a server writes little else. And what a client writes has a form
//! of its own, [`ClientFrame`], so that a device does not carry the code for what only servers say.

use crate::codec::{Emit, Sink};

use super::frame::HEADER_LEN;
use super::{
    DATA_FRAME_HEAD_LEN, DefaultResponse, Frame, FrameControl, ImageBlockResponse, Message, ToClient,
    ToServer,
};

impl Emit for Frame<'_> {
    #[inline]
    fn len(&self) -> usize {
        match &self.message {
            Message::ToClient(ToClient::ImageBlock(ImageBlockResponse::Data(block))) => {
                block.data.get().len().saturating_add(DATA_FRAME_HEAD_LEN)
            }
            _ => self.any_len(),
        }
    }

    #[inline]
    fn emit(&self, out: &mut Sink<'_>) {
        match &self.message {
            Message::ToClient(ToClient::ImageBlock(ImageBlockResponse::Data(block))) => {
                let control = self.senders_control().union(FrameControl::COMMAND_TO_CLIENT);
                block.emit_frame(control, self.sequence, out);
            }
            _ => self.emit_any(out),
        }
    }
}

impl Frame<'_> {
    const fn senders_control(&self) -> FrameControl {
        self.control.difference(FrameControl::OF_MESSAGE)
    }

    #[inline(never)]
    fn any_len(&self) -> usize {
        let header = if self.message.manufacturer().is_some() { HEADER_LEN + 2 } else { HEADER_LEN };
        self.message.len().saturating_add(header)
    }

    #[inline(never)]
    fn emit_any(&self, out: &mut Sink<'_>) {
        out.array(&[self.senders_control().union(self.message.control()).bits()]);
        if let Some(manufacturer) = self.message.manufacturer() {
            out.array(&manufacturer.0.to_le_bytes());
        }
        out.array(&[self.sequence, self.message.command()]);
        self.message.emit(out);
    }
}

impl Emit for Message<'_> {
    fn len(&self) -> usize {
        match self {
            Self::ToServer(message) => message.len(),
            Self::ToClient(message) => message.len(),
            Self::DefaultResponse(_, message) => message.len(),
            Self::Attributes(_, message) => message.len(),
            Self::Other(other) => other.payload().len(),
        }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        match self {
            Self::ToServer(message) => message.emit(out),
            Self::ToClient(message) => message.emit(out),
            Self::DefaultResponse(_, message) => message.emit(out),
            Self::Attributes(_, message) => message.emit(out),
            Self::Other(other) => out.bytes(other.payload()),
        }
    }
}

impl Emit for ToServer {
    fn len(&self) -> usize {
        match self {
            Self::QueryNextImage(message) => message.len(),
            Self::ImageBlock(message) => message.len(),
            Self::ImagePage(message) => message.len(),
            Self::UpgradeEnd(message) => message.len(),
            Self::QuerySpecificFile(message) => message.len(),
        }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        match self {
            Self::QueryNextImage(message) => message.emit(out),
            Self::ImageBlock(message) => message.emit(out),
            Self::ImagePage(message) => message.emit(out),
            Self::UpgradeEnd(message) => message.emit(out),
            Self::QuerySpecificFile(message) => message.emit(out),
        }
    }
}

impl Emit for ToClient<'_> {
    fn len(&self) -> usize {
        match self {
            Self::ImageNotify(message) => message.len(),
            Self::QueryNextImage(message) => message.len(),
            Self::ImageBlock(message) => message.len(),
            Self::UpgradeEnd(message) => message.len(),
            Self::QuerySpecificFile(message) => message.len(),
        }
    }

    fn emit(&self, out: &mut Sink<'_>) {
        match self {
            Self::ImageNotify(message) => message.emit(out),
            Self::QueryNextImage(message) => message.emit(out),
            Self::ImageBlock(message) => message.emit(out),
            Self::UpgradeEnd(message) => message.emit(out),
            Self::QuerySpecificFile(message) => message.emit(out),
        }
    }
}

/// A frame of a client's: the bytes of [`Frame::to_server`], or of [`Frame::default_response`] to the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientFrame {
    pub(crate) sequence: u8,
    pub(crate) message: FromClient,
}

/// What a client says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FromClient {
    Request(ToServer),
    Answer(DefaultResponse),
}

impl Emit for ClientFrame {
    fn len(&self) -> usize {
        let payload = match &self.message {
            FromClient::Request(request) => request.len(),
            FromClient::Answer(answer) => answer.len(),
        };
        payload.saturating_add(HEADER_LEN)
    }

    fn emit(&self, out: &mut Sink<'_>) {
        let Self { sequence, message } = self;
        match message {
            FromClient::Request(request) => {
                out.array(&[FrameControl::CLUSTER.bits(), *sequence, request.command().0]);
                request.emit(out);
            }
            FromClient::Answer(answer) => {
                let control = FrameControl::DISABLE_DEFAULT_RESPONSE.bits();
                out.array(&[control, *sequence, DefaultResponse::COMMAND]);
                answer.emit(out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encode;
    use crate::types::{Eui64, ImageId, StackVersion};
    use crate::zcl::{
        CommandId, Direction, ImageBlockRequest, ImagePageRequest, LONGEST_TO_SERVER, QueryNextImageRequest,
        QuerySpecificFileRequest, Status, UpgradeEndRequest,
    };

    fn written(frame: &impl Encode) -> ([u8; LONGEST_TO_SERVER], usize) {
        let mut bytes = [0xee; LONGEST_TO_SERVER];
        let len = frame.encode(&mut bytes).unwrap();
        (bytes, len)
    }

    #[test]
    fn a_clients_frame_has_the_bytes_of_the_frame_for_all() {
        let (id, node) = (ImageId::new(0x1234, 0x5678, 0x9abc_def0), Some(Eui64(0x0102_0304_0506_0708)));
        let (offset, max_data, page_size, spacing) = (0x0a0b_0c0d, 64, 512, 100);
        for request in [
            ToServer::QueryNextImage(QueryNextImageRequest { current: id, hardware: None }),
            ToServer::ImageBlock(ImageBlockRequest { id, offset, max_data, node, min_block_period: Some(5) }),
            ToServer::ImagePage(ImagePageRequest { id, offset, max_data, page_size, spacing, node }),
            ToServer::UpgradeEnd(UpgradeEndRequest { status: Status::ABORT, id }),
            ToServer::QuerySpecificFile(QuerySpecificFileRequest {
                node: Eui64(7),
                id,
                stack: StackVersion::ZIGBEE_PRO,
            }),
        ] {
            let frame = ClientFrame { sequence: 9, message: FromClient::Request(request) };
            assert_eq!(written(&frame), written(&Frame::to_server(9, request)), "{request:?}");
        }
        let answer = DefaultResponse { command: CommandId::IMAGE_NOTIFY, status: Status::SUCCESS };
        let frame = ClientFrame { sequence: 7, message: FromClient::Answer(answer) };
        assert_eq!(written(&frame), written(&Frame::default_response(7, Direction::ToServer, answer)));
    }
}
