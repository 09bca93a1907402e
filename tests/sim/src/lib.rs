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
//! [`world`] is the larger of two: many clients, power cuts, servers that fail. [`net`] is what lies between its nodes,
//! [`radio`] the channel, [`ideal`] what the channel is held against its model with, and a [`Cell`] says how fast a
//! client downloads.
//!
//! ```
//! use zigbee_ota::{file::Parts, server::Entry};
//! use zigbee_ota_sim::net::{Hazards, Hops};
//! use zigbee_ota_sim::world::{Cut, Settings, World};
//!
//! let file = zigbee_ota_sim::file_of(5000, 0);
//! let parts = Parts::parse(&file)?;
//! let mut settings = Settings::new(&parts);
//! settings.net.radio = Some(Hops { hops: 2, relay_delay: 1000 });
//! settings.net.hazards = Hazards::losing(0.05);
//! settings.cuts = vec![(1, Cut::Block(30))];
//! let report = World::new(&settings, &[Entry::from(&parts)]).run();
//! assert!(report.all_upgraded() && report.broken.is_empty(), "{report:#?}");
//! # Ok::<(), zigbee_ota::DecodeError>(())
//! ```

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod agenda;
mod demo;
mod flash;
mod fleet;
mod goodput;
pub mod ideal;
mod link;
pub mod net;
mod nor;
mod policy;
pub mod radio;
pub mod table;
mod upgrade;
pub mod world;

pub use agenda::{Agenda, Micros};
pub use demo::{demonstration_file, file_of};
pub use flash::{Flash, FlashError};
pub use fleet::{Fleet, Upgraded};
pub use goodput::{Cell, Goodput};
pub use link::Link;
pub use nor::{AsyncNor, Nor, NorError};
pub use upgrade::{End, Report, Settings, Upgrade};
