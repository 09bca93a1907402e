//! Option names: subcommands, arguments and options that `--help` lists. The help texts may change.

use crate::run_example::run;
use crate::run_tool::Folder;
use crate::snapshots;

/// Column at which help texts start on lines of their own.
const PROSE: usize = 10;

/// Returns subcommands, arguments and options of a help text. An option with a value ends in `=`; of an argument only
/// its being required or repeatable remains.
fn names(help: &str) -> Vec<String> {
    let (mut names, mut section) = (Vec::new(), "");
    for line in help.lines() {
        let word = line.trim_start();
        match line.len() - word.len() {
            _ if word.is_empty() => {}
            0 => section = word,
            PROSE.. => {}
            _ if section == "Commands:" => names.extend(word.split_whitespace().next().map(str::to_owned)),
            _ if section == "Arguments:" => {
                let form = word.split_whitespace().next().unwrap_or_default();
                names.push(form.chars().filter(|letter| "<>[].".contains(*letter)).collect());
            }
            _ if section == "Options:" => names.push(option(word)),
            _ => {}
        }
        for mark in ["[alias: ", "[aliases: ", "[possible values: "] {
            if let Some((_, rest)) = line.split_once(mark) {
                names.push(format!("  {mark}{}]", rest.split(']').next().unwrap_or_default()));
            }
        }
    }
    names
}

/// Returns the names of one option.
fn option(line: &str) -> String {
    let mut words = line.split_whitespace();
    let mut names = Vec::new();
    let next = loop {
        match words.next() {
            Some(word) if word.starts_with('-') => names.push(word.trim_end_matches(',')),
            other => break other,
        }
    };
    let value = if next.is_some_and(|word| word.starts_with(['<', '['])) { "=" } else { "" };
    format!("{}{value}", names.join(" "))
}

/// Every tool and every subcommand keeps its options.
#[test]
fn option_names_are_unchanged() {
    let folder = Folder::new();
    let mut tools: Vec<String> =
        ["ota", "frames", "upgrade", "tcp_client", "tcp_server"].map(str::to_owned).to_vec();
    let commands = names(&run(&folder, "ota --help").out);
    let commands = commands.iter().filter(|name| !name.starts_with('-') && *name != "help");
    tools.extend(commands.map(|command| format!("ota {command}")));
    let mut found = String::new();
    for tool in tools {
        let ran = run(&folder, &format!("{tool} --help"));
        assert_eq!((ran.status, &*ran.err), (0, ""), "{tool}");
        found += &format!("{tool}\n");
        found.extend(names(&ran.out).iter().map(|name| format!("  {name}\n")));
    }
    snapshots::compare("option_names.txt", &found);
}
