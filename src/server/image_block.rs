//! Image Block (sections 6.10.6 and 6.10.8): a function of the request, for any client at any time.
//!
//! ```text
//! request -> image -> policy, limits -> read --Filled--> Image Block Response with data
//!                           |             |--Later---> Deferred --answer--> the same
//!                           |             |--Wait----> WAIT_FOR_DATA
//!                           |             +--Gone----> NO_IMAGE_AVAILABLE
//!                           +-- WAIT_FOR_DATA, ABORT
//! ```

use core::num::NonZeroU8;

use super::reply::RequestContext;
use super::session::Flags;
use super::{
    ImageInfo, ImageStore, PaceDecision, ReadResult, RequestFault, ResponseBuffer, Server, ServerAction,
    ServerEvent, ServerPolicy, SessionPhase, SessionSlots,
};
use crate::aps::{Address, Transmit};
use crate::time::Instant;
use crate::types::{Eui64, ImageId, ImageTypeClass};
use crate::zcl::{
    CommandId, DATA_FRAME_HEAD_LEN, ImageBlockRequest, ImageBlockResponse, ImagePageRequest, Status,
    ToClient, WaitForData, data_frame_head,
};

/// A request for data that waits because the store does not have it at hand.
///
/// It is all that is known of the request: the server keeps none of it. It is answered by
/// [`Server::answer`], or not at all, and then the client asks again. A client asks again after some seconds in any
/// case: where the data takes longer, answer [`NotReady::Wait`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the client waits for an answer"]
pub struct Deferred {
    pub(super) asked: RequestContext,
    pub(super) request: ImageBlockRequest,
    pub(super) image: ImageInfo,
    pub(super) len: u8,
    /// The page whose first block it is.
    pub(super) page: Option<ImagePageRequest>,
}

impl Deferred {
    /// Who asks, and to whom [`Server::answer`] replies.
    #[must_use]
    pub const fn client(&self) -> Address {
        self.asked.client
    }

    /// Which image to read, as the store told it; its `key` says which file that is.
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
    pub const fn max_len(&self) -> u8 {
        self.len
    }

    const fn wish(&self) -> BlockQuery<'_> {
        BlockQuery { asked: self.asked, request: &self.request, page: self.page.as_ref() }
    }
}

/// A request for data. By reference throughout: its few bytes are read where they were written, as copies of them
/// would cost more than all else.
#[derive(Clone, Copy)]
pub(super) struct BlockQuery<'a> {
    pub(super) asked: RequestContext,
    pub(super) request: &'a ImageBlockRequest,
    /// The page whose first block it is.
    pub(super) page: Option<&'a ImagePageRequest>,
}

impl BlockQuery<'_> {
    const fn command(&self) -> CommandId {
        match self.page {
            None => CommandId::IMAGE_BLOCK_REQUEST,
            Some(_) => CommandId::IMAGE_PAGE_REQUEST,
        }
    }
}

/// Why a parked request gets no data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotReady {
    /// WAIT_FOR_DATA: the client shall ask again.
    Wait {
        /// In so many seconds; 0xFFFFFFFF is sent as one less.
        seconds: u32,
    },
    /// NO_IMAGE_AVAILABLE: the image is no longer there.
    Gone,
}

/// Answers one Image Block Request from the request alone, with no server, session or pacing around it: the block
/// service as a function (section 6.1). Writes the frame to `out` and returns its length.
///
/// At most `most` bytes of data are sent, and never more than the client asks for or the image has left. `None`
/// where there is nothing to send: the store has no such image, or not for this client, or no data at hand, or the
/// request asks for nothing or beyond the end. [`Server::handle_frame`] knows what to answer to all of these.
pub fn serve_block(
    sequence: u8,
    request: &ImageBlockRequest,
    most: NonZeroU8,
    images: &mut (impl ImageStore + ?Sized),
    out: &mut ResponseBuffer,
) -> Option<usize> {
    let ImageBlockRequest { id, offset, node, max_data, .. } = *request;
    let found = images.info(id, node, None);
    let image = found.as_ref().filter(|image| image.is_for(node))?;
    let left = image.size.checked_sub(offset)?;
    let len = at_most(left, max_data.min(most.get()));
    let ReadResult::Filled(filled) = images.read(image, offset, None, data_room(out, len)) else {
        return None;
    };
    let len = u8::try_from(filled).map_or(len, |filled| filled.min(len));
    if len == 0 {
        return None;
    }
    *out.first_chunk_mut()? = data_frame_head(sequence, id, offset, len);
    Some(DATA_FRAME_HEAD_LEN.saturating_add(usize::from(len)))
}

impl<S: SessionSlots> Server<S> {
    /// Answers a block request, or a page request by its first block.
    pub(super) fn data(
        &mut self,
        now: Instant,
        wish: BlockQuery<'_>,
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl ServerPolicy + ?Sized),
        out: &mut ResponseBuffer,
    ) -> ServerAction {
        let (BlockQuery { asked, request, page }, command) = (wish, wish.command());
        let ImageBlockRequest { id, offset, node, max_data, .. } = *request;
        // Whatever becomes of it, the client has asked anew (section 6.10.7.4).
        if let Some(slot) = self.table.find(asked.client) {
            self.table.set(slot, Flags::PAGE, false);
        }
        if !self.serves_node(id, node) {
            return ServerAction::Reply(asked.default_response(command, Status::UNSUP_CLUSTER_COMMAND, out));
        }
        // Looked at where it was written, too.
        let found = images.info(id, node, Some(asked.client));
        let Some(image) = found.as_ref().filter(|image| image.is_for(node)) else {
            return ServerAction::Reply(self.no_image(asked, id, command, out));
        };
        let checked = match page {
            None => request.check(),
            Some(page) if page.page_size > 0 => request.check(),
            Some(page) => page.check(),
        };
        let left = match (checked, image.size.checked_sub(offset)) {
            (Err(violation), _) => {
                return ServerAction::Reply(self.malformed(asked, command, violation.into(), out));
            }
            (Ok(()), Some(left)) if left > 0 => left,
            (Ok(()), _) => {
                let fault = RequestFault::OffsetBeyondEnd { id, offset, size: image.size };
                return ServerAction::Reply(self.malformed(asked, command, fault, out));
            }
        };
        let told = request.min_block_period;
        if let Err(wait) = self.limit(now, asked, id, told) {
            return ServerAction::Reply(self.wait_until(asked, id, wait, out));
        }
        if page.is_some() && self.table.pages() >= self.config.max_pages {
            return ServerAction::Reply(self.wait(now, asked, request, self.config.wait_seconds, out));
        }
        let allowed = match policy.pace(asked.client, request, self.table.get(asked.client)) {
            PaceDecision::Send => None,
            PaceDecision::SendAtMost(most) => Some(most),
            PaceDecision::Wait { seconds } => {
                return ServerAction::Reply(self.wait(now, asked, request, seconds, out));
            }
            PaceDecision::Abort => return ServerAction::Reply(self.abort_download(now, asked, id, out)),
        };
        let most = self.most(asked, id, max_data, allowed);
        let left = page.map_or(left, |page| left.min(page.page_size.into()));
        let len = at_most(left, most);
        match images.read(image, offset, Some(asked.client), data_room(out, len)) {
            ReadResult::Filled(filled) => {
                ServerAction::Reply(self.send(now, wish, image, (len, filled), out))
            }
            ReadResult::Later => ServerAction::Deferred(Deferred {
                asked,
                request: *request,
                image: *image,
                len,
                page: page.copied(),
            }),
            ReadResult::Wait { seconds } => ServerAction::Reply(self.wait(now, asked, request, seconds, out)),
            ReadResult::Gone => ServerAction::Reply(self.no_image(asked, id, command, out)),
        }
    }

    /// Answers a request that was parked, with `data` from the start of what it asks for.
    ///
    /// More data than [`Deferred::max_len`] is cut off; less is sent as it is. No data at all is answered like
    /// [`NotReady::Wait`], with the time of [`ServerConfig::wait_seconds`](super::ServerConfig::wait_seconds).
    ///
    /// There is always an answer, and it does not depend on what else was answered since the request was parked.
    pub fn answer(
        &mut self,
        now: Instant,
        parked: Deferred,
        data: Result<&[u8], NotReady>,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        let transmit = match data {
            Ok(data) => {
                for (to, from) in data_room(out, parked.len).iter_mut().zip(data) {
                    *to = *from;
                }
                self.send(now, parked.wish(), &parked.image, (parked.len, data.len()), out)
            }
            Err(NotReady::Wait { seconds }) => self.wait(now, parked.asked, &parked.request, seconds, out),
            Err(NotReady::Gone) => {
                self.no_image(parked.asked, parked.request.id, parked.wish().command(), out)
            }
        };
        self.heard(now, parked.asked.client);
        transmit
    }

    /// Whether a request with the address `node` can be served: one for a reserved type is for a file of one device,
    /// with any other type the address is just extra.
    pub(super) fn serves_node(&self, id: ImageId, node: Option<Eui64>) -> bool {
        self.config.query_specific_file
            || node.is_none()
            || id.image_type.class() == ImageTypeClass::Manufacturer
    }

    /// Answers by the data that stands in its place in `out`, of which so many bytes were asked for and filled.
    fn send(
        &mut self,
        now: Instant,
        BlockQuery { asked, request, page }: BlockQuery<'_>,
        image: &ImageInfo,
        (len, filled): (u8, usize),
        out: &mut ResponseBuffer,
    ) -> Transmit {
        // A store that says it filled more than it was given room for has filled the room.
        let len = u8::try_from(filled).map_or(len, |filled| filled.min(len));
        let (true, Some(head)) = (len > 0, out.first_chunk_mut()) else {
            return self.wait(now, asked, request, self.config.wait_seconds, out);
        };
        let ImageBlockRequest { id, offset, .. } = *request;
        *head = data_frame_head(asked.sequence, id, offset, len);
        self.served(now, asked.client, image, offset, len);
        if let Some(page) = page {
            self.run_page(asked, page, image.size, len);
        }
        let transmit = asked.transmit(DATA_FRAME_HEAD_LEN.saturating_add(usize::from(len)), len);
        Transmit { aps_ack: page.is_none(), ..transmit }
    }

    /// Takes note of a block that is sent.
    pub(super) fn served(&mut self, now: Instant, client: Address, image: &ImageInfo, offset: u32, len: u8) {
        self.count(len);
        let (id, end) = (image.id, offset.saturating_add(len.into()));
        let period = self.config.min_block_period;
        let Some(slot) = self.table.enter(client) else {
            if offset == 0 {
                self.events.push(ServerEvent::Started { client, id });
            }
            return;
        };
        let Some(session) = self.table.at_mut(slot) else { return };
        let due = session.due(period);
        let served = session.serve(now, id, image.size, offset, end);
        session.keep(now, due, period);
        let progress = if served.hundredth { session.progress() } else { None };
        if served.started {
            self.events.push(ServerEvent::Started { client, id });
        }
        if let Some(progress) = progress {
            self.events.push(ServerEvent::Progress { client, id, progress });
        }
        if served.all {
            self.events.push(ServerEvent::AllServed { client, id });
        }
        self.table.set(slot, Flags::ACTIVE, served.more);
    }

    pub(super) fn wait(
        &mut self,
        now: Instant,
        asked: RequestContext,
        request: &ImageBlockRequest,
        seconds: u32,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        // A client that told its period knows the field of later revisions; one that did not may not.
        let min_block_period = request.min_block_period;
        let wait = WaitForData { time: self.clock.after(now, seconds), min_block_period };
        self.wait_until(asked, request.id, wait, out)
    }

    pub(super) fn wait_until(
        &mut self,
        asked: RequestContext,
        id: ImageId,
        wait: WaitForData,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        let client = asked.client;
        let seconds = wait.time.then.saturating_sub(wait.time.current);
        if let Some(session) = self.table.find(client).and_then(|slot| self.table.at_mut(slot)) {
            session.wait = u16::try_from(seconds).unwrap_or(u16::MAX);
        }
        self.events.push(ServerEvent::Waiting { client, id, seconds });
        asked.respond(ToClient::ImageBlock(ImageBlockResponse::Wait(wait)), out)
    }

    fn abort_download(
        &mut self,
        now: Instant,
        asked: RequestContext,
        id: ImageId,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        let (client, status) = (asked.client, Status::ABORT);
        if let Some(slot) = self.table.find(client) {
            self.move_on(now, slot, SessionPhase::Ended { id, status });
        }
        self.events.push(ServerEvent::NotServed { client, id, status });
        asked.respond(ToClient::ImageBlock(ImageBlockResponse::Abort), out)
    }

    pub(super) fn no_image(
        &mut self,
        asked: RequestContext,
        id: ImageId,
        command: CommandId,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        let (client, status) = (asked.client, Status::NO_IMAGE_AVAILABLE);
        self.events.push(ServerEvent::NotServed { client, id, status });
        asked.default_response(command, status, out)
    }
}

/// The lesser of the two.
pub(super) fn at_most(left: u32, most: u8) -> u8 {
    u8::try_from(left).map_or(most, |left| left.min(most))
}

/// Where the data of a response stands in its frame.
pub(super) fn data_room(out: &mut ResponseBuffer, len: u8) -> &mut [u8] {
    let data = out.get_mut(DATA_FRAME_HEAD_LEN..).unwrap_or_default();
    data.get_mut(..usize::from(len)).unwrap_or_default()
}
