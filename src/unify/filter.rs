//! What to subscribe to.
//!
//! ```text
//! consumer   ucl/OTA/info/+/all                    what there is for all devices
//!            ucl/OTA/info/+/<UNID>                 what there is for one
//!            ucl/OTA/info/#                        both, to be sorted by who gets it
//!            ucl/OTA/data/<UIID>/<all|UNID>        an image, while it is waited for
//! provider   ucl/OTA/data/+/+/get                  all who ask
//! anybody    ucl/by-unid/<UNID>/ep<ID>/OTA/Attributes/UIID/<UIID>/#      the status of an image on a device
//!            ucl/by-unid/+/+/OTA/#                 the status of all images on all devices
//! ```
//!
//! Unify, "Retrieving Images", names `ucl/OTA/info/+`, which matches no topic of the table: wildcards are those of MQTT
//! (version 3.1.1, section 4.7), where `+` is one whole level.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use super::name::{Uiid, Unid};
use super::topic::{Node, Place, Topic};

/// A filter of topics: a topic, where `+` may stand for a level and a last `#` for all that follows.
///
/// ```
/// use zigbee_ota::unify::Filter;
///
/// let filter = Filter::info_for_all();
/// assert_eq!(filter.as_str(), "ucl/OTA/info/+/all");
/// assert!(filter.matches("ucl/OTA/info/ZigBee10011011/all"));
/// assert!(!filter.matches("ucl/OTA/info/ZigBee10011011/zb-0123456789ABCDEF"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Filter(String);

/// A text that is no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a filter of topics: 1 to 65535 bytes expected, `+` and `#` as whole levels alone and `#` as the last"
)]
pub struct FilterError;

impl Filter {
    /// What a consumer hears of: all images that are there for all devices.
    #[must_use]
    pub fn info_for_all() -> Self {
        Self("ucl/OTA/info/+/all".to_owned())
    }

    /// And those for one device.
    #[must_use]
    pub fn info_for(device: &Unid) -> Self {
        Self(format!("ucl/OTA/info/+/{device}"))
    }

    /// Both, for all devices.
    #[must_use]
    pub fn info() -> Self {
        Self("ucl/OTA/info/#".to_owned())
    }

    /// Where a consumer waits for one image.
    #[must_use]
    pub fn data(place: &Place) -> Self {
        Self(Topic::Data(place.clone()).to_string())
    }

    /// What a provider answers to.
    #[must_use]
    pub fn gets() -> Self {
        Self("ucl/OTA/data/+/+/get".to_owned())
    }

    /// How far an image has come on a device.
    #[must_use]
    pub fn status(node: &Node, uiid: &Uiid) -> Self {
        Self(format!("{node}/Attributes/UIID/{uiid}/#"))
    }

    /// How far all images have come on all devices.
    #[must_use]
    pub fn all_status() -> Self {
        Self("ucl/by-unid/+/+/OTA/#".to_owned())
    }

    /// The same below `ucl/ota`, for peers that go by the document's diagram.
    #[must_use]
    pub fn in_lower_case(&self) -> Self {
        Self(self.0.replacen("ucl/OTA/", "ucl/ota/", 1))
    }

    /// It as it is subscribed to.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a message to `topic` comes to who subscribed to this.
    #[must_use]
    pub fn matches(&self, topic: &str) -> bool {
        let (mut levels, mut topic_levels) = (self.0.split('/'), topic.split('/'));
        // What begins with `$` is the broker's own.
        if topic.starts_with('$') && self.0.starts_with(['+', '#']) {
            return false;
        }
        loop {
            match (levels.next(), topic_levels.next()) {
                // The level above is matched, too.
                (Some("#"), _) | (None, None) => return true,
                (Some("+"), Some(_)) => {}
                (Some(level), Some(found)) if level == found => {}
                _ => return false,
            }
        }
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let mut levels = text.split('/');
        let last = levels.next_back().unwrap_or_default();
        let plain = |level: &str| !level.contains(['+', '#', '\0']);
        let right =
            levels.all(|level| level == "+" || plain(level)) && (["+", "#"].contains(&last) || plain(last));
        let length = (1..=usize::from(u16::MAX)).contains(&text.len());
        if right && length { Ok(Self(text.to_owned())) } else { Err(FilterError) }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
