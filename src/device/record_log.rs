//! Log of records in flash. The log has two halves, and at least one half always contains a complete record.
//!
//! | offset | size | field | unit or value |
//! |---|---|---|---|
//! | 0 | 4 | number | counts up; 0xFFFFFFFF in erased flash |
//! | 4 | 120 | payload | |
//! | 124 | 4 | CRC-32 of bytes 0 to 123 | little endian, as the number |
//!
//! ```text
//! first half   | 1 | 2 | 3 | 4 |        second half  | 5 | 6 |   |   |
//! ```
//!
//! The power may fail during a write, so the log erases an old record only after a newer record is complete. When a
//! half is full, and after each restart, the log erases the half that does not contain the newest record, and writes
//! the next records to the erased half. Flash that reads as erased after a restart may be partly written, so the log
//! erases a half of its area before it writes the first record after a restart.

use super::flash_layout::{Aligned, Area, FlashLayout};
use super::image_slot::FlashJob;
use crate::crc_bitwise::crc32;

/// Length of a record in flash, in bytes.
pub const RECORD_LEN: usize = 128;
/// Distance between the starts of two neighbouring records in flash, in bytes.
const STRIDE: u32 = 128;
/// Length of the payload of a record, in bytes.
pub const PAYLOAD_LEN: usize = 120;

/// Payload of a record in the log: the bytes that the caller saves.
pub type Payload = [u8; PAYLOAD_LEN];

/// Record number that a read of erased flash returns.
const BLANK: u32 = u32::MAX;

/// Log of records in flash, of which the newest complete record is valid. A log does no I/O: the caller reads the
/// records after a restart, and executes the jobs that write a new record.
///
/// ```
/// use zigbee_ota::device::{FlashJob, FlashLayout, FlashUnits, RecordLog};
///
/// let units = FlashUnits { read: 1, write: 4, erase: 4096 };
/// let layout = FlashLayout::new(units, 0x1_0000, 0x2000..0x1_0000, 0..0x2000)?;
/// let mut log = RecordLog::new(&layout);
/// let write = log.write(&[7; 120]);
/// assert_eq!(write.erasure(), Some(FlashJob::Erase { from: 0, to: 0x1000 }));
/// assert!(matches!(write.record(), FlashJob::Write { at: 0, .. }));
/// log.written(&write);
/// let write = log.write(&[8; 120]);
/// assert_eq!(write.erasure(), None);
/// assert!(matches!(write.record(), FlashJob::Write { at: 128, .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RecordLog {
    area: Area,
    /// Number of the newest record, and whether this record is in the second half of the log.
    newest: Option<(u32, bool)>,
    /// Index of the next record in the half of the log that contains the newest record; `None` if the next record goes
    /// to the other half, which must be erased first.
    next: Option<u32>,
}

/// Operations on flash that write one record: an erasure, if necessary, and the write.
#[derive(Clone, Debug)]
#[must_use = "the jobs must be executed"]
pub struct RecordWrite {
    number: u32,
    is_second: bool,
    index: u32,
    erasure: Option<(u32, u32)>,
    at: u32,
    record: Aligned<RECORD_LEN>,
}

impl RecordLog {
    /// Creates a log in the area of `layout` for records. Before the first [`write`](Self::write), the caller reads the
    /// bytes at each address of [`places`](Self::places), and passes these bytes to [`see`](Self::see).
    #[must_use]
    pub const fn new(layout: &FlashLayout) -> Self {
        Self { area: layout.records, newest: None, next: None }
    }

    /// Returns all flash addresses at which a record can start, in both halves of the log.
    pub fn places(&self) -> impl Iterator<Item = u32> + use<> {
        let log = self.clone();
        let count = log.records_in_half();
        let halves = [false, true].into_iter();
        halves.flat_map(move |is_second| (0..count).map(move |index| (is_second, index))).map(
            move |(is_second, index)| {
                let within = index.saturating_mul(STRIDE);
                log.half(is_second).saturating_add(within)
            },
        )
    }

    /// Examines the bytes that the caller has read after a restart at the address `at`, which is one of
    /// [`places`](Self::places). Returns the payload of the record if the bytes are a complete record that is newer
    /// than all complete records that earlier calls of `see` received.
    pub fn see(&mut self, at: u32, record: &[u8; RECORD_LEN]) -> Option<Payload> {
        let (number, rest) = record.split_first_chunk()?;
        let (payload, sum) = rest.split_first_chunk::<PAYLOAD_LEN>()?;
        let number = u32::from_le_bytes(*number);
        if number == BLANK || self.newest.is_some_and(|(newest, _)| number <= newest) {
            return None;
        }
        let (content, _) = record.split_last_chunk::<4>()?;
        if *sum != crc32(content).to_le_bytes() {
            return None;
        }
        self.newest = Some((number, at >= self.half(true)));
        self.next = None;
        Some(*payload)
    }

    /// Returns the jobs that write a record with `payload`. After all jobs of the result have succeeded, the caller
    /// calls [`written`](Self::written). Without a call of `written`, the next record goes to the half that does not
    /// contain the newest record.
    pub fn write(&mut self, payload: &Payload) -> RecordWrite {
        let (number, newest_in_second) =
            self.newest.map_or((0, true), |(newest, is_second)| (newest.wrapping_add(1), is_second));
        let next = self.next.take();
        let (is_second, index) = next.map_or((!newest_in_second, 0), |index| (newest_in_second, index));
        let start = self.half(is_second);
        let erasure = next.is_none().then(|| (start, start.saturating_add(self.area.len >> 1)));
        let mut record = [0; RECORD_LEN];
        if let Some((content, sum)) = record.split_last_chunk_mut::<4>() {
            if let Some((head, rest)) = content.split_first_chunk_mut() {
                *head = number.to_le_bytes();
                rest.iter_mut().zip(payload).for_each(|(place, byte)| *place = *byte);
            }
            *sum = crc32(content).to_le_bytes();
        }
        let at = start.saturating_add(index.saturating_mul(STRIDE));
        RecordWrite { number, is_second, index, erasure, at, record: Aligned(record) }
    }

    /// The caller calls `written` after all jobs of `write` have succeeded; from then on, the record of `write` is the
    /// newest record of the log.
    pub fn written(&mut self, write: &RecordWrite) {
        self.newest = Some((write.number, write.is_second));
        self.next = Some(write.index.saturating_add(1)).filter(|next| *next < self.records_in_half());
    }

    fn half(&self, is_second: bool) -> u32 {
        self.area.start.saturating_add(if is_second { self.area.len >> 1 } else { 0 })
    }

    const fn records_in_half(&self) -> u32 {
        // A half of the area, divided by the 128 bytes of a record.
        self.area.len >> 8
    }
}

impl RecordWrite {
    /// Returns the erasure to execute before the write of the record; `None` if the flash at the address of the record
    /// is already erased.
    #[must_use]
    pub fn erasure(&self) -> Option<FlashJob<'static>> {
        self.erasure.map(|(from, to)| FlashJob::Erase { from, to })
    }

    /// Returns the job that writes the record.
    #[must_use]
    pub const fn record(&self) -> FlashJob<'_> {
        FlashJob::Write { at: self.at, bytes: &self.record.0 }
    }
}
