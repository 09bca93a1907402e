//! Responses to a block request without data: WAIT_FOR_DATA, ABORT, and the Default Responses NO_IMAGE_AVAILABLE and
//! NOT_AUTHORIZED (sections 6.10.6 and 6.10.8). Sections refer to ZigBee document 095264 (2011).
//!
//! ```text
//! limit reached, data not read --> WAIT_FOR_DATA     download refused, cancelled --> ABORT or NOT_AUTHORIZED
//! file not in the store        --> NO_IMAGE_AVAILABLE
//! ```

use super::rate_limits_and_block_size::{MAX_WAIT_SECONDS, Wait};
use super::response_frame::RequestContext;
use super::session::Flags;
use super::{RefusalReason, ResponseBuffer, Server, ServerEvent, SessionSlots};
use crate::aps::Transmit;
use crate::time::Instant;
use crate::types::ImageId;
use crate::zcl::{CommandId, ImageBlockRequest, ImageBlockResponse, Status, ToClient, WaitForData};

impl<S: SessionSlots> Server<S> {
    /// Answers a block request with WAIT_FOR_DATA and a waiting time of `seconds`.
    #[cold]
    pub(super) fn respond_wait(
        &mut self,
        now: Instant,
        context: RequestContext,
        request: ImageBlockRequest,
        seconds: u32,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        // Only a client that sent a MinimumBlockPeriod understands the field "minimum block period" of later revisions.
        let min_block_period = request.min_block_period;
        self.respond_wait_until(now, context, request.id, Wait { seconds, min_block_period }, out)
    }

    /// Answers a block request with WAIT_FOR_DATA. The waiting time is limited to [`MAX_WAIT_SECONDS`]. If the last
    /// answer to the client demanded a wait of 0 seconds, the new answer demands at least 1 second, because some
    /// clients repeat their request at once after a wait of 0 seconds.
    #[cold]
    pub(super) fn respond_wait_until(
        &mut self,
        now: Instant,
        context: RequestContext,
        id: ImageId,
        Wait { seconds, min_block_period }: Wait,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        let client = context.client;
        let slot = self.table.find_download(client, id);
        let session = slot.and_then(|slot| self.table.session_at_mut(slot));
        // Without a session, the server does not know whether the last wait was 0 seconds long.
        let waited = session.as_ref().is_none_or(|session| session.flags.contains(Flags::ZERO_WAIT));
        let seconds = seconds.clamp(waited.into(), MAX_WAIT_SECONDS);
        if let Some(session) = session {
            session.record_wait(seconds);
        }
        let wait = WaitForData { time: self.clock.after(now, seconds), min_block_period };
        self.events.push(ServerEvent::Waiting { client, id, seconds });
        context.respond(ToClient::ImageBlock(ImageBlockResponse::Wait(wait)), out)
    }

    /// Answers a block request with ABORT and ends the download of the client.
    #[cold]
    pub(super) fn abort_download(
        &mut self,
        now: Instant,
        context: RequestContext,
        id: ImageId,
        reason: RefusalReason,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        let (client, status) = (context.client, Status::ABORT);
        if let Some(slot) = self.table.find_download(client, id) {
            self.stop_download(slot);
            if let Some(session) = self.table.session_at_mut(slot) {
                session.record_abort(now, id);
            }
        }
        self.events.push(ServerEvent::NotServed { client, id, status, reason });
        context.respond(ToClient::ImageBlock(ImageBlockResponse::Abort), out)
    }

    /// Answers `command` with a Default Response NO_IMAGE_AVAILABLE.
    #[cold]
    pub(super) fn respond_no_image(
        &mut self,
        context: RequestContext,
        id: ImageId,
        command: CommandId,
        reason: RefusalReason,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        let (client, status) = (context.client, Status::NO_IMAGE_AVAILABLE);
        self.events.push(ServerEvent::NotServed { client, id, status, reason });
        context.default_response(command, status, out)
    }

    /// Answers `command` with a Default Response NOT_AUTHORIZED, or ABORT if the caller cancelled the download.
    #[cold]
    pub(super) fn respond_not_authorized(
        &mut self,
        context: RequestContext,
        id: ImageId,
        command: CommandId,
        reason: RefusalReason,
        out: &mut ResponseBuffer,
    ) -> Transmit {
        let client = context.client;
        let status = match reason {
            RefusalReason::Cancelled => Status::ABORT,
            _ => Status::NOT_AUTHORIZED,
        };
        self.events.push(ServerEvent::NotServed { client, id, status, reason });
        context.default_response(command, status, out)
    }
}
