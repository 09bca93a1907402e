//! A device on an nRF51822 (QEMU `-M microbit`): Cortex-M0, 256 KB of flash in pages of 1 KB, 16 KB of RAM.
//!
//! ```text
//! flash 0x00000  firmware 1, which is the boot loader too     0x3f800  two pages of journal records
//!       0x20000  slot: the OTA file as it comes               0x20100  firmware 2 inside it, where it runs
//!
//! UART <-> tcp_server, one frame a line in hexadecimal        semihosting: options in, report lines and exit status out
//! ```
#![cfg(feature = "firmware")]
#![no_std]

pub mod chip;
pub mod device;
pub mod journal;
pub mod semihosting;
#[cfg(feature = "signed")]
mod signature_check;
