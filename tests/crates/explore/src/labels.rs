//! News of a client, as words: what a wait can be put down to.
//!
//! The words are those that `Debug` prints, so that a new event or outcome of the library is a new word here.

use std::sync::Mutex;

use zigbee_ota::client::ClientEvent;

static WORDS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Number of the word for a client that has told nothing since it started.
pub const START: u16 = 0;

/// Returns the number of the word for `event`; `None` for an event that is no reason to wait.
pub fn of(event: &ClientEvent) -> Option<u16> {
    let word = match event {
        ClientEvent::Notified | ClientEvent::Finished { .. } => return None,
        ClientEvent::Ended(outcome) => format!("Ended({})", first_word(&format!("{outcome:?}"))),
        ClientEvent::NoImage(None) => "NoImage(unanswered)".into(),
        ClientEvent::NoImage(Some(status)) => format!("NoImage({status})"),
        ClientEvent::OfferSkipped(_, reason) => {
            format!("OfferSkipped({})", first_word(&format!("{reason:?}")))
        }
        event => first_word(&format!("{event:?}")).to_owned(),
    };
    Some(number(word))
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()
}

fn number(word: String) -> u16 {
    let mut words = WORDS.lock().expect("no panic under the lock");
    if words.is_empty() {
        words.push("start".into());
    }
    let at = words.iter().position(|known| *known == word).unwrap_or_else(|| {
        words.push(word);
        words.len() - 1
    });
    at as u16
}

/// Returns the word with this number.
pub fn word(number: u16) -> String {
    let words = WORDS.lock().expect("no panic under the lock");
    words.get(usize::from(number)).cloned().unwrap_or_else(|| "start".into())
}
