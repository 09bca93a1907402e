//! Pages: a client that asks for many blocks at once, and a server that loses, doubles and shuffles them.

mod beside;

use core::num::{NonZeroU8, NonZeroU16};

use super::*;
use crate::zcl::ImagePageRequest;

fn paged(size: u16, spacing: u16) -> ClientConfig {
    ClientConfig {
        transfer: TransferMode::Pages { size: NonZeroU16::new(size).unwrap(), spacing },
        ..config()
    }
}

/// A client, the file that it downloads, and what it stored of it.
struct Paged {
    script: Script,
    file: Vec<u8>,
    stored: Vec<Option<u8>>,
}

impl Paged {
    fn new(config: ClientConfig, size: usize) -> Self {
        let mut script = Script::querying(config);
        let answer = offer(0, 0x02, OFFERED, size as u32);
        assert_eq!(script.receives(FrameMeta::unicast(SERVER), &answer), Met::Done);
        script.accept().prepare();
        while script.client.poll_event().is_some() {}
        Self { script, file: long_file(size), stored: std::vec![None; size] }
    }

    fn request(&mut self) -> (u8, ToServer) {
        let (_, bytes) = self.script.transmit().expect("a request");
        let Message::ToServer(request) = decode(&bytes).message else { panic!("{bytes:02x?}") };
        (bytes[1], request)
    }

    /// The client asks for this page next; the sequence number of its request.
    #[track_caller]
    fn asks_page(&mut self, start: u32, size: u16) -> u8 {
        let (sequence, request) = self.request();
        let ToServer::ImagePage(page) = request else { panic!("{request:?}") };
        assert_eq!((page.offset, page.page_size), (start, size));
        assert_eq!(page.check(), Ok(()), "a client sends only what it may");
        sequence
    }

    /// The client asks for this block next; the sequence number of its request.
    #[track_caller]
    fn asks_block(&mut self, start: u32, size: u8) -> u8 {
        let (sequence, request) = self.request();
        let ToServer::ImageBlock(block) = request else { panic!("{request:?}") };
        assert_eq!((block.offset, block.max_data), (start, size));
        sequence
    }

    /// A block comes, and is stored at once if it is taken.
    fn gets(&mut self, sequence: u8, start: usize, size: usize) -> bool {
        let frame = block(sequence, OFFERED, start as u32, &self.file[start..start + size]);
        let ClientAction::Store(lent) =
            self.script.client.handle_frame(self.script.now, FrameMeta::unicast(SERVER), &frame)
        else {
            return false;
        };
        for (byte, place) in lent.data.iter().zip(lent.offset as usize..) {
            assert_eq!(self.stored[place].replace(*byte), None, "byte {place} is written twice");
        }
        self.script.client.stored(self.script.now, lent.ticket, StoreResult::Ok).unwrap();
        true
    }

    /// Blocks of 64 bytes, one each 10 ms, numbered on from `sequence`.
    fn gets_all(&mut self, sequence: u8, starts: impl IntoIterator<Item = usize>, end: usize) {
        for (start, turn) in starts.into_iter().zip(0..) {
            let later = self.script.now.as_millis() + 10;
            self.script.until(later);
            assert!(self.gets(sequence.wrapping_add(turn), start, 64.min(end - start)), "{start}");
        }
    }

    #[track_caller]
    fn is_whole(&mut self) {
        let stored: Vec<u8> = self.stored.iter().map(|byte| byte.expect("a byte that is missing")).collect();
        assert_eq!(stored, self.file);
        self.script.is_silent();
        assert!(matches!(self.script.need(), Need::Verify(..)));
    }
}

/// Shows: CLI-076, CLI-077, CMD-059
#[test]
fn a_file_comes_page_by_page_to_its_end() {
    let mut paged = Paged::new(paged(300, 0), 1000);
    for (start, end) in [(0, 300), (300, 600), (600, 900), (900, 1000)] {
        let sequence = paged.asks_page(start as u32, (end - start) as u16);
        paged.script.is_silent();
        paged.gets_all(sequence, (start..end).step_by(64), end);
    }
    paged.is_whole();
    assert_eq!(paged.script.client.retries(), 0);
}

#[test]
fn a_page_request_says_what_was_configured() {
    let mut paged = Paged::new(paged(300, 50), 1000);
    let (_, request) = paged.request();
    let id = OFFERED;
    let page = ImagePageRequest { id, offset: 0, max_data: 64, page_size: 300, spacing: 50, node: None };
    assert_eq!(request, ToServer::ImagePage(page));
}

/// Shows: CLI-078, CLI-086
#[test]
fn a_block_that_was_lost_is_asked_for_alone_and_before_the_next_page() {
    let mut paged = Paged::new(paged(640, 0), 2000);
    let sequence = paged.asks_page(0, 640);
    paged.gets_all(sequence, [0, 64, 192, 256, 320, 384, 448, 512, 576], 640);
    let repair = paged.asks_block(128, 64);
    // Not before that came: a newer request ends a page.
    let next = paged.asks_page(640, 640);
    assert!(paged.gets(repair, 128, 64));
    paged.gets_all(next, (640..1280).step_by(64), 1280);
    let last = paged.asks_page(1280, 640);
    paged.gets_all(last, (1280..1920).step_by(64), 1920);
    let last = paged.asks_page(1920, 80);
    paged.gets_all(last, [1920, 1984], 2000);
    paged.is_whole();
}

/// Shows: CLI-079, CLI-086
#[test]
fn silence_in_a_page_is_noticed_by_its_own_pace() {
    let mut paged = Paged::new(paged(640, 0), 640);
    let sequence = paged.asks_page(0, 640);
    paged.gets_all(sequence, [0, 64, 128, 192], 640);
    // A block each 10 ms: four may be lost in a row, and a few ms are granted.
    paged.script.until(40 + 49).is_silent();
    let deadline = paged.script.client.poll_timeout().unwrap();
    assert!(deadline <= at(40 + 80), "{deadline:?}");
    paged.script.until(deadline.as_millis());
    let sequence = paged.asks_page(256, 384);
    paged.gets_all(sequence, (256..640).step_by(64), 640);
    paged.is_whole();
}

#[test]
fn the_last_block_of_a_page_is_not_waited_for_as_long() {
    let mut paged = Paged::new(paged(640, 0), 1000);
    let sequence = paged.asks_page(0, 640);
    paged.gets_all(sequence, (0..576).step_by(64), 640);
    let deadline = paged.script.client.poll_timeout().unwrap();
    assert!(deadline > at(100) && deadline <= at(90 + 20), "{deadline:?}");
    paged.script.until(deadline.as_millis());
    paged.asks_page(576, 424);
}

/// Shows: CLI-080
#[test]
fn blocks_may_come_in_any_order_and_twice() {
    let mut paged = Paged::new(paged(1000, 0), 1000);
    let sequence = paged.asks_page(0, 1000);
    let starts: Vec<usize> = (0..1000).step_by(64).collect();
    paged.gets_all(sequence, [0], 1000);
    // Two by two the other way round, and all of them again.
    for pair in starts[1..].chunks(2) {
        for start in pair.iter().rev().chain(pair) {
            let taken = paged.stored[*start].is_none();
            assert_eq!(paged.gets(0, *start, 64.min(1000 - start)), taken);
        }
    }
    paged.is_whole();
}

/// Shows: CLI-081
#[test]
fn blocks_of_a_page_are_known_by_their_place_not_their_number() {
    let mut paged = Paged::new(paged(256, 0), 256);
    paged.asks_page(0, 256);
    for (sequence, start) in [(250, 0), (253, 64), (1, 128), (7, 192)] {
        assert!(paged.gets(sequence, start, 64));
    }
    paged.is_whole();
    // Of another file they are not taken.
    let mut paged = Paged::new(self::paged(256, 0), 256);
    let sequence = paged.asks_page(0, 256);
    let other = block(sequence, ImageId { version: FileVersion(1), ..OFFERED }, 0, &paged.file[..64]);
    assert_eq!(
        paged.script.receives(FrameMeta::unicast(SERVER), &other),
        Met::Ignored(ClientIgnored::NotAsked)
    );
}

/// Shows: CLI-082
#[test]
fn a_server_without_pages_is_asked_for_blocks() {
    for refusal in ["18 {} 0B 04 81", "18 {} 0B 04 01", "18 {} 0B 04 80"] {
        let mut paged = Paged::new(paged(300, 0), 200);
        let sequence = paged.asks_page(0, 200);
        let refusal = refusal.replace("{}", &std::format!("{sequence:02x}"));
        assert_eq!(paged.script.gets(&refusal), Met::Done);
        for (start, size) in [(0, 64), (64, 64), (128, 64), (192, 8)] {
            let sequence = paged.asks_block(start, size);
            paged.script.is_silent();
            assert!(paged.gets(sequence, start as usize, size.into()));
        }
        paged.is_whole();
    }
}

/// Shows: CLI-083
#[test]
fn a_server_without_pages_may_have_files_for_one_device() {
    let node = Eui64(0x0123_4567_89ab_cdef);
    const KEYS: ImageId = ImageId::new(0x115f, 0xffc0, 7);
    let asking = || {
        let config =
            ClientConfig { identity: Identity { node: Some(node), ..config().identity }, ..paged(300, 0) };
        let mut script = Script::new(config);
        let stack = StackVersion::ZIGBEE_PRO;
        script.client.query_specific_file(at(0), KEYS, stack).unwrap();
        assert!(script.transmit().is_some(), "a query");
        script.receives(FrameMeta::unicast(SERVER), &offer(0, 0x09, KEYS, 100));
        script.accept().prepare();
        script.sends("01 01 04 01 5F11 C0FF 07000000 00000000 40 6400 0000 EFCDAB8967452301");
        assert_eq!(script.gets("18 01 0B 04 81"), Met::Done);
        script.sends("01 02 03 01 5F11 C0FF 07000000 00000000 40 EFCDAB8967452301");
        script
    };
    let mut script = asking();
    let file = file_of(KEYS, |_| {});
    script.receives(FrameMeta::unicast(SERVER), &block(2, KEYS, 0, &file[..64]));
    script.sends("01 03 03 01 5F11 C0FF 07000000 40000000 24 EFCDAB8967452301");
    script.receives(FrameMeta::unicast(SERVER), &block(3, KEYS, 64, &file[64..]));
    assert!(matches!(script.need(), Need::Verify(..)));

    let mut script = asking();
    assert_eq!(script.gets("18 02 0B 03 81"), Met::Done);
    assert_eq!(script.ended(), Outcome::SpecificFilesUnsupported);
}

#[test]
fn a_server_that_does_not_answer_page_requests_is_asked_for_blocks() {
    let mut paged = Paged::new(paged(300, 0), 200);
    for turn in 0..4 {
        paged.asks_page(0, 200);
        assert_eq!(paged.script.client.retries(), turn);
        let deadline = paged.script.client.poll_timeout().unwrap();
        paged.script.until(deadline.as_millis() - 1).is_silent();
        paged.script.until(deadline.as_millis());
    }
    let sequence = paged.asks_block(0, 64);
    assert!(paged.gets(sequence, 0, 64));
    paged.asks_block(64, 64);
}

/// Shows: CLI-084
#[test]
fn after_a_wait_the_page_is_asked_for_from_the_first_byte_that_is_missing() {
    let mut paged = Paged::new(paged(500, 0), 1000);
    let sequence = paged.asks_page(0, 500);
    paged.gets_all(sequence, [0, 64], 500);
    assert_eq!(paged.script.gets("19 05 05 97 00000000 05000000"), Met::Done);
    paged.script.until(20 + 4999).is_silent();
    paged.script.until(20 + 5000);
    let sequence = paged.asks_page(128, 500);
    paged.gets_all(sequence, (128..628).step_by(64), 628);
    paged.asks_page(628, 372);
}

#[test]
fn an_image_that_is_gone_in_a_page_is_asked_for_three_times() {
    let mut paged = Paged::new(paged(500, 0), 1000);
    let mut time = 0;
    for turn in 1..=3 {
        let sequence = paged.asks_page(0, 500);
        let gone = std::format!("18 {sequence:02x} 0B 04 98");
        assert_eq!(paged.script.gets(&gone), Met::Done);
        if turn < 3 {
            time += 1000;
            paged.script.until(time - 1).is_silent();
            paged.script.until(time);
        }
    }
    assert_eq!(paged.script.ended(), Outcome::ImageGone);
}

/// Shows: CLI-085
#[test]
fn a_device_sleeps_between_blocks_that_are_far_apart() {
    for (spacing, waits) in [(999, WaitingFor::Server), (1000, WaitingFor::Time)] {
        let mut paged = Paged::new(paged(300, spacing), 1000);
        let sequence = paged.asks_page(0, 300);
        assert_eq!(paged.script.client.waiting_for(), WaitingFor::Server, "the first comes at once");
        paged.gets(sequence, 0, 64);
        assert_eq!(paged.script.client.waiting_for(), waits);
        // The next one is due after the spacing, and is waited for.
        assert!(paged.script.client.poll_timeout().unwrap() > at(u64::from(spacing)));
    }
}

/// Shows: CLI-075
#[test]
fn a_download_may_mix_pages_and_blocks() {
    let mut paged = Paged::new(paged(300, 0), 1000);
    let sequence = paged.asks_page(0, 300);
    // Every second block only: each is asked for alone, and the server does not have pages any more.
    paged.gets_all(sequence, [0, 128, 256], 300);
    let repair = paged.asks_block(64, 64);
    let second = paged.asks_block(192, 64);
    let page = paged.asks_page(300, 300);
    assert!(paged.gets(second, 192, 64) && paged.gets(repair, 64, 64));
    assert_eq!(paged.script.gets(&std::format!("18 {page:02x} 0B 04 81")), Met::Done);
    for start in (300..1000).step_by(64) {
        let sequence = paged.asks_block(start as u32, 64.min(1000 - start) as u8);
        assert!(paged.gets(sequence, start, 64.min(1000 - start)));
    }
    paged.is_whole();
}

#[test]
fn a_late_block_of_a_page_cancels_its_repair() {
    let mut paged = Paged::new(paged(256, 0), 256);
    let sequence = paged.asks_page(0, 256);
    paged.gets_all(sequence, [0, 64, 192], 256);
    let repair = paged.asks_block(128, 64);
    assert!(paged.gets(sequence, 128, 64), "late");
    assert!(!paged.gets(repair, 128, 64), "twice");
    paged.is_whole();
    assert_eq!(paged.script.client.poll_timeout(), None);
}

#[test]
fn a_repair_that_was_lost_is_asked_for_again_when_the_page_is_over() {
    let mut paged = Paged::new(paged(256, 0), 512);
    let sequence = paged.asks_page(0, 256);
    paged.gets_all(sequence, [0, 64, 192], 256);
    paged.asks_block(128, 64);
    let sequence = paged.asks_page(256, 256);
    for start in [256, 320, 384] {
        let later = paged.script.now.as_millis() + 10;
        paged.script.until(later).is_silent();
        assert!(paged.gets(sequence, start, 64));
    }
    let later = paged.script.now.as_millis() + 10;
    paged.script.until(later).is_silent();
    assert!(paged.gets(sequence, 448, 64));
    let repair = loop {
        if let Some((_, bytes)) = paged.script.transmit() {
            break bytes;
        }
        let deadline = paged.script.client.poll_timeout().unwrap();
        paged.script.until(deadline.as_millis());
    };
    assert_eq!((repair[2], repair[12], repair[16]), (0x03, 128, 64));
    assert!(paged.gets(repair[1], 128, 64));
    paged.is_whole();
    assert_eq!(paged.script.client.retries(), 1);
}

#[test]
fn storage_of_words_gets_them_whole_from_pages_too() {
    // The server gives 50 bytes at a time, whatever is asked for: words of 8 lie across.
    let config = ClientConfig { alignment: NonZeroU8::new(8).unwrap(), ..paged(404, 0) };
    let mut paged = Paged::new(config, 1003);
    let mut sizes = Vec::new();
    for _ in 0..200 {
        if paged.script.client.progress().is_none() {
            break;
        }
        let Some((_, bytes)) = paged.script.transmit() else {
            let deadline = paged.script.client.poll_timeout().expect("nothing stalls");
            paged.script.until(deadline.as_millis());
            continue;
        };
        let Message::ToServer(request) = decode(&bytes).message else { panic!("{bytes:02x?}") };
        let (start, end, most) = match request {
            ToServer::ImagePage(page) => {
                (page.offset, page.offset + u32::from(page.page_size), page.max_data)
            }
            ToServer::ImageBlock(block) => {
                (block.offset, block.offset + u32::from(block.max_data), block.max_data)
            }
            other => panic!("{other:?}"),
        };
        assert!(end <= 1003 && start % 8 == 0, "{start}..{end}");
        sizes.push(most);
        let most = usize::from(most).min(50);
        for start in (start as usize..end as usize).step_by(most) {
            paged.gets(bytes[1], start, most.min(end as usize - start));
        }
    }
    paged.is_whole();
    assert!(sizes.contains(&48), "what fits is asked for from then on: {sizes:?}");
}

/// A route that is gone for long: each pause is twice the one before, but no longer than an answer is waited for.
#[test]
fn a_failed_delivery_makes_no_request_later_than_an_answer_would_have() {
    use crate::aps::{DeliveryReport, TransmitToken};

    let mut script = Script::downloading(ClientConfig { error_pause: Millis::secs(5), ..config() });
    let (request, _) = script.transmit().expect("the request");
    script.client.handle_delivery(at(100), request.token, DeliveryReport::Failed);
    assert_eq!(script.client.poll_timeout(), Some(at(3000)));
    script.until(2999).is_silent();
    script.until(3000).sends_request(0);
    script.client.handle_delivery(at(3000), TransmitToken::request(1), DeliveryReport::Failed);
    assert_eq!(script.client.poll_timeout(), Some(at(3000 + 6000)), "of a try that is not the last");
}
