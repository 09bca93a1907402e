//! Holds what one client sends against the laws.

use zigbee_ota::link::Address;
use zigbee_ota::time::Millis;
use zigbee_ota::zcl::{Frame, ImageBlockResponse, ImageOffer, Message, Quirks, ToClient, ToServer};

use super::report::{Broken, FromClient};
use crate::Micros;

/// The last cluster revision whose MinimumBlockPeriod counts seconds.
const LAST_IN_SECONDS: u16 = 2;

/// What is known of a client from outside.
#[derive(Debug)]
pub(super) struct Watch {
    /// What it downloads.
    pub(super) offer: Option<ImageOffer>,
    /// The least time between two requests that it set itself.
    pause: Millis,
    /// Its ClusterRevision; 0 knows no period of the server's.
    revision: u16,
    /// What the server asked for.
    period: Millis,
    last_request: Option<u64>,
}

impl Watch {
    pub(super) const fn new(pause: Millis, revision: u16) -> Self {
        Self { offer: None, pause, revision, period: Millis(0), last_request: None }
    }

    /// Takes note of a frame that comes to the client.
    pub(super) fn hear(&mut self, from: Address, frame: &[u8]) {
        // Of all frames, only those that ask to wait are of interest: command 5 with a status other than SUCCESS.
        if self.revision == 0 || from != super::SERVER || frame.get(2..4).is_none_or(|head| head != [5, 0x97])
        {
            return;
        }
        if let Ok(frame) = Frame::decode(frame, Quirks::all())
            && let Message::ToClient(ToClient::ImageBlock(ImageBlockResponse::Wait(wait))) = frame.message
            && let Some(period) = wait.min_block_period
        {
            let seconds = self.revision <= LAST_IN_SECONDS;
            self.period = if seconds { Millis::secs(period.into()) } else { Millis(period.into()) };
        }
    }

    /// Counts a frame of the client's; what it breaks.
    pub(super) fn see(&mut self, now: Micros, frame: &[u8], sent: &mut FromClient) -> Option<Broken> {
        let Ok(frame) = Frame::decode(frame, Quirks::empty()) else { return Some(Broken::Malformed) };
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

    fn beyond(&self, offset: u32, page: u16) -> Option<Broken> {
        let size = self.offer.map_or(0, |offer| offer.size);
        let within = offset < size && offset.saturating_add(page.into()) <= size;
        (!within).then_some(Broken::BeyondImage { offset, page, size })
    }

    fn paced(&mut self, now: Micros) -> Option<Broken> {
        let millis = now / 1000;
        let last = self.last_request.replace(millis)?;
        let (after, Millis(period)) = (millis - last, self.pause.max(self.period));
        let too_fast = after < u64::from(period);
        too_fast.then(|| Broken::TooFast { after: u32::try_from(after).unwrap_or(u32::MAX), period })
    }
}
