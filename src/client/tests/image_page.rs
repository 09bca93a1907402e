//! Tests of Image Page Request: pages with lost, duplicated or reordered blocks.

mod auto_mode;
mod page_repair;

use core::num::{NonZeroU8, NonZeroU16};

use super::*;
use crate::zcl::ImagePageRequest;

fn with_pages(size: u16, spacing: u16) -> ClientConfig {
    ClientConfig {
        transfer: TransferMode::Pages { size: NonZeroU16::new(size).unwrap(), spacing },
        ..config()
    }
}

/// Client, the file that the client downloads, and the bytes that the client has stored.
struct PageScript {
    script: Script,
    file: Vec<u8>,
    stored: Vec<Option<u8>>,
}

impl PageScript {
    fn new(config: ClientConfig, size: usize) -> Self {
        let mut script = Script::querying(config);
        let answer = offer(0, 0x02, OFFERED, size as u32);
        assert_eq!(script.receive_frame(FrameMeta::unicast(SERVER), &answer), Handled::Done);
        script.accept().prepare();
        while script.client.poll_event().is_some() {}
        Self { script, file: long_file(size), stored: std::vec![None; size] }
    }

    fn request(&mut self) -> (u8, ToServer) {
        let (_, bytes) = self.script.transmit().expect("a request");
        let Message::ToServer(request) = decode(&bytes).message else { panic!("{bytes:02x?}") };
        (bytes[1], request)
    }

    /// Asserts that the next request of the client is for the page of `size` bytes at `start`; returns the sequence
    /// number of the request.
    #[track_caller]
    fn assert_requests_page(&mut self, start: u32, size: u16) -> u8 {
        let (sequence, request) = self.request();
        let ToServer::ImagePage(page) = request else { panic!("{request:?}") };
        assert_eq!((page.offset, page.page_size), (start, size));
        assert_eq!(page.check(), Ok(()), "a client sends only valid requests");
        sequence
    }

    /// Asserts that the next request of the client is for the block of `size` bytes at `start`; returns the sequence
    /// number of the request.
    #[track_caller]
    fn assert_requests_block(&mut self, start: u32, size: u8) -> u8 {
        let (sequence, request) = self.request();
        let ToServer::ImageBlock(block) = request else { panic!("{request:?}") };
        assert_eq!((block.offset, block.max_data), (start, size));
        sequence
    }

    /// Lets the client receive a block, and stores the block at once; returns `false` if the client does not accept the
    /// block.
    fn receive(&mut self, sequence: u8, start: usize, size: usize) -> bool {
        let frame = block(sequence, OFFERED, start as u32, &self.file[start..start + size]);
        let ClientAction::Store(arrived) =
            self.script.client.handle_frame(self.script.now, FrameMeta::unicast(SERVER), &frame)
        else {
            return false;
        };
        for (byte, place) in arrived.data.iter().zip(arrived.offset as usize..) {
            assert_eq!(self.stored[place].replace(*byte), None, "byte {place} is written twice");
        }
        self.script.client.stored(self.script.now, arrived.ticket, StoreResult::Ok).unwrap();
        true
    }

    /// Lets the client receive blocks of 64 bytes, one every 10 ms, with sequence numbers from `sequence` on.
    fn receive_all(&mut self, sequence: u8, starts: impl IntoIterator<Item = usize>, end: usize) {
        for (start, turn) in starts.into_iter().zip(0..) {
            let later = self.script.now.as_millis() + 10;
            self.script.advance_to(later);
            assert!(self.receive(sequence.wrapping_add(turn), start, 64.min(end - start)), "{start}");
        }
    }

    #[track_caller]
    fn assert_complete(&mut self) {
        let stored: Vec<u8> = self.stored.iter().map(|byte| byte.expect("a missing byte")).collect();
        assert_eq!(stored, self.file);
        self.script.assert_silent();
        assert!(matches!(self.script.expect_need(), Need::Verify(..)));
    }
}

/// Shows: CLI-076, CLI-077, CMD-059
#[test]
fn a_file_is_downloaded_page_by_page() {
    let mut paged = PageScript::new(with_pages(300, 0), 1000);
    for (start, end) in [(0, 300), (300, 600), (600, 900), (900, 1000)] {
        let sequence = paged.assert_requests_page(start as u32, (end - start) as u16);
        paged.script.assert_silent();
        paged.receive_all(sequence, (start..end).step_by(64), end);
    }
    paged.assert_complete();
    assert_eq!(paged.script.client.retries(), 0);
}

#[test]
fn a_page_request_has_the_configured_size_and_spacing() {
    let mut paged = PageScript::new(with_pages(300, 50), 1000);
    let (_, request) = paged.request();
    let id = OFFERED;
    let page = ImagePageRequest { id, offset: 0, max_data: 64, page_size: 300, spacing: 50, node: None };
    assert_eq!(request, ToServer::ImagePage(page));
}

/// Shows: CLI-078, CLI-086
#[test]
fn a_lost_block_is_requested_alone_before_the_next_page() {
    let mut paged = PageScript::new(with_pages(640, 0), 2000);
    let sequence = paged.assert_requests_page(0, 640);
    paged.receive_all(sequence, [0, 64, 192, 256, 320, 384, 448, 512, 576], 640);
    let repair = paged.assert_requests_block(128, 64);
    // The next page is requested before the repair arrives, since a request sent later would end the page.
    let next = paged.assert_requests_page(640, 640);
    assert!(paged.receive(repair, 128, 64));
    paged.receive_all(next, (640..1280).step_by(64), 1280);
    let last = paged.assert_requests_page(1280, 640);
    paged.receive_all(last, (1280..1920).step_by(64), 1920);
    let last = paged.assert_requests_page(1920, 80);
    paged.receive_all(last, [1920, 1984], 2000);
    paged.assert_complete();
}

/// Shows: CLI-079, CLI-086
#[test]
fn the_timeout_in_a_page_follows_the_interval_between_blocks() {
    let mut paged = PageScript::new(with_pages(640, 0), 1280);
    let sequence = paged.assert_requests_page(0, 640);
    // Until eight intervals are measured, the timeout is a second: the server may pace its blocks more slowly.
    paged.receive_all(sequence, [0, 64, 128, 192], 640);
    assert!(paged.script.client.poll_timeout().unwrap() >= at(40 + 1000));
    paged.receive_all(sequence, [256, 320, 384, 448, 512, 576], 640);
    let sequence = paged.assert_requests_page(640, 640);
    paged.receive_all(sequence, [640, 704, 768, 832], 1280);
    let now = paged.script.now.as_millis();
    // At one block every 10 ms the timeout allows for the six missing blocks, and a margin.
    paged.script.advance_to(now + 49).assert_silent();
    let deadline = paged.script.client.poll_timeout().unwrap();
    assert!(deadline <= at(now + 80), "{deadline:?}");
    paged.script.advance_to(deadline.as_millis());
    let sequence = paged.assert_requests_page(896, 384);
    paged.receive_all(sequence, (896..1280).step_by(64), 1280);
    paged.assert_complete();
}

#[test]
fn the_timeout_of_the_last_block_of_a_page_is_shorter() {
    let mut paged = PageScript::new(with_pages(640, 0), 1000);
    let sequence = paged.assert_requests_page(0, 640);
    paged.receive_all(sequence, (0..576).step_by(64), 640);
    let deadline = paged.script.client.poll_timeout().unwrap();
    assert!(deadline > at(100) && deadline <= at(90 + 20), "{deadline:?}");
    paged.script.advance_to(deadline.as_millis());
    paged.assert_requests_page(576, 424);
}

/// Shows: CLI-080
#[test]
fn blocks_of_a_page_may_be_reordered_and_duplicated() {
    let mut paged = PageScript::new(with_pages(1000, 0), 1000);
    let sequence = paged.assert_requests_page(0, 1000);
    let starts: Vec<usize> = (0..1000).step_by(64).collect();
    paged.receive_all(sequence, [0], 1000);
    // Each pair of blocks arrives in reverse order, then again as duplicates.
    for pair in starts[1..].chunks(2) {
        for start in pair.iter().rev().chain(pair) {
            let taken = paged.stored[*start].is_none();
            assert_eq!(paged.receive(0, *start, 64.min(1000 - start)), taken);
        }
    }
    paged.assert_complete();
}

/// Shows: CLI-081
#[test]
fn blocks_of_a_page_are_matched_by_offset_not_by_sequence_number() {
    let mut paged = PageScript::new(with_pages(256, 0), 256);
    paged.assert_requests_page(0, 256);
    for (sequence, start) in [(250, 0), (253, 64), (1, 128), (7, 192)] {
        assert!(paged.receive(sequence, start, 64));
    }
    paged.assert_complete();
    // A block of another file is not accepted.
    let mut paged = PageScript::new(with_pages(256, 0), 256);
    let sequence = paged.assert_requests_page(0, 256);
    let other = block(sequence, ImageId { version: FileVersion(1), ..OFFERED }, 0, &paged.file[..64]);
    assert_eq!(
        paged.script.receive_frame(FrameMeta::unicast(SERVER), &other),
        Handled::Ignored(ClientIgnored::Mismatch)
    );
}

/// Shows: CLI-082
#[test]
fn a_server_that_refuses_pages_is_sent_block_requests() {
    for refusal in ["18 {} 0B 04 81", "18 {} 0B 04 01", "18 {} 0B 04 80"] {
        let mut paged = PageScript::new(with_pages(300, 0), 200);
        let sequence = paged.assert_requests_page(0, 200);
        let refusal = refusal.replace("{}", &std::format!("{sequence:02x}"));
        assert_eq!(paged.script.receive(&refusal), Handled::Done);
        for (start, size) in [(0, 64), (64, 64), (128, 64), (192, 8)] {
            let sequence = paged.assert_requests_block(start, size);
            paged.script.assert_silent();
            assert!(paged.receive(sequence, start as usize, size.into()));
        }
        paged.assert_complete();
    }
}

/// Shows: CLI-083
#[test]
fn a_server_without_pages_may_have_files_for_one_device() {
    let node = Eui64(0x0123_4567_89ab_cdef);
    const KEYS: ImageId = ImageId::new(0x115f, 0xffc0, 7);
    let asking = || {
        let config = ClientConfig {
            identity: Identity { node: Some(node), ..config().identity },
            ..with_pages(300, 0)
        };
        let mut script = Script::new(config);
        let stack = StackVersion::ZIGBEE_PRO;
        script.client.query_specific_file(at(0), KEYS, stack).unwrap();
        assert!(script.transmit().is_some(), "a query");
        script.receive_frame(FrameMeta::unicast(SERVER), &offer(0, 0x09, KEYS, 100));
        script.accept().prepare();
        script.assert_sends("01 01 04 01 5F11 C0FF 07000000 00000000 40 6400 0000 EFCDAB8967452301");
        assert_eq!(script.receive("18 01 0B 04 81"), Handled::Done);
        script.assert_sends("01 02 03 01 5F11 C0FF 07000000 00000000 40 EFCDAB8967452301");
        script
    };
    let mut script = asking();
    let file = file_of(KEYS, |header| header.destination = Some(node));
    script.receive_frame(FrameMeta::unicast(SERVER), &block(2, KEYS, 0, &file[..64]));
    script.assert_sends("01 03 03 01 5F11 C0FF 07000000 40000000 24 EFCDAB8967452301");
    script.receive_frame(FrameMeta::unicast(SERVER), &block(3, KEYS, 64, &file[64..]));
    assert!(matches!(script.expect_need(), Need::Verify(..)));

    let mut script = asking();
    assert_eq!(script.receive("18 02 0B 03 81"), Handled::Done);
    assert_eq!(script.expect_end(), Outcome::SpecificFilesUnsupported);
}

#[test]
fn a_server_that_ignores_page_requests_is_sent_block_requests() {
    let mut paged = PageScript::new(with_pages(300, 0), 200);
    let ignore = |paged: &mut PageScript, offset, size| {
        paged.assert_requests_page(offset, size);
        let deadline = paged.script.client.poll_timeout().unwrap();
        paged.script.advance_to(deadline.as_millis() - 1).assert_silent();
        paged.script.advance_to(deadline.as_millis());
    };
    // Until a response has arrived, timeouts are long: two pages, then the header block by block.
    for turn in 0..2 {
        ignore(&mut paged, 0, 200);
        assert_eq!(paged.script.client.retries(), turn);
    }
    let sequence = paged.assert_requests_block(0, 64);
    assert!(paged.receive(sequence, 0, 64));
    // With the measured round trip, four more pages take a short time.
    let now = paged.script.now;
    (0..4).for_each(|_| ignore(&mut paged, 64, 136));
    assert!(paged.script.now.since(now) < Millis(2000), "{:?}", paged.script.now.since(now));
    let sequence = paged.assert_requests_block(64, 64);
    assert!(paged.receive(sequence, 64, 64));
    paged.assert_requests_block(128, 64);
}

/// Shows: CLI-084
#[test]
fn after_a_wait_the_page_is_requested_from_the_first_missing_byte() {
    let mut paged = PageScript::new(with_pages(500, 0), 1000);
    let sequence = paged.assert_requests_page(0, 500);
    paged.receive_all(sequence, [0, 64], 500);
    assert_eq!(paged.script.receive("19 05 05 97 00000000 05000000"), Handled::Done);
    paged.script.advance_to(20 + 4999).assert_silent();
    paged.script.advance_to(20 + 5000);
    let sequence = paged.assert_requests_page(128, 500);
    paged.receive_all(sequence, (128..628).step_by(64), 628);
    paged.assert_requests_page(628, 372);
}

#[test]
fn three_no_image_available_to_page_requests_pause_the_download() {
    let mut paged = PageScript::new(with_pages(500, 0), 1000);
    let mut time = 0;
    for turn in 1..=3 {
        let sequence = paged.assert_requests_page(0, 500);
        // Some servers name the command of a block request.
        let gone = std::format!("18 {sequence:02x} 0B {:02x} 98", 3 + sequence % 2);
        assert_eq!(paged.script.receive(&gone), Handled::Done);
        if turn < 3 {
            time += 1000;
            paged.script.advance_to(time - 1).assert_silent();
            paged.script.advance_to(time);
        }
    }
    assert_eq!(paged.script.expect_pause(), (PauseReason::ImageGone, time + 10_000));
}

/// Shows: CLI-085
#[test]
fn a_device_sleeps_between_blocks_with_long_spacing() {
    for (spacing, waits) in [(999, WaitingFor::Server), (1000, WaitingFor::Time)] {
        let mut paged = PageScript::new(with_pages(300, spacing), 1000);
        let sequence = paged.assert_requests_page(0, 300);
        assert_eq!(paged.script.client.waiting_for(), WaitingFor::Server, "the first block arrives at once");
        paged.receive(sequence, 0, 64);
        assert_eq!(paged.script.client.waiting_for(), waits);
        // The timeout of the next block is later than the spacing.
        assert!(paged.script.client.poll_timeout().unwrap() > at(u64::from(spacing)));
    }
}

/// Shows: CLI-075
#[test]
fn a_download_may_mix_pages_and_blocks() {
    let mut paged = PageScript::new(with_pages(300, 0), 1000);
    let sequence = paged.assert_requests_page(0, 300);
    // Every second block is lost and requested alone. Then the server refuses the next page.
    paged.receive_all(sequence, [0, 128, 256], 300);
    let repair = paged.assert_requests_block(64, 64);
    let second = paged.assert_requests_block(192, 64);
    let page = paged.assert_requests_page(300, 300);
    assert!(paged.receive(second, 192, 64) && paged.receive(repair, 64, 64));
    assert_eq!(paged.script.receive(&std::format!("18 {page:02x} 0B 04 81")), Handled::Done);
    for start in (300..1000).step_by(64) {
        let sequence = paged.assert_requests_block(start as u32, 64.min(1000 - start) as u8);
        assert!(paged.receive(sequence, start, 64.min(1000 - start)));
    }
    paged.assert_complete();
}

#[test]
fn a_late_block_of_a_page_cancels_its_repair() {
    let mut paged = PageScript::new(with_pages(256, 0), 256);
    let sequence = paged.assert_requests_page(0, 256);
    paged.receive_all(sequence, [0, 64, 192], 256);
    let repair = paged.assert_requests_block(128, 64);
    assert!(paged.receive(sequence, 128, 64), "the late block");
    assert!(!paged.receive(repair, 128, 64), "the duplicate");
    paged.assert_complete();
    assert_eq!(paged.script.client.poll_timeout(), None);
}

#[test]
fn a_lost_repair_is_retried_after_the_page() {
    let mut paged = PageScript::new(with_pages(256, 0), 512);
    let sequence = paged.assert_requests_page(0, 256);
    paged.receive_all(sequence, [0, 64, 192], 256);
    paged.assert_requests_block(128, 64);
    let sequence = paged.assert_requests_page(256, 256);
    for start in [256, 320, 384] {
        let later = paged.script.now.as_millis() + 10;
        paged.script.advance_to(later).assert_silent();
        assert!(paged.receive(sequence, start, 64));
    }
    let later = paged.script.now.as_millis() + 10;
    paged.script.advance_to(later).assert_silent();
    assert!(paged.receive(sequence, 448, 64));
    let repair = loop {
        if let Some((_, bytes)) = paged.script.transmit() {
            break bytes;
        }
        let deadline = paged.script.client.poll_timeout().unwrap();
        paged.script.advance_to(deadline.as_millis());
    };
    assert_eq!((repair[2], repair[12], repair[16]), (0x03, 128, 64));
    assert!(paged.receive(repair[1], 128, 64));
    paged.assert_complete();
    assert_eq!(paged.script.client.retries(), 1);
}

#[test]
fn storage_gets_whole_words_from_pages() {
    // The server sends 50 bytes at a time, whatever is requested, so blocks end inside words of 8 bytes.
    let config = ClientConfig { write_size: NonZeroU8::new(8).unwrap(), ..with_pages(404, 0) };
    let mut paged = PageScript::new(config, 1003);
    let mut sizes = Vec::new();
    for _ in 0..200 {
        if paged.script.client.progress().is_none() {
            break;
        }
        let Some((_, bytes)) = paged.script.transmit() else {
            let deadline = paged.script.client.poll_timeout().expect("a deadline");
            paged.script.advance_to(deadline.as_millis());
            continue;
        };
        let Message::ToServer(request) = decode(&bytes).message else { panic!("{bytes:02x?}") };
        let (start, end, max) = match request {
            ToServer::ImagePage(page) => {
                (page.offset, page.offset + u32::from(page.page_size), page.max_data)
            }
            ToServer::ImageBlock(block) => {
                (block.offset, block.offset + u32::from(block.max_data), block.max_data)
            }
            other => panic!("{other:?}"),
        };
        assert!(end <= 1003 && start % 8 == 0, "{start}..{end}");
        sizes.push(max);
        let max = usize::from(max).min(50);
        for start in (start as usize..end as usize).step_by(max) {
            paged.receive(bytes[1], start, max.min(end as usize - start));
        }
    }
    paged.assert_complete();
    assert!(sizes.contains(&48), "the size that the server sends is requested from then on: {sizes:?}");
}
