//! Tests of the crate against models of other stacks: their frames byte by byte, and simulations with a model as client
//! or server.
//!
//! `model_frames/*.txt` pin the models by literal frames. `other_stack_cannot_finish.tsv` lists the simulations that the other stack
//! cannot finish in time by its own fault, with the reason. `known_failures.tsv` lists the simulations that fail by a
//! fault of this crate, with the row of the requirement. Both lists are exact: a passing simulation must be removed
//! from its list.
//!
//! Variables of the environment: `SIM_WORLDS=10000` runs ten times as many seeds and moments as `SIM_WORLDS=1000`, the
//! default, and may find more worlds of the listed kinds; with `SIM_WORLDS=100`, a listed simulation may pass, because
//! the seed or moment at which it fails is not run; `WORLD=name` and `SIM_SEED=n`, with `-- --nocapture`, print
//! the events of one world; `SHRINK_LISTS=1` removes worlds that pass from the lists; `WRITE_FRAMES=1` and
//! `WRITE_SPEED=1` write the frames and the table of speeds anew.

use std::env;
use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

use zigbee_ota::client::TransferMode;
use zigbee_ota::file::SplitFile;
use zigbee_ota::server::StoreEntry;
use zigbee_ota_sim::foreign::ServerModel;
use zigbee_ota_sim::simulation::{DeviceSettings, Report, Settings, Simulation};
use zigbee_ota_sim::{Micros, file_of};

mod client_with_foreign_servers;
mod download_speed;
mod expected_failures;
mod frame_faults;
mod model_frames;
mod random_networks;
mod recovery;
mod server_with_foreign_clients;

const MILLI: Micros = 1000;
const SECOND: Micros = 1_000_000;
const MINUTE: Micros = 60 * SECOND;
const HOUR: Micros = 60 * MINUTE;

/// Transfer modes under test, with their names.
const MODES: [(&str, TransferMode); 4] = [
    ("blocks", TransferMode::Blocks { window: NonZeroU8::MIN }),
    ("window", TransferMode::Blocks { window: NonZeroU8::new(4).unwrap() }),
    ("pages", TransferMode::Pages { size: NonZeroU16::new(600).unwrap(), spacing: 0 }),
    ("auto", TransferMode::Auto),
];

/// Hardware with flash that takes time; files are verified by their digest.
const DEVICE: DeviceSettings = DeviceSettings {
    sector: NonZeroU32::new(256).unwrap(),
    erase: MILLI,
    write: 2 * MILLI,
    think: 50 * MILLI,
    boot: 300 * MILLI,
    sleep: None,
    digest: true,
};

/// Value of `SIM_WORLDS` by default.
const USUAL_WORLDS: u64 = 1000;

/// Value of `SIM_WORLDS`.
fn worlds() -> u64 {
    env::var("SIM_WORLDS").map_or(USUAL_WORLDS, |text| text.parse().expect("SIM_WORLDS is a number"))
}

/// Number of seeds or moments of a test, of which `usual` are the default.
fn depth(usual: u64) -> u64 {
    (usual * worlds() / USUAL_WORLDS).max(1)
}

/// Runs a simulation with files of two versions.
fn run(size: usize, change: impl FnOnce(&mut Settings)) -> Report {
    run_files([0, 1].map(|version| file_of(size, version)), change)
}

/// Returns a file and the same file built anew: id and size are equal, and all bytes of the firmware differ.
fn rebuilt(size: usize) -> [Vec<u8>; 2] {
    let file = file_of(size, 0);
    let (head, firmware) = file.split_at(62);
    let other = [head, &firmware.iter().map(|byte| !byte).collect::<Vec<_>>()].concat();
    [file, other]
}

/// Runs a simulation with a file and its next version.
fn run_files(files: [Vec<u8>; 2], change: impl FnOnce(&mut Settings)) -> Report {
    let parts = files.each_ref().map(|file| SplitFile::parse(file).expect("a file of our own"));
    let entries = parts.each_ref().map(StoreEntry::new);
    let mut settings = Settings::new(&parts[0]);
    settings.device = DEVICE;
    settings.net.faults.delay = 10 * MILLI;
    // A day of silence is a failure, an outcome without success is none.
    (settings.persistent, settings.longest) = (true, 6 * HOUR);
    change(&mut settings);
    Simulation::new(&settings, &entries).run()
}

/// Sets the server model of another stack, and the limits of its network.
fn serve(settings: &mut Settings, model: ServerModel) {
    settings.host.model = Some(model);
    if model.block > 64 {
        settings.client.max_block_size = NonZeroU8::new(223).expect("a block has bytes");
    }
}

/// Whether every client runs the image that it was offered, and no rule was violated.
fn all_is_well(report: &Report) -> bool {
    report.all_upgraded() && report.violations.is_empty()
}

/// Number of frames of both sides.
fn frames(report: &Report) -> u64 {
    report.clients.iter().map(|life| u64::from(life.sent.total())).sum::<u64>() + report.server.total()
}
