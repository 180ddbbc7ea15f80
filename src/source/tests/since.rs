use super::*;

fn two_branches() -> Fixture {
    let fixture =
        Fixture::with(&[("kept", "1"), ("edited", "1"), ("gone", "1"), ("local", "1"), ("theirs", "1")]);
    fixture.git(&["checkout", "-q", "-b", "topic"]);
    fixture.write("edited", "2");
    fixture.remove("gone");
    fixture.write("committed", "new");
    fixture.commit("topic", "2026-01-24T10:00Z");
    fixture.git(&["checkout", "-q", "main"]);
    fixture.write("theirs", "2");
    fixture.commit("main goes on", "2026-01-25T10:00Z");
    fixture.git(&["checkout", "-q", "topic"]);
    fixture
}

#[test]
fn what_differs_from_the_merge_base_is_changed_committed_or_not() {
    let fixture = two_branches();
    fixture.write("local", "2");
    fixture.write("untracked", "");
    let source = fixture.since("main").expect("they have a common ancestor");
    assert_eq!(changed(&source), ["committed", "edited", "local", "untracked"]);
    assert_eq!(source.deleted(), ["gone"]);
    let bases = source.bases().expect("the base can be listed");
    assert_eq!((bases.len(), text(&bases[0], "edited").as_str()), (1, "1"));
    assert_eq!(text(&source, "local"), "2");
}

#[test]
fn a_file_that_was_only_touched_is_not_changed() {
    let fixture = two_branches();
    fixture.write("kept", "1");
    assert_eq!(changed(&fixture.since("topic").expect("it opens")), [""; 0]);
}

#[test]
fn a_shallow_clone_says_which_setting_to_change() {
    let fixture = two_branches();
    let place = Fixture::folder();
    let from = format!("file://{}", fixture.root().display());
    place.git(&["clone", "-q", "--depth=1", "--no-single-branch", "-b", "topic", &from, "shallow"]);
    let target = |rev: &str| Target::Since { root: place.path("shallow"), rev: rev.to_owned() };
    for rev in ["origin/main", "origin/other"] {
        let error = open(&target(rev), &Options::default()).err().expect("the base is missing");
        let help = help(&error);
        assert!(help.contains("fetch-depth: 0") && help.contains("GIT_DEPTH: 0"), "{rev}: {help}");
        assert!(error.to_string().contains(rev), "{error}");
    }
    let near = open(&target("HEAD"), &Options::default()).expect("no history is needed");
    assert_eq!(changed(&near), [""; 0]);
}

#[test]
fn unrelated_histories_have_no_base() {
    let fixture = Fixture::with(&[("a", "1")]);
    fixture.git(&["checkout", "-q", "--orphan", "other"]);
    fixture.commit("unrelated", "2026-01-24T10:00Z");
    let error = fixture.since("main").err().expect("no base");
    assert!(matches!(error, Error::NoMergeBase { .. }));
    assert!(!help(&error).contains("shallow"));
}
