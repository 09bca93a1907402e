//! Subcommand `index`: the `index.json` that zigbee2mqtt reads, for a folder of files.
//!
//! ```text
//! [ { "fileName": "light.zigbee",            name of the file
//!     "fileVersion": 16909060,               from the OTA header; all numbers are decimal
//!     "fileSize": 214738,                    total image size, without a container
//!     "url": "https://…/a/light.zigbee",     where to fetch it; a local path of the gateway is no URL
//!     "imageType": 4113,
//!     "manufacturerCode": 4097,
//!     "sha512": "0f4c…",                     of the whole file, container and all; digits in lower case
//!     "otaHeaderString": "light",            all 32 bytes as UTF-8, without NULs
//!     … } ]                                  keys of the maintainer: modelId, minFileVersion …
//! ```
//!
//! The gateway fetches the file, compares the SHA-512 of the whole file, and decodes an OTA file from the first file
//! identifier on. So the numbers are those of the OTA header inside a container. The gateway takes the first entry that
//! fits a device, so the newest version of an image comes first.

mod compare_with_folder;
mod entry;
mod url;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value};

use crate::atomic_write::replace;
use crate::error::{Failure, complain};
use crate::printable;
use compare_with_folder::{Compared, named};
use entry::{Entry, Facts};
use url::Base;

/// Write or check the index.json that zigbee2mqtt reads, for a folder of files
///
/// Files in vendors' containers are listed with the header of the OTA file inside and the SHA-512 of the whole file.
/// Files that are no OTA files are left out, with a message. Exit status 0 for success, 1 when a file is damaged or the
/// index differs, 2 when there is no OTA file.
#[derive(Args)]
pub struct Options {
    /// Prefix of each file's path: http(s)://… or a local path of the gateway
    #[arg(long, value_name = "URL", default_value = "", hide_default_value = true)]
    base_url: Base,
    /// Index to write [default: standard output]
    #[arg(short = 'o', long, value_name = "FILE", conflicts_with = "check")]
    to: Option<PathBuf>,
    /// Copy additional keys such as modelId or minFileVersion from this index
    #[arg(long, value_name = "INDEX", conflicts_with = "check")]
    keep: Option<PathBuf>,
    /// Write the hardware versions of headers that have them; a device that does not report its own then gets no such
    /// file
    #[arg(long, conflicts_with = "check")]
    hardware: bool,
    /// Compare this index with the files, and print each difference
    #[arg(long, value_name = "INDEX")]
    check: Option<PathBuf>,
    /// Folder of OTA files, searched with its subfolders
    folder: PathBuf,
}

pub fn run(options: &Options, out: &mut impl Write) -> Result<bool, Failure> {
    let own = [&options.to, &options.check, &options.keep];
    let own: Vec<PathBuf> =
        own.into_iter().flatten().filter_map(|path| fs::canonicalize(path).ok()).collect();
    let mut found = Found::default();
    found.walk(&options.folder, "", &own)?;
    // The newest version of an image first, because the gateway takes the first entry that fits.
    found.files.sort_by(|one, other| {
        let key = |facts: &Facts| (facts.id.manufacturer, facts.id.image_type, !facts.id.version.0);
        key(one).cmp(&key(other)).then_with(|| one.path.cmp(&other.path))
    });
    match &options.check {
        Some(index) => check(options, index, &found, out),
        None => write(options, &found, out),
    }
}

/// Files of a folder.
#[derive(Default)]
struct Found {
    files: Vec<Facts>,
    /// Unusable OTA files, with the reason.
    damaged: Vec<(String, String)>,
}

impl Found {
    /// Reads all files in `folder`, whose path is `within`, except the index files themselves.
    fn walk(&mut self, folder: &Path, within: &str, own: &[PathBuf]) -> Result<(), Failure> {
        let failed = |error| Failure::at(folder, error);
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                complain(Failure::at(&path, "left out: its name is no UTF-8"));
                continue;
            };
            let place = format!("{within}{name}");
            let is_own = || fs::canonicalize(&path).is_ok_and(|path| own.contains(&path));
            // Links to folders are skipped, because they could form cycles.
            if entry.file_type().map_err(failed)?.is_dir() {
                self.walk(&path, &format!("{place}/"), own)?;
            } else if path.is_file() && !is_own() {
                match Facts::read(&path, place.clone()) {
                    Ok(Ok(facts)) => self.files.push(facts),
                    Ok(Err(fault)) => self.damaged.push((place, fault)),
                    Err(reason) => complain(Failure::at(&path, format_args!("left out: {reason}"))),
                }
            }
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.files.is_empty() && self.damaged.is_empty()
    }
}

fn write(options: &Options, found: &Found, out: &mut impl Write) -> Result<bool, Failure> {
    if found.is_empty() {
        return Err(Failure::nothing(&options.folder, "no OTA file in this folder"));
    }
    let kept = options.keep.as_deref().map(read_index).transpose()?.unwrap_or_default();
    let mut entries = Vec::new();
    for facts in &found.files {
        let mut more: Vec<Map<String, Value>> = kept
            .iter()
            .filter(|entry| named(entry, &found.files).is_some_and(|named| named.path == facts.path))
            .map(Entry::more_of)
            .collect();
        if more.is_empty() {
            more.push(Map::new());
        }
        entries.extend(more.into_iter().map(|more| facts.entry(&options.base_url, options.hardware, more)));
    }
    for (path, fault) in &found.damaged {
        complain(Failure::at(&options.folder.join(path), format_args!("left out: {fault}")));
    }
    let mut text =
        serde_json::to_string_pretty(&entries).map_err(|error| Failure::Said(error.to_string()))?;
    text.push('\n');
    let written: Vec<_> = serde_json::from_str(&text).map_err(|error| Failure::Said(error.to_string()))?;
    compare_with_folder::hidden(&written).iter().for_each(|note| complain(format_args!("note: {note}")));
    match &options.to {
        None => out.write_all(printable::json(&text).as_bytes())?,
        Some(to) if replace(to, text.as_bytes())? => {
            writeln!(out, "{}: {} entries", printable::path(to), entries.len())?;
        }
        Some(_) => {}
    }
    Ok(found.damaged.is_empty())
}

fn check(options: &Options, index: &Path, found: &Found, out: &mut impl Write) -> Result<bool, Failure> {
    let entries = read_index(index)?;
    if found.is_empty() && entries.is_empty() {
        return Err(Failure::nothing(&options.folder, "no OTA file in this folder, and none in the index"));
    }
    let Compared { mut differences, notes } =
        compare_with_folder::all(&entries, &found.files, &options.base_url);
    differences.extend(found.damaged.iter().map(|(path, fault)| format!("{path}: {fault}")));
    for difference in &differences {
        writeln!(out, "{}", printable::text(difference))?;
    }
    notes.iter().for_each(|note| complain(format_args!("note: {note}")));
    writeln!(
        out,
        "{}: {} entries, {} files, {} differences",
        printable::path(index),
        entries.len(),
        found.files.len(),
        differences.len()
    )?;
    Ok(differences.is_empty())
}

/// Reads the entries of an index.
fn read_index(path: &Path) -> Result<Vec<Map<String, Value>>, Failure> {
    let text = fs::read(path).map_err(|error| Failure::at(path, error))?;
    serde_json::from_slice(&text)
        .map_err(|error| Failure::at(path, format_args!("expected an array of objects: {error}")))
}
