//! The link between server and device, as the command line has it.

use clap::Args;
use zigbee_ota_sim::net::{ApsAcks, Burst, Hazards, Hops, Settings};
use zigbee_ota_sim::{Micros, radio};

const MILLI: Micros = 1000;

/// Between two bursts of loss, on the average.
const BETWEEN_BURSTS: Micros = 10_000 * MILLI;

/// The most data of a block that a frame of IEEE 802.15.4 carries in one piece.
const UNFRAGMENTED: u8 = 65;

/// What is between server and device.
#[derive(Args)]
pub struct Link {
    /// Radio hops between server and device, 1 to 8
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=8))]
    hops: Option<u16>,
    /// Instead of a radio a link that takes so long for a frame, each way, in milliseconds, and carries any number at once
    #[arg(long, value_name = "MS", conflicts_with = "hops", value_parser = clap::value_parser!(u32).range(..=600_000))]
    latency: Option<u32>,
    /// Share of the frames that are lost, each way, 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = share)]
    loss: f64,
    /// Every ten seconds or so, the link is all but dead for about so many milliseconds
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..=600_000))]
    burst: Option<u32>,
    /// Let APS acknowledge each command, and send it again when it is lost
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
    /// The hops, where there is a radio: not for blocks that it would have to carry in pieces.
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
            hazards: Hazards { delay: Micros::from(latency) * MILLI, burst, ..Hazards::losing(self.loss) },
            aps_acks: if self.aps_acks { ApsAcks::AsAsked } else { ApsAcks::Off },
            ..Settings::default()
        })
    }

    /// Bytes per second that the radio carries, where there is one.
    pub fn limit(&self, block: u8) -> Option<f64> {
        let hops = self.hops(block).ok()??;
        Some(radio::timing::limit(hops, block))
    }
}
