//! Property tests of Unify texts, payloads and the consumer. The rules are shared with the fuzz target `unify`.

use proptest::collection::vec;
use proptest::prelude::*;
use zigbee_ota::unify::{ImageAttribute, ImageKind, TopicFilter, Uiid, Unid};
use zigbee_ota::{Eui64, ImageType, ManufacturerCode};

use properties::unify::{any_inputs, any_payload, any_text};

#[path = "common/properties"]
mod properties {
    pub mod unify;
}

/// Regular expression of valid and nearly valid names.
const NAME: &str = "(ZigBee[0-9A-F]{8}|zb-[0-9A-Fa-f]{16}|all|[^/]{0,9})";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Shows: UNI-003, UNI-004
    #[test]
    fn encoded_zigbee_names_decode_to_the_same_value(manufacturer: u16, image_type: u16, node: u64) {
        let kind = ImageKind { manufacturer: ManufacturerCode(manufacturer), image_type: ImageType(image_type) };
        let uiid = Uiid::from_kind(kind);
        prop_assert_eq!(uiid.kind(), Some(kind));
        prop_assert_eq!(uiid.as_str().len(), "ZigBee".len() + 8);
        let unid = Unid::from(Eui64(node));
        prop_assert_eq!(unid.node(), Some(Eui64(node)));
        any_text(uiid.as_str());
        any_text(unid.as_str());
    }

    #[test]
    fn topics_are_written_as_they_were_read(
        uiid in NAME,
        unid in NAME,
        endpoint in 0_u16..300,
        attribute in 0_usize..8,
        side in "(Desired|Reported|x?)",
    ) {
        let attribute = ImageAttribute::ALL.get(attribute).map_or("Version", |attribute| attribute.name());
        let base = format!("ucl/by-unid/{unid}/ep{endpoint}/OTA");
        for text in [
            format!("ucl/OTA/info/{uiid}/{unid}"),
            format!("ucl/ota/data/{uiid}/{unid}"),
            format!("ucl/OTA/data/{uiid}/{unid}/get"),
            format!("{base}/Attributes/UIID/{uiid}/{attribute}/{side}"),
            format!("{base}/Attributes/ClusterRevision/{side}"),
            format!("{base}/SupportedCommands"),
            uiid,
            unid,
        ] {
            any_text(&text);
        }
    }

    #[test]
    fn date_times_are_parsed_or_refused(text in "[0-9]{4}-[0-1][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,12})?([Zz]|[+-][0-2][0-9]:[0-9]{2})") {
        any_text(&text);
        any_payload(format!(r#"{{"value":"{text}"}}"#).as_bytes());
        any_payload(format!(r#"{{"Version":"1","ApplyAfter":"{text}"}}"#).as_bytes());
    }

    #[test]
    fn payloads_are_read_or_refused(bytes in vec(any::<u8>(), 0..60), number: u64, text: String) {
        any_payload(&bytes);
        any_payload(format!(r#"{{"value":{number}}}"#).as_bytes());
        any_payload(&serde_json::to_vec(&serde_json::json!({ "value": text })).unwrap());
        any_payload(&serde_json::to_vec(&serde_json::json!({ "Version": text })).unwrap());
        any_text(&text);
    }

    #[test]
    fn a_consumer_withstands_any_inputs(inputs in vec(any::<u8>(), 0..400)) {
        any_inputs(&inputs);
    }
}

/// The filter `#` matches every topic except those that start with `$`.
#[test]
fn the_filter_of_everything_matches_every_topic() {
    let all: TopicFilter = "#".parse().unwrap();
    assert!(all.matches("ucl/OTA/info/A/all") && !all.matches("$SYS/broker"));
}
