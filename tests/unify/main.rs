//! OTA service of the Unify framework: identifiers, topics and payloads of the document, and complete upgrades over a
//! simulated broker, on virtual time.

mod exact_deadlines;
mod fetched_image;
mod identifiers;
mod image_choice;
mod image_retrieval;
mod kept_announcements;
mod payloads;
mod provider;
mod published_status;
mod simulated_broker_and_network;
#[path = "../../examples/unify/simulated_zigbee_network.rs"]
mod simulated_zigbee_network;
mod topics;
mod upgrade_times;
