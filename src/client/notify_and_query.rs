//! Image Notify, Query Next Image and Query Specific File: the steps from an Image Notify or a timer to an offer
//! (sections 6.8.1, 6.10.3 to 6.10.5, 6.10.11 and 6.10.12).
//!
//! ```text
//! notify --in scope, jitter passed--> query --offer--> version accepted, size fits --> Deciding
//!                                       | \--the image in hand--> the upgrade continues
//!                                       +--refusal--> next periodic query
//!                                       +--no answer--> next query after 5 minutes, 10 minutes, 20 minutes, ...
//! ```
//!
//! Sections refer to ZigBee document 095264 (2011).

use crate::aps::DeliveryMode;
use crate::time::Millis;
use crate::types::{FileVersion, ImageFilter, ImageId, ImageType};
use crate::zcl::{
    CommandId, ImageNotify, ImageOffer, NotifyScope, QueryNextImageRequest, QueryResponse,
    QuerySpecificFileRequest, Status, ToServer,
};

use super::Client;
use super::actions_and_needs::ClientIgnored;
use super::clock_ticks::Ticks;
use super::config::{AcceptedVersions, Settings};
use super::dispatch::Reaction;
use super::event::{ClientEvent, Outcome, SkipReason};
use super::request_retry::{PendingRequest, exponential_backoff};
use super::state::{
    AfterReport, DownloadStage, ImageStage, NoFile, QueryCause, QueryTarget, State, UpgradeEndAsk,
};
use super::upgrade_end::is_same_image;

/// Size in bytes of the shortest file, which is a header without optional fields.
const MIN_FILE_SIZE: u32 = 56;

/// Unit in milliseconds of the random delay between a broadcast Image Notify and the query. The delay before the query
/// is 1 to 100 times this unit, so that the queries of all devices spread over two seconds.
const NOTIFY_SPREAD: u32 = 20;

/// Time between the first failed query or upgrade and the next query. Five minutes are enough for the restart of most
/// gateways.
const FIRST_RETRY: Millis = Millis::from_secs(5 * 60);

/// Number of failures of a file after which the client skips offers of this file.
const MAX_IMAGE_FAILURES: u8 = 2;

/// Time since the last failure of a file after which a unicast Image Notify leads to another download of this file.
const NOTIFIED_ATTEMPT_AFTER: Millis = Millis::from_secs(24 * 60 * 60);

/// Time since the last failure of a file after which the client no longer skips offers of this file.
const FORGET_FAILURES_AFTER: Millis = Millis::from_secs(7 * 24 * 60 * 60);

/// Query that the client has sent and that a response of the server may answer.
#[derive(Clone, Copy)]
struct OpenQuery {
    target: QueryTarget,
    cause: QueryCause,
    /// `true` for a query during an upgrade.
    is_second: bool,
    /// Time of the next periodic query; [`Ticks::NEVER`] for a query during an upgrade.
    next: Ticks,
}

impl<const RANGES: usize, S: Settings> Client<RANGES, S> {
    /// Handles an Image Notify. The client sends a query after every unicast Image Notify, even during an upgrade.
    /// After a broadcast Image Notify, a client that is idle, or whose download is paused, sends a query if the Image
    /// Notify is meant for this device and its query jitter lets this device answer.
    pub(super) fn on_notify<'f>(
        &mut self,
        now: Ticks,
        sequence: u8,
        notify: ImageNotify,
        delivery: DeliveryMode,
    ) -> Reaction<'f> {
        if delivery != DeliveryMode::Unicast {
            // The scope is checked before the jitter, so that the client draws no random number for an Image Notify out
            // of scope.
            if let Err(violation) = notify.check() {
                return Reaction::Drop(ClientIgnored::Invalid(violation));
            }
            if !self.is_in_scope(notify.scope) || self.random.percent() > notify.jitter {
                return Reaction::Drop(ClientIgnored::NotForThisDevice);
            }
        } else if self.settings.config().strict && notify != ImageNotify::UNICAST {
            return Reaction::Malformed(ClientIgnored::Mismatch);
        }
        self.push_event(ClientEvent::Notified);
        let is_unicast = delivery == DeliveryMode::Unicast;
        if let (true, State::NoFile(NoFile::Idle { .. } | NoFile::Querying { .. })) =
            (is_unicast, &self.state)
        {
            // A copy of this Image Notify may arrive after the offer.
            (self.notified_at, self.notified_sequence) = (now, sequence);
        }
        match self.state {
            State::NoFile(NoFile::Idle { .. }) => {
                self.search_now();
                let at = now.plus(self.notify_delay(delivery));
                let cause = if is_unicast { QueryCause::UnicastNotify } else { QueryCause::Timer };
                self.begin_query(at, cause);
            }
            State::NoFile(NoFile::Querying { .. }) | State::Image(_, ImageStage::Applying) => {}
            State::Download(_, DownloadStage::Paused { .. }) if !is_unicast => {
                let at = now.plus(self.notify_delay(delivery));
                self.begin_second_query(at, QueryCause::Timer, 1);
            }
            _ if is_unicast => self.begin_notified_query(now, sequence),
            _ => {}
        }
        Reaction::Done
    }

    /// Returns the delay between an Image Notify and the query that follows the Image Notify. All devices receive a
    /// broadcast Image Notify at the same time. Without a random delay after a broadcast Image Notify, the queries of
    /// all devices would collide, and so would the retries of the queries.
    fn notify_delay(&mut self, delivery: DeliveryMode) -> Millis {
        match delivery {
            DeliveryMode::Unicast => Millis(0),
            _ => Millis(u32::from(self.random.percent()).saturating_mul(NOTIFY_SPREAD)),
        }
    }

    /// Returns whether an Image Notify with `scope` is meant for this device. An Image Notify that names a version
    /// which the device runs or has downloaded is not meant for this device (section 6.10.3.4).
    fn is_in_scope(&self, scope: NotifyScope) -> bool {
        let own = self.current;
        let any = ImageFilter::ALL;
        match scope {
            NotifyScope::Everyone => true,
            NotifyScope::Manufacturer(manufacturer) => ImageFilter { manufacturer, ..any }.matches(own),
            NotifyScope::ImageType(manufacturer, image_type) => {
                ImageFilter { manufacturer, image_type, ..any }.matches(own)
            }
            NotifyScope::NewVersion(ImageFilter { manufacturer, image_type, version }) => {
                let has_version = image_type != ImageType::ANY && version != FileVersion::ANY;
                let verified = self.suspended_image().or_else(|| self.state.verified_image());
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
        now: Ticks,
        sequence: u8,
        response: QueryResponse,
    ) -> Reaction<'f> {
        self.on_answer(now, sequence, response, false)
    }

    pub(super) fn on_specific_response<'f>(
        &mut self,
        now: Ticks,
        sequence: u8,
        response: QueryResponse,
    ) -> Reaction<'f> {
        self.on_answer(now, sequence, response, true)
    }

    fn on_answer<'f>(
        &mut self,
        now: Ticks,
        sequence: u8,
        response: QueryResponse,
        specific: bool,
    ) -> Reaction<'f> {
        let Some(query) = self.open_query().filter(|query| Self::is_specific(query.target.id) == specific)
        else {
            return Reaction::Drop(ClientIgnored::Unexpected);
        };
        let matches = self.open_pending_query().is_some_and(|pending| pending.has_sequence(sequence));
        match response {
            // The answer to an earlier query may arrive after the client has sent a query for an Image Notify. A
            // refusal of the earlier query is not a refusal of the later query.
            QueryResponse::Refused(_) if query.is_second && !matches && !self.numbering.is_own() => {
                Reaction::Drop(ClientIgnored::Unexpected)
            }
            QueryResponse::Refused(refusal) => {
                self.numbering.record_query(matches);
                self.on_no_image(now, refusal.status());
                Reaction::Done
            }
            QueryResponse::Offer(offer) => self.on_offer(now, offer, query, matches),
        }
    }

    /// Returns the query that was sent and waits for its answer; `None` if there is no such query.
    fn open_query(&self) -> Option<OpenQuery> {
        match self.state {
            State::NoFile(NoFile::Querying { target, pending, next, cause }) => {
                pending.has_been_sent().then_some(OpenQuery { target, cause, is_second: false, next })
            }
            _ => self.second_query.filter(|query| query.pending.has_been_sent()).map(|query| OpenQuery {
                target: self.target_in_hand(),
                cause: query.cause,
                is_second: true,
                next: Ticks::NEVER,
            }),
        }
    }

    /// Returns the retry state of the query that waits for its answer; `None` if no query was sent.
    pub(super) fn open_pending_query(&self) -> Option<&PendingRequest> {
        match &self.state {
            State::NoFile(NoFile::Querying { pending, .. }) => Some(pending),
            _ => self.second_query.as_ref().map(|query| &query.pending),
        }
    }

    /// Returns the command of the query that waits for its answer; `None` if no query was sent.
    pub(super) fn open_query_command(&self) -> Option<CommandId> {
        self.open_query().map(|query| Self::query_command(query.target))
    }

    fn on_offer<'f>(
        &mut self,
        now: Ticks,
        offer: ImageOffer,
        query: OpenQuery,
        matches: bool,
    ) -> Reaction<'f> {
        let ImageId { manufacturer, image_type, version } = query.target.id;
        // The version 0xFFFFFFFF is the wildcard for all versions, and not the version of a file.
        if (offer.id.manufacturer, offer.id.image_type) != (manufacturer, image_type)
            || offer.id.version == FileVersion::ANY
        {
            return Reaction::Malformed(ClientIgnored::Mismatch);
        }
        let specific = Self::is_specific(query.target.id);
        // A query for a device-specific file names the requested version, or any version (section 6.10.12.2.4).
        if specific && version != FileVersion::ANY && offer.id.version != version {
            return Reaction::Malformed(ClientIgnored::Mismatch);
        }
        self.numbering.record_query(matches);
        self.reset_unanswered_queries();
        self.second_query = None;
        if query.is_second && self.continue_with(now, offer) {
            return Reaction::Done;
        }
        match self.skip_reason(now, offer, query) {
            Some(reason) => self.skip_offer(now, offer, reason, query),
            None => self.decide(now, offer),
        }
        Reaction::Done
    }

    /// Continues the current upgrade and returns `true` if `offer` is the image of the current upgrade.
    fn continue_with(&mut self, now: Ticks, offer: ImageOffer) -> bool {
        if self.state.open_offer() == Some(offer) {
            return true;
        }
        let in_hand = match &self.state {
            State::NoFile(NoFile::Erasing { offer, .. }) => *offer,
            State::NoFile(_) => return false,
            State::Download(download, _) => download.offer,
            State::Image(image, _) => image.offer,
        };
        if in_hand != offer {
            return false;
        }
        let due = PendingRequest::due_at(now);
        match self.state {
            State::NoFile(_) => {}
            State::Download(..) => self.continue_download(now),
            State::Image(_, stage) => match stage {
                ImageStage::Deciding { is_verified: false, .. } => {
                    self.enter_image_stage(ImageStage::Verifying)
                }
                ImageStage::Deciding { is_verified: true, .. } | ImageStage::AwaitingActivation => {
                    self.begin_upgrade_end(now);
                }
                ImageStage::Verifying | ImageStage::AwaitingCredentials { .. } => {}
                // The countdown continues, and the server may set an earlier upgrade time.
                ImageStage::CountingDown { at, utc, .. } => {
                    self.enter_image_stage(ImageStage::CountingDown { at, utc, pending: Some(due) });
                }
                ImageStage::Ending { ask, .. } | ImageStage::Waiting { ask, .. } => {
                    let ask = UpgradeEndAsk { refusals: ask.refusals, ..UpgradeEndAsk::new(now) };
                    self.enter_image_stage(ImageStage::Ending { pending: due, ask });
                }
                ImageStage::Applying => return false,
            },
        }
        true
    }

    /// Returns the reason for which the client skips `offer` without a decision of the application; `None` if the
    /// application has to decide on `offer`.
    fn skip_reason(&self, now: Ticks, offer: ImageOffer, query: OpenQuery) -> Option<SkipReason> {
        let version = query.target.id.version;
        let is_suspended = self.suspended_image().is_some_and(|image| image.id() == offer.id);
        if offer.size < MIN_FILE_SIZE || offer.size > self.settings.config().max_file_size {
            Some(SkipReason::Size)
        } else if Self::is_specific(offer.id) {
            None
        } else if is_suspended
            || (offer.id.version == version
                && self.settings.config().accepted_versions != AcceptedVersions::Any)
        {
            Some(SkipReason::SameVersion)
        } else if offer.id.version == self.refused_version && !self.has_refusal_expired(now) {
            Some(SkipReason::Refused)
        } else if offer.id.version < version
            && self.settings.config().accepted_versions == AcceptedVersions::Newer
        {
            Some(SkipReason::Older)
        } else if self.has_failed_before(now, offer, query.cause) {
            Some(SkipReason::FailedBefore)
        } else {
            None
        }
    }

    /// Returns whether the query interval has passed since the last refusal of the application. A periodic query ends
    /// the effect of a refusal, but a client with a download or a complete file makes no periodic queries.
    fn has_refusal_expired(&self, now: Ticks) -> bool {
        self.query_interval.is_some_and(|interval| self.refused_at.plus(interval) <= self.clock.instant(now))
    }

    /// Returns whether the client skips `offer` because the offered file failed its verification or its boot. `cause`
    /// is the cause of the query that `offer` answers, and determines how long after the failure the client
    /// skips the file.
    fn has_failed_before(&self, now: Ticks, offer: ImageOffer, cause: QueryCause) -> bool {
        let age = now.since(self.failed_at);
        let is_due = match cause {
            QueryCause::Application => true,
            QueryCause::UnicastNotify => age >= NOTIFIED_ATTEMPT_AFTER,
            QueryCause::Timer => age >= FORGET_FAILURES_AFTER,
        };
        self.failed_image.is_some_and(|failed| {
            (failed.version, failed.size) == (offer.id.version, offer.size)
                && failed.failures >= MAX_IMAGE_FAILURES
                && !is_due
        })
    }

    /// Skips `offer` for `reason`. If the offer answers a query during an upgrade, the client only reports the skipped
    /// offer as an event, and the upgrade continues.
    fn skip_offer(&mut self, now: Ticks, offer: ImageOffer, reason: SkipReason, query: OpenQuery) {
        self.push_event(ClientEvent::OfferSkipped(offer, reason));
        if query.is_second {
            return;
        }
        let is_reported = self.settings.config().report_skipped_offers
            && reason != SkipReason::Refused
            && !Self::is_specific(offer.id)
            && self.suspended_image().is_none()
            && !self.has_pending_images()
            && self.reported_version != offer.id.version;
        if is_reported {
            self.reported_version = offer.id.version;
            self.enter(NoFile::Reporting {
                id: offer.id,
                status: Status::INVALID_IMAGE,
                after: AfterReport::Skipped(query.next),
                pending: PendingRequest::due_at(now),
            });
        } else {
            self.go_home(now, query.next);
        }
    }

    /// Asks the application to decide on `offer`, and keeps the file of the current upgrade until the decision.
    fn decide(&mut self, now: Ticks, offer: ImageOffer) {
        match self.state {
            // The client has reported the end of the earlier upgrade to the server. The earlier upgrade now ends,
            // whether the server has answered the report or not.
            State::NoFile(NoFile::Reporting { after: AfterReport::End(outcome), .. }) => {
                self.end_upgrade(now, outcome);
                // At the end of an upgrade, the client may discard the kept images of a set of images. The offered
                // image of this set must not be installed without the kept images, so the client queries for the image
                // of its identity instead.
                if !Self::is_specific(offer.id) && !is_same_image(offer.id, self.next_image()) {
                    return self.begin_query(now, QueryCause::Timer);
                }
            }
            State::NoFile(NoFile::Reporting { .. }) => return,
            State::NoFile(NoFile::Erasing { .. }) => {
                self.push_event(ClientEvent::Ended(Outcome::Replaced));
            }
            _ => {}
        }
        let is_verified = self.state.verified_image().is_some();
        match &mut self.state {
            State::NoFile(_) => self.enter(NoFile::Deciding { offer }),
            State::Download(download, stage) => {
                if !matches!(stage, DownloadStage::Deciding { .. }) {
                    download.pause(now, self.settings.config());
                }
                self.enter_download_stage(DownloadStage::Deciding { offer });
            }
            State::Image(..) => self.enter_image_stage(ImageStage::Deciding { offer, is_verified }),
        }
    }

    /// Handles a response without an offer to the open query; `status` is the status of the response. If the client
    /// sent the query during an upgrade, the client only reports the response as an event, and the upgrade continues.
    pub(super) fn on_no_image(&mut self, now: Ticks, status: Status) {
        self.reset_unanswered_queries();
        let State::NoFile(NoFile::Querying { target, next, cause, .. }) = self.state else {
            self.second_query = None;
            self.push_event(ClientEvent::NoImage(Some(status)));
            return;
        };
        let unsupported = status == Status::UNSUP_CLUSTER_COMMAND && Self::is_specific(target.id);
        let refused = unsupported || status == Status::NOT_AUTHORIZED;
        let replaces = refused && self.replace_refusing_server();
        self.push_event(match unsupported && !replaces {
            true => ClientEvent::Ended(Outcome::SpecificFilesUnsupported),
            false => ClientEvent::NoImage(Some(status)),
        });
        if replaces {
            // The client sends the query as soon as the search has found another server.
            self.begin_query_for(now, target, next, cause);
        } else {
            self.go_home(now, next);
        }
    }

    /// Ends a query after all attempts of the query stayed unanswered. The client sends the next query after about five
    /// minutes, or later if earlier queries stayed unanswered, but not later than the next periodic query.
    pub(super) fn on_query_timeout(&mut self, now: Ticks, next: Ticks) {
        self.push_event(ClientEvent::NoImage(None));
        self.count_unanswered_query(now);
        let retry_at = self.retry_at(now, self.query_failures, next);
        self.query_failures = self.query_failures.saturating_add(1);
        self.go_home(now, retry_at);
    }

    /// Returns the time of the next query after `failures` consecutive failed queries or upgrades. The returned time is
    /// never later than `next`, the time of the next periodic query, and is [`Ticks::NEVER`] if periodic queries are
    /// disabled.
    pub(super) fn retry_at(&mut self, now: Ticks, failures: u8, next: Ticks) -> Ticks {
        let Millis(delay) = exponential_backoff(FIRST_RETRY, failures);
        let spread = self.random_delay(Millis(delay >> 2));
        if next.is_never() { next } else { now.plus(Millis(delay)).plus(spread).min(next) }
    }

    /// Returns the image that the next query asks for, with the version that the device runs. The returned image is the
    /// next image of the device if verified images are kept, and otherwise the running image.
    pub(super) const fn next_image(&self) -> ImageId {
        if self.has_pending_images() { self.pending_images.next } else { self.current }
    }

    /// Schedules a query for the time `at`. The client queries a new version of the running image or, while verified
    /// images are kept, of the next image of the device.
    pub(super) fn begin_query(&mut self, at: Ticks, cause: QueryCause) {
        let next = self.next_query_at(at);
        let target = QueryTarget { id: self.next_image(), stack: self.stack };
        self.begin_query_for(at, target, next, cause);
    }

    pub(super) fn begin_query_for(&mut self, at: Ticks, target: QueryTarget, next: Ticks, cause: QueryCause) {
        if self.can_query(target) {
            let pending = PendingRequest::due_at(at);
            return self.enter(NoFile::Querying { target, pending, next, cause });
        }
        self.push_event(ClientEvent::CannotQuery(target.id));
        self.go_home(at, next);
    }

    /// Returns the command of a query for `target`, which is an image of the device or a device-specific file. Query
    /// Next Image is forbidden for the image types of device-specific files (section 6.10.4.2.3).
    pub(super) const fn query_command(target: QueryTarget) -> CommandId {
        if Self::is_specific(target.id) {
            CommandId::QUERY_SPECIFIC_FILE_REQUEST
        } else {
            CommandId::QUERY_NEXT_IMAGE_REQUEST
        }
    }

    /// Returns the request of a query for `target`; `None` if the specification forbids a query for `target`, or if the
    /// query needs the IEEE address of the device and the address is unknown.
    pub(super) fn query_for(&self, target: QueryTarget) -> Option<ToServer> {
        let QueryTarget { id, stack } = target;
        if !self.can_query(target) {
            return None;
        }
        Some(if Self::is_specific(id) {
            let node = self.settings.config().identity.node?;
            ToServer::QuerySpecificFile(QuerySpecificFileRequest { node, id, stack })
        } else {
            ToServer::QueryNextImage(self.next_image_request(id))
        })
    }

    fn next_image_request(&self, current: ImageId) -> QueryNextImageRequest {
        QueryNextImageRequest { current, hardware: self.settings.config().identity.hardware }
    }

    /// Returns whether the client can send a query for `target`, see [`query_for`](Self::query_for).
    #[cfg_attr(target_pointer_width = "32", inline(never))]
    pub(super) fn can_query(&self, target: QueryTarget) -> bool {
        match Self::is_specific(target.id) {
            true => self.settings.config().identity.node.is_some(),
            false => self.next_image_request(target.id).check().is_ok(),
        }
    }
}
