//! Hostile input is normal input: the run goes on, and what was not read is named with class and reason.

use plimsoll::policy::{Policy, Stock};
use plimsoll::report::Report;
use plimsoll::source::{MemoryFile, Target, UnreadClass};
use plimsoll::{Options, audit};
use std::path::Path;

const WORKFLOW: &str = ".github/workflows/ci.yml";
const GOOD: &str =
    "on: push\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: npm test || true\n";

fn run(target: &Target) -> Report {
    let policy = Policy::core(&Stock::builtin(plimsoll::checks::names()));
    let today = "2026-01-15".parse().expect("a day");
    audit(target, &policy, today, &Options::default()).expect("hostile content stops no run")
}

fn memory(files: Vec<(&str, Vec<u8>)>) -> Report {
    let file = |(path, bytes): (&str, Vec<u8>)| MemoryFile {
        path: path.to_owned(),
        bytes,
        tracked: true,
        ..MemoryFile::default()
    };
    run(&Target::Memory { files: files.into_iter().map(file).collect(), git: None })
}

fn folder(path: &Path) -> Report {
    run(&Target::WorkTree { root: path.to_owned(), paths: Vec::new() })
}

fn classes(report: &Report, path: &str) -> Vec<UnreadClass> {
    report.unread.iter().filter(|u| u.path == path).map(|u| u.class).collect()
}

#[test]
fn bombs_are_listed_and_their_neighbours_are_read() {
    let alias: String = (0..9).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, i| {
        let row = vec![format!("*a{i}"); 9].join(", ");
        text + &format!("a{}: &a{} [{row}]\n", i + 1, i + 1)
    });
    for (name, bytes) in [
        ("flow sequences", format!("on: push\njobs: {}", "[".repeat(200_000)).into_bytes()),
        ("block sequences", format!("on: push\njobs:\n{}x", "- ".repeat(50_000)).into_bytes()),
        ("complex keys", format!("on: push\n{}", "? ".repeat(20_000)).into_bytes()),
        ("a key that never ends", format!("on: push\njobs: {{{}", "a: {".repeat(100_000)).into_bytes()),
        ("NUL bytes", b"on: push\njobs:\0\n".to_vec()),
        ("no YAML", b"\tjobs: [}\n: :".to_vec()),
    ] {
        let report = memory(vec![(WORKFLOW, bytes), (".github/workflows/good.yml", GOOD.into())]);
        assert_eq!(classes(&report, WORKFLOW), [UnreadClass::Unparsed], "{name}");
        assert!(report.unread.iter().all(|u| !u.reason.is_empty()));
        assert!(classes(&report, ".github/workflows/good.yml").is_empty(), "{name}");
        assert!(report.files.read >= 1, "{name}");
    }
    let report = memory(vec![(WORKFLOW, format!("{alias}on: push\njobs: {{}}\n").into_bytes())]);
    assert_eq!(classes(&report, WORKFLOW), [], "aliases are followed, never expanded");
}

#[test]
fn deep_shell_docker_make_and_json_text_stops_nothing() {
    let step = |script: &str| {
        let script: String = script.lines().map(|l| format!("          {l}\n")).collect();
        format!("on: push\njobs:\n  t:\n    runs-on: x\n    steps:\n      - run: |\n{script}")
    };
    let nested_if = format!("{}\ntrue\n{}", "if true; then\n".repeat(500), "fi\n".repeat(500));
    let report = memory(vec![
        (WORKFLOW, step(&"(".repeat(50_000)).into_bytes()),
        (".github/workflows/b.yml", step(&nested_if).into_bytes()),
        (".github/workflows/c.yml", step(&"$(".repeat(20_000)).into_bytes()),
        ("scripts/a.sh", format!("cat <<EOF\n{}", "x\n".repeat(1000)).into_bytes()),
        ("scripts/b.sh", "`".repeat(100_000).into_bytes()),
        (
            "Dockerfile",
            format!("FROM a\nRUN <<E\n{}\nONBUILD {}", "x", "ONBUILD ".repeat(10_000)).into_bytes(),
        ),
        ("Makefile", format!("a:\n\t{}\n", "$(call ".repeat(50_000)).into_bytes()),
        ("package.json", "[".repeat(100_000).into_bytes()),
        ("config/app.toml", format!("a = {}", "[".repeat(100_000)).into_bytes()),
        (".env", "A=\"".repeat(10_000).into_bytes()),
        ("README.md", format!("{}x\n```", "> ".repeat(50_000)).into_bytes()),
    ]);
    assert!(report.rules.iter().all(|r| !r.crashed));
    assert!(!report.unread.iter().any(|u| u.reason.contains("plimsoll failed")), "{:?}", report.unread);
}

/// What stands inside itself `depth` times.
fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn deep_infrastructure_stops_nothing() {
    const DEEP: usize = 20_000;
    let hcl = [
        nested("(", "1", ")", DEEP),
        nested("[", "1", "]", DEEP),
        nested("{a = ", "1", "}", DEEP),
        nested("\"${", "var.a", "}\"", DEEP),
        nested("f(", "1", ")", DEEP),
        nested("true ? ", "1", " : 2", DEEP),
        nested("!", "true", "", DEEP),
        nested("a[", "0", "]", DEEP),
        nested("[for x in ", "y", " : x]", DEEP),
    ];
    let hcl: String = hcl.iter().enumerate().map(|(i, e)| format!("locals {{\n  a{i} = {e}\n}}\n")).collect();
    let blocks = format!("resource \"a\" \"b\" {{\n{}\n}}\n", nested("x {\n", "y = local.a0", "\n}\n", DEEP));
    let chain: String = (0..2_000).map(|i| format!("  c{i} = local.c{}\n", i + 1)).collect();
    let manifest =
        |body: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: a }}\ndata:\n{body}");
    let helm = [
        manifest(&format!("  a: {{{{ {} }}}}\n", nested("(", ".Values.a", ")", DEEP))),
        manifest(&format!("  a: 1\n{}\n", nested("{{ if .Values.a }}\n", "  b: 1\n", "{{ end }}\n", DEEP))),
        manifest(&format!("  a: 1\n{{{{ if .Values.a }}}}{}\n", "{{ else if .Values.b }}\n".repeat(DEEP))),
        manifest(&format!(
            "  a: 1\n{}\n",
            nested("{{ range .Values.l }}\n", "  b: {{ . }}\n", "{{ end }}\n", DEEP)
        )),
        manifest("  a: {{ include \"self\" . }}\n{{ include \"self\" . | nindent 2 }}\n"),
    ];
    let helper = format!(
        "{{{{ define \"self\" }}}}{{{{ include \"self\" . }}}}{{{{ include \"self\" . }}}}{{{{ end }}}}\n{}",
        nested("{{ define \"x\" }}", "", "{{ end }}", DEEP)
    );
    let sub = nested("!Sub [\"${A}\", {A: ", "x", "}]", 100);
    let conditions: String =
        (0..500).map(|i| format!("  C{i}: !And [!Condition C{0}, !Condition C{0}]\n", i + 1)).collect();
    let cloud = format!(
        "AWSTemplateFormatVersion: '2010-09-09'\nConditions:\n{conditions}Resources:\n  A:\n    Type: AWS::S3::Bucket\n    Condition: C0\n    Properties:\n      BucketName: {sub}\n"
    );
    let blocks_of_tasks: String = (0..120)
        .map(|i| format!("{0}- block:\n", "    ".repeat(i)))
        .chain([format!("{}- shell: echo\n", "    ".repeat(120))])
        .collect();
    let overlay = |next: usize| format!("resources: [../o{next}, ../o{next}/]\ncommonLabels: {{a: b}}\n");
    let overlays: Vec<(String, String)> =
        (0..200).map(|i| (format!("k/o{i}/kustomization.yaml"), overlay(i + 1))).collect();
    let calls = |next: usize| -> String {
        (0..40).map(|i| format!("module \"m{i}\" {{\n  source = \"../m{next}\"\n}}\n")).collect()
    };
    let modules: Vec<(String, String)> = (0..9).map(|i| (format!("tf/m{i}/main.tf"), calls(i + 1))).collect();
    let mut files: Vec<(&str, Vec<u8>)> = vec![
        ("tf/main.tf", (hcl + &blocks).into_bytes()),
        (
            "tf/locals.tf",
            format!("locals {{\n{chain}}}\nresource \"a\" \"c\" {{\n  a = local.c0\n}}\n").into(),
        ),
        ("tf/m9/main.tf", b"variable \"a\" {}\n".to_vec()),
        ("chart/Chart.yaml", b"apiVersion: v2\nname: a\nversion: 1.0.0\n".to_vec()),
        ("chart/values.yaml", b"a: true\nl: [1, 2, 3]\n".to_vec()),
        ("chart/templates/_helpers.tpl", helper.into_bytes()),
        ("cloudformation/template.yaml", cloud.into_bytes()),
        ("ansible/playbook.yml", format!("- hosts: all\n  tasks:\n{blocks_of_tasks}").into_bytes()),
        ("nginx/nginx.conf", nested("http { ", "listen 80;", " }", DEEP).into_bytes()),
        ("db/migrations/V1__a.sql", format!("SELECT {};", nested("(", "1", ")", DEEP)).into_bytes()),
        ("db/migrations/V2__a.sql", nested("/* ", "x", " */", DEEP).into_bytes()),
        ("db/migrations/V3__a.sql", nested("BEGIN IF 1=1 ", "SELECT 1;", " END;", DEEP).into_bytes()),
        ("db/migrations/V4__a.sql", nested("CASE WHEN ", "1", " THEN 2 END", DEEP).into_bytes()),
        ("fly.toml", nested("[", "a", "]", DEEP).into_bytes()),
        ("serverless.yml", format!("service: a\nfunctions: {}", nested("{a: ", "1", "}", DEEP)).into_bytes()),
        ("render.yaml", format!("services: {}", nested("[", "1", "]", DEEP)).into_bytes()),
    ];
    let names: Vec<String> = (0..helm.len()).map(|i| format!("chart/templates/t{i}.yaml")).collect();
    files.extend(names.iter().map(String::as_str).zip(helm.iter().map(|t| t.clone().into_bytes())));
    files.extend(
        overlays.iter().chain(&modules).map(|(path, text)| (path.as_str(), text.clone().into_bytes())),
    );
    let report = memory(files);
    assert!(report.rules.iter().all(|r| !r.crashed));
    assert!(!report.unread.iter().any(|u| u.reason.contains("plimsoll failed")), "{:?}", report.unread);
    // What is too deep for its reader is named; what is only long is read.
    assert!(report.unread.iter().all(|u| !u.reason.is_empty()));
    assert!(report.files.read >= 200, "{}", report.files.read);
}

#[test]
fn encodings_and_line_ends_do_not_change_what_is_found() {
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(GOOD.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let found = |bytes: Vec<u8>| {
        let report = memory(vec![(WORKFLOW, bytes)]);
        let key = |s: &plimsoll::dispositions::Settled| {
            let q = &s.quoted;
            (q.finding.rule.clone(), q.quote.start.line, q.quote.start.column, q.fingerprint.clone())
        };
        report.findings.iter().map(key).collect::<Vec<_>>()
    };
    let plain = found(GOOD.into());
    assert!(!plain.is_empty(), "a test whose failure is ignored is found");
    for (name, bytes) in [
        ("CR LF", GOOD.replace('\n', "\r\n").into_bytes()),
        ("byte order mark", [b"\xef\xbb\xbf", GOOD.as_bytes()].concat()),
        ("UTF-16", utf16),
    ] {
        assert_eq!(found(bytes), plain, "{name}");
    }
    let report = memory(vec![(WORKFLOW, [GOOD.as_bytes(), b"# \xff\n"].concat())]);
    assert_eq!(classes(&report, WORKFLOW), [UnreadClass::Partly]);
    assert_eq!(report.findings.len(), plain.len(), "invalid bytes elsewhere hide nothing");
}

#[test]
fn a_blank_line_above_moves_lines_but_no_fingerprint() {
    let found = |text: String| {
        let report = memory(vec![(WORKFLOW, text.into_bytes())]);
        report
            .findings
            .into_iter()
            .map(|s| (s.quoted.fingerprint, s.quoted.quote.start.line))
            .collect::<Vec<_>>()
    };
    let (before, after) = (found(GOOD.to_owned()), found(format!("\n{GOOD}")));
    assert!(!before.is_empty());
    for (a, b) in before.iter().zip(&after) {
        assert_eq!((&a.0, a.1 + 1), (&b.0, b.1));
    }
}

#[test]
#[cfg(unix)]
fn what_is_no_file_is_never_opened() {
    use std::os::unix::ffi::OsStrExt as _;
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    std::fs::create_dir_all(root.join(".github/workflows")).expect("writable");
    std::fs::write(root.join(WORKFLOW), GOOD).expect("writable");
    let fifo = std::process::Command::new("mkfifo").arg(root.join(".env")).status().expect("mkfifo exists");
    assert!(fifo.success());
    std::os::unix::fs::symlink("loop", root.join("loop")).expect("links");
    std::os::unix::fs::symlink("..", root.join("up")).expect("links");
    std::os::unix::fs::symlink("/etc/passwd", root.join("secrets.env")).expect("links");
    std::os::unix::fs::symlink("nowhere", root.join("Dockerfile")).expect("links");
    std::fs::write(root.join(std::ffi::OsStr::from_bytes(b"na\xffme.sh")), "echo\n").expect("any name");
    let report = folder(root);
    assert_eq!(classes(&report, ".env"), [UnreadClass::Outside]);
    assert!(report.findings.iter().any(|s| s.quoted.quote.path == WORKFLOW));
}

#[test]
fn a_line_that_never_ends_is_scanned_and_named() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("app.min.js"), "a=1;".repeat(5 << 20)).expect("20 MB");
    std::fs::write(
        dir.path().join("docker-compose.yml"),
        format!("services: {{{}", "a: 1, ".repeat(2 << 20)),
    )
    .expect("12 MB");
    let report = folder(dir.path());
    assert_eq!(classes(&report, "docker-compose.yml"), [UnreadClass::TooLarge]);
    assert!(classes(&report, "app.min.js").is_empty());
    assert_eq!(report.files.scanned, 1);
}

#[test]
fn nothing_is_listed_twice() {
    let report = memory(vec![(WORKFLOW, b"\tno: [}".to_vec()), ("a.sh", b"echo \xff\n".to_vec())]);
    let mut seen: Vec<_> = report.unread.clone();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), report.unread.len());
}
