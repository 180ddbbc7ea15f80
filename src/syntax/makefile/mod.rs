//! Makefiles: rules with their recipes, and variable assignments. GNU make manual, chapters 3 to 6.

mod recipe;

use crate::text::{FileId, Passage, Span, Spanned};
use recipe::for_shell;
use std::ops::Range;

/// A parsed makefile. Both branches of conditionals are read; `define` bodies are not.
#[derive(Debug, Clone, Default)]
pub struct Makefile {
    /// Rules in order.
    pub rules: Vec<Rule>,
    /// Assignments in order.
    pub variables: Vec<Variable>,
    /// Files named by `include`, `-include` and `sinclude`.
    pub includes: Vec<Spanned<String>>,
    /// `.ONESHELL:` is given: the lines of a recipe go to one shell, so that only the last one's status counts.
    pub oneshell: bool,
}

/// `targets: prerequisites` and the recipe below.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Target names as written.
    pub targets: Vec<Spanned<String>>,
    /// Prerequisites, the order-only ones included.
    pub prerequisites: Vec<Spanned<String>>,
    /// Recipe lines; make stops at the first that fails.
    pub recipe: Vec<RecipeLine>,
    /// The line with the targets.
    pub span: Span,
}

/// One logical line of a recipe, which make gives to a shell of its own.
#[derive(Debug, Clone)]
pub struct RecipeLine {
    /// The shell text. `$$` is `$`, `$(NAME)` is `${NAME}`, `$(shell x)` is `$(x)`; other functions and
    /// automatic variables stand as `${…}` of their name.
    pub shell: Passage,
    /// The line as written, without the prefix tab.
    pub span: Span,
    /// `@`: the line is not echoed.
    pub silent: bool,
    /// The `-` that makes make go on after a failure.
    pub tolerated: Option<Span>,
}

/// `NAME = value`.
#[derive(Debug, Clone)]
pub struct Variable {
    /// The name.
    pub name: Spanned<String>,
    /// `=`, `:=`, `::=`, `:::=`, `?=`, `+=` or `!=`.
    pub operator: String,
    /// The value, unexpanded, without comment.
    pub value: Spanned<String>,
    /// Targets for which the value holds, if not for all.
    pub targets: Vec<String>,
}

impl Makefile {
    /// The rules that have `target` as a target, by its exact name.
    pub fn rules_of<'m>(&'m self, target: &'m str) -> impl Iterator<Item = &'m Rule> {
        self.rules.iter().filter(move |r| r.targets.iter().any(|t| t.value == target))
    }
}

/// Parses the decoded text of a makefile.
pub fn parse(file: FileId, text: &str) -> Makefile {
    let mut reader = Reader { file, text, pos: 0, prefix: '\t', in_rule: false, out: Makefile::default() };
    if text.starts_with('\u{feff}') {
        reader.pos = 3;
    }
    reader.run();
    reader.out
}

struct Reader<'t> {
    file: FileId,
    text: &'t str,
    pos: usize,
    prefix: char,
    in_rule: bool,
    out: Makefile,
}

impl<'t> Reader<'t> {
    /// The physical line at `pos` without its line break; `pos` moves on.
    fn physical(&mut self) -> Option<Range<usize>> {
        let start = self.pos;
        if start >= self.text.len() {
            return None;
        }
        let end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        self.pos = (end + 1).min(self.text.len());
        Some(start..start + self.text[start..end].trim_end_matches('\r').len())
    }

    fn run(&mut self) {
        let mut defines = 0;
        while let Some(range) = self.physical() {
            let line = &self.text[range.clone()];
            if defines > 0 {
                match line.split_whitespace().next() {
                    Some("endef") => defines -= 1,
                    Some("define") => defines += 1,
                    _ => {}
                }
                continue;
            }
            if self.in_rule && line.starts_with(self.prefix) {
                self.recipe_line(range.start + self.prefix.len_utf8()..range.end);
                continue;
            }
            let logical = self.logical(range);
            let text = logical.text();
            let written = uncommented(text);
            let words: Vec<&str> = text[..written].split_whitespace().take(2).collect();
            let assigns = words.get(1).is_some_and(|w| w.starts_with(['=', ':', '?', '+', '!']));
            match words.first() {
                None => {}
                Some(&"define") if !assigns => {
                    defines = 1;
                    self.in_rule = false;
                }
                Some(&("ifeq" | "ifneq" | "ifdef" | "ifndef" | "else" | "endif")) if !assigns => {}
                Some(&("include" | "-include" | "sinclude")) if !assigns => {
                    let files = words_of(&logical, 0..written);
                    self.out.includes.extend(files.into_iter().skip(1));
                }
                Some(_) => self.statement(&logical, written),
            }
        }
    }

    /// Joins continued lines with one blank, as make does outside recipes.
    fn logical(&mut self, first: Range<usize>) -> Passage {
        let mut passage = Passage::new(self.file, first.start);
        let mut range = first;
        loop {
            let line = &self.text[range.clone()];
            if !continues(line) {
                passage.push(line, range.start);
                return passage;
            }
            let content = line[..line.len() - 1].trim_end();
            passage.push(content, range.start);
            let from = range.start + content.len();
            let Some(next) = self.physical() else { return passage };
            let indent = self.text[next.clone()].len() - self.text[next.clone()].trim_start().len();
            passage.push_meaning(" ", from..next.start + indent);
            range = next.start + indent..next.end;
        }
    }

    fn statement(&mut self, line: &Passage, end: usize) {
        let text = &line.text()[..end];
        let mut from = text.len() - text.trim_start().len();
        for modifier in ["export ", "override ", "private ", "unexport "] {
            if text[from..].starts_with(modifier) {
                from = end - text[from + modifier.len()..].trim_start().len();
            }
        }
        if let Some(variable) = assignment(line, from..end, Vec::new()) {
            self.in_rule = false;
            if variable.name.value == ".RECIPEPREFIX" {
                self.prefix = variable.value.value.chars().next().unwrap_or('\t');
            }
            return self.out.variables.push(variable);
        }
        let Some(colon) = outside_parens(text, from, |rest| rest.starts_with(':') || rest.starts_with("&:"))
        else {
            // `export NAME` and what is no makefile.
            self.in_rule = false;
            return;
        };
        let targets = words_of(line, from..colon);
        let after = end - text[colon..].trim_start_matches(['&', ':']).len();
        let names: Vec<String> = targets.iter().map(|t| t.value.clone()).collect();
        self.in_rule = true;
        if let Some(variable) = assignment(line, after..end, names) {
            return self.out.variables.push(variable);
        }
        let recipe = outside_parens(text, after, |rest| rest.starts_with(';'));
        let stop = recipe.unwrap_or(end);
        // In a static pattern rule the second colon separates the pattern from the prerequisites.
        let start =
            outside_parens(&text[..stop], after, |rest| rest.starts_with(": ")).map_or(after, |at| at + 1);
        let prerequisites = words_of(line, start..stop).into_iter().filter(|w| w.value != "|").collect();
        self.out.oneshell |= targets.iter().any(|t| t.value == ".ONESHELL");
        self.out.rules.push(Rule { targets, prerequisites, recipe: Vec::new(), span: line.span(from..end) });
        if let Some(at) = recipe {
            let mut inline = Passage::new(self.file, line.span(at..at).start as usize);
            inline.append(line, at + 1..line.text().len());
            self.add_recipe(inline);
        }
    }

    fn recipe_line(&mut self, first: Range<usize>) {
        let mut passage = Passage::new(self.file, first.start);
        let mut range = first;
        loop {
            let line = &self.text[range.clone()];
            passage.push(line, range.start);
            if !continues(line) {
                break;
            }
            let end = range.end;
            let Some(next) = self.physical() else { break };
            passage.push_meaning("\n", end..next.start);
            let skip =
                if self.text[next.clone()].starts_with(self.prefix) { self.prefix.len_utf8() } else { 0 };
            range = next.start + skip..next.end;
        }
        self.add_recipe(passage);
    }

    fn add_recipe(&mut self, line: Passage) {
        let text = line.text();
        let (mut silent, mut tolerated) = (false, None);
        let mut from = text.len();
        for (at, c) in text.char_indices() {
            match c {
                '@' => silent = true,
                '-' => tolerated = Some(line.span(at..at + 1)),
                '+' | ' ' | '\t' => {}
                _ => {
                    from = at;
                    break;
                }
            }
        }
        let end = text.trim_end().len();
        if from >= end {
            return;
        }
        let recipe =
            RecipeLine { shell: for_shell(&line, from..end), span: line.span(from..end), silent, tolerated };
        if let Some(rule) = self.out.rules.last_mut() {
            rule.recipe.push(recipe);
        }
    }
}

/// An odd number of backslashes at the end.
fn continues(line: &str) -> bool {
    (line.len() - line.trim_end_matches('\\').len()) % 2 == 1
}

/// Where the comment of a line begins.
fn uncommented(text: &str) -> usize {
    let bytes = text.as_bytes();
    let comment = (0..bytes.len()).find(|&i| bytes[i] == b'#' && (i == 0 || bytes[i - 1] != b'\\'));
    text[..comment.unwrap_or(text.len())].trim_end().len()
}

/// The first place from `from` on, outside `$( )` and `${ }`, whose rest satisfies `found`.
fn outside_parens(text: &str, from: usize, found: impl Fn(&str) -> bool) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text[from..].char_indices() {
        match c {
            '(' | '{' => depth += 1,
            ')' | '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 && found(&text[from + at..]) => return Some(from + at),
            _ => {}
        }
    }
    None
}

fn assignment(line: &Passage, range: Range<usize>, targets: Vec<String>) -> Option<Variable> {
    let text = &line.text()[..range.end];
    const OPERATORS: [&str; 7] = [":::=", "::=", ":=", "?=", "+=", "!=", "="];
    let is_operator = |rest: &str| OPERATORS.iter().any(|o| rest.starts_with(o));
    // A colon that is no part of an operator begins a rule.
    let at = outside_parens(text, range.start, |rest| is_operator(rest) || rest.starts_with(':'))?;
    let operator = OPERATORS.iter().find(|o| text[at..].starts_with(**o))?;
    let start = range.start + (text[range.start..at].len() - text[range.start..at].trim_start().len());
    let name = text[start..at].trim_end();
    if name.is_empty() || name.contains(char::is_whitespace) && !name.contains('$') {
        return None;
    }
    let value_at = text.len() - text[at + operator.len()..].trim_start().len();
    Some(Variable {
        name: Spanned::new(name.to_owned(), line.span(start..start + name.len())),
        operator: (*operator).to_owned(),
        value: Spanned::new(text[value_at..].to_owned(), line.span(value_at..text.len())),
        targets,
    })
}

fn words_of(line: &Passage, range: Range<usize>) -> Vec<Spanned<String>> {
    let text = line.text();
    let mut out = Vec::new();
    let mut depth = 0usize;
    let mut start = None;
    for (at, c) in text[range.clone()].char_indices() {
        let at = range.start + at;
        if c.is_whitespace() && depth == 0 {
            if let Some(start) = start.take() {
                out.push(Spanned::new(text[start..at].to_owned(), line.span(start..at)));
            }
            continue;
        }
        start.get_or_insert(at);
        match c {
            '(' | '{' => depth += 1,
            ')' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if let Some(start) = start {
        out.push(Spanned::new(text[start..range.end].to_owned(), line.span(start..range.end)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::shell;
    use proptest::prelude::*;

    #[test]
    fn rules_recipes_and_variables_are_read() {
        let text = "# top\nENV ?= staging # note\nexport TAG := $(shell git rev-parse HEAD)\n.PHONY: test deploy\ntest: build | dirs ; echo inline\n\t@pytest || true\n\t-rm -rf \\\n\t  $(OUT)/$@ $$HOME\n\ndeploy: ENV = prod\ndeploy: test\nifeq ($(ENV),prod)\n\tkubectl apply -f $(ENV).yml; x=$(shell date); echo $(wildcard *.c)\nendif\ndefine X\n\tnot read\nendef\ninclude common.mk\n";
        let m = parse(FileId(0), text);
        let test = m.rules_of("test").next().expect("rule");
        let names = |w: &[Spanned<String>]| w.iter().map(|w| w.value.clone()).collect::<Vec<_>>();
        assert_eq!(names(&test.prerequisites), ["build", "dirs"]);
        let shells: Vec<&str> = test.recipe.iter().map(|r| r.shell.text()).collect();
        assert_eq!(shells, ["echo inline", "pytest || true", "rm -rf \\\n  ${OUT}/${_} $HOME"]);
        assert!(test.recipe[1].silent && test.recipe[1].tolerated.is_none());
        assert_eq!(test.recipe[2].tolerated.map(|s| &text[s.range()]), Some("-"));
        let script = shell::parse(&test.recipe[1].shell);
        assert_eq!(script.commands[0].tolerated.as_ref().map(|t| &text[t.span.range()]), Some("|| true"));
        let deploy = m.rules_of("deploy").last().expect("rule");
        assert_eq!(deploy.recipe[0].shell.text(), "kubectl apply -f ${ENV}.yml; x=$(date); echo ${wildcard}");
        let commands = shell::parse(&deploy.recipe[0].shell).commands;
        assert_eq!(commands.iter().find(|c| c.in_substitution).map(|c| &text[c.span.range()]), Some("date"));
        let variables: Vec<_> = m
            .variables
            .iter()
            .map(|v| (v.name.value.as_str(), v.operator.as_str(), v.value.value.as_str()))
            .collect();
        assert_eq!(
            variables,
            [("ENV", "?=", "staging"), ("TAG", ":=", "$(shell git rev-parse HEAD)"), ("ENV", "=", "prod")]
        );
        assert_eq!(m.variables[2].targets, ["deploy"]);
        assert_eq!(names(&m.includes), ["common.mk"]);
    }

    #[test]
    fn the_recipe_prefix_can_be_changed_and_crlf_reads_alike() {
        let text = ".RECIPEPREFIX = >\na: b\\\n  c\n>make \\\n> x\n";
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            let m = parse(FileId(0), &text);
            assert_eq!(m.rules[0].prerequisites.len(), 2);
            let shell = shell::parse(&m.rules[0].recipe[0].shell);
            assert_eq!(shell.commands[0].words.len(), 2, "{text:?}");
        }
    }

    const TOKENS: &[&str] = &[
        "a",
        ":",
        "=",
        ":=",
        "\t",
        "\n",
        "\r\n",
        "\\\n",
        "$(",
        "${",
        ")",
        "}",
        "$$",
        "$@",
        "$",
        "$(shell ",
        "define ",
        "endef",
        "é",
        "😀",
        "#",
        " ",
        "@",
        "-",
        ";",
        ".RECIPEPREFIX = é\n",
        "export ",
        "include ",
        "\\",
        "|",
        "&:",
        "::",
        "$é",
        "ifeq ",
    ];

    proptest! {
        #[test]
        fn no_file_makes_it_panic(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..40)) {
            let text = tokens.concat();
            let m = parse(FileId(0), &text);
            let sound = |span: Span| assert!(text.get(span.range()).is_some(), "{span:?} in {text:?}");
            for rule in &m.rules {
                sound(rule.span);
                rule.targets.iter().chain(&rule.prerequisites).for_each(|t| sound(t.span));
                for line in &rule.recipe {
                    sound(line.span);
                    line.tolerated.iter().for_each(|s| sound(*s));
                    shell::parse(&line.shell).commands.iter().for_each(|c| sound(c.span));
                }
            }
            for v in &m.variables {
                sound(v.name.span);
                sound(v.value.span);
            }
            m.includes.iter().for_each(|i| sound(i.span));
        }
    }

    #[test]
    fn hostile_files_end_soon() {
        for text in [
            "a:\n\t".to_owned() + &"$(".repeat(200_000),
            "a:\n\t".to_owned() + &"\\\n\t".repeat(100_000),
            ":".repeat(200_000),
            "a: ".repeat(100_000),
        ] {
            parse(FileId(0), &text);
        }
    }
}
