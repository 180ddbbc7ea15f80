use super::*;

fn git(source: &Source) -> &Git {
    source.git().expect("a repository")
}

#[test]
fn tags_are_told_with_their_dates_and_messages_loose_or_packed() {
    let fixture = Fixture::with(&[("a", "1")]);
    let first = fixture.git(&["rev-parse", "HEAD"]);
    fixture.git(&["tag", "light"]);
    fixture.commit("second", "2026-02-01T10:00:00-05:00");
    git_at(&fixture.root(), &["tag", "-a", "v1.0", "-m", "One\n\nmore"], "2026-02-06T17:30:00+02:00");
    git_at(&fixture.root(), &["tag", "-a", "again", "v1.0", "-m", "Of a tag"], "2026-02-07T00:00:00+00:00");
    let blob = fixture.git(&["rev-parse", "HEAD:a"]);
    fixture.git(&["tag", "of-a-file", &blob]);
    for _ in 0..2 {
        let source = fixture.work_tree();
        let tags = git(&source).tags().expect("readable");
        let names: Vec<_> = tags.iter().map(|tag| tag.name.as_str()).collect();
        assert_eq!(names, ["again", "light", "of-a-file", "v1.0"]);
        let (light, file, one) = (&tags[1], &tags[2], &tags[3]);
        assert_eq!((light.annotated, light.commit.as_deref()), (false, Some(first.as_str())));
        assert_eq!(light.date, Moment::parse("2026-01-23T10:00:00+01:00"));
        assert_eq!((file.commit.as_deref(), file.date), (None, None));
        assert_eq!((one.annotated, one.message.as_deref()), (true, Some("One")));
        assert_eq!(one.date, Moment::parse("2026-02-06T17:30:00+02:00"));
        assert_eq!(one.date.and_then(Moment::civil).expect("a date").to_string(), "2026-02-06T17:30:00");
        assert_eq!(tags[0].commit, one.commit);
        fixture.git(&["pack-refs", "--all"]);
        fixture.git(&["gc", "-q"]);
    }
}

#[test]
fn branches_and_the_remote_are_told_without_credentials() {
    let fixture = Fixture::with(&[("a", "1")]);
    fixture.git(&["remote", "add", "origin", "https://bot:word@example.org/team/app.git"]);
    let source = fixture.work_tree();
    let branches = git(&source).branches().expect("readable");
    assert_eq!(branches.head, Some(fixture.git(&["rev-parse", "HEAD"])));
    assert_eq!((branches.current.as_deref(), branches.default.as_deref()), (Some("main"), Some("main")));
    assert_eq!(git(&source).remote().as_deref(), Some("https://example.org/team/app.git"));
    assert!(!git(&source).is_shallow() && !git(&source).is_partial());
    assert_eq!(git(&source).object_format(), "sha1");

    fixture.git(&["update-ref", "refs/remotes/origin/live", "HEAD"]);
    fixture.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/live"]);
    fixture.git(&["checkout", "-q", "--detach"]);
    let source = fixture.work_tree();
    let branches = git(&source).branches().expect("readable");
    assert_eq!((branches.current.as_deref(), branches.default.as_deref()), (None, Some("live")));
}

#[test]
fn refs_in_a_reftable_are_said_to_be_unread_and_never_empty() {
    let fixture = Fixture::init(&["--ref-format=reftable"]);
    fixture.write("a", "1");
    fixture.commit("first", "2026-01-23T10:00Z");
    fixture.git(&["tag", "v1"]);
    let source = fixture.work_tree();
    assert_eq!((paths(&source), source.tracked(FileId(0))), (vec!["a"], Tracked::Yes));
    let unread = git(&source).tags().expect_err("no tags must not be concluded");
    assert_eq!((unread.class, unread.path.as_str()), (UnreadClass::History, ".git"));
    assert!(git(&source).branches().is_err() && git(&source).log(1).is_err());
    let error = open(&Target::Index { root: fixture.root() }, &Options::default()).err().expect("no HEAD");
    assert!(help(&error).contains("git refs migrate"), "{error}");
}

#[test]
fn the_log_tells_what_each_commit_touched() {
    let fixture = Fixture::with(&[("a", "1"), ("dir/b", "1"), ("dir/c", "1")]);
    fixture.write("dir/b", "2");
    fixture.remove("dir/c");
    fixture.write("new/d", "1");
    fixture.commit("second\n\nwith a body", "2026-01-24T10:00:00Z");
    let source = fixture.work_tree();
    let log = git(&source).log(10).expect("readable");
    assert!(log.complete);
    assert_eq!(log.commits.len(), 2);
    let second = &log.commits[0];
    assert_eq!(second.message.trim(), "second\n\nwith a body");
    assert_eq!((second.date, second.parents), (Moment::parse("2026-01-24T10:00:00Z"), 1));
    let files: Vec<_> = second.files.iter().map(|(path, how)| (path.as_str(), *how)).collect();
    assert_eq!(
        files,
        [("dir/b", Difference::Modified), ("dir/c", Difference::Deleted), ("new/d", Difference::Added)]
    );
    assert_eq!(log.commits[1].files.len(), 3);
    assert!(!git(&source).log(1).expect("readable").complete);
    let inner = fixture.open(&Target::WorkTree { root: fixture.path("dir"), paths: Vec::new() });
    let inner_log = git(&inner).log(1).expect("readable");
    assert_eq!(inner_log.commits[0].files[0].0, "b");
}

#[test]
fn the_last_change_of_a_path_looks_through_merges() {
    let fixture = Fixture::with(&[("a", "1"), ("dir/b", "1")]);
    fixture.git(&["checkout", "-q", "-b", "side"]);
    fixture.write("dir/b", "2");
    fixture.commit("side", "2026-01-24T10:00:00Z");
    fixture.git(&["checkout", "-q", "main"]);
    fixture.write("a", "2");
    fixture.commit("main", "2026-01-25T10:00:00Z");
    git_at(&fixture.root(), &["merge", "-q", "--no-ff", "-m", "merge", "side"], "2026-01-26T10:00:00Z");
    let source = fixture.work_tree();
    assert_eq!(git(&source).last_change("dir/b"), Ok(Moment::parse("2026-01-24T10:00:00Z")));
    assert_eq!(git(&source).last_change("a"), Ok(Moment::parse("2026-01-25T10:00:00Z")));
    assert_eq!(git(&source).last_change("never"), Ok(None));
}

#[test]
fn a_shallow_clone_does_not_take_its_first_commit_for_the_first_change() {
    let fixture = Fixture::with(&[("a", "1"), ("b", "1")]);
    fixture.write("a", "2");
    fixture.commit("second", "2026-01-24T10:00:00Z");
    fixture.write("a", "3");
    fixture.commit("third", "2026-01-25T10:00:00Z");
    let place = Fixture::folder();
    let from = format!("file://{}", fixture.root().display());
    place.git(&["clone", "-q", "--depth=2", &from, "shallow"]);
    let source = fixture.open(&Target::WorkTree { root: place.path("shallow"), paths: Vec::new() });
    assert!(git(&source).is_shallow());
    assert_eq!(git(&source).last_change("a"), Ok(Moment::parse("2026-01-25T10:00:00Z")));
    assert_eq!(git(&source).last_change("b").expect_err("unknown").class, UnreadClass::History);
    let log = git(&source).log(10).expect("readable");
    assert_eq!((log.commits.len(), log.complete), (1, false));
}
