//! The side that has the images: what it announces, and to which questions it answers.
//!
//! ```text
//!   none -- announce: info, retained --> announced -- a get: data, once --> announced
//!     ^                                   |    |
//!     +-- withdraw: nothing, retained ----+    +-- announce: another info --> announced
//! ```

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::de::IgnoredAny;

use super::filter::Filter;
use super::ignored::Ignored;
use super::payload::{Info, Message, TooLong, read_object};
use super::topic::{Place, Topic};

/// An image provider: announces images, and says whose turn it is to be published. The files are the caller's.
///
/// It is assumed that the broker lets nobody but providers publish below `ucl/OTA/info` and `ucl/OTA/data`, and that it
/// knows them: nothing in a message tells who sent it (Unify, "UCL OTA Framework").
///
/// ```
/// use zigbee_ota::unify::{Filter, Info, Place, Provider};
/// use zigbee_ota::FileVersion;
///
/// let place = Place::for_all("ZigBee10011011".parse()?);
/// let mut provider = Provider::new();
/// assert_eq!(provider.subscription(), Filter::gets());
/// let announced = provider.announce(place.clone(), Info::new(FileVersion(7)), 5000)?;
/// assert_eq!(announced.topic, "ucl/OTA/info/ZigBee10011011/all");
/// assert!(announced.retain);
///
/// // A consumer asks, and is sent the file.
/// let asked = provider.handle_message(&place.get())?;
/// let message = asked.data(b"the file".to_vec())?;
/// assert_eq!((message.topic.as_str(), message.retain), ("ucl/OTA/data/ZigBee10011011/all", false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Provider {
    images: BTreeMap<Place, Info>,
}

impl Provider {
    /// A provider without images.
    #[must_use]
    pub const fn new() -> Self {
        Self { images: BTreeMap::new() }
    }

    /// What to subscribe to, each time the connection to the broker is made.
    #[must_use]
    pub fn subscription(&self) -> Filter {
        Filter::gets()
    }

    /// What is announced, to be published again when the broker may have lost it.
    pub fn announced(&self) -> impl Iterator<Item = Message> {
        self.images.iter().map(|(place, info)| message(place, info))
    }

    /// Announces an image of `len` bytes by the message to publish, in place of the one that was there.
    ///
    /// # Errors
    /// No message would hold the image; nothing is changed then.
    pub fn announce(&mut self, place: Place, info: Info, len: usize) -> Result<Message, TooLong> {
        let max = place.longest_image();
        if len > max {
            return Err(TooLong { len, max });
        }
        let message = message(&place, &info);
        self.images.insert(place, info);
        Ok(message)
    }

    /// Withdraws an image by the message to publish; `None` where there is no such image.
    pub fn withdraw(&mut self, place: &Place) -> Option<Message> {
        self.images.remove(place).map(|_| Message::new(&Topic::Info(place.clone()), Vec::new()))
    }

    /// Takes a message, and names the image that is asked for: it is to be published once, by [`Place::data`].
    ///
    /// # Errors
    /// Nothing is to be done. Whatever is asked with an object is an answer worth: its members mean nothing.
    pub fn handle_message(&self, message: &Message) -> Result<&Place, Ignored> {
        let Topic::Get(place) = message.topic.parse()? else { return Err(Ignored::Role) };
        if message.retain {
            return Err(Ignored::Retained);
        }
        read_object::<BTreeMap<String, IgnoredAny>>(&message.payload)?;
        match self.images.get_key_value(&place) {
            Some((place, _)) => Ok(place),
            None => Err(Ignored::Unknown(place)),
        }
    }
}

fn message(place: &Place, info: &Info) -> Message {
    Message::new(&Topic::Info(place.clone()), info.payload())
}
