//! ImageURIs, with the examples of the specification (section 11.20.6.5.2).

use proptest::prelude::*;
use proptest::sample::select;
use zigbee_ota::Encode;
use zigbee_ota::ImageId;
use zigbee_ota::file::FileName;
use zigbee_ota::matter::{BdxUri, ImageUri, ImageUriError, NodeId};

const NODE_ID: &str = "16 upper-case hexadecimal digits of a node id";
const SEPARATOR: &str = "`/` after the node id";
const DESIGNATOR: &str = "a character of a file designator";

fn syntax(expected: &'static str, offset: usize) -> ImageUriError {
    ImageUriError::Syntax { offset, expected }
}

fn prefix() -> ImageUriError {
    syntax("`bdx://` in lower case", 0)
}

fn bdx(text: &str) -> Result<(u64, &str), ImageUriError> {
    let parsed = BdxUri::parse(text);
    // Text of this scheme is never classified as another URI.
    assert_eq!(ImageUri::parse(text), parsed.map(ImageUri::Bdx));
    parsed.map(|uri| (uri.node().0, uri.designator()))
}

/// Shows: MAT-016, MAT-024
#[test]
fn a_bdx_uri_has_a_node_and_a_designator() {
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
fn a_node_id_has_leading_zeros() {
    let short = bdx("bdx://99AABBCCDDEE77/the_file_designator123");
    assert_eq!(short, Err(syntax(NODE_ID, 20)));
    assert_eq!(bdx("bdx://0099AABBCCDDEE77/f"), Ok((0x0099_aabb_ccdd_ee77, "f")));
    assert_eq!(BdxUri::new(NodeId(0x99), "f").unwrap().to_string(), "bdx://0000000000000099/f");
    let long = bdx("bdx://00099AABBCCDDEE77/f");
    assert_eq!(long, Err(syntax(SEPARATOR, 22)), "not more than 16 digits");
}

/// Shows: MAT-018
#[test]
fn digits_of_a_node_id_are_upper_case() {
    let lower = bdx("bdx://0099aabbccddee77/the_file_designator123");
    assert_eq!(lower, Err(syntax(NODE_ID, 10)));
    assert_eq!(bdx("bdx://0099AABBCCDDEe77/f"), Err(syntax(NODE_ID, 19)));
    for wrong in ["G", "/", ":", "@", "`", "g", " ", "+"] {
        let text = format!("bdx://00112233AABBCCD{wrong}/file");
        assert_eq!(bdx(&text), Err(syntax(NODE_ID, 21)), "{text}");
    }
}

/// Shows: MAT-014
#[test]
fn the_scheme_bdx_is_lower_case() {
    for scheme in ["BDX", "Bdx", "bdX"] {
        let text = format!("{scheme}://8899AABBCCDDEEFF/the_file_designator123");
        assert_eq!(bdx(&text), Err(prefix()), "{text}");
    }
}

/// Shows: MAT-015
#[test]
fn a_bdx_uri_has_an_authority() {
    for text in
        ["bdx:8899AABBCCDDEEFF/the_file_designator123", "bdx:/8899AABBCCDDEEFF/the_file_designator123"]
    {
        assert_eq!(bdx(text), Err(prefix()), "{text}");
    }
}

/// Shows: MAT-020, MAT-021, MAT-022, MAT-023
#[test]
fn a_bdx_uri_has_no_user_port_query_or_fragment() {
    for (text, error) in [
        ("bdx://u@8899AABBCCDDEEFF/f", syntax(NODE_ID, 6)),
        ("bdx://8899AABBCCDDEEFF:5540/f", syntax(SEPARATOR, 22)),
        ("bdx://8899AABBCCDDEEFF/f?x=1", syntax(DESIGNATOR, 24)),
        ("bdx://8899AABBCCDDEEFF/f#x", syntax(DESIGNATOR, 24)),
        ("bdx://8899AABBCCDDEEFF?x=1", syntax(SEPARATOR, 22)),
        ("bdx://8899AABBCCDDEEFF#xyz", syntax(SEPARATOR, 22)),
    ] {
        assert_eq!(bdx(text), Err(error), "{text}");
    }
}

/// Shows: MAT-026
#[test]
fn designators_have_path_characters_only() {
    let start = "bdx://8899AABBCCDDEEFF/";
    for good in ["%41", "%e2%82%AC", "-._~", "!$&'()*+,;=", ":@", "a/b//c", "AZaz09"] {
        assert_eq!(bdx(&format!("{start}{good}")), Ok((0x8899_aabb_ccdd_eeff, good)));
    }
    for bad in [
        " ", "\"", "<", ">", "\\", "^", "`", "{", "|", "}", "[", "]", "%", "%2", "%zz", "%4g", "\u{e9}",
        "\0", "\n",
    ] {
        let text = format!("{start}ab{bad}");
        assert_eq!(bdx(&text), Err(syntax(DESIGNATOR, 25)), "{text:?}");
        assert!(BdxUri::new(NodeId(1), &text[23..]).is_err());
    }
}

/// Shows: MAT-027
#[test]
fn a_bdx_uri_has_24_characters_at_least() {
    assert_eq!(bdx("bdx://00112233AABBCCDD/0"), Ok((0x0011_2233_aabb_ccdd, "0")));
    assert_eq!(bdx("bdx://00112233AABBCCDD/"), Err(ImageUriError::TooShort(23)));
    assert_eq!(bdx("bdx://"), Err(ImageUriError::TooShort(6)));
    assert_eq!(BdxUri::new(NodeId(0), ""), Err(ImageUriError::TooShort(23)));
    let designator = "d".repeat(233);
    assert!(bdx(&format!("bdx://00112233AABBCCDD/{designator}")).is_ok(), "256 in all");
    assert_eq!(BdxUri::new(NodeId(0), &format!("{designator}d")), Err(ImageUriError::TooLong(257)));
    assert_eq!(bdx(&format!("bdx://00112233AABBCCDD/{designator}d")), Err(ImageUriError::TooLong(257)));
}

/// Shows: MAT-028
#[test]
fn the_first_step_that_fails_is_named() {
    // Each text breaks one rule less than the one before.
    for (text, error) in [
        ("BDX://zz112233aabbccd", ImageUriError::TooShort(21)),
        ("BDX://zz112233AABBCCDD-a b", prefix()),
        ("bdx://zz112233AABBCCDD-a b", syntax(NODE_ID, 6)),
        ("bdx://00112233AABBCCDD-a b", syntax(SEPARATOR, 22)),
        ("bdx://00112233AABBCCDD/a b", syntax(DESIGNATOR, 24)),
    ] {
        assert_eq!(bdx(text), Err(error), "{text}");
    }
    assert_eq!(bdx("bdx://00112233AABBCCDD/a-b"), Ok((0x0011_2233_aabb_ccdd, "a-b")));
    assert_eq!(syntax(SEPARATOR, 22).to_string(), "byte 22: expected `/` after the node id");
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
fn other_schemes_are_classified_and_not_refused() {
    for (text, scheme) in [
        ("https://example.domain:8466/software/image.bin", "https"),
        ("HTTP://[2001:db8::7]:80/a?b#c", "HTTP"),
        ("coap+tcp://u:p@h", "coap+tcp"),
        ("urn:x:y", "urn"),
        ("a:", "a"),
        ("bdxs://host/x", "bdxs"),
    ] {
        assert_eq!(ImageUri::parse(text), Ok(ImageUri::Other { scheme, uri: text }));
    }
}

/// Shows: MAT-012
#[test]
fn text_that_is_not_a_uri_is_refused_with_the_offset() {
    const SCHEME: &str = "a scheme and a colon";
    const AUTHORITY: &str = "a character of a URI's authority";
    const PATH: &str = "a character of a URI's path";
    const QUERY: &str = "a character of a URI's query";
    const FRAGMENT: &str = "a character of a URI's fragment";
    for (text, expected, offset) in [
        ("", SCHEME, 0),
        ("image.bin", SCHEME, 9),
        ("/path", SCHEME, 0),
        ("1http://h", SCHEME, 0),
        ("ht tp://h", SCHEME, 2),
        (":x", SCHEME, 0),
        ("http://a b/", AUTHORITY, 8),
        ("http://a|b/", AUTHORITY, 8),
        ("http://h%4g/", AUTHORITY, 8),
        ("http://\u{e9}/", AUTHORITY, 7),
        ("http://h/\u{e9}", PATH, 9),
        ("http://h/%4", PATH, 9),
        ("http://h/a[b", PATH, 10),
        ("http://h/?a b", QUERY, 11),
        ("http://h?a[b", QUERY, 10),
        ("http://h/?a#b#c", FRAGMENT, 13),
        ("http://h#b[c", FRAGMENT, 10),
        ("urn:a b", PATH, 5),
    ] {
        assert_eq!(ImageUri::parse(text), Err(syntax(expected, offset)), "{text:?}");
    }
    let error = ImageUri::parse("urn:a b").unwrap_err();
    assert_eq!(error.to_string(), "byte 5: expected a character of a URI's path");
    let long = format!("https://h/{}", "a".repeat(247));
    assert_eq!(ImageUri::parse(&long), Err(ImageUriError::TooLong(257)));
    assert!(ImageUri::parse(&long[..256]).is_ok());
}

/// Text made of parts of URIs, and of characters that URIs do not have.
fn text_like_a_uri() -> impl Strategy<Value = String> {
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

/// The text with the host `h` in place of its authority, where it has one.
fn with_another_authority(text: &str) -> String {
    let Some((scheme, after)) = text.split_once("://") else { return text.to_owned() };
    let end = after.find(['/', '?', '#']).unwrap_or(after.len());
    format!("{scheme}://h{}", &after[end..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// Every URI of another implementation is accepted. Text that it alone refuses has a wrong authority: with another
    /// authority it is a URI there, too.
    ///
    /// Shows: MAT-012
    #[test]
    fn another_implementation_accepts_the_same_uris(text in text_like_a_uri()) {
        let expected = fluent_uri::Uri::parse(text.as_str()).ok();
        match ImageUri::parse(&text) {
            Ok(ImageUri::Other { scheme, uri }) => {
                prop_assert_eq!(uri, &text);
                let replaced = with_another_authority(&text);
                let expected = expected.or_else(|| fluent_uri::Uri::parse(replaced.as_str()).ok());
                prop_assert_eq!(expected.map(|uri| uri.scheme().as_str()), Some(scheme));
            }
            Ok(ImageUri::Bdx(_)) => prop_assert!(false, "{}", text),
            Err(error) => prop_assert!(expected.is_none(), "{}: {}", text, error),
        }
    }

    /// Shows: MAT-029
    #[test]
    fn built_uris_parse_back(node in any::<u64>(), designator in "[ -~]{0,20}|([!$&-;=@-Z_a-z~]|%[0-9A-Fa-f]{2}){1,77}") {
        match BdxUri::new(NodeId(node), &designator) {
            Ok(uri) => {
                let text = uri.to_string();
                prop_assert_eq!(uri.to_vec(), text.as_bytes());
                prop_assert_eq!(bdx(&text), Ok((node, designator.as_str())), "the designator is not escaped");
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
fn a_space_is_refused_and_not_escaped() {
    let error = BdxUri::new(NodeId(1), "a b").unwrap_err();
    assert_eq!(error, syntax(DESIGNATOR, 24));
}

/// IP addresses in brackets are accepted; their digits are left to the code that resolves the URI.
#[test]
fn addresses_in_brackets_are_accepted() {
    for literal in ["::1", "2001:db8::7", "::0.9.10.99", "v1.a:b"] {
        let uri = format!("http://[{literal}]:80/");
        assert!(fluent_uri::Uri::parse(uri.as_str()).is_ok(), "{uri}");
        assert_eq!(ImageUri::parse(&uri), Ok(ImageUri::Other { scheme: "http", uri: &uri }));
    }
}
