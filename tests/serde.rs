//! What goes through serde comes back: through JSON what owns its bytes or borrows none, through a format that lends
//! its input everything. What breaks a rule of its type does not come in.

use std::fmt::Debug;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use proptest::collection::vec;
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zigbee_ota::aps::{Address, DeliveryMode, FrameMeta, Transmit};
use zigbee_ota::container::{Candidate, ContainerIntegrity, ContainerKind, candidates};
use zigbee_ota::file::{
    ArbitraryFile, BodyLayout, CertificateElement, Element, FileHeader, FileName, FileWriter, HeaderControl,
    HeaderString, Image, PlacedElement, SignatureElement, StreamDecoder, StreamPiece, Tag,
};
use zigbee_ota::observer::{Conversation, Observer};
use zigbee_ota::payload::{
    ChecksumKind, Damage, DamageKind, Payload, PayloadMetadata, PayloadReport, PayloadState, PayloadVersion,
    payloads,
};
use zigbee_ota::time::{Delay, Instant, Millis, ServerTime, TimeField, TimeInPast, UtcTime};
use zigbee_ota::zcl::{self, *};
use zigbee_ota::{
    DecodeError, DecodeErrorKind, EncodeError, Eui64, FileVersion, HardwareRange, HardwareVersion,
    ImageFilter, ImageId, ImageType, ImageTypeClass, ManufacturerCode, SecurityCredentialVersion,
    StackVersion,
};

/// From bytes that lend what they hold.
fn comes_back_lent<'de, T>(value: &T, room: &'de mut Vec<u8>)
where
    T: Serialize + Deserialize<'de> + PartialEq + Debug,
{
    *room = postcard::to_stdvec(value).expect("any value is written");
    let (back, rest) = postcard::take_from_bytes::<T>(room).expect("written by us");
    assert_eq!((&back, rest), (value, &[][..]));
}

fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    let text = serde_json::to_string(&value).expect("any value is written");
    assert_eq!(serde_json::from_str::<T>(&text).expect("written by us"), value, "{text}");
    let room = postcard::to_stdvec(&value).expect("any value is written");
    assert_eq!(postcard::from_bytes::<T>(&room), Ok(value));
}

fn any_comes_back<'a, T>(u: &mut Unstructured<'a>) -> arbitrary::Result<()>
where
    T: Arbitrary<'a> + Serialize + DeserializeOwned + PartialEq + Debug,
{
    T::arbitrary(u).map(comes_back)
}

/// Every type without borrowed bytes that can be generated.
fn all_owned(seed: &[u8]) -> arbitrary::Result<()> {
    let u = &mut Unstructured::new(seed);
    any_comes_back::<ManufacturerCode>(u)?;
    any_comes_back::<ImageType>(u)?;
    any_comes_back::<FileVersion>(u)?;
    any_comes_back::<StackVersion>(u)?;
    any_comes_back::<SecurityCredentialVersion>(u)?;
    any_comes_back::<HardwareVersion>(u)?;
    any_comes_back::<HardwareRange>(u)?;
    any_comes_back::<Eui64>(u)?;
    any_comes_back::<ImageId>(u)?;
    any_comes_back::<ImageFilter>(u)?;
    any_comes_back::<UtcTime>(u)?;
    any_comes_back::<ServerTime>(u)?;
    any_comes_back::<Tag>(u)?;
    any_comes_back::<HeaderString>(u)?;
    any_comes_back::<HeaderControl>(u)?;
    any_comes_back::<ToServer>(u)?;
    any_comes_back::<ImageNotify>(u)?;
    any_comes_back::<QueryResponse>(u)?;
    any_comes_back::<UpgradeEndResponse>(u)?;
    any_comes_back::<QueryResponse>(u)?;
    any_comes_back::<WaitForData>(u)?;
    any_comes_back::<DefaultResponse>(u)?;
    any_comes_back::<DiscoverAttributes>(u)?;
    any_comes_back::<AttributeRecord>(u)?;
    any_comes_back::<AttributeSnapshot>(u)?;
    any_comes_back::<ClientStatus>(u)?;
    any_comes_back::<BlockRefusal>(u)
}

/// Whether JSON, which cannot lend, has what the frame borrows.
fn borrows_nothing(frame: &Frame<'_>) -> bool {
    let message = match &frame.message {
        Message::ToClient(ToClient::ImageBlock(ImageBlockResponse::Data(block))) => block.data.size() == 0,
        Message::Attributes(_, AttributeCommand::Read(read)) => read.ids().len() == 0,
        Message::Attributes(_, AttributeCommand::ReadResponse(read)) => read.records().next().is_none(),
        Message::Attributes(_, AttributeCommand::Write(write)) => write.records().next().is_none(),
        Message::Attributes(_, AttributeCommand::WriteResponse(write)) => write.refused().len() == 0,
        Message::Attributes(_, AttributeCommand::DiscoverResponse(found)) => found.attributes().len() == 0,
        Message::Other(other) => other.payload().is_empty(),
        Message::ToServer(_)
        | Message::ToClient(_)
        | Message::DefaultResponse(..)
        | Message::Attributes(_, AttributeCommand::Discover(_)) => true,
        _ => unreachable!("every message is above"),
    };
    message && frame.deviations.trailing.is_empty()
}

/// A frame of any command. A seed may make none: a refusal cannot say SUCCESS.
fn generated(seed: &[u8]) -> arbitrary::Result<Frame<'_>> {
    let mut u = Unstructured::new(seed);
    let mut frame = match u.int_in_range(0..=3)? {
        0 => Frame::to_server(0, u.arbitrary()?),
        1 => Frame::response(0, u.arbitrary()?),
        2 => Frame::default_response(0, u.arbitrary()?, u.arbitrary()?),
        _ => Frame::attributes(0, u.arbitrary()?, u.arbitrary()?),
    };
    frame.control = FrameControl::from_bits_retain(u.arbitrary()?);
    frame.sequence = u.arbitrary()?;
    Ok(frame)
}

fn frame_comes_back(frame: &Frame<'_>) {
    comes_back_lent(frame, &mut Vec::new());
    let text = serde_json::to_string(frame).expect("any value is written");
    match serde_json::from_str(&text) {
        Ok(back) => assert_eq!((*frame, true), (back, borrows_nothing(frame))),
        Err(error) => assert!(!borrows_nothing(frame), "{error}: {text}"),
    }
}

proptest! {
    #[test]
    fn what_owns_its_bytes_comes_back(seed in vec(any::<u8>(), 400..800)) {
        // A seed may make no refusal.
        all_owned(&seed).ok();
    }

    #[test]
    fn frames_come_back(seed in vec(any::<u8>(), 0..400)) {
        if let Ok(frame) = generated(&seed) {
            frame_comes_back(&frame);
            let mut observer = Observer::new([Conversation::EMPTY]);
            let seen = observer.observe(Address::new(1, 1), Address::new(0, 1), &frame);
            comes_back_lent(&seen, &mut Vec::new());
        }
    }

    #[test]
    fn frames_that_deviate_or_are_none_of_ours_come_back(
        control in any::<u8>(),
        rest in vec(any::<u8>(), 0..40),
    ) {
        if let Ok(frame) = Frame::decode(&[&[control], &rest[..]].concat(), Quirks::all()) {
            frame_comes_back(&frame);
        }
    }

    #[test]
    fn headers_and_elements_come_back(seed in vec(any::<u8>(), 0..400)) {
        let (header, elements): (FileHeader<'_>, Vec<Element<'_>>) =
            Unstructured::new(&seed).arbitrary().expect("works for any bytes");
        comes_back_lent(&header, &mut Vec::new());
        comes_back_lent(&elements, &mut Vec::new());
        let text = serde_json::to_string(&header.with_extra(&[])).expect("any value is written");
        let back: FileHeader<'_> = serde_json::from_str(&text).expect("nothing to lend");
        prop_assert_eq!(back.with_extra(header.extra), header);
    }

    #[test]
    fn what_is_told_of_a_file_comes_back(sample in any::<ArbitraryFile>()) {
        let bytes = sample.to_bytes();
        let image = Image::parse_lenient(&bytes).expect("its header is right");
        comes_back(image.layout());
        comes_back(image.header().anomalies());
        comes_back_lent(&image.elements().collect::<Vec<PlacedElement<'_>>>(), &mut Vec::new());
        comes_back_lent(&image.raw_remainder(), &mut Vec::new());
        comes_back_lent(&candidates(&bytes).collect::<Vec<Candidate<'_>>>(), &mut Vec::new());
    }
}

#[test]
fn values_that_no_generator_makes_come_back() {
    comes_back(Instant::from_millis(u64::MAX));
    comes_back(Millis(u32::MAX));
    comes_back([TimeField::Upgrade, TimeField::Request]);
    comes_back([Delay::Forever, Delay::For(Duration::MAX)]);
    comes_back([ImageTypeClass::Manufacturer, ImageTypeClass::Wildcard]);
    comes_back([Revision::Original, Revision::Later]);
    comes_back(FrameMeta::new(Address::new(0x1234, 1), DeliveryMode::Multicast));
    let to = Address::ALL_AWAKE;
    comes_back(Transmit::new(to, 17, DeliveryMode::Broadcast));
    comes_back([ContainerKind::None, ContainerKind::IkeaNgis, ContainerKind::SdevicesCrc32]);
    comes_back([
        ContainerIntegrity::Verified,
        ContainerIntegrity::ChecksumFailed { offset: 40 },
        ContainerIntegrity::NoChecksum,
    ]);
    comes_back([OtherKind::Unassigned(CommandId(0x0a)), OtherKind::Global(0x0a)]);
    comes_back(zcl::FrameHeader {
        control: FrameControl::from_bits_retain(0xff),
        manufacturer: Some(ManufacturerCode(0x1001)),
        sequence: 7,
        command: 1,
    });
    let signer = Eui64(0x0123_4567_89ab_cdef);
    comes_back_lent(&SignatureElement::Suite1 { signer, signature: &[1; 42] }, &mut Vec::new());
    comes_back_lent(&SignatureElement::Suite2 { signer, signature: &[2; 72] }, &mut Vec::new());
    comes_back_lent(&CertificateElement::Suite1(&[3; 48]), &mut Vec::new());
    comes_back_lent(&CertificateElement::Suite2(&[4; 74]), &mut Vec::new());
    let hardware = HardwareRange { min: HardwareVersion(1), max: HardwareVersion(2) };
    let mut name = FileName::new(ImageId::new(1, 2, 3));
    (name.hardware, name.suffix) = (Some(hardware), "lamp");
    comes_back_lent(&name, &mut Vec::new());
    let text = serde_json::to_string(&name).expect("any value is written");
    assert_eq!(serde_json::from_str::<FileName<'_>>(&text).expect("text lends text"), name);
}

#[test]
fn bits_without_a_name_come_back() {
    comes_back(FrameControl::from_bits_retain(0xff));
    comes_back(HeaderControl(0xffff));
    comes_back(Quirks::from_bits_retain(0xffff));
}

#[test]
fn lent_bytes_are_not_copied() {
    let block = BlockBytes::new(&[1, 2, 3]).expect("short");
    let room = postcard::to_stdvec(&block).expect("any value is written");
    let back: BlockBytes<'_> = postcard::from_bytes(&room).expect("written by us");
    assert!(std::ptr::eq(back.get(), &raw const room[1..]));
}

fn refused<'de, T: Deserialize<'de> + Debug>(bytes: &'de [u8]) {
    let read = postcard::from_bytes::<T>(bytes);
    assert!(read.is_err(), "{read:?}");
}

/// Why a text does not come in.
fn refusal<'de, T: Deserialize<'de> + Debug>(text: &'de str) -> String {
    serde_json::from_str::<T>(text).expect_err("breaks a rule").to_string()
}

#[test]
fn what_breaks_a_rule_of_its_type_does_not_come_in() {
    assert!(refusal::<Refusal>("0").contains("nonzero"));
    for status in ["0", "149", "151"] {
        assert!(refusal::<BlockRefusal>(status).contains("a status that has a form of its own"));
    }
    assert!(refusal::<Status>("256").contains("u8"));
    assert!(refusal::<HeaderString>("[0, 0]").contains("length 2"));
    assert!(
        refusal::<Delay>(r#"{"For":{"secs":18446744073709551615,"nanos":1000000000}}"#).contains("overflow")
    );

    let too_long = postcard::to_stdvec(&[0; 256][..]).expect("any value is written");
    refused::<BlockBytes<'_>>(&too_long);
    refused::<ReadAttributes<'_>>(&[3, 0, 0, 0]);
    refused::<WriteAttributesResponse<'_>>(&[4, 0, 0, 0, 0]);
    refused::<DiscoverAttributesResponse<'_>>(&[1, 2, 0, 0]);
    let short = postcard::to_stdvec(&[0; 47][..]).expect("any value is written");
    refused::<CertificateElement<'_>>(&[&[0], &short[..]].concat());
    let short = postcard::to_stdvec(&[0; 41][..]).expect("any value is written");
    refused::<SignatureElement<'_>>(&[&[0, 7], &short[..]].concat());
}

/// A frame of a known command, whole or damaged, would be written as what it does not say that it is.
#[test]
fn only_what_is_not_read_comes_in_as_other() {
    let header = |control: u8, manufacturer: Option<u16>, command: u8| {
        json!({
            "header": {"control": control, "manufacturer": manufacturer, "sequence": 7, "command": command},
            "payload": [],
        })
        .to_string()
    };
    let read = |text: &str| serde_json::from_str::<OtherFrame<'_>>(text).map(|other| other.why()).ok();
    let maker = OtherKind::ManufacturerSpecific(ManufacturerCode(0x1001));
    assert_eq!(read(&header(0x05, Some(0x1001), 0x01)), Some(maker));
    assert_eq!(read(&header(0x01, None, 0x0a)), Some(OtherKind::Unassigned(CommandId(0x0a))));
    assert_eq!(read(&header(0x09, None, 0x01)), Some(OtherKind::WrongDirection(CommandId(0x01))));
    // Query Next Image Request without its payload, and Read Attributes of none.
    assert_eq!(read(&header(0x01, None, 0x01)), None);
    assert_eq!(read(&header(0x00, None, 0x00)), None);
}

#[test]
fn bytes_do_not_come_out_of_a_format_that_cannot_lend() {
    let why = refusal::<BlockBytes<'_>>("[1, 2]");
    assert!(why.contains("bytes that can be borrowed, or none"), "{why}");
    let none: BlockBytes<'_> = serde_json::from_str("[]").expect("nothing to lend");
    assert!(none.get().is_empty());
    // One that has bytes, but only for the moment.
    let read = |bytes| {
        BlockBytes::deserialize(serde::de::value::BytesDeserializer::<serde::de::value::Error>::new(bytes))
    };
    assert_eq!(read(&[]).map(|none| none.get().len()), Ok(0));
    let why = read(&[1, 2]).expect_err("nobody keeps them").to_string();
    assert!(why.contains("bytes that can be borrowed, or none"), "{why}");
}

fn shown(value: impl Serialize) -> Value {
    serde_json::to_value(value).expect("any value is written")
}

#[test]
fn numbers_are_numbers() {
    assert_eq!(shown(ManufacturerCode(0x1001)), json!(0x1001));
    assert_eq!(shown(Status::ABORT), json!(0x95));
    assert_eq!(shown(Refusal::ABORT), json!(0x95));
    assert_eq!(shown(BlockRefusal::new(Status::FAILURE)), json!(1));
    assert_eq!(shown(FrameControl::from_bits_retain(0x19)), json!(0x19));
    assert_eq!(shown(Quirks::from_bits_retain(0x8001)), json!(0x8001));
    assert_eq!(shown(Eui64(u64::MAX)), json!(u64::MAX));
    assert_eq!(shown(UtcTime(5)), json!(5));
    assert_eq!(shown(Instant::from_millis(5)), json!(5));
}

#[test]
fn a_frame_in_json() {
    let data = BlockData {
        id: ImageId::new(0x1001, 0x00ab, 0x1005_3519),
        offset: 0,
        data: BlockBytes::new(&[0x1e, 0xf1]).expect("short"),
    };
    let frame = Frame::response(7, ToClient::ImageBlock(ImageBlockResponse::Data(data)));
    let id = json!({"manufacturer": 0x1001, "image_type": 0x00ab, "version": 0x1005_3519});
    let expected = json!({
        "control": 0x19,
        "sequence": 7,
        "message": {"ToClient": {"ImageBlock": {"Data": {"id": id, "offset": 0, "data": [0x1e, 0xf1]}}}},
        "deviations": {"quirks": 0, "reserved": 0, "trailing": []},
    });
    assert_eq!(shown(frame), expected);

    let read = AttributeCommand::Read(ReadAttributes::new(&[[0x06, 0x00], [0xfd, 0xff]]));
    let message = Message::Attributes(Direction::ToClient, read);
    assert_eq!(shown(message), json!({"Attributes": ["ToClient", {"Read": [0x06, 0x00, 0xfd, 0xff]}]}));
    let refused =
        AttributeRecord { id: AttributeId::FILE_OFFSET, value: Err(Refusal::UNSUPPORTED_ATTRIBUTE) };
    assert_eq!(shown(refused), json!({"id": 1, "value": {"Err": 0x86}}));
}

#[test]
fn a_header_in_json() {
    let mut header = FileHeader::new(ImageId::new(1, 2, 3))
        .with_hardware(HardwareRange { min: HardwareVersion(1), max: HardwareVersion(2) })
        .with_extra(&[9]);
    header.other_control = HeaderControl(0x8000);
    let expected = json!({
        "minor": 0,
        "id": {"manufacturer": 1, "image_type": 2, "version": 3},
        "stack": 2,
        "header_string": HeaderString::EMPTY.0,
        "total_size": 0,
        "credential": null,
        "destination": null,
        "hardware": {"min": 1, "max": 2},
        "other_control": 0x8000,
        "extra": [9],
    });
    assert_eq!(shown(header), expected);
    assert_eq!(shown(BodyLayout::TelinkF000), json!("TelinkF000"));
    let mut file = zigbee_ota::Encode::to_vec(&FileHeader::new(ImageId::new(1, 2, 3)).with_total_size(57));
    file.push(1);
    let raw = Image::parse_lenient(&file).expect("its header is right").raw_remainder();
    assert_eq!(shown(raw), json!({"offset": 56, "bytes": [1]}));
}

#[test]
fn what_only_goes_out_in_json() {
    let kind = DecodeErrorKind::Truncated { needed: 13, present: 1 };
    let error = DecodeError { item: "Image Block Request", offset: 4, kind };
    let expected = json!({
        "item": "Image Block Request",
        "offset": 4,
        "kind": {"Truncated": {"needed": 13, "present": 1}},
    });
    assert_eq!(shown(error), expected);
    assert_eq!(
        shown(EncodeError::NoRoom { needed: 2, available: 1 }),
        json!({"NoRoom": {"needed": 2, "available": 1}})
    );
    assert_eq!(shown(TimeInPast { then: 1, clock: 2 }), json!({"then": 1, "clock": 2}));
    assert_eq!(shown(Violation::EmptyPage), json!("EmptyPage"));
    let error = "1.2.3".parse::<HardwareVersion>().expect_err("three numbers");
    assert_eq!(shown(error), json!({"expected": "hardware version: expected the form `1.2`"}));
    let policy = AttributeId::UPGRADE_TIMEOUT_POLICY.info();
    let expected = json!({
        "id": 0x0c,
        "data_type": 0x30,
        "max": 1,
        "default": {"Enum8": 0},
        "mandatory": false,
        "section": "11.10",
        "revision": "Later",
    });
    assert_eq!(shown(policy), expected);

    let mut decoder = StreamDecoder::new();
    let file = zigbee_ota::Encode::to_vec(&FileHeader::new(ImageId::new(1, 2, 3)).with_total_size(58));
    let mut input = &[&file[..], &[1, 2]].concat()[..];
    let head = decoder.next(&mut input).expect("a header").map(shown);
    assert_eq!(head.expect("a piece")["Header"]["len"], json!(56));
    let bytes = [1, 2];
    assert_eq!(
        shown(StreamPiece::Raw { offset: 56, bytes: &bytes }),
        json!({"Raw": {"offset": 56, "bytes": [1, 2]}})
    );
}

#[test]
fn what_was_judged_comes_back() {
    let mut metadata = PayloadMetadata::default();
    (metadata.version, metadata.name) = (Some(PayloadVersion::Text(b"1.0")), b"light");
    let kind = DamageKind::Checksum { checksum: ChecksumKind::Crc32, expected: 1, found: 2 };
    let state = PayloadState::Damaged(Damage { offset: 40, kind });
    let mut report = PayloadReport::of(&[7; 80]);
    (report.metadata, report.state, report.signed) = (metadata, state, true);
    comes_back_lent(&report, &mut Vec::new());
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &[7; 80] }];
    let writer = FileWriter::new(FileHeader::new(ImageId::new(1, 2, 3)), &elements).expect("small");
    let file = zigbee_ota::Encode::to_vec(&writer);
    let image = Image::parse(&file).expect("written by us");
    comes_back_lent(&payloads(&image).collect::<Vec<Payload<'_>>>(), &mut Vec::new());
    comes_back([
        state,
        PayloadReport::of(&[7; 80]).state,
        PayloadState::Encrypted,
        PayloadState::Whole(ChecksumKind::Sha256),
    ]);
}
