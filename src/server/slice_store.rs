//! Store of borrowed files that does not change.
//!
//! ```text
//! [ StoreEntry { info, file } | StoreEntry { info, file } ]     in any order, each identity once
//! ```

use super::image_lookup::{self, AddError};
use super::{FileLookup, ImageInfo, ImageStore, ReadResult};
use crate::aps::Address;
use crate::error::DecodeError;
use crate::file::SplitFile;
use crate::types::{Eui64, HardwareVersion, ImageId, ImageType, ManufacturerCode};

/// Borrowed OTA file with the information from its header. The elements after the header are not parsed, because a
/// server serves even files with content that the server does not understand (section 6.8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreEntry<'a> {
    info: ImageInfo,
    file: &'a [u8],
}

impl<'a> StoreEntry<'a> {
    /// Returns the store entry for the file at the start of `bytes`. If `bytes` is longer than the total image size in
    /// the header, the server does not serve the bytes after that size.
    ///
    /// # Errors
    /// Fails with the errors of [`SplitFile::parse`] if the header cannot be decoded, or if the file is shorter than
    /// its total image size.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        SplitFile::parse(bytes).map(|parts| Self::new(&parts))
    }

    /// Returns the store entry for a file that the caller has already split into `parts`.
    #[must_use]
    pub const fn new(parts: &SplitFile<'a>) -> Self {
        Self { info: ImageInfo::new(&parts.header), file: parts.file }
    }

    /// Returns the information from the header of the file.
    #[must_use]
    pub const fn info(&self) -> &ImageInfo {
        &self.info
    }

    /// Returns the bytes of the file that the server serves. The number of returned bytes is the total image size.
    #[must_use]
    pub const fn file(&self) -> &'a [u8] {
        self.file
    }
}

/// Immutable [`ImageStore`] of borrowed files. Any two files of the store have different identities, different
/// destinations or disjoint hardware versions.
#[derive(Clone, Copy, Debug, Default)]
pub struct SliceStore<'a> {
    entries: &'a [StoreEntry<'a>],
}

impl<'a> SliceStore<'a> {
    /// Makes a store of the files in `entries`. The order of the entries has no effect on the result of a look-up.
    ///
    /// # Errors
    /// Fails with [`AddError::Duplicate`] or [`AddError::HardwareOverlap`] for the first entry that has the image and
    /// destination of an earlier entry, and whose hardware versions overlap those of the earlier entry.
    pub fn new(entries: &'a [StoreEntry<'a>]) -> Result<Self, AddError> {
        for (index, entry) in entries.iter().enumerate() {
            image_lookup::check_addition(entries.iter().take(index).map(StoreEntry::info), &entry.info)?;
        }
        Ok(Self { entries })
    }

    /// Returns the information on each file, with the index of the entry as the key.
    fn infos(&self) -> impl Iterator<Item = ImageInfo> + Clone {
        (0..).zip(self.entries).map(|(key, entry)| ImageInfo { key, ..entry.info })
    }
}

impl ImageStore for SliceStore<'_> {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        image_lookup::find(self.infos(), manufacturer, image_type, is_eligible)
    }

    fn info(
        &mut self,
        id: ImageId,
        node: Option<Eui64>,
        hardware: Option<HardwareVersion>,
        _: Option<Address>,
    ) -> FileLookup {
        image_lookup::info((0..).zip(self.entries.iter().map(StoreEntry::info)), id, node, hardware)
    }

    fn read(&mut self, image: &ImageInfo, offset: u32, _: Option<Address>, out: &mut [u8]) -> ReadResult {
        let index = usize::try_from(image.key).unwrap_or(usize::MAX);
        match self.entries.get(index) {
            Some(entry) if image_lookup::is_same_file(&entry.info, image) => {
                image_lookup::read(entry.file, offset, out)
            }
            _ => ReadResult::Gone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encode;
    use crate::error::DecodeErrorKind;
    use crate::file::FileHeader;
    use std::string::ToString;
    use std::vec::Vec;

    fn file(id: ImageId, destination: Option<u64>, body: &[u8]) -> Vec<u8> {
        let destination = destination.map(Eui64);
        let mut header = FileHeader { destination, ..FileHeader::new(id) };
        header.total_size = u32::try_from(header.encoded_len() + body.len()).unwrap();
        let mut bytes = std::vec![0; header.encoded_len()];
        header.encode(&mut bytes).unwrap();
        bytes.extend(body);
        bytes
    }

    const LAMP: ImageId = ImageId::new(0x1001, 0x00ab, 5);
    const SETTINGS: ImageId = ImageId::new(0x1001, 0xffc1, 5);

    #[test]
    fn an_entry_is_the_file_and_nothing_after_it() {
        let bytes = [file(LAMP, None, &[1, 2, 3]), std::vec![0xee; 9]].concat();
        let entry = StoreEntry::parse(&bytes).unwrap();
        assert_eq!((entry.info().id, entry.info().size), (LAMP, 59));
        assert_eq!(entry.file(), &bytes[..59]);
        let kind = DecodeErrorKind::Truncated { needed: 59, present: 58 };
        assert_eq!(StoreEntry::parse(&bytes[..58]).unwrap_err().kind, kind);
    }

    /// Shows: SRV-002
    #[test]
    fn an_image_is_there_once() {
        let files = [
            file(LAMP, None, &[1]),
            file(ImageId { version: crate::FileVersion(6), ..LAMP }, None, &[2]),
            file(ImageId { manufacturer: ManufacturerCode(0x1002), ..LAMP }, None, &[3]),
            file(ImageId { image_type: ImageType(0x00ac), ..LAMP }, None, &[4]),
            file(LAMP, None, &[5]),
        ];
        let entries = files.each_ref().map(|file| StoreEntry::parse(file).unwrap());
        let error = SliceStore::new(&entries).unwrap_err();
        assert_eq!(error, AddError::Duplicate(LAMP));
        assert_eq!(error.to_string(), "the store has a file of image 1001-00AB-00000005 already");

        let twice = [entries[1], entries[1]];
        let duplicate = AddError::Duplicate(ImageId { version: crate::FileVersion(6), ..LAMP });
        assert_eq!(SliceStore::new(&twice).err(), Some(duplicate));

        let mut store = SliceStore::new(&entries[..4]).unwrap();
        for entry in &entries[..4] {
            let found = *store.info(entry.info().id, None, None, None).found().unwrap();
            let mut out = [0; 9];
            assert_eq!(store.read(&found, 56, None, &mut out), ReadResult::Filled(1));
            assert_eq!(out[0], entry.file()[56]);
        }
    }

    /// Shows: SRV-003
    #[test]
    fn files_for_two_devices_differ_by_destination() {
        let files = [
            file(SETTINGS, Some(1), &[1]),
            file(SETTINGS, Some(2), &[2]),
            file(SETTINGS, None, &[3]),
            file(LAMP, Some(1), &[4]),
        ];
        let entries = files.each_ref().map(|file| StoreEntry::parse(file).unwrap());
        let mut store = SliceStore::new(&entries).unwrap();
        let mut last_byte = |id, node: Option<u64>| {
            let info = *store.info(id, node.map(Eui64), None, None).found()?;
            let mut out = [0; 1];
            assert_eq!(store.read(&info, info.size - 1, None, &mut out), ReadResult::Filled(1));
            Some(out[0])
        };
        assert_eq!(last_byte(SETTINGS, Some(1)), Some(1));
        assert_eq!(last_byte(SETTINGS, Some(2)), Some(2));
        assert_eq!(last_byte(SETTINGS, Some(3)), Some(3));
        assert_eq!(last_byte(SETTINGS, None), Some(3));
        assert_eq!(last_byte(LAMP, Some(2)), None);
    }

    #[test]
    fn reading_stops_at_the_end_of_the_file() {
        let bytes = file(LAMP, None, &[1, 2, 3]);
        let entries = [StoreEntry::parse(&bytes).unwrap()];
        let mut store = SliceStore::new(&entries).unwrap();
        let info = *entries[0].info();
        let mut out = [0xee; 4];
        assert_eq!(store.read(&info, 57, None, &mut out), ReadResult::Filled(2));
        assert_eq!(out, [2, 3, 0xee, 0xee]);
        for offset in [59, 60, u32::MAX] {
            assert_eq!(store.read(&info, offset, None, &mut out), ReadResult::Filled(0));
        }
        assert_eq!(SliceStore::default().read(&info, 0, None, &mut out), ReadResult::Gone);
    }
}
