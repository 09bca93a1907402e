//! Many devices behind one server, on one channel: who asks when, and when all of them are done.

use zigbee_ota::file::SplitFile;
use zigbee_ota::server::StoreEntry;
use zigbee_ota::time::Millis;
use zigbee_ota::zcl::{ImageNotify, NotifyScope};

use crate::Micros;
use crate::net::{self, Hops};
use crate::sample_files::file_of;
use crate::simulation::{DeviceSettings, HostSettings, Notify, Settings, Simulation};

/// When the first device asks that was not moved by the notify.
const LATER: Micros = 600_000_000;

/// By how much later each of them asks than the one before.
const STAGGER: Millis = Millis(2000);

/// Devices that are told at once that there is an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// How many; all hear each other.
    pub devices: u16,
    /// Of a hundred, so many shall ask at once (section 6.10.3.2.2). The others ask of their own accord, from ten minutes
    /// later on.
    pub jitter: u8,
    /// Bytes of the file.
    pub bytes: usize,
}

/// How a fleet was upgraded.
#[derive(Clone, Debug, PartialEq)]
pub struct Upgraded {
    /// Devices that began before the others' time.
    pub at_once: usize,
    /// When each was done, in seconds, the first one first.
    pub done: Vec<f64>,
    /// Share of the transmissions that collided.
    pub collisions: f64,
}

impl Fleet {
    /// Upgrades it.
    ///
    /// # Panics
    /// A device is not upgraded, or a law is broken.
    #[must_use]
    pub fn upgrade(&self, seed: u64) -> Upgraded {
        let file = file_of(self.bytes, 0);
        let parts = SplitFile::parse(&file).expect("a file of our own");
        let entries = [StoreEntry::new(&parts)];
        let mut plain = Settings::new(&parts);
        plain.client.first_query_delay = Millis(600_000);
        let notify = ImageNotify { jitter: self.jitter, scope: NotifyScope::Everyone };
        let settings = Settings {
            seed,
            clients: self.devices,
            stagger: STAGGER,
            device: DeviceSettings { write: 2000, ..DeviceSettings::default() },
            host: HostSettings {
                slots: self.devices,
                delay: 10_000,
                notify: Some(Notify::Broadcast(notify)),
                ..HostSettings::default()
            },
            net: net::Settings { radio: Some(Hops { hops: 1, relay_delay: 0 }), ..net::Settings::default() },
            ..plain
        };
        let report = Simulation::new(&settings, &entries).run();
        assert!(report.all_upgraded() && report.broken.is_empty(), "{self:?}: {:?}", report.broken);
        let mut done: Vec<f64> = report.lives.iter().map(|life| life.last_stored as f64 / 1e6).collect();
        done.sort_by(f64::total_cmp);
        Upgraded {
            at_once: report
                .lives
                .iter()
                .filter(|life| life.first_request.is_some_and(|at| at < LATER))
                .count(),
            done,
            collisions: report.traffic.collisions as f64 / report.traffic.transmissions as f64,
        }
    }
}

impl Upgraded {
    /// When a share of the devices was done, in seconds.
    #[must_use]
    pub fn after(&self, share: f64) -> f64 {
        let last = self.done.len().saturating_sub(1);
        self.done[(last as f64 * share).round() as usize]
    }
}
