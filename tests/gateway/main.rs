//! Tests of the module `gateway`: the driver, stores put together, files from an index, summaries of sessions.

mod gateway_driver;
mod index_store;
mod session_summary;
mod store_pair;

use zigbee_ota::file::{FileHeader, FileWriter};
use zigbee_ota::{Encode, Eui64, HardwareRange, HardwareVersion, ImageId};

/// An image of the tests in version 5.
const IMAGE: ImageId = ImageId::new(0x1001, 0x00ab, 5);

/// An image of the tests in the given version.
const fn of(version: u32) -> ImageId {
    ImageId::new(0x1001, 0x00ab, version)
}

/// A file of an image with a body of `len` bytes `fill`.
fn file(header: FileHeader<'_>, fill: u8, len: usize) -> Vec<u8> {
    let body = vec![fill; len];
    let elements = [zigbee_ota::file::Element { tag: zigbee_ota::file::Tag::UPGRADE_IMAGE, data: &body }];
    FileWriter::new(header, &elements).expect("a short file").to_vec()
}

/// A file for certain devices and hardware versions.
fn file_for(id: ImageId, destination: Option<Eui64>, hardware: Option<(u16, u16)>, fill: u8) -> Vec<u8> {
    let range = |(min, max)| HardwareRange { min: HardwareVersion(min), max: HardwareVersion(max) };
    let mut header = FileHeader::new(id);
    (header.destination, header.hardware) = (destination, hardware.map(range));
    file(header, fill, 100)
}
