//! Last stage of an upgrade: Upgrade End Request to the server, Upgrade End Response, countdown and activation
//! (sections 6.10.9, 6.10.10 and 6.12).
//!
//! ```text
//! verified --> Upgrade End Request --response: a time--> countdown --> apply
//!                    |       ^     \--unanswered for three more hours--> apply, or repeat every hour
//!                    |       | every hour
//!                    +-- response: wait; error ABORT or NO_IMAGE_AVAILABLE (with a query soon); no answer
//! ```
//!
//! If the server does not answer, the client repeats the first Upgrade End Request with growing pauses for one hour.
//! After the first hour, the client sends one Upgrade End Request per hour. Sections refer to ZigBee document 095264
//! (2011).

use crate::aps::DeliveryMode;
use crate::time::{Instant, Millis, ServerTime, TimeField, UtcTime};
use crate::types::{FileVersion, ImageId, SecurityCredentialVersion};
use crate::zcl::{Status, UpgradeActivationPolicy, UpgradeEndResponse};

use super::Client;
use super::actions_and_needs::ClientIgnored;
use super::checkpoint::{HeaderFacts, PendingImages};
use super::clock_ticks::Ticks;
use super::config::{Settings, UpgradeEndFallback};
use super::dispatch::Reaction;
use super::event::{ClientEvent, Outcome};
use super::request_retry::{PendingRequest, exponential_backoff};
use super::state::{AfterReport, ImageStage, NoFile, QueryCause, State, StoredImage, UpgradeEndAsk};

/// Time between two Upgrade End Requests of a client that the server asked to wait. Section 6.12 allows at most one
/// Upgrade End Request per hour.
pub(super) const UPGRADE_END_INTERVAL: Millis = Millis::from_secs(60 * 60);

/// Number of times that the client asks for an upgrade time before a silent server counts as unreachable: once in the
/// first hour, then three times at intervals of one hour. Section 6.12 demands the interval of one hour and the three
/// repetitions by the words "no more often than once every 60 minutes" and "unreachable after 3 retries".
const MAX_UNANSWERED_ASKS: u8 = 4;

/// Time between a refused Upgrade End Request and the query by which the client asks whether the server still offers
/// the image. The delay from a refused Upgrade End Request to the query doubles with each consecutive refusal, up to
/// one hour.
const REFUSED_QUERY_DELAY: Millis = Millis::from_secs(1);

/// Number of attempts of an Upgrade End Request with another status than SUCCESS, or for a device-specific file. Two
/// attempts of such an Upgrade End Request are enough, because the client continues in the same way with or without an
/// answer (sections 6.10.9.4 and 6.10.10.3).
const MAX_REPORT_ATTEMPTS: u8 = 2;

impl<const RANGES: usize, S: Settings> Client<RANGES, S> {
    pub(super) fn on_upgrade_end<'f>(
        &mut self,
        now: Ticks,
        sequence: u8,
        response: UpgradeEndResponse,
        delivery: DeliveryMode,
    ) -> Reaction<'f> {
        let State::Image(
            image,
            ImageStage::Ending { .. }
            | ImageStage::Waiting { .. }
            | ImageStage::AwaitingActivation
            | ImageStage::CountingDown { .. },
        ) = &self.state
        else {
            return Reaction::Drop(ClientIgnored::Unexpected);
        };
        let id = image.id();
        if !response.target.matches(id) {
            return Reaction::Drop(ClientIgnored::NotForThisDevice);
        }
        let time = response.time;
        match time.delay_seconds(TimeField::Upgrade, self.utc(now), self.settings.config().utc_tolerance) {
            Ok(Some(_)) if self.requires_activation(id) => {
                if delivery != DeliveryMode::Unicast {
                    return Reaction::Drop(ClientIgnored::NotAuthorized);
                }
                self.wait_for_activation();
                Reaction::Deny
            }
            Ok(Some(seconds)) => {
                self.report_clocks(now, time);
                let at = self.not_later(sequence, time, self.clock.instant(now).plus_seconds(seconds));
                self.count_down(now, at, self.agreed_utc(now, time));
                Reaction::Done
            }
            Ok(None) => {
                if !matches!(self.state, State::Image(_, ImageStage::AwaitingActivation)) {
                    self.wait_for_upgrade_end(now);
                }
                Reaction::Done
            }
            Err(_) => Reaction::Malformed(ClientIgnored::Mismatch),
        }
    }

    /// Returns the upgrade time of an Upgrade End Response with the sequence number `sequence`: usually `at`, but the
    /// earlier one of `at` and the present upgrade time if the response must not postpone the upgrade. An Upgrade End
    /// Response must not postpone the upgrade if it gives the upgrade time as a delay, and answers a request that the
    /// client sent during a countdown. A server may answer every Upgrade End Request with the same delay; if each
    /// answer postponed the upgrade, the upgrade would never start.
    fn not_later(&self, sequence: u8, time: ServerTime, at: Instant) -> Instant {
        match &self.state {
            State::Image(_, ImageStage::CountingDown { at: present, pending: Some(pending), .. })
                if time.current == 0 && pending.has_been_sent() && pending.has_sequence(sequence) =>
            {
                at.min(*present)
            }
            _ => at,
        }
    }

    /// Returns the upgrade time in UTC that the server gives in `time`. Returns `None` if the clocks of server and
    /// device disagree, if the device has no UTC clock, or if the upgrade time is 0.
    fn agreed_utc(&self, now: Ticks, time: ServerTime) -> Option<UtcTime> {
        let own = self.utc(now)?;
        (time.agrees_with(own, self.settings.config().utc_tolerance) && time.then != 0)
            .then_some(UtcTime(time.then))
    }

    /// Reports an event if `time`, the times in a response of the server, shows that the clocks of server and device
    /// disagree.
    pub(super) fn report_clocks(&mut self, now: Ticks, time: ServerTime) {
        if let Some(own) = self.utc(now)
            && time.current != 0
            && time.then != u32::MAX
            && !time.agrees_with(own, self.settings.config().utc_tolerance)
        {
            self.push_event(ClientEvent::ClocksDisagree { server: UtcTime(time.current), own });
        }
    }

    /// Starts the countdown to the upgrade at the time `at`, or moves a running countdown to the time `at`.
    fn count_down(&mut self, now: Ticks, at: Instant, utc: Option<UtcTime>) {
        self.push_event(ClientEvent::CountingDown(at));
        let pending = self.next_countdown_request(now, at);
        self.enter_image_stage(ImageStage::CountingDown { at, utc, pending });
    }

    /// Returns the next Upgrade End Request during a countdown until `at`; `None` if the countdown is no longer than
    /// `max_unchecked_countdown`.
    fn next_countdown_request(&mut self, now: Ticks, at: Instant) -> Option<PendingRequest> {
        let is_long = self.clock.instant(now.plus(self.settings.config().max_unchecked_countdown)) < at;
        is_long.then(|| PendingRequest::due_at(self.next_ask_at(now)))
    }

    /// Adjusts the countdown after the UTC clock of the device was set, so that the countdown still ends at its upgrade
    /// time in UTC.
    pub(super) fn adjust_countdown(&mut self, now: Ticks) {
        let Some(own) = self.utc(now) else { return };
        if let State::Image(_, ImageStage::CountingDown { at, utc: Some(utc), .. }) = &mut self.state {
            let seconds = core::time::Duration::from_secs(u64::from(utc.0.saturating_sub(own.0)));
            *at = self.clock.instant(now).after(seconds);
        }
    }

    /// Handles a Default Response with `status` to the Upgrade End Request.
    pub(super) fn on_upgrade_end_status<'f>(&mut self, now: Ticks, status: Status) -> Reaction<'f> {
        let (id, stage) = match self.state {
            State::NoFile(NoFile::Reporting { id, after, .. }) => {
                self.after_report(now, id, after);
                return Reaction::Done;
            }
            State::Image(image, stage) => (image.id(), stage),
            _ => return Reaction::Drop(ClientIgnored::Unexpected),
        };
        match stage {
            ImageStage::CountingDown { .. } | ImageStage::Ending { .. }
                if status == Status::NOT_AUTHORIZED =>
            {
                self.end_upgrade(now, Outcome::UpgradeRefused(status));
            }
            // The upgrade time stays valid, and the next request follows in an hour.
            ImageStage::CountingDown { at, .. } => self.ask_again_in_countdown(now, at),
            ImageStage::Ending { .. } if Self::is_specific(id) => match status {
                Status::SUCCESS => self.end_upgrade(now, Outcome::Received(id)),
                status if is_not_understood(status) => {}
                status => self.end_upgrade(now, Outcome::UpgradeRefused(status)),
            },
            // A Default Response SUCCESS acknowledges the request but gives no upgrade time. The Upgrade End Response
            // is still to come, and the client asks again as if the server had asked it to wait. The state stays the
            // same, because the server did not ask the client to wait: ImageUpgradeStatus remains "download complete".
            ImageStage::Ending { .. } if status == Status::SUCCESS => {
                self.push_event(ClientEvent::WaitingForUpgradeEnd);
                let next = self.next_ask_at(now);
                self.ask_later(next, UpgradeEndAsk::told_to_wait(now));
            }
            // The server does not know the image at present, such as after a restart of a gateway. A query shows
            // whether the server offers the image again.
            ImageStage::Ending { ask, .. }
                if matches!(status, Status::ABORT | Status::NO_IMAGE_AVAILABLE) =>
            {
                self.push_event(ClientEvent::UpgradeEndRefused(status));
                let refusals = ask.refusals.saturating_add(1);
                let delay = exponential_backoff(REFUSED_QUERY_DELAY, ask.refusals).min(UPGRADE_END_INTERVAL);
                let ask = UpgradeEndAsk { refusals, ..UpgradeEndAsk::told_to_wait(now) };
                let next = self.next_ask_at(now);
                self.ask_later(next, ask);
                self.begin_second_query(now.plus(delay), QueryCause::Timer, 1);
            }
            // Any other error says that the server could not read the request, which counts as no answer. The request
            // may have been damaged on its way.
            ImageStage::Ending { .. } => self.push_event(ClientEvent::UpgradeEndRefused(status)),
            _ => return Reaction::Drop(ClientIgnored::Unexpected),
        }
        Reaction::Done
    }

    /// Continues after the Upgrade End Request that reported the image `id` with another status than SUCCESS, whether
    /// the server answered the request or not.
    fn after_report(&mut self, now: Ticks, id: ImageId, after: AfterReport) {
        match after {
            AfterReport::End(outcome) => self.end_upgrade(now, outcome),
            AfterReport::Skipped(next) => self.go_home(now, next),
            AfterReport::More(..) if !S::ABILITIES.several_images => {
                self.end_upgrade(now, Outcome::Cancelled);
            }
            AfterReport::More(next, HeaderFacts { stack, credential }) => {
                let missing = credential.filter(|needed| !self.has_credential(*needed));
                let pending = &mut self.pending_images;
                pending.count = pending.count.saturating_add(1);
                pending.next = next;
                if is_same_image(id, self.current) {
                    (pending.identity_version, pending.identity_stack) = (id.version, stack);
                }
                pending.missing_credential = missing.or(pending.missing_credential);
                self.push_event(ClientEvent::ImageRetained(id));
                self.begin_query(now, QueryCause::Timer);
            }
        }
    }

    /// Continues the upgrade with the complete file, which is now verified. If the device lacks credentials that the
    /// file or a kept image requires, the client waits for the credentials. If no credentials are missing, the client
    /// asks the server for the upgrade time.
    #[inline(never)]
    pub(super) fn begin_upgrade_end(&mut self, now: Ticks) {
        let State::Image(image, _) = &self.state else { return };
        let needed = image.header.credential.filter(|needed| !self.has_credential(*needed));
        let missing = self.pending_images.missing_credential.filter(|_| S::ABILITIES.several_images);
        match needed.or(missing) {
            Some(_) if !S::ABILITIES.credentials => {
                let id = image.id();
                self.report_failure(now, id, Status::ABORT, Outcome::NoCredentials);
            }
            Some(needed) => self.enter_image_stage(ImageStage::AwaitingCredentials { needed }),
            None => self.ask_for_upgrade_end(now),
        }
    }

    /// Continues with the complete and verified file `image`, as [`begin_upgrade_end`](Self::begin_upgrade_end) does.
    pub(super) fn begin_stored_upgrade_end(&mut self, now: Ticks, image: StoredImage) {
        self.enter_image(image, ImageStage::Verifying);
        self.begin_upgrade_end(now);
    }

    /// Schedules the first Upgrade End Request for the complete file, to be sent at `now`.
    pub(super) fn ask_for_upgrade_end(&mut self, now: Ticks) {
        self.ask_later(now, UpgradeEndAsk::new(now));
    }

    /// Returns whether the security credentials of the device have the version `needed` or a newer version (section
    /// 6.3.2.11).
    fn has_credential(&self, needed: SecurityCredentialVersion) -> bool {
        let Some(own) = self.credential.filter(|_| S::ABILITIES.credentials) else { return false };
        match (credential_rank(own), credential_rank(needed)) {
            (Some(own), Some(needed)) => own >= needed,
            _ => own == needed,
        }
    }

    /// Waits for one hour until the next Upgrade End Request, because the Upgrade End Response of the server gave no
    /// upgrade time.
    fn wait_for_upgrade_end(&mut self, now: Ticks) {
        self.push_event(ClientEvent::WaitingForUpgradeEnd);
        let (ask_at, ask) = (self.next_ask_at(now), UpgradeEndAsk::told_to_wait(now));
        self.enter_image_stage(ImageStage::Waiting { ask_at, ask });
    }

    /// Schedules the next Upgrade End Request for the time `at`. `ask_later` enters the state Ending and not Waiting,
    /// because Waiting is only for a client that the server asked to wait.
    fn ask_later(&mut self, at: Ticks, ask: UpgradeEndAsk) {
        self.enter_image_stage(ImageStage::Ending { pending: PendingRequest::due_at(at), ask });
    }

    /// Returns the time of the next hourly Upgrade End Request after a request at `now`.
    fn next_ask_at(&mut self, now: Ticks) -> Ticks {
        let spread = self.random_delay(Millis(UPGRADE_END_INTERVAL.0 >> 2));
        now.plus(UPGRADE_END_INTERVAL).plus(spread)
    }

    /// Returns whether only the application may start the upgrade to the image `id`.
    fn requires_activation(&self, id: ImageId) -> bool {
        self.settings.config().activation_policy == UpgradeActivationPolicy::OUT_OF_BAND
            && !Self::is_specific(id)
    }

    fn wait_for_activation(&mut self) {
        self.push_event(ClientEvent::WaitingForActivation);
        self.enter_image_stage(ImageStage::AwaitingActivation);
    }

    /// Handles the timeout of an Upgrade End Request that was attempted `attempts` times.
    pub(super) fn on_upgrade_end_timeout(&mut self, now: Ticks, attempts: u8) {
        match self.state {
            State::NoFile(NoFile::Reporting { id, after, .. }) if attempts >= MAX_REPORT_ATTEMPTS => {
                self.after_report(now, id, after);
            }
            State::Image(image, ImageStage::Ending { .. })
                if Self::is_specific(image.id()) && attempts >= MAX_REPORT_ATTEMPTS =>
            {
                self.end_upgrade(now, Outcome::Received(image.id()));
            }
            State::Image(image, ImageStage::Ending { ask, .. }) if !Self::is_specific(image.id()) => {
                self.on_unanswered_ask(now, image.id(), ask, attempts);
            }
            State::Image(_, ImageStage::CountingDown { at, .. }) => self.ask_again_in_countdown(now, at),
            _ => {}
        }
    }

    /// Schedules the next Upgrade End Request in a countdown that ends at the time `at`.
    fn ask_again_in_countdown(&mut self, now: Ticks, at: Instant) {
        let next = self.next_countdown_request(now, at);
        if let State::Image(_, ImageStage::CountingDown { pending, .. }) = &mut self.state {
            *pending = next;
        }
    }

    /// Handles an unanswered Upgrade End Request for the image `id`. `attempts` is the number of attempts of the
    /// unanswered request, and `ask` is the record of all Upgrade End Requests for the image.
    fn on_unanswered_ask(&mut self, now: Ticks, id: ImageId, ask: UpgradeEndAsk, attempts: u8) {
        let hour_end = ask.since.plus(UPGRADE_END_INTERVAL);
        if ask.is_first {
            let retry_at = now.plus(exponential_backoff(self.settings.config().initial_timeout, attempts));
            if retry_at < hour_end {
                if let Some(pending) = self.state.pending_request_mut() {
                    pending.retry_at(retry_at);
                }
                return;
            }
        }
        let unanswered = ask.unanswered.saturating_add(1);
        if unanswered >= MAX_UNANSWERED_ASKS {
            if self.requires_activation(id) {
                return self.wait_for_activation();
            }
            if self.settings.config().upgrade_end_fallback == UpgradeEndFallback::Apply {
                return self.enter_image_stage(ImageStage::Applying);
            }
        }
        let ask_at = if ask.is_first { hour_end.max(now) } else { self.next_ask_at(now) };
        self.push_event(ClientEvent::UpgradeEndUnanswered(self.clock.instant(ask_at)));
        let ask = UpgradeEndAsk { unanswered, is_first: false, ..ask };
        self.ask_later(ask_at, ask);
    }

    /// Ends a successful upgrade, after which the device runs `image` and all images that were kept until `image` was
    /// complete.
    pub(super) fn finish_upgrade(&mut self, now: Ticks, image: StoredImage) {
        let id = image.id();
        let duration = self.clock.instant(now).since(self.download_start);
        self.push_event(ClientEvent::Finished { id, size: image.offer.size, duration });
        if Self::is_specific(id) {
            return self.end_upgrade(now, Outcome::Received(id));
        }
        let PendingImages { identity_version, identity_stack, .. } = self.pending_images;
        if is_same_image(id, self.current) {
            (self.current, self.stack) = (id, image.header.stack);
        } else if S::ABILITIES.several_images && identity_version != FileVersion::ANY {
            (self.current.version, self.stack) = (identity_version, identity_stack);
        }
        self.failed_image = None;
        self.end_upgrade(now, Outcome::Upgraded(id));
    }

    /// Ends the upgrade with `outcome`. The client forgets the verified images that the application keeps if these
    /// images were applied or can no longer be applied. If the upgrade to another file was suspended to fetch security
    /// credentials, the suspended upgrade continues with the kept images.
    ///
    /// After a successful, refused or cancelled upgrade, the client schedules no query before the next periodic query.
    /// After a failed upgrade, the client sends the next query after about five minutes, but not later than the next
    /// periodic query. The delay from a failed upgrade to the next query doubles with each consecutive failed upgrade.
    pub(super) fn end_upgrade(&mut self, now: Ticks, outcome: Outcome) {
        self.push_event(ClientEvent::Ended(outcome));
        let ends_set = matches!(
            outcome,
            Outcome::Upgraded(_)
                | Outcome::Cancelled
                | Outcome::ApplyFailed
                | Outcome::UpgradeRefused(_)
                | Outcome::NoCredentials
        );
        if ends_set && self.suspended_image().is_none() {
            self.pending_images = PendingImages::NONE;
        }
        if outcome == Outcome::ServerSilent && self.can_send() {
            self.start_search();
        }
        let mut next = self.next_query_at(now);
        match outcome {
            Outcome::Upgraded(_) | Outcome::Received(_) => self.upgrade_failures = 0,
            Outcome::Refused | Outcome::Cancelled => {}
            _ => {
                next = self.retry_at(now, self.upgrade_failures, next);
                self.upgrade_failures = self.upgrade_failures.saturating_add(1);
            }
        }
        self.go_home(now, next);
    }

    /// Enters the state Idle or, if the upgrade to a file was suspended to fetch security credentials, continues this
    /// upgrade.
    pub(super) fn go_home(&mut self, now: Ticks, query_at: Ticks) {
        match self.suspended.take().filter(|_| S::ABILITIES.specific_files) {
            None => self.enter(NoFile::Idle { query_at }),
            Some(image) => self.begin_stored_upgrade_end(now, image),
        }
    }
}

/// Returns whether `a` and `b` have the same manufacturer code and image type, whatever their versions are.
pub(super) fn is_same_image(a: ImageId, b: ImageId) -> bool {
    (a.manufacturer, a.image_type) == (b.manufacturer, b.image_type)
}

/// Returns the rank of a security credential version by age: 0 for the oldest known version, `None` for an unknown
/// version. The numeric values of the security credential versions are not ordered by age.
fn credential_rank(version: SecurityCredentialVersion) -> Option<u8> {
    use SecurityCredentialVersion as Version;

    match version {
        Version::SE_1_0 => Some(0),
        Version::SE_1_1 => Some(1),
        Version::SE_1_2 => Some(2),
        Version::SE_2_0 => Some(3),
        _ => None,
    }
}

const fn is_not_understood(status: Status) -> bool {
    matches!(status, Status::MALFORMED_COMMAND | Status::UNSUP_CLUSTER_COMMAND)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows: CLI-105
    #[test]
    fn credentials_are_ranked_by_age_and_not_by_value() {
        let ranks = [0, 1, 3, 2].map(|value| credential_rank(SecurityCredentialVersion(value)));
        assert!(ranks.is_sorted() && ranks.iter().all(Option::is_some), "{ranks:?}");
        assert_eq!(credential_rank(SecurityCredentialVersion(4)), None);
    }
}
