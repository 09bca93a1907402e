//! Driver: a loop that calls a client on a device with asynchronous storage and radio. The driver receives frames and
//! handles timers while an operation on storage runs.
//!
//! ```text
//! turn:  timeout, needs, frames, events --> work of storage --> answer, frames, events --> save --> wait
//!                                              |  meanwhile: receive -> handle_frame -> frames, events
//! ```
//!
//! A block that arrives during an operation on storage waits in the frame buffer, and the driver receives no further
//! frame until this operation has ended.

use core::future::poll_fn;
use core::pin::{Pin, pin};
use core::task::Poll;

use super::board_traits::{AsyncBoard, FrameBuffer, Input};
use super::device_storage_traits::AsyncDeviceStorage;
use super::driver::answer_attributes;
use super::saved_state::SavedState;
use crate::client::{
    Block, Client, ClientAction, ClientConfig, Need, PrepareResult, RequestBuffer, StoreResult, Ticket,
    VerifyResult,
};
use crate::time::Instant;
use crate::zcl::{ImageOffer, LONGEST_ATTRIBUTES, LONGEST_TO_CLIENT, LONGEST_TO_SERVER};

/// Driver of a device, which contains a client and asynchronous storage, and calls client and storage in a loop. The
/// device awaits [`run`](Self::run), which executes the loop.
///
/// `RANGES` is the maximum number of out-of-order ranges of the [`Client`]: separate runs of received bytes beyond the
/// first missing byte of the file. If `RANGES` is 0, the client requests one block after the other, and the firmware of
/// the device contains no code for several block requests at once (windows) or for Image Page Requests.
#[derive(Debug)]
pub struct AsyncDriver<S, const RANGES: usize = 8> {
    client: Client<RANGES>,
    storage: S,
    out: RequestBuffer,
    frame: FrameBuffer,
    /// Copy of the block that is being written, so that the frame buffer can receive the next frame.
    block: BlockBuffer,
}

/// Buffer with room for the longest block, which has 255 bytes of data.
type BlockBuffer = [u8; 255];

/// Job: an operation on storage that the driver executes, such as the write of a block.
enum Job {
    Save(SavedState),
    Prepare(Ticket, ImageOffer),
    /// Job that writes the given number of bytes from the block buffer to the given offset of the file.
    Write(Ticket, u32, usize),
    Verify(Ticket, ImageOffer),
}

/// Completed job, with its result and with the ticket by which the driver passes the result to the client.
enum Done {
    Saved,
    Prepared(Ticket, PrepareResult),
    Written(Ticket, StoreResult),
    Verified(Ticket, VerifyResult),
}

impl Job {
    /// Copies the data of a block to the block buffer, and returns the job that writes the data to storage.
    fn write(block: &Block<'_>, buffer: &mut BlockBuffer) -> Self {
        buffer.iter_mut().zip(block.data).for_each(|(place, byte)| *place = *byte);
        Self::Write(block.ticket, block.offset, block.data.len())
    }

    async fn run(self, storage: &mut impl AsyncDeviceStorage, block: &BlockBuffer) -> Done {
        match self {
            Self::Save(state) => {
                storage.save(&state).await;
                Done::Saved
            }
            Self::Prepare(ticket, offer) => Done::Prepared(ticket, storage.prepare(&offer).await),
            Self::Write(ticket, offset, len) => {
                Done::Written(ticket, storage.write(offset, block.get(..len).unwrap_or_default()).await)
            }
            Self::Verify(ticket, offer) => Done::Verified(ticket, storage.verify(&offer).await),
        }
    }
}

impl Done {
    fn answer<const RANGES: usize>(self, client: &mut Client<RANGES>, now: Instant) {
        // A ticket is stale if the upgrade was aborted while storage worked.
        match self {
            Self::Saved => Ok(()),
            Self::Prepared(ticket, result) => client.prepared(now, ticket, result),
            Self::Written(ticket, result) => client.stored(now, ticket, result),
            Self::Verified(ticket, result) => client.verified(now, ticket, result),
        }
        .ok();
    }
}

impl<S: AsyncDeviceStorage, const RANGES: usize> AsyncDriver<S, RANGES> {
    /// Creates the driver after the device has started. The client continues the upgrade that `storage` has saved,
    /// as [`SavedState::start`] describes; `config` and `seed` are those of [`Client::new`].
    pub async fn start(config: ClientConfig, seed: u64, mut storage: S, now: Instant) -> Self {
        let config = storage.configure(config);
        let saved = storage.load().await;
        Self {
            client: saved.start(config, seed, now),
            storage,
            out: [0; LONGEST_TO_SERVER],
            frame: [0; LONGEST_TO_CLIENT],
            block: [0; 255],
        }
    }

    /// Returns the client, so that the application can call the client while the loop does not run.
    pub const fn client(&mut self) -> &mut Client<RANGES> {
        &mut self.client
    }

    /// Returns the storage of the device.
    pub const fn storage(&mut self) -> &mut S {
        &mut self.storage
    }

    /// Runs the loop of the driver, and never returns. If the device drops the future of `run` during an operation on
    /// storage, the operation ends incomplete. After an incomplete operation on storage, the device must create a new
    /// driver by [`start`](Self::start).
    pub async fn run(&mut self, board: &mut impl AsyncBoard) -> ! {
        let mut waiting = None;
        loop {
            self.client.handle_timeout(board.now());
            board.on_turn(&mut self.client);
            let job = match waiting.take() {
                Some(job) => Some(job),
                None => self.serve_needs(board).await,
            };
            emit(&mut self.client, &mut self.out, board).await;
            let mut is_idle = job.is_none();
            if let Some(job) = job {
                waiting = self.perform(job, board, &mut is_idle).await;
            }
            let state = SavedState::of(&self.client);
            if waiting.is_some() {
                // The block buffer still contains a block that is not stored, so that no further block can be received.
                self.storage.save(&state).await;
            } else {
                waiting = self.perform(Job::Save(state), board, &mut is_idle).await;
            }
            if is_idle && waiting.is_none() {
                let input = board.receive(self.client.poll_timeout(), &mut self.frame).await;
                let block = handle(&mut self.client, input, &self.frame, board).await;
                waiting = block.map(|block| Job::write(&block, &mut self.block));
            }
        }
    }

    /// Handles the needs of the client, up to the first [`Need`] that requires an operation on storage, and returns the
    /// job with this operation.
    async fn serve_needs(&mut self, board: &mut impl AsyncBoard) -> Option<Job> {
        // The client has just issued the tickets, so that no answer is stale.
        while let Some(need) = self.client.poll_need() {
            match need {
                Need::Prepare(ticket, offer) => return Some(Job::Prepare(ticket, offer)),
                Need::Verify(ticket, offer) => return Some(Job::Verify(ticket, offer)),
                Need::Decide(ticket, offer) => {
                    let decision = board.decide(ticket, &offer);
                    decision.answer(&mut self.client, board.now(), ticket);
                }
                Need::Apply(ticket, image) => {
                    self.storage.save(&SavedState::before_apply(&self.client)).await;
                    let result = board.apply(image).await;
                    self.client.applied(board.now(), ticket, result).ok();
                }
                need => board.on_need(&mut self.client, need),
            }
        }
        None
    }

    /// Executes `job`, and handles frames while `job` runs. If a block arrives while `job` runs, returns the job that
    /// writes the block. Sets `is_idle` to `false` if the board returns an input while `job` runs, or if the deadline
    /// of a timer passes while `job` runs.
    async fn perform(&mut self, job: Job, board: &mut impl AsyncBoard, is_idle: &mut bool) -> Option<Job> {
        let Self { client, storage, out, frame, block } = self;
        let (done, arrived) = {
            let mut work = pin!(job.run(storage, block));
            loop {
                let input = match select(work.as_mut(), board.receive(client.poll_timeout(), frame)).await {
                    Selected::Work(done) => break (done, None),
                    Selected::Input(input) => input,
                };
                *is_idle = false;
                if let Some(arrived) = handle(client, input, frame, board).await {
                    break (work.await, Some(arrived));
                }
                client.handle_timeout(board.now());
                emit(client, out, board).await;
            }
        };
        done.answer(client, board.now());
        let arrived = arrived.map(|arrived| Job::write(&arrived, block));
        emit(client, out, board).await;
        arrived
    }
}

/// Passes an input to the client. Returns the block that the storage has to write; `None` if the input holds no block.
async fn handle<'f, const RANGES: usize>(
    client: &mut Client<RANGES>,
    input: Option<Input>,
    frame: &'f FrameBuffer,
    board: &mut impl AsyncBoard,
) -> Option<Block<'f>> {
    match input? {
        Input::Frame(meta, len) => {
            match client.handle_frame(board.now(), meta, frame.get(..len).unwrap_or_default()) {
                ClientAction::Store(block) => return Some(block),
                ClientAction::AnswerAttributes(question) => {
                    let mut answer = [0; LONGEST_ATTRIBUTES];
                    if let Some(transmit) = answer_attributes(client, &question, meta.from, &mut answer) {
                        board.send(&transmit, answer.get(..transmit.len).unwrap_or_default()).await;
                    }
                }
                ClientAction::Ignored(reason) => board.on_ignored(reason),
                ClientAction::Done => {}
            }
        }
        Input::Delivery(token, report) => client.handle_delivery(board.now(), token, report),
        Input::ConnectionLost => client.connection_lost(board.now()),
    }
    None
}

/// Sends all frames that are due, and passes all events of the client to the board.
async fn emit<const RANGES: usize>(
    client: &mut Client<RANGES>,
    out: &mut RequestBuffer,
    board: &mut impl AsyncBoard,
) {
    while let Some(transmit) = client.poll_transmit(board.now(), out) {
        board.send(&transmit, out.get(..transmit.len).unwrap_or_default()).await;
    }
    while let Some(event) = client.poll_event() {
        board.on_event(&event);
    }
}

/// Result of waiting for two futures: the output of the future that was ready first.
enum Selected<A, B> {
    Work(A),
    Input(B),
}

/// Waits for the storage job or for an input, whichever is ready first.
async fn select<A: Future, B: Future>(mut work: Pin<&mut A>, input: B) -> Selected<A::Output, B::Output> {
    let mut input = pin!(input);
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Selected::Work(done));
        }
        input.as_mut().poll(context).map(Selected::Input)
    })
    .await
}
