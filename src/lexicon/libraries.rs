//! What libraries, images and charts are there for, as `rules/lexicon/libraries.toml` says.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

/// The table of libraries.
#[derive(Debug, Default)]
pub struct Libraries {
    /// By ecosystem and name, in lower case.
    by_name: HashMap<String, Vec<String>>,
    /// Names that end in `*`, without it.
    by_prefix: Vec<(String, String)>,
}

impl Libraries {
    /// The built-in table, parsed at first use.
    pub fn builtin() -> &'static Libraries {
        static TABLE: LazyLock<Libraries> = LazyLock::new(|| {
            Libraries::parse(include_str!("../../rules/lexicon/libraries.toml"))
                .expect("a test holds that the built-in table is well formed")
        });
        &TABLE
    }

    fn parse(text: &str) -> Result<Libraries, String> {
        let table: BTreeMap<String, BTreeMap<String, String>> =
            toml::from_str(text).map_err(|e| e.to_string())?;
        let mut libraries = Libraries::default();
        for (ecosystem, practices) in table {
            for (practice, names) in practices {
                for name in names.split_whitespace() {
                    let key = format!("{ecosystem} {}", name.to_ascii_lowercase());
                    match key.strip_suffix('*') {
                        Some(prefix) => libraries.by_prefix.push((prefix.to_owned(), practice.clone())),
                        None => libraries.by_name.entry(key).or_default().push(practice.clone()),
                    }
                }
            }
        }
        Ok(libraries)
    }

    /// The words for what a library of an ecosystem (`npm`, `python`, …, `image`, `helm`) is there for.
    pub fn serve(&self, ecosystem: &str, name: &str) -> impl Iterator<Item = &str> {
        let key = format!("{ecosystem} {}", name.to_ascii_lowercase());
        let exact = self.by_name.get(&key).into_iter().flatten().map(String::as_str);
        let begins = self.by_prefix.iter().filter(move |(prefix, _)| key.starts_with(prefix.as_str()));
        exact.chain(begins.map(|(_, practice)| practice.as_str()))
    }

    /// Every word that the table uses for a practice.
    pub fn practices(&self) -> impl Iterator<Item = &str> {
        let exact = self.by_name.values().flatten().map(String::as_str);
        exact.chain(self.by_prefix.iter().map(|(_, practice)| practice.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_known_by_its_ecosystem_and_name() {
        let table = Libraries::builtin();
        let serve = |ecosystem, name| table.serve(ecosystem, name).collect::<Vec<_>>();
        assert_eq!(serve("npm", "express"), ["web"]);
        assert!(serve("npm", "@opentelemetry/sdk-node").contains(&"tracing"));
        assert_eq!(serve("npm", "expression"), [] as [&str; 0]);
        assert_eq!(serve("python", "Flask"), ["web"]);
        assert_eq!(serve("npm", "Flask"), [] as [&str; 0]);
    }
}
