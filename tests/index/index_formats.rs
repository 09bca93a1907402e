//! Tests of both index forms: every key, tolerated deviations, faults, and written values.

use serde_json::{Value, json};
use zigbee_ota::index::{
    Checksum, ChecksumAlgorithm, Index, IndexEntry, IndexError, IndexForm, IndexWriteError, NeverTaken,
    Restrictions, is_web_url,
};
use zigbee_ota::{FileVersion, HardwareVersion, ImageId, ImageType, ManufacturerCode};

use crate::index;

/// Entry of zigbee2mqtt with every known key, and an unknown key.
fn of_zigbee2mqtt() -> Value {
    json!({
        "fileName": "light.ota", "fileVersion": 0x0200_0001, "fileSize": 1234, "url": "https://example.org/light.ota",
        "imageType": 0x1011, "manufacturerCode": 0x1001, "sha512": "0f".repeat(64), "otaHeaderString": "light",
        "force": true, "hardwareVersionMin": 1, "hardwareVersionMax": 0x0203, "modelId": "lamp",
        "manufacturerName": ["A", "B"], "minFileVersion": 5, "maxFileVersion": 6, "originalUrl": "http://a",
        "releaseNotes": "new", "path": "images/light.ota", "customParseLogic": "telinkEncrypted",
    })
}

/// Entry of zigpy with every key of its schema, and an unknown key.
fn of_zigpy() -> Value {
    json!({
        "binary_url": "https://example.org/light.ota", "path": "light.ota", "manufacturer_id": 0x1001,
        "image_type": 0x1011, "file_version": 0x0200_0001, "file_size": 1300,
        "checksum": format!("sha3-256:{}", "0f".repeat(32)), "manufacturer_names": ["A", "B"],
        "model_names": ["lamp", "lamp 2"], "changelog": "short", "release_notes": "long", "release_url": "http://a",
        "min_hardware_version": 1, "max_hardware_version": 0x0203, "min_current_file_version": 5,
        "max_current_file_version": 6, "specificity": -3, "future": { "a": 1 },
    })
}

fn restrictions(models: &[&str]) -> Restrictions {
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    let mut restrictions = Restrictions::none();
    restrictions.models = names(models);
    restrictions.manufacturer_names = names(&["A", "B"]);
    restrictions.min_hardware = Some(HardwareVersion(1));
    restrictions.max_hardware = Some(HardwareVersion(0x0203));
    restrictions.min_current = Some(FileVersion(5));
    restrictions.max_current = Some(FileVersion(6));
    restrictions
}

/// Shows: FLD-054
#[test]
fn every_key_of_both_forms_is_read_and_written() {
    let text = json!([of_zigbee2mqtt()]).to_string();
    let found = index(&text);
    assert_eq!((found.form, found.faults().count()), (IndexForm::Zigbee2Mqtt, 0));
    let entry = &found.entries[0];
    let id = ImageId::new(0x1001, 0x1011, 0x0200_0001);
    assert_eq!(entry.id(), Some(id));
    assert_eq!((entry.image_size, entry.file_size), (Some(1234), None));
    assert_eq!(entry.checksums.len(), 1);
    assert_eq!(entry.checksums[0].algorithm, ChecksumAlgorithm::Sha512);
    assert_eq!((&entry.checksums[0].digest, entry.checksums[0].to_hex()), (&vec![0x0f; 64], "0f".repeat(64)));
    assert_eq!(entry.restrictions, restrictions(&["lamp"]));
    assert!(entry.force);
    let texts = [
        &entry.file_name,
        &entry.url,
        &entry.path,
        &entry.header_string,
        &entry.release_notes,
        &entry.original_url,
    ];
    let expected =
        ["light.ota", "https://example.org/light.ota", "images/light.ota", "light", "new", "http://a"];
    assert_eq!(texts.map(|text| text.as_deref()), expected.map(Some));
    let written = found.to_json().expect("without faults");
    assert_eq!(serde_json::from_str::<Value>(&written).expect("JSON"), json!([of_zigbee2mqtt()]));
    // In the order in which zigbee-OTA writes them, then by name; with its indentation.
    let start = "[\n  {\n    \"fileName\": \"light.ota\",\n    \"fileVersion\": 33554433,\n    \"fileSize\": 1234,\n    \
                 \"url\": \"https://example.org/light.ota\",\n    \"imageType\": 4113,\n    \"manufacturerCode\": 4097,\n    \
                 \"sha512\": \"";
    assert!(written.starts_with(start), "{written}");
    assert!(written.ends_with("\"releaseNotes\": \"new\"\n  }\n]\n"), "{written}");
    assert_eq!(index(&written), found);

    let text = json!({ "firmwares": [of_zigpy()] }).to_string();
    let found = index(&text);
    assert_eq!((found.form, found.faults().count()), (IndexForm::Zigpy, 0));
    let entry = &found.entries[0];
    assert_eq!(entry.id(), Some(id));
    assert_eq!((entry.image_size, entry.file_size), (None, Some(1300)));
    assert_eq!((&entry.checksums[0].algorithm, entry.specificity), (&ChecksumAlgorithm::Sha3_256, Some(-3)));
    assert_eq!(entry.restrictions, restrictions(&["lamp", "lamp 2"]));
    let texts = [&entry.url, &entry.path, &entry.changelog, &entry.release_notes, &entry.release_url];
    let expected = ["https://example.org/light.ota", "light.ota", "short", "long", "http://a"];
    assert_eq!(texts.map(|text| text.as_deref()), expected.map(Some));
    let written = found.to_json().expect("without faults");
    assert_eq!(serde_json::from_str::<Value>(&written).expect("JSON"), json!({ "firmwares": [of_zigpy()] }));
    assert_eq!(index(&written), found);
    // An array of the same entries, as manufacturers publish it.
    let mut array = index(&json!([of_zigpy()]).to_string());
    assert_eq!(array, found);
    array.form = IndexForm::Zigpy;
    assert_eq!(array.to_json().expect("without faults"), written);
}

/// Shows: FLD-054
#[test]
fn one_form_becomes_the_other() {
    let mut entry = IndexEntry::new(ImageId::new(0x1001, 0x1011, 2), "https://example.org/x");
    (entry.image_size, entry.file_size) = (Some(60), Some(81));
    for algorithm in [ChecksumAlgorithm::Sha512, ChecksumAlgorithm::Sha3_256] {
        entry.checksums.extend(Checksum::of(b"x", algorithm));
    }
    entry.restrictions = restrictions(&["one", "two"]);
    let mut made = Index::new(IndexForm::Zigpy);
    made.entries.push(entry);
    let zigpy = index(&made.to_json().expect("complete"));
    assert_eq!(zigpy.entries[0].restrictions, made.entries[0].restrictions);
    assert_eq!((zigpy.entries[0].file_size, zigpy.entries[0].image_size), (Some(81), None));
    // zigbee2mqtt has one model in an entry.
    let other = index(&made.to_json_in(IndexForm::Zigbee2Mqtt).expect("complete"));
    let models: Vec<_> = other.entries.iter().map(|entry| entry.restrictions.models.clone()).collect();
    assert_eq!(models, [Some(vec!["one".to_owned()]), Some(vec!["two".to_owned()])]);
    assert_eq!((other.entries[1].file_size, other.entries[1].image_size), (None, Some(60)));
    // An entry for nobody must not become one for everybody.
    made.entries[0].restrictions.manufacturer_names = Some(Vec::new());
    assert_eq!(index(&made.to_json().expect("complete")).entries, []);
    // So does one for the empty model, which zigbee2mqtt takes for every model.
    made.entries[0].restrictions = restrictions(&["", "one"]);
    let other = index(&made.to_json_in(IndexForm::Zigbee2Mqtt).expect("complete"));
    assert_eq!(other.entries.len(), 1);
    assert_eq!(other.entries[0].restrictions, restrictions(&["one"]));
    // Keys that nobody knows belong to their form.
    let text = index(&json!([of_zigbee2mqtt()]).to_string());
    assert!(text.entries[0].value(IndexForm::Zigbee2Mqtt, "customParseLogic").is_some());
    assert_eq!(
        text.to_json_in(IndexForm::Zigpy),
        Err(IndexWriteError::Missing { entry: 0, key: "file_size" })
    );
}

/// Shows: FLD-054
#[test]
fn what_readers_require_is_there_or_nothing_is_written() {
    for (form, entry, key) in [
        (IndexForm::Zigbee2Mqtt, json!([{ "fileName": "x" }]), "url"),
        (IndexForm::Zigpy, json!([{ "binary_url": "x", "manufacturer_id": 1 }]), "image_type"),
    ] {
        let found = index(&entry.to_string());
        let error = IndexWriteError::Missing { entry: 0, key };
        assert_eq!((found.form, found.to_json()), (form, Err(error.clone())));
        assert_eq!(error.to_string(), format!("entry 0: {key} is not there, and is required"));
    }
    for key in ["manufacturer_id", "image_type", "file_version", "file_size", "checksum"] {
        let mut entry = of_zigpy();
        drop(entry.as_object_mut().expect("an object").remove(key));
        let found = index(&json!({ "firmwares": [of_zigpy(), entry] }).to_string());
        assert_eq!(found.to_json(), Err(IndexWriteError::Missing { entry: 1, key }));
    }
    // A path is enough for zigpy, and the paths of a gateway for zigbee2mqtt.
    let mut entry = of_zigpy();
    drop(entry.as_object_mut().expect("an object").remove("binary_url"));
    assert!(index(&json!([entry]).to_string()).to_json().is_ok());
    assert!(index(r#"[{ "url": "ota/light.ota" }]"#).to_json().is_ok());
    // zigpy accepts one algorithm only.
    entry["checksum"] = json!(format!("sha256:{}", "0f".repeat(32)));
    let found = index(&json!([entry]).to_string());
    assert_eq!(found.entries[0].checksums[0].algorithm, ChecksumAlgorithm::Sha256);
    assert_eq!(found.to_json(), Err(IndexWriteError::Missing { entry: 0, key: "checksum" }));
}

/// Shows: FLD-054
#[test]
fn what_is_wrong_is_told_with_its_place() {
    let told = |key: &str, value: Value| {
        let mut entries = if key.contains('_') || key == "checksum" || key == "specificity" {
            [of_zigpy(), of_zigpy()]
        } else {
            [of_zigbee2mqtt(), of_zigbee2mqtt()]
        };
        entries[1][key] = value.clone();
        let found = index(&json!(entries).to_string());
        let faults: Vec<String> =
            found.faults().map(|(number, fault)| format!("entry {number}: {fault}")).collect();
        // The value is kept, but nothing is written that readers would stumble over.
        let same = found.entries[1].value(found.form, key).expect("the value");
        assert_eq!(serde_json::from_str::<Value>(&same).expect("JSON"), value, "{key}");
        assert!(matches!(found.to_json(), Err(IndexWriteError::Fault { entry: 1, .. })) != faults.is_empty());
        faults
    };
    let u16 = "a whole number from 0 to 65535";
    let u32 = "a whole number from 0 to 4294967295";
    for (key, expected) in [
        ("imageType", u16),
        ("manufacturerCode", u16),
        ("hardwareVersionMin", u16),
        ("hardwareVersionMax", u16),
        ("fileVersion", u32),
        ("minFileVersion", u32),
        ("maxFileVersion", u32),
        ("fileSize", u32),
        ("image_type", u16),
        ("manufacturer_id", u16),
        ("min_hardware_version", u16),
        ("max_hardware_version", u16),
        ("file_version", u32),
        ("min_current_file_version", u32),
        ("max_current_file_version", u32),
    ] {
        let above = if expected == u16 { 65536_u64 } else { 1 << 32 };
        for wrong in
            [json!("4113"), json!("0x1011"), json!(-1), json!(1.5), json!(above), json!(1e300), json!([1])]
        {
            assert_eq!(told(key, wrong.clone()), [format!("entry 1: {key} is {wrong}, expected {expected}")]);
        }
        assert_eq!(told(key, json!(above - 1)), [""; 0]);
    }
    for key in [
        "url",
        "path",
        "fileName",
        "otaHeaderString",
        "releaseNotes",
        "originalUrl",
        "binary_url",
        "changelog",
    ] {
        if key != "changelog" {
            assert_eq!(told(key, json!(1)), [format!("entry 1: {key} is 1, expected a text")]);
        }
    }
    for key in ["modelId", "manufacturerName", "model_names", "manufacturer_names"] {
        for wrong in [json!(1), json!(["a", 1]), json!({})] {
            assert_eq!(
                told(key, wrong.clone()),
                [format!("entry 1: {key} is {wrong}, expected a text or an array of texts")]
            );
        }
    }
    assert_eq!(told("force", json!(1)), ["entry 1: force is 1, expected true or false"]);
    assert_eq!(told("specificity", json!(1.5)), ["entry 1: specificity is 1.5, expected a whole number"]);
    // Gateways compare digits as text, so digits in upper case fit no file.
    for wrong in [
        json!("0F".repeat(64)),
        json!("0f".repeat(63)),
        json!("0f".repeat(63) + "0"),
        json!(null),
        json!("x"),
    ] {
        let found = told("sha512", wrong);
        assert!(found[0].contains("expected 128 hexadecimal digits in lower case"), "{found:?}");
    }
    for wrong in ["0f0f", "sha3-256:0f", "sha3-256", "md5:0", "md5:xy"] {
        let found = told("checksum", json!(wrong));
        assert!(
            found[0].contains(&format!("checksum is \"{wrong}\", expected an algorithm, a colon")),
            "{found:?}"
        );
    }
    let long = told("modelId", json!(["a".repeat(100), 1]));
    assert!(long[0].len() < 150 && long[0].contains("aaa…, expected"), "{long:?}");
    let found = index(r#"[5, {"url": "x", "imageType": "\u001b\u009b"}]"#);
    let faults: Vec<String> = found.faults().map(|(number, fault)| format!("{number}: {fault}")).collect();
    let expected = r#"1: imageType is "\u001b\u{9b}", expected a whole number from 0 to 65535"#;
    assert_eq!(faults, ["0: the entry is 5, expected an object", expected]);
}

/// Shows: FLD-054
#[test]
fn what_is_meant_is_read() {
    // A byte order mark; numbers with a fraction of zero; null where a key may be left out; one name that is no array.
    let text = "\u{feff}[{ \"url\": \"x\", \"imageType\": 4113.0, \"manufacturerCode\": 4097, \"fileVersion\": 2e0,
        \"modelId\": null, \"minFileVersion\": null, \"maxFileVersion\": null, \"hardwareVersionMin\": null,
        \"hardwareVersionMax\": null, \"force\": null, \"releaseNotes\": null, \"manufacturerName\": \"A\" }]";
    let found = index(text);
    assert_eq!(found.faults().count(), 0);
    assert_eq!(found.entries[0].id(), Some(ImageId::new(4097, 4113, 2)));
    let mut expected = Restrictions::none();
    expected.manufacturer_names = Some(vec!["A".into()]);
    assert_eq!(found.entries[0].restrictions, expected);
    assert!(!expected.is_none());
    // As the programs of each form take them: no model and nobody there, everybody here.
    let empty = index(r#"[{ "modelId": "", "manufacturerName": [] }]"#);
    assert_eq!(
        (&empty.entries[0].restrictions.models, empty.entries[0].restrictions.suit_nobody()),
        (&None, true)
    );
    let empty = index(r#"{ "firmwares": [{ "model_names": [], "manufacturer_names": [] }] }"#);
    assert!(empty.entries[0].restrictions.is_none());
    assert_eq!((index("[]").form, index("[]").entries), (IndexForm::Zigbee2Mqtt, vec![]));
    assert_eq!(index(r#"{ "firmwares": [] }"#).form, IndexForm::Zigpy);
    for (text, expected) in
        [("http://a", true), ("HTTPS://a", true), ("ftp://a", false), ("a/b", false), ("://", false)]
    {
        assert_eq!(is_web_url(text), expected, "{text}");
    }
}

/// Shows: FLD-054
#[test]
fn what_is_no_index_is_told() {
    for (text, expected) in [
        ("", "not JSON, line 1, column 0: EOF while parsing a value"),
        ("[\n  {\"a\": 1,}\n]", "not JSON, line 2, column 11: trailing comma"),
        ("[] []", "not JSON, line 1, column 4: trailing characters"),
        ("<!DOCTYPE html>", "not JSON, line 1, column 1: expected value"),
        (
            "5",
            "expected an array of objects (zigbee2mqtt), or an object with the array `firmwares` (zigpy), found a number",
        ),
        ("null", "found null"),
        (r#""index""#, "found a text"),
        (r#"{"versions": []}"#, "found an object without `firmwares`"),
        (r#"{"firmwares": {}}"#, "found `firmwares` that is no array"),
    ] {
        let error = Index::parse(text.as_bytes()).expect_err(text);
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert!(matches!(Index::parse(b"[\"\xff\"]"), Err(IndexError::Syntax { line: 1, .. })));
    // Deeper than any index.
    assert!(Index::parse("[".repeat(100_000).as_bytes()).is_err());
}

fn never_taken(form: IndexForm, entries: &[(u32, Restrictions)]) -> Vec<(usize, NeverTaken)> {
    let mut index = Index::new(form);
    for (version, restrictions) in entries {
        let mut entry = IndexEntry::new(ImageId::new(1, 2, *version), "x");
        entry.restrictions = restrictions.clone();
        index.entries.push(entry);
    }
    index.never_taken()
}

/// Shows: FLD-054, FLD-081
#[test]
fn entries_that_no_device_is_given_are_found() {
    let none = Restrictions::none;
    let models = |models: &[&str]| {
        let mut restrictions = none();
        restrictions.models = Some(models.iter().map(|model| (*model).to_owned()).collect());
        restrictions
    };
    let current = |min, max| {
        let mut restrictions = none();
        (restrictions.min_current, restrictions.max_current) =
            (Some(FileVersion(min)), Some(FileVersion(max)));
        restrictions
    };
    let hardware = |min, max| {
        let mut restrictions = none();
        restrictions.min_hardware = Some(HardwareVersion(min));
        restrictions.max_hardware = Some(HardwareVersion(max));
        restrictions
    };
    let behind = |number, entry| (number, NeverTaken::Behind { entry });
    let z2m = |entries: &[(u32, Restrictions)]| never_taken(IndexForm::Zigbee2Mqtt, entries);
    assert_eq!(z2m(&[(1, none()), (2, none())]), [behind(1, 0)]);
    assert_eq!(z2m(&[(1, models(&["a"])), (2, none()), (3, models(&["b"]))]), [behind(2, 1)]);
    assert_eq!(z2m(&[(1, models(&["a", "b"])), (2, models(&["b"])), (2, models(&["c"]))]), [behind(1, 0)]);
    assert_eq!(z2m(&[(1, hardware(0, 1)), (1, hardware(2, 7)), (1, hardware(2, 3))]), [behind(2, 1)]);
    assert_eq!(z2m(&[(1, current(0, 9)), (1, current(3, 5)), (1, current(5, 10))]), [behind(1, 0)]);
    // The second entry is for older versions, too.
    assert_eq!(z2m(&[(1, current(5, 9)), (1, current(3, 9))]), []);
    // A range of a single version suits the devices of that version.
    assert_eq!(z2m(&[(1, hardware(5, 5)), (2, current(5, 5))]), []);
    // Limits that every version is within are none.
    assert_eq!(z2m(&[(1, current(0, u32::MAX)), (1, none())]), [behind(1, 0)]);
    // Hardware versions are not: a device may have none.
    assert_eq!(z2m(&[(1, hardware(0, u16::MAX)), (1, none())]), []);
    assert_eq!(z2m(&[(1, hardware(5, 4)), (2, current(5, 4)), (3, models(&[]))]).len(), 3);
    assert_eq!(z2m(&[(1, hardware(5, 4))]), [(0, NeverTaken::SuitsNobody)]);

    let zigpy = |entries: &[(u32, Restrictions)]| never_taken(IndexForm::Zigpy, entries);
    assert_eq!(zigpy(&[(1, none()), (2, none())]), [behind(0, 1)]);
    assert_eq!(zigpy(&[(1, models(&["a"])), (2, none()), (3, models(&["b"]))]), [behind(0, 1)]);
    assert_eq!(zigpy(&[(2, none()), (2, none())]), []);

    // Other images hide nothing; what is left out of an entry is not guessed.
    let mut index =
        index(r#"[{ "url": "a" }, { "url": "b" }, { "url": "c", "imageType": 2, "manufacturerCode": 1 }]"#);
    assert_eq!(index.never_taken(), []);
    for (entry, kind) in index.entries.iter_mut().zip([2, 3]) {
        (entry.manufacturer, entry.image_type) = (Some(ManufacturerCode(1)), Some(ImageType(kind)));
    }
    assert_eq!(index.never_taken(), [behind(2, 0)]);
    assert_eq!(
        index.never_taken()[0].1.to_string(),
        "never taken, as entry 0 comes first for the same devices"
    );
}
