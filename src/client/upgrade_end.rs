//! The end of a download: the report to the server, its order, the countdown, the switch (sections 6.10.9, 6.10.10
//! and 6.12).
//!
//! ```text
//! verified --> Upgrade End Request --order: a time--> countdown --> apply
//!                    |       ^     \--no answer to four--> apply, or go on asking
//!                    |       | every hour
//!                    +-- order: wait
//! ```

use crate::aps::DeliveryMode;
use crate::time::{Delay, Instant, Millis, TimeField};
use crate::types::{FileVersion, ImageId, SecurityCredentialVersion, StackVersion};
use crate::zcl::{Status, UpgradeActivationPolicy, UpgradeEndResponse};

use super::Client;
use super::config::UpgradeEndFallback;
use super::dispatch::Transition;
use super::output::{ClientEvent, ClientIgnored, Outcome};
use super::pending::PendingRequest;
use super::state::{HeaderFacts, Image, State, Then, is_specific};

/// How often a client that was told to wait asks again: not more than once an hour (section 6.12).
pub(super) const ASK_INTERVAL: Millis = Millis::from_secs(60 * 60);

/// Sends of an Upgrade End Request SUCCESS: the first and three retries (section 6.12).
const END_ATTEMPTS: u8 = 4;

/// Sends of any other Upgrade End Request, and of one for a file made for the device: nothing depends on its answer
/// (sections 6.10.9.4 and 6.10.10.3).
const REPORT_ATTEMPTS: u8 = 2;

/// Images of a device that wait for others, to be applied together (section 6.6). The application has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PendingImages {
    /// How many there are, without the one that is downloaded.
    pub count: u8,
    /// The next one to ask for, as it runs now; of no meaning without others.
    pub next: ImageId,
    /// The version that was kept of the image the device is known by, [`FileVersion::ANY`] for none.
    pub renewed: FileVersion,
    /// The stack of that.
    pub stack: StackVersion,
    /// Security credentials that one of them is for and the device does not have.
    pub needed: Option<SecurityCredentialVersion>,
}

impl PendingImages {
    /// No image waits for another.
    pub const NONE: Self = Self {
        count: 0,
        next: ImageId::new(0, 0, 0),
        renewed: FileVersion::ANY,
        stack: StackVersion(0),
        needed: None,
    };
}

impl<const RANGES: usize> Client<RANGES> {
    pub(super) fn on_upgrade_end<'f>(
        &mut self,
        now: Instant,
        order: UpgradeEndResponse,
        delivery: DeliveryMode,
    ) -> Transition<'f, RANGES> {
        let (State::Ending { image, .. }
        | State::Waiting { image, .. }
        | State::AwaitingActivation { image }
        | State::CountingDown { image, .. }) = self.state
        else {
            return Transition::Drop(ClientIgnored::NotExpected);
        };
        if !order.target.matches(image.id()) {
            return Transition::Drop(ClientIgnored::NotConcerned);
        }
        match order.time.delay(TimeField::Upgrade, self.utc(now), self.config.utc_tolerance) {
            Ok(Delay::For(_)) if self.is_held(image) => {
                if delivery != DeliveryMode::Unicast {
                    return Transition::Drop(ClientIgnored::NotAuthorized);
                }
                Transition::Deny(self.holding(image))
            }
            Ok(Delay::For(delay)) => {
                let at = now.after(delay);
                self.events.push(ClientEvent::CountingDown(at));
                Transition::Enter(State::CountingDown { image, at })
            }
            Ok(Delay::Forever) if matches!(self.state, State::AwaitingActivation { .. }) => Transition::Stay,
            Ok(Delay::Forever) => Transition::Enter(self.waiting(now, image)),
            Err(_) => Transition::Malformed(ClientIgnored::NotAsked),
        }
    }

    /// A Default Response to the Upgrade End Request.
    pub(super) fn on_end_status<'f>(&mut self, now: Instant, status: Status) -> Transition<'f, RANGES> {
        match self.state {
            State::Reporting { id, then, .. } => Transition::Enter(self.reported(now, id, then)),
            State::Ending { image, .. } if is_specific(image.id()) && status == Status::SUCCESS => {
                Transition::Enter(self.closed(now, Outcome::Received(image.id())))
            }
            // Heard, but no order: go on waiting for it.
            State::Ending { image, .. } if status == Status::SUCCESS => {
                Transition::Enter(self.waiting(now, image))
            }
            // As good as no answer.
            State::Ending { .. } if is_misunderstood(status) => Transition::Stay,
            State::Ending { .. } => Transition::Enter(self.closed(now, Outcome::UpgradeRefused(status))),
            _ => Transition::Drop(ClientIgnored::NotExpected),
        }
    }

    /// The server knows, or will not hear it, how the download of `id` ended.
    fn reported(&mut self, now: Instant, id: ImageId, then: Then) -> State<RANGES> {
        match then {
            Then::End(outcome) => self.closed(now, outcome),
            Then::More(next, HeaderFacts { stack, credential }) => {
                self.kept.count = self.kept.count.saturating_add(1);
                self.kept.next = next;
                if is_same_image(id, self.config.identity.current) {
                    (self.kept.renewed, self.kept.stack) = (id.version, stack);
                }
                self.kept.needed =
                    credential.filter(|needed| !self.is_credited(*needed)).or(self.kept.needed);
                self.events.push(ClientEvent::ImageRetained(id));
                self.asking(now)
            }
        }
    }

    /// The file passed its checks: on to the server or, where other security credentials are needed, to those.
    pub(super) fn complete(&self, now: Instant, image: Image) -> State<RANGES> {
        let needed = image.header.credential.filter(|needed| !self.is_credited(*needed));
        match needed.or(self.kept.needed) {
            Some(needed) => State::AwaitingCredentials { image, needed },
            None => State::Ending { image, exchange: PendingRequest::due(now) },
        }
    }

    /// Whether the device's security credentials are those needed, or newer ones (section 6.3.2.11).
    fn is_credited(&self, needed: SecurityCredentialVersion) -> bool {
        let Some(own) = self.config.credential else { return false };
        match (age(own), age(needed)) {
            (Some(own), Some(needed)) => own >= needed,
            _ => own == needed,
        }
    }

    fn waiting(&mut self, now: Instant, image: Image) -> State<RANGES> {
        self.events.push(ClientEvent::WaitingForUpgradeEnd);
        State::Waiting { image, ask_at: now.plus(ASK_INTERVAL) }
    }

    /// Whether only the application may start the upgrade to `image`.
    fn is_held(&self, image: Image) -> bool {
        self.config.activation == UpgradeActivationPolicy::OUT_OF_BAND && !is_specific(image.id())
    }

    fn holding(&mut self, image: Image) -> State<RANGES> {
        self.events.push(ClientEvent::WaitingForActivation);
        State::AwaitingActivation { image }
    }

    /// A request about the end is overdue after so many sends: `None` while there is another try.
    pub(super) fn end_unanswered(&mut self, now: Instant, attempts: u8) -> Option<State<RANGES>> {
        match self.state {
            State::Reporting { id, then, .. } if attempts >= REPORT_ATTEMPTS => {
                Some(self.reported(now, id, then))
            }
            State::Ending { image, .. } if is_specific(image.id()) => {
                (attempts >= REPORT_ATTEMPTS).then(|| self.closed(now, Outcome::Received(image.id())))
            }
            State::Ending { image, .. } if attempts >= END_ATTEMPTS => Some(match self.config.unanswered {
                _ if self.is_held(image) => self.holding(image),
                UpgradeEndFallback::Apply => State::Applying { image },
                UpgradeEndFallback::KeepWaiting => self.waiting(now, image),
            }),
            _ => None,
        }
    }

    /// The device runs `image`, and those that were kept.
    pub(super) fn upgraded(&mut self, now: Instant, image: Image) -> State<RANGES> {
        let id = image.id();
        let duration = now.since(self.started);
        self.events.push(ClientEvent::Finished { id, size: image.offer.size, duration });
        if is_specific(id) {
            return self.closed(now, Outcome::Received(id));
        }
        let current = self.config.identity.current;
        if is_same_image(id, current) {
            (self.config.identity.current, self.config.stack) = (id, image.header.stack);
        } else if self.kept.renewed != FileVersion::ANY {
            self.config.identity.current.version = self.kept.renewed;
            self.config.stack = self.kept.stack;
        }
        self.closed(now, Outcome::Upgraded(id))
    }

    /// The upgrade is over. Images that were kept for it are no longer of use; a file that waits for its security
    /// credentials does so again.
    pub(super) fn closed(&mut self, now: Instant, outcome: Outcome) -> State<RANGES> {
        self.events.push(ClientEvent::Ended(outcome));
        if self.held.is_none() {
            self.kept = PendingImages::NONE;
        }
        if outcome == Outcome::ServerSilent && self.finder.is_done() {
            self.search();
        }
        let next = self.next_query(now);
        self.settled(now, next)
    }

    /// Nothing is under way any more, but for a file that waits for its security credentials.
    pub(super) fn settled(&mut self, now: Instant, query_at: Option<Instant>) -> State<RANGES> {
        match self.held.take() {
            None => State::Idle { query_at },
            Some(image) => self.complete(now, image),
        }
    }
}

/// Whether two ids are of the same image in different versions.
fn is_same_image(a: ImageId, b: ImageId) -> bool {
    (a.manufacturer, a.image_type) == (b.manufacturer, b.image_type)
}

/// Place of a security credential version among the known ones, the oldest first: their numbers are not in that order.
fn age(version: SecurityCredentialVersion) -> Option<u8> {
    use SecurityCredentialVersion as Version;

    match version {
        Version::SE_1_0 => Some(0),
        Version::SE_1_1 => Some(1),
        Version::SE_1_2 => Some(2),
        Version::SE_2_0 => Some(3),
        _ => None,
    }
}

const fn is_misunderstood(status: Status) -> bool {
    matches!(status, Status::MALFORMED_COMMAND | Status::UNSUP_CLUSTER_COMMAND)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows: CLI-105
    #[test]
    fn credentials_have_an_order_of_their_own() {
        let ages = [0, 1, 3, 2].map(|number| age(SecurityCredentialVersion(number)));
        assert!(ages.is_sorted() && ages.iter().all(Option::is_some), "{ages:?}");
        assert_eq!(age(SecurityCredentialVersion(4)), None);
    }
}
