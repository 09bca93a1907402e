//! Command line options for the link between server and device.

use clap::Args;
use zigbee_ota_sim::net::{ApsAcks, Burst, Faults, Hops, Settings};
use zigbee_ota_sim::{Micros, radio};

const MILLI: Micros = 1000;

/// Mean interval between two bursts of loss.
const BETWEEN_BURSTS: Micros = 10_000 * MILLI;

/// Maximum data size of a block in an unfragmented IEEE 802.15.4 frame.
const UNFRAGMENTED: u8 = 65;

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
    /// Every ten seconds or so, drop nearly all frames for about this number of milliseconds
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..=600_000))]
    burst: Option<u32>,
    /// Let APS acknowledge each command and repeat lost ones
    #[arg(long)]
    aps_acks: bool,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a number from 0 to 1".into()),
    }
}

impl Link {
    /// Returns the number of radio hops, if there is a radio; blocks that need fragmentation are refused.
    pub fn hops(&self, block: u8) -> Result<Option<u16>, String> {
        match (self.hops, self.latency) {
            (None, Some(_)) => Ok(None),
            (Some(hops), _) if block > UNFRAGMENTED => Err(format!(
                "over {hops} hops a block has at most {UNFRAGMENTED} bytes, as no frame is sent in pieces here"
            )),
            (None, None) if block > UNFRAGMENTED => Ok(None),
            (hops, _) => Ok(Some(hops.unwrap_or(1))),
        }
    }

    pub fn settings(&self, block: u8) -> Result<Settings, String> {
        let hops = self.hops(block)?;
        let latency = self.latency.unwrap_or(if hops.is_some() { 0 } else { 10 });
        let burst = self.burst.map(|lasts| Burst {
            every: BETWEEN_BURSTS,
            lasts: Micros::from(lasts) * MILLI,
            loss: 0.95,
        });
        Ok(Settings {
            radio: hops.map(|hops| Hops { hops, relay_delay: 0 }),
            faults: Faults { delay: Micros::from(latency) * MILLI, burst, ..Faults::losing(self.loss) },
            aps_acks: if self.aps_acks { ApsAcks::AsAsked } else { ApsAcks::Off },
            ..Settings::default()
        })
    }

    /// Returns the theoretical maximum of the radio in bytes per second.
    pub fn limit(&self, block: u8) -> Option<f64> {
        let hops = self.hops(block).ok()??;
        Some(radio::timing::limit(hops, block))
    }
}
