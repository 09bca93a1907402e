//! Hand-written codec of the two frames that a server handles most often. The decoder checks the length once, reads
//! fields at fixed offsets, and rejects every other frame.

use super::bytes::{u16_at, u32_at};

/// Fields of an Image Block Request frame.
pub struct BlockRequest {
    pub sequence: u8,
    pub manufacturer: u16,
    pub image_type: u16,
    pub version: u32,
    pub offset: u32,
    pub max_data: u8,
    pub node: Option<u64>,
    pub min_block_period: Option<u16>,
}

/// Decodes an Image Block Request frame of exactly the length that its field control announces.
pub fn read_block_request(frame: &[u8]) -> Option<BlockRequest> {
    let (head, tail) = frame.split_first_chunk::<17>()?;
    if head[0] & 0x0f != 0x01 || head[2] != 0x03 {
        return None;
    }
    let (node, min_block_period) = match (head[3] & 0b11, tail.len()) {
        (0b00, 0) => (None, None),
        (0b01, 8) => (Some(u64_at(tail, 0)), None),
        (0b10, 2) => (None, Some(u16_at(tail, 0))),
        (0b11, 10) => (Some(u64_at(tail, 0)), Some(u16_at(tail, 8))),
        _ => return None,
    };
    Some(BlockRequest {
        sequence: head[1],
        manufacturer: u16_at(head, 4),
        image_type: u16_at(head, 6),
        version: u32_at(head, 8),
        offset: u32_at(head, 12),
        max_data: head[16],
        node,
        min_block_period,
    })
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// Fields of an Image Block Response frame with data.
#[derive(Clone, Copy)]
pub struct BlockResponse<'a> {
    pub sequence: u8,
    pub manufacturer: u16,
    pub image_type: u16,
    pub version: u32,
    pub offset: u32,
    pub data: &'a [u8],
}

/// Encodes an Image Block Response frame, and returns its length. Returns `None` if the buffer is too short, or for
/// more than 255 bytes of data.
pub fn write_block_response(response: &BlockResponse<'_>, out: &mut [u8]) -> Option<usize> {
    let size = u8::try_from(response.data.len()).ok()?;
    let len = 17 + response.data.len();
    let (head, data) = out.get_mut(..len)?.split_first_chunk_mut::<17>()?;
    head[..4].copy_from_slice(&[0x19, response.sequence, 0x05, 0x00]);
    head[4..6].copy_from_slice(&response.manufacturer.to_le_bytes());
    head[6..8].copy_from_slice(&response.image_type.to_le_bytes());
    head[8..12].copy_from_slice(&response.version.to_le_bytes());
    head[12..16].copy_from_slice(&response.offset.to_le_bytes());
    head[16] = size;
    data.copy_from_slice(response.data);
    Some(len)
}
