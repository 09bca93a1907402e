//! Network over TCP: each connection is a device with a network address of its own.
//!
//! A slow or busy device does not slow down other devices. At most one received frame of each device waits to be
//! handled, so the devices take turns; further received frames wait in the socket of the device. At most a few frames
//! wait to be sent to each device; further frames to this device are lost, as on a radio. If a device sends many frames
//! without waiting for answers, the program reads the frames slowly, because a radio would not carry more frames
//! either.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use zigbee_ota::aps::Address;

#[path = "hex_lines.rs"]
mod hex_lines;

/// Maximum length of a line, far above every frame of the cluster.
const LONGEST_LINE: usize = 4096;

/// Maximum number of frames to one device that the device has not read yet.
const TO_DEVICE: usize = 64;

/// Number of consecutive frames that a device may send at full speed without waiting for answers. The window of a
/// client is much smaller.
const AHEAD: u32 = 32;

/// Pause before the program reads each further frame that a device sends without waiting for answers.
const SLOWED: Duration = Duration::from_millis(5);

/// Network addresses for devices: all unicast addresses except 0, which is the address of the server.
const DEVICES: std::ops::RangeInclusive<u16> = 1..=0xfff7;

/// Event of the network.
pub enum NetworkEvent {
    /// A device connected.
    Joined(Address),
    /// A device sent a frame. The program reads the next frame of the device when the permit is dropped.
    Frame(
        Address,
        Vec<u8>,
        #[allow(dead_code, reason = "a permit is dropped, not read")] OwnedSemaphorePermit,
    ),
    /// A device disconnected.
    Left(Address),
}

/// Endpoint of every device.
const ENDPOINT: u8 = 1;

pub struct Network {
    listener: TcpListener,
    devices: HashMap<u16, Sender<String>>,
    last: u16,
    /// Events in the order in which they happened. At most two events of each device wait in the queue, so the queue
    /// needs no further limit.
    happenings: UnboundedReceiver<NetworkEvent>,
    happened: UnboundedSender<NetworkEvent>,
    /// Reason why the last connection was not accepted.
    refused: Option<io::Error>,
}

impl Network {
    pub fn new(listener: TcpListener) -> Self {
        let (happened, happenings) = mpsc::unbounded_channel();
        Self { listener, devices: HashMap::new(), last: 0, happenings, happened, refused: None }
    }

    /// Connected devices, in the order of their addresses.
    #[allow(dead_code, reason = "not every gateway asks")]
    pub fn devices(&self) -> Vec<Address> {
        let mut networks: Vec<_> = self.devices.keys().copied().collect();
        networks.sort_unstable();
        networks.into_iter().map(|network| Address::new(network, ENDPOINT)).collect()
    }

    /// Returns whether the device is connected.
    #[allow(dead_code, reason = "not every gateway asks")]
    pub fn has(&self, device: Address) -> bool {
        device.endpoint == ENDPOINT && self.devices.contains_key(&device.network)
    }

    /// Returns the reason why the last connection was not accepted. Each reason is returned only once.
    #[allow(dead_code, reason = "not every gateway asks")]
    pub fn take_refusal(&mut self) -> Option<io::Error> {
        self.refused.take()
    }

    /// Waits for the next event. If the caller drops the future before it is ready, no event is lost.
    pub async fn next(&mut self) -> NetworkEvent {
        loop {
            tokio::select! {
                Some(happening) = self.happenings.recv() => {
                    if let NetworkEvent::Left(device) = happening {
                        self.devices.remove(&device.network);
                    }
                    return happening;
                }
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, _)) => {
                        if let Some(device) = self.join(socket) {
                            return NetworkEvent::Joined(device);
                        }
                    }
                    // Too many open files, or a device that disconnected at once, cause this error. The error does not
                    // affect other connections.
                    Err(error) => {
                        self.refused = Some(error);
                        sleep(Duration::from_millis(10)).await;
                    }
                },
            }
        }
    }

    /// Sends a frame to one device, or by broadcast to all devices. The frame is lost for a device that reads too
    /// slowly or has disconnected.
    pub fn send(&self, to: Address, frame: &[u8]) {
        let is_receiver = |network: &u16| *network == to.network || to == Address::ALL_AWAKE;
        for (_, device) in self.devices.iter().filter(|(network, _)| is_receiver(network)) {
            let _ = device.try_send(hex_lines::line(frame));
        }
    }

    /// Assigns an address to a device; `None` when no address is left.
    fn join(&mut self, socket: TcpStream) -> Option<Address> {
        let _ = socket.set_nodelay(true);
        let after = DEVICES.filter(|network| *network > self.last);
        let free = after.chain(DEVICES).find(|network| !self.devices.contains_key(network))?;
        self.last = free;
        let device = Address::new(free, ENDPOINT);
        let (reader, writer) = socket.into_split();
        let (to_device, frames) = mpsc::channel(TO_DEVICE);
        self.devices.insert(free, to_device);
        tokio::spawn(write(writer, frames));
        tokio::spawn(read(reader, device, self.happened.clone()));
        Some(device)
    }
}

async fn write(mut writer: OwnedWriteHalf, mut frames: Receiver<String>) {
    while let Some(line) = frames.recv().await {
        if writer.write_all(line.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Forwards the frames of a device, line by line. A line that is too long, or that contains no frame, is ignored.
async fn read(reader: OwnedReadHalf, device: Address, happened: UnboundedSender<NetworkEvent>) {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    let turn = Arc::new(Semaphore::new(1));
    let mut ahead = 0_u32;
    while let Ok(bytes @ [_, ..]) = reader.fill_buf().await {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(bytes.len(), |end| end + 1);
        // The buffer has room for one byte more than the longest line, which shows that a line is too long.
        let room = (LONGEST_LINE + 1).saturating_sub(line.len());
        line.extend_from_slice(&bytes[..taken.min(room)]);
        reader.consume(taken);
        if end.is_none() {
            continue;
        }
        // If a device waits for the answer to each frame, the buffer contains no further line.
        ahead = if reader.buffer().is_empty() { 0 } else { ahead + 1 };
        if ahead > AHEAD {
            sleep(SLOWED).await;
        }
        let frame = if line.len() <= LONGEST_LINE { hex_lines::bytes(&line) } else { None };
        line.clear();
        let Some(frame) = frame else { continue };
        let Ok(permit) = Arc::clone(&turn).acquire_owned().await else { return };
        if happened.send(NetworkEvent::Frame(device, frame, permit)).is_err() {
            return;
        }
    }
    let _ = happened.send(NetworkEvent::Left(device));
}
