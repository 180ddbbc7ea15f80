use super::*;

fn file(path: &str, text: &str) -> MemoryFile {
    MemoryFile { path: path.into(), bytes: text.into(), tracked: true, ..MemoryFile::default() }
}

fn opened(files: Vec<MemoryFile>, git: Option<GitState>) -> Source {
    open(&Target::Memory { files, git }, &Options::default()).expect("memory opens")
}

#[test]
fn files_in_memory_behave_like_others() {
    let link = MemoryFile { link: Some("../a".into()), ..file("dir/link", "") };
    let run = MemoryFile { executable: true, tracked: false, ..file("run", "#!") };
    let source = opened(vec![run, file("b", "early"), link, file("a", "text"), file("b", "late")], None);
    assert_eq!(paths(&source), ["a", "b", "dir/link", "run"]);
    assert_eq!((text(&source, "b").as_str(), text(&source, "dir/link").as_str()), ("late", "text"));
    let modes: Vec<_> = source.files().iter().map(|entry| entry.mode).collect();
    assert_eq!(modes, [Mode::File, Mode::File, Mode::Symlink, Mode::Executable]);
    assert_eq!((source.tracked(FileId(0)), source.tracked(FileId(3))), (Tracked::Yes, Tracked::No));
    assert!(source.git().is_none() && source.changed().is_none());
    assert!(source.bases().expect("none").is_empty());
}

#[test]
fn git_state_given_as_data_answers_as_a_repository_would() {
    let date = Moment::parse("2026-02-06T17:30:00+02:00");
    let tag = |name: &str| Tag { name: name.into(), date, ..Tag::default() };
    let commit = |path: &str, day: &str| Commit {
        date: Moment::parse(day),
        files: vec![(path.to_owned(), Difference::Modified)],
        ..Commit::default()
    };
    let state = GitState {
        tags: vec![tag("v2"), tag("v1")],
        commits: vec![commit("a", "2026-02-02"), commit("b", "2026-02-01"), commit("a", "2026-01-01")],
        today: Moment::parse("2026-03-01"),
        remote: Some("https://word@example.org/x".into()),
        ..GitState::default()
    };
    let source = opened(vec![file("a", "")], Some(state.clone()));
    let git = source.git().expect("given");
    assert_eq!(git.tags().expect("given")[0].name, "v1");
    assert_eq!(git.last_change("a"), Ok(Moment::parse("2026-02-02")));
    assert_eq!(git.last_change("c"), Ok(None));
    let log = git.log(2).expect("given");
    assert_eq!((log.commits.len(), log.complete), (2, false));
    assert_eq!((git.today(), git.remote().as_deref()), (state.today, Some("https://example.org/x")));

    let shallow = opened(Vec::new(), Some(GitState { shallow: true, ..state }));
    assert!(shallow.git().expect("given").last_change("c").is_err());
}

#[test]
fn class_names_are_stable() {
    let names: Vec<_> = UnreadClass::ALL.iter().map(|class| class.name()).collect();
    assert_eq!(names, ["unreadable", "unparsed", "partly", "too-large", "outside", "history", "archive"]);
    for class in UnreadClass::ALL {
        assert_eq!(UnreadClass::from_name(class.name()), Some(class));
        assert_eq!(serde_json::to_string(&class).expect("serialises"), format!("\"{class}\""));
    }
}
