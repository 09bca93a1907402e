//! Passive observer, on the frames between a client and a server of this crate, overheard completely or in part.

#[path = "../../examples/ota/download_picture.rs"]
mod download_picture;
#[path = "../../examples/ota/download_table.rs"]
mod download_table;
mod download_table_and_picture;
mod downloads_example;
#[path = "../common/example_binaries.rs"]
mod example_binaries;
#[path = "../common/properties/image_assembly.rs"]
mod image_assembly;
#[path = "../../examples/ota/overheard_image_assembly.rs"]
mod overheard_image_assembly;
#[path = "../common/properties/observer.rs"]
mod properties;
mod recovered_images;
mod request_matching;
mod traffic_recorder;
