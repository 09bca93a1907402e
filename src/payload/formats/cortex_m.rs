//! [`PayloadKind::CortexM`]: bare code for an Arm Cortex-M, little endian. Bare code is recognised by a plausible
//! vector table (Armv7-M reference manual, B1.5.3), and has no checksum.
//!
//! ```text
//! 0   u32 initial stack pointer: in RAM, a multiple of 4
//! 4   u32 reset   8 u32 NMI   12 u32 hard fault: in flash, odd, near each other
//! ```

use super::read_fields::le_u32;
use crate::payload::{PayloadKind, PayloadReport};

/// Length in bytes of a vector table with all system vectors.
const TABLE_LEN: usize = 64;
/// Lowest address of code in a bare Cortex-M image. The addresses below 64 contain the vector table, not code.
const FIRST_CODE: u32 = 64;
/// Maximum distance between the reset handler and the other handlers: 4 MiB, more than the flash of any Zigbee device.
const REACH: u32 = 4 << 20;
/// First address of the RAM of a Cortex-M; the addresses of its flash are lower.
const RAM: u32 = 0x2000_0000;

pub(super) fn is(bytes: &[u8]) -> bool {
    let [stack, reset, nmi, fault] = [0, 4, 8, 12].map(|offset| le_u32(bytes, offset).unwrap_or(0));
    let stack_in_ram = (RAM..RAM + (1 << 24)).contains(&stack) && stack.is_multiple_of(4);
    let vectors_in_code = [reset, nmi, fault].iter().all(|vector| {
        vector % 2 == 1 && (FIRST_CODE..RAM).contains(vector) && vector.abs_diff(reset) < REACH
    });
    bytes.len() >= TABLE_LEN && stack_in_ram && vectors_in_code
}

pub(super) fn check(_: &[u8]) -> PayloadReport<'_> {
    PayloadReport::without_checksum(PayloadKind::CortexM)
}
