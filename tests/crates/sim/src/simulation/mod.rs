//! Clients and a server on virtual time, with all that goes wrong, and the laws that hold whatever does.
//!
//! ```text
//!   Host: Server, files, policy  <-->  Net: hazards, APS, radio channel  <-->  Device: Client, flash, power  (n times)
//!                                                                                |
//!                                                                              Watch: the laws
//! ```
//!
//! - A client that upgrades holds exactly the file that was offered.
//! - No word of flash is written twice, or in part.
//! - No request reaches past the image.
//! - Nobody sends requests faster than the period asked.
//! - Nothing stalls: every client comes to an end, with a reason.
//!
//! What is broken of them stands in the [`Report`].

mod device;
mod report;
mod request_checker;
mod server_host;
mod settings;

use zigbee_ota::aps::{Address, DeliveryMode, FrameMeta};
use zigbee_ota::server::StoreEntry;
use zigbee_ota::time::Instant;

use crate::net::{Arrival, Net};
use crate::radio::Node;
use crate::{Agenda, Micros};
use device::Device;
pub use report::{Broken, End, FromClient, FromServer, Life, Report};
use server_host::{Answer, Host};
pub(crate) use settings::client_config;
pub use settings::{
    Cut, Device as DeviceSettings, Happening, Host as HostSettings, Notify, SERVER, Settings,
};

/// Whether a whole file is good.
pub type Check<'a> = dyn Fn(&[u8]) -> bool + 'a;

/// What the world has to look after.
enum Wake {
    /// A client may have something to do.
    Client(Node),
    /// An answer of the server's goes.
    Answer(Answer),
    /// A job of a client's is done, if it was not started anew since.
    Worked(Node, u32),
    /// A sleeper polls.
    Poll(Node, u32),
    /// The power of a client fails.
    Cut(Node),
    /// It is back.
    Boot(Node),
    /// Something happens to the server.
    Happening(Happening),
}

/// What a node does something with.
struct Context<'a> {
    now: Micros,
    net: &'a mut Net,
    agenda: &'a mut Agenda<Wake>,
    trace: bool,
}

impl Context<'_> {
    /// Prints what happens, where that is wanted.
    fn tell(&self, node: Node, what: impl FnOnce() -> String) {
        if self.trace {
            println!("{:>12.3} ms  node {node}  {}", self.now as f64 / 1000.0, what());
        }
    }
}

/// A frame in hexadecimal, with its command first.
fn hex(frame: &[u8]) -> String {
    let command = frame.get(2).copied().unwrap_or_default();
    let bytes: Vec<_> = frame.iter().take(24).map(|byte| format!("{byte:02x}")).collect();
    format!("{command:#04x}: {} ({} bytes)", bytes.join(" "), frame.len())
}

const fn instant(now: Micros) -> Instant {
    Instant::from_millis(now / 1000)
}

/// The network address of a node: clients count from here.
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

/// A world at its beginning.
pub struct Simulation<'a> {
    seed: u64,
    patience: Micros,
    longest: Micros,
    trace: bool,
    now: Micros,
    net: Net,
    agenda: Agenda<Wake>,
    host: Host<'a>,
    devices: Vec<Device>,
    /// Clients that have not come to their end.
    left: usize,
}

impl<'a> Simulation<'a> {
    /// A world whose server has the first of `files`.
    #[must_use]
    pub fn new(settings: &Settings, files: &'a [StoreEntry<'a>]) -> Self {
        let mut agenda = Agenda::default();
        for (at, happening) in &settings.happenings {
            agenda.put(*at, Wake::Happening(*happening));
        }
        let devices = (1..=settings.clients).map(|node| Device::new(node, settings)).collect();
        Self {
            seed: settings.seed,
            patience: settings.patience,
            longest: settings.longest,
            trace: settings.trace,
            now: 0,
            net: Net::new(settings.net.clone(), settings.clients, settings.seed),
            agenda,
            host: Host::new(settings.host, files),
            devices,
            left: usize::from(settings.clients),
        }
    }

    /// Clients run no file but one that `check` finds good.
    #[must_use]
    pub fn checked_by(mut self, check: &'a Check<'a>) -> Self {
        self.host.check = Some(check);
        self
    }

    /// Runs until every client has come to its end.
    #[must_use]
    pub fn run(self) -> Report {
        self.run_telling(|_| ())
    }

    /// The same, and `progress` is told the bytes that the first client has stored whenever they are more.
    #[must_use]
    pub fn run_telling(mut self, mut progress: impl FnMut(u64)) -> Report {
        let mut told = 0;
        let mut context = Context { now: 0, net: &mut self.net, agenda: &mut self.agenda, trace: self.trace };
        for device in &mut self.devices {
            device.begin(&mut context, &self.host);
        }
        let clients = (1..).take(self.devices.len()).map(address_of);
        self.host.notify(&mut context, clients);
        while self.left > 0 && self.step() {
            if let Some(bytes) = self.devices.first().map(|first| first.life.bytes).filter(|now| *now > told)
            {
                told = bytes;
                progress(told);
            }
        }
        for device in &mut self.devices {
            device.finish(self.now, End::Stalled);
            device.sum_up();
        }
        let broken = (1..)
            .zip(&self.devices)
            .flat_map(|(node, device)| device.broken.iter().map(move |broken| (node, *broken)));
        Report {
            seed: self.seed,
            broken: broken.collect(),
            lives: self.devices.iter().map(|device| device.life).collect(),
            server: self.host.sent,
            traffic: self.net.traffic(),
            carried: self.net.carried(),
            ended: self.devices.iter().map(|device| device.life.ended).max().unwrap_or_default(),
        }
    }

    /// The clock jumps to whatever comes next, and that happens. False when nothing does.
    fn step(&mut self) -> bool {
        let moments = [self.net.next(), self.agenda.next(), self.host.next()];
        let Some(next) = moments.into_iter().flatten().min().filter(|next| *next <= self.longest) else {
            return false;
        };
        self.now = self.now.max(next);
        let mut context =
            Context { now: self.now, net: &mut self.net, agenda: &mut self.agenda, trace: self.trace };
        if self.host.next().is_some_and(|at| at <= self.now) {
            self.host.settle(&mut context);
        }
        if let Some((at, wake)) = context.agenda.take(self.now) {
            self.wake(at, wake);
        }
        while let Some(arrival) = self.net.poll(self.now) {
            self.arrive(arrival);
        }
        true
    }

    fn wake(&mut self, at: Micros, wake: Wake) {
        let context =
            &mut Context { now: self.now, net: &mut self.net, agenda: &mut self.agenda, trace: self.trace };
        let host = &mut self.host;
        let node = match wake {
            Wake::Answer(answer) => return host.let_go(context, &answer),
            Wake::Happening(happening) => return host.happen(context, happening),
            Wake::Client(node)
            | Wake::Worked(node, _)
            | Wake::Poll(node, _)
            | Wake::Cut(node)
            | Wake::Boot(node) => node,
        };
        let device = &mut self.devices[usize::from(node) - 1];
        let was_done = device.is_done();
        match wake {
            Wake::Client(_) => device.wake(context, host, at),
            Wake::Worked(_, starts) => device.worked(context, host, starts),
            Wake::Poll(_, starts) => device.poll_parent(context, starts),
            Wake::Cut(_) => device.cut(context),
            Wake::Boot(_) => device.boot(context, host),
            Wake::Answer(_) | Wake::Happening(_) => {}
        }
        if device.idle(self.now) > self.patience {
            device.finish(self.now, End::Stalled);
        }
        self.left -= usize::from(device.is_done() && !was_done);
    }

    fn arrive(&mut self, arrival: Arrival) {
        let context =
            &mut Context { now: self.now, net: &mut self.net, agenda: &mut self.agenda, trace: self.trace };
        let host = &mut self.host;
        let node = match arrival {
            Arrival::Frame { to, .. } => to,
            Arrival::Report { sender, .. } => sender,
        };
        let Some(device) = usize::from(node).checked_sub(1).map(|place| &mut self.devices[place]) else {
            return match arrival {
                Arrival::Frame { from, secured, bytes, .. } => {
                    let meta = FrameMeta::unicast(address_of(from)).with_aps_security(secured);
                    host.hear(context, meta, &bytes);
                }
                Arrival::Report { token, delivery, .. } => host.delivered(context, token, delivery),
            };
        };
        let was_done = device.is_done();
        match arrival {
            Arrival::Frame { broadcast, secured, bytes, .. } => {
                let delivery = if broadcast { DeliveryMode::Broadcast } else { DeliveryMode::Unicast };
                let meta = FrameMeta::new(SERVER, delivery).with_aps_security(secured);
                device.hear(context, host, meta, &bytes);
            }
            Arrival::Report { token, delivery, .. } => device.delivered(context, host, token, delivery),
        }
        self.left -= usize::from(device.is_done() && !was_done);
    }
}
