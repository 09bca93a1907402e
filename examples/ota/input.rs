//! Input files: an OTA file with its container, and the reasons why a file is none.

use std::fs;
use std::io;
use std::path::Path;

use zigbee_ota::DecodeError;
use zigbee_ota::container::Container;
use zigbee_ota::file::Image;
use zigbee_ota::matter::MatterDecodeError;

use crate::error::Failure;
use crate::matter_image::MatterImage;

/// OTA file in its container.
pub struct InputFile<'a> {
    pub container: Container<'a>,
    pub image: Image<'a>,
    /// Whether the input is exactly one OTA file whose elements tile its body.
    pub strict: bool,
    given: usize,
}

impl<'a> InputFile<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let container = Container::open(bytes)?;
        let image = Image::parse_lenient(container.ota)?;
        Ok(Self { container, image, strict: Image::parse(bytes).is_ok(), given: bytes.len() })
    }

    /// Offset of the OTA file in the input.
    pub fn offset(&self) -> usize {
        self.container.before.len()
    }

    /// Number of input bytes after the OTA file, part of a container or not.
    pub fn after(&self) -> usize {
        self.given - self.offset() - self.image.bytes().len()
    }
}

/// Reads the whole file at `path`.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::at(path, error))
}

/// Reason why an input is refused.
#[derive(Debug, thiserror::Error)]
pub enum NotOta {
    /// Read error.
    #[error(transparent)]
    Unread(#[from] io::Error),
    /// The input is no OTA file.
    #[error(transparent)]
    NoHeader(#[from] DecodeError),
    /// The input is a Matter OTA image.
    #[error("a Matter OTA image, not a Zigbee one: {0}")]
    Matter(Box<MatterImage>),
    /// The input starts like a Matter OTA image.
    #[error("a Matter OTA image, not a Zigbee one: {0}")]
    BrokenMatter(MatterDecodeError),
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

/// Reads the file at `path` and calls `look` with it; only one file is in memory at a time. The error does not contain
/// the path.
pub fn with<T>(path: &Path, look: impl FnOnce(&InputFile<'_>) -> T) -> Result<T, NotOta> {
    let bytes = fs::read(path)?;
    let opened = InputFile::new(&bytes).map_err(|error| NotOta::new(&bytes, error))?;
    Ok(look(&opened))
}
