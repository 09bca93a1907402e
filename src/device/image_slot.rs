//! Slot of flash for one image: mapping of the kept bytes of a file to words and sectors of flash.
//!
//! ```text
//! file  | header | element |        element to keep         | element |
//!                           v                              v
//! slot                      | word | word | ...  | word ff |
//!                           | sector      | sector         |   erased as reached, or all before
//! ```
//!
//! A slot does no I/O: it returns the operations on flash as [`FlashJob`]s, which the caller executes in order by a
//! blocking or an asynchronous flash driver. Each word is written only once after the erasure of its sector. A
//! [`FlashJob`] writes at most 64 bytes, from a buffer that is aligned to 8 bytes.

use core::num::NonZeroU32;

use super::flash_layout::{Aligned, Area, EraseMode, FlashLayout, LONGEST_WORD, ceil, floor, is_multiple};
use crate::client::{Checkpoint, ClientConfig, TransferMode};
use crate::error::DecodeError;
use crate::file::{Element, StreamDecoder, StreamPiece, Tag};
use crate::zcl::ImageOffer;

/// Operation on NOR flash. Addresses count from the start of the flash, not of the slot.
// Exhaustive: NOR flash has only these two operations that change its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FlashJob<'a> {
    /// Erasure of whole sectors of flash.
    Erase {
        /// Address of the first sector to erase.
        from: u32,
        /// First address after the last sector to erase.
        to: u32,
    },
    /// Write of whole words of flash.
    Write {
        /// Address of the first word to write.
        at: u32,
        /// Contents of the words to write.
        bytes: &'a [u8],
    },
}

/// Part of a file that a slot keeps: the whole file, or the data of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Keep {
    /// The slot keeps the whole file.
    File,
    /// The slot keeps only the data of the first element with this tag. The first byte of the element's data is stored
    /// in the first byte of the slot. A slot that keeps only an element suits firmware that is executed in place or
    /// that a boot loader copies. A slot that keeps only an element needs the blocks in the order of the file.
    Element(Tag),
}

/// Range of bytes of a file that a slot keeps.
// Exhaustive: a range has no other fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct KeptRange {
    /// Offset of the first kept byte from the start of the file.
    pub start: u32,
    /// Number of bytes of the file that the slot keeps.
    pub len: u32,
}

impl KeptRange {
    const fn end(self) -> u32 {
        self.start.saturating_add(self.len)
    }
}

/// Reason why a slot cannot store a file or a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SlotError {
    /// The slot is shorter than the data that it has to keep.
    #[error("{needed} bytes do not fit into a slot of {size} bytes")]
    TooLarge {
        /// Number of bytes that the slot has to keep.
        needed: u32,
        /// Size of the slot in bytes.
        size: u32,
    },
    /// The block does not follow the previous block, although the slot needs the blocks in order: the slot still
    /// searches for an element of the file, or cannot write the block in whole words.
    #[error("the block at offset {offset} is out of order, expected offset {expected}")]
    OutOfOrder {
        /// Offset of the block in the file.
        offset: u32,
        /// Offset in the file at which the slot expected the block.
        expected: u32,
    },
    /// The caller passed a block to a slot for whole files before a call of [`Slot::begin`] or [`Slot::resume`].
    #[error("the block belongs to no download")]
    NoDownload,
    /// The file cannot be decoded, so that its elements cannot be found.
    #[error(transparent)]
    File(DecodeError),
}

/// Slot of flash that keeps a file, or one element of it, while the file arrives in blocks.
///
/// ```
/// use zigbee_ota::device::{FlashJob, FlashLayout, FlashUnits, Keep, Slot};
/// use zigbee_ota::{ImageId, zcl::ImageOffer};
///
/// let units = FlashUnits { read: 1, write: 4, erase: 4096 };
/// let layout = FlashLayout::new(units, 0x1_0000, 0x2000..0x1_0000, 0..0x2000)?;
/// let mut slot = Slot::new(&layout, Keep::File);
/// assert_eq!(slot.begin(&ImageOffer { id: ImageId::new(0x1001, 0x00ab, 2), size: 70 })?, None);
/// let mut write = slot.write(0, &[7; 64])?;
/// assert_eq!(write.next_job(), Some(FlashJob::Erase { from: 0x2000, to: 0x3000 }));
/// assert_eq!(write.next_job(), Some(FlashJob::Write { at: 0x2000, bytes: &[7; 64] }));
/// assert_eq!(write.next_job(), None);
/// let mut write = slot.write(64, &[8; 6])?;
/// let padded = [8, 8, 8, 8, 8, 8, 0xff, 0xff];
/// assert_eq!(write.next_job(), Some(FlashJob::Write { at: 0x2040, bytes: &padded }));
/// assert_eq!(write.next_job(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Slot {
    area: Area,
    word: NonZeroU32,
    sector: NonZeroU32,
    erase: EraseMode,
    keep: Keep,
    /// Range of the kept bytes in the file; `None` until the element to keep is found. The caller saves the range of
    /// the kept bytes for a restart, because a restart loses the state of the decoder.
    kept: Option<KeptRange>,
    /// Decoder that searches for the element to keep.
    decoder: StreamDecoder,
    /// File offset of the next byte for the decoder.
    decoded: u32,
    /// Offset in the slot up to which the sectors are erased for the current download.
    erased: u32,
    /// Offset in the slot of the first byte in `pending`.
    word_at: u32,
    /// Bytes for the next [`FlashJob::Write`], after the `flushed` bytes of the previous [`FlashJob::Write`]. When all
    /// jobs of a block are done, `pending` contains only the bytes of the last, incomplete word. For the client, the
    /// bytes in `pending` are already stored. A loss of the bytes in `pending` at a power cut does no harm, because a
    /// download resumes at the start of a sector.
    pending: Aligned<LONGEST_WORD>,
    pending_len: usize,
    /// Number of bytes at the start of `pending` that the last [`FlashJob::Write`] has written.
    flushed: usize,
}

impl Slot {
    /// Creates a slot in the area of `layout` for the image.
    #[must_use]
    pub const fn new(layout: &FlashLayout, keep: Keep) -> Self {
        Self {
            area: layout.slot,
            word: layout.word,
            sector: layout.sector,
            erase: layout.erase,
            keep,
            kept: None,
            decoder: StreamDecoder::new(),
            decoded: 0,
            erased: 0,
            word_at: 0,
            pending: Aligned([0xff; LONGEST_WORD]),
            pending_len: 0,
            flushed: 0,
        }
    }

    /// Returns the settings of the client with the values that depend on the slot: the write size, the maximum file
    /// size, and the transfer mode. The transfer mode becomes stop-and-wait if the slot keeps only an element, or if a
    /// word of flash is longer than [`max_block_size`](ClientConfig::max_block_size).
    #[must_use]
    pub fn configure(&self, config: ClientConfig) -> ClientConfig {
        let mut config = config;
        let word = u8::try_from(self.word.get()).ok().and_then(core::num::NonZeroU8::new);
        match (self.keep, word.filter(|word| *word <= config.max_block_size)) {
            (Keep::File, Some(word)) => config.write_size = word,
            _ => {
                config.write_size = core::num::NonZeroU8::MIN;
                config.transfer = TransferMode::Blocks { window: core::num::NonZeroU8::MIN };
            }
        }
        if let Keep::File = self.keep {
            config.max_file_size = config.max_file_size.min(self.area.len);
        }
        config
    }

    /// Begins a new download into the slot. With [`EraseMode::AllBefore`], returns the erasure of all sectors that the
    /// file needs, which the caller executes before the first write.
    ///
    /// # Errors
    /// [`SlotError::TooLarge`] if the slot keeps whole files and is smaller than the file.
    pub fn begin(&mut self, offer: &ImageOffer) -> Result<Option<FlashJob<'static>>, SlotError> {
        if let Keep::File = self.keep
            && offer.size > self.area.len
        {
            return Err(SlotError::TooLarge { needed: offer.size, size: self.area.len });
        }
        self.restart(offer, 0, None);
        Ok(self.erase_rest(offer))
    }

    /// Resumes the download of `checkpoint` after a restart, with the range of kept bytes that [`kept`](Self::kept)
    /// returned before the restart. Returns the checkpoint for the client, rounded down to the start of a sector of the
    /// slot, and the erasure that the caller executes before the first write. Returns `None` if the slot has no room
    /// for the file of the checkpoint.
    pub fn resume(
        &mut self,
        checkpoint: Checkpoint,
        kept: Option<KeptRange>,
    ) -> Option<(Checkpoint, Option<FlashJob<'static>>)> {
        let offer = checkpoint.offer;
        self.restart(&offer, 0, kept);
        if self.kept.is_some_and(|kept| kept.len > self.area.len) {
            return None;
        }
        let checkpoint = self.floor(checkpoint);
        self.decoded = checkpoint.received;
        let is_whole = checkpoint.received >= offer.size;
        let place = self.kept.map_or(0, |kept| checkpoint.received.saturating_sub(kept.start));
        self.erased = if is_whole { self.end(&offer) } else { place.min(self.end(&offer)) };
        self.word_at = place;
        Some((checkpoint, self.erase_rest(&offer)))
    }

    /// Rounds a checkpoint down to the start of a sector of the slot, from which the slot can resume. If the slot keeps
    /// only an element, the returned offset in the file is in general not a multiple of the sector size.
    #[must_use]
    pub fn floor(&self, checkpoint: Checkpoint) -> Checkpoint {
        let mut floored = checkpoint;
        if checkpoint.received < checkpoint.offer.size {
            floored.received = self
                .kept
                .and_then(|kept| Some((kept, checkpoint.received.checked_sub(kept.start)?)))
                .map_or(0, |(kept, place)| kept.start.saturating_add(floor(place, self.sector)));
        }
        floored
    }

    /// Returns the kept range of the file; `None` if the element to keep has not arrived yet.
    #[must_use]
    pub const fn kept(&self) -> Option<KeptRange> {
        self.kept
    }

    /// Returns whether the slot contains all bytes of the file that it has to keep. The caller calls `is_whole` after
    /// the whole file has arrived.
    #[must_use]
    pub fn is_whole(&self, offer: &ImageOffer) -> bool {
        self.kept.is_some_and(|kept| kept.end() <= offer.size) && self.pending_len == self.flushed
    }

    /// Stores a block of the file. The caller executes all jobs of the result, in order, before it stores the next
    /// block.
    ///
    /// # Errors
    /// [`SlotError`] if the block cannot be stored. After a [`SlotError`], the download cannot continue.
    pub fn write<'s>(&'s mut self, offset: u32, data: &'s [u8]) -> Result<SlotWrite<'s>, SlotError> {
        self.drop_flushed();
        self.find_element(offset, data)?;
        let end = offset.saturating_add(count(data));
        let (from, to) = match (self.kept, self.keep) {
            (Some(kept), _) => (offset.max(kept.start), end.min(kept.end())),
            // For a whole file, the kept range is known from the start of the download. Without a kept range, no
            // download was begun.
            (None, Keep::File) => return Err(SlotError::NoDownload),
            (None, Keep::Element(_)) => (0, 0),
        };
        let Some(kept) = self.kept.filter(|_| from < to) else {
            return Ok(SlotWrite { slot: self, data: &[], is_end: false, erase_to: None });
        };
        let (place, place_end) = (from.saturating_sub(kept.start), to.saturating_sub(kept.start));
        if kept.len > self.area.len {
            return Err(SlotError::TooLarge { needed: kept.len, size: self.area.len });
        }
        let pending_end = self.word_at.saturating_add(u32::try_from(self.pending_len).unwrap_or(u32::MAX));
        if self.pending_len == 0 && is_multiple(place, self.word) {
            self.word_at = place;
        } else if place != pending_end {
            let expected = kept.start.saturating_add(pending_end);
            return Err(SlotError::OutOfOrder { offset, expected });
        }
        let skipped = usize::try_from(from.saturating_sub(offset)).unwrap_or(usize::MAX);
        let used = usize::try_from(to.saturating_sub(from)).unwrap_or(0);
        let data = data.get(skipped..).and_then(|rest| rest.get(..used)).unwrap_or_default();
        let erase_to = Some(ceil(place_end, self.sector)).filter(|erase_to| *erase_to > self.erased);
        Ok(SlotWrite { slot: self, data, is_end: to == kept.end(), erase_to })
    }

    /// Returns the flash address and the number of the kept bytes, for a verification; `None` before the range of the
    /// kept bytes is known.
    #[must_use]
    pub fn stored(&self) -> Option<(u32, u32)> {
        self.kept.map(|kept| (self.area.start, kept.len.min(self.area.len)))
    }

    fn restart(&mut self, offer: &ImageOffer, erased: u32, kept: Option<KeptRange>) {
        self.kept = match self.keep {
            Keep::File => Some(KeptRange { start: 0, len: offer.size }),
            Keep::Element(_) => kept,
        };
        self.decoder = StreamDecoder::new();
        (self.decoded, self.erased) = (0, erased);
        (self.word_at, self.pending_len, self.flushed) = (0, 0, 0);
    }

    /// Returns the end of the last sector that the file can need, as an offset in the slot.
    fn end(&self, offer: &ImageOffer) -> u32 {
        let len = self.kept.map_or(offer.size, |kept| kept.len);
        ceil(len.min(self.area.len), self.sector)
    }

    /// With [`EraseMode::AllBefore`], returns the job that erases all sectors that the file needs and that are not
    /// erased yet.
    fn erase_rest(&mut self, offer: &ImageOffer) -> Option<FlashJob<'static>> {
        let (from, to) = (self.erased, self.end(offer));
        if self.erase == EraseMode::AsReached || from >= to {
            return None;
        }
        self.erased = to;
        Some(self.erasure(from, to))
    }

    /// Removes the bytes from `pending` that the last [`FlashJob::Write`] has written.
    fn drop_flushed(&mut self) {
        let flushed = core::mem::take(&mut self.flushed);
        let left = self.pending_len.saturating_sub(flushed);
        let mut bytes = self.pending.0.into_iter().skip(flushed);
        self.pending.0.iter_mut().take(left).zip(&mut bytes).for_each(|(place, byte)| *place = byte);
        self.pending_len = left;
        self.word_at = self.word_at.saturating_add(u32::try_from(flushed).unwrap_or(u32::MAX));
    }

    fn erasure(&self, from: u32, to: u32) -> FlashJob<'static> {
        let address = |place: u32| self.area.start.saturating_add(place);
        FlashJob::Erase { from: address(from), to: address(to) }
    }

    /// Searches the next block of the file for the start of the element that the slot keeps.
    fn find_element(&mut self, offset: u32, data: &[u8]) -> Result<(), SlotError> {
        let (Keep::Element(wanted), None) = (self.keep, self.kept) else { return Ok(()) };
        if offset != self.decoded {
            return Err(SlotError::OutOfOrder { offset, expected: self.decoded });
        }
        self.decoded = offset.saturating_add(count(data));
        let mut rest = data;
        while let Some(piece) = self.decoder.next(&mut rest).map_err(SlotError::File)? {
            if let StreamPiece::Element { offset, tag, length, telink_info } = piece
                && tag == wanted
            {
                let head = Element::HEAD_LEN.saturating_add(telink_info.map_or(0, |info| info.len()));
                let start = offset.saturating_add(u32::try_from(head).unwrap_or(u32::MAX));
                self.kept = Some(KeptRange { start, len: length });
                break;
            }
        }
        Ok(())
    }
}

fn count(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// Operations on flash that store one block.
#[derive(Debug)]
#[must_use = "the jobs must be executed"]
pub struct SlotWrite<'s> {
    slot: &'s mut Slot,
    data: &'s [u8],
    /// `true` if the block contains the last byte that the slot keeps.
    is_end: bool,
    erase_to: Option<u32>,
}

impl SlotWrite<'_> {
    /// Returns the next operation on flash for the block; `None` after the last operation, when the block is stored.
    pub fn next_job(&mut self) -> Option<FlashJob<'_>> {
        if let Some(to) = self.erase_to.take() {
            let from = core::mem::replace(&mut self.slot.erased, to);
            return Some(self.slot.erasure(from, to));
        }
        self.slot.drop_flushed();
        let filled = self.slot.pending_len;
        let room = self.slot.pending.0.get_mut(filled..).unwrap_or_default();
        let (bytes, rest) = self.data.split_at_checked(room.len()).unwrap_or((self.data, &[]));
        room.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
        self.data = rest;
        let filled = filled.saturating_add(bytes.len());
        let word = usize::try_from(self.slot.word.get()).unwrap_or(LONGEST_WORD);
        let whole = filled.saturating_sub(filled.checked_rem(word).unwrap_or(0));
        let is_end = self.is_end && rest.is_empty();
        let len = if is_end { filled.checked_next_multiple_of(word).unwrap_or(whole) } else { whole };
        // The last word is padded with the value of erased flash.
        self.slot.pending.0.get_mut(filled..len).unwrap_or_default().fill(0xff);
        self.slot.pending_len = filled.max(len);
        self.slot.flushed = len;
        let at = self.slot.area.start.saturating_add(self.slot.word_at);
        let bytes = self.slot.pending.0.get(..len).filter(|bytes| !bytes.is_empty())?;
        Some(FlashJob::Write { at, bytes })
    }
}
