//! Properties of indexes, for fuzz targets.

use zigbee_ota::ImageId;
use zigbee_ota::index::{DeviceDescription, Index, IndexEntry, IndexForm, SelectionRule, WantedVersions};

/// Entries for which the properties of a pair are tried; the time grows with their square.
const MOST: usize = 200;

/// Reads any bytes as an index. What can be read is written again the same; every device gets an entry that fits it, and
/// a reason for each other one.
pub fn any_bytes(bytes: &[u8]) {
    let index = match Index::parse(bytes) {
        Ok(index) => index,
        Err(error) => return is_printable(&error.to_string()),
    };
    index.faults().for_each(|(_, fault)| is_printable(&fault.to_string()));
    if index.entries.len() > MOST {
        return;
    }
    for (number, reason) in index.never_taken() {
        assert!(number < index.entries.len());
        is_printable(&reason.to_string());
    }
    for form in [IndexForm::Zigbee2Mqtt, IndexForm::Zigpy] {
        any_form(&index, form);
    }
    for entry in index.entries.iter().take(4) {
        any_device(&index, entry);
        entry.check(bytes).iter().for_each(|mismatch| is_printable(&mismatch.to_string()));
    }
}

fn any_form(index: &Index, form: IndexForm) {
    match index.to_json_in(form) {
        Ok(text) => {
            let again = Index::parse(text.as_bytes()).expect("written by the library");
            assert_eq!(again.faults().count(), 0, "{text}");
            if again.form == form {
                assert_eq!(again.to_json().as_ref(), Ok(&text));
            } else {
                assert!(again.entries.is_empty(), "{text}");
            }
        }
        Err(error) => is_printable(&error.to_string()),
    }
}

/// Describes a device that the entry fits, as far as one does.
fn any_device(index: &Index, entry: &IndexEntry) {
    let id = entry.id().unwrap_or(ImageId::new(1, 2, 3));
    let restrictions = &entry.restrictions;
    let current = restrictions.min_current.or(restrictions.max_current);
    let mut device =
        DeviceDescription::new(ImageId { version: current.unwrap_or(zigbee_ota::FileVersion(0)), ..id });
    device.hardware = restrictions.min_hardware.or(restrictions.max_hardware);
    device.model = restrictions.models.as_ref().and_then(|models| models.first()).map(|model| &**model);
    let names = restrictions.manufacturer_names.as_ref();
    device.manufacturer_name = names.and_then(|names| names.first()).map(|name| &**name);
    device.wanted = WantedVersions::Any;
    for rule in [SelectionRule::FirstFitting, SelectionRule::NewestFitting] {
        let selection = index.select_by(rule, &device);
        let reasons = selection.mismatches().count();
        selection.mismatches().for_each(|(_, reason)| is_printable(&reason.to_string()));
        assert_eq!(reasons + usize::from(selection.entry().is_some()), index.entries.len());
        if let Some(chosen) = selection.entry() {
            assert!(chosen.faults().is_empty() && !chosen.restrictions.suit_nobody());
            assert_eq!(
                (chosen.manufacturer, chosen.image_type),
                (Some(id.manufacturer), Some(id.image_type))
            );
        } else if rule == SelectionRule::FirstFitting {
            // The first that fits is taken, and this one fits unless it has faults or no place.
            let usable = entry.faults().is_empty() && entry.id().is_some() && !restrictions.suit_nobody();
            assert!(!usable || (entry.url.is_none() && entry.path.is_none()), "{entry:?}");
        }
    }
}

/// Asserts that a text for people obeys nothing of the foreign texts in it.
#[track_caller]
fn is_printable(text: &str) {
    assert!(!text.contains(char::is_control), "{text:?}");
}
