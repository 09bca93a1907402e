//! Combination of two stores, which works as one store.
//!
//! ```text
//!            find: the higher version         info, read: the file that `find` offers
//! query ---> first ----+----> answer          block ---> first, second ---> block
//!            second ---+
//!
//! key of an image:   first 2 * key   second 2 * key + 1
//! ```

use crate::aps::Address;
use crate::server::{FileLookup, ImageInfo, ImageStore, ReadResult};
use crate::types::{Eui64, HardwareVersion, ImageId, ImageType, ManufacturerCode};

/// [`ImageStore`] of two stores, for instance of a folder and of files in memory. A `StorePair` can be one of the two
/// stores of another `StorePair`.
///
/// A `StorePair` answers a query with the eligible image of the higher file version. Of two files of equal versions, a
/// `StorePair` prefers a device-specific file to a file for all devices. Of two files of equal versions that are both
/// device-specific or both for all devices, a `StorePair` prefers the file of `first`. For an Image Block Request, a
/// `StorePair` selects the file by the same rules as for a query. If the two stores have files of one image for
/// different hardware versions and the hardware version of the device is unknown, the look-up of the image is
/// [`FileLookup::Ambiguous`], as in a single store.
///
/// A device gets a mixture of two files if a file of an image is added to `first` while the device downloads the same
/// image from `second`. When the caller adds such a file to `first`, it also cancels the downloads of the image, so
/// that no device gets a mixture of two files ([`Server::cancel`](crate::server::Server::cancel)).
///
/// A `StorePair` distinguishes the files of its two stores by [`ImageInfo::key`]: the key of a file in the `StorePair`
/// is twice the key of the file in its own store, plus 1 for a file of `second`. A `StorePair` does not find a file
/// whose key in its own store is 2³¹ or more.
#[derive(Clone, Copy, Debug, Default)]
pub struct StorePair<A, B> {
    /// First of the two stores. If both stores have a file of an equal version, and both files or neither are
    /// device-specific, the `StorePair` uses the file of `first`.
    pub first: A,
    /// Second of the two stores.
    pub second: B,
}

impl<A, B> StorePair<A, B> {
    /// Combines two stores into one store. The caller passes each store itself, or a `&mut` reference to the store.
    pub const fn new(first: A, second: B) -> Self {
        Self { first, second }
    }
}

/// One of the two stores of a [`StorePair`]. The lowest bit of an image key of a `StorePair` tells which of its two
/// stores has the file.
#[derive(Clone, Copy)]
enum Part {
    First,
    Second,
}

impl Part {
    /// Returns an image of this store with its key in the [`StorePair`]; `None` if the key of the image in this store
    /// is 2³¹ or more.
    fn mark(self, image: ImageInfo) -> Option<ImageInfo> {
        let bit = match self {
            Self::First => 0,
            Self::Second => 1,
        };
        Some(ImageInfo { key: image.key.checked_mul(2)? | bit, ..image })
    }

    /// Returns the store that an image of a [`StorePair`] comes from, and the image with its key in this store.
    fn split(image: &ImageInfo) -> (Self, ImageInfo) {
        let part = if image.key & 1 == 0 { Self::First } else { Self::Second };
        (part, ImageInfo { key: image.key >> 1, ..*image })
    }

    fn mark_lookup(self, lookup: FileLookup) -> FileLookup {
        match lookup {
            FileLookup::Found(image) => FileLookup::from(self.mark(image)),
            other => other,
        }
    }
}

/// Chooses between the look-ups of one image in the two stores, so that the blocks come from the file that the server
/// offered in answer to a query.
fn choose(first: FileLookup, second: FileLookup, hardware: Option<HardwareVersion>) -> FileLookup {
    let is_own = |lookup: &FileLookup| lookup.found().is_some_and(|image| image.destination.is_some());
    let (first, second) = match (first, second) {
        (FileLookup::NotFound, only) | (only, FileLookup::NotFound) => return only,
        (first, second) if is_own(&second) && !is_own(&first) => (second, first),
        both => both,
    };
    let ranges = (first.found().map(|image| image.hardware), second.found().map(|image| image.hardware));
    if first.suits(hardware) || ranges.0.is_some() && ranges.0 == ranges.1 {
        first
    } else if hardware.is_some() && second.suits(hardware) {
        second
    } else {
        FileLookup::Ambiguous
    }
}

impl<A: ImageStore, B: ImageStore> ImageStore for StorePair<A, B> {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        let first = self.first.find(manufacturer, image_type, is_eligible);
        let second = self.second.find(manufacturer, image_type, is_eligible);
        let first = first.and_then(|image| Part::First.mark(image));
        let second = second.and_then(|image| Part::Second.mark(image));
        let rank = |image: &ImageInfo| (image.id.version, image.destination.is_some());
        match (first, second) {
            (Some(first), Some(second)) if rank(&second) > rank(&first) => Some(second),
            (first, second) => first.or(second),
        }
    }

    fn info(
        &mut self,
        id: ImageId,
        node: Option<Eui64>,
        hardware: Option<HardwareVersion>,
        client: Option<Address>,
    ) -> FileLookup {
        let first = Part::First.mark_lookup(self.first.info(id, node, hardware, client));
        let second = Part::Second.mark_lookup(self.second.info(id, node, hardware, client));
        choose(first, second, hardware)
    }

    fn read(
        &mut self,
        image: &ImageInfo,
        offset: u32,
        client: Option<Address>,
        out: &mut [u8],
    ) -> ReadResult {
        match Part::split(image) {
            (Part::First, image) => self.first.read(&image, offset, client, out),
            (Part::Second, image) => self.second.read(&image, offset, client, out),
        }
    }
}
