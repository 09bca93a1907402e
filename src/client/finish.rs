//! The end of a download: the report to the server, its order, the countdown, the switch (sections 6.10.9, 6.10.10
//! and 6.12).

use crate::time::{Delay, Instant, Millis, Purpose};
use crate::types::ImageId;
use crate::zcl::{Status, UpgradeEndResponse};

use super::config::Unanswered;
use super::output::{Event, Ignored, Outcome};
use super::state::State;
use super::{Client, Step};

/// How often a client that was told to wait asks again: not more than once an hour (section 6.12).
pub(super) const ASK_INTERVAL: Millis = Millis::secs(60 * 60);

/// Sends of an Upgrade End Request SUCCESS: the first and three retries (section 6.12).
const END_ATTEMPTS: u8 = 4;

/// Sends of any other Upgrade End Request: nothing depends on its answer (section 6.10.9.4).
const REPORT_ATTEMPTS: u8 = 2;

impl Client {
    pub(super) fn on_upgrade_end(&mut self, now: Instant, order: UpgradeEndResponse) -> Step<'static> {
        let (State::Ending { id, .. } | State::Waiting { id, .. } | State::CountingDown { id, .. }) =
            self.state
        else {
            return Step::Drop(Ignored::NotExpected);
        };
        if !order.target.matches(id) {
            return Step::Drop(Ignored::NotConcerned);
        }
        match order.time.delay(Purpose::Upgrade, self.utc(now), self.config.utc_tolerance) {
            Ok(Delay::For(delay)) => {
                let at = now.after(delay);
                self.events.push(Event::CountingDown(at));
                Step::Enter(State::CountingDown { id, at })
            }
            Ok(Delay::Forever) => Step::Enter(self.waiting(now, id)),
            Err(_) => Step::Malformed(Ignored::NotAsked),
        }
    }

    /// A Default Response to the Upgrade End Request.
    pub(super) fn on_end_status(&mut self, now: Instant, status: Status) -> Step<'static> {
        match self.state {
            State::Reporting { outcome, .. } => {
                self.events.push(Event::Ended(outcome));
                Step::Enter(self.resting(now))
            }
            // Heard, but no order: go on waiting for it.
            State::Ending { id, .. } if status == Status::SUCCESS => Step::Enter(self.waiting(now, id)),
            // As good as no answer.
            State::Ending { .. } if is_misunderstood(status) => Step::Stay,
            State::Ending { .. } => {
                self.events.push(Event::Ended(Outcome::NotOrdered(status)));
                Step::Enter(self.resting(now))
            }
            _ => Step::Drop(Ignored::NotExpected),
        }
    }

    fn waiting(&mut self, now: Instant, id: ImageId) -> State {
        self.events.push(Event::WaitingForOrder);
        State::Waiting { id, ask_at: now.plus(ASK_INTERVAL) }
    }

    /// An Upgrade End Request is overdue after so many sends: `None` while there is another try.
    pub(super) fn end_unanswered(&mut self, now: Instant, attempts: u8) -> Option<State> {
        match self.state {
            State::Ending { id, .. } if attempts >= END_ATTEMPTS => Some(match self.config.unanswered {
                Unanswered::Apply => State::Applying { id },
                Unanswered::KeepWaiting => self.waiting(now, id),
            }),
            State::Reporting { outcome, .. } if attempts >= REPORT_ATTEMPTS => {
                self.events.push(Event::Ended(outcome));
                Some(self.resting(now))
            }
            _ => None,
        }
    }
}

const fn is_misunderstood(status: Status) -> bool {
    matches!(status, Status::MALFORMED_COMMAND | Status::UNSUP_CLUSTER_COMMAND)
}
