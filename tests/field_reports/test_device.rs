//! Test device: a client whose application answers every need at once.

use zigbee_ota::aps::{Address, FrameMeta};
use zigbee_ota::client::{
    AcceptedVersions, ApplyResult, Client, ClientAction, ClientConfig, ClientEvent, Identity, Need, Outcome,
    PrepareResult, StoreResult, VerifyResult,
};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::zcl::LONGEST_TO_SERVER;
use zigbee_ota::{FileVersion, ImageId};

use crate::IMAGE;

const GATEWAY: Address = Address::new(0, 1);

pub struct Device {
    pub client: Client,
    pub now: Instant,
    /// Stored blocks: offset and bytes.
    pub stored: Vec<(u32, Vec<u8>)>,
    /// Time and image of the switch.
    pub applied: Option<(Instant, ImageId)>,
    pub ended: Option<Outcome>,
}

impl Device {
    /// Creates a device that runs `version` and accepts `versions`.
    pub fn running(version: u32, versions: AcceptedVersions) -> Self {
        let current = ImageId { version: FileVersion(version), ..IMAGE };
        let identity = Identity::new(current);
        let mut config = ClientConfig::new(identity, GATEWAY);
        (config.accepted_versions, config.first_query_delay) = (versions, Millis(0));
        config.query_spread = Millis(0);
        let client = Client::new(config, 7, Instant::ZERO);
        Self { client, now: Instant::ZERO, stored: vec![], applied: None, ended: None }
    }

    /// Runs for `millis` milliseconds, or until the upgrade ends. `gateway` returns the response to a frame, if any.
    pub fn live(&mut self, millis: u32, mut gateway: impl FnMut(Instant, &[u8]) -> Option<Vec<u8>>) {
        let end = self.now.plus(Millis(millis));
        while self.ended.is_none() {
            self.decide();
            let mut out = [0; LONGEST_TO_SERVER];
            if let Some(transmit) = self.client.poll_transmit(self.now, &mut out) {
                if let Some(frame) = gateway(self.now, &out[..transmit.len]) {
                    self.receive(&frame);
                }
                continue;
            }
            match self.client.poll_timeout() {
                Some(next) if next <= end => self.now = self.now.max(next),
                _ => break,
            }
            self.client.handle_timeout(self.now);
        }
    }

    fn receive(&mut self, frame: &[u8]) {
        if let ClientAction::Store(block) =
            self.client.handle_frame(self.now, FrameMeta::unicast(GATEWAY), frame)
        {
            self.stored.push((block.offset, block.data.to_vec()));
            self.client.stored(self.now, block.ticket, StoreResult::Ok).unwrap();
        }
    }

    fn decide(&mut self) {
        while let Some(need) = self.client.poll_need() {
            match need {
                Need::Decide(ticket, _) => self.client.accept(ticket),
                Need::Prepare(ticket, _) => self.client.prepared(self.now, ticket, PrepareResult::Ready),
                Need::Verify(ticket, _) => self.client.verified(self.now, ticket, VerifyResult::Valid),
                Need::Apply(ticket, id) => {
                    self.applied = Some((self.now, id));
                    self.client.applied(self.now, ticket, ApplyResult::Done)
                }
                other => panic!("{other:?} of a client that knows its server"),
            }
            .unwrap();
        }
        while let Some(event) = self.client.poll_event() {
            if let ClientEvent::Ended(outcome) = event {
                self.ended = Some(outcome);
            }
        }
    }
}
