//! A file of a header and three elements, opened and walked.

use std::hint::black_box;

use zigbee_ota::file::{Element, FileHeader, FileWriter, Image, Tag};
use zigbee_ota::{Encode, HardwareRange, HardwareVersion};

use crate::frame::ID;
use crate::hand_written::file::walk;

fn file() -> Vec<u8> {
    let mut header = FileHeader::new(ID);
    header.hardware = Some(HardwareRange { min: HardwareVersion(1), max: HardwareVersion(2) });
    let data = [0x5a; 100];
    let tags = [Tag::UPGRADE_IMAGE, Tag(0xf001), Tag(0xf002)];
    let elements = tags.map(|tag| Element { tag, data: &data });
    let file = FileWriter::new(header, &elements).expect("a small file").to_vec();
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    visit(&file, |tag, offset, data| ours.push((tag, offset, data.len()))).expect("a file");
    walk(&file, |tag, offset, data| floor.push((tag, offset, data.len()))).expect("a file");
    assert_eq!(ours, floor);
    file
}

fn visit<'a>(file: &'a [u8], mut show: impl FnMut(u16, usize, &'a [u8])) -> Option<FileHeader<'a>> {
    let image = Image::parse(file).ok()?;
    for placed in image.elements() {
        show(placed.element.tag.0, placed.offset, placed.element.data);
    }
    Some(image.header())
}

fn show(tag: u16, offset: usize, data: &[u8]) {
    black_box((tag, offset, data));
}

pub fn walk_ours(times: u32) {
    let file = file();
    for _ in 0..times {
        let FileHeader { id, header_string, hardware, .. } = visit(black_box(&file), show).expect("a file");
        black_box((id.manufacturer, id.image_type, id.version, &header_string.0, hardware));
    }
}

pub fn walk_floor(times: u32) {
    let file = file();
    for _ in 0..times {
        let fields = walk(black_box(&file), show).expect("a file");
        black_box((fields.manufacturer, fields.image_type, fields.version, &fields.text, fields.hardware));
    }
}
