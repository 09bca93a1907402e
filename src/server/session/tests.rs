//! Tests of one session: its size, its counts, its speed and its phases.

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

/// Serves `count` blocks of `len` bytes from `offset` on, `pause` milliseconds after each other, the first one at `at`,
/// and passes the true rate, the bytes that are left and the progress after each block to `check`.
fn serve(
    session: &mut Session,
    (at, pause): (u64, u64),
    (offset, len, count): (u32, u32, u32),
    mut check: impl FnMut(u64, f64, Option<SessionProgress>),
) {
    for block in 0..count {
        let (at, start) = (at + u64::from(block) * pause, offset + block * len);
        session.record_block(Instant::from_millis(at), A, 1_000_000, start, start + len);
        check(at, f64::from(len) * 1000.0 / pause as f64, session.progress());
    }
}

/// Whether rate and remaining time are either unknown or within 20 % of the truth, and known in the end.
fn is_right(rate: f64, progress: Option<SessionProgress>) -> bool {
    let Some(SessionProgress { reached, size, rate: told, remaining }) = progress else { return false };
    let near = |told: u32, truth: f64| (f64::from(told) - truth).abs() <= 0.2 * truth + 0.5;
    let left = f64::from(size - reached) / rate;
    told.is_none_or(|told| near(told, rate))
        && remaining.is_none_or(|told| near(told, left))
        && told.is_some() == remaining.is_some()
}

/// Shows: FLD-051
#[test]
fn a_rate_is_unknown_at_first_and_then_right() {
    // The first time is just before the 32-bit counter of milliseconds turns.
    for start in [u64::from(u32::MAX) - 1_000, 5, 7_000_000] {
        for (pause, len) in [(1, 50), (20, 64), (250, 50), (302, 223), (1_000, 16), (7_500, 64), (60_000, 50)]
        {
            for offset in [0, 4_000] {
                let mut session = Session::EMPTY;
                assert_eq!(session.progress(), None);
                let mut known = None;
                serve(
                    &mut session,
                    (start, pause),
                    (offset, len, 6_000.min(900_000 / len)),
                    |at, rate, progress| {
                        assert!(is_right(rate, progress), "{pause} {len} {at}: {rate} {progress:?}");
                        if progress.unwrap().rate.is_some() {
                            known.get_or_insert(at - start);
                        }
                    },
                );
                let expected = 5_000.max(u64::from(512_u32.div_ceil(len)) * pause);
                assert!(known.is_none_or(|known| known < expected + pause), "{pause} {len}: {known:?}");
                assert_eq!(known.is_none(), pause == 1 && len * 6_000 < 5_000, "{pause} {len}: {known:?}");
            }
        }
    }
}

/// Shows: FLD-051
#[test]
fn a_rate_follows_the_speed_and_survives_jumps() {
    let mut session = Session::EMPTY;
    // Ten times slower than before: told within a few minutes, by 20 %.
    serve(&mut session, (0, 20), (0, 50, 10_000), |_, _, _| ());
    let (mut last, mut right) = (0, 0);
    serve(&mut session, (200_000, 200), (500_000, 50, 5_000), |at, rate, progress| {
        if !is_right(rate, progress) {
            last = at;
        }
        right += u32::from(is_right(rate, progress));
    });
    assert!(last < 200_000 + 600_000 && right > 2_000, "wrong until {last} ms, right {right} times");

    // A device that comes back asks for the header, for its last block, and goes on from there.
    let mut session = Session::EMPTY;
    serve(&mut session, (0, 100), (0, 50, 1), |_, _, _| ());
    serve(&mut session, (100, 100), (600_000, 50, 1), |_, _, _| ());
    serve(&mut session, (200, 100), (600_050, 50, 1_000), |at, rate, progress| {
        assert!(is_right(rate, progress), "{at} {progress:?}");
    });
    assert_eq!(session.progress().unwrap().rate, Some(500));
    // Blocks that are sent again are no progress, and a time without progress makes the rate smaller.
    session.record_block(Instant::from_millis(9_000_000), A, 1_000_000, 650_000, 650_050);
    assert!(session.progress().unwrap().rate.unwrap() < 10);
}

#[test]
fn a_first_block_that_becomes_shorter_starts_no_download_anew() {
    let mut session = Session::EMPTY;
    let mut serve = |offset, end| session.record_block(Instant::ZERO, A, 10_000, offset, end).started;
    assert!(serve(0, 64));
    assert!(!serve(0, 32) && !serve(0, 64) && !serve(64, 128));
    assert!(serve(0, 32), "from the start again");
}

#[test]
fn times_to_wait_are_never_shortened() {
    for seconds in (0..90_000).step_by(7).chain(0..100).chain([86_400, u32::MAX]) {
        let kept = CoarseSeconds::new(seconds).get();
        assert!(kept >= seconds.min(86_400), "{seconds}: {kept}");
        assert!(kept <= seconds.saturating_add(seconds / 16), "{seconds}: {kept}");
    }
}
