//! A file by its header alone: what a server serves, whether it can walk the body or not.
//!
//! ```text
//! |<------------- file ------------->|
//! | header        | body             | after
//! 0               header length      total image size
//! ```

use super::header::{self, Known, Reading};
use super::{Elements, FileHeader};
use crate::error::{DecodeError, DecodeErrorKind};

/// A file cut by the two lengths in its header; nothing of the body is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitFile<'a> {
    /// The header.
    pub header: FileHeader<'a>,
    /// The file: the total image size in bytes, from the header's first byte. This much is served.
    pub file: &'a [u8],
    /// The part of `file` after the header, by rights its elements.
    pub body: &'a [u8],
    /// Bytes after the total image size; no part of the image (section 6.3.2.10).
    pub after: &'a [u8],
}

impl<'a> SplitFile<'a> {
    /// Cuts the file that starts at the first of `bytes`; its header is read as [`FileHeader::parse`] does.
    ///
    /// # Errors
    /// Those of [`FileHeader::parse`]. [`Truncated`](DecodeErrorKind::Truncated) of "OTA file", at byte 0 and with
    /// the total image size as needed, when there are fewer bytes than that.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let known = header::known(bytes, Reading::STRICT)?;
        let cut = Cut::whole(&known, bytes)?;
        Ok(cut.with(known.header()))
    }

    /// The elements of the body, which they must tile exactly (section 6.3.3).
    ///
    /// # Errors
    /// At the offset of the element at fault in the file:
    /// [`ElementOverrun`](DecodeErrorKind::ElementOverrun) when it runs past the end of the body,
    /// [`Truncated`](DecodeErrorKind::Truncated) when 1 to 5 bytes are left, too few for tag and length.
    pub fn elements(&self) -> Result<Elements<'a>, DecodeError> {
        Elements::strict(self.body, self.header.header_len())
    }
}

/// The bytes of a file and around it, without the header read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut<'a> {
    pub(super) file: &'a [u8],
    pub(super) body: &'a [u8],
    pub(super) after: &'a [u8],
}

impl<'a> Cut<'a> {
    /// By the total image size, or as much of it as there is.
    #[inline]
    pub(super) fn lenient(known: &Known<'a>, bytes: &'a [u8]) -> Self {
        let total = usize::try_from(known.total()).unwrap_or(usize::MAX);
        let (file, after) = bytes.split_at_checked(total).unwrap_or((bytes, &[]));
        let body = file.get(known.len().into()..).unwrap_or_default();
        Self { file, body, after }
    }

    /// By the total image size; an error when there are fewer bytes.
    #[inline]
    pub(super) fn whole(known: &Known<'a>, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let needed = usize::try_from(known.total()).unwrap_or(usize::MAX);
        if bytes.len() < needed {
            let kind = DecodeErrorKind::Truncated { needed, present: bytes.len() };
            return Err(DecodeError { item: "OTA file", offset: 0, kind });
        }
        Ok(Self::lenient(known, bytes))
    }

    pub(super) const fn with(self, header: FileHeader<'a>) -> SplitFile<'a> {
        let Self { file, body, after } = self;
        SplitFile { header, file, body, after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encode;
    use crate::types::ImageId;
    use std::vec::Vec;

    /// A header whose total size counts `body`, the body, and `after`.
    fn file(body: &[u8], after: &[u8]) -> Vec<u8> {
        let total_size = 56 + u32::try_from(body.len()).unwrap();
        let header = FileHeader { total_size, ..FileHeader::new(ImageId::new(0x1001, 0x00ab, 5)) };
        let mut bytes = std::vec![0; header.encoded_len()];
        header.encode(&mut bytes).unwrap();
        [&bytes, body, after].concat()
    }

    #[test]
    fn a_body_that_is_no_elements_can_be_served() {
        let bytes = file(&[0x2a, 0x00, 0x01, 0x0d, 0xff, 0xff, 0x01], &[]);
        let parts = SplitFile::parse(&bytes).unwrap();
        assert_eq!(parts.file, bytes);
        assert_eq!(parts.body, [0x2a, 0x00, 0x01, 0x0d, 0xff, 0xff, 0x01]);
        assert_eq!(parts.header.id, ImageId::new(0x1001, 0x00ab, 5));
        assert_eq!(parts.elements().unwrap_err().offset, 56);
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

    /// Shows: FILE-039
    #[test]
    fn bytes_after_the_total_size_are_shown_and_not_served() {
        let bytes = file(&[0, 0, 1, 0, 0, 0, 9], &[0xee; 10]);
        let parts = SplitFile::parse(&bytes).unwrap();
        assert_eq!(parts.file, &bytes[..63]);
        assert_eq!(parts.after, [0xee; 10]);
        assert_eq!(parts.elements().unwrap().count(), 1);
        let strict = crate::file::Image::parse(&bytes).unwrap_err();
        assert_eq!((strict.offset, strict.kind), (63, DecodeErrorKind::TrailingBytes { count: 10 }));
    }

    #[test]
    fn who_debugs_sees_the_fields_of_the_header() {
        let bytes = file(&[], &[]);
        let shown = std::format!("{:?}", crate::file::Image::parse(&bytes).unwrap());
        assert!(shown.contains("manufacturer: ManufacturerCode(0x1001)"), "{shown}");
    }
}
