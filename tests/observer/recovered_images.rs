//! Images reassembled from overheard blocks.

use std::num::{NonZeroU8, NonZeroU16};
use std::ops::Range;

use proptest::prelude::*;
use zigbee_ota::ImageId;
use zigbee_ota::client::TransferMode;
use zigbee_ota::observer::{BlockStorage, Download, DownloadEnd};
use zigbee_ota::zcl::{Frame, Quirks, Status};

use crate::overheard_image_assembly::Recovered;
use crate::traffic_recorder::{Sent, file, id, upgrade};

pub const BLOCKS: TransferMode = TransferMode::Blocks { window: NonZeroU8::MIN };
pub const WINDOW: TransferMode = TransferMode::Blocks { window: NonZeroU8::MIN.saturating_add(4) };
pub const PAGES: TransferMode =
    TransferMode::Pages { size: NonZeroU16::MIN.saturating_add(511), spacing: 20 };

fn recover<'a>(heard: impl IntoIterator<Item = &'a Sent>) -> Recovered {
    let mut recovered = Recovered::new();
    for Sent { from, to, bytes } in heard {
        let frame = Frame::decode(bytes, Quirks::empty()).expect("by the letter");
        recovered.hear(None, *from, *to, &frame);
    }
    assert_eq!(recovered.error, None);
    recovered
}

fn image(recovered: &Recovered, id: ImageId) -> Option<Download<'_>> {
    recovered.images().into_iter().find(|image| image.image() == id)
}

/// Gaps of an image, and the offset of an open-ended gap if the size is unknown.
fn gaps(image: &Download<'_>) -> (Vec<Range<u32>>, Option<u32>) {
    (image.gaps().collect(), image.size().is_none().then(|| image.heard_end()))
}

/// Range of the file that an Image Block Response carries, parsed without the library.
fn data_of(sent: &Sent) -> Option<Range<usize>> {
    let [0x19, _, 0x05, 0x00, payload @ ..] = sent.bytes.as_slice() else { return None };
    let offset = u32::from_le_bytes(*payload[8..].first_chunk().expect("a whole frame")) as usize;
    Some(offset..offset + usize::from(payload[12]))
}

/// Ranges of `false` in `seen`.
fn unseen(seen: &[bool]) -> Vec<Range<u32>> {
    let mut gaps: Vec<Range<u32>> = Vec::new();
    for (place, _) in seen.iter().enumerate().filter(|(_, seen)| !**seen) {
        let place = place as u32;
        match gaps.last_mut() {
            Some(gap) if gap.end == place => gap.end += 1,
            _ => gaps.push(place..place + 1),
        }
    }
    gaps
}

#[test]
fn what_was_heard_whole_is_the_file() {
    for transfers in [&[BLOCKS][..], &[WINDOW], &[PAGES], &[BLOCKS, PAGES], &[PAGES, WINDOW]] {
        let file = file(5000, 7);
        let air = upgrade(&file, transfers, &mut || 1);
        let recovered = recover(&air);
        let image = image(&recovered, id(7)).expect("blocks");
        assert_eq!((image.size(), gaps(&image)), (Some(5000), (vec![], None)));
        assert!(image.is_complete());
        assert_eq!(
            (image.contradictions().count(), image.heard_end(), image.percent()),
            (0, 5000, Some(100))
        );
        assert_eq!(image.end(), Some(DownloadEnd::Reported(Status::SUCCESS)));
        assert_eq!(recovered.filled(&image, 0xff, 5000).as_ref(), Some(&file), "{transfers:?}");
        assert_eq!(recovered.filled(&image, 0xff, 4999), None);
        assert_eq!((recovered.images().len(), recovered.downloads().len()), (1, transfers.len()));
    }
}

#[test]
fn two_versions_one_after_the_other_are_two_images() {
    let files = [file(900, 7), file(700, 8)];
    let air = files.iter().flat_map(|file| upgrade(file, &[PAGES, BLOCKS], &mut || 1)).collect::<Vec<_>>();
    let recovered = recover(&air);
    for (version, file) in [7, 8].into_iter().zip(&files) {
        let image = image(&recovered, id(version)).expect("blocks");
        assert_eq!(recovered.filled(&image, 0, 1000).as_ref(), Some(file));
    }
}

/// The size comes from the offer, or else from the header; without both, the last gap has no end.
#[test]
fn the_end_is_known_by_offer_or_header() {
    let air = upgrade(&file(500, 7), &[BLOCKS], &mut || 1);
    let blocks: Vec<&Sent> = air.iter().filter(|sent| data_of(sent).is_some()).collect();
    let (first, last) = (data_of(blocks[0]).expect("a block"), blocks.len() - 1);
    let without = |skip: &[usize]| {
        recover(blocks.iter().enumerate().filter(|(at, _)| !skip.contains(at)).map(|(_, sent)| *sent))
    };
    let gaps = |recovered: Recovered| {
        let (gaps, open) = gaps(&image(&recovered, id(7)).expect("blocks"));
        (gaps.iter().map(|gap| (gap.start, gap.end)).collect::<Vec<_>>(), open)
    };
    assert_eq!(gaps(without(&[])), (vec![], None));
    assert!(!image(&without(&[last]), id(7)).expect("blocks").is_complete());
    let cut = data_of(blocks[last]).expect("a block").start as u32;
    assert_eq!(gaps(without(&[last])), (vec![(cut, 500)], None));
    // Blocks before the header is whole are as many as it takes.
    let header: Vec<usize> =
        (0..=blocks.iter().position(|sent| data_of(sent).unwrap().end >= 56).unwrap()).collect();
    let start = data_of(blocks[header.len()]).expect("a block").start as u32;
    assert_eq!(first.start, 0);
    assert_eq!(gaps(without(&header)), (vec![(0, start)], Some(500)));
    assert_eq!(gaps(without(&[&header[..], &[last]].concat())), (vec![(0, start)], Some(cut)));
}

#[test]
fn the_storage_that_keeps_no_bytes_says_so() {
    assert_eq!(BlockStorage::write(&mut (), id(7), 0, &[1; 4]), Ok(()));
    let mut out = [9; 4];
    assert_eq!((BlockStorage::read(&mut (), id(7), 0, &mut out), out), (Ok(false), [9; 4]));
}

#[test]
fn blocks_that_do_not_agree_are_told() {
    let air = upgrade(&file(500, 7), &[BLOCKS], &mut || 1);
    let mut again = air.clone();
    let place = again.iter().position(|sent| data_of(sent).is_some_and(|data| data.start >= 100)).unwrap();
    let at = data_of(&again[place]).unwrap().start as u32;
    again[place].bytes[17 + 3] ^= 1;
    let recovered = recover(air.iter().chain(&again));
    let image = image(&recovered, id(7)).expect("blocks");
    assert!(image.contradictions().eq(std::iter::once(at + 3..at + 4)));
    assert_eq!(recovered.filled(&image, 0xff, 500), Some(file(500, 7)), "what came first stays");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Frames are lost and duplicated in transit, and some are not overheard.
    #[test]
    fn the_gaps_are_what_was_not_heard(
        size in 62_usize..3000,
        seed: u64,
        transfers in prop::sample::subsequence(vec![BLOCKS, PAGES, WINDOW], 1..=2),
        deaf in 0.0..0.9,
    ) {

        let (mut link, mut ear) = (fastrand::Rng::with_seed(seed), fastrand::Rng::with_seed(!seed));
        let mut copies = || match link.u8(..20) { 0 => 0, 1 => 2, _ => 1 };
        let file = file(size, 9);
        let air = upgrade(&file, &transfers, &mut copies);
        let heard: Vec<&Sent> = air.iter().filter(|_| ear.f64() >= deaf).collect();
        let mut seen = vec![false; size];
        heard.iter().filter_map(|sent| data_of(sent)).for_each(|data| seen[data].fill(true));

        let recovered = recover(heard.iter().copied());
        if let Some(image) = image(&recovered, id(9)) {
            let (gaps, open) = gaps(&image);
            let gaps_to = open.unwrap_or(size as u32);
            let expected: Vec<_> = unseen(&seen).into_iter().filter(|gap| gap.start < gaps_to).collect();
            prop_assert_eq!(gaps, expected);
            prop_assert_eq!(gaps_to, open.map_or(size, |_| seen.iter().rposition(|seen| *seen).map_or(0, |last| last + 1)) as u32);
            let filled = recovered.filled(&image, 0xff, size as u32).expect("not too large");
            for (place, byte) in filled.iter().enumerate() {
                prop_assert_eq!(*byte, if seen[place] { file[place] } else { 0xff });
            }
        } else {
            prop_assert!(!seen.contains(&true));
        }
    }

    /// For blocks of any offsets and lengths, the first value of each byte is kept.
    #[test]
    fn the_first_value_of_each_byte_is_kept(blocks in prop::collection::vec((0_u32..300, prop::collection::vec(0..3_u8, 0..40)), 0..40)) {
        use zigbee_ota::zcl::{BlockBytes, BlockData, ImageBlockResponse, ToClient};

        let mut recovered = Recovered::new();
        let mut bytes = [None; 400];
        let mut wrong = std::collections::BTreeSet::new();
        for (offset, data) in &blocks {
            let block = BlockData { id: id(1), offset: *offset, data: BlockBytes::new(data).unwrap() };
            let (client, server) = (crate::traffic_recorder::DEVICES[0], crate::traffic_recorder::GATEWAY);
            let response = ToClient::ImageBlock(ImageBlockResponse::Data(block));
            recovered.hear(None, server, client, &Frame::response(0, response));
            for (place, byte) in (*offset as usize..).zip(data) {
                if *bytes[place].get_or_insert(*byte) != *byte {
                    wrong.insert(place as u32);
                }
            }
        }
        if let Some(image) = image(&recovered, id(1)) {
            prop_assert!(image.contradictions().flatten().eq(wrong));
            prop_assert_eq!(image.bytes() as usize, bytes.iter().flatten().count());
            let filled = recovered.filled(&image, 0xee, 400).unwrap();
            let end = bytes.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
            let expected: Vec<u8> = bytes[..end].iter().map(|byte| byte.unwrap_or(0xee)).collect();
            prop_assert_eq!(filled, expected);
        }
    }
}
