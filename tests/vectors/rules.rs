//! Values that can be read and written but break a rule: what `check` says of them.

use zigbee_ota::zcl::{
    BlockRefusal, Frame, ImageBlockResponse, ImageNotify, Message, QueryNextImageRequest,
    QueryNextImageResponse, Quirks, Refusal, Status, ToClient, UpgradeEndRequest, Violation,
};
use zigbee_ota::{FileVersion, ImageId, ImageType, ManufacturerCode};

use crate::{check, table};

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
    QueryNextImageRequest { current, hardware: None }.check()
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
    check(&table::query_response());
    for status in 1..=u8::MAX {
        let bytes = [0x19, 7, 0x02, status];
        let frame = Frame::decode(&bytes, Quirks::empty()).expect("a status");
        let Message::ToClient(ToClient::QueryNextImage(response)) = frame.message else {
            panic!("{frame:?}")
        };
        let refusal = Refusal::new(Status(status)).expect("not SUCCESS");
        assert_eq!(response, QueryNextImageResponse::Refused(refusal));
        let known = [0x7e, 0x98].contains(&status);
        let violation = Violation::Status(Status(status), "CMD-042");
        assert_eq!(response.check(), if known { Ok(()) } else { Err(violation) });
    }
}

/// Shows: CMD-067
#[test]
fn a_block_is_answered_by_three_statuses() {
    for vector in table::block_response() {
        let Message::ToClient(ToClient::ImageBlock(response)) = vector.frame.message else { unreachable!() };
        assert_eq!(response.check(), Ok(()), "{}", vector.name);
    }
    for status in (0..=u8::MAX).map(Status) {
        let refusal = BlockRefusal::new(status);
        assert_eq!(refusal.is_none(), [0x00, 0x95, 0x97].contains(&status.0), "{status}");
        if let Some(refusal) = refusal {
            let violation = Violation::Status(status, "CMD-067");
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
        let violation = Violation::Status(status, "CMD-074");
        assert_eq!(request.check(), if known { Ok(()) } else { Err(violation) });
    }
}
