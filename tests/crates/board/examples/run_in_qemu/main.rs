//! The harness: the firmware on QEMU's micro:bit against `tcp_server`, from a download to the next firmware running.
//!
//! ```text
//! run_in_qemu --plain DIR --depth DIR --slot ELF --tools DIR --signed FILE --table FILE [--write]
//!
//!   --plain   firmware client_0 and client_8        --depth   the same with the features depth and signed
//!   --slot    client_8 built for the slot           --tools   the built example tcp_server
//!   --signed  tests/data/signed_files/suite1.ota    --table   measured values, compared or (--write) written
//! ```
//!
//! `BOARD_SIZE` sets the bytes of the downloaded file (20,000; at most 125,000, the upper half of flash), `BOARD_CUTS` the number of power
//! cuts (10), `BOARD_SEED` their places.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::{Encode, ImageId};

use elf_segments::Elf;
use measured_table::Table;
use server_and_board_processes::{Board, Report, Server};

mod elf_segments;
mod measured_table;
mod server_and_board_processes;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The image that the firmware asks for: its own manufacturer code and image type.
const ID: ImageId = ImageId::new(0x1001, 0x0001, 2);

struct Arguments {
    plain: PathBuf,
    depth: PathBuf,
    slot: PathBuf,
    tools: PathBuf,
    signed: PathBuf,
    table: PathBuf,
    is_to_write: bool,
}

impl Arguments {
    fn parse() -> Result<Self> {
        let mut words: Vec<String> = env::args().skip(1).collect();
        let is_to_write =
            words.iter().position(|word| word == "--write").map(|at| words.remove(at)).is_some();
        let get = |name: &str| {
            let pair = words.chunks(2).find(|pair| pair[0] == name);
            pair.and_then(|pair| pair.get(1)).map(PathBuf::from).ok_or_else(|| format!("{name} is missing"))
        };
        Ok(Self {
            plain: get("--plain")?,
            depth: get("--depth")?,
            slot: get("--slot")?,
            tools: get("--tools")?,
            signed: get("--signed")?,
            table: get("--table")?,
            is_to_write,
        })
    }
}

fn number(name: &str, default: u64) -> Result<u64> {
    match env::var(name) {
        Ok(text) => text.parse().map_err(|_| format!("{name}={text} is no number").into()),
        Err(_) => Ok(default),
    }
}

/// An OTA file around `firmware`.
fn ota_file(firmware: &[u8]) -> Result<Vec<u8>> {
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: firmware }];
    Ok(FileWriter::new(FileHeader::new(ID), &elements)?.to_vec())
}

/// Bytes without a pattern.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..len).map(|_| random.u8(..)).collect()
}

/// A download in one transfer mode.
struct Mode {
    name: &'static str,
    firmware: &'static str,
    options: &'static str,
}

/// Name of the mode that chooses among the others.
const AUTO: &str = "auto_8";

/// Transfer modes; `Auto` comes last, because it is compared with the other modes.
const MODES: [Mode; 5] = [
    Mode { name: "blocks_0", firmware: "client_0", options: "block=64" },
    Mode { name: "blocks_8", firmware: "client_8", options: "block=64" },
    Mode { name: "window_8", firmware: "client_8", options: "block=64,window=4" },
    Mode { name: "pages_8", firmware: "client_8", options: "block=64,page=4096" },
    Mode { name: AUTO, firmware: "client_8", options: "block=64,auto=1" },
];

/// Flash and RAM of the firmware, and each mode's instructions and stack; the image in flash must be the file.
fn measure_modes(arguments: &Arguments, server: &Server, file: &[u8], table: &mut Table) -> Result<()> {
    for firmware in ["client_0", "client_8"] {
        let elf = Elf::read(&arguments.plain.join(firmware))?;
        table.add(&format!("{firmware} flash"), elf.flash_len());
    }
    let mut most = 0;
    for Mode { name, firmware, options } in MODES {
        let board = Board { firmware: arguments.plain.join(firmware), options: options.into(), counts: true };
        let report = board.run(server)?.expect_status(0, name)?;
        report.expect_image(file, name)?;
        // 16 MHz ticks of 62.5 ns, instructions of 64 ns.
        let instructions = report.number("RESULT", "ticks")? * 1000 / 1024;
        if name == AUTO {
            // The mix of modes follows the response times of the host, so the figure differs from run to run. On a busy host,
            // the window grows to nine requests; the window of the other modes has four.
            if instructions > most + most / 4 {
                return Err(format!(
                    "{name}: {instructions} instructions per block, every single mode at most {most}"
                )
                .into());
            }
            println!("{name}: {instructions} instructions per block");
        } else {
            most = most.max(instructions);
            table.add(&format!("{name} instructions per block"), instructions);
        }
        table.add(&format!("{name} stack"), report.number("RESULT", "download_stack")?);
        if name.starts_with("blocks") {
            table.add(&format!("{firmware} static RAM"), report.number("RESULT", "ram")?);
        }
        println!("{name}: upgraded, {} blocks", report.number("RESULT", "blocks")?);
    }
    Ok(())
}

/// Stack of each call, and of the verification of a signature; an image with a changed byte must be refused.
fn measure_calls(arguments: &Arguments, table: &mut Table) -> Result<()> {
    let signed = fs::read(&arguments.signed)?;
    let folder = tempfile::tempdir()?;
    for firmware in ["client_0", "client_8"] {
        let path = folder.path().join("signed.ota");
        fs::write(&path, &signed)?;
        let board = Board {
            firmware: arguments.depth.join(firmware),
            options: format!("{},window=4", ids_of(&signed)),
            counts: false,
        };
        let server = Server::start(&arguments.tools, &path)?;
        let report = board.run(&server)?.expect_status(0, "a signed file")?;
        report.expect_line("SIGNATURE signed")?;
        for call in ["handle_frame", "stored", "poll_transmit", "handle_timeout", "answers", "checkpoint"] {
            table.add(&format!("{firmware} {call} stack"), report.number("STACK", call)?);
        }
        if firmware == "client_8" {
            table.add("Verifier::finish stack", report.number("SIGNATURE", "stack")?);
        }
        drop(server);

        let mut changed = signed.clone();
        changed[80] ^= 1;
        fs::write(&path, &changed)?;
        let server = Server::start(&arguments.tools, &path)?;
        let report = board.run(&server)?.expect_status(4, "a changed file")?;
        report.expect_line("SIGNATURE refused")?;
        println!("{firmware}: a signed file upgraded, a changed one refused");
    }
    Ok(())
}

/// Options for a device of the manufacturer code and image type of `file`.
fn ids_of(file: &[u8]) -> String {
    let number = |at: usize| u16::from_le_bytes([file[at], file[at + 1]]);
    format!("maker={},type={}", number(10), number(12))
}

/// Firmware 1 downloads firmware 2, resets, and firmware 2 asks the server and gets NO_IMAGE_AVAILABLE.
fn whole_life(arguments: &Arguments, folder: &Path) -> Result<()> {
    // The vector table of the slot's firmware stands 256 bytes into the slot: header 56, element head 6, padding 194.
    let firmware = [vec![0; 194], Elf::read(&arguments.slot)?.image()?].concat();
    let path = folder.join("firmware_2.ota");
    fs::write(&path, ota_file(&firmware)?)?;
    let server = Server::start(&arguments.tools, &path)?;
    for firmware in ["client_0", "client_8"] {
        let board = Board {
            firmware: arguments.plain.join(firmware),
            options: "block=64,window=4,reboot=1".into(),
            counts: false,
        };
        let report = board.run(&server)?.expect_status(0, "the whole life")?;
        for line in [
            "START version=1 in_slot=0",
            "UPGRADED version=2",
            "BOOT version=2",
            "START version=2 in_slot=1",
            "NO_IMAGE status=152",
        ] {
            report.expect_line(line)?;
        }
        println!("{firmware}: downloaded, verified and booted its successor");
    }
    Ok(())
}

/// Power cuts at random places; the download resumes each time and ends with the file in flash.
fn power_cuts(arguments: &Arguments, server: &Server, file: &[u8]) -> Result<()> {
    let (cuts, seed) = (number("BOARD_CUTS", 10)?, number("BOARD_SEED", 1)?);
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut left, mut lives, mut resumed) = (cuts, 0, 0);
    while left > 0 {
        let firmware = if lives % 2 == 0 { "client_8" } else { "client_0" };
        let board = Board {
            firmware: arguments.plain.join(firmware),
            options: "block=64,window=4".into(),
            counts: false,
        };
        let mut flash = None;
        let mut output = String::new();
        for _ in 0..left.min(random.u64(1..=4)) {
            let (cut, kept) = board.run_until_cut(server, flash.take(), random.u64(20..400))?;
            output += &cut;
            let Some(kept) = kept else { break };
            flash = Some(kept);
            left -= 1;
        }
        let report = board.run_from(server, flash)?;
        resumed += usize::from(report.has_line("RESUME"));
        let report = Report { output: output + &report.output, ..report }.expect_status(0, "power cuts")?;
        report.expect_image(file, "power cuts")?;
        lives += 1;
    }
    println!(
        "{cuts} power cuts in {lives} lives with seed {seed}: all upgraded, {resumed} resumed in the last start"
    );
    if resumed == 0 {
        return Err("no download was cut in the middle: the cuts prove nothing".into());
    }
    Ok(())
}

fn run() -> Result<bool> {
    let arguments = Arguments::parse()?;
    let folder = tempfile::tempdir()?;
    let size = usize::try_from(number("BOARD_SIZE", 20_000)?)?;
    let file = ota_file(&noise(size, 1))?;
    let path = folder.path().join("noise.ota");
    fs::write(&path, &file)?;
    let server = Server::start(&arguments.tools, &path)?;
    let mut table = Table::default();
    measure_modes(&arguments, &server, &file, &mut table)?;
    measure_calls(&arguments, &mut table)?;
    whole_life(&arguments, folder.path())?;
    power_cuts(&arguments, &server, &file)?;
    if arguments.is_to_write {
        table.write(&arguments.table)?;
        return Ok(true);
    }
    if size != 20_000 {
        println!("the table is for files of 20,000 bytes: not compared");
        return Ok(true);
    }
    table.compare(&arguments.table)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("board: {error}");
            ExitCode::FAILURE
        }
    }
}
