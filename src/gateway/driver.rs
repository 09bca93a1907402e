//! Driver of a gateway: a loop that calls a server, with a bounded queue of received frames that is fair to all
//! clients.
//!
//! ```text
//! turn:  refresh, --> inputs that are ready, at most 16 --> one frame of the queue --> blocks of pages, timers --> events
//!        each second    frames: queue; reports, commands, data: at once                 at most 16
//!
//! queue empty: wait for the next input until the next timer or refresh
//! ```

use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;

use super::command::GatewayCommand;
use super::frame_queue::FrameQueue;
use super::gateway_trait::{Gateway, GatewayInput, LONGEST_RECEIVED, ReceiveBuffer};
use super::session_summary::{SessionReport, SessionSummary};
use crate::aps::{Address, FrameMeta, Transmit};
use crate::server::{Deferred, NotReady, ResponseBuffer, Server, ServerAction, ServerConfig, SessionSlots};
use crate::time::{Instant, Millis};
use crate::types::ImageFilter;
use crate::zcl::LONGEST_TO_CLIENT;

/// Maximum number of inputs that the driver receives in one turn of the loop before it handles a frame.
const INPUTS_PER_TURN: usize = 16;

/// Interval between two calls of [`Gateway::refresh`].
const REFRESH: Millis = Millis(1000);

/// Driver of a gateway, which contains a server and calls the server in a loop. The program of the gateway awaits
/// [`run`](Self::run), which is the loop. The driver runs on any executor, because the gateway implements the wait for
/// an input and the clock.
///
/// The memory of the driver is bounded: at most 64 frames wait in the queue, which takes 20 KB. The driver handles one
/// frame of each client in turn, so a client that sends more frames than the others delays only itself.
#[derive(Clone, Debug)]
pub struct GatewayDriver<S> {
    server: Server<S>,
    queue: FrameQueue,
    /// Time at which the driver next calls [`Gateway::refresh`].
    refresh_at: Instant,
    received: ReceiveBuffer,
    out: ResponseBuffer,
}

impl<S: SessionSlots> GatewayDriver<S> {
    /// Creates the driver with a new server. `new` has the same parameters as [`Server::new`].
    #[must_use]
    pub const fn new(config: ServerConfig, slots: S) -> Self {
        Self {
            server: Server::new(config, slots),
            queue: FrameQueue::NEW,
            refresh_at: Instant::ZERO,
            received: [0; LONGEST_RECEIVED],
            out: [0; LONGEST_TO_CLIENT],
        }
    }

    /// Returns the server, so that the application can call the server while the loop does not run.
    pub const fn server(&mut self) -> &mut Server<S> {
        &mut self.server
    }

    /// Runs the loop of the driver, and never returns. The caller may drop the future of `run` while the loop waits for
    /// an input, and then call `run` again.
    pub async fn run(&mut self, gateway: &mut impl Gateway) -> ! {
        loop {
            self.turn(gateway).await;
        }
    }

    /// Executes one turn of the loop, which waits for an input if no frame is in the queue.
    pub async fn turn(&mut self, gateway: &mut impl Gateway) {
        let now = gateway.now();
        if now >= self.refresh_at {
            self.refresh_at = now.plus(REFRESH);
            for command in gateway.refresh() {
                self.execute(gateway, command).await;
            }
        }
        if self.queue.is_empty() {
            let due = self.server.poll_timeout();
            let deadline = due.map_or(self.refresh_at, |due| due.min(self.refresh_at));
            let input = gateway.receive(deadline, &mut self.received).await;
            self.take_in(gateway, input).await;
        }
        for _ in 1..INPUTS_PER_TURN {
            let input = if self.queue.has_room() { self.receive_ready(gateway).await } else { None };
            if input.is_none() {
                break;
            }
            self.take_in(gateway, input).await;
        }
        if let Some((meta, len)) = self.queue.pop(&mut self.received) {
            self.handle_frame(gateway, meta, len).await;
        }
        self.emit(gateway).await;
    }

    /// Returns an input that the gateway has ready, or `None` if the driver would have to wait for an input.
    async fn receive_ready(&mut self, gateway: &mut impl Gateway) -> Option<GatewayInput> {
        let now = gateway.now();
        let mut input = pin!(gateway.receive(now, &mut self.received));
        poll_fn(|context| match input.as_mut().poll(context) {
            Poll::Ready(input) => Poll::Ready(input),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    async fn take_in(&mut self, gateway: &mut impl Gateway, input: Option<GatewayInput>) {
        match input {
            Some(GatewayInput::Frame(meta, len)) => {
                if let Some(dropped) = self.queue.push(meta, len, &self.received) {
                    gateway.on_dropped(dropped);
                }
            }
            Some(GatewayInput::Delivery(token, report)) => {
                self.server.handle_delivery(gateway.now(), token, report);
                self.pass_events(gateway);
            }
            Some(GatewayInput::Command(command)) => self.execute(gateway, command).await,
            Some(GatewayInput::Data(request, data)) => {
                let data = data.map(|len| self.received.get(..len).unwrap_or_default());
                let transmit = self.server.answer(gateway.now(), request, data, &mut self.out);
                self.send(gateway, &transmit).await;
            }
            None => {}
        }
    }

    async fn handle_frame(&mut self, gateway: &mut impl Gateway, meta: FrameMeta, len: usize) {
        let now = gateway.now();
        gateway.on_frame(&meta, self.received.get(..len).unwrap_or_default());
        let frame = self.received.get(..len).unwrap_or_default();
        let (server, out) = (&mut self.server, &mut self.out);
        let action =
            gateway.lend(|images, policy| server.handle_frame(now, meta, frame, images, policy, out));
        match action {
            ServerAction::Reply(transmit) => self.send(gateway, &transmit).await,
            ServerAction::Deferred(request) => {
                if let Some(request) = gateway.on_deferred(request) {
                    self.answer_gone(gateway, request).await;
                }
            }
            ServerAction::Ignored(reason) => gateway.on_ignored(meta.from, reason),
            ServerAction::Done => {}
        }
    }

    async fn answer_gone(&mut self, gateway: &mut impl Gateway, request: Deferred) {
        let transmit = self.server.answer(gateway.now(), request, Err(NotReady::Gone), &mut self.out);
        self.send(gateway, &transmit).await;
    }

    /// Executes a command of the application, in the same way as a command that arrives as [`GatewayInput::Command`].
    pub async fn execute(&mut self, gateway: &mut impl Gateway, command: GatewayCommand) {
        let now = gateway.now();
        let has_effect = match command.write(&mut self.server, now, &mut self.out) {
            Some(transmit) => {
                self.send(gateway, &transmit).await;
                true
            }
            None => self.change_sessions(gateway, command),
        };
        self.pass_events(gateway);
        gateway.on_command(&command, has_effect);
    }

    /// Executes a command that sends no frame, and returns whether the command had an effect.
    fn change_sessions(&mut self, gateway: &mut impl Gateway, command: GatewayCommand) -> bool {
        match command {
            GatewayCommand::Cancel { client, target } => self.server.cancel(client, target) > 0,
            GatewayCommand::CancelAll { target } => {
                let mut has_effect = false;
                while let Some(client) = self.client_underway(target)
                    && self.server.cancel(client, target) > 0
                {
                    has_effect = true;
                    // The event queue of the server has room for the events of the downloads of one client.
                    self.pass_events(gateway);
                }
                has_effect
            }
            GatewayCommand::Forget { network } => {
                self.queue.forget(network);
                self.server.forget(network)
            }
            GatewayCommand::Moved { old, new } => self.server.moved(old, new),
            GatewayCommand::Status => {
                let now = gateway.now();
                let mut reports = self.server.sessions().map(|session| SessionReport::new(now, session));
                gateway.on_status(&SessionSummary::of(&self.server), &mut reports);
                true
            }
            GatewayCommand::Notify { .. } | GatewayCommand::Hold { .. } | GatewayCommand::Release { .. } => {
                false
            }
        }
    }

    /// Returns a client with a download that is offered or in progress, of an image that `target` matches.
    fn client_underway(&self, target: ImageFilter) -> Option<Address> {
        let mut sessions = self.server.sessions();
        let session = sessions.find(|session| session.is_underway() && target.matches(session.id()))?;
        Some(session.client())
    }

    /// Sends the blocks of pages whose time has come, handles the timers of the server, and passes all events of the
    /// server to the gateway.
    async fn emit(&mut self, gateway: &mut impl Gateway) {
        // The clock is read once in a turn, so that slow sending does not make further blocks due in the same turn.
        let now = gateway.now();
        loop {
            let (server, out) = (&mut self.server, &mut self.out);
            let due = gateway.lend(|images, _| server.poll_transmit(now, images, out));
            let Some(transmit) = due else { break };
            self.send(gateway, &transmit).await;
        }
        self.server.handle_timeout(now);
        self.pass_events(gateway);
    }

    async fn send(&mut self, gateway: &mut impl Gateway, transmit: &Transmit) {
        gateway.send(transmit, self.out.get(..transmit.len).unwrap_or_default()).await;
        self.pass_events(gateway);
    }

    fn pass_events(&mut self, gateway: &mut impl Gateway) {
        while let Some(event) = self.server.poll_event() {
            gateway.on_event(&event);
        }
    }
}
