//! Values that a new index copies from an older index: keys that the maintainer has added, and restrictions to certain
//! devices.

use zigbee_ota::index::{Index, IndexEntry, Restrictions};

use super::compare_with_folder::{address, completed, named};
use super::entry::Facts;

/// Older index, from which values are copied.
pub struct Kept {
    index: Index,
}

impl Kept {
    /// Prepares an older index for a folder with these files. Also returns messages about the entries of the older
    /// index that the new index does not contain.
    pub fn new(index: Index, files: &[Facts]) -> (Self, Vec<String>) {
        let index = completed(index, files);
        let mut dropped = Vec::new();
        for (number, entry) in index.entries.iter().enumerate() {
            let about = address(entry).map_or_else(String::new, |address| format!("{address}: "));
            if let Some(fault) = entry.faults().first() {
                dropped.push(format!("entry {number}: {about}dropped: {fault}"));
            } else if named(entry, files).is_none() {
                dropped
                    .push(format!("entry {number}: {about}dropped: there is no such OTA file in the folder"));
            }
        }
        (Self { index }, dropped)
    }

    /// Returns the entries of a file in the new index. If the older index has entries for the file, the new entries
    /// contain the values that the maintainer has added to them. Otherwise, the file gets one new entry for each of the
    /// different restrictions that older entries for the same manufacturer code and image type have. The file gets a
    /// single entry without restrictions if one of these older entries has none. The function calls `say` with each
    /// message that the maintainer should read.
    pub fn entries_of(
        &self,
        facts: &Facts,
        files: &[Facts],
        entry: &IndexEntry,
        mut say: impl FnMut(String),
    ) -> Vec<IndexEntry> {
        let usable = || self.index.entries.iter().enumerate().filter(|(_, old)| old.faults().is_empty());
        let of_file =
            usable().filter(|(_, old)| named(old, files).is_some_and(|found| found.path == facts.path));
        let own: Vec<IndexEntry> = of_file.map(|(_, old)| entry.clone().with_additions_of(old)).collect();
        if !own.is_empty() {
            return own;
        }
        let image = |entry: &IndexEntry| entry.manufacturer.zip(entry.image_type);
        let like: Vec<_> =
            usable().filter(|(_, old)| image(old).is_some() && image(old) == image(entry)).collect();
        // If one of the older entries has no restrictions, the new entry has no restrictions either.
        if like.iter().all(|(_, old)| !old.restrictions.is_none()) {
            let mut found: Vec<(usize, &IndexEntry)> = Vec::new();
            for (number, old) in like {
                if !found.iter().any(|(_, other)| other.restrictions == old.restrictions) {
                    found.push((number, old));
                }
            }
            for (number, old) in &found {
                let old_name = address(old).unwrap_or_default();
                let keys = keys(&old.restrictions).join(", ");
                say(format!(
                    "{}: {keys} taken over from entry {number} ({old_name}), which is for the same manufacturer code and \
                     image type: check whether the file is for the same devices",
                    facts.path
                ));
            }
            if !found.is_empty() {
                let with = |(_, old): &(usize, &IndexEntry)| {
                    let mut entry = entry.clone();
                    entry.restrictions = old.restrictions.clone();
                    entry
                };
                return found.iter().map(with).collect();
            }
        }
        vec![entry.clone()]
    }
}

/// Returns the keys of the restrictions, by their names in zigbee2mqtt.
fn keys(restrictions: &Restrictions) -> Vec<&'static str> {
    let keys = [
        ("modelId", restrictions.models.is_some()),
        ("manufacturerName", restrictions.manufacturer_names.is_some()),
        ("hardwareVersionMin", restrictions.min_hardware.is_some()),
        ("hardwareVersionMax", restrictions.max_hardware.is_some()),
        ("minFileVersion", restrictions.min_current.is_some()),
        ("maxFileVersion", restrictions.max_current.is_some()),
    ];
    keys.into_iter().filter(|(_, is_there)| *is_there).map(|(key, _)| key).collect()
}
