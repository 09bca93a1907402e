//! Comparison of the transfer modes on the same link.

use std::num::{NonZeroU8, NonZeroU16};

use serde_json::{Value, json};
use zigbee_ota::client::TransferMode;
use zigbee_ota::file::SplitFile;

use crate::output_lines;
use crate::{Options, report, upgrade};

const MODES: [(&str, TransferMode); 6] = [
    ("stop-and-wait", TransferMode::Blocks { window: NonZeroU8::MIN }),
    ("window 2", TransferMode::Blocks { window: NonZeroU8::new(2).unwrap() }),
    ("window 4", TransferMode::Blocks { window: NonZeroU8::new(4).unwrap() }),
    ("window 8", TransferMode::Blocks { window: NonZeroU8::new(8).unwrap() }),
    ("page 4096", TransferMode::Pages { size: NonZeroU16::new(4096).unwrap(), spacing: 0 }),
    ("auto", TransferMode::Auto),
];

/// Upgrades with each transfer mode; returns whether all succeeded.
pub fn run(options: &Options, parts: &SplitFile<'_>) -> Result<bool, String> {
    let limit = options.link.limit(options.block.get());
    let (mut lines, mut all_upgraded) = (Vec::new(), true);
    for (mode, transfer) in MODES {
        let report = upgrade(options, parts, transfer)?;
        let life = report.clients[0];
        let frames = u64::from(life.sent.total()) + report.server.total();
        let share = limit.map(|limit| life.goodput() / limit);
        if !life.is_upgraded() {
            output_lines::complain(format_args!(
                "upgrade: {mode}: the device was not upgraded: {}",
                report::reason(&life)
            ));
            all_upgraded = false;
        }
        lines.push((mode, life.goodput(), share, frames));
    }
    if options.json {
        let lines = lines.into_iter().map(|(mode, goodput, share, frames)| {
            json!({
                "mode": mode,
                "goodput_bytes_per_s": goodput,
                "share_of_limit": share,
                "frames": frames,
            })
        });
        output_lines::line(format_args!("{}", Value::Array(lines.collect())));
    } else {
        output_lines::line(format_args!("{:<14} {:>9} {:>9} {:>8}", "mode", "bytes/s", "of limit", "frames"));
        for (mode, goodput, share, frames) in lines {
            let share = share.map_or("-".into(), |share| format!("{:.0} %", 100.0 * share));
            output_lines::line(format_args!("{mode:<14} {goodput:>9.0} {share:>9} {frames:>8}"));
        }
    }
    Ok(all_upgraded)
}
