//! Driver: a loop that calls a client on a device with blocking storage and radio.
//!
//! ```text
//! resume once -> handle_timeout -> on_turn -> needs -> frames -> events -> save -> receive -> handle_frame -> ...
//! ```

use super::board_traits::{Board, FrameBuffer, Input};
use super::device_storage_traits::DeviceStorage;
use super::saved_state::SavedState;
use crate::aps::{Address, DeliveryMode, FrameMeta, Transmit};
use crate::client::{Client, ClientAction, ClientConfig, Need};
use crate::time::Instant;
use crate::zcl::{Frame, LONGEST_ATTRIBUTES, LONGEST_TO_CLIENT, LONGEST_TO_SERVER};

/// Driver of a device, which contains a client and storage, and calls client and storage in a loop. The device calls
/// [`step`](Self::step) in an endless loop.
///
/// `RANGES` is the maximum number of out-of-order ranges of the [`Client`]: separate runs of received bytes beyond the
/// first missing byte of the file. If `RANGES` is 0, the client requests one block after the other, and the firmware of
/// the device contains no code for several block requests at once (windows) or for Image Page Requests.
#[derive(Debug)]
pub struct Driver<S, const RANGES: usize = 8> {
    client: Client<RANGES>,
    storage: S,
    /// Time at which the device started; `None` after the driver has loaded the state that the device saved before the
    /// start.
    started_at: Option<Instant>,
}

impl<S: DeviceStorage, const RANGES: usize> Driver<S, RANGES> {
    /// Creates the driver after the device has started; `config` and `seed` are those of [`Client::new`]. The first
    /// call of [`step`](Self::step) or [`client`](Self::client) loads the state that `storage` has saved, and the
    /// client continues the upgrade, as [`SavedState::start`] describes.
    // If the client resumed in this function, the stack would hold the client twice during the calls that resume: as a
    // local variable here, and as part of the result in the caller. The calls that resume have the deepest stack of the
    // whole device.
    #[must_use]
    #[inline(never)]
    pub fn start(config: ClientConfig, seed: u64, storage: S, now: Instant) -> Self {
        let config = storage.configure(config);
        Self { client: Client::with_ranges(config, seed, now), storage, started_at: Some(now) }
    }

    /// Loads the saved state and continues the upgrade in the saved state, unless an earlier call has already loaded
    /// the state.
    #[inline(never)]
    fn resume(&mut self) {
        if let Some(now) = self.started_at.take() {
            self.storage.load().resume(&mut self.client, now);
        }
    }

    /// Returns the client, so that the application can call the client between two calls of [`step`](Self::step).
    pub fn client(&mut self) -> &mut Client<RANGES> {
        self.resume();
        &mut self.client
    }

    /// Returns the storage of the device.
    pub const fn storage(&mut self) -> &mut S {
        &mut self.storage
    }

    /// Executes one turn of the loop: handles all timers, needs, frames and events that are due, then waits in
    /// [`Board::receive`] and handles the received input.
    // The steps of a turn are not inlined into each other: the deepest path, through `handle_frame`, would carry the
    // local variables of all other steps on its stack. For the same reason each buffer is a local variable of its step,
    // and no part of the driver: while storage verifies a file, its variables can use the memory of the frame buffer.
    #[inline(never)]
    pub fn step(&mut self, board: &mut impl Board) {
        self.resume();
        self.client.handle_timeout(board.now());
        board.on_turn(&mut self.client);
        self.serve_needs(board);
        self.emit(board);
        self.save();
        self.receive(board);
    }

    #[inline(never)]
    fn serve_needs(&mut self, board: &mut impl Board) {
        while let Some(need) = self.client.poll_need_with(board.now(), &mut self.storage) {
            // The client has just issued the tickets, so that no answer is stale.
            match need {
                Need::Decide(ticket, offer) => {
                    let decision = board.decide(ticket, &offer);
                    decision.answer(&mut self.client, board.now(), ticket);
                }
                Need::Apply(ticket, image) => {
                    self.save_before_apply();
                    let result = board.apply(image);
                    self.client.applied(board.now(), ticket, result).ok();
                }
                need => board.on_need(&mut self.client, need),
            }
        }
    }

    #[inline(never)]
    fn emit(&mut self, board: &mut impl Board) {
        let mut out = [0; LONGEST_TO_SERVER];
        while let Some(transmit) = self.client.poll_transmit(board.now(), &mut out) {
            board.send(&transmit, out.get(..transmit.len).unwrap_or_default());
        }
        while let Some(event) = self.client.poll_event() {
            board.on_event(&event);
        }
    }

    #[inline(never)]
    fn save(&mut self) {
        self.storage.save(&SavedState::of(&self.client));
    }

    #[inline(never)]
    fn save_before_apply(&mut self) {
        self.storage.save(&SavedState::before_apply(&self.client));
    }

    #[inline(never)]
    fn receive(&mut self, board: &mut impl Board) {
        let mut frame: FrameBuffer = [0; LONGEST_TO_CLIENT];
        match board.receive(self.client.poll_timeout(), &mut frame) {
            Some(Input::Frame(meta, len)) => {
                self.handle_frame(board, meta, frame.get(..len).unwrap_or_default());
            }
            Some(Input::Delivery(token, report)) => {
                self.client.handle_delivery(board.now(), token, report);
            }
            Some(Input::ConnectionLost) => self.client.connection_lost(board.now()),
            None => {}
        }
    }

    #[inline(never)]
    fn handle_frame(&mut self, board: &mut impl Board, meta: FrameMeta, frame: &[u8]) {
        match self.client.handle_frame_with(board.now(), meta, frame, &mut self.storage) {
            ClientAction::AnswerAttributes(question) => {
                send_attributes(&self.client, &question, meta.from, board);
            }
            ClientAction::Ignored(reason) => board.on_ignored(reason),
            ClientAction::Done | ClientAction::Store(_) => {}
        }
    }
}

#[inline(never)]
fn send_attributes<const RANGES: usize>(
    client: &Client<RANGES>,
    question: &Frame<'_>,
    from: Address,
    board: &mut impl Board,
) {
    let mut answer = [0; LONGEST_ATTRIBUTES];
    if let Some(transmit) = answer_attributes(client, question, from, &mut answer) {
        board.send(&transmit, answer.get(..transmit.len).unwrap_or_default());
    }
}

/// Writes the answer to a frame that reads, writes or discovers attributes; returns `None` if the frame needs no
/// answer.
pub(super) fn answer_attributes<const RANGES: usize>(
    client: &Client<RANGES>,
    question: &Frame<'_>,
    from: Address,
    out: &mut [u8; LONGEST_ATTRIBUTES],
) -> Option<Transmit> {
    let len = client.attributes().answer(question, out).ok().flatten()?;
    Some(Transmit::new(from, len, DeliveryMode::Unicast))
}
