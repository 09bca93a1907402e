//! A server with many clients of which some misbehave, flood or move: all honest ones are served.

use zigbee_ota::server::ServerConfig;
use zigbee_ota::time::Millis;
use zigbee_ota_sim::{Behaviour, BusyServer, Served};

fn simulate(slots: usize, mut config: ServerConfig, seed: u64) -> Vec<Served> {
    // These clients share no radio channel.
    config.background_from = None;
    BusyServer { seed, clients: 1000, bytes: 1500, slots, config, longest: 1_800_000 }.run()
}

/// A thousand clients: a tenth misbehaves, a tenth floods, a tenth leaves and comes back under another address. All honest
/// ones, and all that moved, have the file and are told to upgrade; with a session for everybody, with too few sessions,
/// and with limits.
///
/// Shows: FLD-044, FLD-043, FLD-050
#[test]
fn all_honest_clients_are_served() {
    let mut limited = ServerConfig::default();
    limited.max_downloads = 400;
    limited.min_block_period = Millis(20);
    limited.stall_timeout = Millis::from_secs(30);
    for (slots, config, seed) in
        [(4000, ServerConfig::default(), 1), (300, ServerConfig::default(), 2), (4000, limited, 3)]
    {
        let clients = simulate(slots, config, seed);
        assert_eq!(clients.len(), 1000);
        let wanted = |client: &&Served| matches!(client.behaviour, Behaviour::Honest | Behaviour::Moving);
        let honest: Vec<_> = clients.iter().filter(wanted).collect();
        let left: Vec<_> = honest.iter().filter(|client| !client.upgraded).collect();
        assert!(left.is_empty(), "{slots} slots: {} of {} not served: {left:?}", left.len(), honest.len());
    }
}
