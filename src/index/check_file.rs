//! Comparison of a downloaded file with its index entry, and creation of the index entry of a file.
//!
//! ```text
//! file -> length, checksums -> container -> OTA header -> manufacturer code, image type, version, size, header string
//! ```

use alloc::string::String;
use alloc::vec::Vec;

use super::{Checksum, ChecksumAlgorithm, IndexEntry, IndexForm};
use crate::container::Container;
use crate::error::DecodeError;
use crate::file::{FileHeader, HeaderString};
use crate::inspect::{Finding, Inspection};
use crate::types::{FileVersion, ImageType, ManufacturerCode};

/// Difference between an index entry and a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum FileMismatch {
    /// The length of the file differs from the length in the entry: the file is truncated, or the entry is for another
    /// file.
    #[error("the index says {entry} bytes, the file has {file}")]
    FileSize {
        /// Length of the file according to the entry, in bytes.
        entry: u64,
        /// Length of the file, in bytes.
        file: u64,
    },
    /// The checksum of the file differs from the checksum in the entry: the file is damaged, or the entry is for
    /// another file.
    #[error("{algorithm} in the index is {entry}, that of the file is {file}")]
    Checksum {
        /// Name of the checksum algorithm.
        algorithm: &'static str,
        /// Checksum in the entry, in hexadecimal digits.
        entry: String,
        /// Checksum of the file, in hexadecimal digits.
        file: String,
    },
    /// The entry has only checksums of unsupported algorithms, so no checksum was compared.
    #[error("no checksum was compared: the algorithm {0:?} is not supported")]
    UnsupportedChecksum(String),
    /// The file is not an OTA file, neither plain nor in a known container.
    #[error("the file is no OTA file: {0}")]
    NotOta(DecodeError),
    /// The OTA file, without its container, is shorter than the total image size in its header.
    #[error("the file lacks {missing} of {total} bytes")]
    Truncated {
        /// Number of bytes that the OTA file lacks compared with its total image size.
        missing: u64,
        /// Total image size in the OTA header of the file, in bytes.
        total: u32,
    },
    /// The manufacturer code in the OTA header differs from the manufacturer code in the entry.
    #[error("the index says manufacturer code {entry}, the header {file}")]
    Manufacturer {
        /// Manufacturer code in the entry.
        entry: ManufacturerCode,
        /// Manufacturer code in the OTA header.
        file: ManufacturerCode,
    },
    /// The image type in the OTA header differs from the image type in the entry.
    #[error("the index says image type {:#06x}, the header {:#06x}", .entry.0, .file.0)]
    ImageType {
        /// Image type in the entry.
        entry: ImageType,
        /// Image type in the OTA header.
        file: ImageType,
    },
    /// The file version in the OTA header differs from the file version in the entry.
    #[error("the index says version {} ({:#010x}), the header {} ({:#010x})", .entry.0, .entry.0, .file.0, .file.0)]
    Version {
        /// File version in the entry.
        entry: FileVersion,
        /// File version in the OTA header.
        file: FileVersion,
    },
    /// The total image size in the OTA header differs from the total image size in the entry.
    #[error("the index says a total image size of {entry}, the header {file}")]
    ImageSize {
        /// Total image size in the entry, in bytes.
        entry: u32,
        /// Total image size in the OTA header, in bytes.
        file: u32,
    },
    /// The header string in the OTA header differs from the header string in the entry.
    #[error("the index says the header string {entry:?}, the header {file:?}")]
    HeaderString {
        /// Header string in the entry, without NULs.
        entry: String,
        /// Header string in the OTA header, without NULs.
        file: String,
    },
}

/// Reason why no index entry can be created for a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum EntryFromFileError {
    /// No device should get the file: the file is not an OTA file, is truncated, or has another finding of the severity
    /// `Wrong`. The error contains the first finding of the severity `Wrong`.
    #[error("{0}")]
    Wrong(Finding),
    /// zigbee2mqtt would read wrong bytes as the OTA header: zigbee2mqtt takes the first OTA file identifier in the
    /// file as the start of the OTA file, but the OTA file starts at a later identifier.
    #[error(
        "zigbee2mqtt reads from the first file identifier on, at byte {first}, and the OTA file starts at byte {ota}"
    )]
    Misread {
        /// Offset of the first OTA file identifier in the file, in bytes.
        first: usize,
        /// Offset of the OTA file in its container, in bytes.
        ota: usize,
    },
}

/// File identifier of an OTA header: its four bytes in the order of the file.
const MAGIC: [u8; 4] = FileHeader::MAGIC.to_le_bytes();

impl IndexEntry {
    /// Creates the index entry of a file, with sizes, header string, and the checksum that an index of the form `form`
    /// contains. The file may be in a vendor's container.
    ///
    /// The caller adds URL, path, file name and restrictions to the entry. The method does not make the hardware
    /// versions in the header a restriction of the entry. If an entry is restricted to hardware versions, gateways do
    /// not offer the image to a device whose query lacks a hardware version. The caller may add a restriction to
    /// hardware versions to the entry.
    ///
    /// # Errors
    /// Fails with [`EntryFromFileError::Wrong`] if an [`Inspection`] of the file has a finding of the severity `Wrong`,
    /// for example for bytes that are not an OTA file. Fails with [`EntryFromFileError::Misread`] if `form` is the form
    /// of zigbee2mqtt, and the four bytes of the OTA file identifier also occur before the OTA file: zigbee2mqtt would
    /// read the OTA header at the first identifier.
    pub fn of_file(file: &[u8], form: IndexForm) -> Result<Self, EntryFromFileError> {
        Self::of_inspection(&Inspection::of(file), form)
    }

    /// Creates the index entry of an inspected file, as [`of_file`](Self::of_file) does. The inspection may [allow a
    /// raw body](Inspection::allow_raw_body): a raw image without elements after the OTA header.
    ///
    /// # Errors
    /// The method returns the errors of [`of_file`](Self::of_file).
    pub fn of_inspection(inspection: &Inspection<'_>, form: IndexForm) -> Result<Self, EntryFromFileError> {
        let (container, image) = inspection.usable().map_err(EntryFromFileError::Wrong)?;
        let (file, header) = (inspection.given(), image.header());
        let (first, ota) = (first_identifier(file), container.before.len());
        let algorithm = match (form, first) {
            (IndexForm::Zigbee2Mqtt, Some(first)) if first != ota => {
                return Err(EntryFromFileError::Misread { first, ota });
            }
            (IndexForm::Zigbee2Mqtt, _) => ChecksumAlgorithm::Sha512,
            (IndexForm::Zigpy, _) => ChecksumAlgorithm::Sha3_256,
        };
        let mut entry = Self {
            image_size: Some(header.total_size),
            file_size: u64::try_from(file.len()).ok(),
            checksums: Checksum::of(file, algorithm).into_iter().collect(),
            header_string: Some(text(&header.header_string)),
            ..Self::default()
        };
        entry.complete(&header);
        Ok(entry)
    }

    /// Compares a downloaded file with the entry. An empty result means that the file matches the entry.
    ///
    /// The method compares the file with the values that the index entry has: the length, each checksum, and the fields
    /// of the OTA header. The OTA file may be in a container, or may begin after other bytes of the downloaded file. If
    /// the entry has neither length nor checksum, every file with a matching header matches the entry. A checksum is
    /// only as trustworthy as the source of the index; only a signature proves who made an image.
    #[must_use]
    pub fn check(&self, file: &[u8]) -> Vec<FileMismatch> {
        let mut found = Vec::new();
        let len = u64::try_from(file.len()).unwrap_or(u64::MAX);
        if let Some(entry) = self.file_size.filter(|entry| *entry != len) {
            found.push(FileMismatch::FileSize { entry, file: len });
        }
        self.check_sums(file, &mut found);
        let ota = match Container::open(file) {
            Ok(container) => container.ota,
            // zigbee2mqtt also reads a file in an unknown container from the first file identifier on.
            Err(_) => first_identifier(file).and_then(|first| file.get(first..)).unwrap_or(file),
        };
        match FileHeader::parse_lenient(ota) {
            Ok((header, _)) => self.check_header(&header, ota, &mut found),
            Err(error) => found.push(FileMismatch::NotOta(error)),
        }
        found
    }

    fn check_sums(&self, file: &[u8], found: &mut Vec<FileMismatch>) {
        let mut unsupported = None;
        for entry in &self.checksums {
            let algorithm = match &entry.algorithm {
                ChecksumAlgorithm::Sha512 => "sha512",
                ChecksumAlgorithm::Sha3_256 => "sha3-256",
                ChecksumAlgorithm::Sha256 => "sha256",
                ChecksumAlgorithm::Unsupported(name) => {
                    unsupported = Some(name);
                    continue;
                }
            };
            if let Some(sum) = Checksum::of(file, entry.algorithm.clone()).filter(|sum| sum != entry) {
                found.push(FileMismatch::Checksum { algorithm, entry: entry.to_hex(), file: sum.to_hex() });
            }
        }
        let is_compared = self.checksums.iter().any(|sum| sum.algorithm.digest_len().is_some());
        if let Some(name) = unsupported.filter(|_| !is_compared) {
            found.push(FileMismatch::UnsupportedChecksum(name.clone()));
        }
    }

    fn check_header(&self, header: &FileHeader<'_>, ota: &[u8], found: &mut Vec<FileMismatch>) {
        let len = u64::try_from(ota.len()).unwrap_or(u64::MAX);
        let missing = u64::from(header.total_size).saturating_sub(len);
        if missing > 0 {
            found.push(FileMismatch::Truncated { missing, total: header.total_size });
        }
        let id = header.id;
        if let Some(entry) = self.manufacturer.filter(|entry| *entry != id.manufacturer) {
            found.push(FileMismatch::Manufacturer { entry, file: id.manufacturer });
        }
        if let Some(entry) = self.image_type.filter(|entry| *entry != id.image_type) {
            found.push(FileMismatch::ImageType { entry, file: id.image_type });
        }
        if let Some(entry) = self.version.filter(|entry| *entry != id.version) {
            found.push(FileMismatch::Version { entry, file: id.version });
        }
        if let Some(entry) = self.image_size.filter(|entry| *entry != header.total_size) {
            found.push(FileMismatch::ImageSize { entry, file: header.total_size });
        }
        // Entries of older programs still contain the NULs of the header string.
        let text = text(&header.header_string);
        if let Some(entry) =
            self.header_string.as_ref().map(|entry| entry.replace('\0', "")).filter(|entry| *entry != text)
        {
            found.push(FileMismatch::HeaderString { entry, file: text });
        }
    }
}

/// Returns the text of all 32 bytes of a header string as zigbee2mqtt writes the text: with U+FFFD for bytes that are
/// not UTF-8, and without NULs.
fn text(string: &HeaderString) -> String {
    String::from_utf8_lossy(string.as_bytes()).replace('\0', "")
}

fn first_identifier(file: &[u8]) -> Option<usize> {
    file.windows(MAGIC.len()).position(|bytes| bytes == MAGIC)
}
