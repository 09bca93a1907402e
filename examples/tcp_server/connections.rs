//! A network of sockets: each connection is a device with an address of its own.
//!
//! A device can do no harm to others: each may have one frame waiting to be handled and a few to be sent; what is more
//! waits in its own socket, or is lost as it would be on a radio.

use std::collections::HashMap;
use std::io;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, Receiver, Sender};
use zigbee_ota::aps::Address;

use crate::hex_lines;

/// Bytes of the longest line that is looked at; no frame of the cluster is nearly as long.
const LONGEST_LINE: usize = 4096;

/// Frames that wait for a device to read them.
const TO_DEVICE: usize = 64;

/// Frames of all devices that wait to be handled.
const FROM_DEVICES: usize = 64;

/// Unicast addresses of a network, but the server's own, 0.
const DEVICES: std::ops::RangeInclusive<u16> = 1..=0xfff7;

/// What happened in the network.
pub enum Happening {
    /// A device came.
    Joined(Address),
    /// It sent a frame.
    Frame(Address, Vec<u8>),
    /// It went.
    Left(Address),
}

pub struct Network {
    listener: TcpListener,
    devices: HashMap<u16, Sender<String>>,
    last: u16,
    happenings: Receiver<Happening>,
    happened: Sender<Happening>,
}

impl Network {
    pub fn new(listener: TcpListener) -> Self {
        let (happened, happenings) = mpsc::channel(FROM_DEVICES);
        Self { listener, devices: HashMap::new(), last: 0, happenings, happened }
    }

    /// Waits for the next thing to happen.
    pub async fn next(&mut self) -> io::Result<Happening> {
        loop {
            tokio::select! {
                Some(happening) = self.happenings.recv() => {
                    if let Happening::Left(device) = happening {
                        self.devices.remove(&device.network);
                    }
                    return Ok(happening);
                }
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, _)) => {
                        if let Some(device) = self.join(socket) {
                            return Ok(Happening::Joined(device));
                        }
                    }
                    // Too many files are open, or the device went at once: others are not concerned.
                    Err(error) => {
                        eprintln!("tcp_server: a connection was not accepted: {error}");
                        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                    }
                },
            }
        }
    }

    /// Sends a frame; it is lost when the device reads too slowly, or is gone.
    pub fn send(&self, to: Address, frame: &[u8]) {
        if let Some(device) = self.devices.get(&to.network) {
            let _ = device.try_send(hex_lines::line(frame));
        }
    }

    /// Gives a device an address; `None` when there is none left.
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

/// Hands on what a device sends, line by line. A line that is too long or no frame is passed over.
async fn read(reader: OwnedReadHalf, device: Address, happened: Sender<Happening>) {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while let Ok(bytes @ [_, ..]) = reader.fill_buf().await {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(bytes.len(), |end| end + 1);
        // One byte more than fits tells that the line is too long.
        let room = (LONGEST_LINE + 1).saturating_sub(line.len());
        line.extend_from_slice(&bytes[..taken.min(room)]);
        reader.consume(taken);
        if end.is_none() {
            continue;
        }
        let frame = if line.len() <= LONGEST_LINE { hex_lines::bytes(&line) } else { None };
        line.clear();
        if let Some(frame) = frame
            && happened.send(Happening::Frame(device, frame)).await.is_err()
        {
            return;
        }
    }
    let _ = happened.send(Happening::Left(device)).await;
}
