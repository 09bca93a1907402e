//! Minimal reader and writer of OTA files whose header has the hardware versions as its only optional fields.

use super::bytes::{u16_at, u32_at};

/// Header fields of a file; the hardware versions are its only optional fields.
pub struct Fields {
    pub manufacturer: u16,
    pub image_type: u16,
    pub version: u32,
    pub text: [u8; 32],
    pub hardware: (u16, u16),
}

const HEADER_LEN: usize = 60;

/// Reads a file and calls `show` with the tag, the offset and the data of each element. Returns `None` if the header
/// has other optional fields than the hardware versions, or if its total image size is not the length of `file`.
pub fn walk<'a>(file: &'a [u8], mut show: impl FnMut(u16, usize, &'a [u8])) -> Option<Fields> {
    let head = file.first_chunk::<HEADER_LEN>()?;
    let rigid = u32_at(head, 0) == 0x0bee_f11e && u32_at(head, 4) == 0x003c_0100 && u16_at(head, 8) == 4;
    if !rigid || usize::try_from(u32_at(head, 52)) != Ok(file.len()) {
        return None;
    }
    let mut offset = HEADER_LEN;
    while offset < file.len() {
        let (head, rest) = file[offset..].split_first_chunk::<6>()?;
        let data = rest.get(..usize::try_from(u32_at(head, 2)).ok()?)?;
        show(u16_at(head, 0), offset, data);
        offset += 6 + data.len();
    }
    Some(Fields {
        manufacturer: u16_at(head, 10),
        image_type: u16_at(head, 12),
        version: u32_at(head, 14),
        text: head[20..52].try_into().ok()?,
        hardware: (u16_at(head, 56), u16_at(head, 58)),
    })
}

/// Writes a file with these elements to `out`, and returns the length of the file. Returns `None` if `out` is too
/// short.
pub fn write(fields: &Fields, elements: &[(u16, &[u8])], out: &mut [u8]) -> Option<usize> {
    let len = HEADER_LEN + elements.iter().map(|(_, data)| 6 + data.len()).sum::<usize>();
    let (head, mut body) = out.get_mut(..len)?.split_first_chunk_mut::<HEADER_LEN>()?;
    head[..10].copy_from_slice(&[0x1e, 0xf1, 0xee, 0x0b, 0x00, 0x01, 0x3c, 0x00, 0x04, 0x00]);
    head[10..12].copy_from_slice(&fields.manufacturer.to_le_bytes());
    head[12..14].copy_from_slice(&fields.image_type.to_le_bytes());
    head[14..18].copy_from_slice(&fields.version.to_le_bytes());
    head[18..20].copy_from_slice(&[2, 0]);
    head[20..52].copy_from_slice(&fields.text);
    head[52..56].copy_from_slice(&u32::try_from(len).ok()?.to_le_bytes());
    head[56..58].copy_from_slice(&fields.hardware.0.to_le_bytes());
    head[58..60].copy_from_slice(&fields.hardware.1.to_le_bytes());
    for (tag, data) in elements {
        let (head, rest) = body.split_first_chunk_mut::<6>()?;
        head[..2].copy_from_slice(&tag.to_le_bytes());
        head[2..].copy_from_slice(&u32::try_from(data.len()).ok()?.to_le_bytes());
        let (room, rest) = rest.split_at_mut(data.len());
        room.copy_from_slice(data);
        body = rest;
    }
    Some(len)
}
