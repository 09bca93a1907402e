//! Tests of one session: its size, its counts and its phases.

use super::*;

const A: ImageId = ImageId::new(0x1001, 0x00ab, 5);
const B: ImageId = ImageId::new(0x1001, 0x00ab, 6);

/// The size of a session is the same on 32 and 64 bits, because no field is as wide as a pointer. (Some 32-bit
/// targets align a `u64` to four bytes; the session is no larger on such a target.)
#[test]
fn a_session_is_small() {
    assert_eq!(size_of::<Session>(), 96);
}

#[test]
fn blocks_add_up_to_progress() {
    let mut session = Session::new(Instant::ZERO, Address::new(1, 1), A, Links::NONE);
    let at = Instant::from_millis;
    let mut serve = |millis, id, offset, end| {
        let served = session.record_block(at(millis), id, 200, offset, end);
        assert_eq!(session.last_heard(), at(millis));
        match session.phase() {
            SessionPhase::Downloading { id: now, reached, blocks, size: 200 } => {
                assert_eq!(now, id);
                (served.started, reached, blocks)
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(serve(1, A, 0, 50), (true, 50, 1));
    assert_eq!(serve(2, A, 0, 50), (false, 50, 2), "the first block repeated");
    assert_eq!(serve(3, A, 100, 150), (false, 150, 3));
    assert_eq!(serve(4, A, 50, 100), (false, 150, 4), "a gap filled");
    assert_eq!(serve(5, A, 0, 50), (true, 50, 1), "from the start again");
    assert_eq!(serve(6, B, 64, 128), (true, 128, 1), "another image, resumed");
}

#[test]
fn a_first_block_that_becomes_shorter_starts_no_download_anew() {
    let mut session = Session::EMPTY;
    let mut serve = |offset, end| session.record_block(Instant::ZERO, A, 10_000, offset, end).started;
    assert!(serve(0, 64));
    assert!(!serve(0, 32) && !serve(0, 64) && !serve(64, 128));
    assert!(serve(0, 32), "from the start again");
}

/// The blocks of a page follow each other without a request in between.
#[test]
fn each_sent_block_awaits_a_sign_of_its_arrival() {
    let mut session = Session::EMPTY;
    for offset in [0, 50, 100] {
        session.record_block(Instant::ZERO, A, 200, offset, offset + 50);
        assert!(session.flags.contains(Flags::UNCONFIRMED));
    }
}
