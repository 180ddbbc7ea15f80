//! What generators of an ApplicationSet put into its template.
//! <https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Generators/>

use crate::facts::Value;
use crate::readers::config::known;
use crate::syntax::tree::{Kind, Node};
use crate::text::{Span, Spanned};
use std::collections::BTreeMap;

/// Applications of one set that are told apart.
const MOST: usize = 500;
/// Generators within generators.
const DEEPEST: usize = 3;

/// The values for one Application.
#[derive(Debug, Clone, Default)]
pub(super) struct Filling {
    values: BTreeMap<String, String>,
    /// What tells this one from the others.
    pub place: Option<Span>,
    /// Whether more of its kind may come from elsewhere.
    pub open: bool,
}

impl Filling {
    /// A text of the template with these values in it.
    pub(super) fn text(&self, node: Node<'_>) -> Option<Spanned<Value<String>>> {
        let written = node.as_str()?;
        if !written.contains("{{") || self.values.is_empty() {
            return Some(Spanned::new(known(written), node.span()));
        }
        let place = self.place.filter(|p| p.file == node.span().file).unwrap_or(node.span());
        Some(Spanned::new(known(&self.fill(written)), place))
    }

    /// `{{name}}`, `{{ .name }}`, `{{ .a.b }}`; what no generator gives stays as written.
    fn fill(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, (inside, after))) =
            rest.split_once("{{").and_then(|(b, r)| Some((b, r.split_once("}}")?)))
        {
            out.push_str(before);
            let name = inside.trim_matches(['-', ' ']).split([' ', '|']).next().unwrap_or("");
            match self.values.get(name.trim_start_matches('.')) {
                Some(value) if out.len() + value.len() < 4096 => out.push_str(value),
                _ => out.push_str(&rest[before.len()..rest.len() - after.len()]),
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }

    fn and(&self, other: &Filling) -> Filling {
        let mut values = self.values.clone();
        values.extend(other.values.iter().map(|(k, v)| (k.clone(), v.clone())));
        let place = match (self.place, other.place) {
            // Of an outer and an inner element the inner one is fewer words.
            (Some(a), Some(b)) => Some(if b.len() <= a.len() { b } else { a }),
            (a, b) => a.or(b),
        };
        Filling { values, place, open: self.open || other.open }
    }
}

/// All fillings of these generators. Clusters, folders and files that a generator looks for are not known here: such
/// a generator gives one filling that stands for all.
pub(super) fn fillings(generators: Option<Node<'_>>) -> Vec<Filling> {
    let mut all: Vec<Filling> = generators
        .into_iter()
        .flat_map(|g| g.items())
        .flat_map(|g| of_generator(g, DEEPEST))
        .take(MOST)
        .collect();
    if all.is_empty() {
        all.push(Filling { open: true, ..Filling::default() });
    }
    all
}

fn of_generator(generator: Node<'_>, depth: usize) -> Vec<Filling> {
    if let Some(list) = generator.get("list") {
        let elements = list.get("elements").into_iter().flat_map(|e| e.items());
        return elements.filter(|e| e.kind() == Kind::Mapping).take(MOST).map(of_element).collect();
    }
    let nested = |key: &str| generator.at(&[key, "generators"]).filter(|_| depth > 0);
    if let Some(matrix) = nested("matrix") {
        let mut all = vec![Filling::default()];
        for inner in matrix.items().take(4) {
            let some = of_generator(inner, depth - 1);
            all = all.iter().flat_map(|a| some.iter().map(|b| a.and(b))).take(MOST).collect();
        }
        return all;
    }
    if let Some(merge) = nested("merge") {
        let mut inner = merge.items();
        return inner.next().map(|g| of_generator(g, depth - 1)).unwrap_or_default();
    }
    let mut filling = Filling { open: true, ..Filling::default() };
    if let Some(clusters) = generator.get("clusters") {
        for (key, value) in clusters.at(&["selector", "matchLabels"]).into_iter().flat_map(|l| l.entries()) {
            if let (Some(key), Some(text)) = (key.as_str(), value.as_str()) {
                filling.values.insert(format!("metadata.labels.{key}"), text.to_owned());
                filling.place.get_or_insert(value.span());
            }
        }
        flatten(clusters.get("values"), "values", &mut filling.values, 4);
    }
    vec![filling]
}

fn of_element(element: Node<'_>) -> Filling {
    let mut values = BTreeMap::new();
    flatten(Some(element), "", &mut values, 4);
    Filling { values, place: Some(element.span()), open: false }
}

fn flatten(node: Option<Node<'_>>, prefix: &str, into: &mut BTreeMap<String, String>, depth: usize) {
    for (key, value) in node.into_iter().flat_map(|n| n.entries()) {
        let Some(key) = key.as_str() else { continue };
        let name = if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
        match value.as_str() {
            Some(text) => drop(into.insert(name, text.to_owned())),
            None if depth > 0 && value.kind() == Kind::Mapping => {
                flatten(Some(value), &name, into, depth - 1)
            }
            None => {}
        }
    }
}
