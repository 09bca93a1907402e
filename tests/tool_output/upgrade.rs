//! Output of `upgrade --json`.

use crate::input_files::{CA, shelf};
use crate::run_example::run;
use crate::run_tool::IDS;
use crate::snapshots;

/// Fields with measured numbers.
const MEASURED: [&str; 8] = [
    "frames_to_client",
    "frames_to_server",
    "requests_repeated",
    "simulated_ms",
    "goodput_bytes_per_s",
    "frames",
    "share_of_limit",
    "share_of_oracle",
];

/// Successful and failed upgrades, and the comparison of the transfer modes.
#[test]
fn upgrade_fields_and_words_are_unchanged() {
    let folder = shelf();
    folder.write("another", folder.create(&format!("{IDS} --upgrade-dest 0123456789abcdef -l 8")));
    // The wildcard version, which no device runs.
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
