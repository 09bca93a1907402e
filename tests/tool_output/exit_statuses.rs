//! Exit statuses: 0 for success, 1 for a bad file or a failure, 2 for a wrong command line or nothing to do.

use std::fs;
use std::net::TcpListener;

use crate::input_files::{CA, SIGNED, shelf};
use crate::run_example::{fed, run};
use crate::run_tool::{Folder, IDS};

/// Runs each line, and reports the lines with another status.
#[track_caller]
fn statuses<L: AsRef<str>>(folder: &Folder, lines: &[(i32, L)]) {
    let wrong = lines.iter().filter_map(|(status, line)| {
        let ran = run(folder, line.as_ref());
        let (found, err) = (ran.status, ran.err);
        (found != *status).then(|| format!("{found}, not {status}: {}\n{err}", line.as_ref()))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Subcommands that only read files.
#[test]
fn reading_subcommands_exit_with_their_status() {
    let folder = shelf();
    let plain = folder.read("plain");
    folder.write("cut", &plain[..plain.len() - 1]);
    folder.write("trailing", [&plain[..], &[0; 3]].concat());
    fs::create_dir(folder.path("f")).expect("room");
    folder.write("f/plain", &plain);
    fs::create_dir(folder.path("damaged")).expect("room");
    folder.write("damaged/cut", &plain[..plain.len() - 1]);
    folder.write("index.json", "[]");
    let ca = format!("ota verify {CA}");
    statuses(
        &folder,
        &[
            (0, "ota --help"),
            (0, "ota help info"),
            (2, "ota"),
            (2, "ota nothing"),
            (0, "ota info plain"),
            (0, "ota info cut"),
            (1, "ota info text"),
            (1, "ota info plain text"),
            (1, "ota info nowhere"),
            (0, "ota info --json plain"),
            (1, "ota info --json text"),
            (1, "ota info --json nowhere"),
            (2, "ota info"),
            (2, "ota info --nothing plain"),
            (0, "ota check plain"),
            (0, "ota check trailing"),
            (1, "ota check --strict trailing"),
            (1, "ota check cut"),
            (1, "ota check text"),
            (1, "ota check plain nowhere"),
            (2, "ota check"),
            (0, "ota candidates plain"),
            (0, "ota candidates text"),
            (1, "ota candidates nowhere"),
            (2, "ota candidates"),
            (0, "ota name plain"),
            (1, "ota name plain text"),
            (1, "ota name nowhere"),
            (2, "ota name"),
            (0, "ota name --parse 1001-00AB-10053519.zigbee"),
            (1, "ota name --parse plain"),
            (2, "ota name --parse plain plain"),
            (0, &format!("{ca} signed")),
            (1, "ota verify signed"),
            (1, &format!("{ca} plain")),
            (1, &format!("{ca} text")),
            (1, &format!("{ca} signed nowhere")),
            (2, "ota verify"),
            (2, "ota verify --ca 00 signed"),
            (0, "ota index f"),
            (0, "ota index --to f.json f"),
            (0, "ota index --check f.json f"),
            (1, "ota index --check index.json f"),
            (1, "ota index damaged"),
            (1, "ota index nowhere"),
            (1, "ota index --check nowhere f"),
            (2, "ota index empty"),
            (2, "ota index --check index.json empty"),
            (2, "ota index"),
            (2, "ota index --form other f"),
            (0, "ota choose -m 0x1001 -i 0x1011 -v 1 f.json"),
            (0, "ota choose -m 0x1001 -i 0x1011 -v 1 --file f/plain f.json"),
            (1, "ota choose -m 0x1001 -i 0x1011 -v 1 --file text f.json"),
            (1, "ota choose -m 0x1001 -i 0x1011 -v 0x01010110 f.json"),
            (1, "ota choose -m 0x1001 -i 0x1011 -v 1 index.json"),
            (1, "ota choose -m 0x1001 -i 0x1011 -v 1 text"),
            (1, "ota choose -m 0x1001 -i 0x1011 -v 1 nowhere"),
            (2, "ota choose -m 0x1001 -i 0x1011 index.json"),
            (2, "ota choose"),
        ],
    );
}

/// Subcommands that write files.
#[test]
fn writing_subcommands_exit_with_their_status() {
    let folder = shelf();
    let certificate = &SIGNED[SIGNED.len() - 104..][..48];
    let unsigned = [&SIGNED[..52], &[126], &SIGNED[53..126]].concat();
    folder.write("unsigned", unsigned);
    let digest = format!("ota digest {CA} --certificate {}", hex(certificate));
    let attach = format!("ota attach {CA} --signature");
    let signature = hex(&SIGNED[SIGNED.len() - 42..]);
    let sign = format!("ota sign --suite 1 --certificate {} --key", hex(certificate));
    let certify = "ota certify --ca-key nowhere --issuer 0000000000000001 --subject 0000000000000002";
    let id = hex(&SIGNED[10..18]);
    folder.write("frames", format!("s2c 19010500{id}00000000ec{}", hex(SIGNED)));
    folder.write("gap", format!("s2c 19010500{id}0000000040{}", hex(&SIGNED[..64])));
    folder.write("query", "c2s 011f06990b10bfff98badcfe\n");
    statuses(
        &folder,
        &[
            (0, format!("ota create -c new {IDS} -l 3")),
            (0, format!("ota create -c new {IDS}")),
            (1, format!("ota create -c new {IDS} -f nowhere")),
            (1, format!("ota create -c new {IDS} -f plain -l 3")),
            (1, format!("ota create -c nowhere/new {IDS} -l 3")),
            (2, format!("ota create {IDS} -l 3")),
            (2, "ota create -c new -v 0x100000000 -m 1 -i 1".into()),
            (2, format!("ota create -c new {IDS} -t 0")),
            (2, format!("ota create -c new {IDS} -t 1 -l 3")),
            (0, "ota extract plain -o new".into()),
            (1, "ota extract plain -o new -t 3".into()),
            (1, "ota extract plain -o new --rest".into()),
            (1, "ota extract text -o new".into()),
            (1, "ota extract plain -o empty".into()),
            (2, "ota extract plain".into()),
            (2, "ota extract plain -o new --ota --rest".into()),
            (0, "ota seal -o sealed plain".into()),
            (1, "ota seal -o new sealed".into()),
            (1, "ota seal -o new signed".into()),
            (1, "ota seal -o new nowhere".into()),
            (2, "ota seal plain".into()),
            (0, format!("{digest} -o prepared unsigned")),
            (1, format!("{digest} -o new signed")),
            (1, format!("{digest} -o new nowhere")),
            (1, format!("ota digest {CA} --certificate 00 -o new unsigned")),
            (2, format!("{digest} unsigned")),
            (0, format!("{attach} {signature} -o new prepared")),
            (1, format!("{attach} 00 -o new prepared")),
            (1, format!("{attach} {signature} -o new plain")),
            (1, format!("{attach} {signature} -o new nowhere")),
            (2, format!("{attach} {signature} prepared")),
            (1, format!("{sign} nowhere -o new unsigned")),
            (2, format!("{sign} nowhere unsigned")),
            (2, format!("{} -o new unsigned", sign.replace("--suite 1", "--suite 3"))),
            (1, "ota keygen --suite 1 -o plain".into()),
            (2, "ota keygen --suite 1".into()),
            (2, "ota keygen --suite 3 -o new".into()),
            (1, format!("{certify} -o new")),
            (2, certify.into()),
            (0, "ota reconstruct frames".into()),
            (0, "ota reconstruct --to new frames".into()),
            (1, "ota reconstruct gap".into()),
            (1, "ota reconstruct --partial --to new gap".into()),
            (1, "ota reconstruct nowhere".into()),
            (2, "ota reconstruct query".into()),
            (2, "ota reconstruct --partial frames".into()),
            (2, "ota reconstruct --nothing frames".into()),
            (2, "ota reconstruct --key 00 frames".into()),
        ],
    );
    assert_eq!(fed(&folder, "ota reconstruct", "frames").status, 0);
}

/// The tool `frames`, which reads from standard input or a file.
#[test]
fn frames_exits_with_its_status() {
    let folder = shelf();
    statuses(
        &folder,
        &[
            (0, "frames"),
            (0, "frames --strict"),
            (0, "frames --help"),
            (2, "frames --nothing"),
            (0, "frames plain"),
            (1, "frames nowhere"),
            (2, "frames plain plain"),
            (2, "frames --key 00"),
        ],
    );
    // A malformed line is reported in the output, and is no failure.
    assert_eq!(fed(&folder, "frames", "text").status, 0);
    if cfg!(unix) {
        // A folder can be opened but not read.
        assert_eq!(fed(&folder, "frames", "empty").status, 1);
    }
}

/// The tool `upgrade`.
#[test]
fn upgrade_exits_with_its_status() {
    statuses(
        &shelf(),
        &[
            (0, "upgrade --help"),
            (0, "upgrade plain"),
            (0, "upgrade --json plain"),
            (0, "upgrade --compare plain"),
            (1, "upgrade --loss 1 plain"),
            (1, "upgrade --json --loss 1 plain"),
            (1, "upgrade --compare --loss 1 plain"),
            (2, "upgrade --nothing plain"),
            (2, "upgrade --window 10 plain"),
            (2, "upgrade --window 2 --auto plain"),
            (0, "upgrade --hops 2 --block 66 plain"),
            (2, "upgrade --fragment-window 9 plain"),
            (2, "upgrade text"),
            (2, "upgrade nowhere"),
        ],
    );
}

/// The tools `tcp_server` and `tcp_client`; `tcp_tools.rs` shows the statuses of clients that reach their server.
#[test]
fn tcp_tools_exit_with_their_status() {
    let folder = shelf();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = listener.local_addr().expect("bound").port();
    statuses(
        &folder,
        &[
            (0, "tcp_server --help".into()),
            (1, "tcp_server nowhere".into()),
            (1, "tcp_server plain text".into()),
            (1, format!("tcp_server --port {taken} plain")),
            (2, "tcp_server".into()),
            (2, "tcp_server --nothing plain".into()),
            (2, "tcp_server --max-block 0 plain".into()),
            (0, "tcp_client --help".into()),
            (1, format!("tcp_client --timeout 0 127.0.0.1:{taken}")),
            (2, "tcp_client".into()),
            (2, "tcp_client --nothing localhost:1".into()),
            (2, "tcp_client --window 10 localhost:1".into()),
        ],
    );
    drop(listener);
    // The port is closed now.
    statuses(&folder, &[(1, format!("tcp_client 127.0.0.1:{taken}"))]);
}
