//! Messages in several APS frames (Zigbee specification, section 2.2.8.4.5).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::aps::Part;

/// Number of messages whose fragments are kept; the oldest message is dropped for a new one.
const MESSAGES: usize = 32;

/// Maximum length of a message in bytes. The longest block of an image has about 270 bytes.
const LONGEST: usize = 8192;

/// Time after which a missing fragment does not come any more. The APS counter may then be in use for the next message.
const LIFETIME: Duration = Duration::from_secs(30);

/// Messages of which fragments are missing, oldest first. `K` tells whose message it is.
#[derive(Clone, Debug)]
pub struct Fragments<K> {
    messages: VecDeque<Message<K>>,
    /// Number of messages that were dropped because fragments were missing.
    pub dropped: u64,
}

impl<K> Default for Fragments<K> {
    fn default() -> Self {
        Self { messages: VecDeque::new(), dropped: 0 }
    }
}

#[derive(Clone, Debug)]
struct Message<K> {
    key: K,
    /// Number of fragments, which the first one tells.
    count: Option<u8>,
    parts: BTreeMap<u8, Vec<u8>>,
    /// Time of the latest fragment.
    time: Option<Duration>,
}

impl<K: PartialEq> Fragments<K> {
    /// Adds a fragment; returns the message if it is complete.
    pub fn add(&mut self, key: K, part: Part, payload: Vec<u8>, time: Option<Duration>) -> Option<Vec<u8>> {
        let (index, count) = match part {
            Part::Whole => return Some(payload),
            Part::First(count) => (0, Some(count)),
            Part::Other(index) => (index, None),
        };
        self.drop_old(time);
        let known = self.messages.iter().position(|message| message.key == key);
        let mut message = match known.and_then(|place| self.messages.remove(place)) {
            Some(message) if message.agrees(index, count, &payload) => message,
            other => {
                self.dropped += u64::from(other.is_some());
                Message { key, count: None, parts: BTreeMap::new(), time }
            }
        };
        message.count = message.count.or(count);
        message.time = time.or(message.time);
        message.parts.insert(index, payload);
        if message.len() > LONGEST {
            self.dropped += 1;
            return None;
        }
        if message.is_complete() {
            return Some(message.parts.into_values().flatten().collect());
        }
        if self.messages.len() >= MESSAGES {
            self.messages.pop_front();
            self.dropped += 1;
        }
        self.messages.push_back(message);
        None
    }

    /// Number of messages that miss fragments, with those that were dropped.
    pub fn incomplete(&self) -> u64 {
        self.dropped + self.messages.len() as u64
    }

    fn drop_old(&mut self, now: Option<Duration>) {
        let before = self.messages.len();
        self.messages.retain(|message| match (now, message.time) {
            (Some(now), Some(then)) => now.abs_diff(then) <= LIFETIME,
            _ => true,
        });
        self.dropped += (before - self.messages.len()) as u64;
    }
}

impl<K> Message<K> {
    /// Whether a fragment may be one of this message, and not of a later message with the same counter.
    fn agrees(&self, index: u8, count: Option<u8>, payload: &[u8]) -> bool {
        self.parts.get(&index).is_none_or(|part| part == payload)
            && (self.count.is_none() || count.is_none() || self.count == count)
    }

    fn len(&self) -> usize {
        self.parts.values().map(Vec::len).sum()
    }

    fn is_complete(&self) -> bool {
        let last = self.parts.last_key_value().map(|(index, _)| *index);
        self.count.is_some_and(|count| self.parts.len() == usize::from(count) && last == count.checked_sub(1))
    }
}
