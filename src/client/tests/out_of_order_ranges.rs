//! Tests of every transfer mode with different numbers of out-of-order ranges, including no ranges.

use core::num::{NonZeroU8, NonZeroU16};

use super::*;

/// Asserts that a client with `RANGES` out-of-order ranges completes a download while every `lost`th block is lost.
fn assert_completes<const RANGES: usize>(transfer: TransferMode, lost: usize, has_pages: bool) {
    let mut client = Client::<RANGES>::with_ranges(ClientConfig { transfer, ..config() }, 1, at(0));
    let file = long_file(3000);
    let mut stored: Vec<Option<u8>> = std::vec![None; file.len()];
    let (mut now, mut sent, mut buf) = (at(0), 0, [0; LONGEST_TO_SERVER]);
    client.query(now).unwrap();
    assert!(client.poll_transmit(now, &mut buf).is_some());
    let answer = offer(0, 0x02, OFFERED, 3000);
    assert_eq!(client.handle_frame(now, FrameMeta::unicast(SERVER), &answer), ClientAction::Done);
    for _ in 0..2000 {
        while let Some(need) = client.poll_need() {
            match need {
                Need::Decide(ticket, _) => client.accept(ticket).unwrap(),
                Need::Prepare(ticket, _) => client.prepared(now, ticket, PrepareResult::Ready).unwrap(),
                _ => {
                    let stored: Vec<u8> = stored.iter().map(|byte| byte.expect("a missing byte")).collect();
                    return assert_eq!(stored, file);
                }
            }
        }
        let Some(transmit) = client.poll_transmit(now, &mut buf) else {
            let deadline = client.poll_timeout();
            now = now
                .max(deadline.unwrap_or_else(|| panic!("{RANGES} ranges, {transfer:?}, {lost}: {client:?}")));
            client.handle_timeout(now);
            continue;
        };
        let request = decode(&buf[..transmit.len]);
        let (start, end) = match request.message {
            Message::ToServer(ToServer::ImageBlock(block)) => {
                let first_gap = stored.iter().position(Option::is_none).unwrap();
                assert!(
                    RANGES > 0 || block.offset as usize == first_gap,
                    "without ranges, blocks are requested in order"
                );
                (block.offset, block.offset + u32::from(block.max_data))
            }
            Message::ToServer(ToServer::ImagePage(page)) if has_pages => {
                assert!(RANGES > 0, "without ranges, no page is requested");
                (page.offset, page.offset + u32::from(page.page_size))
            }
            _ => {
                let refusal = [0x18, request.sequence, 0x0b, 0x04, 0x81];
                assert_eq!(
                    client.handle_frame(now, FrameMeta::unicast(SERVER), &refusal),
                    ClientAction::Done
                );
                continue;
            }
        };
        for start in (start as usize..end as usize).step_by(64) {
            (now, sent) = (now.plus(Millis(10)), sent + 1);
            client.handle_timeout(now);
            if sent % lost == 0 {
                continue;
            }
            let frame =
                block(request.sequence, OFFERED, start as u32, &file[start..(start + 64).min(end as usize)]);
            if let ClientAction::Store(arrived) = client.handle_frame(now, FrameMeta::unicast(SERVER), &frame)
            {
                for (byte, place) in arrived.data.iter().zip(arrived.offset as usize..) {
                    assert_eq!(stored[place].replace(*byte), None, "byte {place} is written twice");
                }
                client.stored(now, arrived.ticket, StoreResult::Ok).unwrap();
            }
        }
    }
    panic!("no end with {RANGES} ranges, {transfer:?}, every {lost}th lost");
}

#[test]
fn every_transfer_mode_completes_with_few_ranges_or_none() {
    let pages = TransferMode::Pages { size: NonZeroU16::new(700).unwrap(), spacing: 0 };
    let window = TransferMode::Blocks { window: NonZeroU8::new(4).unwrap() };
    for transfer in [pages, window, TransferMode::Auto] {
        for (lost, has_pages) in [(1000, true), (7, true), (3, true), (5, false)] {
            assert_completes::<0>(transfer, lost, has_pages);
            assert_completes::<1>(transfer, lost, has_pages);
            assert_completes::<2>(transfer, lost, has_pages);
            assert_completes::<8>(transfer, lost, has_pages);
        }
    }
}

/// Stop-and-wait needs no out-of-order ranges.
#[test]
fn a_client_without_ranges_downloads_in_order() {
    struct Memory(Vec<u8>);
    impl Storage for Memory {
        fn prepare(&mut self, offer: &ImageOffer) -> PrepareResult {
            self.0.reserve(offer.size as usize);
            PrepareResult::Ready
        }

        fn write(&mut self, offset: u32, data: &[u8]) -> StoreResult {
            assert_eq!(offset as usize, self.0.len());
            self.0.extend(data);
            StoreResult::Ok
        }

        fn verify(&mut self, offer: &ImageOffer) -> VerifyResult {
            if self.0.len() == offer.size as usize { VerifyResult::Valid } else { VerifyResult::Invalid }
        }
    }

    let file = file(|_| {});
    let mut memory = Memory(Vec::new());
    let mut client = Client::<0>::with_ranges(config(), 1, at(0));
    let mut buf = [0; LONGEST_TO_SERVER];
    client.query(at(0)).unwrap();
    assert!(client.poll_transmit(at(0), &mut buf).is_some());
    let meta = FrameMeta::unicast(SERVER);
    let answer = offer(0, 0x02, OFFERED, 100);
    assert_eq!(client.handle_frame_with(at(0), meta, &answer, &mut memory), ClientAction::Done);
    let Some(Need::Decide(ticket, _)) = client.poll_need_with(at(0), &mut memory) else {
        panic!("no need to decide")
    };
    client.accept(ticket).unwrap();
    assert_eq!(client.poll_need_with(at(0), &mut memory), None);
    for (sequence, place) in [(1, 0..64), (2, 64..100)] {
        assert!(client.poll_transmit(at(0), &mut buf).is_some());
        let answer = block(sequence, OFFERED, place.start as u32, &file[place]);
        assert_eq!(client.handle_frame_with(at(0), meta, &answer, &mut memory), ClientAction::Done);
    }
    assert_eq!(client.poll_need_with(at(0), &mut memory), None);
    assert_eq!(memory.0, file);
    let end = client.poll_transmit(at(0), &mut buf).expect("the Upgrade End Request");
    assert_eq!(buf[..end.len], hex("01 03 06 00 5F11 0101 2C1A0000"));
}
