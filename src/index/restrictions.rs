//! Restrictions of an index entry to certain devices, in addition to manufacturer code and image type.
//!
//! ```text
//! model           one of a list             manufacturer name     one of a list
//! hardware        minimum to maximum        version that runs     minimum to maximum
//! ```

use alloc::string::String;
use alloc::vec::Vec;

use super::select::{DeviceDescription, EntryMismatch};
use crate::types::{FileVersion, HardwareRange, HardwareVersion};

/// Restrictions of an index entry to certain devices. A field that is `None` restricts nothing. A device fits the entry
/// if the device fits every field of the restrictions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Restrictions {
    /// Model identifiers (attribute 0x0005 of the Basic cluster). An empty list of model identifiers excludes every
    /// device.
    pub models: Option<Vec<String>>,
    /// Manufacturer names (attribute 0x0004 of the Basic cluster). An empty list of manufacturer names excludes every
    /// device.
    pub manufacturer_names: Option<Vec<String>>,
    /// Oldest hardware version that the entry supports.
    pub min_hardware: Option<HardwareVersion>,
    /// Newest hardware version that the entry supports.
    pub max_hardware: Option<HardwareVersion>,
    /// Oldest running file version of the devices that the entry is for.
    pub min_current: Option<FileVersion>,
    /// Newest running file version of the devices that the entry is for.
    pub max_current: Option<FileVersion>,
}

impl Restrictions {
    /// Returns restrictions without any limit, which every device with the manufacturer code and image type of the
    /// entry fits.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            models: None,
            manufacturer_names: None,
            min_hardware: None,
            max_hardware: None,
            min_current: None,
            max_current: None,
        }
    }

    /// Returns these restrictions with another range of hardware versions, for example the range in the header of a
    /// file.
    #[must_use]
    pub fn with_hardware(self, range: HardwareRange) -> Self {
        Self { min_hardware: Some(range.min), max_hardware: Some(range.max), ..self }
    }

    /// Returns whether every field is `None`, so that every device fits.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::none()
    }

    /// Returns whether every device that fits `other` fits these restrictions as well.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        fn names(wide: Option<&Vec<String>>, narrow: Option<&Vec<String>>) -> bool {
            match (wide, narrow) {
                (None, _) => true,
                (Some(wide), Some(narrow)) => narrow.iter().all(|name| wide.contains(name)),
                (Some(_), None) => false,
            }
        }
        /// Returns whether the limit `wide` admits every value that the limit `narrow` admits. A limit `wide` of `None`
        /// also admits devices with an unknown value.
        fn limit<T: Copy>(wide: Option<T>, narrow: Option<T>, lets: impl Fn(T, T) -> bool) -> bool {
            wide.is_none_or(|wide| narrow.is_some_and(|narrow| lets(wide, narrow)))
        }
        names(self.models.as_ref(), other.models.as_ref())
            && names(self.manufacturer_names.as_ref(), other.manufacturer_names.as_ref())
            && limit(self.min_hardware, other.min_hardware, |wide, narrow| wide <= narrow)
            && limit(self.max_hardware, other.max_hardware, |wide, narrow| wide >= narrow)
            // Every device runs some file version, so limits at the ends of the number range restrict nothing.
            && limit(self.min_current.filter(|min| min.0 > 0), other.min_current, |wide, narrow| wide <= narrow)
            && limit(self.max_current.filter(|max| max.0 < u32::MAX), other.max_current, |wide, narrow| wide >= narrow)
    }

    /// Returns whether the restrictions exclude every device: a list is empty, or a minimum is above its maximum.
    #[must_use]
    pub fn suit_nobody(&self) -> bool {
        self.has_empty_list()
            || self.min_hardware.zip(self.max_hardware).is_some_and(|(min, max)| min > max)
            || self.min_current.zip(self.max_current).is_some_and(|(min, max)| min > max)
    }

    /// Returns whether the list of models or the list of manufacturer names is present and empty, because an empty list
    /// excludes every device.
    pub(super) fn has_empty_list(&self) -> bool {
        [&self.models, &self.manufacturer_names].into_iter().flatten().any(Vec::is_empty)
    }

    /// Returns the first restriction that the device does not fit. If a value of the device is unknown, the device does
    /// not fit a restriction of this value.
    pub(super) fn mismatch<'a>(&'a self, device: &DeviceDescription<'a>) -> Option<EntryMismatch<'a>> {
        let current = device.current.version;
        if let Some(allowed) = self.models.as_deref() {
            match device.model {
                None => return Some(EntryMismatch::ModelUnknown { allowed }),
                Some(model) if !allowed.iter().any(|name| name == model) => {
                    return Some(EntryMismatch::OtherModel { allowed, model });
                }
                Some(_) => {}
            }
        }
        if let Some(allowed) = self.manufacturer_names.as_deref() {
            match device.manufacturer_name {
                None => return Some(EntryMismatch::ManufacturerNameUnknown { allowed }),
                Some(name) if !allowed.iter().any(|other| other == name) => {
                    return Some(EntryMismatch::OtherManufacturerName { allowed, name });
                }
                Some(_) => {}
            }
        }
        let (min, max) = (self.min_hardware, self.max_hardware);
        match device.hardware {
            None if min.is_some() || max.is_some() => {
                return Some(EntryMismatch::HardwareUnknown { min, max });
            }
            Some(hardware)
                if min.is_some_and(|min| hardware < min) || max.is_some_and(|max| hardware > max) =>
            {
                return Some(EntryMismatch::OtherHardware { min, max, hardware });
            }
            _ => {}
        }
        let (min, max) = (self.min_current, self.max_current);
        if min.is_some_and(|min| current < min) || max.is_some_and(|max| current > max) {
            return Some(EntryMismatch::OtherCurrentVersion { min, max, current });
        }
        None
    }
}
