//! Floors of test coverage: how much the tools demand, and what they demanded before.

use super::names::{name, vendored};
use super::{Parsed, Text};
use crate::facts::release::{newest, releases};
use crate::facts::{Command, CoverageFloor, Facts, GitFacts};
use crate::text::{FileId, Span};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// Longer files are no settings.
const LARGEST: usize = 1 << 20;
/// Floors of one repository that are compared with what they were.
const MOST: usize = 200;

/// How a file writes floors.
#[derive(Clone, Copy)]
enum Style {
    /// `fail_under = 80` of coverage.py, and the flag of pytest-cov among pytest's own.
    /// <https://coverage.readthedocs.io/en/latest/config.html#report-fail-under>
    Python,
    /// `lines: 80` within a block of Jest or Vitest.
    /// <https://jestjs.io/docs/configuration#coveragethreshold-object>, <https://vitest.dev/config/coverage>
    Block,
    /// `"lines": 80` in a file of nyc or c8.
    /// <https://github.com/istanbuljs/nyc#coverage-thresholds>
    Whole,
    /// `target: 80%`.
    /// <https://docs.codecov.com/docs/commit-status#target>
    Codecov,
    /// `<minimum>0.80</minimum>` and `minimum = 0.8` of JaCoCo, `minBound(80)` of Kover.
    /// <https://docs.gradle.org/current/userguide/jacoco_plugin.html#sec:jacoco_report_violation_rules>
    Jacoco,
    /// `minimum_coverage 90`, `minimum_coverage line: 90, branch: 80`.
    /// <https://github.com/simplecov-ruby/simplecov#minimum-coverage>
    Simplecov,
    /// `total: 95` below `threshold:`.
    /// <https://github.com/vladopajic/go-test-coverage#config>
    Go,
}

const MEASURES: &[&str] = &["branches", "functions", "lines", "statements", "perFile"];

fn style_of(path: &str) -> Option<Style> {
    let name = name(path);
    Some(match name {
        ".coveragerc" | "setup.cfg" | "tox.ini" | "pytest.ini" | "pyproject.toml" => Style::Python,
        "package.json" => Style::Block,
        ".nycrc" | ".nycrc.json" | ".c8rc" | ".c8rc.json" | ".nycrc.yml" | ".nycrc.yaml"
        | "nyc.config.js" => Style::Whole,
        "codecov.yml" | ".codecov.yml" | "codecov.yaml" | ".codecov.yaml" => Style::Codecov,
        "pom.xml" | "build.gradle" | "build.gradle.kts" => Style::Jacoco,
        ".simplecov" | "spec_helper.rb" | "rails_helper.rb" | "test_helper.rb" => Style::Simplecov,
        ".testcoverage.yml" | ".testcoverage.yaml" => Style::Go,
        _ if name.starts_with("jest.config.")
            || name.starts_with("vitest.config.")
            || name.starts_with("vite.config.") =>
        {
            Style::Block
        }
        _ => return None,
    })
}

pub(super) fn claims(path: &str, _: bool) -> bool {
    style_of(path).is_some() && !vendored(path)
}

pub(super) fn parse(text: &Text<'_>) -> Parsed {
    let mut parsed = Parsed::default();
    parsed.facts.coverage_floors = floors(text);
    parsed
}

/// The floors that a file sets, in its order.
pub(super) fn floors(text: &Text<'_>) -> Vec<CoverageFloor> {
    found(text.path, text.text).into_iter().map(|(name, at)| floor(name, text.file, text.text, at)).collect()
}

fn floor(name: String, file: FileId, text: &str, at: Range<usize>) -> CoverageFloor {
    let value = text[at.clone()].to_owned();
    CoverageFloor { place: Span::new(file, at), name, value, before: None, since: None }
}

fn found(path: &str, text: &str) -> Vec<(String, Range<usize>)> {
    let Some(style) = style_of(path).filter(|_| text.len() <= LARGEST) else { return Vec::new() };
    let all = 0..text.len();
    match style {
        Style::Python => {
            let mut found = keyed(text, all, &["fail_under"], '#');
            found.extend(flags(text));
            found.sort_by_key(|(_, at)| at.start);
            found
        }
        Style::Block => {
            let mut found = Vec::new();
            for word in ["coverageThreshold", "thresholds", "\"nyc\"", "\"c8\""] {
                for (at, _) in text.match_indices(word) {
                    if let Some(block) = block_behind(text, at + word.len()) {
                        found.extend(keyed(text, block, MEASURES, '/'));
                    }
                }
            }
            found.sort_by_key(|(_, at)| at.start);
            found.dedup();
            found
        }
        Style::Whole => keyed(text, all, MEASURES, '/'),
        Style::Codecov => keyed(text, all, &["target"], '#'),
        Style::Jacoco if text.contains("jacoco") || text.contains("kover") => {
            keyed(text, all, &["minimum", "minBound", "minValue"], '/')
        }
        Style::Simplecov if text.contains("minimum_coverage") => {
            let mut found = Vec::new();
            for (at, line) in lines(text) {
                if let Some(from) =
                    line.find("minimum_coverage").filter(|_| !line.trim_start().starts_with('#'))
                {
                    let names = ["minimum_coverage", "minimum_coverage_by_file", "line", "branch", "method"];
                    found.extend(keyed(text, at + from..at + line.len(), &names, '#'));
                }
            }
            found
        }
        Style::Go if text.contains("threshold") => keyed(text, all, &["total", "file", "package"], '#'),
        Style::Jacoco | Style::Simplecov | Style::Go => Vec::new(),
    }
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line)
    })
}

/// The block in braces that begins soon behind a word.
fn block_behind(text: &str, at: usize) -> Option<Range<usize>> {
    let open = at
        + text[at..]
            .find('{')
            .filter(|gap| text[at..at + gap].trim_matches(['"', '\'', ':', ' ', '\n', '=']).is_empty())?;
    let mut depth = 0usize;
    for (offset, byte) in text[open..].bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(open..open + offset);
        }
    }
    None
}

/// Numbers behind one of these keys: `lines: 80`, `"lines": 80`, `minimum = 0.8`, `<minimum>0.80</minimum>`,
/// `minimum_coverage 90`, `target: 80%`. Lines that begin with a comment are left out.
fn keyed(text: &str, range: Range<usize>, keys: &[&str], comment: char) -> Vec<(String, Range<usize>)> {
    let mut found = Vec::new();
    for (start, line) in lines(&text[range.clone()]) {
        if line.trim_start().starts_with(comment) {
            continue;
        }
        let start = range.start + start;
        let mut at = 0;
        while let Some(word) = line[at..].find(|c: char| c.is_ascii_alphabetic() || c == '_') {
            let from = at + word;
            let length = line[from..]
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(line.len() - from);
            at = from + length;
            let key = &line[from..at];
            if !keys.contains(&key) {
                continue;
            }
            let rest = &line[at..];
            let number =
                at + (rest.len() - rest.trim_start_matches(['"', '\'', ' ', ':', '=', '>', '(', '\t']).len());
            if let Some(length) = number_at(&line[number..]).filter(|_| number > at) {
                found.push((key.to_owned(), start + number..start + number + length));
                at = number + length;
            }
        }
    }
    found
}

/// The length of the number that a text begins with.
fn number_at(text: &str) -> Option<usize> {
    let length = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number = text[..length].trim_end_matches('.');
    (number.parse::<f64>().is_ok() && !number.is_empty()).then_some(number.len())
}

/// Flags of commands that set a floor, and the tools whose lines they stand in.
const FLAGS: &[&str] = &[
    "--cov-fail-under",
    "--fail-under",
    "--fail-under-lines",
    "--lines",
    "--branches",
    "--functions",
    "--statements",
    "-p:Threshold",
    "/p:Threshold",
    "--minimum-coverage",
    "--min-coverage",
    "--threshold",
];

/// `pytest --cov`, `gocov`, `llvm-cov`; what recovers or discovers measures nothing.
fn is_of_coverage(line: &str) -> bool {
    let measures =
        |word: &str| word.ends_with("cov") || matches!(word, "coverage" | "nyc" | "c8" | "Threshold");
    line.split(|c: char| !c.is_ascii_alphanumeric()).any(measures)
}

/// Flags with a number, wherever they stand in a text.
fn flags(text: &str) -> Vec<(String, Range<usize>)> {
    let mut found = Vec::new();
    for (start, line) in lines(text).filter(|(_, line)| is_of_coverage(line)) {
        for flag in FLAGS {
            for (at, _) in line.match_indices(flag) {
                let end = at + flag.len();
                let Some(number) =
                    end.checked_add(1).filter(|n| line.get(end..*n).is_some_and(|c| c == "=" || c == " "))
                else {
                    continue;
                };
                if let Some(length) = number_at(&line[number..]) {
                    found.push(((*flag).to_owned(), start + number..start + number + length));
                }
            }
        }
    }
    found.sort_by_key(|(_, at)| at.start);
    found
}

/// Adds the floors that commands set, and compares all with what the change was begun from, or else with the newest
/// release.
pub(super) fn settle(facts: &mut Facts, git: Option<&GitFacts>, path: &dyn Fn(FileId) -> String) {
    let of_jobs = facts.pipelines.iter().flat_map(|p| &p.jobs).flat_map(|j| j.commands());
    let commands = of_jobs.chain(facts.scripts.iter().flat_map(|s| &s.commands));
    let found: Vec<CoverageFloor> = commands.flat_map(of_command).collect();
    facts.coverage_floors.extend(found);
    facts.coverage_floors.sort_by_key(|floor| floor.place);
    facts.coverage_floors.dedup_by_key(|floor| floor.place);
    let floors = &mut facts.coverage_floors;
    let Some(git) = git.filter(|_| !floors.is_empty()) else { return };
    let all = releases(&git.tags);
    let release = || newest(&all).and_then(|r| Some((r.tag.commit.clone()?, r.tag.name.clone())));
    let Some((commit, since)) = git.answers.begun_at().or_else(release) else { return };
    let mut then: HashMap<FileId, Option<BTreeMap<String, Vec<String>>>> = HashMap::new();
    let mut met: BTreeMap<(FileId, String), usize> = BTreeMap::new();
    let count = floors.iter().fold(BTreeMap::<(FileId, String), usize>::new(), |mut all, floor| {
        *all.entry((floor.place.file, floor.name.clone())).or_default() += 1;
        all
    });
    for floor in floors.iter_mut().take(MOST) {
        let key = (floor.place.file, floor.name.clone());
        let old = then.entry(floor.place.file).or_insert_with(|| {
            let path = path(floor.place.file);
            let text = git.answers.text_at(&commit, &path)??;
            let mut old: BTreeMap<String, Vec<String>> = BTreeMap::new();
            let config = found_in(&path, &text);
            config.into_iter().for_each(|(name, at)| old.entry(name).or_default().push(text[at].to_owned()));
            Some(old)
        });
        let number = met.entry(key.clone()).or_default();
        let values = old.as_ref().and_then(|old| old.get(&floor.name));
        // Where some came or went, nobody can tell which was which.
        if let Some(values) = values.filter(|values| Some(&values.len()) == count.get(&key)) {
            floor.before = values.get(*number).cloned();
            floor.since = Some(since.clone());
        }
        *number += 1;
    }
}

fn found_in(path: &str, text: &str) -> Vec<(String, Range<usize>)> {
    match style_of(path) {
        // Scripts of a package are commands with flags.
        Some(Style::Block) => {
            let mut all = found(path, text);
            all.extend(flags(text));
            all
        }
        Some(_) => found(path, text),
        None => flags(text),
    }
}

fn of_command(command: &Command) -> Vec<CoverageFloor> {
    if !is_of_coverage(&command.line) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (i, word) in command.args.iter().enumerate() {
        let (name, value) = match word.text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word.text.as_str(), command.args.get(i + 1).map(|w| w.text.as_str())),
        };
        if let Some(value) = value.filter(|v| FLAGS.contains(&name) && v.parse::<f64>().is_ok()) {
            let (name, value) = (name.to_owned(), value.to_owned());
            found.push(CoverageFloor { place: word.place, name, value, before: None, since: None });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tool_writes_its_floors_its_own_way() {
        let jest =
            "module.exports = { coverageThreshold: { global: { branches: 50, lines: 60 } }, lines: 3 };";
        let package = r#"{ "jest": { "coverageThreshold": { "global": { "lines": 85 } } }, "nyc": { "lines": 90 }, "x": { "lines": 1 } }"#;
        let maven =
            "<plugin>jacoco-maven-plugin<limit><counter>LINE</counter><minimum>0.80</minimum></limit>";
        for (path, text, expected) in [
            ("pyproject.toml", "[tool.coverage.report]\nfail_under = 80\n", "fail_under 80"),
            ("setup.cfg", "[coverage:report]\n# fail_under = 3\nfail_under=70.5\n", "fail_under 70.5"),
            ("tox.ini", "addopts = --cov --cov-fail-under=85\n", "--cov-fail-under 85"),
            ("web/jest.config.ts", jest, "branches 50, lines 60"),
            ("package.json", package, "lines 85, lines 90"),
            (".nycrc", "{ \"check-coverage\": true, \"branches\": 60 }", "branches 60"),
            (
                "codecov.yml",
                "coverage:\n  status:\n    project:\n      default:\n        target: 80%\n",
                "target 80",
            ),
            ("codecov.yml", "target: auto\n", ""),
            ("pom.xml", maven, "minimum 0.80"),
            ("pom.xml", "<minimum>0.80</minimum>", ""),
            ("build.gradle.kts", "jacoco { minimum = \"0.7\".toBigDecimal() }", "minimum 0.7"),
            ("spec/spec_helper.rb", "SimpleCov.start { minimum_coverage 90 }", "minimum_coverage 90"),
            (".simplecov", "SimpleCov.minimum_coverage line: 90, branch: 80", "line 90, branch 80"),
            (".testcoverage.yml", "threshold:\n  file: 70\n  total: 95\n", "file 70, total 95"),
            ("main.py", "fail_under = 80", ""),
        ] {
            let said: Vec<String> =
                found(path, text).into_iter().map(|(name, at)| format!("{name} {}", &text[at])).collect();
            assert_eq!(said.join(", "), expected, "{path}: {text}");
        }
    }

    #[test]
    fn broken_files_have_no_floors() {
        for text in
            ["coverageThreshold", "coverageThreshold: {", "thresholds: { lines:", "\"nyc\" é: { lines: é"]
        {
            assert_eq!(found("jest.config.js", text), [], "{text}");
        }
    }
}
