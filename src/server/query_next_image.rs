//! Query Next Image (sections 6.10.4 and 6.10.5 of ZigBee document 095264, 2011): answers to queries, and the count of
//! repeated downloads.
//!
//! ```text
//! request -> eligible image with the highest version -> ServerPolicy::offer            -> offer or refusal
//!                                                       ServerPolicy::offer_repeated   (after repeated downloads)
//! ```

use super::response_frame::RequestContext;
use super::{
    ImageInfo, ImageStore, QueryDecision, ResponseBuffer, Server, ServerEvent, ServerPolicy, SessionPhase,
    SessionSlots,
};
use crate::aps::{Address, Transmit};
use crate::time::Instant;
use crate::types::{FileVersion, ImageId};
use crate::zcl::{CommandId, ImageOffer, QueryNextImageRequest, QueryResponse, Refusal, Status, ToClient};

impl<S: SessionSlots> Server<S> {
    /// Answers a Query Next Image Request.
    pub(super) fn answer_query_next_image(
        &mut self,
        now: Instant,
        context: RequestContext,
        request: &QueryNextImageRequest,
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl ServerPolicy + ?Sized),
        out: &mut ResponseBuffer,
    ) -> Transmit {
        if self.config.strict
            && let Err(violation) = request.check()
        {
            return self.respond_malformed(
                context,
                CommandId::QUERY_NEXT_IMAGE_REQUEST,
                violation.into(),
                out,
            );
        }
        let (client, current) = (context.client, request.current);
        let one_byte = self.device_override(current).is_some_and(|device| device.one_byte_version);
        let mut fits = |image: &ImageInfo| {
            let request = if one_byte { with_full_version(request, image.id.version) } else { *request };
            policy.is_eligible(client, &request, image)
        };
        let found = images.find(current.manufacturer, current.image_type, &mut fits);
        // The answer repeats manufacturer code and image type of the request, even if the store returned an image with
        // different ones.
        let offer = found.map(|image| ImageOffer {
            id: ImageId { version: image.id.version, ..current },
            size: image.size,
        });
        let repeats = self.count_repeated_download(client, offer.map(|offer| offer.id));
        let decision = match offer {
            Some(offer) if repeats > 0 => policy.offer_repeated(client, offer.id, repeats),
            _ => policy.offer(client, request, found.as_ref()),
        };
        let answer = answer(decision, offer);
        let response = match answer {
            Ok(offer) => QueryResponse::Offer(offer),
            Err(refusal) => QueryResponse::Refused(refusal),
        };
        // A client that is refused because of repeated downloads stays in its phase, so that the count of downloads
        // goes on.
        if repeats == 0 || answer.is_ok() {
            self.record_query(now, client, answer);
        }
        self.events.push(ServerEvent::Queried { client, request: *request, answer });
        context.respond(ToClient::QueryNextImage(response), out)
    }

    /// Records the answer to a query in the session of the client.
    pub(super) fn record_query(
        &mut self,
        now: Instant,
        client: Address,
        answer: Result<ImageOffer, Refusal>,
    ) {
        let phase = answer.map_or_else(SessionPhase::Refused, |offer| SessionPhase::Offered(offer.id));
        if let Some(slot) = self.table.find_or_insert(client) {
            self.enter_idle_phase(now, slot, phase);
        }
    }

    /// Counts how often a client has downloaded the image that the client would be offered now. Returns the count; 0 if
    /// the count is below the limit.
    fn count_repeated_download(&mut self, client: Address, next: Option<ImageId>) -> u8 {
        let Some(session) = self.table.find(client).and_then(|slot| self.table.session_at_mut(slot)) else {
            return 0;
        };
        let (of, took) = match session.phase() {
            SessionPhase::Ended { id, status } => {
                (Some(id), matches!(status, Status::SUCCESS | Status::INVALID_IMAGE))
            }
            SessionPhase::Downloading { id, reached, size, .. } => (Some(id), reached == size),
            SessionPhase::Offered(id) | SessionPhase::Stalled { id, .. } => (Some(id), false),
            SessionPhase::Refused(_) => (None, false),
        };
        if next.is_none() || of != next {
            session.repeated_downloads = 0;
        } else if took {
            session.repeated_downloads = session.repeated_downloads.saturating_add(1);
        }
        let (times, limit) = (session.repeated_downloads, self.config.repeated_download_limit);
        if limit == 0 || times < limit {
            return 0;
        }
        if let (Some(id), true) = (next, times == limit) {
            self.events.push(ServerEvent::RepeatedDownload { client, id, times });
        }
        times
    }
}

/// Returns the answer to a query that follows from the decision of the policy and the image that the store found.
pub(super) fn answer(decision: QueryDecision, offer: Option<ImageOffer>) -> Result<ImageOffer, Refusal> {
    match (decision, offer) {
        (QueryDecision::Offer, Some(offer)) => Ok(offer),
        (QueryDecision::NotAuthorized, _) => Err(Refusal::NOT_AUTHORIZED),
        (QueryDecision::Offer | QueryDecision::NoImage, _) => Err(Refusal::NO_IMAGE_AVAILABLE),
    }
}

/// Completes the version in the request of a device that reports only the low byte of its version. If the low byte of
/// `candidate` is the same, the device is taken to run `candidate`.
fn with_full_version(request: &QueryNextImageRequest, candidate: FileVersion) -> QueryNextImageRequest {
    let reported = request.current.version;
    let is_low_byte = reported.0 == candidate.0 & 0xff;
    let version = if is_low_byte { candidate } else { reported };
    QueryNextImageRequest { current: ImageId { version, ..request.current }, ..*request }
}
