//! Picture of downloads over time as SVG: a panel for each device and image, with the offset of each block over its time.
//!
//! ```text
//! offset |            ## #        #   a block, overheard for the first time
//!        |       ####     o   |   o   a block that was sent again, for the request or the block was lost
//!        |   ####o                |   at the right edge: a gap, which was not overheard
//!        +--------------------- seconds, or frames of a capture without times
//! ```

use std::collections::BTreeSet;
use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;
use zigbee_ota::observer::Download;
use zigbee_ota::time::Instant;

use crate::download_table::{device, end, seconds};
use crate::overheard_image_assembly::{HeardBlock, Recovered};

/// Kinds of marks, in the order of drawing. A mark of a later kind covers marks of earlier kinds.
const MARKS: [(&str, RGBColor); 4] = [
    ("new block", RGBColor(66, 146, 198)),
    ("sent again", RGBColor(215, 98, 20)),
    ("contradicts an earlier block", RGBColor(152, 0, 140)),
    ("gap: not overheard", RGBColor(203, 24, 29)),
];
const NEW: usize = 0;
const AGAIN: usize = 1;
const CONTRADICTING: usize = 2;
const GAP: usize = 3;

/// Size of a panel, and number of distinct places along its axes.
const PANEL: (u32, u32) = (1100, 260);
const PLACES: f64 = 1000.0;

/// Maximum number of panels, so that the picture stays readable.
pub const MOST: usize = 24;

/// Draws the downloads of which a block was overheard. Returns the SVG, and the number of downloads that the picture
/// leaves out because of [`MOST`].
pub fn draw(recovered: &Recovered) -> Result<(String, usize), Box<dyn Error>> {
    let mut downloads = recovered.downloads();
    downloads.retain(|download| download.counts().blocks > 0);
    let left_out = downloads.len().saturating_sub(MOST);
    downloads.truncate(MOST);

    let mut svg = String::new();
    let height = 60 + PANEL.1 * u32::try_from(downloads.len())?;
    let whole = SVGBackend::with_string(&mut svg, (PANEL.0, height)).into_drawing_area();
    whole.fill(&WHITE)?;
    let (top, panels) = whole.split_vertically(60);
    let axis = if recovered.is_timed { "seconds" } else { "frames, for not every frame has a time" };
    let title = format!("Offset in the file, in bytes, over {axis}");
    top.draw(&Text::new(title, (12, 8), ("sans-serif", 16).into_font()))?;
    for (place, (name, colour)) in MARKS.iter().enumerate() {
        let left = 14 + 230 * i32::try_from(place)?;
        top.draw(&Rectangle::new([(left, 38), (left + 14, 48)], colour.filled()))?;
        top.draw(&Text::new(*name, (left + 20, 36), ("sans-serif", 13).into_font()))?;
    }
    // All panels have the same time axis, so that simultaneous blocks of several devices are above each other.
    let end = downloads.iter().filter_map(Download::last).map(|last| place_of(recovered, last));
    let end = end.fold(0.0, f64::max).max(if recovered.is_timed { 1.0 } else { 10.0 });
    for (panel, download) in panels.split_evenly((downloads.len().max(1), 1)).iter().zip(&downloads) {
        let own =
            |block: &&HeardBlock| (Some(block.client), block.image) == (download.client(), download.image());
        let blocks = recovered.blocks.iter().filter(own);
        draw_panel(panel, recovered, download, blocks, end)?;
    }
    whole.present()?;
    drop((top, panels, whole));
    Ok((svg, left_out))
}

/// Returns the place on the time axis: the seconds, or the number of the frame in a capture without times.
fn place_of(recovered: &Recovered, at: Instant) -> f64 {
    let millis = at.as_millis() as f64;
    if recovered.is_timed { millis / 1000.0 } else { millis }
}

fn caption(recovered: &Recovered, download: &Download<'_>) -> String {
    let counts = download.counts();
    let mut caption = format!("{}, {}: ", device(download), download.image());
    caption += &match download.percent() {
        Some(percent) => format!("{percent} %"),
        None => format!("{} bytes", download.bytes()),
    };
    if let Some(pace) = download.goodput().filter(|_| recovered.is_timed) {
        caption += &format!(", {pace} B/s, longest silence {} s", seconds(download.longest_silence()));
    }
    caption += &format!(", {} of {} requests repeated", counts.repeated_requests, counts.requests);
    caption + &format!(", {} waits, end: {}", counts.waits, end(download))
}

fn draw_panel<'a>(
    panel: &DrawingArea<SVGBackend<'_>, Shift>,
    recovered: &Recovered,
    download: &Download<'_>,
    blocks: impl Iterator<Item = &'a HeardBlock>,
    end: f64,
) -> Result<(), Box<dyn Error>> {
    let size = f64::from(download.size().unwrap_or(0).max(download.heard_end()).max(1));
    let mut chart = ChartBuilder::on(panel)
        .caption(caption(recovered, download), ("sans-serif", 14))
        .margin(8)
        .x_label_area_size(24)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..end * 1.02, 0.0..size)?;
    chart
        .configure_mesh()
        .max_light_lines(0)
        .x_labels(12)
        .y_labels(6)
        .x_label_formatter(&|place| ((place * 1000.0).round() / 1000.0).to_string())
        .y_label_formatter(&|offset| format!("{offset:.0}"))
        .draw()?;
    let (width, height) = (end / PLACES, size / PLACES);
    // Marks at the same place are drawn once, so that the picture of a long capture stays small.
    let mut marks = BTreeSet::new();
    for block in blocks {
        let kind = match block.bytes {
            bytes if bytes.contradicting > 0 => CONTRADICTING,
            bytes if bytes.repeated > 0 => AGAIN,
            _ => NEW,
        };
        let len = block.bytes.new + block.bytes.repeated;
        let (x, y) = (place_of(recovered, block.at) / width, f64::from(block.offset) / height);
        marks.insert((kind, x as u32, y as u32, (f64::from(len) / height) as u32));
    }
    let marks = marks.into_iter().map(|(kind, x, y, len)| {
        // Marks other than new blocks are rare and important, so their minimum length is longer than that of new
        // blocks.
        let least = if kind == NEW { 8 } else { 60 };
        let (left, low) = (f64::from(x) * width, f64::from(y) * height);
        let corners =
            [(left, low), (left + 3.0 * width, (low + f64::from(len.max(least)) * height).min(size))];
        Rectangle::new(corners, MARKS[kind].1.filled())
    });
    chart.draw_series(marks)?;
    chart.draw_series(download.gaps().map(|gap| {
        let corners = [
            (end * 1.005, f64::from(gap.start)),
            (end * 1.02, f64::from(gap.end).max(f64::from(gap.start) + 6.0 * height)),
        ];
        Rectangle::new(corners, MARKS[GAP].1.filled())
    }))?;
    Ok(())
}
