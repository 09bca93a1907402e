//! Oracle: goodput of an ideal client that learns of every lost frame at the moment of the loss.
//!
//! ```text
//! request --> lost: repeated at once        response --> lost: requested again at once
//!                                           block of a page --> lost: requested at the end of the page
//! ```
//!
//! The requests of the oracle take the channel like those of all others, so that its goodput is what a transfer mode can
//! reach on a channel, and the share of it that the real client reaches is the quality of that client's timers.

use std::num::{NonZeroU8, NonZeroU16};
use std::ops::Range;

use zigbee_ota::client::TransferMode;
use zigbee_ota::server::MIN_PAGE_SPACING;

use super::{Download, Recovery, Scheme, run_on};
use crate::Micros;
use crate::net::{ApsAcks, Settings};
use crate::radio::timing::LONGEST_BLOCK;

/// Modes among which the oracle of `Auto` chooses the best.
const CHOICES: [TransferMode; 6] = [window(1), window(2), window(4), window(8), pages(0), pages(21)];

/// Numbers of requests in flight for the lost blocks of a page; the best one counts.
const AT_ONCE: [usize; 3] = [1, 2, 4];

const fn window(window: u8) -> TransferMode {
    TransferMode::Blocks { window: NonZeroU8::new(window).expect("a window holds something") }
}

const fn pages(spacing: u16) -> TransferMode {
    TransferMode::Pages { size: NonZeroU16::new(4096).expect("a page has bytes"), spacing }
}

/// Conditions of the downloads of an oracle.
#[derive(Clone, Debug, PartialEq)]
pub struct Oracle {
    /// Channel and its losses, without APS acknowledgements.
    pub net: Settings,
    /// Data bytes in a block.
    pub block: u8,
    /// Number of blocks in the file.
    pub blocks: u32,
    /// Processing time of the server for each response; the server works on many requests in parallel.
    pub server_delay: Micros,
    /// Minimum time between two blocks that the server sends; 0 for a server that does not pace.
    pub between: Micros,
    /// Storage time of one block in the client.
    pub store: Micros,
}

impl Oracle {
    /// Returns the mean goodput in bytes per second over the seeds, of the best mode for [`TransferMode::Auto`]. Returns
    /// `None` for a channel with APS acknowledgements or fragments, whose retries hide the losses, for a channel that loses
    /// nearly all frames, and for an unknown mode.
    #[must_use]
    pub fn goodput(&self, transfer: TransferMode, seeds: Range<u64>) -> Option<f64> {
        let is_cut = self.net.fragments.is_some() && self.block > LONGEST_BLOCK;
        if self.net.aps_acks != ApsAcks::Off || is_cut {
            return None;
        }
        let mean = |scheme, at_once| {
            let download = Download {
                block: self.block,
                blocks: self.blocks,
                server_delay: self.server_delay,
                between: self.between,
                store: self.store,
                recovery: Recovery::Oracle { at_once },
                ..Download::new(scheme, 1)
            };
            let runs = seeds.clone().map(|seed| Some(run_on(self.net.clone(), download, seed)?.goodput));
            Some(runs.sum::<Option<f64>>()? / seeds.clone().count() as f64)
        };
        match transfer {
            TransferMode::Blocks { window } => mean(Scheme::Blocks { window: window.get().into() }, 1),
            TransferMode::Pages { size, spacing } => {
                let spacing = Micros::from(spacing.max(MIN_PAGE_SPACING)) * 1000;
                let scheme = Scheme::Pages { size: size.get().into(), spacing };
                AT_ONCE.into_iter().filter_map(|at_once| mean(scheme, at_once)).max_by(f64::total_cmp)
            }
            TransferMode::Auto => {
                let choices = CHOICES.into_iter().filter_map(|choice| self.goodput(choice, seeds.clone()));
                choices.max_by(f64::total_cmp)
            }
            _ => None,
        }
    }
}
