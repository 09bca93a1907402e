//! Where images come from: the trait of the caller's storage, and what a server knows of an image.
//!
//! ```text
//! query           find(manufacturer, image type, fits) -> the newest that fits
//! block, page     info(id, node) -> ImageInfo     read(image, offset, out) -> Filled, Later, Wait, Gone
//! ```

use crate::aps::Address;
use crate::file::FileHeader;
use crate::types::{
    Eui64, HardwareRange, ImageId, ImageType, ManufacturerCode, SecurityCredentialVersion, StackVersion,
};

/// What the header of a file says about it, as far as a server or its [`ServerPolicy`](super::ServerPolicy) looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ImageInfo {
    /// Which image. Together with `destination` it names one file (sections 6.10.6.4 and 6.3.2.12).
    pub id: ImageId,
    /// Total image size in bytes, header and all sub-elements (section 6.3.2.10).
    pub size: u32,
    /// Stack that the image contains (section 6.3.2.8).
    pub stack: StackVersion,
    /// Security credential a client needs before it installs the image.
    pub credential: Option<SecurityCredentialVersion>,
    /// The one device the file is for; without it any.
    pub destination: Option<Eui64>,
    /// The hardware the file is for; without it any.
    pub hardware: Option<HardwareRange>,
    /// The store's own number of it; the server only hands it back.
    pub key: u32,
}

impl ImageInfo {
    /// Whether a request that carries the address `node` may have the file: a file for one device is for requests
    /// with its address, any other file for every request (section 6.10.12.4).
    #[must_use]
    pub fn goes_to(&self, node: Option<Eui64>) -> bool {
        self.destination.is_none() || self.destination == node
    }
}

impl From<&FileHeader<'_>> for ImageInfo {
    fn from(header: &FileHeader<'_>) -> Self {
        Self {
            id: header.id,
            size: header.total_size,
            stack: header.stack,
            credential: header.credential,
            destination: header.destination,
            hardware: header.hardware,
            key: 0,
        }
    }
}

/// The caller's images. What it holds may change from one call of the server to the next.
pub trait ImageStore {
    /// Of the images with exactly these two numbers, the one with the highest version among those that `fits`
    /// lets pass; `None` where there is none.
    fn find(
        &mut self,
        manufacturer: ManufacturerCode,
        image_type: ImageType,
        fits: &mut dyn FnMut(&ImageInfo) -> bool,
    ) -> Option<ImageInfo>;

    /// The image `id` that a request with the address `node` means: the one whose destination is `node`, else the
    /// one without a destination, else none.
    fn info(&mut self, id: ImageId, node: Option<Eui64>) -> Option<ImageInfo>;

    /// The same, for who has files for some clients alone: `client` is the one that asks.
    fn info_for(&mut self, client: Address, id: ImageId, node: Option<Eui64>) -> Option<ImageInfo> {
        let _ = client;
        self.info(id, node)
    }

    /// Copies bytes of `image`, from `offset` of the file on, to the start of `out`.
    ///
    /// `offset` lies within the image, and `out`, 1 to 255 bytes long, ends no later than it. Fewer bytes may be
    /// filled where more would take time; what lies behind them in `out` is not sent.
    fn read(&mut self, image: &ImageInfo, offset: u32, out: &mut [u8]) -> ReadResult;

    /// The same, for who likes to know which client the bytes are for. The offset is always the one that the client
    /// asks for: a store that counts on by itself serves wrong data as soon as a request is repeated.
    fn read_for(&mut self, client: Address, image: &ImageInfo, offset: u32, out: &mut [u8]) -> ReadResult {
        let _ = client;
        self.read(image, offset, out)
    }
}

/// What became of [`ImageStore::read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadResult {
    /// So many bytes stand at the start of `out`. None is answered like `Wait`, with the time of
    /// [`ServerConfig::wait`](super::ServerConfig::wait).
    Filled(usize),
    /// The bytes come later: the caller is handed [`ServerAction::Deferred`](super::ServerAction::Deferred), and answers with
    /// [`Server::answer`](super::Server::answer).
    Later,
    /// The client shall ask again: WAIT_FOR_DATA.
    Wait {
        /// In so many seconds; 0xFFFFFFFF is sent as one less.
        seconds: u32,
    },
    /// The image is no longer there: NO_IMAGE_AVAILABLE.
    Gone,
}
