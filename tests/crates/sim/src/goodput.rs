//! How fast a client gets a file over the radio channel: one cell of a table.

use std::ops::Range;

use zigbee_ota::file::SplitFile;
use zigbee_ota::server::StoreEntry;

use crate::Micros;
use crate::net::{self, Hazards, Hops};
use crate::radio::timing;
use crate::sample_files::file_of;
use crate::simulation::{DeviceSettings, HostSettings, Report, Settings, Simulation};

/// A channel, a server and a device. Without APS acknowledgements, as those that are fast do it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// From the server to the client; relays take no time of their own.
    pub hops: u16,
    /// What the server takes for each answer; it works on many at a time.
    pub server_delay: Micros,
    /// Share of the frames that are lost, end to end.
    pub loss: f64,
    /// What flash takes for a block.
    pub write: Micros,
    /// The most bytes of data in a block.
    pub block: u8,
    /// Bytes of the file.
    pub bytes: usize,
}

impl Cell {
    /// One hop, a server that takes 10 ms, flash that takes 2 ms, nothing lost; 64 KB in blocks of 64 bytes.
    pub const USUAL: Self =
        Self { hops: 1, server_delay: 10_000, loss: 0.0, write: 2000, block: 64, bytes: 64_000 };

    /// Bytes per second that the channel carries, if nobody loses any time.
    #[must_use]
    pub fn limit(&self) -> f64 {
        timing::limit(self.hops, self.block)
    }

    /// The world of the cell with one of its seeds.
    #[must_use]
    pub fn settings(&self, file: &SplitFile<'_>, seed: u64) -> Settings {
        let mut plain = Settings::new(file);
        plain.client.max_block_size = self.block.try_into().expect("a block has bytes");
        Settings {
            seed,
            device: DeviceSettings { write: self.write, ..DeviceSettings::default() },
            host: HostSettings { delay: self.server_delay, ..HostSettings::default() },
            net: net::Settings {
                radio: Some(Hops { hops: self.hops, relay_delay: 0 }),
                hazards: Hazards::losing(self.loss),
                ..net::Settings::default()
            },
            ..plain
        }
    }

    /// Runs a download for each seed; `change` has the last word on the world, above all on what its client is told.
    ///
    /// # Panics
    /// A client does not upgrade, or breaks a law: then its speed means nothing.
    #[must_use]
    pub fn measure(&self, seeds: Range<u64>, change: impl Fn(&mut Settings)) -> Goodput {
        let file = file_of(self.bytes, 0);
        let parts = SplitFile::parse(&file).expect("a file of our own");
        let entries = [StoreEntry::new(&parts)];
        let runs = seeds.map(|seed| {
            let mut settings = self.settings(&parts, seed);
            change(&mut settings);
            let report = Simulation::new(&settings, &entries).run();
            assert!(report.all_upgraded() && report.broken.is_empty(), "{self:?}: {report:#?}");
            report
        });
        Goodput::of(&runs.collect::<Vec<_>>())
    }
}

/// What some runs of a cell were like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goodput {
    /// Bytes per second, the mean.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// The slowest run.
    pub least: f64,
    /// The fastest.
    pub most: f64,
    /// Frames that the client and the server sent, the mean.
    pub frames: f64,
    /// Requests that the client sent again, the mean.
    pub repeats: f64,
    /// Share of the transmissions that collided.
    pub collisions: f64,
}

impl Goodput {
    fn of(runs: &[Report]) -> Self {
        let mean = |value: &dyn Fn(&Report) -> f64| runs.iter().map(value).sum::<f64>() / runs.len() as f64;
        let goodput = |run: &Report| run.lives[0].goodput();
        let middle = mean(&goodput);
        let all = || runs.iter().map(goodput);
        Self {
            mean: middle,
            deviation: mean(&|run| (goodput(run) - middle).powi(2)).sqrt(),
            least: all().fold(f64::INFINITY, f64::min),
            most: all().fold(0.0, f64::max),
            frames: mean(&|run| f64::from(run.lives[0].sent.total()) + run.server.total() as f64),
            repeats: mean(&|run| f64::from(run.lives[0].sent.repeats)),
            collisions: mean(&|run| run.traffic.collisions as f64)
                / mean(&|run| run.traffic.transmissions as f64),
        }
    }
}
