//! Heading of an SVG plot: the title, and the name of each line beside a stroke in the colour of the line.
//!
//! ```text
//! title
//! --- name   --- name   --- name
//! ```

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;

/// Colours of the transfer modes of the goodput table, in the order of `goodput_table::MODES`.
pub const MODE_COLOURS: [RGBColor; 7] = [
    RGBColor(90, 90, 90),
    RGBColor(166, 206, 227),
    RGBColor(66, 146, 198),
    RGBColor(8, 69, 148),
    RGBColor(253, 174, 97),
    RGBColor(215, 98, 20),
    RGBColor(26, 152, 80),
];

/// Fills `whole` with white, and draws the heading with a title in letters of `size` pixels. Returns the area below the
/// heading.
pub fn draw<'a, 'n>(
    whole: &DrawingArea<SVGBackend<'a>, Shift>,
    (title, size): (&str, u32),
    lines: impl Iterator<Item = (&'n str, RGBColor)>,
) -> Result<DrawingArea<SVGBackend<'a>, Shift>, Box<dyn Error>> {
    whole.fill(&WHITE)?;
    let (heading, rest) = whole.split_vertically(56);
    heading.draw(&Text::new(title, (12, 8), ("sans-serif", size).into_font()))?;
    for (place, (name, colour)) in lines.enumerate() {
        let left = 14 + 150 * i32::try_from(place)?;
        heading.draw(&Rectangle::new([(left, 36), (left + 22, 40)], colour.filled()))?;
        heading.draw(&Text::new(name, (left + 28, 31), ("sans-serif", 13).into_font()))?;
    }
    Ok(rest)
}
