//! Atomic writing of files: readers see the complete old file or the complete new file.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::path::Path;

use tempfile::Builder;

use crate::error::Failure;

/// Start of the names of files that are not complete yet.
const PREFIX: &str = ".ota-";

/// Writes `bytes` to `path`. An existing file keeps its permissions, and a symbolic link remains a symbolic link.
/// Returns `true` if `path` is a regular file, and `false` if it is a pipe or a device.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<bool, Failure> {
    let existing = fs::metadata(path).ok();
    let written = match &existing {
        Some(there) if there.is_dir() => return Err(Failure::at(path, "a folder; expected a file to write")),
        Some(there) if !there.is_file() => {
            fs::OpenOptions::new().write(true).open(path).and_then(|mut pipe| pipe.write_all(bytes))
        }
        Some(there) => fs::canonicalize(path).and_then(|file| swap(&file, bytes, Some(there.permissions()))),
        None => swap(path, bytes, None),
    };
    written.map_err(|error| Failure::at(path, format_args!("cannot write: {error}")))?;
    Ok(existing.is_none_or(|there| there.is_file()))
}

/// Writes a new file beside `path` and renames it.
fn swap(path: &Path, bytes: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
    // The function sets the usual permissions of a new file, because by default only the owner can read a temporary
    // file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder(path))?;
    file.write_all(bytes)?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Writes a secret to a file at `path` that its owner alone can read. An existing file is an error unless `overwrite`
/// is set; a symbolic link remains a symbolic link.
#[cfg(feature = "openssl")]
pub fn write_secret(path: &Path, bytes: &[u8], overwrite: bool) -> Result<(), Failure> {
    let existing = fs::metadata(path).ok();
    if existing.as_ref().is_some_and(|there| !there.is_file()) {
        return Err(Failure::at(path, "no regular file; expected a file for a private key"));
    }
    let write = || {
        let target = if existing.is_some() { fs::canonicalize(path)? } else { path.to_owned() };
        // The file keeps the permissions of a temporary file, which only its owner can read, even if the file replaces
        // another file.
        let mut file = Builder::new().prefix(PREFIX).tempfile_in(folder(&target))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        if overwrite { file.persist(&target) } else { file.persist_noclobber(&target) }?;
        Ok(())
    };
    write().map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::at(path, "exists; --overwrite replaces it"),
        _ => Failure::at(path, format_args!("cannot write: {error}")),
    })
}

/// Returns the folder of the file at `path`.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
