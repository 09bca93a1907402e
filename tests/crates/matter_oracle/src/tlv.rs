//! TLV elements and containers in both directions.

use proptest::collection::vec;
use proptest::prelude::*;
use rs_matter::tlv::{TLVElement, TLVTag, TLVValue, TLVValueType, TLVWrite};
use rs_matter::utils::storage::WriteBuf;
use zigbee_ota::Encode;
use zigbee_ota::matter::tlv::{Element, Kind, Tag, Value, Writer};

/// Element that owns its contents.
#[derive(Clone, Debug)]
enum Tree {
    Signed(i64),
    Unsigned(u64),
    Boolean(bool),
    Single(u32),
    Double(u64),
    Utf8(String),
    Octets(Vec<u8>),
    Null,
    Container(Kind, Vec<(Tag, Tree)>),
}

fn tags() -> impl Strategy<Value = Tag> {
    let number = || prop_oneof![any::<u16>().prop_map(u32::from), any::<u32>()];
    prop_oneof![
        Just(Tag::Anonymous),
        any::<u8>().prop_map(Tag::Context),
        number().prop_map(Tag::Common),
        number().prop_map(Tag::Implicit),
        (any::<u16>(), any::<u16>(), number()).prop_map(|(vendor, profile, tag)| Tag::Full {
            vendor,
            profile,
            tag
        }),
    ]
}

fn trees() -> impl Strategy<Value = Tree> {
    // Numbers of every width, and those beside each bound.
    let wide = || {
        prop_oneof![
            any::<u64>(),
            (0..64_u32, 0..3_u64).prop_map(|(bit, by)| (1_u64 << bit).wrapping_add(by).wrapping_sub(1))
        ]
    };
    let leaf = prop_oneof![
        wide().prop_map(|number| Tree::Signed(number as i64)),
        wide().prop_map(|number| Tree::Signed((number as i64).wrapping_neg())),
        wide().prop_map(Tree::Unsigned),
        any::<bool>().prop_map(Tree::Boolean),
        any::<u32>().prop_map(Tree::Single),
        any::<u64>().prop_map(Tree::Double),
        "\\PC{0,90}".prop_map(Tree::Utf8),
        vec(any::<u8>(), 0..300).prop_map(Tree::Octets),
        Just(Tree::Null),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        (0..3_u8, vec((tags(), inner), 0..6)).prop_map(|(kind, members)| {
            let kind = [Kind::Structure, Kind::Array, Kind::List][usize::from(kind)];
            let members = members.into_iter().map(|(tag, tree)| match (kind, tag) {
                (Kind::Array, _) => (Tag::Anonymous, tree),
                (Kind::Structure, Tag::Anonymous) => (Tag::Context(0), tree),
                _ => (tag, tree),
            });
            Tree::Container(kind, members.collect())
        })
    })
}

fn ours(writer: &mut Writer<'_>, tag: Tag, tree: &Tree) {
    let value = match tree {
        Tree::Signed(number) => Value::Signed(*number),
        Tree::Unsigned(number) => Value::Unsigned(*number),
        Tree::Boolean(truth) => Value::Boolean(*truth),
        Tree::Single(bits) => Value::Single(*bits),
        Tree::Double(bits) => Value::Double(*bits),
        Tree::Utf8(text) => Value::Utf8(text),
        Tree::Octets(octets) => Value::Octets(octets),
        Tree::Null => Value::Null,
        Tree::Container(kind, members) => {
            writer.open(tag, *kind).unwrap();
            members.iter().for_each(|(tag, tree)| ours(writer, *tag, tree));
            return writer.close().unwrap();
        }
    };
    writer.put(tag, value).unwrap();
}

fn their_tag(tag: Tag) -> TLVTag {
    match tag {
        Tag::Anonymous => TLVTag::Anonymous,
        Tag::Context(number) => TLVTag::Context(number),
        Tag::Common(number) => match u16::try_from(number) {
            Ok(number) => TLVTag::CommonPrf16(number),
            Err(_) => TLVTag::CommonPrf32(number),
        },
        Tag::Implicit(number) => match u16::try_from(number) {
            Ok(number) => TLVTag::ImplPrf16(number),
            Err(_) => TLVTag::ImplPrf32(number),
        },
        Tag::Full { vendor: vendor_id, profile, tag } => match u16::try_from(tag) {
            Ok(tag) => TLVTag::FullQual48 { vendor_id, profile, tag },
            Err(_) => TLVTag::FullQual64 { vendor_id, profile, tag },
        },
    }
}

fn theirs(to: &mut WriteBuf<'_>, tag: Tag, tree: &Tree) {
    let tag = their_tag(tag);
    match tree {
        Tree::Signed(number) => to.i64(&tag, *number).unwrap(),
        Tree::Unsigned(number) => to.u64(&tag, *number).unwrap(),
        Tree::Boolean(truth) => to.bool(&tag, *truth).unwrap(),
        Tree::Single(bits) => to.f32(&tag, f32::from_bits(*bits)).unwrap(),
        Tree::Double(bits) => to.f64(&tag, f64::from_bits(*bits)).unwrap(),
        Tree::Utf8(text) => to.utf8(&tag, text).unwrap(),
        Tree::Octets(octets) => to.str(&tag, octets).unwrap(),
        Tree::Null => to.null(&tag).unwrap(),
        Tree::Container(kind, members) => {
            let kind = match kind {
                Kind::Structure => TLVValueType::Struct,
                Kind::Array => TLVValueType::Array,
                Kind::List => TLVValueType::List,
            };
            to.start_container(&tag, kind).unwrap();
            members.iter().for_each(|(tag, tree)| theirs(to, *tag, tree));
            to.end_container().unwrap();
        }
    }
}

/// Checks that rs-matter decodes the same as this crate.
fn same(theirs: &TLVElement<'_>, ours: &Element<'_>) {
    let tag = theirs.tag().unwrap();
    // A tag may be encoded wider than necessary.
    let narrow = match tag {
        TLVTag::CommonPrf32(number) => their_tag(Tag::Common(number)),
        TLVTag::ImplPrf32(number) => their_tag(Tag::Implicit(number)),
        TLVTag::FullQual64 { vendor_id: vendor, profile, tag } => {
            their_tag(Tag::Full { vendor, profile, tag })
        }
        tag => tag,
    };
    assert_eq!(narrow, their_tag(ours.tag));
    let value = match theirs.value().unwrap() {
        TLVValue::S8(number) => Value::Signed(number.into()),
        TLVValue::S16(number) => Value::Signed(number.into()),
        TLVValue::S32(number) => Value::Signed(number.into()),
        TLVValue::S64(number) => Value::Signed(number),
        TLVValue::U8(number) => Value::Unsigned(number.into()),
        TLVValue::U16(number) => Value::Unsigned(number.into()),
        TLVValue::U32(number) => Value::Unsigned(number.into()),
        TLVValue::U64(number) => Value::Unsigned(number),
        TLVValue::False => Value::Boolean(false),
        TLVValue::True => Value::Boolean(true),
        TLVValue::F32(number) => Value::Single(number.to_bits()),
        TLVValue::F64(number) => Value::Double(number.to_bits()),
        TLVValue::Utf8l(text) | TLVValue::Utf16l(text) | TLVValue::Utf32l(text) | TLVValue::Utf64l(text) => {
            Value::Utf8(text)
        }
        TLVValue::Str8l(octets)
        | TLVValue::Str16l(octets)
        | TLVValue::Str32l(octets)
        | TLVValue::Str64l(octets) => Value::Octets(octets),
        TLVValue::Null => Value::Null,
        TLVValue::Struct | TLVValue::Array | TLVValue::List => {
            let Value::Container(container) = ours.value else { panic!("{ours:?}") };
            let members: Vec<_> = theirs.container().unwrap().iter().map(Result::unwrap).collect();
            assert_eq!(members.len(), container.elements().count());
            members.iter().zip(container.elements()).for_each(|(theirs, ours)| same(theirs, &ours.element));
            return;
        }
        TLVValue::EndCnt => panic!("no value"),
    };
    assert_eq!(value, ours.value);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn both_write_the_same_bytes_and_read_them(tag in tags(), tree in trees()) {
        let (mut one, mut other) = (vec![0; 20_000], vec![0; 20_000]);
        let mut writer = Writer::new(&mut one);
        ours(&mut writer, tag, &tree);
        let mut buffer = WriteBuf::new(&mut other);
        theirs(&mut buffer, tag, &tree);
        let bytes = writer.finish().unwrap();
        prop_assert_eq!(bytes, buffer.as_slice());
        let read = Element::parse_exact(bytes).unwrap();
        same(&TLVElement::new(bytes), &read);
        prop_assert_eq!(read.to_vec(), bytes);
    }

    #[test]
    fn elements_of_any_width_read_alike(control in any::<u8>(), rest in vec(prop_oneof![Just(0), any::<u8>()], 0..24)) {
        let bytes = [&[control][..], &rest].concat();
        if let Ok((element, after)) = Element::parse(&bytes) {
            same(&TLVElement::new(&bytes[..bytes.len() - after.len()]), &element);
        }
    }
}
