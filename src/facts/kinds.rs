//! Kinds of facts by the names that rule files give them.

use super::*;

/// A fact and the facts that it stands in, outermost first.
#[derive(Clone)]
pub struct Item<'a> {
    /// The fact.
    pub fact: &'a dyn Fact,
    /// Pipeline, job, step … around it.
    pub parents: Vec<&'a dyn Fact>,
}

/// One kind of fact: its name, its field table, and how to list all of them.
pub struct KindRow {
    /// Name in rule files.
    pub name: &'static str,
    /// Field table.
    pub rows: &'static [FieldRow],
    /// Kinds that stand around it; their fields are reached as `job.target`.
    pub parents: &'static [&'static str],
    /// Lists all of this kind, sorted by place.
    pub each: for<'a> fn(&'a Repository, &mut dyn FnMut(Item<'a>)),
}

macro_rules! flat {
    ($type:ident, $list:ident) => {
        KindRow {
            name: $type::KIND_NAME,
            rows: $type::ROWS,
            parents: &[],
            each: |repository, visit| {
                for fact in &repository.facts.$list {
                    visit(Item { fact, parents: Vec::new() });
                }
            },
        }
    };
}

/// Every kind of fact that a rule file can name.
pub const KINDS: &[KindRow] = &[
    flat!(Pipeline, pipelines),
    flat!(Script, scripts),
    flat!(Setting, settings),
    flat!(Credential, credentials),
    flat!(BaseImage, base_images),
    flat!(Instruction, instructions),
    flat!(Section, sections),
    flat!(Ignore, ignores),
    flat!(TestMark, test_marks),
    flat!(Manifest, manifests),
    flat!(EnvRead, env_reads),
    flat!(CommentedKey, commented_keys),
    flat!(Disclosure, disclosures),
    flat!(Migration, migrations),
    flat!(Resource, resources),
    KindRow {
        name: "deployed_resource",
        rows: Resource::ROWS,
        parents: &[],
        each: |repository, visit| {
            for fact in &repository.facts.deployed {
                visit(Item { fact, parents: Vec::new() });
            }
        },
    },
    flat!(ComposeFile, compose_files),
    flat!(TokenCall, token_calls),
    flat!(FlagRead, flag_reads),
    flat!(Evidence, evidence),
    flat!(CodeOwner, code_owners),
    flat!(Practice, practices),
    flat!(Route, routes),
    flat!(Alert, alerts),
    flat!(Dashboard, dashboards),
    flat!(LogRetention, log_retentions),
    flat!(StatedVersion, stated_versions),
    flat!(ReleaseNote, release_notes),
    flat!(CoverageFloor, coverage_floors),
    KindRow {
        name: Operation::KIND_NAME,
        rows: Operation::ROWS,
        parents: &["migration"],
        each: |repository, visit| {
            for m in &repository.facts.migrations {
                for fact in &m.operations {
                    visit(Item { fact, parents: vec![m] });
                }
            }
        },
    },
    KindRow {
        name: File::KIND_NAME,
        rows: File::ROWS,
        parents: &[],
        each: |repository, visit| {
            for fact in &repository.files {
                visit(Item { fact, parents: Vec::new() });
            }
        },
    },
    KindRow {
        name: Service::KIND_NAME,
        rows: Service::ROWS,
        parents: &["compose-file"],
        each: |repository, visit| {
            for c in &repository.facts.compose_files {
                for fact in &c.services {
                    visit(Item { fact, parents: vec![c] });
                }
            }
        },
    },
    KindRow {
        name: Trigger::KIND_NAME,
        rows: Trigger::ROWS,
        parents: &["pipeline"],
        each: |repository, visit| {
            for p in &repository.facts.pipelines {
                for fact in &p.triggers {
                    visit(Item { fact, parents: vec![p] });
                }
            }
        },
    },
    KindRow {
        name: Input::KIND_NAME,
        rows: Input::ROWS,
        parents: &["pipeline", "trigger"],
        each: |repository, visit| {
            for p in &repository.facts.pipelines {
                for t in &p.triggers {
                    for fact in &t.inputs {
                        visit(Item { fact, parents: vec![p, t] });
                    }
                }
            }
        },
    },
    KindRow {
        name: Job::KIND_NAME,
        rows: Job::ROWS,
        parents: &["pipeline"],
        each: |repository, visit| {
            for p in &repository.facts.pipelines {
                for fact in &p.jobs {
                    visit(Item { fact, parents: vec![p] });
                }
            }
        },
    },
    KindRow {
        name: Step::KIND_NAME,
        rows: Step::ROWS,
        parents: &["pipeline", "job"],
        each: |repository, visit| {
            for (p, j, fact) in repository.steps() {
                visit(Item { fact, parents: vec![p, j] });
            }
        },
    },
    KindRow {
        name: Transfer::KIND_NAME,
        rows: Transfer::ROWS,
        parents: &["pipeline", "job"],
        each: |repository, visit| {
            for p in &repository.facts.pipelines {
                for j in &p.jobs {
                    for fact in &j.transfers {
                        visit(Item { fact, parents: vec![p, j] });
                    }
                }
            }
        },
    },
    KindRow {
        name: Use::KIND_NAME,
        rows: Use::ROWS,
        parents: &["pipeline", "job", "step"],
        each: |repository, visit| {
            for p in &repository.facts.pipelines {
                for fact in &p.includes {
                    visit(Item { fact, parents: vec![p] });
                }
                for j in &p.jobs {
                    for fact in j.calls.iter().chain(&j.images) {
                        visit(Item { fact, parents: vec![p, j] });
                    }
                    for s in &j.steps {
                        if let Some(fact) = &s.uses {
                            visit(Item { fact, parents: vec![p, j, s] });
                        }
                    }
                }
            }
        },
    },
    KindRow {
        name: Command::KIND_NAME,
        rows: Command::ROWS,
        parents: &["pipeline", "job", "step", "script"],
        each: |repository, visit| {
            for (owner, fact) in repository.commands() {
                visit(Item { fact, parents: owner_facts(owner) });
            }
        },
    },
    KindRow {
        name: Effect::KIND_NAME,
        rows: Effect::ROWS,
        parents: &["pipeline", "job", "step", "script", "command"],
        each: |repository, visit| {
            for (p, j, s) in repository.steps() {
                for fact in &s.effects {
                    visit(Item { fact, parents: vec![p, j, s] });
                }
            }
            for (owner, command) in repository.commands() {
                for fact in &command.effects {
                    let mut parents = owner_facts(owner);
                    parents.push(command);
                    visit(Item { fact, parents });
                }
            }
        },
    },
];

fn owner_facts(owner: Owner<'_>) -> Vec<&dyn Fact> {
    match owner {
        Owner::Step { pipeline, job, step } => vec![pipeline, job, step],
        Owner::Script(script) => vec![script],
    }
}
