//! SVG plot of sleepy devices: goodput and energy by the interval of polls, a line for each transfer mode.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use zigbee_ota_sim::sleepy_device_table::{HELD, Line, MODES, POLLS};

use crate::plot_heading;

const COLOURS: [RGBColor; MODES.len()] = [
    RGBColor(90, 90, 90),
    RGBColor(166, 206, 227),
    RGBColor(8, 69, 148),
    RGBColor(253, 174, 97),
    RGBColor(215, 98, 20),
    RGBColor(26, 152, 80),
];

/// Draws `lines` into the file `path`, without loss: goodput above, energy below, a column for each size of the parent.
pub fn draw(lines: &[Line], path: &Path) -> Result<(), Box<dyn Error>> {
    let whole = SVGBackend::new(path, (960, 600)).into_drawing_area();
    let title = "Sleepy devices by the interval of polls, ms; 2 hops, server 10 ms, no loss; dashed: the radio is always on";
    let names = MODES.iter().copied().zip(COLOURS);
    let panels = plot_heading::draw(&whole, (title, 15), names)?;
    let panels = panels.split_evenly((2, HELD.len()));
    let (goodput, energy) = panels.split_at(HELD.len());
    for (held, panel) in HELD.into_iter().zip(goodput) {
        let title = format!("bytes per second, the parent holds {held}");
        draw_panel(panel, &title, held, lines, 1.0..10_000.0, |line| line.mean)?;
    }
    for (held, panel) in HELD.into_iter().zip(energy) {
        let title = format!("radio on, ms per 1000 bytes, the parent holds {held}");
        draw_panel(panel, &title, held, lines, 50.0..1000.0, |line| line.radio_on)?;
    }
    whole.present()?;
    Ok(())
}

fn draw_panel(
    panel: &DrawingArea<SVGBackend<'_>, Shift>,
    title: &str,
    held: u8,
    lines: &[Line],
    range: std::ops::Range<f64>,
    value: fn(&Line) -> u32,
) -> Result<(), Box<dyn Error>> {
    let mut chart = ChartBuilder::on(panel)
        .caption(title, ("sans-serif", 13))
        .margin(6)
        .x_label_area_size(22)
        .y_label_area_size(40)
        .build_cartesian_2d(0.8..5.2, range.log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .max_light_lines(0)
        .x_labels(5)
        .x_label_formatter(&|place| POLLS.get(*place as usize).map_or_else(String::new, u16::to_string))
        .y_labels(5)
        .y_label_formatter(&|value| format!("{value:.0}"))
        .draw()?;
    for (mode, colour) in MODES.iter().zip(COLOURS) {
        let of = |poll: u16, held: u8| {
            let here = |line: &&Line| (line.mode, line.poll, line.held, line.loss) == (*mode, poll, held, 0);
            lines.iter().find(here).map(|line| f64::from(value(line)))
        };
        let points = POLLS.iter().enumerate().skip(1);
        let points = points.filter_map(|(place, poll)| Some((place as f64, of(*poll, held)?)));
        chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
        if let Some(awake) = of(0, HELD[0]) {
            let ends = [(0.8, awake), (5.2, awake)];
            chart.draw_series(DashedLineSeries::new(ends, 2, 4, colour.stroke_width(1)))?;
        }
    }
    Ok(())
}
