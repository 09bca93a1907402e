//! What goes through serde comes back, what breaks a rule of its type does not come in, and all can be logged.

use std::collections::HashSet;
use std::fmt::Debug;

use defmt::Format;
use serde::{Deserialize, Serialize};
use serde_json::{from_str, json, to_value};
use zigbee_ota::FileVersion;
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

#[test]
fn fields_and_values_are_called_as_matter_calls_them() {
    for (field, name) in [
        (Field::VendorId, "VendorID"),
        (Field::ProductId, "ProductID"),
        (Field::SoftwareVersion, "SoftwareVersion"),
        (Field::ProtocolsSupported, "ProtocolsSupported"),
        (Field::HardwareVersion, "HardwareVersion"),
        (Field::Location, "Location"),
        (Field::RequestorCanConsent, "RequestorCanConsent"),
        (Field::MetadataForProvider, "MetadataForProvider"),
        (Field::Status, "Status"),
        (Field::DelayedActionTime, "DelayedActionTime"),
        (Field::ImageUri, "ImageURI"),
        (Field::SoftwareVersionString, "SoftwareVersionString"),
        (Field::UpdateToken, "UpdateToken"),
        (Field::UserConsentNeeded, "UserConsentNeeded"),
        (Field::MetadataForRequestor, "MetadataForRequestor"),
        (Field::NewVersion, "NewVersion"),
        (Field::Action, "Action"),
        (Field::PayloadSize, "PayloadSize"),
        (Field::MinApplicableVersion, "MinApplicableSoftwareVersion"),
        (Field::MaxApplicableVersion, "MaxApplicableSoftwareVersion"),
        (Field::ReleaseNotesUrl, "ReleaseNotesURL"),
        (Field::ImageDigestType, "ImageDigestType"),
        (Field::ImageDigest, "ImageDigest"),
        (Field::TotalSize, "TotalSize"),
    ] {
        assert_eq!(field.to_string(), name);
    }
    for (value, name) in [
        (Value::Signed(1), "signed number"),
        (Value::Unsigned(1), "unsigned number"),
        (Value::Boolean(true), "boolean"),
        (Value::Single(1), "floating point number"),
        (Value::Double(1), "floating point number"),
        (Value::Utf8(""), "UTF-8 string"),
        (Value::Octets(&[]), "octet string"),
        (Value::Null, "null"),
    ] {
        assert_eq!(value.type_name(), name);
    }
}

#[test]
fn parts_of_a_uri_are_named_where_it_is_none() {
    for (text, error) in [
        ("1:", "byte 0: not what the scheme of a URI may hold (MAT-012)"),
        ("a://h h", "byte 5: not what the authority of a URI may hold (MAT-012)"),
        ("a:p p", "byte 3: not what the path of a URI may hold (MAT-012)"),
        ("a:p?q q", "byte 5: not what the query of a URI may hold (MAT-012)"),
        ("a:p#f f", "byte 5: not what the fragment of a URI may hold (MAT-012)"),
    ] {
        assert_eq!(ImageUri::parse(text).unwrap_err().to_string(), error);
    }
    assert_eq!(format!("{:?}", NodeId(0xab)), "NodeId(00000000000000AB)");
}

#[test]
fn who_debugs_sees_the_text_of_a_version() {
    let text = VersionText::new(FileVersion(0x1005_3519));
    assert_eq!(format!("{text:?}"), format!("VersionText({:?})", text.as_str()));
}

/// Containers with the same members are one in a set, wherever they stood.
#[test]
fn equal_containers_hash_alike() {
    let alone = [0x15, 0x24, 1, 42, 0x18];
    let behind = [&[0x09][..], &alone].concat();
    let here = Element::parse_exact(&alone).unwrap();
    let (_, rest) = Element::parse(&behind).unwrap();
    let there = Element::parse_exact(rest).unwrap();
    let other = Element::parse_exact(&[0x17, 0x24, 1, 42, 0x18]).unwrap();
    let set = HashSet::from([here, there, other]);
    assert_eq!(set.len(), 2);
}
