//! Output of `tcp_server` and `tcp_client`: one event per line, and a summary.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

use zigbee_ota::ImageId;
use zigbee_ota::aps::Address;
use zigbee_ota::server::ServerEvent;

use crate::example_binaries;
use crate::input_files::CA;
use crate::run_tool::Folder;
use crate::snapshots;
use crate::tcp_server_process::Served;

/// Fields whose numbers differ from run to run.
const MEASURED: [&str; 8] = [
    "frames_to_client",
    "frames_to_server",
    "requests_repeated",
    "elapsed_ms",
    "goodput_bytes_per_s",
    "rate",
    "remaining",
    "seconds",
];

/// Image of the files below as in frames: version 7 of image type 1.
const ID: &str = "0110010007000000";

/// Creates a folder with `file`, of 70 bytes, and files of the same image for hardware 3 only and for one device only.
fn folder() -> Folder {
    let folder = Folder::new();
    for (name, options) in [
        ("file", ""),
        ("hardware", "--min-hw-ver 3 --max-hw-ver 3"),
        ("device", "--upgrade-dest 0123456789abcdef"),
    ] {
        folder.write(name, folder.create(&format!("-v 7 -m 0x1001 -i 1 -l 8 {options}")));
    }
    folder
}

/// Query, request for the whole image, and Upgrade End Request of a client.
const QUERY: &str = "010101000110010001000000";
const BLOCK: &str = "0102030001100100070000000000000046";
const END: &str = "010306000110010007000000";

/// Frames of clients to a server without rate limit; each causes one event or more.
const FRAMES: &[&str] = &[
    // Queries: for an image, with a hardware version, for no image; and for a file of this device.
    QUERY,
    "0101010101100100010000000002",
    "010101000110010007000000",
    "010108efcdab89674523010110c0ff010000000200",
    // The image is downloaded repeatedly, and rejected once.
    QUERY,
    BLOCK,
    "010306960110010007000000",
    QUERY,
    BLOCK,
    END,
    QUERY,
    BLOCK,
    "010306960110010007000000",
    QUERY,
    // Another image; bytes beyond the end; a request for no bytes.
    "0102030002100100070000000000000046",
    "0102030001100100070000005000000046",
    "0102030001100100070000000000000000",
    "0102040001100100070000000000000032000000000000",
    // Truncated frames.
    "01010100",
    "01010101011001000100000000",
    "01020300",
    "01020400",
    "01030600",
    "01030800",
    // Responses to requests and messages of the server.
    "10040106000030010200002364000000",
    "10050b0781",
];

/// Frames of clients to a server with a rate limit and a delayed upgrade. The first repeat of a block is served at once, the
/// second one waits; the last frame sets an interval of its own.
const PACED: &[&str] = &[QUERY, BLOCK, BLOCK, BLOCK, END, "01020302011001000700000000000000460000"];

/// Marker event that shows that all earlier events were printed: an unknown command.
const LAST: &str = "10ff0bfe00";

/// Events that need time, a radio or a policy.
fn rare() -> [ServerEvent; 4] {
    let (client, id) = (Address::new(1, 1), ImageId::new(0x1001, 1, 7));
    [
        ServerEvent::Stalled { client, id, reached: 40 },
        ServerEvent::NeverEnded { client, id },
        ServerEvent::Undelivered { client, max_block_size: None },
        ServerEvent::SleepyClientHeld { client, id },
    ]
}

/// All events that frames of a client cause, and the other events in the same JSON format.
#[test]
fn event_fields_and_words_are_unchanged() {
    let folder = folder();
    let mut found = String::new();
    let paced = ["--json", "--period", "5000", "--upgrade-after", "60"];
    for (options, frames) in [(&["--json"][..], FRAMES), (&paced, PACED)] {
        let served = Served::new(options, &folder.path("file"));
        let (mut socket, _lines) = served.socket();
        found += &format!("$ tcp_server {}\n", options.join(" "));
        for frame in frames {
            found += &format!("> {frame}\n");
            socket.write_all(format!("{frame}\n{LAST}\n").as_bytes()).expect("it listens");
            let events = std::iter::from_fn(|| Some(served.printed()));
            for event in events.take_while(|event| !event.contains("\"command\":254")) {
                found += &format!("{}\n", snapshots::masked(&event, &MEASURED));
            }
        }
    }
    found += "as the server would print them\n";
    for event in rare() {
        found += &format!("{}\n", serde_json::to_string(&event).expect("JSON"));
    }
    snapshots::compare("tcp_server_events.txt", &found);
}

/// Runs a client against a scripted server: it responds to the command id with the frame, in which `##` stands for the
/// sequence number of the request. It starts with an Image Notify, and closes the connection where the script has no
/// response.
fn scripted(folder: &Folder, options: &str, answers: &[(&str, String)]) -> (i32, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let mut command = Command::new(example_binaries::example("tcp_client"));
    command.current_dir(folder.path("")).args([&address, "--json", "--linger", "0", "--block", "255"]);
    command.args(options.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let client = command.spawn().expect("it runs");
    let (socket, _) = listener.accept().expect("it connects");
    // The client may disconnect before the script ends.
    let _ = converse(socket, answers);
    let output = client.wait_with_output().expect("it ends");
    let summary = String::from_utf8(output.stdout).expect("UTF-8");
    (output.status.code().expect("a status"), snapshots::masked(&summary, &MEASURED))
}

fn converse(mut socket: TcpStream, answers: &[(&str, String)]) -> std::io::Result<()> {
    socket.write_all(b"1907000064\n")?;
    for line in BufReader::new(socket.try_clone()?).lines() {
        let line = line?;
        let Some((_, answer)) = answers.iter().find(|(command, _)| line.get(4..6) == Some(command)) else {
            break;
        };
        socket.write_all(format!("{}\n", answer.replace("##", &line[2..4])).as_bytes())?;
    }
    Ok(())
}

/// Possible ends of a download, by the responses of the server.
#[test]
fn summary_fields_and_words_are_unchanged() {
    let folder = folder();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let offer = |size: u8| ("01", format!("19##0200{ID}{size:02x}000000"));
    let block = |file: &[u8]| ("03", format!("19##0500{ID}00000000{:02x}{}", file.len(), hex(file)));
    let heard = ("06", "18##0b0600".to_owned());
    let file = folder.read("file");
    let with = |place: usize, byte: u8| {
        let mut file = file.clone();
        file[place] = byte;
        block(&file)
    };
    let whole = |name: &str| {
        let file = folder.read(name);
        [offer(u8::try_from(file.len()).expect("short")), block(&file), heard.clone()].to_vec()
    };
    let ordered = ("06", format!("19##07{ID}0000000000000000"));
    let cases = [
        ("upgraded", "", vec![offer(70), block(&file), ordered]),
        ("no_image", "", vec![("01", "19##0298".into())]),
        ("connection_closed", "", vec![]),
        ("timed_out", "--timeout 0", vec![]),
        ("server_aborted", "", vec![offer(70), ("03", "19##0595".into())]),
        ("image_gone", "", vec![offer(70), ("03", "19##0598".into())]),
        ("header_unreadable", "", vec![offer(70), with(0, 0), heard.clone()]),
        ("header_mismatch", "", vec![offer(70), with(14, 8), heard.clone()]),
        ("not_for_this_device", "--hardware-version 2", whole("hardware")),
        ("not_for_this_device", "--ieee 1123456789abcdef", whole("device")),
        ("invalid_image", CA, vec![offer(70), block(&file), heard.clone()]),
        ("not_ordered", "", vec![offer(70), block(&file), ("06", "18##0b0601".into())]),
    ];
    let ended = thread::scope(|scope| {
        let folder = &folder;
        let running = cases
            .each_ref()
            .map(|(_, options, answers)| scope.spawn(move || scripted(folder, options, answers)));
        running.map(|client| client.join().expect("it ended"))
    });
    let mut found = String::new();
    for ((word, options, _), (status, summary)) in cases.iter().zip(ended) {
        assert!(summary.contains(&format!("\"outcome\":\"{word}\"")), "{word}: {summary}");
        assert_eq!(status, i32::from(*word != "upgraded"), "{word}");
        found += format!("$ tcp_client {options}").trim_end();
        found += &format!("\n{}", snapshots::spread(summary.trim()));
    }
    snapshots::compare("tcp_client_summaries.txt", &found);
}

/// The first line of the server is its address, and a client is upgraded there.
#[test]
fn the_client_is_upgraded_at_the_printed_address() {
    let folder = folder();
    // A first line other than LISTENING and an address fails here.
    let served = Served::new(&["--json", "--notify", "--max-block", "40"], &folder.path("file"));
    let output = served.client(&["--ieee", "0123456789abcdef"]);
    assert_eq!(output.status.code(), Some(0));
    let summary = String::from_utf8(output.stdout).expect("UTF-8");
    let mut found = snapshots::spread(snapshots::masked(&summary, &MEASURED).trim());
    loop {
        let event = served.printed();
        found += &format!("{}\n", snapshots::masked(&event, &MEASURED));
        if event.contains("\"ordered\"") {
            break;
        }
    }
    snapshots::compare("tcp_upgrade.txt", &found);
}
