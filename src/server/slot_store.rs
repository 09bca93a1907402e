//! Stores in memory that change while clients download: files borrowed, in places that the caller lends, or owned.
//! And the look-ups that all stores share.
//!
//! ```text
//! SlotStore    [ entry | entry | free ]   borrowed, places lent     OwnedStore   [ bytes, bytes ]   owned
//! ```

use super::slice_store::StoreEntry;
use super::{ImageInfo, ImageStore, ReadResult};
use crate::types::{Eui64, ImageId, ImageType, ManufacturerCode};

/// Whether two files could not be told apart by any request (sections 6.10.6.4 and 6.3.2.12).
pub(super) fn same(a: &ImageInfo, b: &ImageInfo) -> bool {
    (a.id, a.destination) == (b.id, b.destination)
}

/// [`ImageStore::find`] among `infos`.
pub(super) fn find(
    infos: impl Iterator<Item = ImageInfo>,
    manufacturer: ManufacturerCode,
    image_type: ImageType,
    fits: &mut dyn FnMut(&ImageInfo) -> bool,
) -> Option<ImageInfo> {
    let wanted = |info: &ImageInfo| info.id.manufacturer == manufacturer && info.id.image_type == image_type;
    infos.filter(wanted).filter(|info| fits(info)).max_by_key(|info| info.id.version)
}

/// [`ImageStore::info`] among `infos`.
pub(super) fn info(
    infos: impl Iterator<Item = ImageInfo> + Clone,
    id: ImageId,
    node: Option<Eui64>,
) -> Option<ImageInfo> {
    let with = |destination: Option<Eui64>| {
        infos.clone().find(|info| info.id == id && info.destination == destination)
    };
    with(node).or_else(|| with(None))
}

/// [`ImageStore::read`] of a file in memory.
pub(super) fn read(file: &[u8], offset: u32, out: &mut [u8]) -> ReadResult {
    let rest = usize::try_from(offset).ok().and_then(|offset| file.get(offset..)).unwrap_or_default();
    let len = rest.len().min(out.len());
    if let (Some(to), Some(from)) = (out.get_mut(..len), rest.get(..len)) {
        to.copy_from_slice(from);
    }
    ReadResult::Filled(len)
}

/// Why a file is not added to a [`SlotStore`]; the store is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// There is such a file; [`replace`](SlotStore::replace) says that this is meant.
    #[error("there is an image {0} already")]
    Duplicate(ImageId),
    /// All places are taken.
    #[error("no place is left")]
    Full,
}

/// An [`ImageStore`] of borrowed files that come and go, in places that the caller lends: `[Option<StoreEntry>; N]`, or a
/// slice of them. Clients that download what is removed are told NO_IMAGE_AVAILABLE, clients that download what is
/// replaced go on with the other file's bytes: better not replace a file by another with the same version.
#[derive(Clone, Debug)]
pub struct SlotStore<P> {
    places: P,
}

impl<'a, P: AsRef<[Option<StoreEntry<'a>>]> + AsMut<[Option<StoreEntry<'a>>]>> SlotStore<P> {
    /// A store in `places`, with the files that stand there.
    pub const fn new(places: P) -> Self {
        Self { places }
    }

    /// Adds a file.
    ///
    /// # Errors
    /// [`AddError`]; nothing is changed then.
    pub fn add(&mut self, entry: StoreEntry<'a>) -> Result<(), AddError> {
        if self.list().any(|other| same(other.info(), entry.info())) {
            return Err(AddError::Duplicate(entry.info().id));
        }
        let free = self.places.as_mut().iter_mut().find(|place| place.is_none());
        *free.ok_or(AddError::Full)? = Some(entry);
        Ok(())
    }

    /// Adds a file in the place of the one with the same identity, and returns that; `None` where there was none.
    ///
    /// # Errors
    /// [`AddError::Full`] where there was none and no place is left.
    pub fn replace(&mut self, entry: StoreEntry<'a>) -> Result<Option<StoreEntry<'a>>, AddError> {
        let mut places = self.places.as_mut().iter_mut().flatten();
        match places.find(|other| same(other.info(), entry.info())) {
            Some(other) => Ok(Some(core::mem::replace(other, entry))),
            None => self.add(entry).map(|()| None),
        }
    }

    /// Takes a file away, and returns it.
    pub fn remove(&mut self, id: ImageId, destination: Option<Eui64>) -> Option<StoreEntry<'a>> {
        let is = |entry: &StoreEntry<'_>| entry.info().id == id && entry.info().destination == destination;
        self.places.as_mut().iter_mut().find(|place| place.as_ref().is_some_and(is))?.take()
    }

    /// What is there.
    pub fn list<'s>(&'s self) -> impl Iterator<Item = &'s StoreEntry<'a>> + Clone
    where
        'a: 's,
    {
        self.places.as_ref().iter().flatten()
    }
}

impl<'a, P: AsRef<[Option<StoreEntry<'a>>]> + AsMut<[Option<StoreEntry<'a>>]>> ImageStore for SlotStore<P> {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        fits: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        find(self.list().map(StoreEntry::info).copied(), manufacturer, image_type, fits)
    }

    fn info(&mut self, id: ImageId, node: Option<Eui64>) -> Option<ImageInfo> {
        info(self.list().map(StoreEntry::info).copied(), id, node)
    }

    fn read(&mut self, image: &ImageInfo, offset: u32, out: &mut [u8]) -> ReadResult {
        match self.list().find(|entry| entry.info() == image) {
            Some(entry) => read(entry.file(), offset, out),
            None => ReadResult::Gone,
        }
    }
}

#[cfg(feature = "alloc")]
pub use owned::OwnedStore;

#[cfg(feature = "alloc")]
mod owned {
    use alloc::vec::Vec;

    use super::{AddError, find, info, read, same};
    use crate::error::DecodeError;
    use crate::file::SplitFile;
    use crate::server::{ImageInfo, ImageStore, ReadResult, StoreEntry};
    use crate::types::{Eui64, ImageId, ImageType, ManufacturerCode};

    /// An [`ImageStore`] that owns its files, any number of them. As [`SlotStore`](super::SlotStore) otherwise.
    #[derive(Clone, Debug, Default)]
    #[cfg_attr(docsrs, doc(cfg(feature = "alloc")))]
    pub struct OwnedStore {
        files: Vec<(ImageInfo, Vec<u8>)>,
    }

    impl OwnedStore {
        /// A store without files.
        #[must_use]
        pub const fn new() -> Self {
            Self { files: Vec::new() }
        }

        /// Adds the file that starts at the first of `bytes`; bytes after its total image size are not served.
        ///
        /// # Errors
        /// The header cannot be read or the file is too short; or the inner error, where there is such a file.
        pub fn add(&mut self, bytes: Vec<u8>) -> Result<Result<ImageId, AddError>, DecodeError> {
            let info = *StoreEntry::from(&SplitFile::parse(&bytes)?).info();
            if self.files.iter().any(|(other, _)| same(other, &info)) {
                return Ok(Err(AddError::Duplicate(info.id)));
            }
            self.files.push((info, bytes));
            Ok(Ok(info.id))
        }

        /// Adds the file in the place of the one with the same identity, if there is one, and returns that.
        ///
        /// # Errors
        /// As [`StoreEntry::parse`].
        pub fn replace(&mut self, bytes: Vec<u8>) -> Result<Option<Vec<u8>>, DecodeError> {
            let info = *StoreEntry::from(&SplitFile::parse(&bytes)?).info();
            if let Some(place) = self.files.iter_mut().find(|(other, _)| same(other, &info)) {
                return Ok(Some(core::mem::replace(place, (info, bytes)).1));
            }
            self.files.push((info, bytes));
            Ok(None)
        }

        /// Takes a file away, and returns it.
        pub fn remove(&mut self, id: ImageId, destination: Option<Eui64>) -> Option<Vec<u8>> {
            let is = |(info, _): &(ImageInfo, Vec<u8>)| info.id == id && info.destination == destination;
            let place = self.files.iter().position(is)?;
            let (mut kept, mut taken) = (Vec::with_capacity(self.files.len()), None);
            // Not `Vec::remove`, which can panic.
            for (at, file) in core::mem::take(&mut self.files).into_iter().enumerate() {
                if at == place { taken = Some(file.1) } else { kept.push(file) }
            }
            self.files = kept;
            taken
        }

        /// What is there.
        pub fn list(&self) -> impl Iterator<Item = &ImageInfo> + Clone {
            self.files.iter().map(|(info, _)| info)
        }
    }

    impl ImageStore for OwnedStore {
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
            match self.files.iter().find(|(info, _)| info == image) {
                // A file may be longer than what is served of it, and nothing beyond that is asked for.
                Some((_, file)) => read(file, offset, out),
                None => ReadResult::Gone,
            }
        }
    }
}
