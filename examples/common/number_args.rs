//! Parsers of numbers and IEEE addresses on the command line.

use std::num::IntErrorKind;

use zigbee_ota::Eui64;

/// Parses a number of type `T`: hexadecimal after `0x`, otherwise decimal. Numbers out of range are errors, and so are decimal
/// numbers with leading zeros.
pub fn number<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    let bytes = size_of::<T>();
    let highest = u64::MAX >> (u64::BITS - 8 * bytes as u32);
    let range = format!("{text} is out of range: at most {highest:#x} ({highest}), {bytes} bytes");
    // `from_str_radix` also accepts a sign, which is no part of an unsigned number.
    let plain = digits.chars().all(|digit| digit.is_digit(radix));
    match u64::from_str_radix(digits, radix) {
        // A user who writes leading zeros mostly means hexadecimal digits. Without this error, the user would get
        // another number without notice.
        Ok(value) if plain && radix == 10 && digits.len() > 1 && digits.starts_with('0') => {
            Err(format!("decimal or hexadecimal? write 0x{digits} for hexadecimal, or {value} for decimal"))
        }
        Ok(value) if plain => T::try_from(value).map_err(|_| range),
        Err(error) if plain && *error.kind() == IntErrorKind::PosOverflow => Err(range),
        _ if radix == 10 && !text.is_empty() && text.chars().all(|digit| digit.is_ascii_hexdigit()) => {
            Err(format!("expected a decimal number, or 0x and hexadecimal digits: 0x{text}?"))
        }
        _ => Err("expected a decimal number, or 0x and hexadecimal digits".into()),
    }
}

/// Parses an IEEE address, most significant byte first: 16 hexadecimal digits, after `0x` or in pairs with colons.
pub fn address(text: &str) -> Result<Eui64, String> {
    let pairs: Vec<&str> = text.split(':').collect();
    let digits = match pairs.as_slice() {
        [one] => one.strip_prefix("0x").or_else(|| one.strip_prefix("0X")).unwrap_or(one).to_owned(),
        pairs if pairs.iter().all(|pair| pair.len() == 2) => pairs.concat(),
        _ => String::new(),
    };
    let plain = digits.len() == 16 && digits.chars().all(|digit| digit.is_ascii_hexdigit());
    match u64::from_str_radix(&digits, 16) {
        Ok(value) if plain => Ok(Eui64(value)),
        _ => Err("expected 16 hexadecimal digits such as 01:23:45:67:89:AB:CD:EF or 0123456789ABCDEF".into()),
    }
}
