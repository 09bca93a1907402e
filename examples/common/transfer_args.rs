//! How blocks are asked for, on the command line.

use std::num::{NonZeroU8, NonZeroU16};

use clap::Args;
use zigbee_ota::client::TransferMode;

/// How blocks are asked for; one after the other without any of these.
#[derive(Args, Clone, Copy, Default)]
#[group(id = "how", multiple = true)]
pub struct How {
    /// Ask for so many blocks at a time, 1 to 9
    #[arg(long, value_name = "N", conflicts_with_all = ["page", "auto"], value_parser = window)]
    window: Option<NonZeroU8>,
    /// Ask for pages of so many bytes
    #[arg(long, value_name = "BYTES", conflicts_with = "auto")]
    page: Option<NonZeroU16>,
    /// The least time between two blocks of a page, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0, requires = "page")]
    spacing: u16,
    /// Find out what is the fastest
    #[arg(long)]
    auto: bool,
}

impl How {
    pub fn transfer(self) -> TransferMode {
        match self {
            Self { auto: true, .. } => TransferMode::Auto,
            Self { page: Some(size), spacing, .. } => TransferMode::Pages { size, spacing },
            Self { window, .. } => TransferMode::Blocks { window: window.unwrap_or(NonZeroU8::MIN) },
        }
    }
}

fn window(text: &str) -> Result<NonZeroU8, &'static str> {
    match text.parse::<NonZeroU8>() {
        Ok(window) if window.get() <= 9 => Ok(window),
        _ => Err("expected a whole number from 1 to 9"),
    }
}
