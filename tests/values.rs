//! What a team states about a credential is stated about its value: another value in its place is new.

mod common;

use common::{Repository, Said};

const APP: &str = "config/app.yaml";
const OLD: &str = concat!("Zq7", "mK2xLp");
const NEW: &str = concat!("Vt4", "nB8wRd");

fn settings(password: &str) -> String {
    format!("db:\n  host: db.example.io\n  password: \"{password}\"\n")
}

fn token(n: u32) -> String {
    format!("{}{}{n:04}", concat!("gl", "pat-"), "q7RkZpLvXwTnByHd")
}

fn check(it: &Repository) -> Said {
    it.run("check -q -f concise --select secret-in-config")
}

#[test]
fn a_new_value_in_a_known_place_is_new() {
    for (old, new) in [(settings(OLD), settings(NEW)), (settings(&token(1)), settings(&token(2)))] {
        let it = Repository::new(&[(APP, &old)]);
        assert_eq!(check(&it).code, 1);
        it.run("baseline create");
        assert_eq!(check(&it).out, "");
        it.write(APP, &new);
        assert_eq!(check(&it).out.lines().count(), 1, "{old} {new}");
        let said = it.run("check");
        assert!(said.out.contains("1 line of the baseline is stale"), "{}", said.out);
    }
}

#[test]
fn a_known_value_may_move_and_hides_no_second_one() {
    let it = Repository::new(&[(APP, &settings(OLD))]);
    it.run("baseline create");
    let known = it.read(".plimsoll/baseline");
    for moved in [
        format!("# a comment\n\n{}", settings(OLD)),
        settings(OLD).replace("db:", "database:"),
        settings(OLD).replace("  password", "    # ours\n  password"),
    ] {
        it.write(APP, &moved);
        assert_eq!(check(&it).out, "", "{moved}");
    }
    it.write(APP, &format!("{}cache:\n  password: \"{NEW}\"\n", settings(OLD)));
    assert_eq!(check(&it).out.lines().count(), 1);
    assert!(it.run("baseline update").out.contains("1 new not taken in"));
    assert_eq!(it.read(".plimsoll/baseline"), known);
    it.run("baseline update --grow");
    assert_eq!(check(&it).out, "");

    it.write(APP, "db: {}\n");
    it.write("config/other.yaml", &settings(OLD));
    assert_eq!(check(&it).out.lines().count(), 1, "a copy in another file is another defect");
}

#[test]
fn a_baseline_tells_three_digits_of_a_password_and_is_salted_for_good() {
    let it = Repository::new(&[(APP, &settings(OLD)), ("config/lab.yaml", &settings(&token(1)))]);
    it.run("baseline create");
    let first = it.read(".plimsoll/baseline");
    let line = |text: &str, path: &str| {
        let found = text.lines().find(|line| line.ends_with(path)).expect("a line").to_owned();
        found.split(' ').next().expect("a tag").to_owned()
    };
    assert_eq!((line(&first, APP).len(), line(&first, "config/lab.yaml").len()), (3, 16));
    // The same value elsewhere tells nothing more, and no second salt is ever drawn.
    it.write("config/copy.json", &format!("{{\"password\": \"{OLD}\"}}"));
    it.run("baseline update --grow");
    let second = it.read(".plimsoll/baseline");
    let salt = |text: &str| text.lines().find(|line| line.starts_with("salt ")).map(str::to_owned);
    assert!(salt(&first).is_some() && salt(&first) == salt(&second), "{second}");
    assert!(second.matches(&format!("{} ", line(&first, APP))).count() >= 1, "{second}");

    let other = Repository::new(&[(APP, &settings(OLD))]);
    other.run("baseline create");
    assert_ne!(salt(&first), salt(&other.read(".plimsoll/baseline")));

    it.write(".plimsoll/baseline", &second.replace(&salt(&second).expect("it is there"), ""));
    let said = it.run("check");
    assert!(said.code == 2 && said.plain_err().contains("its `salt` line is gone"), "{}", said.err);
    it.write(".plimsoll/baseline", &format!("{second}salt 00000000000000000000000000000000\n"));
    let said = it.run("check");
    assert!(said.code == 2 && said.plain_err().contains("this is a second salt"), "{}", said.err);
}

fn filled(draft: &str) -> String {
    let words = "justification = \"migrated next week\"\nrisk = \"low\"\ncompensating_controls = \"firewall\"\n\
                 approver = \"A. Person\"\napproved = 2020-01-01\nexpires = 2999-12-31\n";
    let kept = draft.lines().filter(|line| {
        !["justification", "risk", "compensating", "approve", "#"].iter().any(|word| line.starts_with(word))
    });
    kept.map(|line| format!("{line}\n")).chain([words.to_owned()]).collect()
}

#[test]
fn an_exception_for_a_credential_names_its_value() {
    let it = Repository::new(&[(APP, &settings(OLD))]);
    let draft = it.run("exception secret-in-config config/app.yaml");
    assert_eq!(draft.code, 0, "{}", draft.err);
    it.write(".plimsoll/exceptions.toml", &draft.out);
    let said = it.run("check");
    assert!(
        said.code == 1 && said.out.contains("EXC-1 has no effect: it lacks justification"),
        "{}",
        said.out
    );
    it.write(".plimsoll/exceptions.toml", &filled(&draft.out));
    assert_eq!(check(&it).out, "");

    it.write(APP, &settings(NEW));
    assert_eq!(check(&it).code, 1, "it was granted for another value");
    let said = it.run("check");
    assert!(said.out.contains("EXC-1 does not name every credential in its files"), "{}", said.out);

    let values =
        |text: &str| text.lines().filter(|line| !line.starts_with("values")).collect::<Vec<_>>().join("\n");
    it.write(APP, &settings(OLD));
    it.write(".plimsoll/exceptions.toml", &values(&filled(&draft.out)));
    assert_eq!(check(&it).code, 1, "a path alone accepts no credential");

    // A baseline that comes later takes the salt over.
    it.write(".plimsoll/exceptions.toml", &filled(&draft.out));
    it.write("config/lab.yaml", &settings(&token(1)));
    it.run("baseline create");
    assert_eq!(check(&it).out, "");
    let salt =
        draft.out.lines().find_map(|l| l.strip_prefix("salt = \"")).expect("a salt").trim_end_matches('"');
    assert!(it.read(".plimsoll/baseline").contains(salt));
    assert!(!it.run("exception secret-in-config config/lab.yaml").out.contains("salt"));

    for (arguments, wrong) in [
        ("exception secret-in-cofnig config/app.yaml", "secret-in-config"),
        ("exception secret-in-config .plimsoll/baseline", "finds nothing in"),
        ("exception secret-in-config config/none.yaml", "config/none.yaml"),
        ("exception secret-in-config .", "for one file"),
    ] {
        let said = it.run(arguments);
        assert!(said.code == 2 && said.plain_err().contains(wrong), "{arguments}: {}", said.err);
    }
}

#[test]
fn an_exception_for_anything_else_needs_no_value() {
    let it = Repository::new(&[(
        common::CI,
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: evil/action@0123456789abcdef0123456789abcdef01234567\n",
    )]);
    let draft = it.run(&format!("exception evil-action {}", common::CI));
    assert!(!draft.out.contains("values") && !draft.out.contains("salt"), "{}{}", draft.out, draft.err);
    it.write(".plimsoll/exceptions.toml", &filled(&draft.out));
    assert_eq!(it.run("check --select evil-action").code, 0);
}

#[test]
fn no_report_holds_a_function_of_a_value() {
    // Values of one length, so that lengths and places are equal too.
    let told = |password: &str, format: &str| {
        let it = Repository::new(&[
            (APP, &settings(password)),
            (".env", &format!("DB_PASSWORD={password}\n")),
            ("src/app.py", &format!("import db\npassword = '{password}'\n")),
        ]);
        // The summary says how long it took.
        let said = it.run(&format!("check --show all -v -f {format}")).out;
        said.lines().filter(|line| !line.ends_with(" s")).map(|line| format!("{line}\n")).collect::<String>()
    };
    for format in ["full", "concise", "json", "sarif"] {
        assert_eq!(told(OLD, format), told(NEW, format), "{format}");
        assert!(told(OLD, format).contains(APP), "{format}");
    }
}
