//! Measurement of flash and RAM: prints the sizes of each binary beside the limits in `sizes.tsv`, and fails above
//! them.
//!
//! Usage: `measure SIZES FOLDER`, with the folder of the binaries. Loaded sections with contents count as flash, and
//! writable sections as RAM, so initial values count as both. Unwinding tables are ignored, because panics abort. The
//! stack is not in a section, because its depth depends on inlining.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

/// ELF section types and flags.
const NO_BITS: u32 = 8;
const ARM_UNWINDING: u32 = 0x7000_0001;
const WRITE: u32 = 1;
const ALLOC: u32 = 2;

/// Tolerance: larger sizes fail, and sizes that are smaller by more ask for a lower limit.
const SLACK_PERCENT: u32 = 10;

struct Size {
    flash: u32,
    ram: u32,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (Some(table), Some(folder)) = (env::args().nth(1), env::args().nth(2)) else {
        return Err("measure SIZES FOLDER".into());
    };
    let table = fs::read_to_string(&table).map_err(|error| format!("{table}: {error}"))?;
    let mut exceeded = false;
    println!("{:10} {:>16} {:>16}", "binary", "flash (pinned)", "RAM (pinned)");
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let [name, flash, ram] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("{line:?}: expected a name and two numbers").into());
        };
        let pinned = Size { flash: flash.parse()?, ram: ram.parse()? };
        let size = measured(&Path::new(&folder).join(name))?;
        println!("{name:10} {:>7} ({:>6}) {:>7} ({:>6})", size.flash, pinned.flash, size.ram, pinned.ram);
        for (what, is, was) in [("flash", size.flash, pinned.flash), ("RAM", size.ram, pinned.ram)] {
            if is * 100 > was * (100 + SLACK_PERCENT) {
                println!(
                    "TOO MUCH: {name} takes {is} bytes of {what}, over {SLACK_PERCENT} % more than {was}"
                );
                exceeded = true;
            } else if is * 100 < was * (100 - SLACK_PERCENT) {
                println!("lower the table: {name} takes {is} bytes of {what} and no more {was}");
            }
        }
    }
    Ok(if exceeded { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Parses a 32-bit little-endian ELF file.
fn measured(path: &Path) -> Result<Size, Box<dyn Error>> {
    let file = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let bytes = |at: usize, len: usize| file.get(at..at + len).ok_or("the file ends too early");
    let u16_at =
        |at| -> Result<usize, Box<dyn Error>> { Ok(u16::from_le_bytes(bytes(at, 2)?.try_into()?).into()) };
    let u32_at = |at| -> Result<u32, Box<dyn Error>> { Ok(u32::from_le_bytes(bytes(at, 4)?.try_into()?)) };
    if bytes(0, 6)? != b"\x7fELF\x01\x01" {
        return Err(format!("{}: no ELF file of 32 bits, little-endian", path.display()).into());
    }
    let (headers, each, count) = (u32_at(32)? as usize, u16_at(46)?, u16_at(48)?);
    let mut size = Size { flash: 0, ram: 0 };
    for header in (0..count).map(|index| headers + index * each) {
        let (kind, flags, len) = (u32_at(header + 4)?, u32_at(header + 8)?, u32_at(header + 20)?);
        if flags & ALLOC == 0 || kind == ARM_UNWINDING {
            continue;
        }
        if kind != NO_BITS {
            size.flash += len;
        }
        if flags & WRITE != 0 {
            size.ram += len;
        }
    }
    // An empty binary would mean that the linker discarded everything.
    if size.flash == 0 || size.ram == 0 {
        return Err(format!("{}: nothing in it", path.display()).into());
    }
    Ok(size)
}
