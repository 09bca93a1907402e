//! Subcommand `extract`: writes one part of a file to another file.

use std::path::PathBuf;

use clap::Args;
use zigbee_ota::container::ContainerIntegrity;
use zigbee_ota::file::{BodyLayout, Tag};

use crate::atomic_write::replace;
use crate::error::{Failure, complain};
use crate::input_files::{InputFile, with};
use crate::irregularity_words;
use crate::number_args::number;

/// Write the data of an element, or another part of a file, to a file
#[derive(Args)]
pub struct Options {
    /// OTA file, or a container with an OTA file inside
    file: PathBuf,
    /// File to write
    #[arg(short = 'o', long, value_name = "OUT")]
    to: PathBuf,
    /// Tag of the element
    #[arg(short, long, default_value = "0x0000", value_parser = number::<u16>)]
    tag: u16,
    /// Index among the elements with that tag, counted from 0
    #[arg(short, long, value_name = "N", default_value_t = 0)]
    index: usize,
    /// Write the OTA file itself, without its container
    #[arg(long, conflicts_with_all = ["tag", "index", "rest"])]
    ota: bool,
    /// Write the raw bytes of the body that belong to no element
    #[arg(long, conflicts_with_all = ["tag", "index"])]
    rest: bool,
}

pub fn run(options: &Options) -> Result<bool, Failure> {
    let part = with(&options.file, |opened| {
        if let ContainerIntegrity::ChecksumFailed { .. } = opened.container.integrity {
            opened.faults().iter().for_each(|fault| complain(Failure::at(&options.file, fault)));
        }
        part(options, opened).map(<[u8]>::to_vec)
    });
    let part = part.map_err(|reason| reason.to_string()).flatten();
    let part = part.map_err(|reason| Failure::at(&options.file, reason))?;
    replace(&options.to, &part)?;
    Ok(true)
}

fn part<'a>(options: &Options, opened: &InputFile<'a>) -> Result<&'a [u8], String> {
    let image = &opened.image;
    if options.ota {
        return match image.layout() {
            BodyLayout::Truncated => Err(irregularity_words::faults(opened).join("; ")),
            _ => Ok(image.bytes()),
        };
    }
    if options.rest {
        let none = || format!("no raw bytes: the layout of the body is {}", image.layout());
        return image.raw_remainder().map(|rest| rest.bytes).ok_or_else(none);
    }
    let tag = Tag(options.tag);
    let Some(at) = image.elements().filter(|at| at.element.tag == tag).nth(options.index) else {
        let tags: Vec<String> = image.elements().map(|at| format!("{:#06x}", at.element.tag.0)).collect();
        let tags = if tags.is_empty() { "none".into() } else { tags.join(", ") };
        return Err(format!("no element {:#06x} with index {}; elements: {tags}", tag.0, options.index));
    };
    let (declared, present) = (at.length, at.element.data.len());
    if usize::try_from(declared) != Ok(present) {
        return Err(format!("the element {:#06x} is cut short: {present} of {declared} bytes", tag.0));
    }
    Ok(at.element.data)
}
