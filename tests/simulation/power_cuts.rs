//! The power fails.

use zigbee_ota_sim::simulation::Cut;

use crate::{Files, MILLI, MODES, all_is_well, slow};

#[test]
fn an_image_survives_a_power_cut_at_every_block() {
    let files = Files::of(3000);
    let blocks = files.run(slow).lives[0].blocks;
    assert_eq!(blocks, 47);
    for (write, transfer) in [0, 2 * MILLI].into_iter().flat_map(|write| MODES.map(|mode| (write, mode))) {
        for block in 1..=blocks {
            let report = files.run(|settings| {
                slow(settings);
                settings.client.transfer = transfer;
                settings.device.write = write;
                settings.cuts = vec![(1, Cut::Block(block))];
            });
            assert!(all_is_well(&report), "{transfer:?}, block {block}: {report:#?}");
            let life = report.lives[0];
            // What is fetched again is less than a sector, the block that was being written, and what was there
            // beyond a gap or ends with a page.
            let again = if transfer == MODES[0] { 5 } else { 20 };
            assert!(life.cuts == 1 && life.blocks <= blocks + again, "{transfer:?}, block {block}: {life:?}");
        }
    }
}

/// After every frame, moment and answer of an upgrade, in whatever state the client is then.
#[test]
fn an_image_survives_a_power_cut_in_every_state() {
    let files = Files::of(500);
    let inputs = files.run(slow).lives[0].inputs;
    assert!(inputs > 20, "{inputs}");
    for (input, transfer) in (1..inputs).flat_map(|input| MODES.map(|mode| (input, mode))) {
        for second in 1..=3 {
            let report = files.run(|settings| {
                slow(settings);
                settings.client.transfer = transfer;
                settings.cuts = vec![(1, Cut::Input(input)), (1, Cut::Input(input + second))];
            });
            assert!(all_is_well(&report), "{transfer:?}, input {input}: {report:#?}");
            assert!((1..=2).contains(&report.lives[0].cuts), "input {input}");
        }
    }
}
