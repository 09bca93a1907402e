//! A file with further elements at its end: the same bytes but for the total image size in its header.
//!
//! ```text
//! | header, total size anew | elements as they were | elements added |
//! ```

use crate::codec::{Emit, Sink};
use crate::error::EncodeError;
use crate::file::{Element, FileHeader, Image};

pub(super) struct Longer<'a> {
    header: FileHeader<'a>,
    body: &'a [u8],
    added: &'a [Element<'a>],
}

impl<'a> Longer<'a> {
    /// `image`, which was read by the letter, with `added` after its last element.
    pub(super) fn new(image: &Image<'a>, added: &'a [Element<'a>]) -> Result<Self, EncodeError> {
        let header = image.header();
        let body = image.bytes().get(header.header_len()..).unwrap_or_default();
        let longer = Self { header, body, added };
        let len = longer.len();
        match u32::try_from(len) {
            Ok(total_size) => Ok(Self { header: FileHeader { total_size, ..header }, ..longer }),
            Err(_) => {
                let max = usize::try_from(u32::MAX).unwrap_or(usize::MAX);
                Err(EncodeError::TooLong { item: "OTA file", len, max })
            }
        }
    }
}

impl Emit for Longer<'_> {
    fn len(&self) -> usize {
        let added = self.added.iter().map(Emit::len);
        added.fold(self.header.len().saturating_add(self.body.len()), usize::saturating_add)
    }

    fn emit(&self, out: &mut Sink<'_>) {
        self.header.emit(out);
        out.bytes(self.body);
        self.added.iter().for_each(|element| element.emit(out));
    }
}
