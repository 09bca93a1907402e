//! Gateway: a Unify consumer connected to the MQTT broker, and an OTA server for the devices.

use std::time::{Duration, Instant as Clock, SystemTime};

use zigbee_ota::aps::Address;
use zigbee_ota::file::SplitFile;
use zigbee_ota::time::{Instant, Millis, UtcTime};
use zigbee_ota::unify::{
    ConsumerAction, ConsumerConfig, FileVerdict, ManagedDevice, MessageIgnored, Naming, Unid,
};
use zigbee_ota::{Eui64, FileVersion, ImageId};

use crate::mqtt_connection::{Broker, ConnectionEvent, Failure};
use crate::output_lines;
use crate::simulated_zigbee_network::{Network, Simulated};
use crate::terminal_escape;

/// Maximum time for which the gateway waits while no timer runs.
const NAP: Duration = Duration::from_secs(1);

/// First six bytes of the IEEE addresses of the simulated devices, `00:0B:57:FF:FE:00`. The last two bytes are the
/// number of the device.
const FIRST_NODE: u64 = 0x000b_57ff_fe00_0000;

pub struct Gateway {
    broker: Broker,
    network: Network,
    images: Vec<ImageId>,
    start: Clock,
}

impl Gateway {
    /// Creates a network with `devices` devices for each image. The devices run the next older version of the image.
    pub fn new(broker: Broker, images: &[ImageId], devices: u16, pause: Millis) -> Self {
        let mut network = Network::new(ConsumerConfig::default(), check);
        let naming = Naming::default();
        let per_image = images.iter().flat_map(|id| (0..devices).map(move |_| *id));
        for (number, id) in (1..).zip(per_image) {
            let node = Eui64(FIRST_NODE + u64::from(number));
            let unid = Unid::from(node);
            let address = Address::new(number, 1);
            let runs = ImageId { version: FileVersion(id.version.0.saturating_sub(1)), ..id };
            let uiid = naming.uiid(id.into(), &unid);
            let mut device = ManagedDevice::new(address, uiid, runs);
            device.node = Some(node);
            let mut simulated = Simulated::new(Instant::ZERO, unid, address, &[runs]);
            simulated.pause = pause;
            simulated.restart(Instant::ZERO);
            network.join(Instant::ZERO, simulated, device);
        }
        Self { broker, network, images: images.to_vec(), start: Clock::now() }
    }

    /// Serves the devices until each device runs its announced image.
    pub async fn serve(&mut self) -> Result<(), Failure> {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        self.network.consumer.set_utc(self.now(), UtcTime::from_unix(unix));
        while self.left() > 0 {
            let now = self.now();
            for action in self.network.run(now) {
                self.carry(action).await?;
            }
            for event in self.network.events.drain(..) {
                if let zigbee_ota::server::ServerEvent::Ended { client, id, status } = event {
                    output_lines::line(format_args!("{client}: {id} {status}"));
                }
            }
            let due = self.network.poll_timeout().map(|due| Duration::from(due.since(self.now())));
            let nap = due.unwrap_or(NAP).min(NAP);
            match tokio::time::timeout(nap, self.broker.next()).await {
                Err(_) => {}
                Ok(None) => return Err("the connection has ended".into()),
                Ok(Some(ConnectionEvent::Connected)) => self.network.consumer.reconnected(self.now()),
                Ok(Some(ConnectionEvent::Message(message))) => {
                    let handled = self.network.receive(self.now(), &message);
                    // On a shared broker, the gateway also gets announcements that do not concern it, so these are no
                    // errors.
                    if let Err(reason) = handled
                        && !matches!(reason, MessageIgnored::Unused(_) | MessageIgnored::UnknownDevice(_))
                    {
                        let topic = terminal_escape::text(&message.topic);
                        output_lines::complain(format_args!(
                            "unify: {topic} is ignored: {}",
                            terminal_escape::text(&reason.to_string())
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// Publishes the last status of the devices, and ends the connection to the broker.
    pub async fn leave(&mut self) {
        // The devices have restarted, and query with their new versions after a second.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        for action in self.network.run(self.now()) {
            if let Err(error) = self.carry(action).await {
                output_lines::complain(format_args!("unify: {error}"));
            }
        }
        self.broker.leave().await;
    }

    /// Returns the number of devices that do not run their announced image yet.
    pub fn left(&self) -> usize {
        let runs = |device: &&Simulated| self.images.iter().any(|id| device.runs.contains(id));
        self.network.devices.iter().filter(|device| !runs(device)).count()
    }

    async fn carry(&self, action: ConsumerAction) -> Result<(), Failure> {
        match action {
            ConsumerAction::Subscribe(filter) => self.broker.subscribe(&filter).await,
            ConsumerAction::Unsubscribe(filter) => self.broker.unsubscribe(&filter).await,
            ConsumerAction::Publish(message) => self.broker.publish(message).await,
            // The simulated network has already performed these actions.
            ConsumerAction::Verify(_)
            | ConsumerAction::Notify(_)
            | ConsumerAction::Release { .. }
            | ConsumerAction::Hold { .. } => Ok(()),
            // Only a later version of the library has further actions.
            _ => Ok(()),
        }
    }

    fn now(&self) -> Instant {
        Instant::ZERO.after(self.start.elapsed())
    }
}

/// Verifies a file. A gateway with keys of signers verifies the signature here; this example only checks that the file
/// can be parsed.
fn check(file: &[u8]) -> FileVerdict {
    match SplitFile::parse(file) {
        Ok(parts) if parts.elements().is_ok() => FileVerdict::Valid,
        _ => FileVerdict::Invalid,
    }
}
