//! Selection of the index entry for a device, with the reason why each other entry was not selected.
//!
//! ```text
//! each entry:  manufacturer code, image type -> restrictions -> version
//!
//! FirstFitting    the first entry that fits, whatever its version; offered if its version is wanted     (zigbee2mqtt)
//! NewestFitting   of the entries that fit and are wanted the newest, then the most specific             (zigpy)
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;

use super::{EntryFault, Index, IndexEntry};
use crate::types::{FileVersion, HardwareVersion, ImageId, ImageType, ManufacturerCode};
use crate::zcl::QueryNextImageRequest;

/// Facts about a device for the selection: the fields of its query, and facts that a gateway has read from the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct DeviceDescription<'a> {
    /// Running image of the device, from its Query Next Image Request.
    pub current: ImageId,
    /// Hardware version of the device, if its query contains one.
    pub hardware: Option<HardwareVersion>,
    /// Model identifier: attribute 0x0005 of the Basic cluster.
    pub model: Option<&'a str>,
    /// Manufacturer name: attribute 0x0004 of the Basic cluster.
    pub manufacturer_name: Option<&'a str>,
    /// Versions that the gateway wants to install on the device; newer versions by default.
    pub wanted: WantedVersions,
}

/// Versions that the gateway wants to install, relative to the running version of the device. The gateway always wants
/// the version of an entry whose field [`force`](IndexEntry::force) is `true`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum WantedVersions {
    /// The gateway wants versions newer than the running version: upgrades.
    #[default]
    Newer,
    /// The gateway wants versions older than the running version: downgrades. Many devices refuse downgrades.
    Older,
    /// The gateway wants all versions, including the running version of the device.
    Any,
}

impl<'a> DeviceDescription<'a> {
    /// Creates the description of a device that runs the image `current`, without any other facts about the device.
    #[must_use]
    pub const fn new(current: ImageId) -> Self {
        Self { current, hardware: None, model: None, manufacturer_name: None, wanted: WantedVersions::Newer }
    }

    /// Adds the hardware version of the device.
    #[must_use]
    pub const fn with_hardware(self, hardware: HardwareVersion) -> Self {
        Self { hardware: Some(hardware), ..self }
    }

    /// Adds the model identifier of the device.
    #[must_use]
    pub const fn with_model(self, model: &'a str) -> Self {
        Self { model: Some(model), ..self }
    }

    /// Adds the manufacturer name of the device.
    #[must_use]
    pub const fn with_manufacturer_name(self, name: &'a str) -> Self {
        Self { manufacturer_name: Some(name), ..self }
    }

    /// Returns this description with `wanted` as the wanted versions.
    #[must_use]
    pub const fn with_wanted(self, wanted: WantedVersions) -> Self {
        Self { wanted, ..self }
    }
}

impl From<&QueryNextImageRequest> for DeviceDescription<'_> {
    fn from(query: &QueryNextImageRequest) -> Self {
        Self { hardware: query.hardware, ..Self::new(query.current) }
    }
}

/// Rule that selects one of several entries that fit a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SelectionRule {
    /// The rule of zigbee2mqtt: the first entry that fits the device. If the gateway does not want the version of the
    /// first entry that fits, the rule of zigbee2mqtt selects no entry.
    FirstFitting,
    /// The rule of zigpy: the newest of the entries that fit the device and have a version that the gateway wants.
    /// Among equal versions, the rule selects the most specific entry, or no entry if several entries for different
    /// files are equally specific.
    NewestFitting,
}

/// Result of [`Index::select`]: the entry for a device, and the reason why each other entry was not selected.
#[derive(Clone, Debug)]
pub struct Selection<'a> {
    index: &'a Index,
    /// Reason why each entry was not selected; `None` for the selected entry.
    mismatches: Vec<Option<EntryMismatch<'a>>>,
}

impl<'a> Selection<'a> {
    /// Returns the number of the selected entry, or `None` if no entry was selected.
    #[must_use]
    pub fn number(&self) -> Option<usize> {
        self.mismatches.iter().position(Option::is_none)
    }

    /// Returns the selected entry, or `None` if no entry was selected.
    #[must_use]
    pub fn entry(&self) -> Option<&'a IndexEntry> {
        self.index.entries.get(self.number()?)
    }

    /// Returns the number of each entry that was not selected, with the reason, in the order of the index.
    ///
    /// In a large index, most entries are for another manufacturer code or image type than that of the device.
    /// [`EntryMismatch::is_other_image`] recognises the entries for another manufacturer code or image type.
    pub fn mismatches(&self) -> impl Iterator<Item = (usize, &EntryMismatch<'a>)> {
        self.mismatches.iter().enumerate().filter_map(|(number, reason)| Some((number, reason.as_ref()?)))
    }
}

/// Reason why an entry was not selected for a device.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum EntryMismatch<'a> {
    /// A value of the entry has the wrong type.
    Fault(&'a EntryFault),
    /// The entry has neither URL nor path.
    NoPlace,
    /// The entry lacks the manufacturer code, the image type or the file version of the image: see
    /// [`IndexEntry::complete`].
    UnknownImage,
    /// The manufacturer code of the entry differs from that of the device.
    OtherManufacturer {
        /// Manufacturer code of the entry.
        entry: ManufacturerCode,
        /// Manufacturer code of the device.
        device: ManufacturerCode,
    },
    /// The image type of the entry differs from that of the device.
    OtherImageType {
        /// Image type of the entry.
        entry: ImageType,
        /// Image type of the device.
        device: ImageType,
    },
    /// The entry is for certain models, and the model of the device is unknown.
    ModelUnknown {
        /// Models that the entry is for.
        allowed: &'a [String],
    },
    /// The entry is for certain models, and the model of the device is not among them.
    OtherModel {
        /// Models that the entry is for.
        allowed: &'a [String],
        /// Model of the device.
        model: &'a str,
    },
    /// The entry is for certain manufacturer names, and the manufacturer name of the device is unknown.
    ManufacturerNameUnknown {
        /// Manufacturer names that the entry is for.
        allowed: &'a [String],
    },
    /// The entry is for certain manufacturer names, and the manufacturer name of the device is not among them.
    OtherManufacturerName {
        /// Manufacturer names that the entry is for.
        allowed: &'a [String],
        /// Manufacturer name of the device.
        name: &'a str,
    },
    /// The entry is for certain hardware versions, and the query of the device contains no hardware version.
    HardwareUnknown {
        /// Oldest hardware version that the entry is for.
        min: Option<HardwareVersion>,
        /// Newest hardware version that the entry is for.
        max: Option<HardwareVersion>,
    },
    /// The hardware version of the device is outside the range of hardware versions of the entry.
    OtherHardware {
        /// Oldest hardware version that the entry is for.
        min: Option<HardwareVersion>,
        /// Newest hardware version that the entry is for.
        max: Option<HardwareVersion>,
        /// Hardware version of the device.
        hardware: HardwareVersion,
    },
    /// The version that the device runs is outside the range of running versions that the entry is for.
    OtherCurrentVersion {
        /// Oldest running version that the entry is for.
        min: Option<FileVersion>,
        /// Newest running version that the entry is for.
        max: Option<FileVersion>,
        /// Version that the device runs.
        current: FileVersion,
    },
    /// The entry fits the device, but the version of the entry is not among the [wanted](DeviceDescription::wanted)
    /// versions, for instance not newer than the running version.
    NotWanted {
        /// File version of the image in the entry.
        version: FileVersion,
        /// Version that the device runs.
        current: FileVersion,
        /// Versions that the gateway wants to install.
        wanted: WantedVersions,
    },
    /// The entry fits the device, but the selection rule prefers another entry.
    Behind {
        /// Number in the index of the entry that the selection rule prefers.
        entry: usize,
    },
    /// The entry and another entry, which is for another file, are equally specific, so the selection rule selects
    /// neither of the two entries.
    Ambiguous {
        /// Number of the other, equally specific entry in the index.
        entry: usize,
    },
}

impl EntryMismatch<'_> {
    /// Returns whether the entry is for another manufacturer code or image type than that of the device.
    #[must_use]
    pub const fn is_other_image(&self) -> bool {
        matches!(self, Self::OtherManufacturer { .. } | Self::OtherImageType { .. })
    }
}

impl Index {
    /// Selects the entry for a device by the selection rule for the form of the index.
    #[must_use]
    pub fn select<'a>(&'a self, device: &DeviceDescription<'a>) -> Selection<'a> {
        self.select_by(self.form.rule(), device)
    }

    /// Selects the entry for a device by the selection rule `rule`.
    #[must_use]
    pub fn select_by<'a>(&'a self, rule: SelectionRule, device: &DeviceDescription<'a>) -> Selection<'a> {
        let mut mismatches: Vec<_> = self.entries.iter().map(|entry| entry.misfit(device)).collect();
        match rule {
            SelectionRule::FirstFitting => self.choose_first(device, &mut mismatches),
            SelectionRule::NewestFitting => self.choose_newest(device, &mut mismatches),
        }
        Selection { index: self, mismatches }
    }

    fn choose_first<'a>(
        &'a self,
        device: &DeviceDescription<'a>,
        mismatches: &mut [Option<EntryMismatch<'a>>],
    ) {
        let Some(first) = mismatches.iter().position(Option::is_none) else { return };
        let fitting = mismatches.iter_mut().zip(&self.entries).enumerate().skip(first);
        for (number, (mismatch, entry)) in fitting.filter(|(_, (mismatch, _))| mismatch.is_none()) {
            *mismatch = match number == first {
                true => entry.unwanted(device),
                false => Some(EntryMismatch::Behind { entry: first }),
            };
        }
    }

    fn choose_newest<'a>(
        &'a self,
        device: &DeviceDescription<'a>,
        mismatches: &mut [Option<EntryMismatch<'a>>],
    ) {
        let mut candidates = Vec::new();
        for (number, (mismatch, entry)) in mismatches.iter_mut().zip(&self.entries).enumerate() {
            if mismatch.is_none() {
                *mismatch = entry.unwanted(device);
                if mismatch.is_none() {
                    candidates.push((Reverse((entry.version, entry.weight())), number, entry));
                }
            }
        }
        // The sort is stable, so entries with equal sort keys stay in the order of the index.
        candidates.sort_by_key(|(key, ..)| *key);
        let mut chosen: Option<usize> = None;
        for group in candidates.chunk_by(|(one, ..), (other, ..)| one == other) {
            let Some((_, first, like)) = group.first() else { continue };
            let other =
                group.iter().find(|(_, _, entry)| !like.is_same_file(entry)).map(|(_, other, _)| *other);
            for (_, number, entry) in group {
                let reason = match (chosen, other) {
                    (Some(entry), _) => Some(EntryMismatch::Behind { entry }),
                    (None, Some(other)) => {
                        let entry = if like.is_same_file(entry) { other } else { *first };
                        Some(EntryMismatch::Ambiguous { entry })
                    }
                    (None, None) if number != first => Some(EntryMismatch::Behind { entry: *first }),
                    (None, None) => None,
                };
                if let Some(mismatch) = mismatches.get_mut(*number) {
                    *mismatch = reason;
                }
            }
            if chosen.is_none() && other.is_none() {
                chosen = Some(*first);
            }
        }
    }
}

impl IndexEntry {
    /// Returns the reason why the entry does not fit the device, or `None` if the entry fits. `misfit` does not check
    /// whether the gateway wants the version of the entry.
    fn misfit<'a>(&'a self, device: &DeviceDescription<'a>) -> Option<EntryMismatch<'a>> {
        let ImageId { manufacturer, image_type, .. } = device.current;
        // The comparison of the image comes first, so that an entry for another image is reported as such even if it
        // has faults.
        if let Some(entry) = self.manufacturer.filter(|entry| *entry != manufacturer) {
            return Some(EntryMismatch::OtherManufacturer { entry, device: manufacturer });
        }
        if let Some(entry) = self.image_type.filter(|entry| *entry != image_type) {
            return Some(EntryMismatch::OtherImageType { entry, device: image_type });
        }
        if let Some(fault) = self.faults().first() {
            return Some(EntryMismatch::Fault(fault));
        }
        if self.id().is_none() {
            return Some(EntryMismatch::UnknownImage);
        }
        if self.url.is_none() && self.path.is_none() {
            return Some(EntryMismatch::NoPlace);
        }
        self.restrictions.mismatch(device)
    }

    /// Returns the reason why the gateway does not want the version of the entry, or `None` if the gateway wants the
    /// version.
    fn unwanted<'a>(&self, device: &DeviceDescription<'_>) -> Option<EntryMismatch<'a>> {
        let (version, current, wanted) = (self.version?, device.current.version, device.wanted);
        let is_wanted = self.force
            || match wanted {
                WantedVersions::Newer => version > current,
                WantedVersions::Older => version < current,
                WantedVersions::Any => true,
            };
        (!is_wanted).then_some(EntryMismatch::NotWanted { version, current, wanted })
    }

    /// Returns how specific the entry is: the sum of its field `specificity` and of zigpy's weights of its
    /// restrictions. Restrictions of model and manufacturer name have the highest weight, restrictions of the running
    /// version have a lower weight, and restrictions of the hardware version have the lowest weight.
    fn weight(&self) -> i64 {
        let Self { restrictions, specificity, .. } = self;
        let weights = [
            (restrictions.manufacturer_names.is_some(), 1000),
            (restrictions.models.is_some(), 1000),
            (restrictions.min_current.is_some(), 10),
            (restrictions.max_current.is_some(), 10),
            (restrictions.min_hardware.is_some(), 1),
            (restrictions.max_hardware.is_some(), 1),
        ];
        let restricted = weights.into_iter().filter(|(is_there, _)| *is_there).map(|(_, weight)| weight);
        restricted.fold(specificity.unwrap_or_default(), i64::saturating_add)
    }

    /// Returns whether both entries name the same file: their checksums of the first algorithm that both
    /// have are equal or, if they have no checksums of the same algorithm, their URLs and their paths are equal.
    fn is_same_file(&self, other: &Self) -> bool {
        let both = self.checksums.iter().find_map(|sum| {
            let sum_of = |other: &&super::Checksum| other.algorithm == sum.algorithm;
            other.checksums.iter().find(sum_of).map(|other| other.digest == sum.digest)
        });
        both.unwrap_or(self.url == other.url && self.path == other.path)
    }
}

impl fmt::Display for EntryMismatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => write!(f, "{fault}"),
            Self::NoPlace => f.write_str("has neither a URL nor a path"),
            Self::UnknownImage => f.write_str(
                "lacks manufacturer code, image type or file version, which the header of its file has",
            ),
            Self::OtherManufacturer { entry, device } => {
                write!(f, "for manufacturer code {entry}; that of the device is {device}")
            }
            Self::OtherImageType { entry, device } => {
                write!(f, "for image type {:#06x}; that of the device is {:#06x}", entry.0, device.0)
            }
            Self::ModelUnknown { allowed } => {
                write!(f, "only for {}; that of the device is not known", Names("model", allowed))
            }
            // `Debug` of a text escapes control characters for the terminal.
            Self::OtherModel { allowed, model } => {
                write!(f, "only for {}; that of the device is {model:?}", Names("model", allowed))
            }
            Self::ManufacturerNameUnknown { allowed } => {
                write!(f, "only for {}; that of the device is not known", Names("manufacturer name", allowed))
            }
            Self::OtherManufacturerName { allowed, name } => {
                write!(f, "only for {}; that of the device is {name:?}", Names("manufacturer name", allowed))
            }
            Self::HardwareUnknown { min, max } => {
                let limits = Limits(min.map(|min| min.0.into()), max.map(|max| max.0.into()));
                write!(f, "only for hardware versions {limits}; the query of the device has none")
            }
            Self::OtherHardware { min, max, hardware } => {
                let limits = Limits(min.map(|min| min.0.into()), max.map(|max| max.0.into()));
                write!(f, "only for hardware versions {limits}; that of the device is {}", hardware.0)
            }
            Self::OtherCurrentVersion { min, max, current } => {
                let limits = Limits(min.map(|min| min.0), max.map(|max| max.0));
                write!(f, "only for devices that run versions {limits}; the device runs {}", current.0)
            }
            Self::NotWanted { version, current, wanted } => {
                let wanted = match wanted {
                    WantedVersions::Newer => "newer than",
                    WantedVersions::Older => "older than",
                    WantedVersions::Any => "any beside",
                };
                write!(f, "version {} is not {wanted} {}, which the device runs", version.0, current.0)
            }
            Self::Behind { entry } => write!(f, "fits, but entry {entry} comes first"),
            Self::Ambiguous { entry } => {
                write!(f, "fits as well as entry {entry}, which names another file, so neither is chosen")
            }
        }
    }
}

/// Text for a restriction of an entry to certain names: the kind of the names, such as "model", and the names.
struct Names<'a>(&'static str, &'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self(what, []) => write!(f, "no {what} at all"),
            Self(what, [first, rest @ ..]) => {
                write!(f, "{what} {first:?}")?;
                rest.iter().try_for_each(|name| write!(f, " or {name:?}"))
            }
        }
    }
}

/// Text for a restriction of an entry to a range of versions: the minimum and the maximum in decimal digits, as in an
/// index.
struct Limits(Option<u32>, Option<u32>);

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self(Some(min), Some(max)) => write!(f, "{min} to {max}"),
            Self(Some(min), None) => write!(f, "from {min}"),
            Self(None, Some(max)) => write!(f, "up to {max}"),
            Self(None, None) => f.write_str("without limits"),
        }
    }
}
