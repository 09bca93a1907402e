//! How many requests may be under way.
//!
//! More than one at a time hides the time that a server takes, but some servers answer but one of those they get at
//! once. So it is watched how many go unanswered: when it is more than what a bad link loses, one at a time is asked
//! for, and more are tried again only after many answers.

use crate::client::round_trip::RoundTrip;

/// Requests that are judged together.
const SAMPLE: u8 = 16;

/// Of those, unanswered ones that no link explains: one that loses a fifth of the frames each way, loses 6.
const TOO_MANY: u8 = 6;

/// Answers to single requests before more are tried again the first time; twice as many each further time.
const SHUT: u16 = 256;

/// The number of requests under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    most: u8,
    now: u8,
    sent: u8,
    overdue: u8,
    /// Answers until it opens.
    shut: u16,
    /// How long it is to be shut the next time.
    next_shut: u16,
}

impl Window {
    /// A window of one until it is [opened](Self::open), then of `most`.
    pub(super) const fn new(most: u8) -> Self {
        Self { most, now: 1, sent: 0, overdue: 0, shut: 0, next_shut: SHUT }
    }

    pub(super) fn size(&self) -> usize {
        self.now.into()
    }

    /// Opens it: answers will take longer, as they wait for each other.
    pub(super) fn open(&mut self, link: &mut RoundTrip) {
        (self.now, self.sent, self.overdue) = (self.most, 0, 0);
        if self.most > 1 {
            link.loosen(self.most);
        }
    }

    /// A request goes out.
    pub(super) fn sent(&mut self) {
        if self.sent >= SAMPLE {
            (self.sent, self.overdue) = (0, 0);
        }
        self.sent = self.sent.saturating_add(1);
    }

    /// A request was not answered in time.
    pub(super) fn unanswered(&mut self) {
        self.overdue = self.overdue.saturating_add(1);
        if self.overdue >= TOO_MANY && self.now > 1 {
            self.now = 1;
            (self.shut, self.next_shut) = (self.next_shut, self.next_shut.saturating_mul(2));
        }
    }

    /// A request was answered.
    pub(super) fn answered(&mut self, link: &mut RoundTrip) {
        if self.shut > 0 {
            self.shut = self.shut.saturating_sub(1);
            if self.shut == 0 {
                self.open(link);
            }
        }
    }
}
