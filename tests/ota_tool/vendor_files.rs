//! Vendors' files through the tool in one run, compared with the results of an independent reader.

use crate::run_tool::Folder;
use crate::vendor_corpus::samples;

#[test]
fn vendors_files_read_as_an_independent_reader_read_them() {
    let samples = samples();
    if samples.is_empty() {
        return;
    }
    let arguments = ["info".as_ref(), "--json".as_ref()].into_iter();
    let ran = Folder::new().run(arguments.chain(samples.iter().map(|sample| sample.path.as_os_str())));
    let all = samples.iter().all(|sample| sample.is_ota());
    assert_eq!(ran.status, i32::from(!all), "{}", ran.err);
    let found = ran.json();
    assert_eq!(found.len(), samples.len());
    for (sample, found) in samples.iter().zip(&found) {
        let (name, expected) = (&sample.name, &sample.expected);
        assert_eq!(found["file"].as_str(), sample.path.to_str());
        // Keys missing in `expected` must be null in the output.
        for key in ["ota", "layout", "header", "elements", "rest", "strict"] {
            assert_eq!(found[key], expected[key], "{name}: {key}");
        }
        for key in ["kind", "offset"] {
            assert_eq!(found["container"][key], expected["container"][key], "{name}: {key}");
        }
    }
}

/// Only the truncated file of the corpus has a damaged payload.
#[test]
fn no_complete_vendors_file_has_a_damaged_payload() {
    for sample in samples().iter().filter(|sample| sample.is_ota()) {
        let ran = Folder::new().run(["check".as_ref(), sample.path.as_os_str()]);
        let cut = sample.expected["layout"] == "truncated";
        assert_eq!((ran.status, ran.out.contains("is damaged")), (i32::from(cut), cut), "{}", ran.out);
    }
}
