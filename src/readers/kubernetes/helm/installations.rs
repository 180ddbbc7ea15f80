//! Who installs a chart with which values: files of environments beside it, `helm` in scripts and pipelines, objects of
//! Argo CD and Flux.

use super::Chart;
use crate::facts::normalise;
use crate::facts::{Basis, Command, Facts, Setting, SettingSource, Target, Value, path_stage};
use crate::lexicon::{Environments, classify};
use crate::readers::Trees;
use crate::readers::config::known;
use crate::readers::kubernetes::Object;
use crate::readers::names::{folder, name, within};
use crate::syntax::tree::{Node, Step};
use crate::text::Span;

/// Installations of one chart that are told apart.
pub(super) const MOST: usize = 24;

/// One way in which a chart is installed.
#[derive(Clone)]
pub(super) struct Installation {
    /// Over the chart's own values, the strongest last.
    pub layers: Vec<Given>,
    pub target: Option<Target>,
    /// Where it is said.
    pub place: Span,
}

/// Values that an installation gives.
#[derive(Clone)]
pub(super) enum Given {
    /// All of a file, by its path.
    File(String),
    /// Single settings, sorted by path.
    Settings(Vec<Setting>),
    /// What is not here.
    Unknown,
}

/// What looks like values of a chart by its path: `values-prod.yaml`, `environments/prod/shop.yaml`.
pub(super) fn is_values(path: &str) -> bool {
    let yaml = path.ends_with(".yaml") || path.ends_with(".yml");
    const FOLDERS: &[&str] =
        &["values", "env", "envs", "environments", "environment", "config", "configs", "helm"];
    yaml && !within(path, &["templates", "ci", "crds"])
        && (name(path).contains("values") || within(path, FOLDERS))
}

/// Installations that files of environments mean: those in the chart's folder, and those around it that are for it.
pub(super) fn by_files(
    chart: &Chart,
    charts: &[Chart],
    files: &[(String, Span)],
    environments: &Environments,
) -> Vec<Installation> {
    let around = folder(&chart.folder);
    let inside = |path: &str, outer: &str| {
        outer.is_empty() || path.strip_prefix(outer).is_some_and(|r| r.starts_with('/'))
    };
    let siblings = charts.iter().filter(|c| c.parent.is_none() && inside(&c.folder, around)).count();
    let mut found: Vec<Installation> = Vec::new();
    for (path, place) in files {
        let rest = if inside(path, &chart.folder) {
            // A chart inside has values of its own.
            if charts.iter().any(|c| {
                c.folder != chart.folder && inside(&c.folder, &chart.folder) && inside(path, &c.folder)
            }) {
                continue;
            }
            &path[chart.folder.len()..]
        } else if inside(path, around) && chart.parent.is_none() {
            let rest = &path[around.len()..];
            let others = charts.iter().any(|c| c.folder != chart.folder && inside(path, &c.folder));
            let named = rest.split(['/', '.']).any(|part| {
                part == chart.name
                    || part.strip_prefix(chart.name.as_str()).is_some_and(|r| r.starts_with(['-', '_']))
            });
            // The root of a repository is around everything.
            if others || !(named || siblings == 1 && (!around.is_empty() || name(path).contains("values"))) {
                continue;
            }
            rest
        } else {
            continue;
        };
        let Some((stage, word)) = path_stage(rest, environments) else { continue };
        let target = Target {
            stage: Value::Known(stage),
            name: Value::Known(word),
            basis: Basis::Name,
            place: Span::start_of(place.file),
        };
        // What an environment's folder holds for all is under what it holds for one.
        found.push(Installation {
            layers: vec![Given::File(path.clone())],
            target: Some(target),
            place: Span::start_of(place.file),
        });
        if found.len() >= MOST {
            break;
        }
    }
    found
}

/// `helm upgrade NAME CHART -f FILE --set a=b -n NAMESPACE`.
/// <https://helm.sh/docs/helm/helm_upgrade/>
pub(super) fn by_commands(facts: &Facts, chart: &Chart, environments: &Environments) -> Vec<Installation> {
    let steps = facts
        .pipelines
        .iter()
        .flat_map(|p| &p.jobs)
        .flat_map(|j| j.commands().map(move |c| (c, j.target.as_ref())));
    let scripts = facts.scripts.iter().flat_map(|s| s.commands.iter().map(move |c| (c, s.target.as_ref())));
    let all = steps.chain(scripts).filter(|(c, _)| c.program == "helm");
    all.filter_map(|(command, target)| by_command(command, target, chart, environments)).take(MOST).collect()
}

fn by_command(
    command: &Command,
    target: Option<&Target>,
    chart: &Chart,
    environments: &Environments,
) -> Option<Installation> {
    let installs = command.args.iter().take(4).any(|w| matches!(w.text.as_str(), "upgrade" | "install"));
    let own = |text: &str| {
        let path = normalise(text.trim_end_matches('/'))?;
        // From a folder that the command was started in, perhaps.
        let here = path == chart.folder || chart.folder.ends_with(&format!("/{path}"));
        (here && !path.is_empty()).then_some(())
    };
    if !installs || !command.args.iter().any(|w| own(&w.text).is_some()) {
        return None;
    }
    let (mut layers, mut named) = (Vec::new(), None);
    let mut words = command.args.iter().peekable();
    while let Some(word) = words.next() {
        let (flag, value) = match word.text.split_once('=').filter(|_| word.text.starts_with("--")) {
            Some((flag, value)) => (flag, Some(value)),
            None => (word.text.as_str(), None),
        };
        let takes = matches!(flag, "-f" | "--values" | "--set" | "--set-string" | "-n" | "--namespace");
        if !takes {
            continue;
        }
        let Some(value) = value.or_else(|| words.next().map(|w| w.text.as_str())) else { break };
        match flag {
            "-f" | "--values" => layers.extend(value.split(',').map(|file| match normalise(file) {
                Some(path) if !file.contains(['$', '{', ':']) => Given::File(path),
                _ => Given::Unknown,
            })),
            "-n" | "--namespace" => named = Some((value.to_owned(), word.place)),
            _ => {
                let pairs = value.split(',').filter_map(|p| p.split_once('='));
                let settings = pairs.map(|(key, value)| given(key, known(value), word.place)).collect();
                layers.push(sorted(settings));
            }
        }
    }
    let by_name = named.and_then(|(name, place)| context(&name, place, environments));
    let by_file = layers.iter().rev().find_map(|l| match l {
        Given::File(path) => {
            let (stage, name) = path_stage(path, environments)?;
            Some(Target {
                stage: Value::Known(stage),
                name: Value::Known(name),
                basis: Basis::Name,
                place: command.place,
            })
        }
        _ => None,
    });
    Some(Installation { layers, target: by_name.or(by_file).or(target.cloned()), place: command.place })
}

fn context(name: &str, place: Span, environments: &Environments) -> Option<Target> {
    let stage = classify(name, environments)?;
    Some(Target {
        stage: Value::Known(stage),
        name: Value::Known(name.to_owned()),
        basis: Basis::Context,
        place,
    })
}

fn given(path: &str, value: Value<String>, place: Span) -> Setting {
    Setting {
        place,
        key: path.rsplit('.').next().unwrap_or("").to_owned(),
        path: path.to_owned(),
        setting: value,
        source: SettingSource::Config,
        target: None,
        key_place: place,
    }
}

fn sorted(mut settings: Vec<Setting>) -> Given {
    settings.sort_by(|a, b| a.path.cmp(&b.path));
    Given::Settings(settings)
}

/// Argo CD's Applications and Flux' HelmReleases that install a chart of this repository.
/// <https://argo-cd.readthedocs.io/en/stable/user-guide/helm/>, <https://fluxcd.io/flux/components/helm/helmreleases/>
pub(super) fn by_objects(
    objects: &[Object<'_>],
    chart: &Chart,
    environments: &Environments,
) -> Vec<Installation> {
    let mut found = Vec::new();
    for object in objects {
        let layers = match (object.group, object.kind) {
            ("argoproj.io", "Application") => {
                let one = object.spec(&["source"]).into_iter();
                let several = object.spec(&["sources"]).into_iter().flat_map(|s| s.items());
                let own = one.chain(several).find(|s| points(s.get("path"), chart));
                own.map(|source| argo(source, chart))
            }
            ("helm.toolkit.fluxcd.io", "HelmRelease") => {
                points(object.spec(&["chart", "spec", "chart"]), chart).then(|| flux(object, chart))
            }
            _ => None,
        };
        let Some(layers) = layers else { continue };
        let clues = [
            object.spec(&["destination", "namespace"]),
            object.spec(&["targetNamespace"]),
            object.node.at(&["metadata", "namespace"]),
            object.node.at(&["metadata", "name"]),
        ];
        let told = clues.into_iter().flatten().find_map(|n| context(n.as_str()?, n.span(), environments));
        let by_path = || crate::facts::path_target(object.path, object.place().file, environments);
        found.push(Installation { layers, target: told.or_else(by_path), place: object.place() });
        if found.len() >= MOST {
            break;
        }
    }
    found
}

fn points(node: Option<Node<'_>>, chart: &Chart) -> bool {
    let path = node.and_then(|n| n.as_str()).and_then(normalise);
    path.is_some_and(|p| !p.is_empty() && p == chart.folder)
}

fn argo(source: Node<'_>, chart: &Chart) -> Vec<Given> {
    let mut layers = Vec::new();
    let Some(helm) = source.get("helm") else { return layers };
    for file in helm.get("valueFiles").into_iter().flat_map(|f| f.items()) {
        let path = file.as_str().map(|f| match f.strip_prefix('/') {
            Some(rooted) => rooted.to_owned(),
            None => format!("{}/{f}", chart.folder),
        });
        let literal = path.filter(|p| !p.contains(['$', '{', ':'])).and_then(|p| normalise(&p));
        layers.push(literal.map_or(Given::Unknown, Given::File));
    }
    if helm.get("values").is_some_and(|v| v.as_str().is_some_and(|v| !v.trim().is_empty())) {
        layers.push(Given::Unknown);
    }
    layers.extend(helm.get("valuesObject").map(tree));
    let parameters = helm.get("parameters").into_iter().flat_map(|p| p.items()).filter_map(|p| {
        let value = p.get("value")?;
        Some(given(p.get("name")?.as_str()?, known(value.as_str()?), value.span()))
    });
    let parameters: Vec<Setting> = parameters.collect();
    if !parameters.is_empty() {
        layers.push(sorted(parameters));
    }
    layers
}

fn flux(object: &Object<'_>, chart: &Chart) -> Vec<Given> {
    let files = object.spec(&["chart", "spec", "valuesFiles"]).into_iter().flat_map(|f| f.items());
    let mut layers: Vec<Given> = files
        .filter_map(|f| normalise(f.as_str()?))
        .map(|path| if path.contains('/') { path } else { format!("{}/{path}", chart.folder) })
        .map(Given::File)
        .collect();
    if object.spec(&["valuesFrom"]).is_some() {
        layers.push(Given::Unknown);
    }
    layers.extend(object.spec(&["values"]).map(tree));
    layers
}

/// Every scalar below a node.
fn tree(node: Node<'_>) -> Given {
    let settings = node.leaves().take(5_000).filter_map(|leaf| {
        let parts = leaf.path.iter().map(|step| match step {
            Step::Key(key) => (*key).to_owned(),
            Step::Item(index) => index.to_string(),
        });
        let path = parts.collect::<Vec<_>>().join(".");
        Some(given(&path, known(leaf.node.as_str()?), leaf.node.span()))
    });
    sorted(settings.collect())
}

/// Whether a file tells Helmfile what to install.
pub(in crate::readers::kubernetes) fn is_helmfile(path: &str) -> bool {
    matches!(name(path), "helmfile.yaml" | "helmfile.yml" | "helmfile.yaml.gotmpl")
        || within(path, &["helmfile.d"])
}

/// Releases of Helmfile, for each environment that it knows.
/// <https://helmfile.readthedocs.io/en/latest/#configuration>
pub(super) fn by_helmfiles(
    trees: &Trees<'_>,
    chart: &Chart,
    environments: &Environments,
) -> Vec<Installation> {
    let mut found = Vec::new();
    for (file, (path, tree)) in trees.iter().filter(|(_, (path, _))| is_helmfile(path)) {
        let known: Vec<Node<'_>> = tree
            .documents()
            .flat_map(|d| d.get("environments"))
            .flat_map(|e| e.entries())
            .map(|e| e.0)
            .collect();
        let releases = tree.documents().flat_map(|d| d.get("releases")).flat_map(|r| r.items());
        for release in releases.filter(|r| points_from(folder(path), r.get("chart"), chart)) {
            let place = release.get("name").map_or(Span::start_of(*file), |n| n.span());
            let by_namespace = || {
                let namespace = release.get("namespace")?;
                context(namespace.as_str()?, namespace.span(), environments)
            };
            let mut add = |layers: Vec<Given>, target: Option<Target>| {
                if found.len() < MOST {
                    found.push(Installation { layers, target, place });
                }
            };
            if known.is_empty() {
                add(helmfile_layers(release, folder(path), None), by_namespace());
            }
            for environment in &known {
                let Some(name) = environment.as_str() else { continue };
                let target = context(name, environment.span(), environments).or_else(by_namespace);
                add(helmfile_layers(release, folder(path), Some(name)), target);
            }
        }
    }
    found
}

fn points_from(folder: &str, node: Option<Node<'_>>, chart: &Chart) -> bool {
    let written = node.and_then(|n| n.as_str()).filter(|w| w.starts_with('.'));
    written.and_then(|w| normalise(&format!("{folder}/{w}"))).is_some_and(|p| p == chart.folder)
}

fn helmfile_layers(release: Node<'_>, folder: &str, environment: Option<&str>) -> Vec<Given> {
    let mut layers = Vec::new();
    for item in release.get("values").into_iter().flat_map(|v| v.items()) {
        let Some(written) = item.as_str() else {
            layers.push(tree(item));
            continue;
        };
        let mut path = written.to_owned();
        for spelt in ["{{ .Environment.Name }}", "{{.Environment.Name}}", "{{ .Environment.Name}}"] {
            path = path.replace(spelt, environment.unwrap_or(spelt));
        }
        let literal = !path.contains(['{', '$']) && !path.ends_with(".gotmpl");
        let path = normalise(&format!("{folder}/{path}")).filter(|_| literal);
        layers.push(path.map_or(Given::Unknown, Given::File));
    }
    if release.get("secrets").is_some() {
        layers.push(Given::Unknown);
    }
    let set = release.get("set").into_iter().flat_map(|s| s.items()).filter_map(|pair| {
        let value = pair.get("value")?;
        Some(given(pair.get("name")?.as_str()?, known(value.as_str()?), value.span()))
    });
    let set: Vec<Setting> = set.collect();
    if !set.is_empty() {
        layers.push(sorted(set));
    }
    layers
}
