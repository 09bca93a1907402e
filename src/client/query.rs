//! Image Notify and the queries: from "there may be something" to an offer (sections 6.8.1, 6.10.3 to 6.10.5, 6.10.11
//! and 6.10.12).
//!
//! ```text
//! notify --concerns us, and the draw says so--> query --offer--> a version to take, of a size there is room for --> Deciding
//!                                                  \--refusal, silence--> the next query in its time
//! ```

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
use super::pending::PendingRequest;
use super::state::{State, Wanted, is_specific};

/// The shortest file there is: a header.
const LEAST_SIZE: u32 = 56;

/// Devices that ask because of one broadcast do so within a hundred times this, ms.
const SPREAD: u32 = 20;

impl<const RANGES: usize> Client<RANGES> {
    /// A notify leads to a query, unless something goes on already: always from a unicast one, from others only where
    /// it means this device and the draw says so.
    ///
    /// A device that holds an image and waits to upgrade does not ask beside that: the application is told, and may give
    /// that image up and ask.
    pub(super) fn on_notify<'f>(
        &mut self,
        now: Instant,
        notify: ImageNotify,
        delivery: DeliveryMode,
    ) -> Transition<'f, RANGES> {
        if delivery != DeliveryMode::Unicast {
            // In this order: a device that is not meant does not touch the random numbers.
            if let Err(violation) = notify.check() {
                return Transition::Drop(ClientIgnored::Invalid(violation));
            }
            if !self.concerns(notify.scope) || self.random.percent() > notify.jitter {
                return Transition::Drop(ClientIgnored::NotConcerned);
            }
        } else if self.config.strict && notify != ImageNotify::UNICAST {
            return Transition::Malformed(ClientIgnored::NotAsked);
        }
        self.events.push(ClientEvent::Notified);
        match self.state {
            State::Idle { .. } => {
                self.hurry_search();
                // All that heard one broadcast would be in each other's way, and again with each repetition.
                let apart = match delivery {
                    DeliveryMode::Unicast => 0,
                    _ => u32::from(self.random.percent()).saturating_mul(SPREAD),
                };
                Transition::Enter(self.asking(now.plus(Millis(apart))))
            }
            _ => Transition::Stay,
        }
    }

    /// Whether `scope` means this device: a version that it runs or holds is no news (section 6.10.3.4).
    fn concerns(&self, scope: NotifyScope) -> bool {
        let own = self.config.identity.current;
        let any = ImageFilter::ALL;
        match scope {
            NotifyScope::Everyone => true,
            NotifyScope::Manufacturer(manufacturer) => ImageFilter { manufacturer, ..any }.matches(own),
            NotifyScope::ImageType(manufacturer, image_type) => {
                ImageFilter { manufacturer, image_type, ..any }.matches(own)
            }
            NotifyScope::NewVersion(ImageFilter { manufacturer, image_type, version }) => {
                let filtered = image_type != ImageType::ANY && version != FileVersion::ANY;
                let held = self.held.or_else(|| self.state.downloaded());
                let holds = held.is_some_and(|image| {
                    image.id().image_type == own.image_type && image.id().version == version
                });
                ImageFilter { manufacturer, image_type, ..any }.matches(own)
                    && (!filtered || (version != own.version && !holds))
            }
        }
    }

    pub(super) fn on_query_response<'f>(
        &mut self,
        now: Instant,
        response: QueryResponse,
    ) -> Transition<'f, RANGES> {
        let Some((wanted, next)) = self.asked() else { return Transition::Drop(ClientIgnored::NotExpected) };
        match response {
            _ if is_specific(wanted.id) => Transition::Drop(ClientIgnored::NotExpected),
            QueryResponse::Refused(refusal) => self.on_no_image(now, refusal.status(), wanted, next),
            QueryResponse::Offer(offer) => self.on_offer(now, offer, wanted, next),
        }
    }

    pub(super) fn on_specific_response<'f>(
        &mut self,
        now: Instant,
        response: QueryResponse,
    ) -> Transition<'f, RANGES> {
        let Some((wanted, next)) = self.asked() else { return Transition::Drop(ClientIgnored::NotExpected) };
        match response {
            _ if !is_specific(wanted.id) => Transition::Drop(ClientIgnored::NotExpected),
            QueryResponse::Refused(refusal) => self.on_no_image(now, refusal.status(), wanted, next),
            QueryResponse::Offer(offer) => self.on_offer(now, offer, wanted, next),
        }
    }

    /// What the query that is out is for, and when the next one is due.
    fn asked(&self) -> Option<(Wanted, Option<Instant>)> {
        match self.state {
            State::Querying { wanted, exchange, next } if exchange.was_sent() => Some((wanted, next)),
            _ => None,
        }
    }

    fn on_offer<'f>(
        &mut self,
        now: Instant,
        offer: ImageOffer,
        wanted: Wanted,
        next: Option<Instant>,
    ) -> Transition<'f, RANGES> {
        let ImageId { manufacturer, image_type, version } = wanted.id;
        if (offer.id.manufacturer, offer.id.image_type) != (manufacturer, image_type) {
            return Transition::Malformed(ClientIgnored::NotAsked);
        }
        let specific = is_specific(wanted.id);
        // A file for one device is asked for by its version, unless any will do (section 6.10.12.2.4).
        if specific && version != FileVersion::ANY && offer.id.version != version {
            return Transition::Malformed(ClientIgnored::NotAsked);
        }
        self.heard();
        let held = self.held.is_some_and(|image| image.id() == offer.id);
        let passed = if offer.size < LEAST_SIZE || offer.size > self.config.max_size {
            SkipReason::Size
        } else if specific {
            return Transition::Enter(State::Deciding { offer });
        } else if held || (offer.id.version == version && self.config.versions != AcceptedVersions::Any) {
            SkipReason::SameVersion
        } else if offer.id.version == self.refused {
            SkipReason::Refused
        } else if offer.id.version < version && self.config.versions == AcceptedVersions::Newer {
            SkipReason::Older
        } else {
            return Transition::Enter(State::Deciding { offer });
        };
        self.events.push(ClientEvent::OfferSkipped(offer, passed));
        Transition::Enter(self.settled(now, next))
    }

    /// The server answered a query with a status; the next one is due at `next`.
    pub(super) fn on_no_image<'f>(
        &mut self,
        now: Instant,
        status: Status,
        wanted: Wanted,
        next: Option<Instant>,
    ) -> Transition<'f, RANGES> {
        self.heard();
        let unsupported = status == Status::UNSUP_CLUSTER_COMMAND && is_specific(wanted.id);
        let refused = unsupported || status == Status::NOT_AUTHORIZED;
        let leaves = refused && self.leave_server();
        self.events.push(match unsupported && !leaves {
            true => ClientEvent::Ended(Outcome::SpecificFilesUnsupported),
            false => ClientEvent::NoImage(Some(status)),
        });
        Transition::Enter(if leaves {
            // As soon as there is another one.
            self.asking_for(now, wanted, next)
        } else {
            self.settled(now, next)
        })
    }

    /// Nobody answered a query.
    pub(super) fn query_unanswered(&mut self, now: Instant, next: Option<Instant>) -> State<RANGES> {
        self.events.push(ClientEvent::NoImage(None));
        self.query_unheard();
        self.settled(now, next)
    }

    /// A query from now on: for the image that the device runs or, where some of a set are kept, for the next of it.
    pub(super) fn asking(&mut self, now: Instant) -> State<RANGES> {
        let id = if self.kept.count > 0 { self.kept.next } else { self.config.identity.current };
        let next = self.next_query(now);
        self.asking_for(now, Wanted { id, stack: self.config.stack }, next)
    }

    pub(super) fn asking_for(
        &mut self,
        now: Instant,
        wanted: Wanted,
        next: Option<Instant>,
    ) -> State<RANGES> {
        if self.query_for(wanted).is_some() {
            return State::Querying { wanted, exchange: PendingRequest::due(now), next };
        }
        // An identity that no query can carry: nobody will answer.
        self.events.push(ClientEvent::NoImage(None));
        self.settled(now, next)
    }

    /// The command that asks for `wanted`: never Query Next Image for a type that only files for one device have
    /// (section 6.10.4.2.3).
    pub(super) const fn query_command(wanted: Wanted) -> CommandId {
        if is_specific(wanted.id) {
            CommandId::QUERY_SPECIFIC_FILE_REQUEST
        } else {
            CommandId::QUERY_NEXT_IMAGE_REQUEST
        }
    }

    /// `None` when the rules do not let it be asked for.
    pub(super) fn query_for(&self, wanted: Wanted) -> Option<ToServer> {
        let Wanted { id, stack } = wanted;
        if is_specific(id) {
            let node = self.config.identity.node?;
            Some(ToServer::QuerySpecificFile(QuerySpecificFileRequest { node, id, stack }))
        } else {
            let request = QueryNextImageRequest { current: id, hardware: self.config.identity.hardware };
            request.check().is_ok().then_some(ToServer::QueryNextImage(request))
        }
    }
}
