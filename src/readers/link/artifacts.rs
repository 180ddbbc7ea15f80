//! References to images, packages, files and charts, taken apart so that two of them can be compared.

use super::scope::{Piece, Scope, pieces};
use crate::facts::{Artifact, ArtifactKind, Part, Parts, Stage};
use crate::lexicon::variables::{is_commit, is_environment_name};
use crate::lexicon::{Environments, classify, classify_host, mentions};
use crate::text::Span;

/// Reads a reference. `None` if nothing is left of it.
pub(super) fn read_artifact(
    kind: ArtifactKind,
    text: &str,
    place: Span,
    scope: &Scope<'_>,
    environments: &Environments,
) -> Option<Artifact> {
    let text = substitute(text.trim(), scope);
    let text = text.strip_prefix("docker://").or_else(|| text.strip_prefix("oci://")).unwrap_or(&text);
    let all = pieces(text);
    if all.is_empty() {
        return None;
    }
    let (all, digest) = cut_digest(all, kind);
    let (name, version) = match kind {
        ArtifactKind::Image => cut_version(all),
        _ => (all, Vec::new()),
    };
    let name = parts(&name, scope, environments, kind == ArtifactKind::Image);
    let version = parts(&version, scope, environments, false);
    Some(Artifact { kind, name, version, digest, place })
}

/// Replaces variables that have exactly one known value; one that has several is kept by its name.
fn substitute(text: &str, scope: &Scope<'_>) -> String {
    let mut text = text.to_owned();
    for _ in 0..4 {
        let mut changed = false;
        let next: String = pieces(&text)
            .iter()
            .map(|piece| match piece {
                Piece::Literal(l) => (*l).to_owned(),
                Piece::Expr { raw, name, default } => {
                    if is_commit(name) {
                        return (*raw).to_owned();
                    }
                    let values = scope.values(name);
                    let one = match values.as_slice() {
                        [one] => Some(one.clone()),
                        [] => {
                            default.filter(|d| !d.is_empty() && !is_environment_name(name)).map(str::to_owned)
                        }
                        _ => None,
                    };
                    match one.filter(|v| !v.contains(raw) && v.len() < 1024) {
                        Some(value) => {
                            changed = true;
                            value
                        }
                        None => (*raw).to_owned(),
                    }
                }
            })
            .collect();
        text = next;
        if !changed || text.len() > 4096 {
            break;
        }
    }
    text
}

fn cut_digest(all: Vec<Piece<'_>>, kind: ArtifactKind) -> (Vec<Piece<'_>>, Option<String>) {
    if kind != ArtifactKind::Image {
        return (all, None);
    }
    let found = all.iter().enumerate().find_map(|(index, piece)| match piece {
        Piece::Literal(l) => l.find('@').map(|at| (index, *l, at)),
        Piece::Expr { .. } => None,
    });
    let Some((index, literal, at)) = found else { return (all, None) };
    let mut digest = literal[at + 1..].to_owned();
    for piece in &all[index + 1..] {
        digest.push_str(match piece {
            Piece::Literal(l) => l,
            Piece::Expr { name, .. } => name,
        });
    }
    // `sha256:` before an expression that yields the bare hash or the whole digest means the same.
    if let Some(rest) = digest.strip_prefix("sha256:").filter(|r| r.contains('.')) {
        digest = rest.to_owned();
    }
    let mut name: Vec<Piece<'_>> = all[..index].to_vec();
    if at > 0 {
        name.push(Piece::Literal(&literal[..at]));
    }
    (name, (!digest.is_empty()).then_some(digest))
}

/// Cuts a reference at the colon before its tag; a registry's port is none.
fn cut_version(all: Vec<Piece<'_>>) -> (Vec<Piece<'_>>, Vec<Piece<'_>>) {
    let mut cut = None;
    for (index, piece) in all.iter().enumerate() {
        if let Piece::Literal(l) = piece {
            let colon = l.rfind(':');
            let slash = l.rfind('/');
            if slash.is_some() && slash > colon {
                cut = None;
            } else if let Some(at) = colon {
                cut = Some((index, at));
            }
        }
    }
    let Some((index, at)) = cut else { return (all, Vec::new()) };
    let Piece::Literal(literal) = all[index] else { return (all, Vec::new()) };
    let mut name = all[..index].to_vec();
    if at > 0 {
        name.push(Piece::Literal(&literal[..at]));
    }
    let mut version = Vec::new();
    if at + 1 < literal.len() {
        version.push(Piece::Literal(&literal[at + 1..]));
    }
    version.extend_from_slice(&all[index + 1..]);
    (name, version)
}

fn parts(all: &[Piece<'_>], scope: &Scope<'_>, environments: &Environments, registry: bool) -> Parts {
    let mut found = Vec::new();
    for (index, piece) in all.iter().enumerate() {
        match piece {
            Piece::Literal(l) => literal(l, registry && index == 0, environments, &mut found),
            Piece::Expr { name, .. } => found.push(variable(name, scope, environments)),
        }
    }
    found
}

fn variable(name: &str, scope: &Scope<'_>, environments: &Environments) -> Part {
    if is_commit(name) {
        return Part::Variable("commit".into());
    }
    let values = scope.values(name);
    let told = values.iter().any(|v| v.len() < 256 && classify(v, environments).is_some_and(is_place));
    // A matrix called `env` may list versions of an interpreter.
    let open = values.is_empty() || values.iter().any(|v| v.contains(['$', '{']));
    if told || open && is_environment_name(name) {
        Part::Environment(name.to_owned())
    } else {
        Part::Variable(name.to_owned())
    }
}

/// Stages whose name in an artifact's name says that there is one artifact for each of them. A test image
/// or an integration suite is a thing of its own.
fn is_place(stage: Stage) -> bool {
    matches!(stage, Stage::Development | Stage::Preview | Stage::Staging | Stage::Production)
}

fn literal(text: &str, registry: bool, environments: &Environments, found: &mut Parts) {
    let mut text = text;
    if registry
        && let Some((host, _)) = text.split_once('/')
        && host.contains(['.', ':'])
    {
        found.push(match classify_host(host, environments) {
            Some(stage) if is_place(stage) => Part::Stage(host.to_owned()),
            _ => Part::Literal(host.to_owned()),
        });
        text = &text[host.len()..];
    }
    let mut from = 0;
    for mention in mentions(text, environments).0 {
        if !is_place(mention.stage) || mention.range.start < from {
            continue;
        }
        if from < mention.range.start {
            push_literal(found, &text[from..mention.range.start]);
        }
        found.push(Part::Stage(text[mention.range.clone()].to_owned()));
        from = mention.range.end;
    }
    if from < text.len() {
        push_literal(found, &text[from..]);
    }
}

fn push_literal(found: &mut Parts, text: &str) {
    match found.last_mut() {
        Some(Part::Literal(before)) => before.push_str(text),
        _ => found.push(Part::Literal(text.to_owned())),
    }
}

/// Fills in the inputs of a call. An input that is all of a reference may list several.
pub(super) fn bind_artifacts(
    artifact: &Artifact,
    scope: &Scope<'_>,
    environments: &Environments,
) -> Vec<Artifact> {
    if let (ArtifactKind::Image, [Part::Variable(name)], []) =
        (artifact.kind, artifact.name.as_slice(), artifact.version.as_slice())
        && name.starts_with("inputs.")
        && let [list] = scope.values(name).as_slice()
        && list.contains([',', '\n'])
    {
        let each = list.split([',', '\n']).filter(|t| !t.trim().is_empty()).take(16);
        let read = |text| read_artifact(artifact.kind, text, artifact.place, scope, environments);
        return each.filter_map(read).collect();
    }
    vec![bind_artifact(artifact, scope, environments)]
}

fn bind_artifact(artifact: &Artifact, scope: &Scope<'_>, environments: &Environments) -> Artifact {
    let bind = |parts: &Parts| {
        let mut found = Vec::new();
        for part in parts {
            match part {
                Part::Variable(name) if name.starts_with("inputs.") => match scope.values(name).as_slice() {
                    [one] => {
                        for piece in pieces(one) {
                            match piece {
                                Piece::Literal(l) => literal(l, false, environments, &mut found),
                                Piece::Expr { name, .. } => found.push(variable(name, scope, environments)),
                            }
                        }
                    }
                    [] => found.push(part.clone()),
                    several => found.push(
                        if several.iter().any(|v| classify(v, environments).is_some_and(is_place)) {
                            Part::Environment(name.clone())
                        } else {
                            part.clone()
                        },
                    ),
                },
                Part::Literal(l) => push_literal(&mut found, l),
                Part::Variable(_) | Part::Stage(_) | Part::Environment(_) => found.push(part.clone()),
            }
        }
        found
    };
    let mut bound =
        Artifact { name: bind(&artifact.name), version: bind(&artifact.version), ..artifact.clone() };
    if let Some(digest) = &artifact.digest
        && digest.starts_with("inputs.")
        && let [one] = scope.values(digest).as_slice()
    {
        bound.digest = Some(match pieces(one).as_slice() {
            [Piece::Expr { name, .. }] => (*name).to_owned(),
            _ => one.clone(),
        });
    }
    // An input that holds a whole reference (`image: registry/shop:${{ github.sha }}`) is cut again.
    if bound.kind == ArtifactKind::Image && bound.version.is_empty() && artifact.version.is_empty() {
        split_bound(&mut bound);
    }
    bound
}

fn split_bound(artifact: &mut Artifact) {
    let cut = artifact.name.iter().enumerate().rev().find_map(|(index, part)| match part {
        Part::Literal(l) => l.rfind(':').filter(|at| !l[*at..].contains('/')).map(|at| (index, at)),
        _ => None,
    });
    let Some((index, at)) = cut else { return };
    let later = artifact.name.split_off(index + 1);
    let Some(Part::Literal(last)) = artifact.name.pop() else { return };
    if at > 0 {
        artifact.name.push(Part::Literal(last[..at].to_owned()));
    }
    if at + 1 < last.len() {
        artifact.version.push(Part::Literal(last[at + 1..].to_owned()));
    }
    artifact.version.extend(later);
}
