//! Image provider of Unify: the side that has the images. A provider announces the images, and publishes an image when
//! a consumer requests the image.
//!
//! ```text
//!   none -- announce: info, retained --> announced -- a get: data, once --> announced
//!     ^                                   |    |
//!     +-- withdraw: empty, retained ------+    +-- announce: another info --> announced
//! ```

use alloc::collections::BTreeMap;
use alloc::string::String;

use serde::de::IgnoredAny;

use super::message::{ImageTooLong, MqttMessage, check_image_len};
use super::message_ignored::MessageIgnored;
use super::payload::{Announcement, parse_object};
use super::topic::{ImagePath, Topic};
use super::topic_filter::TopicFilter;

/// Image provider of Unify. The provider keeps the announcements, and tells the caller which image to publish for each
/// request. The provider stores no files; the caller keeps the files.
///
/// The broker must authenticate providers, and allow no other client to publish below `ucl/OTA/info` and
/// `ucl/OTA/data`, because no message identifies its sender (Unify, "UCL OTA Framework").
///
/// ```
/// use zigbee_ota::FileVersion;
/// use zigbee_ota::unify::{Announcement, ImagePath, MqttMessage, Provider};
///
/// let path = ImagePath::for_all("ZigBee10011011".parse()?);
/// let mut provider = Provider::new();
/// assert_eq!(provider.subscription().as_str(), "ucl/OTA/data/+/+/get");
/// let message = provider.announce(path.clone(), Announcement::new(FileVersion(7)), 5000)?;
/// assert_eq!((message.topic.as_str(), message.retain), ("ucl/OTA/info/ZigBee10011011/all", true));
///
/// // A consumer requests the image, and the provider publishes the file.
/// let requested = provider.handle_message(&MqttMessage::request(&path))?;
/// let message = MqttMessage::image(requested, b"the file".to_vec())?;
/// assert_eq!((message.topic.as_str(), message.retain), ("ucl/OTA/data/ZigBee10011011/all", false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[doc(alias = "OTA provider")]
pub struct Provider {
    images: BTreeMap<ImagePath, Announcement>,
}

impl Provider {
    /// Creates a provider without images.
    #[must_use]
    pub const fn new() -> Self {
        Self { images: BTreeMap::new() }
    }

    /// Returns the topic filter that the caller subscribes to after each connection to the broker.
    #[must_use]
    pub fn subscription(&self) -> TopicFilter {
        TopicFilter::requests()
    }

    /// Returns the messages of all current announcements. The caller publishes the messages again if the broker may
    /// have lost them.
    pub fn announcements(&self) -> impl Iterator<Item = MqttMessage> {
        self.images.iter().map(|(path, announcement)| info_message(path, announcement))
    }

    /// Announces an image of `len` bytes, and replaces an earlier announcement with the same path. Returns the message
    /// that the caller publishes.
    ///
    /// # Errors
    /// Fails with [`ImageTooLong`] if the image does not fit into an MQTT message. The provider is unchanged after an
    /// error.
    pub fn announce(
        &mut self,
        path: ImagePath,
        announcement: Announcement,
        len: usize,
    ) -> Result<MqttMessage, ImageTooLong> {
        check_image_len(&path, len)?;
        let message = info_message(&path, &announcement);
        self.images.insert(path, announcement);
        Ok(message)
    }

    /// Withdraws the announcement of an image. Returns the message that the caller publishes, or `None` if no image
    /// with this path is announced. [`MqttMessage::withdrawal`] withdraws an announcement that an earlier run of the
    /// provider has published.
    pub fn withdraw(&mut self, path: &ImagePath) -> Option<MqttMessage> {
        self.images.remove(path).map(|_| MqttMessage::withdrawal(path))
    }

    /// Handles a message that the broker delivered. If the message requests an announced image, returns the path of the
    /// image. The caller publishes the image once, in the message that [`MqttMessage::image`] creates.
    ///
    /// Fails with [`MessageIgnored`] if the caller has nothing to publish. Any JSON object is a valid request,
    /// regardless of its members.
    pub fn handle_message(&self, message: &MqttMessage) -> Result<&ImagePath, MessageIgnored> {
        let Topic::Get(path) = message.topic.parse()? else { return Err(MessageIgnored::Role) };
        if message.retain {
            return Err(MessageIgnored::Retained);
        }
        parse_object::<BTreeMap<String, IgnoredAny>>(&message.payload)?;
        match self.images.get_key_value(&path) {
            Some((path, _)) => Ok(path),
            None => Err(MessageIgnored::Unknown(path)),
        }
    }
}

fn info_message(path: &ImagePath, announcement: &Announcement) -> MqttMessage {
    MqttMessage::new(&Topic::Info(path.clone()), announcement.payload())
}
