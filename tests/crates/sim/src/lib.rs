//! Simulation of OTA upgrades on virtual time: real client, real server, simulated network, flash and power. Shared by
//! tests, benches and examples.
//!
//! ```text
//!   Server + SliceStore         Link to client  (latency, loss)           Client
//!   policy: Countdown   ------------------------------------->     needs, tickets
//!                       <-------------------------------------        Flash
//!                             Link to server
//! ```
//!
//! The clock jumps to the next scheduled moment, so no test waits. The same [settings](simulation::Settings) with the
//! same seed give the same run.
//!
//! [`SingleUpgrade`] is the small simulation: one client, one server, one lossy link. [`simulation`] is the large one:
//! many clients, power cuts, server failures. [`net`] is the network between its nodes, [`radio`] the shared channel,
//! [`light_switch_latency_table`] measures what others feel of an upgrade, [`foreign`] has models of other stacks for either side, [`ideal_nodes`] the reference nodes that the channel is compared with, and a [`Cell`] measures the goodput of a
//! client.
//!
//! ```
//! use zigbee_ota::{file::SplitFile, server::StoreEntry};
//! use zigbee_ota_sim::net::{Faults, Hops};
//! use zigbee_ota_sim::simulation::{PowerCut, Settings, Simulation};
//!
//! let file = zigbee_ota_sim::file_of(5000, 0);
//! let parts = SplitFile::parse(&file)?;
//! let mut settings = Settings::new(&parts);
//! settings.net.radio = Some(Hops { hops: 2, relay_delay: 1000 });
//! settings.net.faults = Faults::losing(0.05);
//! settings.cuts = vec![(1, PowerCut::Block(30))];
//! let report = Simulation::new(&settings, &[StoreEntry::new(&parts)]).run();
//! assert!(report.all_upgraded() && report.violations.is_empty(), "{report:#?}");
//! # Ok::<(), zigbee_ota::DecodeError>(())
//! ```

#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod aps_fragment_table;
mod event_queue;
mod fleet;
pub mod foreign;
mod goodput;
pub mod goodput_table;
pub mod ideal_nodes;
pub mod light_switch_latency_table;
pub mod loss_and_server_impairment_table;
pub mod net;
mod nor_flash;
mod point_to_point_link;
pub mod radio;
mod reliable_flash;
mod sample_files;
mod server_among_misbehaving_clients;
pub mod simulation;
mod single_device_server;
mod single_upgrade;
pub mod sleepy_device_table;
mod table_rows;
mod upgrade_countdown_policy;

pub use event_queue::{EventQueue, Micros};
pub use fleet::{Fleet, Upgraded};
pub use goodput::{Cell, Goodput};
pub use nor_flash::{AsyncNor, Nor, NorError};
pub use point_to_point_link::Link;
pub use reliable_flash::{Flash, FlashError};
pub use sample_files::{demonstration_file, file_of};
pub use server_among_misbehaving_clients::{Behaviour, BusyServer, Served};
pub use single_device_server::LoneServer;
pub use single_upgrade::{SingleUpgrade, UpgradeEnd, UpgradeReport, UpgradeSettings};
