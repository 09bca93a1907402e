//! The Unify framework's OTA service: names, topics and payloads by the document, and whole upgrades over a broker of a
//! few lines, on virtual time.

mod announcements;
mod fetched;
mod names;
#[path = "../../examples/unify/network.rs"]
mod network;
mod orders;
mod payloads;
mod provider;
mod retrieval;
mod status;
mod topics;
mod world;
