//! Detection of repeated frames. A sniffer captures a message at every hop, and again when the MAC or the APS layer
//! repeats the message. All these frames have the same sender, receiver, APS counter and content. A message that an
//! application sends again has another APS counter.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// Maximum number of recent frames with which a frame is compared.
const REMEMBERED: usize = 1024;

/// Time in which an equal frame counts as a repetition: APS retries to a sleepy device take about 8 seconds. After a
/// longer time, an equal frame may be a new message, because the APS counter has only 256 values.
const WINDOW: Duration = Duration::from_secs(10);

/// Recent frames, with which new frames are compared.
#[derive(Clone, Debug, Default)]
pub struct Repeats {
    /// Hash and time of each recent frame, oldest first.
    heard: VecDeque<(u64, Option<Duration>)>,
}

impl Repeats {
    /// Records a frame. Returns whether the frame repeats a recent frame.
    pub fn is_repeated(&mut self, frame: impl Hash, time: Option<Duration>) -> bool {
        let mut hasher = DefaultHasher::new();
        frame.hash(&mut hasher);
        let hash = hasher.finish();
        let is_near = |then: Option<Duration>| match (time, then) {
            (Some(now), Some(then)) => now.abs_diff(then) <= WINDOW,
            _ => true,
        };
        if self.heard.iter().rev().any(|(other, then)| *other == hash && is_near(*then)) {
            return true;
        }
        if self.heard.len() >= REMEMBERED {
            self.heard.pop_front();
        }
        self.heard.push_back((hash, time));
        false
    }
}
