//! What was written on the command line, and nothing of what it means.

use std::path::PathBuf;

use clap::{ArgAction, Args as Group, Parser, Subcommand, ValueEnum};

/// Says whether a repository may ship: checks it against the rules of deployment manuals.
#[derive(Debug, Parser)]
#[command(name = "plimsoll", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 nothing at or above the threshold, 1 findings, 2 anything else.")]
pub(super) struct Args {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Clone, Group)]
pub(super) struct Common {
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// Print findings only, without summary, notes and progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print all findings in full
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Show no progress
    #[arg(long, global = true)]
    pub no_progress: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Check files against the rules
    Check(Check),
    /// Explain a rule, or list all
    Rule(Explain),
    /// Explain a manual's clause, or list all
    Clause(Explain),
    /// Print what the tool sees in a repository, as JSON without secrets
    Facts(Facts),
    /// List what lies in other repositories, whether it was read, and what that keeps open
    Sources(Sources),
    /// Show how a server's settings are exported as evidence, and what became of those that are there
    Evidence(Evidence),
    /// Show the settings that hold, or their schema
    Config(Config),
    /// Keep the list of findings that were known at the start
    Baseline(Baseline),
    /// Print an exception to be filled in, for .plimsoll/exceptions.toml
    Exception(Exception),
    /// Write a first plimsoll.toml
    Init(Init),
    /// Run the examples of your own rules and kinds of credentials
    Test(Test),
}

/// What chooses rules and settings.
#[derive(Debug, Clone, Default, Group)]
#[command(next_help_heading = "Policy")]
pub(super) struct Choice {
    /// Turn on a manual's rules, beside the core set; `all` for everything
    #[arg(long = "manual", value_name = "MANUAL", value_delimiter = ',')]
    pub manuals: Vec<String>,
    /// Run exactly these rules, families or manuals
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Do not run these rules, families or manuals
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Use the rules in this folder too
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// Leave out files, as in .gitignore
    #[arg(long, value_name = "PATTERN")]
    pub exclude: Vec<String>,
    /// Read what refers to a repository from a clone of it; NAME may hold `*`, may be repeated
    #[arg(long = "source", value_name = "NAME=DIR")]
    pub sources: Vec<String>,
    /// Use this policy file instead of the nearest one
    #[arg(long, value_name = "FILE", conflicts_with = "isolated")]
    pub config: Option<PathBuf>,
    /// Use no policy file
    #[arg(long)]
    pub isolated: bool,
}

#[derive(Debug, Group)]
pub(super) struct Check {
    /// Files and folders to check; `-` for the standard input
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Check what the next commit would hold, and report what it brings
    #[arg(long, conflicts_with_all = ["rev", "since", "stdin_filename"])]
    pub staged: bool,
    /// Check the files of a revision
    #[arg(long, value_name = "REV", conflicts_with_all = ["since", "stdin_filename"])]
    pub rev: Option<String>,
    /// Report only what has come since the merge base with a revision
    #[arg(long, value_name = "REV", conflicts_with = "stdin_filename")]
    pub since: Option<String>,
    /// Look for credentials in all that git keeps, too; with --since, in what is new
    #[arg(long, conflicts_with_all = ["staged", "rev", "stdin_filename"])]
    pub history: bool,
    /// The path that the standard input stands for
    #[arg(long, value_name = "NAME")]
    pub stdin_filename: Option<String>,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub gate: Gate,
    #[command(flatten)]
    pub choice: Choice,
    /// Worker threads; 0 for one per core
    #[arg(short, long, value_name = "N", default_value_t = 0)]
    pub jobs: usize,
}

#[derive(Debug, Group)]
#[command(next_help_heading = "Output")]
pub(super) struct Output {
    /// How to write the report, and where: full, concise, json, sarif; may be repeated
    #[arg(short, long = "format", value_name = "FORMAT[=FILE]")]
    pub formats: Vec<String>,
    /// Which findings people see beside active failures
    #[arg(long, value_enum, value_name = "WHICH")]
    pub show: Option<Show>,
    /// Print a table of what each rule found and looked at
    #[arg(long)]
    pub statistics: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Show {
    /// Also what has no evidence and what needs a person
    Open,
    /// Also what was disposed of
    All,
}

#[derive(Debug, Clone, Group)]
#[command(next_help_heading = "Exit code")]
pub(super) struct Gate {
    /// The mildest severity that makes the exit code 1
    #[arg(long, value_name = "LEVEL", value_parser = ["error", "warning", "note", "never"])]
    pub fail_on: Option<String>,
    /// Exit with 0 whatever is found
    #[arg(long)]
    pub exit_zero: bool,
    /// Exit with 2 if a file could not be read or parsed
    #[arg(long)]
    pub strict: bool,
    /// Exit with 1 if a chosen manual demands evidence that is not there
    #[arg(long)]
    pub require_evidence: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TextOrJson {
    Text,
    Json,
}

#[derive(Debug, Group)]
pub(super) struct Explain {
    /// Its id; all if none is given
    pub id: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = TextOrJson::Text, value_name = "FORMAT")]
    pub format: TextOrJson,
    /// Use the rules in this folder too
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
}

#[derive(Debug, Group)]
pub(super) struct Facts {
    /// The folder or file to read
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Print the JSON Schema of what is printed
    #[arg(long)]
    pub schema: bool,
    #[command(flatten)]
    pub choice: Choice,
}

#[derive(Debug, Group)]
pub(super) struct Sources {
    /// The repository
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// How to print them
    #[arg(long, value_enum, default_value_t = TextOrJson::Text, value_name = "FORMAT")]
    pub format: TextOrJson,
    #[command(flatten)]
    pub choice: Choice,
}

#[derive(Debug, Group)]
pub(super) struct Evidence {
    /// The repository
    #[arg(default_value = ".")]
    pub path: PathBuf,
    #[command(flatten)]
    pub choice: Choice,
}

#[derive(Debug, Group)]
pub(super) struct Config {
    #[command(subcommand)]
    pub what: ConfigVerb,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigVerb {
    /// Print the settings that hold here, as TOML
    Show {
        #[command(flatten)]
        choice: Choice,
    },
    /// Print the JSON Schema of plimsoll.toml
    Schema,
}

#[derive(Debug, Group)]
pub(super) struct Baseline {
    #[command(subcommand)]
    pub what: BaselineVerb,
}

#[derive(Debug, Subcommand)]
pub(super) enum BaselineVerb {
    /// Write a baseline of everything that is found now
    Create(BaselineHow),
    /// Drop lines whose finding is gone
    Update {
        /// Take in new findings too
        #[arg(long)]
        grow: bool,
        #[command(flatten)]
        how: BaselineHow,
    },
    /// Drop lines whose finding is gone, those of rules that do not run included
    Prune(BaselineHow),
}

#[derive(Debug, Group)]
pub(super) struct BaselineHow {
    /// The repository
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Include what history holds
    #[arg(long)]
    pub history: bool,
    #[command(flatten)]
    pub choice: Choice,
}

#[derive(Debug, Group)]
pub(super) struct Exception {
    /// The rule
    pub rule: String,
    /// The file whose findings are to be accepted
    pub path: PathBuf,
    #[command(flatten)]
    pub choice: Choice,
}

#[derive(Debug, Group)]
pub(super) struct Init {
    /// The repository
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Choose a manual
    #[arg(long = "manual", value_name = "MANUAL", value_delimiter = ',')]
    pub manuals: Vec<String>,
    /// Write the baseline too
    #[arg(long)]
    pub baseline: bool,
}

#[derive(Debug, Group)]
pub(super) struct Test {
    /// Folders of rule files; `.plimsoll/rules` if none is given
    pub folders: Vec<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        super::Args::command().debug_assert();
    }
}
