//! The passive observer, on frames that the real client and server send each other, all of them heard or not.

mod air;
mod answers;
mod downloads;
#[path = "../laws/observer.rs"]
mod laws;
#[path = "../../examples/ota/recovered.rs"]
mod recovered;
