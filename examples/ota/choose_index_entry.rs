//! Subcommand `choose`: selects the entry of an index for a device.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;
use zigbee_ota::index::{DeviceDescription, IndexEntry, WantedVersions};
use zigbee_ota::{HardwareVersion, ImageId};

use crate::error::{Failure, complain};
use crate::index::read_index;
use crate::input_files::read;
use crate::number_args::number;
use crate::terminal_escape;

/// Choose the entry of an index for a device by the rules of zigbee2mqtt or zigpy
///
/// Prints the selected entry, and the reason against each other entry with the same manufacturer code and image type.
/// The command does not download files. Exit status 0 if an entry is selected and the file of --file, if given, matches
/// the entry; 1 otherwise.
#[derive(Args)]
pub struct Options {
    /// Manufacturer code of the device, 2 bytes
    #[arg(short, long, value_name = "CODE", value_parser = number::<u16>)]
    manuf_id: u16,
    /// Image type of the device, 2 bytes
    #[arg(short, long, value_name = "TYPE", value_parser = number::<u16>)]
    image_type: u16,
    /// File version that the device runs, 4 bytes
    #[arg(short, long, value_name = "VERSION", value_parser = number::<u32>)]
    version: u32,
    /// Hardware version in the query of the device, 2 bytes
    #[arg(long, value_name = "VERSION", value_parser = number::<u16>)]
    hardware: Option<u16>,
    /// Model identifier of the device
    #[arg(long, value_name = "TEXT")]
    model: Option<String>,
    /// Manufacturer name of the device
    #[arg(long, value_name = "TEXT")]
    manufacturer_name: Option<String>,
    /// Versions that the device may get, relative to its running version
    #[arg(long, value_enum, default_value = "newer")]
    wanted: Wanted,
    /// Compare this file with the entry, and print each difference
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Index of zigbee2mqtt or zigpy
    index: PathBuf,
}

/// Wanted versions relative to the running version of the device.
#[derive(Clone, Copy, ValueEnum)]
enum Wanted {
    Newer,
    Older,
    Any,
}

/// Result as a JSON object. Scripts depend on the order and the types of the keys.
#[derive(Serialize)]
struct Choice<'a> {
    entry: Option<usize>,
    url: Option<&'a str>,
    path: Option<&'a str>,
    file_version: Option<u32>,
    /// Other entries with the same manufacturer code and image type.
    mismatches: Vec<Mismatch>,
    /// Differences between the entry and the file of `--file`; `None` without a file.
    differences: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Mismatch {
    entry: usize,
    reason: String,
}

pub fn run(options: &Options, out: &mut impl Write) -> Result<bool, Failure> {
    let index = read_index(&options.index)?;
    for (number, fault) in index.faults() {
        complain(Failure::at(&options.index, format_args!("entry {number} is not used: {fault}")));
    }
    let mut device =
        DeviceDescription::new(ImageId::new(options.manuf_id, options.image_type, options.version))
            .with_wanted(match options.wanted {
                Wanted::Newer => WantedVersions::Newer,
                Wanted::Older => WantedVersions::Older,
                Wanted::Any => WantedVersions::Any,
            });
    device.hardware = options.hardware.map(HardwareVersion);
    device.model = options.model.as_deref();
    device.manufacturer_name = options.manufacturer_name.as_deref();

    let selection = index.select(&device);
    let of_image = selection.mismatches().filter(|(_, reason)| !reason.is_other_image());
    let entry = selection.entry();
    let differences = match (entry, &options.file) {
        (Some(entry), Some(file)) => {
            Some(entry.check(&read(file)?).iter().map(ToString::to_string).collect::<Vec<_>>())
        }
        _ => None,
    };
    let choice = Choice {
        entry: selection.number(),
        url: entry.and_then(|entry| entry.url.as_deref()),
        path: entry.and_then(|entry| entry.path.as_deref()),
        file_version: entry.and_then(|entry| Some(entry.version?.0)),
        mismatches: of_image.map(|(entry, reason)| Mismatch { entry, reason: reason.to_string() }).collect(),
        differences,
    };
    if options.json {
        let line = serde_json::to_string(&choice).map_err(std::io::Error::from)?;
        writeln!(out, "{}", terminal_escape::json(&line))?;
    } else {
        choice.say(entry, out)?;
    }
    Ok(choice.entry.is_some() && choice.differences.is_none_or(|found| found.is_empty()))
}

impl Choice<'_> {
    fn say(&self, entry: Option<&IndexEntry>, out: &mut impl Write) -> std::io::Result<()> {
        match (self.entry, entry) {
            (Some(number), Some(entry)) => {
                let place = self.url.or(self.path).unwrap_or_default();
                let version = entry.version.map_or(0, |version| version.0);
                let text = format!("entry {number}: version {version} ({version:#010x}): {place}");
                writeln!(out, "{}", terminal_escape::text(&text))?;
            }
            _ => writeln!(out, "no entry for this device")?,
        }
        for Mismatch { entry, reason } in &self.mismatches {
            writeln!(out, "  not entry {entry}: {}", terminal_escape::text(reason))?;
        }
        match self.differences.as_deref() {
            None => Ok(()),
            Some([]) => writeln!(out, "  the file is the one of the entry"),
            Some(found) => found
                .iter()
                .try_for_each(|text| writeln!(out, "  the file differs: {}", terminal_escape::text(text))),
        }
    }
}
