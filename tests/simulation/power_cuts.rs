//! Power failures at every block and in every state of an upgrade.

use zigbee_ota_sim::simulation::PowerCut;

use crate::{Files, MILLI, MODES, all_is_well, slow};

#[test]
fn an_image_survives_a_power_cut_at_every_block() {
    let files = Files::of(3000);
    let blocks = files.run(slow).clients[0].blocks;
    assert_eq!(blocks, 47);
    for (write, transfer) in [0, 2 * MILLI].into_iter().flat_map(|write| MODES.map(|mode| (write, mode))) {
        for block in 1..=blocks {
            let report = files.run(|settings| {
                slow(settings);
                settings.client.transfer = transfer;
                settings.device.write = write;
                settings.cuts = vec![(1, PowerCut::Block(block))];
            });
            assert!(all_is_well(&report), "{transfer:?}, block {block}: {report:#?}");
            let life = report.clients[0];
            // Repeated bytes: less than a sector, the block in progress, and blocks stored beyond a gap or at the end
            // of a page.
            let again = if transfer == MODES[0] { 5 } else { 20 };
            assert!(life.cuts == 1 && life.blocks <= blocks + again, "{transfer:?}, block {block}: {life:?}");
        }
    }
}

/// A power failure after every frame, timer call and answer of an upgrade, in every state of the client.
#[test]
fn an_image_survives_a_power_cut_in_every_state() {
    let files = Files::of(500);
    let inputs = files.run(slow).clients[0].inputs;
    assert!(inputs > 20, "{inputs}");
    for (input, transfer) in (1..inputs).flat_map(|input| MODES.map(|mode| (input, mode))) {
        for second in 1..=3 {
            let report = files.run(|settings| {
                slow(settings);
                settings.client.transfer = transfer;
                settings.cuts = vec![(1, PowerCut::Input(input)), (1, PowerCut::Input(input + second))];
            });
            assert!(all_is_well(&report), "{transfer:?}, input {input}: {report:#?}");
            assert!((1..=2).contains(&report.clients[0].cuts), "input {input}");
        }
    }
}
