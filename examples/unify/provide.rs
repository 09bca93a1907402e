//! An image provider for a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use zigbee_ota::file::{Element, FileHeader, FileWriter, SplitFile, Tag};
use zigbee_ota::unify::{ImageKind, Info, Moment, Place, Provider};
use zigbee_ota::{Encode, ImageId};

use crate::broker::{Broker, Failure, Happening};

/// The files of a folder, each to be announced for all devices.
pub struct Folder {
    files: BTreeMap<Place, (ImageId, Info, Vec<u8>)>,
}

impl Folder {
    /// Reads the OTA files of a folder; of several versions of an image, the newest.
    pub fn read(folder: Option<&Path>, apply_after: Option<&Moment>) -> Result<Self, Failure> {
        let mut files = Self { files: BTreeMap::new() };
        let Some(folder) = folder else {
            files.add("demonstration.zigbee", demonstration()?, apply_after)?;
            return Ok(files);
        };
        let about = |error: &dyn std::fmt::Display| format!("{}: {error}", folder.display());
        for entry in fs::read_dir(folder).map_err(|error| about(&error))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_file()
                && let Err(error) = files.add(&name, fs::read(&path)?, apply_after)
            {
                eprintln!("unify: {name} is not announced: {error}");
            }
        }
        if files.files.is_empty() { Err(about(&"no OTA file in it").into()) } else { Ok(files) }
    }

    fn add(&mut self, name: &str, mut bytes: Vec<u8>, apply_after: Option<&Moment>) -> Result<(), Failure> {
        let (id, len) = SplitFile::parse(&bytes).map(|parts| (parts.header.id, parts.file.len()))?;
        bytes.truncate(len);
        let place = Place::for_all(ImageKind::from(id).into());
        let is_older = |(other, ..): &(ImageId, Info, Vec<u8>)| other.version >= id.version;
        if !self.files.get(&place).is_some_and(is_older) {
            let apply_after = apply_after.cloned();
            let info = Info { apply_after, filename: Some(name.to_owned()), ..Info::new(id.version) };
            self.files.insert(place, (id, info, bytes));
        }
        Ok(())
    }

    pub fn images(&self) -> Vec<ImageId> {
        self.files.values().map(|(id, ..)| *id).collect()
    }

    /// Announces the files, and answers to who asks for one.
    pub async fn provide(self, mut broker: Broker) -> Result<(), Failure> {
        let mut provider = Provider::new();
        for (place, (_, info, bytes)) in &self.files {
            provider.announce(place.clone(), info.clone(), bytes.len())?;
        }
        while let Some(happening) = broker.next().await {
            match happening {
                Happening::Connected => {
                    broker.subscribe(&provider.subscription()).await?;
                    for message in provider.announced() {
                        println!("announced: {}", message.topic);
                        broker.publish(message).await?;
                    }
                }
                Happening::Message(message) => match provider.handle_message(&message) {
                    Ok(place) => {
                        println!("asked for: {place}");
                        if let Some((_, _, bytes)) = self.files.get(place) {
                            broker.publish(place.data(bytes.clone())?).await?;
                        }
                    }
                    Err(reason) => eprintln!("unify: {} is passed over: {reason}", message.topic),
                },
            }
        }
        Ok(())
    }
}

/// A file of 20,000 bytes and a little.
fn demonstration() -> Result<Vec<u8>, Failure> {
    let header = FileHeader::new(ImageId::new(0x1001, 0x1011, 0x1010_3519));
    let data: Vec<u8> = (0..=255).cycle().take(20_000).collect();
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &data }];
    let writer = FileWriter::new(header, &elements)?;
    let mut bytes = vec![0; writer.encoded_len()];
    writer.encode(&mut bytes)?;
    Ok(bytes)
}
