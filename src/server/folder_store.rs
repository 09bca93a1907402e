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

mod error_and_change;
mod stored_file;

use std::borrow::ToOwned as _;
use std::path::{Path, PathBuf};
use std::vec::Vec;
use std::{fs, io};

use super::image_lookup;
use super::{FileLookup, ImageInfo, ImageStore, ReadResult};
use crate::aps::Address;
use crate::types::{Eui64, HardwareVersion, ImageId, ImageType, ManufacturerCode};
use stored_file::{Stamp, StoredFile};

pub use error_and_change::{FolderChange, FolderError};

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

/// Rejected file of a followed folder.
#[derive(Debug)]
struct Rejected {
    path: PathBuf,
    stamp: Option<Stamp>,
    cause: Cause,
}

/// Cause of the rejection of a file, which tells whether the store may accept the same content later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// The content is no complete OTA file.
    Content,
    /// The content has a finding of the severity `Wrong`.
    #[cfg(feature = "inspect")]
    Finding,
    /// The file conflicts with another file, or cannot be read, for instance because of its permissions.
    Surroundings,
}

impl Cause {
    const fn new(error: &FolderError) -> Self {
        match error {
            FolderError::Add { .. } => Self::Content,
            #[cfg(feature = "inspect")]
            FolderError::Wrong { .. } => Self::Finding,
            FolderError::Conflict { .. } | FolderError::Io { .. } => Self::Surroundings,
        }
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
    /// there when the setting changes, and the next [`refresh`](Self::refresh) adds the files of followed folders that
    /// the new setting accepts. Without the feature `inspect`, the store inspects no file and accepts all complete OTA
    /// files.
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
    /// files, and files that an earlier refresh rejected with [`FolderError::Conflict`] or [`FolderError::Io`]: the
    /// store can accept a rejected file after the conflicting file is removed, or after the permissions of the rejected
    /// file change. A refresh rejects a file that another program is still writing, and a later refresh adds the file
    /// when it is complete.
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
                    let error = FolderError::Io { path: folder.clone(), source };
                    if self.is_first_rejection(&folder, None, Cause::new(&error)) {
                        changes.push(FolderChange::Rejected(error));
                    }
                }
            }
        }
        self.rejected.retain(|Rejected { path, stamp, .. }| stamp.is_none() || path.exists());
        // A rejected file that the caller added individually is in no folder.
        for Rejected { path, stamp, .. } in &self.rejected {
            let known = self.files.iter().any(|stored| stored.path == *path)
                || candidates.iter().any(|(other, _)| other == path);
            if stamp.is_some() && !known {
                candidates.push((path.clone(), None));
            }
        }
        for (path, previous) in candidates {
            let stamp = fs::metadata(&path).ok().map(|metadata| Stamp::new(&metadata));
            let known =
                self.rejected.iter().find(|rejected| rejected.path == path && rejected.stamp == stamp);
            if known.is_some_and(|rejected| !self.may_accept(rejected.cause)) {
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
                    if self.is_first_rejection(&path, stamp, Cause::new(&error)) {
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

    /// Returns whether the store may accept a file now that it rejected before, although the file has not changed.
    const fn may_accept(&self, cause: Cause) -> bool {
        match cause {
            Cause::Content => false,
            #[cfg(feature = "inspect")]
            Cause::Finding => self.accepts_wrong,
            Cause::Surroundings => true,
        }
    }

    /// Records that the store rejected the content `stamp` of the file at `path`, and returns whether this is the first
    /// rejection of the content for the cause.
    fn is_first_rejection(&mut self, path: &Path, stamp: Option<Stamp>, cause: Cause) -> bool {
        match self.rejected.iter_mut().find(|rejected| rejected.path == path) {
            Some(rejected) if rejected.stamp == stamp && rejected.cause == cause => false,
            Some(rejected) => {
                (rejected.stamp, rejected.cause) = (stamp, cause);
                true
            }
            None => {
                self.rejected.push(Rejected { path: path.to_owned(), stamp, cause });
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
