//! `agent`, pod templates, and the images and machines that they name.
//! <https://www.jenkins.io/doc/book/pipeline/syntax/#agent>

use super::Reading;
use super::head::calls;
use crate::facts::Use;
use crate::readers::commands;
use crate::syntax::groovy::{Call, Expr};
use crate::text::{Passage, Spanned};

/// Where steps run.
#[derive(Default, Clone)]
pub(super) struct Agent {
    pub(super) images: Vec<Use>,
    pub(super) labels: Vec<Spanned<String>>,
}

impl Reading<'_> {
    /// `agent any`, `agent { docker 'x' }`, `agent { kubernetes { yaml '…' } }`.
    pub(super) fn agent(&self, call: &Call) -> Agent {
        let mut agent = Agent::default();
        for inner in call.body.iter().flat_map(calls) {
            self.agent_part(inner, &mut agent, 0);
        }
        agent
    }

    fn agent_part(&self, call: &Call, agent: &mut Agent, depth: usize) {
        match call.name.as_str() {
            "label" => agent.labels.extend(self.first(call, "label")),
            "docker" | "image" => {
                // `docker 'x'` and `docker { image 'x' }`.
                agent.images.extend(self.first(call, "image").map(|t| commands::image_use(&t.value, t.span)));
                agent.labels.extend(self.argument(call, "label"));
            }
            "containerTemplate" => {
                agent
                    .images
                    .extend(self.argument(call, "image").map(|t| commands::image_use(&t.value, t.span)));
            }
            "yaml" | "defaultContainer" | "inheritFrom" | "yamlFile" => {
                if call.name == "yaml"
                    && let Some(passage) = call.plain().next().and_then(|e| self.passage(e))
                {
                    agent.images.extend(pod_images(&passage));
                }
            }
            _ => {}
        }
        self.pod(call, agent);
        if depth < 4 {
            call.body.iter().flat_map(calls).for_each(|inner| self.agent_part(inner, agent, depth + 1));
        }
    }

    /// `podTemplate(yaml: '…', containers: [containerTemplate(image: 'x')])`.
    pub(super) fn pod(&self, call: &Call, agent: &mut Agent) {
        if let Some(passage) = call.named("yaml").and_then(|a| self.passage(&a.value)) {
            agent.images.extend(pod_images(&passage));
        }
        if let Some(Expr::List(all, _)) = call.named("containers").map(|a| &a.value) {
            for item in all {
                if let Expr::Call(inner) = &item.value {
                    agent
                        .images
                        .extend(self.argument(inner, "image").map(|t| commands::image_use(&t.value, t.span)));
                }
            }
        }
    }

    pub(super) fn passage(&self, expression: &Expr) -> Option<Passage> {
        expression.passage(self.text.file, self.text.text)
    }
}

/// `image: x` in the lines of a pod's manifest.
fn pod_images(passage: &Passage) -> Vec<Use> {
    let text = passage.text();
    let mut found = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let body = line.trim_start().trim_start_matches("- ").trim_start();
        if let Some(value) = body.strip_prefix("image:") {
            let value = value.split(" #").next().unwrap_or("").trim().trim_matches(['"', '\'']);
            if let Some(offset) = line.find(value).filter(|_| !value.is_empty()) {
                found.push(commands::image_use(value, passage.span(at + offset..at + offset + value.len())));
            }
        }
        at += line.len();
    }
    found
}
