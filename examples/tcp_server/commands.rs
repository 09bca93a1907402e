//! Commands on standard input, one on each line.

use zigbee_ota::aps::Address;

/// Names of the commands with their effects, in the order of the output of `help`.
pub const HELP: [(&str, &str); 8] = [
    ("devices", "list the devices with their downloads"),
    ("files", "list the files that are served"),
    ("notify [ADDRESS]", "send an Image Notify to all devices, or to one"),
    ("hold", "let devices wait with their upgrades"),
    ("release", "let all devices upgrade that wait"),
    ("cancel ADDRESS", "cancel the downloads of a device"),
    ("forget ADDRESS", "forget all that is known of a device"),
    ("help", "list the commands; an ADDRESS is 0x0001/1, 0x0001 or 1"),
];

/// Command of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Devices,
    Files,
    Notify(Option<Address>),
    Hold,
    Release,
    Cancel(Address),
    Forget(Address),
    Help,
}

impl Command {
    /// Parses a line; `None` for an empty line.
    ///
    /// # Errors
    /// Fails with a text that names the expected command or argument.
    pub fn parse(line: &str) -> Option<Result<Self, String>> {
        let mut words = line.split_whitespace();
        let (word, argument, rest) = (words.next()?, words.next(), words.next());
        let device = || match argument {
            None => Err(format!("{word} needs the ADDRESS of a device, such as 0x0001/1")),
            Some(text) => address(text).ok_or_else(|| format!("{text} is no ADDRESS, such as 0x0001/1")),
        };
        let command = match word {
            "devices" => Ok(Self::Devices),
            "files" => Ok(Self::Files),
            "notify" if argument.is_none() => Ok(Self::Notify(None)),
            "notify" => device().map(|device| Self::Notify(Some(device))),
            "hold" => Ok(Self::Hold),
            "release" => Ok(Self::Release),
            "cancel" => device().map(Self::Cancel),
            "forget" => device().map(Self::Forget),
            "help" => Ok(Self::Help),
            _ => Err(format!("{word} is no command; help lists them")),
        };
        let takes_address = matches!(word, "notify" | "cancel" | "forget");
        let surplus = if takes_address { rest } else { argument };
        Some(match surplus {
            Some(surplus) if command.is_ok() => Err(format!("{surplus} was not expected after {word}")),
            _ => command,
        })
    }
}

/// Parses a network address with or without an endpoint, which is 1 otherwise. Numbers are decimal or, after 0x,
/// hexadecimal.
fn address(text: &str) -> Option<Address> {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    let (network, endpoint) = text.split_once('/').unwrap_or((text, "1"));
    Some(Address::new(number(network)?, number(endpoint)?.try_into().ok()?))
}
