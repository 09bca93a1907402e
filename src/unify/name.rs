//! The names that stand in topics: of images (UIID) and of devices (UNID), and how one follows from the other.
//!
//! ```text
//! UIID   ZigBee10011011        "ZigBee", manufacturer code, image type: 4 upper-case hexadecimal digits each
//! UIID   zb-0123456789ABCDEF   the device's UNID: what ZigPC uses
//! UIID   any other             by configuration: see Naming
//! UNID   zb-0123456789ABCDEF   "zb-" and the IEEE address, most significant byte first
//! ```
//!
//! Unify, "UCL OTA Framework": a UIID names where an image belongs, so that all versions of one image share it. It begins
//! with a code of the protocol; the rest is the protocol's matter. The document's own example, `ZigBee010103`, has no
//! room for two numbers of 16 bits: each is written with all its digits here, so that it can be read back.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use crate::types::{Eui64, ImageId, ImageType, ManufacturerCode};

/// The most bytes of a name, so that each topic made of two of them keeps within MQTT's 65,535 bytes.
const LONGEST: usize = 32_000;

/// What a UIID of Zigbee begins with.
const IMAGE_PREFIX: &str = "ZigBee";

/// What a UNID of Zigbee begins with.
const DEVICE_PREFIX: &str = "zb-";

/// The level that stands for all devices, where a UNID would stand for one.
pub(super) const ALL: &str = "all";

/// A text that cannot be a name: each is one level of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is no character.
    #[error("an empty name")]
    Empty,
    /// It is so long that a topic would not hold it.
    #[error("a name of {0} bytes, at most 32000 fit into a topic")]
    TooLong(usize),
    /// A character that separates levels, stands for any, or ends a text.
    #[error("character {found:?} at byte {offset} of a name: none of `/`, `+`, `#` and U+0000 can be in it")]
    Character {
        /// Which.
        found: char,
        /// Where, counted from 0.
        offset: usize,
    },
    /// The word for all devices.
    #[error("`all` stands for every device and names none")]
    All,
}

fn check(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > LONGEST {
        return Err(NameError::TooLong(text.len()));
    }
    let special = |(_, found): &(usize, char)| matches!(found, '/' | '+' | '#' | '\0');
    match text.char_indices().find(special) {
        Some((offset, found)) => Err(NameError::Character { found, offset }),
        None => Ok(()),
    }
}

/// Unique Image Identifier: where an image belongs, whatever its version.
///
/// ```
/// use zigbee_ota::ImageId;
/// use zigbee_ota::unify::{ImageKind, Uiid};
///
/// let kind = ImageKind::from(ImageId::new(0x1001, 0x1011, 7));
/// let uiid = Uiid::from(kind);
/// assert_eq!(uiid.as_str(), "ZigBee10011011");
/// assert_eq!(uiid.kind(), Some(kind));
/// assert_eq!("ZWave-0000-0002-0004-00-01".parse::<Uiid>()?.kind(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Uiid(String);

impl Uiid {
    /// It as it stands in a topic.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The images it names, where it is of the form that [`From<ImageKind>`](Self#impl-From<ImageKind>-for-Uiid)
    /// writes, to the letter.
    #[must_use]
    pub fn kind(&self) -> Option<ImageKind> {
        let digits = self.0.strip_prefix(IMAGE_PREFIX)?;
        let number = number(digits).filter(|_| digits.len() == 8)?;
        let [a, b, c, d] = u32::try_from(number).ok()?.to_be_bytes();
        let kind = ImageKind {
            manufacturer: ManufacturerCode(u16::from_be_bytes([a, b])),
            image_type: ImageType(u16::from_be_bytes([c, d])),
        };
        // Names are compared by their letters: one in lower case is another one.
        (Self::from(kind) == *self).then_some(kind)
    }
}

impl From<ImageKind> for Uiid {
    fn from(ImageKind { manufacturer, image_type }: ImageKind) -> Self {
        Self(format!("{IMAGE_PREFIX}{:04X}{:04X}", manufacturer.0, image_type.0))
    }
}

/// ZigPC's form.
impl From<&Unid> for Uiid {
    fn from(unid: &Unid) -> Self {
        Self(unid.0.clone())
    }
}

/// Unify Node Identifier: a device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Unid(String);

impl Unid {
    /// It as it stands in a topic.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The IEEE address in it, where it is of Zigbee's form, with digits of either case.
    #[must_use]
    pub fn node(&self) -> Option<Eui64> {
        let digits = self.0.strip_prefix(DEVICE_PREFIX)?;
        number(digits).filter(|_| digits.len() == 16).map(Eui64)
    }
}

impl From<Eui64> for Unid {
    fn from(node: Eui64) -> Self {
        Self(format!("{DEVICE_PREFIX}{:016X}", node.0))
    }
}

impl FromStr for Uiid {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check(text).map(|()| Self(text.to_owned()))
    }
}

impl FromStr for Unid {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text == ALL {
            return Err(NameError::All);
        }
        check(text).map(|()| Self(text.to_owned()))
    }
}

impl TryFrom<String> for Uiid {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl TryFrom<String> for Unid {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Uiid> for String {
    fn from(uiid: Uiid) -> Self {
        uiid.0
    }
}

impl From<Unid> for String {
    fn from(unid: Unid) -> Self {
        unid.0
    }
}

impl fmt::Display for Uiid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for Unid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Hexadecimal digits alone: no sign.
fn number(digits: &str) -> Option<u64> {
    let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u64::from_str_radix(digits, 16).ok().filter(|_| plain)
}

/// Which images a UIID of Zigbee names: an [`ImageId`] without its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ImageKind {
    /// Who made them.
    pub manufacturer: ManufacturerCode,
    /// For which of the maker's products.
    pub image_type: ImageType,
}

impl From<ImageId> for ImageKind {
    fn from(id: ImageId) -> Self {
        Self { manufacturer: id.manufacturer, image_type: id.image_type }
    }
}

/// Which UIID an image has that has none of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// `ZigBee`, manufacturer code, image type.
    #[default]
    Kind,
    /// The UNID of the device it runs on, as with ZigPC: of use for devices with one image.
    Unid,
}

/// A UIID that another kind of image has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("UIID {uiid} is that of manufacturer {}, image type {:#06x}", .of.manufacturer, .of.image_type.0)]
pub struct NameTaken {
    /// The UIID.
    pub uiid: Uiid,
    /// Whose it is.
    pub of: ImageKind,
}

/// How images are named: by one of the forms, but for those that have a UIID of their own.
///
/// ```
/// use zigbee_ota::ImageId;
/// use zigbee_ota::unify::{Form, ImageKind, Naming};
///
/// let [lamp, plug] = [0x00ab, 0x00ac].map(|kind| ImageKind::from(ImageId::new(0x1001, kind, 0)));
/// let device = "zb-0123456789ABCDEF".parse()?;
/// let mut naming = Naming::new(Form::Kind);
/// naming.set(lamp, "ZigBee010103".parse()?)?;
/// assert_eq!(naming.uiid(lamp, &device).as_str(), "ZigBee010103");
/// assert_eq!(naming.uiid(plug, &device).as_str(), "ZigBee100100AC");
/// assert_eq!(naming.kind(&"ZigBee010103".parse()?), Some(lamp));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    form: Form,
    own: BTreeMap<ImageKind, Uiid>,
}

impl Naming {
    /// All images by the form.
    #[must_use]
    pub const fn new(form: Form) -> Self {
        Self { form, own: BTreeMap::new() }
    }

    /// Gives a kind of image a UIID of its own, in place of the one it had.
    ///
    /// # Errors
    /// Another kind has it, by configuration or by the form.
    pub fn set(&mut self, kind: ImageKind, uiid: Uiid) -> Result<(), NameTaken> {
        match self.kind(&uiid) {
            Some(of) if of != kind => Err(NameTaken { uiid, of }),
            _ => {
                self.own.insert(kind, uiid);
                Ok(())
            }
        }
    }

    /// The UIID of a kind of image on a device.
    #[must_use]
    pub fn uiid(&self, kind: ImageKind, device: &Unid) -> Uiid {
        match (self.own.get(&kind), self.form) {
            (Some(own), _) => own.clone(),
            (None, Form::Kind) => kind.into(),
            (None, Form::Unid) => device.into(),
        }
    }

    /// The kind of image that a UIID names; `None` where it names none, or is a UNID and names whatever runs there.
    #[must_use]
    pub fn kind(&self, uiid: &Uiid) -> Option<ImageKind> {
        let own = self.own.iter().find(|(_, own)| *own == uiid).map(|(kind, _)| *kind);
        let by_form = || uiid.kind().filter(|kind| self.form == Form::Kind && !self.own.contains_key(kind));
        own.or_else(by_form)
    }
}
