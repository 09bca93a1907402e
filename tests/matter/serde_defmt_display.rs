//! Serialization of all data types, their `defmt::Format`, and the names in their texts.

use std::fmt::Debug;

use defmt::Format;
use serde::{Deserialize, Serialize};
use serde_json::{from_str, json, to_value};
use zigbee_ota::matter::bridge::{Translated, Unmapped};
use zigbee_ota::matter::{
    ApplyUpdateAction, ApplyUpdateRequest, ApplyUpdateResponse, DigestType, DownloadProtocol,
    DownloadProtocols, ImageHeader, ImageUri, ImageUriError, MatterDecodeError, MatterRuleError, Metadata,
    NextStep, NodeId, NotifyUpdateApplied, QueryImage, QueryImageResponse, QueryImageStatus, Requestor,
    UpdateOffer, UpdateToken,
};

use crate::changed;
use crate::commands::token;

fn assert_round_trip<'de, T>(value: &T, room: &'de mut Vec<u8>)
where
    T: Serialize + Deserialize<'de> + PartialEq + Debug,
{
    *room = postcard::to_stdvec(value).expect("any value is written");
    assert_eq!(&postcard::from_bytes::<T>(room).expect("written by us"), value);
}

#[test]
fn values_survive_serialization() {
    let protocols = DownloadProtocols::new(&[DownloadProtocol::HTTPS, DownloadProtocol(9)]).unwrap();
    let query = changed(QueryImage::new(1, 2, 3, protocols), |query| {
        query.hardware_version = Some(4);
        query.location = Some("NO");
        query.can_consent = Some(false);
        query.metadata = Some(Metadata(&[0x17, 0x18]));
    });
    assert_round_trip(&query, &mut Vec::new());
    let shown = to_value(query).unwrap();
    assert_eq!([&shown["protocols"], &shown["metadata"]], [&json!([2, 9]), &json!([0x17, 0x18])]);
    let response = QueryImageResponse::available("a:b", 1, "1", token());
    assert_round_trip(&response, &mut Vec::new());
    // JSON cannot lend bytes to `Metadata`; this response has none.
    let text = serde_json::to_string(&response).unwrap();
    assert_eq!(from_str::<QueryImageResponse<'_>>(&text).unwrap(), response);
    assert_round_trip(&ApplyUpdateRequest { token: token(), new_version: 1 }, &mut Vec::new());
    assert_round_trip(
        &ApplyUpdateResponse { action: ApplyUpdateAction::PROCEED, delayed_action_time: 1 },
        &mut Vec::new(),
    );
    assert_round_trip(&NotifyUpdateApplied { token: token(), software_version: 1 }, &mut Vec::new());
    let header = ImageHeader::new(1, 2, 3, "3", 4, DigestType::SHA_256_32, &[1, 2, 3, 4]);
    let header = changed(header, |header| {
        header.max_applicable_version = Some(5);
        header.release_notes_url = Some("https://rn");
    });
    assert_round_trip(&header, &mut Vec::new());
    let unmapped = changed(Unmapped::default(), |unmapped| unmapped.delay = true);
    assert_round_trip(&(NodeId(u64::MAX), unmapped), &mut Vec::new());
}

#[test]
fn deserialization_checks_lengths() {
    let token = |len: usize| {
        from_str::<UpdateToken>(&json!(vec![7; len]).to_string()).map_err(|error| error.to_string())
    };
    assert_eq!(token(32), Ok(UpdateToken::new(&[7; 32]).unwrap()));
    for (len, why) in [(7, "expected 8 to 32 bytes"), (33, "expected at most 32 bytes")] {
        let error = token(len).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    assert!(from_str::<DownloadProtocols>("[0, 1, 2, 3, 0, 1, 2, 3, 0]").is_err());
    assert!(from_str::<DownloadProtocols>("[256]").is_err());
}

#[test]
fn all_types_have_a_defmt_format() {
    fn has_format<T: Format>() {}
    has_format::<(QueryImage<'_>, DownloadProtocols, DownloadProtocol, Metadata<'_>)>();
    has_format::<(QueryImageResponse<'_>, QueryImageStatus, UpdateOffer<'_>, UpdateToken)>();
    has_format::<(ApplyUpdateRequest, ApplyUpdateResponse, NotifyUpdateApplied, ApplyUpdateAction)>();
    has_format::<(Requestor, NextStep<'_>, ImageUri<'_>, NodeId, ImageHeader<'_>, DigestType)>();
    has_format::<(MatterDecodeError, MatterRuleError, ImageUriError)>();
    has_format::<(Unmapped, Translated<QueryImage<'_>>)>();
}

#[test]
fn parts_of_a_uri_are_named_in_errors() {
    for (text, error) in [
        ("1:", "byte 0: expected a scheme and a colon"),
        ("a://h h", "byte 5: expected a character of a URI's authority"),
        ("a:p p", "byte 3: expected a character of a URI's path"),
        ("a:p?q q", "byte 5: expected a character of a URI's query"),
        ("a:p#f f", "byte 5: expected a character of a URI's fragment"),
    ] {
        assert_eq!(ImageUri::parse(text).unwrap_err().to_string(), error);
    }
    assert_eq!(format!("{:?}", NodeId(0xab)), "NodeId(00000000000000AB)");
}
