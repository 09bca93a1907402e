//! UIIDs and UNIDs.

use zigbee_ota::file::FileHeader;
use zigbee_ota::unify::{Form, ImageKind, NameError, NameTaken, Naming, Uiid, Unid};
use zigbee_ota::{Eui64, ImageId, ImageType, ManufacturerCode};

use crate::world::file;

fn kind(manufacturer: u16, image_type: u16) -> ImageKind {
    ImageId::new(manufacturer, image_type, 0).into()
}

/// Shows: UNI-001
#[test]
fn all_versions_of_an_image_share_its_name() {
    let name = |version| {
        let bytes = file(ImageId::new(0x1001, 0x1011, version), 10);
        Uiid::from(ImageKind::from(FileHeader::parse(&bytes).unwrap().0.id))
    };
    assert_eq!(name(1), name(0x1005_3519));
    assert_ne!(name(1), Uiid::from(kind(0x1001, 0x1012)));
}

/// Shows: UNI-002, UNI-003, UNI-004
#[test]
fn a_name_is_made_of_code_and_type_and_read_back() {
    for (manufacturer, image_type, text) in [
        (0x1001, 0x1011, "ZigBee10011011"),
        (0x0001, 0x0103, "ZigBee00010103"),
        (0xabcd, 0x00ef, "ZigBeeABCD00EF"),
        (0xffff, 0xffff, "ZigBeeFFFFFFFF"),
    ] {
        let kind = kind(manufacturer, image_type);
        let uiid = Uiid::from(kind);
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
fn a_foreign_name_is_a_matter_of_configuration() {
    let [lamp, plug] = [kind(0x1001, 0x0103), kind(0x1001, 0x0104)];
    let device = Unid::from(Eui64(0x0123_4567_89ab_cdef));
    let foreign: Uiid = "ZigBee010103".parse().unwrap();
    let mut naming = Naming::default();
    assert_eq!(naming.kind(&foreign), None);
    naming.set(lamp, foreign.clone()).unwrap();
    assert_eq!(naming.uiid(lamp, &device), foreign);
    assert_eq!(naming.kind(&foreign), Some(lamp));
    assert_eq!(naming.uiid(plug, &device), Uiid::from(plug));
    assert_eq!(naming.kind(&Uiid::from(plug)), Some(plug));
    // The lamp has no second name, and no other has the lamp's.
    assert_eq!(naming.kind(&Uiid::from(lamp)), None);
    assert_eq!(naming.set(plug, foreign.clone()), Err(NameTaken { uiid: foreign.clone(), of: lamp }));
    let taken = naming.set(lamp, Uiid::from(plug)).unwrap_err();
    assert_eq!(taken.to_string(), "UIID ZigBee10010104 is that of manufacturer 0x1001, image type 0x0104");
    assert_eq!(naming.set(lamp, "Lamp".parse().unwrap()), Ok(()));
    assert_eq!(naming.kind(&foreign), None);

    let naming = Naming::new(Form::Unid);
    assert_eq!(naming.uiid(lamp, &device).as_str(), "zb-0123456789ABCDEF");
    assert_eq!(naming.kind(&naming.uiid(lamp, &device)), None);
}

#[test]
fn devices_are_named_by_their_address() {
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
fn what_cannot_stand_in_a_topic_is_no_name() {
    let character = |found, offset| NameError::Character { found, offset };
    for (text, error) in [
        ("", NameError::Empty),
        ("a/b", character('/', 1)),
        ("+", character('+', 0)),
        ("ü#", character('#', 2)),
        ("a\0", character('\0', 1)),
        (&"x".repeat(32_001), NameError::TooLong(32_001)),
    ] {
        assert_eq!(text.parse::<Uiid>(), Err(error));
        assert_eq!(text.parse::<Unid>(), Err(error));
        assert!(serde_json::from_value::<Uiid>(text.into()).is_err());
    }
    assert_eq!("all".parse::<Unid>(), Err(NameError::All));
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
