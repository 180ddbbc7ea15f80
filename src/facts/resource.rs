//! What infrastructure code declares: objects of Kubernetes, blocks of Terraform, resources of CloudFormation, and
//! services of platforms.
//!
//! Paths of entries, by system:
//! - Kubernetes, as the object is written; items of lists by their `name`, else by number:
//!   `spec.template.spec.containers.web.image`.
//! - Terraform, the arguments of the block: `publicly_accessible`, `ingress.cidr_blocks.0`.
//! - CloudFormation, as the template is written: `Properties.PubliclyAccessible`, `DeletionPolicy`.
//! - CloudFormation's containers and their variables stand by their names: `Properties.ContainerDefinitions.web.Image`.
//! - Ansible, a task (block `task`, sort the module without `ansible.builtin.`: `service`,
//!   `community.docker.docker_container`): arguments and keywords under their own names, `state`, `when`; those of one
//!   text as `free_form`.
//! - Platforms (Fly, Render, Heroku, App Engine, App Runner, Serverless, Nomad, ECS, Vercel, Netlify): one model. Block
//!   `service`, sort the platform (`fly`, `render`, …); paths `image`, `command`, `build`, `release_command`,
//!   `env.NAME`, `instances`, `instances.min`, `instances.max`, `cpu`, `memory`, `ports.0`, `health.path`,
//!   `health.command`, `health.interval`, `health.timeout`, `health.grace`, `strategy`, `schedule`, `region.0`;
//!   [`Setting::key`] is the platform's own word. What has no name here stands under its own path.
//! - nginx: one resource for each server, one (sort `http`) for what holds for all. A block's own words stand under its
//!   name and its number in the file, `location.2`; what stands in it below, `location.2.proxy_pass`.

use super::{Setting, Target, Value, fact, words};
use crate::text::Span;

words! {
    /// Whose object it is.
    pub enum System {
        /// A Kubernetes object, or one that a controller in a cluster reads.
        Kubernetes = "kubernetes",
        /// A block of Terraform, OpenTofu or Terragrunt.
        Terraform = "terraform",
        /// A resource of a CloudFormation or SAM template.
        CloudFormation = "cloudformation",
        /// A task of an Ansible playbook or role.
        Ansible = "ansible",
        /// A service, process or function that a platform runs.
        Platform = "platform",
        /// A server of a proxy's configuration.
        Nginx = "nginx",
    }
}

words! {
    /// How a resource came about, hence what it means that it does not say something.
    pub enum Shape {
        /// It is written whole, in one place.
        Whole = "whole",
        /// Others finish it: a base of overlays, a patch, a template that values fill. What it lacks may stand elsewhere,
        /// and what comes out of it is among the deployed.
        Part = "part",
        /// What one environment gets, put together from bases, patches, templates and values.
        Effective = "effective",
        /// A template filled with its own default values: whoever installs it may give others.
        Default = "default",
    }
}

fact! {
    /// An object or block that infrastructure code declares.
    pub struct Resource = "resource" {
        /// Its name; its type where none is written.
        place: Span,
        /// Whose object it is.
        system: System,
        /// What sort of block: `resource`, `data`, `module`, …; `object` in Kubernetes.
        block: String,
        /// Its type: `Secret`, `aws_iam_role`; for blocks without types the block's own word.
        sort: String,
        /// Its name.
        name: Value<String>,
        /// The namespace that it says it lives in.
        namespace: Option<String>,
        /// The environment that its namespace, its folder or its file speaks of.
        target: Option<Target>,
        /// Whether what it holds is encrypted as it lies there (SOPS).
        encrypted: bool,
        /// Number of values it sets.
        size: u32;
        /// What it sets, by path. Values of a Kubernetes `Secret` are not among them.
        entries: Vec<Setting>,
        /// All of it.
        body: Span,
        /// How it came about.
        shape: Shape,
        /// Paths below which there may be more than the entries say, because a template or a file that is not here
        /// decides; the empty path means everywhere.
        open: Vec<String>,
        /// What made it what it is besides the place: the overlay, the file of values.
        via: Vec<Span>,
    }
}

impl Resource {
    /// The entry at exactly this path.
    pub fn entry(&self, path: &str) -> Option<&Setting> {
        self.entries.iter().find(|e| e.path == path)
    }

    /// Entries whose path ends with `end`, a whole part or several.
    pub fn entries_ending<'a>(&'a self, end: &'a str) -> impl Iterator<Item = &'a Setting> {
        self.entries.iter().filter(move |e| {
            e.path.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }

    /// Whether nothing at `path`, or below it, can be set elsewhere: only then does silence mean that there is nothing.
    pub fn is_closed(&self, path: &str) -> bool {
        let below = |inner: &str, outer: &str| {
            outer.is_empty() || inner.strip_prefix(outer).is_some_and(|r| r.is_empty() || r.starts_with('.'))
        };
        self.shape != Shape::Part && !self.open.iter().any(|open| below(path, open) || below(open, path))
    }

    /// Whether it has an entry at `path` or below it.
    pub fn has(&self, path: &str) -> bool {
        self.entries
            .iter()
            .any(|e| e.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    }

    /// Paths of the containers of a workload, in order, each with the container's name:
    /// `spec.template.spec.containers.web`. Init and ephemeral containers are not among them.
    pub fn containers(&self) -> Vec<(&str, &str)> {
        let mut found: Vec<(&str, &str)> = Vec::new();
        for entry in &self.entries {
            let Some(at) = entry.path.find("spec.containers.") else { continue };
            if at > 0 && !entry.path[..at].ends_with('.') {
                continue;
            }
            let from = at + "spec.containers.".len();
            let to = entry.path[from..].find('.').map_or(entry.path.len(), |dot| from + dot);
            let container = (&entry.path[..to], &entry.path[from..to]);
            if !found.contains(&container) {
                found.push(container);
            }
        }
        found
    }

    /// `kind/name` or `type.name`, as people call it.
    pub fn title(&self) -> String {
        match self.system {
            System::Kubernetes => format!("{}/{}", self.sort, self.name.text()),
            System::Terraform => format!("{}.{}", self.sort, self.name.text()),
            System::CloudFormation => format!("{} ({})", self.name.text(), self.sort),
            System::Ansible | System::Platform => self.name.text(),
            System::Nginx => format!("{} {}", self.sort, self.name.text()),
        }
    }
}
