//! TLV elements of any kind beside the fields of a command: this crate skips what rs-matter writes there, and accepts
//! nothing there that rs-matter refuses.

use proptest::collection::vec;
use proptest::prelude::*;
use rs_matter::tlv::{TLVElement, TLVTag, TLVValueType, TLVWrite};
use rs_matter::utils::storage::WriteBuf;
use zigbee_ota::Encode;
use zigbee_ota::matter::{ApplyUpdateAction, ApplyUpdateResponse};

/// Tag of an element.
#[derive(Clone, Copy, Debug)]
enum Tag {
    Anonymous,
    Context(u8),
    Common(u32),
    Implicit(u32),
    Full { vendor: u16, profile: u16, tag: u32 },
}

/// Kind of a container.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Structure,
    Array,
    List,
}

/// Element with owned content.
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
    // Numbers of every width, and the neighbours of each power of two.
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

/// Checks that rs-matter can read an element completely.
fn read_completely(element: &TLVElement<'_>) {
    element.tag().unwrap();
    element.value().unwrap();
    if let Ok(container) = element.container() {
        container.iter().for_each(|member| read_completely(&member.unwrap()));
    }
}

/// Tag that the commands of this crate do not use.
fn unknown(tag: Tag) -> Tag {
    match tag {
        Tag::Anonymous => Tag::Context(2),
        Tag::Context(number) => Tag::Context(number.max(2)),
        tag => tag,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn elements_of_rs_matter_are_skipped(
        before in vec((tags(), trees()), 0..3),
        after in vec((tags(), trees()), 0..3),
        seconds: u32,
    ) {
        let mut room = vec![0; 60_000];
        let mut buffer = WriteBuf::new(&mut room);
        buffer.start_container(&TLVTag::Anonymous, TLVValueType::Struct).unwrap();
        before.iter().for_each(|(tag, tree)| theirs(&mut buffer, unknown(*tag), tree));
        buffer.u8(&TLVTag::Context(0), 1).unwrap();
        buffer.u32(&TLVTag::Context(1), seconds).unwrap();
        after.iter().for_each(|(tag, tree)| theirs(&mut buffer, unknown(*tag), tree));
        buffer.end_container().unwrap();
        let action = ApplyUpdateAction::AWAIT_NEXT_ACTION;
        let expected = ApplyUpdateResponse { action, delayed_action_time: seconds };
        prop_assert_eq!(ApplyUpdateResponse::decode(buffer.as_slice()), Ok(expected));
    }

    #[test]
    fn accepted_elements_are_read_by_rs_matter(
        control: u8,
        rest in vec(prop_oneof![Just(0), any::<u8>()], 0..24),
    ) {
        let bytes = [&[0x15, 0x24, 0, 1, 0x24, 1, 5, control][..], &rest, &[0x18]].concat();
        if let Ok(response) = ApplyUpdateResponse::decode(&bytes) {
            read_completely(&TLVElement::new(&bytes));
            prop_assert_eq!(response.to_vec(), [0x15, 0x24, 0, 1, 0x24, 1, 5, 0x18]);
        }
    }
}
