//! How frames and messages read in a log: one line each.
//!
//! ```text
//! #7 to server: Upgrade End Request, 115F-0101-00001A2B: SUCCESS [what deviates]
//! |  |          |                    |
//! |  direction  command              what it says
//! sequence number
//! ```

use core::fmt::{Display, Formatter, Result};

use crate::time::ServerTime;
use crate::types::{FileVersion, ImageFilter, ImageType, ManufacturerCode};

use super::{
    AttributeCommand, AttributeRecord, CommandId, DefaultResponse, Deviations, Direction, DiscoverAttributes,
    DiscoverAttributesResponse, Frame, ImageBlockRequest, ImageBlockResponse, ImageNotify, ImageOffer,
    ImagePageRequest, Message, NotifyScope, OtherFrame, OtherKind, QueryNextImageRequest,
    QueryNextImageResponse, QuerySpecificFileRequest, QuerySpecificFileResponse, ReadAttributes,
    ReadAttributesResponse, Refusal, ToClient, ToServer, UpgradeEndRequest, UpgradeEndResponse,
    WriteAttributes, WriteAttributesResponse,
};

/// `#7 to server: Upgrade End Request, 115F-0101-00001A2B: SUCCESS`, and in brackets what deviates.
impl Display for Frame<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "#{} {}: {}", self.sequence, self.message.direction(), self.message)?;
        if self.deviations != Deviations::NONE {
            write!(f, " [{}]", self.deviations)?;
        }
        Ok(())
    }
}

impl Display for Direction {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::ToServer => "to server",
            Self::ToClient => "to client",
        })
    }
}

impl Display for Deviations<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut between = "";
        if !self.quirks.is_empty() {
            bitflags::parser::to_writer(&self.quirks, &mut *f)?;
            between = ", ";
        }
        if self.reserved != 0 {
            write!(f, "{between}reserved bits {:#04x}", self.reserved)?;
            between = ", ";
        }
        if !self.trailing.is_empty() {
            write!(f, "{between}{} bytes left over", self.trailing.len())?;
        }
        Ok(())
    }
}

impl Display for Message<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::ToServer(message) => message.fmt(f),
            Self::ToClient(message) => message.fmt(f),
            Self::DefaultResponse(_, message) => message.fmt(f),
            Self::Attributes(_, message) => message.fmt(f),
            Self::Other(other) => other.fmt(f),
        }
    }
}

impl Display for ToServer {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::QueryNextImage(message) => message.fmt(f),
            Self::ImageBlock(message) => message.fmt(f),
            Self::ImagePage(message) => message.fmt(f),
            Self::UpgradeEnd(message) => message.fmt(f),
            Self::QuerySpecificFile(message) => message.fmt(f),
        }
    }
}

impl Display for ToClient<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::ImageNotify(message) => message.fmt(f),
            Self::QueryNextImage(message) => message.fmt(f),
            Self::ImageBlock(message) => message.fmt(f),
            Self::UpgradeEnd(message) => message.fmt(f),
            Self::QuerySpecificFile(message) => message.fmt(f),
        }
    }
}

impl Display for OtherFrame<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.why() {
            OtherKind::WrongDirection(command) => write!(f, "{command} the wrong way")?,
            OtherKind::Unassigned(command) => write!(f, "unassigned command {command}")?,
            OtherKind::ManufacturerSpecific(code) => {
                write!(f, "command {:#04x} of maker {code}", self.header().command)?;
            }
            OtherKind::Global(command) => write!(f, "global command {command:#04x}")?,
            OtherKind::ReservedFrameType(frame_type) => {
                write!(f, "command {:#04x} of reserved frame type {frame_type}", self.header().command)?;
            }
        }
        write!(f, ", {} bytes", self.payload().len())
    }
}

impl Display for ImageNotify {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "Image Notify, jitter {}, ", self.jitter)?;
        match self.scope {
            NotifyScope::Everyone => f.write_str("for all"),
            NotifyScope::Manufacturer(code) => write!(f, "for maker {code}"),
            NotifyScope::ImageType(manufacturer, image_type) => {
                let filter = ImageFilter { manufacturer, image_type, version: FileVersion::ANY };
                write!(f, "for {}", Images(filter))
            }
            NotifyScope::NewVersion(filter) => write!(f, "of new {}", Images(filter)),
        }
    }
}

impl Display for QueryNextImageRequest {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "Query Next Image Request, runs {}", self.current)?;
        self.hardware.map_or(Ok(()), |hardware| write!(f, ", hardware {hardware}"))
    }
}

impl Display for QueryNextImageResponse {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("Query Next Image Response, ")?;
        match self {
            Self::Offer(offer) => offer.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl Display for ImageOffer {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} of {} bytes", self.id, self.size)
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.status().fmt(f)
    }
}

impl Display for ImageBlockRequest {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { id, offset, max_data, node, min_block_period } = self;
        write!(f, "Image Block Request, {id} from {offset}, at most {max_data} bytes")?;
        if let Some(node) = node {
            write!(f, ", for {node}")?;
        }
        min_block_period.map_or(Ok(()), |period| write!(f, ", block period {period}"))
    }
}

impl Display for ImagePageRequest {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { id, offset, max_data, page_size, spacing, node } = self;
        write!(f, "Image Page Request, {id} from {offset}, {page_size} bytes, ")?;
        write!(f, "at most {max_data} every {spacing} ms")?;
        node.map_or(Ok(()), |node| write!(f, ", for {node}"))
    }
}

impl Display for ImageBlockResponse<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("Image Block Response, ")?;
        match self {
            Self::Data(block) => {
                write!(f, "{} from {}, {} bytes", block.id, block.offset, block.data.get().len())
            }
            Self::Wait(wait) => {
                write!(f, "WAIT_FOR_DATA {}", Moment(wait.time))?;
                wait.min_block_period.map_or(Ok(()), |period| write!(f, ", block period {period}"))
            }
            Self::Abort => f.write_str("ABORT"),
            Self::Refused(refusal) => refusal.status().fmt(f),
        }
    }
}

impl Display for UpgradeEndRequest {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "Upgrade End Request, {}: {}", self.id, self.status)
    }
}

impl Display for UpgradeEndResponse {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "Upgrade End Response, {} {}", Images(self.target), Moment(self.time))
    }
}

impl Display for QuerySpecificFileRequest {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { node, id, stack } = self;
        write!(f, "Query Specific File Request, {id} for {node}, stack {stack}")
    }
}

impl Display for QuerySpecificFileResponse {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("Query Specific File Response, ")?;
        match self {
            Self::Offer(offer) => offer.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

/// The command is a number here: it may be one of the cluster or a global one.
impl Display for DefaultResponse {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let CommandId(command) = self.command;
        write!(f, "Default Response to command {command:#04x}: {}", self.status)
    }
}

impl Display for AttributeCommand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Read(command) => command.fmt(f),
            Self::ReadResponse(command) => command.fmt(f),
            Self::Write(command) => command.fmt(f),
            Self::WriteResponse(command) => command.fmt(f),
            Self::Discover(command) => command.fmt(f),
            Self::DiscoverResponse(command) => command.fmt(f),
        }
    }
}

impl Display for ReadAttributes<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        list(f, "Read Attributes", self.ids(), |f, id| id.fmt(f))
    }
}

impl Display for ReadAttributesResponse<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        list(f, "Read Attributes Response", self.records(), |f, record| match record {
            Ok(record) => record.fmt(f),
            Err(error) => write!(f, "unreadable from byte {}", error.offset),
        })
    }
}

impl Display for AttributeRecord {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.value {
            Ok(value) => write!(f, "{} {value}", self.id),
            Err(refusal) => write!(f, "{} {refusal}", self.id),
        }
    }
}

impl Display for WriteAttributes<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        list(f, "Write Attributes", self.records(), |f, record| match record {
            Ok((id, value)) => write!(f, "{id} {value}"),
            Err(error) => write!(f, "unreadable from byte {}", error.offset),
        })
    }
}

impl Display for WriteAttributesResponse<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        list(f, "Write Attributes Response", self.refused(), |f, (id, status)| write!(f, "{id} {status}"))
    }
}

impl Display for DiscoverAttributes {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "Discover Attributes, at most {} from {:#06x}", self.most, self.first.0)
    }
}

impl Display for DiscoverAttributesResponse<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let title = match self.complete {
            true => "Discover Attributes Response, the last",
            false => "Discover Attributes Response, not the last",
        };
        list(f, title, self.attributes(), |f, (id, data_type)| write!(f, "{id} ({data_type})"))
    }
}

/// `Title: one, two`, or `Title: none`.
fn list<T>(
    f: &mut Formatter<'_>,
    title: &str,
    items: impl Iterator<Item = T>,
    show: impl Fn(&mut Formatter<'_>, T) -> Result,
) -> Result {
    f.write_str(title)?;
    let mut between = ": ";
    for item in items {
        f.write_str(between)?;
        show(f, item)?;
        between = ", ";
    }
    if between == ": " { f.write_str(": none") } else { Ok(()) }
}

/// Images by filter: a star for a wildcard.
struct Images(ImageFilter);

impl Display for Images {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let ImageFilter { manufacturer, image_type, version } = self.0;
        match manufacturer {
            ManufacturerCode::ANY => f.write_str("*-")?,
            ManufacturerCode(code) => write!(f, "{code:04X}-")?,
        }
        match image_type {
            ImageType::ANY => f.write_str("*-")?,
            ImageType(number) => write!(f, "{number:04X}-")?,
        }
        match version {
            FileVersion::ANY => f.write_str("*"),
            FileVersion(number) => write!(f, "{number:08X}"),
        }
    }
}

/// When: as the server says it, as what it means may depend on the reader's clock.
struct Moment(ServerTime);

impl Display for Moment {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.0 {
            ServerTime { then: u32::MAX, .. } => f.write_str("until told otherwise"),
            ServerTime { current: 0, then } => write!(f, "in {then} s"),
            ServerTime { current, then } => write!(f, "at {then}, now {current}"),
        }
    }
}
