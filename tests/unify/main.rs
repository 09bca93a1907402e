//! OTA service of the Unify framework: identifiers, topics and payloads of the document, and complete upgrades over a
//! simulated broker, on virtual time.

mod exact_times;
mod fetched_image;
mod identifiers;
mod image_choice;
mod kept_announcements;
mod payloads;
mod provider;
mod published_status;
mod retrieval;
#[path = "../../examples/unify/simulated_network.rs"]
mod simulated_network;
mod simulation;
mod topics;
mod upgrade_times;
