//! Image Page (section 6.10.7 of ZigBee document 095264, 2011): the server answers one request with several Image Block
//! Responses.
//!
//! The first block of the page is the answer to the Image Page Request and repeats its sequence number.
//! [`Server::poll_transmit`] returns the later blocks of the page, each with the next sequence number, and no earlier
//! than the requested spacing after the previous block. No block of a page requests an APS acknowledgement.
//!
//! The server leaves time on the radio channel for other nodes while it sends a page. At least
//! [`MIN_PAGE_SPACING`](super::MIN_PAGE_SPACING) milliseconds lie between two blocks of a page. The server supports no
//! pages whose blocks are shorter than [`MIN_PAGE_BLOCK`](super::MIN_PAGE_BLOCK) bytes. Between two calls of
//! [`Server::handle_frame`] or [`Server::handle_timeout`], [`Server::poll_transmit`] returns at most
//! [`MAX_BLOCKS_PER_TURN`](super::MAX_BLOCKS_PER_TURN) blocks of pages.
//!
//! A page ends with the last byte of the page or of the file, or with a newer request of the client for data of the
//! same image. A page also ends with WAIT_FOR_DATA if the store does not have the next bytes yet, and with
//! NO_IMAGE_AVAILABLE if the store no longer has the image. If another download needs the session of the page, the page
//! ends with the event [`ServerEvent::PageDropped`].
//!
//! ```text
//! request --> first block --spacing--> block --spacing--> ... --> last byte: end
//!                  |
//!                  +-- newer request, WAIT_FOR_DATA, NO_IMAGE_AVAILABLE, abort_page: end
//! ```

use super::image_block::{BlockQuery, SentBlock, clamp_len, data_buffer};
use super::response_frame::RequestContext;
use super::session::{Flags, Page};
use super::session_table::Slot;
use super::timers_and_delivery_reports::Timer;
use super::{
    ImageStore, ReadResult, RefusalReason, ResponseBuffer, Server, ServerAction, ServerEvent, ServerPolicy,
    SessionSlots,
};
use crate::aps::{Address, Transmit};
use crate::time::{Instant, Millis};
use crate::types::ImageId;
use crate::zcl::{
    CommandId, DATA_FRAME_HEAD_LEN, ImageBlockRequest, ImageBlockResponse, ImagePageRequest, Status,
    ToClient, data_frame_head,
};

/// Minimum time between two blocks of a page, in milliseconds, even if the client requests a shorter spacing. A server
/// may send the blocks of a page more slowly than requested (section 6.10.7.2.8). A block of 65 bytes takes 7 ms of the
/// channel for each hop, so that blocks without a pause would leave no time for other nodes.
pub const MIN_PAGE_SPACING: u16 = 10;

/// Minimum value of the field "maximum data size" in an Image Page Request that the server supports, in bytes. In a
/// block with less than 16 bytes of data, the 68 bytes of the headers of all layers take more than four times the
/// channel time of the data. The server answers page requests with a smaller maximum data size with
/// UNSUP_CLUSTER_COMMAND, and the client continues with Image Block Requests (section 6.10.7.5.3).
pub const MIN_PAGE_BLOCK: u8 = 16;

/// Maximum number of frames of pages that [`Server::poll_transmit`] returns before the next call of
/// [`Server::handle_frame`] or [`Server::handle_timeout`]. The limit on the number of frames of pages keeps a caller
/// from sending blocks for ever while received frames wait, even if the transmission of a block takes longer than the
/// spacing of the blocks.
pub const MAX_BLOCKS_PER_TURN: u8 = 16;

impl<S: SessionSlots> Server<S> {
    /// Returns whether the server supports pages of the image `id`.
    pub(super) fn supports_pages_of(&self, id: ImageId) -> bool {
        self.config.max_pages > 0
            && self.table.has_capacity()
            && !self.device_override(id).is_some_and(|device| device.refuse_pages)
    }

    /// Answers an Image Page Request with the first block of the page.
    pub(super) fn answer_image_page(
        &mut self,
        now: Instant,
        context: RequestContext,
        request: &ImagePageRequest,
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl ServerPolicy + ?Sized),
        out: &mut ResponseBuffer,
    ) -> ServerAction {
        let ImagePageRequest { id, offset, max_data, node, .. } = *request;
        // A request for 0 bytes is malformed, and the code below answers MALFORMED_COMMAND.
        let tiny = (1..MIN_PAGE_BLOCK).contains(&max_data);
        if tiny || !self.supports_pages_of(id) {
            let command = CommandId::IMAGE_PAGE_REQUEST;
            return ServerAction::Reply(context.default_response(
                command,
                Status::UNSUP_CLUSTER_COMMAND,
                out,
            ));
        }
        let first = ImageBlockRequest { id, offset, max_data, node, min_block_period: None };
        let query = BlockQuery { context, request: first, page: Some(request) };
        self.answer_data_request(now, query, images, policy, out)
    }

    /// Schedules the blocks of a page that follow the first block, whose data has `len` bytes.
    pub(super) fn continue_page(
        &mut self,
        now: Instant,
        context: RequestContext,
        request: &ImagePageRequest,
        size: u32,
        len: u8,
    ) {
        // Only the frame of the request shows the source route to the client, so the limit of this route applies to all
        // blocks of the page.
        let slot = self.table.find_download(context.client, request.id);
        let session = slot.and_then(|slot| self.table.session_at(slot));
        let max_data = self.block_size(context, session, request.id, (request.max_data, None), false);
        let period = u16::try_from(self.config.min_block_period.0).unwrap_or(u16::MAX);
        let spacing = request.spacing.max(period).max(MIN_PAGE_SPACING);
        let request = ImagePageRequest { max_data, spacing, ..*request };
        let Some(slot) = slot else { return };
        let Some(session) = self.table.session_at_mut(slot) else { return };
        session.start_page(&request, context.sequence, len.into());
        session.flags.set(Flags::SECURED, context.secured);
        self.schedule_page(now, slot, size);
    }

    /// Sets the timer for the next block of a page, or ends the page after its last block.
    fn schedule_page(&mut self, now: Instant, slot: Slot, size: u32) {
        let Some(page) = self.table.session_at_mut(slot).and_then(|session| session.page_mut()) else {
            return;
        };
        let (more, spacing) = (page.left > 0 && page.next.get() < size, Millis(page.spacing.into()));
        let is_held = page.spacing == 0;
        let (flag, other) = if is_held { (Flags::HELD, Flags::PAGE) } else { (Flags::PAGE, Flags::HELD) };
        self.table.set_flag(slot, other, false);
        self.table.set_flag(slot, flag, more);
        if more {
            let due = self.next_due(now, spacing, is_held);
            self.table.set_timer(slot, due);
        }
    }

    /// Writes the next block of a page, or the next held answer, to `out`, and returns the frame to send. At the
    /// deadline of [`poll_timeout`](Server::poll_timeout), the caller calls `poll_transmit` until it returns `None`.
    ///
    /// The number of frames in one turn of the caller's loop is limited: after [`MAX_BLOCKS_PER_TURN`] frames,
    /// `poll_transmit` returns `None` until the next call of [`handle_frame`](Server::handle_frame) or
    /// [`handle_timeout`](Server::handle_timeout). After [`MAX_BLOCKS_PER_TURN`] frames, the deadline of `poll_timeout`
    /// is still in the past, so that the caller handles received frames and then calls `poll_transmit` again.
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        images: &mut (impl ImageStore + ?Sized),
        out: &mut ResponseBuffer,
    ) -> Option<Transmit> {
        self.pace.record_poll();
        self.blocks_left_in_turn.checked_sub(1)?;
        match self.next_due_timer(now)? {
            (slot, Timer::PageBlock) => {
                self.blocks_left_in_turn = self.blocks_left_in_turn.saturating_sub(1);
                self.send_page_block(now, slot, images, out)
            }
            // `handle_timeout` handles the timer for the silence of a client.
            (_, Timer::Silence) => None,
        }
    }

    /// Writes the next block of a page, or the answer that ends the page, to `out`.
    fn send_page_block(
        &mut self,
        now: Instant,
        slot: Slot,
        images: &mut (impl ImageStore + ?Sized),
        out: &mut ResponseBuffer,
    ) -> Option<Transmit> {
        let session = self.table.session_at(slot)?;
        // A page without a download cannot happen, because the end of a download ends the page.
        let Some(Page { next, left: left @ 1.., max_data, sequence, .. }) = session.page().copied() else {
            self.end_sending(slot);
            return None;
        };
        // Each held answer answers a separate Image Block Request.
        let is_held = session.flags.contains(Flags::HELD);
        let command = if is_held { CommandId::IMAGE_BLOCK_REQUEST } else { CommandId::IMAGE_PAGE_REQUEST };
        let (client, id, ieee, offset) = (session.client(), session.id(), session.ieee(), next.get());
        let (heard, hardware) = (session.last_heard(), session.hardware());
        let secured = session.flags.contains(Flags::SECURED);
        let most = session.max_block_size().map_or(max_data, |carries| carries.get().min(max_data));
        // The context names no relays, because `max_data` has included the limit of the source route since the start of
        // the page.
        let context = RequestContext { client, sequence, secured, relays: 0, ieee };
        let request = ImageBlockRequest { id, offset, max_data, node: None, min_block_period: None };
        let found = images.info(id, ieee, hardware, Some(client));
        let Some(&image) = found.found().filter(|image| image.is_for(ieee) && image.size > offset) else {
            self.end_sending(slot);
            let reason = RefusalReason::UnknownImage;
            return Some(self.respond_no_image(context, id, command, reason, out));
        };
        let len = clamp_len(image.size.saturating_sub(offset).min(left.into()), most);
        let read = match self.has_bandwidth(now) {
            true => images.read(&image, offset, Some(client), data_buffer(out, len)),
            false => ReadResult::Wait { seconds: 1 },
        };
        let filled = match read {
            ReadResult::Filled(filled) => u8::try_from(filled).map_or(len, |filled| filled.min(len)),
            _ => 0,
        };
        if let (true, Some(head)) = (filled > 0, out.first_chunk_mut()) {
            *head = data_frame_head(sequence, id, offset, filled);
            self.table.make_primary(slot);
            let (size, len, is_reported) = (image.size, filled, is_held);
            self.record_block(now, context, Some(slot), SentBlock { id, size, offset, len, is_reported });
            let session = self.table.session_at_mut(slot)?;
            // `record_block` sets the time of the last frame from the client, but the client sent no frame.
            session.set_last_heard(heard);
            let page = session.page_mut()?;
            page.next = offset.saturating_add(filled.into()).into();
            page.left = left.saturating_sub(filled.into());
            page.sequence = sequence.wrapping_add(1);
            self.schedule_page(now, slot, image.size);
            let transmit = context.transmit(DATA_FRAME_HEAD_LEN.saturating_add(filled.into()), filled);
            return Some(Transmit { aps_ack: is_held, ..transmit });
        }
        self.end_sending(slot);
        Some(match read {
            ReadResult::Gone => {
                let reason = RefusalReason::UnknownImage;
                self.respond_no_image(context, id, command, reason, out)
            }
            ReadResult::Wait { seconds } => self.respond_wait(now, context, request, seconds, out),
            ReadResult::Later | ReadResult::Filled(_) => {
                self.respond_wait(now, context, request, self.config.wait_seconds, out)
            }
        })
    }

    /// Ends a page that is being sent to `client` with ABORT, which also ends the download. Returns the frame to send;
    /// `None` if no page is being sent to `client`. The server may be sending pages of several images to one client;
    /// each call ends one page.
    pub fn abort_page(
        &mut self,
        now: Instant,
        client: Address,
        out: &mut ResponseBuffer,
    ) -> Option<Transmit> {
        let session = self.table.page_of(client)?;
        let (id, sequence, ieee) = (session.id(), session.page()?.sequence, session.ieee());
        let secured = session.flags.contains(Flags::SECURED);
        let context = RequestContext { client, sequence, secured, relays: 0, ieee };
        let slot = self.table.find_download(client, id)?;
        self.stop_download(slot);
        self.table.session_at_mut(slot)?.record_abort(now, id);
        let (status, reason) = (Status::ABORT, RefusalReason::Cancelled);
        self.events.push(ServerEvent::NotServed { client, id, status, reason });
        Some(context.respond(ToClient::ImageBlock(ImageBlockResponse::Abort), out))
    }
}
