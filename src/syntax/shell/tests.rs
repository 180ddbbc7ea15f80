use super::*;
use crate::text::FileId;
use proptest::prelude::*;

fn script(text: &str) -> Script {
    parse(&Passage::contiguous(FileId(0), text, 0))
}

/// Every program that runs, with what loses its failure and the words that do so.
fn programs(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for command in &script(text).commands {
        for e in command.effective() {
            let how =
                e.tolerated.map(|t| format!(" {:?} `{}`", t.how, &text[t.span.range()])).unwrap_or_default();
            let place = e.remote.map(|r| format!("@{r}")).unwrap_or_default();
            let container = e.container.map(|c| format!("%{c}")).unwrap_or_default();
            out.push(format!("{}{place}{container}{how}", e.program));
        }
    }
    out
}

#[test]
fn what_loses_a_failure() {
    for (text, expected) in [
        ("pytest || true", vec!["pytest OrTrue `|| true`", "true"]),
        ("pytest ||\n  :", vec!["pytest OrTrue `||\n  :`", ":"]),
        ("pytest || exit 0", vec!["pytest OrTrue `|| exit 0`", "exit"]),
        ("pytest || exit 1", vec!["pytest", "exit"]),
        ("pytest || exit", vec!["pytest", "exit"]),
        ("pytest || false", vec!["pytest", "false"]),
        ("f() { pytest || return 1; }", vec!["pytest", "return"]),
        ("pytest || { echo broken; exit 1; }", vec!["pytest", "echo", "exit"]),
        ("pytest || { echo broken; }", vec!["pytest OrOther `|| { echo broken; }`", "echo"]),
        ("pytest || echo failed", vec!["pytest OrOther `|| echo failed`", "echo"]),
        ("pytest || echo failed && exit 1", vec!["pytest", "echo", "exit"]),
        ("pytest || die \"no\"", vec!["pytest", "die"]),
        ("stop() { exit 3; }\npytest || stop", vec!["exit", "pytest", "stop"]),
        ("a && b || true", vec!["a OrTrue `|| true`", "b OrTrue `|| true`", "true"]),
        ("a || b || true", vec!["a OrTrue `|| b || true`", "b OrTrue `|| true`", "true"]),
        ("{ a; b; } || true", vec!["a OrTrue `|| true`", "b OrTrue `|| true`", "true"]),
        ("pytest; true", vec!["pytest ThenTrue `true`", "true"]),
        ("set -e\npytest; true", vec!["set", "pytest", "true"]),
        ("pytest\ntrue", vec!["pytest", "true"]),
        ("if pytest; then echo ok; fi", vec!["pytest Condition `pytest`", "echo"]),
        ("while ! curl x; do sleep 1; done", vec!["curl Condition `! curl x`", "sleep"]),
        ("set +e\npytest\nset -e", vec!["set", "pytest SetPlusE `set +e`", "set"]),
        (
            "set +e\nrun() {\n  lint\n  pytest\n}\nrun",
            vec!["set", "lint SetPlusE `set +e`", "pytest", "run SetPlusE `set +e`"],
        ),
        ("set +e\npytest\nrc=$?\nset -e\nexit $rc", vec!["set", "pytest", "set", "exit"]),
        (
            "set +e; pytest; if [ $? -ne 0 ]; then exit 1; fi",
            vec!["set", "pytest", "[ Condition `[ $? -ne 0 ]`", "exit"],
        ),
        ("rc=0\npytest || rc=$?\nexit $rc", vec!["pytest", "exit"]),
        ("pytest | tee log", vec!["pytest PipeMasked `| tee log`", "tee"]),
        ("set -o pipefail\npytest | tee log", vec!["set", "pytest", "tee"]),
        ("set -euo pipefail; pytest | tee log", vec!["set", "pytest", "tee"]),
        ("#!/bin/bash -eo pipefail\npytest | tee log", vec!["pytest", "tee"]),
        (
            "pytest 2>&1 | tee log || true",
            vec!["pytest PipeMasked `| tee log`", "tee OrTrue `|| true`", "true"],
        ),
        ("server & pytest", vec!["server Background `&`", "pytest"]),
        ("pytest &\nwait $!", vec!["pytest", "wait"]),
        ("pytest && echo ok\necho done", vec!["pytest AndList `&& echo ok`", "echo", "echo"]),
        ("pytest && echo ok", vec!["pytest", "echo"]),
        ("[ -f x ] && rm x\necho", vec!["[ Condition `[ -f x ]`", "rm", "echo"]),
        ("(set +e; pytest); make", vec!["set", "pytest SetPlusE `set +e`", "make"]),
        ("cat <<EOF || true\npytest || true\nEOF\nmake", vec!["cat OrTrue `|| true`", "true", "make"]),
        (
            "while read x; do\n  a\ndone <<< \"$y\"\nbash <<< 'b || true'",
            vec!["read Condition `read x`", "a", "b OrTrue `|| true`", "true"],
        ),
        ("x=$(git describe || true)", vec!["git OrTrue `|| true`", "true"]),
    ] {
        assert_eq!(programs(text), expected, "{text}");
    }
}

#[test]
fn wrappers_are_taken_off() {
    for (text, expected) in [
        ("time -p sudo -E env A=b npm publish", vec!["npm"]),
        ("sudo -u deploy -- kubectl apply -f x", vec!["kubectl"]),
        ("nohup nice -n 5 timeout -k 5 10m ./run.sh", vec!["run.sh"]),
        ("bash -c 'a && b || true'", vec!["a OrTrue `|| true`", "b OrTrue `|| true`", "true"]),
        ("sh -lc \"cd x; \\\"make\\\" test\"", vec!["cd", "make"]),
        ("bash -euo pipefail -c 'pytest | tee x'", vec!["pytest", "tee"]),
        ("bash -c 'pytest' || true", vec!["pytest OrTrue `|| true`", "true"]),
        ("bash script.sh", vec!["bash"]),
        ("docker run --rm app pytest", vec!["docker"]),
        ("docker compose -f x.yml run --rm web pytest -q", vec!["docker", "pytest%web"]),
        ("docker exec -it db psql -c 'drop'", vec!["docker", "psql%db"]),
        ("ssh -i key deploy@prod 'cd /srv && git pull'", vec!["ssh", "cd@deploy@prod", "git@deploy@prod"]),
        ("ssh $HOST sudo systemctl restart app", vec!["ssh", "systemctl@$HOST"]),
        ("ssh host <<'EOF'\nrm -rf /srv\nEOF\nls", vec!["ssh", "rm@host", "ls"]),
        ("ssh host bash -s <<EOF && next\nrm -rf /srv\nEOF", vec!["ssh", "rm@host", "next"]),
        ("kubectl -n prod exec -it pod/api -- rails db:migrate", vec!["kubectl", "rails@pod/api"]),
        ("kubectl apply -f x", vec!["kubectl"]),
        ("npx -y jest --ci", vec!["jest"]),
        ("pnpm exec playwright test", vec!["playwright"]),
        ("poetry run pytest", vec!["pytest"]),
        ("uv run --with x pytest", vec!["pytest"]),
        ("python3 -m pytest -q", vec!["pytest"]),
        ("bundle exec rspec", vec!["rspec"]),
        ("dotenv -e .env.prod -- node x.js", vec!["node"]),
        ("doppler run -p x -- aws-vault exec prod -- terraform apply", vec!["terraform"]),
        ("chamber exec svc -- ./vendor/bin/phpunit", vec!["phpunit"]),
        ("command -v docker", vec!["command"]),
        ("find . | xargs -n 1 rm -f", vec!["find PipeMasked `| xargs -n 1 rm -f`", "rm"]),
        ("eval \"make test\"", vec!["make"]),
        ("env", vec!["env"]),
        ("\"$DIR/bin/deploy.exe\" x", vec!["deploy"]),
        ("bash -c 'bash -c \"bash -c \\\"x\\\"\"'", vec!["x"]),
    ] {
        assert_eq!(programs(text), expected, "{text}");
    }
}

#[test]
fn words_lose_their_quotes_and_keep_their_expansions() {
    let text = "FOO=a B=\"$x y\" run 'it''s' \"a \\\"b\\\" ${X:-y}\" ${{ secrets.X == 'a b' }} $'a\\nb' a\\ b << parameters.env >> x{1,2} {{ .Values.x }} \"$(cat <<E\ndon't\nE\n)\" `date` 2>&1 >/tmp/$y";
    let s = script(text);
    assert!(!s.errors && s.complete);
    let c = &s.commands[0];
    let words: Vec<(&str, bool)> = c.words.iter().map(|w| (w.text.as_str(), w.literal)).collect();
    assert_eq!(
        words,
        [
            ("run", true),
            ("its", true),
            ("a \"b\" ${X:-y}", false),
            ("${{ secrets.X == 'a b' }}", false),
            ("a\nb", true),
            ("a b", true),
            ("<< parameters.env >>", false),
            ("x{1,2}", true),
            ("{{ .Values.x }}", false),
            ("$(cat <<E\ndon't\nE\n)", false),
            ("`date`", false),
        ]
    );
    assert_eq!(&text[c.words[2].span.range()], "\"a \\\"b\\\" ${X:-y}\"");
    let assigned: Vec<_> = c.assignments.iter().map(|(n, w)| (n.as_str(), w.text.as_str())).collect();
    assert_eq!(assigned, [("FOO", "a"), ("B", "$x y")]);
    let redirects: Vec<_> =
        c.redirects.iter().map(|r| (r.operator.as_str(), r.target.text.as_str())).collect();
    assert_eq!(redirects, [("2>&", "1"), (">", "/tmp/$y")]);
    let inner: Vec<_> = s.commands[1..].iter().map(|c| (c.name(), c.in_substitution)).collect();
    assert_eq!(inner, [(Some("cat"), true), (Some("date"), true)]);
}

#[test]
fn a_command_knows_the_tests_that_guard_it() {
    let text = "if [ \"$E\" = prod ]; then a; elif b; then c; else d; fi\ncase $E in\n stage|dev) e ;;\n *) f ;;\nesac\n[[ $X == y && -z $Z ]] && g || h\nfor i in 1 2; do if x; then (j); fi; done";
    let s = script(text);
    assert!(!s.errors);
    let guards = |name: &str| -> Vec<String> {
        let c = s.commands.iter().find(|c| c.name() == Some(name)).expect("present");
        c.conditions.iter().map(|c| format!("{}{}", if c.negated { "not " } else { "" }, c.text)).collect()
    };
    assert_eq!(guards("a"), ["[ \"$E\" = prod ]"]);
    assert_eq!(guards("c"), ["not [ \"$E\" = prod ]", "b"]);
    assert_eq!(guards("d"), ["not [ \"$E\" = prod ]", "not b"]);
    assert_eq!(guards("e"), ["$E in stage|dev"]);
    assert_eq!(guards("f"), ["$E in *"]);
    assert_eq!(guards("g"), ["[[ $X == y && -z $Z ]]"]);
    assert_eq!(guards("j"), ["x"]);
    assert_eq!(s.commands.iter().find(|c| c.name() == Some("j")).map(|c| c.subshell), Some(1));
}

#[test]
fn options_and_arguments_are_found() {
    let s = script("kubectl --context=prod -n web -f- rollout undo deploy/x --to-revision 3 -rf -- -y");
    let e = &s.commands[0].effective()[0];
    let value = |names: &[&str]| e.flag(names).flatten().map(|w| w.text);
    assert_eq!(value(&["--context"]).as_deref(), Some("prod"));
    assert_eq!(value(&["-n", "--namespace"]).as_deref(), Some("web"));
    assert_eq!(value(&["-f"]).as_deref(), Some("-"));
    assert_eq!(value(&["--to-revision"]).as_deref(), Some("3"));
    assert!(e.has_flag(&["-r"]) && !e.has_flag(&["-y"]) && e.flag(&["--none"]).is_none());
    assert_eq!(e.subcommand(&["-n"], 2), ["rollout", "undo"]);
}

#[test]
fn variables_of_the_text_are_put_in() {
    let s = script(
        "E=prod\nexport H=web-$E.example.com\nfor r in us eu; do ssh $H ${r} \"${S:-none}\" $1 ${A[@]}; done\nA=(x\n y # note\n)",
    );
    let c = s.commands.iter().find(|c| c.name() == Some("ssh")).expect("ssh");
    let meanings: Vec<Vec<String>> = c.words[1..].iter().map(|w| s.expand(w)).collect();
    assert_eq!(meanings[0], ["web-prod.example.com"]);
    assert_eq!(meanings[1], ["eu", "us"]);
    assert_eq!(meanings[2], ["none"]);
    assert_eq!(meanings[3], ["$1"]);
    assert_eq!(meanings[4], ["x", "y"]);
    assert!(!s.errors);
}

#[test]
fn crlf_gives_the_same_commands() {
    let text = "set -e\nif a; then\n  b \\\n    --x || true\nfi\nssh h <<EOF\nrm x\nEOF\nc\n";
    let crlf = text.replace('\n', "\r\n");
    let names = |s: &Script| -> Vec<Vec<String>> {
        s.commands.iter().map(|c| c.words.iter().map(|w| w.text.clone()).collect()).collect()
    };
    let (unix, dos) = (script(text), script(&crlf));
    assert_eq!(names(&unix), names(&dos));
    assert!(!dos.errors);
    assert_eq!(&crlf[dos.commands[2].span.range()], "b \\\r\n    --x");
    assert_eq!(unix.commands.len(), 6);
}

#[test]
fn spans_of_a_nested_script_point_into_the_file() {
    let text = "ssh h \"cd \\\"/srv\\\" && make deploy || true\"";
    let c = script(text).commands;
    let make = c[0].effective().into_iter().find(|e| e.program == "make").expect("make");
    assert_eq!(&text[make.span.range()], "make deploy");
    assert_eq!(make.tolerated.map(|t| &text[t.span.range()]), Some("|| true"));
}

#[test]
fn parsing_goes_on_after_an_error() {
    for text in [
        "echo 'abc\npytest || true\n",
        "fi\npytest || true",
        "if a; then\npytest || true",
        "x )\npytest || true",
        "cat <<EOF\nabc",
        "a; ;; b\npytest || true",
        "foo(bar)\npytest || true",
    ] {
        let s = script(text);
        assert!(s.errors, "{text}");
        let found = s.commands.iter().any(|c| c.name() == Some("pytest") && c.tolerated.is_some());
        assert!(found || text.starts_with("cat"), "{text}");
    }
}

#[test]
fn hostile_text_ends_soon_and_without_a_crash() {
    let cases = [
        "(".repeat(100_000),
        "$(".repeat(50_000),
        "`".repeat(100_001),
        "${".repeat(50_000),
        "((".repeat(50_000),
        "[[ ".repeat(50_000),
        "{ ".repeat(50_000),
        "! ".repeat(50_000),
        "f() ".repeat(50_000),
        "if a; then ".repeat(500) + &"fi;".repeat(500),
        "echo 'abc\n".repeat(20_001),
        "echo \"abc\n".repeat(20_001),
        "echo \"$(abc\n".repeat(20_001),
        "cat <<EOF\nabc\n".repeat(20_000),
        format!("echo {}", "a".repeat(1_000_000)),
        "a && ".repeat(100_000),
        "a || ".repeat(100_000),
        "a | ".repeat(100_000),
        "case x in a) ".repeat(20_000),
        "\"".repeat(100_001),
        "a\0b; \0 c".into(),
        "V=$V$V$V$V$V$V$V$V;".repeat(2000),
    ];
    for text in cases {
        let text: &'static str = Box::leak(text.into_boxed_str());
        // The stack of a reader thread.
        let s = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
            let s = script(text);
            for word in s.commands.iter().take(50).flat_map(|c| &c.words).take(50) {
                s.expand(word);
            }
            s.commands.iter().take(50).for_each(|c| drop(c.effective()));
        });
        s.expect("thread").join().expect("no panic");
    }
    assert!(!script(&"a ".repeat(600_000)).complete);
    assert!(!script(&"(".repeat(500)).complete);
}

#[test]
fn powershell_lines_become_commands() {
    let text = "# note\r\nRemove-Item 'a b' -ErrorAction SilentlyContinue; npm `\r\n  test\r\nif ($x) { docker push \"img:$tag\" }";
    let s = parse_lines(&Passage::contiguous(FileId(0), text, 0));
    let got: Vec<_> =
        s.commands.iter().map(|c| (c.name().unwrap_or(""), c.words.len(), c.tolerated.is_some())).collect();
    assert_eq!(got, [("Remove-Item", 4, true), ("npm", 2, false), ("if", 2, false), ("docker", 3, false)]);
    assert_eq!(&text[s.commands[1].span.range()], "npm `\r\n  test");
    let s = parse_lines(&Passage::contiguous(FileId(0), "docker push img:${{ github.sha }}-x ${{ open", 0));
    let words: Vec<&str> = s.commands[0].words.iter().map(|w| w.text.as_str()).collect();
    assert_eq!(words[2], "img:${{ github.sha }}-x");
}

fn spans_are_sound(text: &str, s: &Script) {
    let sound = |span: Span| assert!(text.get(span.range()).is_some(), "{span:?} in {text:?}");
    for c in &s.commands {
        sound(c.span);
        c.words.iter().chain(c.assignments.iter().map(|(_, w)| w)).for_each(|w| sound(w.span));
        c.tolerated.iter().for_each(|t| sound(t.span));
        c.conditions.iter().for_each(|t| sound(t.span));
        for e in c.effective() {
            sound(e.span);
            sound(e.program_span);
            e.tolerated.iter().for_each(|t| sound(t.span));
            e.args.iter().for_each(|w| sound(w.span));
            for flag in ["-x", "--y", "-"] {
                e.flag(&[flag]).flatten().iter().for_each(|w| sound(w.span));
            }
        }
        c.words.iter().for_each(|w| drop(s.expand(w)));
    }
    s.functions.iter().for_each(|f| sound(f.1));
}

const TOKENS: &[&str] = &[
    "if ",
    "then ",
    "fi",
    "else ",
    "while ",
    "do ",
    "done",
    "case x in ",
    ") ",
    "esac",
    "{ ",
    "}",
    "(",
    ")",
    "((",
    "))",
    "[[ ",
    " ]]",
    "$(",
    "${",
    "${{",
    "}}",
    "`",
    "'",
    "\"",
    "\\",
    "\n",
    "\r\n",
    ";",
    ";;",
    "&",
    "&&",
    "|",
    "||",
    "<<EOF",
    "EOF\n",
    "<",
    ">",
    "2>&1",
    "a",
    "é",
    "😀",
    "$x",
    "X=",
    "bash -c ",
    "ssh h ",
    "kubectl exec p -- ",
    "set +e\n",
    "f()",
    "function g ",
    "#",
    " ",
    "{{",
    "$'",
    "\t",
    "<<<",
    "=(",
    "-xé",
    "$?",
];

proptest! {
    #[test]
    fn no_text_makes_it_panic(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..40)) {
        let text = tokens.concat();
        spans_are_sound(&text, &script(&text));
        spans_are_sound(&text, &parse_lines(&Passage::contiguous(FileId(0), &text, 0)));
    }

    #[test]
    fn no_characters_make_it_panic(text in any::<String>()) {
        spans_are_sound(&text, &script(&text));
        spans_are_sound(&text, &parse_lines(&Passage::contiguous(FileId(0), &text, 0)));
    }
}

#[test]
fn what_a_group_prints_goes_where_the_group_is_redirected() {
    let script = script("{ a; b > own; } >> all 2>&1\nfor x in 1; do c; done 2> errors\nd");
    let outputs: Vec<Vec<&str>> = script
        .commands
        .iter()
        .map(|c| c.redirects.iter().map(|r| r.target.text.as_str()).collect())
        .collect();
    assert_eq!(outputs, [vec!["all"], vec!["own"], vec![], vec![]]);
}
