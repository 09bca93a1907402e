//! OTA file of the simulated server, with elements before and after the firmware.

use zigbee_ota::file::{Element, FileHeader, FileWriter, Tag};
use zigbee_ota::{Encode, ImageId};

/// Running image of the device before the upgrade.
pub const DEVICE_RUNS: ImageId = ImageId::new(0x1001, 0x00ab, 1);
/// Image on the server.
pub const SERVED: ImageId = ImageId::new(0x1001, 0x00ab, 2);

/// Generates firmware of random bytes, whose OTA file has `size` bytes. The minimum of `size` is [`LEAST`].
pub fn firmware(size: usize) -> Vec<u8> {
    let mut firmware = vec![0; size - LEAST];
    fastrand::Rng::with_seed(0xf1a5).fill(&mut firmware);
    firmware
}

/// Number of file bytes besides the firmware: header, three element heads, and the data of two elements.
pub const LEAST: usize = 56 + 3 * Element::HEAD_LEN + ABOUT.len() + NOTICE.len();

const ABOUT: &[u8] = b"built in memory";
const NOTICE: &[u8] = b"what follows the firmware is not to be kept either";

/// Builds a file with elements before and after the firmware.
pub fn file(firmware: &[u8]) -> Vec<u8> {
    let elements = [
        Element { tag: Tag(0xf000), data: ABOUT },
        Element { tag: Tag::UPGRADE_IMAGE, data: firmware },
        Element { tag: Tag(0xf001), data: NOTICE },
    ];
    let writer = FileWriter::new(FileHeader::new(SERVED), &elements).expect("it can be counted");
    let mut file = vec![0; writer.encoded_len()];
    writer.encode(&mut file).expect("the room was measured");
    file
}
