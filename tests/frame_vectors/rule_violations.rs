//! Values that can be decoded and encoded but break a rule: the results of `check`.

use zigbee_ota::zcl::{
    AttributeId, BlockRefusal, DataType, Frame, ImageBlockResponse, ImageNotify, ImagePageRequest, Message,
    QueryNextImageRequest, QueryResponse, QuerySpecificFileRequest, Quirks, Refusal, Status, ToClient,
    UpgradeEndRequest, Violation,
};
use zigbee_ota::{Eui64, FileVersion, ImageFilter, ImageId, ImageType, ManufacturerCode, StackVersion};

use crate::properties::encode_contract::bytes_of;
use crate::{check, vector_table};

/// Shows: CMD-026
#[test]
fn query_jitter_is_1_to_100() {
    for jitter in 0..=u8::MAX {
        let bytes = [0x19, 7, 0x00, 0x00, jitter];
        let frame = Frame::decode(&bytes, Quirks::empty()).expect("the codec is total");
        let Message::ToClient(ToClient::ImageNotify(notify)) = frame.message else { panic!("{frame:?}") };
        assert_eq!(notify, ImageNotify { jitter, ..ImageNotify::UNICAST });
        let allowed = (1..=100).contains(&jitter);
        assert_eq!(notify.check(), if allowed { Ok(()) } else { Err(Violation::QueryJitter(jitter)) });
    }
}

fn query(manufacturer: u16, image_type: u16, version: u32) -> Result<(), Violation> {
    let current = ImageId::new(manufacturer, image_type, version);
    QueryNextImageRequest::new(current).check()
}

/// Shows: CMD-036, CMD-037, CMD-038
#[test]
fn a_query_names_one_image_of_its_maker() {
    assert_eq!(query(0xfffe, 0xffbf, 0xffff_fffe), Ok(()));
    assert_eq!(query(0x0000, 0x0000, 0x0000_0000), Ok(()));
    assert_eq!(query(ManufacturerCode::ANY.0, 1, 1), Err(Violation::WildcardManufacturer));
    for reserved in 0xffc0..=0xffff {
        assert_eq!(query(1, reserved, 1), Err(Violation::NotAQueryType(ImageType(reserved))));
    }
    assert_eq!(query(1, 1, FileVersion::ANY.0), Err(Violation::WildcardVersion));
}

/// Shows: CMD-042
#[test]
fn a_query_is_answered_by_three_statuses_and_others_are_kept() {
    check(&vector_table::query_response());
    for status in 1..=u8::MAX {
        let bytes = [0x19, 7, 0x02, status];
        let frame = Frame::decode(&bytes, Quirks::empty()).expect("a status");
        let Message::ToClient(ToClient::QueryNextImage(response)) = frame.message else {
            panic!("{frame:?}")
        };
        let refusal = Refusal::new(Status(status)).expect("not SUCCESS");
        assert_eq!(response, QueryResponse::Refused(refusal));
        let known = [0x7e, 0x98].contains(&status);
        let violation = Violation::Status(Status(status));
        assert_eq!(response.check(), if known { Ok(()) } else { Err(violation) });
    }
}

fn page(max_data: u8, page_size: u16) -> Result<(), Violation> {
    let id = ImageId::new(1, 2, 3);
    ImagePageRequest::new(id, 4, max_data, page_size, 0).check()
}

/// The tests of the server show its reaction to a small page.
///
/// Shows: CMD-059
#[test]
fn a_page_holds_a_response_or_more() {
    assert_eq!(page(0, 100), Err(Violation::EmptyRequest));
    assert_eq!(page(0, 0), Err(Violation::EmptyRequest));
    assert_eq!(page(64, 0), Err(Violation::EmptyPage));
    assert_eq!(page(64, 63), Err(Violation::SmallPage { page_size: 63, max_data: 64 }));
    assert_eq!(page(255, 254), Err(Violation::SmallPage { page_size: 254, max_data: 255 }));
    for (max_data, page_size) in [(64, 64), (64, 65), (1, 1), (255, 255), (255, 256), (1, u16::MAX)] {
        assert_eq!(page(max_data, page_size), Ok(()));
    }
}

/// Shows: CMD-083
#[test]
fn a_file_of_one_device_has_a_type_of_its_own() {
    for image_type in 0..=u16::MAX {
        let id = ImageId::new(1, image_type, 3);
        let request = QuerySpecificFileRequest { node: Eui64(1), id, stack: StackVersion::ZIGBEE_PRO };
        let allowed = (0xffc0..=0xfffe).contains(&image_type);
        let violation = Violation::NotASpecificType(ImageType(image_type));
        assert_eq!(request.check(), if allowed { Ok(()) } else { Err(violation) });
    }
}

/// Shows: CMD-088
#[test]
fn a_query_for_a_file_of_one_device_is_answered_by_three_statuses() {
    check(&vector_table::specific_response());
    for status in 1..=u8::MAX {
        let bytes = [0x19, 7, 0x09, status];
        let frame = Frame::decode(&bytes, Quirks::empty()).expect("a status");
        let Message::ToClient(ToClient::QuerySpecificFile(response)) = frame.message else {
            panic!("{frame:?}")
        };
        let refusal = Refusal::new(Status(status)).expect("not SUCCESS");
        assert_eq!(response, QueryResponse::Refused(refusal));
        let known = [0x7e, 0x98].contains(&status);
        let violation = Violation::Status(Status(status));
        assert_eq!(response.check(), if known { Ok(()) } else { Err(violation) });
    }
}

/// Shows: CMD-027
#[test]
fn a_notify_leaves_out_what_matches_all() {
    let (code, image_type, version) = (ManufacturerCode(0x115f), ImageType(0x0101), FileVersion(6699));
    let all = ImageFilter::ALL;
    let maker = ImageFilter { manufacturer: code, ..all };
    let one_type = ImageFilter { image_type, ..maker };
    let any_maker = ImageFilter { image_type, ..all };
    for (filter, payload) in [
        (all, "0032"),
        (maker, "01325f11"),
        (one_type, "02325f110101"),
        (any_maker, "0232ffff0101"),
        (ImageFilter { version, ..one_type }, "03325f1101012b1a0000"),
        (ImageFilter { version, ..maker }, "03325f11ffff2b1a0000"),
    ] {
        let notify = ImageNotify { jitter: ImageNotify::DEFAULT_JITTER, scope: filter.into() };
        assert_eq!(bytes_of(&notify), crate::hex(payload));
    }
}

/// `check` of a message gives the result of `check` of its payload.
#[test]
fn every_vector_keeps_the_rules() {
    for vector in vector_table::all() {
        assert_eq!(vector.frame.message.check(), Ok(()), "{}", vector.name);
    }
    let empty = crate::hex("017703 005f1101012b1a00000000000000");
    let frame = Frame::decode(&empty, Quirks::empty()).expect("the codec is total");
    assert_eq!(frame.message.check(), Err(Violation::EmptyRequest));
}

#[test]
fn a_violation_names_its_rule_and_the_value_that_breaks_it() {
    let past = zigbee_ota::time::TimeInPast { then: 1, clock: 2 };
    for (violation, text) in [
        (Violation::QueryJitter(0), "query jitter 0 is not in 1..=100"),
        (Violation::WildcardManufacturer, "the wildcard 0xffff is not the manufacturer code of a device"),
        (
            Violation::NotAQueryType(ImageType::LOG),
            "image type 0xffc2 is above 0xffbf, the last image type of a query",
        ),
        (Violation::WildcardVersion, "the wildcard 0xffffffff is not a running version"),
        (Violation::Status(Status::ABORT), "ABORT is not a status of this command"),
        (Violation::EmptyRequest, "a maximum data size of 0 requests nothing"),
        (Violation::EmptyPage, "a page size of 0 requests nothing"),
        (
            Violation::SmallPage { page_size: 1, max_data: 2 },
            "a page of 1 bytes is shorter than one response of 2 bytes",
        ),
        (
            Violation::NotASpecificType(ImageType(1)),
            "image type 0x0001 is not in 0xffc0..=0xfffe, the types of files made for one device",
        ),
        (
            Violation::AttributeType(AttributeId::FILE_OFFSET, DataType::UINT8),
            "the data type of FileOffset is not uint8",
        ),
        (
            Violation::AttributeRange(AttributeId::UPGRADE_TIMEOUT_POLICY, 2),
            "0x2 is above the maximum of UpgradeTimeoutPolicy",
        ),
        (Violation::Time(past), &past.to_string()),
    ] {
        assert_eq!(violation.to_string(), text);
    }
}

/// Shows: CMD-067
#[test]
fn a_block_is_answered_by_three_statuses() {
    for vector in vector_table::block_response() {
        let Message::ToClient(ToClient::ImageBlock(response)) = vector.frame.message else { unreachable!() };
        assert_eq!(response.check(), Ok(()), "{}", vector.name);
    }
    for status in (0..=u8::MAX).map(Status) {
        let refusal = BlockRefusal::new(status);
        assert_eq!(refusal.is_none(), [0x00, 0x95, 0x97].contains(&status.0), "{status}");
        if let Some(refusal) = refusal {
            let violation = Violation::Status(status);
            assert_eq!(ImageBlockResponse::Refused(refusal).check(), Err(violation));
        }
    }
}

/// Shows: CMD-074
#[test]
fn an_upgrade_ends_with_four_statuses() {
    for status in (0..=u8::MAX).map(Status) {
        let request = UpgradeEndRequest { status, id: ImageId::new(1, 2, 3) };
        let known = [0x00, 0x95, 0x96, 0x99].contains(&status.0);
        let violation = Violation::Status(status);
        assert_eq!(request.check(), if known { Ok(()) } else { Err(violation) });
    }
}
