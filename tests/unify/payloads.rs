//! JSON payloads, with the examples of the document.

use serde_json::{Value, json};
use zigbee_ota::client::{HeaderFault, Outcome};
use zigbee_ota::unify::{
    AnnouncedVersions, Announcement, DateTime, ImageAttribute, ImageAttributeValue, ImageStatus, LastError,
    OtaStatus,
};
use zigbee_ota::zcl::{self, ImageUpgradeStatus};
use zigbee_ota::{FileVersion, ImageId};

fn json_of(value: &ImageAttributeValue) -> Value {
    serde_json::from_slice(&value.payload()).unwrap()
}

/// Shows: UNI-020
#[test]
fn an_announcement_is_an_object_with_a_version() {
    let text = br#"{"Version":"0x070F03",
        "ApplyAfter":"2021-04-15T23:59:59+00:00",
        "Filename":"ZW_PowerStrip_7.16.0_90_ZGM130S_REGION_US_LR.gbl"}"#;
    let info = Announcement::parse(text).unwrap();
    assert_eq!(info.version, "0x070F03");
    assert_eq!(info.apply_after.as_ref().unwrap().as_str(), "2021-04-15T23:59:59+00:00");
    assert_eq!(info.filename.as_deref(), Some("ZW_PowerStrip_7.16.0_90_ZGM130S_REGION_US_LR.gbl"));
    let written: Value = serde_json::to_value(&info).unwrap();
    assert_eq!(written, serde_json::from_slice::<Value>(text).unwrap());

    let bare = Announcement::parse(br#"{"Version": "1"}"#).unwrap();
    assert_eq!((&bare.apply_after, &bare.filename), (&None, &None));
    assert_eq!(serde_json::to_string(&bare).unwrap(), r#"{"Version":"1"}"#);
    let more = Announcement::parse(br#"{"Version": "1", "Md5": "x", "Unid": ["a", 2]}"#).unwrap();
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
        assert!(Announcement::parse(wrong.to_string().as_bytes()).is_err(), "{wrong}");
    }
    for wrong in [&b""[..], b"{", b"{\"Version\": \"\xff\"}", b"{\"Version\": \"1\"} x"] {
        assert!(Announcement::parse(wrong).is_err());
    }
    let error = Announcement::parse(b"{}").unwrap_err().to_string();
    assert_eq!(error, "not the payload of this topic: missing field `Version` at line 1 column 2");
}

/// Shows: UNI-022
#[test]
fn versions_are_hexadecimal_numbers() {
    let of = |version: &str| {
        let mut announcement = Announcement::new(FileVersion(0));
        announcement.version = version.into();
        announcement.file_version().map(|found| found.0)
    };
    for (text, version) in [
        ("0x10053519", 0x1005_3519),
        ("0X10053519", 0x1005_3519),
        ("10053519", 0x1005_3519),
        ("0x070F01", 0x0007_0f01),
        ("ffffffff", 0xffff_ffff),
        ("16", 0x16),
    ] {
        assert_eq!(of(text).unwrap(), version);
    }
    for text in ["", "0x", "0x123456789", "+1", "-1", "1.2.3", "0x10 ", "v1"] {
        assert!(of(text).is_err(), "{text}");
    }
    let error = of("1.2.3").unwrap_err().to_string();
    assert_eq!(error, r#"version "1.2.3": expected up to 8 hexadecimal digits, as in 0x10053519"#);
    let version = FileVersion(0x0007_0f02);
    assert_eq!(Announcement::new(version).file_version().unwrap(), version);
    // Versions are compared as numbers, not as text.
    assert!(
        AnnouncedVersions::Newer.allows(FileVersion(of("0x9").unwrap()), FileVersion(of("0x10").unwrap()))
    );
    assert!(!AnnouncedVersions::Newer.allows(FileVersion(0xffff_ffff), FileVersion(1)));
}

/// Shows: UNI-024
#[test]
fn date_times_are_those_of_rfc_3339() {
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
        let moment: DateTime = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
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
        assert!(text.parse::<DateTime>().is_err(), "{text}");
    }
}

/// Shows: UNI-036, UNI-037, UNI-040, UNI-041, UNI-042, UNI-043, UNI-044
#[test]
fn attributes_are_those_of_the_document() {
    for (attribute, value, text) in [
        (
            ImageAttribute::CurrentVersion,
            ImageAttributeValue::CurrentVersion("0x070F01".into()),
            r#"{"value": "0x070F01"}"#,
        ),
        (
            ImageAttribute::TargetVersion,
            ImageAttributeValue::TargetVersion("0x070F02".into()),
            r#"{"value": "0x070F02"}"#,
        ),
        (
            ImageAttribute::ApplyAfter,
            ImageAttributeValue::ApplyAfter("2021-04-15T23:59:59+00:00".parse().unwrap()),
            r#"{"value": "2021-04-15T23:59:59+00:00"}"#,
        ),
        (
            ImageAttribute::Status,
            ImageAttributeValue::Status(OtaStatus::DownloadInProgress),
            r#"{"value": "DownloadInProgress"}"#,
        ),
        (ImageAttribute::Status, ImageAttributeValue::Status(OtaStatus::Idle), r#"{"value" : "Idle"}"#),
        (ImageAttribute::Size, ImageAttributeValue::Size(80_000), r#"{"value": 80000}"#),
        (ImageAttribute::Offset, ImageAttributeValue::Offset(1250), r#"{"value": 1250}"#),
        (
            ImageAttribute::LastError,
            ImageAttributeValue::LastError(LastError::Success),
            r#"{"value": "Success"}"#,
        ),
    ] {
        assert_eq!(ImageAttributeValue::parse(attribute, text.as_bytes()).unwrap(), value);
        assert_eq!(json_of(&value), serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(value.attribute(), attribute);
    }
    let statuses = [
        (OtaStatus::Idle, "Idle"),
        (OtaStatus::DownloadInProgress, "DownloadInProgress"),
        (OtaStatus::WaitingToUpgrade, "WaitingToUpgrade"),
        (OtaStatus::WaitForMore, "WaitForMore"),
        (OtaStatus::WaitingToUpgradeViaExternalEvent, "WaitingToUpgradeViaExternalEvent"),
    ];
    for (status, word) in statuses {
        assert_eq!(json_of(&ImageAttributeValue::Status(status)), json!({ "value": word }));
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
        assert_eq!(json_of(&ImageAttributeValue::LastError(error)), json!({ "value": word }));
    }
    for (attribute, wrong) in [
        (ImageAttribute::Status, r#"{"value": "idle"}"#),
        (ImageAttribute::Status, r#"{"value": "DownloadComplete"}"#),
        (ImageAttribute::LastError, r#"{"value": "INVALID_IMAGE"}"#),
        (ImageAttribute::LastError, r#"{"value": 0}"#),
        (ImageAttribute::Size, r#"{"value": "80000"}"#),
        (ImageAttribute::Size, r#"{"value": -1}"#),
        (ImageAttribute::Offset, r#"{"value": 1.5}"#),
        (ImageAttribute::CurrentVersion, r#"{"value": 7}"#),
        (ImageAttribute::ApplyAfter, r#"{"value": "2021-04-15"}"#),
        (ImageAttribute::Size, "80000"),
        (ImageAttribute::Size, "[80000]"),
        (ImageAttribute::Size, "{}"),
        (ImageAttribute::Size, ""),
    ] {
        assert!(ImageAttributeValue::parse(attribute, wrong.as_bytes()).is_err(), "{wrong}");
    }
}

/// Shows: UNI-037, UNI-038
#[test]
fn the_status_is_idle_when_the_target_runs() {
    let current = FileVersion(0x1005_3519);
    let mut image = ImageStatus::idle(current);
    image.status = OtaStatus::WaitingToUpgrade;
    assert!(image.is_done());
    assert!(image.values().contains(&ImageAttributeValue::CurrentVersion("0x10053519".into())));
    assert!(image.values().contains(&ImageAttributeValue::TargetVersion("0x10053519".into())));
    assert!(image.values().contains(&ImageAttributeValue::Status(OtaStatus::Idle)));
    image.target = FileVersion(0x1010_3519);
    assert!(!image.is_done());
    assert!(image.values().contains(&ImageAttributeValue::Status(OtaStatus::WaitingToUpgrade)));
}

/// Shows: UNI-049
#[test]
fn every_image_upgrade_status_is_converted() {
    for (code, status) in [
        (0x00, Some(OtaStatus::Idle)),
        (0x01, Some(OtaStatus::DownloadInProgress)),
        (0x02, Some(OtaStatus::WaitingToUpgrade)),
        (0x03, Some(OtaStatus::WaitingToUpgrade)),
        (0x04, Some(OtaStatus::WaitingToUpgrade)),
        (0x05, Some(OtaStatus::WaitForMore)),
        (0x06, Some(OtaStatus::WaitingToUpgradeViaExternalEvent)),
        (0x07, None),
        (0xff, None),
    ] {
        assert_eq!(OtaStatus::from_zcl(ImageUpgradeStatus(code)), status, "{code:#04x}");
    }
}

/// Shows: UNI-050
#[test]
fn every_status_of_the_cluster_is_converted() {
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
        assert_eq!(LastError::from_zcl(zcl::Status(code)), error, "{code:#04x}");
    }
    for (outcome, error) in [
        (Outcome::Upgraded(ImageId::new(1, 2, 3)), LastError::Success),
        (Outcome::Received(ImageId::new(1, 2, 3)), LastError::Success),
        (Outcome::ServerAborted, LastError::Abort),
        (Outcome::StorageFault, LastError::Abort),
        (Outcome::InvalidImage, LastError::InvalidImage),
        (Outcome::HeaderUnreadable(HeaderFault::NotAnOtaFile), LastError::InvalidImage),
        (Outcome::NoCredentials, LastError::NotAuthorized),
        (Outcome::UpgradeRefused(zcl::Status::NOT_AUTHORIZED), LastError::NotAuthorized),
        (Outcome::UpgradeRefused(zcl::Status::FAILURE), LastError::Abort),
    ] {
        assert_eq!(LastError::from_outcome(outcome), error, "{outcome:?}");
    }
}
