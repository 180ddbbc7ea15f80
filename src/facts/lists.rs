//! Lists of facts, in the order of places.

use super::*;
use crate::text::{FileId, Secret, Span};
use std::collections::BTreeSet;
use std::ops::Range;

/// What a value of a Kubernetes `Secret` is called where nothing but the object says that it is one.
pub const MANIFEST_CREDENTIAL: &str = "kubernetes-secret";

/// The facts of one file in a list that is in the order of places.
pub fn in_file<T: Fact>(list: &[T], file: FileId) -> &[T] {
    &list[range_of(list, file)]
}

/// The same, to be changed; their places must stay.
pub fn in_file_mut<T: Fact>(list: &mut [T], file: FileId) -> &mut [T] {
    let range = range_of(list, file);
    &mut list[range]
}

fn range_of<T: Fact>(list: &[T], file: FileId) -> Range<usize> {
    let from = list.partition_point(|fact| fact.place().file < file);
    from..from + list[from..].partition_point(|fact| fact.place().file == file)
}

/// All facts, each list sorted by place.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "each list is named after its fact")]
pub struct Facts {
    pub pipelines: Vec<Pipeline>,
    pub scripts: Vec<Script>,
    pub settings: Vec<Setting>,
    pub credentials: Vec<Credential>,
    pub base_images: Vec<BaseImage>,
    pub instructions: Vec<Instruction>,
    pub sections: Vec<Section>,
    pub ignores: Vec<Ignore>,
    pub test_marks: Vec<TestMark>,
    pub manifests: Vec<Manifest>,
    pub text_hits: Vec<TextHit>,
    pub env_reads: Vec<EnvRead>,
    pub commented_keys: Vec<CommentedKey>,
    pub disclosures: Vec<Disclosure>,
    pub allows: Vec<Allow>,
    pub migrations: Vec<Migration>,
    /// What configuration files say of the names of migrations; readers alone need it.
    pub migration_namings: Vec<MigrationNaming>,
    /// As files write them: each value once, in the file that owns it.
    pub resources: Vec<Resource>,
    /// What environments get: overlays put together, templates filled. Places lie in the files that own the values, so
    /// that several of them share places.
    pub deployed: Vec<Resource>,
    pub compose_files: Vec<ComposeFile>,
    pub token_calls: Vec<TokenCall>,
    pub flag_reads: Vec<FlagRead>,
    pub evidence: Vec<Evidence>,
    pub code_owners: Vec<CodeOwner>,
    pub practices: Vec<Practice>,
    pub routes: Vec<Route>,
    pub alerts: Vec<Alert>,
    pub dashboards: Vec<Dashboard>,
    pub log_retentions: Vec<LogRetention>,
    pub stated_versions: Vec<StatedVersion>,
    pub release_notes: Vec<ReleaseNote>,
    pub coverage_floors: Vec<CoverageFloor>,
    /// In the order in which they came; only if history was read.
    pub leaks: Vec<Leak>,
}

macro_rules! each_list {
    ($apply:ident) => {
        $apply!(
            pipelines,
            scripts,
            settings,
            credentials,
            base_images,
            instructions,
            sections,
            ignores,
            test_marks,
            manifests,
            text_hits,
            env_reads,
            commented_keys,
            disclosures,
            allows,
            migrations,
            migration_namings,
            resources,
            deployed,
            compose_files,
            token_calls,
            flag_reads,
            evidence,
            code_owners,
            practices,
            routes,
            alerts,
            dashboards,
            log_retentions,
            stated_versions,
            release_notes,
            coverage_floors
        )
    };
}

impl Facts {
    /// Takes over all facts of `other`.
    pub fn append(&mut self, mut other: Facts) {
        macro_rules! append {
            ($($list:ident),*) => { $(self.$list.append(&mut other.$list);)* };
        }
        each_list!(append);
        self.leaks.append(&mut other.leaks);
    }

    /// Drops all facts, and keeps the memory for others.
    pub fn clear(&mut self) {
        macro_rules! clear {
            ($($list:ident),*) => { $(self.$list.clear();)* };
        }
        each_list!(clear);
        self.leaks.clear();
    }

    /// Every credential, those of history included.
    pub fn every_credential(&self) -> impl Iterator<Item = &Credential> {
        let past = self.leaks.iter().flat_map(|leak| &leak.appearances).map(|leaked| &leaked.credential);
        self.credentials.iter().chain(past)
    }

    /// Values that no output may hold, wherever they stand. A well-known default (`postgres`, `password`) is
    /// masked at its own place only: everybody knows it, and masking the word everywhere would tell it.
    ///
    /// A setting that is written with escapes or over several lines has another value than what stands in
    /// the file: then both are meant.
    pub fn secrets(&self) -> impl Iterator<Item = Secret> {
        let all = self.every_credential().filter(|c| !c.default);
        all.flat_map(|c| [Some(c.value.clone()), c.encoded.clone(), self.setting_of(c)].into_iter().flatten())
    }

    /// Values that no path may show: those whose format or proof says that they are credentials. What is a
    /// credential by its name only may be any word, and paths without it would lead nowhere.
    pub fn secrets_in_paths(&self) -> impl Iterator<Item = Secret> {
        let shown = |c: &&Credential| {
            c.form == Form::Path || c.certainty != Certainty::Generic && c.credential != "connection-string"
        };
        self.every_credential().filter(shown).map(|c| c.value.clone())
    }

    /// What a setting makes of the credential that is its value, if that is another text.
    fn setting_of(&self, credential: &Credential) -> Option<Secret> {
        let place = credential.place;
        let before =
            self.settings.partition_point(|s| (s.place.file, s.place.start) < (place.file, place.end));
        let setting = self.settings[..before].last()?;
        let same = setting.place.file == place.file && setting.place.end > place.start;
        // Of an address only a part is the credential.
        let all = setting.place.len() <= place.len() * 3;
        let Value::Known(value) = &setting.setting else { return None };
        (same && all && !value.contains(credential.value.expose())).then(|| Secret::new(value.as_str()))
    }

    /// A manifest's encoded value is what the scan found in it: one credential, and all of it is masked.
    fn name_manifest_credentials(&mut self) {
        let of_manifest = |c: &Credential| c.credential == MANIFEST_CREDENTIAL;
        let whole = self.credentials.iter().filter(|c| of_manifest(c));
        let mut whole: Vec<(Span, Secret)> = whole.map(|c| (c.place, c.value.clone())).collect();
        whole.sort_by_key(|(place, _)| *place);
        let mut named = BTreeSet::new();
        for inner in self.credentials.iter_mut().filter(|c| c.form == Form::Base64 && !of_manifest(c)) {
            let before = whole.partition_point(|(place, _)| {
                (place.file, place.start) <= (inner.place.file, inner.place.start)
            });
            let Some((place, written)) = whole[..before].last() else { continue };
            if place.contains(inner.place) && named.insert(*place) {
                inner.place = *place;
                inner.encoded = Some(written.clone());
            }
        }
        self.credentials.retain(|c| !of_manifest(c) || !named.contains(&c.place));
    }

    /// Brings every list into the order of places: until then the order is that in which files happened to be read.
    pub fn order(&mut self) {
        macro_rules! sort {
            ($($list:ident),*) => { $(self.$list.sort_by_key(|fact| fact.place);)* };
        }
        each_list!(sort);
    }

    /// Brings every list into the order of places, which all later stages rely on, and drops what two
    /// overlapping chunks of one file both found.
    pub fn sort(&mut self) {
        self.order();
        self.name_manifest_credentials();
        // What the scan knows of a value says more than that a manifest holds it.
        self.credentials.sort_by_key(|c| (c.place, c.credential == MANIFEST_CREDENTIAL));
        self.credentials.dedup_by(|a, b| {
            let same = a.credential == b.credential && a.value == b.value;
            a.place == b.place && (same || a.credential == MANIFEST_CREDENTIAL)
        });
        self.text_hits.dedup_by(|a, b| a.place == b.place && a.rule == b.rule && a.pattern == b.pattern);
        self.allows.dedup_by_key(|a| a.place);
        self.test_marks.dedup_by_key(|m| m.place);
        self.env_reads.dedup_by_key(|r| r.place);
        self.disclosures.dedup_by_key(|t| t.place);
        self.token_calls.dedup_by_key(|c| c.place);
        self.flag_reads.dedup_by_key(|f| f.place);
        self.practices.dedup_by_key(|p| (p.place, p.practice));
        self.routes.dedup_by_key(|r| r.place);
    }
}
