//! Image look-ups that the stores of this crate share, and the errors of adding a file to a store.
//!
//! ```text
//! find   (manufacturer code, image type, eligibility) -> highest version
//! info   (image id, node, hardware)                   -> file of that node, else file for any device
//! read   (file in memory, offset)                     -> bytes
//! ```

use core::fmt;

use super::{FileLookup, ImageInfo, ReadResult};
use crate::error::DecodeError;
use crate::types::{Eui64, HardwareRange, HardwareVersion, ImageId, ImageType, ManufacturerCode};

/// Reason why a file was not added to a store. A method that fails with an `AddError` leaves the store unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AddError {
    /// The store already has a file with the same manufacturer code, image type, file version, destination and hardware
    /// versions as the new file. No request could select between two files with the same identity, destination and
    /// hardware versions (section 6.10.6.4).
    #[error("the store has a file of image {0} already")]
    Duplicate(ImageId),
    /// The store already has a file with the same manufacturer code, image type, file version and destination as the
    /// new file, and the hardware versions of both files overlap. The files of one image must be for disjoint hardware
    /// versions.
    #[error("image {id} for {}: the store has a file of this image for {} already", Hardware(.added), Hardware(.present))]
    HardwareOverlap {
        /// Image that the new file and the file in the store contain.
        id: ImageId,
        /// Hardware versions of the file to add; `None` means all hardware versions.
        added: Option<HardwareRange>,
        /// Hardware versions of the file in the store; `None` means all hardware versions.
        present: Option<HardwareRange>,
    },
    /// All slots of a [`SlotStore`](super::SlotStore) are in use.
    #[error("no slot is free")]
    Full,
    /// The header of the file cannot be decoded, or the file is shorter than the total image size in its header.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// Hardware versions of a file, as text.
struct Hardware<'a>(&'a Option<HardwareRange>);

impl fmt::Display for Hardware<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("all hardware"),
            Some(HardwareRange { min, max }) => write!(f, "hardware {min} to {max}"),
        }
    }
}

/// Returns whether two files have the same identity, destination and hardware versions, so that they are files of the
/// same image for the same devices.
pub(super) fn is_same_file(a: &ImageInfo, b: &ImageInfo) -> bool {
    (a.id, a.destination, a.hardware) == (b.id, b.destination, b.hardware)
}

/// Returns whether a device could get either of two files in answer to one request (sections 6.10.6.4 and 6.3.2.12), so
/// that a store can have only one of the two files.
pub(super) fn conflicts(a: &ImageInfo, b: &ImageInfo) -> bool {
    let overlap = match (a.hardware, b.hardware) {
        (Some(a), Some(b)) => a == b || !a.is_empty() && !b.is_empty() && a.min <= b.max && b.min <= a.max,
        (None, _) | (_, None) => true,
    };
    (a.id, a.destination) == (b.id, b.destination) && overlap
}

/// Checks whether a store that has the images in `infos` may add the file `added`.
///
/// # Errors
/// Fails with [`AddError::Duplicate`] or [`AddError::HardwareOverlap`] if no request could select between `added` and a
/// file of the store.
pub(super) fn check_addition<'a>(
    mut infos: impl Iterator<Item = &'a ImageInfo>,
    added: &ImageInfo,
) -> Result<(), AddError> {
    match infos.find(|present| conflicts(present, added)) {
        None => Ok(()),
        Some(present) if present.hardware == added.hardware => Err(AddError::Duplicate(added.id)),
        Some(present) => {
            Err(AddError::HardwareOverlap { id: added.id, added: added.hardware, present: present.hardware })
        }
    }
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
    let order = |info: &ImageInfo| (info.id.version, info.destination.is_some());
    infos.filter(has_type).filter(|info| is_eligible(info)).max_by_key(order)
}

/// Implements [`ImageStore::info`](super::ImageStore::info) for the images in `infos`, which are for every client. Each
/// item of `infos` contains an image, and the key of the image for the returned information.
pub(crate) fn info<'a>(
    infos: impl Iterator<Item = (u32, &'a ImageInfo)>,
    id: ImageId,
    node: Option<Eui64>,
    hardware: Option<HardwareVersion>,
) -> FileLookup {
    let mut infos = infos.filter(|(_, info)| info.id == id && info.is_for(node));
    let Some((key, first)) = infos.next() else { return FileLookup::NotFound };
    match infos.next() {
        None => {
            // A copy of all fields at once takes fewer instructions than a copy of all but `key`.
            let mut image = *first;
            image.key = key;
            FileLookup::Found(image)
        }
        Some(second) => choose([(key, first), second].into_iter().chain(infos), hardware),
    }
}

/// Chooses one of several files of an image. A file for a single device is preferred to a file for all devices.
#[inline(never)]
fn choose<'a>(
    infos: impl Iterator<Item = (u32, &'a ImageInfo)>,
    hardware: Option<HardwareVersion>,
) -> FileLookup {
    let (mut general, mut own) = (FileLookup::NotFound, FileLookup::NotFound);
    for (key, info) in infos {
        let files = if info.destination.is_some() { &mut own } else { &mut general };
        files.add(ImageInfo { key, ..*info }, hardware);
    }
    match own {
        FileLookup::NotFound => general,
        // If the hardware version excludes the device-specific file of the device, the file for all devices is the
        // result.
        own if hardware.is_some() && !own.suits(hardware) && general.suits(hardware) => general,
        own => own,
    }
}

impl FileLookup {
    /// Returns whether the look-up found a file that may be offered to a device with the hardware version `hardware`.
    pub(crate) fn suits(&self, hardware: Option<HardwareVersion>) -> bool {
        self.found().is_some_and(|image| match (image.hardware, hardware) {
            (None, _) => true,
            (Some(range), Some(hardware)) => range.contains(hardware),
            (Some(_), None) => false,
        })
    }

    /// Adds one more file of an image to the result of a look-up of the image. `hardware` is the hardware version of
    /// the device for which the file is looked up.
    fn add(&mut self, info: ImageInfo, hardware: Option<HardwareVersion>) {
        let fits = |info: &ImageInfo| {
            info.hardware.zip(hardware).is_some_and(|(range, hardware)| range.contains(hardware))
        };
        *self = match *self {
            Self::NotFound => Self::Found(info),
            // A store with two files for the same devices serves the first one.
            Self::Found(other) if fits(&other) || conflicts(&other, &info) => Self::Found(other),
            Self::Found(_) | Self::Ambiguous if fits(&info) => Self::Found(info),
            Self::Found(_) | Self::Ambiguous => Self::Ambiguous,
        };
    }
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
