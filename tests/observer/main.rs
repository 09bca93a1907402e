//! The passive observer, on frames that the real client and server send each other, all of them heard or not.

#[path = "../common/properties/observer.rs"]
mod properties;
#[path = "../../examples/ota/reassembly.rs"]
mod reassembly;
mod recorded_traffic;
mod recovered_images;
mod request_matching;
