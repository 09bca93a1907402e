//! Topics of Unify's OTA service: construction and parsing.
//!
//! ```text
//! ucl/OTA/info/<UIID>/<all|UNID>                                              Info       retained
//! ucl/OTA/data/<UIID>/<all|UNID>/get                                          Get
//! ucl/OTA/data/<UIID>/<all|UNID>                                              Data
//! ucl/by-unid/<UNID>/ep<ID>/OTA/Attributes/UIID/<UIID>/<Attribute>/<Side>     Attribute  retained
//! ucl/by-unid/<UNID>/ep<ID>/OTA/Attributes/ClusterRevision/<Side>             Revision   retained
//! ucl/by-unid/<UNID>/ep<ID>/OTA/SupportedCommands                             Commands   retained
//! ```
//!
//! The topics follow Unify, "OTA MQTT topic space overview" and "OTA MQTT topic attributes overview". Where the Unify
//! document contradicts its own table of topics, this module follows the table. According to the table of topics in the
//! Unify document, the level `OTA` in `ucl/OTA` is in upper case, a slash stands before the UIID, and attributes are
//! below an endpoint. A diagram of the Unify document has the level `ota` in lower case. This module parses topics
//! below `ucl/ota`, but writes only topics below `ucl/OTA`.
//!
//! A consumer sets the retain flag in the messages with attributes. The text and the diagram of the Unify document
//! contradict its table on the retain flag of attributes; the module follows the text and the diagram.

use alloc::borrow::ToOwned;
use core::fmt;
use core::str::FromStr;

use super::identifiers::{ALL, Uiid, Unid};
use super::image_attribute::ImageAttribute;
use super::parse_text_error::{Reason, TextError};

/// Path of an image: the two levels that name the image in the MQTT topics below `ucl/OTA/info` and `ucl/OTA/data`. The
/// first level of an image path is the UIID (unique image identifier) of the image. The second level of an image path
/// is the UNID (unique node identifier) of the device that the image is for, or `all`. A provider has one file for each
/// image path. `Display` writes an image path as `<UIID>/all` or `<UIID>/<UNID>`.
// Exhaustive: the Unify document fixes the two levels of the path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct ImagePath {
    /// UIID of the image.
    pub uiid: Uiid,
    /// Device that the image is for; `None` means all devices that the image fits. An image for one device takes
    /// precedence over an image for all devices.
    pub device: Option<Unid>,
}

impl ImagePath {
    /// Returns the path of an image for all devices.
    #[must_use]
    pub const fn for_all(uiid: Uiid) -> Self {
        Self { uiid, device: None }
    }

    /// Returns the path of an image for one device.
    #[must_use]
    pub const fn for_device(uiid: Uiid, device: Unid) -> Self {
        Self { uiid, device: Some(device) }
    }
}

impl fmt::Display for ImagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { uiid, device } = self;
        let device = device.as_ref().map_or(ALL, Unid::as_str);
        write!(f, "{uiid}/{device}")
    }
}

/// Side of an attribute: the desired value or the reported value.
// Exhaustive: every attribute in Unify has a desired and a reported side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum AttributeSide {
    /// Desired side: the value that the attribute shall have.
    Desired,
    /// Reported side: the value that the attribute has.
    Reported,
}

impl AttributeSide {
    /// Both sides of an attribute, the desired value and the reported value. A consumer publishes one value of an
    /// attribute both as the desired value and as the reported value.
    pub const BOTH: [Self; 2] = [Self::Desired, Self::Reported];

    const fn name(self) -> &'static str {
        match self {
            Self::Desired => "Desired",
            Self::Reported => "Reported",
        }
    }
}

/// Endpoint of a device. `Display` writes an endpoint as the levels with which all topics of the endpoint begin:
/// `ucl/by-unid/<UNID>/ep<ID>/OTA`.
// Exhaustive: the Unify document fixes the two levels of the topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct DeviceEndpoint {
    /// UNID of the device that has the endpoint.
    pub device: Unid,
    /// Endpoint number; 0 if upgrades concern the device as a whole.
    pub endpoint: u8,
}

impl fmt::Display for DeviceEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, endpoint } = self;
        write!(f, "ucl/by-unid/{device}/ep{endpoint}/OTA")
    }
}

/// Topic of Unify's OTA service. [`Display`](fmt::Display) writes the text of the topic, and [`FromStr`] parses the
/// text. Serde serializes a topic as its text.
///
/// ```
/// use zigbee_ota::unify::{ImagePath, Topic};
///
/// let topic: Topic = "ucl/OTA/data/ZigBee10011011/all/get".parse()?;
/// assert_eq!(topic, Topic::Get(ImagePath::for_all("ZigBee10011011".parse()?)));
/// assert_eq!(topic.to_string(), "ucl/OTA/data/ZigBee10011011/all/get");
///
/// let error = "ucl/OTA/dataZigBee10011011/all".parse::<Topic>().unwrap_err();
/// assert_eq!(error.to_string(), "level 3 of the topic is \"dataZigBee10011011\", expected `info` or `data`");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Topic {
    /// Topic to which a provider publishes the announcement of an image.
    Info(ImagePath),
    /// Topic to which a consumer publishes a request for an image.
    Get(ImagePath),
    /// Topic to which a provider publishes a requested image file.
    Data(ImagePath),
    /// Topic to which a consumer publishes an attribute of an image on a device.
    Attribute(DeviceEndpoint, Uiid, ImageAttribute, AttributeSide),
    /// Topic to which a consumer publishes the revision of the attributes, which is always 1.
    Revision(DeviceEndpoint, AttributeSide),
    /// Topic to which a consumer publishes the list of the commands that a device accepts; the list is always empty.
    Commands(DeviceEndpoint),
}

impl Topic {
    /// Returns whether the broker keeps the last message of the topic for later subscribers.
    #[must_use]
    pub const fn is_retained(&self) -> bool {
        match self {
            Self::Info(_) | Self::Attribute(..) | Self::Revision(..) | Self::Commands(_) => true,
            Self::Get(_) | Self::Data(_) => false,
        }
    }
}

impl serde::Serialize for Topic {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Topic {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <alloc::string::String as serde::Deserialize>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Info(path) => write!(f, "ucl/OTA/info/{path}"),
            Self::Get(path) => write!(f, "ucl/OTA/data/{path}/get"),
            Self::Data(path) => write!(f, "ucl/OTA/data/{path}"),
            Self::Attribute(endpoint, uiid, attribute, side) => {
                write!(f, "{endpoint}/Attributes/UIID/{uiid}/{}/{}", attribute.name(), side.name())
            }
            Self::Revision(endpoint, side) => {
                write!(f, "{endpoint}/Attributes/ClusterRevision/{}", side.name())
            }
            Self::Commands(endpoint) => write!(f, "{endpoint}/SupportedCommands"),
        }
    }
}

impl FromStr for Topic {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let mut levels = Levels { rest: text.split('/'), level: 0, found: "" };
        levels.word("`ucl`", |found| (found == "ucl").then_some(()))?;
        let by_device = levels.word("`OTA` or `by-unid`", |found| match found {
            "OTA" | "ota" => Some(false),
            "by-unid" => Some(true),
            _ => None,
        })?;
        let topic = if by_device { levels.device_topic() } else { levels.image_topic() }?;
        levels.end().map(|()| topic)
    }
}

/// Cursor over the levels of a topic, from left to right.
struct Levels<'a> {
    rest: core::str::Split<'a, char>,
    level: usize,
    found: &'a str,
}

impl<'a> Levels<'a> {
    fn next(&mut self) -> &'a str {
        self.level = self.level.saturating_add(1);
        // No topic of the service has an empty level, so a missing level can be treated as an empty level.
        self.found = self.rest.next().unwrap_or_default();
        self.found
    }

    fn error(&self, expected: &'static str) -> TextError {
        TextError(Reason::Topic { level: self.level, found: self.found.to_owned(), expected })
    }

    fn word<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, TextError> {
        let found = self.next();
        read(found).ok_or_else(|| self.error(expected))
    }

    fn name<T: FromStr>(&mut self, expected: &'static str) -> Result<T, TextError> {
        self.word(expected, |found| found.parse().ok())
    }

    fn side(&mut self) -> Result<AttributeSide, TextError> {
        self.word("`Desired` or `Reported`", |found| {
            AttributeSide::BOTH.into_iter().find(|side| side.name() == found)
        })
    }

    fn end(&mut self) -> Result<(), TextError> {
        self.level = self.level.saturating_add(1);
        match self.rest.next() {
            None => Ok(()),
            Some(found) => {
                self.found = found;
                Err(self.error("the end"))
            }
        }
    }

    /// Parses the levels of a topic after `ucl/OTA`.
    fn image_topic(&mut self) -> Result<Topic, TextError> {
        let is_info = self.word("`info` or `data`", |found| match found {
            "info" => Some(true),
            "data" => Some(false),
            _ => None,
        })?;
        let uiid = self.name("a UIID")?;
        let device = self.word("`all` or a UNID", |found| match found {
            ALL => Some(None),
            name => name.parse().ok().map(Some),
        })?;
        let path = ImagePath { uiid, device };
        if is_info {
            return Ok(Topic::Info(path));
        }
        if self.rest.clone().next().is_none() {
            return Ok(Topic::Data(path));
        }
        self.word("`get` or the end", |found| (found == "get").then_some(()))?;
        Ok(Topic::Get(path))
    }

    /// Parses the levels of a topic after `ucl/by-unid`.
    fn device_topic(&mut self) -> Result<Topic, TextError> {
        let device = self.name("a UNID")?;
        let endpoint = self.word("`ep` and a number from 0 to 255", |found| {
            let digits = found.strip_prefix("ep")?;
            // An endpoint has no leading zeros, so each endpoint has a single text, and a parsed topic is written with
            // the text that was parsed.
            let plain = digits.bytes().all(|digit| digit.is_ascii_digit())
                && (digits.len() == 1 || !digits.starts_with('0'));
            digits.parse().ok().filter(|_| plain)
        })?;
        let endpoint = DeviceEndpoint { device, endpoint };
        self.word("`OTA`", |found| (found == "OTA").then_some(()))?;
        let commands = self.word("`Attributes` or `SupportedCommands`", |found| match found {
            "SupportedCommands" => Some(true),
            "Attributes" => Some(false),
            _ => None,
        })?;
        if commands {
            return Ok(Topic::Commands(endpoint));
        }
        let revision = self.word("`UIID` or `ClusterRevision`", |found| match found {
            "ClusterRevision" => Some(true),
            "UIID" => Some(false),
            _ => None,
        })?;
        if revision {
            return Ok(Topic::Revision(endpoint, self.side()?));
        }
        let uiid = self.name("a UIID")?;
        let attribute = self.word("the name of an attribute", ImageAttribute::from_name)?;
        Ok(Topic::Attribute(endpoint, uiid, attribute, self.side()?))
    }
}
