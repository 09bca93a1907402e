//! UIIDs and UNIDs.

use zigbee_ota::file::FileHeader;
use zigbee_ota::unify::{ImageKind, Naming, Topic, TopicFilter, Uiid, UiidForm, UiidTaken, Unid};
use zigbee_ota::{Eui64, ImageId, ImageType, ManufacturerCode};

use crate::simulated_broker_and_network::file;

fn kind(manufacturer: u16, image_type: u16) -> ImageKind {
    ImageId::new(manufacturer, image_type, 0).into()
}

/// Shows: UNI-001
#[test]
fn all_versions_of_an_image_share_its_uiid() {
    let name = |version| {
        let bytes = file(ImageId::new(0x1001, 0x1011, version), 10);
        Uiid::from_kind(ImageKind::from(FileHeader::parse(&bytes).unwrap().0.id))
    };
    assert_eq!(name(1), name(0x1005_3519));
    assert_ne!(name(1), Uiid::from_kind(kind(0x1001, 0x1012)));
}

/// Shows: UNI-002, UNI-003, UNI-004
#[test]
fn a_uiid_is_made_of_code_and_type_and_parsed() {
    for (manufacturer, image_type, text) in [
        (0x1001, 0x1011, "ZigBee10011011"),
        (0x0001, 0x0103, "ZigBee00010103"),
        (0xabcd, 0x00ef, "ZigBeeABCD00EF"),
        (0xffff, 0xffff, "ZigBeeFFFFFFFF"),
    ] {
        let kind = kind(manufacturer, image_type);
        let uiid = Uiid::from_kind(kind);
        assert_eq!(uiid.as_str(), text);
        assert!(text.starts_with("ZigBee"));
        assert_eq!(text.parse::<Uiid>().unwrap().kind(), Some(kind));
    }
    // Names are equal when their letters are.
    for other in ["ZigBee010103", "zigbee10011011", "ZigBeeabcd00ef", "ZigBee1001101", "ZigBee+0011011"] {
        if let Ok(uiid) = other.parse::<Uiid>() {
            assert_eq!(uiid.kind(), None, "{other}");
        }
    }
}

/// Shows: UNI-004
#[test]
fn a_foreign_uiid_is_set_by_configuration() {
    let [lamp, plug] = [kind(0x1001, 0x0103), kind(0x1001, 0x0104)];
    let device = Unid::from(Eui64(0x0123_4567_89ab_cdef));
    let foreign: Uiid = "ZigBee010103".parse().unwrap();
    let mut naming = Naming::default();
    assert_eq!(naming.kind(&foreign), None);
    naming.set(lamp, foreign.clone()).unwrap();
    assert_eq!(naming.uiid(lamp, &device), foreign);
    assert_eq!(naming.kind(&foreign), Some(lamp));
    assert_eq!(naming.uiid(plug, &device), Uiid::from_kind(plug));
    assert_eq!(naming.kind(&Uiid::from_kind(plug)), Some(plug));
    // The lamp has no second name, and no other has the lamp's.
    assert_eq!(naming.kind(&Uiid::from_kind(lamp)), None);
    let UiidTaken { uiid, owner, .. } = naming.set(plug, foreign.clone()).unwrap_err();
    assert_eq!((uiid, owner), (foreign.clone(), lamp));
    let taken = naming.set(lamp, Uiid::from_kind(plug)).unwrap_err();
    assert_eq!(taken.to_string(), "UIID ZigBee10010104 is that of manufacturer 0x1001, image type 0x0104");
    for _ in 0..2 {
        assert_eq!(naming.set(lamp, "Lamp".parse().unwrap()), Ok(()), "its own name is free for the lamp");
    }
    assert_eq!(naming.kind(&foreign), None);

    let naming = Naming::new(UiidForm::Unid);
    assert_eq!(naming.uiid(lamp, &device).as_str(), "zb-0123456789ABCDEF");
    assert_eq!(naming.kind(&naming.uiid(lamp, &device)), None);
}

#[test]
fn a_unid_is_made_of_the_ieee_address() {
    let node = Eui64(0x0102_0304_0506_0708);
    assert_eq!(Unid::from(node).as_str(), "zb-0102030405060708");
    for (text, found) in [
        ("zb-0102030405060708", Some(node)),
        ("zb-9876543210abcdef", Some(Eui64(0x9876_5432_10ab_cdef))),
        ("zb-0001", None),
        ("zb-+102030405060708", None),
        ("zw-CF6E-0004", None),
    ] {
        if let Ok(unid) = text.parse::<Unid>() {
            assert_eq!((unid.as_str(), unid.node()), (text, found));
        }
    }
}

#[test]
fn identifiers_are_single_levels_of_a_topic() {
    let character = |found: char, offset: usize| {
        format!(
            "character {found:?} at byte {offset} of a name: none of `/`, `+`, `#` and control characters can be in it"
        )
    };
    for (text, error) in [
        ("", "an empty name".to_owned()),
        ("a/b", character('/', 1)),
        ("+", character('+', 0)),
        ("ü#", character('#', 2)),
        ("a\0", character('\0', 1)),
        (&"x".repeat(32_001), "a name of 32001 bytes, at most 32000 fit into a topic".to_owned()),
    ] {
        assert_eq!(text.parse::<Uiid>().unwrap_err().to_string(), error);
        assert_eq!(text.parse::<Unid>().unwrap_err().to_string(), error);
        assert!(serde_json::from_value::<Uiid>(text.into()).is_err());
    }
    let error = "all".parse::<Unid>().unwrap_err().to_string();
    assert_eq!(error, "`all` stands for every device and names none");
    assert!(serde_json::from_value::<Unid>("all".into()).is_err());
    assert!("all".parse::<Uiid>().is_ok());
    assert!("x".repeat(32_000).parse::<Uiid>().is_ok());
}

#[test]
fn a_kind_is_an_image_without_its_version() {
    let id = ImageId::new(0x1001, 0x1011, 7);
    assert_eq!(
        ImageKind::from(id),
        ImageKind { manufacturer: ManufacturerCode(0x1001), image_type: ImageType(0x1011) }
    );
}

/// A name with a line feed would forge a line of a log; the broker may close the connection, too.
///
/// Shows: FLD-079
#[test]
fn names_with_control_characters_are_refused() {
    let controls = (0..0x20_u8).chain(0x7f..0xa0).map(char::from);
    let others = "\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
    for character in controls.chain(others.chars()) {
        let name = format!("Lamp{character}x");
        assert!(name.parse::<Uiid>().is_err() && name.parse::<Unid>().is_err(), "{character:?}");
        assert!(name.parse::<TopicFilter>().is_err(), "{character:?}");
        let topic = format!("ucl/OTA/info/{name}/all").parse::<Topic>().unwrap_err().to_string();
        assert!(!topic.contains(character), "the error shows it escaped: {topic}");
    }
    for name in ["Lampe f\u{fc}r K\u{fc}che", "\u{706f}", "e\u{301}", "a b", "\u{10ffff}"] {
        assert!(name.parse::<Uiid>().is_ok() && name.parse::<TopicFilter>().is_ok(), "{name}");
    }
}
