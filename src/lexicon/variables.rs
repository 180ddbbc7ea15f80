//! Names of variables that tell what stands in them: the commit that is built, the environment that a run is for.

/// Names under which services give the commit that is built.
const COMMIT: &[&str] = &[
    "github.sha",
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "CI_COMMIT_SHORT_SHA",
    "COMMIT_SHA",
    "SHORT_SHA",
    "REVISION_ID",
    "CIRCLE_SHA1",
    "BITBUCKET_COMMIT",
    "GIT_COMMIT",
    "DRONE_COMMIT",
    "DRONE_COMMIT_SHA",
    "BUILD_SOURCEVERSION",
    "Build.SourceVersion",
    "Build_SourceVersion",
    "BUILDKITE_COMMIT",
    "TRAVIS_COMMIT",
    "CI_COMMIT",
    "BUILD_VCS_NUMBER",
    "HEROKU_SLUG_COMMIT",
    "CODEBUILD_RESOLVED_SOURCE_VERSION",
    "GIT_SHA",
    "github.event.workflow_run.head_sha",
    "github.event.pull_request.head.sha",
    "BITBUCKET_COMMIT_SHORT",
    "GITHUB_SHA_SHORT",
    "SHORT_COMMIT_HASH",
];

/// Names of variables that say which environment a run is for.
const FOLLOWING: &[&str] = &[
    "env",
    "environment",
    "environment_name",
    "env_name",
    "stage",
    "stage_name",
    "deploy_env",
    "deploy_environment",
    "target_env",
    "target_environment",
    "deployment_env",
    "deployment_environment",
    "deployment_stage",
    "app_env",
    "ci_environment_name",
    "ci_environment_slug",
    "ci_environment_tier",
    "tier",
    "rails_env",
    "target_stage",
    "_env",
    "_environment",
    "_stage",
    "tf_workspace",
    "terraform.workspace",
    "env_tag",
    "environment_tag",
];

/// Whether a variable's or input's name says that its value is an environment.
pub fn is_environment_name(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase().replace('-', "_");
    FOLLOWING.contains(&last.as_str()) || FOLLOWING.contains(&name)
}

/// Whether a variable or expression gives the commit that is built: `github.sha`, `CI_COMMIT_SHORT_SHA`,
/// `git rev-parse HEAD`.
pub fn is_commit(name: &str) -> bool {
    COMMIT.contains(&name)
        || name.strip_prefix("git rev-parse").is_some_and(|rest| rest.split_whitespace().any(|w| w == "HEAD"))
}
