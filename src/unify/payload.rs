//! JSON payloads of the MQTT messages.
//!
//! ```text
//! info        {"Version":"0x10053519","ApplyAfter":"2021-04-15T23:59:59+00:00","Filename":"lamp.zigbee"}
//! get         {}
//! data        the file
//! attribute   {"value":"0x10053519"}
//! withdrawn   empty: the broker deletes the retained message (MQTT 3.1.1, section 3.3.1.3)
//! ```
//!
//! The payloads follow Unify, "Announcing Images", "Retrieving Images" and "Providing Firmware Status". The version is
//! the only mandatory member of an info payload. A parser of a payload ignores unknown members of the JSON object.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};

use super::date_time::DateTime;
use crate::types::FileVersion;

/// Announcement of an image, which is the payload of an info message.
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
    /// Version of the image, in the notation of the protocol for which the image is made.
    pub version: String,
    /// Earliest time at which a device may activate the image; `None` means as soon as possible.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub apply_after: Option<DateTime>,
    /// Name of the image file; `None` if the announcement names no file.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// Deserializes an optional member that is present in the JSON object of an announcement. The function refuses `null`,
/// because the schema of announcements does not allow `null`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Error for a payload that does not match its topic. `Display` writes the reason for which the payload is not valid,
/// and serde serializes the error as the text of `Display`.
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

impl serde::Serialize for PayloadError {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Announcement {
    /// Creates the announcement of a Zigbee image that is activated as soon as possible.
    #[must_use]
    pub fn new(version: FileVersion) -> Self {
        Self { version: version_text(version), apply_after: None, filename: None }
    }

    /// Parses the payload of an info message as an announcement.
    ///
    /// # Errors
    /// Fails with [`PayloadError`] if the payload is not a JSON object, if the version is missing, if a member has the
    /// wrong type, or if the date-time is invalid.
    pub fn parse(payload: &[u8]) -> Result<Self, PayloadError> {
        parse_object(payload)
    }

    /// Returns the version of the image as a Zigbee file version. The version must be a text of one to eight
    /// hexadecimal digits, with or without `0x`.
    ///
    /// # Errors
    /// Fails with [`PayloadError`] if the version is not one to eight hexadecimal digits, with or without `0x`.
    pub fn file_version(&self) -> Result<FileVersion, PayloadError> {
        let text = self.version.as_str();
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        // `from_str_radix` would accept a sign, which is no digit.
        let are_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let version = u32::from_str_radix(digits, 16).ok().filter(|_| are_digits && digits.len() <= 8);
        version.map(FileVersion).ok_or_else(|| Reason::Version(text.to_owned()).into())
    }

    pub(super) fn payload(&self) -> Vec<u8> {
        to_json(self)
    }
}

/// Returns the file version in the notation of announcements and attributes, such as `0x10053519`.
#[must_use]
pub(super) fn version_text(version: FileVersion) -> String {
    format!("0x{:08X}", version.0)
}

/// JSON object with the single member `value`: the payload of an attribute, and of the topic `SupportedCommands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Value<T> {
    pub(super) value: T,
}

/// Parses a JSON object. The function refuses an array, which serde alone would accept in place of an object.
pub(super) fn parse_object<'de, T: Deserialize<'de>>(payload: &'de [u8]) -> Result<T, PayloadError> {
    if payload.trim_ascii_start().starts_with(b"[") {
        let error = serde_json::Error::invalid_type(Unexpected::Seq, &"an object");
        return Err(Reason::Json(error).into());
    }
    Ok(serde_json::from_slice(payload).map_err(Reason::Json)?)
}

pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    // Numbers, strings, and structures of numbers and strings always have a JSON form, so the fallback is never used.
    serde_json::to_vec(value).unwrap_or_default()
}
