//! A convenience for storage that does its work at once: what the client asks of storage is done within the call that
//! asks, and only the rest is left to the caller.
//!
//! ```text
//! handle_frame_with:  Store -> Storage::write -> stored
//! poll_need_with:     Prepare -> Storage::prepare -> prepared      Verify -> Storage::verify -> verified
//! ```

use crate::aps::FrameMeta;
use crate::time::Instant;
use crate::zcl::ImageOffer;

use super::Client;
use super::output::{ClientAction, Need, PrepareResult, StoreResult, VerifyResult};

/// Storage for one file that blocks until it is done. Implement it for your flash; the client does the rest through
/// [`handle_frame_with`](Client::handle_frame_with) and [`poll_need_with`](Client::poll_need_with).
pub trait Storage {
    /// Makes room for the whole file: erases, unlocks.
    fn prepare(&mut self, offer: &ImageOffer) -> PrepareResult;

    /// Writes `data` at `offset`, counted from the start of the file.
    fn write(&mut self, offset: u32, data: &[u8]) -> StoreResult;

    /// Checks the whole file.
    fn verify(&mut self, offer: &ImageOffer) -> VerifyResult;
}

impl<const RANGES: usize> Client<RANGES> {
    /// [`handle_frame`](Self::handle_frame), and a block is stored at once. [`ClientAction::Store`] never comes back.
    pub fn handle_frame_with<'f>(
        &mut self,
        now: Instant,
        meta: FrameMeta,
        frame: &'f [u8],
        storage: &mut impl Storage,
    ) -> ClientAction<'f> {
        match self.handle_frame(now, meta, frame) {
            ClientAction::Store(block) => {
                let result = storage.write(block.offset, block.data);
                // The ticket was given out just now.
                self.stored(now, block.ticket, result).ok();
                ClientAction::Done
            }
            handled => handled,
        }
    }

    /// [`poll_need`](Self::poll_need), and storage is prepared and the file verified at once:
    /// [`Need::Prepare`] and [`Need::Verify`] never come back.
    pub fn poll_need_with(&mut self, now: Instant, storage: &mut impl Storage) -> Option<Need> {
        match self.poll_need()? {
            Need::Prepare(ticket, offer) => {
                let result = storage.prepare(&offer);
                self.prepared(now, ticket, result).ok();
                None
            }
            Need::Verify(ticket, offer) => {
                let verdict = storage.verify(&offer);
                self.verified(now, ticket, verdict).ok();
                None
            }
            need => Some(need),
        }
    }
}
