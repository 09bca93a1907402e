//! Topics and topic filters.

use zigbee_ota::ImageId;
use zigbee_ota::aps::Address;
use zigbee_ota::time::Instant;
use zigbee_ota::unify::{
    AttributeSide, Consumer, ConsumerAction, ConsumerConfig, DeviceEndpoint, ImageAttribute, ImagePath,
    ManagedDevice, Provider, Topic, TopicFilter, Uiid, Unid,
};

const UIID: &str = "ZigBee10011011";
const UNID: &str = "zb-0123456789ABCDEF";

fn uiid() -> Uiid {
    UIID.parse().unwrap()
}

fn unid() -> Unid {
    UNID.parse().unwrap()
}

fn node(endpoint: u8) -> DeviceEndpoint {
    DeviceEndpoint { device: unid(), endpoint }
}

fn assert_topic_text(topic: &Topic, text: &str, retained: bool) {
    assert_eq!(topic.to_string(), text);
    assert_eq!(text.parse::<Topic>().as_ref(), Ok(topic));
    assert_eq!(topic.is_retained(), retained, "{text}");
}

/// Shows: UNI-008, UNI-009, UNI-010, UNI-011, UNI-016
#[test]
fn image_topics_are_those_of_the_table() {
    let all = ImagePath::for_all(uiid());
    let one = ImagePath::for_device(uiid(), unid());
    assert_topic_text(&Topic::Info(all.clone()), "ucl/OTA/info/ZigBee10011011/all", true);
    assert_topic_text(&Topic::Info(one.clone()), "ucl/OTA/info/ZigBee10011011/zb-0123456789ABCDEF", true);
    assert_topic_text(&Topic::Get(all.clone()), "ucl/OTA/data/ZigBee10011011/all/get", false);
    assert_topic_text(&Topic::Get(one.clone()), "ucl/OTA/data/ZigBee10011011/zb-0123456789ABCDEF/get", false);
    assert_topic_text(&Topic::Data(all.clone()), "ucl/OTA/data/ZigBee10011011/all", false);
    assert_topic_text(&Topic::Data(one), "ucl/OTA/data/ZigBee10011011/zb-0123456789ABCDEF", false);
    // What the diagram writes is read and not written.
    assert_eq!("ucl/ota/info/ZigBee10011011/all".parse(), Ok(Topic::Info(all)));
}

/// Shows: UNI-012, UNI-013, UNI-014, UNI-015, UNI-018, UNI-019, UNI-036
#[test]
fn attribute_topics_are_those_of_the_tables() {
    for (attribute, name) in [
        (ImageAttribute::CurrentVersion, "CurrentVersion"),
        (ImageAttribute::TargetVersion, "TargetVersion"),
        (ImageAttribute::ApplyAfter, "ApplyAfter"),
        (ImageAttribute::Status, "Status"),
        (ImageAttribute::Size, "Size"),
        (ImageAttribute::Offset, "Offset"),
        (ImageAttribute::LastError, "LastError"),
    ] {
        assert!(ImageAttribute::ALL.contains(&attribute));
        for (side, word) in [(AttributeSide::Desired, "Desired"), (AttributeSide::Reported, "Reported")] {
            let text = format!("ucl/by-unid/{UNID}/ep0/OTA/Attributes/UIID/{UIID}/{name}/{word}");
            assert_topic_text(&Topic::Attribute(node(0), uiid(), attribute, side), &text, true);
        }
    }
    for (side, word) in [(AttributeSide::Desired, "Desired"), (AttributeSide::Reported, "Reported")] {
        let text = format!("ucl/by-unid/{UNID}/ep7/OTA/Attributes/ClusterRevision/{word}");
        assert_topic_text(&Topic::Revision(node(7), side), &text, true);
    }
    let text = format!("ucl/by-unid/{UNID}/ep255/OTA/SupportedCommands");
    assert_topic_text(&Topic::Commands(node(255)), &text, true);
}

#[test]
fn the_error_of_a_topic_names_its_first_wrong_level() {
    for (text, error) in [
        ("", r#"level 1 of the topic is "", expected `ucl`"#),
        ("UCL/OTA", r#"level 1 of the topic is "UCL", expected `ucl`"#),
        ("ucl/Ota/info", r#"level 2 of the topic is "Ota", expected `OTA` or `by-unid`"#),
        ("ucl/OTA/info", r#"level 4 of the topic is "", expected a UIID"#),
        ("ucl/OTA/info/+/all", r#"level 4 of the topic is "+", expected a UIID"#),
        ("ucl/OTA/info/A", r#"level 5 of the topic is "", expected `all` or a UNID"#),
        ("ucl/OTA/info/A/all/get", r#"level 6 of the topic is "get", expected the end"#),
        ("ucl/OTA/data/A/all/put", r#"level 6 of the topic is "put", expected `get` or the end"#),
        ("ucl/OTA/data/A/all/", r#"level 6 of the topic is "", expected `get` or the end"#),
        ("ucl/OTA/data/A/all/get/", r#"level 7 of the topic is "", expected the end"#),
        (
            "ucl/by-unid/U/ep256/OTA",
            r#"level 4 of the topic is "ep256", expected `ep` and a number from 0 to 255"#,
        ),
        (
            "ucl/by-unid/U/ep01/OTA",
            r#"level 4 of the topic is "ep01", expected `ep` and a number from 0 to 255"#,
        ),
        (
            "ucl/by-unid/U/OTA/A/B",
            r#"level 4 of the topic is "OTA", expected `ep` and a number from 0 to 255"#,
        ),
        (
            "ucl/by-unid/U/ep0/OTA/Attributes/UIID/A/Version/Reported",
            r#"level 9 of the topic is "Version", expected the name of an attribute"#,
        ),
        (
            "ucl/by-unid/U/ep0/OTA/Attributes/UIID/A/Size/Wished",
            r#"level 10 of the topic is "Wished", expected `Desired` or `Reported`"#,
        ),
    ] {
        assert_eq!(text.parse::<Topic>().unwrap_err().to_string(), error);
    }
}

/// First two topic filters that a consumer with one device subscribes to.
fn subscriptions(config: ConsumerConfig) -> [TopicFilter; 2] {
    let mut consumer = Consumer::new(config);
    let id = ImageId::new(0x1001, 0x1011, 1);
    let device = ManagedDevice::new(Address::new(1, 1), uiid(), id);
    consumer.set_device(Instant::ZERO, &unid(), device);
    let actions = std::iter::from_fn(|| consumer.poll_action());
    let filters = actions.filter_map(|action| match action {
        ConsumerAction::Subscribe(filter) => Some(filter),
        _ => None,
    });
    filters.take(2).collect::<Vec<_>>().try_into().unwrap()
}

/// Shows: UNI-017
#[test]
fn subscriptions_match_announcements_for_all_and_for_one_device() {
    let general = "ucl/OTA/info/ZigBee10011011/all";
    let own = "ucl/OTA/info/ZigBee10011011/zb-0123456789ABCDEF";
    let other = "ucl/OTA/info/ZigBee10011011/zb-0000000000000001";
    assert_eq!(TopicFilter::announcements().as_str(), "ucl/OTA/info/#");
    let [for_all, for_device] = subscriptions(ConsumerConfig::default());
    assert_eq!(for_all.as_str(), "ucl/OTA/info/+/all");
    assert_eq!(for_device.as_str(), "ucl/OTA/info/+/zb-0123456789ABCDEF");
    for (filter, matched) in [
        (for_all, [true, false, false]),
        (for_device, [false, true, false]),
        (TopicFilter::announcements(), [true, true, true]),
        // The filter in the text of the document matches no announcement.
        ("ucl/OTA/info/+".parse().unwrap(), [false, false, false]),
    ] {
        assert_eq!([general, own, other].map(|topic| filter.matches(topic)), matched, "{filter}");
    }
}

/// Shows: UNI-010, UNI-011, UNI-012, UNI-016
#[test]
fn each_role_subscribes_to_its_topics() {
    let all = ImagePath::for_all(uiid());
    let get = Topic::Get(all.clone()).to_string();
    let data = Topic::Data(all.clone()).to_string();
    let requests = Provider::new().subscription();
    assert!(requests.matches(&get) && !requests.matches(&data));
    let image: TopicFilter = data.parse().unwrap();
    assert!(image.matches(&data) && !image.matches(&get));
    let status = Topic::Attribute(node(0), uiid(), ImageAttribute::Size, AttributeSide::Reported).to_string();
    assert_eq!(
        TopicFilter::attributes(&node(0), &uiid()).as_str(),
        "ucl/by-unid/zb-0123456789ABCDEF/ep0/OTA/Attributes/UIID/ZigBee10011011/#"
    );
    assert!(TopicFilter::attributes(&node(0), &uiid()).matches(&status));
    assert!(!TopicFilter::attributes(&node(1), &uiid()).matches(&status));
    assert!(TopicFilter::all_attributes().matches(&status));
    assert!(TopicFilter::all_attributes().matches(&Topic::Commands(node(3)).to_string()));
    let mut config = ConsumerConfig::default();
    config.lower_case = true;
    let [_, lower] = subscriptions(config);
    assert_eq!(lower.as_str(), "ucl/ota/info/+/all");
    assert!(lower.matches("ucl/ota/info/A/all") && !lower.matches("ucl/OTA/info/A/all"));
}

#[test]
fn wildcards_are_those_of_mqtt() {
    for (filter, topic, matched) in [
        ("sport/tennis/player1/#", "sport/tennis/player1", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
        ("sport/tennis/+", "sport/tennis/player1", true),
        ("sport/tennis/+", "sport/tennis/player1/ranking", false),
        ("sport/+", "sport", false),
        ("sport/+", "sport/", true),
        ("+/+", "/finance", true),
        ("/+", "/finance", true),
        ("+", "/finance", false),
        ("#", "$SYS/monitor/Clients", false),
        ("+/monitor/Clients", "$SYS/monitor/Clients", false),
        ("$SYS/#", "$SYS/monitor/Clients", true),
        ("a/b", "a/b/c", false),
        ("a/b/c", "a/b", false),
    ] {
        assert_eq!(filter.parse::<TopicFilter>().unwrap().matches(topic), matched, "{filter} {topic}");
    }
    for text in ["", "a/#/b", "a#", "a/b+", "+a/b", "a\0", &"x".repeat(65_536)] {
        assert!(text.parse::<TopicFilter>().is_err(), "{text}");
    }
}
