//! Tests of image access rules: authorisation of clients, device-specific files, files for certain hardware versions,
//! and the reason of each refusal.

use super::*;
use crate::server::espressif::{ImageTable, ReadRequest, Registration};
use crate::types::{FileVersion, HardwareRange};

const QUERY: &str = "01 2a 01 00 01 10 ab 00 01 00 00 00";
const BLOCK: &str = "01 2a 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 40";
const PAGE: &str = "01 2a 04 00 01 10 ab 00 05 00 00 00 00 00 00 00 40 00 01 0a 00";
const END: &str = "01 2a 06 00 01 10 ab 00 05 00 00 00";
const NO_IMAGE: &str = "19 2a 02 98";
const ABORT: &str = "19 2a 05 95";

fn is_data(answer: &str) -> bool {
    answer.starts_with("19 2a 05 00")
}

/// Reason of the only refused query among the events.
fn reason(desk: &mut Desk<impl ImageStore, impl ServerPolicy>) -> Option<RefusalReason> {
    let reasons = desk.all_events().into_iter().filter_map(|event| match event {
        ServerEvent::Queried { reason, .. } | ServerEvent::QueriedSpecificFile { reason, .. } => Some(reason),
        _ => None,
    });
    let reasons: Vec<_> = reasons.collect();
    assert_eq!(reasons.len(), 1);
    reasons[0]
}

/// Shows: FLD-047
#[test]
fn access_is_one_question_for_queries_blocks_pages_and_ends() {
    for slots in [0, 4] {
        let files = catalog(vec![plain(5, 1000)]);
        let mut desk = Desk::configured(ServerConfig::default(), slots, files, Script::default());
        desk.policy.locked_out = vec![LAMP];
        let not_served = |status| {
            let reason = RefusalReason::Policy;
            ServerEvent::NotServed { client: LAMP, id: IMAGE, status, reason }
        };
        assert_eq!(desk.ask(LAMP, QUERY), "19 2a 02 7e");
        assert_eq!(reason(&mut desk), Some(RefusalReason::Policy));
        assert_eq!(desk.ask(LAMP, BLOCK), ABORT);
        assert_eq!(desk.events(), [not_served(Status::ABORT)]);
        let page = if slots > 0 { "18 2a 0b 04 7e" } else { "18 2a 0b 04 81" };
        assert_eq!(desk.ask(LAMP, PAGE), page);
        desk.events();
        assert_eq!(desk.ask(LAMP, END), "18 2a 0b 06 7e");
        assert!(desk.events().contains(&not_served(Status::NOT_AUTHORIZED)));
        // An end without an order needs no permission.
        assert_eq!(desk.ask(LAMP, &END.replacen("06 00", "06 96", 1)), "18 2a 0b 06 00");
        // All others are served.
        assert!(desk.ask(PLUG, QUERY).starts_with("19 2a 02 00"));
        assert!(is_data(&desk.ask(PLUG, BLOCK)));
        assert!(desk.ask(PLUG, END).starts_with("19 2a 07"));
        // A permission that is taken back holds from the next request on, also for a file that is gone.
        desk.policy.locked_out = vec![LAMP, PLUG];
        assert_eq!(desk.ask(PLUG, BLOCK), ABORT);
        desk.images = SliceStore::default();
        assert_eq!(desk.ask(PLUG, END), "18 2a 0b 06 7e");
        desk.policy.locked_out = vec![];
        assert!(desk.ask(PLUG, END).starts_with("19 2a 07"));
    }
}

/// Shows: FLD-047
#[test]
fn a_client_to_which_the_policy_refused_an_offer_gets_no_blocks() {
    for (verdict, answer) in
        [(QueryDecision::NotAuthorized, "19 2a 02 7e"), (QueryDecision::NoImage, NO_IMAGE)]
    {
        let mut desk = Desk::with(vec![plain(5, 1000)]);
        assert!(is_data(&desk.ask(LAMP, BLOCK)));
        desk.policy.verdict = Some(verdict);
        assert_eq!(desk.ask(LAMP, QUERY), answer);
        for _ in 0..2 {
            assert_eq!(desk.ask(LAMP, BLOCK), ABORT);
            assert_eq!(desk.ask(LAMP, PAGE), "18 2a 0b 04 7e");
            assert_eq!(desk.ask(LAMP, END), "18 2a 0b 06 7e");
        }
        desk.events();
        // Until it is offered the image.
        desk.policy.verdict = None;
        assert!(desk.ask(LAMP, QUERY).starts_with("19 2a 02 00"));
        assert!(is_data(&desk.ask(LAMP, BLOCK)));
        // A client that needs no image is not locked out of it.
        assert_eq!(desk.ask(LAMP, "01 2a 01 00 01 10 ab 00 05 00 00 00"), NO_IMAGE);
        assert!(is_data(&desk.ask(LAMP, BLOCK)));
    }
}

/// Shows: FLD-047
#[test]
fn credentials_go_to_no_node_that_writes_another_address_into_its_request() {
    const CLAIMS: &str = " ef cd ab 89 67 45 23 01";
    let id = ImageId::new(0x1001, 0xffc0, 5);
    let header = FileHeader { destination: Some(OWNER), ..FileHeader::new(id) };
    let query = "01 2a 08 ef cd ab 89 67 45 23 01 01 10 c0 ff 05 00 00 00 02 00";
    let block = std::format!("01 2a 03 01 01 10 c0 ff 05 00 00 00 00 00 00 00 40{CLAIMS}");
    let page = std::format!("01 2a 04 01 01 10 c0 ff 05 00 00 00 00 00 00 00 40 00 01 0a 00{CLAIMS}");
    let end = "01 2a 06 00 01 10 c0 ff 05 00 00 00";
    for (ieee, why) in [(None, RefusalReason::UnknownIeee), (Some(Eui64(7)), RefusalReason::Destination)] {
        let mut desk = Desk::with(vec![file(header, 1000)]);
        desk.policy.ieee = ieee;
        assert_eq!(desk.ask(LAMP, query), "19 2a 09 7e");
        assert_eq!(reason(&mut desk), Some(why));
        for request in [&block, &page] {
            let answer = desk.ask(LAMP, request);
            assert!(answer.starts_with("18 2a 0b") || answer == ABORT, "{answer}");
        }
        assert_eq!(desk.run_to(10_000).len(), 0);
    }
    let mut desk = Desk::with_owner(vec![file(header, 1000)]);
    assert!(desk.ask(LAMP, query).starts_with("19 2a 09 00"));
    assert!(is_data(&desk.ask(LAMP, &block)));
    assert!(desk.ask(LAMP, end).starts_with("19 2a 07"));
    // A request that contradicts what is known is refused.
    let mut stranger = block.clone();
    stranger.replace_range(block.len() - 2.., "02");
    assert_eq!(desk.ask(LAMP, &stranger), ABORT);
    assert_eq!(desk.ask(LAMP, &query.replacen("ef cd", "ee cd", 1)), "19 2a 09 7e");
    // On a file for all devices, an address in the request changes nothing.
    let mut desk = Desk::with(vec![plain(5, 1000)]);
    for ieee in [None, Some(OWNER), Some(Eui64(7))] {
        desk.policy.ieee = ieee;
        assert!(is_data(&desk.ask(LAMP, &(BLOCK.replacen("03 00", "03 01", 1) + CLAIMS))));
    }
}

/// Shows: FLD-048, FLD-052
#[test]
fn a_file_of_a_makers_type_for_one_device_is_offered_and_served_to_it_alone() {
    let own = FileHeader { destination: Some(OWNER), ..FileHeader::new(IMAGE) };
    let mut desk = Desk::with(vec![file(own, 1000), plain(4, 500)]);
    let general = "19 2a 02 00 01 10 ab 00 04 00 00 00 f4 01 00 00";
    let special = "19 2a 02 00 01 10 ab 00 05 00 00 00 e8 03 00 00";
    assert_eq!(desk.ask(LAMP, QUERY), general);
    desk.policy.ieee = Some(Eui64(7));
    assert_eq!(desk.ask(PLUG, QUERY), general);
    desk.policy.ieee = Some(OWNER);
    assert_eq!(desk.ask(LAMP, QUERY), special);
    assert!(is_data(&desk.ask(LAMP, BLOCK)));
    desk.start(LAMP, PAGE);
    assert!(desk.run_to(1_000).len() > 2);
    assert!(desk.ask(LAMP, END).starts_with("19 2a 07"));
    // The event says why another device gets nothing.
    desk.images = catalog(vec![file(own, 1000)]);
    for (ieee, why) in [(None, RefusalReason::UnknownIeee), (Some(Eui64(7)), RefusalReason::Destination)] {
        desk.all_events();
        desk.policy.ieee = ieee;
        assert_eq!(desk.ask(PLUG, QUERY), NO_IMAGE);
        assert_eq!(reason(&mut desk), Some(why));
        assert_eq!(desk.ask(PLUG, BLOCK), "18 2a 0b 03 98");
    }
    // Of two files of the same version, the device gets its own.
    desk.policy.ieee = Some(OWNER);
    desk.images = catalog(vec![plain(5, 500), file(own, 1000)]);
    assert_eq!(desk.ask(LAMP, QUERY), special);
    desk.policy.ieee = None;
    assert_eq!(desk.ask(PLUG, QUERY), "19 2a 02 00 01 10 ab 00 05 00 00 00 f4 01 00 00");
}

impl<I: ImageStore, P: ServerPolicy> Desk<I, P> {
    fn start(&mut self, client: Address, page: &str) {
        let ServerAction::Reply(transmit) = self.handle(client, page) else { panic!("no page") };
        assert!(!transmit.aps_ack, "a block of a page");
    }
}

/// Shows: FLD-052
#[test]
fn a_refused_query_says_why() {
    let hardware = |version, min, max| {
        let range = HardwareRange { min: HardwareVersion(min), max: HardwareVersion(max) };
        let id = ImageId { version: FileVersion(version), ..IMAGE };
        file(FileHeader { hardware: Some(range), ..FileHeader::new(id) }, 100)
    };
    let current = |version: &str| std::format!("01 2a 01 00 01 10 ab 00 {version} 00 00 00");
    let on = |hardware: &str| std::format!("01 2a 01 01 01 10 ab 00 01 00 00 00 {hardware} 00");
    for (files, query, why) in [
        (vec![plain(5, 100)], "01 2a 01 00 02 10 ab 00 01 00 00 00".into(), RefusalReason::UnknownType),
        (vec![plain(5, 100)], current("05"), RefusalReason::Version),
        (vec![plain(5, 100)], "01 2a 01 00 01 10 ab 00 ff ff ff ff".into(), RefusalReason::UnknownVersion),
        (vec![hardware(5, 1, 3)], on("04"), RefusalReason::Hardware),
        // The reason is that of the image that came closest to an offer.
        (vec![plain(1, 100), hardware(5, 1, 3)], on("04"), RefusalReason::Hardware),
        (vec![hardware(5, 1, 3), plain(1, 100)], on("04"), RefusalReason::Hardware),
        (vec![hardware(5, 1, 3), hardware(5, 4, 7)], QUERY.into(), RefusalReason::UnknownHardware),
    ] {
        let mut desk = Desk::with(files);
        assert_eq!(desk.ask(LAMP, &query), NO_IMAGE);
        assert_eq!(reason(&mut desk), Some(why), "{query}");
    }
    let mut desk = Desk::with(vec![hardware(5, 1, 3)]);
    desk.policy.standard.offer_to_unknown_hardware = false;
    assert_eq!(desk.ask(LAMP, QUERY), NO_IMAGE);
    assert_eq!(reason(&mut desk), Some(RefusalReason::UnknownHardware));
    let mut desk = Desk::with(vec![plain(5, 100)]);
    desk.policy.verdict = Some(QueryDecision::NoImage);
    assert_eq!(desk.ask(LAMP, QUERY), NO_IMAGE);
    assert_eq!(reason(&mut desk), Some(RefusalReason::Policy));
    // An offer has no reason.
    desk.policy.verdict = None;
    desk.ask(LAMP, QUERY);
    assert_eq!(reason(&mut desk), None);
    // A policy of the caller refuses with its own reason, or with one that follows from the file.
    struct Picky;
    impl ServerPolicy for Picky {
        fn is_eligible(&mut self, _: Address, _: &QueryNextImageRequest, _: &ImageInfo) -> bool {
            false
        }
    }
    let mut desk = Desk::new(catalog(vec![plain(5, 100)]), Picky);
    assert_eq!(desk.ask(LAMP, QUERY), NO_IMAGE);
    assert_eq!(reason(&mut desk), Some(RefusalReason::Policy));
    assert_eq!(desk.ask(LAMP, &current("05")), NO_IMAGE);
    assert_eq!(reason(&mut desk), Some(RefusalReason::Version));
    // Of two images that came equally close to an offer, the reason of the first one stands.
    struct Split;
    impl ServerPolicy for Split {
        fn is_eligible(&mut self, _: Address, _: &QueryNextImageRequest, _: &ImageInfo) -> bool {
            false
        }

        fn refusal_reason(
            &mut self,
            _: Address,
            _: &QueryNextImageRequest,
            image: &ImageInfo,
        ) -> RefusalReason {
            match image.id.version {
                FileVersion(5) => RefusalReason::Policy,
                _ => RefusalReason::Cancelled,
            }
        }
    }
    for (files, why) in [([5, 6], RefusalReason::Policy), ([6, 5], RefusalReason::Cancelled)] {
        let mut desk = Desk::new(catalog(files.map(|version| plain(version, 100)).to_vec()), Split);
        assert_eq!(desk.ask(LAMP, QUERY), NO_IMAGE);
        assert_eq!(reason(&mut desk), Some(why));
    }
    // The count of repeated downloads.
    let mut desk = Desk::with(vec![plain(5, 60)]);
    for _ in 0..3 {
        desk.ask(LAMP, QUERY);
        desk.ask(LAMP, BLOCK);
        desk.ask(LAMP, &END.replacen("06 00", "06 96", 1));
        desk.all_events();
    }
    assert_eq!(desk.ask(LAMP, QUERY), NO_IMAGE);
    assert_eq!(reason(&mut desk), Some(RefusalReason::RepeatedDownload));
}

/// File of version 5 whose last byte is `content`, by which the test recognises the file.
fn variant(min: u16, max: u16, content: u8) -> Vec<u8> {
    let hardware = Some(HardwareRange { min: HardwareVersion(min), max: HardwareVersion(max) });
    let mut bytes = file(FileHeader { hardware, ..FileHeader::new(IMAGE) }, 70);
    *bytes.last_mut().unwrap() = content;
    bytes
}

/// Shows: FLD-041
#[test]
fn each_device_gets_the_file_for_its_hardware() {
    const LAST: &str = "01 2a 03 00 01 10 ab 00 05 00 00 00 45 00 00 00 01";
    const NO_DATA: &str = "18 2a 0b 03 98";
    let query = |hardware: u8| std::format!("01 2a 01 01 01 10 ab 00 01 00 00 00 {hardware:02x} 00");
    let last = |content: u8| std::format!("19 2a 05 00 01 10 ab 00 05 00 00 00 45 00 00 00 01 {content:02x}");
    let mut desk = Desk::with(vec![variant(0, 1, 0xaa), variant(2, 7, 0xbb), plain(3, 100)]);
    for (hardware, content) in [(0, 0xaa), (1, 0xaa), (2, 0xbb), (7, 0xbb)] {
        assert!(desk.ask(LAMP, &query(hardware)).starts_with("19 2a 02 00 01 10 ab 00 05"));
        assert_eq!(desk.ask(LAMP, LAST), last(content), "hardware {hardware}");
        assert_eq!(desk.server.session(LAMP).unwrap().hardware(), Some(HardwareVersion(hardware.into())));
    }
    // Pages as well.
    desk.ask(LAMP, &query(2));
    desk.start(LAMP, "01 2a 04 00 01 10 ab 00 05 00 00 00 00 00 00 00 40 46 00 0a 00");
    let sent = desk.run_to(1_000);
    assert_eq!(sent.last().unwrap().2.last(), Some(&0xbb));
    // Hardware that fits neither file gets the next lower version.
    assert!(desk.ask(LAMP, &query(8)).starts_with("19 2a 02 00 01 10 ab 00 03"));
    desk.events();
    let not_served = |client, reason| {
        let status = Status::NO_IMAGE_AVAILABLE;
        [ServerEvent::NotServed { client, id: IMAGE, status, reason }]
    };
    assert_eq!(desk.ask(LAMP, LAST), NO_DATA);
    assert_eq!(desk.events(), not_served(LAMP, RefusalReason::Hardware));
    // Without knowledge of the hardware, the server sends no data of either file, and says so.
    assert_eq!(desk.ask(PLUG, LAST), NO_DATA);
    assert_eq!(desk.events(), not_served(PLUG, RefusalReason::UnknownHardware));
    let page = "01 2a 04 00 01 10 ab 00 05 00 00 00 00 00 00 00 40 46 00 0a 00";
    assert_eq!(desk.ask(PLUG, page), "18 2a 0b 04 98");
    assert!(desk.ask(PLUG, QUERY).starts_with("19 2a 02 00 01 10 ab 00 03"), "the other version is for all");
    assert!(desk.ask(LAMP, &query(2)).starts_with("19 2a 02 00 01 10 ab 00 05"));
    assert!(desk.ask(LAMP, QUERY).starts_with("19 2a 02 00 01 10 ab 00 03"), "a query without it forgets it");
    assert_eq!(desk.ask(LAMP, LAST), NO_DATA);
    // Unless the policy names the file: by the hardware version that it knows,
    desk.policy.hardware = Some(HardwareVersion(5));
    assert!(desk.ask(PLUG, QUERY).starts_with("19 2a 02 00 01 10 ab 00 05"));
    assert_eq!(desk.ask(PLUG, LAST), last(0xbb));
    desk.start(PLUG, page);
    desk.policy.hardware = None;
    assert_eq!(desk.run_to(3_000).last().unwrap().2.last(), Some(&0xbb));
    // or by its choice among the files.
    struct First;
    impl ServerPolicy for First {
        fn is_eligible(&mut self, _: Address, _: &QueryNextImageRequest, image: &ImageInfo) -> bool {
            image.hardware.is_some_and(|range| range.min == HardwareVersion(0))
        }
    }
    let mut desk = Desk::new(desk.images, First);
    assert!(desk.ask(LAMP, QUERY).starts_with("19 2a 02 00 01 10 ab 00 05"));
    assert_eq!(desk.ask(LAMP, LAST), last(0xaa));
    // One file is served whatever the hardware.
    let mut desk = Desk::with(vec![variant(2, 7, 0xbb)]);
    assert_eq!(desk.ask(LAMP, LAST), last(0xbb));
    assert!(desk.ask(LAMP, END).starts_with("19 2a 07"));
}

/// Shows: FLD-041, SRV-002
#[test]
fn a_store_has_files_of_one_image_for_disjoint_hardware() {
    let (low, high, wide) = (variant(0, 1, 1), variant(2, 7, 2), variant(1, 2, 3));
    let entry = |file: &Vec<u8>| StoreEntry::parse(file.clone().leak()).unwrap();
    let overlap = |added: (u16, u16), present: (u16, u16)| {
        let range = |(min, max)| Some(HardwareRange { min: HardwareVersion(min), max: HardwareVersion(max) });
        AddError::HardwareOverlap { id: IMAGE, added: range(added), present: range(present) }
    };
    let find = |store: &mut dyn ImageStore, hardware| store.info(IMAGE, None, hardware, None);
    let check = |store: &mut dyn ImageStore| {
        assert_eq!(find(store, None), FileLookup::Ambiguous);
        assert_eq!(find(store, Some(HardwareVersion(8))), FileLookup::Ambiguous);
        for (hardware, content) in [(1, 1), (2, 2)] {
            let found = *find(store, Some(HardwareVersion(hardware))).found().unwrap();
            let mut out = [0];
            assert_eq!(store.read(&found, 69, None, &mut out), ReadResult::Filled(1));
            assert_eq!(out, [content]);
        }
    };
    // SliceStore
    let entries = [entry(&low), entry(&high), entry(&wide), entry(&low)];
    check(&mut SliceStore::new(&entries[..2]).unwrap());
    assert_eq!(SliceStore::new(&entries[..3]).unwrap_err(), overlap((1, 2), (0, 1)));
    assert_eq!(SliceStore::new(&[entries[0], entries[3]]).unwrap_err(), AddError::Duplicate(IMAGE));
    let general = plain(5, 100);
    let all = SliceStore::new(&[entries[1], entry(&general)]).unwrap_err();
    assert_eq!(
        std::format!("{all}"),
        "image 1001-00AB-00000005 for all hardware: the store has a file of this image for hardware 0.2 to 0.7 already"
    );
    // SlotStore
    let mut store = SlotStore::new([None; 3]);
    store.add(entries[0]).unwrap();
    store.add(entries[1]).unwrap();
    check(&mut store);
    assert_eq!(store.add(entries[2]), Err(overlap((1, 2), (0, 1))));
    assert_eq!(store.replace(entries[1]), Ok(Some(entries[1])));
    check(&mut store);
    assert_eq!(store.replace(entries[2]), Ok(Some(entries[0])), "it replaces both");
    assert_eq!(store.list().count(), 1);
    // A file for no hardware version at all overlaps with no other file, in either order.
    let none = variant(2, 1, 4);
    for pair in [[entry(&wide), entry(&none)], [entry(&none), entry(&wide)]] {
        assert!(SliceStore::new(&pair).is_ok());
    }
    // ImageTable
    let mut sources = [low.clone(), high.clone()].map(|file| {
        move |wanted: ReadRequest, out: &mut [u8]| {
            let start = usize::try_from(wanted.offset).unwrap();
            out.copy_from_slice(&file[start..start + out.len()]);
            ReadResult::Filled(out.len())
        }
    });
    let mut table = ImageTable::<2>::new(50, 0).unwrap();
    for (index, (source, entry)) in sources.iter_mut().zip(&entries).enumerate() {
        let image = *entry.info();
        let registration = Registration { endpoint: 1, image, upgrade_time: 0, source, notify: false };
        table.register(index, registration).unwrap();
    }
    check(&mut table);
    #[cfg(feature = "alloc")]
    {
        let mut store = OwnedStore::new();
        store.add(low.clone()).unwrap();
        store.add(high.clone()).unwrap();
        check(&mut store);
        assert_eq!(store.add(wide.clone()), Err(overlap((1, 2), (0, 1))));
        assert_eq!(store.replace(high.clone()), Ok(Some(high.clone())));
        check(&mut store);
        assert!(store.replace(wide.clone()).unwrap().is_some());
        assert_eq!(store.list().count(), 1);
    }
    #[cfg(feature = "std")]
    {
        let folder = std::env::temp_dir().join(std::format!("zigbee-ota-hardware-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = |name: &str, bytes: &Vec<u8>| {
            let path = folder.join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let mut store = FolderStore::new();
        store.add(path("low", &low)).unwrap();
        store.add(path("high", &high)).unwrap();
        check(&mut store);
        let error = store.add(path("wide", &wide)).unwrap_err();
        assert!(
            matches!(error, FolderError::Conflict { source: AddError::HardwareOverlap { .. }, .. }),
            "{error}"
        );
        store.replace(path("high", &high)).unwrap();
        check(&mut store);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
