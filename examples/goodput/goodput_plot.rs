//! SVG plot of the goodput table: a panel for each distance and server delay, a line for each transfer mode.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use zigbee_ota::client::TransferMode;
use zigbee_ota_sim::goodput_table::{DELAYS, HOPS, LOSSES, Line, MODES};

use crate::plot_heading::{self, MODE_COLOURS};

/// Draws `lines` into the file `path`.
pub fn draw(lines: &[Line], path: &Path) -> Result<(), Box<dyn Error>> {
    let whole = SVGBackend::new(path, (1100, 640)).into_drawing_area();
    let title = "Goodput, KB/s, by frames lost end to end, %. 64-byte blocks, flash 2 ms; mean and standard deviation; dotted: the oracle of the mode; dashed: what the channel carries";
    let names = MODES.iter().zip(MODE_COLOURS).map(|((name, _), colour)| (*name, colour));
    let panels = plot_heading::draw(&whole, (title, 15), names)?;
    let panels = panels.split_evenly((HOPS.len(), DELAYS.len()));
    let places = HOPS.iter().flat_map(|hops| DELAYS.iter().map(move |delay| (*hops, *delay)));
    for (panel, (hops, delay)) in panels.iter().zip(places) {
        let here: Vec<&Line> = lines.iter().filter(|line| (line.hops, line.delay) == (hops, delay)).collect();
        draw_panel(panel, hops, delay, &here)?;
    }
    whole.present()?;
    Ok(())
}

fn draw_panel(
    panel: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    hops: u16,
    delay: u64,
    lines: &[&Line],
) -> Result<(), Box<dyn Error>> {
    let (hop, limit) = if hops == 1 { ("1 hop", 10.0) } else { ("3 hops", 4.0) };
    let mut chart = ChartBuilder::on(panel)
        .caption(format!("{hop}, server {delay} ms"), ("sans-serif", 14))
        .margin(6)
        .x_label_area_size(22)
        .y_label_area_size(28)
        .build_cartesian_2d(-0.5..10.5, 0.0..limit)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .max_light_lines(0)
        .x_labels(11)
        .x_label_formatter(&|loss| format!("{loss:.0}"))
        .y_labels(6)
        .y_label_formatter(&|speed| format!("{speed:.0}"))
        .draw()?;
    if let Some(line) = lines.first() {
        let limit = line.cell().limit() / 1000.0;
        let dashes = [(-0.5, limit), (10.5, limit)];
        chart.draw_series(DashedLineSeries::new(dashes, 3, 3, BLACK.mix(0.5).into()))?;
    }
    for (mode, colour) in MODE_COLOURS.iter().enumerate() {
        let points = LOSSES.iter().filter_map(|loss| {
            let line = lines.iter().find(|line| (line.mode, line.loss) == (mode, *loss))?;
            let speeds = [line.mean.saturating_sub(line.deviation), line.mean, line.mean + line.deviation];
            Some((f64::from(*loss), speeds.map(|speed| f64::from(speed) / 1000.0)))
        });
        let points: Vec<_> = points.collect();
        let means = points.iter().map(|(loss, [_, mean, _])| (*loss, *mean));
        chart.draw_series(LineSeries::new(means, colour.stroke_width(2)))?;
        if MODES[mode].1 != TransferMode::Auto {
            let here = lines.iter().filter(|line| line.mode == mode);
            let oracle = here.map(|line| (f64::from(line.loss), f64::from(line.oracle) / 1000.0));
            chart.draw_series(DashedLineSeries::new(oracle, 1, 3, colour.stroke_width(1)))?;
        }
        let bars = points.iter().map(|(loss, [least, mean, most])| {
            ErrorBar::new_vertical(*loss, *least, *mean, *most, colour.filled(), 5)
        });
        chart.draw_series(bars)?;
    }
    Ok(())
}
