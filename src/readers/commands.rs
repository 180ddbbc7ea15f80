//! Shell text to [`Command`] facts, wherever the text is written; and image references, which all
//! dialects write alike.

use super::Want;
use crate::facts::{
    Assignment, BaseImage, Command, How, Pipeline, Setting, SettingSource, Tolerance, Use, UseKind, Value,
    Word, normalise,
};
use crate::syntax::shell::{self, Options, Script};
use crate::text::{Passage, Spanned};

/// The most values that one word may stand for.
const MOST_VALUES: usize = 16;

/// What a text can stand for, by the variables around it; the text itself where it is not known.
pub(super) type Known<'a> = &'a dyn Fn(&str) -> Vec<String>;

/// The commands of shell text. `settings` are variables that hold around it; those that the text itself
/// assigns win.
pub(super) fn lower(passage: &Passage, options: Options, settings: &[Setting]) -> Vec<Command> {
    commands(&shell::parse_with(passage, options), &|text| around(settings, text))
}

/// The commands of PowerShell or batch text, read line by line.
pub(super) fn lower_lines(passage: &Passage, settings: &[Setting]) -> Vec<Command> {
    commands(&shell::parse_lines(passage), &|text| around(settings, text))
}

/// The commands of texts that one shell runs one after another, wherever each of them is written:
/// variables and `set` of one hold in the next. One list of commands for each text.
pub(super) fn lower_list(passages: &[Passage], mut options: Options, known: Known<'_>) -> Vec<Vec<Command>> {
    let mut out: Vec<Vec<Command>> = Vec::new();
    let mut assigned: std::collections::BTreeMap<String, Vec<shell::Word>> = Default::default();
    let (mut pipelines, mut last) = (0, None);
    let mut ignored: Option<crate::text::Span> = None;
    for (index, passage) in passages.iter().enumerate() {
        let mut script = shell::parse_with(passage, options);
        for (name, mut words) in std::mem::replace(&mut script.variables, std::mem::take(&mut assigned)) {
            script.variables.entry(name).or_default().append(&mut words);
        }
        let mut lowered = commands(&script, known);
        for command in &mut lowered {
            command.pipeline = command.pipeline.map(|(number, index)| (number + pipelines, index));
        }
        pipelines = lowered.iter().filter_map(|c| c.pipeline).map(|(n, _)| n + 1).max().unwrap_or(pipelines);
        // Only the last text's last command decides the status of the whole.
        if lowered.iter().any(|c| c.last)
            && let Some(before) = last.replace(out.len())
        {
            let earlier: &mut Vec<Command> = &mut out[before];
            earlier.iter_mut().for_each(|c| c.last = false);
        }
        let set = lasting_sets(&script).last().map(|c| c.span);
        options = after(&script, options);
        ignored = if options.errexit == Some(false) { set.or(ignored) } else { None };
        // Under `set +e` a text's own last command counts only if no text follows.
        if let Some(place) = ignored.filter(|_| index + 1 < passages.len()) {
            for command in lowered.iter_mut().filter(|c| c.last && c.program != "set") {
                let tolerance = Tolerance { place, how: How::SetPlusE, applies: Value::Known(true) };
                command.tolerated.get_or_insert(tolerance);
            }
        }
        out.push(lowered);
        assigned = script.variables;
    }
    out
}

/// A command that a service runs because a field says so, at the field's place.
pub(super) fn implied(program: &str, args: Vec<Word>, place: crate::text::Span) -> Command {
    let words = std::iter::once(program).chain(args.iter().map(|w| w.text.as_str()));
    Command {
        place,
        program: program.to_owned(),
        program_word: program.to_owned(),
        line: words.collect::<Vec<_>>().join(" "),
        args,
        assignments: Vec::new(),
        wrappers: Vec::new(),
        tolerated: None,
        function: None,
        conditions: Vec::new(),
        remote: None,
        effects: Vec::new(),
        writes: Vec::new(),
        reads: Vec::new(),
        pipeline: None,
        last: true,
        captured: false,
    }
}

/// `set` commands whose effect outlasts the text.
fn lasting_sets(script: &Script) -> impl Iterator<Item = &shell::Command> {
    script.commands.iter().filter(|c| {
        let here = c.function.is_none() && c.subshell == 0 && !c.in_substitution;
        here && c.words.first().is_some_and(|w| w.text == "set")
    })
}

/// The options that hold once a text has run: those that its `set` commands leave behind.
fn after(script: &Script, mut options: Options) -> Options {
    for command in lasting_sets(script) {
        let mut words = command.words[1..].iter().map(|w| w.text.as_str()).peekable();
        while let Some(word) = words.next() {
            let on = word.starts_with('-');
            let Some(letters) = word.strip_prefix(['-', '+']) else { break };
            if letters.contains('e') && !letters.starts_with('-') {
                options.errexit = Some(on);
            }
            if letters.ends_with('o') {
                match words.next() {
                    Some("pipefail") => options.pipefail = Some(on),
                    Some("errexit") => options.errexit = Some(on),
                    _ => {}
                }
            }
        }
    }
    options
}

fn commands(script: &Script, known: Known<'_>) -> Vec<Command> {
    let word = |word: &shell::Word| Word {
        text: word.text.clone(),
        place: word.span,
        literal: word.literal,
        values: values(script, known, word),
    };
    let last = script.commands.iter().rposition(|c| !c.in_substitution && !c.words.is_empty());
    let mut out = Vec::new();
    for (index, command) in script.commands.iter().enumerate() {
        for effective in command.effective() {
            let args: Vec<Word> = effective.args.iter().map(word).collect();
            let mut line = effective.program.clone();
            for arg in &args {
                line.push(' ');
                line.push_str(&arg.text);
            }
            let redirected = |operator: char| {
                let matching = command.redirects.iter().filter(move |r| r.operator.contains(operator));
                matching.filter(|r| !r.operator.contains('&')).map(|r| word(&r.target)).collect::<Vec<_>>()
            };
            out.push(Command {
                place: if effective.span == command.span { command.span } else { effective.span },
                program_word: program_word(command, &effective),
                program: effective.program,
                args,
                line,
                assignments: effective
                    .assignments
                    .iter()
                    .map(|(name, w)| Assignment { name: name.clone(), word: word(w) })
                    .collect(),
                wrappers: effective.wrappers,
                tolerated: effective.tolerated.as_ref().or(command.tolerated.as_ref()).map(tolerance),
                function: command.function.clone(),
                conditions: effective.conditions.iter().map(condition).collect(),
                remote: effective.remote.or(effective.container),
                effects: Vec::new(),
                writes: redirected('>'),
                reads: redirected('<'),
                pipeline: command.pipeline.map(|p| (p.pipeline, p.index)),
                last: Some(index) == last,
                captured: command.in_substitution,
            });
        }
    }
    out
}

/// The program's word, whose directory tells which file of the tree it is.
fn program_word(command: &shell::Command, effective: &shell::Effective) -> String {
    let own = command.words.iter().find(|w| w.span == effective.program_span);
    own.map_or_else(|| effective.program.clone(), |w| w.text.clone())
}

fn condition(condition: &std::sync::Arc<shell::Condition>) -> String {
    if condition.negated { format!("! {}", condition.text) } else { condition.text.clone() }
}

fn tolerance(tolerated: &shell::Tolerated) -> Tolerance {
    let how = match tolerated.how {
        shell::How::OrTrue => How::OrTrue,
        shell::How::OrOther => How::OrOther,
        shell::How::ThenTrue => How::ThenTrue,
        shell::How::SetPlusE => How::SetPlusE,
        shell::How::PipeMasked => How::PipeMasked,
        shell::How::AndList => How::AndList,
        shell::How::Background => How::Background,
        shell::How::Condition => How::Condition,
        shell::How::Silenced => How::Flag,
    };
    Tolerance { place: tolerated.span, how, applies: Value::Known(true) }
}

/// What a word can stand for: by the text's own assignments, then by the variables around it.
fn values(script: &Script, known: Known<'_>, word: &shell::Word) -> Vec<String> {
    if word.literal {
        return vec![word.text.clone()];
    }
    let mut all: Vec<String> = Vec::new();
    for value in script.expand(word) {
        match value.contains('$') {
            true => all.append(&mut known(&value)),
            false => all.push(value),
        }
    }
    all.truncate(MOST_VALUES);
    all
}

/// A text with the values of these settings put in.
fn around(settings: &[Setting], text: &str) -> Vec<String> {
    let mut all = vec![text.to_owned()];
    for setting in settings {
        if !all.iter().any(|v| v.contains('$')) || all.len() > MOST_VALUES {
            break;
        }
        let possible = setting.setting.possible();
        let (plain, braced) = (format!("${}", setting.key), format!("${{{}}}", setting.key));
        all = all
            .iter()
            .flat_map(|v| {
                let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
                let written = if v.contains(&braced) {
                    Some(&braced)
                } else {
                    Some(&plain).filter(|p| v.find(p.as_str()).is_some_and(|at| ends(&v[at + p.len()..])))
                };
                match written {
                    Some(written) if !possible.is_empty() => {
                        possible.iter().map(|p| v.replace(written.as_str(), p)).collect::<Vec<_>>()
                    }
                    _ => vec![v.clone()],
                }
            })
            .collect();
    }
    all
}

/// The script file that a command runs, sent for with the reader of its kind.
pub(super) fn called_script(command: &Command, folder: Option<&str>) -> Option<Want> {
    let runs_file = |p: &str| {
        matches!(p, "bash" | "sh" | "zsh" | "dash" | "ksh" | "source" | "." | "pwsh" | "powershell")
    };
    let path = if runs_file(&command.program) {
        command.args.iter().map(|w| w.text.as_str()).find(|t| !t.starts_with('-'))?
    } else if command.program_word.contains('/') {
        command.program_word.as_str()
    } else {
        return None;
    };
    script_want(path, folder)
}

/// A path of a script as a want, if it lies in the tree.
pub(super) fn script_want(path: &str, folder: Option<&str>) -> Option<Want> {
    if path.contains('$') || path.starts_with('/') || path.starts_with('~') {
        return None;
    }
    let path = path.trim_start_matches("./");
    let joined = match folder {
        Some(folder) if !folder.is_empty() && !folder.contains('$') => format!("{folder}/{path}"),
        _ => path.to_owned(),
    };
    let kind = if joined.ends_with(".ps1") { "powershell" } else { "shell" };
    Some(Want { path: normalise(&joined)?, kind })
}

/// An image that is used at `place`.
pub(super) fn image_use(reference: &str, place: crate::text::Span) -> Use {
    let (name, version) = split_image(reference);
    Use {
        place,
        sort: UseKind::Image,
        name,
        version: version.map(|version| Spanned::new(version, place)),
        local: false,
        inputs: Vec::new(),
        unresolved: None,
    }
}

/// Splits an image reference into name and tag or digest: `a/b:1`, `host:5000/a@sha256:…`.
/// <https://pkg.go.dev/github.com/distribution/reference>
pub(super) fn split_image(image: &str) -> (String, Option<String>) {
    if let Some((name, digest)) = image.split_once('@') {
        return (name.to_owned(), Some(digest.to_owned()));
    }
    match image.rfind(':') {
        // A colon before a slash is a port; one inside an expression is none of ours.
        Some(at) if !image[at..].contains(['/', '}']) => {
            (image[..at].to_owned(), Some(image[at + 1..].to_owned()))
        }
        _ => (image.to_owned(), None),
    }
}

/// The images that jobs of these pipelines run in, each place once.
pub(super) fn base_images(pipelines: &[Pipeline]) -> Vec<BaseImage> {
    let images = pipelines.iter().flat_map(|p| &p.jobs).flat_map(|j| &j.images);
    let mut images: Vec<BaseImage> = images.map(|u| base_image(u, SettingSource::Pipeline)).collect();
    images.sort_by_key(|i| i.place);
    images.dedup_by(|a, b| a.place == b.place && a.reference == b.reference);
    images
}

/// An image that a job runs in, as a fact of its own.
pub(super) fn base_image(image: &Use, source: SettingSource) -> BaseImage {
    let version = image.version.as_ref().map(|v| v.value.as_str());
    let (tag, digest) = match version {
        Some(v) if v.starts_with("sha256:") => (None, Some(v.to_owned())),
        Some(v) => (Some(v.to_owned()), None),
        None => (None, None),
    };
    let joint = match (&tag, &digest) {
        (Some(t), _) => format!("{}:{t}", image.name),
        (None, Some(d)) => format!("{}@{d}", image.name),
        _ => image.name.clone(),
    };
    let unknown = ["$", "{{", "<<"].iter().any(|m| joint.contains(m));
    // `name:tag@digest` has both.
    let (name, tag) = match split_image(&image.name) {
        (name, Some(inner)) if digest.is_some() => (name, Some(inner)),
        _ => (image.name.clone(), tag),
    };
    BaseImage {
        place: image.place,
        name,
        tag,
        digest,
        reference: if unknown { Value::Expr(joint) } else { Value::Known(joint) },
        stage_reference: false,
        last: false,
        source,
        local_only: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_split_at_its_tag_and_not_at_its_port() {
        for (image, name, version) in [
            ("alpine", "alpine", None),
            ("alpine:3.20", "alpine", Some("3.20")),
            ("host:5000/a/b", "host:5000/a/b", None),
            ("host:5000/a/b:1", "host:5000/a/b", Some("1")),
            ("a@sha256:0", "a", Some("sha256:0")),
        ] {
            assert_eq!(split_image(image), (name.to_owned(), version.map(str::to_owned)), "{image}");
        }
    }

    #[test]
    fn a_script_outside_the_tree_is_not_sent_for() {
        let want = |path: &str, folder| script_want(path, folder).map(|w| w.path);
        assert_eq!(want("./ci/x.sh", None).as_deref(), Some("ci/x.sh"));
        assert_eq!(want("../x.sh", Some("a/b")).as_deref(), Some("a/x.sh"));
        assert_eq!(want("../x.sh", None), None);
        assert_eq!(want("$HOME/x.sh", None), None);
    }
}
