//! Simulated networks with every kind of fault: no rule is violated, and every client ends.
//!
//! By default a thousand random networks are simulated; `SIM_WORLDS=10000` sets another number. `SIM_SEED=n` simulates
//! the one network of that seed and prints its events: `SIM_SEED=7 cargo test --test simulation random -- --nocapture`.

use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

use zigbee_ota::client::TransferMode;
use zigbee_ota::file::SplitFile;
use zigbee_ota::server::StoreEntry;
use zigbee_ota::time::Millis;
use zigbee_ota_sim::simulation::{DeviceSettings, Report, Settings, Simulation};
use zigbee_ota_sim::{Micros, file_of};

mod fleet;
mod frame_faults;
mod power_cuts;
mod random_networks;
mod server_and_network_faults;

/// Transfer modes under test.
const MODES: [TransferMode; 4] = [
    TransferMode::Blocks { window: NonZeroU8::MIN },
    TransferMode::Blocks { window: NonZeroU8::new(4).unwrap() },
    TransferMode::Pages { size: NonZeroU16::new(600).unwrap(), spacing: 0 },
    TransferMode::Auto,
];

const MILLI: Micros = 1000;
const SECOND: Micros = 1_000_000;

/// Files of two versions of an image.
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

/// Hardware with word-wise, slow flash and a slow application.
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
    settings.net.faults.delay = 10 * MILLI;
}

/// Whether every client was upgraded without a violated rule.
fn all_is_well(report: &Report) -> bool {
    report.all_upgraded() && report.violations.is_empty()
}
