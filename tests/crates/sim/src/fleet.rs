//! Upgrade of a fleet: many devices, one server, one radio channel, one broadcast Image Notify.

use zigbee_ota::file::SplitFile;
use zigbee_ota::server::StoreEntry;
use zigbee_ota::time::Millis;
use zigbee_ota::zcl::{ImageNotify, NotifyScope};

use crate::Micros;
use crate::net::{self, Hops};
use crate::sample_files::file_of;
use crate::simulation::{DeviceSettings, HostSettings, Notify, Settings, Simulation};

/// Time of the first query by a device that ignored the notify because of the jitter.
const LATER: Micros = 600_000_000;

/// Interval between the scheduled queries of successive devices.
const STAGGER: Millis = Millis(2000);

/// Fleet of devices that receive one broadcast Image Notify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// Number of devices; all hear each other.
    pub devices: u16,
    /// Query jitter of the notify, 1 to 100: about this percentage of the devices queries at once (section 6.10.3.2.2).
    /// The others query on their own schedule, which starts after ten minutes.
    pub jitter: u8,
    /// Size of the file in bytes.
    pub bytes: usize,
}

/// Result of the upgrade of a fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct Upgraded {
    /// Number of devices that queried before the first scheduled query.
    pub at_once: usize,
    /// Completion times in seconds, ascending.
    pub done: Vec<f64>,
    /// Share of the transmissions that collided, 0 to 1.
    pub collisions: f64,
}

impl Fleet {
    /// Simulates the upgrade of the whole fleet.
    ///
    /// # Panics
    /// If a device is not upgraded or a rule is violated.
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
        assert!(report.all_upgraded() && report.violations.is_empty(), "{self:?}: {:?}", report.violations);
        let mut done: Vec<f64> = report.clients.iter().map(|life| life.last_stored as f64 / 1e6).collect();
        done.sort_by(f64::total_cmp);
        Upgraded {
            at_once: report
                .clients
                .iter()
                .filter(|life| life.first_request.is_some_and(|at| at < LATER))
                .count(),
            done,
            collisions: report.traffic.collisions as f64 / report.traffic.transmissions as f64,
        }
    }
}

impl Upgraded {
    /// Returns the time in seconds at which `share` of the devices, 0 to 1, were upgraded.
    #[must_use]
    pub fn after(&self, share: f64) -> f64 {
        let last = self.done.len().saturating_sub(1);
        self.done[(last as f64 * share).round() as usize]
    }
}
