//! Image Notify, Query Next Image and Query Specific File: the way from an Image Notify or a timer to an offer
//! (sections 6.8.1, 6.10.3 to 6.10.5, 6.10.11 and 6.10.12).
//!
//! ```text
//! notify --in scope, jitter passed--> query --offer--> version accepted, size fits --> Deciding
//!                                       \--refusal, no answer--> next periodic query
//! ```
//!
//! Sections refer to ZigBee document 095264 (2011).

use crate::aps::DeliveryMode;
use crate::time::{Instant, Millis};
use crate::types::{FileVersion, ImageFilter, ImageId, ImageType};
use crate::zcl::{
    CommandId, ImageNotify, ImageOffer, NotifyScope, QueryNextImageRequest, QueryResponse,
    QuerySpecificFileRequest, Status, ToServer,
};

use super::Client;
use super::config::AcceptedVersions;
use super::dispatch::Transition;
use super::output::{ClientEvent, ClientIgnored, Outcome, SkipReason};
use super::request_retry::PendingRequest;
use super::state::{QueryTarget, State, is_specific};

/// Size in bytes of the shortest file, which is a header without optional fields.
const MIN_FILE_SIZE: u32 = 56;

/// Unit in milliseconds of the random delay between a broadcast Image Notify and the query. The delay is 1 to 100
/// units, so that the queries of all devices spread over two seconds.
const NOTIFY_SPREAD: u32 = 20;

impl<const RANGES: usize> Client<RANGES> {
    /// Handles an Image Notify. An idle client sends a query after every unicast notify. After a broadcast notify, the
    /// client sends a query only if the notify is in scope and the query jitter includes this device.
    ///
    /// A client that is not idle only reports the event [`ClientEvent::Notified`]. The application may then abort the
    /// present upgrade and start a query.
    pub(super) fn on_notify<'f>(
        &mut self,
        now: Instant,
        notify: ImageNotify,
        delivery: DeliveryMode,
    ) -> Transition<'f, RANGES> {
        if delivery != DeliveryMode::Unicast {
            // The scope is checked before the jitter, so that a notify out of scope draws no random number.
            if let Err(violation) = notify.check() {
                return Transition::Drop(ClientIgnored::Invalid(violation));
            }
            if !self.is_in_scope(notify.scope) || self.random.percent() > notify.jitter {
                return Transition::Drop(ClientIgnored::NotForThisDevice);
            }
        } else if self.config.strict && notify != ImageNotify::UNICAST {
            return Transition::Malformed(ClientIgnored::Mismatch);
        }
        self.events.push(ClientEvent::Notified);
        match self.state {
            State::Idle { .. } => {
                self.search_now();
                // All devices receive a broadcast at once. Without a delay the queries of all devices would collide,
                // and so would each round of retries.
                let delay = match delivery {
                    DeliveryMode::Unicast => 0,
                    _ => u32::from(self.random.percent()).saturating_mul(NOTIFY_SPREAD),
                };
                Transition::Enter(self.begin_query(now.plus(Millis(delay))))
            }
            _ => Transition::Stay,
        }
    }

    /// Returns whether a notify with `scope` is meant for this device. A version that the device runs or has downloaded
    /// is out of scope (section 6.10.3.4).
    fn is_in_scope(&self, scope: NotifyScope) -> bool {
        let own = self.config.identity.current;
        let any = ImageFilter::ALL;
        match scope {
            NotifyScope::Everyone => true,
            NotifyScope::Manufacturer(manufacturer) => ImageFilter { manufacturer, ..any }.matches(own),
            NotifyScope::ImageType(manufacturer, image_type) => {
                ImageFilter { manufacturer, image_type, ..any }.matches(own)
            }
            NotifyScope::NewVersion(ImageFilter { manufacturer, image_type, version }) => {
                let has_version = image_type != ImageType::ANY && version != FileVersion::ANY;
                let verified = self.suspended.or_else(|| self.state.verified_image());
                let is_downloaded = verified.is_some_and(|image| {
                    image.id().image_type == own.image_type && image.id().version == version
                });
                ImageFilter { manufacturer, image_type, ..any }.matches(own)
                    && (!has_version || (version != own.version && !is_downloaded))
            }
        }
    }

    pub(super) fn on_query_response<'f>(
        &mut self,
        now: Instant,
        response: QueryResponse,
    ) -> Transition<'f, RANGES> {
        let Some((target, next)) = self.pending_query() else {
            return Transition::Drop(ClientIgnored::Unexpected);
        };
        match response {
            _ if is_specific(target.id) => Transition::Drop(ClientIgnored::Unexpected),
            QueryResponse::Refused(refusal) => self.on_no_image(now, refusal.status(), target, next),
            QueryResponse::Offer(offer) => self.on_offer(now, offer, target, next),
        }
    }

    pub(super) fn on_specific_response<'f>(
        &mut self,
        now: Instant,
        response: QueryResponse,
    ) -> Transition<'f, RANGES> {
        let Some((target, next)) = self.pending_query() else {
            return Transition::Drop(ClientIgnored::Unexpected);
        };
        match response {
            _ if !is_specific(target.id) => Transition::Drop(ClientIgnored::Unexpected),
            QueryResponse::Refused(refusal) => self.on_no_image(now, refusal.status(), target, next),
            QueryResponse::Offer(offer) => self.on_offer(now, offer, target, next),
        }
    }

    /// Returns the target of the query in flight and the time of the next periodic query; `None` if no query is in
    /// flight.
    fn pending_query(&self) -> Option<(QueryTarget, Option<Instant>)> {
        match self.state {
            State::Querying { target, pending, next } if pending.has_been_sent() => Some((target, next)),
            _ => None,
        }
    }

    fn on_offer<'f>(
        &mut self,
        now: Instant,
        offer: ImageOffer,
        target: QueryTarget,
        next: Option<Instant>,
    ) -> Transition<'f, RANGES> {
        let ImageId { manufacturer, image_type, version } = target.id;
        if (offer.id.manufacturer, offer.id.image_type) != (manufacturer, image_type) {
            return Transition::Malformed(ClientIgnored::Mismatch);
        }
        let specific = is_specific(target.id);
        // A query for a device-specific file names the requested version, or any version (section 6.10.12.2.4).
        if specific && version != FileVersion::ANY && offer.id.version != version {
            return Transition::Malformed(ClientIgnored::Mismatch);
        }
        self.reset_unanswered_queries();
        let is_suspended = self.suspended.is_some_and(|image| image.id() == offer.id);
        let reason = if offer.size < MIN_FILE_SIZE || offer.size > self.config.max_file_size {
            SkipReason::Size
        } else if specific {
            return Transition::Enter(State::Deciding { offer });
        } else if is_suspended
            || (offer.id.version == version && self.config.accepted_versions != AcceptedVersions::Any)
        {
            SkipReason::SameVersion
        } else if offer.id.version == self.refused_version {
            SkipReason::Refused
        } else if offer.id.version < version && self.config.accepted_versions == AcceptedVersions::Newer {
            SkipReason::Older
        } else {
            return Transition::Enter(State::Deciding { offer });
        };
        self.events.push(ClientEvent::OfferSkipped(offer, reason));
        Transition::Enter(self.return_to_idle(now, next))
    }

    /// Handles the refusal of a query for `target` with `status`. The next periodic query is due at `next`.
    pub(super) fn on_no_image<'f>(
        &mut self,
        now: Instant,
        status: Status,
        target: QueryTarget,
        next: Option<Instant>,
    ) -> Transition<'f, RANGES> {
        self.reset_unanswered_queries();
        let unsupported = status == Status::UNSUP_CLUSTER_COMMAND && is_specific(target.id);
        let refused = unsupported || status == Status::NOT_AUTHORIZED;
        let replaces = refused && self.replace_refusing_server();
        self.events.push(match unsupported && !replaces {
            true => ClientEvent::Ended(Outcome::SpecificFilesUnsupported),
            false => ClientEvent::NoImage(Some(status)),
        });
        Transition::Enter(if replaces {
            // The client sends the query when another server is found.
            self.begin_query_for(now, target, next)
        } else {
            self.return_to_idle(now, next)
        })
    }

    /// Returns the state after all attempts of a query stayed unanswered.
    pub(super) fn on_query_timeout(&mut self, now: Instant, next: Option<Instant>) -> State<RANGES> {
        self.events.push(ClientEvent::NoImage(None));
        self.count_unanswered_query();
        self.return_to_idle(now, next)
    }

    /// Returns the state with a query to send at `now`. The query is for the running image or, if the device keeps
    /// pending images, for the next image of the device.
    pub(super) fn begin_query(&mut self, now: Instant) -> State<RANGES> {
        let id = if self.pending_images.count > 0 {
            self.pending_images.next
        } else {
            self.config.identity.current
        };
        let next = self.next_query_at(now);
        self.begin_query_for(now, QueryTarget { id, stack: self.config.stack }, next)
    }

    pub(super) fn begin_query_for(
        &mut self,
        now: Instant,
        target: QueryTarget,
        next: Option<Instant>,
    ) -> State<RANGES> {
        if self.query_for(target).is_some() {
            return State::Querying { target, pending: PendingRequest::due_at(now), next };
        }
        // No valid query can carry this identity. The missing query counts as unanswered.
        self.events.push(ClientEvent::NoImage(None));
        self.return_to_idle(now, next)
    }

    /// Returns the command that queries `target`. Query Next Image is forbidden for the image types of device-specific
    /// files (section 6.10.4.2.3).
    pub(super) const fn query_command(target: QueryTarget) -> CommandId {
        if is_specific(target.id) {
            CommandId::QUERY_SPECIFIC_FILE_REQUEST
        } else {
            CommandId::QUERY_NEXT_IMAGE_REQUEST
        }
    }

    /// Returns the request that queries `target`; `None` if the specification forbids such a request, or if the IEEE
    /// address that the request needs is unknown.
    pub(super) fn query_for(&self, target: QueryTarget) -> Option<ToServer> {
        let QueryTarget { id, stack } = target;
        if is_specific(id) {
            let node = self.config.identity.node?;
            Some(ToServer::QuerySpecificFile(QuerySpecificFileRequest { node, id, stack }))
        } else {
            let request = QueryNextImageRequest { current: id, hardware: self.config.identity.hardware };
            request.check().is_ok().then_some(ToServer::QueryNextImage(request))
        }
    }
}
