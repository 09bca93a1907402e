//! What `upgrade --json` prints.

use crate::input_files::{CA, shelf};
use crate::run::run;
use crate::run_tool::IDS;
use crate::snapshots;

/// What the simulation measures.
const MEASURED: [&str; 7] = [
    "frames_to_client",
    "frames_to_server",
    "requests_repeated",
    "simulated_ms",
    "goodput_bytes_per_s",
    "frames",
    "share_of_limit",
];

/// Upgrades that end well and badly, and the comparison of the ways to transfer.
#[test]
fn upgrades_have_their_fields_and_words() {
    let folder = shelf();
    folder.write("another", folder.create(&format!("{IDS} --upgrade-dest 0123456789abcdef -l 8")));
    // The version that stands for any, which no device ever runs.
    folder.write("any", folder.create("-v 0xffffffff -m 0x1001 -i 0x1011 -l 8"));
    let stranger = format!("upgrade --json {CA} --signer 00124b00aabbccde signed");
    let mut found = String::new();
    for line in [
        "upgrade --json plain",
        "upgrade --json --cut-power-at 50 plain",
        "upgrade --json --loss 1 plain",
        "upgrade --json another",
        "upgrade --json any",
        &stranger,
        "upgrade --json --compare plain",
        "upgrade --json --compare --latency 10 plain",
    ] {
        let ran = run(&folder, line);
        found += &format!("$ {line}\n");
        found.extend(ran.out.lines().map(|line| snapshots::spread(&snapshots::masked(line, &MEASURED))));
    }
    snapshots::compare("upgrade.txt", &found);
}
