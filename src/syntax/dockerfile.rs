//! Dockerfiles as BuildKit reads them: parser directives, continuations with comments in between,
//! here-documents, exec and shell form. The format: <https://docs.docker.com/reference/dockerfile/>.

mod arguments;
mod lines;
#[cfg(test)]
mod tests;

use crate::text::{FileId, Passage, Span, Spanned};

/// The instructions that there are.
const KEYWORDS: [&str; 18] = [
    "FROM",
    "RUN",
    "CMD",
    "LABEL",
    "MAINTAINER",
    "EXPOSE",
    "ENV",
    "ADD",
    "COPY",
    "ENTRYPOINT",
    "VOLUME",
    "USER",
    "WORKDIR",
    "ARG",
    "ONBUILD",
    "STOPSIGNAL",
    "HEALTHCHECK",
    "SHELL",
];

/// A parsed Dockerfile. After an error parsing goes on with the next line.
#[derive(Debug, Clone, Default)]
pub struct Dockerfile {
    /// `# syntax=`, `# escape=`, `# check=`: name in lower case and value.
    pub directives: Vec<(String, Spanned<String>)>,
    /// Instructions before the first `FROM` (`ARG`, if the file is right).
    pub preamble: Vec<Instruction>,
    /// Build stages in order.
    pub stages: Vec<Stage>,
    /// Comment lines, with `#` and without the line break.
    pub comments: Vec<Span>,
    /// Messages with the place of what is not understood.
    pub errors: Vec<Spanned<String>>,
}

/// What one `FROM` begins.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Position, from 0.
    pub index: usize,
    /// Name after `AS`.
    pub name: Option<Spanned<String>>,
    /// Image or name of an earlier stage, as written.
    pub base: Spanned<String>,
    /// Value of `--platform`.
    pub platform: Option<Spanned<String>>,
    /// The `FROM` instruction.
    pub span: Span,
    /// The instructions after `FROM`.
    pub instructions: Vec<Instruction>,
}

/// One instruction.
#[derive(Debug, Clone)]
pub struct Instruction {
    /// In upper case.
    pub keyword: String,
    /// From the keyword to the end of the last argument, here-documents included.
    pub span: Span,
    /// `--name=value` before the arguments.
    pub flags: Vec<Flag>,
    /// Arguments without quotes; the elements of the array in exec form. For the shell form of `RUN` and
    /// its like read [`Instruction::shell`] instead.
    pub args: Vec<Spanned<String>>,
    /// The arguments are a JSON array (`CMD ["a", "b"]`).
    pub exec: bool,
    /// Shell text of the shell form of `RUN`, `CMD`, `ENTRYPOINT` and `HEALTHCHECK CMD`, with its
    /// here-documents. `RUN <<EOF` gives the body itself.
    pub shell: Option<Passage>,
    /// Names and values of `ENV`, `ARG` and `LABEL`; the old `ENV name value` form as well.
    pub pairs: Vec<Pair>,
    /// Bodies of here-documents.
    pub heredocs: Vec<Passage>,
    /// What follows `ONBUILD`, or `CMD` in `HEALTHCHECK CMD`.
    pub inner: Option<Box<Instruction>>,
}

/// `--name=value` of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Without `--`.
    pub name: String,
    /// After `=`.
    pub value: Option<String>,
    /// The whole flag.
    pub span: Span,
}

/// A name with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The name.
    pub name: Spanned<String>,
    /// The value without quotes; `None` for `ARG name`.
    pub value: Option<Spanned<String>>,
}

impl Instruction {
    /// The value of the flag `name`.
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.flags.iter().find(|f| f.name == name).and_then(|f| f.value.as_deref())
    }

    /// Sources of `COPY` and `ADD`, destination excepted.
    pub fn sources(&self) -> &[Spanned<String>] {
        self.args.split_last().map_or(&[], |(_, sources)| sources)
    }

    /// Destination of `COPY` and `ADD`.
    pub fn destination(&self) -> Option<&Spanned<String>> {
        self.args.last()
    }
}

impl Dockerfile {
    /// All instructions in order, those before the first stage included.
    pub fn instructions(&self) -> impl Iterator<Item = &Instruction> {
        self.preamble.iter().chain(self.stages.iter().flat_map(|s| &s.instructions))
    }

    /// The stage that is called `name` or, as `COPY --from=0` allows, has that number.
    pub fn stage(&self, name: &str) -> Option<&Stage> {
        let named = |s: &&Stage| s.name.as_ref().is_some_and(|n| n.value.eq_ignore_ascii_case(name));
        self.stages.iter().find(named).or_else(|| self.stages.get(name.parse::<usize>().ok()?))
    }
}

/// Parses the decoded text of a Dockerfile; a byte order mark, CR LF and a missing `FROM` are no
/// obstacle.
pub fn parse(file: FileId, text: &str) -> Dockerfile {
    let mut dockerfile = Dockerfile::default();
    let mut lines = lines::Lines::new(file, text);
    lines.directives(&mut dockerfile);
    while let Some(line) = lines.next(&mut dockerfile) {
        let instruction = match arguments::read(&line.passage, 0, line.heredocs, lines.escape()) {
            Ok(instruction) => instruction,
            Err(error) => {
                dockerfile.errors.push(error);
                continue;
            }
        };
        if instruction.keyword == "FROM" {
            add_stage(&mut dockerfile, instruction);
            continue;
        }
        match dockerfile.stages.last_mut() {
            Some(stage) => stage.instructions.push(instruction),
            None => dockerfile.preamble.push(instruction),
        }
    }
    dockerfile
}

fn add_stage(dockerfile: &mut Dockerfile, from: Instruction) {
    let Some(base) = from.args.first().cloned() else {
        return dockerfile.errors.push(Spanned::new("FROM names no image".into(), from.span));
    };
    let name = match &from.args[1..] {
        [] => None,
        [word, name, ..] if word.value.eq_ignore_ascii_case("as") => Some(name.clone()),
        [word, ..] => {
            dockerfile.errors.push(Spanned::new("FROM takes an image and AS name".into(), word.span));
            None
        }
    };
    let platform = from.flags.iter().find(|f| f.name == "platform");
    let platform = platform.and_then(|f| Some(Spanned::new(f.value.clone()?, f.span)));
    let index = dockerfile.stages.len();
    dockerfile.stages.push(Stage { index, name, base, platform, span: from.span, instructions: Vec::new() });
}
