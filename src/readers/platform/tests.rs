use super::{claims, parse};
use crate::facts::{Resource, Stage, System};
use crate::readers::samples;

fn rows(resource: &Resource) -> Vec<(&str, String)> {
    resource.entries.iter().map(|e| (e.path.as_str(), e.setting.text())).collect()
}

/// Every platform says the same of the same service.
#[test]
fn one_model_for_all_platforms() {
    let wanted = [
        ("image", "r.example/shop:1"),
        ("command", "serve"),
        ("release_command", "migrate"),
        ("env.MODE", "live"),
        ("instances", "2"),
        ("instances.min", "2"),
        ("health.path", "/health"),
        ("ports.0", "8080"),
    ];
    for (path, text, name, says) in [
        (
            "fly.toml",
            "app = 'shop'\n[build]\nimage = 'r.example/shop:1'\n[deploy]\nrelease_command = 'migrate'\n[env]\nMODE = 'live'\n[http_service]\ninternal_port = 8080\nmin_machines_running = 2\n[[http_service.checks]]\npath = '/health'\n",
            "shop",
            vec![0, 2, 3, 5, 6, 7],
        ),
        (
            "render.yaml",
            "services:\n- type: web\n  name: shop\n  image: { url: r.example/shop:1 }\n  dockerCommand: serve\n  preDeployCommand: migrate\n  healthCheckPath: /health\n  numInstances: 2\n  envVars: [{ key: MODE, value: live }]\n",
            "shop",
            vec![0, 1, 2, 3, 4, 6],
        ),
        ("Procfile", "release: migrate\nshop: serve\n", "shop", vec![1, 2]),
        (
            "app.json",
            r#"{"name": "shop", "env": {"MODE": {"value": "live"}}, "formation": {"web": {"quantity": 2}}}"#,
            "shop",
            vec![3, 4],
        ),
        ("heroku.yml", "run:\n  web: serve\nrelease:\n  command: [migrate]\n", "app", vec![1, 2]),
        (
            "app.yaml",
            "runtime: python313\nservice: shop\nentrypoint: serve\nenv_variables: { MODE: live }\nmanual_scaling: { instances: 2 }\nreadiness_check: { path: /health }\n",
            "shop",
            vec![1, 3, 4, 6],
        ),
        (
            "apprunner.yaml",
            "version: 1.0\nruntime: nodejs22\nrun:\n  command: serve\n  network: { port: 8080 }\n  env: [{ name: MODE, value: live }]\n",
            "app",
            vec![1, 3, 7],
        ),
        (
            ".do/app.yaml",
            "services:\n- name: shop\n  run_command: serve\n  instance_count: 2\n  http_port: 8080\n  health_check: { http_path: /health }\n  envs: [{ key: MODE, value: live }]\n",
            "shop",
            vec![1, 3, 4, 6, 7],
        ),
        (
            "railway.json",
            r#"{"deploy": {"startCommand": "serve", "preDeployCommand": "migrate", "numReplicas": 2, "healthcheckPath": "/health"}}"#,
            "app",
            vec![1, 2, 4, 6],
        ),
        (
            "serverless.yml",
            "service: all\nprovider:\n  environment: { MODE: live }\nfunctions:\n  shop: { handler: serve }\n",
            "shop",
            vec![1, 3],
        ),
        (
            "shop.nomad.hcl",
            "job \"all\" {\n  group \"g\" {\n    count = 2\n    task \"shop\" {\n      config {\n        image = \"r.example/shop:1\"\n        command = \"serve\"\n      }\n      env {\n        MODE = \"live\"\n      }\n    }\n  }\n}\n",
            "shop",
            vec![0, 1, 3, 4],
        ),
        (
            "ecs/task-definition.json",
            r#"{"family": "shop", "containerDefinitions": [{"name": "shop", "image": "r.example/shop:1", "command": ["serve"],
                "environment": [{"name": "MODE", "value": "live"}], "portMappings": [{"containerPort": 8080}]}]}"#,
            "shop",
            vec![0, 1, 3, 7],
        ),
    ] {
        assert!(claims(path, false), "{path}");
        let parsed = samples::read(parse, path, text);
        assert_eq!(parsed.problems, [], "{path}");
        let resource = &parsed.facts.resources[0];
        assert_eq!(resource.name.text(), name, "{path}");
        for (at, (entry, value)) in wanted.iter().enumerate() {
            let said = resource.entry(entry).map(|e| e.setting.text());
            let wanted = says.contains(&at).then(|| (*value).to_owned());
            assert_eq!(said, wanted, "{path}: {entry} in {:?}", rows(resource));
        }
        if says.contains(&3) {
            assert!(parsed.facts.settings.iter().any(|s| s.key == "MODE"), "{path}");
        }
    }
}

#[test]
fn environments_have_services_of_their_own() {
    let netlify = "[build]\ncommand = 'npm run build'\n[build.environment]\nMODE = 'plain'\n[context.production.environment]\nMODE = 'live'\n";
    let parsed = samples::read(parse, "netlify.toml", netlify);
    let live = &parsed.facts.resources[1];
    assert!(live.target.as_ref().is_some_and(|t| t.is(Stage::Production)));
    assert_eq!(rows(live), [("env.MODE", "live".to_owned()), ("build", "npm run build".to_owned())]);
    for path in ["fly.production.toml", "deploy/prod/fly.toml"] {
        let parsed = samples::read(parse, path, "app = 'shop'\n");
        assert!(parsed.facts.resources[0].target.as_ref().is_some_and(|t| t.is(Stage::Production)), "{path}");
    }
}

#[test]
fn a_name_alone_makes_no_service() {
    for (path, text) in [
        ("app.json", r#"{"expo": {"name": "a"}}"#),
        ("app.yaml", "apiVersion: v1\nkind: Service\n"),
        ("render.yaml", "a: b\n"),
        ("serverless.yml", "a: b\n"),
    ] {
        let parsed = samples::read(parse, path, text);
        assert!(parsed.facts.resources.iter().all(|r| r.system != System::Platform), "{path}");
    }
    assert!(!claims("flyway.toml", false) && !claims("k8s/app.yaml", false) && !claims("app.py", false));
    for path in [
        "Procfile",
        "fly.toml",
        "render.yaml",
        "app.json",
        "serverless.yml",
        "a.nomad",
        "taskdef.json",
        "netlify.toml",
    ] {
        samples::endure(parse, path);
    }
}
