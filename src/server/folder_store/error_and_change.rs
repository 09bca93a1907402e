//! Error of adding a file to a [`FolderStore`](super::FolderStore), and changes that a refresh finds on disk. The texts
//! of both name the path of the file, with control characters escaped.

use std::io;
use std::path::{Path, PathBuf};

#[cfg(feature = "inspect")]
use crate::inspect::Finding;
use crate::server::AddError;
use crate::types::ImageId;

/// Reason why a file was not added to a [`FolderStore`](super::FolderStore). If
/// [`FolderStore::add`](super::FolderStore::add) or [`FolderStore::replace`](super::FolderStore::replace) fails, the
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
    /// [`FolderStore::set_wrong_files_accepted`](super::FolderStore::set_wrong_files_accepted) makes the store accept
    /// files in which the inspection finds faults.
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

/// Difference between a [`FolderStore`](super::FolderStore) and the files on disk.
/// [`FolderStore::refresh`](super::FolderStore::refresh) finds the difference and applies it to the store. `Display`
/// writes a `FolderChange` as one line for a log. `Serialize` (feature `serde`) writes the kind of a `FolderChange` in
/// the field `event`, for instance `file_added`.
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
    /// downloads of `id` ([`Server::cancel`](crate::server::Server::cancel)).
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
