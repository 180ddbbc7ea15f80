use super::*;

fn refused(fixture: &Fixture, rev: &str) -> Error {
    let target = Target::Commit { root: fixture.root(), rev: rev.to_owned() };
    open(&target, &Options::default()).err().expect("it cannot be opened")
}

#[test]
fn any_revision_can_be_opened() {
    let fixture = Fixture::with(&[("a", "1"), ("dir/b", "1")]);
    fixture.git(&["tag", "-a", "v1", "-m", "one"]);
    fixture.write("a", "2");
    fixture.commit("second", "2026-01-24T10:00Z");
    fixture.write("a", "3");
    for (rev, text_of_a) in
        [("HEAD", "2"), ("main~1", "1"), ("v1", "1"), ("HEAD^{tree}", "2"), ("v1^{commit}", "1")]
    {
        let source = fixture.at(rev);
        assert_eq!(paths(&source), ["a", "dir/b"], "{rev}");
        assert_eq!(text(&source, "a"), text_of_a, "{rev}");
        assert_eq!(source.tracked(FileId(0)), Tracked::Yes);
        assert!(source.changed().is_none());
    }
    let first = fixture.at("v1");
    let head = first.git().expect("a repository").branches().expect("readable").head.clone();
    assert_eq!(head, Some(fixture.git(&["rev-parse", "v1^{commit}"])));
}

#[test]
fn a_bare_repository_can_be_opened_and_has_no_work_tree() {
    let fixture = Fixture::with(&[("a", "1")]);
    let place = Fixture::folder();
    fixture.git(&["clone", "-q", "--bare", ".", place.path("bare.git").to_str().expect("text")]);
    let target = Target::Commit { root: place.path("bare.git"), rev: "main".into() };
    assert_eq!(text(&fixture.open(&target), "a"), "1");
}

#[test]
fn a_bad_revision_is_named_with_help() {
    let fixture = Fixture::with(&[("a", "1")]);
    for rev in
        ["nowhere", "HEAD~7", "0123456789012345678901234567890123456789", "", "HEAD:a", "@{u}", "--all"]
    {
        let error = refused(&fixture, rev);
        assert!(error.to_string().contains(&format!("`{rev}`")), "{error}");
        assert!(help(&error).contains("git fetch"), "{}", help(&error));
    }
    let plain = Fixture::folder();
    assert!(matches!(refused(&plain, "HEAD"), Error::NoRepository { .. }));
}

#[test]
fn what_a_partial_clone_lacks_is_unread_file_by_file() {
    let fixture = Fixture::with(&[("a", "1"), ("dir/b", "2")]);
    fixture.git(&["config", "uploadpack.allowFilter", "true"]);
    let place = Fixture::folder();
    let from = format!("file://{}", fixture.root().display());
    place.git(&["clone", "-q", "--bare", "--filter=blob:none", &from, "no-blobs.git"]);
    let source = fixture.open(&Target::Commit { root: place.path("no-blobs.git"), rev: "HEAD".into() });
    assert_eq!(paths(&source), ["a", "dir/b"]);
    assert_eq!(why(&source, "a").0, UnreadClass::Unreadable);
    assert!(source.git().expect("a repository").is_partial());

    let tree = fixture.git(&["rev-parse", "HEAD:dir"]);
    fixture.remove(&format!(".git/objects/{}/{}", &tree[..2], &tree[2..]));
    let source = fixture.at("HEAD");
    assert_eq!((paths(&source), source.unread()[0].path.as_str()), (vec!["a"], "dir"));
}

#[test]
fn a_tree_with_names_that_leave_the_root_cannot_reach_anything() {
    let fixture = Fixture::with(&[("a", "1")]);
    let blob = fixture.git(&["rev-parse", "HEAD:a"]);
    let bytes: Vec<u8> = (0..blob.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&blob[at..at + 2], 16).expect("hex"))
        .collect();
    let mut tree = Vec::new();
    for name in ["..", ".git", "ok"] {
        tree.extend(format!("100644 {name}\0").bytes());
        tree.extend(&bytes);
    }
    fixture.write("tree", &tree);
    let id = fixture.git(&["hash-object", "-t", "tree", "--literally", "-w", "tree"]);
    let source = fixture.at(&id);
    assert_eq!(paths(&source), ["ok"]);
    assert_eq!(source.unread().len(), 2);
}

#[test]
fn a_tree_that_unfolds_without_end_is_refused_and_not_unfolded() {
    let fixture = Fixture::new();
    let mut id = fixture.git(&["hash-object", "-t", "tree", "-w", "/dev/null"]);
    for _ in 0..12 {
        let lines: String = (0..10).map(|n| format!("040000 tree {id}\t{n}\n")).collect();
        fixture.write("lines", lines);
        let file = std::fs::File::open(fixture.path("lines")).expect("there");
        let made = Command::new("git").arg("mktree").stdin(file).current_dir(fixture.root()).output();
        id = String::from_utf8(made.expect("git runs").stdout).expect("hex").trim().to_owned();
    }
    assert!(matches!(refused(&fixture, &id), Error::TooMany { .. }));
}
