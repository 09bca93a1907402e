//! Store of borrowed files in slots that the caller lends. The caller can add, replace and remove files.
//!
//! ```text
//! [ entry | entry | free ]     slots: [Option<StoreEntry>; N], or a slice of them
//! ```

use super::image_lookup::{self, AddError};
use super::slice_store::StoreEntry;
use super::{FileLookup, ImageInfo, ImageStore, ReadResult};
use crate::aps::Address;
use crate::types::{Eui64, HardwareVersion, ImageId, ImageType, ManufacturerCode};

/// [`ImageStore`] of borrowed files in slots that the caller lends: `[Option<StoreEntry>; N]`, or a slice of such
/// slots. The caller can add, replace and remove files.
///
/// The server answers NO_IMAGE_AVAILABLE to a client that downloads a removed file. A client that downloads a replaced
/// file continues with the bytes of the new file, so a file should not be replaced by a file of the same version with
/// other bytes.
#[derive(Clone, Debug)]
pub struct SlotStore<P> {
    slots: P,
}

impl<'a, P: AsRef<[Option<StoreEntry<'a>>]> + AsMut<[Option<StoreEntry<'a>>]>> SlotStore<P> {
    /// Makes a store with the files that `slots` already contains.
    pub const fn new(slots: P) -> Self {
        Self { slots }
    }

    /// Adds a file in a free slot of the store.
    ///
    /// # Errors
    /// Fails with [`AddError::Duplicate`] or [`AddError::HardwareOverlap`] if the store has a file of the same image
    /// and destination whose hardware versions overlap those of the new file. Fails with [`AddError::Full`] if no slot
    /// is free.
    pub fn add(&mut self, entry: StoreEntry<'a>) -> Result<(), AddError> {
        image_lookup::check_addition(self.list().map(StoreEntry::info), entry.info())?;
        let free = self.slots.as_mut().iter_mut().find(|slot| slot.is_none());
        *free.ok_or(AddError::Full)? = Some(entry);
        Ok(())
    }

    /// Adds a file in place of all files of the same image and destination whose hardware versions overlap those of the
    /// new file. Returns the first replaced file; `None` if no file was replaced.
    ///
    /// # Errors
    /// Fails with [`AddError::Full`] if no file is replaced and no slot is free.
    pub fn replace(&mut self, entry: StoreEntry<'a>) -> Result<Option<StoreEntry<'a>>, AddError> {
        let mut replaced = None;
        for slot in self.slots.as_mut() {
            if slot.as_ref().is_some_and(|other| image_lookup::conflicts(other.info(), entry.info())) {
                replaced = replaced.or(slot.take());
            }
        }
        self.add(entry).map(|()| replaced)
    }

    /// Removes the file of the image `id` with `destination`, and returns the file; `None` if the store has no such
    /// file. If the store has several files of the image with `destination`, for different hardware versions, each call
    /// removes one of these files.
    pub fn remove(&mut self, id: ImageId, destination: Option<Eui64>) -> Option<StoreEntry<'a>> {
        let is_file =
            |entry: &StoreEntry<'_>| entry.info().id == id && entry.info().destination == destination;
        self.slots.as_mut().iter_mut().find(|slot| slot.as_ref().is_some_and(is_file))?.take()
    }

    /// Returns all files of the store.
    pub fn list<'s>(&'s self) -> impl Iterator<Item = &'s StoreEntry<'a>> + Clone
    where
        'a: 's,
    {
        self.slots.as_ref().iter().flatten()
    }
}

impl<'a, P: AsRef<[Option<StoreEntry<'a>>]> + AsMut<[Option<StoreEntry<'a>>]>> ImageStore for SlotStore<P> {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        image_lookup::find(self.list().map(StoreEntry::info).copied(), manufacturer, image_type, is_eligible)
    }

    fn info(
        &mut self,
        id: ImageId,
        node: Option<Eui64>,
        hardware: Option<HardwareVersion>,
        _: Option<Address>,
    ) -> FileLookup {
        image_lookup::info(self.list().map(|entry| (entry.info().key, entry.info())), id, node, hardware)
    }

    fn read(&mut self, image: &ImageInfo, offset: u32, _: Option<Address>, out: &mut [u8]) -> ReadResult {
        match self.list().find(|entry| entry.info() == image) {
            Some(entry) => image_lookup::read(entry.file(), offset, out),
            None => ReadResult::Gone,
        }
    }
}
