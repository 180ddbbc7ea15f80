//! Whole pipelines, read as a repository is.

use crate::facts::*;
use crate::readers::samples::{HOSTILE, job, lines, needs, read, repository};
use crate::source::UnreadClass;

fn drone(text: &str) -> Vec<Pipeline> {
    repository(&[(".drone.yml", text)]).facts.pipelines
}

#[test]
fn steps_run_in_order_until_one_says_what_it_depends_on() {
    let all = drone(
        "\
kind: pipeline
name: line
steps:
- { name: build, image: golang, commands: [make] }
- { name: tagged, image: golang, commands: [make tag], when: { event: tag } }
- { name: tell, image: plugins/slack, when: { status: [ success, failure ] } }
- { name: failed, image: plugins/slack, when: { status: failure } }
- { name: test, image: golang, commands: [make test], failure: ignore }
- { name: ship, image: golang, commands: [make ship] }
---
kind: pipeline
name: graph
steps:
- { name: a, image: x, commands: [a] }
- { name: b, image: x, commands: [b], depends_on: [a] }
- { name: c, image: x, commands: [c], depends_on: [b, nobody] }
- { name: db, image: postgres, detach: true }
depends_on: [line]
",
    );
    let (line, graph) = (&all[0], &all[1]);
    assert_eq!(needs(job(line, "tagged")), ["build"]);
    assert_eq!(needs(job(line, "test")), ["build", "tagged", "tell", "failed"]);
    assert_eq!(needs(job(line, "ship")), ["test"]);
    let condition = |id: &str| job(line, id).condition.clone().expect("a condition");
    assert!(condition("tell").always && !condition("tell").on_failure);
    assert!(condition("failed").on_failure);
    assert_eq!(condition("tagged").events, ["tag"]);
    assert!(job(line, "test").tolerated.as_ref().is_some_and(|t| t.how == How::Key));
    assert_eq!(needs(job(graph, "a")), [""; 0]);
    assert_eq!(needs(job(graph, "b")), ["a"]);
    assert_eq!(job(graph, "c").needs.iter().map(|n| n.job).collect::<Vec<_>>(), [Some(1), None]);
    assert!(job(graph, "db").tolerated.as_ref().is_some_and(|t| t.how == How::Background));
    assert!(graph.triggers.iter().all(|t| t.upstream == [".drone.yml:line"]));
}

#[test]
fn a_promotion_waits_for_a_person_and_follows_what_a_push_starts() {
    let repository = repository(&[(
        ".drone.yml",
        "\
kind: pipeline
name: build
trigger: { branch: main, event: { exclude: [ promote, pull_request ] } }
steps:
- { name: image, image: plugins/docker, settings: { repo: r.example/shop, tags: [ \"${DRONE_COMMIT_SHA:0:8}\" ] } }
- name: stage
  image: x
  commands: [kubectl --context staging apply -f k8s]
---
kind: pipeline
name: promote
trigger: { event: [ promote, rollback ], target: [ production ] }
steps:
- name: ship
  image: x
  environment: { TOKEN: { from_secret: kube_token }, PLACE: \"$${DRONE_DEPLOY_TO}\" }
  commands: [ \"kubectl --token $TOKEN --context $DRONE_DEPLOY_TO apply -f k8s\" ]
- { name: look, image: x, commands: [curl -f https://shop.example/health] }
",
    )]);
    let pipelines = &repository.facts.pipelines;
    let (build, promote) = (&pipelines[0], &pipelines[1]);
    assert_eq!(build.triggers[0].trigger, TriggerKind::Push);
    assert_eq!(build.triggers[0].branches[0].value, "main");
    assert!(build.triggers.iter().all(|t| t.trigger != TriggerKind::PullRequest));
    let image = job(build, "image").effects().find(|e| e.effect == EffectKind::Publish).expect("a push");
    let artifact = image.artifact.as_ref().expect("an image");
    assert_eq!((artifact.name_text(), artifact.version_text()), ("r.example/shop".into(), "{commit}".into()));
    let ship = job(promote, "ship");
    assert!(ship.target.as_ref().is_some_and(|t| t.is(Stage::Production) && t.basis == Basis::Declared));
    assert_eq!(ship.gates[0].gate, GateKind::Blocking);
    assert!(job(promote, "look").gates.is_empty(), "it waits with the one before it");
    assert_eq!(ship.secrets[0].name, "kube_token");
    assert_eq!(ship.secrets.len(), 1, "a variable that is given is no other secret");
    assert!(ship.effects().any(|e| e.effect == EffectKind::RollBack), "an earlier build can be run");
    let flow = &repository.flow;
    let node = |id: &str| flow.nodes().find(|&n| flow.job(n, pipelines).id == id).expect("a run");
    assert!(flow.before(node("ship")).contains(&node("stage")));
    let staged = |n: Node| n == node("stage");
    assert_eq!(flow.passing(pipelines, staged).to(node("ship")), Path::Yes);
}

#[test]
fn steps_that_only_a_promotion_starts_are_a_run_of_their_own() {
    let all = drone(
        "\
kind: pipeline
name: default
steps:
- { name: build, image: x, commands: [make] }
- { name: stage, image: x, commands: [./deploy.sh staging], when: { event: push }, depends_on: [build] }
- { name: check, image: x, commands: [./check.sh], when: { event: promote, target: PROD } }
- { name: ship, image: x, commands: [./deploy.sh prod], when: { event: promote, target: PROD }, depends_on: [check, build] }
- { name: nightly, image: x, commands: [./scan.sh], when: { event: cron, cron: scan } }
",
    );
    let ids = |p: &Pipeline| p.jobs.iter().map(|j| j.id.clone()).collect::<Vec<_>>();
    assert_eq!((ids(&all[2]), all[2].triggers[0].trigger), (vec!["nightly".into()], TriggerKind::Schedule));
    assert_eq!(
        (ids(&all[0]), ids(&all[1])),
        (vec!["build".into(), "stage".into()], vec!["check".into(), "ship".into()])
    );
    assert_eq!(all[1].triggers[0].upstream, [".drone.yml:default"]);
    assert_eq!(all[1].jobs[1].needs.iter().map(|n| n.job).collect::<Vec<_>>(), [Some(0)]);
    assert!(!all[1].jobs[0].gates.is_empty() && all[1].jobs[1].gates.is_empty());
}

#[test]
fn old_pipelines_have_named_steps_with_settings_beside_them() {
    let all = drone(
        "\
pipeline:
  test: { image: golang, group: checks, commands: [go test ./...] }
  vet: { image: golang, group: checks, commands: [go vet ./...] }
  publish:
    image: plugins/docker:17
    repo: acme/shop
    tags: [ latest, '1.2' ]
    secrets: [ docker_password, { source: hub_user, target: docker_username } ]
    when: { branch: master, event: push }
services:
  database: { image: 'postgres:9.6' }
",
    );
    let pipeline = &all[0];
    assert_eq!(needs(job(pipeline, "vet")), [""; 0], "its group runs side by side");
    assert_eq!(needs(job(pipeline, "publish")), ["test", "vet"]);
    let used = job(pipeline, "publish").steps[0].uses.as_ref().expect("a plugin");
    assert_eq!(
        (used.name.as_str(), used.version.as_ref().expect("a tag").value.as_str()),
        ("plugins/docker", "17")
    );
    assert_eq!(used.input("image").expect("made of both").value.text(), "acme/shop:latest\nacme/shop:1.2");
    let secrets: Vec<&str> = job(pipeline, "publish").secrets.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(secrets, ["docker_password", "hub_user"]);
    assert_eq!(job(pipeline, "publish").condition.as_ref().expect("when").branches, ["master"]);
    assert!(job(pipeline, "test").images.iter().any(|i| i.name == "postgres"));
}

#[test]
fn commands_on_a_machine_reached_by_ssh_run_there() {
    let all = drone(
        "{ kind: pipeline, type: ssh, name: default, server: { host: prod.shop.example, user: root }, \
         steps: [ { name: up, commands: [ docker compose up -d ] } ] }",
    );
    let command = job(&all[0], "up").commands().next().expect("a command");
    assert_eq!(command.remote.as_deref(), Some("prod.shop.example"));
}

#[test]
fn what_the_server_or_a_program_makes_is_named() {
    let repository = repository(&[
        (".drone.jsonnet", "{ kind: 'pipeline' }"),
        ("ci/.drone.yml", "kind: template\nload: build.yaml\ndata: { name: x }\n"),
        (".drone.star", "def main(ctx): return {}"),
        (".woodpecker.yml", "when: [{ event: push }]\n"),
    ]);
    let mut unread: Vec<_> = repository.unread.iter().map(|u| (u.path.as_str(), u.class)).collect();
    unread.sort_by_key(|(path, _)| *path);
    let class = UnreadClass::Unparsed;
    assert_eq!(unread, [(".drone.jsonnet", class), (".drone.star", class), (".woodpecker.yml", class)]);
    assert!(!repository.facts.pipelines[0].complete, "a template is kept on the server");
}

#[test]
fn workflows_of_woodpecker_wait_for_one_another_by_file() {
    let repository = repository(&[
        (
            ".woodpecker/test.yaml",
            "when: [ { event: push, branch: main }, { event: pull_request } ]\nmatrix: { GO: ['1.22', '1.23'] }\n\
             steps:\n  unit: { image: 'golang:${GO}', directory: api, commands: [ ./check.sh ] }\n",
        ),
        ("api/check.sh", "go test ./...\n"),
        (
            ".woodpecker/.ship.yml",
            "when: { event: deployment, evaluate: 'CI_PIPELINE_DEPLOY_TARGET == \"production\"' }\n\
             depends_on: [ test ]\nconcurrency: { limit: 1, group: prod }\nsteps:\n\
             - { name: ship, image: x, commands: [ './deploy.sh $CI_PIPELINE_DEPLOY_TARGET' ] }\n",
        ),
        (".woodpecker/sub/other.yaml", "steps: [ { name: x, image: y } ]\n"),
        (
            ".woodpecker/late.yaml",
            "runs_on: [failure]\nwhen: [ { event: push, status: [ failure ] } ]\nsteps: [ { name: tell, image: plugins/slack } ]\n",
        ),
    ]);
    let pipelines = &repository.facts.pipelines;
    let named = |name: &str| pipelines.iter().find(|p| p.name == name).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(pipelines.len(), 3, "folders in the folder are not read");
    let test = named(".woodpecker/test");
    let kinds: Vec<TriggerKind> = test.triggers.iter().map(|t| t.trigger).collect();
    assert_eq!(kinds, [TriggerKind::Push, TriggerKind::PullRequest]);
    assert_eq!(job(test, "unit").matrix, ["GO=1.22", "GO=1.23"]);
    assert!(job(test, "unit").effects().any(|e| e.effect == EffectKind::Test), "the script is followed");
    let ship = named(".woodpecker/ship");
    assert_eq!(ship.triggers[0].upstream, [".woodpecker/late", ".woodpecker/test"]);
    assert_eq!(lines(job(ship, "ship")), ["deploy.sh $CI_PIPELINE_DEPLOY_TARGET"]);
    assert!(job(ship, "ship").target.as_ref().is_some_and(|t| t.is(Stage::Production)));
    assert_eq!(job(ship, "ship").lock.as_ref().map(|l| l.value.as_str()), Some("prod"));
    assert!(job(named(".woodpecker/late"), "tell").condition.as_ref().is_some_and(|c| c.on_failure));
}

#[test]
fn hostile_texts_are_read_without_harm() {
    for text in HOSTILE {
        for start in ["", "kind: pipeline\nsteps:\n- name: ", "steps:\n  a: "] {
            let text = format!("{start}{text}");
            read(super::parse, ".drone.yml", &text);
            read(super::parse_woodpecker, ".woodpecker.yml", &text);
        }
    }
    let many = "- { name: a, image: x, commands: [a], when: { event: tag } }\n".repeat(6_000);
    let jobs = drone(&format!("kind: pipeline\nsteps:\n{many}")).remove(0).jobs;
    assert!(jobs.len() == 5_000 && jobs.iter().all(|j| j.needs.len() <= 64));
}
