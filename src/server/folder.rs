//! A store of files on disk, read block by block.
//!
//! ```text
//! [ (ImageInfo, open file) ]     a block is a seek and a read
//! ```

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::vec::Vec;

use super::slot_store::{find, info, same};
use super::{AddError, ImageInfo, ImageStore, ReadResult};
use crate::error::DecodeError;
use crate::file::FileHeader;
use crate::types::{Eui64, ImageId, ImageType, ManufacturerCode};

/// Why a file is not served.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
pub enum FolderError {
    /// It cannot be opened or read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It starts with no header that can be read.
    #[error(transparent)]
    Header(#[from] DecodeError),
    /// It ends before its total image size.
    #[error("{size} bytes expected, {present} present")]
    Short {
        /// Bytes that its header tells.
        size: u32,
        /// Bytes of the file.
        present: u64,
    },
    /// There is such a file.
    #[error(transparent)]
    Add(#[from] AddError),
}

/// An [`ImageStore`] of files on disk: only their headers are kept in memory, and each block is read when a client
/// asks for it. A block that cannot be read, as of a file on a disk that was taken out, is answered by
/// NO_IMAGE_AVAILABLE.
#[derive(Debug, Default)]
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
pub struct FolderStore {
    files: Vec<(ImageInfo, File)>,
}

impl FolderStore {
    /// A store without files.
    #[must_use]
    pub const fn new() -> Self {
        Self { files: Vec::new() }
    }

    /// Opens a file and adds it. Bytes after its total image size are not served.
    ///
    /// # Errors
    /// [`FolderError`]; nothing is changed then.
    pub fn add(&mut self, path: impl AsRef<Path>) -> Result<ImageId, FolderError> {
        let (info, file) = Self::open(path.as_ref())?;
        if self.list().any(|other| same(other, &info)) {
            return Err(AddError::Duplicate(info.id).into());
        }
        self.files.push((info, file));
        Ok(info.id)
    }

    /// As [`add`](Self::add), in the place of the file with the same identity, if there is one.
    ///
    /// # Errors
    /// [`FolderError`]; nothing is changed then.
    pub fn replace(&mut self, path: impl AsRef<Path>) -> Result<ImageId, FolderError> {
        let (info, file) = Self::open(path.as_ref())?;
        self.files.retain(|(other, _)| !same(other, &info));
        self.files.push((info, file));
        Ok(info.id)
    }

    /// Takes a file out of the store and closes it; the disk keeps it. Tells whether it was there.
    pub fn remove(&mut self, id: ImageId, destination: Option<Eui64>) -> bool {
        let before = self.files.len();
        self.files.retain(|(info, _)| info.id != id || info.destination != destination);
        self.files.len() < before
    }

    /// What is there, in the order in which it was added.
    pub fn list(&self) -> impl Iterator<Item = &ImageInfo> + Clone {
        self.files.iter().map(|(info, _)| info)
    }

    fn open(path: &Path) -> Result<(ImageInfo, File), FolderError> {
        let mut file = File::open(path)?;
        let present = file.metadata()?.len();
        let mut start = Vec::new();
        let most = u64::try_from(FileHeader::MAX_KNOWN_LEN).unwrap_or(u64::MAX);
        (&mut file).take(most).read_to_end(&mut start)?;
        let info = ImageInfo::from(&FileHeader::parse_known(&start)?);
        if present < u64::from(info.size) {
            return Err(FolderError::Short { size: info.size, present });
        }
        Ok((info, file))
    }
}

impl ImageStore for FolderStore {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        fits: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        find(self.list().copied(), manufacturer, image_type, fits)
    }

    fn info(&mut self, id: ImageId, node: Option<Eui64>) -> Option<ImageInfo> {
        info(self.list().copied(), id, node)
    }

    fn read(&mut self, image: &ImageInfo, offset: u32, out: &mut [u8]) -> ReadResult {
        let Some((_, file)) = self.files.iter_mut().find(|(info, _)| info == image) else {
            return ReadResult::Gone;
        };
        let read = file.seek(SeekFrom::Start(offset.into())).and_then(|_| file.read_exact(out));
        if read.is_ok() { ReadResult::Filled(out.len()) } else { ReadResult::Gone }
    }
}
