use super::*;

#[test]
fn the_staged_text_counts_and_not_the_work_trees() {
    let fixture = Fixture::with(&[("bad-staged", "old"), ("good-staged", "old"), ("same", "same")]);
    fixture.stage("bad-staged", "bad");
    fixture.write("bad-staged", "good");
    fixture.stage("good-staged", "good");
    fixture.write("good-staged", "bad");
    fixture.write("untracked", "");
    let source = fixture.index();
    assert_eq!(paths(&source), ["bad-staged", "good-staged", "same"]);
    assert_eq!(text(&source, "bad-staged"), "bad");
    assert_eq!(text(&source, "good-staged"), "good");
    assert_eq!(changed(&source), ["bad-staged", "good-staged"]);
}

#[test]
fn a_change_that_keeps_size_and_time_does_not_deceive() {
    let fixture = Fixture::with(&[("a", "one")]);
    let before = std::fs::metadata(fixture.path("a")).expect("there").modified().expect("a time");
    fixture.write("a", "two");
    let file = std::fs::File::options().append(true).open(fixture.path("a")).expect("there");
    file.set_modified(before).expect("times can be set");
    assert_eq!(text(&fixture.index(), "a"), "one");
}

#[test]
fn line_ends_that_git_converts_are_read_as_they_are_staged() {
    let fixture = Fixture::with(&[(".gitattributes", "*.bat text eol=crlf\n"), ("x.bat", "a\r\nb\r\n")]);
    assert_eq!(text(&fixture.work_tree(), "x.bat"), "a\r\nb\r\n");
    assert_eq!(text(&fixture.index(), "x.bat"), "a\nb\n");
    let since = fixture.since("HEAD").expect("it opens");
    assert!(since.deleted().is_empty());
}

#[test]
fn an_announced_file_is_not_staged() {
    let fixture = Fixture::with(&[("a", "")]);
    fixture.write("soon", "text");
    fixture.git(&["add", "-N", "soon"]);
    let source = fixture.index();
    assert_eq!((paths(&source), changed(&source)), (vec!["a"], vec![]));
    assert_eq!(fixture.work_tree().tracked(FileId(1)), Tracked::Yes);
}

#[test]
fn deletions_renames_and_modes_are_told() {
    let fixture = Fixture::with(&[("gone", "1"), ("old", "2"), ("run", "3"), ("kept", "4")]);
    fixture.git(&["rm", "-q", "gone"]);
    fixture.git(&["mv", "old", "new"]);
    fixture.git(&["update-index", "--chmod=+x", "run"]);
    let source = fixture.index();
    assert_eq!(changed(&source), ["new", "run"]);
    assert_eq!(source.deleted(), ["gone", "old"]);
    assert_eq!(source.entry(id(&source, "run")).mode, Mode::Executable);
    let bases = source.bases().expect("HEAD can be listed");
    assert_eq!(bases.len(), 1);
    assert_eq!(paths(&bases[0]), ["gone", "kept", "old", "run"]);
    assert_eq!(text(&bases[0], "old"), "2");
}

#[test]
fn changes_deep_in_folders_are_found_among_unchanged_ones() {
    let files = ["a/b/c/one", "a/b/c/two", "a/b/gone", "a/other/x", "same/y", "top"].map(|path| (path, "1"));
    let fixture = Fixture::with(&files);
    fixture.stage("a/b/c/two", "2");
    fixture.stage("a/b.new", "2");
    fixture.git(&["rm", "-q", "a/b/gone"]);
    let within = |folder: &str| fixture.open(&Target::Index { root: fixture.path(folder) });
    let source = within("");
    assert_eq!(
        (changed(&source), source.deleted()),
        (vec!["a/b.new", "a/b/c/two"], &["a/b/gone".into()][..])
    );
    let source = within("a/b");
    assert_eq!((changed(&source), source.deleted()), (vec!["c/two"], &["gone".into()][..]));
    let source = within("same");
    assert_eq!((paths(&source), changed(&source)), (vec!["y"], vec![]));
}

#[test]
fn before_the_first_commit_everything_is_changed() {
    let fixture = Fixture::new();
    fixture.stage("a", "1");
    let source = fixture.index();
    assert_eq!(changed(&source), ["a"]);
    assert!(source.bases().expect("none").is_empty());
    assert_eq!(source.git().expect("a repository").branches().expect("readable").head, None);
    let empty = Fixture::new().index();
    assert_eq!((paths(&empty).len(), changed(&empty).len()), (0, 0));
}

#[test]
fn an_unfinished_merge_has_both_parents_as_bases() {
    let fixture = Fixture::with(&[("a", "1"), ("b", "1")]);
    fixture.git(&["checkout", "-q", "-b", "side"]);
    fixture.write("a", "theirs");
    fixture.commit("side", "2026-01-24T10:00Z");
    fixture.git(&["checkout", "-q", "main"]);
    fixture.write("b", "ours");
    fixture.commit("main", "2026-01-25T10:00Z");
    fixture.git(&["merge", "-q", "--no-commit", "--no-ff", "side"]);
    let source = fixture.index();
    assert_eq!(changed(&source), ["a"]);
    let bases = source.bases().expect("both can be listed");
    let texts: Vec<_> = bases.iter().map(|base| text(base, "a")).collect();
    assert_eq!(texts, ["1", "theirs"]);
}

#[test]
fn a_conflict_is_marked_and_our_side_is_read() {
    let fixture = Fixture::with(&[("a", "base\n")]);
    fixture.git(&["checkout", "-q", "-b", "side"]);
    fixture.write("a", "theirs\n");
    fixture.commit("side", "2026-01-24T10:00Z");
    fixture.git(&["checkout", "-q", "main"]);
    fixture.write("a", "ours\n");
    fixture.commit("main", "2026-01-25T10:00Z");
    let merge = run_git(&fixture.root(), &["merge", "-q", "side"], "2026-01-26T10:00Z");
    assert!(!merge.status.success());
    let source = fixture.index();
    assert_eq!((paths(&source), source.files()[0].state), (vec!["a"], State::Conflicted));
    assert_eq!((text(&source, "a").as_str(), changed(&source)), ("ours\n", vec!["a"]));
    assert_eq!(fixture.work_tree().files()[0].state, State::Conflicted);
}

#[test]
fn another_index_and_another_git_folder_can_be_named() {
    let fixture = Fixture::with(&[("a", "1"), ("b", "1")]);
    let place = Fixture::folder();
    let other = place.path("index");
    std::fs::copy(fixture.path(".git/index"), &other).expect("copied");
    fixture.stage("a", "2");
    let options = Options { index_file: Some(other), ..Options::default() };
    let source = open(&Target::Index { root: fixture.root() }, &options).expect("it opens");
    assert_eq!(changed(&source), [""; 0]);

    std::fs::rename(fixture.path(".git"), place.path("git")).expect("moved");
    let options =
        Options { git_dir: Some(place.path("git")), work_tree: Some(fixture.root()), ..Options::default() };
    let source = open(&Target::Index { root: fixture.root() }, &options).expect("it opens");
    assert_eq!((changed(&source), text(&source, "a")), (vec!["a"], "2".to_owned()));
    let inner = open(&Target::WorkTree { root: fixture.root(), paths: Vec::new() }, &options);
    assert_eq!(inner.expect("it opens").tracked(FileId(0)), Tracked::Yes);
    let none = open(&Target::Index { root: fixture.root() }, &Options::default()).err();
    assert!(matches!(none, Some(Error::NoRepository { .. })));
}

#[test]
fn every_index_format_is_read() {
    let fixture = Fixture::with(&[("a/x", "1"), ("a/y", "2"), ("b/z", "3"), ("c", "4")]);
    let formats: [&[&str]; 5] = [
        &["update-index", "--index-version=2"],
        &["update-index", "--index-version=3"],
        &["update-index", "--index-version=4"],
        &["update-index", "--split-index"],
        &["sparse-checkout", "set", "--cone", "--sparse-index", "a"],
    ];
    for format in formats {
        fixture.git(format);
        fixture.stage("c", "new");
        let source = fixture.index();
        assert_eq!(paths(&source), ["a/x", "a/y", "b/z", "c"], "{format:?}");
        assert_eq!(changed(&source), ["c"], "{format:?}");
        assert_eq!(text(&source, "b/z"), "3", "{format:?}");
        assert!(source.deleted().is_empty());
    }
}

#[test]
fn sha256_is_read_like_sha1() {
    let fixture = Fixture::init(&["--object-format=sha256"]);
    fixture.write("a", "1");
    fixture.commit("first", "2026-01-23T10:00Z");
    fixture.stage("b", "2");
    let source = fixture.index();
    assert_eq!((changed(&source), text(&source, "b").as_str()), (vec!["b"], "2"));
    assert_eq!(source.files()[0].blob.expect("staged").to_string(), fixture.git(&["rev-parse", "HEAD:a"]));
    assert_eq!(text(&fixture.at("HEAD"), "a"), "1");
    assert_eq!(source.git().expect("a repository").object_format(), "sha256");
}

#[test]
fn a_missing_blob_is_unread_unless_the_work_tree_has_it() {
    let fixture = Fixture::with(&[("a", "1"), ("b", "2")]);
    for path in ["a", "b"] {
        let id = fixture.git(&["rev-parse", &format!("HEAD:{path}")]);
        fixture.remove(&format!(".git/objects/{}/{}", &id[..2], &id[2..]));
    }
    fixture.remove("b");
    let source = fixture.index();
    assert_eq!(text(&source, "a"), "1");
    let (class, reason) = why(&source, "b");
    assert_eq!(class, UnreadClass::Unreadable);
    assert!(reason.contains("does not hold blob"), "{reason}");
}
