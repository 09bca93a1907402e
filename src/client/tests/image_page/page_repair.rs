//! Tests of requests for lost blocks between pages, and of the round trip and block size that the client measures from
//! pages.

use super::*;

#[test]
fn up_to_four_missing_blocks_are_requested_alone_and_more_by_a_page() {
    for lost in 1..=5 {
        let mut paged = PageScript::new(with_pages(640, 0), 2000);
        let sequence = paged.assert_requests_page(0, 640);
        let gap = 128..128 + 64 * lost;
        paged.receive_all(sequence, (0..640).step_by(64).filter(|start| !gap.contains(start)), 640);
        if lost < 5 {
            for start in gap.step_by(64) {
                paged.assert_requests_block(start as u32, 64);
            }
            paged.assert_requests_page(640, 640);
        } else {
            paged.assert_requests_page(128, 320);
        }
    }
}

/// Eight of the nine slots of the client hold requests for lost blocks, and the ninth slot is reserved for the blocks
/// of the next page.
#[test]
fn a_page_has_a_slot_beside_the_largest_number_of_repairs() {
    const LOST: [usize; 8] = [1, 2, 3, 5, 7, 9, 11, 13];
    for (missing, size, next) in [(4, 2000, (1344, 656)), (4, 1384, (1344, 40)), (5, 2000, (960, 320))] {
        let mut paged = PageScript::new(with_pages(1344, 0), size);
        let sequence = paged.assert_requests_page(0, 1344);
        let came = (0..21).filter(|block| !LOST.contains(block) && !(15..15 + missing).contains(block));
        paged.receive_all(sequence, came.map(|block| 64 * block), 1344);
        for block in LOST {
            paged.assert_requests_block(64 * block as u32, 64);
        }
        paged.assert_requests_page(next.0, next.1);
    }
}

#[test]
fn the_last_bytes_of_a_file_are_requested_as_a_block() {
    let mut paged = PageScript::new(with_pages(640, 0), 680);
    let sequence = paged.assert_requests_page(0, 640);
    paged.receive_all(sequence, (0..640).step_by(64), 640);
    let sequence = paged.assert_requests_block(640, 40);
    assert!(paged.receive(sequence, 640, 40));
    paged.assert_complete();
}

#[test]
fn a_page_ends_at_a_word_boundary() {
    for (size, expected) in [(300, 288), (288, 288), (10, 10)] {
        let alignment = NonZeroU8::new(16).unwrap();
        PageScript::new(ClientConfig { write_size: alignment, ..with_pages(size, 0) }, 1000)
            .assert_requests_page(0, expected);
    }
}

#[test]
fn the_first_block_of_a_page_measures_the_round_trip() {
    // For each case: the blocks that arrive 500 ms after the request, whether they have its sequence number, and the
    // timeout of the first block of the next page. It is twice the timeout of a response, and two intervals of 10 ms.
    let unknown = 2 * 3000 + 20;
    // After one round trip of 500 ms the deviation is 250 ms, so the timeout of a response is 1500 ms.
    let measured = 2 * 1500 + 20;
    for (starts, numbered, expected) in [
        (&[192, 256, 320][..], true, measured),
        (&[192, 256, 320], false, unknown),
        (&[256, 320], true, unknown),
    ] {
        let mut paged = PageScript::new(with_pages(192, 0), 1000);
        let sequence = paged.assert_requests_page(0, 192);
        paged.receive_all(sequence + 1, [0, 64, 128], 192);
        let sequence = paged.assert_requests_page(192, 192);
        for (start, time) in starts.iter().zip([530, 540, 550]) {
            paged.script.advance_to(time);
            assert!(paged.receive(if numbered { sequence } else { sequence + 1 }, *start, 64));
        }
        if starts.len() < 3 {
            paged.assert_requests_block(192, 64);
        }
        paged.assert_requests_page(384, 192);
        let now = paged.script.now;
        assert_eq!(
            paged.script.client.poll_timeout(),
            Some(now.plus(Millis(expected))),
            "{starts:?}, {numbered}"
        );
    }
}

#[test]
fn a_page_request_that_was_not_delivered_is_retried_after_the_error_pause() {
    let mut paged = PageScript::new(with_pages(300, 0), 1000);
    let (page, _) = paged.script.transmit().expect("the request");
    paged.script.client.handle_delivery(at(100), TransmitToken::request(9), DeliveryReport::Failed);
    assert_eq!(
        paged.script.client.poll_timeout(),
        Some(at(6000)),
        "a report about another request changes nothing"
    );
    paged.script.client.handle_delivery(at(100), page.token, DeliveryReport::Failed);
    assert_eq!(paged.script.client.poll_timeout(), Some(at(1100)));
    paged.script.advance_to(1100);
    let sequence = paged.assert_requests_page(0, 300);
    // Once blocks arrive the request was delivered, whatever the radio stack reports.
    paged.receive_all(sequence, [0, 64], 300);
    let deadline = paged.script.client.poll_timeout();
    paged.script.client.handle_delivery(
        paged.script.now,
        TransmitToken::request(sequence),
        DeliveryReport::Failed,
    );
    assert_eq!(paged.script.client.poll_timeout(), deadline);
}

#[test]
fn an_error_to_another_request_does_not_end_a_page() {
    let mut paged = PageScript::new(with_pages(300, 0), 300);
    let sequence = paged.assert_requests_page(0, 300);
    let other = std::format!("18 {:02x} 0B 04 81", sequence + 1);
    assert_eq!(paged.script.receive(&other), Handled::Ignored(ClientIgnored::Unexpected));
    paged.script.assert_silent();
    paged.receive_all(sequence, (0..300).step_by(64), 300);
    paged.assert_complete();
}

/// Eight of the nine slots of the client hold requests for lost blocks, and the ninth slot holds a block that the
/// application is storing.
#[test]
fn a_block_without_a_free_slot_is_neither_accepted_nor_requested() {
    for (blocks, missing, size, next) in [(11, 0, 832, 128), (19, 7, 2000, 448)] {
        let mut paged = PageScript::new(with_pages(64 * blocks, 0), size);
        let sequence = paged.assert_requests_page(0, 64 * blocks);
        let came = [0, 5, 10].into_iter().chain(11 + missing..usize::from(blocks));
        paged.receive_all(sequence, came.map(|block| 64 * block), 64 * usize::from(blocks));
        for block in [1, 2, 3, 4, 6, 7, 8, 9] {
            paged.assert_requests_block(64 * block, 64);
        }
        let sequence = paged.assert_requests_page(704, next);
        let last = 704 + usize::from(next) - 64;
        for (start, is_taken) in [(704, true), (last, false)] {
            let data = block(sequence, OFFERED, start as u32, &paged.file[start..start + 64]);
            let handled =
                paged.script.client.handle_frame(paged.script.now, FrameMeta::unicast(SERVER), &data);
            assert_eq!(matches!(handled, ClientAction::Store(_)), is_taken, "{start}");
        }
        paged.script.assert_silent();
    }
}

#[test]
fn a_block_after_a_loss_does_not_change_the_block_size() {
    let mut paged = PageScript::new(with_pages(250, 0), 1000);
    let sequence = paged.assert_requests_page(0, 250);
    paged.receive_all(sequence, (0..250).step_by(64), 250);
    let sequence = paged.assert_requests_page(250, 250);
    // Of 64 bytes the server sends 50. Blocks that follow one another show it; the block after a loss proves nothing.
    for start in [250, 350, 400, 450] {
        assert!(paged.receive(sequence, start, 50));
    }
    paged.assert_requests_block(300, 50);
    let (_, request) = paged.request();
    assert!(matches!(request, ToServer::ImagePage(ImagePageRequest { max_data: 50, .. })), "{request:?}");
}

#[test]
fn a_page_is_half_as_large_after_a_page_whose_gaps_fill_the_list_of_ranges() {
    let mut paged = PageScript::new(with_pages(1152, 0), 8192);
    // Blocks 2 to 14 are lost: seven gaps, which leave one of the eight ranges free.
    let sequence = paged.assert_requests_page(0, 1152);
    let lost = |first: usize| (first..16).step_by(2).map(|block| 64 * block).collect::<Vec<_>>();
    let came =
        |lost: &[usize]| (0..18).map(|block| 64 * block).filter(|at| !lost.contains(at)).collect::<Vec<_>>();
    paged.receive_all(sequence, came(&lost(2)), 8192);
    for start in lost(2) {
        let repair = paged.assert_requests_block(start as u32, 64);
        assert!(paged.receive(repair, start, 64));
    }
    // Blocks 0 to 14 are lost: eight gaps.
    let sequence = paged.assert_requests_page(1152, 1152);
    paged.receive_all(sequence, came(&lost(0)).into_iter().map(|at| 1152 + at), 8192);
    let mut sizes = Vec::new();
    while let Some((_, bytes)) = paged.script.transmit() {
        match decode(&bytes).message {
            Message::ToServer(ToServer::ImagePage(page)) => sizes.push(page.page_size),
            Message::ToServer(ToServer::ImageBlock(block)) => {
                assert!(paged.receive(bytes[1], block.offset as usize, 64));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(sizes, [576]);
}
