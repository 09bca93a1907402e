//! Command line options for the transfer mode: `--window`, `--page`, `--spacing` and `--auto`.

use std::num::{NonZeroU8, NonZeroU16};

use clap::Args;
use zigbee_ota::client::TransferMode;

/// Options for the transfer mode. Without these options, the client has one block request in flight.
#[derive(Args, Clone, Copy, Default)]
#[group(id = "how", multiple = true)]
pub struct TransferArgs {
    /// Maximum block requests in flight, 1 to 9
    #[arg(long, value_name = "N", conflicts_with_all = ["page", "auto"], value_parser = window)]
    window: Option<NonZeroU8>,
    /// Request pages of this size in bytes
    #[arg(long, value_name = "BYTES", conflicts_with = "auto")]
    page: Option<NonZeroU16>,
    /// Minimum interval between two blocks of a page, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0, requires = "page")]
    spacing: u16,
    /// Let the client measure the transfer modes and use the fastest
    #[arg(long)]
    auto: bool,
}

impl TransferArgs {
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
