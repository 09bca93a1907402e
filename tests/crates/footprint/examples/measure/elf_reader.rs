//! Reader of linked binaries: 32-bit little-endian ELF files with a symbol table.

use std::error::Error;
use std::path::Path;
use std::{fs, str};

/// ELF section types and flags.
const SYMBOL_TABLE: u32 = 2;
const NO_BITS: u32 = 8;
const ARM_UNWINDING: u32 = 0x7000_0001;
const WRITE: u32 = 1;
const ALLOC: u32 = 2;

/// Type of a symbol that names a function.
const FUNCTION: u8 = 2;

/// Linked binary.
pub struct Elf {
    path: String,
    file: Vec<u8>,
    sections: Vec<Section>,
}

/// Header of a section.
struct Section {
    kind: u32,
    flags: u32,
    address: u32,
    offset: usize,
    len: u32,
    link: usize,
}

/// Symbol with its address, without the bit that says "Thumb".
pub struct Symbol {
    pub name: String,
    pub address: u32,
    pub len: u32,
    pub is_function: bool,
}

impl Elf {
    /// Reads and parses the file at `path`.
    pub fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        let name = path.display().to_string();
        let file = fs::read(path).map_err(|error| format!("{name}: {error}"))?;
        let mut elf = Self { path: name, file, sections: Vec::new() };
        if elf.bytes(0, 6)? != b"\x7fELF\x01\x01" {
            return Err(format!("{}: no ELF file of 32 bits, little-endian", elf.path).into());
        }
        let (headers, each, count) = (elf.u32_at(32)? as usize, elf.u16_at(46)?, elf.u16_at(48)?);
        for header in (0..count).map(|index| headers + index * each) {
            let section = Section {
                kind: elf.u32_at(header + 4)?,
                flags: elf.u32_at(header + 8)?,
                address: elf.u32_at(header + 12)?,
                offset: elf.u32_at(header + 16)? as usize,
                len: elf.u32_at(header + 20)?,
                link: elf.u32_at(header + 24)? as usize,
            };
            elf.sections.push(section);
        }
        Ok(elf)
    }

    /// Returns the bytes of flash and of RAM. Loaded sections with contents count as flash, and writable sections as
    /// RAM, so initial values count as both. Unwinding tables are ignored, because panics abort.
    pub fn sizes(&self) -> Result<(u32, u32), Box<dyn Error>> {
        let is_loaded = |section: &&Section| section.flags & ALLOC != 0 && section.kind != ARM_UNWINDING;
        let loaded = || self.sections.iter().filter(is_loaded);
        let flash = loaded().filter(|section| section.kind != NO_BITS).map(|section| section.len).sum();
        let ram = loaded().filter(|section| section.flags & WRITE != 0).map(|section| section.len).sum();
        // An empty binary would mean that the linker discarded everything.
        if flash == 0 || ram == 0 {
            return Err(format!("{}: nothing in it", self.path).into());
        }
        Ok((flash, ram))
    }

    /// Returns all symbols with a name.
    pub fn symbols(&self) -> Result<Vec<Symbol>, Box<dyn Error>> {
        let table = self.sections.iter().find(|section| section.kind == SYMBOL_TABLE);
        let table = table.ok_or_else(|| format!("{}: no symbol table", self.path))?;
        let names = self.sections.get(table.link).ok_or("the symbol table has no names")?;
        let mut symbols = Vec::new();
        for at in (table.offset..table.offset + table.len as usize).step_by(16) {
            let name =
                self.file.get(names.offset + self.u32_at(at)? as usize..).ok_or("a name is outside")?;
            let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
            if !name.is_empty() {
                symbols.push(Symbol {
                    name: str::from_utf8(name)?.into(),
                    address: self.u32_at(at + 4)? & !1,
                    len: self.u32_at(at + 8)?,
                    is_function: self.bytes(at + 12, 1)?[0] & 0xf == FUNCTION,
                });
            }
        }
        Ok(symbols)
    }

    /// Returns the two bytes at `address` as they are in memory when the program starts.
    pub fn halfword(&self, address: u32) -> Result<u16, Box<dyn Error>> {
        let is_there = |section: &&Section| {
            section.flags & ALLOC != 0
                && section.kind != NO_BITS
                && (section.address..section.address + section.len).contains(&address)
        };
        let section = self.sections.iter().find(is_there);
        let section = section.ok_or_else(|| format!("{}: nothing at {address:#x}", self.path))?;
        Ok(u16::try_from(self.u16_at(section.offset + (address - section.address) as usize)?)?)
    }

    /// Returns the four bytes at `address` as they are in memory when the program starts.
    pub fn word(&self, address: u32) -> Result<u32, Box<dyn Error>> {
        Ok(u32::from(self.halfword(address)?) | u32::from(self.halfword(address + 2)?) << 16)
    }

    fn bytes(&self, at: usize, len: usize) -> Result<&[u8], Box<dyn Error>> {
        Ok(self.file.get(at..at + len).ok_or("the file ends too early")?)
    }

    fn u16_at(&self, at: usize) -> Result<usize, Box<dyn Error>> {
        Ok(u16::from_le_bytes(self.bytes(at, 2)?.try_into()?).into())
    }

    fn u32_at(&self, at: usize) -> Result<u32, Box<dyn Error>> {
        Ok(u32::from_le_bytes(self.bytes(at, 4)?.try_into()?))
    }
}
