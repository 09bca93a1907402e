//! Worlds in which all goes wrong that can: whatever happens, no law is broken, and every client comes to an end.
//!
//! By default a thousand random worlds are run; `SIM_WORLDS=10000` runs as many. `SIM_SEED=n` runs the one world of
//! that seed and prints what happens in it: `SIM_SEED=7 cargo test --test simulation random -- --nocapture`.

use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

use zigbee_ota::client::TransferMode;
use zigbee_ota::file::SplitFile;
use zigbee_ota::server::StoreEntry;
use zigbee_ota::time::Millis;
use zigbee_ota_sim::simulation::{DeviceSettings, Report, Settings, Simulation};
use zigbee_ota_sim::{Micros, file_of};

mod fleet;
mod frame_faults;
mod network_faults;
mod power_cuts;
mod random_networks;

/// The ways to transfer.
const MODES: [TransferMode; 4] = [
    TransferMode::Blocks { window: NonZeroU8::MIN },
    TransferMode::Blocks { window: NonZeroU8::new(4).unwrap() },
    TransferMode::Pages { size: NonZeroU16::new(600).unwrap(), spacing: 0 },
    TransferMode::Auto,
];

const MILLI: Micros = 1000;
const SECOND: Micros = 1_000_000;

/// Two versions of an image.
struct Files([Vec<u8>; 2]);

impl Files {
    fn of(size: usize) -> Self {
        Self([0, 1].map(|version| file_of(size, version)))
    }

    fn run(&self, change: impl FnOnce(&mut Settings)) -> Report {
        let parts = self.0.each_ref().map(|file| SplitFile::parse(file).unwrap());
        let entries = parts.each_ref().map(StoreEntry::new);
        let mut settings = Settings::new(&parts[0]);
        change(&mut settings);
        Simulation::new(&settings, &entries).run()
    }
}

/// Flash with words, sectors and times; an application that thinks.
const SLOW_FLASH: DeviceSettings = DeviceSettings {
    sector: NonZeroU32::new(256).unwrap(),
    erase: 20 * MILLI,
    write: 2 * MILLI,
    think: 50 * MILLI,
    boot: 300 * MILLI,
    sleep: None,
    digest: false,
};

fn slow(settings: &mut Settings) {
    settings.device = SLOW_FLASH;
    settings.client.write_size = NonZeroU8::new(8).unwrap();
    // Who had no checkpoint asks again soon.
    settings.client.first_query_delay = Millis::from_secs(1);
    settings.net.hazards.delay = 10 * MILLI;
}

/// Every client is upgraded, and no law is broken.
fn all_is_well(report: &Report) -> bool {
    report.all_upgraded() && report.broken.is_empty()
}
