//! How blocks are asked for, on the command line.

use std::num::{NonZeroU8, NonZeroU16};

use zigbee_ota::client::Transfer;

/// `stop-and-wait`, `window:N`, `pages`, `pages:SIZE` or `pages:SIZE:SPACING`, or `auto`.
pub fn transfer(text: &str) -> Result<Transfer, String> {
    let mut parts = text.split(':');
    let transfer = match (parts.next(), parts.next(), parts.next()) {
        (Some("stop-and-wait"), None, None) => Some(Transfer::Blocks { window: NonZeroU8::MIN }),
        (Some("window"), Some(window), None) => window.parse().ok().map(|window| Transfer::Blocks { window }),
        (Some("pages"), size, spacing) => pages(size.unwrap_or("4096"), spacing.unwrap_or("0")),
        (Some("auto"), None, None) => Some(Transfer::Auto),
        _ => None,
    };
    let expected = "expected stop-and-wait, window:N, pages, pages:BYTES, pages:BYTES:MS or auto";
    transfer.filter(|_| parts.next().is_none()).ok_or_else(|| expected.into())
}

fn pages(size: &str, spacing: &str) -> Option<Transfer> {
    let size: NonZeroU16 = size.parse().ok()?;
    Some(Transfer::Pages { size, spacing: spacing.parse().ok()? })
}
