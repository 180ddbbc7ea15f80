//! The same content gives the same credentials, wherever it is read from: work tree, index, commit, memory and
//! history.

mod common;

use common::Repository;
use plimsoll::facts::{Credential, Repository as Facts};
use plimsoll::lexicon::Lexicon;
use plimsoll::readers::{self, Reading};
use plimsoll::source::{self, MemoryFile, Source, Target};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

type Files = BTreeMap<String, Vec<u8>>;

/// What is said of a credential, without its value's text: path, place, kind, key, medium and so on.
type Told = BTreeSet<String>;

fn tell(facts: &Facts, credentials: impl Iterator<Item = Credential>) -> Told {
    let told = credentials.filter(|c| !c.default).map(|c| {
        let length = c.value.expose().len();
        let path = facts.path(c.place).to_owned();
        let place = c.place.range();
        format!(
            "{path} {place:?} {} {:?} {} {:?} {} {} {} {length}",
            c.credential,
            c.certainty,
            c.key.as_deref().unwrap_or("-"),
            c.medium,
            c.fallback,
            c.ephemeral,
            c.test
        )
    });
    told.collect()
}

fn open(target: &Target) -> Source {
    source::open(target, &source::Options::default()).expect("it opens")
}

fn read(source: &mut Source) -> Facts {
    let lexicon = Lexicon::default();
    readers::read(source, &readers::Options { lexicon: &lexicon, jobs: 2, only: None }, &Reading::default())
}

fn of_files(target: &Target) -> Told {
    let facts = read(&mut open(target));
    tell(&facts, facts.facts.credentials.clone().into_iter())
}

fn of_history(root: &Path) -> Told {
    let mut source = open(&Target::WorkTree { root: root.into(), paths: Vec::new() });
    let mut facts = read(&mut source);
    let past = source.past(None).expect("a repository");
    let lexicon = Lexicon::default();
    let options = readers::Options { lexicon: &lexicon, jobs: 2, only: None };
    readers::read_past(&mut source, &past, &mut facts, &options, &Reading::default());
    assert!(facts.unread.iter().all(|u| u.class != source::UnreadClass::Unreadable), "{:?}", facts.unread);
    let leaked = facts.facts.leaks.iter().flat_map(|leak| &leak.appearances).map(|l| l.credential.clone());
    tell(&facts, leaked.collect::<Vec<_>>().into_iter())
}

/// Of each value at a path only the first place is told of history.
fn firsts(told: &Told) -> BTreeSet<String> {
    told.iter().map(|line| line.split(' ').next().unwrap_or("").to_owned()).collect()
}

/// Reads the files in every mode and demands that all say the same.
fn compare(files: &Files) {
    let memory = files
        .iter()
        .map(|(path, bytes)| MemoryFile {
            path: path.clone(),
            bytes: bytes.clone(),
            tracked: true,
            ..MemoryFile::default()
        })
        .collect();
    let expected = of_files(&Target::Memory { files: memory, git: None });

    let it = Repository::bare(&[]);
    for (path, bytes) in files {
        it.write_bytes(path, bytes);
    }
    it.git("init -q -b main");
    it.git("config core.autocrlf false");
    // Ignored, and tracked all the same.
    it.git("add -A -f .");
    let root = it.path().to_path_buf();
    assert_eq!(of_files(&Target::WorkTree { root: root.clone(), paths: Vec::new() }), expected, "work tree");
    assert_eq!(of_files(&Target::Index { root: root.clone() }), expected, "index");
    it.git("commit -q --allow-empty -m all");
    assert_eq!(of_files(&Target::Commit { root: root.clone(), rev: "HEAD".into() }), expected, "commit");
    for packed in [false, true] {
        if packed {
            it.git("gc -q");
        }
        let told = of_history(&root);
        assert!(told.is_subset(&expected), "history (packed: {packed}) tells more: {told:?} {expected:?}");
        assert_eq!(firsts(&told), firsts(&expected), "history (packed: {packed})");
    }
    // The index decides, and the work tree has no say.
    for path in files.keys() {
        it.write(path, "");
    }
    assert_eq!(of_files(&Target::Index { root }), expected, "index, work tree emptied");
}

fn key(seed: &str) -> String {
    format!("{}{seed}", concat!("sk_", "live_"))
}

/// Pieces of files; each seed gives another value.
fn piece(kind: u8, seed: &str) -> String {
    match kind % 8 {
        0 => format!("PAY_KEY={}\n", key(seed)),
        1 => format!("password: \"{}\"\n", &seed[..14]),
        2 => format!("url = \"postgres://app:{}@db.internal/app\"\n", &seed[..12]),
        3 => format!("const t = process.env.T || \"{}\";\n", key(seed)),
        4 => format!("{{\"client_secret\": \"{seed}\"}}\n"),
        5 => "POSTGRES_PASSWORD=postgres\n".to_owned(),
        6 => "plain text, and a line that says nothing: ünïcödé\n".to_owned(),
        _ => format!(
            "-----BEGIN PRIVATE{}-----\n{seed}{seed}{seed}\n-----END PRIVATE{}-----\n",
            " KEY", " KEY"
        ),
    }
}

const PATHS: &[&str] = &[
    "app/settings.py",
    ".env",
    ".env.example",
    "deploy/prod.env",
    "config/app.yaml",
    "compose.yml",
    "README.md",
    "tests/test_app.py",
    "src/main.rs",
    "web/app.min.js",
    "locale/de.po",
    "Dockerfile",
    ".github/workflows/ci.yml",
    "ignored/local.ini",
    "a b/ü.json",
];

fn file() -> impl Strategy<Value = Vec<u8>> {
    let text = prop::collection::vec((any::<u8>(), "[a-zA-Z0-9]{24}"), 0..6)
        .prop_map(|pieces| pieces.iter().map(|(kind, seed)| piece(*kind, seed)).collect::<String>());
    (text, 0u8..6).prop_map(|(text, form)| match form {
        0 => text.replace('\n', "\r\n").into_bytes(),
        1 => [b"\xff\xfe".to_vec(), text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat(),
        2 => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        3 => [text.as_bytes(), b"\xe9\n"].concat(),
        _ => text.into_bytes(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_mode_finds_the_same(files in prop::collection::btree_map(prop::sample::select(PATHS), file(), 1..8)) {
        let mut files: Files = files.into_iter().map(|(path, bytes)| (path.to_owned(), bytes)).collect();
        files.insert(".gitignore".into(), b"ignored/\n.env\n".to_vec());
        compare(&files);
    }
}

#[test]
fn every_mode_finds_the_same_in_the_shop() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/shop");
    let mut files = Files::new();
    let mut ahead: Vec<PathBuf> = vec![root.clone()];
    while let Some(folder) = ahead.pop() {
        for entry in std::fs::read_dir(folder).expect("readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                ahead.push(path);
            } else {
                let name = path.strip_prefix(&root).expect("within").to_string_lossy().replace('\\', "/");
                files.insert(name, std::fs::read(&path).expect("readable"));
            }
        }
    }
    assert!(files.len() > 5, "the shop is there");
    // The shop itself holds no credential.
    for (number, path) in ["deploy/prod.env", "web/pay.js", "config/app.yaml"].iter().enumerate() {
        let texts = (0..8).map(|kind| piece(kind, &format!("{number}q7Rk2ZpL9vXw4TnB6yHdAbC{kind}")));
        files.insert((*path).to_owned(), texts.collect::<String>().into_bytes());
    }
    compare(&files);
}

#[test]
fn large_files_and_binary_ones_are_read_alike() {
    let filler = "x = 1; // nothing\n".repeat(64 << 10);
    let mut files = Files::new();
    let line = |seed: &str| format!("key = \"{}\"\n", key(seed));
    let text: String =
        (0..9).map(|n| filler.clone() + &line(&format!("{n}IDpzuvoWqC0ktQbf8VsBEx{n}"))).collect();
    assert!(text.len() > 9 << 20);
    files.insert("large.py".into(), text.into_bytes());
    files.insert(
        "image.bin".into(),
        [b"\0\0".to_vec(), line("fAIDpzuvoWqC0ktQbf8VsBEx").into_bytes()].concat(),
    );
    compare(&files);
}
