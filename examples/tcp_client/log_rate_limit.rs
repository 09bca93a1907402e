//! Rate limit for messages in a log: equal messages are counted, and a repeated message is printed at most every ten
//! seconds.

use std::collections::BTreeMap;
use std::time::{Duration, Instant as Clock};

/// Minimum time between two log lines about the same complaint.
const INTERVAL: Duration = Duration::from_secs(10);

/// Maximum number of different complaints that are counted separately; all further complaints share one count.
const MAX_TEXTS: usize = 32;

/// Counts of all complaints.
#[derive(Default)]
pub struct ComplaintCounter {
    counts: BTreeMap<String, Count>,
}

/// Count of one complaint.
struct Count {
    /// Number of times that the complaint occurred.
    all: u64,
    /// Number of times that the complaint occurred since its last log line.
    untold: u64,
    /// Time of the last log line about the complaint.
    told_at: Clock,
}

impl ComplaintCounter {
    /// Counts a complaint, and returns the line to print, if any. The first complaint with a text is printed at once;
    /// later complaints with this text are printed as a count, at most every ten seconds.
    pub fn count(&mut self, text: String, now: Clock) -> Option<String> {
        let is_known = self.counts.contains_key(&text);
        let text = if is_known || self.counts.len() < MAX_TEXTS { text } else { "other complaints".into() };
        let Some(count) = self.counts.get_mut(&text) else {
            self.counts.insert(text.clone(), Count { all: 1, untold: 0, told_at: now });
            return Some(text);
        };
        count.all += 1;
        count.untold += 1;
        if now.saturating_duration_since(count.told_at) < INTERVAL {
            return None;
        }
        (count.untold, count.told_at) = (0, now);
        Some(format!("{text} ({} times)", count.all))
    }

    /// Returns a line for each complaint that has occurred again since its last log line.
    pub fn rest(&self) -> impl Iterator<Item = String> {
        let repeated = self.counts.iter().filter(|(_, count)| count.untold > 0);
        repeated.map(|(text, count)| format!("{text} ({} times)", count.all))
    }
}
