//! What a client asks for beside pages and between them, and what it learns from them.

use super::*;
use crate::aps::{DeliveryReport, TransmitToken};

#[test]
fn a_few_missing_blocks_are_asked_for_alone_and_more_by_a_page() {
    for lost in 1..=5 {
        let mut paged = Paged::new(paged(640, 0), 2000);
        let sequence = paged.asks_page(0, 640);
        let gap = 128..128 + 64 * lost;
        paged.gets_all(sequence, (0..640).step_by(64).filter(|start| !gap.contains(start)), 640);
        if lost < 5 {
            for start in gap.step_by(64) {
                paged.asks_block(start as u32, 64);
            }
            paged.asks_page(640, 640);
        } else {
            paged.asks_page(128, 320);
        }
    }
}

/// Nine places: eight requests for what is missing, and one place for what a page brings.
#[test]
fn a_page_finds_a_place_beside_as_many_repairs_as_there_may_be() {
    const LOST: [usize; 8] = [1, 2, 3, 5, 7, 9, 11, 13];
    for (missing, size, next) in [(4, 2000, (1344, 656)), (4, 1384, (1344, 40)), (5, 2000, (960, 320))] {
        let mut paged = Paged::new(paged(1344, 0), size);
        let sequence = paged.asks_page(0, 1344);
        let came = (0..21).filter(|block| !LOST.contains(block) && !(15..15 + missing).contains(block));
        paged.gets_all(sequence, came.map(|block| 64 * block), 1344);
        for block in LOST {
            paged.asks_block(64 * block as u32, 64);
        }
        paged.asks_page(next.0, next.1);
    }
}

#[test]
fn the_last_piece_of_a_file_is_asked_for_as_a_block() {
    let mut paged = Paged::new(paged(640, 0), 680);
    let sequence = paged.asks_page(0, 640);
    paged.gets_all(sequence, (0..640).step_by(64), 640);
    let sequence = paged.asks_block(640, 40);
    assert!(paged.gets(sequence, 640, 40));
    paged.is_whole();
}

#[test]
fn a_page_ends_where_a_word_does() {
    for (size, asked) in [(300, 288), (288, 288), (10, 10)] {
        let alignment = NonZeroU8::new(16).unwrap();
        Paged::new(ClientConfig { alignment, ..paged(size, 0) }, 1000).asks_page(0, asked);
    }
}

#[test]
fn the_first_block_of_a_page_tells_how_long_an_answer_takes() {
    // The blocks that come, half a second after the request, whether with its number, and what the next page may take.
    let unknown = 2 * 3000 + 20;
    // Half a second, and four times half of that.
    let measured = 2 * 1500 + 20;
    for (starts, numbered, expected) in [
        (&[192, 256, 320][..], true, measured),
        (&[192, 256, 320], false, unknown),
        (&[256, 320], true, unknown),
    ] {
        let mut paged = Paged::new(paged(192, 0), 1000);
        let sequence = paged.asks_page(0, 192);
        paged.gets_all(sequence + 1, [0, 64, 128], 192);
        let sequence = paged.asks_page(192, 192);
        for (start, time) in starts.iter().zip([530, 540, 550]) {
            paged.script.until(time);
            assert!(paged.gets(if numbered { sequence } else { sequence + 1 }, *start, 64));
        }
        if starts.len() < 3 {
            paged.asks_block(192, 64);
        }
        paged.asks_page(384, 192);
        let now = paged.script.now;
        assert_eq!(
            paged.script.client.poll_timeout(),
            Some(now.plus(Millis(expected))),
            "{starts:?}, {numbered}"
        );
    }
}

#[test]
fn a_page_that_was_not_delivered_is_asked_for_again_soon() {
    let mut paged = Paged::new(paged(300, 0), 1000);
    let (page, _) = paged.script.transmit().expect("the request");
    paged.script.client.handle_delivery(at(100), TransmitToken::request(9), DeliveryReport::Failed);
    assert_eq!(paged.script.client.poll_timeout(), Some(at(6000)), "of another request");
    paged.script.client.handle_delivery(at(100), page.token, DeliveryReport::Failed);
    assert_eq!(paged.script.client.poll_timeout(), Some(at(1100)));
    paged.script.until(1100);
    let sequence = paged.asks_page(0, 300);
    // Once blocks come it was delivered, whatever is told of it.
    paged.gets_all(sequence, [0, 64], 300);
    let deadline = paged.script.client.poll_timeout();
    paged.script.client.handle_delivery(
        paged.script.now,
        TransmitToken::request(sequence),
        DeliveryReport::Failed,
    );
    assert_eq!(paged.script.client.poll_timeout(), deadline);
}

#[test]
fn a_refusal_of_another_request_does_not_end_a_page() {
    let mut paged = Paged::new(paged(300, 0), 300);
    let sequence = paged.asks_page(0, 300);
    let other = std::format!("18 {:02x} 0B 04 81", sequence + 1);
    assert_eq!(paged.script.gets(&other), Met::Ignored(ClientIgnored::NotExpected));
    paged.script.is_silent();
    paged.gets_all(sequence, (0..300).step_by(64), 300);
    paged.is_whole();
}

/// Nine places: eight requests for what is missing, and a block that the application has not stored yet.
#[test]
fn where_there_is_no_place_for_data_none_is_taken_or_asked_for() {
    for (blocks, missing, size, next) in [(11, 0, 832, 128), (19, 7, 2000, 448)] {
        let mut paged = Paged::new(paged(64 * blocks, 0), size);
        let sequence = paged.asks_page(0, 64 * blocks);
        let came = [0, 5, 10].into_iter().chain(11 + missing..usize::from(blocks));
        paged.gets_all(sequence, came.map(|block| 64 * block), 64 * usize::from(blocks));
        for block in [1, 2, 3, 4, 6, 7, 8, 9] {
            paged.asks_block(64 * block, 64);
        }
        let sequence = paged.asks_page(704, next);
        let last = 704 + usize::from(next) - 64;
        for (start, is_taken) in [(704, true), (last, false)] {
            let data = block(sequence, OFFERED, start as u32, &paged.file[start..start + 64]);
            let met = paged.script.client.handle_frame(paged.script.now, FrameMeta::unicast(SERVER), &data);
            assert_eq!(matches!(met, ClientAction::Store(_)), is_taken, "{start}");
        }
        paged.script.is_silent();
    }
}

#[test]
fn a_block_after_a_loss_says_nothing_of_what_a_server_gives() {
    let mut paged = Paged::new(paged(250, 0), 1000);
    let sequence = paged.asks_page(0, 250);
    paged.gets_all(sequence, (0..250).step_by(64), 250);
    let sequence = paged.asks_page(250, 250);
    // 50 bytes of 64, twice in their place; between them one is lost, and one comes after it.
    for start in [250, 350, 400, 450] {
        assert!(paged.gets(sequence, start, 50));
    }
    paged.asks_block(300, 50);
    let (_, request) = paged.request();
    assert!(matches!(request, ToServer::ImagePage(ImagePageRequest { max_data: 50, .. })), "{request:?}");
}

/// The requests that a client sends which may choose: whether for pages. A block of a page comes each 50 ms, one that was
/// asked for alone each `alone` ms.
fn chosen(alone: u64) -> Vec<bool> {
    let mut paged = Paged::new(ClientConfig { transfer: TransferMode::Auto, ..config() }, 40_000);
    let mut chosen = Vec::new();
    while paged.script.client.poll_need().is_none() {
        let mut requests = Vec::new();
        while let Some((_, bytes)) = paged.script.transmit() {
            requests.push(bytes);
        }
        assert!(!requests.is_empty() && chosen.len() < 1000, "no end");
        for bytes in requests {
            let (start, size, pause) = match decode(&bytes).message {
                Message::ToServer(ToServer::ImagePage(page)) => (page.offset, page.page_size, 50),
                Message::ToServer(ToServer::ImageBlock(block)) => {
                    (block.offset, block.max_data.into(), alone)
                }
                other => panic!("{other:?}"),
            };
            chosen.push(pause == 50);
            let end = start as usize + usize::from(size);
            for start in (start as usize..end).step_by(64) {
                let later = paged.script.now.as_millis() + pause;
                paged.script.until(later);
                assert!(paged.gets(bytes[1], start, 64.min(end - start)), "{start}");
            }
        }
    }
    chosen
}

#[test]
fn a_client_that_may_choose_compares_slow_pages_with_blocks_and_keeps_the_faster() {
    for (alone, pages) in [(12, false), (60, true)] {
        let chosen = chosen(alone);
        assert!(!chosen[0] && chosen[1], "the header by blocks, then pages: {chosen:?}");
        let runs: Vec<_> = chosen.chunk_by(bool::eq).map(|run| (run[0], run.len())).collect();
        assert!(runs.len() > 2 && runs[2].1 >= 24, "{runs:?}");
        assert_eq!(runs.len() > 3, pages, "{runs:?}");
    }
}
