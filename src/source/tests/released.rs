use super::*;

fn asked(source: &Source) -> Result<Option<Released>, Unread> {
    let folders = BTreeSet::from(["db/".to_owned()]);
    source.released(&folders, &|tag| tag.starts_with('v'), &|path| path.ends_with(".sql"))
}

/// What was there, what changed since and what is gone.
fn told(source: &Source) -> (String, Vec<&str>, Vec<&str>, Vec<String>) {
    let was = asked(source).expect("readable").expect("there is an earlier state");
    let path = |id: &FileId| source.path(*id);
    (was.name, was.held.iter().map(path).collect(), was.changed.iter().map(path).collect(), was.gone)
}

fn released() -> Fixture {
    let fixture = Fixture::with(&[
        ("db/1.sql", "a"),
        ("db/2.sql", "b"),
        ("db/3.sql", "c"),
        ("db/4.sql", "d"),
        ("db/n.txt", ""),
    ]);
    fixture.git(&["tag", "v1"]);
    fixture.git(&["tag", "-a", "nightly", "-m", "not a release"]);
    fixture.write("db/2.sql", "other");
    fixture.remove("db/3.sql");
    fixture.remove("db/4.sql");
    fixture.write("db/new/4.sql", "d");
    fixture.write("db/5.sql", "e");
    fixture.commit("second", "2026-01-24T10:00:00Z");
    fixture
}

#[test]
fn the_last_release_below_head_tells_what_was_there() {
    let fixture = released();
    let seen = |source: &Source| {
        let (name, held, changed, gone) = told(source);
        assert_eq!(name, "v1");
        assert_eq!(held, ["db/1.sql", "db/2.sql", "db/new/4.sql"], "moved files were there");
        assert_eq!((changed, gone), (vec!["db/2.sql"], vec!["db/3.sql".to_owned()]));
        let was = asked(source).expect("readable").expect("there is one");
        assert_eq!(source.text_then(&was, "db/2.sql", 99).expect("it is there"), b"b");
        assert!(source.text_then(&was, "db/5.sql", 99).is_err());
    };
    seen(&fixture.work_tree());
    seen(&fixture.at("HEAD"));
    seen(&fixture.index());
    // A tag on another branch is no release of this one.
    fixture.git(&["checkout", "-q", "-b", "side"]);
    fixture.commit("third", "2026-01-25T10:00:00Z");
    fixture.git(&["tag", "v2"]);
    fixture.git(&["checkout", "-q", "main"]);
    seen(&fixture.work_tree());
}

#[test]
fn files_that_were_not_asked_for_are_not_gone() {
    let fixture = released();
    let source = fixture.within(&["db/5.sql"]).expect("it opens");
    assert!(told(&source).3.is_empty());
}

#[test]
fn without_a_release_the_default_branch_counts() {
    let fixture = Fixture::with(&[("db/1.sql", "a")]);
    assert_eq!(told(&fixture.work_tree()).1, ["db/1.sql"], "on the branch itself all are old");
    fixture.git(&["checkout", "-q", "-b", "side"]);
    fixture.write("db/2.sql", "b");
    fixture.commit("second", "2026-01-24T10:00:00Z");
    let source = fixture.work_tree();
    let (name, held, ..) = told(&source);
    assert_eq!((name.as_str(), held), ("main", vec!["db/1.sql"]));

    let place = Fixture::folder();
    place.git(&["clone", "-q", &format!("file://{}", fixture.root().display()), "clone"]);
    git_at(&place.path("clone"), &["checkout", "-q", "-b", "topic"], "2026-01-24T10:00:00Z");
    let source = fixture.open(&Target::WorkTree { root: place.path("clone"), paths: Vec::new() });
    assert_eq!(told(&source).0, "origin/side", "what origin's HEAD names");
    assert_eq!(asked(&Fixture::folder().work_tree()), Ok(None));
    assert_eq!(asked(&Fixture::new().work_tree()), Ok(None), "before the first commit");
}

#[test]
fn a_clone_that_is_cut_off_is_not_guessed_from() {
    let fixture = released();
    fixture.commit("third", "2026-01-25T10:00:00Z");
    let from = format!("file://{}", fixture.root().display());
    let place = Fixture::folder();
    for (number, (arguments, known)) in [
        (&["--depth=1"][..], false),
        (&["--depth=1", "--no-tags"], false),
        (&["--filter=tree:0"], false),
        (&["--filter=blob:none"], true),
    ]
    .into_iter()
    .enumerate()
    {
        let folder = format!("clone{number}");
        fixture.git(&["config", "uploadpack.allowFilter", "true"]);
        place.git(&[&["clone", "-q"], arguments, &[from.as_str(), &folder]].concat());
        let target = Target::WorkTree { root: place.path(&folder), paths: Vec::new() };
        let asked = asked(&fixture.open(&target));
        assert_eq!(asked.as_ref().is_ok_and(Option::is_some), known, "{folder}: {asked:?}");
        assert_eq!(asked.is_err(), !known, "{folder}");
    }
}
