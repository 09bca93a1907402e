//! Subcommand `extract`: the data of one element, the file inside a container, or the raw bytes of a body.

use crate::sample_folder::sample_folder;

/// Shows: ESP-052
#[test]
fn extract_writes_the_data_of_an_element() {
    let folder = sample_folder();
    for (options, data) in
        [("", "ONE"), ("--index 1", "TWO!"), ("--tag 0xf000", "TWO!"), ("-t 61440 -i 0", "TWO!")]
    {
        folder.ota(&format!("extract plain --to out {options}")).says(0, "");
        assert_eq!(folder.read("out"), data.as_bytes(), "{options}");
    }
    folder
        .ota("extract plain -o one -t 3")
        .says(1, "plain: no element 0x0003 with index 0; elements: 0x0000, 0xf000, 0x0000");
    folder.ota("extract plain -o one -i 2").says(1, "no element 0x0000 with index 2");
    folder.ota("extract short -o one -i 1").says(1, "short: the element 0x0000 is cut short: 3 of 4 bytes");
    folder.ota("extract text -o one").says(1, "text: OTA header, byte 0: not an OTA file");
    folder.ota("extract plain").says(2, "--to <OUT>");
    folder.ota("extract plain -o one --ota --tag 0").says(2, "cannot be used with");
    assert_eq!(folder.read("one"), b"ONE");
    folder.ota("extract plain -o plain").says(0, "");
    assert_eq!(folder.read("plain"), b"ONE");
}

#[test]
fn extract_leaves_out_the_two_bytes_of_telink() {
    let folder = sample_folder();
    let plain = folder.read("plain");
    let head = [0x00, 0xf0, 16, 0, 0, 0, 0x01, 0x0c];
    folder.write("telink", [&plain[..52], &[80, 0, 0, 0], &head, &[7; 16]].concat());
    folder.ota("extract telink -o out -t 0xf000").says(0, "");
    assert_eq!(folder.read("out"), [7; 16]);
}

#[test]
fn extract_takes_the_file_out_of_its_container_and_the_raw_bytes_out_of_the_file() {
    let folder = sample_folder();
    for file in ["plain", "good", "bad"] {
        folder
            .ota(&format!("extract {file} -o out --ota"))
            .says(0, if file == "bad" { "bad: the sum" } else { "" });
        assert_eq!(folder.read("out"), folder.read("plain"), "{file}");
    }
    folder.ota("extract short -o one --ota").says(1, "short: truncated: 1 of 85 bytes are missing");
    folder.ota("extract raw -o out --rest").says(0, "");
    assert_eq!(folder.read("out"), [0xee; 9]);
    folder.ota("extract raw -o one").says(1, "no element 0x0000 with index 0; elements: none");
    folder
        .ota("extract plain -o one --rest")
        .says(1, "plain: no raw bytes: the layout of the body is elements");
}
