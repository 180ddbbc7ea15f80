use super::*;
use crate::facts::Form;
use crate::lexicon::Lexicon;
use crate::readers::chunks::{CHUNK, OVERLAP};
use crate::source::{MemoryFile, Options as Opening, Target, open};

fn repository(files: Vec<MemoryFile>) -> Repository {
    let mut source = open(&Target::Memory { files, git: None }, &Opening::default()).expect("memory opens");
    let lexicon = Lexicon::default();
    read(&mut source, &Options { lexicon: &lexicon, jobs: 1, only: None }, &Reading::default())
}

fn file(path: &str, bytes: Vec<u8>) -> MemoryFile {
    MemoryFile { path: path.into(), bytes, tracked: true, ..MemoryFile::default() }
}

/// A key whose body is a sequence of the length that it says.
fn key() -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let body: String = (0..40)
        .map(|line: usize| {
            let line: String = (0..64).map(|i| digits[(line * 31 + i * 17 + i * i) % 64] as char).collect();
            format!("{line}\n")
        })
        .collect();
    format!("-----BEGIN {0} KEY-----\n{body}-----END {0} KEY-----\n", "RSA PRIVATE")
}

#[test]
fn a_key_across_the_border_of_two_chunks_is_whole() {
    let key = key();
    let filler = "nothing is to be seen on this line\n";
    let mut text = String::new();
    let mut starts = Vec::new();
    // The first lies around the end of the first chunk, the others around what later chunks begin with.
    for border in [CHUNK, 2 * CHUNK, 2 * CHUNK - OVERLAP, 3 * CHUNK - OVERLAP] {
        text += &filler.repeat((border - key.len() / 2).saturating_sub(text.len()) / filler.len());
        starts.push(text.len());
        text += &key;
    }
    text += &filler.repeat((LARGEST_PARSED as usize + 1).saturating_sub(text.len()).div_ceil(filler.len()));
    let read = repository(vec![file("big.txt", text.into_bytes())]);
    let found: Vec<(usize, usize)> =
        read.facts.credentials.iter().map(|c| (c.place.start as usize, c.place.len())).collect();
    starts.sort();
    assert_eq!(found, starts.iter().map(|at| (*at, key.len() - 1)).collect::<Vec<_>>());
}

/// `TOKEN=` and a token of the shape of GitHub's, which nobody was given, compressed by `gzip -n`.
const GZIPPED_TOKEN: &[u8] = &[
    31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 11, 241, 247, 118, 245, 179, 77, 207, 40, 136, 79, 52, 116, 50, 74, 54,
    118, 49, 73, 53, 117, 51, 75, 55, 247, 176, 200, 180, 244, 50, 200, 54, 244, 49, 202, 53, 246, 51, 201,
    55, 13, 48, 43, 52, 15, 178, 224, 2, 0, 131, 55, 11, 1, 47, 0, 0, 0,
];

#[test]
fn compressed_texts_are_looked_into_and_archives_are_named() {
    let mut tar = vec![0; 1024];
    tar[..4].copy_from_slice(b"a.sh");
    tar[257..262].copy_from_slice(b"ustar");
    let read = repository(vec![
        file("dump.sql.gz", GZIPPED_TOKEN.to_vec()),
        file("other.bin", GZIPPED_TOKEN.to_vec()),
        file("lib/a.jar", b"PK\x03\x04\x14\0\0\0".to_vec()),
        file("a.tar", tar),
        file("notes.txt", b"BZh is how bzip2 files begin".to_vec()),
    ]);
    let found: Vec<(&str, &str, Form)> = (read.facts.credentials.iter())
        .map(|c| (read.path(c.place), c.credential.as_str(), c.form))
        .collect();
    assert_eq!(found, [("dump.sql.gz", "github-personal-token", Form::Gzip)]);
    let unread: Vec<(&str, UnreadClass)> = read.unread.iter().map(|u| (u.path.as_str(), u.class)).collect();
    let archive = UnreadClass::Archive;
    assert_eq!(unread, [("a.tar", archive), ("lib/a.jar", archive), ("other.bin", archive)]);
}

#[test]
fn a_credential_in_a_path_is_found() {
    let token = format!("{}{}", "ghp_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    let read = repository(vec![file(&format!("keys/{token}.txt"), b"nothing".to_vec())]);
    let found: Vec<(&str, Form)> =
        read.facts.credentials.iter().map(|c| (c.credential.as_str(), c.form)).collect();
    assert_eq!(found, [("github-personal-token", Form::Path)]);
    assert_eq!(read.facts.secrets_in_paths().count(), 1);
}
