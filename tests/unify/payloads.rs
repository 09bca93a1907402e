//! Payloads, by the document's own JSON.

use serde_json::{Value, json};
use zigbee_ota::client::Outcome;
use zigbee_ota::unify::{Attribute, AttributeValue, ImageStatus, Info, LastError, Moment, Status, Update};
use zigbee_ota::zcl::{self, ImageUpgradeStatus};
use zigbee_ota::{DecodeError, DecodeErrorKind, FileVersion, ImageId};

fn json_of(value: &AttributeValue) -> Value {
    serde_json::from_slice(&value.payload()).unwrap()
}

/// Shows: UNI-020
#[test]
fn an_info_is_an_object_with_a_version() {
    let text = br#"{"Version":"0x070F03",
        "ApplyAfter":"2021-04-15T23:59:59+00:00",
        "Filename":"ZW_PowerStrip_7.16.0_90_ZGM130S_REGION_US_LR.gbl"}"#;
    let info = Info::read(text).unwrap();
    assert_eq!(info.version, "0x070F03");
    assert_eq!(info.apply_after.as_ref().unwrap().as_str(), "2021-04-15T23:59:59+00:00");
    assert_eq!(info.filename.as_deref(), Some("ZW_PowerStrip_7.16.0_90_ZGM130S_REGION_US_LR.gbl"));
    let written: Value = serde_json::to_value(&info).unwrap();
    assert_eq!(written, serde_json::from_slice::<Value>(text).unwrap());

    let bare = Info::read(br#"{"Version": "1"}"#).unwrap();
    assert_eq!((&bare.apply_after, &bare.filename), (&None, &None));
    assert_eq!(serde_json::to_string(&bare).unwrap(), r#"{"Version":"1"}"#);
    let more = Info::read(br#"{"Version": "1", "Md5": "x", "Unid": ["a", 2]}"#).unwrap();
    assert_eq!(more, bare);

    for wrong in [
        json!({}),
        json!({"version": "1"}),
        json!({"Version": 1}),
        json!({"Version": null}),
        json!({"Version": "1", "Filename": 7}),
        json!({"Version": "1", "Filename": null}),
        json!({"Version": "1", "ApplyAfter": 1_618_531_199}),
        json!({"Version": "1", "ApplyAfter": null}),
        json!({"Version": "1", "ApplyAfter": "tomorrow"}),
        json!(["1"]),
        json!("1"),
    ] {
        assert!(Info::read(wrong.to_string().as_bytes()).is_err(), "{wrong}");
    }
    for wrong in [&b""[..], b"{", b"{\"Version\": \"\xff\"}", b"{\"Version\": \"1\"} x"] {
        assert!(Info::read(wrong).is_err());
    }
    let error = Info::read(b"{}").unwrap_err().to_string();
    assert_eq!(error, "not the payload of this topic: missing field `Version` at line 1 column 2");
}

/// Shows: UNI-022
#[test]
fn versions_are_hexadecimal_numbers() {
    let of = |version: &str| {
        Info { version: version.into(), apply_after: None, filename: None }
            .file_version()
            .map(|found| found.0)
    };
    for (text, version) in [
        ("0x10053519", 0x1005_3519),
        ("0X10053519", 0x1005_3519),
        ("10053519", 0x1005_3519),
        ("0x070F01", 0x0007_0f01),
        ("ffffffff", 0xffff_ffff),
        ("16", 0x16),
    ] {
        assert_eq!(of(text), Ok(version));
    }
    for text in ["", "0x", "0x123456789", "+1", "-1", "1.2.3", "0x10 ", "v1"] {
        assert!(of(text).is_err(), "{text}");
    }
    let error = of("1.2.3").unwrap_err().to_string();
    assert_eq!(error, r#"version "1.2.3": expected up to 8 hexadecimal digits, as in 0x10053519"#);
    let version = FileVersion(0x0007_0f02);
    assert_eq!(Info::new(version).file_version(), Ok(version));
    // As numbers, and not as texts.
    assert!(Update::Newer.allows(FileVersion(of("0x9").unwrap()), FileVersion(of("0x10").unwrap())));
    assert!(!Update::Newer.allows(FileVersion(0xffff_ffff), FileVersion(1)));
}

/// Shows: UNI-024
#[test]
fn moments_are_those_of_rfc_3339() {
    for (text, unix) in [
        ("2021-04-15T23:59:59+00:00", 1_618_531_199),
        ("2021-04-15T23:59:59Z", 1_618_531_199),
        ("2021-04-15t23:59:59z", 1_618_531_199),
        ("2021-04-16T01:29:59+01:30", 1_618_531_199),
        ("2021-04-15T15:59:59-08:00", 1_618_531_199),
        ("2021-04-15T23:59:59-00:00", 1_618_531_199),
        ("2021-04-15T23:59:58.001Z", 1_618_531_199),
        ("1985-04-12T23:20:50.52Z", 482_196_051),
        ("1990-12-31T23:59:60Z", 662_688_000),
        ("2000-02-29T00:00:00Z", 951_782_400),
    ] {
        let moment: Moment = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((moment.unix(), moment.as_str()), (unix, text), "{text}");
    }
    for text in [
        "",
        "2021-04-15",
        "23:59:59Z",
        "2021-04-15T23:59:59",
        "2021-04-15T23:59Z",
        "2021-04-15T23:59:59+0000",
        "2021-04-15T23:59:59+00",
        "20210415T235959Z",
        "2021-02-29T00:00:00Z",
        "2021-13-01T00:00:00Z",
        "2021-04-15T24:00:00Z",
        "2021-04-15T23:59:59Z ",
        "+2021-04-15T23:59:59Z",
        "2021-04-15T23:59:59Z[UTC]",
        "21-04-15T23:59:59Z",
    ] {
        assert!(text.parse::<Moment>().is_err(), "{text}");
    }
}

/// Shows: UNI-036, UNI-037, UNI-040, UNI-041, UNI-042, UNI-043, UNI-044
#[test]
fn attributes_are_the_documents_examples() {
    for (attribute, value, text) in [
        (
            Attribute::CurrentVersion,
            AttributeValue::CurrentVersion("0x070F01".into()),
            r#"{"value": "0x070F01"}"#,
        ),
        (
            Attribute::TargetVersion,
            AttributeValue::TargetVersion("0x070F02".into()),
            r#"{"value": "0x070F02"}"#,
        ),
        (
            Attribute::ApplyAfter,
            AttributeValue::ApplyAfter("2021-04-15T23:59:59+00:00".parse().unwrap()),
            r#"{"value": "2021-04-15T23:59:59+00:00"}"#,
        ),
        (
            Attribute::Status,
            AttributeValue::Status(Status::DownloadInProgress),
            r#"{"value": "DownloadInProgress"}"#,
        ),
        (Attribute::Status, AttributeValue::Status(Status::Idle), r#"{"value" : "Idle"}"#),
        (Attribute::Size, AttributeValue::Size(80_000), r#"{"value": 80000}"#),
        (Attribute::Offset, AttributeValue::Offset(1250), r#"{"value": 1250}"#),
        (Attribute::LastError, AttributeValue::LastError(LastError::Success), r#"{"value": "Success"}"#),
    ] {
        assert_eq!(AttributeValue::read(attribute, text.as_bytes()).unwrap(), value);
        assert_eq!(json_of(&value), serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(value.attribute(), attribute);
    }
    let statuses = [
        (Status::Idle, "Idle"),
        (Status::DownloadInProgress, "DownloadInProgress"),
        (Status::WaitingToUpgrade, "WaitingToUpgrade"),
        (Status::WaitForMore, "WaitForMore"),
        (Status::WaitingToUpgradeViaExternalEvent, "WaitingToUpgradeViaExternalEvent"),
    ];
    for (status, word) in statuses {
        assert_eq!(json_of(&AttributeValue::Status(status)), json!({ "value": word }));
    }
    let errors = [
        (LastError::Success, "Success"),
        (LastError::Abort, "Abort"),
        (LastError::NotAuthorized, "NotAuthorized"),
        (LastError::InvalidImage, "InvalidImage"),
        (LastError::RequireMoreImage, "RequireMoreImage"),
        (LastError::NotSupported, "NotSupported"),
    ];
    for (error, word) in errors {
        assert_eq!(json_of(&AttributeValue::LastError(error)), json!({ "value": word }));
    }
    for (attribute, wrong) in [
        (Attribute::Status, r#"{"value": "idle"}"#),
        (Attribute::Status, r#"{"value": "DownloadComplete"}"#),
        (Attribute::LastError, r#"{"value": "INVALID_IMAGE"}"#),
        (Attribute::LastError, r#"{"value": 0}"#),
        (Attribute::Size, r#"{"value": "80000"}"#),
        (Attribute::Size, r#"{"value": -1}"#),
        (Attribute::Offset, r#"{"value": 1.5}"#),
        (Attribute::CurrentVersion, r#"{"value": 7}"#),
        (Attribute::ApplyAfter, r#"{"value": "2021-04-15"}"#),
        (Attribute::Size, "80000"),
        (Attribute::Size, "[80000]"),
        (Attribute::Size, "{}"),
        (Attribute::Size, ""),
    ] {
        assert!(AttributeValue::read(attribute, wrong.as_bytes()).is_err(), "{wrong}");
    }
}

/// Shows: UNI-037, UNI-038
#[test]
fn where_the_target_runs_nothing_goes_on() {
    let current = FileVersion(0x1005_3519);
    let mut image = ImageStatus { status: Status::WaitingToUpgrade, ..ImageStatus::idle(current) };
    assert!(image.is_done());
    assert!(image.values().contains(&AttributeValue::CurrentVersion("0x10053519".into())));
    assert!(image.values().contains(&AttributeValue::TargetVersion("0x10053519".into())));
    assert!(image.values().contains(&AttributeValue::Status(Status::Idle)));
    image.target = FileVersion(0x1010_3519);
    assert!(!image.is_done());
    assert!(image.values().contains(&AttributeValue::Status(Status::WaitingToUpgrade)));
}

/// Shows: UNI-049
#[test]
fn each_upgrade_status_has_its_word() {
    for (code, status) in [
        (0x00, Some(Status::Idle)),
        (0x01, Some(Status::DownloadInProgress)),
        (0x02, Some(Status::WaitingToUpgrade)),
        (0x03, Some(Status::WaitingToUpgrade)),
        (0x04, Some(Status::WaitingToUpgrade)),
        (0x05, Some(Status::WaitForMore)),
        (0x06, Some(Status::WaitingToUpgradeViaExternalEvent)),
        (0x07, None),
        (0xff, None),
    ] {
        assert_eq!(Status::of(ImageUpgradeStatus(code)), status, "{code:#04x}");
    }
}

/// Shows: UNI-050
#[test]
fn each_status_of_the_cluster_has_its_word() {
    for (code, error) in [
        (0x00, Some(LastError::Success)),
        (0x95, Some(LastError::Abort)),
        (0x7e, Some(LastError::NotAuthorized)),
        (0x96, Some(LastError::InvalidImage)),
        (0x99, Some(LastError::RequireMoreImage)),
        (0x81, Some(LastError::NotSupported)),
        (0x97, None),
        (0x98, None),
        (0x01, None),
    ] {
        assert_eq!(LastError::of(zcl::Status(code)), error, "{code:#04x}");
    }
    let unreadable =
        DecodeError { item: "OTA header", offset: 0, kind: DecodeErrorKind::BadMagic { found: 0 } };
    for (outcome, error) in [
        (Outcome::Upgraded(ImageId::new(1, 2, 3)), LastError::Success),
        (Outcome::Received(ImageId::new(1, 2, 3)), LastError::Success),
        (Outcome::ServerAborted, LastError::Abort),
        (Outcome::StorageFault, LastError::Abort),
        (Outcome::InvalidImage, LastError::InvalidImage),
        (Outcome::HeaderMismatch, LastError::InvalidImage),
        (Outcome::HeaderUnreadable(unreadable), LastError::InvalidImage),
        (Outcome::NotForThisDevice, LastError::NotSupported),
        (Outcome::NoCredentials, LastError::NotAuthorized),
        (Outcome::UpgradeRefused(zcl::Status::NOT_AUTHORIZED), LastError::NotAuthorized),
        (Outcome::UpgradeRefused(zcl::Status::FAILURE), LastError::Abort),
    ] {
        assert_eq!(LastError::of_outcome(outcome), error, "{outcome:?}");
    }
}
