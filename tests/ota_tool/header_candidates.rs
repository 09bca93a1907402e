//! Subcommand `candidates`: headers found anywhere in a file.

use crate::sample_folder::sample_folder;

/// Shows: FILE-070
#[test]
fn candidates_lists_headers_inside_a_file() {
    let folder = sample_folder();
    folder.ota("info --json junk").says(1, r#""ota":false"#);
    let ran = folder.ota("candidates junk");
    ran.says(0, "for a person to judge: 1\n").says(0, "byte 20 (0x14): 1001-1011-01010110, header length 56");
    folder
        .ota("candidates short")
        .says(0, "total image size 85, header string \"\", 1 bytes more than there are");
    folder.ota("candidates text").says(0, "judge: 0\n");
    folder.ota("candidates nowhere").says(1, "nowhere: ");
}
