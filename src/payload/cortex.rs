//! [`PayloadKind::CortexM`]: bare code for an Arm Cortex-M, known by a vector table that can be one (Armv7-M reference manual, B1.5.3),
//! little endian.
//!
//! ```text
//! 0   u32 start of the stack: in RAM, a multiple of 4
//! 4   u32 reset   8 u32 NMI   12 u32 hard fault: in flash near each other, odd
//! ```

use super::read::le_u32;

/// Bytes of a table with all system vectors.
const TABLE_LEN: usize = 64;
/// No code stands in the table itself.
const FIRST_CODE: u32 = 64;
/// How far a vendor's code reaches, at most.
const REACH: u32 = 4 << 20;
/// Flash lies below.
const RAM: u32 = 0x2000_0000;

pub(super) fn is(bytes: &[u8]) -> bool {
    let [stack, reset, nmi, fault] = [0, 4, 8, 12].map(|place| le_u32(bytes, place).unwrap_or(0));
    let in_ram = (RAM..RAM + (1 << 24)).contains(&stack) && stack.is_multiple_of(4);
    let code = [reset, nmi, fault].iter().all(|vector| {
        vector % 2 == 1 && (FIRST_CODE..RAM).contains(vector) && vector.abs_diff(reset) < REACH
    });
    bytes.len() >= TABLE_LEN && in_ram && code
}
