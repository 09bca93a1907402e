//! Mutants as `cargo mutants --list --json` lists them.

use std::collections::HashMap;

use serde::Deserialize;

/// Line and column, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Span {
    pub start: Position,
}

/// What a mutant changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
pub enum Genre {
    /// A function returns a value at once.
    FnValue,
    /// Another operator between the same operands.
    BinaryOperator,
    /// No operator before the operand.
    UnaryOperator,
    /// An arm of a `match` never matches.
    MatchArm,
    /// The condition of an arm is `true`, or `false`.
    MatchArmGuard,
    /// A field of a struct expression has the value of the base expression.
    StructField,
}

#[derive(Debug, Deserialize)]
pub struct Function {
    pub return_type: String,
}

#[derive(Debug, Deserialize)]
pub struct Mutant {
    /// Path from the root of the repository.
    pub file: String,
    pub function: Option<Function>,
    pub genre: Genre,
    /// File, line, column and what is changed.
    pub name: String,
    /// Text in place of what is at the span.
    pub replacement: String,
    pub span: Span,
}

impl Mutant {
    /// Returns whether a switch has a place: two values of a function that returns `impl Trait` have the same type only
    /// when they are in different builds.
    pub fn can_have_a_switch(&self) -> bool {
        let opaque = self.function.as_ref().is_some_and(|function| function.return_type.contains("impl "));
        self.genre != Genre::FnValue || !opaque
    }

    /// Returns the name without line and column.
    fn name_without_position(&self) -> String {
        let mut parts = self.name.splitn(4, ':');
        let (file, change) = (parts.next().unwrap_or_default(), parts.nth(2).unwrap_or_default());
        format!("{file}:{change}")
    }
}

/// Returns a key for each mutant that stays the same when lines are added elsewhere: the name without line and column,
/// and the number of the mutant among those with the same name.
pub fn keys(mutants: &[Mutant]) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let key = |mutant: &Mutant| {
        let name = mutant.name_without_position();
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        format!("{name} #{count}")
    };
    mutants.iter().map(key).collect()
}
