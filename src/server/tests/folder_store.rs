//! Tests of a store of files on disk that other programs write, replace and remove.

use super::*;
use std::fs;
use std::path::PathBuf;
use std::string::ToString;
use std::time::{Duration, SystemTime};

const BLOCK: &str = "01 2a 03 00 01 10 ab 00 05 00 00 00 40 00 00 00 10";
const QUERY: &str = "01 2a 01 00 01 10 ab 00 01 00 00 00";
const GONE: &str = "18 2a 0b 03 98";
const NO_IMAGE: &str = "19 2a 02 98";

/// Temporary folder on disk, which is removed at the end of the test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Overwrites a file, and sets its modification time to `seconds` after a fixed time.
    fn write(&self, name: &str, bytes: &[u8], seconds: u64) {
        fs::write(self.path(name), bytes).unwrap();
        let file = fs::File::options().write(true).open(self.path(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)).unwrap();
    }

    /// Test caller whose store follows the temporary folder.
    fn desk(&self) -> Desk<FolderStore, Script> {
        let mut store = FolderStore::new();
        store.follow(self.0.path());
        Desk::new(store, Script::default())
    }
}

fn of(version: u32) -> ImageId {
    ImageId { version: crate::FileVersion(version), ..IMAGE }
}

/// Refreshes the store, and returns each change as text: kind of the change, file name and version.
fn refresh(desk: &mut Desk<FolderStore, Script>) -> Vec<String> {
    let name = |path: &std::path::Path| path.file_name().unwrap().to_str().unwrap().to_string();
    let text = |change| match change {
        FolderChange::Added { path, id } => std::format!("added {} {}", name(&path), id.version.0),
        FolderChange::Replaced { path, id, previous } => {
            std::format!("replaced {} {} by {}", name(&path), previous.version.0, id.version.0)
        }
        FolderChange::Removed { path, id } => std::format!("removed {} {}", name(&path), id.version.0),
        FolderChange::Rejected(error) => {
            assert!(error.to_string().contains(&name(error.path())), "{error}");
            std::format!("rejected {}", name(error.path()))
        }
    };
    desk.images.refresh().into_iter().map(text).collect()
}

fn is_data(answer: &str) -> bool {
    answer.starts_with("19 2a 05 00")
}

/// Shows: FLD-053
#[test]
fn a_folder_is_followed() {
    let folder = Folder::new();
    folder.write("five", &plain(5, 1000), 0);
    folder.write("readme", b"no firmware", 0);
    folder.write(".hidden", &plain(9, 1000), 0);
    fs::create_dir(folder.path("nested")).unwrap();
    let mut desk = folder.desk();
    assert_eq!(desk.ask(LAMP, QUERY), NO_IMAGE);
    assert_eq!(refresh(&mut desk), ["added five 5", "rejected readme"]);
    assert_eq!(refresh(&mut desk), [""; 0], "nothing has changed");
    assert!(is_data(&desk.ask(LAMP, BLOCK)));

    // A file is dropped in, in two pieces; another one is renamed, and a third one becomes something else.
    folder.write("six", &plain(6, 1000)[..500], 1);
    assert_eq!(refresh(&mut desk), ["rejected six"]);
    assert_eq!(refresh(&mut desk), [""; 0]);
    folder.write("six", &plain(6, 1000), 2);
    fs::rename(folder.path("five"), folder.path("cinq")).unwrap();
    folder.write("readme", &plain(7, 100), 3);
    assert_eq!(refresh(&mut desk), ["removed five 5", "added cinq 5", "added readme 7", "added six 6"]);
    assert_eq!(
        desk.images.files().map(|(path, info)| (PathBuf::from(path), info.id)).collect::<Vec<_>>(),
        [(folder.path("cinq"), of(5)), (folder.path("readme"), of(7)), (folder.path("six"), of(6)),]
    );
    assert!(is_data(&desk.ask(LAMP, BLOCK)));
    folder.write("six", b"no firmware any more", 4);
    fs::remove_file(folder.path("cinq")).unwrap();
    fs::remove_file(folder.path("readme")).unwrap();
    assert_eq!(refresh(&mut desk), ["removed cinq 5", "removed readme 7", "removed six 6", "rejected six"]);
    assert_eq!((desk.ask(LAMP, BLOCK), desk.ask(LAMP, QUERY)), (GONE.into(), NO_IMAGE.into()));

    // A folder that cannot be read is reported once, and followed as soon as it can be read.
    let mut store = FolderStore::new();
    store.follow(folder.path("later"));
    let mut desk = Desk::new(store, Script::default());
    assert_eq!(refresh(&mut desk), ["rejected later"]);
    assert_eq!(refresh(&mut desk), [""; 0]);
    fs::create_dir(folder.path("later")).unwrap();
    folder.write("later/five", &plain(5, 1000), 0);
    assert_eq!(refresh(&mut desk), ["added five 5"]);
    assert!(is_data(&desk.ask(LAMP, BLOCK)));
}

/// A changed length, modification time or header shows that the file is no longer the offered file.
///
/// Shows: FLD-053
#[test]
fn a_file_that_is_overwritten_in_place_is_gone() {
    let image = plain(5, 1000);
    let other: Vec<_> = image[..56].iter().copied().chain([0x77; 944]).collect();
    let longer = [&image[..], &[0xee]].concat();
    let renumbered = plain(6, 1000);
    for (bytes, seconds, by) in [
        (&other, 1, Some(5)),
        (&longer, 0, Some(5)),
        (&renumbered, 0, Some(6)),
        (&image[..999].to_vec(), 0, None),
        (&vec![], 0, None),
    ] {
        let folder = Folder::new();
        folder.write("file", &image, 0);
        let mut desk = folder.desk();
        assert_eq!(refresh(&mut desk), ["added file 5"]);
        assert!(is_data(&desk.ask(LAMP, BLOCK)));
        folder.write("file", bytes, seconds);
        let case = std::format!("{} bytes, {seconds}", bytes.len());
        assert_eq!(desk.ask(LAMP, BLOCK), GONE, "{case}");
        assert_eq!(desk.ask(LAMP, QUERY), NO_IMAGE, "{case}");
        match by {
            Some(version) => {
                assert_eq!(refresh(&mut desk), [std::format!("replaced file 5 by {version}")], "{case}");
                assert!(desk.ask(LAMP, QUERY).starts_with("19 2a 02 00"), "{case}");
            }
            None => assert_eq!(refresh(&mut desk), ["removed file 5", "rejected file"], "{case}"),
        }
        // The query comes first in a store that nobody has refreshed.
        folder.write("file", &image, 7);
        refresh(&mut desk);
        folder.write("file", bytes, 8);
        assert_eq!(desk.ask(LAMP, QUERY), NO_IMAGE, "{case}");
    }
}

/// The test renames another file over the file that the store has open. The open file and the renamed file have the
/// same length and modification time. Until the next refresh, the store serves the file that it has open.
///
/// Shows: FLD-053
#[cfg(unix)]
#[test]
fn a_file_that_is_renamed_over_another_one_is_replaced() {
    let folder = Folder::new();
    let image = plain(5, 1000);
    let other: Vec<_> = image[..56].iter().copied().chain([0x77; 944]).collect();
    folder.write("file", &image, 0);
    let mut desk = folder.desk();
    assert_eq!(refresh(&mut desk), ["added file 5"]);
    folder.write(".new", &other, 0);
    fs::rename(folder.path(".new"), folder.path("file")).unwrap();
    assert!(!desk.ask(LAMP, BLOCK).ends_with("77"));
    assert_eq!(refresh(&mut desk), ["replaced file 5 by 5"]);
    assert!(desk.ask(LAMP, BLOCK).ends_with("77"));
}

/// The store accepts the second of two files for the same devices only after the first file is removed. Two files of
/// one image for disjoint hardware versions do not conflict.
///
/// Shows: FLD-053, FLD-041
#[test]
fn files_of_one_image_for_the_same_devices_are_rejected_by_both_names() {
    let folder = Folder::new();
    let hardware = |min, max| {
        let range =
            crate::HardwareRange { min: crate::HardwareVersion(min), max: crate::HardwareVersion(max) };
        file(FileHeader { hardware: Some(range), ..FileHeader::new(IMAGE) }, 500)
    };
    folder.write("a", &hardware(1, 3), 0);
    folder.write("b", &hardware(4, 6), 0);
    folder.write("c", &hardware(3, 3), 0);
    folder.write("d", &hardware(4, 6), 0);
    let mut desk = folder.desk();
    let texts: Vec<_> = desk
        .images
        .refresh()
        .into_iter()
        .filter_map(|change| match change {
            FolderChange::Rejected(error) => Some(error.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(texts.len(), 2);
    assert!(texts[0].contains("/c: ") && texts[0].ends_with("/a"), "{texts:?}");
    assert!(texts[1].contains("/d: ") && texts[1].ends_with("/b"), "{texts:?}");
    assert_eq!(refresh(&mut desk), [""; 0]);
    fs::remove_file(folder.path("b")).unwrap();
    assert_eq!(refresh(&mut desk), ["removed b 5", "added d 5"]);
    fs::remove_file(folder.path("a")).unwrap();
    assert_eq!(refresh(&mut desk), ["removed a 5", "added c 5"]);
}

/// A user uploads a new file under an old name, or the file of an image again under another name. In both cases, the
/// old file leaves the store, and the other files stay.
///
/// Shows: FLD-053
#[test]
fn a_file_replaces_the_file_of_its_path_and_the_file_of_its_image() {
    let folder = Folder::new();
    folder.write("five", &plain(5, 1000), 0);
    folder.write("six", &plain(6, 1000), 0);
    let mut store = FolderStore::new();
    store.add(folder.path("five")).unwrap();
    store.add(folder.path("six")).unwrap();
    let versions = |store: &FolderStore| {
        let files = store.files().map(|(path, info)| (PathBuf::from(path), info.id.version.0));
        files.collect::<Vec<_>>()
    };
    folder.write("five", &plain(7, 1000), 1);
    assert_eq!(store.replace(folder.path("five")).unwrap(), of(7));
    assert_eq!(versions(&store), [(folder.path("six"), 6), (folder.path("five"), 7)]);
    folder.write("again", &plain(7, 500), 1);
    assert_eq!(store.replace(folder.path("again")).unwrap(), of(7));
    assert_eq!(versions(&store), [(folder.path("six"), 6), (folder.path("again"), 7)]);
}

/// A refresh sees a file of no followed folder half written, and a later refresh adds the whole file.
///
/// Shows: FLD-053
#[test]
fn a_file_that_the_caller_added_returns_when_it_is_complete() {
    let folder = Folder::new();
    folder.write("file", &plain(5, 1000), 0);
    let mut desk = Desk::new(FolderStore::new(), Script::default());
    desk.images.add(folder.path("file")).unwrap();
    folder.write("file", &plain(6, 1000)[..500], 1);
    assert_eq!(refresh(&mut desk), ["removed file 5", "rejected file"]);
    assert_eq!(refresh(&mut desk), [""; 0]);
    folder.write("file", &plain(6, 1000), 2);
    assert_eq!(refresh(&mut desk), ["added file 6"]);
    assert_eq!(refresh(&mut desk), [""; 0]);
    // The caller adds the file again before the next refresh.
    folder.write("file", b"no firmware", 3);
    assert_eq!(refresh(&mut desk), ["removed file 6", "rejected file"]);
    folder.write("file", &plain(6, 1000), 4);
    desk.images.add(folder.path("file")).unwrap();
    assert_eq!(refresh(&mut desk), [""; 0]);
    // A file that is removed from the disk is forgotten.
    folder.write("file", b"no firmware", 5);
    assert_eq!(refresh(&mut desk), ["removed file 6", "rejected file"]);
    fs::remove_file(folder.path("file")).unwrap();
    assert_eq!(refresh(&mut desk), [""; 0]);
    folder.write("file", &plain(7, 1000), 6);
    assert_eq!(refresh(&mut desk), [""; 0]);
}

/// The store does not repeat the rejection of a file at each refresh, but it rejects other content of the file again,
/// so that a user sees that the corrected file is wrong too.
///
/// Shows: FLD-053
#[test]
fn a_file_is_rejected_once_for_each_content() {
    let folder = Folder::new();
    folder.write("file", &plain(5, 1000)[..500], 0);
    let mut desk = folder.desk();
    for seconds in 1..4 {
        assert_eq!(refresh(&mut desk), ["rejected file"]);
        assert_eq!(refresh(&mut desk), [""; 0]);
        folder.write("file", &plain(5, 1000)[..500], seconds);
    }
    // The second name of a rejected file is rejected too, although both names have the same stamp.
    #[cfg(unix)]
    {
        refresh(&mut desk);
        fs::hard_link(folder.path("file"), folder.path("link")).unwrap();
        assert_eq!(refresh(&mut desk), ["rejected link"]);
        assert_eq!(refresh(&mut desk), [""; 0]);
    }
}

/// A user copies a file as another user, and then permits all users to read it. The permission changes neither the
/// length nor the modification time of the file.
///
/// Shows: FLD-053
#[cfg(unix)]
#[test]
fn a_file_is_added_as_soon_as_it_may_be_read() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new();
    folder.write("file", &plain(5, 1000), 0);
    let permit = |mode| fs::set_permissions(folder.path("file"), fs::Permissions::from_mode(mode)).unwrap();
    permit(0o000);
    if fs::File::open(folder.path("file")).is_ok() {
        // A test that the user root runs reads every file.
        return;
    }
    let mut desk = folder.desk();
    assert_eq!(refresh(&mut desk), ["rejected file"]);
    assert_eq!(refresh(&mut desk), [""; 0]);
    permit(0o444);
    assert_eq!(refresh(&mut desk), ["added file 5"]);
}

/// Other programs choose file names, so a file name may contain control characters.
#[test]
fn a_name_cannot_forge_a_line() {
    let folder = Folder::new();
    let name = "x\nadded: \u{1b}[1mimage";
    folder.write(name, b"nothing", 0);
    let text = FolderStore::new().add(folder.path(name)).unwrap_err().to_string();
    assert!(!text.contains(['\n', '\u{1b}']) && text.contains("x\\nadded"), "{text}");
}

#[cfg(feature = "inspect")]
#[test]
fn a_container_in_a_folder_is_opened() {
    let folder = Folder::new();
    let image = plain(5, 1000);
    // Legrand's container: the length of the file in front, 16 bytes behind.
    let sample = [&1000_u32.to_le_bytes()[..], &image, &[0; 16]].concat();
    folder.write("contained", &sample, 0);
    let mut desk = folder.desk();
    assert_eq!(refresh(&mut desk), ["added contained 5"]);
    let answer = bytes(&desk.ask(LAMP, BLOCK));
    assert_eq!(answer[17..], image[0x40..0x50]);
}

/// Shows: FLD-071
#[cfg(feature = "inspect")]
#[test]
fn a_file_that_no_device_should_get_is_refused_unless_told() {
    let folder = Folder::new();
    // Hardware versions that suit no device.
    let range = crate::HardwareRange { min: crate::HardwareVersion(5), max: crate::HardwareVersion(3) };
    folder.write("wrong", &file(FileHeader { hardware: Some(range), ..FileHeader::new(IMAGE) }, 500), 0);
    let mut store = FolderStore::new();
    let error = store.add(folder.path("wrong")).unwrap_err();
    assert!(matches!(error, FolderError::Wrong { .. }) && error.to_string().contains("wrong: "), "{error}");
    store.set_wrong_files_accepted(true);
    assert_eq!(store.add(folder.path("wrong")).unwrap(), IMAGE);
    // A folder that the store already follows.
    let mut desk = folder.desk();
    folder.write("readme", b"no firmware", 0);
    assert_eq!(refresh(&mut desk), ["rejected readme", "rejected wrong"]);
    assert_eq!(refresh(&mut desk), [""; 0]);
    desk.images.set_wrong_files_accepted(true);
    assert_eq!(refresh(&mut desk), ["added wrong 5"]);
}

/// A gateway with 32-bit addresses serves a file that is too long for its memory. The file of 4 GiB is sparse on disk.
#[test]
fn a_file_of_four_gibibytes_is_served_to_its_last_byte() {
    use std::io::{Seek as _, SeekFrom, Write as _};

    const SIZE: u32 = u32::MAX;
    let folder = Folder::new();
    let header = FileHeader::new(IMAGE).with_total_size(SIZE);
    fs::write(folder.path("large"), header.to_vec()).unwrap();
    let mut file = fs::File::options().write(true).open(folder.path("large")).unwrap();
    file.set_len(0x1_0000_1000).unwrap();
    file.seek(SeekFrom::Start(u64::from(SIZE) - 4)).unwrap();
    file.write_all(&[1, 2, 3, 4, 0xee, 0xee]).unwrap();
    drop(file);

    let mut desk = folder.desk();
    assert_eq!(refresh(&mut desk), ["added large 5"]);
    let block = |offset: u32| {
        let [a, b, c, d] = offset.to_le_bytes();
        std::format!("01 2a 03 00 01 10 ab 00 05 00 00 00 {a:02x} {b:02x} {c:02x} {d:02x} 10")
    };
    let found = "19 2a 05 00 01 10 ab 00 05 00 00 00";
    assert_eq!(
        desk.ask(LAMP, &block(SIZE - 8)),
        std::format!("{found} f7 ff ff ff 08 00 00 00 00 01 02 03 04")
    );
    assert_eq!(desk.ask(LAMP, &block(SIZE - 1)), std::format!("{found} fe ff ff ff 01 04"));
    assert_eq!(
        desk.ask(LAMP, &block(SIZE)),
        "18 2a 0b 03 80",
        "bytes after the total image size are not served"
    );

    // Of a page that would end after 4 GiB, the bytes up to the end of the file are sent, and no other.
    let page = "01 2a 04 00 01 10 ab 00 05 00 00 00 eb ff ff ff 10 ff ff 00 00";
    let ServerAction::Reply(first) = desk.handle(LAMP, page) else { panic!() };
    assert_eq!(hex(&desk.out[..first.len]), std::format!("{found} eb ff ff ff 10{}", " 00".repeat(16)));
    let rest = desk.run_to(5000);
    let [(_, _, last)] = &rest[..] else { panic!("{rest:?}") };
    assert_eq!(hex(last), "19 2b 05 00 01 10 ab 00 05 00 00 00 fb ff ff ff 04 01 02 03 04");

    // A file that the header says is nearly 4 GiB longer.
    folder.write("large", &header.to_vec(), 1);
    let Err(FolderError::Add { source: AddError::Decode(error), .. }) =
        FolderStore::new().add(folder.path("large"))
    else {
        panic!("a file of a header is added")
    };
    assert_eq!(error.kind, crate::DecodeErrorKind::Truncated { needed: 0xffff_ffff, present: 56 });
}
