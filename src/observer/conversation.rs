//! What was asked lately between one client and one server.
//!
//! ```text
//! pair   client, server      requests   12 x (sequence number, request), newest first      page   (sequence number, request)
//! ```

use super::Meaning;
use crate::aps::Address;
use crate::zcl::{BlockData, CommandId, DefaultResponse, ImageBlockRequest, ImagePageRequest, ToServer};

/// The requests of one client to one server that an answer may still come to.
#[derive(Clone, Copy, Debug)]
pub struct Conversation {
    /// Client and server; `None` for a slot that is free.
    pair: Option<(Address, Address)>,
    /// When it was last asked anything, counted in requests.
    heard: u32,
    /// Sequence numbers and requests, the newest first.
    requests: [Option<(u8, ToServer)>; KEPT],
    /// The page that blocks may come from, whatever was asked for after it.
    page: Option<(u8, ImagePageRequest)>,
}

/// Requests that are kept: more than a client that asks for several blocks at a time has under way.
const KEPT: usize = 12;

const _: () = assert!(size_of::<Conversation>() <= 768);

impl Conversation {
    /// Between nobody.
    pub const EMPTY: Self = Self { pair: None, heard: 0, requests: [None; KEPT], page: None };

    pub(super) const fn between(client: Address, server: Address) -> Self {
        Self { pair: Some((client, server)), ..Self::EMPTY }
    }

    pub(super) fn is_of(&self, client: Address, server: Address) -> bool {
        self.pair == Some((client, server))
    }

    /// For how many requests it was not heard of, the most of all for a free slot.
    pub(super) const fn silence(&self, now: u32) -> u32 {
        match self.pair {
            Some(_) => now.wrapping_sub(self.heard),
            None => u32::MAX,
        }
    }

    /// Takes a request down. One that is sent again, number and all, is the same request.
    pub(super) fn asked(&mut self, now: u32, sequence: u8, request: ToServer) {
        self.heard = now;
        if let ToServer::ImagePage(page) = request {
            self.page = Some((sequence, page));
        } else if !self.requests.contains(&Some((sequence, request))) {
            self.requests.rotate_right(1);
            if let Some(newest) = self.requests.first_mut() {
                *newest = Some((sequence, request));
            }
        }
    }

    /// The request that a frame with this number and meaning answers.
    pub(super) fn answered(&self, sequence: u8, means: &Meaning<'_>) -> Option<ToServer> {
        match means {
            Meaning::Offer(_) | Meaning::NoOffer(_) => self.numbered(sequence, |request| {
                matches!(request, ToServer::QueryNextImage(_) | ToServer::QuerySpecificFile(_))
            }),
            Meaning::Block(block) => self.asking_for(sequence, block),
            Meaning::Wait(_) | Meaning::Abort | Meaning::Failed(_) => self.numbered(sequence, |request| {
                matches!(request, ToServer::ImageBlock(_) | ToServer::ImagePage(_))
            }),
            Meaning::Order(_) => {
                self.numbered(sequence, |request| matches!(request, ToServer::UpgradeEnd(_)))
            }
            Meaning::DefaultResponse(DefaultResponse { command, .. }) => self.commanded(sequence, *command),
            _ => None,
        }
    }

    fn commanded(&self, sequence: u8, command: CommandId) -> Option<ToServer> {
        self.numbered(sequence, |request| request.command() == command)
    }

    /// The newest request with this number that is of the right kind.
    fn numbered(&self, sequence: u8, is_right: impl Fn(&ToServer) -> bool) -> Option<ToServer> {
        let page = self.page.map(|(number, page)| (number, ToServer::ImagePage(page)));
        let all = self.requests.iter().chain([&page]).flatten();
        all.copied()
            .find(|(number, request)| *number == sequence && is_right(request))
            .map(|(_, request)| request)
    }

    fn asking_for(&self, sequence: u8, block: &BlockData<'_>) -> Option<ToServer> {
        let is_asked = |request: &ToServer| match request {
            ToServer::ImageBlock(ImageBlockRequest { id, offset, .. }) => {
                (*id, *offset) == (block.id, block.offset)
            }
            _ => false,
        };
        self.numbered(sequence, is_asked).or_else(|| {
            let page = self.page.map(|(_, page)| page).filter(|page| is_within(block, page))?;
            Some(ToServer::ImagePage(page))
        })
    }
}

/// Whether the page has a place for the first byte of the block.
fn is_within(block: &BlockData<'_>, page: &ImagePageRequest) -> bool {
    let place = block.offset.checked_sub(page.offset);
    block.id == page.id && place.is_some_and(|place| place < u32::from(page.page_size))
}
