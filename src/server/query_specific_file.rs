//! Query Specific File (sections 6.10.11 and 6.10.12 of ZigBee document 095264, 2011): answers to queries for
//! device-specific files.
//!
//! ```text
//! request.node is the known IEEE address of the client -> the file with that destination
//!   -> ServerPolicy::is_authorized, offer_specific_file -> offer or refusal
//! ```

use super::access_check::check_destination;
use super::query_next_image::answer;
use super::response_frame::RequestContext;
use super::{
    ImageInfo, ImageStore, QueryDecision, RefusalReason, ResponseBuffer, Server, ServerEvent, ServerPolicy,
    SessionSlots,
};
use crate::aps::Transmit;
use crate::time::Instant;
use crate::types::{FileVersion, ImageId};
use crate::zcl::{CommandId, ImageOffer, QueryResponse, QuerySpecificFileRequest, Refusal, Status, ToClient};

impl<S: SessionSlots> Server<S> {
    /// Answers a Query Specific File Request.
    pub(super) fn answer_query_specific_file(
        &mut self,
        now: Instant,
        context: RequestContext,
        request: &QuerySpecificFileRequest,
        images: &mut (impl ImageStore + ?Sized),
        policy: &mut (impl ServerPolicy + ?Sized),
        out: &mut ResponseBuffer,
    ) -> Transmit {
        let command = CommandId::QUERY_SPECIFIC_FILE_REQUEST;
        if !self.config.query_specific_file {
            return context.default_response(command, Status::UNSUP_CLUSTER_COMMAND, out);
        }
        if self.config.strict
            && let Err(violation) = request.check()
        {
            return self.respond_malformed(context, command, violation.into(), out);
        }
        let (client, QuerySpecificFileRequest { node, id, .. }) = (context.client, *request);
        self.table.select(client, id);
        // The address in the request proves nothing, so the server does not look up files of another device.
        if let Err(reason) = check_destination(context, Some(node), node) {
            return self.respond_specific_file(
                now,
                context,
                request,
                (Err(Refusal::NOT_AUTHORIZED), Some(reason)),
                out,
            );
        }
        let mut its_own = |image: &ImageInfo| image.destination == Some(node);
        let any = id.version == FileVersion::ANY && policy.accepts_version_wildcard(client, request);
        let found = match any {
            true => images.find(id.manufacturer, id.image_type, &mut its_own),
            false => images.info(id, Some(node), None, Some(client)).found().copied(),
        };
        // A file without a destination is not for the requesting device alone, whatever the image type of the file.
        let found = found.filter(its_own);
        let offer = found
            .map(|image| ImageOffer { id: ImageId { version: image.id.version, ..id }, size: image.size });
        let is_authorized = match offer {
            Some(offer) => policy.is_authorized(client, offer.id, found.as_ref()),
            None => true,
        };
        let decision = match is_authorized {
            true => policy.offer_specific_file(client, request, found.as_ref()),
            false => QueryDecision::NotAuthorized,
        };
        let answer = answer(decision, offer);
        let reason = match (answer, offer) {
            (Ok(_), _) => None,
            (Err(Refusal::NO_IMAGE_AVAILABLE), None) => Some(RefusalReason::UnknownImage),
            (Err(_), _) => Some(RefusalReason::Policy),
        };
        self.respond_specific_file(now, context, request, (answer, reason), out)
    }

    /// Records the answer to a Query Specific File Request, and writes the response.
    fn respond_specific_file(
        &mut self,
        now: Instant,
        context: RequestContext,
        request: &QuerySpecificFileRequest,
        (answer, reason): (Result<ImageOffer, Refusal>, Option<RefusalReason>),
        out: &mut ResponseBuffer,
    ) -> Transmit {
        let client = context.client;
        // Only a client that is offered a file gets a session, because the store may have no file of the requested
        // image type.
        if answer.is_ok() || self.table.find_download(client, request.id).is_some() {
            self.record_query(now, context, request.id, (answer, reason), None);
        }
        self.events.push(ServerEvent::QueriedSpecificFile { client, request: *request, answer, reason });
        let response = match answer {
            Ok(offer) => QueryResponse::Offer(offer),
            Err(refusal) => QueryResponse::Refused(refusal),
        };
        context.respond(ToClient::QuerySpecificFile(response), out)
    }
}
