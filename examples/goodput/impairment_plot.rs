//! SVG plot of the impairment table: a panel for each impairment and distance, a line for each transfer mode.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use zigbee_ota_sim::goodput_table::MODES;
use zigbee_ota_sim::impairment_table::{HOPS, IMPAIRMENTS, LOSSES, Line};

const COLOURS: [RGBColor; MODES.len()] = [
    RGBColor(90, 90, 90),
    RGBColor(166, 206, 227),
    RGBColor(66, 146, 198),
    RGBColor(8, 69, 148),
    RGBColor(253, 174, 97),
    RGBColor(215, 98, 20),
    RGBColor(26, 152, 80),
];

/// Draws `lines` into the file `path`.
pub fn draw(lines: &[Line], path: &Path) -> Result<(), Box<dyn Error>> {
    let whole = SVGBackend::new(path, (1200, 560)).into_drawing_area();
    whole.fill(&WHITE)?;
    let (top, panels) = whole.split_vertically(56);
    let title =
        "Goodput as a share of the oracle's, %, by independent losses, %; server 10 ms, 64-byte blocks";
    top.draw(&Text::new(title, (12, 8), ("sans-serif", 15).into_font()))?;
    for (place, ((name, _), colour)) in MODES.iter().zip(COLOURS).enumerate() {
        let left = 14 + 150 * i32::try_from(place)?;
        top.draw(&Rectangle::new([(left, 36), (left + 22, 40)], colour.filled()))?;
        top.draw(&Text::new(*name, (left + 28, 31), ("sans-serif", 13).into_font()))?;
    }
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
        for (mode, colour) in COLOURS.iter().enumerate() {
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
