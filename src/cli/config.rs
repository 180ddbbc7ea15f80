//! `plimsoll config show|schema`.

use super::Exit;
use super::args::{Config as Args, ConfigVerb};
use super::check::to_stdout;
use super::failure::Failure;
use super::plan::Plan;
use super::rules::pretty;
use crate::policy::{Written, keys};

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let text = match &args.what {
        ConfigVerb::Schema => pretty(&keys::schema()),
        ConfigVerb::Show { choice } => show(&Plan::new(&[], choice, None)?),
    };
    to_stdout(text.as_bytes())?;
    Ok(Exit::Passed)
}

/// The settings that hold, as a policy file that says the same; the rules that are on as a comment.
fn show(plan: &Plan) -> String {
    let config = &plan.config;
    let mut table = toml::Table::new();
    let mut list = |name: &str, values: Vec<String>| {
        if !values.is_empty() {
            table.insert(name.to_owned(), values.into());
        }
    };
    let plain = |all: &[Written<String>]| all.iter().map(|w| w.value.clone()).collect::<Vec<_>>();
    list("manuals", plan.policy.manuals.iter().map(|m| m.id.clone()).collect());
    list("select", plain(&config.select));
    list("ignore", plain(&config.ignore));
    list("exclude", plan.policy.exclude.clone());
    if config.locked_all {
        table.insert("locked".into(), true.into());
    } else {
        list("locked", plain(&config.locked));
    }
    table.insert("fail-on".into(), plan.policy.fail_on.name().into());
    let mut entries = |name: &str, entries: Vec<(String, toml::Value)>| {
        if !entries.is_empty() {
            table.insert(name.to_owned(), toml::Value::Table(entries.into_iter().collect()));
        }
    };
    let text = |value: &str| toml::Value::from(value);
    entries("resolve", config.resolve.iter().map(|(k, v)| (k.clone(), text(&v.value))).collect());
    entries("parameters", config.parameters.iter().map(|(k, v)| (k.clone(), v.value.clone())).collect());
    entries("severity", config.severity.iter().map(|(k, v)| (k.clone(), text(v.value.name()))).collect());
    let local = config.per_path.iter().map(|local| {
        let mut of = toml::Table::new();
        if !local.ignore.is_empty() {
            of.insert("ignore".into(), plain(&local.ignore).into());
        }
        if let Some(severity) = local.severity {
            of.insert("severity".into(), severity.name().into());
        }
        (local.glob.value.clone(), toml::Value::Table(of))
    });
    entries("per-path", local.collect());
    let environments = config.environments.iter().map(|(stage, names)| {
        let lists = [("names", &names.names), ("hosts", &names.hosts), ("branches", &names.branches)];
        let of = lists.into_iter().filter(|(_, list)| !list.is_empty());
        let of: toml::Table = of.map(|(key, list)| (key.to_owned(), list.clone().into())).collect();
        (stage.name().to_owned(), toml::Value::Table(of))
    });
    entries("environments", environments.collect());
    let kind = config.kind.iter().map(|kind| ("kind".to_owned(), text(&kind.value)));
    let deploys_in = config.deploys_in.iter().map(|d| ("deploys_in".to_owned(), text(&d.value)));
    entries("repository", kind.chain(deploys_in).collect());
    let sources = plan.policy.sources.iter().map(|s| (s.name.clone(), text(&s.written)));
    entries("sources", sources.collect());

    let mut out = String::new();
    match config.documents.as_slice() {
        [] => out += "# no policy file: defaults\n",
        documents => {
            for document in documents {
                let path = document.path.strip_prefix(&plan.root).unwrap_or(&document.path);
                out += &format!("# from {}\n", path.display());
            }
        }
    }
    out += &toml::to_string_pretty(&table).expect("a table of texts, lists and tables can be written");
    out += &format!("\n# {} of {} rules are on:\n", plan.policy.catalog.active.len(), plan.stock.rules.len());
    for active in &plan.policy.catalog.active {
        out += &format!("#   {:7}  {}\n", active.severity.name(), active.rule.id);
    }
    out
}
