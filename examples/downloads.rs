//! Analyser of captured frames, which prints the progress, the pace and the losses of each download.
//!
//! An input line contains the time in seconds, the sender, the receiver (each a network address and an endpoint), and
//! the ZCL frame in hexadecimal: `12.04 0x1234/1 0x0000/1 010703000110ab0002000000000000003f`.
//! `cargo run --example downloads < frames.txt` prints some lines about each download on standard output. Lines that
//! cannot be read are reported on standard error.

use std::io;
use std::time::Duration;

use zigbee_ota::aps::Address;
use zigbee_ota::observer::{Assembly, Conversation, Download, DownloadSlot, HeardRange, Observer};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::zcl::{Frame, Quirks};

use output_lines::{complain, line};

#[path = "common/output_lines.rs"]
mod output_lines;

fn main() -> io::Result<()> {
    // The observer and the assembly get their memory here. The storage `()` keeps no bytes of the images.
    let mut observer = Observer::new(vec![Conversation::EMPTY; 64]);
    let mut assembly = Assembly::new(vec![DownloadSlot::EMPTY; 256], vec![HeardRange::EMPTY; 65_536]);

    for (number, text) in (1..).zip(io::stdin().lines()) {
        let Some((time, from, to, bytes)) = parse(&text?) else {
            complain(format_args!("line {number}: expected SECONDS FROM TO HEX"));
            continue;
        };
        // With all quirks, the deviations of field devices are accepted.
        match Frame::decode(&bytes, Quirks::all()) {
            Ok(frame) => {
                let seen = observer.observe(from, to, &frame);
                if let Err(error) = assembly.take(time, &seen, &mut ()) {
                    complain(format_args!("line {number}: {error}"));
                }
            }
            Err(error) => complain(format_args!("line {number}: {error}")),
        }
    }
    assembly.downloads().for_each(|download| show(&download));
    Ok(())
}

fn show(download: &Download<'_>) {
    let (counts, Millis(silence)) = (download.counts(), download.longest_silence());
    let client = download.client().map_or_else(String::new, |client| client.to_string());
    line(format_args!("{client} downloads {}", download.image()));
    match download.percent() {
        Some(percent) => line(format_args!("  {} bytes, {percent} %", download.bytes())),
        None => line(format_args!("  {} bytes, of an unknown number", download.bytes())),
    }
    line(format_args!("  {} B/s, longest silence {silence} ms", download.goodput().unwrap_or(0)));
    line(format_args!("  {} of {} requests repeated", counts.repeated_requests, counts.requests));
    line(format_args!("  {} bytes sent again, {} waits", counts.repeated_bytes, counts.waits));
    line(format_args!("  {} gaps in {} blocks", download.gaps().count(), counts.blocks));
    if let Some(end) = download.end() {
        line(format_args!("  ended: {end}"));
    }
}

fn parse(line: &str) -> Option<(Instant, Address, Address, Vec<u8>)> {
    let [time, from, to, hex] = line.split_whitespace().collect::<Vec<_>>()[..] else { return None };
    let time = Duration::try_from_secs_f64(time.parse().ok()?).ok()?;
    let digits = (0..hex.len()).step_by(2).map(|at| hex.get(at..at + 2));
    let bytes = digits.map(|byte| u8::from_str_radix(byte?, 16).ok()).collect::<Option<Vec<_>>>()?;
    Some((Instant::from(time), address(from)?, address(to)?, bytes))
}

fn address(text: &str) -> Option<Address> {
    let (network, endpoint) = text.strip_prefix("0x")?.split_once('/')?;
    Some(Address::new(u16::from_str_radix(network, 16).ok()?, endpoint.parse().ok()?))
}
