//! Measurement of flash, RAM and stack: prints the sizes of each binary beside the limits in `sizes.tsv`, and fails
//! above them.
//!
//! Usage: `measure SIZES FOLDER [BINARY]`, with the folder of the binaries. With the name of one binary, the deepest
//! path of its stack is printed as well.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use elf_reader::Elf;

mod elf_reader;
mod stack_depth;

/// First function of each binary.
const ENTRY: &str = "_start";

/// Tolerance: larger sizes fail, and sizes that are smaller by more ask for a lower limit.
const SLACK_PERCENT: u32 = 1;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (Some(table), Some(folder)) = (env::args().nth(1), env::args().nth(2)) else {
        return Err("measure SIZES FOLDER".into());
    };
    let table = fs::read_to_string(&table).map_err(|error| format!("{table}: {error}"))?;
    let shown = env::args().nth(3);
    let mut exceeded = false;
    println!("{:10} {:>16} {:>16} {:>16}", "binary", "flash (pinned)", "RAM (pinned)", "stack (pinned)");
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let [name, flash, ram, stack] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("{line:?}: expected a name and three numbers").into());
        };
        let elf = Elf::read(&Path::new(&folder).join(name))?;
        let ((flash_is, ram_is), deepest) = (elf.sizes()?, stack_depth::worst(&elf, ENTRY)?);
        let sizes = [("flash", flash_is, flash), ("RAM", ram_is, ram), ("stack", deepest.bytes, stack)];
        print!("{name:10}");
        for (_, is, was) in sizes {
            print!(" {is:>7} ({was:>6})");
        }
        println!();
        if shown.as_deref() == Some(name) {
            deepest.path.iter().for_each(|(function, frame)| println!("  {frame:5} {function}"));
        }
        for (what, is, was) in sizes {
            let was: u32 = was.parse()?;
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
