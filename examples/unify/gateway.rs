//! A gateway: a consumer at the broker, and a server for its devices.

use std::time::{Duration, Instant as Clock, SystemTime};

use zigbee_ota::aps::Address;
use zigbee_ota::file::SplitFile;
use zigbee_ota::time::{Instant, Millis, UtcTime};
use zigbee_ota::unify::{Action, Config, Device, FileVerdict, Naming, Unid};
use zigbee_ota::{Eui64, FileVersion, ImageId};

use crate::broker::{Broker, Failure, Happening};
use crate::network::{Network, Simulated};

/// How long to wait at the most when nothing is due.
const NAP: Duration = Duration::from_secs(1);

/// The devices' addresses: `00:0B:57:FF:FE:00:` and a number.
const FIRST_NODE: u64 = 0x000b_57ff_fe00_0000;

pub struct Gateway {
    broker: Broker,
    network: Network,
    images: Vec<ImageId>,
    start: Clock,
}

impl Gateway {
    /// A network with so many devices for each image, which run its next older version.
    pub fn new(broker: Broker, images: &[ImageId], devices: u16, pause: Millis) -> Self {
        let mut network = Network::new(Config::default(), check);
        let naming = Naming::default();
        let per_image = images.iter().flat_map(|id| (0..devices).map(move |_| *id));
        for (number, id) in (1..).zip(per_image) {
            let node = Eui64(FIRST_NODE + u64::from(number));
            let unid = Unid::from(node);
            let address = Address::new(number, 1);
            let runs = ImageId { version: FileVersion(id.version.0.saturating_sub(1)), ..id };
            let uiid = naming.uiid(id.into(), &unid);
            let device = Device { node: Some(node), ..Device::new(address, uiid, runs) };
            let mut simulated = Simulated::new(Instant::ZERO, unid, address, &[runs]);
            simulated.pause = pause;
            simulated.restart(Instant::ZERO);
            network.join(Instant::ZERO, simulated, device);
        }
        Self { broker, network, images: images.to_vec(), start: Clock::now() }
    }

    /// Serves until every device runs its image.
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
                    println!("{client}: {id} {status}");
                }
            }
            let due = self.network.poll_timeout().map(|due| Duration::from(due.since(self.now())));
            let nap = due.unwrap_or(NAP).min(NAP);
            match tokio::time::timeout(nap, self.broker.next()).await {
                Err(_) => {}
                Ok(None) => return Err("the connection has ended".into()),
                Ok(Some(Happening::Connected)) => self.network.consumer.reconnected(self.now()),
                Ok(Some(Happening::Message(message))) => {
                    if let Err(reason) = self.network.receive(self.now(), &message) {
                        eprintln!("unify: {} is passed over: {reason}", message.topic);
                    }
                }
            }
        }
        Ok(())
    }

    /// Tells what is left to tell, and ends the connection.
    pub async fn leave(&mut self) {
        // The devices have started with their new images, and say so.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        for action in self.network.run(self.now()) {
            if let Err(error) = self.carry(action).await {
                eprintln!("unify: {error}");
            }
        }
        self.broker.leave().await;
    }

    /// How many devices do not run their image yet.
    pub fn left(&self) -> usize {
        let runs = |device: &&Simulated| self.images.iter().any(|id| device.runs.contains(id));
        self.network.devices.iter().filter(|device| !runs(device)).count()
    }

    async fn carry(&self, action: Action) -> Result<(), Failure> {
        match action {
            Action::Subscribe(filter) => self.broker.subscribe(&filter).await,
            Action::Unsubscribe(filter) => self.broker.unsubscribe(&filter).await,
            Action::Publish(message) => self.broker.publish(message).await,
            // The network's own.
            Action::Verify(_) | Action::Notify(_) | Action::Release { .. } | Action::Hold { .. } => Ok(()),
        }
    }

    fn now(&self) -> Instant {
        Instant::ZERO.after(self.start.elapsed())
    }
}

/// A gateway with keys looks at the signature here; this one sees to it that the file can be read.
fn check(file: &[u8]) -> FileVerdict {
    match SplitFile::parse(file) {
        Ok(parts) if parts.elements().is_ok() => FileVerdict::Valid,
        _ => FileVerdict::Invalid,
    }
}
