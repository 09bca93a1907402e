//! Complete upgrades of a device that accepts only signed files: the file is read back from flash and verified before
//! Upgrade End Request. One byte may change on the way.

use zigbee_ota::aps::{Address, DeliveryMode, FrameMeta};
use zigbee_ota::client::{
    ApplyResult, Client, ClientAction, ClientConfig, ClientEvent, Identity, Need, Outcome, PrepareResult,
    StoreResult, VerifyResult,
};
use zigbee_ota::file::Image;
use zigbee_ota::server::{self, Server, Session, SliceStore, StandardPolicy, StoreEntry};
use zigbee_ota::signature::{Verifier, VerifyPolicy};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::zcl::{ImageNotify, ImageUpgradeStatus, LONGEST_TO_CLIENT, LONGEST_TO_SERVER, Status};
use zigbee_ota::{FileVersion, ImageId};

use crate::properties::signature::{SIGNED, policy};

const SERVER: Address = Address::new(0x0000, 1);
const DEVICE: Address = Address::new(0x5a17, 1);

/// Step of the device after the download, in order.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    /// Result of the signature verification.
    Verified(bool),
    /// Result of the manufacturer's own check.
    OwnCheck(bool),
    /// Status of the Upgrade End Request.
    End(Status),
    Applied,
}

/// Byte of the file that changes on the way, and the bits that flip in it.
type Damage = Option<(usize, u8)>;

struct World<'a> {
    now: Instant,
    client: Client,
    flash: Vec<u8>,
    policy: VerifyPolicy<'a>,
    own_check: bool,
    damage: Damage,
    steps: Vec<Step>,
    outcome: Option<Outcome>,
}

/// Runs an upgrade to `file`; returns the steps of the device and the outcome.
fn upgrade(file: &[u8], policy: VerifyPolicy<'_>, own_check: bool, damage: Damage) -> (Vec<Step>, Outcome) {
    let id = Image::parse(file).expect("a file").header().id;
    let identity = Identity::new(ImageId { version: FileVersion(1), ..id });
    let mut world = World {
        now: Instant::ZERO,
        client: Client::new(ClientConfig::new(identity, SERVER), 1, Instant::ZERO),
        flash: Vec::new(),
        policy,
        own_check,
        damage,
        steps: Vec::new(),
        outcome: None,
    };
    let entries = [StoreEntry::parse(file).expect("a file")];
    let mut images = SliceStore::new(&entries).expect("one image");
    let mut server = Server::new(server::ServerConfig::default(), [Session::EMPTY]);
    let mut out = [0; LONGEST_TO_CLIENT];
    let notify = server.notify(DEVICE, DeliveryMode::Unicast, ImageNotify::UNICAST, &mut out);
    let mut to_client = vec![out[..notify.expect("in range").len].to_vec()];
    for _ in 0..1000 {
        for mut frame in std::mem::take(&mut to_client) {
            world.receive(&mut frame);
        }
        world.client.handle_timeout(world.now);
        for frame in world.turn() {
            let (now, meta) = (world.now, FrameMeta::unicast(DEVICE));
            let mut policy = StandardPolicy::default();
            let handled = server.handle_frame(now, meta, &frame, &mut images, &mut policy, &mut out);
            if let server::ServerAction::Reply(transmit) = handled {
                to_client.push(out[..transmit.len].to_vec());
            }
        }
        if let Some(outcome) = world.outcome {
            assert_eq!(world.client.attributes().status, ImageUpgradeStatus::NORMAL);
            assert_eq!(world.client.checkpoint(), None, "no checkpoint is left");
            return (world.steps, outcome);
        }
        if to_client.is_empty() {
            world.now = world.now.max(world.client.poll_timeout().expect("a timeout"));
        }
    }
    panic!("no end: {:?}", world.steps);
}

impl World<'_> {
    fn receive(&mut self, frame: &mut [u8]) {
        // Image Block Response SUCCESS: file offset at byte 12, data size at byte 16, data from byte 17 on.
        if let ([_, _, 0x05, 0x00, _, ..], Some((place, flip))) = (&*frame, self.damage) {
            let offset = u32::from_le_bytes(frame[12..16].try_into().expect("4 bytes"));
            let offset = usize::try_from(offset).expect("small");
            if let Some(byte) = place.checked_sub(offset).and_then(|at| frame[17..].get_mut(at)) {
                *byte ^= flip;
            }
        }
        if let ClientAction::Store(block) =
            self.client.handle_frame(self.now, FrameMeta::unicast(SERVER), frame)
        {
            let offset = usize::try_from(block.offset).expect("small");
            self.flash[offset..][..block.data.len()].copy_from_slice(block.data);
            self.client.stored(self.now, block.ticket, StoreResult::Ok).expect("at once");
        }
    }

    /// Serves the needs of the client until none is left; returns the frames it sends.
    fn turn(&mut self) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        let mut out = [0; LONGEST_TO_SERVER];
        loop {
            if let Some(transmit) = self.client.poll_transmit(self.now, &mut out) {
                let frame = out[..transmit.len].to_vec();
                if frame[2] == 0x06 {
                    self.steps.push(Step::End(Status(frame[3])));
                }
                frames.push(frame);
            } else if let Some(need) = self.client.poll_need() {
                self.answer(need);
            } else {
                break;
            }
        }
        while let Some(event) = self.client.poll_event() {
            if let ClientEvent::Ended(outcome) = event {
                self.outcome = Some(outcome);
            }
        }
        frames
    }

    fn answer(&mut self, need: Need) {
        let now = self.now;
        match need {
            Need::Decide(ticket, _) => self.client.accept(ticket),
            Need::Prepare(ticket, offer) => {
                self.flash = vec![0xff; usize::try_from(offer.size).expect("small")];
                self.client.prepared(now, ticket, PrepareResult::Ready)
            }
            Need::Verify(ticket, _) => {
                // During a verification of 600 s the client neither sends nor asks.
                self.now = now.plus(Millis::from_secs(600));
                self.client.handle_timeout(self.now);
                assert_eq!(self.client.poll_transmit(self.now, &mut [0; LONGEST_TO_SERVER]), None);
                assert!(self.client.poll_need().is_none() && self.client.poll_event().is_none());
                let verdict = if self.is_good() { VerifyResult::Valid } else { VerifyResult::Invalid };
                self.client.verified(self.now, ticket, verdict)
            }
            Need::Apply(ticket, _) => {
                self.steps.push(Step::Applied);
                self.client.applied(now, ticket, ApplyResult::Done)
            }
            other => panic!("{other:?}"),
        }
        .expect("answered at once");
    }

    /// Verifies the signature, read back in pieces, and only then runs the manufacturer's own check.
    fn is_good(&mut self) -> bool {
        let mut verifier = Verifier::new(self.policy);
        self.flash.chunks(100).for_each(|piece| verifier.update(piece));
        let right = verifier.finish().is_ok();
        self.steps.push(Step::Verified(right));
        if right {
            self.steps.push(Step::OwnCheck(self.own_check));
        }
        right && self.own_check
    }
}

const UPGRADED: [Step; 4] =
    [Step::Verified(true), Step::OwnCheck(true), Step::End(Status::SUCCESS), Step::Applied];

/// Shows: SIG-003, SIG-033
#[test]
fn a_signed_file_is_applied_after_all_checks() {
    for signed in SIGNED {
        let (steps, outcome) = upgrade(signed, policy(), true, None);
        assert_eq!(steps, UPGRADED);
        assert!(matches!(outcome, Outcome::Upgraded(_)), "{outcome:?}");

        let (steps, outcome) = upgrade(signed, policy(), false, None);
        let refused = [Step::Verified(true), Step::OwnCheck(false), Step::End(Status::INVALID_IMAGE)];
        assert_eq!((&steps[..], outcome), (&refused[..], Outcome::InvalidImage));
    }
}

/// Asserts that a flipped bit ends the upgrade. Most changes of the header are found before the download completes.
#[track_caller]
fn refused(signed: &[u8], place: usize) {
    let flip = 1 << (place % 8);
    let (steps, outcome) = upgrade(signed, policy(), true, Some((place, flip)));
    let end = Step::End(Status::INVALID_IMAGE);
    let verified = steps == [Step::Verified(false), end] && outcome == Outcome::InvalidImage;
    let early = place < 56 && steps == [end];
    assert!(verified || early, "{flip:#04x} of byte {place}: {steps:?}, {outcome:?}");
}

/// Shows: SIG-003, SIG-030, SIG-032
#[test]
fn each_byte_that_changes_on_the_way_ends_the_upgrade() {
    (0..SIGNED[0].len()).for_each(|place| refused(SIGNED[0], place));
}

/// Every third byte only: suite 2 is slow in a debug build.
///
/// Shows: SIG-032
#[test]
fn bytes_that_change_on_the_way_end_an_upgrade_by_suite_2() {
    (0..SIGNED[1].len()).step_by(3).for_each(|place| refused(SIGNED[1], place));
}

/// Shows: SIG-003, SIG-032
#[test]
fn a_signer_that_is_not_allowed_cannot_upgrade() {
    let no_signers = VerifyPolicy::required(&[], policy().authorities);
    let (steps, outcome) = upgrade(SIGNED[0], no_signers, true, None);
    assert_eq!(steps, [Step::Verified(false), Step::End(Status::INVALID_IMAGE)]);
    assert_eq!(outcome, Outcome::InvalidImage);
    // The file without certificate and signature, as an attacker would send it.
    let mut unsigned = SIGNED[0][..SIGNED[0].len() - 110].to_vec();
    unsigned[52] = u8::try_from(unsigned.len()).expect("short");
    let (steps, _) = upgrade(&unsigned, policy(), true, None);
    assert_eq!(steps, [Step::Verified(false), Step::End(Status::INVALID_IMAGE)]);
}
