//! Geometry of flash, and the two areas of flash that an upgrade uses: a slot for the image, and an area for the
//! records of the saved state.
//!
//! ```text
//! |  ...  | record sector | record sector |  ...  | slot: sector | sector | ... | sector |  ...  |
//! ```

use core::num::NonZeroU32;
use core::ops::Range;

use super::record_log::RECORD_LEN;

/// Length of the longest word of flash that slots and records support, in bytes. A word is the smallest unit of a
/// write.
pub const LONGEST_WORD: usize = 64;

/// Choice of the time at which the sectors of a slot are erased: one by one, or all before the download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EraseMode {
    /// Each sector is erased just before the first write to the sector. With `AsReached`, no block waits for the
    /// erasure of the whole slot, and a resumed download starts without an erasure.
    AsReached,
    /// All sectors that the file needs are erased before the download starts. With `AllBefore`, no sector is erased
    /// while a block is stored, and a download that resumes after a restart begins with the erasure of all sectors from
    /// the resumed offset on.
    AllBefore,
}

/// Geometry of flash, and the areas of the flash for the image and for records. Addresses and sizes are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FlashLayout {
    pub(super) word: NonZeroU32,
    pub(super) sector: NonZeroU32,
    pub(super) read: NonZeroU32,
    pub(super) slot: Area,
    pub(super) records: Area,
    pub(super) erase: EraseMode,
}

/// Area of flash: the address of the first byte, and the length in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Area {
    pub(super) start: u32,
    pub(super) len: u32,
}

/// Smallest numbers of bytes that the flash reads, writes and erases at once.
// Exhaustive: NOR flash has only the operations read, write and erase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FlashUnits {
    /// Smallest unit of a read, in bytes.
    pub read: usize,
    /// Smallest unit of a write, in bytes; the unit is called a word.
    pub write: usize,
    /// Smallest unit of an erasure, in bytes; the unit is called a sector.
    pub erase: usize,
}

/// Error of [`FlashLayout::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LayoutError {
    /// The read unit, the word or the sector of the flash has a size that is not supported.
    #[error("flash units {0:?} are not supported: reads and words divide 64 bytes, sectors are whole words")]
    Units(FlashUnits),
    /// The area of the image or the area of the records is empty, ends beyond the flash, or does not consist of whole
    /// sectors.
    #[error("the area {start:#x} to {end:#x} is not whole sectors within {capacity} bytes of flash")]
    Area {
        /// First address of the area, of the image or of the records, that is not valid.
        start: u32,
        /// First address after the area, of the image or of the records, that is not valid.
        end: u32,
        /// Size of the flash in bytes.
        capacity: usize,
    },
    /// The area of records cannot be split into two halves of whole sectors, each with room for at least one record.
    #[error("the area of records has {0} bytes, expected an even number of sectors, 256 bytes at least")]
    Records(u32),
    /// The area of the image and the area of the records overlap.
    #[error("the areas of slot and records overlap")]
    Overlap,
}

impl FlashLayout {
    /// Creates the layout of a flash with the units `units` and a size of `capacity` bytes. `slot` is the range of
    /// addresses for the image. `records` is the range of addresses for the records of the saved state; the range must
    /// have an even number of sectors, at least two.
    ///
    /// The erase mode of the layout is [`AsReached`](EraseMode::AsReached).
    ///
    /// # Errors
    /// [`LayoutError`] if the units of the flash are not supported, or if the area of the image or of the records is
    /// not valid.
    pub fn new(
        units: FlashUnits,
        capacity: usize,
        slot: Range<u32>,
        records: Range<u32>,
    ) -> Result<Self, LayoutError> {
        let bad_units = LayoutError::Units(units);
        let unit = |bytes: usize| u32::try_from(bytes).ok().and_then(NonZeroU32::new).ok_or(bad_units);
        let (read, word, sector) = (unit(units.read)?, unit(units.write)?, unit(units.erase)?);
        let divides = |unit: usize, whole: usize| whole.checked_rem(unit) == Some(0);
        if !divides(units.read, LONGEST_WORD)
            || !divides(units.write, LONGEST_WORD)
            || !divides(units.write, units.erase)
        {
            return Err(bad_units);
        }
        let area = |range: &Range<u32>| {
            let Range { start, end } = *range;
            let is_whole = [start, end].iter().all(|at| is_multiple(*at, sector));
            let fits = start < end && usize::try_from(end).is_ok_and(|end| end <= capacity);
            let area = Area { start, len: end.saturating_sub(start) };
            if is_whole && fits { Ok(area) } else { Err(LayoutError::Area { start, end, capacity }) }
        };
        let layout = Self {
            word,
            sector,
            read,
            slot: area(&slot)?,
            records: area(&records)?,
            erase: EraseMode::AsReached,
        };
        let half = layout.records.len >> 1;
        let holds_record = usize::try_from(half).is_ok_and(|half| half >= RECORD_LEN);
        if layout.records.len & 1 != 0 || !is_multiple(half, sector) || !holds_record {
            return Err(LayoutError::Records(layout.records.len));
        }
        if slot.start < records.end && records.start < slot.end {
            return Err(LayoutError::Overlap);
        }
        Ok(layout)
    }

    /// Creates the layout of `flash` as [`new`](Self::new) does, with the units and the capacity that the flash driver
    /// gives.
    ///
    /// # Errors
    /// [`LayoutError`] if the units of the flash are not supported, or if the area of the image or of the records is
    /// not valid.
    #[cfg(feature = "embedded-storage")]
    pub fn of<F: embedded_storage::nor_flash::NorFlash>(
        flash: &F,
        slot: Range<u32>,
        records: Range<u32>,
    ) -> Result<Self, LayoutError> {
        let units = FlashUnits { read: F::READ_SIZE, write: F::WRITE_SIZE, erase: F::ERASE_SIZE };
        Self::new(units, flash.capacity(), slot, records)
    }

    /// Creates the layout of asynchronous `flash` as [`new`](Self::new) does, with the units and the capacity that the
    /// flash driver gives.
    ///
    /// # Errors
    /// [`LayoutError`] if the units of the flash are not supported, or if the area of the image or of the records is
    /// not valid.
    #[cfg(feature = "embedded-storage-async")]
    pub fn of_async<F: embedded_storage_async::nor_flash::NorFlash>(
        flash: &F,
        slot: Range<u32>,
        records: Range<u32>,
    ) -> Result<Self, LayoutError> {
        let units = FlashUnits { read: F::READ_SIZE, write: F::WRITE_SIZE, erase: F::ERASE_SIZE };
        Self::new(units, flash.capacity(), slot, records)
    }

    /// Returns this layout with another erase mode.
    #[must_use]
    pub const fn with_erase(self, erase: EraseMode) -> Self {
        Self { erase, ..self }
    }
}

/// Buffer at an address that is a multiple of 8. A flash driver that uses DMA, such as a driver of serial flash,
/// refuses buffers that are not aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(8))]
pub(super) struct Aligned<const N: usize>(pub(super) [u8; N]);

/// Rounds `value` down to a multiple of `unit`.
pub(super) fn floor(value: u32, unit: NonZeroU32) -> u32 {
    value.saturating_sub(value.checked_rem(unit.get()).unwrap_or(0))
}

/// Rounds `value` up to a multiple of `unit`, or down if the result would overflow.
pub(super) fn ceil(value: u32, unit: NonZeroU32) -> u32 {
    value.checked_next_multiple_of(unit.get()).unwrap_or(floor(value, unit))
}

/// Returns whether `value` is a multiple of `unit`.
pub(super) fn is_multiple(value: u32, unit: NonZeroU32) -> bool {
    floor(value, unit) == value
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    const UNITS: FlashUnits = FlashUnits { read: 1, write: 4, erase: 4096 };

    fn with(units: FlashUnits, slot: Range<u32>, records: Range<u32>) -> Result<FlashLayout, LayoutError> {
        FlashLayout::new(units, 0x1_0000, slot, records)
    }

    #[test]
    fn areas_are_whole_sectors_that_do_not_overlap() {
        assert!(with(UNITS, 0x2000..0x1_0000, 0..0x2000).is_ok());
        let area = |start, end| Err(LayoutError::Area { start, end, capacity: 0x1_0000 });
        assert_eq!(with(UNITS, 0x2000..0x1_1000, 0..0x2000), area(0x2000, 0x1_1000));
        assert_eq!(with(UNITS, 0x2004..0x4000, 0..0x2000), area(0x2004, 0x4000));
        assert_eq!(with(UNITS, 0x2000..0x2000, 0..0x2000), area(0x2000, 0x2000));
        #[expect(clippy::reversed_empty_ranges, reason = "a slip that callers make")]
        let reversed = 0x4000..0x2000;
        assert_eq!(with(UNITS, reversed, 0..0x2000), area(0x4000, 0x2000));
        assert_eq!(with(UNITS, 0x1000..0x4000, 0..0x2000), Err(LayoutError::Overlap));
        assert_eq!(with(UNITS, 0x4000..0x8000, 0..0x3000), Err(LayoutError::Records(0x3000)));
        let tiny = FlashUnits { erase: 64, ..UNITS };
        assert_eq!(with(tiny, 0x4000..0x8000, 0..128), Err(LayoutError::Records(128)));
        assert!(with(tiny, 0x4000..0x8000, 0..256).is_ok());
    }

    #[test]
    fn units_divide_each_other() {
        for units in [
            FlashUnits { write: 0, ..UNITS },
            FlashUnits { write: 3, ..UNITS },
            FlashUnits { write: 128, ..UNITS },
            FlashUnits { erase: 0, ..UNITS },
            FlashUnits { erase: 4097, ..UNITS },
            FlashUnits { read: 48, ..UNITS },
        ] {
            assert_eq!(with(units, 0x2000..0x1_0000, 0..0x2000), Err(LayoutError::Units(units)));
        }
        let error = LayoutError::Units(FlashUnits { write: 3, ..UNITS });
        assert_eq!(
            error.to_string(),
            "flash units FlashUnits { read: 1, write: 3, erase: 4096 } are not supported: reads and words divide 64 \
             bytes, sectors are whole words"
        );
    }
}
