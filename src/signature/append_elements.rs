//! OTA file to which elements were appended, with an updated total image size in the file header.
//!
//! ```text
//! | header, total image size updated | existing elements | added elements |
//! ```

use crate::codec::{Emit, Sink};
use crate::file::{Element, FileHeader, Image};
use crate::mmo::MessageTooLong;

/// Value that encodes as a file with elements appended.
pub(super) struct ExtendedFile<'a> {
    header: FileHeader<'a>,
    body: &'a [u8],
    added: &'a [Element<'a>],
}

impl<'a> ExtendedFile<'a> {
    /// Appends `added` after the last element of `image`.
    ///
    /// # Errors
    /// Fails with [`MessageTooLong`] if the new length exceeds the 32 bits of the total image size.
    pub(super) fn new(image: &Image<'a>, added: &'a [Element<'a>]) -> Result<Self, MessageTooLong> {
        let header = image.header();
        let body = image.bytes().get(header.header_len()..).unwrap_or_default();
        let extended = Self { header, body, added };
        let total_size = u32::try_from(extended.len()).map_err(|_| MessageTooLong)?;
        Ok(Self { header: FileHeader { total_size, ..header }, ..extended })
    }
}

impl Emit for ExtendedFile<'_> {
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
