//! Tests of image stores: files that change while clients download, and the choice of a file.

use super::*;
use crate::error::DecodeErrorKind;
use crate::types::HardwareRange;

const BLOCK: &str = "01 2a 03 00 01 10 ab 00 05 00 00 00 00 00 00 00 02";
const NEXT: &str = "01 2a 03 00 01 10 ab 00 05 00 00 00 02 00 00 00 02";

fn of(version: u32) -> ImageId {
    ImageId { version: crate::FileVersion(version), ..IMAGE }
}

/// Shows: SRV-001
#[test]
fn files_are_added_listed_and_removed() {
    for count in [1_u32, 100] {
        let files: Vec<_> = (1..=count).map(|version| plain(version, 100)).collect();
        let mut shelf = SlotStore::new(vec![None; files.len()]);
        let mut library = OwnedStore::new();
        for file in &files {
            shelf.add(StoreEntry::parse(file).unwrap()).unwrap();
            library.add(file.clone()).unwrap();
        }
        let listed: Vec<_> = shelf.list().map(|entry| entry.info().id).collect();
        assert_eq!(listed, (1..=count).map(of).collect::<Vec<_>>());
        assert!(library.list().map(|info| info.id).eq(listed));

        let more = plain(count + 1, 100);
        assert_eq!(shelf.add(StoreEntry::parse(&more).unwrap()), Err(AddError::Full));
        let first = shelf.add(StoreEntry::parse(&files[0]).unwrap());
        assert_eq!(first, Err(AddError::Duplicate(of(1))));
        let last = library.add(files.last().unwrap().clone());
        assert_eq!(last, Err(AddError::Duplicate(of(count))));

        for version in 1..=count {
            assert_eq!(shelf.remove(of(version), None).map(|entry| entry.info().id), Some(of(version)));
            assert_eq!(library.remove(of(version), None).map(|file| file.len()), Some(100));
            assert!(library.list().all(|info| info.id != of(version)));
            assert_eq!(library.list().count(), usize::try_from(count - version).unwrap());
        }
        assert_eq!(
            (shelf.list().count(), shelf.remove(of(1), None), library.remove(of(1), None)),
            (0, None, None)
        );
    }
    assert!(OwnedStore::new().add(vec![1, 2, 3]).is_err());
}

/// Shows: SRV-072
#[test]
fn files_are_removed_and_replaced_under_downloads() {
    let (file, other) = (plain(5, 101), [plain(5, 101)[..100].to_vec(), vec![0x77]].concat());
    let mut desk = Desk::new(SlotStore::new([None; 2]), Script::default());
    desk.images.add(StoreEntry::parse(file.clone().leak()).unwrap()).unwrap();
    let data = "19 2a 05 00 01 10 ab 00 05 00 00 00";
    assert!(desk.ask(LAMP, BLOCK).starts_with(data));
    let removed = desk.images.remove(IMAGE, None).unwrap();
    assert_eq!(desk.ask(LAMP, NEXT), "18 2a 0b 03 98");
    assert_eq!(desk.images.replace(removed), Ok(None));
    assert!(desk.ask(LAMP, NEXT).starts_with(data));
    let before = desk.images.replace(StoreEntry::parse(other.clone().leak()).unwrap());
    assert_eq!(before.unwrap().map(|entry| entry.file().len()), Some(101));
    let last = "01 2a 03 00 01 10 ab 00 05 00 00 00 64 00 00 00 02";
    assert!(desk.ask(LAMP, last).ends_with("01 77"));
    // The Upgrade End Request is answered although its image was removed.
    desk.images.remove(IMAGE, None).unwrap();
    assert!(desk.ask(LAMP, "01 2a 06 00 01 10 ab 00 05 00 00 00").starts_with("19 2a 07"));

    let mut desk = Desk::new(OwnedStore::new(), Script::default());
    desk.images.add(file.clone()).unwrap();
    assert!(desk.ask(LAMP, BLOCK).starts_with(data));
    assert_eq!(desk.images.replace(other), Ok(Some(file)));
    assert!(desk.ask(LAMP, last).ends_with("01 77"));
    desk.images.remove(IMAGE, None).unwrap();
    assert_eq!(desk.ask(LAMP, NEXT), "18 2a 0b 03 98");
}

/// Other versions of an image, and the file of the same version for another device, stay.
///
/// Shows: SRV-001
#[test]
fn only_the_file_of_an_image_and_its_destination_is_removed() {
    let for_one = |node| FileHeader { destination: Some(Eui64(node)), ..FileHeader::new(IMAGE) };
    let files = [plain(6, 100), file(for_one(1), 100), file(for_one(2), 100), plain(5, 100), plain(4, 100)];
    let mut shelf = SlotStore::new([None; 5]);
    let (mut library, mut disk) = (OwnedStore::new(), FolderStore::new());
    let folder = tempfile::tempdir().unwrap();
    for (index, file) in files.iter().enumerate() {
        shelf.add(StoreEntry::parse(file).unwrap()).unwrap();
        library.add(file.clone()).unwrap();
        let path = folder.path().join(std::format!("{index}"));
        std::fs::write(&path, file).unwrap();
        disk.add(path).unwrap();
    }
    for (destination, left) in [
        (Some(Eui64(2)), &[(6, None), (5, Some(Eui64(1))), (5, None), (4, None)][..]),
        (None, &[(6, None), (5, Some(Eui64(1))), (4, None)]),
    ] {
        assert!(
            shelf.remove(IMAGE, destination).is_some_and(|entry| entry.info().destination == destination)
        );
        assert!(library.remove(IMAGE, destination).is_some());
        assert!(disk.remove(IMAGE, destination));
        let name = |info: &ImageInfo| (info.id.version.0, info.destination);
        assert_eq!(shelf.list().map(|entry| name(entry.info())).collect::<Vec<_>>(), left);
        assert_eq!(library.list().map(name).collect::<Vec<_>>(), left);
        assert_eq!(disk.list().map(name).collect::<Vec<_>>(), left);
    }
}

#[test]
fn files_on_disk_are_read_block_by_block() {
    let folder = std::env::temp_dir().join(std::format!("zigbee-ota-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name);
    let image = plain(5, 1000);
    std::fs::write(path("five"), [&image[..], &[0xee; 9]].concat()).unwrap();
    std::fs::write(path("short"), &image[..999]).unwrap();
    std::fs::write(path("none"), [1, 2, 3]).unwrap();
    std::fs::write(path("six"), plain(6, 99)).unwrap();

    let mut desk = Desk::new(FolderStore::new(), Script::default());
    assert_eq!(desk.images.add(path("five")).unwrap(), IMAGE);
    assert_eq!(desk.images.add(path("six")).unwrap(), of(6));
    assert_eq!(desk.images.list().map(|info| info.id).collect::<Vec<_>>(), [IMAGE, of(6)]);
    let again = AddError::Duplicate(IMAGE);
    assert!(matches!(desk.images.add(path("five")), Err(FolderError::Conflict { source, present, .. })
        if source == again && present == path("five")));
    let short = DecodeErrorKind::Truncated { needed: 1000, present: 999 };
    assert!(
        matches!(desk.images.add(path("short")), Err(FolderError::Add { source: AddError::Decode(error), .. }) if error.kind == short)
    );
    let none = desk.images.add(path("none"));
    assert!(matches!(none, Err(FolderError::Add { source: AddError::Decode(_), .. })));
    assert!(matches!(desk.images.add(path("nowhere")), Err(FolderError::Io { .. })));
    assert!(matches!(desk.images.add(&folder), Err(FolderError::Io { .. })));

    let mut file = Vec::<u8>::new();
    for offset in (0..1000_u32).step_by(64) {
        let [low, high, ..] = offset.to_le_bytes();
        let ask = std::format!("01 2a 03 00 01 10 ab 00 05 00 00 00 {low:02x} {high:02x} 00 00 40");
        file.extend(&bytes(&desk.ask(LAMP, &ask))[17..]);
    }
    assert_eq!(file, image);
    assert_eq!(
        desk.ask(LAMP, "01 2a 01 00 01 10 ab 00 01 00 00 00"),
        "19 2a 02 00 01 10 ab 00 06 00 00 00 63 00 00 00"
    );
    // A file that another program truncates.
    std::fs::write(path("five"), &image[..500]).unwrap();
    assert_eq!(desk.images.replace(path("six")).unwrap(), of(6));
    assert_eq!(desk.ask(LAMP, BLOCK), "18 2a 0b 03 98");
    assert!(desk.images.remove(IMAGE, None) && !desk.images.remove(IMAGE, None));
    assert_eq!(desk.ask(LAMP, BLOCK), "18 2a 0b 03 98");
    std::fs::remove_dir_all(folder).unwrap();
}

/// A device whose hardware version excludes its own file gets the file for all devices, in offers and in blocks.
///
/// Shows: FLD-041
#[test]
fn an_own_file_for_other_hardware_gives_way_to_the_general_file() {
    let range = |min, max| HardwareRange { min: HardwareVersion(min), max: HardwareVersion(max) };
    let own = FileHeader { destination: Some(OWNER), hardware: Some(range(0, 1)), ..FileHeader::new(IMAGE) };
    let files = [file(own, 120), plain(5, 100)];
    let mut library = OwnedStore::new();
    files.into_iter().for_each(|file| _ = library.add(file).unwrap());
    for (hardware, size) in [(Some(1), 120), (Some(2), 100), (None, 120)] {
        let found = library.info(IMAGE, Some(OWNER), hardware.map(HardwareVersion), None);
        assert_eq!(found.found().map(|info| info.size), Some(size), "{hardware:?}");
    }
    let mut desk = Desk::new(library, Script::of_owner());
    // A query with hardware version 2 is offered the file of 100 bytes, and the block is of that file.
    assert_eq!(
        desk.ask(LAMP, "01 2a 01 01 01 10 ab 00 01 00 00 00 02 00"),
        "19 2a 02 00 01 10 ab 00 05 00 00 00 64 00 00 00"
    );
    // The total image size in the header of the file.
    assert!(
        desk.ask(LAMP, "01 2a 03 00 01 10 ab 00 05 00 00 00 34 00 00 00 04").ends_with(" 04 64 00 00 00")
    );
}

#[test]
fn an_image_that_a_store_finds_can_be_read_with_its_information() {
    let files = [plain(6, 90), plain(7, 95), plain(5, 100)];
    let entries = files.each_ref().map(|file| StoreEntry::parse(file).unwrap());
    let (mut slices, mut shelf) = (SliceStore::new(&entries).unwrap(), SlotStore::new(entries.map(Some)));
    let mut library = OwnedStore::new();
    files.iter().for_each(|file| _ = library.add(file.clone()).unwrap());
    let stores: [&mut dyn ImageStore; 3] = [&mut slices, &mut shelf, &mut library];
    for store in stores {
        let mut out = [0; 4];
        let found = store.find(IMAGE.manufacturer, IMAGE.image_type, &mut |_| true).unwrap();
        assert_eq!(found.id, of(7));
        assert_eq!(store.read(&found, 52, None, &mut out), ReadResult::Filled(4));
        assert_eq!(out, [95, 0, 0, 0], "the total image size in the header");
    }
}

#[test]
fn an_image_that_a_store_does_not_have_is_gone() {
    let foreign = ImageInfo::new(&FileHeader { total_size: 101, ..FileHeader::new(IMAGE) });
    let mut out = [0; 4];
    assert_eq!(SlotStore::new([None; 2]).read(&foreign, 0, None, &mut out), ReadResult::Gone);
    assert_eq!(FolderStore::new().read(&foreign, 0, None, &mut out), ReadResult::Gone);
    let mut library = OwnedStore::new();
    assert_eq!(library.read(&foreign, 0, None, &mut out), ReadResult::Gone);
    // `replace` adds a file if none has its identity.
    assert_eq!(library.replace(plain(5, 101)), Ok(None));
    assert_eq!(library.list().map(|info| info.id).collect::<Vec<_>>(), [IMAGE]);
    let found = *library.info(IMAGE, None, None, None).found().unwrap();
    assert_eq!(
        (library.read(&found, 0, None, &mut out), out),
        (ReadResult::Filled(4), [0x1e, 0xf1, 0xee, 0x0b])
    );
    // Invalid bytes replace no file.
    assert!(library.replace(vec![1, 2, 3]).is_err());
    assert!(FolderStore::new().replace("no file of this name").is_err());
    assert_eq!(library.list().count(), 1);
}
