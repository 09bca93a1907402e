//! Store in memory that owns its files (feature `alloc`).
//!
//! ```text
//! [ (ImageInfo, bytes) | (ImageInfo, bytes) ]     any number of files, each identity once
//! ```

use alloc::vec::Vec;

use super::image_lookup::{self, AddError};
use super::{FileLookup, ImageInfo, ImageStore, ReadResult, StoreEntry};
use crate::aps::Address;
use crate::error::DecodeError;
use crate::types::{Eui64, HardwareVersion, ImageId, ImageType, ManufacturerCode};

/// [`ImageStore`] that owns any number of files in memory. The caller can add, replace and remove files while clients
/// download. [`SlotStore`](super::SlotStore) describes how a replaced or removed file affects a download.
#[derive(Clone, Debug, Default)]
#[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
pub struct OwnedStore {
    files: Vec<(ImageInfo, Vec<u8>)>,
}

impl OwnedStore {
    /// Makes a store without files.
    #[must_use]
    pub const fn new() -> Self {
        Self { files: Vec::new() }
    }

    /// Adds the file at the start of `bytes` to the store and returns the identity of the file. If `bytes` is longer
    /// than the total image size in the header, the server does not serve the bytes after that size.
    ///
    /// # Errors
    /// Fails with [`AddError::Decode`] if the header cannot be decoded or the file is shorter than the total image size
    /// in the header. Fails with [`AddError::Duplicate`] or [`AddError::HardwareOverlap`] if the store has a file of
    /// the same image and destination whose hardware versions overlap those of the new file.
    pub fn add(&mut self, bytes: Vec<u8>) -> Result<ImageId, AddError> {
        let info = *StoreEntry::parse(&bytes)?.info();
        image_lookup::check_addition(self.list(), &info)?;
        self.files.push((info, bytes));
        Ok(info.id)
    }

    /// Adds the file at the start of `bytes` in place of all files of the same image and destination whose hardware
    /// versions overlap those of the new file. Returns the bytes of the first replaced file; `None` if no file was
    /// replaced.
    ///
    /// # Errors
    /// Fails with the same errors as [`StoreEntry::parse`].
    pub fn replace(&mut self, bytes: Vec<u8>) -> Result<Option<Vec<u8>>, DecodeError> {
        let info = *StoreEntry::parse(&bytes)?.info();
        let (mut kept, mut replaced) = (Vec::with_capacity(self.files.len().saturating_add(1)), None);
        for (other, bytes) in core::mem::take(&mut self.files) {
            match image_lookup::conflicts(&other, &info) {
                true => replaced = replaced.or(Some(bytes)),
                false => kept.push((other, bytes)),
            }
        }
        kept.push((info, bytes));
        self.files = kept;
        Ok(replaced)
    }

    /// Removes the file of the image `id` with `destination`, and returns the bytes of the file; `None` if the store
    /// has no such file. If the store has several files of the image with `destination`, for different hardware
    /// versions, each call removes one of these files.
    pub fn remove(&mut self, id: ImageId, destination: Option<Eui64>) -> Option<Vec<u8>> {
        let is_file = |(info, _): &(ImageInfo, Vec<u8>)| info.id == id && info.destination == destination;
        let index = self.files.iter().position(is_file)?;
        let (mut kept, mut removed) = (Vec::with_capacity(self.files.len()), None);
        // The code with `Vec::remove` would be shorter, but would contain a panic branch.
        for (at, file) in core::mem::take(&mut self.files).into_iter().enumerate() {
            if at == index { removed = Some(file.1) } else { kept.push(file) }
        }
        self.files = kept;
        removed
    }

    /// Returns the identities and sizes of all files of the store.
    pub fn list(&self) -> impl Iterator<Item = &ImageInfo> + Clone {
        self.files.iter().map(|(info, _)| info)
    }
}

impl ImageStore for OwnedStore {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        image_lookup::find(self.list().copied(), manufacturer, image_type, is_eligible)
    }

    fn info(
        &mut self,
        id: ImageId,
        node: Option<Eui64>,
        hardware: Option<HardwareVersion>,
        _: Option<Address>,
    ) -> FileLookup {
        image_lookup::info(self.list().map(|info| (info.key, info)), id, node, hardware)
    }

    fn read(&mut self, image: &ImageInfo, offset: u32, _: Option<Address>, out: &mut [u8]) -> ReadResult {
        match self.files.iter().find(|(info, _)| info == image) {
            // The bytes may be longer than the file, but the server never asks for bytes after the total image size.
            Some((_, file)) => image_lookup::read(file, offset, out),
            None => ReadResult::Gone,
        }
    }
}
