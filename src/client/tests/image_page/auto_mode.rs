//! Tests of `TransferMode::Auto`: the choice between pages and blocks.

use super::*;

/// Runs a download with `TransferMode::Auto`, and returns for each request whether the request is for a page. The
/// blocks of a page arrive 50 ms apart, and a block of an Image Block Request arrives `alone` ms after the request.
fn request_kinds(alone: u64) -> Vec<bool> {
    let mut paged = PageScript::new(ClientConfig { transfer: TransferMode::Auto, ..config() }, 40_000);
    let mut chosen = Vec::new();
    while paged.script.client.poll_need().is_none() {
        let mut requests = Vec::new();
        while let Some((_, bytes)) = paged.script.transmit() {
            requests.push(bytes);
        }
        assert!(!requests.is_empty() && chosen.len() < 1000, "the download does not end");
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
                paged.script.advance_to(later);
                assert!(paged.receive(bytes[1], start, 64.min(end - start)), "{start}");
            }
        }
    }
    chosen
}

#[test]
fn auto_compares_slow_pages_with_blocks_and_keeps_the_faster() {
    for (alone, pages) in [(12, false), (60, true)] {
        let chosen = request_kinds(alone);
        assert!(!chosen[0] && chosen[1], "the header must come by blocks, then a page: {chosen:?}");
        let runs: Vec<_> = chosen.chunk_by(bool::eq).map(|run| (run[0], run.len())).collect();
        assert!(runs.len() > 2 && runs[2].1 >= 24, "{runs:?}");
        assert_eq!(runs.len() > 3, pages, "{runs:?}");
    }
}
