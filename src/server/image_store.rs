//! Trait of the image storage that the caller provides, and the information that a server has of an image. Sections
//! refer to ZigBee document 095264 (2011).
//!
//! ```text
//! query           find(manufacturer, image type, is_eligible) -> highest version
//! block, page     info(id, node, hardware, client) -> FileLookup     read(image, offset, client, out) -> ReadResult
//! ```

use crate::aps::Address;
use crate::file::FileHeader;
use crate::types::{
    Eui64, HardwareRange, HardwareVersion, ImageId, ImageType, ManufacturerCode, SecurityCredentialVersion,
    StackVersion,
};

/// Information on an image: the part of the header of its file that a server or a [`ServerPolicy`](super::ServerPolicy)
/// needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct ImageInfo {
    /// Manufacturer code, image type and file version of the image. The identity of the image, `destination` and
    /// `hardware` together identify one file (sections 6.10.6.4, 6.3.2.12 and 6.3.2.13).
    pub id: ImageId,
    /// Total image size in bytes, which counts the header and all elements (section 6.3.2.10).
    pub size: u32,
    /// Zigbee stack version of the image (section 6.3.2.8).
    pub stack: StackVersion,
    /// Security credential version that a client needs to install the image; `None` if the image needs no credential.
    pub credential: Option<SecurityCredentialVersion>,
    /// IEEE address of the only device that may have the file; `None` if the file is not device-specific.
    pub destination: Option<Eui64>,
    /// Hardware versions that the image supports; `None` if the image supports all hardware versions.
    pub hardware: Option<HardwareRange>,
    /// Key that the store chooses for the image, for instance an index. The server passes the key back to the store
    /// without interpreting the key.
    pub key: u32,
}

impl ImageInfo {
    /// Returns the image information from a file header, with the key 0.
    #[must_use]
    pub const fn new(header: &FileHeader<'_>) -> Self {
        let FileHeader { id, total_size, stack, credential, destination, hardware, .. } = *header;
        Self { id, size: total_size, stack, credential, destination, hardware, key: 0 }
    }

    /// Returns whether the file may be served to the device with the IEEE address `node`; `None` means that the address
    /// of the device is not known. A file with a destination is only for the device with that address. A file without a
    /// destination is for every device (section 6.10.12.4).
    #[must_use]
    pub fn is_for(&self, node: Option<Eui64>) -> bool {
        self.destination.is_none() || self.destination == node
    }
}

/// Storage of the images that a server offers, provided by the caller. The content of the storage may change between
/// two calls of the server.
#[doc(alias("OTA provider", "firmware", "emberAfOtaStorageReadImageDataCallback"))]
pub trait ImageStore {
    /// Returns the eligible image with the highest version, or `None` if no image is eligible. An image is eligible if
    /// it has the manufacturer code `manufacturer` and the image type `image_type`, and `is_eligible` returns `true`
    /// for it.
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo>;

    /// Looks up the image `id` for the device with the IEEE address `node`. A file with the destination `node` is
    /// preferred to a file without a destination, which is for every device. `node` is an address that the caller
    /// knows, never one that a request contains; `None` means that the address of the device is not known.
    ///
    /// A store may have several files of one image, for disjoint hardware versions. The argument `hardware` selects one
    /// of several files of the image. Returns [`FileLookup::Ambiguous`] if no file is for `hardware`, or if the
    /// hardware version of the device is not known (`None`). If the store has only one file of the image, `hardware`
    /// has no effect.
    ///
    /// `client` is the client that sent the request, for stores in which some files are only for certain clients.
    /// [`serve_block`](super::serve_block) passes `None` for `client`, because that function does not know the client.
    fn info(
        &mut self,
        id: ImageId,
        node: Option<Eui64>,
        hardware: Option<HardwareVersion>,
        client: Option<Address>,
    ) -> FileLookup;

    /// Copies bytes of `image`, from `offset` in the file on, to the start of `out`.
    ///
    /// The argument `offset` lies within the image. The buffer `out` is 1 to 255 bytes long, and never longer than the
    /// rest of the image after `offset`. A store may copy fewer bytes than `out` has if further bytes would take longer
    /// to read; the server sends only the copied bytes. The argument `client` is the client that sent the request;
    /// `None` in a call of [`serve_block`](super::serve_block), which does not know the client.
    ///
    /// The argument `offset` of `read` is always the offset in the request of the client. A store that counts offsets
    /// by itself, and ignores `offset`, returns wrong data as soon as a client repeats a request.
    fn read(&mut self, image: &ImageInfo, offset: u32, client: Option<Address>, out: &mut [u8])
    -> ReadResult;
}

/// A mutable reference to a store also implements `ImageStore`, for instance as a part of a store that combines several
/// stores.
impl<S: ImageStore + ?Sized> ImageStore for &mut S {
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo> {
        (**self).find(manufacturer, image_type, is_eligible)
    }

    fn info(
        &mut self,
        id: ImageId,
        node: Option<Eui64>,
        hardware: Option<HardwareVersion>,
        client: Option<Address>,
    ) -> FileLookup {
        (**self).info(id, node, hardware, client)
    }

    fn read(
        &mut self,
        image: &ImageInfo,
        offset: u32,
        client: Option<Address>,
        out: &mut [u8],
    ) -> ReadResult {
        (**self).read(image, offset, client, out)
    }
}

/// Result of [`ImageStore::info`]. `FileLookup` is exhaustive, because a caller that ignored one of its variants would
/// serve the wrong file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FileLookup {
    /// The store does not have the image.
    NotFound,
    /// The store has exactly one suitable file of the image, which the [`ImageInfo`] describes.
    Found(ImageInfo),
    /// The store has several files of the image, and the hardware version of the device is unknown or selects no file.
    Ambiguous,
}

impl FileLookup {
    /// Returns the found file; `None` if the look-up found no file or several files.
    #[must_use]
    pub const fn found(&self) -> Option<&ImageInfo> {
        match self {
            Self::Found(info) => Some(info),
            Self::NotFound | Self::Ambiguous => None,
        }
    }
}

impl From<Option<ImageInfo>> for FileLookup {
    fn from(info: Option<ImageInfo>) -> Self {
        info.map_or(Self::NotFound, Self::Found)
    }
}

/// Result of [`ImageStore::read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ReadResult {
    /// With `Filled(n)`, the store copied n bytes to the start of `out`. If the store copied 0 bytes, the server
    /// answers as for `Wait`, with the waiting time [`ServerConfig::wait_seconds`](super::ServerConfig::wait_seconds).
    Filled(usize),
    /// The store reads the requested bytes later. The server returns
    /// [`ServerAction::Deferred`](super::ServerAction::Deferred), and the caller answers the request with
    /// [`Server::answer`](super::Server::answer) when the bytes are read.
    Later,
    /// The server answers WAIT_FOR_DATA, and the client repeats its request later.
    Wait {
        /// Seconds from the answer WAIT_FOR_DATA until the client repeats its request. The server limits the waiting
        /// time to [`MAX_WAIT_SECONDS`](super::MAX_WAIT_SECONDS).
        seconds: u32,
    },
    /// The server answers NO_IMAGE_AVAILABLE, because the store no longer has the image.
    Gone,
}
