//! Macros for open enumerations and for bit flags. Values and bits without a name are kept in every conversion: to and
//! from bytes, text and serde formats, and in defmt.
//!
//! ```text
//!   wire integer <--> newtype with named constants     `Status(0x98 NO_IMAGE_AVAILABLE)`, `Status(0x12)`
//!   wire bits    <--> flags; bits without a name are kept
//! ```

/// Defines an open enumeration: a newtype over its wire integer with named constants.
///
/// `open_enum` is a macro, because the constants, their names, `Display`, `FromStr` and `defmt::Format` are generated
/// from one table of values.
macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident($repr:ty) { $($(#[$doc:meta])* $constant:ident = $value:literal => $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
        pub struct $name(pub $repr);

        impl $name {
            $($(#[$doc])* pub const $constant: Self = Self($value);)*

            /// Returns the name of the value, or `None` for a value without a constant.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => write!(f, "{:#0width$x}", self.0, width = size_of::<$repr>().saturating_mul(2).saturating_add(2)),
                }
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::ParseError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let expected = concat!(stringify!($name), ": expected its name or a number such as `0x1f`");
                match text {
                    $($text => Some($value),)*
                    _ => $crate::types::prefixed_hex(text),
                }
                .map(Self)
                .ok_or($crate::ParseError { expected })
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{}({:#x}", stringify!($name), self.0)?;
                if let Some(name) = self.name() {
                    write!(f, " {name}")?;
                }
                f.write_str(")")
            }
        }

        /// Writes number and name of the value to the defmt log. The log omits the name of the type, because defmt
        /// would send this name as text with each value.
        #[cfg(feature = "defmt")]
        impl defmt::Format for $name {
            fn format(&self, f: defmt::Formatter<'_>) {
                match self.0 {
                    $($value => defmt::write!(f, "{:#x} {=istr}", self.0, defmt::intern!($text)),)*
                    _ => defmt::write!(f, "{:#x}", self.0),
                }
            }
        }
    };
}
pub(crate) use open_enum;

/// Implements serde and defmt for bit flags: the flags are written as one number, which includes the bits without a
/// name.
///
/// The serde support of `bitflags` would write names instead of a number. `flags_as_number` is a macro, because a
/// function cannot implement a trait.
macro_rules! flags_as_number {
    ($name:ident($repr:ty), $text:literal) => {
        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.bits().serialize(to)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                <$repr>::deserialize(from).map(Self::from_bits_retain)
            }
        }

        #[cfg(feature = "defmt")]
        impl defmt::Format for $name {
            fn format(&self, f: defmt::Formatter<'_>) {
                defmt::write!(f, $text, self.bits());
            }
        }
    };
}
pub(crate) use flags_as_number;
