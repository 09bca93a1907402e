//! ImageURIs, with the examples of the document.

use proptest::prelude::*;
use proptest::sample::select;
use zigbee_ota::Encode;
use zigbee_ota::ImageId;
use zigbee_ota::file::FileName;
use zigbee_ota::matter::{BdxUri, ImageUri, NodeId, UriError, UriPart};

fn bdx(text: &str) -> Result<(u64, &str), UriError> {
    let parsed = BdxUri::parse(text);
    // A text of this scheme is no other URI.
    assert_eq!(ImageUri::parse(text), parsed.map(ImageUri::Bdx));
    parsed.map(|uri| (uri.node().0, uri.designator()))
}

/// Shows: MAT-016, MAT-024
#[test]
fn node_and_designator() {
    let expected = (0x8899_aabb_ccdd_eeff, "the_file_designator123");
    assert_eq!(bdx("bdx://8899AABBCCDDEEFF/the_file_designator123"), Ok(expected));
    assert_eq!(bdx("bdx://0123456789ABCDEF/f"), Ok((0x0123_4567_89ab_cdef, "f")));
}

/// Shows: MAT-025
#[test]
fn designators_are_taken_octet_for_octet() {
    let expected = (0x0099_aabb_ccdd_ee77, "the%20file%20designator/some_more");
    assert_eq!(bdx("bdx://0099AABBCCDDEE77/the%20file%20designator/some_more"), Ok(expected));
}

/// Shows: MAT-017
#[test]
fn leading_zeros_are_written() {
    let short = bdx("bdx://99AABBCCDDEE77/the_file_designator123");
    assert_eq!(short, Err(UriError::NodeId { offset: 20 }));
    assert_eq!(bdx("bdx://0099AABBCCDDEE77/f"), Ok((0x0099_aabb_ccdd_ee77, "f")));
    assert_eq!(BdxUri::new(NodeId(0x99), "f").unwrap().to_string(), "bdx://0000000000000099/f");
    let long = bdx("bdx://00099AABBCCDDEE77/f");
    assert_eq!(long, Err(UriError::Separator), "nor are there more");
}

/// Shows: MAT-018
#[test]
fn digits_are_upper_case() {
    let lower = bdx("bdx://0099aabbccddee77/the_file_designator123");
    assert_eq!(lower, Err(UriError::NodeId { offset: 10 }));
    assert_eq!(bdx("bdx://0099AABBCCDDEe77/f"), Err(UriError::NodeId { offset: 19 }));
    for wrong in ["G", "/", ":", "@", "`", "g", " ", "+"] {
        let text = format!("bdx://00112233AABBCCD{wrong}/file");
        assert_eq!(bdx(&text), Err(UriError::NodeId { offset: 21 }), "{text}");
    }
}

/// Shows: MAT-014
#[test]
fn the_scheme_is_lower_case() {
    for scheme in ["BDX", "Bdx", "bdX"] {
        let text = format!("{scheme}://8899AABBCCDDEEFF/the_file_designator123");
        assert_eq!(bdx(&text), Err(UriError::Prefix), "{text}");
    }
}

/// Shows: MAT-015
#[test]
fn there_is_an_authority() {
    for text in
        ["bdx:8899AABBCCDDEEFF/the_file_designator123", "bdx:/8899AABBCCDDEEFF/the_file_designator123"]
    {
        assert_eq!(bdx(text), Err(UriError::Prefix), "{text}");
    }
}

/// Shows: MAT-020, MAT-021, MAT-022, MAT-023
#[test]
fn there_is_no_user_port_query_or_fragment() {
    for (text, error) in [
        ("bdx://u@8899AABBCCDDEEFF/f", UriError::NodeId { offset: 6 }),
        ("bdx://8899AABBCCDDEEFF:5540/f", UriError::Separator),
        ("bdx://8899AABBCCDDEEFF/f?x=1", UriError::Designator { offset: 24 }),
        ("bdx://8899AABBCCDDEEFF/f#x", UriError::Designator { offset: 24 }),
        ("bdx://8899AABBCCDDEEFF?x=1", UriError::Separator),
        ("bdx://8899AABBCCDDEEFF#xyz", UriError::Separator),
    ] {
        assert_eq!(bdx(text), Err(error), "{text}");
    }
}

/// Shows: MAT-026
#[test]
fn paths_hold_only_what_uris_may() {
    let start = "bdx://8899AABBCCDDEEFF/";
    for good in ["%41", "%e2%82%AC", "-._~", "!$&'()*+,;=", ":@", "a/b//c", "AZaz09"] {
        assert_eq!(bdx(&format!("{start}{good}")), Ok((0x8899_aabb_ccdd_eeff, good)));
    }
    for bad in [
        " ", "\"", "<", ">", "\\", "^", "`", "{", "|", "}", "[", "]", "%", "%2", "%zz", "%4g", "\u{e9}",
        "\0", "\n",
    ] {
        let text = format!("{start}ab{bad}");
        assert_eq!(bdx(&text), Err(UriError::Designator { offset: 25 }), "{text:?}");
        assert!(BdxUri::new(NodeId(1), &text[23..]).is_err());
    }
}

/// Shows: MAT-027
#[test]
fn there_are_24_characters_at_least() {
    assert_eq!(bdx("bdx://00112233AABBCCDD/0"), Ok((0x0011_2233_aabb_ccdd, "0")));
    assert_eq!(bdx("bdx://00112233AABBCCDD/"), Err(UriError::TooShort(23)));
    assert_eq!(bdx("bdx://"), Err(UriError::TooShort(6)));
    assert_eq!(BdxUri::new(NodeId(0), ""), Err(UriError::TooShort(23)));
    let designator = "d".repeat(233);
    assert!(bdx(&format!("bdx://00112233AABBCCDD/{designator}")).is_ok(), "256 in all");
    assert_eq!(BdxUri::new(NodeId(0), &format!("{designator}d")), Err(UriError::TooLong(257)));
    assert_eq!(bdx(&format!("bdx://00112233AABBCCDD/{designator}d")), Err(UriError::TooLong(257)));
}

/// Shows: MAT-028
#[test]
fn the_first_step_that_fails_is_named() {
    // Each text breaks one rule less than the one before.
    for (text, error) in [
        ("BDX://zz112233aabbccd", UriError::TooShort(21)),
        ("BDX://zz112233AABBCCDD-a b", UriError::Prefix),
        ("bdx://zz112233AABBCCDD-a b", UriError::NodeId { offset: 6 }),
        ("bdx://00112233AABBCCDD-a b", UriError::Separator),
        ("bdx://00112233AABBCCDD/a b", UriError::Designator { offset: 24 }),
    ] {
        assert_eq!(bdx(text), Err(error), "{text}");
    }
    assert_eq!(bdx("bdx://00112233AABBCCDD/a-b"), Ok((0x0011_2233_aabb_ccdd, "a-b")));
    assert_eq!(UriError::Separator.to_string(), "byte 22: expected `/` after the node id (MAT-021, MAT-024)");
}

/// Shows: MAT-031
#[test]
fn a_designator_may_begin_with_a_slash() {
    assert_eq!(bdx("bdx://00112233AABBCCDD//x"), Ok((0x0011_2233_aabb_ccdd, "/x")));
    assert_eq!(BdxUri::new(NodeId(1), "/x").unwrap().to_string(), "bdx://0000000000000001//x");
}

/// Shows: MAT-030
#[test]
fn the_name_of_an_ota_file_is_a_designator() {
    let id = ImageId::new(0x1001, 0x00ab, 0x1005_3519);
    let name = FileName::new(id).with_suffix("upgradeMe").to_string();
    let uri = BdxUri::new(NodeId(0x0011_2233_aabb_ccdd), &name).unwrap();
    let text = "bdx://00112233AABBCCDD/1001-00AB-10053519-upgradeMe.zigbee";
    assert_eq!(uri.to_string(), text);
    assert_eq!(uri.to_vec(), text.as_bytes());
    assert_eq!(BdxUri::parse(text), Ok(uri));
    assert_eq!(FileName::parse(uri.designator()).map(|name| name.id), Some(id));
}

/// Shows: MAT-013
#[test]
fn other_schemes_are_left_to_others() {
    for (text, scheme) in [
        ("https://example.domain:8466/software/image.bin", "https"),
        ("HTTP://[2001:db8::7]:80/a?b#c", "HTTP"),
        ("coap+tcp://u:p@h", "coap+tcp"),
        ("urn:x:y", "urn"),
        ("a:", "a"),
        ("bdxs://host/x", "bdxs"),
    ] {
        let Ok(ImageUri::Other(other)) = ImageUri::parse(text) else { panic!("{text}") };
        assert_eq!((other.scheme(), other.as_str()), (scheme, text));
    }
}

/// Shows: MAT-012
#[test]
fn what_is_no_uri_is_refused_with_its_place() {
    use UriPart::*;
    for (text, part, offset) in [
        ("", Scheme, 0),
        ("image.bin", Scheme, 9),
        ("/path", Scheme, 0),
        ("1http://h", Scheme, 0),
        ("ht tp://h", Scheme, 2),
        (":x", Scheme, 0),
        ("http://a b/", Authority, 8),
        ("http://a@b@c/", Authority, 10),
        ("http://h:8o/", Authority, 10),
        ("http://[::1]x/", Authority, 12),
        ("http://[::1::]/", Authority, 8),
        ("http://[::1/", Authority, 7),
        ("http://h/\u{e9}", Path, 9),
        ("http://h/%4", Path, 9),
        ("http://h/a[b", Path, 10),
        ("http://h/?a b", Query, 11),
        ("http://h/?a#b#c", Fragment, 13),
        ("urn:a b", Path, 5),
    ] {
        assert_eq!(ImageUri::parse(text), Err(UriError::Syntax { part, offset }), "{text:?}");
    }
    let long = format!("https://h/{}", "a".repeat(247));
    assert_eq!(ImageUri::parse(&long), Err(UriError::TooLong(257)));
    assert!(ImageUri::parse(&long[..256]).is_ok());
}

/// Texts made of what URIs are made of, and of what they are not.
fn like_a_uri() -> impl Strategy<Value = String> {
    let parts = vec![
        "https",
        "a",
        "A1",
        "-",
        "+",
        ".",
        ":",
        "//",
        "/",
        "?",
        "#",
        "@",
        "%41",
        "%4",
        "%",
        "[",
        "]",
        "[::]",
        "[::1]",
        "[1:2:3:4:5:6:7:8]",
        "[1:2:3:4:5:6:7::8]",
        "[1::2:3:4:5:6:7]",
        "[::1.2.3.4]",
        "[::1.2.3.256]",
        "[1:2:3:4:5:6:1.2.3.04]",
        "[v1.a]",
        "[v.a]",
        "[vF.]",
        "1.2.3.4",
        "8080",
        "!",
        "~",
        "'",
        " ",
        "\"",
        "|",
        "\u{e9}",
        "ffff",
        "12345",
        "::",
    ];
    let address = proptest::collection::vec(
        select(vec!["::", ":", "1", "ab", "ffff", "12345", "1.2.3.4", "g", "."]),
        0..12,
    );
    prop_oneof![
        proptest::collection::vec(select(parts.clone()), 0..12).prop_map(|parts| parts.concat()),
        proptest::collection::vec(select(parts), 0..8).prop_map(|parts| format!("x://{}", parts.concat())),
        address.prop_map(|address| format!("x://[{}]", address.concat())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// Shows: MAT-012
    #[test]
    fn what_is_a_uri_is_what_another_reader_says(text in like_a_uri()) {
        let expected = fluent_uri::Uri::parse(text.as_str()).ok();
        match ImageUri::parse(&text) {
            Ok(ImageUri::Other(other)) => {
                prop_assert_eq!(expected.map(|uri| uri.scheme().as_str()), Some(other.scheme()));
            }
            Ok(ImageUri::Bdx(_)) => prop_assert!(false, "{}", text),
            Err(error) => prop_assert!(expected.is_none(), "{}: {}", text, error),
        }
    }

    /// Shows: MAT-029
    #[test]
    fn what_is_built_is_read(node in any::<u64>(), designator in "[ -~]{0,20}|([!$&-;=@-Z_a-z~]|%[0-9A-Fa-f]{2}){1,77}") {
        match BdxUri::new(NodeId(node), &designator) {
            Ok(uri) => {
                let text = uri.to_string();
                prop_assert_eq!(uri.to_vec(), text.as_bytes());
                prop_assert_eq!(bdx(&text), Ok((node, designator.as_str())), "nothing was escaped");
                prop_assert!(fluent_uri::Uri::parse(text.as_str()).is_ok());
            }
            Err(_) => {
                let text = format!("bdx://{node:016X}/{designator}");
                prop_assert!(bdx(&text).is_err());
                let other = fluent_uri::Uri::parse(text.as_str()).ok();
                let path_alone = other.is_some_and(|uri| uri.query().is_none() && uri.fragment().is_none());
                prop_assert!(!path_alone || designator.is_empty(), "{}", text);
            }
        }
    }
}

#[test]
fn a_blank_is_refused_and_not_escaped() {
    let error = BdxUri::new(NodeId(1), "a b").unwrap_err();
    assert_eq!(error, UriError::Designator { offset: 24 });
}

/// Each of the forms of RFC 3986, section 3.2.2, that a number of an address may have.
#[test]
fn numbers_of_addresses_have_one_form_each() {
    for (literal, good) in [
        ("::0.9.10.99", true),
        ("::100.199.200.249", true),
        ("::250.255.1.1", true),
        ("::256.1.1.1", false),
        ("::1.1.1.300", false),
        ("::01.1.1.1", false),
        ("::1.1.1", false),
        ("v1", false),
        ("v1.a:b", true),
    ] {
        let uri = format!("http://[{literal}]/");
        assert_eq!(ImageUri::parse(&uri).is_ok(), good, "{uri}");
    }
}
