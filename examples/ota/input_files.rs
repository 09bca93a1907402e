//! Input files of the tool: OTA files with their containers, errors for other files, and the files of folders.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zigbee_ota::container::Container;
use zigbee_ota::file::Image;
use zigbee_ota::inspect::{Finding, Inspection, Severity};
use zigbee_ota::matter::MatterDecodeError;

use crate::error::Failure;
use crate::matter_image_header::MatterImage;

/// OTA file in its container.
pub struct InputFile<'a> {
    pub container: Container<'a>,
    pub image: Image<'a>,
    /// Returns whether the input is exactly one OTA file, and elements fill its body completely.
    pub strict: bool,
    /// All bytes of the input.
    pub given: &'a [u8],
}

impl<'a> InputFile<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, NotOta> {
        let container = Container::open(bytes).map_err(|_| NotOta::new(bytes))?;
        let image = Image::parse_lenient(container.ota).map_err(|_| NotOta::new(bytes))?;
        Ok(Self { container, image, strict: Image::parse(bytes).is_ok(), given: bytes })
    }

    /// Takes container and image from an inspection of `bytes`, so that the program does not open the container a
    /// second time and compute all its checksums again.
    pub fn of_inspection(inspection: &Inspection<'a>, bytes: &'a [u8]) -> Result<Self, NotOta> {
        let (Some(container), Some(image)) = (inspection.container(), inspection.image()) else {
            return Err(NotOta::new(bytes));
        };
        let strict = Image::parse(bytes).is_ok();
        Ok(Self { container: *container, image: image.clone(), strict, given: bytes })
    }

    /// Returns the offset of the OTA file in the input.
    pub fn offset(&self) -> usize {
        self.container.before.len()
    }

    /// Returns the number of input bytes after the OTA file. These bytes may belong to a container.
    pub fn after(&self) -> usize {
        self.given.len() - self.offset() - self.image.bytes().len()
    }

    /// Returns the findings for which no gateway should serve the file, and no index should list it.
    pub fn faults(&self) -> Vec<String> {
        faults(&Inspection::of(self.given))
    }
}

/// Returns the texts of the findings for which no gateway should serve the file.
pub fn faults(inspection: &Inspection<'_>) -> Vec<String> {
    let wrong = inspection.findings().filter(|finding| finding.severity == Severity::Wrong);
    wrong.map(|finding| finding.to_string()).collect()
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
    #[error("{0}")]
    Foreign(Box<Finding>),
    /// The input is a Matter OTA image.
    #[error("a Matter OTA image, not a Zigbee one: {0}")]
    Matter(Box<MatterImage>),
    /// The input starts like a Matter OTA image.
    #[error("a Matter OTA image, not a Zigbee one: {0}")]
    BrokenMatter(MatterDecodeError),
}

impl NotOta {
    fn new(bytes: &[u8]) -> Self {
        match MatterImage::read(bytes) {
            Some(Ok(image)) => Self::Matter(Box::new(image)),
            Some(Err(error)) => Self::BrokenMatter(error),
            // The first finding names the actual type of the file.
            None => Self::Foreign(Box::new(Inspection::of(bytes).findings().next().expect("no OTA file"))),
        }
    }
}

/// Reads the file at `path` and calls `look` with it; only one file is in memory at a time. The error does not contain
/// the path.
pub fn with<T>(path: &Path, look: impl FnOnce(&InputFile<'_>) -> T) -> Result<T, NotOta> {
    let bytes = fs::read(path)?;
    let opened = InputFile::new(&bytes)?;
    Ok(look(&opened))
}

/// Reads the file at `path` and calls `look` with it and its inspection, which compares all its checksums. Memory and
/// error are as in [`with`].
pub fn with_inspection<T>(
    path: &Path,
    look: impl FnOnce(&InputFile<'_>, Inspection<'_>) -> T,
) -> Result<T, NotOta> {
    let bytes = fs::read(path)?;
    let inspection = Inspection::of(&bytes);
    let opened = InputFile::of_inspection(&inspection, &bytes)?;
    Ok(look(&opened, inspection))
}

/// Returns the files that the arguments name. A folder stands for the files in the folder and its subfolders, sorted by
/// name. In folders, the function skips names that start with a dot, indexes (`.json`) and notes (`.md`, `.txt`).
pub fn expand(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for argument in arguments {
        if argument.is_dir() {
            let before = files.len();
            add_folder(argument, &mut files)?;
            if files.len() == before {
                return Err(Failure::nothing(argument, "no file in this folder"));
            }
        } else {
            files.push(argument.clone());
        }
    }
    Ok(files)
}

fn add_folder(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error| Failure::at(folder, error);
    let mut entries = fs::read_dir(folder).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let is_text =
            path.extension().is_some_and(|end| ["json", "md", "txt"].iter().any(|text| end == *text));
        if is_text || entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // Links to folders are skipped, because they could form cycles.
        if entry.file_type().map_err(failed)?.is_dir() {
            add_folder(&path, files)?;
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}
