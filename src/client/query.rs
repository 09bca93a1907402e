//! Image Notify and Query Next Image: from "there may be something" to an offer (sections 6.8.1, 6.10.3 to 6.10.5).

use crate::link::DeliveryMode;
use crate::time::Instant;
use crate::types::{FileVersion, ImageFilter, ImageId, ImageType};
use crate::zcl::{ImageNotify, ImageOffer, NotifyScope, QueryNextImageResponse, Status};

use super::output::{Event, Ignored, Passed};
use super::state::State;
use super::{Client, Step};

/// The shortest file there is: a header.
const LEAST_SIZE: u32 = 56;

impl Client {
    /// A notify leads to a query, unless something goes on already: always from a unicast one, from others only where
    /// it means this device and the draw says so.
    pub(super) fn on_notify(
        &mut self,
        now: Instant,
        notify: ImageNotify,
        delivery: DeliveryMode,
    ) -> Step<'static> {
        if delivery != DeliveryMode::Unicast {
            // In this order: a device that is not meant does not touch the random numbers.
            if let Err(violation) = notify.check() {
                return Step::Drop(Ignored::Invalid(violation));
            }
            if !concerns(notify.scope, self.config.identity.current) || self.random.percent() > notify.jitter
            {
                return Step::Drop(Ignored::NotConcerned);
            }
        }
        self.events.push(Event::Notified);
        match self.state {
            State::Idle { .. } => Step::Enter(self.asking(now)),
            _ => Step::Stay,
        }
    }

    pub(super) fn on_query_response(&mut self, response: QueryNextImageResponse) -> Step<'static> {
        let State::Querying { next, .. } = self.state else {
            return Step::Drop(Ignored::NotExpected);
        };
        match response {
            QueryNextImageResponse::Refused(refusal) => self.no_image(Some(refusal.status()), next),
            QueryNextImageResponse::Offer(offer) => self.on_offer(offer, next),
        }
    }

    fn on_offer(&mut self, offer: ImageOffer, next: Option<Instant>) -> Step<'static> {
        let own = self.config.identity.current;
        if (offer.id.manufacturer, offer.id.image_type) != (own.manufacturer, own.image_type) {
            return Step::Malformed(Ignored::NotAsked);
        }
        let passed = if offer.size < LEAST_SIZE || offer.size > self.config.max_size {
            Passed::Size
        } else if offer.id.version == own.version && !self.config.reinstall {
            Passed::SameVersion
        } else {
            return Step::Enter(State::Deciding { offer });
        };
        self.events.push(Event::OfferPassed(offer, passed));
        Step::Enter(State::Idle { query_at: next })
    }

    /// The query is over; the next one is due at `next`.
    pub(super) fn no_image(&mut self, status: Option<Status>, next: Option<Instant>) -> Step<'static> {
        self.events.push(Event::NoImage(status));
        Step::Enter(State::Idle { query_at: next })
    }
}

/// Whether `scope` means a device that runs `own`: an equal version is no news (section 6.10.3.4).
fn concerns(scope: NotifyScope, own: ImageId) -> bool {
    let any = ImageFilter::ALL;
    match scope {
        NotifyScope::Everyone => true,
        NotifyScope::Manufacturer(manufacturer) => ImageFilter { manufacturer, ..any }.matches(own),
        NotifyScope::ImageType(manufacturer, image_type) => {
            ImageFilter { manufacturer, image_type, ..any }.matches(own)
        }
        NotifyScope::NewVersion(ImageFilter { manufacturer, image_type, version }) => {
            let filtered = image_type != ImageType::ANY && version != FileVersion::ANY;
            ImageFilter { manufacturer, image_type, ..any }.matches(own)
                && (!filtered || version != own.version)
        }
    }
}
