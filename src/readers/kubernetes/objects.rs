//! Kubernetes objects as resources: workloads, secrets, and what fills secrets from a store.

use super::secret::data;
use crate::facts::{Basis, Resource, Setting, SettingSource, Shape, System, Target, Value, path_target};
use crate::lexicon::classify;
use crate::lexicon::stores::SECRET_STORE_OBJECTS;
use crate::readers::config::known;
use crate::readers::{Parsed, Text};
use crate::syntax::tree::{Kind, Node};
use crate::text::Span;
use std::sync::Arc;

/// More entries of one object tell nothing more.
const MOST_ENTRIES: usize = 2_000;

/// Objects that rules ask about, besides those that run containers and those of secret stores: accounts and
/// rights, secrets, what decrypts in Flux, kubeconfigs, gradual rollouts, what lets traffic in, what keeps it out,
/// how far a workload grows, what copies and holds its data, the cluster's audit policy, and what workloads and charts
/// are told.
const KINDS: &[&str] = &[
    "Secret",
    "ServiceAccount",
    "RoleBinding",
    "ClusterRoleBinding",
    "PushSecret",
    "Rollout",
    "Canary",
    "AnalysisTemplate",
    "ClusterAnalysisTemplate",
    "Kustomization",
    "Config",
    "Service",
    "Ingress",
    "IngressRoute",
    "TraefikService",
    "HTTPRoute",
    "VirtualService",
    "NetworkPolicy",
    "CiliumNetworkPolicy",
    "AuthorizationPolicy",
    "HorizontalPodAutoscaler",
    "ScaledObject",
    "Gateway",
    "Middleware",
    "KongPlugin",
    "EnvoyFilter",
    "BackendTrafficPolicy",
    "LimitRange",
    "StorageClass",
    "Schedule",
    "ScheduledBackup",
    "BackupConfiguration",
    "RecurringJob",
    "Cluster",
    "PostgresCluster",
    "PerconaPGCluster",
    "PerconaServerMongoDB",
    "PerconaXtraDBCluster",
    "Policy",
    "ConfigMap",
    "HelmRelease",
    "ServiceMonitor",
    "PodMonitor",
    "GrafanaDashboard",
];

/// Objects that hold alert rules. Their expressions are long, and read once as alerts.
pub(super) const RULES: &[&str] = &["PrometheusRule", "VMRule"];

/// Objects that run containers, or bound how they run; patches of them need not name an image.
const WORKLOADS: &[&str] = &[
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Job",
    "CronJob",
    "Pod",
    "PodDisruptionBudget",
    "PersistentVolumeClaim",
    "StorageClass",
    "Namespace",
    "ResourceQuota",
    "LimitRange",
];

/// Whether objects of this kind are looked at.
pub(super) fn is_kind(kind: &str) -> bool {
    KINDS.contains(&kind) || WORKLOADS.contains(&kind) || SECRET_STORE_OBJECTS.contains(&kind)
}

/// Whether a manifest's text holds an object of a kind that is looked at. Schemas are most of the bytes of many
/// manifests, and parsing them would cost more than all the rest of a check.
pub(super) fn is_meant(document: &str) -> bool {
    let mut kinds =
        document.lines().filter_map(|l| l.strip_prefix("kind:")).map(|k| k.trim().trim_matches(['"', '\'']));
    if kinds.clone().any(|k| k == "CustomResourceDefinition") {
        return false;
    }
    let meant = |k: &str| is_kind(k) || RULES.contains(&k);
    document.contains("image:") || kinds.any(meant) || document.starts_with('{')
}

/// The object of a document that begins at `offset` of its file.
pub(super) fn object(document: Node<'_>, offset: usize, text: &Text<'_>, parsed: &mut Parsed) {
    let Some(kind) = document.get("kind").and_then(|k| k.as_str()) else { return };
    if RULES.contains(&kind) {
        return;
    }
    // `kubectl get -o yaml` gives lists.
    if kind == "List" {
        for item in document.get("items").into_iter().flat_map(|i| i.items()) {
            if item.get("kind").and_then(|k| k.as_str()) != Some("List") {
                object(item, offset, text, parsed);
            }
        }
        return;
    }
    let behind = |span: Span| Span::new(span.file, offset + span.start as usize..offset + span.end as usize);
    let metadata = |key: &str| document.at(&["metadata", key]);
    let namespace = metadata("namespace").or(document.at(&["spec", "targetNamespace"]));
    let named = namespace.and_then(|node| {
        let name = node.as_str()?;
        let stage = classify(name, text.environments)?;
        let place = behind(node.span());
        Some(Target {
            stage: Value::Known(stage),
            name: Value::Known(name.to_owned()),
            basis: Basis::Context,
            place,
        })
    });
    let target = named.or_else(|| path_target(text.path, text.file, text.environments));
    let name = metadata("name").and_then(|n| n.as_str().map(|name| (known(name), n.span())));
    let place =
        name.as_ref().map_or_else(|| document.get("kind").map_or(document.span(), |k| k.span()), |n| n.1);
    let mut entries = Vec::new();
    let shared = target.clone().map(Arc::new);
    let empty = kind.ends_with("NetworkPolicy");
    let mut walk =
        Walk { offset, target: shared.as_ref(), into: &mut entries, secret: kind == "Secret", empty };
    walk.node(None, document, &mut String::new());
    // Resources stay until the end, and there are many.
    entries.shrink_to_fit();
    for entry in &entries {
        if let Some(variable) = variable(entry) {
            parsed.facts.settings.push(variable);
        }
    }
    let encrypted = document.get("sops").is_some();
    if kind == "Secret" && !encrypted {
        data(document, offset, target.as_ref(), parsed);
    }
    parsed.facts.resources.push(Resource {
        place: behind(place),
        system: System::Kubernetes,
        block: "object".to_owned(),
        sort: kind.to_owned(),
        name: name.map_or_else(|| Value::Unresolved("no name is written".to_owned()), |n| n.0),
        namespace: namespace.and_then(|n| n.as_str()).map(str::to_owned),
        target,
        encrypted,
        size: u32::try_from(entries.len()).unwrap_or(u32::MAX),
        entries,
        body: behind(document.span()),
        shape: Shape::Whole,
        open: Vec::new(),
        via: Vec::new(),
    });
}

/// A variable that a container is given as text.
fn variable(entry: &Setting) -> Option<Setting> {
    let (before, name) = entry.path.strip_suffix(".value")?.rsplit_once('.')?;
    let container = before.strip_suffix(".env")?;
    let list = container.rsplit_once('.').map_or("", |(list, _)| list);
    list.ends_with("ontainers").then(|| Setting { key: name.to_owned(), ..entry.clone() })
}

struct Walk<'w> {
    offset: usize,
    target: Option<&'w Arc<Target>>,
    into: &'w mut Vec<Setting>,
    secret: bool,
    /// An empty selector is an entry, too: it chooses everything.
    empty: bool,
}

impl Walk<'_> {
    /// Every scalar at or below `node`. Items that have a name are known by it: `containers.web.image`. Trees nest
    /// at most 128 deep.
    fn node(&mut self, key: Option<Node<'_>>, node: Node<'_>, path: &mut String) {
        if self.into.len() >= MOST_ENTRIES || node.is_alias() && node.kind() != Kind::Scalar {
            return;
        }
        let whole = path.len();
        let push = |path: &mut String, part: &str| {
            if whole > 0 {
                path.push('.');
            }
            path.push_str(part);
        };
        match node.kind() {
            Kind::Mapping => {
                if self.empty && node.entries().next().is_none() {
                    self.entry(key, node, path, Value::Known(String::new()));
                }
                for (key, value) in node.entries() {
                    push(path, key.as_str().unwrap_or(""));
                    self.node(Some(key), value, path);
                    path.truncate(whole);
                }
            }
            Kind::Sequence => {
                for (index, item) in node.items().enumerate() {
                    let name = item.get("name").and_then(|n| n.as_str()).filter(|n| !n.is_empty());
                    push(path, name.unwrap_or(&index.to_string()));
                    self.node(key, item, path);
                    path.truncate(whole);
                }
            }
            Kind::Scalar => {
                let Some(value) = node.as_str() else { return };
                let hidden = self.secret && (path.starts_with("data.") || path.starts_with("stringData."));
                let applied = path.contains("last-applied-configuration");
                if applied {
                    return;
                }
                let hidden = if hidden { Some("a value of a Secret") } else { None };
                let said = hidden.map_or_else(|| known(value), |why| Value::Unresolved(why.to_owned()));
                self.entry(key, node, path, said);
            }
            Kind::Null => {}
        }
    }

    fn entry(&mut self, key: Option<Node<'_>>, node: Node<'_>, path: &str, said: Value<String>) {
        let place = self.behind(node.span());
        self.into.push(Setting {
            place,
            key: path.rsplit('.').next().unwrap_or("").to_owned(),
            path: path.to_owned(),
            setting: said,
            source: SettingSource::Config,
            target: self.target.cloned(),
            key_place: key.map_or(place, |k| self.behind(k.span())),
        });
    }

    fn behind(&self, span: Span) -> Span {
        Span::new(span.file, self.offset + span.start as usize..self.offset + span.end as usize)
    }
}
