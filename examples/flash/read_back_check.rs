//! A file that is read back from flash to be checked.

use zigbee_ota::client::{Ticket, VerifyResult};
use zigbee_ota::file::{StreamDecoder, StreamPiece};
use zigbee_ota::zcl::ImageOffer;

/// The most bytes that are read at once.
pub const CHUNK: usize = 256;

/// Whether what flash holds is the file that was offered, whole and readable to its end.
pub struct Check {
    pub ticket: Ticket,
    offer: ImageOffer,
    decoder: StreamDecoder,
    /// Bytes read.
    read: u32,
    /// Its header is that of the image offered.
    is_offered: bool,
    /// It cannot be read: by flash, or by the decoder.
    is_bad: bool,
}

impl Check {
    pub fn new(ticket: Ticket, offer: ImageOffer) -> Self {
        Self { ticket, offer, decoder: StreamDecoder::new(), read: 0, is_offered: false, is_bad: false }
    }

    /// Takes the next bytes, none where they could not be read; returns where the next ones are and how many, as long as
    /// there are any to look at.
    pub fn next(&mut self, bytes: Option<&[u8]>) -> Option<(u32, usize)> {
        self.is_bad |= !bytes.is_some_and(|bytes| self.take(bytes));
        let left = self.offer.size.saturating_sub(self.read);
        (!self.is_bad && left > 0).then_some((self.read, CHUNK.min(left as usize)))
    }

    /// Good for nothing but a file that was read to its end.
    pub fn verdict(&self) -> VerifyResult {
        let is_whole = self.decoder.finish().is_ok();
        if is_whole && self.is_offered && !self.is_bad { VerifyResult::Valid } else { VerifyResult::Invalid }
    }

    /// Says whether the file can be read so far.
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
