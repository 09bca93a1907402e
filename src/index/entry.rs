//! Index entry: the identity of an image, the location and checksums of its file, and the devices that the image is
//! for.
//!
//! ```text
//! identity        manufacturer code, image type, file version
//! place           url, path, file name
//! file            sizes, checksums, header string
//! devices         restrictions, force, specificity
//! ```

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde_json::{Map, Value};

use super::{Checksum, Restrictions};
use crate::file::FileHeader;
use crate::types::{FileVersion, ImageId, ImageType, ManufacturerCode};

/// Index entry of one image file. The table in the [module documentation](super) names the JSON key of each field, for
/// zigbee2mqtt and for zigpy.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct IndexEntry {
    /// Manufacturer code of the image. `None` if the entry has no manufacturer code, so that the gateway must read the
    /// code from the file.
    pub manufacturer: Option<ManufacturerCode>,
    /// Image type of the image. `None` if the entry has no image type, so that the gateway must read the image type
    /// from the file.
    pub image_type: Option<ImageType>,
    /// File version of the image. `None` if the entry has no file version, so that the gateway must read the version
    /// from the file.
    pub version: Option<FileVersion>,
    /// URL of the file. In an index for zigbee2mqtt, a value of the key `url` that is not a web URL is the path of the
    /// file on the gateway: see [`is_web_url`].
    pub url: Option<String>,
    /// Path of the file, relative to the folder of the index.
    pub path: Option<String>,
    /// File name of the image file.
    pub file_name: Option<String>,
    /// Total image size in the OTA header, in bytes. The total image size does not include a container around the OTA
    /// file.
    pub image_size: Option<u32>,
    /// Length of the whole file in bytes, including its container.
    pub file_size: Option<u64>,
    /// Checksums of the whole file.
    pub checksums: Vec<Checksum>,
    /// Header string of the OTA header.
    pub header_string: Option<String>,
    /// Restrictions of the entry to certain devices.
    pub restrictions: Restrictions,
    /// `true` if the gateway offers the image to a device whatever version the device runs, even the version of the
    /// image.
    pub force: bool,
    /// Preference among entries of equal versions. zigpy adds this number to the preference that it computes from the
    /// restrictions, and selects the entry with the largest sum.
    pub specificity: Option<i64>,
    /// Release notes of the image, as text for people.
    pub release_notes: Option<String>,
    /// Short list of the changes in the image, as text for people.
    pub changelog: Option<String>,
    /// URL of the release notes.
    pub release_url: Option<String>,
    /// URL from which the maintainer of the index downloaded the file.
    pub original_url: Option<String>,
    pub(super) faults: Vec<EntryFault>,
    /// JSON keys of the entry that this struct has no field for, and JSON keys whose values the parser could not read.
    pub(super) other: Map<String, Value>,
}

impl IndexEntry {
    /// Creates an entry of an image whose file is at `url`.
    #[must_use]
    pub fn new(id: ImageId, url: &str) -> Self {
        Self {
            manufacturer: Some(id.manufacturer),
            image_type: Some(id.image_type),
            version: Some(id.version),
            url: Some(url.to_owned()),
            ..Self::default()
        }
    }

    /// Returns the faults that the parser found in the entry. The selection for a device never selects an entry with
    /// faults.
    #[must_use]
    pub fn faults(&self) -> &[EntryFault] {
        &self.faults
    }

    /// Returns the identity of the image, or `None` if the entry lacks manufacturer code, image type or file version.
    #[must_use]
    pub fn id(&self) -> Option<ImageId> {
        let (manufacturer, image_type) = self.manufacturer.zip(self.image_type)?;
        Some(ImageId { manufacturer, image_type, version: self.version? })
    }

    /// Fills in the missing parts of the image identity from the header of the file. zigbee2mqtt also fills in the
    /// missing parts from the file, if the URL of the entry is a path on the gateway.
    pub fn complete(&mut self, header: &FileHeader<'_>) {
        self.manufacturer.get_or_insert(header.id.manufacturer);
        self.image_type.get_or_insert(header.id.image_type);
        self.version.get_or_insert(header.id.version);
    }

    /// Returns this entry with those values of `other` that do not come from the image file: restrictions, texts for
    /// people, preferences, JSON keys for which [`IndexEntry`] has no field, and faults.
    #[must_use]
    pub fn with_additions_of(self, other: &Self) -> Self {
        Self {
            restrictions: other.restrictions.clone(),
            force: other.force,
            specificity: other.specificity,
            release_notes: other.release_notes.clone(),
            changelog: other.changelog.clone(),
            release_url: other.release_url.clone(),
            original_url: other.original_url.clone(),
            faults: other.faults.clone(),
            other: other.other.clone(),
            ..self
        }
    }
}

/// Returns whether zigbee2mqtt treats `text` as a URL: the text starts with `http://` or `https://`. zigbee2mqtt treats
/// any other text as a path.
#[must_use]
pub fn is_web_url(text: &str) -> bool {
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// Fault of an index entry: a JSON value of the wrong type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct EntryFault {
    /// JSON key whose value has the wrong type. The key is empty if the entry itself is not a JSON object.
    pub key: String,
    /// Value of the wrong type, as JSON text that is shortened to 60 characters.
    pub found: String,
    /// JSON type that the parser expected for the value, in words.
    pub expected: &'static str,
}

impl EntryFault {
    /// Maximum number of characters of the JSON text in `found`.
    const MAX_SHOWN: usize = 60;

    pub(super) fn new(key: &str, found: &Value, expected: &'static str) -> Self {
        // Writing a value to a text never fails.
        let json = serde_json::to_string(found).unwrap_or_default();
        let mut shown: String = json.chars().take(Self::MAX_SHOWN).collect();
        if shown.len() < json.len() {
            shown.push('…');
        }
        Self { key: key.to_owned(), found: shown, expected }
    }
}

impl fmt::Display for EntryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, found, expected } = self;
        let key = if key.is_empty() { "the entry" } else { key };
        // JSON text has no unescaped control characters below U+007F, so only characters above U+007F are escaped here.
        write!(f, "{key} is ")?;
        found.chars().try_for_each(|character| match character.is_control() {
            true => write!(f, "{}", character.escape_debug()),
            false => write!(f, "{character}"),
        })?;
        write!(f, ", expected {expected}")
    }
}
