//! Query Next Image (sections 6.10.4 and 6.10.5).

use super::reply::Asked;
use super::{Event, ImageStore, Phase, Policy, Server, Slots, TxBuffer, Verdict};
use crate::link::Transmit;
use crate::time::Instant;
use crate::types::ImageId;
use crate::zcl::{CommandId, ImageOffer, QueryNextImageRequest, QueryNextImageResponse, Refusal, ToClient};

impl<S: Slots> Server<S> {
    pub(super) fn query(
        &mut self,
        now: Instant,
        asked: Asked,
        request: &QueryNextImageRequest,
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl Policy + ?Sized),
        out: &mut TxBuffer,
    ) -> Transmit {
        if self.config.strict
            && let Err(violation) = request.check()
        {
            return self.malformed(asked, CommandId::QUERY_NEXT_IMAGE_REQUEST, violation.into(), out);
        }
        let (client, current) = (asked.client, request.current);
        let mut fits = |image: &_| policy.fits(client, request, image);
        let found = images.find(current.manufacturer, current.image_type, &mut fits);
        let answer = match (policy.offer(client, request, found.as_ref()), found) {
            // Manufacturer code and image type are the client's own, whatever the store found.
            (Verdict::Offer, Some(image)) => {
                Ok(ImageOffer { id: ImageId { version: image.id.version, ..current }, size: image.size })
            }
            (Verdict::NotAuthorized, _) => Err(Refusal::NOT_AUTHORIZED),
            (Verdict::Offer | Verdict::NoImage, _) => Err(Refusal::NO_IMAGE_AVAILABLE),
        };
        let (phase, response) = match answer {
            Ok(offer) => (Phase::Offered(offer.id), QueryNextImageResponse::Offer(offer)),
            Err(refusal) => (Phase::Refused(refusal), QueryNextImageResponse::Refused(refusal)),
        };
        if let Some(session) = self.table.enter(client) {
            session.enter(now, phase);
        }
        self.events.push(Event::Queried { client, request: *request, answer });
        asked.respond(ToClient::QueryNextImage(response), out)
    }
}
