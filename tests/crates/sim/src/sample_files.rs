//! OTA files built in memory for simulations and examples.

use zigbee_ota::file::{Element, FileHeader, FileWriter, HeaderString, Tag};
use zigbee_ota::{Encode, FileVersion, HardwareRange, HardwareVersion, ImageId};

/// Builds a file of about 200 KB for hardware 1.0 to 2.0, with incompressible firmware and a manufacturer-specific
/// element.
#[must_use]
pub fn demonstration_file() -> Vec<u8> {
    let mut firmware = vec![0; 200_000];
    fastrand::Rng::with_seed(0x0a7a).fill(&mut firmware);
    let header = FileHeader::new(ImageId::new(0x1001, 0x00ab, 0x1010_3701))
        .with_header_string(HeaderString::new("demonstration").expect("13 bytes fit in 32"))
        .with_hardware(HardwareRange { min: HardwareVersion(0x0100), max: HardwareVersion(0x0200) });
    let elements = [
        Element { tag: Tag::UPGRADE_IMAGE, data: &firmware },
        Element { tag: Tag(0xf000), data: b"built in memory" },
    ];
    let writer = FileWriter::new(header, &elements).expect("200 KB can be counted");
    let mut file = vec![0; writer.encoded_len()];
    writer.encode(&mut file).expect("the room was measured");
    file
}

/// Image of the simulated files; the files differ in their version.
const SERVED: ImageId = ImageId::new(0x1001, 0x00ab, 7);

/// Builds a file of `size` bytes, at least 62. Each version, counted from 0, has different firmware.
///
/// # Panics
/// If `size` is too small for a header and an element.
#[must_use]
pub fn file_of(size: usize, version: u32) -> Vec<u8> {
    let id = ImageId { version: FileVersion(SERVED.version.0 + version), ..SERVED };
    let mut firmware = vec![0; size - FileHeader::new(id).header_len() - Element::HEAD_LEN];
    fastrand::Rng::with_seed(u64::from(version)).fill(&mut firmware);
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &firmware }];
    let writer = FileWriter::new(FileHeader::new(id), &elements).expect("its bytes can be counted");
    let mut file = vec![0; writer.encoded_len()];
    writer.encode(&mut file).expect("the room was measured");
    file
}
