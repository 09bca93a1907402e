//! Slot layout: mapping from the kept bytes of a file to offsets in the slot, the flash area for a new image.
//!
//! The device writes a slot in whole words, and each word once. The kept bytes need not start or end at a word of the
//! file, so the bytes of an incomplete word wait in memory.

use std::ops::Range;

use zigbee_ota::DecodeError;
use zigbee_ota::client::Checkpoint;
use zigbee_ota::file::{Element, StreamDecoder, StreamPiece, Tag};
use zigbee_ota::zcl::ImageOffer;

use crate::device::{SECTOR, WORD};

/// Part of a file that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The whole file.
    File,
    /// The data of element 0x0000, the firmware, for devices that execute it in place.
    Firmware,
}

/// Byte range of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub len: u32,
}

impl Span {
    fn end(self) -> u32 {
        self.start + self.len
    }
}

/// Mapping of the downloaded file to the slot.
pub struct SlotLayout {
    /// Range of the kept bytes in the file, once known. The range survives a restart, unlike a decoder: with it the
    /// slot offset of any byte is a subtraction, wherever the download resumes.
    span: Option<Span>,
    /// Decoder that searches for the kept bytes from the start of the file.
    decoder: StreamDecoder,
    /// Start of an incomplete word. Its bytes count as stored but are lost with the power, which is harmless because
    /// downloads resume at the start of a sector.
    word: Vec<u8>,
}

impl SlotLayout {
    /// Creates the mapping for a new download.
    pub fn new(keep: Keep, offer: &ImageOffer) -> Self {
        let span = match keep {
            Keep::File => Some(Span { start: 0, len: offer.size }),
            Keep::Firmware => None,
        };
        Self::known(span)
    }

    /// Creates the mapping for a resumed download, whose range may be unknown.
    pub fn known(span: Option<Span>) -> Self {
        Self { span, decoder: StreamDecoder::new(), word: Vec::new() }
    }

    pub fn span(&self) -> Option<Span> {
        self.span
    }

    /// Takes the next block of the file; returns the offset in the slot and the bytes to write, which may be fewer than
    /// received or none.
    pub fn take(&mut self, offset: u32, data: &[u8]) -> Result<(u32, Vec<u8>), DecodeError> {
        self.look(data)?;
        let end = offset + data.len() as u32;
        let Some(span) = self.span else { return Ok((0, Vec::new())) };
        let (from, to) = (offset.max(span.start), end.min(span.end()));
        if from >= to {
            return Ok((0, Vec::new()));
        }
        let place = from - span.start - self.word.len() as u32;
        let mut words = std::mem::take(&mut self.word);
        words.extend(&data[(from - offset) as usize..(to - offset) as usize]);
        if to == span.end() {
            // The last word is padded with the value of erased flash.
            words.resize(words.len().next_multiple_of(WORD), 0xff);
        } else {
            self.word = words.split_off(words.len() - words.len() % WORD);
        }
        Ok((place, words))
    }

    /// Searches for the firmware; the decoder finds its offset however the file is cut into blocks.
    fn look(&mut self, mut data: &[u8]) -> Result<(), DecodeError> {
        while self.span.is_none()
            && let Some(piece) = self.decoder.next(&mut data)?
        {
            if let StreamPiece::Element { offset, tag: Tag::UPGRADE_IMAGE, length, .. } = piece {
                self.span = Some(Span { start: offset + Element::HEAD_LEN as u32, len: length });
            }
        }
        Ok(())
    }

    /// Returns the last checkpoint at or before this one that can be resumed from: the start of a sector of the slot.
    ///
    /// For a file that is kept as it is, this is the checkpoint's own floor. Otherwise the sectors of the slot and of
    /// the file have different boundaries, and the client downloads the bytes before the kept bytes again.
    pub fn floor(&self, mut checkpoint: Checkpoint) -> Checkpoint {
        if checkpoint.received >= checkpoint.offer.size {
            return checkpoint;
        }
        let within = self.span.and_then(|span| Some((span, checkpoint.received.checked_sub(span.start)?)));
        checkpoint.received = match within {
            Some((span, received)) => {
                checkpoint.received = received;
                span.start + checkpoint.floor(SECTOR).received
            }
            None => 0,
        };
        checkpoint
    }

    /// Returns the range of the slot to erase before a download resumes at this checkpoint, because more may have been
    /// written than the checkpoint says.
    pub fn beyond(&self, checkpoint: &Checkpoint) -> Range<u32> {
        let span = self.span.unwrap_or(Span { start: 0, len: checkpoint.offer.size });
        let end = span.len.next_multiple_of(SECTOR.get());
        let whole = checkpoint.received >= checkpoint.offer.size;
        let start = if whole { end } else { checkpoint.received.saturating_sub(span.start).min(end) };
        start..end
    }
}
