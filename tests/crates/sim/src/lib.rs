//! Client and server on virtual time: the world that tests, benches and examples share.
//!
//! ```text
//!   Server + Catalog          Link to client  (latency, loss)           Client
//!   policy: Countdown   ------------------------------------->     needs, tickets
//!                       <-------------------------------------        Flash
//!                             Link to server
//! ```
//!
//! Nobody waits: the clock jumps to the next moment anything is to happen. The same [`Settings`], the same run.
//!
//! [`simulation`] is the larger of two: many clients, power cuts, servers that fail. [`net`] is what lies between its nodes,
//! [`radio`] the channel, [`ideal`] what the channel is held against its model with, and a [`Cell`] says how fast a
//! client downloads.
//!
//! ```
//! use zigbee_ota::{file::Parts, server::Entry};
//! use zigbee_ota_sim::net::{Hazards, Hops};
//! use zigbee_ota_sim::simulation::{Cut, Settings, Simulation};
//!
//! let file = zigbee_ota_sim::file_of(5000, 0);
//! let parts = Parts::parse(&file)?;
//! let mut settings = Settings::new(&parts);
//! settings.net.radio = Some(Hops { hops: 2, relay_delay: 1000 });
//! settings.net.hazards = Hazards::losing(0.05);
//! settings.cuts = vec![(1, Cut::Block(30))];
//! let report = Simulation::new(&settings, &[Entry::from(&parts)]).run();
//! assert!(report.all_upgraded() && report.broken.is_empty(), "{report:#?}");
//! # Ok::<(), zigbee_ota::DecodeError>(())
//! ```

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod countdown_policy;
mod event_queue;
mod flash;
mod fleet;
mod goodput;
pub mod goodput_table;
pub mod ideal_nodes;
mod link;
pub mod net;
mod nor_flash;
pub mod radio;
mod sample_files;
pub mod simulation;
mod single_upgrade;

pub use event_queue::{Agenda, Micros};
pub use flash::{Flash, FlashError};
pub use fleet::{Fleet, Upgraded};
pub use goodput::{Cell, Goodput};
pub use link::Link;
pub use nor_flash::{AsyncNor, Nor, NorError};
pub use sample_files::{demonstration_file, file_of};
pub use single_upgrade::{End, Report, Settings, Upgrade};
