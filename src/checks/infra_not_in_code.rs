//! Deploys onto something that nothing in version control describes.

use super::delivery::doubt;
use super::estate::makes;
use super::gates::{deploys, words};
use super::rollouts::own;
use crate::facts::{Command, EffectKind, Repository, SettingSource, Stage, UseKind};
use crate::finding::Verdict;
use crate::parameters::Parameters;
use crate::text::Span;
use std::collections::BTreeSet;

/// Files by which tools describe what runs, besides those that become resources.
const FILES: &[&str] = &[
    "Chart.yaml",
    "kustomization.yaml",
    "kustomization.yml",
    "helmfile.yaml",
    "helmfile.yml",
    "Pulumi.yaml",
    "cdk.json",
    "serverless.yml",
    "serverless.yaml",
    "serverless.ts",
    "samconfig.toml",
    "fly.toml",
    "render.yaml",
    "app.yaml",
    "vercel.json",
    "netlify.toml",
    "wrangler.toml",
    "wrangler.jsonc",
    "firebase.json",
    "app.json",
    "heroku.yml",
    "Procfile",
    "railway.json",
    "railway.toml",
    "manifest.yml",
    "skaffold.yaml",
    "azure.yaml",
    "apprunner.yaml",
    "amplify.yml",
    "captain-definition",
    "nomad.hcl",
    "werf.yaml",
    "garden.yml",
    "project.toml",
    "ansible.cfg",
    "site.yml",
    "deploy.rb",
    "Vagrantfile",
    "staticwebapp.config.json",
    "clouddeploy.yaml",
    "now.json",
    "appspec.yml",
    "Dockerrun.aws.json",
    "task-definition.json",
    "taskdef.json",
];

const ENDINGS: &[&str] = &[
    ".bicep",
    ".nomad",
    ".nomad.hcl",
    ".tf",
    ".tofu",
    ".template.json",
    ".template.yaml",
    ".jsonnet",
    ".kamal.yml",
];

const FOLDERS: &[&str] = &[
    "terraform",
    "k8s",
    "kubernetes",
    "helm",
    "charts",
    "cloudformation",
    "infra",
    "infrastructure",
    "iac",
    "ansible",
    "pulumi",
    "cdk",
    ".ebextensions",
    "copilot",
    "manifests",
    "kustomize",
    "helm_deploy",
    "nomad",
    "deploy-config",
    ".platform",
];

/// Flags whose value is a file that describes what runs.
const FLAGS: &[&str] =
    &["-f", "--filename", "-k", "--kustomize", "--values", "--template-file", "-chdir", "-var-file"];

/// Tools that put something onto infrastructure which somebody must have made.
const TOOLS: &[&str] = &[
    "kubectl",
    "oc",
    "helm",
    "helmfile",
    "kustomize",
    "terraform",
    "tofu",
    "terragrunt",
    "aws",
    "gcloud",
    "az",
    "ecs",
    "ecs-deploy",
    "docker",
    "docker-compose",
    "ssh",
    "rsync",
    "scp",
    "ansible-playbook",
    "eb",
    "cf",
    "doctl",
    "argocd",
    "pulumi",
    "cdk",
    "sam",
    "nomad",
    "flyctl",
    "fly",
    "heroku",
    "azure",
    "amazon-ecs-deploy-task-definition",
];

pub(super) fn check(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let flow = &repository.flow;
    let pipelines = &repository.facts.pipelines;
    let mut nodes = deploys(repository, Stage::Production);
    nodes.extend(deploys(repository, Stage::Staging));
    nodes.extend(flow.with_effect(EffectKind::Provision, None));
    let mut seen = BTreeSet::new();
    nodes.retain(|n| seen.insert(*n));
    if nodes.is_empty() {
        return verdict.not_applicable("no pipeline here deploys to staging or production");
    }
    let mut told = BTreeSet::new();
    for &node in &nodes {
        let job = flow.job(node, pipelines);
        for command in job.commands().filter(|c| !c.effects.is_empty()) {
            untracked(repository, command, &mut told, verdict);
        }
    }
    if let Some(place) = described(repository) {
        return verdict.satisfied(place);
    }
    let onto = nodes.iter().find_map(|&node| {
        let effects = flow.run(node).effects.iter();
        let mut puts = effects.filter(|e| matches!(e.effect, EffectKind::Deploy | EffectKind::Provision));
        let known =
            |tool: &str| tool.split(['/', '-', '_']).any(|w| TOOLS.contains(&w)) || TOOLS.contains(&tool);
        puts.find(|e| known(&e.tool)).map(|e| (node, e))
    });
    let Some((node, effect)) = onto else { return };
    let job = flow.job(node, pipelines);
    let message =
        format!("Job `{}` deploys with `{}`, and nothing here describes onto what", job.name, effect.tool);
    let finding = verdict.open(effect.place, "infrastructure in code", message);
    finding.label("deploys onto what is not described here");
    match linked(repository) {
        Some((name, place)) => {
            finding.relate(place, "another repository");
            finding.against(format!("`{name}` may describe it"));
        }
        None => {
            doubt(repository, finding);
        }
    }
}

/// A file that a deploy is given and that lies there without git knowing it.
fn untracked(repository: &Repository, command: &Command, told: &mut BTreeSet<String>, verdict: &mut Verdict) {
    let mut words = command.args.iter().peekable();
    while let Some(word) = words.next() {
        let value = FLAGS.iter().find_map(|flag| {
            if word.text == *flag {
                return words.peek().map(|w| (w.text.as_str(), w.place));
            }
            word.text.strip_prefix(flag)?.strip_prefix('=').map(|v| (v, word.place))
        });
        let Some((path, place)) = value else { continue };
        let path = path.trim_start_matches("./");
        let Some(file) = repository.by_path(path).filter(|f| f.tracked == Some(false)) else { continue };
        if told.insert(path.to_owned()) {
            let message =
                format!("`{path}` is deployed with `{}`, and git does not hold it", command.program);
            let finding = verdict.fail(place, format!("untracked {path}"), message);
            finding.label("not in version control").relate(file.place, "lies here, untracked");
        }
    }
}

/// Something that says what runs and on what.
fn described(repository: &Repository) -> Option<Span> {
    let resource = own(repository).find(|r| makes(r)).map(|r| r.place);
    let workload = || {
        let images = repository.facts.base_images.iter();
        images
            .filter(|i| matches!(i.source, SettingSource::Config | SettingSource::Service) && !i.local_only)
            .map(|i| i.place)
            .next()
    };
    let file = || {
        let own = |path: &str| !super::samples::is_sample(path) && !super::samples::is_vendored(path);
        let says = |path: &str, name: &str| {
            FILES.contains(&name)
                || ENDINGS.iter().any(|e| name.ends_with(e))
                || path.split('/').rev().skip(1).any(|p| FOLDERS.contains(&p))
                || name.starts_with("task-definition")
                || name.starts_with("playbook")
        };
        repository.files.iter().find(|f| says(&f.path, f.name()) && own(&f.path)).map(|f| f.place)
    };
    resource.or_else(workload).or_else(file)
}

/// Another repository that the pipelines fetch, or whose pipelines they call.
fn linked(repository: &Repository) -> Option<(String, Span)> {
    repository.steps().find_map(|(_, job, step)| {
        let called = job.calls.as_ref().filter(|c| c.sort == UseKind::Workflow && !c.local);
        if let Some(call) = called {
            return Some((call.name.clone(), call.place));
        }
        let uses = step.uses.as_ref()?;
        let other = uses.input("repository")?;
        words(&uses.name).iter().any(|w| w == "checkout").then(|| (other.value.text(), other.span))
    })
}
