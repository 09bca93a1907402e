//! Which bytes of a file a device keeps, and where they lie in its slot: the part of flash that is for a new image.
//!
//! A slot takes whole words, each once. What a device keeps need not begin where a word of the file does, nor end with
//! a whole one: the bytes of a word that is not complete wait in memory.

use std::ops::Range;

use zigbee_ota::DecodeError;
use zigbee_ota::client::Checkpoint;
use zigbee_ota::file::{Element, StreamDecoder, StreamPiece, Tag};
use zigbee_ota::zcl::ImageOffer;

use crate::device::{SECTOR, WORD};

/// What a device keeps of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// All of it.
    File,
    /// The data of element 0x0000, the firmware, as a device wants it that runs it where it lies.
    Firmware,
}

/// Bytes of a file.
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

/// The bytes to keep of the file that is downloaded.
pub struct Kept {
    /// Where they are in the file, once that is known. It is what outlives a restart, as a decoder cannot: with it, the
    /// place of each byte is a subtraction, wherever the file is gone on with.
    span: Option<Span>,
    /// Looks for them, from the start of the file on.
    decoder: StreamDecoder,
    /// The start of a word that is not complete: said to be stored, and lost with the power. No harm, as nobody goes on
    /// but from the start of a sector.
    word: Vec<u8>,
}

impl Kept {
    /// For a file of which nothing is here.
    pub fn new(keep: Keep, offer: &ImageOffer) -> Self {
        let span = match keep {
            Keep::File => Some(Span { start: 0, len: offer.size }),
            Keep::Firmware => None,
        };
        Self::known(span)
    }

    /// For one of which it is known where they are, or that this is not known.
    pub fn known(span: Option<Span>) -> Self {
        Self { span, decoder: StreamDecoder::new(), word: Vec::new() }
    }

    pub fn span(&self) -> Option<Span> {
        self.span
    }

    /// Takes the next block of the file; returns what is to be written, and where in the slot. Often less than came, and
    /// nothing where nothing is to be kept.
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
            // No more will come: the word is filled up with what erased flash holds.
            words.resize(words.len().next_multiple_of(WORD), 0xff);
        } else {
            self.word = words.split_off(words.len() - words.len() % WORD);
        }
        Ok((place, words))
    }

    /// Looks for the firmware; the decoder says where an element is, however the file is cut into blocks.
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

    /// The last checkpoint before this one that can be gone on from: where a sector of the slot begins.
    ///
    /// For a file that is kept as it is, this is the checkpoint's own floor. Otherwise sectors of the slot begin
    /// elsewhere than those of the file, and what stands before the kept bytes is read anew.
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

    /// What of the slot must be erased before a device goes on from this checkpoint: more may have been written than it
    /// tells of.
    pub fn beyond(&self, checkpoint: &Checkpoint) -> Range<u32> {
        let span = self.span.unwrap_or(Span { start: 0, len: checkpoint.offer.size });
        let end = span.len.next_multiple_of(SECTOR.get());
        let whole = checkpoint.received >= checkpoint.offer.size;
        let start = if whole { end } else { checkpoint.received.saturating_sub(span.start).min(end) };
        start..end
    }
}
