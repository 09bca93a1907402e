//! Tests of the count of repeated downloads of the same image.

use super::*;

const BLOCK: &str = "01 2a 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 32";
const QUERY: &str = "01 2a 01 00 01 10 ab 00 01 00 00 00";
const OFFER: &str = "19 2a 02 00 01 10 ab 00 05 00 00 00 e8 03 00 00";

fn configured(config: ServerConfig) -> Desk<SliceStore<'static>, Script> {
    Desk::configured(config, 8, catalog(vec![plain(5, 1000)]), Script::default())
}

/// Field report 8: a device that downloads the same update for ever.
#[test]
fn a_client_that_takes_the_same_image_again_and_again_is_not_offered_it() {
    for end in ["00", "96"] {
        let mut desk = configured(ServerConfig::default());
        let end = std::format!("01 2a 06 {end} 01 10 ab 00 05 00 00 00");
        for _ in 0..3 {
            assert_eq!(desk.ask(LAMP, QUERY), OFFER);
            assert_eq!(desk.ask(LAMP, QUERY), OFFER, "asking twice is not taking twice");
            desk.ask(LAMP, BLOCK);
            desk.ask(LAMP, &end);
            desk.now += 60_000;
        }
        desk.events();
        let again = ServerEvent::RepeatedDownload { client: LAMP, id: IMAGE, times: 3 };
        for times in 0..300 {
            assert_eq!(desk.ask(LAMP, QUERY), "19 2a 02 98");
            assert_eq!(desk.events().contains(&again), times == 0, "told once");
        }
        // A newer version starts a new count.
        desk.images = catalog(vec![plain(5, 1000), plain(6, 1000)]);
        assert_eq!(desk.ask(LAMP, QUERY), OFFER.replacen("05", "06", 1));
        desk.images = catalog(vec![plain(5, 1000)]);
        assert_eq!(desk.ask(LAMP, QUERY), OFFER);
    }
}

#[test]
fn a_policy_may_offer_it_once_more() {
    struct Patient(Vec<u8>);
    impl ServerPolicy for Patient {
        fn offer_repeated(&mut self, client: Address, id: ImageId, times: u8) -> QueryDecision {
            assert_eq!((client, id), (LAMP, IMAGE));
            self.0.push(times);
            if times < 4 { QueryDecision::Offer } else { QueryDecision::NotAuthorized }
        }
    }
    let config = ServerConfig { repeated_download_limit: 2, ..ServerConfig::default() };
    let mut desk = Desk::configured(config, 4, catalog(vec![plain(5, 1000)]), Patient(vec![]));
    let end = "01 2a 06 00 01 10 ab 00 05 00 00 00";
    for answer in [OFFER, OFFER, OFFER, OFFER, "19 2a 02 7e"] {
        assert_eq!(desk.ask(LAMP, QUERY), answer);
        desk.ask(LAMP, BLOCK);
        desk.ask(LAMP, end);
        desk.now += 60_000;
    }
    assert_eq!(desk.policy.0, [2, 3, 4]);
    let mut desk = configured(ServerConfig { repeated_download_limit: 0, ..ServerConfig::default() });
    for _ in 0..20 {
        assert_eq!(desk.ask(LAMP, QUERY), OFFER);
        desk.ask(LAMP, BLOCK);
        desk.ask(LAMP, end);
        desk.now += 60_000;
    }
}
