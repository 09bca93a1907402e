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
//! [`world`] is the larger of two: many clients, a radio channel, and all that goes wrong.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod agenda;
mod demo;
mod flash;
mod goodput;
pub mod ideal;
mod link;
pub mod net;
mod nor;
pub mod radio;
pub mod table;
mod upgrade;
pub mod world;

pub use agenda::{Agenda, Micros};
pub use demo::{demonstration_file, file_of};
pub use flash::{Flash, FlashError};
pub use goodput::{Cell, Goodput};
pub use link::Link;
pub use nor::{AsyncNor, Nor, NorError};
pub use upgrade::{End, Report, Settings, Upgrade};
