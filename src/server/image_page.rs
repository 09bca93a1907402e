//! Image Page (section 6.10.7): one request, a run of Image Block Responses.
//!
//! The first block answers the request, with its sequence number. The others follow by [`Server::poll_transmit`], each
//! with the next number and no earlier than the spacing asks; none is acknowledged by APS. A page ends with its last
//! byte, or that of the file; with a newer request of the client; and with WAIT_FOR_DATA where there is no data, or
//! NO_IMAGE_AVAILABLE where the image is gone.
//!
//! ```text
//! request --> first block --spacing--> block --spacing--> ... --> last byte: over
//!                  |
//!                  +-- a newer request, WAIT_FOR_DATA, NO_IMAGE_AVAILABLE, abort_page: over
//! ```

use super::image_block::{BlockQuery, at_most, data_room};
use super::reply::RequestContext;
use super::session::{Flags, Page};
use super::session_table::Slot;
use super::timers::Due;
use super::{
    ImageStore, ReadResult, ResponseBuffer, Server, ServerAction, ServerEvent, ServerPolicy, SessionPhase,
    SessionSlots,
};
use crate::aps::{Address, Transmit};
use crate::time::Instant;
use crate::types::ImageId;
use crate::zcl::{
    CommandId, DATA_FRAME_HEAD_LEN, ImageBlockRequest, ImageBlockResponse, ImagePageRequest, Status,
    ToClient, data_frame_head,
};

impl<S: SessionSlots> Server<S> {
    /// Whether pages of `id` are served.
    pub(super) fn serves_pages(&self, id: ImageId) -> bool {
        self.config.max_pages > 0
            && self.table.has_slots()
            && !self.device(id).is_some_and(|device| device.refuse_pages)
    }

    pub(super) fn page(
        &mut self,
        now: Instant,
        asked: RequestContext,
        request: &ImagePageRequest,
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl ServerPolicy + ?Sized),
        out: &mut ResponseBuffer,
    ) -> ServerAction {
        let ImagePageRequest { id, offset, max_data, node, .. } = *request;
        if !self.serves_pages(id) {
            let command = CommandId::IMAGE_PAGE_REQUEST;
            return ServerAction::Reply(asked.default_response(command, Status::UNSUP_CLUSTER_COMMAND, out));
        }
        let first = ImageBlockRequest { id, offset, max_data, node, min_block_period: None };
        let wish = BlockQuery { asked, request: &first, page: Some(request) };
        self.data(now, wish, images, policy, out)
    }

    /// Goes on with a page whose first block of `len` bytes was sent.
    pub(super) fn run_page(&mut self, asked: RequestContext, request: &ImagePageRequest, size: u32, len: u8) {
        // As the way to the client is known now: what later blocks are limited to as well.
        let max_data = self.most(asked, request.id, request.max_data, None);
        let period = u16::try_from(self.config.min_block_period.0).unwrap_or(u16::MAX);
        let spacing = request.spacing.max(period);
        let request = ImagePageRequest { max_data, spacing, ..*request };
        let Some(slot) = self.table.find(asked.client) else { return };
        let Some(session) = self.table.at_mut(slot) else { return };
        session.start_page(&request, asked.sequence, len.into());
        session.flags.set(Flags::SECURED, asked.secured);
        let more = session.page.left > 0 && session.page.next.get() < size;
        self.table.set(slot, Flags::PAGE, more);
    }

    /// The next frame that the server sends of its own, the blocks of pages: its bytes are in `out`. Output, to call
    /// until it is `None`, after each [`poll_timeout`](Server::poll_timeout).
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        images: &mut (impl ImageStore + ?Sized),
        out: &mut ResponseBuffer,
    ) -> Option<Transmit> {
        match self.due(now)? {
            (slot, Due::Page) => self.page_block(now, slot, images, out),
            // For `handle_timeout`.
            (_, Due::Stall) => None,
        }
    }

    fn page_block(
        &mut self,
        now: Instant,
        slot: Slot,
        images: &mut (impl ImageStore + ?Sized),
        out: &mut ResponseBuffer,
    ) -> Option<Transmit> {
        let session = self.table.at(slot)?;
        let Page { next, left, max_data, sequence, .. } = session.page;
        let (client, node, offset) = (session.client(), session.page_node(), next.get());
        let (heard, secured) = (session.heard, session.flags.contains(Flags::SECURED));
        let most = session.max_block_size().map_or(max_data, |carries| carries.get().min(max_data));
        // Of the source route the page was given its share when it began.
        let asked = RequestContext { client, sequence, secured, relays: 0 };
        // Whatever ends a download ends its page, so that there is one.
        let SessionPhase::Downloading { id, .. } = session.phase() else {
            self.table.set(slot, Flags::PAGE, false);
            return None;
        };
        let request = ImageBlockRequest { id, offset, max_data, node, min_block_period: None };
        let image = images.info(id, node, Some(client)).filter(|image| image.is_for(node));
        let Some(image) = image.filter(|image| image.size > offset) else {
            self.table.set(slot, Flags::PAGE, false);
            return Some(self.no_image(asked, id, CommandId::IMAGE_PAGE_REQUEST, out));
        };
        let len = at_most(image.size.saturating_sub(offset).min(left.into()), most);
        let read = match self.is_open(now) {
            true => images.read(&image, offset, Some(client), data_room(out, len)),
            false => ReadResult::Wait { seconds: 1 },
        };
        let filled = match read {
            ReadResult::Filled(filled) => u8::try_from(filled).map_or(len, |filled| filled.min(len)),
            _ => 0,
        };
        if let (true, Some(head)) = (filled > 0, out.first_chunk_mut()) {
            *head = data_frame_head(sequence, id, offset, filled);
            self.served(now, client, &image, offset, filled);
            let session = self.table.at_mut(slot)?;
            // The client said nothing.
            session.heard = heard;
            let page = &mut session.page;
            page.next = offset.saturating_add(filled.into()).into();
            page.left = left.saturating_sub(filled.into());
            page.sequence = sequence.wrapping_add(1);
            let more = page.left > 0 && page.next.get() < image.size;
            self.table.set(slot, Flags::PAGE, more);
            let transmit = asked.transmit(DATA_FRAME_HEAD_LEN.saturating_add(filled.into()), filled);
            return Some(Transmit { aps_ack: false, ..transmit });
        }
        self.table.set(slot, Flags::PAGE, false);
        Some(match read {
            ReadResult::Gone => self.no_image(asked, id, CommandId::IMAGE_PAGE_REQUEST, out),
            ReadResult::Wait { seconds } => self.wait(now, asked, &request, seconds, out),
            ReadResult::Later | ReadResult::Filled(_) => {
                self.wait(now, asked, &request, self.config.wait_seconds, out)
            }
        })
    }

    /// Ends the page that is being sent to a client, by ABORT: the client gives its download up. `None` without one.
    pub fn abort_page(
        &mut self,
        now: Instant,
        client: Address,
        out: &mut ResponseBuffer,
    ) -> Option<Transmit> {
        let slot = self.table.find(client)?;
        let session = self.table.at(slot).filter(|session| session.has_page())?;
        let SessionPhase::Downloading { id, .. } = session.phase() else { return None };
        let secured = session.flags.contains(Flags::SECURED);
        let asked = RequestContext { client, sequence: session.page.sequence, secured, relays: 0 };
        let status = Status::ABORT;
        self.move_on(now, slot, SessionPhase::Ended { id, status });
        self.events.push(ServerEvent::NotServed { client, id, status });
        Some(asked.respond(ToClient::ImageBlock(ImageBlockResponse::Abort), out))
    }
}
