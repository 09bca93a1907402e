//! The comparison of counted instructions with the committed table: `measure TABLE PATH_BINARY [--write]`.
//!
//! ```text
//! valgrind --tool=callgrind hot_path NAME VARIANT TIMES   twice, with FEW and MANY
//!   -> (instructions(MANY) - instructions(FEW)) / (MANY - FEW)   = instructions of one run of the path
//! ```
//!
//! Exit status 1 when the ratio of a path has grown by more than [`SLACK`] over the table's. `--write` rewrites the
//! table with the measured values.

use std::fmt::Write as _;
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

use zigbee_ota_instructions::PATHS;

/// Accepted growth of a ratio as a factor, which allows for the effect of another code placement in memory.
const SLACK: f64 = 1.03;

/// Runs of a path in the two measurements.
const FEW: u32 = 200;
const MANY: u32 = 1200;

fn count(binary: &str, name: &str, variant: &str, times: u32) -> Result<u64, String> {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            binary,
            name,
            variant,
            &times.to_string(),
        ])
        .stdout(Stdio::null())
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    match collected {
        Some(instructions) if output.status.success() => Ok(instructions),
        _ => Err(format!("{name}, {variant}: {}, callgrind says\n{text}", output.status)),
    }
}

/// Instructions of one run.
fn instructions(binary: &str, name: &str, variant: &str) -> Result<u64, String> {
    let (few, many) = (count(binary, name, variant, FEW)?, count(binary, name, variant, MANY)?);
    let per_run = many.checked_sub(few).map(|difference| difference / u64::from(MANY - FEW));
    per_run
        .filter(|count| *count > 0)
        .ok_or_else(|| format!("{name}, {variant}: more runs take fewer instructions"))
}

fn ratio(floor: u64, ours: u64) -> f64 {
    ours as f64 / floor as f64
}

/// The row of a path in the table: floor and ours.
fn row(table: &str, name: &str) -> Option<(u64, u64)> {
    let line = table.lines().find(|line| line.split('\t').next() == Some(name))?;
    let mut fields = line.split('\t').skip(1).map(str::parse);
    Some((fields.next()?.ok()?, fields.next()?.ok()?))
}

fn run(table_path: &str, binary: &str, is_to_write: bool) -> Result<bool, String> {
    let table = fs::read_to_string(table_path).unwrap_or_default();
    let mut written = String::from("path\tfloor\tours\n");
    let mut is_good = true;
    println!("{:<24}{:>8}{:>8}{:>8}{:>10}", "path", "floor", "ours", "ratio", "table");
    for path in PATHS {
        let floor = instructions(binary, path.name, "floor")?;
        let ours = instructions(binary, path.name, "ours")?;
        let now = ratio(floor, ours);
        writeln!(written, "{}\t{floor}\t{ours}", path.name).map_err(|error| error.to_string())?;
        let before = row(&table, path.name).map(|(floor, ours)| ratio(floor, ours));
        let verdict = match before {
            _ if is_to_write => "",
            None => {
                is_good = false;
                "  is not in the table"
            }
            Some(before) if now > before * SLACK => {
                is_good = false;
                "  has grown"
            }
            Some(before) if now * SLACK < before => "  has shrunk: write the table anew",
            Some(_) => "",
        };
        let before = before.map_or("-".to_owned(), |before| format!("{before:.2}"));
        println!("{:<24}{floor:>8}{ours:>8}{now:>8.2}{before:>10}{verdict}", path.name);
    }
    for line in table.lines().skip(1) {
        let name = line.split('\t').next().unwrap_or_default();
        if !is_to_write && PATHS.iter().all(|path| path.name != name) {
            println!("{name}  is in the table and no path");
            is_good = false;
        }
    }
    if is_to_write {
        fs::write(table_path, written).map_err(|error| format!("{table_path}: {error}"))?;
    }
    Ok(is_good)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (table, binary, is_to_write) = match &arguments[..] {
        [table, binary] => (table, binary, false),
        [table, binary, write] if write == "--write" => (table, binary, true),
        _ => {
            eprintln!("usage: measure TABLE PATH_BINARY [--write]");
            return ExitCode::from(2);
        }
    };
    match run(table, binary, is_to_write) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
