//! Frames that were heard before. A sniffer hears a message at every hop, and again when the MAC or the APS layer repeats it. Each
//! of these has the same sender, receiver, APS counter and content. A message that an application sends again has another counter.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// Number of frames to remember.
const REMEMBERED: usize = 1024;

/// Time in which the same frame is a repetition: APS retries to a sleepy device take about 8 seconds. The counter has 256 values,
/// and a frame with the same content may come again after that.
const WINDOW: Duration = Duration::from_secs(10);

/// Frames that were heard lately.
#[derive(Clone, Debug, Default)]
pub struct Repeats {
    /// Hash and time of the frames, oldest first.
    heard: VecDeque<(u64, Option<Duration>)>,
}

impl Repeats {
    /// Remembers a frame; returns whether it was heard before.
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
