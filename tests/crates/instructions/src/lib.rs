//! The hot paths of the library, each with a floor for comparison: the same work, hand-written for speed only.
//!
//! | path | work of one run |
//! |---|---|
//! | `read_request` | decode an Image Block Request frame |
//! | `write_block` | encode an Image Block Response frame with 63 bytes |
//! | `serve_stateless` | decode a request, find the image, encode the block |
//! | `serve_handle_frame` | the same by a server with a session, limits and timers; events and the next deadline polled |
//! | `walk_file` | parse a header with hardware versions, and visit three elements |
//! | `server_at_65528` | a frame of one of 65,528 clients; the floor is the same server with 16 |
//! | `client_handle_frame` | a client takes a block, its storage accepts it, and the next request is encoded |

mod client;
mod file;
mod frame;
#[path = "../../../../benches/hand_written/mod.rs"]
mod hand_written;
mod server;

/// One hot path: its name in the table, and the function that runs it a number of times.
#[derive(Clone, Copy)]
pub struct Path {
    /// First column of the table.
    pub name: &'static str,
    /// By the library.
    pub ours: fn(u32),
    /// By hand.
    pub floor: fn(u32),
}

/// The most runs; every setup is made for so many, however many follow.
pub const MOST: u32 = 2000;

/// All paths, in the order of the table.
pub const PATHS: [Path; 7] = [
    Path { name: "read_request", ours: frame::read_ours, floor: frame::read_floor },
    Path { name: "write_block", ours: frame::write_ours, floor: frame::write_floor },
    Path { name: "serve_stateless", ours: server::stateless, floor: server::floor },
    Path { name: "serve_handle_frame", ours: server::handle_frame, floor: server::floor },
    Path { name: "walk_file", ours: file::walk_ours, floor: file::walk_floor },
    Path { name: "server_at_65528", ours: server::at_65528, floor: server::at_16 },
    Path { name: "client_handle_frame", ours: client::ours, floor: client::floor },
];
