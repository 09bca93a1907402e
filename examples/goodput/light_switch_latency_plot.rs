//! SVG plot of the latency of light switches: one panel for the latency, and one panel for the speed of all upgrading
//! devices together.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use zigbee_ota_sim::light_switch_latency_table::{FLEETS, Line};

const COLOURS: [RGBColor; FLEETS.len()] = [
    RGBColor(90, 90, 90),
    RGBColor(26, 152, 80),
    RGBColor(166, 217, 106),
    RGBColor(215, 98, 20),
    RGBColor(253, 174, 97),
];

/// Latency in milliseconds at the upper edge of the first panel; the bar of a longer latency ends at this edge.
const LONGEST: f64 = 100.0;

/// Draws `lines` into the file `path`.
pub fn draw(lines: &[Line], path: &Path) -> Result<(), Box<dyn Error>> {
    let whole = SVGBackend::new(path, (900, 400)).into_drawing_area();
    whole.fill(&WHITE)?;
    let (top, panels) = whole.split_vertically(56);
    let title = "100 lamps upgrade, by hops to the server; a light switch sends a command each second";
    top.draw(&Text::new(title, (12, 8), ("sans-serif", 15).into_font()))?;
    for (place, ((name, _), colour)) in FLEETS.iter().zip(COLOURS).enumerate() {
        let left = 14 + 176 * i32::try_from(place)?;
        top.draw(&Rectangle::new([(left, 36), (left + 16, 44)], colour.filled()))?;
        top.draw(&Text::new(*name, (left + 21, 33), ("sans-serif", 12).into_font()))?;
    }
    let latency = |line: &Line| (line.p95 as f64 / 1000.0).min(LONGEST);
    let speed = |line: &Line| f64::from(line.goodput);
    let panels = panels.split_evenly((1, 2));
    for (panel, (title, most, value)) in panels.iter().zip([
        (
            "95th percentile of the latency, ms; the upper edge: lost",
            LONGEST,
            &latency as &dyn Fn(&Line) -> f64,
        ),
        ("bytes per second of the whole fleet", 1000.0, &speed),
    ]) {
        let mut chart = ChartBuilder::on(panel)
            .caption(title, ("sans-serif", 14))
            .margin(6)
            .x_label_area_size(22)
            .y_label_area_size(36)
            .build_cartesian_2d(0.5..3.5, 0.0..most)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .max_light_lines(0)
            .x_labels(3)
            .x_label_formatter(&|hops| format!("{hops:.0}"))
            .y_labels(6)
            .y_label_formatter(&|value| format!("{value:.0}"))
            .draw()?;
        for line in lines {
            let left = f64::from(line.hops) - 0.4 + 0.16 * f64::from(u8::try_from(line.fleet)?);
            let bar = [(left, 0.0), (left + 0.14, value(line).min(most))];
            chart.draw_series([Rectangle::new(bar, COLOURS[line.fleet].filled())])?;
        }
    }
    whole.present()?;
    Ok(())
}
