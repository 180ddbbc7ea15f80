use super::*;

fn refused(text: &str) -> (String, String, String) {
    let error = Config::parse("plimsoll.toml", text).expect_err("it is wrong");
    let span = error.span.expect("every error has a place");
    let place = text[span.offset()..span.offset() + span.len()].to_owned();
    (error.message, place, error.help.unwrap_or_default())
}

#[test]
fn an_error_says_what_where_and_what_to_write_instead() {
    for (text, message, place, help) in [
        ("manual = ['doc-009']", "there is no setting `manual`", "manual", "did you mean `manuals`?"),
        ("manuals = 'doc-009'", "`manuals` is a list of texts, not a string", "'doc-009'", ""),
        ("select = ['a', 3]", "`select` is a list of texts, not an integer", "3", ""),
        (
            "fail-on = 'warn'",
            "`fail-on` is error, warning, note, never, not `warn`",
            "'warn'",
            "there are error, warning, note, never",
        ),
        (
            "[severity]\nx = 'eror'",
            "`x` is error, warning, note, not `eror`",
            "'eror'",
            "did you mean `error`?",
        ),
        (
            "[environments.prodution]\nnames = []",
            "`environments` has no `prodution`",
            "prodution",
            "did you mean `production`?",
        ),
        (
            "[environments.production]\nname = []",
            "there is no setting `name`",
            "name",
            "did you mean `names`?",
        ),
        ("[per-path.'[z-a]']\nignore = ['x']", "`[z-a]` is no pattern", "'[z-a]'", "patterns are written"),
        ("[repository]\nkind = 'libary'", "`kind` is application,", "'libary'", "did you mean `library`?"),
        (
            "[sources]\n'acme/ci' = 'https://example.com/acme/ci.git'",
            "a source is a folder with a clone",
            "'https://example.com/acme/ci.git'",
            "write the name of a repository",
        ),
        ("[sources]\n'acme/ci' = '../*'", "a `*` in the folder stands for", "'../*'", "write the name"),
        ("[sources]\n'' = '../ci'", "the name of a source is empty", "'../ci'", "write the name"),
        ("[sources]\n'acme/ci' = ['../ci']", "`acme/ci` is a text, not an array", "['../ci']", ""),
        ("locked = 'x'", "`locked` is `true` or a list of texts, not a string", "'x'", ""),
        ("select = [", "", "", ""),
    ] {
        let (said, at, meant) = refused(text);
        assert!(said.starts_with(message), "{text}: {said}");
        assert!(help.is_empty() || meant.starts_with(help), "{text}: {meant}");
        assert!(place.is_empty() || at == place, "{text}: {at}");
    }
}

#[test]
fn settings_are_read_with_their_places() {
    let text = "manuals = ['doc-009']\n[parameters]\n'time_zone' = 'Europe/Vienna'\nfriday.cutoff = '14:00'\n\
                [severity]\nlong-rule = 'note'\n[per-path]\n'z/' = { ignore = ['a'] }\n'a/' = { severity = 'note' }\n";
    let config = Config::parse("plimsoll.toml", text).expect("it is right");
    assert_eq!(config.manuals[0].value, "doc-009");
    let parameters: Vec<_> = config.parameters.iter().map(|(k, v)| (k.as_str(), v.value.as_str())).collect();
    assert_eq!(parameters, [("friday.cutoff", Some("14:00")), ("time_zone", Some("Europe/Vienna"))]);
    assert_eq!(config.severity["long-rule"].value, Severity::Note);
    let globs: Vec<_> = config.per_path.iter().map(|p| p.glob.value.as_str()).collect();
    assert_eq!(globs, ["z/", "a/"], "the order is that of the file");
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        std::fs::write(path, text).expect("writable");
    }
}

#[test]
fn the_nearest_policy_counts_and_the_search_ends_at_the_root() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    write(
        root,
        &[
            ("plimsoll.toml", "select = ['outside']"),
            ("repo/.github/plimsoll.toml", "select = ['github']"),
            ("repo/py/pyproject.toml", "[project]\nname = 'x'\n[tool.plimsoll]\nselect = ['python']"),
            ("repo/other/pyproject.toml", "[project]\nname = 'plimsoll-user'"),
            ("repo/broken/pyproject.toml", "[project"),
            ("bare/x", ""),
        ],
    );
    let select = |start: &str, top: &str| {
        let config = Config::find(&root.join(start), &root.join(top)).expect("it is right");
        (config.select.iter().map(|s| s.value.clone()).collect::<Vec<_>>().join(" "), config.folder)
    };
    assert_eq!(select("repo/py", "repo"), ("python".into(), root.join("repo/py")));
    assert_eq!(select("repo/other", "repo"), ("github".into(), root.join("repo")));
    assert_eq!(select("repo/broken", "repo"), ("github".into(), root.join("repo")));
    assert_eq!(select("bare", "bare"), (String::new(), root.join("bare")));
}

#[test]
fn a_policy_extends_another_and_the_nearer_wins() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    write(
        root,
        &[
            ("base/org.toml", "manuals = ['doc-009']\nfail-on = 'note'\nlocked = ['hard']\nignore = ['a']"),
            ("plimsoll.toml", "extends = 'base/org.toml'\nfail-on = 'error'\nignore = ['b']"),
            ("circle.toml", "extends = 'square.toml'"),
            ("square.toml", "extends = './circle.toml'"),
            ("gone.toml", "extends = 'nowhere.toml'"),
            ("device.toml", "extends = '/dev/zero'"),
            ("disobey.toml", "extends = 'base/org.toml'\nignore = ['hard']"),
        ],
    );
    let config = Config::find(root, root).expect("it is right");
    assert_eq!(config.fail_on.map(|f| f.value).as_deref(), Some("error"));
    assert_eq!(config.ignore.iter().map(|i| i.value.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(config.manuals.len(), 1);
    assert_eq!(config.documents.len(), 2);
    for (file, message) in [
        ("circle.toml", "extends itself"),
        ("gone.toml", "does not exist"),
        ("device.toml", ".toml file"),
        ("disobey.toml", "`hard` is locked"),
    ] {
        let error = Config::load(&root.join(file), root).expect_err("it is wrong");
        assert!(error.message.contains(message), "{file}: {}", error.message);
        assert!(error.span.is_some(), "{file}");
    }
}

#[test]
fn every_setting_is_in_the_schema_and_is_read() {
    let schema = keys::schema();
    for key in SETTINGS {
        assert!(schema["properties"][key.name]["description"].is_string(), "{}", key.name);
        let value = match key.shape {
            keys::Shape::Text => "'x'",
            keys::Shape::Texts | keys::Shape::AllOrTexts => "['x']",
            keys::Shape::Word(words) => &format!("'{}'", words[0]),
            _ => "{}",
        };
        let text = format!("{} = {value}", key.name);
        let read = Config::parse("plimsoll.toml", &text);
        assert!(read.is_ok() || key.name == "extends", "{text}");
    }
}
