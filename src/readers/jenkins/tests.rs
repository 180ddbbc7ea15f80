use super::*;
use crate::lexicon::Environments;
use crate::text::FileId;

fn read(text: &str) -> Parsed {
    let environments = Environments::default();
    parse(&Text {
        file: FileId(0),
        path: "Jenkinsfile",
        text,
        executable: false,
        environments: &environments,
    })
}

fn pipeline(text: &str) -> Pipeline {
    let mut parsed = read(text);
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    let pipelines = &mut parsed.facts.pipelines;
    crate::readers::outside::settle(pipelines, &[], &Outside::default());
    pipelines.remove(0)
}

/// Stages within a pipeline that says nothing else.
fn stages(body: &str) -> Pipeline {
    pipeline(&format!("pipeline {{\n agent any\n stages {{\n{body}\n }}\n}}\n"))
}

/// One stage with these steps.
fn steps(body: &str) -> Pipeline {
    stages(&format!("stage('S') {{ steps {{\n{body}\n}} }}"))
}

fn lines(pipeline: &Pipeline) -> Vec<String> {
    pipeline.jobs.iter().flat_map(|j| j.commands()).map(|c| c.line.clone()).collect()
}

/// Each job with the jobs that it waits for.
fn order(pipeline: &Pipeline) -> Vec<String> {
    let one = |j: &Job| {
        let needs: Vec<&str> = j.needs.iter().map(|n| n.name.as_str()).collect();
        format!("{} < {}", j.id, needs.join(", "))
    };
    pipeline.jobs.iter().map(one).collect()
}

#[test]
fn files_are_claimed_by_name() {
    for (path, claimed) in [
        ("Jenkinsfile", true),
        ("ci/Jenkinsfile.deploy", true),
        ("Jenkinsfile-prod", true),
        ("prod.jenkinsfile", true),
        ("jenkins/release.groovy", true),
        ("Jenkinsfile.md", false),
        ("Jenkinsfiles.groovy", false),
        ("src/main/groovy/A.groovy", false),
        ("vendor/x/Jenkinsfile", false),
    ] {
        assert_eq!(claims(path, false), claimed, "{path}");
    }
}

#[test]
fn stages_follow_each_other_and_parallel_ones_do_not() {
    let p = stages(
        "stage('Build') { steps { sh 'make' } }
         stage('Check') { parallel {
             stage('Test') { steps { sh 'make test' } }
             stage('Lint') { stages {
                 stage('A') { steps { sh 'a' } }
                 stage('B') { steps { sh 'b' } }
             } }
         } }
         stage('Ship') { steps { sh 'ship' } post { success { sh 'tell' } failure { sh 'undo' } } }
         stage('After') { steps { sh 'x' } }",
    );
    let expected = [
        "Build < ",
        "Test < Build",
        "A < Build",
        "B < A",
        "Ship < Test, B",
        "Ship post success < Ship",
        "Ship post failure < Ship",
        "After < Ship, Ship post success",
    ];
    assert_eq!(order(&p), expected);
    assert!(p.jobs[6].condition.as_ref().is_some_and(|c| c.on_failure));
    assert_eq!(p.jobs[3].stage.as_deref(), Some("Lint"));
}

#[test]
fn a_stage_that_may_be_skipped_does_not_stand_in_the_way() {
    let p = stages(
        "stage('Test') { steps { sh 't' } }
         stage('Docs') { when { branch 'main' } steps { sh 'd' } }
         stage('Ship') { steps { sh 's' } }",
    );
    assert_eq!(order(&p)[2], "Ship < Docs, Test");
    assert!(p.jobs[2].needs[0].order_only && !p.jobs[2].needs[1].order_only);
}

#[test]
fn conditions_tell_branches_events_and_never() {
    for (when, branches, events, never) in [
        ("branch 'main'", "main", "", false),
        ("anyOf { branch 'main'; branch 'release/*' }", "main,release/*", "", false),
        ("allOf { branch 'main'; environment name: 'A', value: 'b' }", "main", "", false),
        ("not { branch 'main' }", "", "", false),
        ("tag 'v*'", "", "tag", false),
        ("buildingTag()", "", "tag", false),
        ("changeRequest()", "", "pull-request", false),
        ("triggeredBy 'TimerTrigger'", "", "schedule", false),
        ("expression { false }", "", "", true),
        ("expression { return false }", "", "", true),
        ("not { expression { true } }", "", "", true),
        ("expression { env.BRANCH_NAME == 'main' }", "main", "", false),
        ("expression { BRANCH_NAME != 'main' }", "", "", false),
        ("beforeInput true\n branch pattern: 'rel-.*', comparator: 'REGEXP'", "rel-.*", "", false),
    ] {
        let p = stages(&format!("stage('S') {{ when {{ {when} }} steps {{ sh 'x' }} }}"));
        let c = p.jobs[0].condition.as_ref().expect("a condition");
        assert_eq!(
            (c.branches.join(","), c.events.join(","), c.never),
            (branches.into(), events.into(), never),
            "{when}"
        );
    }
    let p = steps("script { if (env.BRANCH_NAME == 'main') { sh 'a' } else { sh 'b' } }");
    let of = |i: usize| p.jobs[0].steps[i].condition.as_ref().expect("a condition");
    assert_eq!((of(0).branches.join(","), of(1).branches.len()), ("main".to_owned(), 0));
    assert!(p.triggers.iter().any(|t| t.trigger == TriggerKind::Push));
}

#[test]
fn texts_are_run_as_the_shell_gets_them() {
    let text = "pipeline { agent any\n environment { IMAGE = \"shop:${env.GIT_COMMIT}\" }\n stages { stage('S') { steps {
  sh '''
    set -x
    echo \\$HOME
  '''
  sh(script: \"docker build -t ${IMAGE} .\", label: 'Build')
  sh \"docker push \" + env.IMAGE
  bat 'nmake test'
  script { def v = sh(script: 'git rev-parse HEAD', returnStdout: true).trim()\n sh \"docker tag a b:${v}\" }
} } } }";
    let p = pipeline(text);
    let all: Vec<&Command> = p.jobs[0].commands().collect();
    let lines: Vec<&str> = all.iter().map(|c| c.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "set -x",
            "echo $HOME",
            "docker build -t ${IMAGE} .",
            "docker push ${IMAGE}",
            "nmake test",
            "git rev-parse HEAD",
            "docker tag a b:${v}"
        ]
    );
    assert_eq!(&text[all[1].place.range()], "echo \\$HOME");
    assert_eq!(all[2].args[2].values, ["shop:${GIT_COMMIT}"]);
    assert_eq!(all[6].args[2].values, ["b:$(git rev-parse HEAD)"]);
    assert_eq!(
        (p.jobs[0].steps[1].name.as_str(), p.jobs[0].steps[3].shell.as_deref()),
        ("Build", Some("bat"))
    );
    assert!(all[5].captured && p.complete);
}

#[test]
fn failures_that_are_let_pass_are_told() {
    for (body, tolerated) in [
        ("sh 'make test'", false),
        ("sh script: 'make test', returnStatus: true", true),
        (
            "script { def rc = sh(script: 'make test', returnStatus: true)\n if (rc != 0) { error 'x' } }",
            false,
        ),
        ("script { if (sh(script: 'make test', returnStatus: true) != 0) { error 'x' } }", false),
        ("catchError(buildResult: 'SUCCESS') { sh 'make test' }", true),
        ("warnError('x') { sh 'make test' }", true),
        ("script { try { sh 'make test' } catch (e) { echo 'x' } }", true),
        ("script { try { sh 'make test' } catch (e) { currentBuild.result = 'SUCCESS' } }", true),
        ("script { try { sh 'make test' } catch (e) { echo 'x'; throw e } }", false),
        ("script { try { sh 'make test' } catch (e) { currentBuild.result = 'FAILURE' } }", false),
        ("script { try { sh 'make test' } finally { echo 'x' } }", false),
    ] {
        let p = steps(body);
        let step =
            p.jobs[0].steps.iter().find(|s| s.commands.iter().any(|c| c.program == "make")).expect("tests");
        assert_eq!(step.tolerated.is_some(), tolerated, "{body}");
    }
}

#[test]
fn a_person_is_asked_before_what_follows() {
    let kinds = |p: &Pipeline| -> Vec<(String, Option<GateKind>)> {
        p.jobs.iter().map(|j| (j.id.clone(), j.gates.first().map(|g| g.gate))).collect()
    };
    let p = stages("stage('Ship') { input { message 'ok?'\n submitter 'ops' } steps { sh 'ship' } }");
    assert_eq!(kinds(&p), [("Ship".into(), Some(GateKind::Blocking))]);
    let p = steps("sh 'plan'\n timeout(time: 1, unit: 'DAYS') { input 'Apply?' }\n sh 'apply'");
    assert_eq!(kinds(&p), [("S".into(), None), ("S #2".into(), Some(GateKind::Blocking))]);
    assert_eq!(order(&p)[1], "S #2 < S");
    let p = steps("script { try { timeout(5) { input 'ok?' } } catch (e) { echo 'late' } }\n sh 'ship'");
    assert_eq!(p.jobs[0].gates[0].gate, GateKind::Optional);
    let p = steps("script { if (!params.SKIP) { input 'ok?' } }\n sh 'ship'");
    assert_eq!(p.jobs[0].gates[0].gate, GateKind::Optional);
}

#[test]
fn what_holds_for_the_whole_pipeline_is_read() {
    let p = pipeline(
        "pipeline {
  agent { docker { image 'node:20'; label 'big' } }
  options { timeout(time: 2, unit: 'HOURS'); disableConcurrentBuilds()
    buildDiscarder(logRotator(daysToKeepStr: '30', artifactDaysToKeepStr: '90')) }
  parameters { choice(name: 'STAGE', choices: ['staging', 'production'], description: 'where')
    booleanParam(name: 'FORCE', defaultValue: false) }
  triggers { cron('TZ=Europe/Berlin\\nH 16 * * 5'); pollSCM('H/5 * * * *'); upstream(upstreamProjects: 'a, b') }
  environment { KEY = credentials('deploy-key'); NAME = 'shop' }
  stages { stage('S') { steps {
    withCredentials([string(credentialsId: 'token', variable: 'T')]) { sh \"deploy ${params.STAGE}\" }
    archiveArtifacts artifacts: 'dist/**, *.log'
    lock('shop') { dir('web') { sh './ci/x.sh' } }
  } } }
}",
    );
    let job = &p.jobs[0];
    assert_eq!((job.timeout_minutes, job.lock.as_ref().map(|l| l.value.as_str())), (Some(120), Some("shop")));
    assert_eq!((job.images[0].name.as_str(), job.runner[0].value.as_str()), ("node", "big"));
    assert_eq!(job.transfers[0].retention_days, Some(90));
    assert_eq!(job.transfers[0].paths.len(), 2);
    assert_eq!(job.secrets.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["token"]);
    assert_eq!((p.secrets[0].name.as_str(), p.settings[0].key.as_str()), ("deploy-key", "NAME"));
    assert_eq!(job.commands().next().expect("one").args[0].values, ["staging", "production"]);
    let cron = p.triggers.iter().find(|t| t.trigger == TriggerKind::Schedule).expect("a schedule");
    assert_eq!(
        (cron.zone.as_deref(), cron.fires.first().map(String::as_str)),
        (Some("Europe/Berlin"), Some("fri 16:00"))
    );
    let by_hand = p.triggers.iter().find(|t| t.trigger == TriggerKind::Manual).expect("parameters");
    assert_eq!(by_hand.inputs[0].options.len(), 2);
    assert_eq!(p.triggers.iter().find(|t| t.trigger == TriggerKind::Run).map(|t| t.upstream.len()), Some(2));
    let parsed = read("pipeline { stages { stage('S') { steps { dir('web') { sh './ci/x.sh' } } } } }");
    assert_eq!(parsed.wants[0].path, "web/ci/x.sh");
}

#[test]
fn containers_and_machines_are_commands() {
    let p = steps(
        "script {
   docker.withRegistry('https://registry.test', 'id') {
     def app = docker.build(\"shop:${BUILD_NUMBER}\", '-f Dockerfile.prod .')
     app.push()
     app.push('latest')
   }
   docker.image('maven:3').inside('-v x') { sh 'mvn verify' }
   sshCommand remote: prod, command: 'systemctl restart shop'
   sshPublisher(publishers: [sshPublisherDesc(configName: 'prod-1', transfers: [sshTransfer(execCommand: 'deploy.sh')])])
 }",
    );
    let expected = [
        "docker build -t registry.test/shop:${BUILD_NUMBER} -f Dockerfile.prod .",
        "docker push registry.test/shop:${BUILD_NUMBER}",
        "docker push registry.test/shop:latest",
        "mvn verify",
        "ssh ${prod} systemctl restart shop",
        "systemctl restart shop",
        "ssh prod-1 deploy.sh",
        "deploy.sh",
    ];
    assert_eq!(lines(&p), expected);
    assert_eq!(p.jobs[0].images[0].name, "maven");
    assert_eq!(p.jobs[0].commands().last().and_then(|c| c.remote.as_deref()), Some("prod-1"));
}

#[test]
fn what_lies_outside_makes_the_pipeline_incomplete() {
    for (text, outside) in [
        ("@Library('ci@v2') _\npipeline { agent any\n stages { stage('S') { steps { sh 'x' } } } }", "ci"),
        ("pipeline { agent any\n stages { stage('S') { steps { shipIt env: 'prod' } } } }", "shipIt"),
        ("pipeline { agent any\n stages { stage('S') { steps { build job: 'ship-prod' } } } }", "ship-prod"),
        ("standardPipeline { app = 'x' }", "standardPipeline"),
    ] {
        let p = pipeline(text);
        assert!(!p.complete, "{text}");
        assert!(
            p.includes.iter().any(|u| u.name == outside && u.unresolved.is_some()),
            "{text}: {:?}",
            p.includes
        );
    }
    let local =
        steps("greet('x')\n junit 'a.xml'\n script { def l = ['a']; l.add('b'); println l.join(',') }");
    assert!(!local.complete);
    let followed = pipeline(
        "pipeline { agent any\n stages { stage('S') { steps { ship('prod') } } } }\ndef ship(where) { sh \"deploy $where\" }",
    );
    assert!(followed.complete);
    assert_eq!(followed.jobs[0].commands().next().expect("one").args[0].values, ["prod"]);
}

#[test]
fn scripted_pipelines_tell_what_can_be_known() {
    let p = pipeline(
        "node('linux') {
  try {
    stage('Build') { checkout scm; sh 'make' }
    parallel unit: { sh 'make unit' }, e2e: { stage('E2E') { sh 'make e2e' } }
    if (env.BRANCH_NAME == 'main') { stage('Ship') { sh 'ship' } }
  } catch (e) { slackSend 'x'; throw e }
}",
    );
    assert_eq!(
        order(&p),
        ["Build < ", "unit < Build", "E2E < Build", "Ship < unit, E2E", "node < Ship, unit, E2E"]
    );
    assert_eq!(p.jobs[3].condition.as_ref().map(|c| c.branches.join(",")).as_deref(), Some("main"));
    assert!(p.jobs[4].steps[0].condition.as_ref().is_some_and(|c| c.on_failure));
    assert!(!p.complete && p.jobs[0].runner[0].value == "linux");
    let old = pipeline("node {\n stage 'Build'\n sh 'make'\n stage 'Test'\n sh 'make test'\n}");
    assert_eq!(order(&old), ["Build < ", "Test < Build"]);
}

#[test]
fn matrix_loops_and_comments_are_read() {
    let p = stages(
        "stage('M') { matrix { axes { axis { name 'ENV'; values 'staging', 'production' } }
           stages { stage('Ship') { steps { sh \"deploy ${ENV}\" } } } } }
         // stage('Test') { steps { sh 'npm test' } }
         /* sh 'npm run lint'
         */
         stage('L') { steps { script { for (e in ['a', 'b']) { sh \"x ${e}\" } } } }",
    );
    assert_eq!(p.jobs[0].matrix, ["ENV=staging", "ENV=production"]);
    assert_eq!(p.jobs[1].commands().next().expect("one").args[0].values, ["a", "b"]);
    let commented: Vec<&str> = p.commented.iter().map(|c| c.value.as_str()).collect();
    assert_eq!(commented, ["stage('Test') { steps { sh 'npm test' } }", "sh 'npm run lint'"]);
}

#[test]
fn hostile_files_end() {
    for text in [
        "".to_owned(),
        "pipeline {".to_owned(),
        "pipeline { stages { ".to_owned() + &"stage('a') { stages { ".repeat(5_000),
        "pipeline { agent any\n stages { stage('s') { steps { f() } } } }\ndef f() { f(); f() }".to_owned(),
        "node { ".to_owned() + &"stage('a') { sh 'x' }\n".repeat(20_000),
        "node { ".to_owned() + &"parallel a: { ".repeat(5_000),
        "node { ".to_owned() + &"docker.image('a').inside { ".repeat(5_000),
    ] {
        let parsed = read(&text);
        for job in parsed.facts.pipelines.iter().flat_map(|p| &p.jobs) {
            assert!(text.get(job.body.range()).is_some() && text.get(job.place.range()).is_some());
        }
    }
}
