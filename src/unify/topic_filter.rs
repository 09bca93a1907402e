//! MQTT topic filters that a provider, a consumer or a program that only watches upgrades subscribes to.
//!
//! ```text
//! consumer   ucl/OTA/info/+/all                    announcements for all devices
//!            ucl/OTA/info/+/<UNID>                 announcements for one device
//!            ucl/OTA/info/#                        all announcements, to be sorted by the receiver
//!            ucl/OTA/data/<UIID>/<all|UNID>        an image, until it has arrived
//! provider   ucl/OTA/data/+/+/get                  requests for all images
//! any        ucl/by-unid/<UNID>/ep<ID>/OTA/Attributes/UIID/<UIID>/#      attributes of an image on a device
//!            ucl/by-unid/+/+/OTA/#                 attributes of all images on all devices
//! ```
//!
//! The section "Retrieving Images" of the Unify document names the filter `ucl/OTA/info/+`. This module does not use
//! `ucl/OTA/info/+`, because this filter matches no topic in the table of the Unify document. Wildcards follow MQTT
//! (version 3.1.1, section 4.7): `+` matches exactly one level.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use super::identifiers::{Uiid, Unid, is_unprintable};
use super::message::lower_case_prefix;
use super::parse_text_error::{Reason, TextError};
use super::topic::{DeviceEndpoint, ImagePath, Topic};

/// MQTT topic filter: a topic in which `+` stands for one level, and `#` at the end stands for all further levels.
///
/// ```
/// use zigbee_ota::unify::TopicFilter;
///
/// let filter: TopicFilter = "ucl/OTA/info/+/all".parse()?;
/// assert!(filter.matches("ucl/OTA/info/ZigBee10011011/all"));
/// assert!(!filter.matches("ucl/OTA/info/ZigBee10011011/zb-0123456789ABCDEF"));
/// # Ok::<(), zigbee_ota::unify::TextError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct TopicFilter(#[serde(deserialize_with = "deserialize_filter")] String);

impl TopicFilter {
    /// Returns the filter for announcements of images for all devices.
    pub(super) fn announcements_for_all() -> Self {
        Self("ucl/OTA/info/+/all".to_owned())
    }

    /// Returns the filter for announcements of images for one device.
    pub(super) fn announcements_for(device: &Unid) -> Self {
        Self(format!("ucl/OTA/info/+/{device}"))
    }

    /// Returns the filter for all announcements: those for all devices, and those for single devices.
    #[must_use]
    pub fn announcements() -> Self {
        Self("ucl/OTA/info/#".to_owned())
    }

    /// Returns the filter for the data topic of the image with this path.
    pub(super) fn image(path: &ImagePath) -> Self {
        Self(Topic::Data(path.clone()).to_string())
    }

    /// Returns the filter for the requests for all images.
    pub(super) fn requests() -> Self {
        Self("ucl/OTA/data/+/+/get".to_owned())
    }

    /// Returns the filter for the attributes of one image on one device.
    #[must_use]
    pub fn attributes(endpoint: &DeviceEndpoint, uiid: &Uiid) -> Self {
        Self(format!("{endpoint}/Attributes/UIID/{uiid}/#"))
    }

    /// Returns the filter for the attributes of all images on all devices.
    #[must_use]
    pub fn all_attributes() -> Self {
        Self("ucl/by-unid/+/+/OTA/#".to_owned())
    }

    /// Returns a copy of the filter that begins with `ucl/ota/` instead of `ucl/OTA/`, for providers that follow a
    /// diagram of the Unify document. The levels of the copy after `ucl/ota/` are those of the filter.
    pub(super) fn with_lower_case_prefix(&self) -> Self {
        Self(lower_case_prefix(&self.0))
    }

    /// Returns the text of the topic filter.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether a subscription to this topic filter receives the messages of `topic`.
    #[must_use]
    pub fn matches(&self, topic: &str) -> bool {
        let (mut levels, mut topic_levels) = (self.0.split('/'), topic.split('/'));
        // Topics that begin with `$` belong to the broker. A wildcard at the start of a filter does not match such
        // topics.
        if topic.starts_with('$') && self.0.starts_with(['+', '#']) {
            return false;
        }
        loop {
            match (levels.next(), topic_levels.next()) {
                // The wildcard `#` also matches the parent level.
                (Some("#"), _) | (None, None) => return true,
                (Some("+"), Some(_)) => {}
                (Some(level), Some(found)) if level == found => {}
                _ => return false,
            }
        }
    }
}

impl FromStr for TopicFilter {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let mut levels = text.split('/');
        let last = levels.next_back().unwrap_or_default();
        let is_plain =
            |level: &str| !level.contains(|of: char| matches!(of, '+' | '#') || is_unprintable(of));
        let are_valid = levels.all(|level| level == "+" || is_plain(level))
            && (["+", "#"].contains(&last) || is_plain(last));
        let fits = (1..=usize::from(u16::MAX)).contains(&text.len());
        if are_valid && fits { Ok(Self(text.to_owned())) } else { Err(TextError(Reason::TopicFilter)) }
    }
}

fn deserialize_filter<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let filter = <String as serde::Deserialize>::deserialize(from)?.parse::<TopicFilter>();
    filter.map(|filter| filter.0).map_err(serde::de::Error::custom)
}

impl fmt::Display for TopicFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
