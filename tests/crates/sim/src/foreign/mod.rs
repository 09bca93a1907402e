//! Models of other stacks of the OTA Upgrade cluster: each server and each client is a row of a table, run by one of two
//! small interpreters.
//!
//! ```text
//!   SERVERS: ServerModel  ---->  ForeignServer  <-- frames -->  Client of this crate
//!   CLIENTS: ClientModel  ---->  ForeignClient  <-- frames -->  Server of this crate
//! ```
//!
//! Both interpreters are state machines without input, output and clock, like the crate's own: `handle_frame`,
//! `handle_timeout`, `poll_timeout`, `poll_transmit`. They are values that can be cloned, compared and hashed. A row
//! holds the behaviour that was seen of a stack; the field `seen` names the place. Behaviour that no field describes follows
//! the specification.
//!
//! The [simulation](crate::simulation) has a model on either side: `HostSettings::model` and
//! `Settings::client_models`.

mod client;
mod client_models;
mod server;
mod server_models;
mod wire;

pub use client::{ClientModel, ForeignClient, OfferReaction, PageUse, Unanswered, WaitForm};
pub use client_models::CLIENTS;
pub use server::{
    BusyWait, ForeignServer, Numbering, OtherImage, Overload, PageService, Sent, ServerModel, Sessions, Stray,
};
pub use server_models::SERVERS;
pub use wire::RawId;

/// Returns the row of the server with this name.
///
/// # Panics
/// If there is no such row.
#[must_use]
pub fn server(name: &str) -> ServerModel {
    *SERVERS.iter().find(|model| model.name == name).unwrap_or_else(|| panic!("no server {name}"))
}

/// Returns the row of the client with this name.
///
/// # Panics
/// If there is no such row.
#[must_use]
pub fn client(name: &str) -> ClientModel {
    *CLIENTS.iter().find(|model| model.name == name).unwrap_or_else(|| panic!("no client {name}"))
}
