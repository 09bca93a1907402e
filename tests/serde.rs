//! Serde round trips: owned values through JSON and postcard, values with borrowed bytes through postcard, which can lend
//! from its input. Values that break an invariant of their type are not deserialized.

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
use zigbee_ota::signature::integrity::{CodeForm, IntegrityCode};
use zigbee_ota::signature::{Accepted, Authority, Certificate, KeyUsage, PublicKey, Suite};
use zigbee_ota::time::{Delay, Instant, Millis, ServerTime, TimeField, TimeInPast, UtcTime};
use zigbee_ota::zcl::{self, *};
use zigbee_ota::{
    DecodeError, DecodeErrorKind, EncodeError, Eui64, FileVersion, HardwareRange, HardwareVersion,
    ImageFilter, ImageId, ImageType, ImageTypeClass, ManufacturerCode, SecurityCredentialVersion,
    StackVersion,
};
use zigbee_ota::{client, matter, unify};

/// Asserts that a value with borrowed bytes survives a round trip through postcard; `room` holds the bytes.
fn round_trips_borrowed<'de, T>(value: &T, room: &'de mut Vec<u8>)
where
    T: Serialize + Deserialize<'de> + PartialEq + Debug,
{
    *room = postcard::to_stdvec(value).expect("any value is written");
    let (back, rest) = postcard::take_from_bytes::<T>(room).expect("written by us");
    assert_eq!((&back, rest), (value, &[][..]));
}

/// Asserts that a value survives round trips through JSON and postcard.
fn round_trips<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    let text = serde_json::to_string(&value).expect("any value is written");
    assert_eq!(serde_json::from_str::<T>(&text).expect("written by us"), value, "{text}");
    let room = postcard::to_stdvec(&value).expect("any value is written");
    assert_eq!(postcard::from_bytes::<T>(&room), Ok(value));
}

/// Asserts round trips of a generated value of type `T`.
fn generated_round_trips<'a, T>(u: &mut Unstructured<'a>) -> arbitrary::Result<()>
where
    T: Arbitrary<'a> + Serialize + DeserializeOwned + PartialEq + Debug,
{
    T::arbitrary(u).map(round_trips)
}

/// Asserts round trips of all types without borrowed bytes that can be generated.
fn all_owned(seed: &[u8]) -> arbitrary::Result<()> {
    let u = &mut Unstructured::new(seed);
    generated_round_trips::<ManufacturerCode>(u)?;
    generated_round_trips::<ImageType>(u)?;
    generated_round_trips::<FileVersion>(u)?;
    generated_round_trips::<StackVersion>(u)?;
    generated_round_trips::<SecurityCredentialVersion>(u)?;
    generated_round_trips::<HardwareVersion>(u)?;
    generated_round_trips::<HardwareRange>(u)?;
    generated_round_trips::<Eui64>(u)?;
    generated_round_trips::<ImageId>(u)?;
    generated_round_trips::<ImageFilter>(u)?;
    generated_round_trips::<UtcTime>(u)?;
    generated_round_trips::<ServerTime>(u)?;
    generated_round_trips::<Tag>(u)?;
    generated_round_trips::<HeaderString>(u)?;
    generated_round_trips::<HeaderControl>(u)?;
    generated_round_trips::<ToServer>(u)?;
    generated_round_trips::<ImageNotify>(u)?;
    generated_round_trips::<QueryResponse>(u)?;
    generated_round_trips::<UpgradeEndResponse>(u)?;
    generated_round_trips::<QueryResponse>(u)?;
    generated_round_trips::<WaitForData>(u)?;
    generated_round_trips::<DefaultResponse>(u)?;
    generated_round_trips::<DiscoverAttributes>(u)?;
    generated_round_trips::<AttributeRecord>(u)?;
    generated_round_trips::<AttributeSnapshot>(u)?;
    generated_round_trips::<ClientStatus>(u)?;
    generated_round_trips::<BlockRefusal>(u)
}

/// Whether all borrowed bytes of the frame are empty, so that JSON, which cannot lend, can represent it.
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

/// Generates a frame of any command. Some seeds yield no frame, because a refusal cannot have the status SUCCESS.
fn generated(seed: &[u8]) -> arbitrary::Result<Frame<'_>> {
    let mut u = Unstructured::new(seed);
    let mut frame = match u.int_in_range(0..=3)? {
        0 => Frame::to_server(0, u.arbitrary()?),
        1 => Frame::response(0, u.arbitrary()?),
        2 => Frame::default_response(0, u.arbitrary()?, u.arbitrary()?),
        _ => Frame::attributes(0, u.arbitrary()?, u.arbitrary()?),
    };
    frame.control = FrameControl(u.arbitrary()?);
    frame.sequence = u.arbitrary()?;
    Ok(frame)
}

/// Asserts that a frame survives a round trip through postcard, and through JSON if it borrows nothing.
fn frame_round_trips(frame: &Frame<'_>) {
    round_trips_borrowed(frame, &mut Vec::new());
    let text = serde_json::to_string(frame).expect("any value is written");
    match serde_json::from_str(&text) {
        Ok(back) => assert_eq!((*frame, true), (back, borrows_nothing(frame))),
        Err(error) => assert!(!borrows_nothing(frame), "{error}: {text}"),
    }
}

proptest! {
    #[test]
    fn owned_values_round_trip(seed in vec(any::<u8>(), 400..800)) {
        // Some seeds yield no valid refusal.
        all_owned(&seed).ok();
    }

    #[test]
    fn frames_round_trip(seed in vec(any::<u8>(), 0..400)) {
        if let Ok(frame) = generated(&seed) {
            frame_round_trips(&frame);
            let mut observer = Observer::new([Conversation::EMPTY]);
            let seen = observer.observe(Address::new(1, 1), Address::new(0, 1), &frame);
            round_trips_borrowed(&seen, &mut Vec::new());
        }
    }

    #[test]
    fn frames_with_deviations_or_of_other_commands_round_trip(
        control in any::<u8>(),
        rest in vec(any::<u8>(), 0..40),
    ) {
        if let Ok(frame) = Frame::decode(&[&[control], &rest[..]].concat(), Quirks::all()) {
            frame_round_trips(&frame);
        }
    }

    #[test]
    fn headers_and_elements_round_trip(seed in vec(any::<u8>(), 0..400)) {
        let (header, elements): (FileHeader<'_>, Vec<Element<'_>>) =
            Unstructured::new(&seed).arbitrary().expect("works for any bytes");
        round_trips_borrowed(&header, &mut Vec::new());
        round_trips_borrowed(&elements, &mut Vec::new());
        let text = serde_json::to_string(&header.with_extra(&[])).expect("any value is written");
        let back: FileHeader<'_> = serde_json::from_str(&text).expect("nothing to lend");
        prop_assert_eq!(back.with_extra(header.extra), header);
    }

    #[test]
    fn parts_of_a_file_round_trip(sample in any::<ArbitraryFile>()) {
        let bytes = sample.to_bytes();
        let image = Image::parse_lenient(&bytes).expect("its header is right");
        round_trips(image.layout());
        round_trips(image.header().anomalies());
        round_trips_borrowed(&image.elements().collect::<Vec<PlacedElement<'_>>>(), &mut Vec::new());
        round_trips_borrowed(&image.raw_remainder(), &mut Vec::new());
        round_trips_borrowed(&candidates(&bytes).collect::<Vec<Candidate<'_>>>(), &mut Vec::new());
    }
}

#[test]
fn values_without_a_generator_round_trip() {
    round_trips(Instant::from_millis(u64::MAX));
    round_trips(Millis(u32::MAX));
    round_trips([TimeField::Upgrade, TimeField::Request]);
    round_trips([Delay::Forever, Delay::For(Duration::MAX)]);
    round_trips([ImageTypeClass::Manufacturer, ImageTypeClass::Wildcard]);
    round_trips([Revision::Original, Revision::Later]);
    round_trips(FrameMeta::new(Address::new(0x1234, 1), DeliveryMode::Multicast));
    let to = Address::ALL_AWAKE;
    round_trips(Transmit::new(to, 17, DeliveryMode::Broadcast));
    round_trips([ContainerKind::None, ContainerKind::IkeaNgis, ContainerKind::SdevicesCrc32]);
    round_trips([
        ContainerIntegrity::Verified,
        ContainerIntegrity::ChecksumFailed { offset: 40 },
        ContainerIntegrity::NoChecksum,
    ]);
    round_trips([OtherKind::Unassigned(CommandId(0x0a)), OtherKind::Global(0x0a)]);
    round_trips(zcl::FrameHeader {
        control: FrameControl(0xff),
        manufacturer: Some(ManufacturerCode(0x1001)),
        sequence: 7,
        command: 1,
    });
    let signer = Eui64(0x0123_4567_89ab_cdef);
    round_trips_borrowed(&SignatureElement::Suite1 { signer, signature: &[1; 42] }, &mut Vec::new());
    round_trips_borrowed(&SignatureElement::Suite2 { signer, signature: &[2; 72] }, &mut Vec::new());
    round_trips_borrowed(&CertificateElement::Suite1(&[3; 48]), &mut Vec::new());
    round_trips_borrowed(&CertificateElement::Suite2(&[4; 74]), &mut Vec::new());
    let hardware = HardwareRange { min: HardwareVersion(1), max: HardwareVersion(2) };
    let mut name = FileName::new(ImageId::new(1, 2, 3));
    (name.hardware, name.suffix) = (Some(hardware), "lamp");
    round_trips_borrowed(&name, &mut Vec::new());
    let text = serde_json::to_string(&name).expect("any value is written");
    assert_eq!(serde_json::from_str::<FileName<'_>>(&text).expect("text lends text"), name);
}

#[test]
fn keys_and_certificates_round_trip() {
    let signer = Eui64(0x0123_4567_89ab_cdef);
    for key in [PublicKey::Suite1([2; 22]), PublicKey::Suite2([3; 37])] {
        round_trips(Authority { issuer: signer, key });
    }
    round_trips([Suite::One, Suite::Two]);
    round_trips(KeyUsage(0x88));
    round_trips([Accepted::Unsigned, Accepted::Signed { suite: Suite::One, signer }]);
    round_trips([IntegrityCode::Absent, IntegrityCode::Ok(CodeForm::BeforeData)]);
    for len in [48, 74] {
        let bytes = vec![7; len];
        round_trips_borrowed(&Certificate::from_bytes(&bytes).expect("a length of a suite"), &mut Vec::new());
    }
    assert!(refusal::<PublicKey>("[1, 2, 3]").contains("22 or 37 bytes of a public key"));
    let long = postcard::to_stdvec(&[0; 38][..]).expect("any value is written");
    refused::<PublicKey>(&long);
    refused::<Certificate<'_>>(&long);
}

#[test]
fn bits_without_a_name_round_trip() {
    round_trips(FrameControl(0xff));
    round_trips(HeaderControl(0xffff));
    round_trips(Quirks::from_bits_retain(0xffff));
}

#[test]
fn borrowed_bytes_are_not_copied() {
    let block = BlockBytes::new(&[1, 2, 3]).expect("short");
    let room = postcard::to_stdvec(&block).expect("any value is written");
    let back: BlockBytes<'_> = postcard::from_bytes(&room).expect("written by us");
    assert!(std::ptr::eq(back.get(), &raw const room[1..]));
}

/// Asserts that postcard bytes are not deserialized.
fn refused<'de, T: Deserialize<'de> + Debug>(bytes: &'de [u8]) {
    let read = postcard::from_bytes::<T>(bytes);
    assert!(read.is_err(), "{read:?}");
}

/// Returns the error of deserializing a JSON text.
fn refusal<'de, T: Deserialize<'de> + Debug>(text: &'de str) -> String {
    serde_json::from_str::<T>(text).expect_err("breaks a rule").to_string()
}

#[test]
fn values_that_break_an_invariant_are_not_deserialized() {
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

/// A frame of a known command is not deserialized as `OtherFrame`, which would be written as another message.
#[test]
fn only_frames_of_other_commands_are_deserialized_as_other() {
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
fn borrowed_bytes_are_not_read_from_a_format_that_cannot_lend() {
    let why = refusal::<BlockBytes<'_>>("[1, 2]");
    assert!(why.contains("bytes that can be borrowed, or none"), "{why}");
    let none: BlockBytes<'_> = serde_json::from_str("[]").expect("nothing to lend");
    assert!(none.get().is_empty());
    // A format that has bytes, but cannot lend them.
    let read = |bytes| {
        BlockBytes::deserialize(serde::de::value::BytesDeserializer::<serde::de::value::Error>::new(bytes))
    };
    assert_eq!(read(&[]).map(|none| none.get().len()), Ok(0));
    let why = read(&[1, 2]).expect_err("not borrowed").to_string();
    assert!(why.contains("bytes that can be borrowed, or none"), "{why}");
}

fn shown(value: impl Serialize) -> Value {
    serde_json::to_value(value).expect("any value is written")
}

#[test]
fn open_enumerations_and_flags_are_numbers_in_json() {
    assert_eq!(shown(ManufacturerCode(0x1001)), json!(0x1001));
    assert_eq!(shown(Status::ABORT), json!(0x95));
    assert_eq!(shown(Refusal::ABORT), json!(0x95));
    assert_eq!(shown(BlockRefusal::new(Status::FAILURE)), json!(1));
    assert_eq!(shown(FrameControl(0x19)), json!(0x19));
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
fn types_that_only_serialize_in_json() {
    let kind = DecodeErrorKind::Truncated { needed: 13, present: 1 };
    let error = DecodeError { item: "Image Block Request", offset: 4, kind };
    let expected = json!({
        "item": "ImageBlockRequest",
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

/// Errors of both sides and of Unify, for the log of an application.
///
/// Shows: FLD-121
#[test]
fn errors_of_applications_serialize() {
    assert_eq!(shown(client::SpecificFileError::NoAddress), json!("NoAddress"));
    for unit in [shown(client::Busy), shown(client::StaleTicket), shown(client::NothingToActivate)] {
        assert_eq!(unit, Value::Null);
    }
    let error = "a/b".parse::<unify::Uiid>().expect_err("two levels");
    assert_eq!(shown(&error), json!(error.to_string()));
    let error = unify::Announcement::parse(b"[]").expect_err("no object");
    assert_eq!(shown(&error), json!(error.to_string()));
    let ignored = unify::MessageIgnored::from(error);
    assert!(shown(&ignored)["Payload"].is_string());
}

/// Texts with a form of their own are read and written as texts.
///
/// Shows: FLD-121
#[test]
fn texts_round_trip_as_texts() {
    let uri = "bdx://8899AABBCCDDEEFF/the%20file";
    let bdx = matter::BdxUri::parse(uri).expect("a URI");
    assert_eq!(shown(bdx), json!(uri));
    let other = "https://example.domain/image.bin";
    for text in [uri, other] {
        let image = matter::ImageUri::parse(text).expect("a URI");
        assert_eq!(shown(image), json!(text));
        let json = json!(text).to_string();
        assert_eq!(serde_json::from_str::<matter::ImageUri<'_>>(&json).expect("a URI"), image);
        round_trips_borrowed(&image, &mut Vec::new());
    }
    round_trips_borrowed(&bdx, &mut Vec::new());
    assert!(
        refusal::<matter::BdxUri<'_>>(r#""https://example.domain/image.bin""#)
            .contains("`bdx://` in lower case")
    );
    assert!(refusal::<matter::ImageUri<'_>>(r#""no URI""#).contains("expected"));
    round_trips("ucl/OTA/info/+/all".parse::<unify::TopicFilter>().expect("a filter"));
    round_trips("ucl/OTA/data/ZigBee10011011/all".parse::<unify::Topic>().expect("a topic"));
    assert!(refusal::<unify::TopicFilter>(r#""a/#/b""#).contains("not a topic filter"));
    assert!(refusal::<unify::Topic>(r#""a/b""#).contains("level 1 of the topic"));
    let runs = ImageId::new(0x1001, 0x00ab, 1);
    let query = QueryNextImageRequest::new(runs);
    let asked = matter::bridge::query_image(&query, matter::DownloadProtocols::NONE);
    let back = matter::bridge::query_next_image(&asked).expect("the same query");
    round_trips(back);
    assert_eq!(shown(back)["message"], shown(query));
}

#[test]
fn payload_reports_round_trip() {
    let mut metadata = PayloadMetadata::default();
    (metadata.version, metadata.name) = (Some(PayloadVersion::Text(b"1.0")), b"light");
    let kind = DamageKind::Checksum { checksum: ChecksumKind::Crc32, expected: 1, found: 2 };
    let state = PayloadState::Damaged(Damage { offset: 40, kind });
    let mut report = PayloadReport::of(&[7; 80]);
    (report.metadata, report.state, report.signed) = (metadata, state, true);
    round_trips_borrowed(&report, &mut Vec::new());
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &[7; 80] }];
    let writer = FileWriter::new(FileHeader::new(ImageId::new(1, 2, 3)), &elements).expect("small");
    let file = zigbee_ota::Encode::to_vec(&writer);
    let image = Image::parse(&file).expect("written by us");
    round_trips_borrowed(&payloads(&image).collect::<Vec<Payload<'_>>>(), &mut Vec::new());
    round_trips([
        state,
        PayloadReport::of(&[7; 80]).state,
        PayloadState::Encrypted,
        PayloadState::Whole(ChecksumKind::Sha256),
    ]);
}
