//! Tests of clients without the optional functions in `Abilities`. The upgrade to one image of a known server is the
//! same with and without the optional functions; other tests show what the client does without each optional function.

use super::*;
use crate::client::clock_ticks::Ticks;

/// Settings of a device whose client has none of the optional functions in `Abilities`.
struct Lean(ClientConfig);

impl Settings for Lean {
    const ABILITIES: Abilities = Abilities::NONE;

    fn config(&self) -> &ClientConfig {
        &self.0
    }
}

/// Simulated application and server, which answer the needs and the requests of a client until the client has no
/// further need or request.
struct Conversation<S> {
    client: Client<8, S>,
    file: Vec<u8>,
    verdict: VerifyResult,
    /// Frames that the client has sent.
    frames: Vec<Vec<u8>>,
    events: Vec<ClientEvent>,
}

impl<S: Settings> Conversation<S> {
    fn new(settings: S, file: &[u8], verdict: VerifyResult) -> Self {
        let client = Client::with_ranges(settings, 1, at(0));
        Self { client, file: file.to_vec(), verdict, frames: Vec::new(), events: Vec::new() }
    }

    fn run(mut self) -> Self {
        self.client.query(at(0)).unwrap();
        for _ in 0..30 {
            if let Some(need) = self.client.poll_need() {
                match need {
                    Need::Decide(ticket, _) => self.client.accept(ticket).unwrap(),
                    Need::Prepare(ticket, _) => {
                        self.client.prepared(at(0), ticket, PrepareResult::Ready).unwrap();
                    }
                    Need::Verify(ticket, _) => self.client.verified(at(0), ticket, self.verdict).unwrap(),
                    Need::Apply(ticket, _) => self.client.applied(at(0), ticket, ApplyResult::Done).unwrap(),
                    need => panic!("{need:?}"),
                }
            }
            let mut buf = [0; LONGEST_TO_SERVER];
            if let Some(transmit) = self.client.poll_transmit(at(0), &mut buf) {
                self.frames.push(buf[..transmit.len].to_vec());
                self.serve(&buf[..transmit.len]);
            }
            self.events.extend(std::iter::from_fn(|| self.client.poll_event()));
        }
        self
    }

    /// Answers the request `frame` of the client.
    fn serve(&mut self, frame: &[u8]) {
        let Message::ToServer(request) = decode(frame).message else { panic!("{frame:02x?}") };
        let answer = match request {
            ToServer::QueryNextImage(_) => offer(frame[1], 0x02, OFFERED, self.file.len() as u32),
            ToServer::ImageBlock(request) => {
                let start = request.offset as usize;
                let piece = &self.file[start..self.file.len().min(start + usize::from(request.max_data))];
                block(frame[1], OFFERED, request.offset, piece)
            }
            ToServer::UpgradeEnd(request) if request.status == Status::SUCCESS => {
                hex("19 03 07 5F11 0101 2C1A0000 00000000 00000000")
            }
            _ => return,
        };
        match self.client.handle_frame(at(0), FrameMeta::unicast(SERVER), &answer) {
            ClientAction::Store(block) => {
                self.client.stored(at(0), block.ticket, StoreResult::Ok).unwrap();
            }
            action => assert_eq!(action, ClientAction::Done),
        }
        self.client.handle_timeout(at(0));
    }

    /// Returns the status of the last Upgrade End Request.
    fn reported(&self) -> Option<u8> {
        self.frames.iter().rfind(|frame| frame[2] == 0x06).map(|frame| frame[3])
    }
}

#[test]
fn an_upgrade_to_one_image_of_a_known_server_needs_no_ability() {
    let file = file(|_| {});
    let lean = Conversation::new(Lean(config()), &file, VerifyResult::Valid).run();
    let whole = Conversation::new(config(), &file, VerifyResult::Valid).run();
    assert_eq!(lean.events.last(), Some(&ClientEvent::Ended(Outcome::Upgraded(OFFERED))));
    assert_eq!((&lean.frames, &lean.events), (&whole.frames, &whole.events));
    assert_eq!((lean.client.identity(), lean.client.stack), (whole.client.identity(), whole.client.stack));
}

#[test]
fn a_file_that_requires_credentials_or_further_images_ends_without_these_abilities() {
    let needs = |header: &mut FileHeader<'_>| header.credential = Some(SecurityCredentialVersion::SE_2_0);
    let credentials = Conversation::new(Lean(config()), &file(needs), VerifyResult::Valid).run();
    assert_eq!(credentials.reported(), Some(Status::ABORT.0));
    let more = VerifyResult::NeedsMore(ImageId::new(0x115f, 0x0102, 1));
    let images = Conversation::new(Lean(config()), &file(|_| {}), more).run();
    assert_eq!(images.reported(), Some(Status::ABORT.0));
    assert_eq!(images.client.pending_images(), 0);
}

#[test]
fn without_discovery_the_client_is_silent_until_it_is_told_the_server() {
    let mut settings = config();
    settings.server = Address::UNKNOWN;
    let mut client = Client::<8, Lean>::with_ranges(Lean(settings), 1, at(0));
    let mut buf = [0; LONGEST_TO_SERVER];
    client.query(at(0)).unwrap();
    client.connection_lost(at(0));
    assert_eq!((client.poll_need(), client.poll_transmit(at(0), &mut buf)), (None, None));
    client.set_server(at(0), SERVER);
    assert_eq!(client.poll_transmit(at(0), &mut buf).map(|transmit| transmit.to), Some(SERVER));
    assert_eq!(client.poll_need(), None);
}

#[test]
fn without_the_ability_a_specific_file_cannot_be_queried_and_the_clock_is_ignored() {
    let mut client = Client::<8, Lean>::with_ranges(Lean(config()), 1, at(0));
    let credentials = ImageId::new(0x115f, 0xffc0, 7);
    let result = client.query_specific_file(at(0), credentials, StackVersion(2));
    assert_eq!(result, Err(SpecificFileError::Disabled));
    client.set_utc(at(0), Some(UtcTime(1)));
    assert_eq!(client.utc(Ticks::from_millis(0)), None);
}
