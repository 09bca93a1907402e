//! What messages say.
//!
//! ```text
//! info        {"Version":"0x10053519","ApplyAfter":"2021-04-15T23:59:59+00:00","Filename":"lamp.zigbee"}
//! get         {}
//! data        the file
//! attribute   {"value":"0x10053519"}
//! withdrawn   nothing: the broker forgets what it kept (MQTT 3.1.1, section 3.3.1.3)
//! ```
//!
//! Unify, "Announcing Images", "Retrieving Images" and "Providing Firmware Status". Of an info only the version must be
//! there; members that nobody here knows are passed over.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};

use super::moment::Moment;
use super::topic::{Place, Topic};
use crate::types::FileVersion;

/// A message to or from the broker. Whether it is retained follows from its topic.
///
/// All can go with quality of service 1: each may come twice without harm, and none should be lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it is published.
    pub topic: String,
    /// What it says.
    pub payload: Vec<u8>,
    /// On the way to the broker: it shall be kept for who subscribes later. On the way from it: it was.
    pub retain: bool,
}

impl Message {
    pub(super) fn new(topic: &Topic, payload: Vec<u8>) -> Self {
        Self { topic: topic.to_string(), payload, retain: topic.is_retained() }
    }
}

/// The most bytes of a packet's topic, length of it, identifier, properties and payload (MQTT 3.1.1, section 2.2.3).
const LONGEST_PACKET: usize = 268_435_455;

/// Bytes of a packet beside topic and payload: length of the topic, identifier, length of no properties (MQTT 5).
const PACKET_FIELDS: usize = 5;

/// An image that no message of MQTT can hold: 256 megabytes less its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an image of {len} bytes, at most {max} fit into a message")]
pub struct TooLong {
    /// Bytes of the image.
    pub len: usize,
    /// The most there can be.
    pub max: usize,
}

impl Place {
    /// The most bytes of an image that can be published for this place.
    #[must_use]
    pub fn longest_image(&self) -> usize {
        let topic = Topic::Data(self.clone()).to_string();
        LONGEST_PACKET.saturating_sub(PACKET_FIELDS).saturating_sub(topic.len())
    }

    /// The message that asks for the image.
    #[must_use]
    pub fn get(&self) -> Message {
        Message::new(&Topic::Get(self.clone()), b"{}".to_vec())
    }

    /// The message that is the image.
    ///
    /// # Errors
    /// No message holds it.
    pub fn data(&self, image: Vec<u8>) -> Result<Message, TooLong> {
        let (len, max) = (image.len(), self.longest_image());
        if len > max {
            Err(TooLong { len, max })
        } else {
            Ok(Message::new(&Topic::Data(self.clone()), image))
        }
    }
}

/// What a provider tells of an image.
///
/// ```
/// use zigbee_ota::unify::Info;
///
/// let info = Info::read(br#"{"Version": "0x070F03", "ApplyAfter": "2021-04-15T23:59:59+00:00"}"#)?;
/// assert_eq!(info.file_version()?.0, 0x070f03);
/// assert_eq!(info.filename, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Info {
    /// The version of the image, in the words of its protocol.
    pub version: String,
    /// When it may be applied at the earliest; at once where it is not told.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub apply_after: Option<Moment>,
    /// What the file is called.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// What is there is of its type: the schema has no `null`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// A payload that is not what its topic asks for: what is wrong with it, and where.
#[derive(Debug, thiserror::Error)]
#[error("not the payload of this topic: {0}")]
pub struct PayloadError(#[from] serde_json::Error);

/// A version that is no file version of Zigbee's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("version {0:?}: expected up to 8 hexadecimal digits, as in 0x10053519")]
pub struct VersionError(pub String);

impl Info {
    /// Of an image of Zigbee, to be applied as soon as can be.
    #[must_use]
    pub fn new(version: FileVersion) -> Self {
        Self { version: version_text(version), apply_after: None, filename: None }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// It is no JSON object, has no version, or a member of another type; the moment is no date-time of RFC 3339.
    pub fn read(payload: &[u8]) -> Result<Self, PayloadError> {
        read_object(payload)
    }

    /// The version as Zigbee compares it: hexadecimal digits, `0x` before them or not.
    ///
    /// # Errors
    /// It is something else.
    pub fn file_version(&self) -> Result<FileVersion, VersionError> {
        let text = self.version.as_str();
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let version = u32::from_str_radix(digits, 16).ok().filter(|_| plain && digits.len() <= 8);
        version.map(FileVersion).ok_or_else(|| VersionError(text.to_owned()))
    }

    pub(super) fn payload(&self) -> Vec<u8> {
        to_json(self)
    }
}

/// A file version as it stands in infos and attributes: `0x10053519`.
#[must_use]
pub(super) fn version_text(version: FileVersion) -> String {
    format!("0x{:08X}", version.0)
}

/// The payload of an attribute, and of `SupportedCommands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Value<T> {
    pub(super) value: T,
}

/// Reads a JSON object: alone a structure could come as an array, too.
pub(super) fn read_object<'de, T: Deserialize<'de>>(payload: &'de [u8]) -> Result<T, PayloadError> {
    if payload.trim_ascii_start().starts_with(b"[") {
        return Err(serde_json::Error::invalid_type(Unexpected::Seq, &"an object").into());
    }
    Ok(serde_json::from_slice(payload)?)
}

pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    // Numbers, texts and structures of them, which JSON has: it does not fail.
    serde_json::to_vec(value).unwrap_or_default()
}
