//! Read-back check: the file in flash is decoded before it counts as verified.

use zigbee_ota::client::{Ticket, VerifyResult};
use zigbee_ota::file::{StreamDecoder, StreamPiece};
use zigbee_ota::zcl::ImageOffer;

/// Maximum number of bytes per read.
pub const CHUNK: usize = 256;

/// Verification that flash holds the offered file, complete and decodable.
pub struct Check {
    pub ticket: Ticket,
    offer: ImageOffer,
    decoder: StreamDecoder,
    /// Number of bytes read.
    read: u32,
    /// Whether the header is that of the offered image.
    is_offered: bool,
    /// Read error of the flash, or decode error.
    is_bad: bool,
}

impl Check {
    pub fn new(ticket: Ticket, offer: ImageOffer) -> Self {
        Self { ticket, offer, decoder: StreamDecoder::new(), read: 0, is_offered: false, is_bad: false }
    }

    /// Takes the next bytes, or `None` after a read error; returns offset and length of the next read until the file is
    /// complete.
    pub fn next(&mut self, bytes: Option<&[u8]>) -> Option<(u32, usize)> {
        self.is_bad |= !bytes.is_some_and(|bytes| self.take(bytes));
        let left = self.offer.size.saturating_sub(self.read);
        (!self.is_bad && left > 0).then_some((self.read, CHUNK.min(left as usize)))
    }

    /// Returns the result; only a file that was read to its end is valid.
    pub fn verdict(&self) -> VerifyResult {
        let is_whole = self.decoder.finish().is_ok();
        if is_whole && self.is_offered && !self.is_bad { VerifyResult::Valid } else { VerifyResult::Invalid }
    }

    /// Decodes the next bytes; returns whether they were valid.
    fn take(&mut self, mut bytes: &[u8]) -> bool {
        self.read += bytes.len() as u32;
        loop {
            match self.decoder.next(&mut bytes) {
                Ok(Some(StreamPiece::Header { header, .. })) => {
                    self.is_offered = (header.id, header.total_size) == (self.offer.id, self.offer.size);
                }
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }
}
