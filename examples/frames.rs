//! Frame decoder: reads captures, and writes one JSON object for each frame of the OTA Upgrade cluster.
//!
//! The input is a pcap or pcapng file, the JSON of `tshark -T json -x`, or lines. A line is the ZCL frame in
//! hexadecimal. The direction and a blank may stand before the frame: `c2s` (client to server) or `s2c` (server to
//! client). An example: `echo c2s 011f06990b10bfff98badcfe | cargo run --release --example frames`. For each input
//! line, even an empty one, the program writes one output line: the decoded frame, or `{"error": ..}`. For each frame
//! of a capture file, the program writes one output line with the addresses and the time of the frame, and prints the
//! number of unreadable frames on standard error. Exit status 0 when all input was read, 1 after a read error, 2 for a
//! wrong option.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use serde_json::{Map, Value, json};
use zigbee_ota::zcl::{
    AttributeCommand, AttributeRecord, Deviations, Direction, Frame, FrameControl, FrameHeader,
    ImageBlockResponse, ImageNotify, ImageOffer, Message, NotifyScope, QueryResponse, Quirks, Refusal,
    ToClient, ToServer,
};
use zigbee_ota::{DecodeError, ImageId};

use capture::hex_line_reader::{BadLine, Line};
use capture::{CapturedFrame, Decoder, Item, Key, Stop};

#[path = "common/capture/mod.rs"]
mod capture;
#[path = "common/output_lines.rs"]
mod output_lines;

/// Decode frames of the OTA Upgrade cluster to JSON, one object per line
#[derive(Parser)]
#[command(after_help = capture::HELP)]
struct Options {
    /// Decode strictly, and accept no deviations of field devices from the specification
    #[arg(long)]
    strict: bool,
    /// Network key or link key of a capture, in 32 hexadecimal digits; may be repeated
    #[arg(long = "key", value_name = "KEY")]
    keys: Vec<Key>,
    /// Capture [default: standard input]
    #[arg(value_name = "CAPTURE")]
    capture: Option<PathBuf>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let quirks = if options.strict { Quirks::empty() } else { Quirks::all() };
    let mut decoder = Decoder::new(&options.keys);
    let mut output = BufWriter::new(io::stdout().lock());
    let mut receiver = |item: Item<'_>| show(&item, quirks, &mut output);
    let read = match &options.capture {
        Some(path) => capture::read_twice(|| File::open(path), &mut decoder, &mut receiver),
        None => capture::read(io::stdin().lock(), &mut decoder, &mut receiver),
    };
    let read = read.and_then(|()| output.flush().map_err(Stop::Receiver));
    let missing = decoder.counts().to_string();
    if !missing.is_empty() {
        output_lines::complain(format_args!("frames: {missing}"));
    }
    match read {
        Ok(()) => ExitCode::SUCCESS,
        // If the reader of the output has closed the pipe, the program ends without an error.
        Err(Stop::Receiver(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(stop) => {
            output_lines::complain(format_args!("frames: {stop}"));
            ExitCode::FAILURE
        }
    }
}

/// Writes the JSON object for one input line or one captured frame.
fn show(item: &Item<'_>, quirks: Quirks, output: &mut impl Write) -> io::Result<()> {
    let shown = match item {
        Item::Line(_, Ok(Line { direction, frame })) => decoded(frame, *direction, quirks),
        Item::Line(_, Err(bad)) => Err(Wrong::from(*bad)),
        Item::Frame(heard) => decoded(&heard.bytes, None, quirks),
    };
    let mut shown = shown.unwrap_or_else(|wrong| wrong.json());
    if let Item::Frame(CapturedFrame { pan, from, to, time, .. }) = item {
        shown["from"] = json!(from.to_string());
        shown["to"] = json!(to.to_string());
        shown["pan"] = json!(pan);
        shown["time"] = json!(time.map(|time| time.as_secs_f64()));
    }
    serde_json::to_writer(&mut *output, &shown)?;
    output.write_all(b"\n")
}

/// Error for an input line without a valid frame.
struct Wrong {
    item: String,
    offset: usize,
    kind: String,
    message: String,
}

impl Wrong {
    fn json(&self) -> Value {
        let Self { item, offset, kind, message } = self;
        json!({ "error": { "item": item, "offset": offset, "kind": kind, "message": message } })
    }
}

impl From<BadLine> for Wrong {
    fn from(bad: BadLine) -> Self {
        let kind = format!("{:?}", bad.fault);
        Self { item: "line".into(), offset: bad.offset, kind, message: format!("line, {bad}") }
    }
}

impl From<DecodeError> for Wrong {
    fn from(error: DecodeError) -> Self {
        // The text of `Debug` begins with the name of the variant, before the fields.
        let kind = format!("{:?}", error.kind);
        let name = kind.split([' ', '(']).next().unwrap_or_default().to_owned();
        Self { item: error.item.to_string(), offset: error.offset, kind: name, message: error.to_string() }
    }
}

fn decoded(frame: &[u8], direction: Option<Direction>, quirks: Quirks) -> Result<Value, Wrong> {
    let (header, _) = FrameHeader::decode(frame)?;
    let read = Frame::decode(frame, quirks)?;
    let contradicts_line = direction.is_some_and(|direction| header.direction() != direction);
    let mut shown = json!({
        "frame": header_json(&header),
        "command_id": header.command,
        "command": command(&read.message),
        "fields": fields(&read.message, frame)?,
        "deviations": deviations(&read.deviations, contradicts_line),
    });
    if let Message::Attributes(_, AttributeCommand::ReadResponse(response)) = read.message {
        let records = response.records().map(|record| record.map(|record| record_json(&record)));
        shown["records"] = records.collect::<Result<_, _>>()?;
    }
    Ok(shown)
}

fn header_json(header: &FrameHeader) -> Value {
    let control = header.control;
    json!({
        "frame_type": control.0 & FrameControl::FRAME_TYPE.0,
        "manufacturer_specific": control.contains(FrameControl::MANUFACTURER_SPECIFIC),
        "manufacturer_code": header.manufacturer.map(|code| code.0),
        "server_to_client": control.contains(FrameControl::TO_CLIENT),
        "disable_default_response": control.contains(FrameControl::DISABLE_DEFAULT_RESPONSE),
        "sequence": header.sequence,
    })
}

/// Returns the name of the command, or `None` (`null` in the JSON) for a frame that was not decoded.
fn command(message: &Message<'_>) -> Option<&'static str> {
    match message {
        Message::ToServer(message) => message.command().name(),
        Message::ToClient(message) => message.command().name(),
        Message::DefaultResponse(..) => Some("Default Response"),
        Message::Attributes(_, command) => Some(match command {
            AttributeCommand::Read(_) => "Read Attributes",
            AttributeCommand::ReadResponse(_) => "Read Attributes Response",
            AttributeCommand::Write(_) => "Write Attributes",
            AttributeCommand::WriteResponse(_) => "Write Attributes Response",
            AttributeCommand::Discover(_) => "Discover Attributes",
            AttributeCommand::DiscoverResponse(_) => "Discover Attributes Response",
            _ => return None,
        }),
        _ => None,
    }
}

fn deviations(deviations: &Deviations<'_>, contradicts_line: bool) -> Vec<&'static str> {
    let quirks = deviations.quirks.iter_names().map(|(name, _)| name);
    let reserved = (deviations.reserved != 0).then_some("RESERVED_BITS");
    quirks.chain(reserved).chain(contradicts_line.then_some("DIRECTION")).collect()
}

fn fields(message: &Message<'_>, frame: &[u8]) -> Result<Value, DecodeError> {
    // The field control is the first byte of the payload, after the ZCL header of three bytes.
    let control = frame.get(3);
    Ok(match message {
        Message::ToServer(ToServer::QueryNextImage(query)) => with_id(
            query.current,
            &[
                ("field_control", json!(control)),
                ("hardware_version", json!(query.hardware.map(|hardware| hardware.0))),
            ],
        ),
        Message::ToServer(ToServer::ImageBlock(block)) => with_id(
            block.id,
            &[
                ("field_control", json!(control)),
                ("file_offset", json!(block.offset)),
                ("max_data_size", json!(block.max_data)),
                ("ieee_addr", json!(block.node.map(|node| node.0))),
                ("min_block_period", json!(block.min_block_period)),
            ],
        ),
        Message::ToServer(ToServer::ImagePage(page)) => with_id(
            page.id,
            &[
                ("field_control", json!(control)),
                ("file_offset", json!(page.offset)),
                ("max_data_size", json!(page.max_data)),
                ("page_size", json!(page.page_size)),
                ("response_spacing", json!(page.spacing)),
                ("ieee_addr", json!(page.node.map(|node| node.0))),
            ],
        ),
        Message::ToServer(ToServer::UpgradeEnd(end)) => with_id(end.id, &[("status", json!(end.status.0))]),
        Message::ToServer(ToServer::QuerySpecificFile(query)) => {
            with_id(query.id, &[("ieee_addr", json!(query.node.0)), ("stack_version", json!(query.stack.0))])
        }
        Message::ToClient(ToClient::ImageNotify(notify)) => notify_json(notify),
        Message::ToClient(
            ToClient::QueryNextImage(QueryResponse::Offer(offer))
            | ToClient::QuerySpecificFile(QueryResponse::Offer(offer)),
        ) => offer_json(offer),
        Message::ToClient(
            ToClient::QueryNextImage(QueryResponse::Refused(refusal))
            | ToClient::QuerySpecificFile(QueryResponse::Refused(refusal)),
        ) => refusal_json(*refusal),
        Message::ToClient(ToClient::ImageBlock(block)) => block_json(block),
        Message::ToClient(ToClient::UpgradeEnd(end)) => with_id(
            ImageId::new(end.target.manufacturer.0, end.target.image_type.0, end.target.version.0),
            &[("current_time", json!(end.time.current)), ("upgrade_time", json!(end.time.then))],
        ),
        Message::DefaultResponse(_, response) => {
            json!({ "command_id": response.command.0, "status": response.status.0 })
        }
        Message::Attributes(_, command) => attributes_json(command)?,
        Message::Other(other) => json!({ "payload": hex(other.payload()) }),
        _ => json!({}),
    })
}

/// Builds an object of the image identity and `fields`, without null values.
fn with_id(id: ImageId, fields: &[(&str, Value)]) -> Value {
    let id = [
        ("manufacturer_code", json!(id.manufacturer.0)),
        ("image_type", json!(id.image_type.0)),
        ("file_version", json!(id.version.0)),
    ];
    let there = id.iter().chain(fields).filter(|(_, value)| !value.is_null());
    there.map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<Map<_, _>>().into()
}

fn notify_json(notify: &ImageNotify) -> Value {
    let ImageNotify { jitter, scope } = notify;
    match scope {
        NotifyScope::Everyone => json!({ "payload_type": 0, "query_jitter": jitter }),
        NotifyScope::Manufacturer(code) => {
            json!({ "payload_type": 1, "query_jitter": jitter, "manufacturer_code": code.0 })
        }
        NotifyScope::ImageType(code, image_type) => json!({
            "payload_type": 2, "query_jitter": jitter, "manufacturer_code": code.0, "image_type": image_type.0,
        }),
        NotifyScope::NewVersion(filter) => json!({
            "payload_type": 3, "query_jitter": jitter, "manufacturer_code": filter.manufacturer.0,
            "image_type": filter.image_type.0, "file_version": filter.version.0,
        }),
        _ => json!({ "query_jitter": jitter }),
    }
}

fn offer_json(offer: &ImageOffer) -> Value {
    with_id(offer.id, &[("status", json!(0)), ("image_size", json!(offer.size))])
}

fn refusal_json(refusal: Refusal) -> Value {
    json!({ "status": refusal.status().0 })
}

fn block_json(block: &ImageBlockResponse<'_>) -> Value {
    match block {
        ImageBlockResponse::Data(block) => with_id(
            block.id,
            &[
                ("status", json!(0x00)),
                ("file_offset", json!(block.offset)),
                ("data_size", json!(block.data.size())),
                ("image_data", json!(hex(block.data.get()))),
            ],
        ),
        ImageBlockResponse::Wait(wait) => {
            let (current, request) = (wait.time.current, wait.time.then);
            let mut fields = json!({ "status": 0x97, "current_time": current, "request_time": request });
            if let Some(period) = wait.min_block_period {
                fields["min_block_period"] = json!(period);
            }
            fields
        }
        ImageBlockResponse::Abort => json!({ "status": 0x95 }),
        ImageBlockResponse::Refused(refusal) => json!({ "status": refusal.status().0 }),
        _ => json!({}),
    }
}

fn attributes_json(command: &AttributeCommand<'_>) -> Result<Value, DecodeError> {
    Ok(match command {
        AttributeCommand::Read(read) => json!({ "attr_ids": read.ids().map(|id| id.0).collect::<Vec<_>>() }),
        // The attribute records become a separate field of the JSON object.
        AttributeCommand::ReadResponse(_) => json!({}),
        AttributeCommand::Write(write) => {
            let values = write.records().map(|record| {
                let (id, value) = record?;
                Ok(json!({ "attr_id": id.0, "data_type": value.data_type().0, "value": value.number() }))
            });
            json!({ "values": values.collect::<Result<Vec<_>, _>>()? })
        }
        AttributeCommand::WriteResponse(response) => {
            let refused =
                response.refused().map(|(id, status)| json!({ "attr_id": id.0, "status": status.0 }));
            json!({ "refused": refused.collect::<Vec<_>>() })
        }
        AttributeCommand::Discover(discover) => {
            json!({ "first_attr_id": discover.first.0, "max_attrs": discover.max_count })
        }
        AttributeCommand::DiscoverResponse(response) => {
            let found = response
                .attributes()
                .map(|(id, data_type)| json!({ "attr_id": id.0, "data_type": data_type.0 }));
            json!({ "complete": response.complete, "attrs": found.collect::<Vec<_>>() })
        }
        _ => json!({}),
    })
}

fn record_json(record: &AttributeRecord) -> Value {
    let id = record.id.0;
    match record.value {
        Ok(value) => {
            json!({ "attr_id": id, "status": 0, "data_type": value.data_type().0, "value": value.number() })
        }
        Err(refusal) => json!({ "attr_id": id, "status": refusal.status().0 }),
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).map(|digit| DIGITS[usize::from(digit)]).collect()
}
