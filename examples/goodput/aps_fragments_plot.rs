//! SVG plot of the goodput by block size: a panel for each distance and server delay, a line for each transfer mode and
//! setting of fragmentation.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use zigbee_ota_sim::aps_fragment_table::{BLOCKS, DELAYS, HOPS, Line, MODES};

use crate::plot_heading;

const COLOURS: [RGBColor; MODES.len()] =
    [RGBColor(90, 90, 90), RGBColor(66, 146, 198), RGBColor(253, 174, 97), RGBColor(26, 152, 80)];

/// Frame loss of the plot in percent.
const LOSS: u8 = 1;

/// Settings of fragmentation, as window and pause in milliseconds: `FAST` for the continuous lines, `SLOW` for the dashed
/// lines.
const FAST: (u8, u8) = (3, 0);
const SLOW: (u8, u8) = (1, 100);

/// Draws `lines` into the file `path`.
pub fn draw(lines: &[Line], path: &Path) -> Result<(), Box<dyn Error>> {
    let whole = SVGBackend::new(path, (960, 600)).into_drawing_area();
    let title = "Goodput, KB/s, by block size in bytes, at 1 % loss; continuous: windows of 3 fragments without pauses; dashed: single fragments 100 ms apart";
    let names = MODES.iter().copied().zip(COLOURS);
    let panels = plot_heading::draw(&whole, (title, 14), names)?;
    let panels = panels.split_evenly((HOPS.len(), DELAYS.len()));
    let places = HOPS.iter().flat_map(|hops| DELAYS.iter().map(move |delay| (*hops, *delay)));
    for (panel, (hops, delay)) in panels.iter().zip(places) {
        let (hop, most) = if hops == 1 { ("1 hop", 10.0) } else { ("3 hops", 4.0) };
        let mut chart = ChartBuilder::on(panel)
            .caption(format!("{hop}, server {delay} ms"), ("sans-serif", 14))
            .margin(6)
            .x_label_area_size(22)
            .y_label_area_size(28)
            .build_cartesian_2d(0.0..270.0, 0.0..most)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .max_light_lines(0)
            .x_labels(6)
            .x_label_formatter(&|block| format!("{block:.0}"))
            .y_labels(6)
            .y_label_formatter(&|speed| format!("{speed:.0}"))
            .draw()?;
        let here = |line: &&Line| (line.hops, line.delay, line.loss) == (hops, delay, LOSS);
        for (mode, colour) in MODES.iter().zip(COLOURS) {
            let points = |setting| {
                BLOCKS.iter().filter_map(move |block| {
                    let fits = |line: &&Line| {
                        line.mode == *mode
                            && line.block == *block
                            && line.fragments.is_none_or(|is| is == setting)
                    };
                    let line = lines.iter().filter(here).find(fits)?;
                    Some((f64::from(*block), f64::from(line.mean) / 1000.0))
                })
            };
            chart.draw_series(LineSeries::new(points(FAST), colour.stroke_width(2)))?;
            chart.draw_series(DashedLineSeries::new(points(SLOW), 4, 3, colour.stroke_width(1)))?;
        }
    }
    whole.present()?;
    Ok(())
}
