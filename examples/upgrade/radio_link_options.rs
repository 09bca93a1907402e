//! Command line options for the link between server and device.

use clap::Args;
use zigbee_ota_sim::Micros;
use zigbee_ota_sim::net::{ApsAcks, Burst, Faults, Fragmentation, Hops, Settings};
use zigbee_ota_sim::radio::timing::{self, LONGEST_BLOCK};

const MILLI: Micros = 1000;

/// Mean interval between two bursts of lost frames.
const BETWEEN_BURSTS: Micros = 10_000 * MILLI;

/// Link between server and device.
#[derive(Args)]
pub struct Link {
    /// Radio hops between server and device, 1 to 8
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=8))]
    hops: Option<u16>,
    /// Use a link without radio, with this latency in each direction in milliseconds and unlimited bandwidth
    #[arg(long, value_name = "MS", conflicts_with = "hops", value_parser = clap::value_parser!(u32).range(..=600_000))]
    latency: Option<u32>,
    /// Share of the frames lost in each direction, 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = share)]
    loss: f64,
    /// About every ten seconds, lose nearly all frames for about this number of milliseconds
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..=600_000))]
    burst: Option<u32>,
    /// Use APS acknowledgements: APS acknowledges each command, and repeats lost commands
    #[arg(long)]
    aps_acks: bool,
    /// Number of APS fragments of a block that are sent before an acknowledgement, 1 to 8; blocks of up to 65 bytes need none
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=8))]
    fragment_window: u8,
    /// Pause between two APS fragments in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    fragment_pause: u8,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a number from 0 to 1".into()),
    }
}

impl Link {
    /// Returns the number of radio hops, or `None` for a link without radio. Without `--hops` and `--latency`, the link has
    /// one hop, or no radio if a block of this size needs fragmentation.
    pub const fn hops(&self, block: u8) -> Option<u16> {
        match (self.hops, self.latency) {
            (None, Some(_)) => None,
            (None, None) if block > LONGEST_BLOCK => None,
            (None, None) => Some(1),
            (hops, _) => hops,
        }
    }

    pub fn settings(&self, block: u8) -> Settings {
        let hops = self.hops(block);
        let latency = self.latency.unwrap_or(if hops.is_some() { 0 } else { 10 });
        let burst = self.burst.map(|lasts| Burst {
            every: BETWEEN_BURSTS,
            lasts: Micros::from(lasts) * MILLI,
            loss: 0.95,
        });
        Settings {
            radio: hops.map(|hops| Hops { hops, relay_delay: 0 }),
            faults: Faults { delay: Micros::from(latency) * MILLI, burst, ..Faults::losing(self.loss) },
            aps_acks: if self.aps_acks { ApsAcks::AsAsked } else { ApsAcks::Off },
            fragments: hops.map(|_| Fragmentation {
                window: self.fragment_window,
                pause: Micros::from(self.fragment_pause) * MILLI,
                ..Fragmentation::FULL
            }),
            ..Settings::default()
        }
    }

    /// Returns the theoretical maximum goodput of the radio in bytes per second.
    pub fn limit(&self, block: u8) -> Option<f64> {
        let hops = self.hops(block)?;
        Some(timing::limit(hops, block))
    }
}
