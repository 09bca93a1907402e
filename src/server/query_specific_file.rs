//! Query Specific File (sections 6.10.11 and 6.10.12 of ZigBee document 095264, 2011): answers to queries for
//! device-specific files.
//!
//! ```text
//! request.node, id -> the file with that destination -> ServerPolicy::offer_specific_file -> offer or refusal
//! ```

use super::query_next_image::answer;
use super::response_frame::RequestContext;
use super::{ImageInfo, ImageStore, ResponseBuffer, Server, ServerEvent, ServerPolicy, SessionSlots};
use crate::aps::Transmit;
use crate::time::Instant;
use crate::types::{FileVersion, ImageId};
use crate::zcl::{CommandId, ImageOffer, QueryResponse, QuerySpecificFileRequest, Status, ToClient};

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
        let mut its_own = |image: &ImageInfo| image.destination == Some(node);
        let any = id.version == FileVersion::ANY && policy.accepts_version_wildcard(client, request);
        let found = match any {
            true => images.find(id.manufacturer, id.image_type, &mut its_own),
            false => images.info(id, Some(node), Some(client)),
        };
        // A file without a destination is not for the requesting device alone, whatever the image type of the file.
        let found = found.filter(its_own);
        let offer = found
            .map(|image| ImageOffer { id: ImageId { version: image.id.version, ..id }, size: image.size });
        let answer = answer(policy.offer_specific_file(client, request, found.as_ref()), offer);
        self.record_query(now, client, answer);
        self.events.push(ServerEvent::QueriedSpecificFile { client, request: *request, answer });
        let response = match answer {
            Ok(offer) => QueryResponse::Offer(offer),
            Err(refusal) => QueryResponse::Refused(refusal),
        };
        context.respond(ToClient::QuerySpecificFile(response), out)
    }
}
