//! Exploration: every state that a setup can reach with a number of faults, breadth first.
//!
//! ```text
//! queue of 0 faults --> states --> queue of 1 fault --> states --> ...      each new key is one more state
//! ```
//!
//! A state that is reached again with fewer faults is explored again, because more can happen from there. Each state is
//! therefore reached with the smallest number of faults, and with nearly the smallest number of steps.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::action::{Action, Kind};
use crate::setup::Setup;
use crate::simulated_pair::{MAX_LINK, World};
use crate::state_key::KeyMaker;

/// Number of states above which an exploration is given up as too large. Some number of the library that grows for ever
/// would end here, too.
pub const MAX_STATES: usize = 6_000_000;

/// Worlds that wait in the queue of the most faults before they are explored ahead of those with fewer: each takes some
/// kilobytes.
const MAX_WAITING: usize = 20_000;

pub const NONE: u32 = u32::MAX;

/// One state.
#[derive(Clone, Copy)]
pub struct Node {
    pub parent: u32,
    /// State that follows when all goes well; `NONE` if none does.
    pub next: u32,
    /// Milliseconds until `next`.
    pub pause: u64,
    /// Returns whether `next` has no frames in flight and no pending jobs.
    pub is_silent: bool,
    pub depth: u16,
    /// Action that led here from `parent`.
    pub action: Action,
    /// Last news of the client.
    pub news: u16,
    /// Faults so far.
    pub used: u8,
    pub is_goal: bool,
    pub is_explored: bool,
    /// Whether the client downloads.
    pub is_downloading: bool,
    /// Requests of the client until `next`.
    pub requests: u16,
    /// Blocks that are missing.
    pub missing: u16,
}

/// A property that does not hold.
pub struct Violation {
    pub text: String,
    pub count: u64,
    /// State before the last action.
    pub node: u32,
    pub action: Option<Action>,
}

pub struct Exploration {
    pub nodes: Vec<Node>,
    pub violations: Vec<Violation>,
    /// Steps that were not followed because too many frames were on the link.
    pub floods: u64,
    pub is_complete: bool,
    /// Explored states by the state of the client.
    pub states: BTreeMap<String, u64>,
    /// Number of steps.
    pub steps: u64,
}

/// Keys are hashes already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

thread_local! {
    static PANIC: Cell<Option<String>> = const { Cell::new(None) };
    static IS_IN_STEP: Cell<bool> = const { Cell::new(false) };
}

/// Keeps the texts of panics within a step, which are violations, from the terminal.
pub fn catch_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if IS_IN_STEP.get() {
            PANIC.set(Some(info.to_string().replace('\n', ": ")));
        } else {
            usual(info);
        }
    }));
}

/// Does one step of `world`; a panic is a violation.
pub fn step<const RANGES: usize>(world: &mut World<RANGES>, action: Action) -> Result<(), String> {
    IS_IN_STEP.set(true);
    let result = catch_unwind(AssertUnwindSafe(|| world.step(action)));
    IS_IN_STEP.set(false);
    result.unwrap_or_else(|_| Err(PANIC.take().unwrap_or_else(|| "panic".into())))
}

/// Returns the actions that lead to a state.
pub fn trace(nodes: &[Node], mut at: u32) -> Vec<Action> {
    let mut actions = Vec::new();
    while nodes[at as usize].parent != NONE {
        actions.push(nodes[at as usize].action);
        at = nodes[at as usize].parent;
    }
    actions.reverse();
    actions
}

struct Search<const RANGES: usize> {
    nodes: Vec<Node>,
    known: HashMap<u64, u32, BuildHasherDefault<Identity>>,
    /// One queue for each number of faults.
    queues: Vec<VecDeque<(u32, World<RANGES>)>>,
    violations: BTreeMap<String, Violation>,
    floods: u64,
    states: BTreeMap<String, u64>,
    steps: u64,
    keys: KeyMaker,
    extra: Vec<u8>,
    actions: Vec<(Action, u8)>,
}

/// Explores all states of `setup` with at most `budget` faults.
pub fn explore<const RANGES: usize>(
    setup: &'static Setup,
    budget: u8,
    stops_at_violation: bool,
) -> Exploration {
    let mut search = Search {
        nodes: Vec::new(),
        known: HashMap::default(),
        queues: (0..=budget).map(|_| VecDeque::new()).collect(),
        violations: BTreeMap::new(),
        floods: 0,
        states: BTreeMap::new(),
        steps: 0,
        keys: KeyMaker::default(),
        extra: Vec::new(),
        actions: Vec::new(),
    };
    let world = World::<RANGES>::new(setup);
    search.find(NONE, Action::new(Kind::Tick, 0), 0, world);
    let last = usize::from(budget);
    let mut is_complete = true;
    'all: for level in 0..=last {
        loop {
            let ahead = search.queues[last].len() > MAX_WAITING;
            let from = if ahead { last } else { level };
            let Some((id, world)) = search.queues[from].pop_front() else { break };
            search.expand(id, &world, from as u8, budget);
            if search.nodes.len() > MAX_STATES || stops_at_violation && !search.violations.is_empty() {
                is_complete = false;
                break 'all;
            }
        }
    }
    Exploration {
        nodes: search.nodes,
        violations: search.violations.into_values().collect(),
        floods: search.floods,
        is_complete,
        states: search.states,
        steps: search.steps,
    }
}

impl<const RANGES: usize> Search<RANGES> {
    /// Records the state of `world`, which `action` led to; returns its number.
    fn find(&mut self, parent: u32, action: Action, used: u8, world: World<RANGES>) -> u32 {
        let key = world.key(&mut self.keys, &mut self.extra);
        let depth = if parent == NONE { 0 } else { self.nodes[parent as usize].depth.saturating_add(1) };
        if let Some(id) = self.known.get(&key).copied() {
            let node = &mut self.nodes[id as usize];
            if used < node.used {
                (node.parent, node.action, node.used, node.depth) = (parent, action, used, depth);
                node.is_explored = false;
                self.queues[usize::from(used)].push_back((id, world));
            }
            return id;
        }
        let id = self.nodes.len() as u32;
        self.known.insert(key, id);
        self.nodes.push(Node {
            parent,
            next: NONE,
            pause: 0,
            is_silent: false,
            depth,
            action,
            news: world.news,
            used,
            is_goal: world.is_at_goal(),
            is_explored: false,
            is_downloading: self.keys.state() == "Downloading",
            requests: 0,
            missing: world.missing_blocks() as u16,
        });
        *self.states.entry(self.keys.state().to_owned()).or_default() += 1;
        self.queues[usize::from(used)].push_back((id, world));
        id
    }

    fn expand(&mut self, id: u32, world: &World<RANGES>, used: u8, budget: u8) {
        let node = &mut self.nodes[id as usize];
        // Found again with fewer faults since it was queued.
        if node.is_explored || node.used < used {
            return;
        }
        node.is_explored = true;
        if node.is_goal {
            return;
        }
        let when_well = world.next_when_well();
        if when_well.is_none() {
            self.violate("nothing is under way, and no deadline comes".into(), id, None);
        }
        let mut actions = std::mem::take(&mut self.actions);
        world.actions(budget - used, &mut actions);
        for &(action, cost) in &actions {
            self.steps += 1;
            let mut next = world.clone();
            if let Err(text) = step(&mut next, action) {
                self.violate(text, id, Some(action));
                continue;
            }
            if next.link_len() > MAX_LINK {
                self.floods += 1;
                continue;
            }
            let pause = next.now.as_millis() - world.now.as_millis();
            let requests = next.requests - world.requests;
            let is_silent = next.next_when_well().is_some_and(|action| action.kind == Kind::Tick);
            let to = self.find(id, action, used + cost, next);
            if when_well == Some(action) {
                let node = &mut self.nodes[id as usize];
                (node.next, node.pause, node.requests) = (to, pause, requests as u16);
                node.is_silent = is_silent;
            }
        }
        self.actions = actions;
    }

    fn violate(&mut self, text: String, node: u32, action: Option<Action>) {
        // Violations of one kind differ in numbers.
        let kind: String = text.chars().filter(|c| !c.is_ascii_digit()).take(60).collect();
        let known = self.violations.entry(kind).or_insert_with(|| Violation {
            text: text.clone(),
            count: 0,
            node,
            action,
        });
        known.count += 1;
        let rank = |at: u32| (self.nodes[at as usize].used, self.nodes[at as usize].depth);
        if rank(node) < rank(known.node) {
            (known.text, known.node, known.action) = (text, node, action);
        }
    }
}
