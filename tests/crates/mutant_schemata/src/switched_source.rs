//! Source text of one file in which each mutant stands behind a switch.
//!
//! ```text
//! before      a + b
//! after       (if crate::mutant_switch::is_on(7) { (a) - (b) } else { a + b })
//! ```
//!
//! All changes are insertions, so that changes nest: the part behind the last `else` is the text that was there, with the
//! insertions of the mutants inside it.

use std::collections::HashMap;
use std::ops::Range;

use proc_macro2::LineColumn;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Arm, Block, Expr, ExprBinary, ExprMatch, ExprStruct, ExprUnary, Member};

use crate::listed::{Genre, Mutant, Position};

/// Text to insert; `mutant` is the index of the mutant that the text belongs to.
struct Piece {
    text: String,
    mutant: Option<usize>,
}

/// The change of one expression, arm or function: texts before and behind it, for one or more mutants.
struct Change {
    range: Range<usize>,
    before: Vec<Piece>,
    behind: Option<String>,
    mutants: Vec<usize>,
}

/// A part of the result, in bytes, and the mutants that an error of the compiler in this part speaks of.
pub struct Segment {
    pub range: Range<usize>,
    pub mutants: Vec<usize>,
}

/// A file with its switches.
pub struct SwitchedSource {
    pub text: String,
    pub segments: Vec<Segment>,
    /// Indexes of the mutants that do not compile: `||` beside a `let`.
    pub unviable: Vec<usize>,
    /// Indexes of the mutants that have no switch.
    pub left: Vec<usize>,
}

/// Offsets of the lines of a text.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// Returns the offset in bytes of a line, from 1, and a column in characters, from 0.
    fn offset(&self, line: usize, column: usize) -> usize {
        let start = self.starts[line - 1];
        start + self.text[start..].chars().take(column).map(char::len_utf8).sum::<usize>()
    }

    fn of_listed(&self, position: Position) -> usize {
        self.offset(position.line, position.column - 1)
    }

    fn of_token(&self, position: LineColumn) -> usize {
        self.offset(position.line, position.column)
    }
}

/// Searches the syntax tree for the places of the mutants.
struct Search<'a> {
    lines: Lines<'a>,
    mutants: &'a [Mutant],
    /// Indexes of the mutants that are not found yet.
    places: HashMap<(Genre, usize), Vec<usize>>,
    unviable: Vec<usize>,
    /// In the order of the tree: an outer change stands before the changes inside it.
    changes: Vec<Change>,
}

fn is_on(mutant: usize) -> String {
    // The switch 0 is that of no mutant.
    format!("crate::mutant_switch::is_on({})", mutant + 1)
}

/// Returns whether `let` stands among the operands of `&&`, where neither `||` nor parentheses compile.
fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

impl<'a> Search<'a> {
    fn range(&self, node: &impl Spanned) -> Range<usize> {
        let span = node.span();
        self.lines.of_token(span.start())..self.lines.of_token(span.end())
    }

    fn source(&self, node: &impl Spanned) -> &'a str {
        &self.lines.text[self.range(node)]
    }

    fn take(&mut self, genre: Genre, at: usize) -> Vec<usize> {
        self.places.remove(&(genre, at)).unwrap_or_default()
    }

    /// Adds the change of an expression: `mutated` returns the expression in its place.
    fn change_expr(&mut self, range: Range<usize>, mutants: Vec<usize>, mutated: impl Fn(&Mutant) -> String) {
        if mutants.is_empty() {
            return;
        }
        let mut before = vec![Piece { text: "(".to_owned(), mutant: None }];
        for &mutant in &mutants {
            let text = mutated(&self.mutants[mutant]);
            before.push(Piece {
                text: format!("if {} {{ {text} }} else ", is_on(mutant)),
                mutant: Some(mutant),
            });
        }
        before.push(Piece { text: "{ ".to_owned(), mutant: None });
        self.changes.push(Change { range, before, behind: Some(" })".to_owned()), mutants });
    }

    fn visit_body(&mut self, block: &Block) {
        let Some(first) = block.stmts.first() else { return };
        let at = self.range(first).start;
        let mutants = self.take(Genre::FnValue, at);
        let text = |mutant: usize| {
            format!("if {} {{ return {}; }} ", is_on(mutant), self.mutants[mutant].replacement)
        };
        let before: Vec<Piece> =
            mutants.iter().map(|&mutant| Piece { text: text(mutant), mutant: Some(mutant) }).collect();
        self.changes.push(Change { range: at..at, before, behind: None, mutants });
    }
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_expr_binary(&mut self, node: &'ast ExprBinary) {
        let operator = self.range(&node.op).start;
        let mutants = self.take(Genre::BinaryOperator, operator);
        if has_let(&node.left) || has_let(&node.right) {
            self.unviable.extend(mutants);
        } else {
            let (left, right) = (self.source(&node.left), self.source(&node.right));
            self.change_expr(self.range(node), mutants, |mutant| {
                format!("({left}) {} ({right})", mutant.replacement)
            });
        }
        visit::visit_expr_binary(self, node);
    }

    fn visit_expr_unary(&mut self, node: &'ast ExprUnary) {
        let range = self.range(node);
        let mutants = self.take(Genre::UnaryOperator, range.start);
        let operand = self.source(&node.expr);
        self.change_expr(range, mutants, |_| operand.to_owned());
        visit::visit_expr_unary(self, node);
    }

    fn visit_expr_match(&mut self, node: &'ast ExprMatch) {
        // An error that arms are missing speaks of the value that is matched.
        let mut mutants = Vec::new();
        for arm in &node.arms {
            mutants.extend(self.places.get(&(Genre::MatchArm, self.range(arm).start)).into_iter().flatten());
        }
        let range = self.range(&node.expr);
        self.changes.push(Change { range, before: Vec::new(), behind: Some(String::new()), mutants });
        visit::visit_expr_match(self, node);
    }

    fn visit_arm(&mut self, node: &'ast Arm) {
        let pattern = self.range(&node.pat);
        let mutants = self.take(Genre::MatchArm, self.range(node).start);
        let conditions: Vec<String> = mutants.iter().map(|&mutant| format!("!{}", is_on(mutant))).collect();
        let condition = conditions.join(" && ");
        match &node.guard {
            _ if mutants.is_empty() => {}
            Some((_, guard)) => {
                let before = vec![Piece { text: format!("{condition} && ("), mutant: None }];
                let behind = Some(")".to_owned());
                self.changes.push(Change { range: self.range(guard), before, behind, mutants });
            }
            None => {
                let before = vec![Piece { text: format!(" if {condition}"), mutant: None }];
                let range = pattern.end..pattern.end;
                self.changes.push(Change { range, before, behind: None, mutants });
            }
        }
        if let Some((_, guard)) = &node.guard {
            let range = self.range(guard);
            let mutants = self.take(Genre::MatchArmGuard, range.start);
            self.change_expr(range, mutants, |mutant| mutant.replacement.clone());
        }
        visit::visit_arm(self, node);
    }

    fn visit_expr_struct(&mut self, node: &'ast ExprStruct) {
        for field in &node.fields {
            let (Some(base), Member::Named(name)) = (&node.rest, &field.member) else { continue };
            let mutants = self.take(Genre::StructField, self.range(field).start);
            let (path, base_text) = (self.source(&node.path), self.source(base));
            let value = match **base {
                Expr::Path(_) => format!("{base_text}.{name}"),
                _ => format!("{{ let base: {path} = {base_text}; base.{name} }}"),
            };
            if field.colon_token.is_some() {
                self.change_expr(self.range(&field.expr), mutants, |_| value.clone());
            } else if !mutants.is_empty() {
                // The short form: the name of the field is the expression too.
                self.change_expr(self.range(field), mutants, |_| value.clone());
                let change = self.changes.last_mut().expect("the change that was just added");
                change.before.insert(0, Piece { text: format!("{name}: "), mutant: None });
            }
        }
        visit::visit_expr_struct(self, node);
    }

    // A constant is evaluated before a switch can be on.
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}

    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}

    fn visit_trait_item_const(&mut self, _: &'ast syn::TraitItemConst) {}

    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}

    fn visit_type_array(&mut self, _: &'ast syn::TypeArray) {}

    fn visit_expr_repeat(&mut self, node: &'ast syn::ExprRepeat) {
        self.visit_expr(&node.expr);
    }

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.visit_body(&node.block);
        visit::visit_item_fn(self, node);
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.visit_body(&node.block);
        visit::visit_impl_item_fn(self, node);
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        if let Some(block) = &node.default {
            self.visit_body(block);
        }
        visit::visit_trait_item_fn(self, node);
    }
}

/// Inserts the changes into `source`. Returns the text, and its segments: first those of single mutants, and then those
/// of whole changes, the innermost first.
fn insert(source: &str, changes: &[Change]) -> (String, Vec<Segment>) {
    // At the same place, what ends an inner change stands before what ends an outer one, and both before what begins.
    let mut places: Vec<(usize, bool, usize)> = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        places.push((change.range.start, true, index));
        if change.behind.is_some() {
            places.push((change.range.end, false, usize::MAX - index));
        }
    }
    places.sort_unstable();
    let (mut text, mut segments, mut copied) = (String::new(), Vec::new(), 0);
    let mut starts = vec![0; changes.len()];
    let mut whole = Vec::new();
    for (at, begins, order) in places {
        text.push_str(&source[copied..at]);
        copied = at;
        let index = if begins { order } else { usize::MAX - order };
        let change = &changes[index];
        if begins {
            starts[index] = text.len();
            for piece in &change.before {
                let start = text.len();
                text.push_str(&piece.text);
                segments.extend(
                    piece.mutant.map(|mutant| Segment { range: start..text.len(), mutants: vec![mutant] }),
                );
            }
        } else {
            text.extend(change.behind.as_deref());
        }
        if !begins || change.behind.is_none() {
            whole.push(Segment { range: starts[index]..text.len(), mutants: change.mutants.clone() });
        }
    }
    text.push_str(&source[copied..]);
    segments.extend(whole);
    (text, segments)
}

impl SwitchedSource {
    /// Puts the mutants whose indexes are `chosen`, all of one file, behind switches.
    ///
    /// # Errors
    ///
    /// When `source` is no Rust.
    pub fn new(source: &str, mutants: &[Mutant], chosen: &[usize]) -> Result<Self, syn::Error> {
        let tree = syn::parse_file(source)?;
        let lines = Lines::new(source);
        let mut places: HashMap<(Genre, usize), Vec<usize>> = HashMap::new();
        for &index in chosen {
            let mutant = &mutants[index];
            places.entry((mutant.genre, lines.of_listed(mutant.span.start))).or_default().push(index);
        }
        let mut search = Search { lines, mutants, places, unviable: Vec::new(), changes: Vec::new() };
        search.visit_file(&tree);
        let left = search.places.into_values().flatten().collect();
        let (text, segments) = insert(source, &search.changes);
        Ok(Self { text, segments, unviable: search.unviable, left })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listed::Span;

    /// Returns a mutant of `source` at the first place of `at`.
    fn mutant(source: &str, genre: Genre, at: &str, replacement: &str) -> Mutant {
        let offset = source.find(at).expect("the place is in the source");
        let line = source[..offset].matches('\n').count() + 1;
        let column = offset - source[..offset].rfind('\n').map_or(0, |at| at + 1) + 1;
        let (file, name) = ("src/lib.rs".to_owned(), format!("src/lib.rs:{line}:{column}: {at}"));
        let span = Span { start: Position { line, column } };
        Mutant { file, function: None, genre, name, replacement: replacement.to_owned(), span }
    }

    /// Returns the text with switches, each written as `on(number)`.
    fn switched(source: &str, mutants: &[Mutant]) -> (String, Vec<usize>) {
        let chosen: Vec<usize> = (0..mutants.len()).collect();
        let switched = SwitchedSource::new(source, mutants, &chosen).expect("the source is Rust");
        (switched.text.replace("crate::mutant_switch::is_", ""), switched.left)
    }

    #[test]
    fn an_operator_inside_another_keeps_its_own_switch() {
        let source = "fn sum(a: u8) -> u8 { a + 1 * 2 }";
        let mutants = [
            mutant(source, Genre::BinaryOperator, "+", "-"),
            mutant(source, Genre::BinaryOperator, "*", "/"),
            mutant(source, Genre::FnValue, "a + 1", "0"),
        ];
        let expected = "fn sum(a: u8) -> u8 { if on(3) { return 0; } (if on(1) { (a) - (1 * 2) } else { a + \
                        (if on(2) { (1) / (2) } else { 1 * 2 }) }) }";
        assert_eq!(switched(source, &mutants), (expected.to_owned(), vec![]));
    }

    #[test]
    fn two_mutants_of_one_operator_share_its_place() {
        let source = "fn less(a: u8) -> bool { a < 1 }";
        let at = |replacement| mutant(source, Genre::BinaryOperator, "<", replacement);
        let expected =
            "fn less(a: u8) -> bool { (if on(1) { (a) == (1) } else if on(2) { (a) > (1) } else { a < 1 }) }";
        assert_eq!(switched(source, &[at("=="), at(">")]), (expected.to_owned(), vec![]));
    }

    #[test]
    fn arms_and_their_guards_have_conditions() {
        let source = "fn f(a: u8) -> u8 { match a { 0 => 1, n if n > 2 => 2, _ => 3 } }";
        let mutants = [
            mutant(source, Genre::MatchArm, "0 =>", ""),
            mutant(source, Genre::MatchArm, "n if", ""),
            mutant(source, Genre::MatchArmGuard, "n > 2", "true"),
        ];
        let expected = "fn f(a: u8) -> u8 { match a { 0 if !on(1) => 1, n if !on(2) && \
                        ((if on(3) { true } else { n > 2 })) => 2, _ => 3 } }";
        assert_eq!(switched(source, &mutants), (expected.to_owned(), vec![]));
    }

    #[test]
    fn an_operand_loses_its_operator_and_a_field_its_value() {
        let source = "fn f(s: S) -> S { S { a: !s.a, b, ..s } }";
        let mutants = [
            mutant(source, Genre::UnaryOperator, "!", ""),
            mutant(source, Genre::StructField, "a: !", ""),
            mutant(source, Genre::StructField, "b,", ""),
        ];
        let expected = "fn f(s: S) -> S { S { a: (if on(2) { s.a } else { (if on(1) { s.a } else { !s.a }) }), \
                        b: (if on(3) { s.b } else { b }), ..s } }";
        assert_eq!(switched(source, &mutants), (expected.to_owned(), vec![]));
    }

    #[test]
    fn an_or_beside_a_let_does_not_compile() {
        let source = "fn f(a: Option<u8>) -> bool { if let Some(b) = a && b < 2 { true } else { false } }";
        let mutants = [
            mutant(source, Genre::BinaryOperator, "&&", "||"),
            mutant(source, Genre::BinaryOperator, "< 2", ">"),
        ];
        let switched = SwitchedSource::new(source, &mutants, &[0, 1]).expect("the source is Rust");
        assert_eq!((switched.unviable, switched.left), (vec![0], vec![]));
        let text = switched.text;
        assert!(
            text.contains("a && (if crate::mutant_switch::is_on(2) { (b) > (2) } else { b < 2 }) {"),
            "{text}"
        );
    }

    #[test]
    fn a_constant_has_no_place_for_a_switch() {
        let source = "const MASK: u8 = 1 << 2; impl S { const MASK: u8 = 1 >> 2; } static S: u8 = 1 + 2; \
                      type A = [u8; 6 / 2]; fn f() -> A { [0; 4 - 1] }";
        let mutants = ["<<", ">>", "+", "/", "- 1"].map(|at| mutant(source, Genre::BinaryOperator, at, "|"));
        let (text, mut left) = switched(source, &mutants);
        left.sort_unstable();
        assert_eq!((text.as_str(), left), (source, vec![0, 1, 2, 3, 4]));
    }

    #[test]
    fn an_error_in_a_text_blames_its_mutant() {
        let source = "fn f(a: u8) -> bool { a < 1 }";
        let at = |replacement| mutant(source, Genre::BinaryOperator, "<", replacement);
        let switched =
            SwitchedSource::new(source, &[at("=="), at(">")], &[0, 1]).expect("the source is Rust");
        let of = |part: &str| {
            let start = switched.text.find(part).expect("the part is in the text");
            let inside = |segment: &&Segment| segment.range.start <= start && start < segment.range.end;
            let shortest = switched.segments.iter().filter(inside).min_by_key(|segment| segment.range.len());
            shortest.map(|segment| segment.mutants.clone())
        };
        assert_eq!(of("== (1)"), Some(vec![0]));
        assert_eq!(of("> (1)"), Some(vec![1]));
        assert_eq!(of("a < 1"), Some(vec![0, 1]));
        assert_eq!(of("fn f"), None);
    }
}
