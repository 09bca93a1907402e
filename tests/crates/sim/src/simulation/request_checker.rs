//! Checker of the requests that one client sends: ranges within the image, minimum intervals, decodable frames.

use zigbee_ota::time::Millis;
use zigbee_ota::zcl::{Frame, ImageBlockResponse, ImageOffer, Message, Quirks, ToClient, ToServer};

use super::report::{FromClient, Violation};
use crate::Micros;

/// Cluster revision whose MinimumBlockPeriod is in seconds.
const REVISION_IN_SECONDS: u16 = 2;

const BLOCK_RESPONSE: u8 = 5;

/// Status WAIT_FOR_DATA, whose response carries a time instead of data.
const WAIT_FOR_DATA: u8 = 0x97;
const DEFAULT_RESPONSE: u8 = 0x0b;

/// Observed state of a client.
#[derive(Debug)]
pub(super) struct RequestChecker {
    /// Offer that the client downloads.
    offer: Option<ImageOffer>,
    /// Minimum interval that the client sets itself.
    pause: Millis,
    /// ClusterRevision of a client that keeps the minimum interval of the server; `None` if the client ignores it.
    revision: Option<u16>,
    /// Minimum interval requested by the server.
    period: Millis,
    /// Whether frames arrive undamaged, so that the requested interval is known.
    trusts: bool,
    last_request: Option<u64>,
    /// Sequence number of the last block or page request.
    last: Option<u8>,
    /// Sequence numbers of unanswered block and page requests.
    open: [bool; 256],
}

impl RequestChecker {
    pub(super) fn new(pause: Millis, revision: Option<u16>, trusts: bool) -> Self {
        Self {
            offer: None,
            pause,
            revision,
            period: Millis(0),
            trusts,
            last_request: None,
            last: None,
            open: [false; 256],
        }
    }

    /// Starts the observation of a download.
    pub(super) fn begin(&mut self, offer: ImageOffer) {
        self.offer = Some(offer);
    }

    /// Observes a frame that reaches the client.
    pub(super) fn receive(&mut self, frame: &[u8]) {
        let &[_, sequence, command, status, ..] = frame else { return };
        let is_last = self.last == Some(sequence);
        let is_asked = std::mem::take(&mut self.open[usize::from(sequence)]);
        // WAIT_FOR_DATA carries its own time for the next request.
        let is_refusal = command == DEFAULT_RESPONSE || (command == BLOCK_RESPONSE && status != 0);
        if command == BLOCK_RESPONSE && status == WAIT_FOR_DATA {
            self.last_request = None;
            // After one WAIT_FOR_DATA, a client may ignore the answers to all earlier requests.
            self.open = [false; 256];
        }
        if !is_asked {
            self.last = None;
        }
        // A client may ignore late responses.
        if !is_refusal || !is_last || !is_asked || !self.trusts {
            return;
        }
        if let Ok(frame) = Frame::decode(frame, Quirks::all())
            && let Message::ToClient(ToClient::ImageBlock(ImageBlockResponse::Wait(wait))) = frame.message
            && let (Some(period), Some(revision)) = (wait.min_block_period, self.revision)
        {
            let seconds = revision == REVISION_IN_SECONDS;
            self.period = if seconds { Millis::from_secs(period.into()) } else { Millis(period.into()) };
        }
    }

    /// Counts a frame sent by the client, and returns the rule that it violates.
    pub(super) fn see(&mut self, now: Micros, frame: &[u8], sent: &mut FromClient) -> Option<Violation> {
        let Ok(frame) = Frame::decode(frame, Quirks::empty()) else { return Some(Violation::Malformed) };
        if let Message::ToServer(ToServer::ImageBlock(_) | ToServer::ImagePage(_)) = frame.message {
            self.last = Some(frame.sequence);
            self.open[usize::from(frame.sequence)] = true;
        }
        match frame.message {
            Message::ToServer(ToServer::ImageBlock(request)) => {
                sent.block_requests += 1;
                self.beyond(request.offset, 0).or_else(|| self.paced(now))
            }
            Message::ToServer(ToServer::ImagePage(request)) => {
                sent.page_requests += 1;
                self.beyond(request.offset, request.page_size).or_else(|| self.paced(now))
            }
            Message::ToServer(ToServer::QueryNextImage(_) | ToServer::QuerySpecificFile(_)) => {
                sent.queries += 1;
                None
            }
            Message::ToServer(ToServer::UpgradeEnd(_)) => {
                sent.ends += 1;
                None
            }
            _ => {
                sent.others += 1;
                None
            }
        }
    }

    fn beyond(&self, offset: u32, page: u16) -> Option<Violation> {
        let size = self.offer.map_or(0, |offer| offer.size);
        let within = offset < size && offset.saturating_add(page.into()) <= size;
        (!within).then_some(Violation::BeyondImage { offset, page, size })
    }

    /// Checks the minimum interval, which retries of lost requests must keep, too.
    fn paced(&mut self, now: Micros) -> Option<Violation> {
        let millis = now / 1000;
        let last = self.last_request.replace(millis)?;
        let (after, Millis(period)) = (millis - last, self.pause.max(self.period));
        let too_fast = after < u64::from(period);
        too_fast.then(|| Violation::TooFast { after: u32::try_from(after).unwrap_or(u32::MAX), period })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zigbee_ota::zcl::{ImageBlockRequest, ImagePageRequest, QueryNextImageRequest};
    use zigbee_ota::{Encode, ImageId};

    const ID: ImageId = ImageId::new(1, 2, 3);

    fn watch(pause: u32, revision: Option<u16>) -> RequestChecker {
        let mut watch = RequestChecker::new(Millis(pause), revision, true);
        watch.begin(ImageOffer { id: ID, size: 100 });
        watch
    }

    #[test]
    fn the_answer_to_a_query_sets_no_period() {
        let mut watch = watch(0, Some(3));
        let (mut out, mut sent) = ([0; 40], FromClient::default());
        let query = ToServer::QueryNextImage(QueryNextImageRequest::new(ID));
        let len = Frame::to_server(7, query).encode(&mut out).unwrap();
        assert_eq!(watch.see(0, &out[..len], &mut sent), None);
        watch.receive(&[0x19, 7, 5, 0x97, 0, 0, 0, 0, 0, 0, 0, 0, 80, 0]);
        assert_eq!((block(&mut watch, 1, 8, 0), block(&mut watch, 2, 9, 10)), (None, None));
    }

    fn block(watch: &mut RequestChecker, millis: Micros, sequence: u8, offset: u32) -> Option<Violation> {
        let request = ImageBlockRequest::new(ID, offset, 64);
        let (mut out, mut sent) = ([0; 40], FromClient::default());
        let len = Frame::to_server(sequence, ToServer::ImageBlock(request)).encode(&mut out).unwrap();
        let broken = watch.see(millis * 1000, &out[..len], &mut sent);
        assert_eq!(sent, FromClient { block_requests: 1, ..FromClient::default() });
        broken
    }

    #[test]
    fn nothing_beyond_the_image_is_asked_for() {
        let mut watch = watch(0, None);
        assert_eq!(block(&mut watch, 0, 0, 99), None);
        let beyond = Violation::BeyondImage { offset: 100, page: 0, size: 100 };
        assert_eq!(block(&mut watch, 0, 1, 100), Some(beyond));
        let mut page = |offset, page_size| {
            let request = ImagePageRequest::new(ID, offset, 9, page_size, 0);
            let (mut out, mut sent) = ([0; 40], FromClient::default());
            let len = Frame::to_server(2, ToServer::ImagePage(request)).encode(&mut out).unwrap();
            watch.see(0, &out[..len], &mut sent)
        };
        assert_eq!(page(60, 40), None);
        assert_eq!(page(60, 41), Some(Violation::BeyondImage { offset: 60, page: 41, size: 100 }));
    }

    #[test]
    fn requests_for_something_new_keep_the_period() {
        let mut own = watch(50, None);
        assert_eq!(block(&mut own, 100, 0, 0), None);
        assert_eq!(block(&mut own, 150, 1, 0), None, "sent again");
        assert_eq!(block(&mut own, 199, 2, 10), Some(Violation::TooFast { after: 49, period: 50 }));
        assert_eq!(block(&mut own, 249, 3, 20), None);

        let wait = |sequence| [0x19, sequence, 5, 0x97, 0, 0, 0, 0, 0, 0, 0, 0, 80, 0];
        for (revision, period) in [(None, 50), (Some(1), 80), (Some(2), 80_000), (Some(3), 80)] {
            let mut told = watch(50, revision);
            assert_eq!(block(&mut told, 0, 0, 0), None);
            told.receive(&wait(0));
            assert_eq!(block(&mut told, 200, 1, 0), None, "the answer says when");
            assert_eq!(block(&mut told, 249, 2, 10), Some(Violation::TooFast { after: 49, period }));
        }
        let mut late = watch(50, Some(3));
        assert_eq!(block(&mut late, 0, 0, 0), None);
        assert_eq!(block(&mut late, 50, 1, 10), None);
        late.receive(&wait(0));
        assert_eq!(
            (block(&mut late, 60, 2, 20), block(&mut late, 110, 3, 30)),
            (None, None),
            "not the last one"
        );
        let mut sent_again = watch(0, Some(3));
        assert_eq!((block(&mut sent_again, 0, 0, 0), block(&mut sent_again, 50, 1, 0)), (None, None));
        sent_again.receive(&[0x19, 0, 5, 0x97, 0, 0, 0, 0, 3, 0, 0, 0]);
        sent_again.receive(&wait(1));
        assert_eq!(
            (block(&mut sent_again, 3050, 2, 0), block(&mut sent_again, 3060, 3, 10)),
            (None, None),
            "the answer to an earlier attempt has ended the wait for this one"
        );
    }
}
