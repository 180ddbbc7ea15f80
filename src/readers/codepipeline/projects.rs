//! CodeBuild projects of a template: what they run stands in a file of the repository or in the template itself.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-codebuild-project-source.html>

use crate::facts::{Pipeline, Value};
use crate::readers::{Text, codebuild, names};
use crate::syntax::tree::{Node, Style};
use crate::syntax::yaml::{self, Mask};
use crate::text::Span;

/// Buildspecs that are written inside one template.
const MOST_INLINE: usize = 64;

/// A project and what its builds run.
pub(super) struct Project {
    id: String,
    name: Option<String>,
    /// The buildspec, by its path or as `template#project`; none where it lies elsewhere.
    pub(super) runs: Option<String>,
    /// Where it is told.
    pub(super) place: Span,
}

/// The projects of a template, and the pipelines of those whose buildspec stands in it. `value` puts in what is
/// known of parameters.
pub(super) fn read<'t>(
    resources: &[(Node<'t>, Node<'t>)],
    text: &Text<'_>,
    value: &dyn Fn(Node<'t>) -> Value<String>,
) -> (Vec<Project>, Vec<Pipeline>) {
    let (mut projects, mut inline) = (Vec::new(), Vec::new());
    for (key, resource) in resources {
        let kind = resource.get("Type").and_then(|t| t.as_str());
        let (Some("AWS::CodeBuild::Project"), Some(id)) = (kind, key.as_str()) else { continue };
        let Some(properties) = resource.get("Properties") else { continue };
        let node = properties.at(&["Source", "BuildSpec"]).or(properties.at(&["Source", "Buildspec"]));
        let written = node.map(|n| n.get("Fn::Sub").unwrap_or(n));
        let runs = match written.and_then(|n| Some((n, n.as_str()?))) {
            None if written.is_none() => Some("buildspec.yml".to_owned()),
            None => None,
            Some((_, path)) if names::ends(path, &[".yml", ".yaml"]) && !path.contains(['$', '\n', ':']) => {
                Some(path.trim_start_matches("./").to_owned())
            }
            Some((node, _)) if inline.len() < MOST_INLINE => {
                let name = format!("{}#{id}", text.path);
                let pipeline = within(text, node).and_then(|blank| inside(text, &blank, &name));
                pipeline.map(|p| {
                    inline.push(p);
                    name
                })
            }
            Some(_) => None,
        };
        projects.push(Project {
            id: id.to_owned(),
            name: properties.get("Name").map(|n| value(n).text()),
            runs,
            place: written.map_or(key.span(), |n| n.span()),
        });
    }
    (projects, inline)
}

/// The project that an action names: by its logical name, or by what it is called.
pub(super) fn named<'p>(projects: &'p [Project], told: &str) -> Option<&'p Project> {
    let reference = told.strip_prefix("${").and_then(|t| t.strip_suffix('}'));
    projects.iter().find(|p| reference == Some(p.id.as_str()) || p.name.as_deref() == Some(told))
}

/// The file with everything blanked but a block of text, or a quoted text with its escapes: what is read from it
/// has its own places.
fn within(text: &Text<'_>, node: Node<'_>) -> Option<String> {
    let span = node.span().range();
    let blank = |part: &str| part.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect::<String>();
    match node.style()? {
        Style::Literal => {
            let start = text.text.get(..span.start)?.rfind('\n').map_or(0, |at| at + 1);
            Some([&blank(text.text.get(..start)?), text.text.get(start..span.end)?].concat())
        }
        Style::DoubleQuoted => {
            let before = blank(text.text.get(..span.start)?);
            Some(before + &unfolded(text.text.get(span)?)?)
        }
        _ => None,
    }
}

/// A quoted text of as many bytes, in which `\n` ends a line and `\"` is a quote beside a blank.
fn unfolded(raw: &str) -> Option<String> {
    let inside = raw.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = String::from("\n");
    let mut open = false;
    let mut from = 0;
    while let Some(at) = inside[from..].find('\\').map(|at| at + from) {
        out.push_str(&inside[from..at]);
        out.push_str(match inside.as_bytes().get(at + 1)? {
            b'n' => " \n",
            b't' => "  ",
            b'/' => " /",
            b'"' => {
                open = !open;
                if open { " \"" } else { "\" " }
            }
            _ => return None,
        });
        from = at + 2;
    }
    out.push_str(&inside[from..]);
    Some(out)
}

fn inside(text: &Text<'_>, blank: &str, name: &str) -> Option<Pipeline> {
    let tree = yaml::parse(text.file, blank, Mask::None);
    codebuild::inside(&Text { text: blank, ..*text }, &tree, name)
}
