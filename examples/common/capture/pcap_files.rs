//! Packets of pcap and pcapng files, which the crate `pcap-parser` reads.

use std::io::{self, Read};
use std::time::Duration;

use pcap_parser::traits::{PcapNGPacketBlock, PcapReaderIterator};
use pcap_parser::{Block, LegacyPcapReader, PcapBlockOwned, PcapError, PcapNGReader};

use super::{Decoder, Form, Item, Receiver, Stop};

/// Initial size of the buffer in bytes. The buffer grows if a block of the file is longer.
const BUFFER: usize = 1 << 16;

/// Maximum size in bytes of a block of the file.
const LONGEST_BLOCK: usize = 1 << 22;

/// Maximum number of interfaces of a file. The program skips the packets of all further interfaces.
const MOST_INTERFACES: usize = 1024;

/// Reads a file to its end. If the file is cut off or malformed, reads the packets before the fault, and records the
/// fault in the decoder.
pub fn read(
    form: Form,
    input: impl Read,
    decoder: &mut Decoder,
    receiver: &mut Receiver<'_>,
) -> Result<(), Stop> {
    let input = FullStart { input, started: false };
    let opened: Result<Box<dyn PcapReaderIterator + '_>, _> = match form {
        Form::PcapNg => PcapNGReader::new(BUFFER, input).map(|reader| Box::new(reader) as _),
        _ => LegacyPcapReader::new(BUFFER, input).map(|reader| Box::new(reader) as _),
    };
    let mut reader = match opened {
        Ok(reader) => reader,
        Err(PcapError::ReadError) => return Err(unread()),
        Err(_) => {
            decoder.ended("the header of the capture is malformed".into());
            return Ok(());
        }
    };
    let mut interfaces = Interfaces::default();
    let (mut size, mut number) = (BUFFER, 0_u64);
    loop {
        let at = reader.consumed();
        let ended = match reader.next() {
            Ok((len, block)) => {
                let packet = interfaces.packet(&block);
                let frame = packet.and_then(|(link, time, packet)| decoder.packet(link, time, packet));
                drop(block);
                reader.consume(len);
                number += 1;
                if let Some(frame) = frame {
                    receiver(Item::Frame(frame)).map_err(Stop::Receiver)?;
                }
                continue;
            }
            Err(PcapError::Eof) => return Ok(()),
            Err(PcapError::Incomplete(_)) => {
                reader.refill().map_err(|_| unread())?;
                continue;
            }
            Err(PcapError::BufferTooSmall) if size < LONGEST_BLOCK => {
                size *= 2;
                reader.grow(size);
                continue;
            }
            Err(PcapError::BufferTooSmall) => "is too long",
            Err(PcapError::ReadError) => return Err(unread()),
            Err(PcapError::UnexpectedEof) => "is cut off",
            Err(_) => "is malformed",
        };
        // The reader also returns `UnexpectedEof` at the end of a whole file, if it read the last bytes before it
        // noticed the end of the file.
        if ended != "is cut off" || !reader.data().is_empty() {
            decoder.ended(format!("block {number} of the capture, at byte {at}, {ended}"));
        }
        return Ok(());
    }
}

fn unread() -> Stop {
    Stop::Input(io::Error::other("the capture could not be read"))
}

/// Input whose first read fills the buffer, because `pcap-parser` expects that the first read returns the whole header
/// of the file.
struct FullStart<R> {
    input: R,
    started: bool,
}

impl<R: Read> Read for FullStart<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.started {
            return self.input.read(buffer);
        }
        self.started = true;
        let mut len = 0;
        while len < buffer.len() {
            match self.input.read(&mut buffer[len..]) {
                Ok(0) => break,
                Ok(more) => len += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(len)
    }
}

/// Link types and clocks of the interfaces of a file.
#[derive(Default)]
struct Interfaces {
    /// Interfaces of the file. A pcap file has one interface, and a section of a pcapng file has one for each interface
    /// description.
    all: Vec<Interface>,
}

#[derive(Clone, Copy)]
struct Interface {
    link_type: u32,
    clock: Clock,
}

#[derive(Clone, Copy)]
struct Clock {
    /// Number of clock ticks in a second; `None` if the number does not fit into 64 bits.
    units: Option<u64>,
    /// Number of seconds to add to each time of a packet.
    offset: i64,
}

impl Clock {
    /// Converts clock ticks to the time since the start of 1970. Returns `None` for a time before 1970.
    fn time(self, ticks: u64) -> Option<Duration> {
        let units = self.units?;
        let nanos = u128::from(ticks % units) * 1_000_000_000 / u128::from(units);
        let seconds = (ticks / units).checked_add_signed(self.offset)?;
        Some(Duration::new(seconds, u32::try_from(nanos).ok()?))
    }
}

impl Interfaces {
    /// Returns link type, time and bytes of a packet. If the block describes an interface, records the interface and
    /// returns `None`.
    fn packet<'a>(&mut self, block: &'a PcapBlockOwned<'a>) -> Option<(u32, Option<Duration>, &'a [u8])> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                let units = if header.is_nanosecond_precision() { 1_000_000_000 } else { 1_000_000 };
                // The upper bits of the field contain the length of the FCS.
                let link_type = header.network.0.cast_unsigned() & 0xffff;
                self.all = vec![Interface { link_type, clock: Clock { units: Some(units), offset: 0 } }];
                None
            }
            PcapBlockOwned::Legacy(packet) => {
                let Interface { link_type, clock } = *self.all.first()?;
                let ticks = u64::from(packet.ts_sec) * clock.units.unwrap_or(1) + u64::from(packet.ts_usec);
                let len = usize::try_from(packet.caplen).ok()?;
                Some((link_type, clock.time(ticks), packet.data.get(..len)?))
            }
            PcapBlockOwned::NG(Block::SectionHeader(_)) => {
                self.all.clear();
                None
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(about)) => {
                if self.all.len() < MOST_INTERFACES {
                    let exponent = u32::from(about.if_tsresol & 0x7f);
                    let base: u64 = if about.if_tsresol & 0x80 == 0 { 10 } else { 2 };
                    let clock = Clock { units: base.checked_pow(exponent), offset: about.if_tsoffset };
                    self.all.push(Interface { link_type: about.linktype.0.cast_unsigned(), clock });
                }
                None
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let Interface { link_type, clock } = *self.all.get(usize::try_from(packet.if_id).ok()?)?;
                let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                Some((link_type, clock.time(ticks), packet.packet_data()))
            }
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                Some((self.all.first()?.link_type, None, packet.packet_data()))
            }
            PcapBlockOwned::NG(_) => None,
        }
    }
}
