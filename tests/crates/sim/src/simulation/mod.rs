//! Large simulation: many clients and one server with every kind of fault, checked against rules that always hold.
//!
//! ```text
//!   Host: Server, files, policy  <-->  Net: faults,  APS, radio channel  <-->  Device: Client, flash, power  (n times)
//!                                                                                |
//!                                                                              RequestChecker
//! ```
//!
//! - An upgraded client holds exactly the file that was offered.
//! - Each word of flash is written once, as a whole.
//! - Requests stay within the image.
//! - Requests keep the requested minimum interval.
//! - Every client ends, with a reason.
//!
//! Violations are listed in the [`Report`].

mod device;
mod foreign_device;
mod light_switches;
mod own_or_foreign_client;
mod report;
mod request_checker;
mod server_host;
mod settings;

use zigbee_ota::aps::{Address, DeliveryMode, FrameMeta};
use zigbee_ota::server::StoreEntry;
use zigbee_ota::time::Instant;

use crate::net::{Arrival, Net};
use crate::radio::Node;
use crate::{EventQueue, Micros};
use light_switches::LightSwitches;
use own_or_foreign_client::ClientNode;
pub use report::{ClientReport, End, FromClient, FromServer, Report, Violation};
use server_host::{Answer, Host};
pub(crate) use settings::client_config;
pub use settings::{
    Device as DeviceSettings, Host as HostSettings, Incident, Notify, PowerCut, SERVER, Settings,
};

/// Verification of a whole file.
pub type Check<'a> = dyn Fn(&[u8]) -> bool + 'a;

/// Scheduled event of the simulation.
enum Wake {
    /// Timer of a client.
    Client(Node),
    /// The server sends a finished response.
    Answer(Answer),
    /// A job of a client is done, unless the client was restarted since.
    Worked(Node, u32),
    /// A sleepy client polls.
    Poll(Node, u32),
    /// The power of a client fails.
    PowerCut(Node),
    /// The power of a client is restored.
    Boot(Node),
    /// An incident at the server.
    Incident(Incident),
    /// A light switch sends a command.
    Command,
}

/// Shared state that a node acts on.
struct Context<'a> {
    now: Micros,
    net: &'a mut Net,
    queue: &'a mut EventQueue<Wake>,
    trace: bool,
}

impl Context<'_> {
    /// Prints an event when tracing is on.
    fn trace(&self, node: Node, what: impl FnOnce() -> String) {
        if self.trace {
            println!("{:>12.3} ms  node {node}  {}", self.now as f64 / 1000.0, what());
        }
    }
}

/// Formats a frame in hexadecimal, with its command id first.
fn hex(frame: &[u8]) -> String {
    let command = frame.get(2).copied().unwrap_or_default();
    let bytes: Vec<_> = frame.iter().take(24).map(|byte| format!("{byte:02x}")).collect();
    format!("{command:#04x}: {} ({} bytes)", bytes.join(" "), frame.len())
}

const fn instant(now: Micros) -> Instant {
    Instant::from_millis(now / 1000)
}

/// First network address of the clients.
const FIRST_CLIENT: u16 = 0x1000;

const fn address_of(node: Node) -> Address {
    match node {
        0 => SERVER,
        client => Address::new(FIRST_CLIENT + client, 1),
    }
}

const fn node_of(address: Address) -> Node {
    address.network.saturating_sub(FIRST_CLIENT)
}

/// Simulation of many clients and one server.
pub struct Simulation<'a> {
    seed: u64,
    patience: Micros,
    longest: Micros,
    trace: bool,
    now: Micros,
    net: Net,
    queue: EventQueue<Wake>,
    host: Host<'a>,
    devices: Vec<ClientNode>,
    commands: Option<LightSwitches>,
    /// Number of clients that have not ended.
    left: usize,
}

impl<'a> Simulation<'a> {
    /// Creates a simulation whose server offers the first of `files`.
    #[must_use]
    pub fn new(settings: &Settings, files: &'a [StoreEntry<'a>]) -> Self {
        let mut queue = EventQueue::default();
        for (at, incident) in &settings.incidents {
            queue.put(*at, Wake::Incident(*incident));
        }
        let devices = (1..=settings.clients).map(|node| ClientNode::new(node, settings)).collect();
        let commands = settings.commands.map(|interval| LightSwitches::new(interval, settings));
        if commands.is_some() {
            queue.put(0, Wake::Command);
        }
        Self {
            seed: settings.seed,
            patience: settings.patience,
            longest: settings.longest,
            trace: settings.trace,
            now: 0,
            net: Net::new(settings.net.clone(), settings.clients, settings.seed),
            queue,
            host: Host::new(settings.host, files),
            devices,
            commands,
            left: usize::from(settings.clients),
        }
    }

    /// Sets the verification of files: clients run no file that `check` rejects.
    #[must_use]
    pub fn checked_by(mut self, check: &'a Check<'a>) -> Self {
        self.host.check = Some(check);
        self
    }

    /// Runs until every client has ended.
    #[must_use]
    pub fn run(self) -> Report {
        self.run_telling(|_| ())
    }

    /// Runs like [`run`](Self::run), and reports the number of bytes stored by the first client to `progress` after
    /// each increase.
    #[must_use]
    pub fn run_telling(mut self, mut progress: impl FnMut(u64)) -> Report {
        let mut told = 0;
        let mut context = Context { now: 0, net: &mut self.net, queue: &mut self.queue, trace: self.trace };
        for device in &mut self.devices {
            device.begin(&mut context, &self.host);
        }
        let clients = (1..).take(self.devices.len()).map(address_of);
        self.host.notify(&mut context, clients);
        while self.left > 0 && self.step() {
            if let Some(bytes) =
                self.devices.first().map(|first| first.life().bytes).filter(|now| *now > told)
            {
                told = bytes;
                progress(told);
            }
        }
        for device in &mut self.devices {
            device.finish(self.now);
        }
        let violations = (1..)
            .zip(&self.devices)
            .flat_map(|(node, device)| device.violations().iter().map(move |violation| (node, *violation)));
        Report {
            seed: self.seed,
            violations: violations.collect(),
            clients: self.devices.iter().map(|device| *device.life()).collect(),
            server: self.host.sent,
            traffic: self.net.traffic(),
            carried: self.net.carried(),
            latencies: self.commands.map(LightSwitches::into_latencies).unwrap_or_default(),
            ended: self.devices.iter().map(|device| device.life().ended).max().unwrap_or_default(),
        }
    }

    /// Advances the clock to the next event and handles it. Returns false when there is none.
    fn step(&mut self) -> bool {
        let moments = [self.net.next(), self.queue.next(), self.host.next()];
        let Some(next) = moments.into_iter().flatten().min().filter(|next| *next <= self.longest) else {
            return false;
        };
        self.now = self.now.max(next);
        let mut context =
            Context { now: self.now, net: &mut self.net, queue: &mut self.queue, trace: self.trace };
        if self.host.next().is_some_and(|at| at <= self.now) {
            self.host.drain_outputs(&mut context);
        }
        if let Some((at, wake)) = context.queue.take(self.now) {
            self.wake(at, wake);
        }
        while let Some(arrival) = self.net.poll(self.now) {
            self.arrive(arrival);
        }
        true
    }

    fn wake(&mut self, at: Micros, wake: Wake) {
        let context =
            &mut Context { now: self.now, net: &mut self.net, queue: &mut self.queue, trace: self.trace };
        let host = &mut self.host;
        let node = match wake {
            Wake::Answer(answer) => return host.send_response(context, &answer),
            Wake::Incident(incident) => return host.apply_incident(context, incident),
            Wake::Command => {
                return self.commands.iter_mut().for_each(|commands| commands.send(context));
            }
            Wake::Client(node)
            | Wake::Worked(node, _)
            | Wake::Poll(node, _)
            | Wake::PowerCut(node)
            | Wake::Boot(node) => node,
        };
        let device = &mut self.devices[usize::from(node) - 1];
        let was_done = device.is_done();
        match wake {
            Wake::Client(_) => device.wake(context, host, at),
            Wake::Worked(_, starts) => device.complete_job(context, host, starts),
            Wake::Poll(_, starts) => device.poll_parent(context, starts),
            Wake::PowerCut(_) => device.cut(context),
            Wake::Boot(_) => device.boot(context, host),
            Wake::Answer(_) | Wake::Incident(_) | Wake::Command => {}
        }
        device.end_if_idle(self.now, self.patience);
        self.left -= usize::from(device.is_done() && !was_done);
    }

    fn arrive(&mut self, arrival: Arrival) {
        let context =
            &mut Context { now: self.now, net: &mut self.net, queue: &mut self.queue, trace: self.trace };
        let host = &mut self.host;
        let node = match arrival {
            Arrival::Frame { from, ref bytes, .. } if usize::from(from) > self.devices.len() => {
                return self.commands.iter_mut().for_each(|commands| commands.arrive(context.now, bytes));
            }
            Arrival::Frame { to, .. } => to,
            Arrival::Report { sender, .. } => sender,
        };
        let Some(device) = usize::from(node).checked_sub(1).map(|place| &mut self.devices[place]) else {
            return match arrival {
                Arrival::Frame { from, secured, bytes, .. } => {
                    let meta = FrameMeta::unicast(address_of(from)).with_aps_security(secured);
                    host.receive(context, meta, &bytes);
                }
                Arrival::Report { token, delivery, .. } => host.delivered(context, token, delivery),
            };
        };
        let was_done = device.is_done();
        match arrival {
            Arrival::Frame { broadcast, secured, bytes, .. } => {
                let delivery = if broadcast { DeliveryMode::Broadcast } else { DeliveryMode::Unicast };
                let meta = FrameMeta::new(SERVER, delivery).with_aps_security(secured);
                device.receive(context, host, meta, &bytes);
            }
            Arrival::Report { token, delivery, .. } => device.delivered(context, host, token, delivery),
        }
        self.left -= usize::from(device.is_done() && !was_done);
    }
}
