//! Table and picture of overheard downloads.

use std::time::Duration;

use zigbee_ota::zcl::{Frame, Quirks};

use crate::overheard_image_assembly::Recovered;
use crate::recovered_images::{BLOCKS, PAGES};
use crate::traffic_recorder::{GATEWAY, Sent, file, upgrade};
use crate::{download_picture, download_table};

/// Milliseconds between two frames.
const PERIOD: u64 = 40;

/// Hears frames at a steady pace; `pause` is a frame before which nothing is sent for 5 s.
fn hear(frames: &[Sent], pause: Option<usize>, are_timed: bool) -> Recovered {
    let mut recovered = Recovered::new();
    // Times of a capture count from any start.
    let mut time = Duration::from_secs(1_700_000_000);
    for (number, Sent { from, to, bytes }) in frames.iter().enumerate() {
        time += Duration::from_millis(if pause == Some(number) { 5000 } else { PERIOD });
        let frame = Frame::decode(bytes, Quirks::empty()).expect("by the letter");
        recovered.hear(are_timed.then_some(time), *from, *to, &frame);
    }
    recovered
}

fn table(recovered: &Recovered) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    download_table::print(recovered, &mut out).expect("memory");
    let text = String::from_utf8(out).expect("UTF-8");
    text.lines()
        .map(|line| {
            line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(String::from).collect()
        })
        .collect()
}

/// The numbers of each device, counted in the recorded frames without the library.
#[test]
fn the_table_has_progress_pace_and_losses_of_each_device() {
    let mut count = 0;
    // Every ninth frame is lost.
    let mut copies = || {
        count += 1;
        usize::from(count % 9 != 0)
    };
    let air = upgrade(&file(3000, 7), &[BLOCKS, PAGES], &mut copies);
    let is_block_frame = |sent: &Sent| match sent.bytes[2..] {
        [3 | 4, ..] => sent.to == GATEWAY,
        [5, status, ..] => sent.from == GATEWAY && status == 0,
        _ => false,
    };
    let pause = air.iter().enumerate().filter(|(_, sent)| is_block_frame(sent)).nth(30).expect("many").0;
    let recovered = hear(&air, Some(pause), true);
    let lines = table(&recovered);
    assert_eq!(lines[0][..4], ["device", "image", "percent", "bytes"]);
    assert_eq!(lines.len(), 3, "{lines:?}");
    for line in &lines[1..] {
        let own: Vec<(usize, &Sent)> = air
            .iter()
            .enumerate()
            .filter(|(_, sent)| {
                let client = if sent.from == GATEWAY { sent.to } else { sent.from };
                client.to_string() == line[0] && is_block_frame(sent)
            })
            .collect();
        let time = |number: usize| number as u64 * PERIOD + if number >= pause { 5000 - PERIOD } else { 0 };
        let millis = time(own[own.len() - 1].0) - time(own[0].0);
        let silence = own.windows(2).map(|pair| time(pair[1].0) - time(pair[0].0)).max().expect("frames");
        let mut seen = vec![0_u32; 3000];
        let (mut requests, mut repeated, mut requested_to, mut blocks) = (0_u32, 0_u32, 0, 0);
        for (_, sent) in &own {
            let start = u32::from_le_bytes(*sent.bytes[12..].first_chunk().expect("a frame"));
            match sent.bytes[2] {
                command @ (3 | 4) => {
                    requests += 1;
                    repeated += u32::from(start < requested_to);
                    let len = match command {
                        4 => u16::from_le_bytes([sent.bytes[17], sent.bytes[18]]),
                        _ => 1,
                    };
                    requested_to = requested_to.max(start + u32::from(len));
                }
                _ => {
                    blocks += 1;
                    let start = start as usize;
                    seen[start..start + usize::from(sent.bytes[16])].iter_mut().for_each(|times| *times += 1);
                }
            }
        }
        assert!(repeated > 0, "every ninth frame was lost");
        let heard = seen.iter().filter(|times| **times > 0).count() as u64;
        let again: u32 = seen.iter().map(|times| times.saturating_sub(1)).sum();
        let tenths = |millis: u64| format!("{}.{}", millis / 1000, millis % 1000 / 100);
        let share = (f64::from(repeated) * 100.0 / f64::from(requests)).round();
        let expected = [
            (heard * 100 / 3000).to_string(),
            heard.to_string(),
            (heard * 1000 / millis).to_string(),
            tenths(millis),
            requests.to_string(),
            format!("{repeated} ({share} %)"),
            blocks.to_string(),
            again.to_string(),
            "0".into(),
            tenths(silence),
            "SUCCESS".into(),
        ];
        assert_eq!(line[2..], expected);
    }
    assert!(
        lines[1..].iter().any(|line| line[11].starts_with("5.")),
        "the pause is somebody's silence: {lines:?}"
    );
}

#[test]
fn without_times_the_table_has_no_pace() {
    let lines = table(&hear(&upgrade(&file(500, 7), &[BLOCKS], &mut || 1), None, false));
    assert_eq!([&lines[1][4], &lines[1][5], &lines[1][11]], ["-"; 3]);
    assert!(lines[2][0].starts_with("note: not every frame has a time"), "{lines:?}");
}

/// Counts the marks of a colour, apart from the one in the legend.
fn marks(svg: &str, colour: &str) -> usize {
    svg.matches(&format!("fill=\"{colour}\"")).count() - 1
}

const NEW: &str = "#4292C6";
const AGAIN: &str = "#D76214";
const CONTRADICTING: &str = "#98008C";
const GAP: &str = "#CB181D";

/// A block was lost on its way to the device and sent again, another was not overheard, and a third one was forged.
#[test]
fn the_picture_shows_blocks_repeats_contradictions_and_gaps() {
    let mut count = 0;
    let mut copies = || {
        count += 1;
        usize::from(count != 20)
    };
    let mut air = upgrade(&file(1500, 7), &[BLOCKS], &mut copies);
    let is_block = |sent: &Sent| sent.bytes[2..4] == [5, 0];
    let blocks: Vec<usize> = (0..air.len()).filter(|number| is_block(&air[*number])).collect();
    let mut forged = air[blocks[blocks.len() - 2]].clone();
    *forged.bytes.last_mut().expect("data") ^= 1;
    air.push(forged);
    let lost = blocks[blocks.len() / 2 + 3];
    air.remove(lost);

    for are_timed in [true, false] {
        let recovered = hear(&air, None, are_timed);
        let (svg, left_out) = download_picture::draw(&recovered).expect("a picture");
        assert_eq!(left_out, 0);
        let [download] = recovered.downloads()[..] else { panic!("one device") };
        let repeats = recovered.blocks.iter().filter(|block| block.bytes.repeated > 0).count();
        assert_eq!(marks(&svg, CONTRADICTING), 1);
        assert_eq!(marks(&svg, AGAIN), repeats - 1, "the forged block is a repeat as well");
        assert_eq!(marks(&svg, NEW), recovered.blocks.len() - repeats);
        assert_eq!(marks(&svg, GAP), download.gaps().count());
        assert!(repeats > 1 && download.gaps().count() == 1);
        assert!(svg.contains("0x1234/1, 1001-00AB-00000007: "), "{svg}");
        assert_eq!(svg.contains("B/s, longest silence"), are_timed);
        assert_eq!(svg.contains("over frames, for not every frame has a time"), !are_timed);
    }
}

/// A long capture and many devices give a picture of limited size.
#[test]
fn the_picture_of_many_blocks_and_devices_is_small() {
    use zigbee_ota::aps::Address;
    use zigbee_ota::zcl::{BlockBytes, BlockData, ImageBlockResponse, ToClient};

    let mut recovered = Recovered::new();
    let long = (0..3000).map(|number| (1, number));
    for (device, number) in long.chain((2..=30).map(|device| (device, 0))) {
        let data = BlockBytes::new(&[0x5a; 50]).expect("short");
        let block = BlockData { id: crate::traffic_recorder::id(device), offset: number * 50, data };
        let frame = Frame::response(0, ToClient::ImageBlock(ImageBlockResponse::Data(block)));
        let to = Address::new(u16::try_from(device).expect("small"), 1);
        recovered.hear(Some(Duration::from_millis(number.into())), GATEWAY, to, &frame);
    }
    let (svg, left_out) = download_picture::draw(&recovered).expect("a picture");
    assert_eq!(left_out, 30 - download_picture::MOST);
    assert!(marks(&svg, NEW) <= 1001 + download_picture::MOST, "{}", marks(&svg, NEW));
    assert!(svg.contains("0x0018/1, ") && !svg.contains("0x0019/1, "));
}
