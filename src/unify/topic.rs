//! The topics, built and read.
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
//! Unify, "OTA MQTT topic space overview" and "OTA MQTT topic attributes overview". Where the document differs from its
//! own table the table is followed: `ucl/OTA` in upper case (a diagram has `ucl/ota`, which is read, too, and never
//! written), with a slash before the UIID, and attributes below an endpoint. They are retained, as the text and the
//! diagram have it, and not the table.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use super::attribute::Attribute;
use super::name::{ALL, Uiid, Unid};

/// For whom an image is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Target {
    /// For all devices that it fits.
    All,
    /// For one. It comes before what is there for all.
    Device(Unid),
}

/// Which image, and for whom: what an image provider has one file for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// Which image.
    pub uiid: Uiid,
    /// For whom.
    pub target: Target,
}

impl Place {
    /// Of an image for all devices.
    #[must_use]
    pub const fn for_all(uiid: Uiid) -> Self {
        Self { uiid, target: Target::All }
    }

    /// Of an image for one device.
    #[must_use]
    pub const fn for_device(uiid: Uiid, device: Unid) -> Self {
        Self { uiid, target: Target::Device(device) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = match &self.target {
            Target::All => ALL,
            Target::Device(device) => device.as_str(),
        };
        write!(f, "{}/{target}", self.uiid)
    }
}

/// What an attribute shall be, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Side {
    /// What it shall be.
    Desired,
    /// What it is.
    Reported,
}

impl Side {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Desired, Self::Reported];

    const fn name(self) -> &'static str {
        match self {
            Self::Desired => "Desired",
            Self::Reported => "Reported",
        }
    }
}

/// A device's endpoint: what its topics begin with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Node {
    /// Which device.
    pub device: Unid,
    /// Which endpoint; 0 where upgrades concern the whole device.
    pub endpoint: u8,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ucl/by-unid/{}/ep{}/OTA", self.device, self.endpoint)
    }
}

/// A topic of the OTA service. [`Display`](fmt::Display) writes it and [`FromStr`] reads it.
///
/// ```
/// use zigbee_ota::unify::{Place, Topic};
///
/// let topic: Topic = "ucl/OTA/data/ZigBee10011011/all/get".parse()?;
/// assert_eq!(topic, Topic::Get(Place::for_all("ZigBee10011011".parse()?)));
/// assert_eq!(topic.to_string(), "ucl/OTA/data/ZigBee10011011/all/get");
///
/// let error = "ucl/OTA/dataZigBee10011011/all".parse::<Topic>().unwrap_err();
/// assert_eq!(error.to_string(), "level 3 of the topic is \"dataZigBee10011011\", expected `info` or `data`");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// What a provider tells of an image.
    Info(Place),
    /// A consumer asks for an image.
    Get(Place),
    /// The image.
    Data(Place),
    /// How far an image has come on a device, told by a consumer.
    Attribute(Node, Uiid, Attribute, Side),
    /// The revision of the service's attributes, told by a consumer: 1.
    Revision(Node, Side),
    /// The commands that a device takes, told by a consumer: none.
    Commands(Node),
}

impl Topic {
    /// Whether the broker keeps the last message, for who subscribes later.
    #[must_use]
    pub const fn is_retained(&self) -> bool {
        !matches!(self, Self::Get(_) | Self::Data(_))
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Info(place) => write!(f, "ucl/OTA/info/{place}"),
            Self::Get(place) => write!(f, "ucl/OTA/data/{place}/get"),
            Self::Data(place) => write!(f, "ucl/OTA/data/{place}"),
            Self::Attribute(node, uiid, attribute, side) => {
                write!(f, "{node}/Attributes/UIID/{uiid}/{}/{}", attribute.name(), side.name())
            }
            Self::Revision(node, side) => write!(f, "{node}/Attributes/ClusterRevision/{}", side.name()),
            Self::Commands(node) => write!(f, "{node}/SupportedCommands"),
        }
    }
}

/// A text that is no topic of the service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("level {level} of the topic is {found:?}, expected {expected}")]
pub struct TopicError {
    /// Which level, counted from 1.
    pub level: usize,
    /// What stands there; empty where the topic ends before.
    pub found: String,
    /// What would stand there.
    pub expected: &'static str,
}

impl FromStr for Topic {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        let mut levels = Levels { rest: text.split('/'), level: 0, found: "" };
        levels.word("`ucl`", |found| (found == "ucl").then_some(()))?;
        let by_device = levels.word("`OTA` or `by-unid`", |found| match found {
            "OTA" | "ota" => Some(false),
            "by-unid" => Some(true),
            _ => None,
        })?;
        let topic = if by_device { levels.status() } else { levels.image() }?;
        levels.end().map(|()| topic)
    }
}

/// The levels of a topic, from left to right.
struct Levels<'a> {
    rest: core::str::Split<'a, char>,
    level: usize,
    found: &'a str,
}

impl<'a> Levels<'a> {
    fn next(&mut self) -> &'a str {
        self.level = self.level.saturating_add(1);
        // No level of a topic of the service is empty, so that an empty one is as good as none.
        self.found = self.rest.next().unwrap_or_default();
        self.found
    }

    fn error(&self, expected: &'static str) -> TopicError {
        TopicError { level: self.level, found: self.found.to_owned(), expected }
    }

    fn word<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, TopicError> {
        let found = self.next();
        read(found).ok_or_else(|| self.error(expected))
    }

    fn name<T: FromStr>(&mut self, expected: &'static str) -> Result<T, TopicError> {
        self.word(expected, |found| found.parse().ok())
    }

    fn side(&mut self) -> Result<Side, TopicError> {
        self.word("`Desired` or `Reported`", |found| Side::BOTH.into_iter().find(|side| side.name() == found))
    }

    fn end(&mut self) -> Result<(), TopicError> {
        self.level = self.level.saturating_add(1);
        match self.rest.next() {
            None => Ok(()),
            Some(found) => {
                self.found = found;
                Err(self.error("the end"))
            }
        }
    }

    /// What follows `ucl/OTA`.
    fn image(&mut self) -> Result<Topic, TopicError> {
        let is_info = self.word("`info` or `data`", |found| match found {
            "info" => Some(true),
            "data" => Some(false),
            _ => None,
        })?;
        let uiid = self.name("a UIID")?;
        let target = self.word("`all` or a UNID", |found| match found {
            ALL => Some(Target::All),
            name => name.parse().ok().map(Target::Device),
        })?;
        let place = Place { uiid, target };
        if is_info {
            return Ok(Topic::Info(place));
        }
        if self.rest.clone().next().is_none() {
            return Ok(Topic::Data(place));
        }
        self.word("`get` or the end", |found| (found == "get").then_some(()))?;
        Ok(Topic::Get(place))
    }

    /// What follows `ucl/by-unid`.
    fn status(&mut self) -> Result<Topic, TopicError> {
        let device = self.name("a UNID")?;
        let endpoint = self.word("`ep` and a number from 0 to 255", |found| {
            let digits = found.strip_prefix("ep")?;
            // One way to write each number, so that what is read is written alike.
            let plain = digits.bytes().all(|digit| digit.is_ascii_digit())
                && (digits.len() == 1 || !digits.starts_with('0'));
            digits.parse().ok().filter(|_| plain)
        })?;
        let node = Node { device, endpoint };
        self.word("`OTA`", |found| (found == "OTA").then_some(()))?;
        let commands = self.word("`Attributes` or `SupportedCommands`", |found| match found {
            "SupportedCommands" => Some(true),
            "Attributes" => Some(false),
            _ => None,
        })?;
        if commands {
            return Ok(Topic::Commands(node));
        }
        let revision = self.word("`UIID` or `ClusterRevision`", |found| match found {
            "ClusterRevision" => Some(true),
            "UIID" => Some(false),
            _ => None,
        })?;
        if revision {
            return Ok(Topic::Revision(node, self.side()?));
        }
        let uiid = self.name("a UIID")?;
        let attribute = self.word("the name of an attribute", Attribute::of_name)?;
        Ok(Topic::Attribute(node, uiid, attribute, self.side()?))
    }
}
