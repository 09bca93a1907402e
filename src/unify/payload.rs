//! JSON payloads of the messages.
//!
//! ```text
//! info        {"Version":"0x10053519","ApplyAfter":"2021-04-15T23:59:59+00:00","Filename":"lamp.zigbee"}
//! get         {}
//! data        the file
//! attribute   {"value":"0x10053519"}
//! withdrawn   empty: the broker deletes the retained message (MQTT 3.1.1, section 3.3.1.3)
//! ```
//!
//! Unify, "Announcing Images", "Retrieving Images" and "Providing Firmware Status". The version is the only mandatory member
//! of an info payload; unknown members are skipped.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};

use super::date_time::DateTime;
use crate::types::FileVersion;

/// Announcement of an image: the payload of an info message.
///
/// ```
/// use zigbee_ota::unify::Announcement;
///
/// let payload = br#"{"Version": "0x070F03", "ApplyAfter": "2021-04-15T23:59:59+00:00"}"#;
/// let announcement = Announcement::parse(payload)?;
/// assert_eq!(announcement.file_version()?.0, 0x070f03);
/// assert_eq!(announcement.filename, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Announcement {
    /// Version of the image, in the notation of the image's protocol.
    pub version: String,
    /// Earliest time of the activation; without a time the image is activated as soon as possible.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub apply_after: Option<DateTime>,
    /// Name of the file.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// Deserializes an optional member that is present: the schema does not allow `null`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Payload that does not fit its topic. `Display` says what is wrong.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct PayloadError(#[from] Reason);

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("not the payload of this topic: {0}")]
    Json(#[from] serde_json::Error),
    #[error("version {0:?}: expected up to 8 hexadecimal digits, as in 0x10053519")]
    Version(String),
}

impl Announcement {
    /// Makes the announcement of a Zigbee image that is activated as soon as possible.
    #[must_use]
    pub fn new(version: FileVersion) -> Self {
        Self { version: version_text(version), apply_after: None, filename: None }
    }

    /// Parses the payload of an info message.
    ///
    /// # Errors
    /// [`PayloadError`] for a payload that is not a JSON object, for a missing version, and for a member of another type or
    /// with a wrong date-time.
    pub fn parse(payload: &[u8]) -> Result<Self, PayloadError> {
        parse_object(payload)
    }

    /// Version as a Zigbee file version: up to eight hexadecimal digits, with or without `0x`.
    ///
    /// # Errors
    /// [`PayloadError`] for any other text.
    pub fn file_version(&self) -> Result<FileVersion, PayloadError> {
        let text = self.version.as_str();
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        // `from_str_radix` would accept a sign.
        let are_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let version = u32::from_str_radix(digits, 16).ok().filter(|_| are_digits && digits.len() <= 8);
        version.map(FileVersion).ok_or_else(|| Reason::Version(text.to_owned()).into())
    }

    pub(super) fn payload(&self) -> Vec<u8> {
        to_json(self)
    }
}

/// File version in the notation of announcements and attributes: `0x10053519`.
#[must_use]
pub(super) fn version_text(version: FileVersion) -> String {
    format!("0x{:08X}", version.0)
}

/// JSON object of the payload of an attribute, and of `SupportedCommands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Value<T> {
    pub(super) value: T,
}

/// Parses a JSON object. An array is refused here, because serde would accept it for a structure.
pub(super) fn parse_object<'de, T: Deserialize<'de>>(payload: &'de [u8]) -> Result<T, PayloadError> {
    if payload.trim_ascii_start().starts_with(b"[") {
        let error = serde_json::Error::invalid_type(Unexpected::Seq, &"an object");
        return Err(Reason::Json(error).into());
    }
    Ok(serde_json::from_slice(payload).map_err(Reason::Json)?)
}

pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    // Numbers, strings and structures of them always have a JSON form, so the fallback is never used.
    serde_json::to_vec(value).unwrap_or_default()
}
