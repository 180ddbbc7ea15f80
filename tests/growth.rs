//! What rules ask of the order of jobs grows with the jobs, whatever the shape of the pipeline: looks at runs and
//! edges are counted, not the time.

use plimsoll::lexicon::Lexicon;
use plimsoll::parameters::Parameters;
use plimsoll::rule::{Catalog, Rule, builtin_heads, load};
use plimsoll::source::{self, MemoryFile, Target};
use plimsoll::{checks, engine, judge};
use std::fmt::Write;

/// Jobs in the smaller of two pipelines; the other has twice as many.
const JOBS: usize = 200;
/// Twice the jobs may cost so many times the looks.
const MOST: f64 = 2.3;
/// Things are followed in blocks of so many at once: a block more is one look more at each job.
const BLOCK: usize = 64;

const LINES: [&str; 6] = [
    "docker build -t r.example/shop:$GITHUB_SHA . && docker push r.example/shop:$GITHUB_SHA",
    "npm test",
    "helm upgrade shop ./chart --set image.tag=$GITHUB_SHA",
    "npx sequelize db:migrate",
    "trivy image r.example/shop:$GITHUB_SHA",
    "curl -fsS https://shop.example/health",
];

fn github(jobs: usize, job: impl Fn(usize) -> (Option<usize>, &'static str, String)) -> String {
    let mut text = "on: { push: { branches: [main] } }\njobs:\n".to_owned();
    for i in 0..jobs {
        let (needs, environment, line) = job(i);
        let needs = needs.map(|n| format!("    needs: j{n}\n")).unwrap_or_default();
        write!(
            text,
            "  j{i}:\n{needs}    environment: {environment}\n    runs-on: ubuntu-24.04\n    steps:\n      - run: {line}\n"
        )
        .expect("a string takes all");
    }
    text
}

fn gitlab(jobs: usize, stages: usize) -> String {
    let names: Vec<String> = (0..stages).map(|s| format!("s{s}")).collect();
    let mut text = format!("stages: [{}]\n", names.join(", "));
    for i in 0..jobs {
        let environment = ["staging", "production"][i % 2];
        let line = LINES[i % LINES.len()];
        write!(
            text,
            "j{i}:\n  stage: s{}\n  environment: {environment}\n  script: ['{line}']\n",
            i * stages / jobs
        )
        .expect("a string takes all");
    }
    text
}

const SHIP: &str = "helm upgrade shop ./chart";

type Shape = (&'static str, &'static str, fn(usize) -> String);

const GITHUB: &str = ".github/workflows/cd.yml";
const GITLAB: &str = ".gitlab-ci.yml";

const SHAPES: &[Shape] = &[
    ("deploys in a row", GITHUB, |n| github(n, |i| (i.checked_sub(1), "production", SHIP.into()))),
    ("deploys after one build", GITHUB, |n| {
        github(n, |i| ((i > 0).then_some(0), "production", if i > 0 { SHIP } else { LINES[0] }.into()))
    }),
    ("all sorts of jobs in a row", GITHUB, |n| {
        let environment = |i: usize| ["dev", "staging", "production"][i % 3];
        github(n, |i| (i.checked_sub(1), environment(i), LINES[i * 5 % LINES.len()].into()))
    }),
    ("many services in a row", GITHUB, |n| {
        let line = |i: usize| format!("kubectl set image deploy/s{0} app=r.example/s{0}:$GITHUB_SHA", i / 8);
        github(n, |i| (i.checked_sub(1), ["staging", "production"][i % 2], line(i)))
    }),
    ("tests after deploys", GITHUB, |n| {
        let line = move |i: usize| if i < n / 2 { SHIP } else { LINES[1] };
        github(n, |i| (i.checked_sub(1), "production", line(i).into()))
    }),
    ("environments in a matrix", GITHUB, |n| {
        let mut text = "on: push\njobs:\n".to_owned();
        for i in 0..n / 3 {
            let needs = if i > 0 { format!("    needs: j{}\n", i - 1) } else { String::new() };
            write!(
                text,
                "  j{i}:\n{needs}    strategy: {{ matrix: {{ env: [dev, staging, production] }} }}\n    environment: ${{{{ matrix.env }}}}\n    runs-on: ubuntu-24.04\n    steps:\n      - run: {}\n",
                LINES[i % LINES.len()]
            )
            .expect("a string takes all");
        }
        text
    }),
    ("one stage", GITLAB, |n| gitlab(n, 1)),
    ("a stage for each job", GITLAB, |n| gitlab(n, n)),
];

#[test]
fn looks_at_jobs_grow_with_the_jobs() {
    let names = checks::names();
    let rules: Vec<Rule> =
        builtin_heads().map(|head| load(head.path, head.text, &names).expect("rules are right")).collect();
    let mut wrong = Vec::new();
    for (shape, path, text) in SHAPES {
        let repositories = [JOBS, 2 * JOBS].map(|jobs| {
            let file = MemoryFile {
                path: (*path).to_owned(),
                bytes: text(jobs).into_bytes(),
                tracked: true,
                ..MemoryFile::default()
            };
            let target = Target::Memory { files: vec![file], git: None };
            let mut source =
                source::open(&target, &source::Options::default()).expect("memory can be opened");
            judge(&mut source, &Lexicon::default(), &Catalog::default(), &Parameters::default()).0
        });
        let runs = repositories.each_ref().map(|r| r.flow.runs().len());
        assert!(runs[1] >= 2 * runs[0] - 2 && runs[0] + 2 >= JOBS, "{shape}: {runs:?} runs");
        for rule in &rules {
            let catalog = Catalog::new([rule.clone()]);
            let looks = repositories.each_ref().map(|repository| {
                let before = repository.flow.looks();
                engine::run(&catalog, &Parameters::default(), repository);
                repository.flow.looks() - before
            });
            let besides = (BLOCK * runs[1]) as f64;
            if looks[1] as f64 > MOST * looks[0] as f64 + besides {
                wrong.push(format!("{shape}: {} looks {} and {} times", rule.id, looks[0], looks[1]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
