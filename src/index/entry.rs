//! Entry of an index: an image, where its file is, how to know the file, and the devices that it is for.
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

/// Entry of an index. The table of the [module](super) names the key of each field in each form.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct IndexEntry {
    /// Manufacturer code of the image. `None` where the gateway is to read it from the file.
    pub manufacturer: Option<ManufacturerCode>,
    /// Image type of the image. `None` where the gateway is to read it from the file.
    pub image_type: Option<ImageType>,
    /// File version of the image. `None` where the gateway is to read it from the file.
    pub version: Option<FileVersion>,
    /// URL of the file. In zigbee2mqtt's form, a text that is no URL of the web is a path of the gateway: see [`is_web_url`].
    pub url: Option<String>,
    /// Path of the file, counted from the folder of the index.
    pub path: Option<String>,
    /// Name of the file.
    pub file_name: Option<String>,
    /// Total image size in the OTA header, in bytes. A container around the OTA file does not count.
    pub image_size: Option<u32>,
    /// Length of the whole file, container and all, in bytes.
    pub file_size: Option<u64>,
    /// Checksums of the whole file.
    pub checksums: Vec<Checksum>,
    /// Header string of the OTA header.
    pub header_string: Option<String>,
    /// Devices that the entry is for.
    pub restrictions: Restrictions,
    /// Whether the image is offered whatever version the device runs, its own version included.
    pub force: bool,
    /// Preference among entries of equal versions, added to what zigpy computes; larger is preferred.
    pub specificity: Option<i64>,
    /// Release notes for people.
    pub release_notes: Option<String>,
    /// Short list of changes for people.
    pub changelog: Option<String>,
    /// URL of the release notes.
    pub release_url: Option<String>,
    /// URL from which the maintainer of the index took the file.
    pub original_url: Option<String>,
    pub(super) faults: Vec<EntryFault>,
    /// Keys without a field, and keys whose values could not be read.
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

    /// Returns what was wrong with the entry when it was read. An entry with faults is never chosen.
    #[must_use]
    pub fn faults(&self) -> &[EntryFault] {
        &self.faults
    }

    /// Returns the image, if the entry says all of it.
    #[must_use]
    pub fn id(&self) -> Option<ImageId> {
        let (manufacturer, image_type) = self.manufacturer.zip(self.image_type)?;
        Some(ImageId { manufacturer, image_type, version: self.version? })
    }

    /// Fills in what the entry leaves out of the image, from the header of its file. zigbee2mqtt does the same for entries
    /// with a path of the gateway.
    pub fn complete(&mut self, header: &FileHeader<'_>) {
        self.manufacturer.get_or_insert(header.id.manufacturer);
        self.image_type.get_or_insert(header.id.image_type);
        self.version.get_or_insert(header.id.version);
    }

    /// Copies from `other` what does not come from the file: restrictions, texts for people, preferences, keys without a
    /// field, and faults.
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

/// Whether zigbee2mqtt takes the text for a URL to fetch from: `http://` or `https://`. Any other text is a path.
#[must_use]
pub fn is_web_url(text: &str) -> bool {
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// Fault of an entry: a value of the wrong kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct EntryFault {
    /// Key of the value; empty if the entry itself is no object.
    pub key: String,
    /// Value that stands there, as JSON, shortened to 60 characters.
    pub found: String,
    /// What is expected there.
    pub expected: &'static str,
}

impl EntryFault {
    /// Characters of a value that a fault shows.
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
        // JSON has escaped its control characters already, but for those above U+007E.
        write!(f, "{key} is ")?;
        found.chars().try_for_each(|character| match character.is_control() {
            true => write!(f, "{}", character.escape_debug()),
            false => write!(f, "{character}"),
        })?;
        write!(f, ", expected {expected}")
    }
}
