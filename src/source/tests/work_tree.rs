use super::*;

#[test]
fn files_are_listed_in_the_order_of_their_bytes_and_ids_follow() {
    let fixture = Fixture::with(&[("b", ""), ("a/x", "x"), ("a.b", ""), ("B", ""), (".hidden", "")]);
    let source = fixture.work_tree();
    assert_eq!(paths(&source), [".hidden", "B", "a.b", "a/x", "b"]);
    assert_eq!(source.id("a/x"), Some(FileId(3)));
    assert_eq!(source.path(FileId(3)), "a/x");
    assert_eq!(source.id("a"), None);
    assert_eq!(text(&source, "a/x"), "x");
    assert_eq!(source.root(), fixture.root());
}

#[test]
fn ignored_files_count_only_if_they_are_tracked() {
    let fixture = Fixture::with(&[(".gitignore", "*.env\n"), ("sub/.gitignore", "!keep.env\nlocal/\n")]);
    fixture.stage("prod.env", "tracked");
    fixture.stage("sub/local/deep/file", "tracked");
    fixture.write("dev.env", "ignored");
    fixture.write("sub/keep.env", "not ignored");
    fixture.write("sub/local/other", "ignored");
    fixture.write(".git/info/exclude", "/notes\n");
    fixture.write("notes", "ignored");
    fixture.write("new", "untracked");
    let source = fixture.work_tree();
    let listed: Vec<_> = source.files().iter().map(|entry| (entry.path.as_str(), entry.tracked)).collect();
    assert_eq!(
        listed,
        [
            (".gitignore", Tracked::Yes),
            ("new", Tracked::No),
            ("prod.env", Tracked::Yes),
            ("sub/.gitignore", Tracked::Yes),
            ("sub/keep.env", Tracked::No),
            ("sub/local/deep/file", Tracked::Yes),
        ]
    );
}

#[test]
fn a_plain_folder_honours_its_own_gitignore_and_knows_nothing_of_git() {
    let fixture = Fixture::folder();
    fixture.write(".gitignore", "target/\n");
    fixture.write("target/x", "");
    fixture.write("main.rs", "");
    fixture.write(".ignore", "main.rs\n");
    let source = fixture.work_tree();
    assert_eq!(paths(&source), [".gitignore", ".ignore", "main.rs"]);
    assert_eq!(source.tracked(FileId(0)), Tracked::Unknown);
    assert!(source.git().is_none());
    assert!(source.unread().is_empty());
}

#[test]
fn rules_above_the_repository_do_not_apply_to_it() {
    let fixture = Fixture::folder();
    fixture.write(".gitignore", "*.txt\n");
    fixture.write("repo/a.txt", "");
    git_at(&fixture.path("repo"), &["init", "-q"], "2026-01-01T00:00Z");
    let target = Target::WorkTree { root: fixture.path("repo"), paths: Vec::new() };
    assert_eq!(paths(&fixture.open(&target)), ["a.txt"]);
}

#[test]
fn a_folder_inside_of_a_repository_can_be_the_root() {
    let fixture =
        Fixture::with(&[("sub/a", "a"), ("sub.txt", ""), ("sub/deep/b", ""), (".gitignore", "*.log")]);
    fixture.write("sub/x.log", "");
    for target in [
        Target::WorkTree { root: fixture.path("sub"), paths: Vec::new() },
        Target::Index { root: fixture.path("sub") },
        Target::Commit { root: fixture.path("sub"), rev: "HEAD".into() },
        Target::Since { root: fixture.path("sub"), rev: "HEAD".into() },
    ] {
        let source = fixture.open(&target);
        assert_eq!(paths(&source), ["a", "deep/b"], "{target:?}");
        assert_eq!(source.tracked(FileId(0)), Tracked::Yes);
        assert_eq!(text(&source, "a"), "a");
    }
    assert_eq!(find_root(&fixture.path("sub/deep/b")), fixture.root());
    assert_eq!(find_root(&fixture.path("sub/deep")), fixture.root());
}

#[test]
fn named_paths_restrict_the_list_and_beat_gitignore_but_not_exclude() {
    let fixture =
        Fixture::with(&[(".gitignore", "*.env\n"), ("a/x", ""), ("a/y", ""), ("b/z", ""), ("ab", "")]);
    fixture.write("a/local.env", "");
    let list = |names: &[&str]| {
        let source = fixture.within(names).expect("they exist");
        paths(&source).join(" ")
    };
    assert_eq!(list(&["a"]), "a/x a/y");
    assert_eq!(list(&["a/y", "b", "a/y"]), "a/y b/z");
    assert_eq!(list(&["a/local.env"]), "a/local.env");
    assert_eq!(list(&["."]), ".gitignore a/x a/y ab b/z");
    assert_eq!(list(&[fixture.path("b").to_str().expect("text")]), "b/z");

    let target = Target::WorkTree { root: fixture.root(), paths: vec!["a/x".into(), "b".into()] };
    let options = Options { exclude: vec!["a/".into()], ..Options::default() };
    let source = open(&target, &options).expect("it opens");
    assert_eq!((paths(&source), source.excluded()), (vec!["b/z"], 1));
}

#[test]
fn a_missing_path_and_one_outside_are_named() {
    let fixture = Fixture::with(&[("a", "")]);
    let missing = fixture.within(&["nowhere/x"]).err().expect("it is missing");
    assert!(missing.to_string().contains("nowhere/x"), "{missing}");
    let outside = fixture.within(&["../"]).err().expect("it is outside");
    assert!(matches!(outside, Error::Outside { .. }), "{outside}");
    let root = Target::WorkTree { root: fixture.path("gone"), paths: Vec::new() };
    let gone = open(&root, &Options::default()).err().expect("there is none");
    assert!(gone.to_string().contains("gone"), "{gone}");
}

#[test]
fn an_exclude_pattern_works_as_in_gitignore_and_a_bad_one_is_named() {
    let fixture = Fixture::with(&[("vendor/a", ""), ("x/vendor/b", ""), ("c.min.js", ""), ("d", "")]);
    let with = |patterns: &[&str]| {
        let exclude = patterns.iter().map(|pattern| pattern.to_string()).collect();
        let options = Options { exclude, ..Options::default() };
        open(&Target::Index { root: fixture.root() }, &options)
    };
    let source = with(&["/vendor/", "*.min.js"]).expect("good patterns");
    assert_eq!((paths(&source), source.excluded()), (vec!["d", "x/vendor/b"], 2));
    let error = with(&["d", "a{b"]).err().expect("a bad pattern");
    assert!(error.to_string().contains("a{b"), "{error}");
}

#[test]
fn a_file_that_git_would_call_unmodified_has_its_blob_id() {
    let fixture = Fixture::with(&[("same", "1"), ("edited", "1")]);
    let touch = |path: &str, seconds: u64| {
        let file = std::fs::File::options().append(true).open(fixture.path(path)).expect("it exists");
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        file.set_modified(time).expect("times can be set");
    };
    // Older than the index, so that git need not suspect a change within the same instant.
    touch("same", 1_700_000_000);
    touch("edited", 1_700_000_000);
    fixture.git(&["update-index", "--refresh"]);
    fixture.write("edited", "2");
    let source = fixture.work_tree();
    let blob = |path: &str| source.entry(id(&source, path)).blob.map(|blob| blob.to_string());
    assert_eq!(blob("same"), Some(fixture.git(&["rev-parse", "HEAD:same"])));
    assert_eq!(blob("edited"), None);
}

#[test]
fn tracked_files_that_are_gone_are_told_apart_from_sparse_ones() {
    let fixture = Fixture::with(&[("a/x", ""), ("b/y", ""), ("c", "")]);
    fixture.git(&["sparse-checkout", "set", "a"]);
    fixture.remove("a/x");
    let source = fixture.work_tree();
    assert_eq!(paths(&source), ["c"]);
    assert_eq!(source.deleted(), ["a/x"]);
    assert_eq!(source.sparse(), ["b/y"]);
}

#[test]
fn a_repository_inside_is_not_entered_and_a_submodule_is_an_entry() {
    let inner = Fixture::with(&[("inside", "")]);
    let fixture = Fixture::with(&[("a", "")]);
    fixture.git(&["submodule", "--quiet", "add", inner.root().to_str().expect("text"), "libs/sub"]);
    fixture.git(&["clone", "-q", inner.root().to_str().expect("text"), "other"]);
    let source = fixture.work_tree();
    assert_eq!(paths(&source), [".gitmodules", "a", "libs/sub"]);
    assert_eq!(source.nested(), ["other"]);
    assert_eq!(source.entry(id(&source, "libs/sub")).mode, Mode::Submodule);
    assert_eq!(why(&source, "libs/sub").0, UnreadClass::Outside);

    let index = fixture.index();
    assert_eq!(changed(&index), [".gitmodules", "libs/sub"]);
    assert_eq!(index.entry(id(&index, "libs/sub")).mode, Mode::Submodule);
}

#[test]
fn a_linked_worktree_has_its_own_head_and_index() {
    let fixture = Fixture::with(&[("a", "1")]);
    fixture.write(".git/info/exclude", "ignored\n");
    let other = Fixture::folder();
    let place = other.path("linked");
    fixture.git(&["worktree", "add", "-q", "-b", "side", place.to_str().expect("text")]);
    std::fs::write(place.join("b"), "2").expect("written");
    std::fs::write(place.join("ignored"), "").expect("written");
    let tree = fixture.open(&Target::WorkTree { root: place.clone(), paths: Vec::new() });
    assert_eq!(paths(&tree), ["a", "b"]);
    git_at(&place, &["add", "b"], "2026-01-01T00:00Z");
    let index = fixture.open(&Target::Index { root: place });
    assert_eq!(changed(&index), ["b"]);
    let git = index.git().expect("a repository");
    assert_eq!(git.branches().expect("readable").current.as_deref(), Some("side"));
    assert_eq!(changed(&fixture.index()), [""; 0]);
}

#[test]
fn an_unreadable_index_or_configuration_is_said_and_the_files_are_listed_all_the_same() {
    let fixture = Fixture::with(&[("a", "1")]);
    std::fs::write(fixture.path(".git/index"), "DIRC garbage").expect("written");
    let source = fixture.work_tree();
    assert_eq!((paths(&source), source.tracked(FileId(0))), (vec!["a"], Tracked::Unknown));
    assert_eq!(source.unread()[0].path, ".git/index");
    let staged = open(&Target::Index { root: fixture.root() }, &Options::default()).err();
    assert!(matches!(staged, Some(Error::Git { .. })));

    std::fs::write(fixture.path(".git/config"), "[core\nbroken").expect("written");
    let source = fixture.work_tree();
    assert_eq!((paths(&source), source.unread()[0].path.as_str()), (vec!["a"], ".git"));
    assert!(source.git().is_none());
    let staged = open(&Target::Index { root: fixture.root() }, &Options::default()).err();
    assert!(matches!(staged, Some(Error::Git { .. })));
}

#[test]
fn a_file_that_vanished_or_changed_since_it_was_listed_is_unreadable() {
    let fixture = Fixture::with(&[("gone", "1"), ("grown", "1"), ("turned", "1"), ("stays", "1")]);
    let source = fixture.work_tree();
    fixture.remove("gone");
    fixture.write("grown", "12");
    fixture.remove("turned");
    std::fs::create_dir(fixture.path("turned")).expect("made");
    assert_eq!(
        why(&source, "gone"),
        (UnreadClass::Unreadable, "vanished while it was being read".to_owned())
    );
    assert_eq!(
        why(&source, "grown"),
        (UnreadClass::Unreadable, "changed while it was being read".to_owned())
    );
    assert_eq!(why(&source, "turned").0, UnreadClass::Outside);
    assert_eq!(text(&source, "stays"), "1");
}

#[test]
fn reading_is_bounded_and_streaming_is_not() {
    use std::io::Read;
    let fixture = Fixture::with(&[("big", &"x".repeat(5000))]);
    for source in [fixture.work_tree(), fixture.index(), fixture.at("HEAD")] {
        let id = id(&source, "big");
        assert_eq!(source.read(id, 5000).expect("just fits").len(), 5000);
        let unread = source.read(id, 4999).expect_err("one too many");
        assert_eq!(unread.class, UnreadClass::TooLarge);
        assert_eq!(unread.reason, "4.9 KiB, over the limit of 4.9 KiB");
        let mut all = Vec::new();
        source.stream(id).expect("it opens").read_to_end(&mut all).expect("it reads");
        assert_eq!(all.len(), 5000);
    }
}

#[test]
fn many_threads_read_one_source() {
    let fixture = Fixture::with(&[("a", "1"), ("b", "2"), ("c", "3")]);
    for source in [fixture.work_tree(), fixture.index(), fixture.at("HEAD")] {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(["a", "b", "c"].map(|path| text(&source, path)), ["1", "2", "3"]));
            }
        });
    }
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn links_are_listed_and_lead_only_to_files_of_the_tree() {
        let secret = Fixture::folder();
        secret.write("secret", "outside");
        let fixture = Fixture::with(&[("dir/file", "text"), (".gitignore", "ignored\n")]);
        fixture.write("ignored", "");
        let link = |target: &str, path: &str| symlink(target, fixture.path(path)).expect("links can be made");
        link("dir/file", "file");
        link("../file", "dir/twice");
        link("dir", "folder");
        link("folder/twice", "long");
        link(secret.path("secret").to_str().expect("text"), "absolute");
        link("../../../../../../../../etc/passwd", "upward");
        link("loop", "loop");
        link("pong", "ping");
        link("ping", "pong");
        link(".", "here");
        link("nothing", "dangling");
        link("ignored", "to-ignored");
        fixture.git(&["add", "-A"]);
        for source in [fixture.work_tree(), fixture.index()] {
            let follow = |path: &str| source.follow(id(&source, path));
            let file = Link::File(id(&source, "dir/file"));
            for path in ["file", "dir/twice", "long", "dir/file"] {
                assert_eq!(follow(path), file, "{path}");
                assert_eq!(text(&source, path), "text");
            }
            assert_eq!(source.entry(id(&source, "file")).mode, Mode::Symlink);
            assert_eq!(follow("folder"), Link::Folder("dir".into()));
            assert_eq!(follow("here"), Link::Folder(String::new()));
            assert_eq!((follow("absolute"), follow("upward")), (Link::Outside, Link::Outside));
            assert_eq!((follow("loop"), follow("ping")), (Link::Nowhere, Link::Nowhere));
            assert_eq!((follow("dangling"), follow("to-ignored")), (Link::Unlisted, Link::Unlisted));
            assert_eq!(why(&source, "absolute").0, UnreadClass::Outside);
            assert_eq!(why(&source, "loop").0, UnreadClass::Unreadable);
            assert_eq!(paths(&source).len(), 14, "nothing is listed twice: {:?}", paths(&source));
        }
    }

    #[test]
    fn a_link_cannot_smuggle_tracked_files_in() {
        let secret = Fixture::folder();
        secret.write("file", "outside");
        let fixture = Fixture::with(&[("dir/file", "text")]);
        std::fs::remove_dir_all(fixture.path("dir")).expect("removed");
        symlink(secret.root(), fixture.path("dir")).expect("linked");
        let source = fixture.work_tree();
        assert_eq!((paths(&source), source.deleted()), (vec!["dir"], &["dir/file".to_owned()][..]));
        assert_eq!(text(&fixture.index(), "dir/file"), "text");
        let outside = fixture.within(&["dir/file"]).err().expect("it leads outside");
        assert!(matches!(outside, Error::Outside { .. }));
    }

    #[test]
    fn a_pipe_and_a_socket_are_never_opened() {
        let fixture = Fixture::with(&[("file", "")]);
        let made = Command::new("mkfifo").arg(fixture.path("pipe")).status().expect("mkfifo is there");
        assert!(made.success());
        let _socket = std::os::unix::net::UnixListener::bind(fixture.path("socket")).expect("bound");
        let source = fixture.work_tree();
        assert_eq!(paths(&source), ["file"]);
        let noted: Vec<_> =
            source.unread().iter().map(|unread| (unread.path.as_str(), unread.class)).collect();
        assert_eq!(noted, [("pipe", UnreadClass::Outside), ("socket", UnreadClass::Outside)]);

        fixture.remove("file");
        let made = Command::new("mkfifo").arg(fixture.path("file")).status().expect("mkfifo is there");
        assert!(made.success());
        assert_eq!(why(&source, "file").0, UnreadClass::Outside, "it became one after it was listed");
        assert_eq!(text(&fixture.index(), "file"), "");
    }

    #[test]
    fn a_name_that_is_not_utf8_is_shown_escaped_and_stays_readable() {
        use std::os::unix::ffi::OsStrExt;
        let fixture = Fixture::with(&[("caf\u{e9}", "utf-8")]);
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
        std::fs::write(fixture.root().join(name), "latin-1").expect("this file system takes any bytes");
        fixture.git(&["add", "-A"]);
        for source in [fixture.work_tree(), fixture.index()] {
            assert_eq!(paths(&source), ["caf\u{e9}", "caf\\xe9"]);
            assert_eq!(text(&source, "caf\\xe9"), "latin-1");
            assert_eq!(text(&source, "caf\u{e9}"), "utf-8");
        }
        assert_eq!(changed(&fixture.index()), ["caf\\xe9"]);
    }

    #[test]
    fn a_mode_is_what_the_file_system_says() {
        let fixture = Fixture::with(&[("run.sh", "")]);
        std::fs::set_permissions(fixture.path("run.sh"), std::fs::Permissions::from_mode(0o755))
            .expect("set");
        assert_eq!(fixture.work_tree().files()[0].mode, Mode::Executable);
        assert_eq!(fixture.index().files()[0].mode, Mode::File);
    }

    #[test]
    fn a_folder_without_permission_is_said() {
        let fixture = Fixture::with(&[("open", "")]);
        fixture.write("shut/file", "");
        std::fs::set_permissions(fixture.path("shut"), std::fs::Permissions::from_mode(0o000)).expect("set");
        let source = fixture.work_tree();
        // The superuser may enter any folder; then the file inside must be listed instead.
        let entered = std::fs::read_dir(fixture.path("shut")).is_ok();
        std::fs::set_permissions(fixture.path("shut"), std::fs::Permissions::from_mode(0o755)).expect("set");
        if entered {
            assert_eq!(paths(&source), ["open", "shut/file"]);
        } else {
            let noted = &source.unread()[0];
            assert_eq!((noted.path.as_str(), noted.reason.as_str()), ("shut", "permission denied"));
        }
    }
}
