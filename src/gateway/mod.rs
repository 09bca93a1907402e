//! Parts of a gateway around its server: a driver that calls the server in a loop, a store that combines two stores, a
//! store of files from an index, and summaries of sessions.
//!
//! ```text
//!   Gateway (radio, clock, images, decisions)         GatewayDriver                        StorePair
//!        receive, send, lend, on_event   <------->   queue, Server, commands   <------->   FolderStore, IndexStore
//!                                                         |
//!                                                         +--> SessionSummary, SessionReport
//! ```
//!
//! A gateway implements [`Gateway`] and awaits [`GatewayDriver::run`]. Each part of this module can be used alone: the
//! stores and the summaries also suit a gateway that calls a [`Server`](crate::server::Server) in its own loop.
//!
//! | item | feature |
//! |---|---|
//! | `Gateway`, `GatewayDriver`, `GatewayCommand`, `HoldPolicy`, `StorePair`, `SessionSummary`, `SessionReport` | `gateway` |
//! | `GatewayCommand::after_change` | `gateway` and `std` |
//! | `IndexStore` | `gateway` and `index` |
//!
//! The [guide](crate::guide::gateway) has examples, and the example `gateway` is a complete gateway.

mod command;
mod driver;
mod frame_queue;
mod gateway_trait;
mod hold_policy;
#[cfg(feature = "index")]
mod index_store;
mod session_summary;
mod store_pair;

pub use command::GatewayCommand;
pub use driver::GatewayDriver;
pub use gateway_trait::{Gateway, GatewayInput, ReceiveBuffer};
pub use hold_policy::HoldPolicy;
#[cfg(feature = "index")]
pub use index_store::{FetchError, FetchJob, IndexStore};
pub use session_summary::{SessionReport, SessionSummary};
pub use store_pair::StorePair;
