//! What holds for every input: real-looking files, the examples of all rules, and what mutation makes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use plimsoll::facts::{KINDS, Repository};
use plimsoll::finding::Verdict;
use plimsoll::lexicon::Lexicon;
use plimsoll::parameters::Parameters;
use plimsoll::policy::{Policy, Stock};
use plimsoll::report::{FORMATS, Report, Show, Style};
use plimsoll::rule::{Catalog, Rule, builtin_heads, builtin_tail, load, load_examples};
use plimsoll::source::{self, MemoryFile, Source, Target};
use plimsoll::text::{Span, decode};
use plimsoll::{Options, audit, checks, judge};
use proptest::prelude::*;

/// The files of an example, and where it is from.
struct Seed {
    name: String,
    files: Vec<MemoryFile>,
}

fn rules() -> Vec<Rule> {
    let names = checks::names();
    builtin_heads()
        .map(|head| load(head.path, head.text, &names).expect("built-in rules are right"))
        .collect()
}

/// Every example of every rule.
fn seeds() -> &'static [Seed] {
    static SEEDS: OnceLock<Vec<Seed>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let mut seeds = Vec::new();
        for rule in rules() {
            let tail = builtin_tail(&rule.path).expect("every rule file has a tail");
            for example in load_examples(&rule.path, tail).expect("built-in examples are right") {
                let files = example.files.into_iter().map(|f| f.file).collect();
                seeds.push(Seed { name: format!("{}: {}", rule.id, example.name), files });
            }
        }
        seeds
    })
}

fn memory(files: Vec<MemoryFile>) -> Target {
    Target::Memory { files, git: None }
}

/// A policy with every rule on.
fn policy() -> Policy {
    let mut policy = Policy::core(&Stock::builtin(checks::names()));
    policy.catalog = Catalog::new(rules());
    policy
}

fn report(files: Vec<MemoryFile>, policy: &Policy, jobs: usize) -> Report {
    let today = "2026-01-15".parse().expect("a day");
    let options = Options { jobs, ..Options::default() };
    audit(&memory(files), policy, today, &options).expect("memory can always be opened")
}

/// Whether a span lies in its file, on char boundaries.
struct Texts<'a> {
    source: &'a Source,
    texts: BTreeMap<u32, Option<String>>,
}

impl Texts<'_> {
    fn complaint(&mut self, what: &str, span: Span) -> Option<String> {
        if span.file.0 as usize >= self.source.files().len() {
            return Some(format!("{what} lies in no file"));
        }
        let text = self.texts.entry(span.file.0).or_insert_with(|| {
            let bytes = self.source.read(span.file, u64::MAX).ok()?;
            Some(decode(bytes)?.text)
        });
        // What is said of a file that has no text is said of its start.
        let fits = match text {
            Some(text) => text.get(span.range()).is_some(),
            None => span.range() == (0..0),
        };
        let path = self.source.path(span.file);
        (!fits).then(|| format!("{what} at {:?} of {path}", span.range()))
    }
}

/// What is wrong with the spans of a run; empty if nothing is.
fn misplaced(source: &Source, repository: &Repository, verdicts: &[Verdict]) -> Vec<String> {
    let mut texts = Texts { source, texts: BTreeMap::new() };
    let mut wrong = Vec::new();
    for kind in KINDS {
        (kind.each)(repository, &mut |item| wrong.extend(texts.complaint(kind.name, item.fact.place())));
    }
    for resource in repository.facts.resources.iter().chain(&repository.facts.deployed) {
        let inside = resource.entries.iter().flat_map(|e| [e.place, e.key_place]);
        for span in inside.chain([resource.body]).chain(resource.via.iter().copied()) {
            wrong.extend(texts.complaint("an entry of a resource", span));
        }
    }
    for verdict in verdicts {
        let looked_at = verdict.examined.iter().chain(&verdict.satisfied).copied();
        let findings = verdict.findings.iter();
        let found = findings.flat_map(|f| f.related.iter().map(|r| r.place).chain([f.place]));
        for span in looked_at.chain(found) {
            wrong.extend(texts.complaint(&verdict.rule, span));
        }
    }
    wrong
}

/// Reads and judges; returns what no input may cause.
fn run(files: Vec<MemoryFile>) -> Vec<String> {
    static ALL: OnceLock<Catalog> = OnceLock::new();
    let catalog = ALL.get_or_init(|| Catalog::new(rules()));
    let lexicon = Lexicon { patterns: catalog.text_patterns(), ..Lexicon::default() };
    let mut source = source::open(&memory(files), &source::Options::default()).expect("memory opens");
    let (repository, verdicts) = judge(&mut source, &lexicon, catalog, &Parameters::default());
    let mut wrong = misplaced(&source, &repository, &verdicts);
    wrong.extend(verdicts.iter().filter(|v| v.crashed).map(|v| format!("the rule {} panicked", v.rule)));
    let bugs = repository.unread.iter().filter(|u| u.reason.contains("plimsoll failed"));
    wrong.extend(bugs.map(|u| format!("the reader of {} panicked", u.path)));
    wrong
}

#[test]
fn every_span_of_every_example_lies_in_its_file() {
    for seed in seeds() {
        let wrong = run(seed.files.clone());
        assert!(wrong.is_empty(), "{}\n{}", seed.name, wrong.join("\n"));
    }
}

/// Files of every dialect as somebody might have written them.
fn fixtures() -> Vec<MemoryFile> {
    fn gather(folder: &std::path::Path, root: &std::path::Path, into: &mut Vec<MemoryFile>) {
        let mut entries: Vec<_> = std::fs::read_dir(folder).expect("it is there").flatten().collect();
        entries.sort_by_key(std::fs::DirEntry::path);
        for entry in entries {
            let path = entry.path();
            if path.is_dir() {
                gather(&path, root, into);
                continue;
            }
            let name = path.strip_prefix(root).expect("it lies below").to_string_lossy().replace('\\', "/");
            let bytes = std::fs::read(&path).expect("it can be read");
            into.push(MemoryFile { path: name, bytes, executable: false, link: None, tracked: true });
        }
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut files = Vec::new();
    gather(&root, &root, &mut files);
    files
}

/// Each fixture is a repository of its own, and they are one together: rules join what lies side by side.
#[test]
fn every_span_of_every_fixture_lies_in_its_file() {
    let all = fixtures();
    let mut each: BTreeMap<String, Vec<MemoryFile>> = BTreeMap::new();
    for file in &all {
        let (top, rest) = file.path.split_once('/').unwrap_or(("", &file.path));
        each.entry(top.to_owned()).or_default().push(MemoryFile { path: rest.to_owned(), ..file.clone() });
    }
    assert!(each.len() > 1, "there are fixtures");
    each.insert("all of them".to_owned(), all);
    for (name, files) in each {
        let wrong = run(files);
        assert!(wrong.is_empty(), "{name}\n{}", wrong.join("\n"));
    }
}

/// A repository in which every reader of infrastructure has something to put together.
const INFRASTRUCTURE: &[(&str, &str)] = &[
    ("shop/Chart.yaml", "name: shop\nappVersion: \"2\"\ndependencies:\n- { name: db, condition: db.on }\n"),
    (
        "shop/values.yaml",
        "n: 1\nimage: { tag: a }\nenv:\n- { name: A, value: b }\ndb: { on: true, kind: é }\n",
    ),
    ("shop/values-prod.yaml", "n: 3\nresources: { limits: { cpu: 1 } }\nprobe: /ü\n"),
    (
        "shop/templates/d.yaml",
        "{{/* é {{ x }} */}}\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ include \"shop.fullname\" . }}\nspec:\n  {{- if not .Values.auto }}\n  replicas: {{ .Values.n }}\n  {{- end }}\n  template:\n    spec:\n      containers:\n      - name: {{ .Chart.Name }}\n        image: \"é/{{ .Values.image.tag }}\"\n        resources: {{- toYaml .Values.resources | nindent 10 }}\n        env:\n          {{- toYaml .Values.env | nindent 10 }}\n        {{- with .Values.probe }}\n        livenessProbe: { httpGet: { path: {{ . | quote }} } }\n        {{- end }}\n",
    ),
    ("shop/charts/db/Chart.yaml", "name: db\n"),
    (
        "shop/charts/db/templates/s.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: { name: db }\nspec: { type: {{ .Values.kind }} }\n",
    ),
    ("base/kustomization.yaml", "resources: [d.yaml]\nconfigMapGenerator:\n- { name: c, literals: [A=é] }\n"),
    (
        "base/d.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: a }\nspec:\n  template:\n    spec:\n      containers:\n      - { name: w, image: 'i:1', args: [a, b] }\n",
    ),
    (
        "overlays/prod/kustomization.yaml",
        "resources: [../../base]\nnamePrefix: é-\nimages: [{ name: i, newTag: '2' }]\nreplicas: [{ name: a, count: 3 }]\npatchesStrategicMerge: [p.yaml]\npatches:\n- target: { kind: Deployment }\n  patch: |-\n    - op: replace\n      path: /spec/template/spec/containers/0/image\n      value: é:3\n",
    ),
    (
        "overlays/prod/p.yaml",
        "kind: Deployment\nmetadata: { name: a }\nspec: { template: { spec: { containers: [{ name: w, args: [é] }] } } }\n",
    ),
    (
        "tf/main.tf",
        "variable \"n\" { default = 1 }\nlocals {\n  é = { staging = 1, production = 2 }\n}\nmodule \"m\" {\n  source = \"../m\"\n  n = var.n\n  t = { a = \"é\" }\n}\nresource \"a_b\" \"c\" {\n  for_each = toset([\"staging\", \"production\"])\n  n = local.é[each.key]\n}\n",
    ),
    ("tf/prod.tfvars", "n = 3 # é\n"),
    (
        "m/main.tf",
        "variable \"n\" {}\nvariable \"t\" {}\nresource \"a_b\" \"d\" {\n  n = \"x-${var.n}\"\n  t = var.t\n}\n",
    ),
    (
        "template.yaml",
        "AWSTemplateFormatVersion: x\nParameters: { Env: { AllowedValues: [staging, production] } }\nConditions: { P: !Equals [!Ref Env, production] }\nMappings: { M: { production: { D: é }, staging: { D: 1 } } }\nResources:\n  F:\n    Type: AWS::S3::Bucket\n    Properties: { A: !If [P, 1, 2], B: !FindInMap [M, !Ref Env, D], C: !Sub 'é-${Env}' }\n",
    ),
    ("roles/a/tasks/main.yml", "- name: é\n  service: { name: a }\n- block:\n  - shell: é {{ x }}\n"),
    ("fly.toml", "app = 'é'\n[env]\nA = 'é'\n[http_service]\ninternal_port = 80\n"),
    ("render.yaml", "services:\n- { name: é, envVars: [{ key: A, value: é }] }\n"),
    ("Procfile", "é: x\nweb: é\nrelease: é\n"),
    ("serverless.yml", "service: é\nprovider: { environment: { A: é } }\nfunctions: { f: { handler: é } }\n"),
];

fn infrastructure() -> Vec<MemoryFile> {
    let file = |(path, text): &(&str, &str)| MemoryFile {
        path: (*path).to_owned(),
        bytes: text.as_bytes().to_vec(),
        tracked: true,
        ..MemoryFile::default()
    };
    INFRASTRUCTURE.iter().map(file).collect()
}

#[test]
fn infrastructure_is_put_together_and_every_value_lies_in_its_file() {
    assert_eq!(run(infrastructure()), Vec::<String>::new());
}

/// What a mutation puts in: what grammars are made of, and what encodings trip over.
const PIECES: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b"\"",
    b"'",
    b"`",
    b"\n",
    b"\r",
    b"\r\n",
    b"\t",
    b" ",
    b":",
    b": ",
    b"- ",
    b"$",
    b"${",
    b"${{",
    b"}}",
    b"$(",
    b"|",
    b"||",
    b"&",
    b"&a",
    b"*a",
    b"!reference [",
    b"<<",
    b"<<EOF\n",
    b"#",
    b"\\",
    b"\\\n",
    b"%",
    b"@",
    b"=",
    b",",
    b";",
    b"? ",
    b"---\n",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xc3\xa9",
    b"\xf0\x9f\x94\x91",
    b"\xe2\x80\xa8",
    b"0",
    b"<!--",
    b"```",
    b"://",
    b"a:b@",
];

#[derive(Debug, Clone)]
enum Mutation {
    Insert(prop::sample::Index, usize),
    Replace(prop::sample::Index, usize),
    Delete(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize, usize),
    Truncate(prop::sample::Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), 0..PIECES.len()).prop_map(|(at, piece)| Mutation::Insert(at, piece)),
        (at(), 0..PIECES.len()).prop_map(|(at, piece)| Mutation::Replace(at, piece)),
        (at(), 1..40_usize).prop_map(|(at, length)| Mutation::Delete(at, length)),
        (at(), 1..40_usize, 2..30_usize).prop_map(|(at, length, times)| Mutation::Repeat(at, length, times)),
        at().prop_map(Mutation::Truncate),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    match mutation {
        Mutation::Insert(at, piece) => {
            let at = at.index(length);
            bytes.splice(at..at, PIECES[*piece].iter().copied());
        }
        Mutation::Replace(at, piece) => {
            let at = at.index(length);
            bytes.splice(at..=at, PIECES[*piece].iter().copied());
        }
        Mutation::Delete(at, n) => {
            let at = at.index(length);
            bytes.drain(at..(at + n).min(length));
        }
        Mutation::Repeat(at, n, times) => {
            let at = at.index(length);
            let part = bytes[at..(at + n).min(length)].repeat(*times);
            bytes.splice(at..at, part);
        }
        Mutation::Truncate(at) => bytes.truncate(at.index(length)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_reader_and_no_rule_trips_over_mutated_files(
        seed in any::<prop::sample::Index>(),
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        let seed = &seeds()[seed.index(seeds().len())];
        let mut files = seed.files.clone();
        for file in &mut files {
            mutations.iter().for_each(|mutation| mutate(&mut file.bytes, mutation));
        }
        let wrong = run(files);
        prop_assert!(wrong.is_empty(), "{}\n{}", seed.name, wrong.join("\n"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_reader_puts_mutated_infrastructure_together_wrongly(
        file in any::<prop::sample::Index>(),
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        let mut files = infrastructure();
        let file = file.index(files.len());
        mutations.iter().for_each(|mutation| mutate(&mut files[file].bytes, mutation));
        let path = files[file].path.clone();
        let wrong = run(files);
        prop_assert!(wrong.is_empty(), "{}\n{}", path, wrong.join("\n"));
    }
}

/// What a finding is to whoever compares two runs.
fn keys(report: &Report) -> BTreeSet<(String, String, u32, u32, String)> {
    let key = |settled: &plimsoll::dispositions::Settled| {
        let q = &settled.quoted;
        let start = (q.quote.start.line, q.quote.start.column);
        (q.finding.rule.clone(), q.quote.path.clone(), start.0, start.1, q.fingerprint.clone())
    };
    report.findings.iter().map(key).collect()
}

#[test]
fn line_ends_change_no_finding_of_any_example() {
    let policy = policy();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for seed in seeds() {
        if seed.files.iter().any(|file| file.bytes.contains(&b'\r') || file.bytes.contains(&0)) {
            continue;
        }
        compared += 1;
        let mut windows = seed.files.clone();
        for file in &mut windows {
            let pieces = file.bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec);
            file.bytes = pieces.collect::<Vec<_>>().join(&b"\r\n"[..]);
        }
        let (lf, crlf) = (keys(&report(seed.files.clone(), &policy, 1)), keys(&report(windows, &policy, 1)));
        for (name, only) in [("LF", lf.difference(&crlf)), ("CR LF", crlf.difference(&lf))] {
            wrong.extend(only.map(|key| format!("{}: only with {name}: {key:?}", seed.name)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 50);
}

#[test]
fn a_blank_line_above_moves_lines_and_no_fingerprint() {
    let policy = policy();
    let mut wrong = Vec::new();
    for seed in seeds() {
        // A first line may have a meaning of its own.
        let telling = |bytes: &[u8]| {
            [&b"#!"[..], b"# syntax", b"# escape", b"---", b"\xff\xfe", b"\xef\xbb\xbf"]
                .iter()
                .any(|s| bytes.starts_with(s))
        };
        if seed.files.iter().any(|f| telling(&f.bytes)) {
            continue;
        }
        let mut moved = seed.files.clone();
        moved.iter_mut().for_each(|file| file.bytes.insert(0, b'\n'));
        let prints = |files| -> BTreeSet<(String, String)> {
            keys(&report(files, &policy, 1)).into_iter().map(|k| (k.0, k.4)).collect()
        };
        let (before, after) = (prints(seed.files.clone()), prints(moved));
        if before != after {
            wrong.push(format!("{}: {:?}", seed.name, before.symmetric_difference(&after)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn two_runs_write_the_same_bytes_however_many_workers_race() {
    let policy = policy();
    let mut files = Vec::new();
    for (number, seed) in seeds().iter().enumerate() {
        for file in &seed.files {
            files.push(file.clone());
            files.push(MemoryFile { path: format!("example-{number}/{}", file.path), ..file.clone() });
        }
    }
    let style = Style { show: Show::All, ..Style::default() };
    let bytes = |jobs| -> Vec<Vec<u8>> {
        let report = report(files.clone(), &policy, jobs);
        assert!(report.findings.len() > 50);
        FORMATS.iter().map(|format| (format.write)(&report, &style)).collect()
    };
    let first = bytes(1);
    for jobs in [1, 4, 4] {
        for (format, (a, b)) in FORMATS.iter().zip(first.iter().zip(&bytes(jobs))) {
            assert!(a == b, "{} with {jobs} jobs", format.name);
        }
    }
}
