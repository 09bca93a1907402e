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
//! identifier on. The numbers of an entry are therefore those of the OTA header inside a container. The gateway takes
//! the first entry that fits a device, so the newest version of an image comes first.

mod compare_with_folder;
mod entry;
mod merge_old_index;
mod url;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use zigbee_ota::index::{Index, IndexEntry, IndexForm};

use crate::atomic_write::replace;
use crate::error::{Failure, complain};
use crate::terminal_escape;
use compare_with_folder::Compared;
use entry::{Facts, Form};
use merge_old_index::Kept;
use url::Base;

/// Write or check the index.json that zigbee2mqtt or zigpy reads, for a folder of files
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
    /// Copy keys that the maintainer has added, such as modelId or minFileVersion, from this older index; a new file
    /// gets the restrictions of the entries for the same manufacturer code and image type
    #[arg(long, value_name = "INDEX", conflicts_with = "check")]
    keep: Option<PathBuf>,
    /// Write the hardware versions of each header that has them into the entry; a device that does not report its
    /// hardware version then gets no such file. The entries of several files of one image for different hardware
    /// versions always have them
    #[arg(long, conflicts_with = "check")]
    hardware: bool,
    /// Form of the index to write
    #[arg(long, value_enum, default_value = "zigbee2mqtt", conflicts_with = "check")]
    form: Form,
    /// Compare this existing index, of any form, with the files, and print each difference
    #[arg(long, value_name = "INDEX")]
    check: Option<PathBuf>,
    /// Folder of OTA files, searched with its subfolders
    folder: PathBuf,
}

pub fn run(options: &Options, out: &mut impl Write) -> Result<bool, Failure> {
    let own = [&options.to, &options.check, &options.keep];
    let own: Vec<PathBuf> =
        own.into_iter().flatten().filter_map(|path| fs::canonicalize(path).ok()).collect();
    let checked =
        options.check.as_deref().map(|path| read_index(path).map(|index| (path, index))).transpose()?;
    let form = checked.as_ref().map_or(options.form.into(), |(_, index)| index.form);
    let mut found = Found::default();
    if options.folder.is_file() {
        let reason = "a file, expected a folder: name the folder that has the OTA files";
        return Err(Failure::at(&options.folder, reason));
    }
    found.walk(&options.folder, "", &own, form)?;
    // The newest version of an image first, because the gateway takes the first entry that fits.
    found.files.sort_by(|one, other| {
        let key = |facts: &Facts| {
            let IndexEntry { manufacturer, image_type, version, .. } = facts.entry;
            (manufacturer, image_type, std::cmp::Reverse(version))
        };
        key(one).cmp(&key(other)).then_with(|| one.path.cmp(&other.path))
    });
    match checked {
        Some((path, index)) => check(options, path, &index, &found, out),
        None => write(options, form, &found, out),
    }
}

/// Files of a folder.
#[derive(Default)]
struct Found {
    files: Vec<Facts>,
    /// Paths of unusable OTA files, each with the reason.
    damaged: Vec<(String, String)>,
}

impl Found {
    /// Reads all files in `folder`, except the index files in `own`. `within` is the path of `folder` relative to the
    /// folder of the command line.
    fn walk(&mut self, folder: &Path, within: &str, own: &[PathBuf], form: IndexForm) -> Result<(), Failure> {
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
                self.walk(&path, &format!("{place}/"), own, form)?;
            } else if path.is_file() && !is_own() {
                match Facts::read(&path, place.clone(), form) {
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

fn write(options: &Options, form: IndexForm, found: &Found, out: &mut impl Write) -> Result<bool, Failure> {
    if found.is_empty() {
        return Err(Failure::nothing(&options.folder, "no OTA file in this folder"));
    }
    let note = |text: String| complain(format_args!("note: {text}"));
    let kept = match &options.keep {
        None => None,
        Some(path) => {
            let (kept, dropped) = Kept::new(read_index(path)?, &found.files);
            dropped.into_iter().for_each(|text| note(format!("{}: {text}", path.to_string_lossy())));
            Some(kept)
        }
    };
    let mut index = Index::new(form);
    for facts in &found.files {
        let entry = facts.placed(&options.base_url, form);
        let mut entries = match &kept {
            Some(kept) => kept.entries_of(facts, &found.files, &entry, note),
            None => vec![entry],
        };
        if let Some(device) = facts.destination {
            note(format!(
                "{}: for the device {device} alone, and an index offers it to all of the image type",
                facts.path
            ));
        }
        let hardware = options.hardware || found.files.iter().any(|other| facts.is_for_other_hardware(other));
        for entry in &mut entries {
            if let Some(range) = facts.hardware.filter(|_| hardware) {
                entry.restrictions = entry.restrictions.clone().with_hardware(range);
            }
        }
        index.entries.append(&mut entries);
    }
    for (path, fault) in &found.damaged {
        complain(Failure::at(&options.folder.join(path), format_args!("left out: {fault}")));
    }
    let text = index.to_json().map_err(|error| Failure::Said(error.to_string()))?;
    // The entries are compared in the written form, in which an entry for several models becomes several entries.
    let written = Index::parse(text.as_bytes()).map_err(|error| Failure::Said(error.to_string()))?;
    let count = written.entries.len();
    compare_with_folder::never_taken(written).into_iter().for_each(note);
    match &options.to {
        None => out.write_all(terminal_escape::json(&text).as_bytes())?,
        Some(to) if replace(to, text.as_bytes())? => {
            writeln!(out, "{}: {count} entries", terminal_escape::path(to))?;
        }
        Some(_) => {}
    }
    Ok(found.damaged.is_empty())
}

fn check(
    options: &Options,
    path: &Path,
    index: &Index,
    found: &Found,
    out: &mut impl Write,
) -> Result<bool, Failure> {
    if found.is_empty() && index.entries.is_empty() {
        return Err(Failure::nothing(&options.folder, "no OTA file in this folder, and none in the index"));
    }
    let Compared { mut differences, notes } =
        compare_with_folder::all(index, &found.files, &options.base_url);
    differences.extend(found.damaged.iter().map(|(path, fault)| format!("{path}: {fault}")));
    for difference in &differences {
        writeln!(out, "{}", terminal_escape::text(difference))?;
    }
    notes.iter().for_each(|note| complain(format_args!("note: {note}")));
    writeln!(
        out,
        "{}: {} entries, {} files, {} differences",
        terminal_escape::path(path),
        index.entries.len(),
        found.files.len(),
        differences.len()
    )?;
    Ok(differences.is_empty())
}

/// Reads an index.
pub fn read_index(path: &Path) -> Result<Index, Failure> {
    let text = fs::read(path).map_err(|error| Failure::at(path, error))?;
    Index::parse(&text).map_err(|error| Failure::at(path, error))
}
