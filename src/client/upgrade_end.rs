//! Last stage of an upgrade: Upgrade End Request to the server, Upgrade End Response, countdown and activation
//! (sections 6.10.9, 6.10.10 and 6.12).
//!
//! ```text
//! verified --> Upgrade End Request --response: a time--> countdown --> apply
//!                    |       ^     \--four attempts unanswered--> apply, or repeat every hour
//!                    |       | every hour
//!                    +-- response: wait
//! ```
//!
//! Sections refer to ZigBee document 095264 (2011).

use crate::aps::DeliveryMode;
use crate::time::{Delay, Instant, Millis, TimeField};
use crate::types::{FileVersion, ImageId, SecurityCredentialVersion};
use crate::zcl::{Status, UpgradeActivationPolicy, UpgradeEndResponse};

use super::Client;
use super::checkpoint::{HeaderFacts, PendingImages};
use super::config::UpgradeEndFallback;
use super::dispatch::Transition;
use super::output::{ClientEvent, ClientIgnored, Outcome};
use super::request_retry::PendingRequest;
use super::state::{AfterReport, State, StoredImage, is_specific};

/// Time between two Upgrade End Requests of a client that the server asked to wait. Section 6.12 allows at most one
/// request per hour.
pub(super) const UPGRADE_END_INTERVAL: Millis = Millis::from_secs(60 * 60);

/// Number of attempts of an Upgrade End Request with the status SUCCESS: the first attempt and three retries (section
/// 6.12).
const MAX_UPGRADE_END_ATTEMPTS: u8 = 4;

/// Number of attempts of an Upgrade End Request with another status than SUCCESS, or for a device-specific file. Two
/// attempts are enough, because the client continues in the same way without an answer (sections 6.10.9.4 and
/// 6.10.10.3).
const MAX_REPORT_ATTEMPTS: u8 = 2;

impl<const RANGES: usize> Client<RANGES> {
    pub(super) fn on_upgrade_end<'f>(
        &mut self,
        now: Instant,
        response: UpgradeEndResponse,
        delivery: DeliveryMode,
    ) -> Transition<'f, RANGES> {
        let (State::Ending { image, .. }
        | State::Waiting { image, .. }
        | State::AwaitingActivation { image }
        | State::CountingDown { image, .. }) = self.state
        else {
            return Transition::Drop(ClientIgnored::Unexpected);
        };
        if !response.target.matches(image.id()) {
            return Transition::Drop(ClientIgnored::NotForThisDevice);
        }
        match response.time.delay(TimeField::Upgrade, self.utc(now), self.config.utc_tolerance) {
            Ok(Delay::For(_)) if self.requires_activation(image) => {
                if delivery != DeliveryMode::Unicast {
                    return Transition::Drop(ClientIgnored::NotAuthorized);
                }
                Transition::Deny(self.wait_for_activation(image))
            }
            Ok(Delay::For(delay)) => {
                let at = now.after(delay);
                self.events.push(ClientEvent::CountingDown(at));
                Transition::Enter(State::CountingDown { image, at })
            }
            Ok(Delay::Forever) if matches!(self.state, State::AwaitingActivation { .. }) => Transition::Stay,
            Ok(Delay::Forever) => Transition::Enter(self.wait_for_upgrade_end(now, image)),
            Err(_) => Transition::Malformed(ClientIgnored::Mismatch),
        }
    }

    /// Handles a Default Response with `status` to the Upgrade End Request.
    pub(super) fn on_upgrade_end_status<'f>(
        &mut self,
        now: Instant,
        status: Status,
    ) -> Transition<'f, RANGES> {
        match self.state {
            State::Reporting { id, after, .. } => Transition::Enter(self.after_report(now, id, after)),
            State::Ending { image, .. } if is_specific(image.id()) && status == Status::SUCCESS => {
                Transition::Enter(self.end_upgrade(now, Outcome::Received(image.id())))
            }
            // A Default Response SUCCESS acknowledges the request but gives no upgrade time. The Upgrade End Response
            // is still to come, and the client asks again as if the server had asked it to wait. The state stays the
            // same, because the server did not ask the client to wait: ImageUpgradeStatus remains "download complete".
            State::Ending { image, .. } if status == Status::SUCCESS => {
                self.events.push(ClientEvent::WaitingForUpgradeEnd);
                let pending = PendingRequest::due_at(now.plus(UPGRADE_END_INTERVAL));
                Transition::Enter(State::Ending { image, pending })
            }
            // A Default Response that says that the server did not understand the request counts as no answer.
            State::Ending { .. } if is_not_understood(status) => Transition::Stay,
            State::Ending { .. } => Transition::Enter(self.end_upgrade(now, Outcome::UpgradeRefused(status))),
            _ => Transition::Drop(ClientIgnored::Unexpected),
        }
    }

    /// Returns the state after the report about image `id`, whether the server answered the report or not.
    fn after_report(&mut self, now: Instant, id: ImageId, after: AfterReport) -> State<RANGES> {
        match after {
            AfterReport::End(outcome) => self.end_upgrade(now, outcome),
            AfterReport::More(next, HeaderFacts { stack, credential }) => {
                let missing = credential.filter(|needed| !self.has_credential(*needed));
                let pending = &mut self.pending_images;
                pending.count = pending.count.saturating_add(1);
                pending.next = next;
                if is_same_image(id, self.config.identity.current) {
                    (pending.identity_version, pending.identity_stack) = (id.version, stack);
                }
                pending.missing_credential = missing.or(pending.missing_credential);
                self.events.push(ClientEvent::ImageRetained(id));
                self.begin_query(now)
            }
        }
    }

    /// Returns the state after a successful verification of `image`. This state is AwaitingCredentials if the device
    /// lacks credentials that `image` or a kept image requires, and Ending otherwise.
    pub(super) fn begin_upgrade_end(&self, now: Instant, image: StoredImage) -> State<RANGES> {
        let needed = image.header.credential.filter(|needed| !self.has_credential(*needed));
        match needed.or(self.pending_images.missing_credential) {
            Some(needed) => State::AwaitingCredentials { image, needed },
            None => State::Ending { image, pending: PendingRequest::due_at(now) },
        }
    }

    /// Returns whether the security credentials of the device have the version `needed` or a newer version (section
    /// 6.3.2.11).
    fn has_credential(&self, needed: SecurityCredentialVersion) -> bool {
        let Some(own) = self.config.credential else { return false };
        match (credential_rank(own), credential_rank(needed)) {
            (Some(own), Some(needed)) => own >= needed,
            _ => own == needed,
        }
    }

    fn wait_for_upgrade_end(&mut self, now: Instant, image: StoredImage) -> State<RANGES> {
        self.events.push(ClientEvent::WaitingForUpgradeEnd);
        State::Waiting { image, ask_at: now.plus(UPGRADE_END_INTERVAL) }
    }

    /// Returns whether only the application may start the upgrade to `image`.
    fn requires_activation(&self, image: StoredImage) -> bool {
        self.config.activation_policy == UpgradeActivationPolicy::OUT_OF_BAND && !is_specific(image.id())
    }

    fn wait_for_activation(&mut self, image: StoredImage) -> State<RANGES> {
        self.events.push(ClientEvent::WaitingForActivation);
        State::AwaitingActivation { image }
    }

    /// Returns the state after the timeout of an Upgrade End Request that was attempted `attempts` times; `None` if
    /// another attempt follows.
    pub(super) fn on_upgrade_end_timeout(&mut self, now: Instant, attempts: u8) -> Option<State<RANGES>> {
        match self.state {
            State::Reporting { id, after, .. } if attempts >= MAX_REPORT_ATTEMPTS => {
                Some(self.after_report(now, id, after))
            }
            State::Ending { image, .. } if is_specific(image.id()) => (attempts >= MAX_REPORT_ATTEMPTS)
                .then(|| self.end_upgrade(now, Outcome::Received(image.id()))),
            State::Ending { image, .. } if attempts >= MAX_UPGRADE_END_ATTEMPTS => {
                Some(match self.config.upgrade_end_fallback {
                    _ if self.requires_activation(image) => self.wait_for_activation(image),
                    UpgradeEndFallback::Apply => State::Applying { image },
                    UpgradeEndFallback::KeepWaiting => self.wait_for_upgrade_end(now, image),
                })
            }
            _ => None,
        }
    }

    /// Ends a successful upgrade, after which the device runs `image` and the images kept before `image`.
    pub(super) fn finish_upgrade(&mut self, now: Instant, image: StoredImage) -> State<RANGES> {
        let id = image.id();
        let duration = now.since(self.download_start);
        self.events.push(ClientEvent::Finished { id, size: image.offer.size, duration });
        if is_specific(id) {
            return self.end_upgrade(now, Outcome::Received(id));
        }
        let PendingImages { identity_version, identity_stack, .. } = self.pending_images;
        if is_same_image(id, self.config.identity.current) {
            (self.config.identity.current, self.config.stack) = (id, image.header.stack);
        } else if identity_version != FileVersion::ANY {
            (self.config.identity.current.version, self.config.stack) = (identity_version, identity_stack);
        }
        self.end_upgrade(now, Outcome::Upgraded(id))
    }

    /// Ends the upgrade with `outcome`, and discards the kept images. If a file was suspended to fetch security
    /// credentials, the upgrade to the suspended file continues with the kept images.
    pub(super) fn end_upgrade(&mut self, now: Instant, outcome: Outcome) -> State<RANGES> {
        self.events.push(ClientEvent::Ended(outcome));
        if self.suspended.is_none() {
            self.pending_images = PendingImages::NONE;
        }
        if outcome == Outcome::ServerSilent && self.search.is_done() {
            self.start_search();
        }
        let next = self.next_query_at(now);
        self.return_to_idle(now, next)
    }

    /// Returns the state Idle or, if a file was suspended to fetch security credentials, the state in which the
    /// suspended file continues.
    pub(super) fn return_to_idle(&mut self, now: Instant, query_at: Option<Instant>) -> State<RANGES> {
        match self.suspended.take() {
            None => State::Idle { query_at },
            Some(image) => self.begin_upgrade_end(now, image),
        }
    }
}

/// Returns whether `a` and `b` have the same manufacturer code and image type, whatever their versions are.
fn is_same_image(a: ImageId, b: ImageId) -> bool {
    (a.manufacturer, a.image_type) == (b.manufacturer, b.image_type)
}

/// Returns the position of a security credential version by age, from 0 for the oldest known version; `None` for an
/// unknown version. The numeric values of the versions are not ordered by age.
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
