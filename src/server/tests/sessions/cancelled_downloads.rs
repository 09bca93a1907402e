//! Tests of downloads that an operator cancels.

use super::*;

/// Shows: FLD-043
#[test]
fn an_operator_cancels_the_downloads_of_a_device() {
    let mut desk = configured(ServerConfig { max_downloads: 1, ..ServerConfig::default() }, 8);
    desk.ask(LAMP, QUERY);
    desk.start_page(LAMP, IMAGE);
    desk.ask(LAMP, &block(SECOND, 0));
    desk.events();
    assert_eq!(desk.server.cancel(PLUG, ImageFilter::ALL), 0);
    assert_eq!(desk.server.cancel(LAMP, SECOND.into()), 1);
    assert_eq!(desk.events(), [ServerEvent::Cancelled { client: LAMP, id: SECOND }]);
    assert_eq!(desk.ask(LAMP, &block(SECOND, 50)), ABORT);
    let (status, reason) = (Status::ABORT, RefusalReason::Cancelled);
    assert_eq!(desk.events(), [ServerEvent::NotServed { client: LAMP, id: SECOND, status, reason }]);
    assert!(desk.server.session_for(LAMP, IMAGE).unwrap().has_page(), "the other one goes on");
    assert!(!is_data(&desk.ask(PLUG, &block(IMAGE, 0))));

    assert_eq!(desk.server.cancel(LAMP, ImageFilter::ALL), 1);
    desk.events();
    assert_eq!(desk.run_to(5_000).len(), 0, "the page ended");
    assert!(is_data(&desk.ask(PLUG, &block(IMAGE, 0))), "the place is free");
    assert_eq!(desk.phase_of(LAMP, IMAGE), Some(SessionPhase::Ended { id: IMAGE, status }));
    // A lost ABORT is repeated, for every kind of request.
    for _ in 0..3 {
        assert_eq!(desk.ask(LAMP, &block(IMAGE, 50)), ABORT);
        assert_eq!(desk.ask(LAMP, &page(IMAGE)), ABORT);
        assert_eq!(desk.ask(LAMP, END), "18 2a 0b 06 95");
    }
    // A query starts anew.
    assert!(desk.ask(LAMP, QUERY).starts_with("19 2a 02 00"));
    desk.ask(PLUG, &END.replacen("06 00", "06 96", 1));
    assert!(is_data(&desk.ask(LAMP, &block(IMAGE, 0))));
}

/// Shows: FLD-043
#[test]
fn a_deferred_request_of_a_cancelled_download_is_aborted() {
    let images = Slow { files: catalog(files()), says: Some(ReadResult::Later), reads: vec![] };
    let mut desk = Desk::new(images, Script::default());
    desk.ask(LAMP, QUERY);
    let ServerAction::Deferred(deferred) = desk.handle(LAMP, &block(IMAGE, 0)) else {
        panic!("not deferred")
    };
    assert_eq!(desk.server.cancel(LAMP, ImageFilter::ALL), 1);
    assert_eq!(desk.answer(deferred, Ok(&[1, 2, 3])), ABORT);
    assert_eq!(desk.phase(LAMP), Some(SessionPhase::Ended { id: IMAGE, status: Status::ABORT }));
}
