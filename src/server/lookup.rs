//! Image look-ups that the stores of this crate share, and the errors of adding a file to a store.
//!
//! ```text
//! find   (manufacturer code, image type, eligibility) -> highest version
//! info   (image id, node)                             -> file of that node, else file for any device
//! read   (file in memory, offset)                     -> bytes
//! ```

use super::{ImageInfo, ReadResult};
use crate::error::DecodeError;
use crate::types::{Eui64, ImageId, ImageType, ManufacturerCode};

/// Reason why a file was not added to a store. The store is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AddError {
    /// The store already has a file with the same manufacturer code, image type, file version and destination. No
    /// request could tell the two files apart (section 6.10.6.4).
    #[error("the store has a file of image {0} already")]
    Duplicate(ImageId),
    /// All slots of a [`SlotStore`](super::SlotStore) are in use.
    #[error("no slot is free")]
    Full,
    /// The header of the file cannot be decoded, or the file is shorter than the total image size in its header.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// Returns whether two files have the same identity and destination, so that no request could tell the files apart
/// (sections 6.10.6.4 and 6.3.2.12).
pub(super) fn is_same_file(a: &ImageInfo, b: &ImageInfo) -> bool {
    (a.id, a.destination) == (b.id, b.destination)
}

/// Implements [`ImageStore::find`](super::ImageStore::find) for the images in `infos`.
pub(crate) fn find(
    infos: impl Iterator<Item = ImageInfo>,
    manufacturer: ManufacturerCode,
    image_type: ImageType,
    is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
) -> Option<ImageInfo> {
    let has_type =
        |info: &ImageInfo| info.id.manufacturer == manufacturer && info.id.image_type == image_type;
    infos.filter(has_type).filter(|info| is_eligible(info)).max_by_key(|info| info.id.version)
}

/// Implements [`ImageStore::info`](super::ImageStore::info) for the images in `infos`, which are for every client.
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

/// Implements [`ImageStore::read`](super::ImageStore::read) for a file in memory: copies bytes to `out`.
pub(crate) fn read(file: &[u8], offset: u32, out: &mut [u8]) -> ReadResult {
    let rest = usize::try_from(offset).ok().and_then(|offset| file.get(offset..)).unwrap_or_default();
    let len = rest.len().min(out.len());
    if let (Some(to), Some(from)) = (out.get_mut(..len), rest.get(..len)) {
        to.copy_from_slice(from);
    }
    ReadResult::Filled(len)
}
