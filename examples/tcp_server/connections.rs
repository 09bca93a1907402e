//! TCP connections: each one is a device with its own network address.
//!
//! A device cannot slow down others: one frame per device may wait to be handled, and a few may wait to be sent.
//! Further frames wait in its socket, or are lost as on a radio.

use std::collections::HashMap;
use std::io;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, Receiver, Sender};
use zigbee_ota::aps::Address;

use crate::hex_lines;

/// Maximum length of a line, far above every frame of the cluster.
const LONGEST_LINE: usize = 4096;

/// Maximum number of frames that wait for a device to read them.
const TO_DEVICE: usize = 64;

/// Maximum number of frames of all devices that wait to be handled.
const FROM_DEVICES: usize = 64;

/// Unicast addresses of a network, except 0, which is the server.
const DEVICES: std::ops::RangeInclusive<u16> = 1..=0xfff7;

/// Event of the network.
pub enum NetworkEvent {
    /// A device connected.
    Joined(Address),
    /// A device sent a frame.
    Frame(Address, Vec<u8>),
    /// A device disconnected.
    Left(Address),
}

pub struct Network {
    listener: TcpListener,
    devices: HashMap<u16, Sender<String>>,
    last: u16,
    happenings: Receiver<NetworkEvent>,
    happened: Sender<NetworkEvent>,
}

impl Network {
    pub fn new(listener: TcpListener) -> Self {
        let (happened, happenings) = mpsc::channel(FROM_DEVICES);
        Self { listener, devices: HashMap::new(), last: 0, happenings, happened }
    }

    /// Waits for the next event.
    pub async fn next(&mut self) -> io::Result<NetworkEvent> {
        loop {
            tokio::select! {
                Some(happening) = self.happenings.recv() => {
                    if let NetworkEvent::Left(device) = happening {
                        self.devices.remove(&device.network);
                    }
                    return Ok(happening);
                }
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, _)) => {
                        if let Some(device) = self.join(socket) {
                            return Ok(NetworkEvent::Joined(device));
                        }
                    }
                    // Too many open files, or a device that disconnected at once: other connections are not concerned.
                    Err(error) => {
                        eprintln!("tcp_server: a connection was not accepted: {error}");
                        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                    }
                },
            }
        }
    }

    /// Sends a frame; it is lost when the device reads too slowly or has disconnected.
    pub fn send(&self, to: Address, frame: &[u8]) {
        if let Some(device) = self.devices.get(&to.network) {
            let _ = device.try_send(hex_lines::line(frame));
        }
    }

    /// Assigns an address to a device; `None` when no address is left.
    fn join(&mut self, socket: TcpStream) -> Option<Address> {
        let _ = socket.set_nodelay(true);
        let after = DEVICES.filter(|network| *network > self.last);
        let free = after.chain(DEVICES).find(|network| !self.devices.contains_key(network))?;
        self.last = free;
        let device = Address::new(free, 1);
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

/// Forwards the frames of a device, line by line. A line that is too long or no frame is ignored.
async fn read(reader: OwnedReadHalf, device: Address, happened: Sender<NetworkEvent>) {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while let Ok(bytes @ [_, ..]) = reader.fill_buf().await {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(bytes.len(), |end| end + 1);
        // One byte above the maximum shows that the line is too long.
        let room = (LONGEST_LINE + 1).saturating_sub(line.len());
        line.extend_from_slice(&bytes[..taken.min(room)]);
        reader.consume(taken);
        if end.is_none() {
            continue;
        }
        let frame = if line.len() <= LONGEST_LINE { hex_lines::bytes(&line) } else { None };
        line.clear();
        if let Some(frame) = frame
            && happened.send(NetworkEvent::Frame(device, frame)).await.is_err()
        {
            return;
        }
    }
    let _ = happened.send(NetworkEvent::Left(device)).await;
}
