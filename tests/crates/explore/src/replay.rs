//! Replay of a list of actions: frames in hexadecimal, virtual times, and the fault-free continuation.

use std::fmt::Write as _;

use crate::action::Action;
use crate::explore::step;
use crate::setup::Setup;
use crate::simulated_pair::{START, World};

/// Steps that are followed when all goes well.
const MOST_STEPS: usize = 120;

/// Returns the log of `actions` in `setup` and of the fault-free continuation.
pub fn replay(setup: &'static Setup, actions: &[Action], follows: bool) -> String {
    match setup.ranges {
        0 => replay_with::<0>(setup, actions, follows),
        _ => replay_with::<2>(setup, actions, follows),
    }
}

fn replay_with<const RANGES: usize>(setup: &'static Setup, actions: &[Action], follows: bool) -> String {
    let mut world = World::<RANGES>::new(setup);
    world.log = Some(String::new());
    let say = |world: &mut World<RANGES>, text: &str| {
        writeln!(world.log.as_mut().expect("set above"), "{text}").expect("a string takes all");
    };
    for (number, action) in (1..).zip(actions) {
        say(&mut world, &format!("{number:3} {action}"));
        if let Err(text) = step(&mut world, *action) {
            say(&mut world, &format!("    VIOLATED: {text}"));
            return world.log.unwrap_or_default();
        }
    }
    if follows {
        let from = world.now.as_millis();
        say(&mut world, "    from here on all goes well");
        for _ in 0..MOST_STEPS {
            let Some(action) = world.next_when_well().filter(|_| !world.is_at_goal()) else { break };
            say(&mut world, &format!("  - {action}"));
            if let Err(text) = step(&mut world, action) {
                say(&mut world, &format!("    VIOLATED: {text}"));
                break;
            }
        }
        let (is_there, now) = (world.is_at_goal(), world.now.as_millis());
        let end = if is_there { "the new image runs" } else { "the new image does not run" };
        let [total, since] = [now - START, now - from].map(|millis| millis as f64 / 1000.0);
        say(&mut world, &format!("    {end} after {total:.3} s, {since:.3} s since the last fault"));
    }
    world.log.unwrap_or_default()
}
