//! Image Block (sections 6.10.6 and 6.10.8): answers to requests for blocks, by a [`Server`] or by the function
//! [`serve_block`]. Sections refer to ZigBee document 095264 (2011).
//!
//! ```text
//! request -> file -> access -> limits, policy -> read --Filled--> Image Block Response with data
//!             |        |             |             |--Later---> Deferred --answer--> the same
//!             |        |             |             |--Wait----> WAIT_FOR_DATA
//!             |        |             |             +--Gone----> NO_IMAGE_AVAILABLE
//!             |        |             +-- WAIT_FOR_DATA, ABORT
//!             |        +-- ABORT, NOT_AUTHORIZED for a page
//!             +-- NO_IMAGE_AVAILABLE
//! ```

use core::num::NonZeroU8;
use core::ops::ControlFlow::{self, Break, Continue};

use super::access_check::check_access;
use super::response_frame::RequestContext;
use super::session::Flags;
use super::session_table::Slot;
use super::{
    FileLookup, ImageInfo, ImageStore, PaceDecision, ReadResult, RefusalReason, RequestFault, ResponseBuffer,
    Server, ServerAction, ServerEvent, ServerPolicy, Session, SessionSlots,
};
use crate::aps::{Address, Transmit};
use crate::time::{Instant, Millis};
use crate::types::{Eui64, ImageId, ImageTypeClass};
use crate::zcl::{
    CommandId, DATA_FRAME_HEAD_LEN, ImageBlockRequest, ImagePageRequest, Status, data_frame_head,
};

/// Deferred request: a block request whose data the store reads later ([`ReadResult::Later`]).
///
/// A deferred request contains all that its answer needs; the server stores nothing of the request. The caller answers
/// the deferred request with [`Server::answer`]. If the caller drops the deferred request without an answer, the client
/// repeats its request.
///
/// Clients repeat a request if they get no answer within some seconds. If the store needs more than a few seconds for
/// the data, the caller should answer [`NotReady::Wait`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the client waits for an answer"]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Deferred {
    pub(super) context: RequestContext,
    pub(super) request: ImageBlockRequest,
    pub(super) image: ImageInfo,
    pub(super) len: u8,
    /// Image Page Request, if the deferred block is the first block of a page.
    pub(super) page: Option<ImagePageRequest>,
}

impl Deferred {
    /// Returns the client that sent the deferred request and receives the answer.
    #[must_use]
    pub const fn client(&self) -> Address {
        self.context.client
    }

    /// Returns the requested image, as [`ImageStore::info`] returned it. The field `key` of the returned information
    /// identifies the file in the store.
    #[must_use]
    pub const fn image(&self) -> &ImageInfo {
        &self.image
    }

    /// Returns the offset of the first requested byte in the file.
    #[must_use]
    pub const fn offset(&self) -> u32 {
        self.request.offset
    }

    /// Returns the maximum number of bytes of data in the answer, 1 to 255. All requested bytes lie within the image.
    #[must_use]
    pub const fn max_len(&self) -> u8 {
        self.len
    }

    /// Returns the [`BlockQuery`] that the server made from the deferred request.
    const fn query(&self) -> BlockQuery<'_> {
        BlockQuery { context: self.context, request: self.request, page: self.page.as_ref() }
    }
}

/// Request for one block: an Image Block Request, or the part of an Image Page Request that asks for the first block.
#[derive(Clone, Copy)]
pub(super) struct BlockQuery<'a> {
    pub(super) context: RequestContext,
    pub(super) request: ImageBlockRequest,
    /// Image Page Request whose first block is requested; `None` for an Image Block Request.
    pub(super) page: Option<&'a ImagePageRequest>,
}

/// Block that the store has written to the buffer of the response.
#[derive(Clone, Copy)]
struct ReadyBlock {
    /// Session slot of the download; `None` if the download has no session.
    slot: Option<Slot>,
    /// Total image size in bytes.
    size: u32,
    /// Maximum number of bytes of data in the block.
    most: u8,
    /// Number of bytes that the store wrote to the buffer of the response.
    filled: usize,
}

impl BlockQuery<'_> {
    /// Returns the command of the request, which a Default Response to the request contains.
    const fn command(&self) -> CommandId {
        match self.page {
            None => CommandId::IMAGE_BLOCK_REQUEST,
            Some(_) => CommandId::IMAGE_PAGE_REQUEST,
        }
    }
}

/// Block that the server sends to a client.
#[derive(Clone, Copy)]
pub(super) struct SentBlock {
    /// Image that the block belongs to.
    pub(super) id: ImageId,
    /// Total image size in bytes.
    pub(super) size: u32,
    /// Offset of the block in the file.
    pub(super) offset: u32,
    /// Number of bytes of data in the block.
    pub(super) len: u8,
    /// Whether the stack may report the delivery of the block, as it does for all blocks except those of a page.
    pub(super) is_reported: bool,
}

/// Reason to answer a deferred request without data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum NotReady {
    /// The server answers WAIT_FOR_DATA, and the client repeats its request later.
    Wait {
        /// Seconds from the answer WAIT_FOR_DATA until the client repeats its request. The server limits the waiting
        /// time to [`MAX_WAIT_SECONDS`](super::MAX_WAIT_SECONDS).
        seconds: u32,
    },
    /// The server answers NO_IMAGE_AVAILABLE, because the store no longer has the image.
    Gone,
}

/// Answers one Image Block Request with data, without a server, session or rate limit (section 6.1). The function
/// `serve_block` writes the Image Block Response to `out` and returns the length of the frame in bytes.
///
/// The Image Block Response contains at most `max_block_size` bytes of data, at most the number of bytes that the
/// request allows, and no bytes beyond the end of the image.
///
/// Returns `None` if the store does not have the image or its data, or has several files of the image. Returns `None`
/// for a request for 0 bytes, and for a request for bytes beyond the end of the image. If `serve_block` returns `None`,
/// the caller can pass the request to [`Server::handle_frame`], which also has answers without data, such as
/// WAIT_FOR_DATA and NO_IMAGE_AVAILABLE.
///
/// The function `serve_block` serves no device-specific files, because it does not know the client. An IEEE address in
/// the request does not identify the client, because any node can write any address.
#[doc(alias = "block response")]
pub fn serve_block(
    sequence: u8,
    request: &ImageBlockRequest,
    max_block_size: NonZeroU8,
    images: &mut (impl ImageStore + ?Sized),
    out: &mut ResponseBuffer,
) -> Option<usize> {
    let ImageBlockRequest { id, offset, max_data, .. } = *request;
    let found = images.info(id, None, None, None);
    let image = found.found().filter(|image| image.is_for(None))?;
    let left = image.size.checked_sub(offset)?;
    let len = clamp_len(left, max_data.min(max_block_size.get()));
    let ReadResult::Filled(filled) = images.read(image, offset, None, data_buffer(out, len)) else {
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
    /// Answers an Image Block Request with a block, or an Image Page Request with the first block of the page. The
    /// caller of `answer_data_request` records the time at which the request arrived.
    #[inline(never)]
    pub(super) fn answer_data_request(
        &mut self,
        now: Instant,
        query: BlockQuery<'_>,
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl ServerPolicy + ?Sized),
        out: &mut ResponseBuffer,
    ) -> ServerAction {
        match self.read_block(now, query, images, policy, out) {
            Continue(block) => ServerAction::Reply(self.respond_data(now, query, block, out).0),
            Break(answer) => answer,
        }
    }

    /// Answers an Image Block Request like [`answer_data_request`](Self::answer_data_request), and records the time at
    /// which the request arrived.
    ///
    /// The method `answer_block_request` answers almost all frames of a download. Inlining gives `answer_block_request`
    /// its own copy of the called methods, in which `page` is known to be `None` (guide, "Fast paths").
    #[inline(always)]
    pub(super) fn answer_block_request(
        &mut self,
        now: Instant,
        context: RequestContext,
        request: ImageBlockRequest,
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl ServerPolicy + ?Sized),
        out: &mut ResponseBuffer,
    ) -> ServerAction {
        let query = BlockQuery { context, request, page: None };
        match self.read_block(now, query, images, policy, out) {
            Continue(block) => {
                let (transmit, slot) = self.respond_data(now, query, block, out);
                if let Some(slot) = slot {
                    self.record_frame_in(now, slot);
                }
                ServerAction::Reply(transmit)
            }
            Break(answer) => {
                self.record_frame_from(now, context, Some(request.id));
                answer
            }
        }
    }

    /// Checks a request for a block, and reads the block into `out`. Returns [`Break`] with the server action if the
    /// request gets no block now.
    ///
    /// The functions that answer without a block take values, not references to the query, so that the query stays in
    /// registers while the server makes a block.
    #[inline(always)]
    fn read_block(
        &mut self,
        now: Instant,
        query: BlockQuery<'_>,
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl ServerPolicy + ?Sized),
        out: &mut ResponseBuffer,
    ) -> ControlFlow<ServerAction, ReadyBlock> {
        let BlockQuery { context, request, page } = query;
        let ImageBlockRequest { id, offset, node, max_data, .. } = request;
        let mut is_background = self.is_background(now);
        let mut slot = self.table.select(context.client, id);
        let (mut hardware, mut refusal) = (None, None);
        if let Some(slot) = slot
            && let Some(session) = self.table.session_at_mut(slot)
        {
            (hardware, refusal) = (session.hardware(), session.refusal_reason());
            self.pace.record_sign(now, session, true, is_background);
            // Any new request for data of an image ends a page of the image that is being sent, even if the request is
            // refused (section 6.10.7.4).
            if session.has_page() {
                self.table.set_flag(slot, Flags::PAGE, false);
            }
        }
        if !self.supports_destination(id, node) {
            let status = Status::UNSUP_CLUSTER_COMMAND;
            return Break(ServerAction::Reply(context.default_response(query.command(), status, out)));
        }
        // The argument `found` stays a reference, because a copy of ImageInfo cost measurable time in the benchmark.
        let mut found = images.info(id, context.ieee, hardware, Some(context.client));
        if matches!(found, FileLookup::Ambiguous) && hardware.is_none() {
            found = self.find_file_by_policy(now, context, id, images, policy);
            is_background = self.is_background(now);
        }
        let Some(image) = found.found() else {
            let reason = match (found, hardware) {
                (FileLookup::Ambiguous, None) => RefusalReason::UnknownHardware,
                (FileLookup::Ambiguous, Some(_)) => RefusalReason::Hardware,
                _ => RefusalReason::UnknownImage,
            };
            let transmit = self.respond_no_image(context, id, query.command(), reason, out);
            return Break(ServerAction::Reply(transmit));
        };
        if let Err(reason) = check_access(context, refusal, id, node, Some(image), policy) {
            let is_aborted = page.is_none() || reason == RefusalReason::Cancelled;
            return Break(ServerAction::Reply(match is_aborted {
                true => self.abort_download(now, context, id, reason, out),
                false => self.respond_not_authorized(context, id, query.command(), reason, out),
            }));
        }
        let checked = match page {
            None => request.check(),
            Some(page) if page.page_size > 0 => request.check(),
            Some(page) => page.check(),
        };
        let left = image.size.saturating_sub(offset);
        let fault = match checked {
            Err(violation) => Some(violation.into()),
            Ok(()) if left == 0 => Some(RequestFault::OffsetBeyondEnd { id, offset, size: image.size }),
            Ok(()) => None,
        };
        if let Some(fault) = fault {
            let transmit = self.respond_malformed(context, query.command(), fault, out);
            return Break(ServerAction::Reply(transmit));
        }
        let period = request.min_block_period;
        if let Err(wait) = self.check_limits(now, context, id, (offset, period), is_background, policy) {
            return Break(ServerAction::Reply(self.respond_wait_until(now, context, id, wait, out)));
        }
        if page.is_some() && self.table.pages() >= self.config.max_pages {
            let seconds = self.config.wait_seconds;
            return Break(ServerAction::Reply(self.respond_wait(now, context, request, seconds, out)));
        }
        // The look-up by the hardware version of the policy, or the check of the limits, may have inserted the session
        // and evicted another session.
        if slot.is_none() {
            slot = self.table.find_download(context.client, id);
            is_background = self.is_background(now);
        }
        let session = slot.and_then(|slot| self.table.session_at(slot));
        let allowed = match policy.pace(context.client, &request, session) {
            PaceDecision::Send => None,
            PaceDecision::SendAtMost(most) => Some(most),
            PaceDecision::Wait { seconds } => {
                return Break(ServerAction::Reply(self.respond_wait(now, context, request, seconds, out)));
            }
            PaceDecision::Abort => {
                let reason = RefusalReason::Policy;
                return Break(ServerAction::Reply(self.abort_download(now, context, id, reason, out)));
            }
        };
        let most = self.block_size(context, session, id, (max_data, allowed), page.is_none());
        let left = page.map_or(left, |page| left.min(page.page_size.into()));
        let most = clamp_len(left, most);
        match images.read(image, offset, Some(context.client), data_buffer(out, most)) {
            ReadResult::Filled(_)
                if is_background
                    && self.hold_back(now, context, (id, offset, most), slot, page.is_some()) =>
            {
                Break(ServerAction::Done)
            }
            ReadResult::Filled(filled) => Continue(ReadyBlock { slot, size: image.size, most, filled }),
            ReadResult::Later => Break(ServerAction::Deferred(Deferred {
                context,
                request,
                image: *image,
                len: most,
                page: page.copied(),
            })),
            ReadResult::Wait { seconds } => {
                Break(ServerAction::Reply(self.respond_wait(now, context, request, seconds, out)))
            }
            ReadResult::Gone => {
                let reason = RefusalReason::UnknownImage;
                Break(ServerAction::Reply(self.respond_no_image(context, id, query.command(), reason, out)))
            }
        }
    }

    /// Answers a deferred request with `data`, the bytes of the file from [`Deferred::offset`] on, and returns the
    /// frame to send.
    ///
    /// The server sends at most the first [`Deferred::max_len`] bytes of `data`. If `data` is empty, the server answers
    /// as for [`NotReady::Wait`], with the waiting time
    /// [`ServerConfig::wait_seconds`](super::ServerConfig::wait_seconds).
    ///
    /// The answer to a deferred request does not depend on other requests. The caller can answer deferred requests in
    /// any order. If the caller has cancelled the download since the request arrived, the server answers ABORT.
    pub fn answer(
        &mut self,
        now: Instant,
        deferred: Deferred,
        data: Result<&[u8], NotReady>,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        let (context, id) = (deferred.context, deferred.request.id);
        let slot = self.table.select(context.client, id);
        let refusal = slot.and_then(|slot| self.table.session_at(slot)).and_then(Session::refusal_reason);
        let transmit = match (data, refusal) {
            (_, Some(reason)) => self.abort_download(now, context, id, reason, out),
            (Ok(data), None) => {
                for (to, from) in data_buffer(out, deferred.len).iter_mut().zip(data) {
                    *to = *from;
                }
                let block =
                    ReadyBlock { slot, size: deferred.image.size, most: deferred.len, filled: data.len() };
                self.respond_data(now, deferred.query(), block, out).0
            }
            (Err(NotReady::Wait { seconds }), None) => {
                self.respond_wait(now, context, deferred.request, seconds, out)
            }
            (Err(NotReady::Gone), None) => {
                let reason = RefusalReason::UnknownImage;
                self.respond_no_image(context, id, deferred.query().command(), reason, out)
            }
        };
        self.record_frame_from(now, context, Some(id));
        transmit
    }

    /// Looks up one of several files of the image `id` by the hardware version that the policy knows. The session keeps
    /// the hardware version, so that a page continues with the same file.
    #[inline(never)]
    fn find_file_by_policy(
        &mut self,
        now: Instant,
        context: RequestContext,
        id: ImageId,
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl ServerPolicy + ?Sized),
    ) -> FileLookup {
        let Some(hardware) = policy.hardware(context.client, id) else { return FileLookup::Ambiguous };
        let found = images.info(id, context.ieee, Some(hardware), Some(context.client));
        if matches!(found, FileLookup::Found(_))
            && let Some(slot) = self.find_or_insert_session(now, context, id)
            && let Some(session) = self.table.session_at_mut(slot)
        {
            session.set_hardware(Some(hardware));
        }
        found
    }

    /// Returns whether the server supports a request for `id` with the IEEE address `node`. A request with an IEEE
    /// address, and with an image type that no manufacturer may define, is for a device-specific file. In a request for
    /// an image type that a manufacturer may define, the IEEE address has no effect.
    pub(super) fn supports_destination(&self, id: ImageId, node: Option<Eui64>) -> bool {
        node.is_none()
            || self.config.query_specific_file
            || id.image_type.class() == ImageTypeClass::Manufacturer
    }

    /// Answers a block request with the data that the store has already written to `out`. Returns also the session slot
    /// of the download, which may be new; `None` if the download has no session.
    #[inline(always)]
    fn respond_data(
        &mut self,
        now: Instant,
        BlockQuery { context, request, page }: BlockQuery<'_>,
        ReadyBlock { slot, size, most, filled }: ReadyBlock,
        out: &mut ResponseBuffer,
    ) -> (Transmit, Option<Slot>) {
        // If the store reports more bytes than the buffer has room for, the server assumes that the store filled the
        // buffer.
        let len = u8::try_from(filled).map_or(most, |filled| filled.min(most));
        let (true, Some(head)) = (len > 0, out.first_chunk_mut()) else {
            return (self.respond_wait(now, context, request, self.config.wait_seconds, out), slot);
        };
        let ImageBlockRequest { id, offset, .. } = request;
        *head = data_frame_head(context.sequence, id, offset, len);
        let block = SentBlock { id, size, offset, len, is_reported: page.is_none() };
        let slot = self.record_block(now, context, slot, block);
        if let Some(page) = page {
            self.continue_page(now, context, page, size, len);
        }
        let transmit = context.transmit(DATA_FRAME_HEAD_LEN.saturating_add(usize::from(len)), len);
        (Transmit { aps_ack: page.is_none(), ..transmit }, slot)
    }

    /// Records a sent block in the session, the rate limit and the events. `slot` is the session slot of the download;
    /// if the download has no session (`None`), `record_block` inserts a session. Returns the slot of the session;
    /// `None` if the server has no slots.
    #[inline(always)]
    pub(super) fn record_block(
        &mut self,
        now: Instant,
        context: RequestContext,
        slot: Option<Slot>,
        SentBlock { id, size, offset, len, is_reported }: SentBlock,
    ) -> Option<Slot> {
        self.consume_bandwidth(len);
        let (client, end) = (context.client, offset.saturating_add(len.into()));
        let period = self.config.min_block_period;
        let slot = match slot {
            Some(slot) => Some(slot),
            None => self.find_or_insert_session(now, context, id),
        };
        let Some(slot) = slot else {
            if offset == 0 {
                self.events.push(ServerEvent::Started { client, id });
            }
            return None;
        };
        let session = self.table.session_at_mut(slot)?;
        let early = if period == Millis(0) { period } else { session.early(now, period) };
        let served = session.record_block(now, id, size, offset, end);
        if period != Millis(0) {
            session.record_paced_block(now, early, period);
        }
        if is_reported {
            session.path.record_sent(len);
        }
        let progress = if served.hundredth { session.progress() } else { None };
        let is_counted = session.flags.contains(Flags::DOWNLOAD) == served.more;
        if served.started {
            self.events.push(ServerEvent::Started { client, id });
        }
        if let Some(progress) = progress {
            self.events.push(ServerEvent::Progress { client, id, progress });
        }
        if served.all {
            self.events.push(ServerEvent::AllServed { client, id });
        }
        if !is_counted {
            self.table.set_flag(slot, Flags::DOWNLOAD, served.more);
        }
        Some(slot)
    }
}

/// Returns the length of a block in bytes: `most`, or `left` if fewer bytes of the image are left.
pub(super) fn clamp_len(left: u32, most: u8) -> u8 {
    u8::try_from(left).map_or(most, |left| left.min(most))
}

/// Returns the part of `out` that holds the data of an Image Block Response of `len` bytes of data.
pub(super) fn data_buffer(out: &mut ResponseBuffer, len: u8) -> &mut [u8] {
    let data = out.get_mut(DATA_FRAME_HEAD_LEN..).unwrap_or_default();
    data.get_mut(..usize::from(len)).unwrap_or_default()
}
