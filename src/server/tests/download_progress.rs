//! Tests of the progress of a download, and of a list of clients made from the events of the server.

use super::*;
use crate::zcl::ImageOffer;

const QUERY: &str = "01 2a 01 00 01 10 ab 00 01 00 00 00";

fn block(offset: u32) -> String {
    let [a, b, ..] = offset.to_le_bytes();
    std::format!("01 2a 03 00 01 10 ab 00 05 00 00 00 {a:02x} {b:02x} 00 00 32")
}

fn configured(config: ServerConfig) -> Desk<SliceStore<'static>, Script> {
    Desk::configured(config, 8, catalog(vec![plain(5, 1000)]), Script::default())
}

/// Field report 12: bytes sent, rate and remaining time, for a display of an operator.
#[test]
fn progress_tells_bytes_rate_and_rest() {
    let mut desk = configured(ServerConfig::default());
    for (at, offset) in (0..600).step_by(50).enumerate() {
        desk.now = u64::try_from(at).unwrap() * 1_000;
        desk.ask(LAMP, &block(offset));
    }
    let progress = SessionProgress { reached: 600, size: 1000, rate: Some(50), remaining: Some(8) };
    assert_eq!(desk.server.session(LAMP).unwrap().progress(), Some(progress));
    let told = ServerEvent::Progress { client: LAMP, id: IMAGE, progress };
    assert_eq!(desk.all_events().last(), Some(&told));
    // A repeated block adds no progress.
    desk.ask(LAMP, &block(550));
    assert_eq!(desk.all_events(), []);
}

/// A file of many blocks is no reason for an event with each block.
#[test]
fn progress_is_told_a_hundred_times() {
    let mut desk = Desk::with(vec![plain(5, 10_000)]);
    let mut told = vec![];
    for offset in (0..10_000).step_by(50) {
        desk.ask(LAMP, &block(offset));
        told.extend(desk.all_events().into_iter().filter_map(|event| match event {
            ServerEvent::Progress { progress, .. } => Some(progress.reached),
            _ => None,
        }));
    }
    assert_eq!(told, (1..=100).map(|percent| percent * 100).collect::<Vec<_>>());
}

/// Shows: SRV-007
#[test]
fn events_suffice_for_a_list_of_clients() {
    let mut desk = configured(ServerConfig::default());
    let mut list = std::collections::BTreeMap::new();
    let mut note = |events: Vec<ServerEvent>| {
        for event in events {
            let (client, text) = match event {
                ServerEvent::Queried { client, answer: Ok(ImageOffer { id, .. }), .. } => {
                    (client, std::format!("offered {id}"))
                }
                ServerEvent::Queried { client, answer: Err(why), .. } => (client, why.status().to_string()),
                ServerEvent::Started { client, .. } => (client, "started".into()),
                ServerEvent::Progress { client, progress, .. } => {
                    (client, std::format!("{} of {}", progress.reached, progress.size))
                }
                ServerEvent::AllServed { client, .. } => (client, "all served".into()),
                ServerEvent::Ended { client, status, .. } => (client, std::format!("ended: {status}")),
                ServerEvent::UpgradeScheduled { client, .. } => (client, "ordered".into()),
                other => panic!("{other:?}"),
            };
            list.entry(client).or_insert_with(Vec::new).push(text);
        }
        list.clone()
    };
    use std::string::ToString;
    desk.ask(LAMP, QUERY);
    desk.ask(PLUG, "01 2a 01 00 01 10 ab 00 05 00 00 00");
    note(desk.all_events());
    for offset in [0, 250, 500, 750] {
        let request = block(offset).replace(" 32", " fa");
        desk.ask(LAMP, &request);
        note(desk.all_events());
    }
    desk.ask(LAMP, "01 2a 06 00 01 10 ab 00 05 00 00 00");
    let list = note(desk.all_events());
    assert_eq!(list[&PLUG], ["NO_IMAGE_AVAILABLE"]);
    let lamp = [
        "offered 1001-00AB-00000005",
        "started",
        "250 of 1000",
        "500 of 1000",
        "750 of 1000",
        "1000 of 1000",
        "all served",
        "ended: SUCCESS",
        "ordered",
    ];
    assert_eq!(list[&LAMP], lamp);
    // The sessions contain the same list.
    let phases: Vec<_> = desk.server.sessions().map(|session| (session.client(), session.phase())).collect();
    assert_eq!(phases.len(), 2);
    assert!(phases.contains(&(LAMP, SessionPhase::Ended { id: IMAGE, status: Status::SUCCESS })));
}
