//! File that is split into header, body and trailing bytes by the header length and the total image size in its header.
//!
//! A server needs to know only where the header and the file end, because it also sends files whose body it cannot read
//! as elements. Sections refer to ZigBee document 095264 (2011).
//!
//! ```text
//! |<------------- file ------------->|
//! | header        | body             | trailing
//! 0               header length      total image size
//! ```

use super::header::{HeaderRules, HeaderView, check_header};
use super::{Elements, FileHeader};
use crate::error::{DecodeError, DecodeErrorKind};

/// File that is split by the header length and the total image size in its header. [`parse`](Self::parse) does not read
/// the body of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SplitFile<'a> {
    /// Header of the file.
    pub header: FileHeader<'a>,
    /// All bytes of the file, header and body. The length of `file` is the total image size. A server sends only the
    /// bytes of `file` to a device, and no trailing bytes.
    pub file: &'a [u8],
    /// Bytes of the file after the header. In a file that follows the specification, the body consists of elements.
    pub body: &'a [u8],
    /// Bytes after the total image size, which are not part of the file (section 6.3.2.10).
    pub trailing: &'a [u8],
}

impl<'a> SplitFile<'a> {
    /// Splits the file at the start of `bytes`. `SplitFile::parse` reads the header like [`FileHeader::parse`].
    ///
    /// # Errors
    /// `SplitFile::parse` returns the errors of [`FileHeader::parse`]. If `bytes` is shorter than the total image size,
    /// `SplitFile::parse` fails with [`Truncated`](DecodeErrorKind::Truncated) and the offset 0. The error `Truncated`
    /// contains the total image size as the number of bytes needed.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let view = check_header(bytes, HeaderRules::STRICT)?;
        let Sections { file, body, trailing } = Sections::split_complete(&view, bytes)?;
        Ok(Self { header: view.header(), file, body, trailing })
    }

    /// Returns the elements of the body. The elements must fill the body exactly (section 6.3.3).
    ///
    /// # Errors
    /// The offset in the error is the offset of the element that does not fit into the body, in bytes from the first
    /// byte of the header.
    ///
    /// - [`ElementOverrun`](DecodeErrorKind::ElementOverrun) if an element runs past the end of the body.
    /// - [`Truncated`](DecodeErrorKind::Truncated) if only 1 to 5 bytes are left after the last complete element, too
    ///   few for tag and length.
    pub fn elements(&self) -> Result<Elements<'a>, DecodeError> {
        Elements::strict(self.body, self.header.header_len())
    }
}

/// Byte ranges of a file, and the trailing bytes after the file, as in [`SplitFile`] but without the header fields. The
/// [`HeaderView`] reads the header fields on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sections<'a> {
    pub(super) file: &'a [u8],
    pub(super) body: &'a [u8],
    pub(super) trailing: &'a [u8],
}

impl<'a> Sections<'a> {
    /// Splits `bytes` at the total image size. For a truncated file, the field `file` contains the bytes that are
    /// present.
    #[inline]
    pub(super) fn split(header: &HeaderView<'a>, bytes: &'a [u8]) -> Self {
        let total = usize::try_from(header.total_size()).unwrap_or(usize::MAX);
        let (file, trailing) = bytes.split_at_checked(total).unwrap_or((bytes, &[]));
        let body = file.get(header.len().into()..).unwrap_or_default();
        Self { file, body, trailing }
    }

    /// Splits `bytes` at the total image size. Returns an error if `bytes` is shorter than the total image size.
    #[inline]
    pub(super) fn split_complete(header: &HeaderView<'a>, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let needed = usize::try_from(header.total_size()).unwrap_or(usize::MAX);
        if bytes.len() < needed {
            let kind = DecodeErrorKind::Truncated { needed, present: bytes.len() };
            return Err(DecodeError { item: "OTA file", offset: 0, kind });
        }
        Ok(Self::split(header, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encode;
    use crate::types::ImageId;
    use std::vec::Vec;

    /// A file and trailing bytes: a header whose total image size counts the header and `body`, then `body`, then
    /// `trailing`.
    fn file(body: &[u8], trailing: &[u8]) -> Vec<u8> {
        let total_size = 56 + u32::try_from(body.len()).unwrap();
        let header = FileHeader { total_size, ..FileHeader::new(ImageId::new(0x1001, 0x00ab, 5)) };
        let mut bytes = std::vec![0; header.encoded_len()];
        header.encode(&mut bytes).unwrap();
        [&bytes, body, trailing].concat()
    }

    #[test]
    fn a_body_without_elements_can_be_served() {
        let bytes = file(&[0x2a, 0x00, 0x01, 0x0d, 0xff, 0xff, 0x01], &[]);
        let split = SplitFile::parse(&bytes).unwrap();
        assert_eq!(split.file, bytes);
        assert_eq!(split.body, [0x2a, 0x00, 0x01, 0x0d, 0xff, 0xff, 0x01]);
        assert_eq!(split.header.id, ImageId::new(0x1001, 0x00ab, 5));
        assert_eq!(split.elements().unwrap_err().offset, 56);
    }

    /// Shows: FILE-038
    #[test]
    fn a_file_shorter_than_its_total_size_is_truncated() {
        let bytes = file(&[0, 0, 1, 0, 0, 0, 9], &[]);
        assert_eq!(
            SplitFile::parse(&bytes[..62]),
            Err(DecodeError {
                item: "OTA file",
                offset: 0,
                kind: DecodeErrorKind::Truncated { needed: 63, present: 62 }
            })
        );
    }

    /// A gateway with 32-bit addresses can count a total image size of nearly 4 GiB, but has no memory for a file of
    /// this size.
    #[test]
    fn the_largest_total_size_is_a_size_as_any_other() {
        let mut bytes = file(&[0, 0, 0xc1, 0xff, 0xff, 0xff, 9], &[]);
        bytes[52..56].fill(0xff);
        let needed = 0xffff_ffff;
        let error = SplitFile::parse(&bytes).unwrap_err();
        assert_eq!(error.kind, DecodeErrorKind::Truncated { needed, present: 63 });
        let image = crate::file::Image::parse_lenient(&bytes).unwrap();
        assert_eq!((image.header().total_size, image.missing()), (0xffff_ffff, 0xffff_ffff - 63));
        let element = image.elements().next().unwrap();
        assert_eq!((element.length, element.element.data), (0xffff_ffc1, &[9][..]));
        let mut out = [0; 63];
        assert_eq!((crate::Encode::encode(&image, &mut out), image.raw_remainder()), (Ok(63), None));
        assert_eq!(out[..], bytes);
        bytes[58] += 1;
        let image = crate::file::Image::parse_lenient(&bytes).unwrap();
        assert_eq!(image.elements().next(), None, "the element ends one byte after the file");
        assert_eq!(image.raw_remainder().map(|raw| raw.offset), Some(56));
    }

    /// Shows: FILE-039
    #[test]
    fn bytes_after_the_total_size_are_trailing_and_not_served() {
        let bytes = file(&[0, 0, 1, 0, 0, 0, 9], &[0xee; 10]);
        let split = SplitFile::parse(&bytes).unwrap();
        assert_eq!(split.file, &bytes[..63]);
        assert_eq!(split.trailing, [0xee; 10]);
        assert_eq!(split.elements().unwrap().count(), 1);
        let strict = crate::file::Image::parse(&bytes).unwrap_err();
        assert_eq!((strict.offset, strict.kind), (63, DecodeErrorKind::TrailingBytes { count: 10 }));
    }

    #[test]
    fn the_debug_form_of_an_image_shows_the_fields_of_its_header() {
        let bytes = file(&[], &[]);
        let shown = std::format!("{:?}", crate::file::Image::parse(&bytes).unwrap());
        assert!(shown.contains("manufacturer: ManufacturerCode(0x1001)"), "{shown}");
    }
}
