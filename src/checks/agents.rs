//! Agents of language models: their settings, prompts and models as parts of what is released.

use super::gates::{deploys, is_gate};
use super::hands::{Hands, hands_of};
use super::releases::notes;
use crate::facts::{Command, File, Node, Owner, Repository, Stage};
use crate::finding::{Confidence, Verdict};
use crate::parameters::Parameters;
use crate::text::{Span, ends_in_any_case};

/// Words of variables by which a program reaches a language model.
const PROVIDERS: &[&str] = &[
    "OPENAI",
    "ANTHROPIC",
    "GEMINI",
    "MISTRAL",
    "COHERE",
    "BEDROCK",
    "LANGCHAIN",
    "LANGSMITH",
    "LANGFUSE",
    "OLLAMA",
    "LLM",
    "GROQ",
    "OPENROUTER",
    "HUGGINGFACE",
    "VERTEXAI",
    "WATSONX",
];

/// `agent-version-untracked`: agents and prompts have a version, told of beside that of the application.
pub(super) fn version(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let provider = |word: &str| PROVIDERS.iter().any(|p| p.eq_ignore_ascii_case(word));
    let used = |key: &str| key.split(['_', '.', '-']).any(provider);
    let own = |place: Span| repository.is_own(place);
    let facts = &repository.facts;
    let reads = || facts.env_reads.iter().any(|r| used(&r.key) && own(r.place));
    let set = || facts.settings.iter().any(|s| used(&s.key) && own(s.place));
    let files: Vec<&File> = repository.files.iter().filter(|f| is_agent(&f.path) && own(f.place)).collect();
    let Some(first) = files.first() else {
        verdict.not_applicable("no file here configures an agent or a prompt");
        return;
    };
    if !reads() && !set() {
        verdict.not_applicable("nothing here asks a language model");
        return;
    }
    let versioned = files.iter().find(|f| has_version(&f.path)).map(|f| f.place);
    let key = |k: &str| {
        let plain = k.to_ascii_lowercase().replace(['-', '.'], "_");
        ["agent_version", "prompt_version", "model_version", "prompts_version", "agent_release"]
            .iter()
            .any(|w| plain.ends_with(w))
    };
    let set = || facts.settings.iter().find(|s| key(&s.key) && own(s.place)).map(|s| s.place);
    let read = || facts.env_reads.iter().find(|r| key(&r.key) && own(r.place)).map(|r| r.place);
    let told = || {
        let speaks = |text: &str| {
            let lower = text.to_lowercase();
            ["agent", "prompt", "model"]
                .iter()
                .any(|w| lower.split(|c: char| !c.is_alphanumeric()).any(|t| t.trim_end_matches('s') == *w))
        };
        notes(repository)
            .into_iter()
            .find(|n| {
                n.is_read()
                    && (speaks(&n.heading)
                        || n.headings.iter().any(|h| speaks(&h.value))
                        || n.cells.iter().any(|c| speaks(c)))
            })
            .map(|n| n.place)
    };
    match versioned.or_else(set).or_else(read).or_else(told) {
        Some(place) => verdict.satisfied(place),
        None => {
            let message =
                format!("Nothing here says which version of `{}` belongs to which release", first.path);
            let finding = verdict.open(first.place, "agent version", message);
            finding.label("configures an agent").at_most(Confidence::Low);
            for file in files.iter().skip(1).take(5) {
                finding.relate(file.place, "and this one");
            }
            finding.against("it is in the same commit as the application");
        }
    }
}

/// Whether a file configures an agent or holds a prompt that the application uses; what helps people to write code
/// lies in hidden folders.
fn is_agent(path: &str) -> bool {
    const ENDINGS: &[&str] = &[
        ".yaml", ".yml", ".json", ".toml", ".md", ".txt", ".j2", ".jinja", ".jinja2", ".prompt", ".prompty",
        ".hbs",
    ];
    if !ends_in_any_case(path, ENDINGS) {
        return false;
    }
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let lower = name.to_ascii_lowercase();
    let Some((stem, ending)) = lower.rsplit_once('.') else { return false };
    let data = matches!(ending, "yaml" | "yml" | "json" | "toml");
    let hidden = path.split('/').any(|part| part.starts_with('.'));
    let folder =
        |names: &[&str]| folders.split('/').any(|f| names.contains(&f.to_ascii_lowercase().as_str()));
    !hidden
        && !matches!(stem, "readme" | "agents" | "claude" | "gemini" | "changelog" | "package" | "tsconfig")
        && (matches!(ending, "prompt" | "prompty")
            || folder(&["prompts", "prompt_templates", "prompt-templates", "system_prompts"])
            || data
                && (folder(&["agents", "ai-agents", "llm"])
                    || stem.ends_with("agent")
                    || stem.ends_with(".prompt")))
}

/// Whether a part of a path is a version: `prompts/v3/support.md`, `support_v2.md`.
fn has_version(path: &str) -> bool {
    path.split(['/', '_', '-', '.']).any(|part| {
        part.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// Beginnings of commands that bring an agent, a prompt or a model into service.
const DEPLOYS: &[&[&str]] = &[
    // <https://docs.aws.amazon.com/cli/latest/reference/bedrock-agent/>
    &["aws", "bedrock-agent", "update-agent"],
    &["aws", "bedrock-agent", "prepare-agent"],
    &["aws", "bedrock-agent", "update-agent-alias"],
    &["aws", "bedrock-agent", "create-agent-alias"],
    &["aws", "bedrock-agentcore-control", "update-agent-runtime"],
    &["aws", "sagemaker", "update-endpoint"],
    // <https://learn.microsoft.com/en-us/cli/azure/ml/online-deployment>
    &["az", "ml", "online-deployment", "create"],
    &["az", "ml", "online-deployment", "update"],
    &["az", "cognitiveservices", "account", "deployment", "create"],
    // <https://cloud.google.com/sdk/gcloud/reference/ai/endpoints/deploy-model>
    &["gcloud", "ai", "endpoints", "deploy-model"],
    // <https://google.github.io/adk-docs/deploy/>
    &["adk", "deploy"],
    &["agentcore", "launch"],
    &["agentcore", "deploy"],
    &["langgraph", "deploy"],
    &["crewai", "deploy", "push"],
    &["crewai", "deploy", "create"],
    &["modal", "deploy"],
    &["pac", "copilot", "publish"],
    &["mlflow", "deployments", "create"],
    &["mlflow", "deployments", "update"],
    &["bentoml", "deploy"],
];

fn deploys_agent(command: &Command) -> bool {
    let args = command.args.iter().map(|w| w.text.as_str()).filter(|w| !w.starts_with('-'));
    let words = std::iter::once(command.program.as_str()).chain(args);
    let begins =
        |at: usize, known: &[&str]| words.clone().skip(at).take(known.len()).eq(known.iter().copied());
    // `uv run`, `npx`, `poetry run` stand before the tool.
    words
        .clone()
        .take(4)
        .enumerate()
        .any(|(at, word)| DEPLOYS.iter().any(|known| known[0] == word && begins(at, known)))
}

/// `agent-pipeline-missing`: agents go the way of the application, past the same gates.
pub(super) fn pipeline(repository: &Repository, _: &Parameters, verdict: &mut Verdict) {
    let own = |c: &&Command| repository.is_own(c.place);
    let mut any = false;
    for (owner, command) in repository.commands().filter(|(_, c)| deploys_agent(c)) {
        if !own(&command) {
            continue;
        }
        any = true;
        let line: String = command.line.chars().take(60).collect();
        match (owner, hands_of(owner, repository)) {
            (Owner::Script(script), Hands::Person) => {
                let message = format!("`{}` deploys an agent, and no pipeline runs it", script.name);
                let finding = verdict.fail(command.place, format!("agent {}", script.name), message);
                finding.label("deploys an agent or model").at_most(Confidence::Medium);
            }
            (Owner::Step { pipeline, job, .. }, _) => {
                let at = repository.facts.pipelines.iter().position(|p| p.place == pipeline.place);
                let flow = &repository.flow;
                let is_here = |n: &Node| {
                    Some(flow.run(*n).pipeline) == at
                        && flow.job(*n, &repository.facts.pipelines).place == job.place
                };
                let nodes: Vec<Node> = flow.nodes().filter(is_here).collect();
                compare(repository, &nodes, command.place, &job.name, &line, verdict);
            }
            _ => verdict.examined(command.place),
        }
    }
    if !any {
        verdict.not_applicable("nothing here deploys an agent or a model by itself");
    }
}

/// Whether the way of an agent has a gate, if the way of the application has one.
fn compare(
    repository: &Repository,
    nodes: &[Node],
    place: Span,
    job: &str,
    line: &str,
    verdict: &mut Verdict,
) {
    let flow = &repository.flow;
    let checks = |n: Node| flow.run(n).effects.iter().any(is_gate);
    let checked = flow.nearest_before(checks);
    let gated = |node: Node| Some(node).filter(|n| checks(*n)).or_else(|| checked.of(node));
    let main: Vec<Node> =
        deploys(repository, Stage::Production).into_iter().filter(|n| !nodes.contains(n)).collect();
    let example = main.iter().find_map(|n| gated(*n).map(|gate| (*n, gate)));
    let free = nodes.iter().all(|n| gated(*n).is_none());
    match example {
        Some((deploy, gate)) if free && !nodes.is_empty() => {
            let name = |n: Node| &flow.job(n, &repository.facts.pipelines).name;
            let message =
                format!("Job `{job}` deploys an agent past the checks that job `{}` waits for", name(deploy));
            let finding = verdict.fail(place, format!("agent {job}"), message);
            finding.label("deploys an agent or model").at_most(Confidence::Medium);
            finding.relate(flow.job(gate, &repository.facts.pipelines).place, "checks the application");
            finding.against(format!("`{line}` may deploy what was checked elsewhere"));
        }
        _ => verdict.satisfied(place),
    }
}
