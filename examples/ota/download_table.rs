//! Table of downloads: the progress of each device, its pace and its losses.

use std::io::{self, Write};

use zigbee_ota::aps::Address;
use zigbee_ota::observer::Download;
use zigbee_ota::time::Millis;

use crate::overheard_image_assembly::Recovered;

/// Titles of the columns of numbers, with their widths.
const COLUMNS: [(&str, usize); 10] = [
    ("percent", 7),
    ("bytes", 9),
    ("B/s", 6),
    ("seconds", 8),
    ("requests", 8),
    ("repeated", 12),
    ("blocks", 7),
    ("bytes again", 11),
    ("waits", 5),
    ("longest silence", 15),
];

/// Prints a line for each download.
pub fn print(recovered: &Recovered, out: &mut impl Write) -> io::Result<()> {
    let downloads = recovered.downloads();
    if downloads.is_empty() {
        return Ok(());
    }
    line(out, "device", "image", &COLUMNS.map(|(title, _)| title.to_owned()), "end")?;
    for download in downloads {
        let numbers = numbers(&download, recovered.is_timed);
        line(out, &device(&download), &download.image().to_string(), &numbers, &end(&download))?;
    }
    if !recovered.is_timed {
        writeln!(out, "  note: not every frame has a time, so B/s, seconds and silence are not known")?;
    }
    Ok(())
}

fn line(
    out: &mut impl Write,
    device: &str,
    image: &str,
    numbers: &[String; COLUMNS.len()],
    end: &str,
) -> io::Result<()> {
    write!(out, "  {device:<12}  {image:<18}")?;
    for (number, (_, width)) in numbers.iter().zip(COLUMNS) {
        write!(out, "  {number:>width$}")?;
    }
    writeln!(out, "  {end}")
}

/// Returns the address of the device. The frames of a text input have no addresses.
pub fn device(download: &Download<'_>) -> String {
    match download.client() {
        None | Some(Address::UNKNOWN) => "unknown".into(),
        Some(address) => address.to_string(),
    }
}

/// Returns the words for the end of the download, in the table and in the picture.
pub fn end(download: &Download<'_>) -> String {
    download.end().map_or_else(|| "none heard".into(), |end| end.to_string())
}

/// Formats a duration in seconds with one decimal.
pub fn seconds(Millis(millis): Millis) -> String {
    format!("{}.{}", millis / 1000, millis % 1000 / 100)
}

/// Formats the share of `part` in `whole` as a rounded percentage.
fn share(part: u32, whole: u32) -> String {
    let percent = (u64::from(part) * 100 + u64::from(whole) / 2).checked_div(whole.into());
    percent.map_or_else(|| part.to_string(), |percent| format!("{part} ({percent} %)"))
}

fn numbers(download: &Download<'_>, is_timed: bool) -> [String; COLUMNS.len()] {
    let unknown = || "-".to_owned();
    let timed = |text: Option<String>| text.filter(|_| is_timed).unwrap_or_else(unknown);
    let took = download.last().zip(download.first()).map(|(last, first)| last.since(first));
    let counts = download.counts();
    [
        download.percent().map_or_else(unknown, |percent| percent.to_string()),
        download.bytes().to_string(),
        timed(download.goodput().map(|pace| pace.to_string())),
        timed(took.map(seconds)),
        counts.requests.to_string(),
        share(counts.repeated_requests, counts.requests),
        counts.blocks.to_string(),
        counts.repeated_bytes.to_string(),
        counts.waits.to_string(),
        timed(Some(seconds(download.longest_silence()))),
    ]
}
