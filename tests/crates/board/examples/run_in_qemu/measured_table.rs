//! The measured values and their committed table: name, a tab, value.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::Result;

/// Returns the largest ratio of a measured value to that of the table. Instructions depend on the client's timers, and these
/// on the response times of the host: a window took from 10,157 to 10,737 per block. Bytes depend on the compiler alone.
fn largest_ratio(name: &str) -> f64 {
    if name.ends_with("instructions per block") { 1.1 } else { 1.01 }
}

#[derive(Default)]
pub struct Table(Vec<(String, u64)>);

impl Table {
    pub fn add(&mut self, name: &str, value: u64) {
        self.0.push((name.to_owned(), value));
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let mut text = String::from(
            "# Bytes and instructions on a Cortex-M0, opt-level \"z\", fat LTO; whole firmware with its loop.\n",
        );
        for (name, value) in &self.0 {
            writeln!(text, "{name}\t{value}")?;
        }
        Ok(fs::write(path, text)?)
    }

    /// Prints both, and returns whether nothing has grown, appeared or vanished.
    pub fn compare(&self, path: &Path) -> Result<bool> {
        let text = fs::read_to_string(path)?;
        let mut expected = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.split_once('\t').ok_or_else(|| format!("no tab in: {line}"))?;
            expected.push((name, value.parse::<u64>()?));
        }
        let mut is_good = true;
        for (name, value) in &self.0 {
            let before = expected.iter().find(|(other, _)| other == name).map(|(_, value)| *value);
            let verdict = match before {
                None => "  is not in the table",
                Some(before) if *value as f64 > before as f64 * largest_ratio(name) => "  has grown",
                Some(_) => "",
            };
            is_good &= verdict.is_empty();
            let before = before.map_or_else(String::new, |before| before.to_string());
            println!("{name:<40}{value:>8}{before:>8}{verdict}");
        }
        for (name, _) in expected {
            if self.0.iter().all(|(other, _)| other != name) {
                println!("{name}  is in the table and was not measured");
                is_good = false;
            }
        }
        Ok(is_good)
    }
}
