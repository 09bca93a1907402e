//! Recent requests between one client and one server.
//!
//! ```text
//! pair   client, server      requests   12 x (sequence number, request), newest first      page   (sequence number, request)
//! ```

use super::Meaning;
use crate::aps::Address;
use crate::zcl::{BlockData, CommandId, DefaultResponse, ImageBlockRequest, ImagePageRequest, ToServer};

/// Recent requests of one client to one server; the server may still send responses to these requests.
#[derive(Clone, Copy, Debug)]
pub struct Conversation {
    /// Addresses of client and server; `None` in a free slot.
    pair: Option<(Address, Address)>,
    /// Serial number of the newest request of this pair of client and server. One counter of the observer numbers the
    /// requests of all pairs of client and server.
    last_request: u32,
    /// Requests of the client with their sequence numbers, newest request first.
    requests: [Option<(u8, ToServer)>; REQUESTS],
    /// Newest page request of the pair, with its sequence number. The newest page request is not in the list of
    /// requests, because blocks of its page may arrive after any number of other requests.
    page: Option<(u8, ImagePageRequest)>,
}

/// Number of requests that a conversation keeps. A client has fewer than 12 requests in flight, so the request that a
/// late or repeated response answers is still in the conversation. With 12 requests, a conversation takes at most 768
/// bytes.
const REQUESTS: usize = 12;

const _: () = assert!(size_of::<Conversation>() <= 768);

impl Conversation {
    /// Conversation of a free slot.
    pub const EMPTY: Self = Self { pair: None, last_request: 0, requests: [None; REQUESTS], page: None };

    pub(super) const fn between(client: Address, server: Address) -> Self {
        Self { pair: Some((client, server)), ..Self::EMPTY }
    }

    pub(super) fn is_between(&self, client: Address, server: Address) -> bool {
        self.pair == Some((client, server))
    }

    /// Returns the number of requests that all pairs of client and server have sent since the newest request of this
    /// pair. Returns `u32::MAX` for a free slot.
    pub(super) const fn age(&self, now: u32) -> u32 {
        match self.pair {
            Some(_) => now.wrapping_sub(self.last_request),
            None => u32::MAX,
        }
    }

    /// Adds a request to the conversation. If the client repeats a request with the same sequence number, the
    /// conversation keeps a single entry for the request.
    pub(super) fn add(&mut self, now: u32, sequence: u8, request: ToServer) {
        self.last_request = now;
        if let ToServer::ImagePage(page) = request {
            self.page = Some((sequence, page));
        } else if !self.requests.contains(&Some((sequence, request))) {
            self.requests.rotate_right(1);
            if let Some(newest) = self.requests.first_mut() {
                *newest = Some((sequence, request));
            }
        }
    }

    /// Returns the request of this conversation that a frame with the sequence number `sequence` and the meaning
    /// `meaning` answers.
    pub(super) fn request_for(&self, sequence: u8, meaning: &Meaning<'_>) -> Option<ToServer> {
        match meaning {
            Meaning::Offer(_) | Meaning::NoOffer(_) => self.find(sequence, |request| {
                matches!(request, ToServer::QueryNextImage(_) | ToServer::QuerySpecificFile(_))
            }),
            Meaning::Block(block) => self.find_block(sequence, block),
            Meaning::Wait(_) | Meaning::Abort | Meaning::BlockRefused(_) => self.find(sequence, |request| {
                matches!(request, ToServer::ImageBlock(_) | ToServer::ImagePage(_))
            }),
            Meaning::UpgradeEndResponse(_) => {
                self.find(sequence, |request| matches!(request, ToServer::UpgradeEnd(_)))
            }
            Meaning::DefaultResponse(DefaultResponse { command, status: _ }) => {
                self.find_command(sequence, *command)
            }
            Meaning::ImageNotify(_)
            | Meaning::Query(_)
            | Meaning::SpecificFileQuery(_)
            | Meaning::BlockRequest(_)
            | Meaning::PageRequest(_)
            | Meaning::UpgradeEndRequest(_)
            | Meaning::Other => None,
        }
    }

    fn find_command(&self, sequence: u8, command: CommandId) -> Option<ToServer> {
        self.find(sequence, |request| request.command() == command)
    }

    /// Returns the newest request that has this sequence number and for which `matches` returns `true`.
    fn find(&self, sequence: u8, matches: impl Fn(&ToServer) -> bool) -> Option<ToServer> {
        let page = self.page.map(|(number, page)| (number, ToServer::ImagePage(page)));
        let all = self.requests.iter().chain([&page]).flatten();
        all.copied()
            .find(|(number, request)| *number == sequence && matches(request))
            .map(|(_, request)| request)
    }

    /// Returns the block request that has the sequence number `sequence`, and the file and the offset of `block`. If no
    /// block request has this sequence number, file and offset, the method returns the newest page request if its page
    /// contains the first byte of the block, whatever the sequence number of the page request.
    fn find_block(&self, sequence: u8, block: &BlockData<'_>) -> Option<ToServer> {
        let is_requested = |request: &ToServer| match request {
            ToServer::ImageBlock(ImageBlockRequest { id, offset, .. }) => {
                (*id, *offset) == (block.id, block.offset)
            }
            _ => false,
        };
        self.find(sequence, is_requested).or_else(|| {
            let page = self.page.map(|(_, page)| page).filter(|page| is_within(block, page))?;
            Some(ToServer::ImagePage(page))
        })
    }
}

/// Returns whether the first byte of `block` is within the page that the request `page` names.
fn is_within(block: &BlockData<'_>, page: &ImagePageRequest) -> bool {
    let position = block.offset.checked_sub(page.offset);
    block.id == page.id && position.is_some_and(|position| position < u32::from(page.page_size))
}
