//! Gateway of this test: the consumer of the crate with one simulated device, at a real broker, on virtual time.

use zigbee_ota::aps::Address;
use zigbee_ota::time::{Instant, Millis, UtcTime};
use zigbee_ota::unify::{ConsumerAction, ConsumerConfig, FileVerdict, ManagedDevice, MqttMessage, Unid};
use zigbee_ota::{Eui64, ImageId};

use crate::mqtt_packets_and_broker::{Broker, Connection, Publish};
use crate::simulated_zigbee_network::{Network, Simulated};

/// Version that the device runs.
pub const RUNS: ImageId = ImageId::new(0x1001, 0x1011, 0x1005_3519);

/// IEEE address of the device.
const NODE: Eui64 = Eui64(0x000b_57ff_fe00_0001);

/// 2021-04-15T23:00:00Z, an hour before the moment of the document's drawing.
const CLOCK: UtcTime = UtcTime(671_842_800);

pub struct Gateway {
    pub network: Network,
    pub now: Instant,
    pub connection: Connection,
    /// Messages of the broker that the consumer refused, with the reason.
    pub refused: Vec<(Publish, String)>,
}

impl Gateway {
    /// Connects, and then adds its device.
    pub fn start(broker: &Broker, config: ConsumerConfig, is_clean: bool) -> Self {
        let mut network = Network::new(config, |_| FileVerdict::Valid);
        network.consumer.set_utc(Instant::ZERO, Some(CLOCK));
        let connection = Connection::open(broker, "gateway", is_clean);
        let mut gateway = Self { network, now: Instant::ZERO, connection, refused: Vec::new() };
        gateway.network.consumer.reconnected(gateway.now);
        let unid = Unid::from(NODE);
        let address = Address::new(1, 1);
        let device = ManagedDevice::new(address, "ZigBee10011011".parse().unwrap(), RUNS);
        let simulated = Simulated::new(gateway.now, unid, address, &[RUNS]);
        gateway.network.join(gateway.now, simulated, device);
        gateway.settle();
        gateway
    }

    /// Drops the connection and makes it again.
    pub fn reconnect(&mut self, broker: &Broker, is_clean: bool) {
        self.connection = Connection::open(broker, "gateway", is_clean);
        self.network.consumer.reconnected(self.now);
        self.settle();
    }

    /// Exchanges messages until there are none.
    pub fn settle(&mut self) {
        loop {
            let received = self.connection.take();
            for publish in &received {
                let Publish { topic, payload, retain, dup: _, id: _ } = publish.clone();
                let message = MqttMessage { topic, payload, retain };
                if let Err(reason) = self.network.receive(self.now, &message) {
                    self.refused.push((publish.clone(), reason.to_string()));
                }
            }
            let actions = self.network.run(self.now);
            if received.is_empty() && actions.is_empty() {
                return;
            }
            for action in actions {
                match action {
                    ConsumerAction::Subscribe(filter) => self.connection.subscribe(filter.as_str()),
                    ConsumerAction::Unsubscribe(filter) => self.connection.unsubscribe(filter.as_str()),
                    ConsumerAction::Publish(MqttMessage { topic, payload, retain }) => {
                        self.connection.publish(&topic, &payload, retain);
                    }
                    other => panic!("{other:?} is not for the broker"),
                }
            }
        }
    }

    /// Lets time pass, with all that happens meanwhile.
    pub fn pass(&mut self, seconds: u32) {
        let end = self.now.plus(Millis::from_secs(seconds));
        while let Some(next) = self.network.poll_timeout().filter(|next| *next <= end) {
            self.now = next.max(self.now);
            self.settle();
        }
        self.now = end;
        self.settle();
    }

    /// Version that the device runs.
    pub fn version(&self) -> u32 {
        self.network.devices[0].runs[0].version.0
    }
}
