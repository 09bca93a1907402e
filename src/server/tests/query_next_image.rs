//! Tests of Query Next Image.

use super::*;
use crate::types::{FileVersion, HardwareRange, HardwareVersion, StackVersion};
use crate::zcl::{ImageOffer, Refusal, Violation};

const QUERY: &str = "01 2a 01 00 01 10 ab 00 01 00 00 00";
const NO_IMAGE: &str = "19 2a 02 98";

/// File with the file version `version` for the hardware versions 1.0 to 2.255.
fn for_hardware(version: u32) -> Vec<u8> {
    let hardware = Some(HardwareRange { min: HardwareVersion(0x0100), max: HardwareVersion(0x02ff) });
    let id = ImageId { version: FileVersion(version), ..IMAGE };
    file(FileHeader { hardware, ..FileHeader::new(id) }, 120)
}

fn of(version: &str) -> String {
    std::format!("01 2a 01 00 01 10 ab 00 {version}")
}

/// Shows: SRV-016, SRV-023, SRV-027, SRV-029, CMD-043, CMD-044
#[test]
fn the_highest_version_is_offered() {
    let mut desk = Desk::with(vec![plain(1, 101), plain(3, 0x0102), plain(2, 103)]);
    assert_eq!(
        desk.ask(LAMP, "01 2a 01 00 01 10 ab 00 00 00 00 00"),
        // version 3, 0x102 bytes: header and all that follows it
        "19 2a 02 00 01 10 ab 00 03 00 00 00 02 01 00 00"
    );
    let offer = ImageOffer { id: ImageId::new(0x1001, 0x00ab, 3), size: 0x0102 };
    let request = QueryNextImageRequest { current: ImageId::new(0x1001, 0x00ab, 0), hardware: None };
    assert_eq!(
        desk.events(),
        [ServerEvent::Queried { client: LAMP, request, answer: Ok(offer), reason: None }]
    );
    assert_eq!(desk.phase(LAMP), Some(SessionPhase::Offered(offer.id)));
    // Images of other manufacturer codes or image types are not considered.
    assert_eq!(desk.ask(LAMP, "01 2b 01 00 02 10 ab 00 00 00 00 00"), "19 2b 02 98");
    assert_eq!(desk.ask(LAMP, "01 2c 01 00 01 10 ac 00 00 00 00 00"), "19 2c 02 98");
}

#[test]
fn an_offer_repeats_manufacturer_and_type_whatever_the_store_found() {
    struct Liar;
    impl ImageStore for Liar {
        fn find(
            &mut self,
            _: ManufacturerCode,
            _: ImageType,
            _: &mut dyn FnMut(&ImageInfo) -> bool,
        ) -> Option<ImageInfo> {
            let header = FileHeader { total_size: 9, ..FileHeader::new(ImageId::new(7, 8, 9)) };
            Some(ImageInfo::new(&header))
        }
        fn info(
            &mut self,
            _: ImageId,
            _: Option<Eui64>,
            _: Option<HardwareVersion>,
            _: Option<Address>,
        ) -> FileLookup {
            FileLookup::NotFound
        }
        fn read(&mut self, _: &ImageInfo, _: u32, _: Option<Address>, _: &mut [u8]) -> ReadResult {
            ReadResult::Gone
        }
    }
    let mut desk = Desk::new(Liar, StandardPolicy::default());
    assert_eq!(desk.ask(LAMP, QUERY), "19 2a 02 00 01 10 ab 00 09 00 00 00 09 00 00 00");
}

/// Shows: SRV-024, SRV-025
#[test]
fn an_idle_server_answers_every_query() {
    for slots in [0, 4] {
        let mut desk =
            Desk::configured(ServerConfig::default(), slots, SliceStore::default(), Script::default());
        for _ in 0..5 {
            assert_eq!(desk.ask(LAMP, QUERY), NO_IMAGE);
            assert_eq!(desk.ask(PLUG, "01 2b 01 01 01 10 ab 00 01 00 00 00 00 01"), "19 2b 02 98");
            desk.now += 3_000;
        }
        assert_eq!(desk.phase(LAMP), None, "a type that the store does not have takes no slot");
    }
}

/// Shows: SRV-017
#[test]
fn only_what_is_newer_is_offered_unless_the_policy_wants_more() {
    const OLD: &str = "19 2a 02 00 01 10 ab 00 04 00 00 00 64 00 00 00";
    const SAME: &str = "19 2a 02 00 01 10 ab 00 05 00 00 00 65 00 00 00";
    const NEW: &str = "19 2a 02 00 01 10 ab 00 06 00 00 00 66 00 00 00";
    let (old, same, new) = (plain(4, 100), plain(5, 101), plain(6, 102));
    for (versions, answers) in [
        (OfferedVersions::Upgrade, [NEW, NO_IMAGE, NO_IMAGE]),
        (OfferedVersions::Downgrade, [OLD, OLD, OLD]),
        (OfferedVersions::Reinstall, [SAME, SAME, NO_IMAGE]),
        (OfferedVersions::Any, [NEW, SAME, OLD]),
    ] {
        let mut desk = Desk::with(vec![]);
        desk.policy.standard.versions = versions;
        let held = [vec![&old, &same, &new], vec![&old, &same], vec![&old]];
        for (files, answer) in held.into_iter().zip(answers) {
            desk.images = catalog(files.into_iter().cloned().collect());
            assert_eq!(desk.ask(LAMP, &of("05 00 00 00")), answer, "{versions:?}");
        }
    }
    // The default of the trait offers newer versions only.
    struct Nothing;
    impl ServerPolicy for Nothing {}
    let mut desk = Desk::new(catalog(vec![old, same, new]), Nothing);
    assert_eq!(desk.ask(LAMP, &of("05 00 00 00")), NEW);
    assert_eq!(desk.ask(LAMP, &of("06 00 00 00")), NO_IMAGE);
}

/// Shows: SRV-018, SRV-028
#[test]
fn a_policy_sees_the_whole_request_and_all_candidates() {
    /// Policy that offers images for ZigBee PRO and hardware 1.2 up to version 7.
    struct Careful(Vec<(Address, QueryNextImageRequest, u32)>);
    impl ServerPolicy for Careful {
        fn is_eligible(
            &mut self,
            client: Address,
            request: &QueryNextImageRequest,
            image: &ImageInfo,
        ) -> bool {
            self.0.push((client, *request, image.id.version.0));
            request.hardware == Some(HardwareVersion(0x0102))
                && image.stack == StackVersion::ZIGBEE_PRO
                && image.id.version <= FileVersion(7)
        }
    }
    let id = ImageId { version: FileVersion(6), ..IMAGE };
    let ip = file(FileHeader { stack: StackVersion::ZIGBEE_IP, ..FileHeader::new(id) }, 60);
    let mut desk = Desk::new(catalog(vec![plain(8, 100), plain(2, 101), ip]), Careful(vec![]));
    assert_eq!(
        desk.ask(LAMP, "01 2a 01 01 01 10 ab 00 04 00 00 00 02 01"),
        "19 2a 02 00 01 10 ab 00 02 00 00 00 65 00 00 00"
    );
    let current = ImageId::new(0x1001, 0x00ab, 4);
    let request = QueryNextImageRequest { current, hardware: Some(HardwareVersion(0x0102)) };
    assert_eq!(desk.policy.0, [(LAMP, request, 8), (LAMP, request, 2), (LAMP, request, 6)]);
    assert_eq!(desk.ask(LAMP, "01 2a 01 01 01 10 ab 00 04 00 00 00 03 01"), NO_IMAGE);
}

/// Shows: SRV-019
#[test]
fn hardware_out_of_range_gets_the_next_lower_version_that_fits() {
    let fallback = "19 2a 02 00 01 10 ab 00 05 00 00 00 65 00 00 00";
    let best = "19 2a 02 00 01 10 ab 00 06 00 00 00 78 00 00 00";
    for (files, outside) in
        [(vec![for_hardware(6), plain(5, 101), plain(4, 100)], fallback), (vec![for_hardware(6)], NO_IMAGE)]
    {
        let mut desk = Desk::with(files);
        for (hardware, answer) in [("ff 00", outside), ("00 01", best), ("ff 02", best), ("00 03", outside)] {
            let query = std::format!("01 2a 01 01 01 10 ab 00 01 00 00 00 {hardware}");
            assert_eq!(desk.ask(LAMP, &query), answer, "{hardware}");
        }
    }
}

/// Shows: SRV-020
#[test]
fn the_policy_decides_about_unknown_hardware() {
    let mut desk = Desk::with(vec![for_hardware(6)]);
    assert_eq!(desk.ask(LAMP, QUERY), "19 2a 02 00 01 10 ab 00 06 00 00 00 78 00 00 00");
    desk.policy.standard.offer_to_unknown_hardware = false;
    assert_eq!(desk.ask(LAMP, QUERY), NO_IMAGE);
}

/// Shows: SRV-021
#[test]
fn a_client_that_does_not_know_its_version_gets_nothing_unless_allowed() {
    let query = "01 2a 01 00 01 10 ab 00 ff ff ff ff";
    let mut desk = Desk::with(vec![plain(5, 101)]);
    assert_eq!(desk.ask(LAMP, query), NO_IMAGE);
    desk.policy.standard.offer_to_unknown_version = true;
    assert_eq!(desk.ask(LAMP, query), "19 2a 02 00 01 10 ab 00 05 00 00 00 65 00 00 00");
    // The refusal does not depend on which integer is larger.
    desk.policy.standard =
        StandardPolicy { versions: OfferedVersions::Downgrade, ..StandardPolicy::default() };
    assert_eq!(desk.ask(LAMP, query), NO_IMAGE);

    let strict = ServerConfig { strict: true, ..ServerConfig::default() };
    let mut desk = Desk::configured(strict, 4, catalog(vec![plain(5, 101)]), Script::default());
    assert_eq!(desk.ask(LAMP, query), "18 2a 0b 01 80");
    let fault = RequestFault::Violation(Violation::WildcardVersion);
    assert_eq!(desk.events(), [ServerEvent::Malformed { client: LAMP, fault }]);
    assert_eq!(desk.policy.offers, []);
}

/// Shows: SRV-022
#[test]
fn manufacturer_ffff_is_a_code_like_any_other() {
    let query = "01 2a 01 00 ff ff ab 00 01 00 00 00";
    let mut desk = Desk::with(vec![plain(5, 101)]);
    assert_eq!(desk.ask(LAMP, query), NO_IMAGE);
    let unassigned = file(FileHeader::new(ImageId::new(0xffff, 0x00ab, 3)), 99);
    let images = catalog(vec![plain(5, 101), unassigned]);
    desk.images = images;
    assert_eq!(desk.ask(LAMP, query), "19 2a 02 00 ff ff ab 00 03 00 00 00 63 00 00 00");
    assert_eq!(desk.ask(LAMP, QUERY), "19 2a 02 00 01 10 ab 00 05 00 00 00 65 00 00 00");

    let strict = ServerConfig { strict: true, ..ServerConfig::default() };
    let mut desk = Desk::configured(strict, 4, images, Script::default());
    assert_eq!(desk.ask(LAMP, query), "18 2a 0b 01 80");
    assert_eq!(desk.ask(LAMP, QUERY), "19 2a 02 00 01 10 ab 00 05 00 00 00 65 00 00 00");
}

/// Shows: SRV-026
#[test]
fn a_policy_refuses_with_one_of_two_statuses() {
    let mut desk = Desk::with(vec![plain(5, 101)]);
    for (verdict, answer, refusal) in [
        (QueryDecision::NotAuthorized, "19 2a 02 7e", Refusal::NOT_AUTHORIZED),
        (QueryDecision::NoImage, NO_IMAGE, Refusal::NO_IMAGE_AVAILABLE),
    ] {
        desk.policy.verdict = Some(verdict);
        assert_eq!(desk.ask(LAMP, QUERY), answer);
        assert_eq!(desk.phase(LAMP), Some(SessionPhase::Refused(refusal)));
        assert!(
            matches!(desk.events()[..], [ServerEvent::Queried { answer: Err(why), .. }] if why == refusal)
        );
    }
    // The policy refuses also without an eligible image, and cannot offer a missing one.
    desk.images = SliceStore::default();
    for (verdict, answer) in [(QueryDecision::NotAuthorized, "19 2a 02 7e"), (QueryDecision::Offer, NO_IMAGE)]
    {
        desk.policy.verdict = Some(verdict);
        assert_eq!(desk.ask(LAMP, QUERY), answer);
    }
    let found: Vec<_> = desk.policy.offers.iter().map(|(_, found)| *found).collect();
    assert_eq!(found, [Some(IMAGE), Some(IMAGE), None, None]);
}

#[test]
fn a_file_for_one_device_is_not_offered_to_whoever_asks() {
    let header = FileHeader { destination: Some(Eui64(1)), ..FileHeader::new(IMAGE) };
    let mut desk = Desk::with(vec![file(header, 100)]);
    assert_eq!(desk.ask(LAMP, QUERY), NO_IMAGE);
}
