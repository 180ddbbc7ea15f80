//! Where the time goes: walking, parsing, start-up, and a whole check. `cargo bench`.
//! `benches/ratio.sh` compares a whole check with ripgrep on a tree of your own.

use divan::{Bencher, counter::BytesCount};
use plimsoll::policy::{Policy, Stock};
use plimsoll::source::{self, MemoryFile, Target};
use plimsoll::syntax::{hcl, shell, sql, yaml};
use plimsoll::text::{FileId, Passage};
use plimsoll::{Options, audit, checks};
use std::path::PathBuf;

fn main() {
    divan::main();
}

/// This crate's own folder: a few hundred files.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

const STEP: &str =
    "      - name: test\n        run: |\n          set -euo pipefail\n          npm ci && npm test -- --ci\n";
const SCRIPT: &str = "set -e\nif [ -n \"$CI\" ]; then\n  docker build -t \"$IMAGE:$TAG\" . || exit 1\nfi\n";

fn workflow(steps: usize) -> String {
    format!("on: push\njobs:\n  build:\n    runs-on: ubuntu-24.04\n    steps:\n{}", STEP.repeat(steps))
}

#[divan::bench]
fn start_up() -> Policy {
    Policy::core(&Stock::builtin(checks::names()))
}

#[divan::bench]
fn walk() -> usize {
    let target = Target::WorkTree { root: root(), paths: Vec::new() };
    source::open(&target, &source::Options::default()).expect("the crate's folder is there").files().len()
}

#[divan::bench]
fn yaml_5_mb(bencher: Bencher) {
    let text = workflow(5_000_000 / STEP.len());
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| yaml::parse(FileId(0), &text, yaml::Mask::GithubExpressions));
}

const BLOCK: &str = "resource \"aws_db_instance\" \"main\" {\n  identifier     = \"shop-${var.env}\"\n  instance_class = var.sizes[var.env]\n  tags           = { owner = \"shop\", env = var.env }\n}\n";

#[divan::bench]
fn hcl_5_mb(bencher: Bencher) {
    let text = BLOCK.repeat(5_000_000 / BLOCK.len());
    bencher.counter(BytesCount::of_str(&text)).bench(|| hcl::parse(FileId(0), &text));
}

const TEMPLATE: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ include \"shop.fullname\" . }}\nspec:\n  replicas: {{ .Values.replicas }}\n  template:\n    spec:\n      containers:\n        - name: web\n          image: \"{{ .Values.image }}\"\n          resources:\n            {{- toYaml .Values.resources | nindent 12 }}\n          {{- if .Values.probe }}\n          livenessProbe: { httpGet: { path: /health, port: 80 } }\n          {{- end }}\n";

/// Charts with three environments each.
#[divan::bench(args = [20, 200])]
fn charts(bencher: Bencher, count: usize) {
    let mut files = Vec::new();
    for i in 0..count {
        let mut add = |name: &str, text: &str| files.push((format!("charts/c{i}/{name}"), text.to_owned()));
        add("Chart.yaml", "name: shop\nversion: 1.0.0\n");
        for template in 0..5 {
            add(&format!("templates/t{template}.yaml"), TEMPLATE);
        }
        add("values.yaml", "replicas: 1\nimage: a/b:1\nresources: {}\n");
        for stage in ["dev", "staging", "prod"] {
            add(&format!("values-{stage}.yaml"), "replicas: 2\nresources: { limits: { cpu: 1 } }\n");
        }
    }
    whole(bencher, files);
}

/// A base with this many objects, and three overlays of it.
#[divan::bench(args = [50, 500])]
fn overlays(bencher: Bencher, count: usize) {
    let object = |i: usize| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: d{i} }}\nspec: {{ replicas: 1, template: {{ spec: {{ containers: [{{ name: web, image: 'shop:1' }}] }} }} }}\n"
        )
    };
    let mut files: Vec<(String, String)> =
        (0..count).map(|i| (format!("base/d{i}.yaml"), object(i))).collect();
    let list: Vec<String> = (0..count).map(|i| format!("- d{i}.yaml\n")).collect();
    files.push(("base/kustomization.yaml".to_owned(), format!("resources:\n{}", list.concat())));
    for stage in ["dev", "staging", "prod"] {
        let text = "resources: [../../base]\nimages: [{ name: shop, newTag: '2' }]\nreplicas: [{ name: d1, count: 3 }]\n";
        files.push((format!("overlays/{stage}/kustomization.yaml"), text.to_owned()));
    }
    whole(bencher, files);
}

const SQL: &str = "-- orders\nALTER TABLE \"orders\" ADD COLUMN state text NOT NULL DEFAULT 'new;'; /* why */\nDO $$ BEGIN DROP TABLE a; END $$;\n";

#[divan::bench]
fn sql_5_mb(bencher: Bencher) {
    let text = SQL.repeat(5_000_000 / SQL.len());
    bencher.counter(BytesCount::of_str(&text)).bench(|| sql::parse(&text, None));
}

#[divan::bench]
fn shell_1_mb(bencher: Bencher) {
    let text = SCRIPT.repeat(1_000_000 / SCRIPT.len());
    let passage = Passage::contiguous(FileId(0), &text, 0);
    bencher.counter(BytesCount::of_str(&text)).bench(|| shell::parse(&passage));
}

/// One job after the other, all of them with needs: what is asked of the flow must stay linear.
#[divan::bench(args = [500, 5_000])]
fn jobs_in_a_row(bencher: Bencher, count: usize) {
    let mut text = String::from("on: push\njobs:\n");
    for i in 0..count {
        let needs = if i == 0 { String::new() } else { format!("    needs: j{}\n", i - 1) };
        text.push_str(&format!(
            "  j{i}:\n{needs}    environment: production\n    runs-on: ubuntu-24.04\n    steps:\n      - run: helm upgrade shop .\n"
        ));
    }
    whole(bencher, vec![(".github/workflows/cd.yml".to_owned(), text)]);
}

/// A repository with this many workflow files, each of which builds, tests and deploys.
#[divan::bench(args = [20, 200])]
fn workflow_files(bencher: Bencher, count: usize) {
    let job = |name: &str, needs: &str, line: &str| {
        format!(
            "  {name}:\n{needs}    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@v4\n      - run: {line}\n"
        )
    };
    let text = [
        "on: { push: { branches: [main] } }\njobs:\n".to_owned(),
        job("build", "", "docker build -t r.example/shop:$GITHUB_SHA ."),
        job("test", "    needs: build\n", "npm test"),
        job("stage", "    needs: test\n    environment: staging\n", "helm upgrade shop ./chart"),
        job("ship", "    needs: stage\n    environment: production\n", "helm upgrade shop ./chart"),
    ]
    .concat();
    let file =
        |i: usize| (format!(".github/workflows/service-{i}.yml"), format!("name: service {i}\n{text}"));
    whole(bencher, (0..count).map(file).collect());
}

/// Plain text that no reader claims.
#[divan::bench]
fn scan_10_mb(bencher: Bencher) {
    let line =
        "The quick brown fox reads a configuration value and passes it on to the next function call.\n";
    let files = (0..10).map(|i| (format!("src/{i}.py"), line.repeat(1_000_000 / line.len())));
    whole(bencher, files.collect());
}

fn whole(bencher: Bencher, files: Vec<(String, String)>) {
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    let policy = Policy::core(&Stock::builtin(checks::names()));
    let files = files.into_iter().map(|(path, text)| MemoryFile {
        path,
        bytes: text.into_bytes(),
        tracked: true,
        ..MemoryFile::default()
    });
    let target = Target::Memory { files: files.collect(), git: None };
    let today = "2026-01-15".parse().expect("a day");
    bencher
        .counter(BytesCount::new(bytes))
        .bench(|| audit(&target, &policy, today, &Options::default()).expect("memory can be opened"));
}
