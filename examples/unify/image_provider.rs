//! Image provider for the OTA files of a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use zigbee_ota::file::{Element, FileHeader, FileWriter, SplitFile, Tag};
use zigbee_ota::unify::{Announcement, DateTime, ImageKind, ImagePath, MqttMessage, Provider, Uiid};
use zigbee_ota::{Encode, ImageId};

use crate::mqtt_connection::{Broker, ConnectionEvent, Failure};
use crate::output_lines;
use crate::terminal_escape;

/// OTA files of a folder, each announced for all devices.
pub struct Folder {
    files: BTreeMap<ImagePath, (ImageId, Announcement, Vec<u8>)>,
}

impl Folder {
    /// Reads the OTA files of a folder, and keeps only the newest version of each image.
    pub fn read(folder: Option<&Path>, apply_after: Option<&DateTime>) -> Result<Self, Failure> {
        let mut files = Self { files: BTreeMap::new() };
        let Some(folder) = folder else {
            files.add("demonstration.zigbee", demonstration()?, apply_after)?;
            return Ok(files);
        };
        let about = |error: &dyn std::fmt::Display| format!("{}: {error}", terminal_escape::path(folder));
        for entry in fs::read_dir(folder).map_err(|error| about(&error))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_file()
                && let Err(error) = files.add(&name, fs::read(&path)?, apply_after)
            {
                output_lines::complain(format_args!(
                    "unify: {} is not announced: {error}",
                    terminal_escape::text(&name)
                ));
            }
        }
        if files.files.is_empty() { Err(about(&"no OTA file in it").into()) } else { Ok(files) }
    }

    fn add(&mut self, name: &str, mut bytes: Vec<u8>, apply_after: Option<&DateTime>) -> Result<(), Failure> {
        let (id, len) = SplitFile::parse(&bytes).map(|parts| (parts.header.id, parts.file.len()))?;
        bytes.truncate(len);
        let place = ImagePath::for_all(Uiid::from_kind(ImageKind::from(id)));
        let is_older = |(other, ..): &(ImageId, Announcement, Vec<u8>)| other.version >= id.version;
        if !self.files.get(&place).is_some_and(is_older) {
            let mut info = Announcement::new(id.version);
            info.apply_after = apply_after.cloned();
            info.filename = Some(name.to_owned());
            self.files.insert(place, (id, info, bytes));
        }
        Ok(())
    }

    pub fn images(&self) -> Vec<ImageId> {
        self.files.values().map(|(id, ..)| *id).collect()
    }

    /// Announces the files, and publishes each requested file.
    pub async fn provide(self, mut broker: Broker) -> Result<(), Failure> {
        let mut provider = Provider::new();
        for (place, (_, info, bytes)) in &self.files {
            provider.announce(place.clone(), info.clone(), bytes.len())?;
        }
        while let Some(event) = broker.next().await {
            match event {
                ConnectionEvent::Connected => {
                    broker.subscribe(&provider.subscription()).await?;
                    for message in provider.announcements() {
                        output_lines::line(format_args!(
                            "announced: {}",
                            terminal_escape::text(&message.topic)
                        ));
                        broker.publish(message).await?;
                    }
                }
                ConnectionEvent::Message(message) => match provider.handle_message(&message) {
                    Ok(place) => {
                        output_lines::line(format_args!(
                            "asked for: {}",
                            terminal_escape::text(&place.to_string())
                        ));
                        if let Some((_, _, bytes)) = self.files.get(place) {
                            broker.publish(MqttMessage::image(place, bytes.clone())?).await?;
                        }
                    }
                    Err(reason) => {
                        let topic = terminal_escape::text(&message.topic);
                        output_lines::complain(format_args!(
                            "unify: {topic} is ignored: {}",
                            terminal_escape::text(&reason.to_string())
                        ));
                    }
                },
            }
        }
        Ok(())
    }
}

/// Creates an OTA file with an image of 20,000 bytes.
fn demonstration() -> Result<Vec<u8>, Failure> {
    let header = FileHeader::new(ImageId::new(0x1001, 0x1011, 0x1010_3519));
    let data: Vec<u8> = (0..=255).cycle().take(20_000).collect();
    let elements = [Element { tag: Tag::UPGRADE_IMAGE, data: &data }];
    let writer = FileWriter::new(header, &elements)?;
    let mut bytes = vec![0; writer.encoded_len()];
    writer.encode(&mut bytes)?;
    Ok(bytes)
}
