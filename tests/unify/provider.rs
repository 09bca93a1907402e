//! Image provider.

use zigbee_ota::FileVersion;
use zigbee_ota::unify::{Announcement, ImagePath, ImageTooLong, MessageIgnored, MqttMessage, Provider};

fn place() -> ImagePath {
    ImagePath::for_all("ZigBee10011011".parse().unwrap())
}

fn one() -> ImagePath {
    ImagePath::for_device("ZigBee10011011".parse().unwrap(), "zb-0123456789ABCDEF".parse().unwrap())
}

fn message(topic: &str, payload: &[u8]) -> MqttMessage {
    MqttMessage { topic: topic.into(), payload: payload.to_vec(), retain: false }
}

/// Shows: UNI-008, UNI-009, UNI-020
#[test]
fn an_image_is_announced_retained_and_withdrawn_by_an_empty_message() {
    let mut provider = Provider::new();
    let info = Announcement::new(FileVersion(0x1010_3519));
    for (place, topic) in [
        (place(), "ucl/OTA/info/ZigBee10011011/all"),
        (one(), "ucl/OTA/info/ZigBee10011011/zb-0123456789ABCDEF"),
    ] {
        let told = provider.announce(place.clone(), info.clone(), 100).unwrap();
        assert_eq!((told.topic.as_str(), told.retain), (topic, true));
        assert_eq!(told.payload, br#"{"Version":"0x10103519"}"#);
        assert!(provider.announcements().any(|again| again == told));
    }
    assert_eq!(provider.announcements().count(), 2);
    let gone = provider.withdraw(&place()).unwrap();
    assert_eq!(gone, MqttMessage { retain: true, ..message("ucl/OTA/info/ZigBee10011011/all", b"") });
    assert_eq!(provider.withdraw(&place()), None);
    assert_eq!(MqttMessage::withdrawal(&place()), gone, "of an earlier run of the provider");
    assert_eq!(provider.announcements().count(), 1);
}

/// Shows: UNI-005, UNI-010, UNI-011, UNI-029
#[test]
fn a_request_is_answered_by_the_whole_image_once_and_not_retained() {
    let mut provider = Provider::new();
    assert_eq!(provider.subscription().as_str(), "ucl/OTA/data/+/+/get");
    // Whatever its format is.
    let image: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    for (place, get, data) in [
        (place(), "ucl/OTA/data/ZigBee10011011/all/get", "ucl/OTA/data/ZigBee10011011/all"),
        (
            one(),
            "ucl/OTA/data/ZigBee10011011/zb-0123456789ABCDEF/get",
            "ucl/OTA/data/ZigBee10011011/zb-0123456789ABCDEF",
        ),
    ] {
        let _announced =
            provider.announce(place.clone(), Announcement::new(FileVersion(1)), image.len()).unwrap();
        assert!(provider.subscription().matches(get));
        assert_eq!(MqttMessage::request(&place), message(get, b"{}"));
        let request = MqttMessage::request(&place);
        let requested = provider.handle_message(&request).unwrap();
        assert_eq!(*requested, place);
        assert_eq!(MqttMessage::image(requested, image.clone()), Ok(message(data, &image)));
    }
}

/// Shows: UNI-030
#[test]
fn requests_for_unknown_images_are_ignored() {
    let mut provider = Provider::new();
    let refused = |provider: &Provider, message: &MqttMessage| provider.handle_message(message).unwrap_err();
    assert!(
        matches!(refused(&provider, &MqttMessage::request(&place())), MessageIgnored::Unknown(unknown) if unknown == place())
    );
    let _announced = provider.announce(place(), Announcement::new(FileVersion(1)), 100).unwrap();
    assert!(
        matches!(refused(&provider, &MqttMessage::request(&one())), MessageIgnored::Unknown(unknown) if unknown == one())
    );
    let get = MqttMessage::request(&place());
    assert!(matches!(
        refused(&provider, &MqttMessage { retain: true, ..get.clone() }),
        MessageIgnored::Retained
    ));
    for payload in [&b""[..], b"[]", b"null", b"{", b"get"] {
        let wrong = MqttMessage { payload: payload.to_vec(), ..get.clone() };
        assert!(matches!(refused(&provider, &wrong), MessageIgnored::Payload(_)));
    }
    let own = message("ucl/OTA/info/ZigBee10011011/all", b"{}");
    assert!(matches!(refused(&provider, &own), MessageIgnored::Role));
    assert!(matches!(refused(&provider, &message("home/lamp", b"{}")), MessageIgnored::Topic(_)));
    assert!(provider.handle_message(&MqttMessage { payload: br#"{"a\n": [1]}"#.to_vec(), ..get }).is_ok());
}

/// Shows: UNI-031
#[test]
fn an_image_too_long_for_a_message_is_refused() {
    // Fixed header apart, MQTT counts all of a packet with 28 bits: topic, its length, an identifier, properties.
    let max = 268_435_455 - "ucl/OTA/data/ZigBee10011011/all".len() - 2 - 2 - 1;
    let mut provider = Provider::new();
    let info = Announcement::new(FileVersion(1));
    assert!(provider.announce(place(), info.clone(), max).is_ok());
    let ImageTooLong { len, max: max_for_one, .. } = provider.announce(one(), info, max + 1).unwrap_err();
    assert_eq!((len, max_for_one), (max + 1, max + "all".len() - "zb-0123456789ABCDEF".len()));
    assert_eq!(provider.announcements().count(), 1);
    let error = MqttMessage::image(&place(), vec![0; max + 1]).unwrap_err();
    assert_eq!((error.len, error.max), (max + 1, max));
    assert_eq!(error.to_string(), format!("an image of {} bytes, at most {max} fit into a message", max + 1));
}
