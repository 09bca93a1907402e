//! All orders of events of one OTA Upgrade client and one server, up to a number of faults.
//!
//! ```text
//! explore [--list FILE [--write]] [--setup NAME]... [--budget N] [--stop]
//! explore --setup NAME --replay "tick deliver lose:0 ..."
//! ```
//!
//! `--list` compares the long waits with the committed table, `--write` writes the table; `--setup` explores these setups
//! alone, with a list of what leads to each wait; `--budget`, or `EXPLORE_BUDGET`, explores each setup with at least so many
//! faults; `--stop` ends at the first violation. The exit status is 1 when a property does not hold.
//!
//! A world has one client with flash and application, one server with store and operator, and a link; see `simulated_pair`. From
//! the first state on, the explorer follows every possible next event in a copy of the simulation: see `explore`. A
//! fault is an unwanted event: a lost frame, a restart, a wait. Safety properties are checked after each step
//! (`simulated_pair`), and liveness properties when all states are known (`liveness`).

mod action;
mod event_words;
mod explore;
mod flash;
mod liveness;
mod long_waits_table;
mod replay;
mod setup;
mod simulated_pair;
mod state_key;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use action::Action;
use explore::{Exploration, trace};
use liveness::{Length, Liveness};
use setup::Setup;

struct Arguments {
    list: Option<String>,
    writes: bool,
    setups: Vec<String>,
    budget: u8,
    stops: bool,
    replay: Option<String>,
}

fn arguments() -> Result<Arguments, String> {
    let budget = std::env::var("EXPLORE_BUDGET").unwrap_or_default();
    let number = |text: &str| text.parse::<u8>().map_err(|error| format!("budget {text}: {error}"));
    let mut read = Arguments {
        list: None,
        writes: false,
        setups: Vec::new(),
        budget: if budget.is_empty() { 0 } else { number(&budget)? },
        stops: false,
        replay: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--list" => read.list = Some(value()?),
            "--write" => read.writes = true,
            "--setup" => read.setups.push(value()?),
            "--budget" => read.budget = number(&value()?)?,
            "--stop" => read.stops = true,
            "--replay" => read.replay = Some(value()?),
            other => return Err(format!("what is {other}?")),
        }
    }
    Ok(read)
}

/// Result of the exploration of one setup.
struct Finding {
    setup: &'static Setup,
    budget: u8,
    exploration: Exploration,
    liveness: Liveness,
    seconds: f64,
}

fn words(actions: &[Action]) -> String {
    let words: Vec<_> = actions.iter().map(ToString::to_string).collect();
    words.join(" ")
}

fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

#[expect(clippy::disallowed_methods, reason = "the time of the run itself, which no world sees")]
fn find(setup: &'static Setup, arguments: &Arguments) -> Finding {
    let budget = setup.budget.max(arguments.budget);
    let start = std::time::Instant::now();
    let exploration = match setup.ranges {
        0 => explore::explore::<0>(setup, budget, arguments.stops),
        _ => explore::explore::<2>(setup, budget, arguments.stops),
    };
    let liveness = liveness::examine(&exploration);
    Finding { setup, budget, exploration, liveness, seconds: start.elapsed().as_secs_f64() }
}

impl Finding {
    fn head() -> String {
        format!(
            "{:<32}{:>7}{:>10}{:>7}{:>10}{:>9}{:>6}",
            "setup", "faults", "states", "depth", "recovery", "surplus", "time"
        )
    }

    /// Prints one line, and the details of each violation. Returns whether there is no violation.
    fn print(&self, is_alone: bool) -> bool {
        let Self { setup, budget, exploration, liveness, .. } = self;
        let nodes = &exploration.nodes;
        let depth = nodes.iter().map(|node| node.depth).max().unwrap_or(0);
        println!(
            "{:<32}{budget:>7}{:>10}{depth:>7}{:>8.1} s{:>9}{:>5.1} s",
            setup.name,
            nodes.len(),
            seconds(liveness.recovery.0),
            liveness.surplus.0.max(0),
            self.seconds,
        );
        if is_alone {
            println!("steps: {}, states of the client: {:?}", exploration.steps, exploration.states);
            println!("slowest recovery by: {}", words(&trace(nodes, liveness.recovery.1)));
            println!("most requests beyond those missing by: {}", words(&trace(nodes, liveness.surplus.1)));
            for ((news, faults), wait) in &liveness.waits {
                println!(
                    "wait of {:.1} s ({}) after {}, {faults} faults: {}",
                    seconds(wait.millis),
                    wait.length.word(),
                    event_words::word(*news),
                    words(&trace(nodes, wait.node))
                );
            }
        }
        if exploration.floods > 0 {
            println!(
                "    {} steps were not followed, for more than {} frames were under way",
                exploration.floods,
                simulated_pair::MAX_LINK
            );
        }
        let mut is_good = true;
        for violation in &exploration.violations {
            is_good = false;
            let mut actions = trace(nodes, violation.node);
            actions.extend(violation.action);
            println!("VIOLATED, {} times: {}", violation.count, violation.text);
            println!("replay: --setup '{}' --replay '{}'", setup.name, words(&actions));
            println!("{}", replay::replay(setup, &actions, false));
        }
        if !exploration.is_complete && exploration.violations.is_empty() {
            is_good = false;
            println!("VIOLATED: more than {} states; a number that grows for ever?", explore::MAX_STATES);
        }
        let (slowest, node) = liveness.slowest;
        if slowest > setup.bound * 1000 {
            is_good = false;
            let actions = trace(nodes, node);
            println!(
                "VIOLATED: {:.1} s to the end without a listed wait, {} s are allowed",
                seconds(slowest),
                setup.bound
            );
            println!("replay: --setup '{}' --replay '{}'", setup.name, words(&actions));
            println!("{}", replay::replay(setup, &actions, true));
        }
        is_good
    }
}

fn run() -> Result<bool, String> {
    let arguments = arguments()?;
    let all: &'static [Setup] = Vec::leak(setup::all());
    let is_chosen = |setup: &&Setup| {
        arguments.setups.is_empty() || arguments.setups.iter().any(|name| name == setup.name)
    };
    let chosen: Vec<&'static Setup> = all.iter().filter(is_chosen).collect();
    if chosen.is_empty() {
        let names: Vec<_> = all.iter().map(|setup| setup.name).collect();
        return Err(format!("no such setup; there are: {}", names.join("; ")));
    }
    explore::catch_panics();
    if let Some(text) = &arguments.replay {
        let actions = text.split_whitespace().map(str::parse).collect::<Result<Vec<Action>, _>>()?;
        println!("{}", replay::replay(chosen[0], &actions, true));
        return Ok(true);
    }
    let (next, is_good) = (AtomicUsize::new(0), Mutex::new(true));
    let waits: Mutex<BTreeMap<(String, u8), (Length, String)>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(chosen.len());
    println!("{}", Finding::head());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(setup) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = find(setup, &arguments);
                    // The lock keeps the lines of two findings apart.
                    let mut is_good = is_good.lock().expect("no panic under the lock");
                    *is_good &= found.print(chosen.len() == 1);
                    let mut waits = waits.lock().expect("no panic under the lock");
                    for ((news, faults), wait) in &found.liveness.waits {
                        let actions = trace(&found.exploration.nodes, wait.node);
                        let example = format!("--setup '{}' --replay '{}'", setup.name, words(&actions));
                        let foreign = if setup.foreign.is_some() { ", other stack's server" } else { "" };
                        let longest = waits.entry((event_words::word(*news) + foreign, *faults));
                        let longest = longest.or_insert_with(|| (wait.length, example.clone()));
                        if wait.length > longest.0
                            || wait.length == longest.0 && example.len() < longest.1.len()
                        {
                            *longest = (wait.length, example);
                        }
                    }
                }
            });
        }
    });
    let mut is_good = is_good.into_inner().expect("no panic under the lock");
    let waits = waits.into_inner().expect("no panic under the lock");
    let found = long_waits_table::rows(&waits);
    println!("long waits:");
    for row in &found {
        let example = waits.get(&(row.0.clone(), row.1)).map_or("", |(_, example)| example);
        println!("{}: {example}", long_waits_table::show(row));
    }
    if let Some(list) = &arguments.list {
        if arguments.writes {
            long_waits_table::write(list, &found)?;
        } else {
            is_good &= long_waits_table::compare(list, &found, arguments.setups.is_empty())?;
        }
    }
    Ok(is_good)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}
