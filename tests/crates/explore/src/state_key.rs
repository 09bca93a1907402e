//! Key of a simulation state: a hash of the `Debug` text of client, server, needs and checkpoints, with relative times,
//! sequence numbers and tickets.
//!
//! The text of `Debug` shows every private field, also one that is added tomorrow, and needs no hook in the library. An
//! `impl Hash` with a base would be faster, but a forgotten field in it would hide states.
//!
//! | text | in the key | bound |
//! |---|---|---|
//! | `Instant(n)` | distance from now | older than [`OLDEST`] counts as [`OLDEST`]; zero, which some fields use as "never", stays zero |
//! | `Ticks(n)` of the client | distance from now, by the client's `clock` | zero and the largest number, which mean "long ago" and "never", stay |
//! | `sequence: n` | distance to the client's next sequence number | [`FAR`] and more count as [`FAR`] |
//! | `Ticket(n)`, `generation: n` | which of them are equal | their number |
//! | fields of [`is_statistic`] | nothing | |
//! | all else | as it is | by `explore::MAX_STATES` |
//!
//! Two states therefore never differ only by their age, and a simulation with a cycle returns to a known state.

use std::fmt::Write as _;

/// Milliseconds after which one time in the past is like any other: 32 days, longer than anything that a client or
/// server of this crate remembers. A longer memory would look like an endless wait.
const OLDEST: i64 = 32 * 24 * 3600 * 1000;

/// `Ticks` of the origin of the client's clock, and those that are never reached.
const TICKS: (u64, u64) = (8 * 24 * 3600 * 1000, u32::MAX as u64);

/// Distance from which on one sequence number in the past is like any other. Clients accept answers to the last few
/// requests, and a page of these worlds has at most eight blocks.
const FAR: u8 = 32;

/// Returns whether a field is only a count or a time of past events, on which no behaviour depends. `random` is the
/// seed of the jitter: a state with other random numbers to come counts as the same state.
fn is_statistic(field: &[u8]) -> bool {
    matches!(
        field,
        b"retries"
            | b"download_start"
            | b"utc_set_at"
            | b"started_at"
            | b"start_offset"
            | b"blocks"
            | b"links"
            | b"last_found"
            | b"random"
    )
}

/// Buffers and the numbers that are replaced, kept for their memory.
#[derive(Default)]
pub struct KeyMaker {
    text: String,
    out: Vec<u8>,
    tickets: Vec<u32>,
    generations: Vec<u32>,
    sequences: Vec<u8>,
    base: u8,
    /// Origin of the client's clock, in milliseconds.
    origin: u64,
    state: String,
    /// Texts of settings, of the client and of the others, as the last key had them.
    settings: [Vec<u8>; 2],
}

/// Texts of which the key is made.
pub struct Parts<'a> {
    /// `Debug` of the client: the only part whose outermost `sequence` is the base of all others.
    pub client: &'a dyn std::fmt::Debug,
    pub others: &'a [&'a dyn std::fmt::Debug],
    /// For each session in the order of its text, whether a page runs. The fields of a page that does not are leftovers.
    pub pages: &'a [bool],
    /// Present time, in milliseconds.
    pub now: u64,
}

impl KeyMaker {
    /// Returns the sequence number of the client's next request, of the last key.
    pub fn base(&self) -> u8 {
        self.base
    }

    /// Returns the name of the client's state, of the last key.
    pub fn state(&self) -> &str {
        &self.state
    }

    /// Returns the hash of the parts.
    pub fn key(&mut self, parts: &Parts<'_>) -> u64 {
        self.out.clear();
        self.tickets.clear();
        self.generations.clear();
        self.sequences.clear();
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        write!(text, "{:?}", parts.client).expect("a string takes all");
        let base = self.normalise(text.as_bytes(), parts, true);
        self.base = base.expect("the client's Debug text has the field `sequence`");
        for other in parts.others {
            text.clear();
            write!(text, "{other:?}").expect("a string takes all");
            self.normalise(text.as_bytes(), parts, false);
        }
        self.text = text;
        for sequence in &self.sequences {
            self.out.push(self.base.wrapping_sub(*sequence).min(FAR));
        }
        // Which tickets are those of a need that is open now, and which are equal to each other.
        for (at, ticket) in self.tickets.iter().enumerate() {
            let current = self.generations.iter().position(|now| *now == ticket & (u32::MAX >> 1));
            let known = self.tickets[..at].iter().position(|other| other == ticket);
            let (current, known) =
                (current.map_or(u8::MAX, |at| at as u8), known.map_or(u8::MAX, |at| at as u8));
            self.out.extend([current, known]);
        }
        hash(&self.out)
    }

    /// Appends `text` with relative numbers to `out`; returns the number of the outermost field `sequence`.
    fn normalise(&mut self, text: &[u8], parts: &Parts<'_>, is_client: bool) -> Option<u8> {
        let (mut at, mut depth, mut session, mut base) = (0, 0_u32, 0, None);
        while let Some(byte) = text.get(at) {
            if !IN_WORD[usize::from(*byte)] {
                match byte {
                    b'{' | b'(' | b'[' => depth += 1,
                    b'}' | b')' | b']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if *byte != b' ' {
                    self.out.push(*byte);
                }
                at += 1;
                continue;
            }
            let end = at + word_len(&text[at..]);
            let (word, rest) = (&text[at..end], &text[end..]);
            at = match (word, rest) {
                (b"Instant" | b"Ticks", [b'(', ..]) => {
                    let (value, len) = number(&rest[1..]);
                    let distance = match word {
                        _ if value == 0 => i64::MIN,
                        b"Ticks" if value == TICKS.1 => i64::MAX,
                        b"Ticks" => instant_of(value, self.origin) - parts.now as i64,
                        _ => value as i64 - parts.now as i64,
                    };
                    let distance = if distance == i64::MIN { distance } else { distance.max(-OLDEST) };
                    self.out.extend(distance.to_le_bytes());
                    end + 1 + len + 1
                }
                (b"clock", [b':', b' ', ..]) if depth == 1 && is_client => {
                    self.origin = origin_in(rest);
                    end + 2 + value_len(&rest[2..])
                }
                (b"Ticket", [b'(', ..]) => {
                    let (value, len) = number(&rest[1..]);
                    self.tickets.push(value as u32);
                    end + 1 + len + 1
                }
                (b"generation", [b':', b' ', ..]) => {
                    let (value, len) = number(&rest[2..]);
                    self.generations.push(value as u32);
                    end + 2 + len
                }
                (b"sequence", [b':', b' ', ..]) => {
                    let (value, len) = number(&rest[2..]);
                    match (depth, is_client) {
                        (1, true) => base = Some(value as u8),
                        // The server's own numbers go up by themselves and are checked by nobody.
                        (1, false) => {}
                        _ => self.sequences.push(value as u8),
                    }
                    end + 2 + len
                }
                (b"Session", [b' ', b'{', ..]) => {
                    session += 1;
                    end
                }
                (_, [b':', b' ', ..]) if is_statistic(word) => end + 2 + value_len(&rest[2..]),
                (b"page", [b':', b' ', ..])
                    if session > 0 && parts.pages.get(session - 1) == Some(&false) =>
                {
                    end + 2 + value_len(&rest[2..])
                }
                // Settings are long and hardly ever change.
                (b"config", [b':', b' ', rest @ ..]) if depth == 1 => {
                    let known = &mut self.settings[usize::from(is_client)];
                    if known.is_empty() || !rest.starts_with(known) {
                        let end = value_len(rest);
                        known.clear();
                        known.extend(&rest[..end]);
                    }
                    self.out.extend(hash(known).to_le_bytes());
                    end + 2 + known.len()
                }
                (b"state", [b':', b' ', ..]) if depth == 1 && is_client => {
                    let name = &rest[2..][..word_len(&rest[2..])];
                    self.state.clear();
                    self.state.push_str(std::str::from_utf8(name).expect("a name"));
                    self.out.extend(word);
                    end
                }
                _ => {
                    self.out.extend(word);
                    end
                }
            };
        }
        base
    }
}

/// Returns the milliseconds of an instant of the client whose clock has the given origin.
const fn instant_of(ticks: u64, origin: u64) -> i64 {
    origin as i64 + ticks as i64 - TICKS.0 as i64
}

/// Returns the origin of the first clock in `text`.
fn origin_in(text: &[u8]) -> u64 {
    let name = b"Instant(";
    let at = text.windows(name.len()).position(|part| part == name).expect("a clock has an origin");
    number(&text[at + name.len()..]).0
}

/// Returns the `Debug` text of a client with times that do not depend on the origin of its clock. The origin moves
/// with any call, and nothing else of the client depends on it.
pub fn text_without_origin(client: &dyn std::fmt::Debug) -> String {
    let text = format!("{client:?}");
    let (before, rest) = text.split_once("clock: ").expect("the client's Debug text has the field `clock`");
    let origin = origin_in(rest.as_bytes());
    let mut parts = rest[value_len(rest.as_bytes())..].split("Ticks(");
    let mut out = format!("{before}{}", parts.next().unwrap_or_default());
    for part in parts {
        let (value, len) = number(part.as_bytes());
        let is_fixed = value == 0 || value == TICKS.1;
        let at = if is_fixed { value as i64 } else { instant_of(value, origin) };
        write!(out, "Ticks({at}{}", &part[len..]).expect("a string takes all");
    }
    out
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// `is_word` of each byte.
const IN_WORD: [bool; 256] = {
    let (mut all, mut byte) = ([false; 256], 0);
    while byte < 256 {
        all[byte] = is_word(byte as u8);
        byte += 1;
    }
    all
};

fn word_len(text: &[u8]) -> usize {
    text.iter().position(|byte| !IN_WORD[usize::from(*byte)]).unwrap_or(text.len())
}

fn number(text: &[u8]) -> (u64, usize) {
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (
        text[..len]
            .iter()
            .fold(0, |sum: u64, digit| sum.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'))),
        len,
    )
}

/// Returns the length of the value of a field at the start of `text`.
fn value_len(text: &[u8]) -> usize {
    let mut depth = 0;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' if depth == 0 => return at,
            b'}' | b')' | b']' => depth -= 1,
            b',' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

/// Folded multiplication, eight bytes at a time: with 64 good bits, a million states meet by chance once in forty
/// million explorations.
pub fn hash(bytes: &[u8]) -> u64 {
    let fold = |a: u64, b: u64| {
        let product = u128::from(a).wrapping_mul(u128::from(b));
        (product as u64) ^ ((product >> 64) as u64)
    };
    let mut sum = 0x9e37_79b9_7f4a_7c15 ^ bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        sum = fold(sum ^ u64::from_le_bytes(word), 0xa076_1d64_78bd_642f).rotate_left(23) ^ sum;
        sum = sum.wrapping_mul(0xe703_7ed1_a0b4_28db);
    }
    fold(sum, 0x8ebc_6af0_9c88_c6e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Text<'a>(&'a str);

    impl std::fmt::Debug for Text<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    fn key(client: &str, server: &str, now: u64) -> u64 {
        let others: [&dyn std::fmt::Debug; 1] = [&Text(server)];
        KeyMaker::default().key(&Parts { client: &Text(client), others: &others, pages: &[false], now })
    }

    #[test]
    fn states_that_differ_in_age_alone_are_one() {
        let client = |at: u64, sequence: u8, generation: u32, retries: u32| {
            format!(
                "Client {{ state: A {{ at: Instant({at}), sequence: {} }}, generation: {generation}, \
                 slot: Ticket({generation}), sequence: {sequence}, retries: {retries} }}",
                sequence.wrapping_sub(2)
            )
        };
        let server = |at: u64, own: u8| {
            format!(
                "Server {{ [Session {{ heard: Instant({at}), page: Page {{ next: {own} }} }}], sequence: {own} }}"
            )
        };
        let now = key(&client(1500, 1, 7, 0), &server(900, 3), 1000);
        assert_eq!(now, key(&client(10_500, 200, 9, 5), &server(9_900, 4), 10_000));
        assert_ne!(now, key(&client(1501, 1, 7, 0), &server(900, 3), 1000));
        assert_ne!(now, key(&client(1500, 1, 7, 0), &server(901, 3), 1000));
    }

    #[test]
    fn a_stale_ticket_is_not_a_current_one() {
        let client = "Client { state: A, generation: 7, sequence: 1 }";
        assert_ne!(key(client, "[Decide(Ticket(7))]", 0), key(client, "[Decide(Ticket(6))]", 0));
        assert_eq!(key(client, "[Decide(Ticket(5))]", 0), key(client, "[Decide(Ticket(6))]", 0));
        assert_ne!(key(client, "[Ticket(5), Ticket(5)]", 0), key(client, "[Ticket(5), Ticket(6)]", 0));
    }

    #[test]
    fn times_in_the_distant_past_are_one_and_never_is_not_among_them() {
        let client = "Client { state: A, generation: 7, sequence: 1 }";
        let now = 10_000_000_000;
        assert_eq!(key(client, "Instant(5)", now), key(client, "Instant(6)", now));
        assert_ne!(key(client, "Instant(5)", now), key(client, "Instant(0)", now));
        assert_ne!(key(client, "Instant(10000000005)", now), key(client, "Instant(10000000006)", now));
    }

    #[test]
    fn the_origin_of_the_clients_clock_makes_no_difference() {
        let client = |origin: u64, ticks: u64| {
            format!(
                "Client {{ generation: 7, clock: Clock {{ origin: Instant({origin}) }}, sequence: 1, state: A, \
                 at: Ticks({ticks}), next: Ticks(4294967295), last: Ticks(0) }}"
            )
        };
        let [first, same, other] = [(1000, TICKS.0 + 50), (1040, TICKS.0 + 10), (1000, TICKS.0 + 51)]
            .map(|(origin, ticks)| client(origin, ticks));
        assert_eq!(key(&first, "", 1020), key(&same, "", 1020));
        assert_ne!(key(&first, "", 1020), key(&other, "", 1020));
        let text = |client: &str| text_without_origin(&Text(client));
        assert_eq!(text(&first), text(&same));
        assert_ne!(text(&first), text(&other));
        assert!(text(&first).contains("at: Ticks(1050), next: Ticks(4294967295), last: Ticks(0)"));
    }
}
