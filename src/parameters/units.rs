//! What parameters are measured in, and how each is written in TOML.

use std::fmt;

/// A parameter's value: read from TOML, printed with its unit.
pub trait Value: Clone + PartialEq + fmt::Display {
    /// The unit or form, as documentation names it.
    const UNIT: &'static str;

    /// Reads the TOML form. The error is a sentence that says what is expected.
    fn read(value: &toml::Value) -> Result<Self, String>;
}

fn expected<T>(what: &str, found: &toml::Value) -> Result<T, String> {
    Err(format!("expected {what}, found {found}"))
}

macro_rules! whole_numbers {
    ($($(#[doc = $doc:literal])+ $name:ident, $unit:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{} ", $unit), self.0)
            }
        }

        impl Value for $name {
            const UNIT: &'static str = $unit;

            fn read(value: &toml::Value) -> Result<Self, String> {
                match value.as_integer().and_then(|number| u32::try_from(number).ok()) {
                    Some(number) => Ok($name(number)),
                    None => expected(concat!("a whole number of ", $unit), value),
                }
            }
        }
    )+};
}

whole_numbers! {
    /// A time in minutes.
    Minutes, "minutes";
    /// A time in hours.
    Hours, "hours";
    /// A time in days.
    Days, "days";
    /// A time in working days, Monday to Friday.
    BusinessDays, "business days";
    /// A number of people.
    People, "people";
}

/// A share of a hundred; may exceed 100 where it compares with a baseline.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

/// A multiple of what is normal.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Times(pub f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} times", self.0)
    }
}

fn number(value: &toml::Value) -> Option<f64> {
    let number = match value {
        toml::Value::Integer(number) => *number as f64,
        toml::Value::Float(number) => *number,
        _ => return None,
    };
    (number.is_finite() && number >= 0.0).then_some(number)
}

impl Value for Percent {
    const UNIT: &'static str = "percent";

    fn read(value: &toml::Value) -> Result<Self, String> {
        number(value)
            .map_or_else(|| expected("a percentage, zero or more", value), |number| Ok(Percent(number)))
    }
}

impl Value for Times {
    const UNIT: &'static str = "times normal";

    fn read(value: &toml::Value) -> Result<Self, String> {
        number(value).map_or_else(|| expected("a factor, zero or more", value), |number| Ok(Times(number)))
    }
}

impl Value for bool {
    const UNIT: &'static str = "true or false";

    fn read(value: &toml::Value) -> Result<Self, String> {
        value.as_bool().map_or_else(|| expected("true or false", value), Ok)
    }
}

/// The ports that a service may listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports(pub Vec<u16>);

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, &self.0, " or ")
    }
}

impl Value for Ports {
    const UNIT: &'static str = "port or list of ports";

    fn read(value: &toml::Value) -> Result<Self, String> {
        let one = |value: &toml::Value| {
            let port = value.as_integer().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
            port.map_or_else(|| expected("a port from 1 to 65535", value), Ok)
        };
        match value {
            toml::Value::Array(ports) if !ports.is_empty() => {
                Ok(Ports(ports.iter().map(one).collect::<Result<_, _>>()?))
            }
            _ => Ok(Ports(vec![one(value)?])),
        }
    }
}

/// The shares of traffic that a gradual rollout goes through.
#[derive(Clone, Debug, PartialEq)]
pub struct Steps(pub Vec<Percent>);

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, &self.0, ", ")
    }
}

impl Value for Steps {
    const UNIT: &'static str = "list of percentages";

    fn read(value: &toml::Value) -> Result<Self, String> {
        let steps: Vec<Percent> = match value.as_array() {
            Some(steps) => steps.iter().map(Percent::read).collect::<Result<_, _>>()?,
            None => return expected("a list of percentages", value),
        };
        let rises = steps.windows(2).all(|pair| pair[0] < pair[1]);
        if !rises || steps.last().is_none_or(|last| last.0 > 100.0) {
            return expected("percentages that rise to at most 100", value);
        }
        Ok(Steps(steps))
    }
}

fn write_list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T], between: &str) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

/// A time of day in the time zone of releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(pub jiff::civil::Time);

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

impl Value for TimeOfDay {
    const UNIT: &'static str = "HH:MM";

    fn read(value: &toml::Value) -> Result<Self, String> {
        let time = value.as_str().and_then(|text| jiff::civil::Time::strptime("%H:%M", text).ok());
        time.map_or_else(|| expected("a time of day such as \"12:00\"", value), |time| Ok(TimeOfDay(time)))
    }
}

/// A time zone by its name in the IANA database, whose rules for summer time it follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(pub jiff::tz::TimeZone);

impl Zone {
    pub(super) fn named(name: &str) -> Option<Zone> {
        // A fixed offset has no name to print, and leaves summer time to the reader.
        jiff::tz::TimeZone::get(name).ok().filter(|zone| zone.iana_name().is_some()).map(Zone)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl Value for Zone {
    const UNIT: &'static str = "IANA time zone";

    fn read(value: &toml::Value) -> Result<Self, String> {
        let zone = value.as_str().and_then(Zone::named);
        zone.map_or_else(|| expected("a time zone such as \"America/Chicago\"", value), Ok)
    }
}

macro_rules! words {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident { $( $(#[doc = $each:literal])+ $variant:ident = $word:literal, )+ }
    )+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $( $(#[doc = $each])+ $variant, )+ }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $( $name::$variant => $word, )+ })
            }
        }

        impl Value for $name {
            const UNIT: &'static str = concat!("one of", $(" ", $word),+);

            fn read(value: &toml::Value) -> Result<Self, String> {
                match value.as_str() {
                    $( Some($word) => Ok($name::$variant), )+
                    _ => {
                        let words = [$(concat!("\"", $word, "\"")),+].join(", ");
                        expected(&format!("one of {words}"), value)
                    }
                }
            }
        }
    )+};
}

words! {
    /// The grammar of a release's version.
    VersionScheme {
        /// `VV.DDMMYYYY.HHMM`: major version, day and time of the release. Not valid SemVer.
        Dated = "dated",
        /// Semantic Versioning 2.0.0.
        Semver = "semver",
    }

    /// What the tags of one image have to hold between them.
    TagForm {
        /// A tag that is the commit hash, or holds it.
        Sha = "sha",
        /// A tag that is the semantic version.
        Semver = "semver",
        /// A tag `v{semver}-{short commit hash}`.
        SemverSha = "semver-sha",
        /// The build time, in a tag or in the label `org.opencontainers.image.created`.
        Time = "time",
    }

    /// How a schema change can be taken back.
    MigrationRollback {
        /// Every migration has a script that reverts it.
        AllScripts = "all-scripts",
        /// A migration is compatible with the previous release or has a script that reverts it.
        CompatibleOrScript = "compatible-or-script",
        /// Migrations are never reverted; a later one corrects.
        ForwardOnly = "forward-only",
        /// Additive ones stay, breaking ones restore a point in time, data ones have a reverse script.
        ByClass = "by-class",
        /// A script exists unless reverting is impossible.
        WhenPossible = "when-possible",
    }

    /// What starts a deploy to staging.
    StagingTrigger {
        /// A merge, with nobody asked.
        Auto = "auto",
        /// Somebody's approval.
        Approval = "approval",
    }

    /// The data that staging may hold, the strictest first.
    StagingData {
        /// Made up; nothing in it comes from production.
        Synthetic = "synthetic",
        /// From production, after a step that removes what is personal.
        Sanitised = "sanitised",
    }

    /// When an emergency release is approved, the strictest first.
    EmergencyApproval {
        /// Before it is deployed, as any other.
        Before = "before",
        /// Afterwards, on record.
        After = "after",
    }

    /// Whether files of environment variables may be in git.
    TrackedEnvFiles {
        /// No, apart from examples.
        Never = "never",
        /// Yes, if they hold no secret.
        WithoutSecrets = "without-secrets",
    }

    /// How grave a known vulnerability is, the mildest first, after the ratings of CVSS.
    VulnerabilityLevel {
        /// None at all.
        None = "none",
        /// CVSS 0.1 to 3.9.
        Low = "low",
        /// CVSS 4.0 to 6.9.
        Medium = "medium",
        /// CVSS 7.0 to 8.9.
        High = "high",
        /// CVSS 9.0 and more.
        Critical = "critical",
    }

    /// A kind of place that software runs in.
    Environment {
        /// A developer's own machine.
        Local = "local",
        /// The throw-away places of a pipeline.
        Ci = "ci",
        /// A shared place for work in progress.
        Development = "development",
        /// A shared place where parts of several teams meet.
        Integration = "integration",
        /// The last place before users.
        Staging = "staging",
        /// Where users are.
        Production = "production",
    }

    /// What the notes of a release have to tell.
    NotesField {
        /// The version.
        Version = "version",
        /// The day.
        Date = "date",
        /// The hour.
        Time = "time",
        /// What changed.
        Summary = "summary",
        /// What is new, better or mended, each under its own name.
        Kinds = "kinds",
        /// What no longer works as it did, if anything.
        Breaking = "breaking",
        /// What has to be done to upgrade, where something no longer works as it did.
        Upgrade = "upgrade",
        /// What is known not to work.
        KnownIssues = "known-issues",
        /// How to go back, where something no longer works as it did.
        Rollback = "rollback",
    }

    /// A heading that the notes of a release have to have, word by word.
    NotesHeading {
        /// What is new.
        NewFeatures = "New Features",
        /// What is better.
        Improvements = "Improvements",
        /// What was mended.
        BugFixes = "Bug Fixes",
        /// What no longer works as it did.
        BreakingChanges = "Breaking Changes",
        /// What is known not to work.
        KnownIssues = "Known Issues",
        /// What has to be done to upgrade.
        UpgradeNotes = "Upgrade Notes",
    }

    /// A field that an exception from a rule has to fill in.
    ExceptionField {
        /// Why the rule cannot be kept.
        Justification = "justification",
        /// What may go wrong meanwhile.
        Risk = "risk",
        /// What makes up for it.
        CompensatingControls = "compensating_controls",
        /// Who allowed it.
        Approver = "approver",
        /// The day on which it was allowed.
        Approved = "approved",
        /// The last day on which it holds.
        Expires = "expires",
        /// The review after trouble.
        PostReview = "post_review",
    }
}
