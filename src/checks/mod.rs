//! Rules that need a variable, a join or a graph question. Each is one function in one file, named by
//! the `check` key of its rule file. A check sees facts only: it neither parses nor prints.

mod action_unpinned;
mod artifact_retention_short;
mod base_image_unpinned;
mod build_from_local_machine;
mod build_nondeterministic_input;
mod ci_deploys_by_default;
mod ci_runner_unpinned;
mod ci_secret_scope;
mod ci_static_cloud_key;
mod config_per_developer;
mod credential_shared_across_envs;
mod credentials;
mod data_flow;
mod debug_in_production;
mod default_credential_outside_local;
mod delivery;
mod dependency_unpinned;
mod deploy_from_local_machine;
mod deploy_on_friday_afternoon;
mod deploy_surroundings;
mod dev_machine_to_prod_db;
mod dockerignore_env_missing;
mod env_branch_deploy;
mod env_example_missing;
mod env_example_real_value;
mod env_file_outside_local;
mod env_file_tracked;
mod env_files;
mod env_gitignore_missing;
mod env_specific_build;
mod gate_override;
mod gates;
mod hands;
mod hotfix_path_bypass;
mod iac_apply_outside_pipeline;
mod image_stages;
mod image_tag_mutable;
mod install_ignores_lockfile;
mod interactive_step_in_pipeline;
mod jwt_key_rotation_missing;
mod k8s_plain_secret_manifest;
mod least_privilege_violation;
mod local_default_credential;
mod lockfile_missing;
mod main_branch_not_verified;
mod manual_file_copy_to_production;
mod manual_infra_change;
mod manual_prod_data_change;
mod merged;
mod migration_backup_missing;
mod migration_manual_production;
mod migration_no_rollback;
mod pipeline_missing;
mod pipeline_stage_missing;
mod pipeline_stage_order;
mod prod_data_to_local;
mod prod_data_to_nonprod_unsanitized;
mod prod_dump_tracked;
mod prod_exec_access;
mod production_approval_missing;
mod production_credential_outside_production;
mod rebuild_per_environment;
mod release_window_missing;
mod rollback_capability_missing;
mod rollback_target_not_retained;
mod samples;
mod secret_access_audit_missing;
mod secret_in_artifact;
mod secret_in_config;
mod secret_in_container_image;
mod secret_in_env_file;
mod secret_in_error_message;
mod secret_in_frontend_bundle;
mod secret_in_git_history;
mod secret_in_log_output;
mod secret_in_source;
mod secret_inline_in_pipeline;
mod secret_names;
mod secret_rotation_doc_missing;
mod secret_rotation_unsupported;
mod secret_store_missing;
mod secret_stores;
mod security_scan_threshold;
mod seed_in_production;
mod shared_service_account;
mod smoke_test_missing;
mod ssh_into_production;
mod stage_missing;
mod staging_data_to_local;
mod staging_deploy_not_automatic;
mod staging_skipped;
mod terraform_state_tracked;
mod test_disabled_in_source;
mod test_gate_nonblocking;
mod zero_downtime_violation;

use crate::facts::Repository;
use crate::finding::Verdict;
use crate::parameters::Parameters;

/// A rule's function.
pub type Check = fn(&Repository, &Parameters, &mut Verdict);

/// Every check, by name. A check that is left out of this table is dead code, and the build is red.
pub const CHECKS: &[(&str, Check)] = &[
    ("action-unpinned", action_unpinned::check),
    ("artifact-retention-short", artifact_retention_short::check),
    ("base-image-unpinned", base_image_unpinned::check),
    ("build-from-local-machine", build_from_local_machine::check),
    ("build-nondeterministic-input", build_nondeterministic_input::check),
    ("ci-deploys-by-default", ci_deploys_by_default::check),
    ("ci-runner-unpinned", ci_runner_unpinned::check),
    ("ci-secret-scope", ci_secret_scope::check),
    ("ci-static-cloud-key", ci_static_cloud_key::check),
    ("config-per-developer", config_per_developer::check),
    ("config-precheck-missing", deploy_surroundings::precheck),
    ("credential-shared-across-envs", credential_shared_across_envs::check),
    ("debug-in-production", debug_in_production::check),
    ("default-credential-outside-local", default_credential_outside_local::check),
    ("dependency-unpinned", dependency_unpinned::check),
    ("deploy-from-local-machine", deploy_from_local_machine::check),
    ("deploy-notification-missing", deploy_surroundings::deploy_told),
    ("deploy-on-friday-afternoon", deploy_on_friday_afternoon::check),
    ("dev-machine-to-prod-db", dev_machine_to_prod_db::check),
    ("dockerignore-env-missing", dockerignore_env_missing::check),
    ("docs-guard-missing", stage_missing::docs_guard),
    ("env-branch-deploy", env_branch_deploy::check),
    ("env-example-missing", env_example_missing::check),
    ("env-example-real-value", env_example_real_value::check),
    ("env-file-outside-local", env_file_outside_local::check),
    ("env-file-tracked", env_file_tracked::check),
    ("env-gitignore-missing", env_gitignore_missing::check),
    ("env-specific-build", env_specific_build::check),
    ("failure-notification-missing", deploy_surroundings::failure_told),
    ("freeze-calendar-missing", deploy_surroundings::freezes),
    ("gate-override", gate_override::check),
    ("hotfix-path-bypass", hotfix_path_bypass::check),
    ("iac-apply-outside-pipeline", iac_apply_outside_pipeline::check),
    ("image-tag-mutable", image_tag_mutable::check),
    ("install-ignores-lockfile", install_ignores_lockfile::check),
    ("integration-test-stage-missing", stage_missing::integration_tests),
    ("interactive-step-in-pipeline", interactive_step_in_pipeline::check),
    ("jwt-key-rotation-missing", jwt_key_rotation_missing::check),
    ("k8s-plain-secret-manifest", k8s_plain_secret_manifest::check),
    ("least-privilege-violation", least_privilege_violation::check),
    ("lint-typecheck-missing", stage_missing::lint),
    ("local-default-credential", local_default_credential::check),
    ("lockfile-missing", lockfile_missing::check),
    ("main-branch-not-verified", main_branch_not_verified::check),
    ("manual-file-copy-to-production", manual_file_copy_to_production::check),
    ("manual-infra-change", manual_infra_change::check),
    ("manual-prod-data-change", manual_prod_data_change::check),
    ("migration-backup-missing", migration_backup_missing::check),
    ("migration-check-missing-in-ci", stage_missing::migration_check),
    ("migration-manual-production", migration_manual_production::check),
    ("migration-no-rollback", migration_no_rollback::check),
    ("pipeline-missing", pipeline_missing::check),
    ("pipeline-stage-missing", pipeline_stage_missing::check),
    ("pipeline-stage-order", pipeline_stage_order::check),
    ("prod-data-to-local", prod_data_to_local::check),
    ("prod-data-to-nonprod-unsanitized", prod_data_to_nonprod_unsanitized::check),
    ("prod-dump-tracked", prod_dump_tracked::check),
    ("prod-exec-access", prod_exec_access::check),
    ("production-approval-missing", production_approval_missing::check),
    ("production-credential-outside-production", production_credential_outside_production::check),
    ("rebuild-per-environment", rebuild_per_environment::check),
    ("release-window-missing", release_window_missing::check),
    ("rollback-capability-missing", rollback_capability_missing::check),
    ("rollback-target-not-retained", rollback_target_not_retained::check),
    ("secret-access-audit-missing", secret_access_audit_missing::check),
    ("secret-in-artifact", secret_in_artifact::check),
    ("secret-in-config", secret_in_config::check),
    ("secret-in-container-image", secret_in_container_image::check),
    ("secret-in-env-file", secret_in_env_file::check),
    ("secret-in-error-message", secret_in_error_message::check),
    ("secret-in-frontend-bundle", secret_in_frontend_bundle::check),
    ("secret-in-git-history", secret_in_git_history::check),
    ("secret-in-log-output", secret_in_log_output::check),
    ("secret-in-source", secret_in_source::check),
    ("secret-inline-in-pipeline", secret_inline_in_pipeline::check),
    ("secret-rotation-doc-missing", secret_rotation_doc_missing::check),
    ("secret-rotation-unsupported", secret_rotation_unsupported::check),
    ("secret-store-missing", secret_store_missing::check),
    ("security-scan-missing", stage_missing::security_scan),
    ("security-scan-threshold", security_scan_threshold::check),
    ("seed-in-production", seed_in_production::check),
    ("shared-service-account", shared_service_account::check),
    ("smoke-test-missing", smoke_test_missing::check),
    ("ssh-into-production", ssh_into_production::check),
    ("stage-criteria-missing", deploy_surroundings::criteria),
    ("staging-data-to-local", staging_data_to_local::check),
    ("staging-deploy-not-automatic", staging_deploy_not_automatic::check),
    ("staging-skipped", staging_skipped::check),
    ("terraform-state-tracked", terraform_state_tracked::check),
    ("test-disabled-in-source", test_disabled_in_source::check),
    ("test-gate-nonblocking", test_gate_nonblocking::check),
    ("unit-test-stage-missing", stage_missing::unit_tests),
    ("zero-downtime-violation", zero_downtime_violation::check),
];

/// The check of this name.
pub fn find(name: &str) -> Option<Check> {
    CHECKS.iter().find(|(n, _)| *n == name).map(|&(_, check)| check)
}

/// All names, for the loader.
pub fn names() -> Vec<&'static str> {
    CHECKS.iter().map(|(name, _)| *name).collect()
}
