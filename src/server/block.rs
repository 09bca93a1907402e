//! Image Block (sections 6.10.6 and 6.10.8): a function of the request, for any client at any time.

use super::reply::Asked;
use super::{
    Event, Fault, Handled, ImageInfo, ImageStore, Pace, Phase, Policy, Read, Server, Slots, TxBuffer,
};
use crate::link::{Address, Transmit};
use crate::time::Instant;
use crate::zcl::{
    CommandId, DATA_FRAME_HEAD_LEN, ImageBlockRequest, ImageBlockResponse, Status, ToClient, WaitForData,
    data_frame_head,
};

/// A block request that waits for data which the store does not have at hand.
///
/// It is all that is known of the request: the server keeps none of it. It is answered by
/// [`Server::answer`], or not at all, and then the client asks again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the client waits for an answer"]
pub struct Parked {
    asked: Asked,
    request: ImageBlockRequest,
    image: ImageInfo,
    len: u8,
}

impl Parked {
    /// Who asks.
    #[must_use]
    pub const fn client(&self) -> Address {
        self.asked.client
    }

    /// Which image to read.
    #[must_use]
    pub const fn image(&self) -> &ImageInfo {
        &self.image
    }

    /// First byte to read, from the start of the file.
    #[must_use]
    pub const fn offset(&self) -> u32 {
        self.request.offset
    }

    /// How many bytes to read, 1 to 255; they lie within the image.
    #[must_use]
    pub const fn wanted(&self) -> u8 {
        self.len
    }
}

/// Why a parked request gets no data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotReady {
    /// WAIT_FOR_DATA: the client shall ask again.
    Wait {
        /// In so many seconds; 0xFFFFFFFF is sent as one less.
        seconds: u32,
    },
    /// NO_IMAGE_AVAILABLE: the image is no longer there.
    Gone,
}

impl<S: Slots> Server<S> {
    pub(super) fn block(
        &mut self,
        now: Instant,
        asked: Asked,
        request: ImageBlockRequest,
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl Policy + ?Sized),
        out: &mut TxBuffer,
    ) -> Handled {
        let ImageBlockRequest { id, offset, node, .. } = request;
        let Some(image) = images.info(id, node).filter(|image| image.goes_to(node)) else {
            return Handled::Reply(self.no_image(asked, &request, out));
        };
        let (room, left) = match self.room(&request, image.size) {
            Ok(room) => room,
            Err(fault) => {
                return Handled::Reply(self.malformed(asked, CommandId::IMAGE_BLOCK_REQUEST, fault, out));
            }
        };
        let most = match policy.pace(asked.client, &request, self.table.get(asked.client)) {
            Pace::Send => room,
            Pace::SendAtMost(most) => room.min(most.get()),
            Pace::Wait { seconds } => return Handled::Reply(self.wait(now, asked, &request, seconds, out)),
            Pace::Abort => return Handled::Reply(self.abort(now, asked, &request, out)),
        };
        let len = u8::try_from(left).map_or(most, |left| left.min(most));
        let parked = Parked { asked, request, image, len };
        match images.read(&image, offset, data_room(out, len)) {
            Read::Filled(filled) => Handled::Reply(self.send(now, &parked, filled, out)),
            Read::Later => Handled::Parked(parked),
            Read::Wait { seconds } => Handled::Reply(self.wait(now, asked, &request, seconds, out)),
            Read::Gone => Handled::Reply(self.no_image(asked, &request, out)),
        }
    }

    /// Answers a request that was parked, with `data` from the start of what it asks for.
    ///
    /// More data than [`Parked::wanted`] is cut off; less is sent as it is. No data at all is answered like
    /// [`NotReady::Wait`], with the time of [`Config::wait`](super::Config::wait).
    ///
    /// There is always an answer, and it does not depend on what else was answered since the request was parked.
    pub fn answer(
        &mut self,
        now: Instant,
        parked: Parked,
        data: Result<&[u8], NotReady>,
        out: &mut TxBuffer,
    ) -> Transmit {
        match data {
            Ok(data) => {
                for (to, from) in data_room(out, parked.len).iter_mut().zip(data) {
                    *to = *from;
                }
                self.send(now, &parked, data.len(), out)
            }
            Err(NotReady::Wait { seconds }) => self.wait(now, parked.asked, &parked.request, seconds, out),
            Err(NotReady::Gone) => self.no_image(parked.asked, &parked.request, out),
        }
    }

    /// The most bytes that this server and the client move at once, and those left in an image of `size` bytes.
    fn room(&self, request: &ImageBlockRequest, size: u32) -> Result<(u8, u32), Fault> {
        request.check()?;
        let ImageBlockRequest { id, offset, max_data, .. } = *request;
        match size.checked_sub(offset) {
            None | Some(0) => Err(Fault::Offset { id, offset, size }),
            Some(left) => Ok((max_data.min(self.config.max_block.get()), left)),
        }
    }

    /// Answers by the first `filled` bytes of the data that stands in its place in `out`.
    fn send(&mut self, now: Instant, parked: &Parked, filled: usize, out: &mut TxBuffer) -> Transmit {
        let Parked { asked, request, len, .. } = parked;
        // A store that says it filled more than it was given room for has filled the room.
        let len = u8::try_from(filled).map_or(*len, |filled| filled.min(*len));
        let (true, Some(head)) = (len > 0, out.first_chunk_mut()) else {
            return self.wait(now, *asked, request, self.config.wait, out);
        };
        let ImageBlockRequest { id, offset, .. } = *request;
        *head = data_frame_head(asked.sequence, id, offset, len);

        let client = asked.client;
        let started = match self.table.enter(client) {
            Some(session) => session.served(now, id, offset, offset.saturating_add(u32::from(len))),
            None => offset == 0,
        };
        if started {
            self.events.push(Event::Started { client, id });
        }
        asked.transmit(DATA_FRAME_HEAD_LEN.saturating_add(usize::from(len)))
    }

    fn wait(
        &self,
        now: Instant,
        asked: Asked,
        request: &ImageBlockRequest,
        seconds: u32,
        out: &mut TxBuffer,
    ) -> Transmit {
        // A client that told its period knows the field of later revisions; one that did not may not.
        let min_block_period = request.min_block_period;
        let wait = WaitForData { time: self.clock.after(now, seconds), min_block_period };
        asked.respond(ToClient::ImageBlock(ImageBlockResponse::Wait(wait)), out)
    }

    fn abort(
        &mut self,
        now: Instant,
        asked: Asked,
        request: &ImageBlockRequest,
        out: &mut TxBuffer,
    ) -> Transmit {
        let (client, id, status) = (asked.client, request.id, Status::ABORT);
        if let Some(session) = self.table.get_mut(client) {
            session.enter(now, Phase::Ended { id, status });
        }
        self.events.push(Event::NotServed { client, id, status });
        asked.respond(ToClient::ImageBlock(ImageBlockResponse::Abort), out)
    }

    fn no_image(&mut self, asked: Asked, request: &ImageBlockRequest, out: &mut TxBuffer) -> Transmit {
        let (client, id, status) = (asked.client, request.id, Status::NO_IMAGE_AVAILABLE);
        self.events.push(Event::NotServed { client, id, status });
        asked.default_response(CommandId::IMAGE_BLOCK_REQUEST, status, out)
    }
}

/// Where the data of a response stands in its frame.
fn data_room(out: &mut TxBuffer, len: u8) -> &mut [u8] {
    let data = out.get_mut(DATA_FRAME_HEAD_LEN..).unwrap_or_default();
    data.get_mut(..usize::from(len)).unwrap_or_default()
}
