//! Measurement of all rows of a table on all processors, and reader of the rows of a committed table.

use std::sync::Mutex;

/// Applies `measured` to each of `rows` on all processors, and returns the results in the order of the rows. `report_row`
/// is called after each row.
///
/// # Panics
/// If `measured` panics.
pub(crate) fn measure<R: Send>(
    rows: Vec<R>,
    measured: impl Fn(R) -> R + Sync,
    report_row: impl Fn() + Sync,
) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let done = Mutex::new(Vec::from_iter(rows.iter().map(|_| None)));
    let left = Mutex::new(rows.into_iter().enumerate().rev().collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = left.lock().expect("no thread panics while it holds it").pop();
                    let Some((place, row)) = next else { break };
                    let row = measured(row);
                    done.lock().expect("no thread panics while it holds it")[place] = Some(row);
                    report_row();
                }
            });
        }
    });
    let done = done.into_inner().expect("no thread panics while it holds it");
    done.into_iter().map(|row| row.expect("each was measured")).collect()
}

/// Splits a table with columns separated by tabs into its rows, each a name and numbers.
///
/// # Panics
/// If the first line is not `title`, or a number cannot be read.
pub(crate) fn rows<'a>(text: &'a str, title: &str) -> Vec<(&'a str, Vec<f64>)> {
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(title), "the title");
    lines
        .map(|line| {
            let (name, numbers) = line.split_once('\t').unwrap_or_else(|| panic!("{line}: one column"));
            let number = |cell: &str| cell.parse().unwrap_or_else(|error| panic!("{line}: {cell}: {error}"));
            (name, numbers.split('\t').map(number).collect())
        })
        .collect()
}
