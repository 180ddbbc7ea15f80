//! What each platform calls the things that the model has names for. `*` is any part; `#` counts.

use super::Sort;
use crate::facts::Setting;

type Table = &'static [(&'static str, &'static str)];

/// <https://fly.io/docs/reference/configuration/>
const FLY: Table = &[
    ("build.image", "image"),
    ("build.dockerfile", "build"),
    ("env.*", "env.*"),
    ("deploy.release_command", "release_command"),
    ("deploy.strategy", "strategy"),
    ("http_service.internal_port", "ports.#"),
    ("services.*.internal_port", "ports.#"),
    ("http_service.min_machines_running", "instances.min"),
    ("services.*.min_machines_running", "instances.min"),
    ("http_service.checks.*.path", "health.path"),
    ("http_service.checks.*.interval", "health.interval"),
    ("http_service.checks.*.timeout", "health.timeout"),
    ("http_service.checks.*.grace_period", "health.grace"),
    ("services.*.http_checks.*.path", "health.path"),
    ("services.*.http_checks.*.interval", "health.interval"),
    ("services.*.http_checks.*.timeout", "health.timeout"),
    ("services.*.http_checks.*.grace_period", "health.grace"),
    ("services.*.tcp_checks.*.interval", "health.interval"),
    ("services.*.tcp_checks.*.grace_period", "health.grace"),
    ("checks.*.path", "health.path"),
    ("checks.*.interval", "health.interval"),
    ("checks.*.timeout", "health.timeout"),
    ("checks.*.grace_period", "health.grace"),
    ("primary_region", "region.#"),
    ("vm.*.memory", "memory"),
    ("vm.*.cpus", "cpu"),
    ("kill_timeout", "stop.timeout"),
    ("kill_signal", "stop.signal"),
];

/// <https://render.com/docs/blueprint-spec>
const RENDER: Table = &[
    ("image.url", "image"),
    ("startCommand", "command"),
    ("dockerCommand", "command"),
    ("buildCommand", "build"),
    ("dockerfilePath", "build"),
    ("preDeployCommand", "release_command"),
    ("healthCheckPath", "health.path"),
    ("numInstances", "instances"),
    ("scaling.minInstances", "instances.min"),
    ("scaling.maxInstances", "instances.max"),
    ("envVars.*", "env.*"),
    ("region", "region.#"),
    ("schedule", "schedule"),
    ("maxShutdownDelaySeconds", "stop.timeout"),
];

/// <https://devcenter.heroku.com/articles/app-json-schema>
const HEROKU_APP: Table = &[
    ("env.*.value", "env.*"),
    ("env.*", "env.*"),
    ("image", "image"),
    ("formation.web.quantity", "instances"),
    ("formation.*.quantity", "instances.*"),
];

/// <https://devcenter.heroku.com/articles/build-docker-images-heroku-yml>
const HEROKU_YML: Table = &[
    ("run.web", "command"),
    ("run.web.command.*", "command"),
    ("build.docker.web", "build"),
    ("release.command.*", "release_command"),
    ("setup.config.*", "env.*"),
];

/// <https://cloud.google.com/appengine/docs/standard/reference/app-yaml>
const APP_ENGINE: Table = &[
    ("env_variables.*", "env.*"),
    ("entrypoint", "command"),
    ("automatic_scaling.min_instances", "instances.min"),
    ("automatic_scaling.min_num_instances", "instances.min"),
    ("automatic_scaling.max_instances", "instances.max"),
    ("automatic_scaling.max_num_instances", "instances.max"),
    ("basic_scaling.max_instances", "instances.max"),
    ("manual_scaling.instances", "instances"),
    ("readiness_check.path", "health.path"),
    ("readiness_check.check_interval_sec", "health.interval"),
    ("readiness_check.timeout_sec", "health.timeout"),
    ("liveness_check.path", "health.path"),
    ("liveness_check.check_interval_sec", "health.interval"),
    ("liveness_check.timeout_sec", "health.timeout"),
    ("resources.cpu", "cpu"),
    ("resources.memory_gb", "memory"),
    ("network.forwarded_ports.*", "ports.#"),
];

/// <https://docs.aws.amazon.com/apprunner/latest/dg/config-file-ref.html>
const APP_RUNNER: Table = &[
    ("run.command", "command"),
    ("run.network.port", "ports.#"),
    ("run.env.*", "env.*"),
    ("build.env.*", "build.env.*"),
    ("run.pre-run.*", "release_command"),
];

/// <https://docs.digitalocean.com/products/app-platform/reference/app-spec/>
const DIGITAL_OCEAN: Table = &[
    ("envs.*", "env.*"),
    ("run_command", "command"),
    ("build_command", "build"),
    ("dockerfile_path", "build"),
    ("instance_count", "instances"),
    ("autoscaling.min_instance_count", "instances.min"),
    ("autoscaling.max_instance_count", "instances.max"),
    ("health_check.http_path", "health.path"),
    ("health_check.period_seconds", "health.interval"),
    ("health_check.timeout_seconds", "health.timeout"),
    ("health_check.initial_delay_seconds", "health.grace"),
    ("http_port", "ports.#"),
    ("internal_ports.*", "ports.#"),
];

/// <https://docs.railway.com/reference/config-as-code>
const RAILWAY: Table = &[
    ("deploy.startCommand", "command"),
    ("deploy.preDeployCommand", "release_command"),
    ("deploy.preDeployCommand.*", "release_command"),
    ("deploy.healthcheckPath", "health.path"),
    ("deploy.healthcheckTimeout", "health.timeout"),
    ("deploy.numReplicas", "instances"),
    ("deploy.cronSchedule", "schedule"),
    ("build.dockerfilePath", "build"),
    ("build.buildCommand", "build"),
];

/// <https://vercel.com/docs/project-configuration>
const VERCEL: Table = &[
    ("env.*", "env.*"),
    ("build.env.*", "build.env.*"),
    ("buildCommand", "build"),
    ("regions.*", "region.#"),
    ("crons.*.schedule", "schedule"),
    ("functions.*.memory", "memory"),
];

/// <https://docs.netlify.com/configure-builds/file-based-configuration/>
const NETLIFY: Table = &[
    ("build.command", "build"),
    ("build.environment.*", "env.*"),
    ("command", "build"),
    ("environment.*", "env.*"),
];

/// <https://www.serverless.com/framework/docs/providers/aws/guide/serverless.yml>
const SERVERLESS: Table = &[
    ("environment.*", "env.*"),
    ("image", "image"),
    ("image.uri", "image"),
    ("handler", "command"),
    ("memorySize", "memory"),
    ("timeout", "timeout"),
    ("region", "region.#"),
    ("events.*.schedule", "schedule"),
    ("events.*.schedule.rate", "schedule"),
    ("reservedConcurrency", "instances.max"),
    ("provisionedConcurrency", "instances.min"),
];

/// <https://developer.hashicorp.com/nomad/docs/job-specification>
const NOMAD: Table = &[
    ("config.image", "image"),
    ("config.command", "command"),
    ("env.*", "env.*"),
    ("count", "instances"),
    ("scaling.min", "instances.min"),
    ("scaling.max", "instances.max"),
    ("resources.cpu", "cpu"),
    ("resources.memory", "memory"),
    ("service.check.path", "health.path"),
    ("service.check.interval", "health.interval"),
    ("service.check.timeout", "health.timeout"),
    ("network.port.*.to", "ports.#"),
    ("network.port.*.static", "ports.#"),
    ("kill_timeout", "stop.timeout"),
    ("kill_signal", "stop.signal"),
    ("datacenters.*", "region.#"),
    ("periodic.cron", "schedule"),
];

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html>
const ECS: Table = &[
    ("image", "image"),
    ("command.0", "command"),
    ("environment.*", "env.*"),
    ("healthCheck.command.*", "health.command.*"),
    ("healthCheck.interval", "health.interval"),
    ("healthCheck.timeout", "health.timeout"),
    ("healthCheck.startPeriod", "health.grace"),
    ("portMappings.*.containerPort", "ports.#"),
    ("cpu", "cpu"),
    ("memory", "memory"),
    ("memoryReservation", "memory"),
    ("stopTimeout", "stop.timeout"),
];

/// The table of a platform.
pub(super) fn of(sort: Sort) -> Table {
    match sort {
        Sort::Fly => FLY,
        Sort::Render => RENDER,
        Sort::Procfile => &[],
        Sort::HerokuApp => HEROKU_APP,
        Sort::HerokuYml => HEROKU_YML,
        Sort::AppEngine => APP_ENGINE,
        Sort::AppRunner => APP_RUNNER,
        Sort::DigitalOcean => DIGITAL_OCEAN,
        Sort::Railway => RAILWAY,
        Sort::Vercel => VERCEL,
        Sort::Netlify => NETLIFY,
        Sort::Serverless => SERVERLESS,
        Sort::Nomad => NOMAD,
        Sort::Ecs => ECS,
    }
}

/// The model's path for a platform's; one that the table has not stays as it is.
pub(super) fn named(table: Table, parts: &[String], before: &[Setting]) -> String {
    let found = table.iter().find_map(|(theirs, ours)| {
        let mut any = Vec::new();
        let mut pattern = theirs.split('.');
        for part in parts {
            match pattern.next()? {
                "*" => any.push(part.as_str()),
                word if word == part => {}
                _ => return None,
            }
        }
        pattern.next().is_none().then_some((*ours, any))
    });
    let Some((ours, any)) = found else { return parts.join(".") };
    if let Some(counted) = ours.strip_suffix('#') {
        let number = before.iter().filter(|e| e.path.starts_with(counted)).count();
        return format!("{counted}{number}");
    }
    match (ours.strip_suffix('*'), any.last()) {
        (Some(start), Some(part)) => format!("{start}{part}"),
        _ => ours.to_owned(),
    }
}
