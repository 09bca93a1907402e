//! Store of files on disk, which reads a file block by block, and adopts the changes in its folders at each refresh
//! (feature `std`).
//!
//! ```text
//! [ (path, stamp, ImageInfo, open file) ]     one block = one seek and one read, and the header and stamp again
//!
//!               add, replace                refresh: every followed folder against the store
//!   file  ------------------------> store <------------------------------------------------- folders
//!                                     |
//!                                     +--> FolderChange: Added, Replaced, Removed, Rejected
//! ```
//!
//! The store detects **a file that another program has overwritten** by a changed length, modification time or header.
//! For a file that was overwritten, the server answers NO_IMAGE_AVAILABLE, because a device would otherwise get a
//! mixture of the old and the new file. [`FolderStore::refresh`] adds the overwritten file again with its new content.

use std::borrow::ToOwned as _;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::vec::Vec;

use super::image_lookup::{self, AddError};
use super::{FileLookup, ImageInfo, ImageStore, ReadResult};
use crate::aps::Address;
use crate::error::{DecodeError, DecodeErrorKind};
use crate::file::FileHeader;
#[cfg(feature = "inspect")]
use crate::inspect::{Finding, Inspection, Severity};
use crate::types::{Eui64, HardwareVersion, ImageId, ImageType, ManufacturerCode};

/// Reason why a file was not added to a [`FolderStore`]. If [`FolderStore::add`] or [`FolderStore::replace`] fails, the
/// store is unchanged. The text of a `FolderError` names the path of the file, with control characters escaped.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
#[non_exhaustive]
pub enum FolderError {
    /// The file or folder cannot be opened or read.
    #[error("{}: {source}", Shown(.path))]
    #[non_exhaustive]
    Io {
        /// File or folder that cannot be opened or read.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The file is not a complete OTA file.
    #[error("{}: {source}", Shown(.path))]
    #[non_exhaustive]
    Add {
        /// File that was not added to the store.
        path: PathBuf,
        /// Reason why the content of the file is no OTA file.
        source: AddError,
    },
    /// The store already has a file of the same image for the same devices, so no request could select between the two
    /// files.
    #[error("{}: {source}: {}", Shown(.path), Shown(.present))]
    #[non_exhaustive]
    Conflict {
        /// File that was not added to the store.
        path: PathBuf,
        /// File of the store with which the new file conflicts: a file of the same image, for the same devices.
        present: PathBuf,
        /// Kind of the conflict: [`AddError::Duplicate`] or [`AddError::HardwareOverlap`].
        source: AddError,
    },
    /// The inspection found a fault in the file, for instance a wrong checksum, so no device should get the file.
    /// [`FolderStore::set_wrong_files_accepted`] makes the store accept files in which the inspection finds faults.
    #[cfg(feature = "inspect")]
    #[cfg_attr(docsrs, doc(cfg(feature = "inspect")))]
    #[error("{}: {finding}", Shown(.path))]
    #[non_exhaustive]
    Wrong {
        /// File that was not added to the store.
        path: PathBuf,
        /// First finding of the inspection that has the severity `Wrong`. The offset in `finding` counts from the first
        /// byte of the file on disk.
        finding: Finding,
    },
}

impl FolderError {
    /// Returns the path of the file or folder that the error is about.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Io { path, .. } | Self::Add { path, .. } | Self::Conflict { path, .. } => path,
            #[cfg(feature = "inspect")]
            Self::Wrong { path, .. } => path,
        }
    }
}

/// Serializes a [`FolderError`] as two texts: the path, and the reason.
#[cfg(feature = "serde")]
impl serde::Serialize for FolderError {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut fields = serializer.serialize_struct("FolderError", 2)?;
        fields.serialize_field("path", &self.path().to_string_lossy())?;
        fields.serialize_field("reason", &std::string::ToString::to_string(self))?;
        fields.end()
    }
}

/// Serializes a path as text, with U+FFFD for bytes that are not UTF-8.
#[cfg(feature = "serde")]
fn serialize_path<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// Path as text of one line, with control characters escaped, because a file name can contain line feeds and control
/// sequences of terminals.
struct Shown<'a>(&'a Path);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.to_string_lossy().escape_debug())
    }
}

/// Difference between a [`FolderStore`] and the files on disk. [`FolderStore::refresh`] finds the difference and
/// applies it to the store. `Display` writes a `FolderChange` as one line for a log. `Serialize` (feature `serde`)
/// writes the kind of a `FolderChange` in the field `event`, for instance `file_added`.
#[derive(Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(tag = "event"))]
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
#[non_exhaustive]
pub enum FolderChange {
    /// A new file in a folder was added to the store.
    #[cfg_attr(feature = "serde", serde(rename = "file_added"))]
    #[non_exhaustive]
    Added {
        /// File that the store has added.
        #[cfg_attr(feature = "serde", serde(serialize_with = "serialize_path"))]
        path: PathBuf,
        /// Image in the added file.
        id: ImageId,
    },
    /// The content of a file on disk has changed, and the store now has the new content.
    ///
    /// If `id` equals `previous`, a device that downloads the image `id` would get a mixture of the old and the new
    /// content of the file. Servers cannot see that the bytes of an image have changed, so the caller cancels the
    /// downloads of `id` ([`Server::cancel`](super::Server::cancel)).
    #[cfg_attr(feature = "serde", serde(rename = "file_replaced"))]
    #[non_exhaustive]
    Replaced {
        /// File whose content has changed.
        #[cfg_attr(feature = "serde", serde(serialize_with = "serialize_path"))]
        path: PathBuf,
        /// Image that the file contains now.
        id: ImageId,
        /// Image that the file contained before the change.
        previous: ImageId,
    },
    /// A file was removed from the store, because the file no longer exists or its new content is rejected.
    #[cfg_attr(feature = "serde", serde(rename = "file_removed"))]
    #[non_exhaustive]
    Removed {
        /// File that was removed from the store.
        #[cfg_attr(feature = "serde", serde(serialize_with = "serialize_path"))]
        path: PathBuf,
        /// Image that the removed file contained.
        id: ImageId,
    },
    /// The store rejected a file of a folder, because the file is not an acceptable OTA file, or the store could not
    /// read a folder. The store reports each rejected content of a file only once, not at each refresh.
    #[cfg_attr(feature = "serde", serde(rename = "file_rejected"))]
    Rejected(FolderError),
}

impl std::fmt::Display for FolderChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Added { path, id } => write!(f, "{}: {id} added", Shown(path)),
            Self::Replaced { path, id, previous } => write!(f, "{}: {id} replaces {previous}", Shown(path)),
            Self::Removed { path, id } => write!(f, "{}: {id} removed", Shown(path)),
            Self::Rejected(error) => write!(f, "file rejected: {error}"),
        }
    }
}

/// [`ImageStore`] of files on disk. Memory holds only the headers of the files; the store reads each block from disk
/// when a client requests the block. The server answers NO_IMAGE_AVAILABLE if a block cannot be read, for instance
/// because the disk was removed or another program has overwritten the file.
///
/// With the feature `inspect`, the store opens the containers of vendors and serves the OTA file inside the container.
/// The store refuses files with a finding of the severity [`Wrong`](crate::inspect::Severity::Wrong).
///
/// ```no_run
/// use zigbee_ota::server::{FolderChange, FolderStore};
///
/// let mut images = FolderStore::new();
/// images.follow("/var/lib/ota");
/// // Now, and every second or two in the loop of the gateway:
/// for change in images.refresh() {
///     if let FolderChange::Rejected(error) = change {
///         eprintln!("{error}");
///     }
/// }
/// ```
#[derive(Debug, Default)]
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
#[doc(alias("watch", "directory", "provider"))]
pub struct FolderStore {
    files: Vec<StoredFile>,
    folders: Vec<PathBuf>,
    /// Rejected files of the followed folders, each with a stamp, by which the store recognises the rejected content.
    rejected: Vec<Rejected>,
    accepts_wrong: bool,
}

/// Open file of a store.
#[derive(Debug)]
struct StoredFile {
    path: PathBuf,
    stamp: Stamp,
    info: ImageInfo,
    file: File,
    /// Offset of the OTA file within the file on disk, in bytes: 0 unless the file on disk is a container.
    start: u64,
    /// Bytes of the file header, as they were when the store opened the file.
    header: Vec<u8>,
    /// `true` if the file has changed since the store opened the file.
    is_changed: bool,
}

/// Stamp of a file: the properties that change when another program overwrites or replaces the file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
    /// Device and inode number of the file. If another file is renamed over the file, the length and the modification
    /// time can stay equal, but the inode number changes.
    #[cfg(unix)]
    inode: (u64, u64),
}

impl Stamp {
    fn new(metadata: &Metadata) -> Self {
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

/// Rejected file of a followed folder.
#[derive(Debug)]
struct Rejected {
    path: PathBuf,
    stamp: Option<Stamp>,
    /// `true` if the store rejected the file because it conflicts with another file, so that the store may accept the
    /// file after the other file is removed.
    conflicts: bool,
}

/// Maximum length in bytes of a file that the store inspects. The inspection reads the whole file into memory; the
/// longest firmware of public collections has 8 MB.
#[cfg(feature = "inspect")]
const MAX_INSPECTED: u64 = 64 << 20;

impl StoredFile {
    /// Opens a file and reads its header. If `accept_wrong` is set, `StoredFile::open` does not refuse files with
    /// findings of the severity `Wrong`, only files that a server cannot serve at all.
    fn open(path: &Path, accept_wrong: bool) -> Result<Self, FolderError> {
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
    fn is_unchanged(&mut self) -> bool {
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
    fn read(&mut self, offset: u32, out: &mut [u8]) -> bool {
        let place = self.start.saturating_add(offset.into());
        let read = self.file.seek(SeekFrom::Start(place)).and_then(|_| self.file.read_exact(out));
        // A program that overwrites the file changes the modification time before the bytes, so an unchanged time after
        // the read proves that the bytes are consistent.
        read.is_ok() && self.is_unchanged()
    }
}

impl FolderStore {
    /// Makes a store without files and without folders.
    #[must_use]
    pub const fn new() -> Self {
        Self { files: Vec::new(), folders: Vec::new(), rejected: Vec::new(), accepts_wrong: false }
    }

    /// Sets whether the store accepts files with findings of the severity `Wrong` (`FolderError::Wrong`). By default
    /// the store does not accept files with findings of the severity `Wrong`. Files that are already in the store stay
    /// there when the setting changes. Without the feature `inspect`, the store inspects no file and accepts all
    /// complete OTA files.
    pub const fn set_wrong_files_accepted(&mut self, accepted: bool) {
        self.accepts_wrong = accepted;
    }

    /// Opens the file at `path`, adds the file to the store and returns the identity of the image. If the file is
    /// longer than the total image size in its header, the server does not serve the bytes after that size.
    ///
    /// # Errors
    /// Fails with [`FolderError::Io`] if the file cannot be opened or read, and with [`FolderError::Add`] if the header
    /// cannot be decoded or the file is shorter than the total image size in the header. Fails with
    /// [`FolderError::Conflict`] if the store has a file of the same image and destination whose hardware versions
    /// overlap those of the new file. With the feature `inspect`, fails with `FolderError::Wrong` if the inspection
    /// finds a wrong checksum or any other fault of the severity `Wrong`.
    pub fn add(&mut self, path: impl AsRef<Path>) -> Result<ImageId, FolderError> {
        let opened = StoredFile::open(path.as_ref(), self.accepts_wrong)?;
        self.insert(opened)
    }

    /// Opens the file at `path` and adds the file to the store. The new file replaces the file that was added before
    /// from the same path, and all files of the same image and destination whose hardware versions overlap those of the
    /// new file.
    ///
    /// # Errors
    /// Fails with the errors of [`add`](Self::add), except [`FolderError::Conflict`].
    pub fn replace(&mut self, path: impl AsRef<Path>) -> Result<ImageId, FolderError> {
        let opened = StoredFile::open(path.as_ref(), self.accepts_wrong)?;
        let id = opened.info.id;
        self.files
            .retain(|other| other.path != opened.path && !image_lookup::conflicts(&other.info, &opened.info));
        self.files.push(opened);
        Ok(id)
    }

    /// Removes the files of the image `id` with `destination` from the store, closes the files, and returns whether the
    /// store had such a file. `FolderStore::remove` deletes no file on disk: if a file that it removes from the store
    /// is in a followed folder, the next [`refresh`](Self::refresh) adds the file to the store again.
    pub fn remove(&mut self, id: ImageId, destination: Option<Eui64>) -> bool {
        let before = self.files.len();
        self.files.retain(|StoredFile { info, .. }| info.id != id || info.destination != destination);
        self.files.len() < before
    }

    /// Follows a folder: each [`refresh`](Self::refresh) compares the store with the folder, and the first refresh adds
    /// all files of the folder. The store ignores files whose names begin with a dot, and subfolders of the followed
    /// folder. The followed folder need not exist yet.
    pub fn follow(&mut self, folder: impl Into<PathBuf>) {
        let folder = folder.into();
        if !self.folders.contains(&folder) {
            self.folders.push(folder);
        }
    }

    /// Compares the store with the disk, applies the differences to the store, and returns the differences. `refresh`
    /// looks at every followed folder, and at every file that the caller added individually. The store does not watch
    /// the disk in any other way, so the caller calls `refresh` every second or two.
    ///
    /// Each refresh reads the file names and modification times of all files. A refresh opens only new files, changed
    /// files, and files that an earlier refresh rejected with [`FolderError::Conflict`]: the store can accept a
    /// rejected file after the conflicting file is removed. A refresh rejects a file that another program is still
    /// writing, and a later refresh adds the file when it is complete.
    #[doc(alias("rescan", "reload", "watch"))]
    pub fn refresh(&mut self) -> Vec<FolderChange> {
        let mut changes = Vec::new();
        let mut candidates = Vec::new();
        self.files.retain(|stored| {
            let StoredFile { path, info, .. } = stored;
            match fs::metadata(path) {
                Ok(metadata) if !stored.is_changed && Stamp::new(&metadata) == stored.stamp => return true,
                Ok(_) => candidates.push((path.clone(), Some(info.id))),
                Err(_) => changes.push(FolderChange::Removed { path: path.clone(), id: info.id }),
            }
            false
        });
        for folder in self.folders.clone() {
            match names(&folder) {
                Ok(paths) => {
                    self.rejected.retain(|rejected| rejected.path != folder);
                    for path in paths {
                        let known = self.files.iter().any(|stored| stored.path == path)
                            || candidates.iter().any(|(other, _)| *other == path);
                        if !known {
                            candidates.push((path, None));
                        }
                    }
                }
                Err(source) => {
                    if self.is_first_rejection(&folder, None, false) {
                        changes.push(FolderChange::Rejected(FolderError::Io { path: folder, source }));
                    }
                }
            }
        }
        self.rejected.retain(|Rejected { path, stamp, .. }| stamp.is_none() || path.exists());
        for (path, previous) in candidates {
            let stamp = fs::metadata(&path).ok().map(|metadata| Stamp::new(&metadata));
            let known =
                self.rejected.iter().find(|rejected| rejected.path == path && rejected.stamp == stamp);
            if known.is_some_and(|rejected| !rejected.conflicts) {
                continue;
            }
            let result = self.add(&path);
            match (result, previous) {
                (Ok(id), None) => changes.push(FolderChange::Added { path, id }),
                (Ok(id), Some(previous)) => changes.push(FolderChange::Replaced { path, id, previous }),
                (Err(error), previous) => {
                    if let Some(id) = previous {
                        changes.push(FolderChange::Removed { path: path.clone(), id });
                    }
                    let conflicts = matches!(error, FolderError::Conflict { .. });
                    if self.is_first_rejection(&path, stamp, conflicts) {
                        changes.push(FolderChange::Rejected(error));
                    }
                }
            }
        }
        let files = &self.files;
        self.rejected.retain(|rejected| !files.iter().any(|stored| stored.path == rejected.path));
        changes
    }

    /// Returns the identities and sizes of all files, in the order in which the files were added.
    pub fn list(&self) -> impl Iterator<Item = &ImageInfo> + Clone {
        self.files.iter().map(|stored| &stored.info)
    }

    /// Returns the paths and identities of all files, in the order in which the files were added.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &ImageInfo)> + Clone {
        self.files.iter().map(|stored| (stored.path.as_path(), &stored.info))
    }

    fn insert(&mut self, opened: StoredFile) -> Result<ImageId, FolderError> {
        if let Err(source) = image_lookup::check_addition(self.list(), &opened.info) {
            let present = self.files.iter().find(|other| image_lookup::conflicts(&other.info, &opened.info));
            let present = present.map(|other| other.path.clone()).unwrap_or_default();
            return Err(FolderError::Conflict { path: opened.path, present, source });
        }
        let id = opened.info.id;
        self.files.push(opened);
        Ok(id)
    }

    /// Records that the store rejected the content `stamp` of the file at `path`, and returns whether this is the first
    /// rejection of the content.
    fn is_first_rejection(&mut self, path: &Path, stamp: Option<Stamp>, conflicts: bool) -> bool {
        match self.rejected.iter_mut().find(|rejected| rejected.path == path) {
            Some(rejected) if rejected.stamp == stamp && rejected.conflicts == conflicts => false,
            Some(rejected) => {
                (rejected.stamp, rejected.conflicts) = (stamp, conflicts);
                true
            }
            None => {
                self.rejected.push(Rejected { path: path.to_owned(), stamp, conflicts });
                true
            }
        }
    }
}

/// Returns the paths of the files in a folder, sorted by name.
fn names(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        // Symbolic links are followed. A name that no longer exists is skipped.
        if !is_hidden && fs::metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

impl ImageStore for FolderStore {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        for stored in &mut self.files {
            if (stored.info.id.manufacturer, stored.info.id.image_type) == (manufacturer, image_type) {
                stored.is_unchanged();
            }
        }
        let files = self.files.iter().filter(|stored| !stored.is_changed);
        image_lookup::find(files.map(|stored| stored.info), manufacturer, image_type, is_eligible)
    }

    fn info(
        &mut self,
        id: ImageId,
        node: Option<Eui64>,
        hardware: Option<HardwareVersion>,
        _: Option<Address>,
    ) -> FileLookup {
        let files = self.files.iter().filter(|stored| !stored.is_changed);
        image_lookup::info(files.map(|stored| (stored.info.key, &stored.info)), id, node, hardware)
    }

    fn read(&mut self, image: &ImageInfo, offset: u32, _: Option<Address>, out: &mut [u8]) -> ReadResult {
        let stored = self.files.iter_mut().find(|stored| stored.info == *image);
        match stored.is_some_and(|stored| stored.read(offset, out)) {
            true => ReadResult::Filled(out.len()),
            false => ReadResult::Gone,
        }
    }
}
