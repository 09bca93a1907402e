//! Query Next Image (sections 6.10.4 and 6.10.5 of ZigBee document 095264, 2011): answers to queries, and the count of
//! repeated downloads.
//!
//! ```text
//! request -> eligible image with the highest version -> ServerPolicy::is_authorized
//!                                                       ServerPolicy::offer            -> offer or refusal
//!                                                       ServerPolicy::offer_repeated   (after repeated downloads)
//! ```

use super::access_check::check_destination;
use super::response_frame::RequestContext;
use super::session::Flags;
use super::{
    FileLookup, ImageInfo, ImageStore, QueryDecision, RefusalReason, ResponseBuffer, Server, ServerEvent,
    ServerPolicy, SessionSlots, image_lookup,
};
use crate::aps::{Address, Transmit};
use crate::time::Instant;
use crate::types::{FileVersion, HardwareVersion, ImageId};
use crate::zcl::{CommandId, ImageOffer, QueryNextImageRequest, QueryResponse, Refusal, ToClient};

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
        self.table.select(client, current);
        let found = self.choose_image(context, request, images, policy);
        // The answer repeats manufacturer code and image type of the request, even if the store returned an image with
        // another manufacturer code or image type.
        let offer = found.as_ref().ok().map(|image| ImageOffer {
            id: ImageId { version: image.id.version, ..current },
            size: image.size,
        });
        let repeats = self.count_repeated_download(now, client, request, offer.map(|offer| offer.id));
        let is_authorized = match (offer, &found) {
            (Some(offer), Ok(image)) => policy.is_authorized(client, offer.id, Some(image)),
            _ => true,
        };
        let decision = match offer {
            _ if !is_authorized => QueryDecision::NotAuthorized,
            Some(offer) if repeats > 0 => policy.offer_repeated(client, offer.id, repeats),
            _ => policy.offer(client, request, found.as_ref().ok()),
        };
        let answer = answer(decision, offer);
        let reason = match (&answer, found) {
            (Ok(_), _) => None,
            (Err(Refusal::NO_IMAGE_AVAILABLE), Err(reason)) => Some(reason),
            (Err(Refusal::NO_IMAGE_AVAILABLE), Ok(_)) if repeats > 0 => Some(RefusalReason::RepeatedDownload),
            (Err(_), _) => Some(RefusalReason::Policy),
        };
        let response = match answer {
            Ok(offer) => QueryResponse::Offer(offer),
            Err(refusal) => QueryResponse::Refused(refusal),
        };
        // A refusal because of repeated downloads does not change the phase of the session.
        if reason != Some(RefusalReason::RepeatedDownload) {
            let hardware = match (found.ok().and_then(|image| image.hardware), request.hardware) {
                // The lowest hardware version in the range of the file selects the same file again.
                (Some(range), hardware) => {
                    Some(hardware.filter(|hardware| range.contains(*hardware)).unwrap_or(range.min))
                }
                (None, hardware) => hardware,
            };
            self.record_query(now, context, current, (answer, reason), hardware);
        }
        let slot = self.table.find_download(client, current);
        if let Some(session) = slot.and_then(|slot| self.table.session_at_mut(slot)) {
            session.record_running(current.version);
        }
        self.events.push(ServerEvent::Queried { client, request: *request, answer, reason });
        context.respond(ToClient::QueryNextImage(response), out)
    }

    /// Returns the eligible image with the highest version. If the store has several files of the image for disjoint
    /// hardware versions, the hardware version of the client chooses the file.
    ///
    /// # Errors
    /// Fails with the reason why no image is eligible.
    fn choose_image(
        &self,
        context: RequestContext,
        request: &QueryNextImageRequest,
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl ServerPolicy + ?Sized),
    ) -> Result<ImageInfo, RefusalReason> {
        let (client, current) = (context.client, request.current);
        let one_byte = self.device_override(current).is_some_and(|device| device.one_byte_version);
        let mut reason = RefusalReason::UnknownType;
        // Lowest version so far of an image that has several files, none of which is known to be for this client.
        let mut below: Option<FileVersion> = None;
        loop {
            // Eligible file with the highest version, and whether the store has several files of its image.
            let mut top: Option<ImageInfo> = None;
            let mut is_ambiguous = false;
            let mut is_eligible = |image: &ImageInfo| {
                if below.is_some_and(|below| image.id.version >= below) {
                    return false;
                }
                let why = match image.destination.map(|of| check_destination(context, None, of)) {
                    Some(Err(reason)) => reason,
                    Some(Ok(())) | None => {
                        let version = image.id.version;
                        let request = if one_byte { with_full_version(request, version) } else { *request };
                        if policy.is_eligible(client, &request, image) {
                            let order = |image: &ImageInfo| (image.id.version, image.destination.is_some());
                            match top {
                                Some(other) if order(&other) > order(image) => {}
                                Some(other) if order(&other) == order(image) => {
                                    is_ambiguous |= !image_lookup::conflicts(&other, image);
                                }
                                _ => (top, is_ambiguous) = (Some(*image), false),
                            }
                            return true;
                        }
                        policy.refusal_reason(client, &request, image)
                    }
                };
                reason = reason.closer(why);
                false
            };
            let found = images.find(current.manufacturer, current.image_type, &mut is_eligible);
            let Some(found) = found else { return Err(reason) };
            if !is_ambiguous {
                return Ok(found);
            }
            let id = ImageId { version: found.id.version, ..current };
            let hardware = request.hardware.or_else(|| policy.hardware(client, id));
            if let FileLookup::Found(image) = images.info(id, context.ieee, hardware, Some(client)) {
                return Ok(image);
            }
            let why = hardware.map_or(RefusalReason::UnknownHardware, |_| RefusalReason::Hardware);
            (reason, below) = (reason.closer(why), Some(id.version));
        }
    }

    /// Records the answer to a query in the session of the client. `requested` is the image in the request. A query
    /// creates a session only if the store has an image of the requested image type.
    pub(super) fn record_query(
        &mut self,
        now: Instant,
        context: RequestContext,
        requested: ImageId,
        (answer, reason): (Result<ImageOffer, Refusal>, Option<RefusalReason>),
        hardware: Option<HardwareVersion>,
    ) {
        let slot = match reason {
            Some(RefusalReason::UnknownType | RefusalReason::UnknownImage) => {
                self.table.find_download(context.client, requested)
            }
            _ => self.find_or_insert_session(now, context, requested),
        };
        let Some(slot) = slot else { return };
        let Some(session) = self.table.session_at_mut(slot) else { return };
        let stays = match answer {
            Ok(offer) => session.record_offer(now, offer.id.version, hardware),
            Err(refusal) => {
                session.record_refusal(now, refusal, reason == Some(RefusalReason::Policy));
                false
            }
        };
        if !stays {
            self.stop_download(slot);
        }
    }

    /// Counts how often a client has already downloaded the image that the server would now offer to the client.
    /// Returns the count of downloads; 0 if the count is below `ServerConfig::repeated_download_limit`.
    fn count_repeated_download(
        &mut self,
        now: Instant,
        client: Address,
        request: &QueryNextImageRequest,
        next: Option<ImageId>,
    ) -> u8 {
        let slot = self.table.find_download(client, request.current);
        let Some(session) = slot.and_then(|slot| self.table.session_at_mut(slot)) else { return 0 };
        let times = session.count_repeats(now, request.current.version, next.map(|next| next.version));
        let limit = self.config.repeated_download_limit;
        let Some(id) = next.filter(|_| limit > 0 && times >= limit) else { return 0 };
        if !session.flags.contains(Flags::REPEATS_TOLD) {
            session.flags.insert(Flags::REPEATS_TOLD);
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

/// Completes the running version in the query of a device that reports only the low byte of its version. If the low
/// byte of `candidate` equals the reported version, the server assumes that the device runs `candidate`.
fn with_full_version(request: &QueryNextImageRequest, candidate: FileVersion) -> QueryNextImageRequest {
    let reported = request.current.version;
    let is_low_byte = reported.0 == candidate.0 & 0xff;
    let version = if is_low_byte { candidate } else { reported };
    QueryNextImageRequest { current: ImageId { version, ..request.current }, ..*request }
}
