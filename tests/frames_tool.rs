//! Tests of the example `frames` as a command line tool: one frame per input line, one JSON object per output line.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

#[path = "captures/encoder.rs"]
#[allow(dead_code, reason = "the tests of captures use all of it")]
mod capture_encoder;
#[path = "common/example_binaries.rs"]
mod example_binaries;

fn tool() -> &'static PathBuf {
    static TOOL: OnceLock<PathBuf> = OnceLock::new();
    TOOL.get_or_init(|| example_binaries::example("frames"))
}

/// Output of the tool for `input`, which it reads to the end without an error message.
fn run(options: &[&str], input: &[u8]) -> String {
    let mut command = Command::new(tool());
    command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the tool runs");
    let mut stdin = child.stdin.take().expect("piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).expect("it reads all"));
        child.wait_with_output().expect("it ends")
    });
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
    String::from_utf8(output.stdout).expect("JSON is UTF-8")
}

fn objects(options: &[&str], input: &[u8]) -> Vec<Value> {
    run(options, input).lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
}

fn one(line: &str) -> Value {
    match &mut objects(&[], line.as_bytes())[..] {
        [object] => object.take(),
        objects => panic!("{line}: {objects:?}"),
    }
}

/// Expected JSON of a frame without deviations, for the frame controls that OTA frames have.
fn shown(control: u8, sequence: u8, command_id: u8, command: &str, fields: Value) -> Value {
    json!({
        "frame": {
            "frame_type": control & 0b11,
            "manufacturer_specific": false,
            "manufacturer_code": null,
            "server_to_client": control & 0b1000 != 0,
            "disable_default_response": control & 0b1_0000 != 0,
            "sequence": sequence,
        },
        "command_id": command_id,
        "command": command,
        "fields": fields,
        "deviations": [],
    })
}

#[test]
fn every_command_is_shown_with_its_fields() {
    let id = |mut fields: Value| {
        for (name, value) in [("manufacturer_code", 4447), ("image_type", 257), ("file_version", 6699)] {
            fields[name] = json!(value);
        }
        fields
    };
    let device_id = |image_type: u16, version: u32, mut fields: Value| {
        fields["manufacturer_code"] = json!(4447);
        fields["image_type"] = json!(image_type);
        fields["file_version"] = json!(version);
        fields
    };
    let node = 5_149_012_969_784_068_u64;
    let block = "190205005f1101012b1a000001020304035a00ff";
    let cases = [
        (
            "s2c 0907000064",
            shown(0x09, 7, 0, "Image Notify", json!({ "payload_type": 0, "query_jitter": 100 })),
        ),
        (
            "s2c 09310003635f1101012b1a0000",
            shown(0x09, 49, 0, "Image Notify", id(json!({ "payload_type": 3, "query_jitter": 99 }))),
        ),
        (
            "c2s 013f01015f1101012b1a0000feff",
            shown(
                0x01,
                63,
                1,
                "Query Next Image Request",
                id(json!({ "field_control": 1, "hardware_version": 65534 })),
            ),
        ),
        (
            "s2c 195b02005f1101012b1a0000c2a70300",
            shown(0x19, 91, 2, "Query Next Image Response", id(json!({ "status": 0, "image_size": 239554 }))),
        ),
        ("s2c 19690298", shown(0x19, 105, 2, "Query Next Image Response", json!({ "status": 152 }))),
        (
            "c2s 019303035f1101012b1a0000c0b0a000528899aabbccddeefffeff",
            shown(
                0x01,
                147,
                3,
                "Image Block Request",
                id(json!({
                    "field_control": 3, "file_offset": 10_531_008, "max_data_size": 82,
                    "ieee_addr": 18_441_921_395_520_346_504_u64, "min_block_period": 65534,
                })),
            ),
        ),
        (
            "c2s 01af04015f11c0ff010000000010000030e001ffff04030201004b1200",
            shown(
                0x01,
                175,
                4,
                "Image Page Request",
                device_id(
                    65472,
                    1,
                    json!({
                        "field_control": 1, "file_offset": 4096, "max_data_size": 48, "page_size": 480,
                        "response_spacing": 65535, "ieee_addr": node,
                    }),
                ),
            ),
        ),
        (
            &format!("s2c {block}"),
            shown(
                0x19,
                2,
                5,
                "Image Block Response",
                id(json!({
                    "status": 0, "file_offset": 67_305_985, "data_size": 3, "image_data": "5a00ff",
                })),
            ),
        ),
        (
            "s2c 19030597001a4f2d3c1a4f2d",
            shown(
                0x19,
                3,
                5,
                "Image Block Response",
                json!({ "status": 151, "current_time": 760_158_720, "request_time": 760_158_780 }),
            ),
        ),
        (
            "c2s 011106005f1101012b1a0000",
            shown(0x01, 17, 6, "Upgrade End Request", id(json!({ "status": 0 }))),
        ),
        (
            "s2c 192d075f1101012b1a00000000000000000000",
            shown(0x19, 45, 7, "Upgrade End Response", id(json!({ "current_time": 0, "upgrade_time": 0 }))),
        ),
        (
            "c2s 01490804030201004b12005f11c0ff070000000200",
            shown(
                0x01,
                73,
                8,
                "Query Specific File Request",
                device_id(65472, 7, json!({ "ieee_addr": node, "stack_version": 2 })),
            ),
        ),
        ("s2c 19650998", shown(0x19, 101, 9, "Query Specific File Response", json!({ "status": 152 }))),
        (
            "s2c 18730b0398",
            shown(0x18, 115, 11, "Default Response", json!({ "command_id": 3, "status": 152 })),
        ),
        ("s2c 08ab000600", shown(0x08, 171, 0, "Read Attributes", json!({ "attr_ids": [6] }))),
    ];
    for (line, expected) in cases {
        assert_eq!(one(line), expected, "{line}");
    }
}

#[test]
fn attribute_records_are_a_field_of_their_own() {
    let object = one("c2s 10b901 0000 00 f0 04030201004b1200 0600 00 30 01 0200 86");
    let mut expected = shown(0x10, 185, 1, "Read Attributes Response", json!({}));
    expected["records"] = json!([
        { "attr_id": 0, "status": 0, "data_type": 240, "value": 5_149_012_969_784_068_u64 },
        { "attr_id": 6, "status": 0, "data_type": 48, "value": 1 },
        { "attr_id": 2, "status": 134 },
    ]);
    assert_eq!(object, expected);
}

#[test]
fn undecoded_payloads_are_shown_in_hexadecimal() {
    let object = one("s2c 0d5f110703 00ff");
    assert_eq!(object["frame"]["manufacturer_specific"], true);
    assert_eq!(object["frame"]["manufacturer_code"], 4447);
    assert_eq!((&object["command"], &object["command_id"]), (&Value::Null, &json!(3)));
    assert_eq!(object["fields"], json!({ "payload": "00ff" }));
}

#[test]
fn deviations_are_listed_and_the_strict_option_refuses_them() {
    for (line, deviations, kind) in [
        ("s2c 190405950000", json!(["ABORT_WITH_MORE"]), Some("TrailingBytes")),
        ("s2c 19040598", json!(["STATUS_ONLY_BLOCK_RESPONSE"]), Some("UnexpectedStatus")),
        ("c2s 011106005f1101012b1a0000ee", json!(["TRAILING_BYTES"]), Some("TrailingBytes")),
        (
            "c2s 010703 82 5f1101012b1a00000000000032",
            json!(["PERIOD_BIT_WITHOUT_FIELD", "RESERVED_BITS"]),
            Some("FieldMissing"),
        ),
        // The command itself determines the receiver.
        ("c2s 0907000064", json!(["DIRECTION"]), None),
    ] {
        assert_eq!(one(line)["deviations"], deviations, "{line}");
        let strict = &objects(&["--strict"], line.as_bytes())[0];
        assert_eq!(strict["error"]["kind"].as_str(), kind, "{line}");
    }
    // Field control is shown as received.
    let object = one("c2s 010703 82 5f1101012b1a00000000000032");
    assert_eq!(object["fields"]["field_control"], 0x82);
}

/// A frame tells its direction itself, and nothing contradicts it.
///
/// Shows: FLD-085
#[test]
fn a_line_needs_no_direction() {
    for line in ["0907000064", "  09 07 00 00 64\r"] {
        assert_eq!(one(line), one("s2c 0907000064"), "{line}");
    }
    assert_eq!(one("0907000064")["deviations"], json!([]));
}

/// Shows: FLD-085
#[test]
fn the_frames_of_a_capture_have_addresses_and_times() {
    use capture_encoder::{GATEWAY, LAMP, Order, frame, pcap, pcapng, timed, with_fcs};

    let packets = timed([
        with_fcs(&frame(1, GATEWAY, LAMP, &[0x09, 7, 0x00, 0x00, 0x64])),
        with_fcs(&frame(2, LAMP, GATEWAY, &[0x01, 8])),
    ]);
    let key = "--key=6e6574776f726b206b65792030313233";
    for capture in [pcap(Order::Little, false, 195, &packets), pcapng(Order::Big, 9, 195, &packets)] {
        let objects = objects(&[key], &capture);
        let [notify, wrong] = &objects[..] else { panic!("{objects:?}") };
        let mut expected = one("0907000064");
        expected["from"] = json!("0x0000/1");
        expected["to"] = json!("0x9a31/1");
        expected["pan"] = json!(0x1a62);
        expected["time"] = json!(1_700_000_000.0);
        assert_eq!(*notify, expected);
        assert_eq!((&wrong["error"]["item"], &wrong["from"]), (&json!("ZCL header"), &json!("0x9a31/1")));
    }
    // From a file, and without the key.
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(&file, pcap(Order::Little, false, 195, &packets)).expect("written");
    let lines = |options: &[&str]| {
        let output = Command::new(tool()).args(options).arg(file.path()).output().expect("the tool runs");
        assert_eq!(output.status.code(), Some(0));
        let lines = output.stdout.iter().filter(|byte| **byte == b'\n').count();
        (lines, String::from_utf8(output.stderr).expect("UTF-8"))
    };
    assert_eq!(lines(&[key]), (2, String::new()));
    let missing = "frames: 2 frames are encrypted by a network key that is not known (--key)\n";
    assert_eq!(lines(&[]), (0, missing.into()));
}

#[test]
fn lines_that_hold_no_frame_are_errors_in_their_place() {
    let error = |item: &str, offset: usize, kind: &str| (item.to_owned(), offset, kind.to_owned());
    let cases: [(&[u8], _); 13] = [
        (b"", error("line", 0, "Empty")),
        (b" \t", error("line", 0, "Empty")),
        (b"0907000064 s2c", error("line", 11, "NotHex")),
        (b"c2c 0907000064", error("line", 0, "MissingDirection")),
        (b"\xff\xfe", error("line", 0, "MissingDirection")),
        (b"s2c 09zz000064", error("line", 6, "NotHex")),
        (b"s2c 090700006", error("line", 13, "OddDigits")),
        (b"s2c", error("ZCL header", 0, "Truncated")),
        (b"s2c 0907", error("ZCL header", 2, "Truncated")),
        (b"s2c 09070004", error("Image Notify", 4, "Truncated")),
        (b"s2c 0907000464", error("Image Notify", 3, "ReservedPayloadType")),
        (b"c2s 10c701 0600003001 020000 42 0161", error("Read Attributes Response", 11, "UnknownDataType")),
        (b"s2c 08bb02 060030", error("Write Attributes", 6, "Truncated")),
    ];
    for end in [&b"\n"[..], b"\r\n"] {
        let mut input: Vec<u8> = cases.iter().flat_map(|(line, _)| [line, end].concat()).collect();
        // The last line needs no line end.
        input.extend(b"s2c 0907000064");
        let objects = objects(&[], &input);
        assert_eq!(objects.len(), cases.len() + 1, "one line for each");
        for (object, (line, (item, offset, kind))) in objects.iter().zip(&cases) {
            let error = &object["error"];
            let found = (&error["item"], &error["offset"], &error["kind"]);
            assert_eq!(found, (&json!(item), &json!(offset), &json!(kind)), "{}", line.escape_ascii());
            let place = format!("{item}, byte {offset}: ");
            assert!(error["message"].as_str().is_some_and(|text| text.starts_with(&place)), "{error}");
        }
        assert_eq!(objects[cases.len()]["command"], "Image Notify");
    }
    assert_eq!(run(&[], b""), "", "nothing in, nothing out");
}

/// A reader that closes the pipe after the first line is not an error.
#[test]
fn a_closed_output_pipe_ends_the_tool_quietly() {
    let mut command = Command::new(tool());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("piped");
    let line = b"s2c 0907000064\n".repeat(100);
    // The reader stops at some time.
    while stdin.write_all(&line).is_ok() {}
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
}

#[test]
fn unknown_options_are_reported() {
    let output = Command::new(tool()).arg("--lenient").output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(!output.stderr.is_empty());
}
