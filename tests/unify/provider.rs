//! The provider's side.

use zigbee_ota::FileVersion;
use zigbee_ota::unify::{Filter, Ignored, Info, Message, Place, Provider, TooLong};

fn place() -> Place {
    Place::for_all("ZigBee10011011".parse().unwrap())
}

fn one() -> Place {
    Place::for_device("ZigBee10011011".parse().unwrap(), "zb-0123456789ABCDEF".parse().unwrap())
}

fn message(topic: &str, payload: &[u8]) -> Message {
    Message { topic: topic.into(), payload: payload.to_vec(), retain: false }
}

/// Shows: UNI-008, UNI-009, UNI-020
#[test]
fn an_image_is_announced_retained_and_withdrawn_by_an_empty_message() {
    let mut provider = Provider::new();
    let info = Info::new(FileVersion(0x1010_3519));
    for (place, topic) in [
        (place(), "ucl/OTA/info/ZigBee10011011/all"),
        (one(), "ucl/OTA/info/ZigBee10011011/zb-0123456789ABCDEF"),
    ] {
        let told = provider.announce(place.clone(), info.clone(), 100).unwrap();
        assert_eq!((told.topic.as_str(), told.retain), (topic, true));
        assert_eq!(told.payload, br#"{"Version":"0x10103519"}"#);
        assert!(provider.announced().any(|again| again == told));
    }
    assert_eq!(provider.announced().count(), 2);
    let gone = provider.withdraw(&place()).unwrap();
    assert_eq!(gone, Message { retain: true, ..message("ucl/OTA/info/ZigBee10011011/all", b"") });
    assert_eq!(provider.withdraw(&place()), None);
    assert_eq!(provider.announced().count(), 1);
}

/// Shows: UNI-005, UNI-010, UNI-011, UNI-029
#[test]
fn a_question_is_answered_by_the_whole_image_once_and_not_retained() {
    let mut provider = Provider::new();
    assert_eq!(provider.subscription(), Filter::gets());
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
        let _announced = provider.announce(place.clone(), Info::new(FileVersion(1)), image.len()).unwrap();
        assert!(provider.subscription().matches(get));
        assert_eq!(place.get(), message(get, b"{}"));
        let asked = provider.handle_message(&place.get()).unwrap();
        assert_eq!(*asked, place);
        assert_eq!(asked.data(image.clone()), Ok(message(data, &image)));
    }
}

/// Shows: UNI-030
#[test]
fn what_asks_for_nothing_there_is_is_passed_over() {
    let mut provider = Provider::new();
    let refused = |provider: &Provider, message: &Message| provider.handle_message(message).unwrap_err();
    assert!(matches!(refused(&provider, &place().get()), Ignored::Unknown(unknown) if unknown == place()));
    let _announced = provider.announce(place(), Info::new(FileVersion(1)), 100).unwrap();
    assert!(matches!(refused(&provider, &one().get()), Ignored::Unknown(unknown) if unknown == one()));
    let get = place().get();
    assert!(matches!(refused(&provider, &Message { retain: true, ..get.clone() }), Ignored::Retained));
    for payload in [&b""[..], b"[]", b"null", b"{", b"get"] {
        let wrong = Message { payload: payload.to_vec(), ..get.clone() };
        assert!(matches!(refused(&provider, &wrong), Ignored::Payload(_)));
    }
    let own = message("ucl/OTA/info/ZigBee10011011/all", b"{}");
    assert!(matches!(refused(&provider, &own), Ignored::Role));
    assert!(matches!(refused(&provider, &message("home/lamp", b"{}")), Ignored::Topic(_)));
    assert!(provider.handle_message(&Message { payload: br#"{"a\n": [1]}"#.to_vec(), ..get }).is_ok());
}

/// Shows: UNI-031
#[test]
fn an_image_that_no_message_holds_is_refused() {
    // Fixed header apart, MQTT counts all of a packet with 28 bits: topic, its length, an identifier, properties.
    let max = 268_435_455 - "ucl/OTA/data/ZigBee10011011/all".len() - 2 - 2 - 1;
    assert_eq!(place().longest_image(), max);
    let mut provider = Provider::new();
    let info = Info::new(FileVersion(1));
    assert!(provider.announce(place(), info.clone(), max).is_ok());
    let error = TooLong { len: max + 1, max };
    assert_eq!(provider.announce(one(), info, max + 1), Err(TooLong { max: one().longest_image(), ..error }));
    assert_eq!(provider.announced().count(), 1);
    assert_eq!(place().data(vec![0; max + 1]), Err(error));
    assert_eq!(error.to_string(), format!("an image of {} bytes, at most {max} fit into a message", max + 1));
}
