//! What manuals leave to numbers and choices: one field per topic, with unit, default and the way in which
//! it gets stricter. Layer 2: imports nothing of plimsoll but, where needed, [`crate::text`].

mod units;
mod values;

pub use units::{
    BusinessDays, Days, EmergencyApproval, Environment, ExceptionField, Hours, MigrationRollback, Minutes,
    NotesField, NotesHeading, People, Percent, Ports, StagingData, StagingTrigger, Steps, TagForm, TimeOfDay,
    Times, TrackedEnvFiles, Value, VersionScheme, VulnerabilityLevel, Zone,
};
pub use values::{All, Choice, Given, Ordered, Source, Stricter};

use values::Parameter;

/// One parameter, as documentation lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// The name in manuals and policies.
    pub name: &'static str,
    /// The unit or form of the value.
    pub unit: &'static str,
    /// What holds when nobody gives a value.
    pub default: String,
    /// Which way it gets stricter; `None` if values do not compare.
    pub stricter: Option<Stricter>,
    /// What it means.
    pub doc: &'static str,
}

macro_rules! parameters {
    ($( $(#[doc = $doc:literal])+ $field:ident: $kind:ty = $name:literal, $default:expr; )+) => {
        /// Everything that manuals and the policy can set for rules.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Parameters { $( $(#[doc = $doc])+ pub $field: $kind, )+ }

        impl Default for Parameters {
            fn default() -> Parameters {
                Parameters { $( $field: $default, )+ }
            }
        }

        impl Parameters {
            fn fields(&self) -> Vec<(&'static str, &'static str, &dyn Parameter)> {
                vec![ $( ($name, concat!($($doc),+), &self.$field as &dyn Parameter), )+ ]
            }

            fn field(&mut self, name: &str) -> Option<&mut dyn Parameter> {
                match name {
                    $( $name => Some(&mut self.$field), )+
                    _ => None,
                }
            }
        }
    };
}

parameters! {
    /// Longest time that a rollback may take.
    rollback_max_minutes: Ordered<Minutes> = "rollback.max_minutes", Ordered::lower(Minutes(60));
    /// Share of failed requests above which a deploy is rolled back by itself.
    rollback_trigger_error_rate: Ordered<Percent> = "rollback.trigger.error_rate", Ordered::lower(Percent(1.0));
    /// P99 latency, against the baseline, above which a deploy is rolled back by itself.
    rollback_trigger_p99: Ordered<Percent> = "rollback.trigger.p99", Ordered::lower(Percent(300.0));
    /// Whether rolling back is exercised for each release.
    rollback_drill_each_release: Ordered<bool> = "rollback.drill_each_release", Ordered::higher(false);
    /// Longest time since rolling back was last exercised.
    rollback_drill_max_age: Ordered<Days> = "rollback.drill_max_age", Ordered::lower(Days(365));
    /// Percentage points over the baseline above which failed requests raise an alert.
    alert_error_rate: Ordered<Percent> = "alert.error_rate", Ordered::lower(Percent(0.5));
    /// Growth of P50 latency over the baseline that raises an alert.
    alert_p50: Ordered<Percent> = "alert.p50", Ordered::lower(Percent(50.0));
    /// Growth of P99 latency over the baseline that raises an alert.
    alert_p99: Ordered<Percent> = "alert.p99", Ordered::lower(Percent(100.0));
    /// Use of processors that raises an alert.
    alert_cpu: Ordered<Percent> = "alert.cpu", Ordered::lower(Percent(80.0));
    /// Use of memory that raises an alert.
    alert_memory: Ordered<Percent> = "alert.memory", Ordered::lower(Percent(85.0));
    /// Depth of a queue that raises an alert.
    alert_queue: Ordered<Times> = "alert.queue", Ordered::lower(Times(10.0));
    /// Share of the baseline by which failed requests may grow after a deploy that succeeded.
    success_error_rate: Ordered<Percent> = "success.error_rate", Ordered::lower(Percent(5.0));
    /// Whether a deploy succeeds only with P95 latency inside its objective.
    success_p95_within_slo: Ordered<bool> = "success.p95_within_slo", Ordered::higher(false);
    /// Longest time since a server's settings were exported as evidence.
    evidence_max_age: Ordered<Days> = "evidence.max_age", Ordered::lower(Days(92));
    /// Longest time from the end of a deploy to the start of its smoke tests.
    smoke_start_within: Ordered<Minutes> = "smoke.start_within", Ordered::lower(Minutes(5));
    /// Longest time that smoke tests may take.
    smoke_max_duration: Ordered<Minutes> = "smoke.max_duration", Ordered::lower(Minutes(5));
    /// Share of smoke tests that has to pass.
    smoke_pass: Ordered<Percent> = "smoke.pass", Ordered::higher(Percent(100.0));
    /// Share of smoke tests that may fail without a cause.
    smoke_flake: Ordered<Percent> = "smoke.flake", Ordered::lower(Percent(1.0));
    /// Share of smoke tests, none of them critical, that may fail without a rollback.
    smoke_tolerated_failures: Ordered<Percent> = "smoke.tolerated_failures", Ordered::lower(Percent(0.0));
    /// Shares of traffic that a canary goes through.
    canary_steps: Choice<Steps> = "canary.steps",
        Choice::new(Steps(vec![Percent(5.0), Percent(25.0), Percent(100.0)]));
    /// Time for which each canary step is observed.
    observe_canary: Ordered<Minutes> = "observe.canary", Ordered::higher(Minutes(15));
    /// Time for which a full rollout is observed.
    observe_full: Ordered<Minutes> = "observe.full", Ordered::higher(Minutes(60));
    /// Time of heightened attention after a deploy.
    observe_heightened: Ordered<Hours> = "observe.heightened", Ordered::higher(Hours(24));
    /// Time for which released artifacts are kept.
    retention_artifact: Ordered<Days> = "retention.artifact", Ordered::higher(Days(90));
    /// Time for which records of deployments are kept.
    retention_deployment_log: Ordered<Days> = "retention.deployment_log", Ordered::higher(Days(90));
    /// Time for which logs of applications are kept.
    retention_application_log: Ordered<Days> = "retention.application_log", Ordered::higher(Days(30));
    /// Time for which logs of access are kept.
    retention_access_log: Ordered<Days> = "retention.access_log", Ordered::higher(Days(90));
    /// Time for which audit logs are kept.
    retention_audit_log: Ordered<Days> = "retention.audit_log", Ordered::higher(Days(365));
    /// Longest time since a backup was last restored as a test.
    restore_test_max_age: Ordered<Days> = "restore_test.max_age", Ordered::lower(Days(7));
    /// Longest time between two searches for drift of the infrastructure.
    drift_max_period: Ordered<Hours> = "drift.max_period", Ordered::lower(Hours(24));
    /// Longest time between two audits of deployments.
    audit_max_period: Ordered<Days> = "audit.max_period", Ordered::lower(Days(92));
    /// The environments that there are between a developer and the users.
    environments_required: All<Environment> = "environments.required",
        All::new([Environment::Staging, Environment::Production]);
    /// Smallest capacity of staging, against production.
    staging_min_scale: Ordered<Percent> = "staging.min_scale", Ordered::higher(Percent(20.0));
    /// Longest time since staging's data was renewed.
    staging_refresh_max_age: Ordered<Days> = "staging.refresh_max_age", Ordered::lower(Days(7));
    /// What starts a deploy to staging.
    staging_trigger: Choice<StagingTrigger> = "staging.trigger", Choice::new(StagingTrigger::Auto);
    /// The data that staging may hold.
    staging_data: Ordered<StagingData> = "staging.data", Ordered::lower(StagingData::Sanitised);
    /// Share of unit tests that has to pass.
    tests_unit_pass: Ordered<Percent> = "tests.unit_pass", Ordered::higher(Percent(100.0));
    /// Share of integration tests that has to pass.
    tests_integration_pass: Ordered<Percent> = "tests.integration_pass", Ordered::higher(Percent(100.0));
    /// The gravest known vulnerability with which a release may go out.
    vulnerabilities_highest_tolerated: Ordered<VulnerabilityLevel> = "vulnerabilities.highest_tolerated",
        Ordered::lower(VulnerabilityLevel::Medium);
    /// Time by which a scheduled deployment is announced beforehand.
    notice_lead: Ordered<Hours> = "notice.lead", Ordered::higher(Hours(24));
    /// Time between the request for a normal change and its deployment.
    change_normal_lead: Ordered<BusinessDays> = "change.normal_lead", Ordered::higher(BusinessDays(5));
    /// The people who have to approve a production deploy.
    production_approvers: Ordered<People> = "production.approvers", Ordered::higher(People(1));
    /// When an emergency release is approved.
    emergency_approval: Ordered<EmergencyApproval> = "emergency.approval",
        Ordered::lower(EmergencyApproval::Before);
    /// How a schema change can be taken back.
    migration_rollback: Choice<MigrationRollback> = "migration.rollback",
        Choice::new(MigrationRollback::CompatibleOrScript);
    /// Whether a person may migrate the production database by a runbook.
    migration_manual_allowed: Ordered<bool> = "migration.manual_allowed", Ordered::lower(false);
    /// Whether a reviewed and logged script may mend data in production.
    data_fix_script_allowed: Ordered<bool> = "data_fix.script_allowed", Ordered::lower(false);
    /// Whether a deploy may interrupt the service.
    downtime_allowed: Ordered<bool> = "downtime.allowed", Ordered::lower(false);
    /// Whether files of environment variables may be in git.
    env_files_tracked: Choice<TrackedEnvFiles> = "env_files.tracked", Choice::new(TrackedEnvFiles::Never);
    /// The grammar of a release's version.
    version_scheme: Choice<VersionScheme> = "version.scheme", Choice::new(VersionScheme::Semver);
    /// What the notes of a release have to tell.
    release_notes_fields: All<NotesField> = "release_notes.fields",
        All::new([NotesField::Version, NotesField::Date, NotesField::Summary]);
    /// Headings that the notes of a release have to have, word by word.
    release_notes_headings: All<NotesHeading> = "release_notes.headings", All::new([]);
    /// What the tags of one image have to hold between them.
    image_tag: All<TagForm> = "image.tag", All::new([TagForm::Sha]);
    /// Port of the API on a developer's machine.
    ports_api: Choice<Ports> = "ports.api", Choice::new(Ports(vec![8000]));
    /// Ports of the web UI on a developer's machine.
    ports_web: Choice<Ports> = "ports.web", Choice::new(Ports(vec![5173, 80]));
    /// Port of the database on a developer's machine.
    ports_db: Choice<Ports> = "ports.db", Choice::new(Ports(vec![5432]));
    /// Port of Redis on a developer's machine.
    ports_redis: Choice<Ports> = "ports.redis", Choice::new(Ports(vec![6379]));
    /// Time on Fridays from which nothing is released. DOC-009/10.g says "late" and leaves the hour to the
    /// policy.
    friday_cutoff: Ordered<TimeOfDay> = "friday.cutoff", Ordered::lower(TimeOfDay(jiff::civil::time(12, 0, 0, 0)));
    /// Time zone of releases: of windows, cut-offs and dated versions.
    time_zone: Choice<Zone> = "time_zone",
        Choice::new(Zone::named("America/Chicago").expect("the time zone database is compiled in"));
    /// Fields that an exception has to fill in.
    exception_fields: All<ExceptionField> = "exception.fields", All::new([
        ExceptionField::Justification,
        ExceptionField::Risk,
        ExceptionField::CompensatingControls,
        ExceptionField::Approver,
        ExceptionField::Approved,
        ExceptionField::Expires,
    ]);
}

impl Parameters {
    /// Takes over a value that an active manual gives in one of its clauses.
    ///
    /// The error is a sentence without the name: an unknown name with the nearest right one, or what kind of
    /// value is expected.
    pub fn apply(
        &mut self,
        manual: &str,
        name: &str,
        value: &toml::Value,
        clause: &str,
    ) -> Result<(), String> {
        self.known(name)?.accept(manual, value, clause)
    }

    /// Takes over a value of the team's own policy, which stands above every manual.
    pub fn set(&mut self, name: &str, value: &toml::Value) -> Result<(), String> {
        self.known(name)?.set(value)
    }

    /// Follows one of the active manuals where they differ. To be called when all of them are applied.
    pub fn resolve(&mut self, topic: &str, manual: &str) -> Result<(), String> {
        self.known(topic)?.follow(manual)
    }

    /// The topics in which active manuals differ and nobody has chosen: rules on these stay open.
    pub fn unresolved(&self) -> Vec<&'static str> {
        let unresolved =
            |(name, _, field): (&'static str, &str, &dyn Parameter)| field.is_unresolved().then_some(name);
        self.fields().into_iter().filter_map(unresolved).collect()
    }

    /// Every parameter, in the order of this file.
    pub fn describe() -> Vec<Description> {
        let describe = |(name, doc, field): (&'static str, &'static str, &dyn Parameter)| {
            let (unit, default, stricter) = field.form();
            Description { name, unit, default, stricter, doc: doc.trim() }
        };
        Parameters::default().fields().into_iter().map(describe).collect()
    }

    fn known(&mut self, name: &str) -> Result<&mut dyn Parameter, String> {
        // Asked first: a branch that returns the borrow would hold it through the error as well.
        if self.field(name).is_none() {
            return Err(unknown(name, &self.fields().iter().map(|(name, ..)| *name).collect::<Vec<_>>()));
        }
        Ok(self.field(name).expect("the name was found a line above"))
    }
}

fn unknown(name: &str, names: &[&str]) -> String {
    if names.iter().any(|known| known.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))) {
        return format!("unknown parameter `{name}`; write the whole name in quotes, as in \"{name}.…\" = …");
    }
    let nearest = names
        .iter()
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.75);
    match nearest {
        Some((_, known)) => format!("unknown parameter `{name}`; did you mean `{known}`?"),
        None => format!("unknown parameter `{name}`"),
    }
}

#[cfg(test)]
mod tests;
