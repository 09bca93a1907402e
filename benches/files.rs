//! Benchmark of reading and of writing an OTA file, each against the floor: a minimal hand-written implementation.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use zigbee_ota::file::{Element, FileHeader, FileWriter, HeaderString, Image, Tag};
use zigbee_ota::{Encode, HardwareRange, HardwareVersion, ImageId};

use hand_written::file::{self, Fields};

mod hand_written {
    pub mod bytes;
    pub mod file;
}

const KIB: usize = 1024;

/// Contents of a signed file as makers ship it: a header with hardware versions, and three elements.
struct Parts {
    image: Vec<u8>,
}

impl Parts {
    fn new(size: usize) -> Self {
        Self { image: (0..size).map(|place| place.to_le_bytes()[0] ^ 0x5a).collect() }
    }

    fn elements(&self) -> [Element<'_>; 3] {
        [
            Element { tag: Tag(0xf000), data: &[0x5a; 18] },
            Element { tag: Tag::UPGRADE_IMAGE, data: &self.image },
            Element { tag: Tag::ECDSA_SIGNATURE, data: &[0xa5; 50] },
        ]
    }
}

fn header() -> FileHeader<'static> {
    FileHeader::new(ImageId::new(0x1001, 0x00ab, 0x1005_3519))
        .with_header_string(HeaderString::new("a file to be measured").expect("short"))
        .with_hardware(HardwareRange { min: HardwareVersion(0x0100), max: HardwareVersion(0x0102) })
}

/// Reads the header and visits all elements by the library, with the same result as `walk_floor`.
fn walk_ours(bytes: &[u8]) -> Option<(ImageId, usize, usize)> {
    let image = Image::parse(bytes).ok()?;
    let (count, sum) = image.elements().fold((0, 0), |(count, sum), at| {
        (count + 1, sum + usize::from(at.element.tag.0) + at.offset + at.element.data.len())
    });
    let header = image.header();
    let id = header.id;
    black_box(&header);
    Some((id, count, sum))
}

fn walk_floor(bytes: &[u8]) -> Option<(ImageId, usize, usize)> {
    let mut found = (0, 0);
    let fields = file::walk(bytes, |tag, offset, data| {
        found = (found.0 + 1, found.1 + usize::from(tag) + offset + data.len());
    })?;
    let id = ImageId::new(fields.manufacturer, fields.image_type, fields.version);
    black_box(&fields);
    Some((id, found.0, found.1))
}

fn walk(criterion: &mut Criterion) {
    for kib in [1, 250] {
        let parts = Parts::new(kib * KIB);
        let bytes = FileWriter::new(header(), &parts.elements()).expect("small").to_vec();
        assert_eq!(walk_ours(&bytes), walk_floor(&bytes));
        assert_eq!(walk_ours(&bytes).map(|(_, count, _)| count), Some(3));
        let mut group = criterion.benchmark_group(format!("file/walk {kib} KiB"));
        group.bench_function("ours", |bencher| bencher.iter(|| walk_ours(black_box(&bytes))));
        group.bench_function("floor", |bencher| bencher.iter(|| walk_floor(black_box(&bytes))));
        group.finish();
    }
}

fn write(criterion: &mut Criterion) {
    let parts = Parts::new(250 * KIB);
    let elements = parts.elements();
    let write_ours = |out: &mut [u8]| FileWriter::new(header(), black_box(&elements)).ok()?.encode(out).ok();
    let fields = Fields {
        manufacturer: 0x1001,
        image_type: 0x00ab,
        version: 0x1005_3519,
        text: header().header_string.0,
        hardware: (0x0100, 0x0102),
    };
    let pieces = elements.map(|element| (element.tag.0, element.data));
    let write_floor = |out: &mut [u8]| file::write(black_box(&fields), black_box(&pieces), out);

    let [mut ours, mut by_hand] = [(); 2].map(|()| vec![0; 251 * KIB]);
    let len = write_ours(&mut ours).expect("room");
    assert_eq!(write_floor(&mut by_hand), Some(len));
    assert_eq!(ours, by_hand);

    let mut group = criterion.benchmark_group("file/write 250 KiB");
    group.throughput(Throughput::Bytes(len as u64));
    group.bench_function("ours", |bencher| bencher.iter(|| write_ours(black_box(&mut ours))));
    group.bench_function("floor", |bencher| bencher.iter(|| write_floor(black_box(&mut ours))));
    group.finish();
}

criterion_group!(files, walk, write);
criterion_main!(files);
