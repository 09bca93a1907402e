//! Store of files on disk, which reads a file block by block (feature `std`).
//!
//! ```text
//! [ (ImageInfo, open file) ]     one block = one seek and one read
//! ```

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::vec::Vec;

use super::lookup::{self, AddError};
use super::{FileLookup, ImageInfo, ImageStore, ReadResult};
use crate::aps::Address;
use crate::error::{DecodeError, DecodeErrorKind};
use crate::file::FileHeader;
use crate::types::{Eui64, HardwareVersion, ImageId, ImageType, ManufacturerCode};

/// Reason why a file was not added to a [`FolderStore`]. The store is unchanged.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
#[non_exhaustive]
pub enum FolderError {
    /// The file cannot be opened or read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is not a complete OTA file, or the store already has a file with the same identity.
    #[error(transparent)]
    Add(#[from] AddError),
}

/// [`ImageStore`] of files on disk. Memory holds only the headers of the files; the store reads each block from disk
/// when a client requests the block. The server answers NO_IMAGE_AVAILABLE if a block cannot be read, for instance
/// because the disk was removed.
#[derive(Debug, Default)]
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
pub struct FolderStore {
    files: Vec<(ImageInfo, File)>,
}

impl FolderStore {
    /// Makes a store without files.
    #[must_use]
    pub const fn new() -> Self {
        Self { files: Vec::new() }
    }

    /// Opens the file at `path`, adds the file to the store and returns its identity. The server does not serve bytes
    /// after the total image size.
    ///
    /// # Errors
    /// Fails with [`FolderError::Io`] if the file cannot be opened or read. Fails with [`FolderError::Add`] if the
    /// header cannot be decoded, the file is too short, or the store has a file of the same image for some of the same
    /// hardware versions.
    pub fn add(&mut self, path: impl AsRef<Path>) -> Result<ImageId, FolderError> {
        let (info, file) = Self::open(path.as_ref())?;
        lookup::check_addition(self.list(), &info)?;
        self.files.push((info, file));
        Ok(info.id)
    }

    /// Opens the file at `path` and adds the file to the store. The new file replaces all files of the same image and
    /// destination for some of the same hardware versions.
    ///
    /// # Errors
    /// Fails with the errors of [`add`](Self::add), except [`AddError::Duplicate`] and [`AddError::HardwareOverlap`].
    pub fn replace(&mut self, path: impl AsRef<Path>) -> Result<ImageId, FolderError> {
        let (info, file) = Self::open(path.as_ref())?;
        self.files.retain(|(other, _)| !lookup::conflicts(other, &info));
        self.files.push((info, file));
        Ok(info.id)
    }

    /// Removes the files of the image `id` with `destination` from the store, closes the files, and returns whether the
    /// store had such a file. The files stay on disk.
    pub fn remove(&mut self, id: ImageId, destination: Option<Eui64>) -> bool {
        let before = self.files.len();
        self.files.retain(|(info, _)| info.id != id || info.destination != destination);
        self.files.len() < before
    }

    /// Returns the identities and sizes of all files, in the order in which the files were added.
    pub fn list(&self) -> impl Iterator<Item = &ImageInfo> + Clone {
        self.files.iter().map(|(info, _)| info)
    }

    fn open(path: &Path) -> Result<(ImageInfo, File), FolderError> {
        let mut file = File::open(path)?;
        let present = file.metadata()?.len();
        let mut start = Vec::new();
        let most = u64::try_from(FileHeader::MAX_KNOWN_LEN).unwrap_or(u64::MAX);
        (&mut file).take(most).read_to_end(&mut start)?;
        let info = ImageInfo::new(&FileHeader::parse_known(&start).map_err(AddError::Decode)?);
        if present < u64::from(info.size) {
            let bytes = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
            let kind =
                DecodeErrorKind::Truncated { needed: bytes(info.size.into()), present: bytes(present) };
            return Err(AddError::Decode(DecodeError { item: "OTA file", offset: 0, kind }).into());
        }
        Ok((info, file))
    }
}

impl ImageStore for FolderStore {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        lookup::find(self.list().copied(), manufacturer, image_type, is_eligible)
    }

    fn info(
        &mut self,
        id: ImageId,
        node: Option<Eui64>,
        hardware: Option<HardwareVersion>,
        _: Option<Address>,
    ) -> FileLookup {
        lookup::info(self.list().copied(), id, node, hardware)
    }

    fn read(&mut self, image: &ImageInfo, offset: u32, _: Option<Address>, out: &mut [u8]) -> ReadResult {
        let Some((_, file)) = self.files.iter_mut().find(|(info, _)| info == image) else {
            return ReadResult::Gone;
        };
        let read = file.seek(SeekFrom::Start(offset.into())).and_then(|_| file.read_exact(out));
        if read.is_ok() { ReadResult::Filled(out.len()) } else { ReadResult::Gone }
    }
}
