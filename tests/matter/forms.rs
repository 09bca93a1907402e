//! What goes through serde comes back, what breaks a rule of its type does not come in, and all can be logged.

use std::fmt::Debug;

use defmt::Format;
use serde::{Deserialize, Serialize};
use serde_json::{from_str, json, to_value};
use zigbee_ota::matter::bridge::{Bridged, Lost, Place, VersionText};
use zigbee_ota::matter::tlv::{Element, ElementAt, Kind, Tag, TlvError, Value, WriteError};
use zigbee_ota::matter::{
    Action, Answer, ApplyUpdateRequest, ApplyUpdateResponse, DigestType, DownloadProtocol, Field,
    ImageHeader, ImageUri, Malformed, Metadata, NodeId, NotifyUpdateApplied, Protocols, QueryImage,
    QueryImageResponse, Requestor, Status, Todo, UpdateToken, UriError, Violation,
};

use crate::commands::token;

fn comes_back<'de, T>(value: &T, room: &'de mut Vec<u8>)
where
    T: Serialize + Deserialize<'de> + PartialEq + Debug,
{
    *room = postcard::to_stdvec(value).expect("any value is written");
    assert_eq!(&postcard::from_bytes::<T>(room).expect("written by us"), value);
}

#[test]
fn what_goes_through_serde_comes_back() {
    let protocols = Protocols::new(&[DownloadProtocol::HTTPS, DownloadProtocol(9)]).unwrap();
    let query = QueryImage {
        vendor: 1,
        product: 2,
        software_version: 3,
        protocols,
        hardware_version: Some(4),
        location: Some("NO"),
        can_consent: Some(false),
        metadata: Some(Metadata(&[0x17, 0x18])),
    };
    comes_back(&query, &mut Vec::new());
    let shown = to_value(query).unwrap();
    assert_eq!([&shown["protocols"], &shown["metadata"]], [&json!([2, 9]), &json!([0x17, 0x18])]);
    let response = QueryImageResponse::available("a:b", 1, "1", token());
    comes_back(&response, &mut Vec::new());
    // JSON cannot lend bytes, and here are none that want to be lent.
    let text = serde_json::to_string(&response).unwrap();
    assert_eq!(from_str::<QueryImageResponse<'_>>(&text).unwrap(), response);
    comes_back(&ApplyUpdateRequest { token: token(), new_version: 1 }, &mut Vec::new());
    comes_back(&ApplyUpdateResponse { action: Action::PROCEED, delayed_action_time: 1 }, &mut Vec::new());
    comes_back(&NotifyUpdateApplied { token: token(), software_version: 1 }, &mut Vec::new());
    let header = ImageHeader {
        vendor: 1,
        product: 2,
        software_version: 3,
        software_version_string: "3",
        payload_size: 4,
        min_applicable_version: None,
        max_applicable_version: Some(5),
        release_notes_url: Some("https://rn"),
        digest_type: DigestType::SHA_256_32,
        digest: &[1, 2, 3, 4],
    };
    comes_back(&header, &mut Vec::new());
    comes_back(&Lost::from_bits_retain(0x8001), &mut Vec::new());
    comes_back(&(NodeId(u64::MAX), Kind::List, Tag::Full { vendor: 1, profile: 2, tag: 3 }), &mut Vec::new());
}

#[test]
fn what_breaks_a_rule_of_its_type_does_not_come_in() {
    let token = |len: usize| {
        from_str::<UpdateToken>(&json!(vec![7; len]).to_string()).map_err(|error| error.to_string())
    };
    assert_eq!(token(32), Ok(UpdateToken::new(&[7; 32]).unwrap()));
    for (len, why) in [(7, "expected 8 to 32 bytes"), (33, "expected at most 32 bytes")] {
        let error = token(len).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    assert!(from_str::<Protocols>("[0, 1, 2, 3, 0, 1, 2, 3, 0]").is_err());
    assert!(from_str::<Protocols>("[256]").is_err());
}

#[test]
fn all_can_be_logged() {
    fn can_be_logged<T: Format>() {}
    can_be_logged::<(QueryImage<'_>, QueryImageResponse<'_>, Answer<'_>, Protocols, DownloadProtocol, Status)>(
    );
    can_be_logged::<(ApplyUpdateRequest, ApplyUpdateResponse, NotifyUpdateApplied, Action, UpdateToken)>();
    can_be_logged::<(Requestor, Todo<'_>, ImageUri<'_>, NodeId, ImageHeader<'_>, DigestType, Metadata<'_>)>();
    can_be_logged::<(Malformed, Violation, UriError, Field, TlvError, WriteError)>();
    can_be_logged::<(Tag, Kind, Value<'_>, Element<'_>, ElementAt<'_>)>();
    can_be_logged::<(Lost, Bridged<QueryImage<'_>>, Place<'_>, VersionText)>();
}
