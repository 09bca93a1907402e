//! Goodput measurement: one combination of channel, server and device over several seeds.

use std::ops::Range;

use zigbee_ota::file::SplitFile;
use zigbee_ota::server::StoreEntry;

use crate::Micros;
use crate::ideal_nodes::Oracle;
use crate::net::{self, Faults, Hops};
use crate::radio::timing;
use crate::sample_files::file_of;
use crate::simulation::{DeviceSettings, HostSettings, Report, Settings, Simulation};

/// Combination of channel, server and device whose goodput is measured. APS acknowledgements are off, as in fast
/// deployments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// Hops between server and client. Relays forward without delay.
    pub hops: u16,
    /// Processing time of the server for each response; the server works on many requests in parallel.
    pub server_delay: Micros,
    /// Share of the frames that are lost end to end, 0 to 1.
    pub loss: f64,
    /// Flash write time of one block.
    pub write: Micros,
    /// Maximum data size of a block in bytes.
    pub block: u8,
    /// Size of the file in bytes.
    pub bytes: usize,
}

impl Cell {
    /// Default combination: one hop, 10 ms server time, 2 ms flash time, no loss, 64 KB in blocks of 64 bytes.
    pub const USUAL: Self =
        Self { hops: 1, server_delay: 10_000, loss: 0.0, write: 2000, block: 64, bytes: 64_000 };

    /// Theoretical maximum of the channel in bytes per second.
    #[must_use]
    pub fn limit(&self) -> f64 {
        timing::limit(self.hops, self.block)
    }

    /// Returns the simulation settings of this combination for one seed.
    #[must_use]
    pub fn settings(&self, file: &SplitFile<'_>, seed: u64) -> Settings {
        let mut plain = Settings::new(file);
        plain.client.max_block_size = self.block.try_into().expect("a block has bytes");
        Settings {
            seed,
            device: DeviceSettings { write: self.write, ..DeviceSettings::default() },
            host: HostSettings { delay: self.server_delay, ..HostSettings::default() },
            net: self.net(),
            ..plain
        }
    }

    fn net(&self) -> net::Settings {
        net::Settings {
            radio: Some(Hops { hops: self.hops, relay_delay: 0 }),
            faults: Faults::losing(self.loss),
            ..net::Settings::default()
        }
    }

    /// Returns the oracle of this combination, whose goodput is what a transfer mode can reach.
    #[must_use]
    pub fn oracle(&self) -> Oracle {
        Oracle {
            net: self.net(),
            block: self.block,
            blocks: self.bytes.div_ceil(self.block.into()) as u32,
            server_delay: self.server_delay,
            between: 0,
            store: self.write,
        }
    }

    /// Simulates one download for each seed. `change` may alter the settings last, above all those of the client.
    ///
    /// # Panics
    /// If a client does not upgrade or violates a rule, because its goodput would mean nothing.
    #[must_use]
    pub fn measure(&self, seeds: Range<u64>, change: impl Fn(&mut Settings)) -> Goodput {
        let file = file_of(self.bytes, 0);
        let parts = SplitFile::parse(&file).expect("a file of our own");
        let entries = [StoreEntry::new(&parts)];
        let runs = seeds.map(|seed| {
            let mut settings = self.settings(&parts, seed);
            change(&mut settings);
            let report = Simulation::new(&settings, &entries).run();
            assert!(report.all_upgraded() && report.violations.is_empty(), "{self:?}: {report:#?}");
            report
        });
        Goodput::of(&runs.collect::<Vec<_>>())
    }
}

/// Goodput and traffic over several runs of one combination.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goodput {
    /// Mean goodput in bytes per second.
    pub mean: f64,
    /// Standard deviation of the goodput.
    pub deviation: f64,
    /// Goodput of the slowest run.
    pub least: f64,
    /// Goodput of the fastest run.
    pub most: f64,
    /// Mean number of frames that client and server sent.
    pub frames: f64,
    /// Mean number of retries by the client.
    pub repeats: f64,
    /// Share of the transmissions that collided, 0 to 1.
    pub collisions: f64,
    /// Mean time in microseconds for which the client's radio was on for each 1000 bytes.
    pub radio_on: f64,
}

impl Goodput {
    fn of(runs: &[Report]) -> Self {
        let mean = |value: &dyn Fn(&Report) -> f64| runs.iter().map(value).sum::<f64>() / runs.len() as f64;
        let goodput = |run: &Report| run.clients[0].goodput();
        let middle = mean(&goodput);
        let all = || runs.iter().map(goodput);
        Self {
            mean: middle,
            deviation: mean(&|run| (goodput(run) - middle).powi(2)).sqrt(),
            least: all().fold(f64::INFINITY, f64::min),
            most: all().fold(0.0, f64::max),
            frames: mean(&|run| f64::from(run.clients[0].sent.total()) + run.server.total() as f64),
            repeats: mean(&|run| f64::from(run.clients[0].sent.repeats)),
            collisions: mean(&|run| run.traffic.collisions as f64)
                / mean(&|run| run.traffic.transmissions as f64),
            radio_on: mean(&|run| run.clients[0].radio_on_per_kilobyte()),
        }
    }
}
