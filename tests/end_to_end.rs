//! End-to-end upgrades: client and server over a lossy link on virtual time.

use std::num::NonZeroU8;

use proptest::prelude::*;
use zigbee_ota::ImageId;
use zigbee_ota::client::Outcome;
use zigbee_ota::file::{Element, FileHeader, FileWriter, SplitFile, Tag};
use zigbee_ota::server::StoreEntry;
use zigbee_ota::time::Millis;
use zigbee_ota::{Encode, FileVersion};
use zigbee_ota_sim::{SingleUpgrade, UpgradeEnd, UpgradeReport, UpgradeSettings, demonstration_file};

/// File of `size` bytes, at least 62, with random content drawn from `seed`.
fn file(size: usize, seed: u64) -> Vec<u8> {
    let mut data = vec![0; size - 62];
    fastrand::Rng::with_seed(seed).fill(&mut data);
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &data }];
    let header = FileHeader::new(ImageId::new(0x1001, 0x0001, 7));
    let mut bytes = vec![0; size];
    FileWriter::new(header, &elements).unwrap().encode(&mut bytes).unwrap();
    bytes
}

fn upgrade(file: &[u8], settings: &UpgradeSettings) -> UpgradeReport {
    let parts = SplitFile::parse(file).unwrap();
    let entries = [StoreEntry::new(&parts)];
    SingleUpgrade::new(&entries, &parts, settings).run(|_| {})
}

fn is_upgraded(report: &UpgradeReport) -> bool {
    report.identical && matches!(report.end, UpgradeEnd::Client(Outcome::Upgraded(_)))
}

/// Shows: FILE-040, FILE-065, ESP-037
#[test]
fn without_loss_no_superfluous_frame_is_sent() {
    for (size, block, blocks) in [(1001, 100, 11), (1000, 100, 10), (1000, 1, 1000), (62, 255, 1)] {
        let settings =
            UpgradeSettings { block: NonZeroU8::new(block).unwrap(), ..UpgradeSettings::default() };
        let report = upgrade(&file(size, 1), &settings);
        assert!(is_upgraded(&report), "{report:?}");
        assert_eq!(report.blocks, blocks);
        // Query, blocks, Upgrade End Request, and the Default Response to the notify.
        assert_eq!(report.frames_to_server, 1 + blocks + 1 + 1);
        assert_eq!(report.frames_to_client, 1 + 1 + blocks + 1);
        assert_eq!(report.requests_repeated, 0);
        // No pause besides the round trip: 10 ms to the server, 10 ms for the response, 10 ms back.
        assert_eq!(report.download, Millis(30 * u32::try_from(blocks).unwrap()));
    }
}

/// Shows: CLI-066
#[test]
fn lost_frames_delay_an_upgrade_and_do_not_end_it() {
    let file = file(20_000, 2);
    for loss in [0.01, 0.05, 0.2] {
        for seed in 0..20 {
            let report = upgrade(&file, &UpgradeSettings { loss, seed, ..UpgradeSettings::default() });
            assert!(is_upgraded(&report), "loss {loss}, seed {seed}: {report:?}");
            assert_eq!(report.blocks, 313, "no block is stored twice");
        }
    }
}

#[test]
fn one_percent_of_loss_costs_less_than_five_percent_of_speed() {
    let file = demonstration_file();
    let download = |loss, seed| {
        let report =
            upgrade(&file, &UpgradeSettings { loss, seed, latency: Millis(7), ..UpgradeSettings::default() });
        assert!(is_upgraded(&report));
        f64::from(report.download.0)
    };
    let lossless = download(0.0, 0);
    let lossy: f64 = (0..10).map(|seed| download(0.01, seed)).sum::<f64>() / 10.0;
    assert!(lossless / lossy >= 0.95, "{:.3} of the speed is kept", lossless / lossy);
}

#[test]
fn a_dead_link_ends_the_run_with_a_reason() {
    let report = upgrade(&file(1000, 3), &UpgradeSettings { loss: 1.0, ..UpgradeSettings::default() });
    assert_eq!((report.end, report.identical, report.blocks), (UpgradeEnd::Stalled, false, 0));
}

#[test]
fn a_seed_reproduces_its_run() {
    let run =
        |seed| upgrade(&file(5000, 4), &UpgradeSettings { loss: 0.1, seed, ..UpgradeSettings::default() });
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Shows: CLI-004
    #[test]
    fn a_client_that_upgrades_holds_the_file(
        size in 62_usize..3000,
        block in 1_u8..,
        latency in 0_u32..2000,
        server_delay in 0_u32..2000,
        loss in 0.0..0.3,
        seed: u64,
    ) {
        let settings = UpgradeSettings {
            block: NonZeroU8::new(block).unwrap(),
            latency: Millis(latency),
            server_delay: Millis(server_delay),
            loss,
            seed,
            ..UpgradeSettings::default()
        };
        let report = upgrade(&file(size, seed), &settings);
        prop_assert!(is_upgraded(&report), "{report:?}");
    }
}

/// Upgrades with vendors' files: every file that starts with its header is served, whatever its body; other files are
/// refused.
#[test]
fn vendors_files_are_served_and_stored() {
    let Some(folder) = std::env::var_os("OTA_CORPUS") else {
        eprintln!("SKIPPED: OTA_CORPUS names no folder of real files");
        return;
    };
    let mut upgraded = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let Ok(parts) = SplitFile::parse(&bytes) else { continue };
        assert_ne!(parts.header.id.version, FileVersion::ANY);
        for loss in [0.0, 0.05] {
            let report = upgrade(&bytes, &UpgradeSettings { loss, ..UpgradeSettings::default() });
            assert!(is_upgraded(&report), "{}: {report:?}", path.display());
        }
        upgraded += 1;
    }
    assert!(upgraded >= 26, "only {upgraded} files were taken");
}
