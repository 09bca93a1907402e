//! Comparison of the transfer modes on the same link.

use std::num::{NonZeroU8, NonZeroU16};
use std::ops::Range;

use serde_json::{Value, json};
use zigbee_ota::client::TransferMode;
use zigbee_ota::file::SplitFile;

use zigbee_ota_sim::Micros;
use zigbee_ota_sim::ideal_nodes::Oracle;

use crate::output_lines;
use crate::{Options, WRITE, report, upgrade};

/// Seeds of the random numbers in the runs of the oracle.
const SEEDS: Range<u64> = 0..4;

const MODES: [(&str, TransferMode); 6] = [
    ("stop-and-wait", TransferMode::Blocks { window: NonZeroU8::MIN }),
    ("window 2", TransferMode::Blocks { window: NonZeroU8::new(2).unwrap() }),
    ("window 4", TransferMode::Blocks { window: NonZeroU8::new(4).unwrap() }),
    ("window 8", TransferMode::Blocks { window: NonZeroU8::new(8).unwrap() }),
    ("page 4096", TransferMode::Pages { size: NonZeroU16::new(4096).unwrap(), spacing: 0 }),
    ("auto", TransferMode::Auto),
];

/// Simulates one upgrade with each transfer mode. Returns whether all upgrades succeeded.
pub fn run(options: &Options, parts: &SplitFile<'_>) -> Result<bool, String> {
    let limit = options.link.limit(options.block.get());
    let oracle = Oracle {
        net: options.link.settings(options.block.get()),
        block: options.block.get(),
        blocks: u32::try_from(parts.file.len().div_ceil(usize::from(options.block.get())))
            .map_err(|_| "the file is too long to count its blocks")?,
        server_delay: Micros::from(options.server_delay) * 1000,
        between: 0,
        store: WRITE,
    };
    let (mut lines, mut all_upgraded) = (Vec::new(), true);
    for (mode, transfer) in MODES {
        let report = upgrade(options, parts, transfer)?;
        let life = report.clients[0];
        let frames = u64::from(life.sent.total()) + report.server.total();
        let share = limit.map(|limit| life.goodput() / limit);
        let of_oracle = oracle.goodput(transfer, SEEDS).map(|best| life.goodput() / best);
        if !life.is_upgraded() {
            output_lines::complain(format_args!(
                "upgrade: {mode}: the device was not upgraded: {}",
                report::reason(&life)
            ));
            all_upgraded = false;
        }
        lines.push((mode, life.goodput(), share, of_oracle, frames));
    }
    if options.json {
        let lines = lines.into_iter().map(|(mode, goodput, share, of_oracle, frames)| {
            json!({
                "mode": mode,
                "goodput_bytes_per_s": goodput,
                "share_of_limit": share,
                "share_of_oracle": of_oracle,
                "frames": frames,
            })
        });
        output_lines::line(format_args!("{}", Value::Array(lines.collect())));
    } else {
        output_lines::line(format_args!(
            "{:<14} {:>9} {:>9} {:>10} {:>8}",
            "mode", "bytes/s", "of limit", "of oracle", "frames"
        ));
        for (mode, goodput, share, of_oracle, frames) in lines {
            let percent =
                |share: Option<f64>| share.map_or("-".into(), |share| format!("{:.0} %", 100.0 * share));
            let (share, of_oracle) = (percent(share), percent(of_oracle));
            output_lines::line(format_args!(
                "{mode:<14} {goodput:>9.0} {share:>9} {of_oracle:>10} {frames:>8}"
            ));
        }
    }
    Ok(all_upgraded)
}
