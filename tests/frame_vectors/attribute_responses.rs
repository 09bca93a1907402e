//! Responses of a client, and of a server, to commands that read, write and discover attributes.

use zigbee_ota::zcl::{
    ATTRIBUTES, AttributeCommand, AttributeId, AttributeRecord, AttributeSnapshot, AttributeValue,
    ClientStatus, DataType, Frame, ImageUpgradeStatus, LONGEST_ATTRIBUTES, Quirks, Refusal, Revision, Status,
    UpgradeActivationPolicy, UpgradeTimeoutPolicy, answer_as_server,
};
use zigbee_ota::{EncodeError, Eui64, FileVersion, ImageType, ManufacturerCode, StackVersion};

use crate::attribute_commands::{command, records};
use crate::hex;
use crate::properties::encode_contract::bytes_of;
use AttributeCommand::{DiscoverResponse, ReadResponse, WriteResponse};
use AttributeValue::{Enum8, U16};

/// A client with all attributes.
fn known() -> AttributeSnapshot {
    let mut all = AttributeSnapshot::DEFAULT;
    all.server = Eui64(0x0123_4567_89ab_cdef);
    all.status = ImageUpgradeStatus::DOWNLOAD_IN_PROGRESS;
    all.file_offset = Some(1500);
    all.current_version = Some(FileVersion(6699));
    all.current_stack = Some(StackVersion(2));
    all.downloaded_version = Some(FileVersion(6700));
    all.downloaded_stack = Some(StackVersion(3));
    all.manufacturer = Some(ManufacturerCode(0x115f));
    all.image_type = Some(ImageType(0x0101));
    all.min_block_period = Some(250);
    all.image_stamp = Some(0xa1b2_c3d4);
    all.activation_policy = Some(UpgradeActivationPolicy::OUT_OF_BAND);
    all.timeout_policy = Some(UpgradeTimeoutPolicy::DO_NOT_APPLY);
    all.cluster_revision = Some(4);
    all
}

/// The response of `attributes` in a buffer of `room` bytes.
fn answer_in(
    attributes: &AttributeSnapshot,
    request: &[u8],
    room: usize,
) -> Result<Option<Vec<u8>>, EncodeError> {
    let mut out = vec![0xee; room];
    let frame = Frame::decode(request, Quirks::empty()).expect("a request");
    let len = attributes.answer(&frame, &mut out)?;
    assert!(out[len.unwrap_or(0)..].iter().all(|byte| *byte == 0xee), "wrote past the answer");
    Ok(len.map(|len| out[..len].to_vec()))
}

fn answer(attributes: &AttributeSnapshot, request: &str) -> Vec<u8> {
    answer_in(attributes, &hex(request), 300).expect("room").expect("a request to a client")
}

/// All attributes of 2011, with their data types.
///
/// Shows: ATTR-014
#[test]
fn values_are_written_with_their_types() {
    let request =
        Frame::decode(b"\x08\x07\0\0\0\x01\0\x02\0\x03\0\x04\0\x05\0\x06\0\x07\0\x08\0", Quirks::empty());
    let mut out = [0; LONGEST_ATTRIBUTES];
    let len = known().answer(&request.expect("a request"), &mut out).expect("room").expect("an answer");
    let answer = "100701 000000f0efcdab8967452301 01000023dc050000 020000232b1a0000 030000210200
        040000232c1a0000 050000210300 0600003001 070000215f11 080000210101";
    assert_eq!(out[..len], hex(answer));
}

/// Shows: ATTR-003
#[test]
fn a_fresh_client_has_the_defaults() {
    for info in ATTRIBUTES.iter().filter(|info| info.revision == Revision::Original) {
        let expected = match info.id {
            // Neither has a default: one belongs to the device, the other stands for no file (6.7.9).
            AttributeId::MANUFACTURER_ID => None,
            AttributeId::IMAGE_TYPE_ID => Some(U16(0xffff)),
            _ => info.default,
        };
        assert_eq!(AttributeSnapshot::DEFAULT.get(info.id), expected, "{}", info.id);
    }
}

/// Shows: ATTR-015
#[test]
fn attributes_of_later_revisions_are_off_until_asked_for() {
    let expected = [
        (0x0009, "MinimumBlockPeriod", 0x21, 0xfffe, Some(U16(0))),
        (0x000a, "ImageStamp", 0x23, 0xffff_ffff, None),
        (0x000b, "UpgradeActivationPolicy", 0x30, 1, Some(Enum8(0))),
        (0x000c, "UpgradeTimeoutPolicy", 0x30, 1, Some(Enum8(0))),
        (0xfffd, "ClusterRevision", 0x21, 0xffff, None),
    ];
    let later = ATTRIBUTES.iter().filter(|info| info.revision == Revision::Later).map(|info| {
        assert_eq!((AttributeSnapshot::DEFAULT.get(info.id), info.mandatory), (None, false), "{}", info.id);
        assert!(known().get(info.id).is_some(), "{}", info.id);
        (info.id.0, info.id.name().expect("a name"), info.data_type.0, info.max, info.default)
    });
    assert!(later.eq(expected));
    assert_eq!(ImageUpgradeStatus(6), ImageUpgradeStatus::WAITING_FOR_EXTERNAL_EVENT);
    let mut attributes = AttributeSnapshot::DEFAULT;
    attributes.status = ImageUpgradeStatus(6);
    assert_eq!(attributes.get(AttributeId::IMAGE_UPGRADE_STATUS), Some(Enum8(6)));
    assert_eq!((UpgradeActivationPolicy::OUT_OF_BAND.0, UpgradeTimeoutPolicy::DO_NOT_APPLY.0), (1, 1));
}

/// Every 16-bit id: the parameters of section 6.8 are no attributes.
///
/// Shows: CMD-023
#[test]
fn only_attributes_can_be_read() {
    for id in (0..=u16::MAX).map(AttributeId) {
        let [low, high] = id.0.to_le_bytes();
        let bytes = answer_in(&known(), &[0x08, 7, 0x00, low, high], 30).expect("room").expect("an answer");
        assert_eq!(bytes[..3], [0x10, 7, 0x01]);
        let value = known().get(id).ok_or(Refusal::UNSUPPORTED_ATTRIBUTE);
        assert_eq!(value.is_ok(), id.info().is_some());
        assert_eq!(value.map(AttributeValue::data_type).ok(), id.info().map(|info| info.data_type));
        assert_eq!(records(&bytes), [Ok(AttributeRecord { id, value })]);
    }
}

/// Shows: ATTR-001, FLD-020
#[test]
fn a_server_has_cluster_revision_alone() {
    let mut out = [0; 300];
    let mut ask = |request: &str| {
        let request = hex(request);
        let frame = Frame::decode(&request, Quirks::empty()).expect("a request");
        assert_eq!(known().answer(&frame, &mut out), Ok(None), "not for a client");
        let len = answer_as_server(&frame, &mut out).expect("room").expect("an answer");
        out[..len].to_vec()
    };
    for id in (0..=0xffff_u16).filter(|id| *id != 0xfffd) {
        let [low, high] = id.to_le_bytes();
        assert_eq!(ask(&format!("000700{low:02x}{high:02x}")), [0x18, 7, 0x01, low, high, 0x86]);
    }
    assert_eq!(ask("000700 fdff"), hex("180701 fdff 00 21 0300"));
    assert_eq!(ask("000700 0600fdff"), hex("180701 060086 fdff 00 21 0300"));
    assert_eq!(ask("00070c 0000ff"), hex("18070d 01 fdff21"));
    assert_eq!(ask("00070c 000000"), hex("18070d 00"));
    assert_eq!(ask("00070c feffff"), hex("18070d 01"));
    assert_eq!(ask("000702 fdff210400"), hex("180704 88fdff"));
    assert_eq!(ask("000702 06003000"), hex("180704 860600"));
    let request = hex("080700 0600");
    let frame = Frame::decode(&request, Quirks::empty()).expect("a request");
    assert_eq!(answer_as_server(&frame, &mut out), Ok(None), "not for a server");
}

/// Shows: ATTR-002
#[test]
fn no_attribute_can_be_written() {
    for info in ATTRIBUTES {
        let value = known().get(info.id).expect("it has all");
        let [low, high] = info.id.0.to_le_bytes();
        let request = [&[0x08, 7, 0x02, low, high], &bytes_of(&value)[..]].concat();
        let bytes = answer_in(&known(), &request, 30).expect("room").expect("an answer");
        assert_eq!(bytes, [0x10, 7, 0x04, Status::READ_ONLY.0, low, high]);
        let WriteResponse(response) = command(&bytes) else { panic!("{bytes:02x?}") };
        assert!(response.refused().eq([(info.id, Status::READ_ONLY)]));
    }
    // Attributes that the client does not have, and malformed records.
    assert_eq!(
        answer(&AttributeSnapshot::DEFAULT, "080702 0600300009002100000d00200 0"),
        hex("100704 880600 860900 860d00")
    );
    for malformed in ["080702", "080702 060030", "080702 06003000 0700420161"] {
        assert_eq!(answer(&known(), malformed), hex("10070b 0280"), "{malformed}");
    }
}

#[test]
fn a_response_holds_the_whole_records_that_fit() {
    let request = hex("080700 0600 0000 0100 0d00");
    let whole = "100701 0600003001 000000f0efcdab8967452301 01000023dc050000 0d0086";
    // Each record whole or not at all, and none after the first that does not fit.
    for (room, len) in [(300, 31), (31, 31), (30, 28), (28, 28), (27, 20), (20, 20), (19, 8), (8, 8)] {
        let bytes = answer_in(&known(), &request, room).expect("room").expect("an answer");
        assert_eq!(bytes, hex(whole)[..len], "{room}");
    }
    for room in 0..8 {
        let error = EncodeError::NoRoom { needed: 8, available: room };
        assert_eq!(answer_in(&known(), &request, room), Err(error));
    }
    assert_eq!(answer(&known(), "080700"), hex("100701"), "an empty request has an empty response");

    let all: String = ATTRIBUTES.iter().map(|info| format!("{:04x}", info.id.0.swap_bytes())).collect();
    assert_eq!(answer(&known(), &format!("080700 {all}")).len(), LONGEST_ATTRIBUTES);
}

#[test]
fn attributes_are_discovered_in_order() {
    let discovered = |bytes: &[u8]| match command(bytes) {
        DiscoverResponse(response) => (response.complete, response.attributes().collect::<Vec<_>>()),
        other => panic!("{other:?}"),
    };
    let all: Vec<_> = ATTRIBUTES.iter().map(|info| (info.id, info.data_type)).collect();
    assert_eq!(discovered(&answer(&known(), "08070c 0000ff")), (true, all.clone()));
    assert_eq!(discovered(&answer(&known(), "08070c 00000e")), (true, all.clone()));
    assert_eq!(discovered(&answer(&known(), "08070c 00000d")), (false, all[..13].to_vec()));
    assert_eq!(discovered(&answer(&known(), "08070c 0a00ff")), (true, all[10..].to_vec()));
    assert_eq!(discovered(&answer(&known(), "08070c 0d0001")), (true, all[13..].to_vec()));
    assert_eq!(discovered(&answer(&known(), "08070c feffff")), (true, vec![]));
    assert_eq!(discovered(&answer(&known(), "08070c 000000")), (false, vec![]));
    // A client of 2011 without a manufacturer code.
    let few = discovered(&answer(&AttributeSnapshot::DEFAULT, "08070c 0600ff"));
    let expected = vec![(AttributeId(6), DataType::ENUM8), (AttributeId(8), DataType::UINT16)];
    assert_eq!(few, (true, expected));
    // A buffer for two records and a part of the third.
    let bytes = answer_in(&known(), &hex("08070c 0600ff"), 12).expect("room").expect("an answer");
    assert_eq!(bytes, hex("10070d 00 060030 070021"));
    let error = EncodeError::NoRoom { needed: 7, available: 6 };
    assert_eq!(answer_in(&known(), &hex("08070c 0600ff"), 6), Err(error));
}

#[test]
fn other_frames_are_not_answered() {
    for other in ["080701 060086", "080704 00", "08070d 01", "08070a", "190705 95", "18070b 0380"] {
        assert_eq!(answer_in(&known(), &hex(other), 300), Ok(None), "{other}");
    }
}

/// One request and one response; an attribute missing from the response stays `None`.
#[test]
fn client_status_takes_one_request_and_one_response() {
    let request = bytes_of(&ClientStatus::request(0x2a));
    assert_eq!(request, hex("082a00 0600 0200 0400 0100 0800 0700 0300 0500"));
    assert_eq!(request.len(), ClientStatus::REQUEST_LEN);
    let status = |bytes: &[u8]| match command(bytes) {
        ReadResponse(response) => ClientStatus::from_response(response),
        other => panic!("{other:?}"),
    };
    let bytes = answer_in(&known(), &request, 56).expect("room").expect("an answer");
    assert_eq!(bytes.len(), 56);
    let mut full = ClientStatus::default();
    full.status = Some(ImageUpgradeStatus::DOWNLOAD_IN_PROGRESS);
    full.file_offset = Some(1500);
    full.current_version = Some(FileVersion(6699));
    full.current_stack = Some(StackVersion(2));
    full.downloaded_version = Some(FileVersion(6700));
    full.downloaded_stack = Some(StackVersion(3));
    full.manufacturer = Some(ManufacturerCode(0x115f));
    full.image_type = Some(ImageType(0x0101));
    assert_eq!(status(&bytes), Ok(full));
    // A client with the mandatory attributes alone, and one with a short buffer.
    let mut least = AttributeSnapshot::DEFAULT;
    least.file_offset = None;
    least.current_version = None;
    let bytes = answer_in(&least, &request, 56).expect("room").expect("an answer");
    let read = status(&bytes).expect("readable");
    assert_eq!((read.status, read.current_version), (Some(ImageUpgradeStatus::NORMAL), None));
    let bytes = answer_in(&known(), &request, 8).expect("room").expect("an answer");
    let mut status_alone = ClientStatus::default();
    status_alone.status = full.status;
    assert_eq!(status(&bytes), Ok(status_alone));
    // Another data type than in the table, an attribute that was not requested, and an unassigned id.
    let odd = hex("102a01 0600002001 090000210100 55aa003001 0200002302000000");
    let mut expected = ClientStatus::default();
    expected.current_version = Some(FileVersion(2));
    assert_eq!(status(&odd), Ok(expected));
    assert!(status(&hex("102a01 0600003001 020000")).is_err());
}
