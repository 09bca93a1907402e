//! Trait of the caller's image storage, and the information that a server has of an image. Sections refer to ZigBee
//! document 095264 (2011).
//!
//! ```text
//! query           find(manufacturer, image type, is_eligible) -> highest version
//! block, page     info(id, node, client) -> ImageInfo     read(image, offset, client, out) -> ReadResult
//! ```

use crate::aps::Address;
use crate::file::FileHeader;
use crate::types::{
    Eui64, HardwareRange, ImageId, ImageType, ManufacturerCode, SecurityCredentialVersion, StackVersion,
};

/// Image information from the header of its file, as far as a server or a [`ServerPolicy`](super::ServerPolicy) needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct ImageInfo {
    /// Manufacturer code, image type and file version. Together with `destination` they identify one file
    /// (sections 6.10.6.4 and 6.3.2.12).
    pub id: ImageId,
    /// Total image size in bytes: header and all elements (section 6.3.2.10).
    pub size: u32,
    /// Zigbee stack version of the image (section 6.3.2.8).
    pub stack: StackVersion,
    /// Security credential that a client needs to install the image; `None` if it needs none.
    pub credential: Option<SecurityCredentialVersion>,
    /// IEEE address of the only device that may have the file; `None` for a file for any device.
    pub destination: Option<Eui64>,
    /// Hardware versions that the image supports; `None` if it supports all.
    pub hardware: Option<HardwareRange>,
    /// Key that the store chooses, for instance an index. The server passes it back unread.
    pub key: u32,
}

impl ImageInfo {
    /// Image information from a file header, with the key 0.
    #[must_use]
    pub const fn new(header: &FileHeader<'_>) -> Self {
        let FileHeader { id, total_size, stack, credential, destination, hardware, .. } = *header;
        Self { id, size: total_size, stack, credential, destination, hardware, key: 0 }
    }

    /// Returns whether a request with the IEEE address `node` may have the file. A file with a destination is for requests
    /// with that address, any other file for every request (section 6.10.12.4).
    #[must_use]
    pub fn is_for(&self, node: Option<Eui64>) -> bool {
        self.destination.is_none() || self.destination == node
    }
}

/// Storage of the caller's images. Its content may change between two calls of the server.
#[doc(alias("OTA provider", "firmware", "emberAfOtaStorageReadImageDataCallback"))]
pub trait ImageStore {
    /// Returns the image with the highest version among those of the manufacturer code and image type for which
    /// `is_eligible` returns true; `None` if there is no such image.
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        is_eligible: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo>;

    /// Returns the image `id` for a request with the IEEE address `node`: the file with the destination `node`, else the
    /// file without a destination, else `None`.
    ///
    /// `client` is the client that sent the request, for stores with files for some clients alone;
    /// [`serve_block`](super::serve_block), which knows no client, passes `None`.
    fn info(&mut self, id: ImageId, node: Option<Eui64>, client: Option<Address>) -> Option<ImageInfo>;

    /// Copies bytes of `image`, from `offset` in the file, to the start of `out`.
    ///
    /// `offset` lies within the image, and `out`, 1 to 255 bytes long, ends no later than the image. A store may fill fewer
    /// bytes if more would take time; the server does not send the others. `client` is as in [`info`](Self::info).
    ///
    /// `offset` is always the one that the client requests. A store that counts offsets by itself returns wrong data as
    /// soon as a client repeats a request.
    fn read(&mut self, image: &ImageInfo, offset: u32, client: Option<Address>, out: &mut [u8])
    -> ReadResult;
}

/// Result of [`ImageStore::read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ReadResult {
    /// Number of bytes at the start of `out`. 0 is answered like `Wait`, with the time of
    /// [`ServerConfig::wait_seconds`](super::ServerConfig::wait_seconds).
    Filled(usize),
    /// Bytes that come later: the server returns [`ServerAction::Deferred`](super::ServerAction::Deferred), and the caller
    /// answers with [`Server::answer`](super::Server::answer).
    Later,
    /// Answer WAIT_FOR_DATA: the client shall repeat its request later.
    Wait {
        /// Seconds until the client repeats its request; 0xFFFFFFFF is sent as 0xFFFFFFFE.
        seconds: u32,
    },
    /// Answer NO_IMAGE_AVAILABLE: the store no longer has the image.
    Gone,
}
