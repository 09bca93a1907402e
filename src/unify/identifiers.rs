//! Identifiers in topics: UIIDs of images and UNIDs of devices, and the conversion between the UIID of an image and its
//! manufacturer code and image type.
//!
//! ```text
//! UIID   ZigBee10011011        "ZigBee", manufacturer code, image type: 4 upper-case hexadecimal digits each
//! UIID   zb-0123456789ABCDEF   UNID of the device: the form that ZigPC uses
//! UIID   any other text        by configuration: see Naming
//! UNID   zb-0123456789ABCDEF   "zb-" and the IEEE address, most significant byte first
//! ```
//!
//! A UIID (Unique Image Identifier) names what an image is for, such as the application firmware of one product. All
//! versions of an image have the same UIID (Unify, "UCL OTA Framework"). A UIID begins with the code of a protocol, and
//! the protocol defines the rest of the UIID.
//!
//! The example in the Unify document, `ZigBee010103`, has too few digits for two numbers of 16 bits. This module writes
//! all digits of manufacturer code and image type, so that the UIID can be parsed.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use super::parse_text_error::{Reason, TextError};
use crate::types::{Eui64, ImageId, ImageType, ManufacturerCode};

/// Maximum length of an identifier in bytes. A topic with two identifiers of the maximum length fits into the 65,535
/// bytes that MQTT allows.
const MAX_LEN: usize = 32_000;

/// Protocol code of Zigbee at the start of a UIID.
const UIID_PREFIX: &str = "ZigBee";

/// Protocol code of Zigbee at the start of a UNID.
const UNID_PREFIX: &str = "zb-";

/// Topic level that stands for all devices, in place of a UNID.
pub(super) const ALL: &str = "all";

/// Checks that `text` can be one level of a topic.
fn check_level(text: &str) -> Result<(), TextError> {
    if text.is_empty() {
        return Err(TextError(Reason::EmptyName));
    }
    if text.len() > MAX_LEN {
        return Err(TextError(Reason::NameTooLong(text.len())));
    }
    match text.char_indices().find(|(_, found)| matches!(found, '/' | '+' | '#') || is_unprintable(*found)) {
        Some((offset, found)) => Err(TextError(Reason::NameCharacter { found, offset })),
        None => Ok(()),
    }
}

/// Returns whether a character could change how a terminal or a log shows a topic: a control character, a line
/// separator, or a mark that reverses the direction of the text. MQTT 3.1.1, section 1.5.3, lets brokers refuse control
/// characters.
pub(super) fn is_unprintable(character: char) -> bool {
    let is_separator_or_direction =
        matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || is_separator_or_direction
}

/// Unique Image Identifier (UIID) of Unify: a text that names what an image is for, such as the application firmware of
/// one product. All versions of the image have the same UIID.
///
/// ```
/// use zigbee_ota::ImageId;
/// use zigbee_ota::unify::{ImageKind, Uiid};
///
/// let kind = ImageKind::from(ImageId::new(0x1001, 0x1011, 7));
/// let uiid = Uiid::from_kind(kind);
/// assert_eq!(uiid.as_str(), "ZigBee10011011");
/// assert_eq!(uiid.kind(), Some(kind));
/// assert_eq!("ZWave-0000-0002-0004-00-01".parse::<Uiid>()?.kind(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Uiid(#[serde(deserialize_with = "deserialize_uiid")] String);

impl Uiid {
    /// Returns the UIID of the Zigbee images with this manufacturer code and image type: `ZigBee` and the two numbers.
    #[must_use]
    pub fn from_kind(ImageKind { manufacturer, image_type }: ImageKind) -> Self {
        Self(format!("{UIID_PREFIX}{:04X}{:04X}", manufacturer.0, image_type.0))
    }

    /// Returns the UIID that ZigPC uses: the UNID of the device.
    #[must_use]
    pub fn from_unid(unid: &Unid) -> Self {
        Self(unid.0.clone())
    }

    /// Returns the text of the UIID, which is one level of a topic.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the manufacturer code and the image type that this UIID names. Returns `None` unless the text of the
    /// UIID has the form that [`from_kind`](Self::from_kind) makes.
    #[must_use]
    pub fn kind(&self) -> Option<ImageKind> {
        let digits = self.0.strip_prefix(UIID_PREFIX)?;
        let number = parse_hex(digits).filter(|_| digits.len() == 8)?;
        let [a, b, c, d] = u32::try_from(number).ok()?.to_be_bytes();
        let kind = ImageKind {
            manufacturer: ManufacturerCode(u16::from_be_bytes([a, b])),
            image_type: ImageType(u16::from_be_bytes([c, d])),
        };
        // UIIDs are compared as text, so a UIID with lower-case digits differs from a UIID with upper-case digits.
        (Self::from_kind(kind) == *self).then_some(kind)
    }
}

/// Unify Node Identifier (UNID), which names a device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unid(#[serde(deserialize_with = "deserialize_unid")] String);

impl Unid {
    /// Returns the text of the UNID, which is one level of a topic.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the IEEE address of a UNID in the Zigbee form, with digits in upper or lower case. Returns `None` if the
    /// UNID does not have the Zigbee form, which is `zb-` and 16 hexadecimal digits.
    #[must_use]
    pub fn node(&self) -> Option<Eui64> {
        let digits = self.0.strip_prefix(UNID_PREFIX)?;
        parse_hex(digits).filter(|_| digits.len() == 16).map(Eui64)
    }
}

impl From<Eui64> for Unid {
    fn from(node: Eui64) -> Self {
        Self(format!("{UNID_PREFIX}{:016X}", node.0))
    }
}

impl FromStr for Uiid {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        check_level(text).map(|()| Self(text.to_owned()))
    }
}

impl FromStr for Unid {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        if text == ALL {
            return Err(TextError(Reason::NameAll));
        }
        check_level(text).map(|()| Self(text.to_owned()))
    }
}

fn deserialize_uiid<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let uiid = String::deserialize(from)?.parse::<Uiid>();
    uiid.map(|uiid| uiid.0).map_err(serde::de::Error::custom)
}

fn deserialize_unid<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let unid = String::deserialize(from)?.parse::<Unid>();
    unid.map(|unid| unid.0).map_err(serde::de::Error::custom)
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

/// Parses hexadecimal digits. Returns `None` for a text with a sign, such as `+1`, because `from_str_radix` would
/// accept the sign.
fn parse_hex(digits: &str) -> Option<u64> {
    let are_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u64::from_str_radix(digits, 16).ok().filter(|_| are_digits)
}

/// Kind of a Zigbee image: an [`ImageId`] without its version.
// Exhaustive: manufacturer code and image type identify an image in all its versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ImageKind {
    /// Manufacturer code of the image.
    pub manufacturer: ManufacturerCode,
    /// Image type of the image.
    pub image_type: ImageType,
}

impl From<ImageId> for ImageKind {
    fn from(id: ImageId) -> Self {
        let ImageId { manufacturer, image_type, version: _ } = id;
        Self { manufacturer, image_type }
    }
}

/// Form of the UIIDs that [`Naming`] returns for images for which the caller has set no UIID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UiidForm {
    /// The UIID is `ZigBee`, manufacturer code and image type of the image. `Kind` is the default, because the UIIDs of
    /// several images of one device then differ.
    #[default]
    Kind,
    /// The UIID is the UNID of the device, as in ZigPC. `Unid` suits devices with a single image.
    Unid,
}

/// Error for a UIID that already belongs to an image with another manufacturer code or image type. An image has a UIID
/// either because the caller has set the UIID, or because the UIID follows from the [`UiidForm`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("UIID {uiid} is that of manufacturer {}, image type {:#06x}", .owner.manufacturer, .owner.image_type.0)]
#[non_exhaustive]
pub struct UiidTaken {
    /// UIID that the caller tried to set.
    pub uiid: Uiid,
    /// Manufacturer code and image type of the image that already has the UIID.
    pub owner: ImageKind,
}

/// Mapping between kinds of images ([`ImageKind`]: manufacturer code and image type) and UIIDs. A [`UiidForm`]
/// determines the UIID of each image, unless a call of [`set`](Self::set) has given another UIID to the manufacturer
/// code and image type of the image.
///
/// ```
/// use zigbee_ota::ImageId;
/// use zigbee_ota::unify::{ImageKind, Naming, UiidForm};
///
/// let [lamp, plug] = [0x00ab, 0x00ac].map(|kind| ImageKind::from(ImageId::new(0x1001, kind, 0)));
/// let device = "zb-0123456789ABCDEF".parse()?;
/// let mut naming = Naming::new(UiidForm::Kind);
/// naming.set(lamp, "ZigBee010103".parse()?)?;
/// assert_eq!(naming.uiid(lamp, &device).as_str(), "ZigBee010103");
/// assert_eq!(naming.uiid(plug, &device).as_str(), "ZigBee100100AC");
/// assert_eq!(naming.kind(&"ZigBee010103".parse()?), Some(lamp));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    form: UiidForm,
    exceptions: BTreeMap<ImageKind, Uiid>,
}

impl Naming {
    /// Creates a mapping in which `form` determines the UIIDs of all images.
    #[must_use]
    pub const fn new(form: UiidForm) -> Self {
        Self { form, exceptions: BTreeMap::new() }
    }

    /// Sets the UIID of the images with the manufacturer code and image type of `kind`, and replaces the UIID that
    /// these images had before.
    ///
    /// # Errors
    /// Fails with [`UiidTaken`] if the UIID belongs to images with another manufacturer code or image type.
    pub fn set(&mut self, kind: ImageKind, uiid: Uiid) -> Result<(), UiidTaken> {
        match self.kind(&uiid) {
            Some(owner) if owner != kind => Err(UiidTaken { uiid, owner }),
            _ => {
                self.exceptions.insert(kind, uiid);
                Ok(())
            }
        }
    }

    /// Returns the UIID that the image with the manufacturer code and image type of `kind` has on a device.
    #[must_use]
    pub fn uiid(&self, kind: ImageKind, device: &Unid) -> Uiid {
        match (self.exceptions.get(&kind), self.form) {
            (Some(uiid), _) => uiid.clone(),
            (None, UiidForm::Kind) => Uiid::from_kind(kind),
            (None, UiidForm::Unid) => Uiid::from_unid(device),
        }
    }

    /// Returns the manufacturer code and image type of the image that a UIID names. Returns `None` for an unknown UIID,
    /// and for a UIID that is a UNID, because a UNID names every image of the device.
    #[must_use]
    pub fn kind(&self, uiid: &Uiid) -> Option<ImageKind> {
        let exception = self.exceptions.iter().find(|(_, own)| *own == uiid).map(|(kind, _)| *kind);
        let by_form =
            || uiid.kind().filter(|kind| self.form == UiidForm::Kind && !self.exceptions.contains_key(kind));
        exception.or_else(by_form)
    }
}
