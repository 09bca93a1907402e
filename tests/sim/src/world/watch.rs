//! Holds what one client sends against the laws.

use std::collections::HashSet;

use zigbee_ota::time::Millis;
use zigbee_ota::zcl::{Frame, ImageBlockResponse, ImageOffer, Message, Quirks, ToClient, ToServer};

use super::report::{Broken, FromClient};
use crate::Micros;

/// The last cluster revision whose MinimumBlockPeriod counts seconds.
const LAST_IN_SECONDS: u16 = 2;

const BLOCK_RESPONSE: u8 = 5;
const DEFAULT_RESPONSE: u8 = 0x0b;

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
    /// No frame is damaged, so that it is known what the server asked for.
    trusts: bool,
    last_request: Option<u64>,
    /// Sequence number of the last request.
    last: Option<u8>,
    /// Which sequence numbers are those of requests without an answer.
    open: [bool; 256],
    /// Where what it asked for begins.
    asked: HashSet<u32>,
}

impl Watch {
    pub(super) fn new(pause: Millis, revision: u16, trusts: bool) -> Self {
        Self {
            offer: None,
            pause,
            revision,
            period: Millis(0),
            trusts,
            last_request: None,
            last: None,
            open: [false; 256],
            asked: HashSet::new(),
        }
    }

    /// Takes note of a frame that comes to the client.
    pub(super) fn hear(&mut self, frame: &[u8]) {
        let &[_, sequence, command, status, ..] = frame else { return };
        let is_last = self.last == Some(sequence);
        let is_asked = std::mem::take(&mut self.open[usize::from(sequence)]);
        // An answer without data, Image Block Response or Default Response, says itself when to ask again; and what
        // was not asked for, such as an answer to a request of before a restart, is no reason to wait.
        let is_refusal = command == DEFAULT_RESPONSE || (command == BLOCK_RESPONSE && status != 0);
        if is_refusal || !is_asked {
            self.last_request = None;
        }
        if !is_asked {
            self.last = None;
        }
        // What comes late, a client may pass over.
        if !is_refusal || !is_last || !is_asked || !self.trusts {
            return;
        }
        if let Ok(frame) = Frame::decode(frame, Quirks::all())
            && let Message::ToClient(ToClient::ImageBlock(ImageBlockResponse::Wait(wait))) = frame.message
            && let Some(period) = wait.min_block_period.filter(|_| self.revision > 0)
        {
            let seconds = self.revision <= LAST_IN_SECONDS;
            self.period = if seconds { Millis::secs(period.into()) } else { Millis(period.into()) };
        }
    }

    /// Counts a frame of the client's; what it breaks.
    pub(super) fn see(&mut self, now: Micros, frame: &[u8], sent: &mut FromClient) -> Option<Broken> {
        let Ok(frame) = Frame::decode(frame, Quirks::empty()) else { return Some(Broken::Malformed) };
        if let Message::ToServer(_) = frame.message {
            self.last = Some(frame.sequence);
            self.open[usize::from(frame.sequence)] = true;
        }
        match frame.message {
            Message::ToServer(ToServer::ImageBlock(request)) => {
                sent.block_requests += 1;
                self.beyond(request.offset, 0).or_else(|| self.paced(now, request.offset))
            }
            Message::ToServer(ToServer::ImagePage(request)) => {
                sent.page_requests += 1;
                self.beyond(request.offset, request.page_size).or_else(|| self.paced(now, request.offset))
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

    /// A request that was lost may be sent again at once, as its answer is overdue; the period is that of blocks.
    fn paced(&mut self, now: Micros, offset: u32) -> Option<Broken> {
        let millis = now / 1000;
        let last = self.last_request.replace(millis);
        let is_new = self.asked.insert(offset);
        let last = last.filter(|_| is_new)?;
        let (after, Millis(period)) = (millis - last, self.pause.max(self.period));
        let too_fast = after < u64::from(period);
        too_fast.then(|| Broken::TooFast { after: u32::try_from(after).unwrap_or(u32::MAX), period })
    }
}
