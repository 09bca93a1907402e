//! A file with further elements at its end: the same bytes but for the total image size in its header.
//!
//! ```text
//! | header, total size anew | elements as they were | elements added |
//! ```

use crate::codec::{Emit, Sink};
use crate::file::{Element, FileHeader, Image};
use crate::mmo::TooLong;

pub(super) struct Longer<'a> {
    header: FileHeader<'a>,
    body: &'a [u8],
    added: &'a [Element<'a>],
}

impl<'a> Longer<'a> {
    /// `image`, which was read by the letter, with `added` after its last element.
    pub(super) fn new(image: &Image<'a>, added: &'a [Element<'a>]) -> Result<Self, TooLong> {
        let header = image.header();
        let body = image.bytes().get(header.header_len()..).unwrap_or_default();
        let longer = Self { header, body, added };
        let total_size = u32::try_from(longer.len()).map_err(|_| TooLong)?;
        Ok(Self { header: FileHeader { total_size, ..header }, ..longer })
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
