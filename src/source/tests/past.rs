//! All of history: each content once, with the commit that brought it.

use std::collections::BTreeMap;

use super::*;

/// Every content with its appearances as `path commit`, and how often it was given.
fn contents(fixture: &Fixture, jobs: usize) -> BTreeMap<Vec<u8>, (usize, Vec<String>)> {
    let past = fixture.work_tree().past(None).expect("a repository");
    let given = past.visit(jobs, Vec::new, |given: &mut Vec<(Vec<u8>, Vec<String>)>, kept| {
        if past.carrier(kept.appearances[0]) != Carrier::File {
            return;
        }
        let told =
            kept.appearances.iter().map(|a| format!("{} {}", past.path(*a), past.introduction(*a).commit));
        given.push((kept.bytes.clone(), told.collect()));
    });
    let mut all: BTreeMap<Vec<u8>, (usize, Vec<String>)> = BTreeMap::new();
    for (bytes, told) in given.into_iter().flatten() {
        let entry = all.entry(bytes).or_default();
        entry.0 += 1;
        entry.1.extend(told);
    }
    assert_eq!(past.unread(), []);
    all
}

#[test]
fn every_content_that_git_knows_is_given_once_packed_or_not() {
    let fixture = Fixture::with(&[("a.txt", "0\n"), ("empty", "")]);
    let mut text = "a line that stays\n".repeat(200);
    for number in 0..30 {
        text.push_str(&format!("line {number} of the text that grows\n"));
        fixture.write("grows.txt", &text);
        fixture.write("shrinks.txt", &text[number * 100..]);
        fixture.write(&format!("d{}/x", number % 3), format!("{number}"));
        fixture.commit("more", &format!("2026-01-24T10:00:{number:02}+01:00"));
        // Several packs, chains of changes, and loose objects beside them.
        if number % 11 == 10 {
            fixture.git(&["repack", "-q", "-d", "--depth=50"]);
        }
    }
    let listed = |fixture: &Fixture| {
        let all =
            fixture.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)"]);
        all.lines().filter(|line| line.starts_with("blob")).count()
    };
    let known = listed(&fixture);
    let given = contents(&fixture, 1);
    assert_eq!(given.len(), known);
    assert!(given.values().all(|(times, _)| *times == 1));
    assert_eq!(given[text.as_bytes()].1.len(), 1);
    assert!(given[&b""[..]].1[0].starts_with("empty "));
    fixture.git(&["gc", "-q", "--aggressive", "--prune=now"]);
    assert_eq!(contents(&fixture, 2), given);
    // Without an index that offers names in order of packs, and with whole objects only.
    fixture.git(&["repack", "-q", "-a", "-d", "-f", "--depth=0"]);
    assert_eq!(contents(&fixture, 3), given);
}

#[test]
fn the_first_commit_of_a_content_is_told_for_each_of_its_paths() {
    let fixture = Fixture::with(&[("a.txt", "x")]);
    let first = fixture.git(&["rev-parse", "HEAD"]);
    fixture.git(&["checkout", "-q", "-b", "side"]);
    fixture.write("b.txt", "x");
    fixture.commit("second", "2026-01-25T10:00:00+01:00");
    let second = fixture.git(&["rev-parse", "HEAD"]);
    fixture.git(&["checkout", "-q", "main"]);
    // The same on the other side, later, and a clock that runs backwards.
    fixture.write("b.txt", "x");
    fixture.commit("third", "2020-01-25T10:00:00+01:00");
    let third = fixture.git(&["rev-parse", "HEAD"]);
    fixture.git(&["merge", "-q", "-m", "merge", "side"]);
    let told = contents(&fixture, 1).remove(&b"x"[..]).expect("it is there").1;
    assert_eq!(told, [format!("a.txt {first}"), format!("b.txt {third}")]);
    assert_ne!(second, third);
}

#[test]
fn trees_that_stand_for_more_paths_than_there_are_atoms_end() {
    let fixture = Fixture::new();
    fixture.write("x", "leaf");
    let mut id = fixture.git(&["hash-object", "-w", "x"]);
    let mut kind = ("100644", "blob");
    for _ in 0..64 {
        let listing = format!("{} {} {id}\ta\n{} {} {id}\tb\n", kind.0, kind.1, kind.0, kind.1);
        fixture.write("listing", listing);
        let shell = "git mktree < listing";
        let output = Command::new("sh").args(["-c", shell]).current_dir(fixture.root()).output();
        id = String::from_utf8(output.expect("a shell").stdout).expect("hexadecimal").trim().to_owned();
        kind = ("040000", "tree");
    }
    let commit = fixture.git(&["commit-tree", "-m", "bomb", &id]);
    fixture.git(&["tag", "bomb", &commit]);
    let given = contents(&fixture, 1);
    assert_eq!(given.keys().map(Vec::as_slice).collect::<Vec<_>>(), [b"leaf"]);
}

#[test]
fn tags_of_trees_and_of_contents_count() {
    let fixture = Fixture::with(&[("a.txt", "a")]);
    fixture.write("loose", "only a tag");
    let blob = fixture.git(&["hash-object", "-w", "loose"]);
    fixture.git(&["tag", "key", &blob]);
    fixture.write("inner/b", "only in a tree");
    fixture.git(&["add", "inner"]);
    let tree = fixture.git(&["write-tree"]);
    fixture.git(&["tag", "-a", "-m", "x", "tree", &tree]);
    let given = contents(&fixture, 1);
    assert!(given[&b"only a tag"[..]].1[0].starts_with("refs/tags/key "));
    assert!(given[&b"only in a tree"[..]].1[0].starts_with("inner/b "));
    assert_eq!(given.len(), 3);
}

#[test]
fn every_message_is_given_once_without_its_header() {
    let fixture = Fixture::with(&[("a.txt", "a")]);
    fixture.git(&["commit", "-q", "--allow-empty", "-m", "one\n\nand more"]);
    fixture.git(&["tag", "-a", "-m", "released", "v1"]);
    fixture.git(&["tag", "-a", "-m", "twice", "of-a-tag", "v1"]);
    fixture.git(&["branch", "-q", "other"]);
    let given = || {
        let past = fixture.work_tree().past(None).expect("a repository");
        let given = past.visit(1, Vec::new, |given: &mut Vec<String>, kept| {
            if past.carrier(kept.appearances[0]) != Carrier::File {
                let paths: Vec<String> = kept.appearances.iter().map(|a| past.path(*a)).collect();
                given.push(format!(
                    "{}: {}",
                    paths.join(" "),
                    String::from_utf8_lossy(&kept.bytes).trim_end()
                ));
            }
        });
        let mut given = given.concat();
        given.sort();
        given
    };
    let loose = given();
    assert_eq!(loose.len(), 4, "{loose:?}");
    assert_eq!(loose[..2], [".git/commit-message: first", ".git/commit-message: one\n\nand more"]);
    assert_eq!(loose[2..], [".git/tag-message/of-a-tag: released", ".git/tag-message/of-a-tag: twice"]);
    fixture.git(&["gc", "-q", "--aggressive", "--prune=now"]);
    assert_eq!(given(), loose);
}

#[test]
fn the_folder_under_audit_bounds_history_too() {
    let fixture = Fixture::with(&[("in/a.txt", "a"), ("out/b.txt", "b"), ("inn", "c")]);
    let source =
        super::open(&Target::WorkTree { root: fixture.path("in"), paths: Vec::new() }, &Options::default());
    let past = source.expect("it opens").past(None).expect("a repository");
    let given = past.visit(1, Vec::new, |given: &mut Vec<String>, kept| {
        given.extend(kept.appearances.iter().map(|a| past.path(*a)));
    });
    assert_eq!(given.concat(), ["a.txt"]);
}
