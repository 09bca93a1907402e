//! Tests of Query Specific File, and of blocks and pages of files for one device.

use super::rejected_frames::malformed_prefixes;
use super::*;
use crate::FileVersion;
use crate::aps::FrameMeta;
use crate::zcl::QuerySpecificFileRequest;

const SETTINGS: ImageId = ImageId::new(0x1001, 0xffc1, 5);
/// Query Specific File Request of OWNER for version 5 of its settings.
const QUERY: &str = "01 2a 08 ef cd ab 89 67 45 23 01 01 10 c1 ff 05 00 00 00 02 00";
const NO_FILE: &str = "19 2a 09 98";
const OFFER: &str = "19 2a 09 00 01 10 c1 ff 05 00 00 00 64 00 00 00";

fn settings(version: u32, destination: Option<Eui64>) -> Vec<u8> {
    let id = ImageId { version: FileVersion(version), ..SETTINGS };
    file(FileHeader { destination, ..FileHeader::new(id) }, 100)
}

fn without() -> ServerConfig {
    ServerConfig { query_specific_file: false, ..ServerConfig::default() }
}

/// Shows: SRV-075
#[test]
fn a_server_without_files_for_one_device_says_so() {
    let files = catalog(vec![settings(5, Some(OWNER))]);
    let mut desk = Desk::configured(without(), 4, files, Script::default());
    assert_eq!(desk.ask(LAMP, QUERY), "18 2a 0b 08 81");
    assert_eq!(desk.ask(LAMP, "01 2a 08 01"), "18 2a 0b 08 81");
    assert_eq!(desk.events(), []);
}

/// Shows: SRV-038
#[test]
fn blocks_for_one_device_need_query_specific_file() {
    let request = "01 2a 03 01 01 10 c1 ff 05 00 00 00 00 00 00 00 02 ef cd ab 89 67 45 23 01";
    let files = catalog(vec![settings(5, Some(OWNER))]);
    let mut desk = Desk::configured(without(), 4, files, Script::default());
    assert_eq!(desk.ask(LAMP, request), "18 2a 0b 03 81");
    let mut desk = Desk::new(files, Script::of_owner());
    assert_eq!(desk.ask(LAMP, request), "19 2a 05 00 01 10 c1 ff 05 00 00 00 00 00 00 00 02 1e f1");
}

/// Shows: SRV-039
#[test]
fn an_address_alone_asks_for_no_file_of_one_device() {
    let request = "01 2a 03 01 01 10 ab 00 05 00 00 00 00 00 00 00 02 ef cd ab 89 67 45 23 01";
    for config in [without(), ServerConfig::default()] {
        let mut desk = Desk::configured(config, 4, catalog(vec![plain(5, 101)]), Script::default());
        assert_eq!(desk.ask(LAMP, request), "19 2a 05 00 01 10 ab 00 05 00 00 00 00 00 00 00 02 1e f1");
    }
}

/// Shows: SRV-076, CMD-089, CMD-090
#[test]
fn a_file_is_found_by_its_four_keys_or_made_when_it_is_asked_for() {
    let mut desk = Desk::with_owner(vec![settings(4, Some(OWNER)), settings(5, Some(OWNER))]);
    assert_eq!(desk.ask(LAMP, QUERY), OFFER);
    assert_eq!(desk.phase(LAMP), Some(SessionPhase::Offered(SETTINGS)));
    let offer = zcl::ImageOffer { id: SETTINGS, size: 100 };
    let stack = crate::StackVersion::ZIGBEE_PRO;
    let request = QuerySpecificFileRequest { node: OWNER, id: SETTINGS, stack };
    let told = ServerEvent::QueriedSpecificFile { client: LAMP, request, answer: Ok(offer), reason: None };
    assert_eq!(desk.events(), [told]);
    for other in [("01 10 c1", "02 10 c1"), ("c1 ff", "c0 ff"), ("05 00 00 00 02", "06 00 00 00 02")] {
        assert_eq!(desk.ask(LAMP, &QUERY.replacen(other.0, other.1, 1)), NO_FILE);
    }

    /// Store of a log that is written when a client requests it.
    struct OnDemand(Option<Vec<u8>>);
    impl ImageStore for OnDemand {
        fn find(
            &mut self,
            _: ManufacturerCode,
            _: ImageType,
            _: &mut dyn FnMut(&ImageInfo) -> bool,
        ) -> Option<ImageInfo> {
            None
        }
        fn info(
            &mut self,
            id: ImageId,
            node: Option<Eui64>,
            _: Option<HardwareVersion>,
            _: Option<Address>,
        ) -> FileLookup {
            let made = self
                .0
                .get_or_insert_with(|| file(FileHeader { destination: node, ..FileHeader::new(id) }, 77));
            StoreEntry::parse(made).ok().map(|entry| *entry.info()).into()
        }
        fn read(&mut self, _: &ImageInfo, _: u32, _: Option<Address>, _: &mut [u8]) -> ReadResult {
            ReadResult::Gone
        }
    }
    let mut desk = Desk::new(OnDemand(None), Script::of_owner());
    assert_eq!(desk.ask(LAMP, QUERY), OFFER.replace("64", "4d"));
    assert!(desk.images.0.is_some());
}

/// Shows: CMD-050
#[test]
fn every_request_may_be_for_a_reserved_type() {
    const OWNED: &str = " ef cd ab 89 67 45 23 01";
    let mut desk = Desk::with_owner(vec![settings(5, Some(OWNER)), plain(5, 100)]);
    let block = |control: &str, kind: &str| {
        std::format!("01 2a 03 {control} 01 10 {kind} 05 00 00 00 00 00 00 00 04")
    };
    assert_eq!(
        desk.ask(LAMP, &(block("01", "c1 ff") + OWNED)),
        "19 2a 05 00 01 10 c1 ff 05 00 00 00 00 00 00 00 04 1e f1 ee 0b"
    );
    assert_eq!(
        desk.ask(LAMP, &(block("01", "ab 00") + OWNED)),
        "19 2a 05 00 01 10 ab 00 05 00 00 00 00 00 00 00 04 1e f1 ee 0b"
    );
    let page = "01 2a 04 01 01 10 c1 ff 05 00 00 00 00 00 00 00 10 04 00 0a 00";
    let ServerAction::Reply(transmit) = desk.handle(LAMP, &std::format!("{page}{OWNED}")) else { panic!() };
    assert_eq!(
        super::hex(&desk.out[..transmit.len]),
        "19 2a 05 00 01 10 c1 ff 05 00 00 00 00 00 00 00 04 1e f1 ee 0b"
    );
    let end = desk.ask(LAMP, "01 2a 06 00 01 10 c1 ff 05 00 00 00");
    assert!(end.starts_with("19 2a 07 01 10 c1 ff 05 00 00 00") || end == "18 2a 0b 06 00", "{end}");
}

/// Shows: SRV-077
#[test]
fn a_file_for_one_device_names_it() {
    let somebody_elses = || settings(5, Some(Eui64(7)));
    for files in [vec![somebody_elses()], vec![settings(5, None)], vec![]] {
        let mut desk = Desk::with_owner(files);
        assert_eq!(desk.ask(LAMP, QUERY), NO_FILE);
    }
    // The server checks the destination of a file from a careless store.
    let files = catalog(vec![somebody_elses()]);
    struct Careless(SliceStore<'static>);
    impl ImageStore for Careless {
        fn find(
            &mut self,
            _: ManufacturerCode,
            _: ImageType,
            _: &mut dyn FnMut(&ImageInfo) -> bool,
        ) -> Option<ImageInfo> {
            None
        }
        fn info(
            &mut self,
            id: ImageId,
            _: Option<Eui64>,
            hardware: Option<HardwareVersion>,
            _: Option<Address>,
        ) -> FileLookup {
            self.0.info(id, Some(Eui64(7)), hardware, None)
        }
        fn read(&mut self, _: &ImageInfo, _: u32, _: Option<Address>, _: &mut [u8]) -> ReadResult {
            ReadResult::Gone
        }
    }
    let mut desk = Desk::new(Careless(files), Script::of_owner());
    assert_eq!(desk.ask(LAMP, QUERY), NO_FILE);
}

/// Shows: SRV-078
#[test]
fn a_file_for_one_device_is_not_there_or_not_for_it() {
    struct Locked;
    impl ServerPolicy for Locked {
        fn ieee(&mut self, _: Address) -> Option<Eui64> {
            Some(OWNER)
        }
        fn offer_specific_file(
            &mut self,
            client: Address,
            request: &QuerySpecificFileRequest,
            found: Option<&ImageInfo>,
        ) -> QueryDecision {
            assert_eq!((request.id, found.map(|image| image.id)), (SETTINGS, Some(SETTINGS)));
            if client == LAMP { QueryDecision::NotAuthorized } else { QueryDecision::NoImage }
        }
    }
    let mut desk = Desk::new(catalog(vec![settings(5, Some(OWNER))]), Locked);
    assert_eq!(desk.ask(LAMP, QUERY), "19 2a 09 7e");
    assert_eq!(desk.ask(PLUG, QUERY), NO_FILE);
    assert_eq!(Desk::with_owner(vec![]).ask(LAMP, QUERY), NO_FILE);
}

/// Shows: SRV-080, CMD-086
#[test]
fn a_query_for_one_device_that_misses_a_field_is_malformed() {
    let mut desk = Desk::with(vec![settings(5, Some(OWNER))]);
    malformed_prefixes(&mut desk, QUERY, "18 2a 0b 08 80", "Query Specific File Request");
    // An image type that is not reserved for files for one device.
    let strict = ServerConfig { strict: true, ..ServerConfig::default() };
    let mut desk = Desk::configured(strict, 4, SliceStore::default(), Script::default());
    assert_eq!(desk.ask(LAMP, &QUERY.replacen("c1 ff", "ab 00", 1)), "18 2a 0b 08 80");
}

#[test]
fn a_version_wildcard_finds_the_highest_version_if_the_policy_accepts_it() {
    struct Any;
    impl ServerPolicy for Any {
        fn ieee(&mut self, _: Address) -> Option<Eui64> {
            Some(OWNER)
        }
        fn accepts_version_wildcard(&mut self, _: Address, _: &QuerySpecificFileRequest) -> bool {
            true
        }
    }
    let files =
        catalog(vec![settings(3, Some(OWNER)), settings(5, Some(OWNER)), settings(9, Some(Eui64(7)))]);
    let any = QUERY.replacen("05 00 00 00 02", "ff ff ff ff 02", 1);
    assert_eq!(Desk::new(files, Any).ask(LAMP, &any), OFFER);
    assert_eq!(Desk::new(files, Script::of_owner()).ask(LAMP, &any), NO_FILE);
}

/// Shows: SRV-063
#[test]
fn a_policy_says_what_follows_a_file_for_one_device() {
    let end = |image_type: &str| std::format!("01 2a 06 00 01 10 {image_type} ff 05 00 00 00");
    let order = "19 2a 07 01 10 c1 ff 05 00 00 00 00 00 00 00 00 00 00 00";
    let mut desk = Desk::with(vec![]);
    assert_eq!(desk.ask(LAMP, &end("c2")), "18 2a 0b 06 00", "a log");
    assert_eq!(desk.ask(LAMP, &end("c1")), order);
    desk.policy.apply = Some(UpgradeDecision::Acknowledge);
    for image_type in ["c0", "c1"] {
        assert_eq!(desk.ask(LAMP, &end(image_type)), "18 2a 0b 06 00");
    }
    assert_eq!(desk.handle(LAMP, &end("c1").replacen("01", "11", 1)), ServerAction::Done);
}

/// Shows: SRV-015
#[test]
fn data_goes_to_one_client_at_a_time() {
    let mut desk = Desk::with(vec![plain(5, 1000)]);
    let block = "01 2a 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 32";
    let page = "01 2a 04 00 01 10 ab 00 05 00 00 00 00 00 00 00 32 00 02 00 00";
    for request in [block, page] {
        for delivery in [DeliveryMode::Broadcast, DeliveryMode::Multicast] {
            let handled = desk.handle_as(FrameMeta::new(LAMP, delivery), &bytes(request));
            assert_eq!(handled, ServerAction::Ignored(ServerIgnored::NotUnicast));
        }
        let ServerAction::Reply(transmit) = desk.handle(LAMP, request) else { panic!() };
        assert_eq!((transmit.to, transmit.delivery), (LAMP, DeliveryMode::Unicast));
    }
    let rest = desk.run_to(1_000);
    assert!(rest.len() > 5);
    assert!(rest.iter().all(|(_, sent, _)| (sent.to, sent.delivery) == (LAMP, DeliveryMode::Unicast)));
}

/// A response is sent with APS security if the request came with APS security.
#[test]
fn a_request_with_aps_security_is_answered_with_it() {
    let mut desk = Desk::with(vec![plain(5, 1000)]);
    let page = "01 2a 04 00 01 10 ab 00 05 00 00 00 00 00 00 00 32 00 02 00 00";
    for request in [QUERY, page] {
        let meta = FrameMeta::unicast(LAMP).with_aps_security(true);
        let ServerAction::Reply(transmit) = desk.handle_as(meta, &bytes(request)) else { panic!() };
        assert!(transmit.aps_security);
    }
    assert!(desk.run_to(1_000).iter().all(|(_, sent, _)| sent.aps_security));
}
