//! SVG plot of the impairment table: a panel for each impairment and distance, a line for each transfer mode.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use zigbee_ota_sim::goodput_table::MODES;
use zigbee_ota_sim::loss_and_server_impairment_table::{HOPS, IMPAIRMENTS, LOSSES, Line};

use crate::plot_heading::{self, MODE_COLOURS};

/// Draws `lines` into the file `path`.
pub fn draw(lines: &[Line], path: &Path) -> Result<(), Box<dyn Error>> {
    let whole = SVGBackend::new(path, (1200, 560)).into_drawing_area();
    let title =
        "Goodput as a share of the oracle's, %, by independent losses, %; server 10 ms, 64-byte blocks";
    let names = MODES.iter().zip(MODE_COLOURS).map(|((name, _), colour)| (*name, colour));
    let panels = plot_heading::draw(&whole, (title, 15), names)?;
    let panels = panels.split_evenly((HOPS.len(), IMPAIRMENTS.len()));
    let places = HOPS.iter().flat_map(|hops| (0..IMPAIRMENTS.len()).map(move |place| (*hops, place)));
    for (panel, (hops, impairment)) in panels.iter().zip(places) {
        let hop = if hops == 1 { "1 hop" } else { "3 hops" };
        let mut chart = ChartBuilder::on(panel)
            .caption(format!("{}, {hop}", IMPAIRMENTS[impairment].0), ("sans-serif", 13))
            .margin(6)
            .x_label_area_size(22)
            .y_label_area_size(30)
            .build_cartesian_2d(-0.5..10.5, 20.0..110.0)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .max_light_lines(0)
            .x_labels(6)
            .x_label_formatter(&|loss| format!("{loss:.0}"))
            .y_labels(10)
            .y_label_formatter(&|share| format!("{share:.0}"))
            .draw()?;
        for (mode, colour) in MODE_COLOURS.iter().enumerate() {
            let points = LOSSES.iter().filter_map(|loss| {
                let place = (impairment, mode, hops, *loss);
                let line =
                    lines.iter().find(|line| (line.impairment, line.mode, line.hops, line.loss) == place)?;
                Some((f64::from(*loss), 100.0 * line.share()))
            });
            chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
        }
    }
    whole.present()?;
    Ok(())
}
