//! Tests of the selection of an index entry for a device.

use serde_json::{Value, json};
use zigbee_ota::index::{DeviceDescription, EntryMismatch, Index, Selection, SelectionRule, WantedVersions};
use zigbee_ota::zcl::QueryNextImageRequest;
use zigbee_ota::{HardwareVersion, ImageId};

use crate::index;

/// Image that the device runs.
const RUNS: ImageId = ImageId::new(4338, 31490, 50);

/// Entry of zigbee2mqtt for the image type of the device, with these keys besides.
fn with(version: u32, keys: Value) -> Value {
    let mut entry = json!({ "url": format!("https://a/{version}"), "manufacturerCode": 4338, "imageType": 31490, "fileVersion": version });
    entry.as_object_mut().expect("an object").extend(keys.as_object().expect("an object").clone());
    entry
}

fn list(entries: &[Value]) -> Index {
    index(&json!(entries).to_string())
}

/// Asserts the number of the chosen entry, and the reason of each other one, in order.
#[track_caller]
fn chooses(selection: &Selection<'_>, number: Option<usize>, reasons: &[&str]) {
    let found: Vec<String> =
        selection.mismatches().map(|(number, reason)| format!("{number}: {reason}")).collect();
    assert_eq!(
        (selection.number(), found),
        (number, reasons.iter().map(|text| (*text).to_owned()).collect())
    );
    assert_eq!(selection.entry().is_some(), number.is_some());
}

/// Shows: FLD-054
#[test]
fn each_restriction_lets_its_devices_through_and_names_the_others() {
    let device = DeviceDescription::new(RUNS);
    let known = device.with_model("S1").with_manufacturer_name("ubisys").with_hardware(HardwareVersion(2));
    let unknown = |text: &str| (device, text.to_owned());
    let fits = |device| (device, String::new());
    let other = |device, text: &str| (device, text.to_owned());
    for (keys, cases) in [
        (json!({}), vec![fits(device), fits(known)]),
        (
            json!({ "modelId": "S1" }),
            vec![
                fits(known),
                unknown(r#"only for model "S1"; that of the device is not known"#),
                other(known.with_model("s1"), r#"only for model "S1"; that of the device is "s1""#),
                other(known.with_model("S1\n"), r#"only for model "S1"; that of the device is "S1\n""#),
            ],
        ),
        (
            json!({ "manufacturerName": ["A", "ubisys"] }),
            vec![
                fits(known),
                unknown(r#"only for manufacturer name "A" or "ubisys"; that of the device is not known"#),
                other(
                    known.with_manufacturer_name("B"),
                    r#"only for manufacturer name "A" or "ubisys"; that of the device is "B""#,
                ),
            ],
        ),
        (
            json!({ "manufacturerName": [] }),
            vec![other(known, r#"only for no manufacturer name at all; that of the device is "ubisys""#)],
        ),
        (
            json!({ "hardwareVersionMin": 2, "hardwareVersionMax": 7 }),
            vec![
                fits(known),
                fits(known.with_hardware(HardwareVersion(7))),
                unknown("only for hardware versions 2 to 7; the query of the device has none"),
                other(
                    known.with_hardware(HardwareVersion(1)),
                    "only for hardware versions 2 to 7; that of the device is 1",
                ),
                other(
                    known.with_hardware(HardwareVersion(8)),
                    "only for hardware versions 2 to 7; that of the device is 8",
                ),
            ],
        ),
        (
            json!({ "hardwareVersionMax": 1 }),
            vec![
                fits(known.with_hardware(HardwareVersion(0))),
                other(known, "only for hardware versions up to 1; that of the device is 2"),
                unknown("only for hardware versions up to 1; the query of the device has none"),
            ],
        ),
        (json!({ "minFileVersion": 50, "maxFileVersion": 50 }), vec![fits(device)]),
        (
            json!({ "minFileVersion": 51 }),
            vec![unknown("only for devices that run versions from 51; the device runs 50")],
        ),
        (
            json!({ "maxFileVersion": 49 }),
            vec![unknown("only for devices that run versions up to 49; the device runs 50")],
        ),
        (
            json!({ "fileVersion": 50 }),
            vec![unknown("version 50 is not newer than 50, which the device runs")],
        ),
        (json!({ "fileVersion": 50, "force": true }), vec![fits(device)]),
        (
            json!({ "fileVersion": 49, "force": true, "modelId": "S1" }),
            vec![fits(known), unknown(r#"only for model "S1"; that of the device is not known"#)],
        ),
        (
            json!({ "manufacturerCode": 1 }),
            vec![unknown("for manufacturer code 0x0001; that of the device is 0x10f2")],
        ),
        (json!({ "imageType": 1 }), vec![unknown("for image type 0x0001; that of the device is 0x7b02")]),
        // A restriction that cannot be read is not ignored.
        (json!({ "modelId": 5 }), vec![other(known, "modelId is 5, expected a text or an array of texts")]),
        (
            json!({ "maxFileVersion": "0x10" }),
            vec![other(known, r#"maxFileVersion is "0x10", expected a whole number from 0 to 4294967295"#)],
        ),
    ] {
        let list = list(&[with(60, keys.clone())]);
        for (device, expected) in cases {
            for rule in [SelectionRule::FirstFitting, SelectionRule::NewestFitting] {
                let selection = list.select_by(rule, &device);
                if expected.is_empty() {
                    chooses(&selection, Some(0), &[]);
                } else {
                    chooses(&selection, None, &[&format!("0: {expected}")]);
                }
            }
        }
    }
    let incomplete = index(
        r#"[{ "url": "light.ota" }, { "manufacturerCode": 4338, "imageType": 31490, "fileVersion": 60 }]"#,
    );
    let reasons = [
        "0: lacks manufacturer code, image type or file version, which the header of its file has",
        "1: has neither a URL nor a path",
    ];
    chooses(&incomplete.select(&device), None, &reasons);
}

/// zigbee2mqtt offers the first entry that fits, or nothing.
///
/// Shows: FLD-054
#[test]
fn the_first_that_fits_decides_in_the_form_of_zigbee2mqtt() {
    let device = DeviceDescription::new(RUNS).with_hardware(HardwareVersion(2));
    let (a, b) = (
        json!({ "hardwareVersionMin": 0, "hardwareVersionMax": 1 }),
        json!({ "hardwareVersionMin": 2, "hardwareVersionMax": 7 }),
    );
    let list_of = |versions: [u32; 4]| {
        list(&[
            with(versions[0], a.clone()),
            with(versions[1], b.clone()),
            with(versions[2], json!({})),
            with(versions[3], json!({ "manufacturerCode": 1 })),
        ])
    };
    chooses(
        &list_of([60, 61, 62, 63]).select(&device),
        Some(1),
        &[
            "0: only for hardware versions 0 to 1; that of the device is 2",
            "2: fits, but entry 1 comes first",
            "3: for manufacturer code 0x0001; that of the device is 0x10f2",
        ],
    );
    // An older one before a newer one leaves the device without an offer.
    chooses(
        &list_of([60, 50, 62, 63]).select(&device),
        None,
        &[
            "0: only for hardware versions 0 to 1; that of the device is 2",
            "1: version 50 is not newer than 50, which the device runs",
            "2: fits, but entry 1 comes first",
            "3: for manufacturer code 0x0001; that of the device is 0x10f2",
        ],
    );
    let index = list_of([60, 61, 62, 63]);
    let others: Vec<usize> = index
        .select(&device)
        .mismatches()
        .filter(|(_, reason)| reason.is_other_image())
        .map(|(number, _)| number)
        .collect();
    assert_eq!(others, [3]);
    // Downgrades, as from zigbee-OTA's index1.json, and the same version again.
    let older = list(&[with(40, json!({}))]);
    assert_eq!(older.select(&device.with_wanted(WantedVersions::Older)).number(), Some(0));
    assert_eq!(older.select(&device).number(), None);
    let same = list(&[with(50, json!({}))]);
    assert_eq!(same.select(&device.with_wanted(WantedVersions::Older)).number(), None);
    assert_eq!(same.select(&device.with_wanted(WantedVersions::Any)).number(), Some(0));
}

/// Entry of zigpy, with the digit of its checksum.
fn firmware(version: u32, digit: char, keys: Value) -> Value {
    let mut entry = json!({
        "binary_url": format!("https://a/{version}{digit}"), "manufacturer_id": 4338, "image_type": 31490,
        "file_version": version, "file_size": 1, "checksum": format!("sha3-256:{}", digit.to_string().repeat(64)),
    });
    entry.as_object_mut().expect("an object").extend(keys.as_object().expect("an object").clone());
    entry
}

/// zigpy offers the newest entry, then the most specific, and of equal ones none.
///
/// Shows: FLD-054
#[test]
fn the_newest_that_fits_decides_in_the_form_of_zigpy() {
    let device = DeviceDescription::new(RUNS)
        .with_model("S1")
        .with_manufacturer_name("u")
        .with_hardware(HardwareVersion(2));
    let select = |entries: &[Value]| {
        let index = index(&json!({ "firmwares": entries }).to_string());
        let selection = index.select(&device);
        let reasons: Vec<String> =
            selection.mismatches().map(|(number, reason)| format!("{number}: {reason}")).collect();
        (selection.number(), reasons)
    };
    let behind = |number: usize, entry: usize| format!("{number}: fits, but entry {entry} comes first");
    let tie = |number: usize, entry: usize| {
        format!("{number}: fits as well as entry {entry}, which names another file, so neither is chosen")
    };
    let plain = || json!({});
    assert_eq!(
        select(&[
            firmware(60, 'a', plain()),
            firmware(62, 'b', plain()),
            firmware(61, 'c', json!({ "model_names": ["S1"] }))
        ]),
        (Some(1), vec![behind(0, 1), behind(2, 1)])
    );
    // More specific: names before versions before hardware, and what the maintainer adds.
    for (less, more) in [
        (plain(), json!({ "min_hardware_version": 0 })),
        (
            json!({ "min_hardware_version": 0, "max_hardware_version": 9 }),
            json!({ "min_current_file_version": 1 }),
        ),
        (
            json!({ "min_current_file_version": 1, "max_current_file_version": 99 }),
            json!({ "model_names": ["S1"] }),
        ),
        (json!({ "model_names": ["S1"] }), json!({ "model_names": ["S1"], "manufacturer_names": ["u"] })),
        (json!({ "model_names": ["S1"] }), json!({ "specificity": 1001 })),
    ] {
        let (less, more) = (firmware(60, 'a', less), firmware(60, 'b', more));
        assert_eq!(select(&[less.clone(), more.clone()]), (Some(1), vec![behind(0, 1)]));
        assert_eq!(select(&[more, less]), (Some(0), vec![behind(1, 0)]));
    }
    // Equally specific: none of them, and the next version in their place; the same file twice is no conflict.
    let (one, other) = (firmware(62, 'a', plain()), firmware(62, 'b', plain()));
    assert_eq!(select(&[one.clone(), other.clone()]), (None, vec![tie(0, 1), tie(1, 0)]));
    assert_eq!(
        select(&[one.clone(), firmware(61, 'c', plain()), other, one.clone()]),
        (Some(1), vec![tie(0, 2), tie(2, 0), tie(3, 2)])
    );
    let mut mirror = one.clone();
    mirror["binary_url"] = json!("https://b");
    assert_eq!(select(&[one, mirror]), (Some(0), vec![behind(1, 0)]));
    // Without checksums the places are compared.
    let mut index = list(&[with(60, json!({})), with(60, json!({}))]);
    let found = |index: &Index| index.select_by(SelectionRule::NewestFitting, &device).number();
    assert_eq!(found(&index), Some(0));
    index.entries[1].url = Some("other".into());
    assert_eq!(found(&index), None);
}

/// Shows: FLD-054
#[test]
fn a_query_describes_a_device() {
    let query = QueryNextImageRequest::new(RUNS).with_hardware(HardwareVersion(3));
    let device = DeviceDescription::from(&query);
    assert_eq!(device, DeviceDescription::new(RUNS).with_hardware(HardwareVersion(3)));
    assert_eq!(DeviceDescription::from(&QueryNextImageRequest::new(RUNS)).hardware, None);
    let list = list(&[with(60, json!({ "modelId": "\u{1b}[2J" }))]);
    let device = device.with_model("x");
    let selection = list.select(&device);
    let (_, reason) = selection.mismatches().next().expect("the entry");
    assert!(matches!(reason, EntryMismatch::OtherModel { model: "x", .. }));
    assert!(!reason.to_string().contains('\u{1b}'), "{reason}");
}
