//! Element options of `create`: `-t`, `-f` and `-l`, grouped into elements by their order on the command line.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use zigbee_ota::file::Tag;

use crate::create;
use crate::number_args::number;

/// Element that `create` writes. The element has a file, a length or both.
pub struct Piece {
    pub tag: Tag,
    pub file: Option<PathBuf>,
    pub length: Option<u32>,
}

/// Elements that `create` writes, in this order.
pub struct ElementArgs(pub Vec<Piece>);

#[derive(Args)]
struct Given {
    /// Tag of an element, 2 bytes [default: 0]; each -t starts an element, and the following -f and -l belong to this
    /// element
    #[arg(short, long = "tag-id", value_name = "TAG", value_parser = number::<u16>)]
    tag: Vec<u16>,
    /// File with the data of the element
    #[arg(short = 'f', long = "tag-file", value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Length of the element, 4 bytes: with -f the length of the file, without -f the number of zero bytes in the
    /// element
    #[arg(short = 'l', long = "tag-length", value_name = "BYTES", value_parser = number::<u32>)]
    length: Vec<u32>,
    /// Allow reserved tags, and tags that the signing commands write
    #[arg(long)]
    force: bool,
}

enum Part {
    Tag(u16),
    File(PathBuf),
    Length(u32),
}

/// Returns the values of option `id` with their positions on the command line.
fn placed<T>(matches: &ArgMatches, id: &str, values: Vec<T>, part: fn(T) -> Part) -> Vec<(usize, Part)> {
    let places = matches.indices_of(id).into_iter().flatten();
    places.zip(values.into_iter().map(part)).collect()
}

/// Groups the options into elements: each `-t` starts an element.
fn group(parts: Vec<Part>) -> Result<Vec<Piece>, String> {
    let (tags, others): (Vec<Part>, Vec<Part>) = match parts.iter().filter(|part| is_tag(part)).count() {
        // With at most one `-t`, the order of the options does not matter.
        0 if !parts.is_empty() => (vec![Part::Tag(Tag::UPGRADE_IMAGE.0)], parts),
        1 => parts.into_iter().partition(is_tag),
        _ => (vec![], parts),
    };
    let mut pieces: Vec<Piece> = Vec::new();
    for part in tags.into_iter().chain(others) {
        let (twice, option) = match (part, pieces.last_mut()) {
            (Part::Tag(tag), _) => {
                pieces.push(Piece { tag: Tag(tag), file: None, length: None });
                continue;
            }
            (Part::File(file), Some(piece)) => (piece.file.replace(file).is_some(), "-f"),
            (Part::Length(length), Some(piece)) => (piece.length.replace(length).is_some(), "-l"),
            (_, None) => {
                return Err("with several -t each -f and -l stands after the -t it belongs to".into());
            }
        };
        if let (true, Some(Piece { tag: Tag(tag), .. })) = (twice, pieces.last()) {
            return Err(format!(
                "two {option} for the element {tag:#06x}: each element needs a -t of its own"
            ));
        }
    }
    match pieces.iter().find(|piece| piece.file.is_none() && piece.length.is_none()) {
        Some(piece) => {
            Err(format!("the element {:#06x} has neither a file (-f) nor a length (-l)", piece.tag.0))
        }
        None => Ok(pieces),
    }
}

const fn is_tag(part: &Part) -> bool {
    matches!(part, Part::Tag(_))
}

/// Returns why a tag needs `--force`.
fn refusal(tag: Tag) -> Option<String> {
    let why = match tag {
        Tag::ECDSA_SIGNATURE | Tag::ECDSA_CERTIFICATE | Tag::ECDSA_SIGNATURE_2 | Tag::ECDSA_CERTIFICATE_2 => {
            format!("({tag}) comes from the signing command")
        }
        _ if tag.is_reserved() => "is reserved; a manufacturer's own tags start at 0xf000".into(),
        _ => return None,
    };
    Some(format!("tag {:#06x} {why} (--force writes it all the same)", tag.0))
}

/// Error with the usage of `create`, formatted like clap's own errors.
fn usage(kind: ErrorKind, reason: String) -> clap::Error {
    create::Options::augment_args(Command::new("create").bin_name("ota create")).error(kind, reason)
}

impl Args for ElementArgs {
    fn augment_args(command: Command) -> Command {
        Given::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Given::augment_args_for_update(command)
    }
}

impl FromArgMatches for ElementArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let Given { tag, file, length, force } = Given::from_arg_matches(matches)?;
        let mut parts = placed(matches, "tag", tag, Part::Tag);
        parts.extend(placed(matches, "file", file, Part::File));
        parts.extend(placed(matches, "length", length, Part::Length));
        parts.sort_by_key(|(place, _)| *place);
        let pieces = group(parts.into_iter().map(|(_, part)| part).collect());
        let pieces = pieces.map_err(|reason| usage(ErrorKind::ArgumentConflict, reason))?;
        match pieces.iter().find_map(|piece| refusal(piece.tag)) {
            Some(reason) if !force => Err(usage(ErrorKind::InvalidValue, reason)),
            _ => Ok(Self(pieces)),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
