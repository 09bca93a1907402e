//! Assembly of messages from APS fragments (Zigbee specification, section 2.2.8.4.5).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::aps_frame::Part;

/// Maximum number of incomplete messages. If all places are taken, a new message replaces the oldest message.
const MESSAGES: usize = 32;

/// Maximum length of a message in bytes. The longest block of an image has about 270 bytes.
const LONGEST: usize = 8192;

/// Time after which an incomplete message is dropped, because the sender may use the APS counter of the message for
/// another message.
const LIFETIME: Duration = Duration::from_secs(30);

/// Messages with missing fragments, oldest first. A key of the type `K` identifies sender, receiver and APS counter of
/// a message.
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
    /// Number of fragments of the message, which is in the first fragment; `None` if the first fragment is missing.
    count: Option<u8>,
    parts: BTreeMap<u8, Vec<u8>>,
    /// Time of the latest fragment.
    time: Option<Duration>,
}

impl<K: PartialEq> Fragments<K> {
    /// Adds a fragment. Returns the message if all its fragments are present.
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

    /// Returns the number of messages with missing fragments, including the dropped messages.
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
    /// Returns whether a fragment can belong to this message. Otherwise, the fragment belongs to a later message with
    /// the same APS counter.
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
