//! The loadable segments of a 32-bit little-endian ELF file, as far as a flash image needs them.
//!
//! ```text
//! byte 28 u32 offset of the program headers   42 u16 size of one   44 u16 number
//! program header: u32 type (1 = load), offset, virtual address, physical address, file size, ...
//! ```

use std::fs;
use std::path::Path;

use crate::Result;

/// The physical address of a firmware in the slot.
const SLOT_FIRMWARE: u32 = 0x2_0100;

/// Physical address and bytes of each loadable segment, in ascending order.
pub struct Elf(Vec<(u32, Vec<u8>)>);

impl Elf {
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let short = || format!("{}: not a complete ELF file", path.display());
        let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let half = |at: usize| Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let table = word(28).ok_or_else(short)? as usize;
        let (size, count) = (half(42).ok_or_else(short)?, half(44).ok_or_else(short)?);
        let mut segments = Vec::new();
        for header in (0..count).map(|number| table + usize::from(number) * usize::from(size)) {
            let field = |number: usize| word(header + 4 * number).ok_or_else(short);
            let (kind, offset, address, len) = (field(0)?, field(1)? as usize, field(3)?, field(4)? as usize);
            if kind == 1 && len > 0 {
                segments.push((address, bytes.get(offset..offset + len).ok_or_else(short)?.to_vec()));
            }
        }
        segments.sort();
        Ok(Self(segments))
    }

    /// Bytes of flash that the firmware takes, with the initial values of its variables.
    pub fn flash_len(&self) -> u64 {
        self.0.iter().map(|(_, bytes)| bytes.len() as u64).sum()
    }

    /// The contents of flash from the slot's firmware on; gaps are blank.
    pub fn image(&self) -> Result<Vec<u8>> {
        let mut image = Vec::new();
        for (address, bytes) in &self.0 {
            let start =
                address.checked_sub(SLOT_FIRMWARE).ok_or("this firmware was not built for the slot")?;
            image.resize(start as usize, 0xff);
            image.extend(bytes);
        }
        Ok(image)
    }
}
