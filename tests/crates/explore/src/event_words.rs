//! Events of a client as words, which name the cause of a wait.
//!
//! The words are those that `Debug` prints, so that a new event or outcome of the library is a new word here.

use std::sync::Mutex;

use zigbee_ota::client::ClientEvent;

static WORDS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Number of the word for a client without an event since its start.
pub const START: u16 = 0;

/// Returns the number of the word for `event`; `None` for an event that is no reason to wait.
pub fn of(event: &ClientEvent) -> Option<u16> {
    let text = format!("{event:?}");
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut word = words.next().unwrap_or_default().to_owned();
    match event {
        ClientEvent::Notified | ClientEvent::Finished { .. } => return None,
        ClientEvent::NoImage(None) => word += "(unanswered)",
        ClientEvent::NoImage(Some(status)) => word += &format!("({status})"),
        ClientEvent::OfferSkipped(_, reason) => word += &format!("({reason:?})"),
        ClientEvent::Ended(_) | ClientEvent::DownloadPaused(..) => {
            word += &format!("({})", words.next().unwrap_or_default());
        }
        _ => {}
    }
    Some(number(word))
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
