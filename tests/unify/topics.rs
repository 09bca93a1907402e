//! Topics and what to subscribe to.

use zigbee_ota::unify::{Attribute, Filter, FilterError, Node, Place, Side, Topic, Uiid, Unid};

const UIID: &str = "ZigBee10011011";
const UNID: &str = "zb-0123456789ABCDEF";

fn uiid() -> Uiid {
    UIID.parse().unwrap()
}

fn unid() -> Unid {
    UNID.parse().unwrap()
}

fn node(endpoint: u8) -> Node {
    Node { device: unid(), endpoint }
}

fn stands_for(topic: &Topic, text: &str, retained: bool) {
    assert_eq!(topic.to_string(), text);
    assert_eq!(text.parse::<Topic>().as_ref(), Ok(topic));
    assert_eq!(topic.is_retained(), retained, "{text}");
}

/// Shows: UNI-008, UNI-009, UNI-010, UNI-011, UNI-016
#[test]
fn the_topics_of_images_are_those_of_the_table() {
    let all = Place::for_all(uiid());
    let one = Place::for_device(uiid(), unid());
    stands_for(&Topic::Info(all.clone()), "ucl/OTA/info/ZigBee10011011/all", true);
    stands_for(&Topic::Info(one.clone()), "ucl/OTA/info/ZigBee10011011/zb-0123456789ABCDEF", true);
    stands_for(&Topic::Get(all.clone()), "ucl/OTA/data/ZigBee10011011/all/get", false);
    stands_for(&Topic::Get(one.clone()), "ucl/OTA/data/ZigBee10011011/zb-0123456789ABCDEF/get", false);
    stands_for(&Topic::Data(all.clone()), "ucl/OTA/data/ZigBee10011011/all", false);
    stands_for(&Topic::Data(one), "ucl/OTA/data/ZigBee10011011/zb-0123456789ABCDEF", false);
    // What the diagram writes is read and not written.
    assert_eq!("ucl/ota/info/ZigBee10011011/all".parse(), Ok(Topic::Info(all)));
}

/// Shows: UNI-012, UNI-013, UNI-014, UNI-015, UNI-018, UNI-019, UNI-036
#[test]
fn the_topics_of_status_are_those_of_the_tables() {
    for (attribute, name) in [
        (Attribute::CurrentVersion, "CurrentVersion"),
        (Attribute::TargetVersion, "TargetVersion"),
        (Attribute::ApplyAfter, "ApplyAfter"),
        (Attribute::Status, "Status"),
        (Attribute::Size, "Size"),
        (Attribute::Offset, "Offset"),
        (Attribute::LastError, "LastError"),
    ] {
        assert!(Attribute::ALL.contains(&attribute));
        for (side, word) in [(Side::Desired, "Desired"), (Side::Reported, "Reported")] {
            let text = format!("ucl/by-unid/{UNID}/ep0/OTA/Attributes/UIID/{UIID}/{name}/{word}");
            stands_for(&Topic::Attribute(node(0), uiid(), attribute, side), &text, true);
        }
    }
    for (side, word) in [(Side::Desired, "Desired"), (Side::Reported, "Reported")] {
        let text = format!("ucl/by-unid/{UNID}/ep7/OTA/Attributes/ClusterRevision/{word}");
        stands_for(&Topic::Revision(node(7), side), &text, true);
    }
    let text = format!("ucl/by-unid/{UNID}/ep255/OTA/SupportedCommands");
    stands_for(&Topic::Commands(node(255)), &text, true);
}

#[test]
fn what_is_no_topic_is_told_by_its_first_wrong_level() {
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

/// Shows: UNI-017
#[test]
fn subscriptions_find_what_is_for_all_and_what_is_for_one() {
    let general = "ucl/OTA/info/ZigBee10011011/all";
    let own = "ucl/OTA/info/ZigBee10011011/zb-0123456789ABCDEF";
    let other = "ucl/OTA/info/ZigBee10011011/zb-0000000000000001";
    assert_eq!(Filter::info_for_all().as_str(), "ucl/OTA/info/+/all");
    assert_eq!(Filter::info_for(&unid()).as_str(), "ucl/OTA/info/+/zb-0123456789ABCDEF");
    assert_eq!(Filter::info().as_str(), "ucl/OTA/info/#");
    for (filter, matched) in [
        (Filter::info_for_all(), [true, false, false]),
        (Filter::info_for(&unid()), [false, true, false]),
        (Filter::info(), [true, true, true]),
        // The document's own form finds none.
        ("ucl/OTA/info/+".parse().unwrap(), [false, false, false]),
    ] {
        assert_eq!([general, own, other].map(|topic| filter.matches(topic)), matched, "{filter}");
    }
}

/// Shows: UNI-010, UNI-011, UNI-012, UNI-016
#[test]
fn each_role_subscribes_to_its_topics() {
    let all = Place::for_all(uiid());
    let get = Topic::Get(all.clone()).to_string();
    let data = Topic::Data(all.clone()).to_string();
    assert!(Filter::gets().matches(&get) && !Filter::gets().matches(&data));
    assert!(Filter::data(&all).matches(&data) && !Filter::data(&all).matches(&get));
    let status = Topic::Attribute(node(0), uiid(), Attribute::Size, Side::Reported).to_string();
    assert_eq!(
        Filter::status(&node(0), &uiid()).as_str(),
        "ucl/by-unid/zb-0123456789ABCDEF/ep0/OTA/Attributes/UIID/ZigBee10011011/#"
    );
    assert!(Filter::status(&node(0), &uiid()).matches(&status));
    assert!(!Filter::status(&node(1), &uiid()).matches(&status));
    assert!(Filter::all_status().matches(&status));
    assert!(Filter::all_status().matches(&Topic::Commands(node(3)).to_string()));
    let lower = Filter::info_for_all().in_lower_case();
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
        assert_eq!(filter.parse::<Filter>().unwrap().matches(topic), matched, "{filter} {topic}");
    }
    for text in ["", "a/#/b", "a#", "a/b+", "+a/b", "a\0", &"x".repeat(65_536)] {
        assert_eq!(text.parse::<Filter>(), Err(FilterError), "{text}");
    }
}
