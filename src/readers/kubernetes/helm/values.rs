//! Values of a chart, in layers: its own, those of the chart around it, files of one environment, single settings.
//! <https://helm.sh/docs/chart_template_guide/values_files/>

use crate::facts::Setting;
use std::collections::BTreeSet;

/// One source of values.
pub(super) enum Layer<'a> {
    /// Settings of a file, sorted by path. Those for a chart inside another stand below its name.
    File { settings: &'a [&'a Setting], below: String },
    /// The same, of what an installation sets by itself.
    Settings { settings: &'a [Setting], below: String },
    /// A file that is not here, or that no reader read.
    Unknown,
}

/// All layers, the strongest last.
#[derive(Default)]
pub(super) struct Values<'a>(pub Vec<Layer<'a>>);

/// What stands at a path.
pub(super) enum Found<'a> {
    /// A scalar.
    Leaf(&'a Setting),
    /// A mapping or list.
    Tree,
    /// Nothing: every layer is known, and none sets it.
    Nothing,
    /// A layer that is not known may set it.
    Unknown,
}

/// What of a path a layer holds: settings at it and below it.
fn below<'s, 'a>(settings: &'s [&'a Setting], path: &str) -> &'s [&'a Setting] {
    if path.is_empty() {
        return settings;
    }
    let from = settings.partition_point(|s| s.path.as_str() < path);
    let rest = &settings[from..];
    // Others that only begin alike may stand between the path itself and what lies below it.
    let to = rest.partition_point(|s| s.path.starts_with(path) && !after(&s.path, path));
    &rest[..to]
}

/// Whether a path lies behind all that are below `path`: `/` follows `.` in ASCII.
fn after(path: &str, prefix: &str) -> bool {
    path[prefix.len()..].bytes().next().is_some_and(|b| b > b'.')
}

fn within<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    if prefix.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(prefix)?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('.') }
}

impl<'a> Layer<'a> {
    fn path(&self, path: &str) -> String {
        match self {
            Layer::Unknown => path.to_owned(),
            Layer::File { below, .. } | Layer::Settings { below, .. } => match path {
                path if below.is_empty() => path.to_owned(),
                // `global` is the same for all charts.
                path if path == "global" || path.starts_with("global.") => path.to_owned(),
                "" => below.clone(),
                path => format!("{below}.{path}"),
            },
        }
    }

    /// Settings at or below a path, each with the rest of its own.
    fn all(&self, path: &str) -> Vec<(&'a str, &'a Setting)> {
        let path = self.path(path);
        match self {
            Layer::File { settings, .. } => {
                below(settings, &path).iter().filter_map(|s| Some((within(&s.path, &path)?, *s))).collect()
            }
            Layer::Settings { settings, .. } => {
                settings.iter().filter_map(|s| Some((within(&s.path, &path)?, s))).collect()
            }
            Layer::Unknown => Vec::new(),
        }
    }
}

impl<'a> Values<'a> {
    /// What stands at `path`.
    pub(super) fn at(&self, path: &str) -> Found<'a> {
        for layer in self.0.iter().rev() {
            if matches!(layer, Layer::Unknown) {
                return Found::Unknown;
            }
            let all = layer.all(path);
            match all.iter().find(|(rest, _)| rest.is_empty()) {
                Some((_, setting)) => return Found::Leaf(setting),
                None if !all.is_empty() => return Found::Tree,
                None => {}
            }
        }
        Found::Nothing
    }

    /// Whether a layer that is not known lies over the others.
    pub(super) fn is_open(&self) -> bool {
        self.0.iter().any(|l| matches!(l, Layer::Unknown))
    }

    /// Everything below `path` with the rest of its path: mappings are merged, lists replaced.
    pub(super) fn below(&self, path: &str) -> Vec<(&'a str, &'a Setting)> {
        let mut merged: Vec<(&'a str, &'a Setting)> = Vec::new();
        for layer in &self.0 {
            let own = layer.all(path);
            if !merged.is_empty() && !own.is_empty() {
                let paths: BTreeSet<&str> = own.iter().map(|(rest, _)| *rest).collect();
                let lists: BTreeSet<&str> = own.iter().filter_map(|(rest, _)| list_of(rest)).collect();
                merged.retain(|(rest, _)| {
                    !paths.contains(rest) && list_of(rest).is_none_or(|list| !lists.contains(list))
                });
            }
            merged.extend(own);
        }
        merged
    }
}

/// The list that a path first leads into.
fn list_of(path: &str) -> Option<&str> {
    let mut from = 0;
    for part in path.split('.') {
        if !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) {
            return Some(&path[..from]);
        }
        from += part.len() + 1;
    }
    None
}
