//! A store of files that lie in memory.
//!
//! ```text
//! [ StoreEntry { info, file } | StoreEntry { info, file } ]   in any order, each identity once
//! ```

use super::{ImageInfo, ImageStore, ReadResult, slot_store};
use crate::error::DecodeError;
use crate::file::SplitFile;
use crate::types::{Eui64, ImageId, ImageType, ManufacturerCode};

/// One file in memory. Only its header was read: a body that nobody here understands is served all the same
/// (section 6.8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreEntry<'a> {
    info: ImageInfo,
    file: &'a [u8],
}

impl<'a> StoreEntry<'a> {
    /// Takes the file that starts at the first of `bytes`; bytes after its total image size are not served.
    ///
    /// # Errors
    /// Those of [`SplitFile::parse`]: the header cannot be read, or the file is shorter than it says.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        SplitFile::parse(bytes).map(|parts| Self::from(&parts))
    }

    /// What its header says that a server needs: identity, size in bytes, for whom it is.
    #[must_use]
    pub const fn info(&self) -> &ImageInfo {
        &self.info
    }

    /// What is served: as many bytes as the total image size.
    #[must_use]
    pub const fn file(&self) -> &'a [u8] {
        self.file
    }
}

impl<'a> From<&SplitFile<'a>> for StoreEntry<'a> {
    fn from(parts: &SplitFile<'a>) -> Self {
        Self { info: ImageInfo::from(&parts.header), file: parts.file }
    }
}

/// Two files with the same manufacturer code, image type, file version and destination, which no request could
/// tell apart (section 6.10.6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entries {first} and {second} are both the image {id}")]
pub struct DuplicateImage {
    /// What they have in common.
    pub id: ImageId,
    /// Index of the one in the slice given, from 0.
    pub first: usize,
    /// Index of the other, the later one.
    pub second: usize,
}

/// An [`ImageStore`] of borrowed files, each of them unique.
#[derive(Clone, Copy, Debug, Default)]
pub struct SliceStore<'a> {
    entries: &'a [StoreEntry<'a>],
}

impl<'a> SliceStore<'a> {
    /// Serves `entries`; their order does not matter.
    ///
    /// # Errors
    /// [`DuplicateImage`] for the first entry that repeats an earlier one.
    pub fn new(entries: &'a [StoreEntry<'a>]) -> Result<Self, DuplicateImage> {
        for (second, entry) in entries.iter().enumerate() {
            let is = |other: &StoreEntry<'_>| slot_store::same(&other.info, &entry.info);
            if let Some(first) = entries.iter().take(second).position(is) {
                return Err(DuplicateImage { id: entry.info.id, first, second });
            }
        }
        Ok(Self { entries })
    }
}

impl SliceStore<'_> {
    /// What the entries are, each with its index as the key.
    fn infos(&self) -> impl Iterator<Item = ImageInfo> + Clone {
        (0..).zip(self.entries).map(|(key, entry)| ImageInfo { key, ..entry.info })
    }
}

impl ImageStore for SliceStore<'_> {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        fits: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        slot_store::find(self.infos(), manufacturer, image_type, fits)
    }

    fn info(&mut self, id: ImageId, node: Option<Eui64>) -> Option<ImageInfo> {
        slot_store::info(self.infos(), id, node)
    }

    fn read(&mut self, image: &ImageInfo, offset: u32, out: &mut [u8]) -> ReadResult {
        let index = usize::try_from(image.key).unwrap_or(usize::MAX);
        match self.entries.get(index) {
            Some(entry) if slot_store::same(&entry.info, image) => slot_store::read(entry.file, offset, out),
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
        assert_eq!(error, DuplicateImage { id: LAMP, first: 0, second: 4 });
        assert_eq!(error.to_string(), "entries 0 and 4 are both the image 1001-00AB-00000005");

        let twice = [entries[1], entries[1]];
        assert_eq!(SliceStore::new(&twice).map_err(|error| (error.first, error.second)).err(), Some((0, 1)));

        let mut catalog = SliceStore::new(&entries[..4]).unwrap();
        for entry in &entries[..4] {
            let found = catalog.info(entry.info().id, None).unwrap();
            let mut out = [0; 9];
            assert_eq!(catalog.read(&found, 56, &mut out), ReadResult::Filled(1));
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
        let mut catalog = SliceStore::new(&entries).unwrap();
        let mut last_byte = |id, node: Option<u64>| {
            let info = catalog.info(id, node.map(Eui64))?;
            let mut out = [0; 1];
            assert_eq!(catalog.read(&info, info.size - 1, &mut out), ReadResult::Filled(1));
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
        let mut catalog = SliceStore::new(&entries).unwrap();
        let info = *entries[0].info();
        let mut out = [0xee; 4];
        assert_eq!(catalog.read(&info, 57, &mut out), ReadResult::Filled(2));
        assert_eq!(out, [2, 3, 0xee, 0xee]);
        for offset in [59, 60, u32::MAX] {
            assert_eq!(catalog.read(&info, offset, &mut out), ReadResult::Filled(0));
        }
        assert_eq!(SliceStore::default().read(&info, 0, &mut out), ReadResult::Gone);
    }
}
