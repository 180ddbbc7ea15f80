//! What building blocks of CI services do (actions, pipes, tasks, templates), as `rules/lexicon/uses.toml`
//! says line by line.

use super::commands::{Line, Tool, glob};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    plain: BTreeMap<String, String>,
    tool: Vec<Tool>,
    image: Vec<Image>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    program: String,
    names: String,
}

/// The table of building blocks.
#[derive(Debug)]
pub struct Uses {
    tools: Vec<Tool>,
    /// Names in lower case, as the services match them.
    by_name: HashMap<String, usize>,
    /// Names that end in `*`, without it.
    by_prefix: Vec<(String, usize)>,
    images: HashMap<String, String>,
}

impl Uses {
    /// The built-in table, parsed at first use.
    pub fn builtin() -> &'static Uses {
        static TABLE: LazyLock<Uses> = LazyLock::new(|| {
            Uses::parse(include_str!("../../rules/lexicon/uses.toml"))
                .expect("a test holds that the built-in table is well formed")
        });
        &TABLE
    }

    /// Reads a table; the error is the parser's, with its place.
    pub fn parse(text: &str) -> Result<Uses, toml::de::Error> {
        let table: Table = toml::from_str(text)?;
        let mut tools = table.tool;
        for (does, names) in table.plain {
            tools.push(Tool { names, lines: vec![Line { does, ..Line::default() }], ..Tool::default() });
        }
        let (mut by_name, mut by_prefix) = (HashMap::new(), Vec::new());
        for (index, tool) in tools.iter().enumerate() {
            for name in tool.names.split_whitespace() {
                let name = name.to_ascii_lowercase();
                match name.strip_suffix('*') {
                    Some(prefix) => by_prefix.push((prefix.to_owned(), index)),
                    None => {
                        by_name.entry(name).or_insert(index);
                    }
                }
            }
        }
        let images = table.image.into_iter().flat_map(|image| {
            let program = image.program;
            image.names.split_whitespace().map(|name| (name.to_owned(), program.clone())).collect::<Vec<_>>()
        });
        Ok(Uses { images: images.collect(), tools, by_name, by_prefix })
    }

    /// All tools.
    pub fn tools(&self) -> &[Tool] {
        &self.tools
    }

    /// The program that an image starts, so that a step's words are its arguments
    /// (`gcr.io/cloud-builders/docker` starts `docker`). The image is given without tag.
    pub fn program_of_image(&self, image: &str) -> Option<&str> {
        self.images.get(image).map(String::as_str)
    }

    /// The building block of this name, given without version; a `docker://` or `tasks/` name likewise.
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        let name = name.trim_end_matches('/').to_ascii_lowercase();
        let index = self.by_name.get(&name).copied().or_else(|| {
            let by_prefix = self.by_prefix.iter().filter(|(prefix, _)| name.starts_with(prefix.as_str()));
            by_prefix.max_by_key(|(prefix, _)| prefix.len()).map(|(_, index)| *index)
        })?;
        Some(&self.tools[index])
    }

    /// The lines that match a building block with these inputs; `input` yields what an input may be, all
    /// possibilities of it, and nothing if it is not given. An expression counts as given and not false.
    pub fn matches<'a>(
        &'a self,
        name: &str,
        input: &dyn Fn(&str) -> Vec<String>,
    ) -> Vec<(&'a Tool, &'a Line)> {
        let Some(tool) = self.tool(name) else { return Vec::new() };
        let mut found = Vec::new();
        for line in &tool.lines {
            if !holds(&line.when, input, true) || holds(&line.unless, input, false) {
                continue;
            }
            found.push((tool, line));
            if !line.and {
                break;
            }
        }
        found
    }
}

fn holds(conditions: &str, input: &dyn Fn(&str) -> Vec<String>, empty: bool) -> bool {
    let mut conditions = conditions.split_whitespace().peekable();
    if conditions.peek().is_none() {
        return empty;
    }
    conditions.any(|condition| match condition.split_once('=') {
        Some((name, pattern)) => input(name).iter().any(|v| glob(pattern, v.trim())),
        None => input(condition).iter().any(|v| !matches!(v.trim(), "" | "false" | "0")),
    })
}
