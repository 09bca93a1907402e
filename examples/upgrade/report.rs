//! Report of a simulated upgrade.

use serde_json::json;
use zigbee_ota::FileVersion;
use zigbee_ota::file::SplitFile;
use zigbee_ota_sim::simulation::{ClientReport, End, Report};

use crate::output_lines;
use crate::{Options, name, outcome_words};

/// Prints the result of the upgrade. Returns whether the upgrade succeeded.
pub fn tell(options: &Options, parts: &SplitFile<'_>, report: &Report) -> bool {
    let life = &report.clients[0];
    if options.json {
        output_lines::line(format_args!("{}", as_json(parts, report, life)));
    } else {
        print_summary(options, parts, report, life);
    }
    if !life.is_upgraded() {
        output_lines::complain(format_args!(
            "upgrade: the device was not upgraded: {}{}",
            reason(life),
            cause(parts)
        ));
    }
    life.is_upgraded()
}

fn as_json(parts: &SplitFile<'_>, report: &Report, life: &ClientReport) -> serde_json::Value {
    let id = parts.header.id;
    json!({
        "identical": life.identical,
        "manufacturer_code": id.manufacturer.0,
        "image_type": id.image_type.0,
        "file_version": id.version.0,
        "bytes": parts.file.len(),
        "blocks": life.blocks,
        "frames_to_server": life.sent.total(),
        "frames_to_client": report.server.total(),
        "requests_repeated": life.sent.repeats,
        "power_cuts": life.cuts,
        "simulated_ms": report.ended / 1000,
        "goodput_bytes_per_s": life.goodput(),
        "outcome": reason(life),
    })
}

fn print_summary(options: &Options, parts: &SplitFile<'_>, report: &Report, life: &ClientReport) {
    let id = parts.header.id;
    let elements = match parts.elements() {
        Ok(elements) => format!("{} sub-elements", elements.count()),
        Err(error) => format!("served as it is: {error}"),
    };
    output_lines::line(format_args!("file: {} ({elements})", name(options.file.as_deref())));
    output_lines::line(format_args!("image: {id}, version {}", id.version));
    output_lines::line(format_args!("bytes: {}", parts.file.len()));
    if !parts.trailing.is_empty() {
        output_lines::line(format_args!("not served: {} bytes after the image", parts.trailing.len()));
    }
    match options.link.hops(options.block.get()) {
        Some(1) => output_lines::line(format_args!("link: radio, 1 hop")),
        Some(hops) => output_lines::line(format_args!("link: radio, {hops} hops")),
        None => output_lines::line(format_args!("link: without a radio")),
    }
    output_lines::line(format_args!("blocks: {}", life.blocks));
    output_lines::line(format_args!(
        "frames: {} to the server, {} to the client",
        life.sent.total(),
        report.server.total()
    ));
    output_lines::line(format_args!("requests sent again: {}", life.sent.repeats));
    if life.cuts > 0 {
        output_lines::line(format_args!("power cuts: {}", life.cuts));
    }
    output_lines::line(format_args!("simulated time: {:.3} s", report.ended as f64 / 1e6));
    output_lines::line(format_args!(
        "goodput: {:.0} bytes/s from the first block request to the last block",
        life.goodput()
    ));
    output_lines::line(format_args!("identical: {}", if life.identical { "yes" } else { "no" }));
    output_lines::line(format_args!("outcome: {}", reason(life)));
}

/// Returns a colon and the cause of the failure if the cause is the file itself, otherwise an empty text.
fn cause(parts: &SplitFile<'_>) -> String {
    match parts.header.id.version {
        FileVersion(u32::MAX) => {
            ": file version 0xffffffff stands for any version, so a server never offers it; give the file another version".into()
        }
        _ => String::new(),
    }
}

/// Returns the reason of the end in one word, for scripts.
pub fn reason(life: &ClientReport) -> &'static str {
    match life.end {
        Some(End::Client(outcome)) => outcome_words::word(outcome),
        Some(End::NoImage(_)) => "no_image",
        Some(End::OrderedFor(_)) => "ordered_for_later",
        Some(End::Stalled) | None => "stalled",
    }
}
