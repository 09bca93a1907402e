//! A file as it was given: the OTA file and what it lies in.

use std::fs;
use std::io;
use std::path::Path;

use zigbee_ota::DecodeError;
use zigbee_ota::container::Container;
use zigbee_ota::file::Image;
use zigbee_ota::matter::Malformed;

use crate::error::Failure;
use crate::matter_image::MatterImage;

/// An OTA file in its container.
pub struct Opened<'a> {
    pub container: Container<'a>,
    pub image: Image<'a>,
    /// Whether the bytes given are exactly one OTA file, first to last, whose elements tile it.
    pub strict: bool,
    given: usize,
}

impl<'a> Opened<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let container = Container::open(bytes)?;
        let image = Image::parse_lenient(container.ota)?;
        Ok(Self { container, image, strict: Image::parse(bytes).is_ok(), given: bytes.len() })
    }

    /// Where the OTA file starts in the bytes given.
    pub fn offset(&self) -> usize {
        self.container.before.len()
    }

    /// Bytes given after the OTA file, whether a container accounts for them or not.
    pub fn after(&self) -> usize {
        self.given - self.offset() - self.image.bytes().len()
    }
}

/// All of the file at `path`.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::at(path, error))
}

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotOta {
    /// It cannot be read.
    #[error(transparent)]
    Unread(#[from] io::Error),
    /// It is none.
    #[error(transparent)]
    NoHeader(#[from] DecodeError),
    /// It is one of Matter's.
    #[error("a Matter OTA image, not a Zigbee one: {0}")]
    Matter(Box<MatterImage>),
    /// It begins like one of Matter's.
    #[error("a Matter OTA image, not a Zigbee one: {0}")]
    BrokenMatter(Malformed),
}

impl NotOta {
    fn new(bytes: &[u8], error: DecodeError) -> Self {
        match MatterImage::read(bytes) {
            Some(Ok(image)) => Self::Matter(Box::new(image)),
            Some(Err(error)) => Self::BrokenMatter(error),
            None => Self::NoHeader(error),
        }
    }
}

/// Reads the file at `path` and shows it to `look` as an OTA file; one is in memory at a time. The error is the reason
/// alone, without the path.
pub fn with<T>(path: &Path, look: impl FnOnce(&Opened<'_>) -> T) -> Result<T, NotOta> {
    let bytes = fs::read(path)?;
    let opened = Opened::new(&bytes).map_err(|error| NotOta::new(&bytes, error))?;
    Ok(look(&opened))
}
