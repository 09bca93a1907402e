//! What holds of a client whatever happens to it: frames good and bad, time, answers and wishes in any order.

use proptest::collection::vec;
use proptest::prelude::*;
use zigbee_ota::client::{
    Applied, Client, Config, Event, Handled, Identity, Need, Outcome, Prepared, Stored, Ticket, Verdict,
    Waiting,
};
use zigbee_ota::file::{Element, Header, Tag, Writer};
use zigbee_ota::link::{Address, DeliveryMode, Meta};
use zigbee_ota::time::{Instant, Millis};
use zigbee_ota::zcl::{Frame, LONGEST_TO_SERVER, Message, Quirks, ToServer};
use zigbee_ota::{Encode, ImageId};

const SERVER: Address = Address::new(0, 1);
const OFFERED: ImageId = ImageId::new(0x115f, 0x0101, 0x1a2c);

/// Something that happens.
#[derive(Clone, Debug)]
enum Happening {
    /// A frame of these bytes, to this device alone or to many.
    Frame(Vec<u8>, bool),
    /// The block that was asked for last, so many bytes of it.
    Block(u8),
    /// So many milliseconds.
    Time(u32),
    /// The application answers what it was asked, well or badly, or leaves it.
    Answer(u8),
    Query,
    Abort,
}

fn happening() -> impl Strategy<Value = Happening> {
    let frames: Vec<Vec<u8>> = vec![
        vec![0x09, 7, 0, 0, 100],
        vec![0x19, 0, 2, 0, 0x5f, 0x11, 1, 1, 0x2c, 0x1a, 0, 0, 200, 0, 0, 0],
        vec![0x19, 0, 2, 0x98],
        vec![0x19, 0, 5, 0x95],
        vec![0x19, 0, 5, 0x98],
        vec![0x19, 0, 5, 0x97, 0, 0, 0, 0, 5, 0, 0, 0],
        vec![0x19, 0, 5, 0x97, 0, 0, 0, 0, 255, 255, 255, 255],
        vec![0x19, 0, 7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 9, 0, 0, 0],
        vec![0x19, 0, 7, 0x5f, 0x11, 1, 1, 0x2c, 0x1a, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255],
        vec![0x18, 0, 0x0b, 1, 0x80],
        vec![0x18, 0, 0x0b, 3, 0x98],
        vec![0x18, 0, 0x0b, 6, 0x00],
    ];
    let good =
        (prop::sample::select(frames), 0_u8..16, any::<bool>()).prop_map(|(mut frame, sequence, many)| {
            frame[1] = sequence;
            Happening::Frame(frame, many)
        });
    let bad =
        (vec(any::<u8>(), 0..40), any::<bool>()).prop_map(|(frame, many)| Happening::Frame(frame, many));
    prop_oneof![
        4 => good,
        1 => bad,
        8 => (1_u8..=64).prop_map(Happening::Block),
        4 => prop_oneof![0_u32..5000, 0_u32..100_000_000].prop_map(Happening::Time),
        8 => any::<u8>().prop_map(Happening::Answer),
        2 => Just(Happening::Query),
        1 => Just(Happening::Abort),
    ]
}

/// A client, what its application has to answer, and what must be true of both.
struct World {
    client: Client,
    now: Instant,
    file: Vec<u8>,
    flash: Vec<u8>,
    asked: Option<(u8, u32)>,
    need: Option<Need>,
    block: Option<(Ticket, Vec<u8>)>,
    upgrades: u32,
}

impl World {
    fn new() -> Self {
        let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &[0x5a; 138] }];
        let mut file = vec![0; 200];
        Writer::new(Header::new(OFFERED), &elements).unwrap().encode(&mut file).unwrap();
        let current = ImageId::new(0x115f, 0x0101, 0x1a2b);
        let config = Config::new(Identity { current, hardware: None, node: None }, SERVER);
        let client = Client::new(config, 1, Instant::ZERO);
        let (asked, need, block) = (None, None, None);
        Self { client, now: Instant::ZERO, file, flash: Vec::new(), asked, need, block, upgrades: 0 }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Frame(frame, many) => {
                let delivery = if many { DeliveryMode::Broadcast } else { DeliveryMode::Unicast };
                self.receive(Meta::new(SERVER, delivery), &frame);
            }
            Happening::Block(size) => self.receive_block(size),
            Happening::Time(millis) => {
                self.now = self.now.plus(Millis(millis));
                self.client.handle_timeout(self.now);
            }
            Happening::Answer(choice) => self.answer(choice),
            Happening::Query => self.client.query(self.now).unwrap_or_default(),
            Happening::Abort => self.client.abort(self.now).unwrap_or_default(),
        }
        self.drain();
    }

    fn receive(&mut self, meta: Meta, frame: &[u8]) {
        if let Handled::Store(block) = self.client.handle_frame(self.now, meta, frame) {
            let offset = usize::try_from(block.offset).unwrap();
            assert_eq!(offset, self.flash.len(), "blocks come in order, and none twice");
            self.block = Some((block.ticket, block.data.to_vec()));
        }
    }

    fn receive_block(&mut self, size: u8) {
        let Some((sequence, offset)) = self.asked else { return };
        let start = usize::try_from(offset).unwrap();
        let data = &self.file[start..self.file.len().min(start + usize::from(size))];
        let mut frame = vec![0x19, sequence, 5, 0, 0x5f, 0x11, 1, 1, 0x2c, 0x1a, 0, 0];
        frame.extend(offset.to_le_bytes());
        frame.push(u8::try_from(data.len()).unwrap());
        frame.extend(data);
        self.receive(Meta::unicast(SERVER), &frame);
    }

    /// One answer of sixteen is bad.
    fn answer(&mut self, choice: u8) {
        let (now, good) = (self.now, !choice.is_multiple_of(16));
        if let Some((ticket, data)) = self.block.take() {
            let result =
                if good { Stored::Ok } else { [Stored::Busy, Stored::Fault][usize::from(choice / 128)] };
            if self.client.stored(now, ticket, result).is_ok() && result == Stored::Ok {
                self.flash.extend(data);
            }
        }
        // A late answer is refused, and that is all that happens.
        match self.need.take() {
            None => Ok(()),
            Some(Need::Decide(ticket, _)) if good => self.client.accept(ticket),
            Some(Need::Decide(ticket, _)) => self.client.refuse(now, ticket),
            Some(Need::Prepare(ticket, _)) => {
                self.flash.clear();
                self.client.prepared(now, ticket, if good { Prepared::Ready } else { Prepared::Fault })
            }
            Some(Need::Verify(ticket, _)) => {
                self.client.verified(now, ticket, if good { Verdict::Valid } else { Verdict::Invalid })
            }
            Some(Need::Apply(ticket, _)) => {
                self.client.applied(now, ticket, if good { Applied::Done } else { Applied::Failed })
            }
            Some(_) => Ok(()),
        }
        .ok();
    }

    fn drain(&mut self) {
        let mut out = [0; LONGEST_TO_SERVER];
        while let Some(transmit) = self.client.poll_transmit(self.now, &mut out) {
            let frame = Frame::decode(&out[..transmit.len], Quirks::empty()).expect("well-formed");
            if let Message::ToServer(ToServer::ImageBlock(request)) = frame.message {
                assert_eq!(usize::try_from(request.offset).unwrap(), self.flash.len());
                assert!(request.offset < 200, "nothing is asked for beyond the end");
                self.asked = Some((frame.sequence, request.offset));
            }
        }
        while let Some(event) = self.client.poll_event() {
            if let Event::Ended(outcome) = event {
                let upgraded = matches!(outcome, Outcome::Upgraded(_));
                assert!(!upgraded || self.flash == self.file, "upgraded to something else");
                self.upgrades += u32::from(upgraded);
            }
        }
        if let Some(need) = self.client.poll_need() {
            if let Need::Verify(..) | Need::Apply(..) = need {
                assert_eq!(self.flash, self.file);
            }
            self.need = Some(need);
        }
        let waits = self.client.waiting_for() == Waiting::Application;
        assert_ne!(self.client.poll_timeout().is_some(), waits, "either time or the application moves it on");
        assert!(!waits || self.need.is_some() || self.block.is_some(), "it was told what to do");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_client_never_stalls_and_never_takes_a_wrong_image(happenings in vec(happening(), 0..200)) {
        let mut world = World::new();
        happenings.into_iter().for_each(|happening| world.happen(happening));
    }
}

/// The world above is one in which an upgrade can be had.
#[test]
fn the_world_lets_a_client_upgrade() {
    let mut world = World::new();
    let offer = vec![0x19, 0, 2, 0, 0x5f, 0x11, 1, 1, 0x2c, 0x1a, 0, 0, 200, 0, 0, 0];
    let order = vec![0x19, 0, 7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0];
    let answer = Happening::Answer(1);
    let begin = [Happening::Query, Happening::Frame(offer, false), answer.clone(), answer.clone()];
    let blocks = [Happening::Block(50), answer.clone()].into_iter().cycle().take(8);
    let end = [answer.clone(), Happening::Frame(order, false), Happening::Time(0), answer];
    begin.into_iter().chain(blocks).chain(end).for_each(|happening| world.happen(happening));
    assert_eq!(world.upgrades, 1);
}
