//! Open file of a [`FolderStore`](super::FolderStore), and the stamp by which the store recognises that another program
//! has overwritten or replaced the file.

use std::borrow::ToOwned as _;
use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::vec::Vec;

use super::FolderError;
use crate::error::{DecodeError, DecodeErrorKind};
use crate::file::FileHeader;
#[cfg(feature = "inspect")]
use crate::inspect::{Inspection, Severity};
use crate::server::{AddError, ImageInfo};

/// Open file of a store.
#[derive(Debug)]
pub(super) struct StoredFile {
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
    pub(super) info: ImageInfo,
    file: File,
    /// Offset of the OTA file within the file on disk, in bytes: 0 unless the file on disk is a container.
    start: u64,
    /// Bytes of the file header, as they were when the store opened the file.
    header: Vec<u8>,
    /// `true` if the file has changed since the store opened the file.
    pub(super) is_changed: bool,
}

/// Stamp of a file: the properties that change when another program overwrites or replaces the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
    /// Device and inode number of the file. If another file is renamed over the file, the length and the modification
    /// time can stay equal, but the inode number changes.
    #[cfg(unix)]
    inode: (u64, u64),
}

impl Stamp {
    pub(super) fn new(metadata: &Metadata) -> Self {
        Self {
            len: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: {
                use std::os::unix::fs::MetadataExt as _;
                (metadata.dev(), metadata.ino())
            },
        }
    }
}

/// Maximum length in bytes of a file that the store inspects. The inspection reads the whole file into memory; the
/// longest firmware of public collections has 8 MB.
#[cfg(feature = "inspect")]
const MAX_INSPECTED: u64 = 64 << 20;

impl StoredFile {
    /// Opens a file and reads its header. If `accept_wrong` is set, `StoredFile::open` does not refuse files with
    /// findings of the severity `Wrong`, only files that a server cannot serve at all.
    pub(super) fn open(path: &Path, accept_wrong: bool) -> Result<Self, FolderError> {
        let io = |source| FolderError::Io { path: path.to_owned(), source };
        let add = |error| FolderError::Add { path: path.to_owned(), source: AddError::Decode(error) };
        let mut file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if metadata.is_dir() {
            return Err(io(io::ErrorKind::IsADirectory.into()));
        }
        let stamp = Stamp::new(&metadata);
        let start = Self::find_ota_file(path, &mut file, &stamp, accept_wrong)?;
        let mut header = Vec::new();
        let most = u64::try_from(FileHeader::MAX_KNOWN_LEN).unwrap_or(u64::MAX);
        file.seek(SeekFrom::Start(start)).map_err(io)?;
        (&mut file).take(most).read_to_end(&mut header).map_err(io)?;
        let info = ImageInfo::new(&FileHeader::parse_known(&header).map_err(add)?);
        let present = stamp.len.saturating_sub(start);
        if present < u64::from(info.size) {
            let bytes = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
            let kind =
                DecodeErrorKind::Truncated { needed: bytes(info.size.into()), present: bytes(present) };
            return Err(add(DecodeError { item: "OTA file", offset: 0, kind }));
        }
        Ok(Self { path: path.to_owned(), stamp, info, file, start, header, is_changed: false })
    }

    /// Inspects a file, and returns the offset of the OTA file within it: 0 unless the file is a container.
    #[cfg(feature = "inspect")]
    fn find_ota_file(
        path: &Path,
        file: &mut File,
        stamp: &Stamp,
        accept_wrong: bool,
    ) -> Result<u64, FolderError> {
        if stamp.len > MAX_INSPECTED {
            return Ok(0);
        }
        let mut bytes = Vec::new();
        let read = file.take(MAX_INSPECTED).read_to_end(&mut bytes);
        read.map_err(|source| FolderError::Io { path: path.to_owned(), source })?;
        let inspection = Inspection::of(&bytes);
        let wrong = inspection.findings().find(|finding| finding.severity == Severity::Wrong);
        // If the OTA file is incomplete, the caller of this function fails with an error that names the missing bytes.
        let is_whole = inspection.image().is_some_and(|image| image.missing() == 0);
        if let Some(finding) = wrong.filter(|_| is_whole && !accept_wrong) {
            return Err(FolderError::Wrong { path: path.to_owned(), finding });
        }
        let start = inspection.container().map_or(0, |container| container.before.len());
        Ok(u64::try_from(start).unwrap_or(u64::MAX))
    }

    #[cfg(not(feature = "inspect"))]
    fn find_ota_file(_: &Path, _: &mut File, _: &Stamp, _: bool) -> Result<u64, FolderError> {
        Ok(0)
    }

    /// Returns whether the file has not changed since the store opened the file, and records a change in the entry of
    /// the file.
    pub(super) fn is_unchanged(&mut self) -> bool {
        if !self.is_changed {
            self.is_changed = !matches!(self.has_opened_content(), Ok(true));
        }
        !self.is_changed
    }

    fn has_opened_content(&mut self) -> io::Result<bool> {
        let mut header = std::vec![0; self.header.len()];
        self.file.seek(SeekFrom::Start(self.start))?;
        self.file.read_exact(&mut header)?;
        Ok(header == self.header && Stamp::new(&self.file.metadata()?) == self.stamp)
    }

    /// Reads bytes of the OTA file, and then checks that the file has not changed.
    pub(super) fn read(&mut self, offset: u32, out: &mut [u8]) -> bool {
        let place = self.start.saturating_add(offset.into());
        let read = self.file.seek(SeekFrom::Start(place)).and_then(|_| self.file.read_exact(out));
        // A program that overwrites the file changes the modification time before the bytes, so an unchanged time after
        // the read proves that the bytes are consistent.
        read.is_ok() && self.is_unchanged()
    }
}
