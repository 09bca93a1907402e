//! Tests of sessions, with two images in the store. The submodules test one topic each; the tests in this file show that
//! slots are empty by default, and that a session works at every time of the server's clock.

mod cancelled_downloads;
mod choice_of_slot;
mod count_of_repeated_downloads;
mod devices_that_leave_or_move;
mod several_images;

use super::*;
use crate::time::Millis;
use crate::types::ImageFilter;

/// `01 10 ac 00 07 00 00 00` in a frame: the image of a second processor.
const SECOND: ImageId = ImageId::new(0x1001, 0x00ac, 7);
const QUERY: &str = "01 2a 01 00 01 10 ab 00 01 00 00 00";
const QUERY_SECOND: &str = "01 2a 01 00 01 10 ac 00 01 00 00 00";
const END: &str = "01 2a 06 00 01 10 ab 00 05 00 00 00";
const ABORT: &str = "19 2a 05 95";
const NO_IMAGE: &str = "19 2a 02 98";

fn files() -> Vec<Vec<u8>> {
    vec![plain(5, 1000), file(FileHeader::new(SECOND), 1000)]
}

fn desk() -> Desk<SliceStore<'static>, Script> {
    Desk::with(files())
}

fn configured(config: ServerConfig, slots: usize) -> Desk<SliceStore<'static>, Script> {
    Desk::configured(config, slots, catalog(files()), Script::default())
}

fn block(id: ImageId, offset: u32) -> String {
    let ([a, b, ..], [kind, ..], [version, ..]) =
        (offset.to_le_bytes(), id.image_type.0.to_le_bytes(), id.version.0.to_le_bytes());
    std::format!("01 2a 03 00 01 10 {kind:02x} 00 {version:02x} 00 00 00 {a:02x} {b:02x} 00 00 32")
}

/// Image Page Request for 500 bytes in blocks of 50 bytes, with one block each 100 ms.
fn page(id: ImageId) -> String {
    let ([kind, ..], [version, ..]) = (id.image_type.0.to_le_bytes(), id.version.0.to_le_bytes());
    std::format!("01 2a 04 00 01 10 {kind:02x} 00 {version:02x} 00 00 00 00 00 00 00 32 f4 01 64 00")
}

fn is_data(answer: &str) -> bool {
    answer.starts_with("19 2a 05 00")
}

impl Desk<SliceStore<'static>, Script> {
    fn phase_of(&self, client: Address, id: ImageId) -> Option<SessionPhase> {
        self.server.session_for(client, id).map(Session::phase)
    }

    /// Downloads a whole image, and ends the download with a status.
    fn take(&mut self, client: Address, id: ImageId, status: &str) -> String {
        for offset in (0..1000).step_by(50) {
            assert!(is_data(&self.ask(client, &block(id, offset))));
            self.all_events();
        }
        let ([kind, ..], [version, ..]) = (id.image_type.0.to_le_bytes(), id.version.0.to_le_bytes());
        self.ask(client, &std::format!("01 2a 06 {status} 01 10 {kind:02x} 00 {version:02x} 00 00 00"))
    }

    fn start_page(&mut self, client: Address, id: ImageId) {
        let ServerAction::Reply(transmit) = self.handle(client, &page(id)) else { panic!("no page") };
        assert!(!transmit.aps_ack, "a block of a page");
    }
}

/// Shows: FLD-055
#[test]
fn no_time_means_something_else() {
    for start in [0, 1, u64::from(u32::MAX), u64::from(u32::MAX) + 1, 1 << 52, u64::MAX - 100_000_000] {
        let config = ServerConfig { min_block_period: Millis(2_000), ..ServerConfig::default() };
        let mut desk = configured(config, 4);
        desk.now = start;
        assert!(is_data(&desk.ask(LAMP, &block(IMAGE, 0))));
        for _ in 0..3 {
            assert!(!is_data(&desk.ask(LAMP, &block(IMAGE, 50))), "too early, after a block at {start}");
        }
        desk.now += 2_000;
        assert!(is_data(&desk.ask(LAMP, &block(IMAGE, 50))));
        desk.all_events();
        // The timeout of the silence does not depend on the clock either.
        desk.run_to(start + 2_000 + 299_999);
        assert_eq!(desk.events(), []);
        desk.run_to(start + 2_000 + 300_000);
        assert_eq!(desk.events().len(), 1);
        // A pause of any length ends the period.
        for days in [24, 25, 49, 50, 100] {
            desk.now = desk.now.saturating_add(days * 86_400_000);
            assert!(is_data(&desk.ask(LAMP, &block(IMAGE, 100))), "after {days} days");
            desk.run_to(desk.now);
            desk.all_events();
        }
    }
}

#[test]
fn slots_by_default_are_empty() {
    let mut server = Server::new(ServerConfig::default(), <[Session; 2]>::default());
    assert_eq!(server.sessions().count(), 0);
    let mut images = catalog(vec![plain(5, 101)]);
    let frame = bytes("01 2a 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 04");
    let mut out = [0; zcl::LONGEST_TO_CLIENT];
    let (now, meta) = (Instant::ZERO, FrameMeta::unicast(LAMP));
    let handled =
        server.handle_frame(now, meta, &frame, &mut images, &mut StandardPolicy::default(), &mut out);
    assert!(matches!(handled, ServerAction::Reply(_)));
    assert_eq!(server.sessions().map(Session::client).collect::<Vec<_>>(), [LAMP]);
}
