//! Subcommand `info`: its JSON format, which is a contract with scripts, and its tables.

use std::process::Stdio;

use serde_json::{Value, json};
use zigbee_ota::Encode;
use zigbee_ota::matter::{DigestType, ImageHeader};

use crate::run_tool::{Folder, IDS};

#[test]
fn a_plain_file_as_json() {
    let folder = Folder::new();
    folder.ota(&format!("create -c x {IDS} -t 0 -l 17 -t 0xf000 -l 0 --header-string EBL")).says(0, "x");
    let zeros = "00".repeat(29);
    // Compared as text, because the order of the keys counts.
    let expected = format!(
        concat!(
            r#"{{"file":"x","ota":true,"container":{{"kind":"none","offset":0,"integrity":"no-sum"}},"#,
            r#""layout":"elements","header":{{"header_version":256,"header_length":56,"field_control":0,"#,
            r#""manufacturer_code":4097,"image_type":4113,"file_version":16843024,"stack_version":2,"#,
            r#""header_string_hex":"45424c{}","total_image_size":85,"security_credential_version":null,"#,
            r#""upgrade_file_destination":null,"min_hardware_version":null,"max_hardware_version":null}},"#,
            r#""elements":[{{"tag":0,"length":17,"offset":56,"data_offset":62}},"#,
            r#"{{"tag":61440,"length":0,"offset":79,"data_offset":85}}],"rest":null,"strict":true,"#,
            r#""missing":0,"after":0,"irregularities":[],"payloads":[{{"element":0,"kind":"unknown","#,
            r#""state":"unknown","detail":"not recognised; 0.00 bits of entropy a byte"}}],"#,
            r#""findings":[]}}"#,
            "\n"
        ),
        zeros
    );
    assert_eq!(folder.ota("info --json x").says(0, "").out, expected);
}

#[test]
fn optional_fields_as_json() {
    let folder = Folder::new();
    let optional =
        "--security-credentials 3 --upgrade-dest 01:23:45:67:89:ab:cd:ef --min-hw-ver 0 --max-hw-ver 0x0205";
    folder.ota(&format!("create -c x {IDS} {optional} -l 1")).says(0, "x: 76 bytes");
    let header = &folder.ota("info --json x").json()[0]["header"];
    assert_eq!(header["header_length"], 69);
    assert_eq!(header["field_control"], 7);
    assert_eq!(header["security_credential_version"], 3);
    assert_eq!(header["upgrade_file_destination"], "0123456789abcdef");
    assert_eq!(header["min_hardware_version"], 0);
    assert_eq!(header["max_hardware_version"], 0x0205);
}

/// Returns the output of `info --json` for a file with these bytes.
fn info(folder: &Folder, bytes: &[u8]) -> Value {
    folder.write("bytes", bytes);
    folder.ota("info --json bytes").json().remove(0)
}

#[test]
fn layouts_as_json() {
    let folder = Folder::new();
    let file = folder.create(&format!("{IDS} -l 20"));
    let with_total = |bytes: &[u8], total: u8| [&bytes[..52], &[total, 0, 0, 0], &bytes[56..]].concat();

    let trailing = info(&folder, &[&file[..], &[1, 2, 3]].concat());
    assert_eq!(
        [&trailing["layout"], &trailing["strict"], &trailing["after"]],
        [&json!("elements"), &json!(false), &json!(3)]
    );
    assert_eq!(trailing["irregularities"], json!(["3 bytes after the total image size"]));

    let truncated = info(&folder, &file[..70]);
    assert_eq!([&truncated["layout"], &truncated["missing"]], [&json!("truncated"), &json!(12)]);
    assert_eq!(truncated["elements"], json!([{"tag": 0, "length": 20, "offset": 56, "data_offset": 62}]));

    let raw_after = info(&folder, &with_total(&[&file[..], &[0xee; 9]].concat(), 91));
    assert_eq!(raw_after["layout"], "elements-then-raw");
    assert_eq!(raw_after["rest"], json!({"offset": 82, "length": 9}));

    let raw = info(&folder, &with_total(&[&file[..56], &[0xee; 9]].concat(), 65));
    assert_eq!([&raw["layout"], &raw["elements"]], [&json!("raw-body"), &json!([])]);
    assert_eq!(raw["rest"], json!({"offset": 56, "length": 9}));

    let head = [0x00, 0xf0, 16, 0, 0, 0, 0x01, 0x0c];
    let telink = info(&folder, &with_total(&[&file[..56], &head, &[7; 16]].concat(), 80));
    assert_eq!(telink["layout"], "telink-f000");
    assert_eq!(telink["elements"], json!([{"tag": 0xf000, "length": 16, "offset": 56, "data_offset": 64}]));
}

#[test]
fn other_files_give_an_error_object_and_exit_status_1() {
    let folder = Folder::new();
    folder.write("text", "not an OTA file");
    folder.ota(&format!("create -c x {IDS} -l 3")).says(0, "x");
    let ran = folder.ota("info --json text nowhere x");
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    let [text, nowhere, x] = &ran.json()[..] else { panic!("{}", ran.out) };
    assert_eq!([&text["file"], &text["ota"]], [&json!("text"), &json!(false)]);
    assert!(text["error"].as_str().is_some_and(|error| error.contains("expected 0x0beef11e")), "{text}");
    assert_eq!([&nowhere["file"], &nowhere["ota"]], [&json!("nowhere"), &json!(false)]);
    assert!(nowhere["error"].is_string());
    assert_eq!([&x["file"], &x["ota"]], [&json!("x"), &json!(true)]);
    folder
        .ota("info text x")
        .says(1, "text: OTA header, byte 0: not an OTA file")
        .says(1, "total image size");
    folder.ota("info").says(2, "Usage: ota info");
}

/// A Matter OTA image begins with nearly the same bytes as a Zigbee OTA file.
#[test]
fn matter_images_are_identified() {
    let digest = [1, 2, 3, 0xab];
    let mut image = ImageHeader::new(0xfff1, 0x8001, 10, "1.0\u{1b}", 3, DigestType::SHA_256_32, &digest);
    image.min_applicable_version = Some(2);
    let folder = Folder::new();
    let file = [&image.to_vec(), &b"abc"[..]].concat();
    folder.write("image", &file);
    folder.write("cut", &file[..20]);
    folder.write("text", "not an OTA file");
    let what = "a Matter OTA image, not a Zigbee one: vendor 0xfff1, product 0x8001, version 0x0000000a \"1.0\\u{1b}\"";
    for command in ["info", "check", "name", "verify"] {
        folder.ota(&format!("{command} image")).says(1, what);
    }
    folder
        .ota("info cut")
        .says(1, "cut: a Matter OTA image, not a Zigbee one: Matter OTA image header, byte 16");

    let ran = folder.ota("info --json image cut text");
    assert_eq!(ran.status, 1);
    let [image, cut, text] = &ran.json()[..] else { panic!("{}", ran.out) };
    assert_eq!([&image["ota"], &image["error"]], [&json!(false), &json!(what)]);
    let expected = json!({
        "vendor_id": 0xfff1, "product_id": 0x8001, "software_version": 10, "software_version_string": "1.0\u{1b}",
        "payload_size": 3, "min_applicable_version": 2, "max_applicable_version": null, "release_notes_url": null,
        "digest_type": 6, "digest_hex": "010203ab",
    });
    assert_eq!(image["matter"], expected);
    assert_eq!([&cut["ota"], &cut["matter"]], [&json!(false), &Value::Null]);
    assert!(cut["error"].as_str().is_some_and(|error| error.contains("Matter")), "{cut}");
    assert_eq!([&text["ota"], &text["matter"]], [&json!(false), &Value::Null]);
}

#[test]
fn two_thousand_files_in_one_run() {
    let folder = Folder::new();
    folder.write("x", folder.create(&format!("{IDS} -l 3")));
    let files = || ["info", "--json"].into_iter().chain(std::iter::repeat_n("x", 2_000));
    let ran = folder.run(files());
    let lines = ran.says(0, "").json();
    assert_eq!(lines.len(), 2_000);
    assert!(lines.iter().all(|line| *line == lines[0]));

    // A reader that closes the pipe after some lines, as `head` does, causes no error message.
    let mut command = folder.command(files());
    let mut tool = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the tool");
    drop(tool.stdout.take());
    let ended = tool.wait_with_output().expect("an end");
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
}

#[test]
fn tables_name_the_fields_and_escape_the_text() {
    let folder = Folder::new();
    let optional =
        "--security-credentials 0 --upgrade-dest 0123456789ABCDEF --min-hw-ver 0x0102 --max-hw-ver 0x0205";
    let line = format!("create -c x -v 0x10053519 -m 0x1001 -i 0xFFC3 {optional} -t 0 -l 3 -t 0xf000 -l 4");
    let text = ["--header_string", "a\u{1b}[2Jb"];
    folder.run(line.split_whitespace().chain(text)).says(0, "x: 88 bytes");
    let ran = folder.ota("info x");
    assert!(!ran.out.contains('\u{1b}'));
    for text in [
        "\n  manufacturer code           0x1001\n",
        "\n  image type                  0xffc3  picture\n",
        "\n  file version                0x10053519  268776729  1.0 b05, stack 3.5 b19, if the maker uses the specification's scheme\n",
        "\n  stack version               0x0002  ZigBee PRO\n",
        "\n  header string               \"a\\u{1b}[2Jb\"\n",
        "\n  security credential version 0x00  SE 1.0\n",
        "\n  upgrade file destination    01:23:45:67:89:AB:CD:EF\n",
        "\n  minimum hardware version    0x0102  1.2\n",
        "\n  maximum hardware version    0x0205  2.5\n",
        "\n  0x0000  upgrade image                                     69           3\n",
        "\n  0xf000  manufacturer specific                             78           4\n",
        "\n  note                        control characters in the header string\n",
    ] {
        ran.says(0, text);
    }
}

/// The first five lines of `info` are a summary.
///
/// Shows: FLD-083
#[test]
fn the_first_lines_say_what_decides() {
    let folder = Folder::new();
    let mut gbl = crate::sample_builders::gbl(0x101, &[0xf70a_0af7]).bytes;
    folder.write("gbl", &gbl);
    let plain = folder.create(&format!("{IDS} --header-string lamp -f gbl"));
    folder.write("plain", &plain);
    gbl[30] ^= 1;
    folder.write("gbl", &gbl);
    folder.write("bad", folder.create(&format!("{IDS} -f gbl")));
    folder.write("container", [&plain[..], &crate::run_tool::crc32(&plain).to_le_bytes()].concat());
    folder.write("esp", crate::sample_builders::esp(true).bytes);
    folder.write("chip", folder.create(&format!("{IDS} --min-hw-ver 1 --max-hw-ver 0x0205 -f esp")));
    folder.write("cc2530", crate::sample_builders::cc2530().bytes);
    folder.write("conflict", folder.create(&format!("{IDS} -f cc2530")));
    folder.write("unknown", folder.create(&format!("{IDS} -l 9")));
    let first = |name: &str| {
        let out = folder.ota(&format!("info {name}")).says(0, "").out.clone();
        let lines: Vec<String> = out.lines().skip(1).take(5).map(|line| line.trim().to_owned()).collect();
        let labels: Vec<&str> = lines.iter().filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(labels, ["what", "for", "whole", "signed", "payload"]);
        lines.into_iter().map(|line| line[28..].to_owned()).collect::<Vec<_>>()
    };
    let size = plain.len();
    assert_eq!(
        first("plain"),
        [
            format!("OTA file \"lamp\" of {size} bytes"),
            "manufacturer 0x1001, image type 0x1011, version 0x01010110".into(),
            "yes, by the checksums of payload of element 0 (silabs_gbl); 62 bytes are in none".into(),
            "no; the payload has a signature of its own, not verified here".into(),
            "silabs_gbl, whole; says nothing of manufacturer and image type".into(),
        ]
    );
    let container = first("container");
    assert!(
        container[0].ends_with(&format!("in a container (salus-crc32) of {} bytes", size + 4)),
        "{container:?}"
    );
    assert!(
        container[2].starts_with("yes, by the checksums of container (salus-crc32), payload"),
        "{container:?}"
    );
    assert!(first("bad")[2].starts_with("NO: the payload (silabs_gbl) of element 0 is damaged"));
    let chip = first("chip");
    assert!(
        chip[1].ends_with(", hardware 0.1 to 2.5") && chip[4].starts_with("esp_image for ESP32, whole"),
        "{chip:?}"
    );
    let conflict = &first("conflict")[4];
    assert!(conflict.contains("CONTRADICTS the header: the payload of element 0 says"), "{conflict}");
    assert_eq!(first("unknown")[2], "all bytes are there; no checksum vouches for them");
    let signed = include_bytes!("../data/signed_files/suite1.ota");
    folder.write("signed", signed);
    assert!(first("signed")[3].contains("crypto suite 1, not verified here (`ota verify` does)"));
}

/// `info` prints the facts that an operator needs: size, hash, name and integrity code.
///
/// Shows: FLD-077, FLD-083
#[test]
fn details_have_size_hash_name_and_integrity_code() {
    let folder = Folder::new();
    let plain = folder.create(&format!("{IDS} -l 9"));
    folder.write("plain", &plain);
    folder.ota("seal -o sealed plain").says(0, "");
    folder.write("legrand", [&93_u32.to_le_bytes()[..], &folder.read("sealed"), &[0; 17]].concat());
    let ran = folder.ota("info plain sealed legrand");
    for text in [
        "\n  file size                   71\n",
        "\n  file SHA-512                ",
        "\n  recommended name            1001-1011-01010110.zigbee\n",
        "\n  container checksums         none\n",
        "\n  integrity code              none\n",
        "\n  integrity code              matches (before-element)\n",
        "\n  in no checksum              bytes 0 to 70 (71)\n",
        "\n  offsets of elements         from the OTA header, at byte 4 of the file\n",
    ] {
        ran.says(0, text);
    }
}

/// Equal payloads of consecutive elements take one line.
///
/// Shows: FLD-083
#[test]
fn equal_payloads_take_one_line() {
    let folder = Folder::new();
    let elements: String = (0..33).map(|_| " -t 0 -l 7").collect();
    folder.write("x", folder.create(&format!("{IDS}{elements} -t 0 -l 8")));
    let ran = folder.ota("info x");
    assert_eq!(ran.out.lines().filter(|line| line.starts_with("  payload  ")).count(), 2, "{}", ran.out);
    ran.says(0, "\n  payload                     elements 0 to 33: unknown, unknown: not recognised");
}

/// A file of very many elements takes no more memory than any other.
///
/// Shows: FLD-083
#[test]
fn json_takes_at_most_twice_the_memory_of_the_file() {
    let folder = Folder::new();
    let plain = folder.create(IDS);
    let body = [0x00, 0xf0, 0, 0, 0, 0].repeat(1_000_000);
    let total = u32::try_from(56 + body.len()).expect("small").to_le_bytes();
    folder.write("many", [&plain[..52], &total, &body].concat());
    if cfg!(target_os = "linux") {
        // 6 MB of file, and room for the program itself.
        let ran = std::process::Command::new("bash")
            .args([
                "-c",
                "ulimit -v $((2 * 6 * 1024 + 24 * 1024)); exec \"$0\" info --json many | tail -c 60",
            ])
            .arg(crate::example_binaries::example("ota"))
            .current_dir(folder.path(""))
            .output()
            .expect("bash");
        assert!(ran.stdout.ends_with(b"\"payloads\":[],\"findings\":[]}\n"), "{ran:?}");
    }
}
