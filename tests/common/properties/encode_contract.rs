//! Contract of the trait `Encode`: exact length, all bytes written, no write without room.

use zigbee_ota::{Encode, EncodeError};

/// Encodes `value`, and checks the contract: exactly `encoded_len` bytes, each one written, and no write to a buffer
/// that is too short.
pub fn bytes_of(value: &impl Encode) -> Vec<u8> {
    let len = value.encoded_len();
    let [bytes, again] = [0x00, 0xff].map(|fill| {
        let mut room = vec![fill; len + 1];
        assert_eq!(value.encode(&mut room), Ok(len));
        assert_eq!(room.pop(), Some(fill), "wrote past its length");
        room
    });
    assert_eq!(bytes, again, "a byte was not written");

    let mut short = vec![0xee; len - 1];
    assert_eq!(value.encode(&mut short), Err(EncodeError::NoRoom { needed: len, available: len - 1 }));
    assert!(short.iter().all(|byte| *byte == 0xee), "wrote without room for all");
    bytes
}
