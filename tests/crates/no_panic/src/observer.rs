//! Calls of observer and assembly: any frame between any addresses, with slots and without.

use core::hint::black_box;

use zigbee_ota::ImageId;
use zigbee_ota::aps::Address;
use zigbee_ota::observer::{
    Assembly, BlockStorage, Conversation, ConversationSlots, Download, DownloadSlot, DownloadSlots,
    HeardRange, Observer, RangeSlots,
};
use zigbee_ota::time::Instant;
use zigbee_ota::zcl::{Frame, Quirks};

use crate::Bytes;

pub(crate) fn call(bytes: &Bytes<'_>) {
    observe(bytes, [Conversation::EMPTY; 3]);
    observe(bytes, black_box(&mut [Conversation::EMPTY; 2][..]));
    assemble(bytes, [DownloadSlot::EMPTY; 3], [HeardRange::EMPTY; 5], &mut ());
    let (mut slots, mut ranges) = ([DownloadSlot::EMPTY; 4], [HeardRange::EMPTY; 4]);
    assemble(bytes, black_box(&mut slots[..]), black_box(&mut ranges[..]), &mut AnyStorage);
}

fn observe(bytes: &Bytes<'_>, slots: impl ConversationSlots) {
    let mut observer = Observer::new(slots);
    for _ in 0..black_box(2) {
        if let Ok(frame) = Frame::decode(bytes.input, Quirks::from_bits_retain(black_box(0))) {
            let (from, to) = (Address::new(black_box(1), 1), Address::new(black_box(0), 1));
            black_box(black_box(observer.observe(from, to, &frame)).image());
        }
    }
}

/// Storage whose answers nobody knows when the program is compiled.
struct AnyStorage;

impl BlockStorage for AnyStorage {
    type Error = u8;

    fn write(&mut self, image: ImageId, offset: u32, data: &[u8]) -> Result<(), u8> {
        black_box((image, offset, data));
        black_box(Ok(()))
    }

    fn read(&mut self, image: ImageId, offset: u32, out: &mut [u8]) -> Result<bool, u8> {
        out.fill(black_box(0));
        black_box((image, offset));
        black_box(Ok(true))
    }
}

fn assemble(
    bytes: &Bytes<'_>,
    slots: impl DownloadSlots,
    ranges: impl RangeSlots,
    storage: &mut impl BlockStorage,
) {
    let mut observer = Observer::new([Conversation::EMPTY; 2]);
    let mut assembly = Assembly::new(slots, ranges);
    for _ in 0..black_box(2) {
        if let Ok(frame) = Frame::decode(bytes.input, Quirks::from_bits_retain(black_box(0))) {
            let (from, to) = (Address::new(black_box(1), 1), Address::new(black_box(0), 1));
            let seen = observer.observe(from, to, &frame);
            let now = Instant::from_millis(black_box(0));
            black_box(assembly.take(now, &seen, storage).is_ok());
        }
    }
    assembly.images().for_each(|image| read(&image));
    assembly.downloads().for_each(|download| read(&download));
}

fn read(download: &Download<'_>) {
    black_box((download.client(), download.image(), download.size(), download.offered_sizes()));
    black_box((download.header_size(), download.heard_end(), download.bytes(), download.percent()));
    black_box((download.is_complete(), download.counts(), download.first(), download.last()));
    black_box((download.longest_silence(), download.goodput(), download.end()));
    download.gaps().for_each(|gap| _ = black_box(gap));
    download.contradictions().for_each(|range| _ = black_box(range));
}
