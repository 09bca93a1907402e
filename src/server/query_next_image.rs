//! Query Next Image (sections 6.10.4 and 6.10.5).
//!
//! ```text
//! request -> the newest image that ServerPolicy::is_eligible -> ServerPolicy::offer, or after repetitions ServerPolicy::offer_repeated -> offer or refusal
//! ```

use super::reply::RequestContext;
use super::{
    ImageInfo, ImageStore, QueryDecision, ResponseBuffer, Server, ServerEvent, ServerPolicy, SessionPhase,
    SessionSlots,
};
use crate::aps::{Address, Transmit};
use crate::time::Instant;
use crate::types::{FileVersion, ImageId};
use crate::zcl::{CommandId, ImageOffer, QueryNextImageRequest, QueryResponse, Refusal, Status, ToClient};

impl<S: SessionSlots> Server<S> {
    pub(super) fn query(
        &mut self,
        now: Instant,
        asked: RequestContext,
        request: &QueryNextImageRequest,
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl ServerPolicy + ?Sized),
        out: &mut ResponseBuffer,
    ) -> Transmit {
        if self.config.strict
            && let Err(violation) = request.check()
        {
            return self.malformed(asked, CommandId::QUERY_NEXT_IMAGE_REQUEST, violation.into(), out);
        }
        let (client, current) = (asked.client, request.current);
        let one_byte = self.device(current).is_some_and(|device| device.one_byte_version);
        let mut fits = |image: &ImageInfo| {
            let told = if one_byte { of_one_byte(request, image.id.version) } else { *request };
            policy.is_eligible(client, &told, image)
        };
        let found = images.find(current.manufacturer, current.image_type, &mut fits);
        // Manufacturer code and image type are the client's own, whatever the store found.
        let offer = found.map(|image| ImageOffer {
            id: ImageId { version: image.id.version, ..current },
            size: image.size,
        });
        let repeats = self.repeats(client, offer.map(|offer| offer.id));
        let verdict = match offer {
            Some(offer) if repeats > 0 => policy.offer_repeated(client, offer.id, repeats),
            _ => policy.offer(client, request, found.as_ref()),
        };
        let answer = answer(verdict, offer);
        let response = match answer {
            Ok(offer) => QueryResponse::Offer(offer),
            Err(refusal) => QueryResponse::Refused(refusal),
        };
        // A client that is refused for its repetitions stays where it is: so they are counted on.
        if repeats == 0 || answer.is_ok() {
            self.offered(now, client, answer);
        }
        self.events.push(ServerEvent::Queried { client, request: *request, answer });
        asked.respond(ToClient::QueryNextImage(response), out)
    }

    pub(super) fn offered(&mut self, now: Instant, client: Address, answer: Result<ImageOffer, Refusal>) {
        let phase = answer.map_or_else(SessionPhase::Refused, |offer| SessionPhase::Offered(offer.id));
        if let Some(slot) = self.table.enter(client) {
            self.move_on(now, slot, phase);
        }
    }

    /// Counts how often a client took the image that it would be offered again now. 0 until it is too often.
    fn repeats(&mut self, client: Address, next: Option<ImageId>) -> u8 {
        let Some(session) = self.table.find(client).and_then(|slot| self.table.at_mut(slot)) else {
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
            session.repeats = 0;
        } else if took {
            session.repeats = session.repeats.saturating_add(1);
        }
        let (times, limit) = (session.repeats, self.config.repeated_download_limit);
        if limit == 0 || times < limit {
            return 0;
        }
        if let (Some(id), true) = (next, times == limit) {
            self.events.push(ServerEvent::RepeatedDownload { client, id, times });
        }
        times
    }
}

/// What becomes of an offer.
pub(super) fn answer(verdict: QueryDecision, offer: Option<ImageOffer>) -> Result<ImageOffer, Refusal> {
    match (verdict, offer) {
        (QueryDecision::Offer, Some(offer)) => Ok(offer),
        (QueryDecision::NotAuthorized, _) => Err(Refusal::NOT_AUTHORIZED),
        (QueryDecision::Offer | QueryDecision::NoImage, _) => Err(Refusal::NO_IMAGE_AVAILABLE),
    }
}

/// The request of a device that tells only the last byte of its version: where that is the last byte of `candidate`,
/// it runs that.
fn of_one_byte(request: &QueryNextImageRequest, candidate: FileVersion) -> QueryNextImageRequest {
    let told = request.current.version;
    let same = told.0 == candidate.0 & 0xff;
    let version = if same { candidate } else { told };
    QueryNextImageRequest { current: ImageId { version, ..request.current }, ..*request }
}
