//! What a microcontroller's client costs: a device's loop over a radio, a clock and flash that the optimiser knows nothing of.
//!
//! | binary | what is in it |
//! |---|---|
//! | `plain_0` | the loop of a device, for a `Client<0>`: blocks in order |
//! | `plain_8` | the same for a `Client`, which keeps eight runs of blocks out of order: windows and pages |
//! | `all_8` | every public function of the client besides |
//! | `signed_8` | the loop for a `Client`, and a `Verifier` of both suites over what it stored |
//!
//! The loop is that of the README: it finds a server, queries, downloads, resumes, verifies, applies, and tells about it.
//! All of `ClientConfig` is opaque, so nothing is left out that a setting could ask for. No driver, no start code, no
//! vectors, no formatting. `examples/measure.rs` reads the sizes from the linked binaries.

#![cfg_attr(feature = "device", no_std)]

#[cfg(feature = "device")]
pub mod board;
#[cfg(feature = "device")]
pub mod device;
#[cfg(feature = "device")]
pub mod every_call;
