//! Subcommand `index`.

use serde_json::{Value, json};
use sha2::{Digest, Sha512};

use crate::run_tool::{Folder, IDS};
use crate::vendor_corpus::samples;

fn sha512(bytes: &[u8]) -> String {
    Sha512::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Creates a folder `f` with a plain file, a file in a container in a subfolder, and a file that is no OTA file.
fn folder() -> Folder {
    let folder = Folder::new();
    let plain =
        folder.create(&format!("{IDS} -l 20 --header_string light --min-hw-ver 1 --max-hw-ver 0x0203"));
    let inner = folder.create("-v 7 -m 0x1021 -i 0x0012 -l 8");
    std::fs::create_dir_all(folder.path("f/le grand")).expect("a folder");
    folder.write("f/light.zigbee", plain);
    let length = u32::try_from(inner.len()).expect("short").to_le_bytes();
    folder.write("f/le grand/é.bin", [&length[..], &inner, &[0; 17]].concat());
    folder.write("f/README.md", "not an OTA file");
    folder
}

fn entries(text: &str) -> Vec<Value> {
    serde_json::from_str(text).expect("an array")
}

#[test]
fn entries_have_the_keys_that_zigbee2mqtt_reads() {
    let folder = folder();
    let ran = folder.ota("index --base-url https://example.org/ota f");
    ran.says(0, "README.md: left out: OTA header");
    let (plain, contained) = (folder.read("f/light.zigbee"), folder.read("f/le grand/é.bin"));
    // Compared as text, because the order of the keys and the indentation count.
    let first = format!(
        r#"[
  {{
    "fileName": "light.zigbee",
    "fileVersion": 16843024,
    "fileSize": {},
    "url": "https://example.org/ota/light.zigbee",
    "imageType": 4113,
    "manufacturerCode": 4097,
    "sha512": "{}",
    "otaHeaderString": "light"
  }},
"#,
        plain.len(),
        sha512(&plain)
    );
    assert!(ran.out.starts_with(&first), "{}", ran.out);
    let expected = json!({
        "fileName": "é.bin", "fileVersion": 7, "fileSize": contained.len() - 4 - 17,
        "url": "https://example.org/ota/le%20grand/%C3%A9.bin", "imageType": 18, "manufacturerCode": 4129,
        "sha512": sha512(&contained), "otaHeaderString": "",
    });
    assert_eq!(entries(&ran.out)[1..], [expected]);
    assert_eq!(folder.ota("index --base-url https://example.org/ota/ f").out, ran.out, "a slash or none");

    let local = entries(&folder.ota("index --base-url ota --hardware f").out);
    assert_eq!(local[1]["url"], "ota/le grand/é.bin", "a path is no URL");
    assert_eq!(
        [&local[0]["hardwareVersionMin"], &local[0]["hardwareVersionMax"]],
        [&json!(1), &json!(0x0203)]
    );
    assert_eq!(local[1].get("hardwareVersionMin"), None);
}

#[test]
fn a_header_string_loses_only_its_nuls() {
    let folder = folder();
    let mut file = folder.read("f/light.zigbee");
    file[20..52].fill(0);
    file[21..27].copy_from_slice(b" a\xff\0b ");
    folder.write("f/light.zigbee", file);
    let text = entries(&folder.ota("index f").out)[0]["otaHeaderString"].clone();
    assert_eq!(text, " a\u{fffd}b ");
}

#[test]
fn the_newest_version_is_first_and_older_ones_are_reported() {
    let folder = folder();
    for version in [2, 10, 3] {
        let file = folder.create(&format!("-v {version} -m 0x1001 -i 0x0001 -l 1"));
        folder.write(&format!("f/{version}"), file);
    }
    let ran = folder.ota("index f");
    let versions: Vec<Value> = entries(&ran.out).iter().map(|entry| entry["fileVersion"].clone()).collect();
    assert_eq!(versions, [10, 3, 2, 16843024, 7]);
    ran.says(0, "entry 1: 3: never taken").says(0, "entry 2: 2: never taken");
}

#[test]
fn a_written_index_is_correct_and_every_difference_is_reported() {
    let folder = folder();
    let base = "--base-url https://example.org/ota";
    folder.ota(&format!("index {base} --to f/index.json f")).says(0, "f/index.json: 2 entries");
    folder.ota(&format!("index {base} --check f/index.json f")).says(0, "2 entries, 2 files, 0 differences");
    folder.ota("index --check f/index.json f").says(0, "0 differences");
    folder.ota("index --base-url https://example.org --check f/index.json f").says(
        1,
        r#"light.zigbee: url is "https://example.org/ota/light.zigbee", expected "https://example.org/light.zigbee""#,
    );

    let index = entries(&String::from_utf8(folder.read("f/index.json")).expect("UTF-8"));
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut index = index.clone();
        change(&mut index[0]);
        folder.write("changed.json", serde_json::to_vec(&index).expect("JSON"));
        folder.ota("index --check changed.json f")
    };
    for (key, wrong) in [
        ("fileName", json!("other")),
        ("fileVersion", json!("16843024")),
        ("fileSize", json!(83)),
        ("imageType", json!(1)),
        ("manufacturerCode", json!(null)),
        ("sha512", json!(index[0]["sha512"].as_str().expect("text").to_uppercase())),
        ("otaHeaderString", json!("light\0")),
    ] {
        let told = format!("light.zigbee: {key} is {wrong}, expected {}", index[0][key]);
        changed(&|entry| entry[key] = wrong.clone()).says(1, &told).says(1, "1 differences");
        let gone = changed(&|entry| drop(entry.as_object_mut().expect("an object").remove(key)));
        gone.says(1, &format!("light.zigbee: {key} is not there"));
    }
    changed(&|entry| entry["url"] = json!("https://example.org/ota/heavy.zigbee"))
        .says(1, "heavy.zigbee: there is no such OTA file")
        .says(1, "light.zigbee: not in the index");
    changed(&|entry| drop(entry.as_object_mut().expect("an object").remove("url")))
        .says(1, "entry 0: no url");
    // Keys that a maintainer adds are not compared, and numbers are compared as numbers.
    changed(&|entry| entry["modelId"] = json!("lamp")).says(0, "0 differences");
    changed(&|entry| entry["imageType"] = json!(4113.0)).says(0, "0 differences");
    // Where an entry omits a key, the gateway reads the file itself.
    changed(&|entry| *entry = json!({ "url": "any/light.zigbee" })).says(0, "0 differences");
}

#[test]
fn files_changed_after_the_index_are_reported() {
    let folder = folder();
    folder.ota("index --to index.json f").says(0, "2 entries");
    let file = folder.read("f/light.zigbee");
    let mut changed = file.clone();
    *changed.last_mut().expect("some") ^= 1;
    folder.write("f/light.zigbee", &changed);
    folder.ota("index --check index.json f").says(1, "light.zigbee: sha512 is").says(1, "1 differences");
    folder.write("f/light.zigbee", &file[..file.len() - 1]);
    let cut = "truncated: 1 of";
    folder.ota("index --check index.json f").says(1, "there is no such OTA file").says(1, cut);
    folder.ota("index f").says(1, cut);
}

#[test]
fn additional_keys_are_kept_with_keep() {
    let folder = folder();
    let kept = json!([
        { "url": "https://elsewhere.org/light.zigbee?raw=1", "modelId": "a", "fileVersion": 1 },
        { "url": "light.zigbee", "modelId": "b", "manufacturerName": ["X"] },
        { "url": "gone.zigbee", "modelId": "c" },
    ]);
    folder.write("old.json", kept.to_string());
    let ran = folder.ota("index --keep old.json f");
    let found = entries(&ran.says(0, "").out);
    assert_eq!(found.len(), 3);
    assert_eq!([&found[0]["modelId"], &found[1]["modelId"]], ["a", "b"]);
    assert_eq!([&found[0]["fileVersion"], &found[1]["manufacturerName"]], [&json!(16843024), &json!(["X"])]);
    assert!(!ran.err.contains("never taken"), "{}", ran.err);
}

/// `--keep` reports the dropped values, and the values that a new file gets from older entries.
///
/// Shows: FLD-081
#[test]
fn what_keep_drops_and_takes_over_is_told() {
    let folder = folder();
    let image = |more: Value| {
        let mut entry = json!({ "manufacturerCode": 0x1001, "imageType": 0x1011, "fileVersion": 1 });
        entry.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        entry
    };
    let keep = |entries: Value| {
        folder.write("old.json", entries.to_string());
        let ran = folder.ota("index --keep old.json f");
        let found = entries_for(&ran.says(0, "").out, "light.zigbee");
        (found, ran.err)
    };
    // The file was renamed with its new version; release notes and force belong to the old one.
    let (found, told) = keep(json!([
        image(json!({ "url": "light-1.zigbee", "modelId": "a", "minFileVersion": 5, "force": true, "releaseNotes": "r" })),
        { "url": "gone.zigbee", "modelId": "c" },
        { "url": "le grand/é.bin", "modelId": 5 },
        5,
        { "modelId": "d" },
    ]));
    assert_eq!(found.len(), 1);
    assert_eq!([&found[0]["modelId"], &found[0]["minFileVersion"]], [&json!("a"), &json!(5)]);
    assert_eq!([found[0].get("force"), found[0].get("releaseNotes")], [None, None]);
    for text in [
        "note: old.json: entry 0: light-1.zigbee: dropped: there is no such OTA file in the folder\n",
        "note: old.json: entry 1: gone.zigbee: dropped: there is no such OTA file in the folder\n",
        "note: old.json: entry 2: le grand/é.bin: dropped: modelId is 5, expected a text or an array of texts\n",
        "note: old.json: entry 3: dropped: the entry is 5, expected an object\n",
        "note: old.json: entry 4: dropped: there is no such OTA file in the folder\n",
        "note: light.zigbee: modelId, minFileVersion taken over from entry 0 (light-1.zigbee), which is for the same \
         manufacturer code and image type: check whether the file is for the same devices\n",
    ] {
        assert!(told.contains(text), "no {text:?} in\n{told}");
    }
    // Several restrictions: an entry for each of them.
    let both = [image(json!({ "url": "x", "modelId": "a" })), image(json!({ "url": "y", "modelId": "b" }))];
    let (found, told) = keep(json!([both[0], both[1], both[0]]));
    assert_eq!([&found[0]["modelId"], &found[1]["modelId"]], ["a", "b"]);
    assert_eq!((found.len(), told.matches("taken over").count()), (2, 2), "{told}");
    // One of them was for every device, or for another image, or names the file.
    let free = image(json!({ "url": "z" }));
    let (found, told) = keep(json!([both[0], free]));
    assert_eq!((found.len(), found[0].get("modelId"), told.contains("taken over")), (1, None, false));
    let (found, told) =
        keep(json!([{ "url": "x", "manufacturerCode": 1, "imageType": 0x1011, "modelId": "a" }]));
    assert_eq!((found[0].get("modelId"), told.contains("taken over")), (None, false));
    let (found, told) = keep(json!([both[0], image(json!({ "url": "light.zigbee", "modelId": "own" }))]));
    assert_eq!((&found[0]["modelId"], told.contains("taken over")), (&json!("own"), false));
    // An entry by its URL alone is of the image of its file.
    folder.write("f/light-2.zigbee", folder.create("-v 0x01010111 -m 0x1001 -i 0x1011 -l 20"));
    folder.write("old.json", json!([{ "url": "light.zigbee", "modelId": "a" }]).to_string());
    let ran = folder.ota("index --keep old.json f");
    let found = entries_for(
        &ran.says(0, "light-2.zigbee: modelId taken over from entry 0 (light.zigbee)").out,
        "light-2.zigbee",
    );
    assert_eq!(found[0]["modelId"], "a");
}

fn entries_for(text: &str, name: &str) -> Vec<Value> {
    entries(text).into_iter().filter(|entry| entry["fileName"] == name).collect()
}

/// Entries by their URLs alone are of the image of their file, so that their order counts as well.
///
/// Shows: FLD-081
#[test]
fn entries_by_url_alone_get_a_note_on_their_order() {
    let folder = folder();
    folder.write("f/light-2.zigbee", folder.create("-v 0x01010111 -m 0x1001 -i 0x1011 -l 20"));
    let list = json!([
        { "url": "light.zigbee" }, { "url": "light-2.zigbee" }, { "url": "le grand/é.bin" },
        { "url": "light.zigbee", "minFileVersion": 5, "maxFileVersion": 4 },
    ]);
    folder.write("index.json", list.to_string());
    folder
        .ota("index --check index.json f")
        .says(0, "note: entry 1: light-2.zigbee: never taken, as entry 0 comes first for the same devices\n")
        .says(0, "note: entry 3: light.zigbee: never taken, as its restrictions exclude every device\n");
    // Each is taken where the restrictions tell them apart.
    let apart = json!([{ "url": "light.zigbee", "modelId": "a" }, { "url": "light-2.zigbee" }, { "url": "le grand/é.bin" }]);
    folder.write("index.json", apart.to_string());
    let ran = folder.ota("index --check index.json f");
    assert!(!ran.says(0, "0 differences").err.contains("note:"), "{}", ran.err);
    // What cannot be read is a difference.
    folder.write("index.json", json!([{ "url": "light.zigbee", "modelId": 5 }, 7]).to_string());
    folder
        .ota("index --check index.json f")
        .says(1, "light.zigbee: modelId is 5, expected a text or an array of texts")
        .says(1, "entry 1: the entry is 7, expected an object");
}

/// Files of one image for hardware versions that have nothing in common are told apart without an option.
#[test]
fn files_for_disjoint_hardware_get_their_hardware_versions() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("f")).expect("a folder");
    for (name, min, max) in [("a", 0, 1), ("b", 2, 7)] {
        let file = folder.create(&format!("{IDS} -l 5 --min-hw-ver {min} --max-hw-ver {max}"));
        folder.write(&format!("f/{name}"), file);
    }
    let ran = folder.ota("index f");
    let ranges: Vec<_> = entries(&ran.out)
        .iter()
        .map(|entry| [entry["hardwareVersionMin"].clone(), entry["hardwareVersionMax"].clone()])
        .collect();
    assert_eq!((ranges, &*ran.err), (vec![[json!(0), json!(1)], [json!(2), json!(7)]], ""));
    // Ranges that overlap are one image twice.
    folder.write("f/b", folder.create(&format!("{IDS} -l 5 --min-hw-ver 1 --max-hw-ver 7")));
    let ran = folder.ota("index f");
    assert_eq!(entries(&ran.out)[0].get("hardwareVersionMin"), None);
    ran.says(0, "entry 1: b: never taken");
}

/// No form of an index names a device.
#[test]
fn a_file_for_one_device_gets_a_note() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("f")).expect("a folder");
    folder.write("f/a", folder.create(&format!("{IDS} -l 5 --upgrade-dest 01:23:45:67:89:ab:cd:ef")));
    folder
        .ota("index f")
        .says(0, "note: a: for the device 01:23:45:67:89:AB:CD:EF alone, and an index offers it to all of the image type");
}

/// Shows: FLD-054
#[test]
fn the_index_of_zigpy_is_written_and_checked() {
    let folder = folder();
    let ran = folder.ota("index --form zigpy --base-url https://example.org/ota f");
    let (plain, contained) = (folder.read("f/light.zigbee"), folder.read("f/le grand/é.bin"));
    let sum = |bytes: &[u8]| {
        let sum = zigbee_ota::index::Checksum::of(bytes, zigbee_ota::index::ChecksumAlgorithm::Sha3_256);
        format!("sha3-256:{}", sum.expect("supported").to_hex())
    };
    let expected = json!({ "firmwares": [
        { "binary_url": "https://example.org/ota/light.zigbee", "manufacturer_id": 0x1001, "image_type": 0x1011,
          "file_version": 0x01010110, "file_size": plain.len(), "checksum": sum(&plain) },
        { "binary_url": "https://example.org/ota/le%20grand/%C3%A9.bin", "manufacturer_id": 0x1021, "image_type": 18,
          "file_version": 7, "file_size": contained.len(), "checksum": sum(&contained) },
    ]});
    assert_eq!(
        serde_json::from_str::<Value>(&ran.says(0, "README.md: left out").out).expect("JSON"),
        expected
    );
    // zigpy_local reads paths, from the folder of the index.
    folder.ota("index --form zigpy --to f/index.json f").says(0, "f/index.json: 2 entries");
    let local: Value = serde_json::from_slice(&folder.read("f/index.json")).expect("JSON");
    assert_eq!(
        (&local["firmwares"][1]["path"], local["firmwares"][1].get("binary_url")),
        (&json!("le grand/é.bin"), None)
    );
    folder.ota("index --check f/index.json f").says(0, "2 entries, 2 files, 0 differences");
    let mut wrong = local.clone();
    wrong["firmwares"][0]["file_size"] = json!(1);
    wrong["firmwares"][1]["checksum"] = json!("sha3-256:00");
    folder.write("wrong.json", wrong.to_string());
    folder
        .ota("index --check wrong.json f")
        .says(1, &format!("light.zigbee: file_size is 1, expected {}", plain.len()))
        .says(1, "é.bin: checksum is \"sha3-256:00\", expected \"sha3-256:")
        .says(1, "2 differences");
    // Restrictions survive the change of form.
    folder.write(
        "old.json",
        json!([{ "url": "light.zigbee", "modelId": "a", "manufacturerName": ["b"] }]).to_string(),
    );
    let kept: Value =
        serde_json::from_str(&folder.ota("index --form zigpy --keep old.json f").out).expect("JSON");
    assert_eq!(
        [&kept["firmwares"][0]["model_names"], &kept["firmwares"][0]["manufacturer_names"]],
        [&json!(["a"]), &json!(["b"])]
    );
}

/// Shows: FLD-054
#[test]
fn choose_tells_the_entry_and_why_the_others_do_not_fit() {
    let folder = folder();
    folder.write("f/light-2.zigbee", folder.create("-v 0x01010111 -m 0x1001 -i 0x1011 -l 20"));
    folder.write(
        "old.json",
        json!([{ "url": "light-2.zigbee", "modelId": "a" }, { "url": "light.zigbee", "modelId": "b" }])
            .to_string(),
    );
    folder.ota("index --keep old.json --to index.json f").says(0, "3 entries");
    let device = "choose -m 0x1001 -i 0x1011 -v 1";
    folder
        .ota(&format!("{device} --model b index.json"))
        .says(0, "entry 1: version 16843024 (0x01010110): light.zigbee\n")
        .says(0, "  not entry 0: only for model \"a\"; that of the device is \"b\"\n");
    let ran = folder.ota(&format!("{device} index.json"));
    ran.says(1, "no entry for this device\n")
        .says(1, "not entry 1: only for model \"b\"; that of the device is not known");
    assert!(!ran.out.contains("entry 2"), "another image: {}", ran.out);
    let found = folder
        .ota(&format!("{device} --json --model a --file f/light-2.zigbee index.json"))
        .says(0, "")
        .json();
    let reason = "only for model \"b\"; that of the device is \"a\"";
    let expected = json!({
        "entry": 0, "url": "light-2.zigbee", "path": null, "file_version": 0x01010111,
        "mismatches": [{ "entry": 1, "reason": reason }], "differences": [],
    });
    assert_eq!(found, [expected]);
    folder
        .ota(&format!("{device} --model a --file f/light.zigbee index.json"))
        .says(1, "the file differs: sha512 in the index is")
        .says(1, "the file differs: the index says version 16843025 (0x01010111), the header 16843024 (0x01010110)");
    let newest = "choose -m 0x1001 -i 0x1011 -v 0x01010111 --model a";
    folder
        .ota(&format!("{newest} index.json"))
        .says(1, "version 16843025 is not newer than 16843025, which the device runs");
    folder.ota(&format!("{newest} --wanted any index.json")).says(0, "entry 0");
    folder
        .ota(&format!("{newest} --wanted older --model b --hardware 3 --manufacturer-name x index.json"))
        .says(2, "--model");
    folder.write("faults.json", json!([{ "url": "x", "imageType": "4113" }]).to_string());
    folder
        .ota(&format!("{device} faults.json"))
        .says(1, "faults.json: entry 0 is not used: imageType is \"4113\", expected");
    folder.ota(&format!("{device} nowhere.json")).says(1, "nowhere.json");
}

/// The gateway reads a file from its first file identifier on.
#[test]
fn a_file_that_the_gateway_would_misread_is_left_out() {
    let folder = Folder::new();
    let inner = folder.create("-v 7 -m 0x1021 -i 0x0012 -l 8");
    let mut container = vec![0; 100];
    container[..2].copy_from_slice(&[3, 1]);
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    // The model string contains the identifier.
    container[0x18..0x1c].copy_from_slice(&[0x1e, 0xf1, 0xee, 0x0b]);
    let mut put =
        |place: usize, value: u32| container[place..place + 4].copy_from_slice(&value.to_be_bytes());
    put(0x48, 100);
    put(0x4c, u32::try_from(inner.len()).expect("short"));
    put(0x50, crc.checksum(&inner));
    let (one, other) = (crc.checksum(&container[..0x14]), crc.checksum(&container[0x18..0x54]));
    container[0x14..0x18].copy_from_slice(&one.to_be_bytes());
    container[0x54..0x58].copy_from_slice(&other.to_be_bytes());
    std::fs::create_dir(folder.path("f")).expect("a folder");
    folder.write("f/x", [container, inner].concat());
    folder.ota("check f/x").says(0, "sonoff-100");
    folder
        .ota("index f")
        .says(1, "from the first file identifier on, at byte 24, and the OTA file starts at byte 100");
}

#[test]
fn a_folder_without_an_ota_file_is_a_usage_error() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("f")).expect("a folder");
    folder.write("f/text", "not an OTA file");
    folder.ota("index f").says(2, "no OTA file in this folder");
    folder.write("index.json", "[]");
    folder.ota("index --check index.json f").says(2, "none in the index");
    folder.write("index.json", "{}");
    folder.ota("index --check index.json f").says(1, "expected an array of objects");
    folder.ota("index nowhere").says(1, "nowhere");
    folder.ota("index index.json").says(1, "index.json: a file, expected a folder");
    // Gateways would take such a URL for a path.
    folder.ota("index --base-url ftp://a f").says(2, "expected http://, https://, or a path of the gateway");
}

#[test]
fn vendors_files() {
    let samples = samples();
    let Some(first) = samples.first() else { return };
    let corpus = first.path.parent().expect("a folder");
    let folder = Folder::new();
    let index = folder.path("index.json");
    let index = index.to_str().expect("UTF-8");
    let ran = folder.run(["index", "--to", index, corpus.to_str().expect("UTF-8")]);
    // Some files are damaged and therefore left out.
    assert!(ran.status < 2, "{}", ran.err);
    let found = entries(&String::from_utf8(folder.read("index.json")).expect("UTF-8"));
    for sample in &samples {
        let entry = found.iter().find(|entry| entry["url"] == sample.name.as_str());
        let header = &sample.expected["header"];
        let Some(entry) = entry else {
            let useless = !sample.is_ota() || ran.err.contains(&sample.name);
            assert!(useless, "{}", sample.name);
            continue;
        };
        for (key, expected) in [
            ("fileVersion", &header["file_version"]),
            ("fileSize", &header["total_image_size"]),
            ("imageType", &header["image_type"]),
            ("manufacturerCode", &header["manufacturer_code"]),
        ] {
            assert_eq!(&entry[key], expected, "{}: {key}", sample.name);
        }
        assert_eq!(entry["sha512"], sha512(&std::fs::read(&sample.path).expect("a file")).as_str());
    }
    assert!(found.len() > samples.len() / 2, "{} of {}", found.len(), samples.len());
}
