//! OTA file: a header, then elements, one after the other (section 6.3). All integers are little endian.
//!
//! Sections refer to ZigBee document 095264 (2011), which calls elements sub-elements.
//!
//! The next table is the layout of the OTA header. Optional fields follow each other without gaps, so the offsets 57 to
//! 69 in the table of the header are maximum values: a field has a lower offset if an optional field before it is
//! absent:
//!
//! | offset | size | field | unit or value |
//! |---|---|---|---|
//! | 0 | 4 | identifier | `1E F1 EE 0B` |
//! | 4 | 2 | header version | 0x01MM, MM minor |
//! | 6 | 2 | header length | bytes, from offset 0 to the first element |
//! | 8 | 2 | field control | [`HeaderControl`] |
//! | 10 | 2 | manufacturer code | [`ManufacturerCode`](crate::ManufacturerCode) |
//! | 12 | 2 | image type | [`ImageType`](crate::ImageType) |
//! | 14 | 4 | file version | [`FileVersion`](crate::FileVersion) |
//! | 18 | 2 | Zigbee stack version | [`StackVersion`](crate::StackVersion) |
//! | 20 | 32 | header string | [`HeaderString`], zero padded |
//! | 52 | 4 | total image size | bytes, header and elements |
//! | 56 | 0 or 1 | security credential version | field control bit 0 |
//! | 57 | 0 or 8 | upgrade file destination | field control bit 1, IEEE address |
//! | 65 | 0 or 2 | minimum hardware version | field control bit 2 |
//! | 67 | 0 or 2 | maximum hardware version | field control bit 2 |
//! | 69 | any | extra bytes: fields of later header versions | up to the header length |
//!
//! The next table is the layout of an element:
//!
//! | offset | size | field | unit or value |
//! |---|---|---|---|
//! | 0 | 2 | tag | [`Tag`] |
//! | 2 | 4 | length | bytes of data |
//! | 6 | length | data | |
//!
//! - [`FileWriter`] writes a file.
//! - [`Image`] reads a file that is completely in memory, either strictly or leniently. The lenient reader accepts the
//!   irregular files that vendors ship.
//! - [`StreamDecoder`] reads a file that arrives in pieces.
//! - [`SplitFile`] reads the header only, for a server that does not read the body.
//!
//! The module `container` reads the bytes that a vendor puts around a file.
//!
//! ```
//! use zigbee_ota::file::{Element, FileHeader, FileWriter, HeaderString, Image, Tag};
//! use zigbee_ota::{Encode, ImageId};
//!
//! let header = FileHeader::new(ImageId::new(0x1001, 0x00ab, 0x1005_3519))
//!     .with_header_string(HeaderString::new("doorbell")?);
//! let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &[1, 2, 3] }];
//! let writer = FileWriter::new(header, &elements)?;
//! let mut file = vec![0; writer.encoded_len()];
//! writer.encode(&mut file)?;
//!
//! let image = Image::parse(&file)?;
//! assert_eq!(image.header().header_string.to_str(), Ok("doorbell"));
//! assert!(image.elements().map(|placed| placed.element).eq(elements));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(any(feature = "arbitrary", feature = "proptest"))]
mod arbitrary_file;
mod body_layout_kinds;
mod element;
mod file_name;
mod file_writer;
mod header;
mod header_body_split;
mod header_string;
mod image;
mod signature_elements;
mod stream_decoder;

#[cfg(any(feature = "arbitrary", feature = "proptest"))]
pub use arbitrary_file::ArbitraryFile;
pub use body_layout_kinds::BodyLayout;
pub use element::{Element, Elements, PlacedElement, Tag};
pub use file_name::FileName;
pub use file_writer::{FileWriteError, FileWriter};
pub use header::{FileHeader, HeaderAnomalies, HeaderControl};
pub use header_body_split::SplitFile;
pub use header_string::HeaderString;
pub use image::{Image, RawRemainder};
pub use signature_elements::{CertificateElement, SignatureElement};
pub use stream_decoder::{StreamDecoder, StreamPiece};
