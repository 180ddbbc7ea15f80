//! Whose hands an effect is in: a pipeline's, a machine's or a person's. Shared by the rules on work that
//! people do by hand in an environment.

use super::samples::no_worse_than;
use crate::facts::{Basis, Caller, Command, Effect, Owner, Repository, ScriptKind, Stage, Target};
use crate::finding::{Confidence, Finding, Severity, Verdict};
use crate::text::{Span, shorten};
use std::collections::{BTreeMap, BTreeSet};

/// Who gives a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hands {
    /// A pipeline does, or a script that runs in pipelines only.
    Pipeline,
    /// A container, a hook or a scheduler does.
    Machine,
    /// A person does: nobody calls the script, or a document says to type it.
    Person,
    /// Some pipeline that may call the script could not be followed.
    Unknown,
}

/// One effect, with everything around it that tells whose it is.
#[derive(Clone, Copy)]
pub(super) struct Act<'a> {
    /// The step or script.
    pub owner: Owner<'a>,
    /// The command; absent for a building block's effect.
    pub command: Option<&'a Command>,
    /// The effect.
    pub effect: &'a Effect,
    /// Who gives it.
    pub hands: Hands,
}

/// Folders whose scripts and documents are material of tests or examples for others, nobody's own work.
const INERT: &[&str] = &[
    "testdata",
    "fixtures",
    "__fixtures__",
    "test",
    "tests",
    "example",
    "examples",
    "sample",
    "samples",
    "templates",
    "vendor",
    "third_party",
];

/// Every effect that lies in a step, or that a script has by itself or by handing a target to another
/// script. What a script only inherits from one that says its own target is told there.
pub(super) fn acts(repository: &Repository) -> Vec<Act<'_>> {
    let mut all = Vec::new();
    for (pipeline, job, step) in repository.steps() {
        let owner = Owner::Step { pipeline, job, step };
        all.extend(step.effects.iter().map(|effect| Act {
            owner,
            command: None,
            effect,
            hands: Hands::Pipeline,
        }));
    }
    // Where an effect was told first: by whose hands, and whether with its target.
    let mut origins: BTreeMap<Span, (Hands, bool)> = BTreeMap::new();
    let effects = || repository.commands().flat_map(|(_, command)| &command.effects);
    let wanted: BTreeSet<Span> = effects().filter_map(|effect| effect.origin).collect();
    for (owner, command) in repository.commands().filter(|(_, command)| wanted.contains(&command.place)) {
        let told = command.effects.iter().any(|e| e.origin.is_none() && source_or_target(e).is_some());
        origins.insert(command.place, (hands_of(owner, repository), told));
    }
    for (owner, command) in repository.commands() {
        if command.effects.is_empty() {
            continue;
        }
        let hands = hands_of(owner, repository);
        if matches!(owner, Owner::Script(_)) && is_inert(repository, command.place) {
            continue;
        }
        for effect in &command.effects {
            if let (Owner::Script(_), Some(origin)) = (owner, effect.origin)
                && let Some((Hands::Pipeline | Hands::Machine, _) | (_, true)) = origins.get(&origin)
            {
                continue;
            }
            all.push(Act { owner, command: Some(command), effect, hands });
        }
    }
    all
}

/// Whether a file is there for tests or for other people: also the documents of a chart that others install.
fn is_inert(repository: &Repository, place: Span) -> bool {
    let path = repository.path(place);
    let Some((folder, name)) = path.rsplit_once('/') else { return false };
    folder.split('/').any(|part| INERT.contains(&part))
        || name.ends_with(".md") && repository.by_path(&format!("{folder}/Chart.yaml")).is_some()
}

fn source_or_target(effect: &Effect) -> Option<&Target> {
    [&effect.target, &effect.peer].into_iter().flatten().find(|t| t.stage.is_certain())
}

pub(super) fn hands_of(owner: Owner<'_>, repository: &Repository) -> Hands {
    let Owner::Script(script) = owner else { return Hands::Pipeline };
    let called = |caller: Caller| script.callers.contains(&caller);
    if script.guarded || called(Caller::Pipeline) {
        Hands::Pipeline
    } else if [Caller::Container, Caller::Hook, Caller::Scheduler].into_iter().any(called) {
        Hands::Machine
    } else if script.script == ScriptKind::Fence
        || called(Caller::Nobody)
        || called(Caller::Runbook) && repository.pipelines_complete()
    {
        Hands::Person
    } else {
        Hands::Unknown
    }
}

impl<'a> Act<'a> {
    /// The effect's target if it is, or may be, `stage`.
    pub(super) fn at(&self, stage: Stage) -> Option<&'a Target> {
        self.effect.target.as_ref().filter(|t| t.may_be(stage))
    }

    /// Where a dump or a copy takes its data from, if it is, or may be, `stage`. A dump that names no source
    /// takes it from where it runs.
    pub(super) fn from(&self, stage: Stage) -> Option<&'a Target> {
        let dumps = self.effect.effect == crate::facts::EffectKind::Dump;
        // A job's environment that is only gathered from its commands may be where the data goes.
        let scripted = matches!(self.owner, Owner::Script(_));
        let here = self.effect.target.as_ref().filter(|t| dumps && (scripted || t.basis == Basis::Declared));
        self.effect.peer.as_ref().or(here).filter(|t| t.may_be(stage))
    }

    /// The command's words, or nothing for a building block.
    pub(super) fn line(&self) -> &'a str {
        self.command.map_or("", |c| c.line.as_str())
    }

    /// Whether any word of the command is one of `words`.
    pub(super) fn has(&self, words: &[&str]) -> bool {
        self.command.is_some_and(|c| c.args.iter().any(|w| words.contains(&w.text.as_str())))
    }

    /// Whether a person sits at it: a terminal is asked for.
    pub(super) fn interactive(&self) -> bool {
        let Some(command) = self.command else { return false };
        let carried = command.args.iter().position(|w| w.text == "--").unwrap_or(command.args.len());
        command.args[..carried].iter().any(|w| {
            let word = w.text.as_str();
            let cluster = word.starts_with('-') && !word.starts_with("--") && word.len() <= 4;
            matches!(word, "--tty" | "--interactive") || cluster && word.contains('t') && word.contains('i')
        })
    }

    /// Whether a database is told by its name alone, which may lie on the machine itself.
    pub(super) fn names_database_only(&self, target: &Target) -> bool {
        const PLATFORMS: &[&str] = &[
            "heroku", "fly", "flyctl", "gcloud", "az", "aws", "wrangler", "railway", "render", "bq",
            "firebase",
        ];
        let line = self.line();
        let addressed = line.contains("://")
            || line.contains('$')
            || self.command.is_some_and(|c| c.has_flag(&["-h", "--host", "-S", "--uri", "--server"]));
        target.basis != Basis::Name
            && !addressed
            && !target.name.text().contains('.')
            && !target.place.is_empty()
            && self.effect.place.contains(target.place)
            && !self.is_sent()
            && !PLATFORMS.contains(&self.effect.tool.as_str())
    }

    /// Whether the command is itself sent to another machine or container.
    pub(super) fn is_sent(&self) -> bool {
        self.command.is_some_and(|c| c.remote.is_some())
    }

    /// What a person calls the script or step, for a message.
    pub(super) fn name(&self) -> String {
        match self.owner {
            Owner::Script(script) if script.script == ScriptKind::Fence => {
                format!("The document section `{}`", shorten(&script.name, 48))
            }
            Owner::Script(script) => format!("`{}`", script.name),
            Owner::Step { job, .. } => format!("Job `{}`", job.id),
        }
    }

    /// What it is about, without line numbers.
    pub(super) fn subject(&self) -> String {
        match self.owner {
            Owner::Script(script) => format!("script {}", script.name),
            Owner::Step { job, step, .. } => format!("job {} step {}", job.id, step.name),
        }
    }

    fn unit(&self) -> Span {
        match self.owner {
            Owner::Script(script) => script.place,
            Owner::Step { step, .. } => step.place,
        }
    }

    /// Whether it stands in a document.
    pub(super) fn is_fence(&self) -> bool {
        matches!(self.owner, Owner::Script(script) if script.script == ScriptKind::Fence)
    }
}

/// What the words around a script say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Surroundings {
    Plain,
    /// The document tells not to do it.
    Forbidden,
    /// It is meant for emergencies.
    Emergency,
}

const NEGATIONS: &[&str] = &[
    "never",
    "do not",
    "don't",
    "don’t",
    "must not",
    "mustn't",
    "should not",
    "shouldn't",
    "forbidden",
    "prohibited",
    "not allowed",
    "not permitted",
    "banned",
    "disallowed",
    "instead of",
    "no longer",
    "deprecated",
    "anti-pattern",
    "avoid",
];
const EMERGENCIES: &[&str] = &[
    "emergency",
    "break-glass",
    "break glass",
    "breakglass",
    "break_glass",
    "disaster",
    "incident",
    "outage",
    "last resort",
];

fn surroundings(act: &Act<'_>, repository: &Repository) -> Surroundings {
    let Owner::Script(script) = act.owner else { return Surroundings::Plain };
    let mut text = format!("{}\n{}", script.name, script.before.as_deref().unwrap_or(""));
    if act.is_fence() {
        // A negation in the heading or the paragraph before speaks of the block; one above it of the chapter.
        if says(&text, NEGATIONS) {
            return Surroundings::Forbidden;
        }
        let above = repository
            .facts
            .sections
            .iter()
            .rfind(|s| s.place.file == script.place.file && s.place.start <= script.place.start);
        text.push_str(above.map_or("", |s| s.heading.as_str()));
    }
    text.push_str(repository.path(script.place));
    if says(&text, EMERGENCIES) { Surroundings::Emergency } else { Surroundings::Plain }
}

fn says(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase();
    words.iter().any(|w| text.contains(w))
}

/// How sure one may be of where it goes: a name alone, or one of several environments, is no proof.
pub(super) fn sureness(target: &Target) -> Confidence {
    match target.basis {
        Basis::Declared | Basis::Host | Basis::Context if target.stage.known().is_some() => Confidence::High,
        _ => Confidence::Medium,
    }
}

/// The target in words: `prod-web-01`, or what the run decides.
pub(super) fn place_name(target: &Target) -> String {
    let name = target.name.text();
    let name = name.lines().next().unwrap_or("").trim();
    if name.chars().count() > 40 { "production".into() } else { name.to_owned() }
}

/// Acts of people, judged: one finding for each script, at its first act. `say` makes the sentence out of
/// the first act, `label` names each place.
pub(super) fn report_hands<'a>(
    verdict: &mut Verdict,
    repository: &'a Repository,
    found: impl IntoIterator<Item = (Act<'a>, &'a Target)>,
    label: &str,
    say: impl Fn(&Act<'a>, &'a Target) -> String,
) {
    for (unit, first) in by_unit(found) {
        let (act, target) = unit[0];
        let around = surroundings(&act, repository);
        if around == Surroundings::Forbidden || matches!(act.hands, Hands::Pipeline | Hands::Machine) {
            verdict.satisfied(first);
            continue;
        }
        let message = say(&act, target);
        let subject = act.subject();
        let finding = match (around, act.hands) {
            (Surroundings::Emergency, _) => verdict.review(
                first,
                subject,
                format!("{message}. It is meant for emergencies: is there an exception for it"),
            ),
            // A heading that speaks of production may speak to those who run the product elsewhere.
            (_, Hands::Person) if act.is_fence() && target.basis == Basis::Name => {
                verdict.review(first, subject, format!("{message}, if what the document says is done here"))
            }
            (_, Hands::Person) => verdict.fail(first, subject, message),
            _ => verdict.open(
                first,
                subject,
                format!("{message}, unless a pipeline that could not be followed calls it"),
            ),
        };
        finish(finding, &unit, label);
        // What a document tells people to do may be how a place was set up once.
        if act.is_fence() {
            no_worse_than(finding, Severity::Warning).at_most(Confidence::Medium);
        }
    }
}

/// Acts grouped by their step or script, each group in the order of places; with the place of the first.
pub(super) fn by_unit<'a>(
    found: impl IntoIterator<Item = (Act<'a>, &'a Target)>,
) -> Vec<(Vec<(Act<'a>, &'a Target)>, Span)> {
    let mut units: BTreeMap<Span, Vec<(Act<'a>, &'a Target)>> = BTreeMap::new();
    for (act, target) in found {
        units.entry(act.unit()).or_default().push((act, target));
    }
    let groups = units.into_values().map(|mut unit| {
        unit.sort_by_key(|(act, _)| act.effect.place);
        unit.dedup_by_key(|(act, _)| act.effect.place);
        let first = unit[0].0.effect.place;
        (unit, first)
    });
    groups.collect()
}

/// Label, confidence and further places of a group's finding.
pub(super) fn finish<'a>(finding: &mut Finding, unit: &[(Act<'a>, &'a Target)], label: &str) {
    finding.at_most(sureness(unit[0].1)).label(label);
    for (act, _) in unit.iter().skip(1).take(4) {
        finding.relate(act.effect.place, format!("{label}, here too"));
    }
    if let Some(origin) = unit[0].0.effect.origin {
        finding.depend(origin.file);
    }
}

/// Makes a finding milder than its rule.
pub(super) fn soften(finding: &mut Finding, severity: Severity) {
    finding.severity = finding.severity.min(severity);
}
