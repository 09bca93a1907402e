//! Footprint of the client on a microcontroller: the main loop of a device over an opaque radio, clock and flash.
//!
//! | binary | contents |
//! |---|---|
//! | `minimal_0` | main loop with a `Client<0>` whose settings are constants, with a known server and without abilities |
//! | `plain_0` | main loop with a `Client<0>`: blocks in order |
//! | `plain_8` | main loop with a `Client`, which tracks eight out-of-order ranges: windows and pages |
//! | `all_8` | additionally every public function of the client |
//! | `hand_0` | whole device with a `Client<0>`: answers attributes, saves its state; the loop by hand |
//! | `driver_0` | the same device with the loop of a `Driver` |
//! | `signed_8` | main loop with a `Client`, and a `Verifier` of both suites for the stored file |
//!
//! The loop is that of the README: it discovers a server, queries, downloads, resumes, verifies, applies, and reports.
//! But for `minimal_0`, all of `ClientConfig` is opaque and in flash, so no code is left out that a setting could need. There is no driver, no start
//! code, no interrupt vectors and no formatting. `examples/measure.rs` reads the sizes from the linked binaries.

#![cfg_attr(feature = "device", no_std)]

#[cfg(feature = "device")]
pub mod every_client_call;
#[cfg(feature = "device")]
pub mod hand_and_driver_loops;
#[cfg(feature = "device")]
pub mod main_loop;
#[cfg(feature = "device")]
pub mod opaque_board;
