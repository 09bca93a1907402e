//! Patch applier of the device: applies a patch while the device downloads it, in a fixed amount of memory.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use sha2::{Digest, Sha256};
use zigbee_ota::file::{StreamDecoder, StreamPiece, Tag};
use zigbee_ota_sim::Flash;

use crate::patch_format::{HEAD_LEN, TAG, WINDOW};

/// Page size of the flash in bytes. The device writes whole pages.
const PAGE: usize = 256;

/// Size of a slot in bytes.
const SLOT: usize = 512 * 1024;

/// Reason why a patch is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The header does not decode, or the file is truncated.
    #[error("the file is no whole OTA file")]
    File,
    /// The file contains an element other than a patch: a slot must not contain data of two elements.
    #[error("the file has the element {0}; expected a patch alone")]
    OtherElement(Tag),
    #[error("the patch is for another firmware than the one that runs")]
    OtherFirmware,
    #[error("the patch is damaged")]
    Damaged,
    #[error("the new firmware does not fit in the slot")]
    TooLong,
    #[error("the new firmware is not the one that the patch was made for")]
    WrongResult,
}

/// Applier of an OTA file with a patch. The applier contains all state of the device except the slots, which are in
/// flash.
pub struct Applier<'a> {
    file: StreamDecoder,
    delta: Delta<'a>,
}

/// Decoder of the data of the patch element.
struct Delta<'a> {
    head: [u8; HEAD_LEN],
    head_len: usize,
    inflater: DecompressorOxide,
    /// Last bytes of the inflated patch, because later parts of the deflated patch can refer to them.
    window: [u8; WINDOW],
    place: usize,
    /// Whether the deflated patch has ended.
    ended: bool,
    patch: Patch<'a>,
}

/// Decoder of the patch steps.
struct Patch<'a> {
    /// Running slot, mapped into the address space.
    old: &'a [u8],
    old_place: usize,
    control: [u8; 24],
    control_len: usize,
    /// Numbers of bytes that remain in the present step: `add` bytes to be added to bytes of the old firmware, and then
    /// `take` bytes to be copied.
    add: u64,
    take: u64,
    slot: Slot,
}

/// Slot for the new firmware, written in whole pages.
struct Slot {
    flash: Box<Flash>,
    page: [u8; PAGE],
    held: usize,
    written: usize,
}

impl<'a> Applier<'a> {
    /// Creates the applier of a device that runs `old`.
    pub fn new(old: &'a [u8]) -> Self {
        let mut flash = Box::new(Flash::with_words(SLOT, PAGE));
        flash.erase();
        let slot = Slot { flash, page: [0; PAGE], held: 0, written: 0 };
        let patch = Patch { old, old_place: 0, control: [0; 24], control_len: 0, add: 0, take: 0, slot };
        let delta = Delta {
            head: [0; HEAD_LEN],
            head_len: 0,
            inflater: DecompressorOxide::new(),
            window: [0; WINDOW],
            place: 0,
            ended: false,
            patch,
        };
        Self { file: StreamDecoder::new(), delta }
    }

    /// Decodes the next bytes of the file, and writes the firmware that results from them.
    pub fn take(&mut self, mut block: &[u8]) -> Result<(), Fault> {
        let Self { file, delta } = self;
        while let Some(piece) = file.next(&mut block).map_err(|_| Fault::File)? {
            match piece {
                StreamPiece::Data { bytes, .. } => delta.take(bytes)?,
                StreamPiece::Element { tag, .. } if tag != TAG => return Err(Fault::OtherElement(tag)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Checks the written firmware against the digest in the element, and returns the firmware.
    pub fn finish(mut self) -> Result<Vec<u8>, Fault> {
        self.file.finish().map_err(|_| Fault::File)?;
        let Delta { head, ended, patch, .. } = &mut self.delta;
        if !*ended || patch.is_within_a_step() {
            return Err(Fault::Damaged);
        }
        patch.slot.flush()?;
        let new = &patch.slot.flash.contents()[..patch.slot.written];
        let fits = firmware_of(&head[HEAD_LEN / 2..], new);
        if fits { Ok(new.to_vec()) } else { Err(Fault::WrongResult) }
    }
}

/// Returns whether `firmware` has the length and the digest in `head`, a part of 36 bytes of the element.
fn firmware_of(head: &[u8], firmware: &[u8]) -> bool {
    let (len, sum) = head.split_at(4);
    u32::try_from(firmware.len()).is_ok_and(|found| found.to_le_bytes() == *len)
        && Sha256::digest(firmware)[..] == sum[..32]
}

impl Delta<'_> {
    fn take(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        if self.head_len < HEAD_LEN {
            let (head, rest) = bytes.split_at(bytes.len().min(HEAD_LEN - self.head_len));
            self.head[self.head_len..self.head_len + head.len()].copy_from_slice(head);
            (self.head_len, bytes) = (self.head_len + head.len(), rest);
            // The applier checks the header of the patch before the first write to flash.
            if self.head_len == HEAD_LEN && !firmware_of(&self.head[..HEAD_LEN / 2], self.patch.old) {
                return Err(Fault::OtherFirmware);
            }
        }
        self.inflate(bytes)
    }

    fn inflate(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while !bytes.is_empty() || !self.ended {
            if self.ended {
                return Err(Fault::Damaged);
            }
            let (status, taken, made) = decompress(
                &mut self.inflater,
                bytes,
                &mut self.window,
                self.place,
                TINFL_FLAG_HAS_MORE_INPUT,
            );
            bytes = &bytes[taken..];
            self.patch.take(&self.window[self.place..self.place + made])?;
            self.place = (self.place + made) % WINDOW;
            match status {
                TINFLStatus::Done => self.ended = true,
                TINFLStatus::HasMoreOutput => {}
                TINFLStatus::NeedsMoreInput => return Ok(()),
                _ => return Err(Fault::Damaged),
            }
        }
        Ok(())
    }
}

impl Patch<'_> {
    fn is_within_a_step(&self) -> bool {
        self.add > 0 || self.take > 0 || (1..24).contains(&self.control_len)
    }

    fn take(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while !bytes.is_empty() {
            if self.add > 0 {
                let (sums, rest) = split(bytes, self.add);
                let old = self.old.get(self.old_place..self.old_place + sums.len()).ok_or(Fault::Damaged)?;
                for (sum, old) in sums.iter().zip(old) {
                    self.slot.push(sum.wrapping_add(*old))?;
                }
                self.old_place += sums.len();
                self.add -= sums.len() as u64;
                bytes = rest;
            } else if self.take > 0 {
                let (new, rest) = split(bytes, self.take);
                new.iter().try_for_each(|byte| self.slot.push(*byte))?;
                self.take -= new.len() as u64;
                bytes = rest;
            } else {
                self.next_step()?;
                let (control, rest) = bytes.split_at(bytes.len().min(24 - self.control_len));
                self.control[self.control_len..self.control_len + control.len()].copy_from_slice(control);
                self.control_len += control.len();
                bytes = rest;
                self.start_step();
            }
        }
        Ok(())
    }

    /// Ends a step of the patch: the third number of the step moves the read position in the old firmware.
    fn next_step(&mut self) -> Result<(), Fault> {
        if self.control_len == 24 {
            self.control_len = 0;
            let seek = self.number(16);
            // The distance is a sign bit and a magnitude of 63 bits.
            let distance = usize::try_from(seek & (u64::MAX >> 1)).map_err(|_| Fault::Damaged)?;
            let back = seek >> 63 == 1;
            let place = if back {
                self.old_place.checked_sub(distance)
            } else {
                self.old_place.checked_add(distance)
            };
            self.old_place = place.filter(|place| *place <= self.old.len()).ok_or(Fault::Damaged)?;
        }
        Ok(())
    }

    fn start_step(&mut self) {
        if self.control_len == 24 {
            (self.add, self.take) = (self.number(0), self.number(8));
        }
    }

    fn number(&self, place: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.control[place..place + 8]);
        u64::from_le_bytes(bytes)
    }
}

/// Splits `bytes` after at most `most` bytes.
fn split(bytes: &[u8], most: u64) -> (&[u8], &[u8]) {
    bytes.split_at(usize::try_from(most).unwrap_or(usize::MAX).min(bytes.len()))
}

impl Slot {
    fn push(&mut self, byte: u8) -> Result<(), Fault> {
        self.page[self.held] = byte;
        self.held += 1;
        if self.held == PAGE { self.flush() } else { Ok(()) }
    }

    /// Writes the buffered page. The rest of an incomplete last page is filled with the value of erased flash.
    fn flush(&mut self) -> Result<(), Fault> {
        if self.held > 0 {
            self.page[self.held..].fill(0xff);
            self.flash.write(self.written, &self.page).map_err(|_| Fault::TooLong)?;
            self.written += self.held;
            self.held = 0;
        }
        Ok(())
    }
}
