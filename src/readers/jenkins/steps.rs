//! Steps that run commands, guard others or hand files on.
//! <https://www.jenkins.io/doc/pipeline/steps/workflow-durable-task-step/>

use super::head::listed;
use super::walk::Walk;
use crate::facts::{Command, How, SecretUse, Setting, SettingSource, Step, Tolerance, Transfer, Value, Word};
use crate::readers::commands;
use crate::syntax::groovy::{Call, Expr};
use crate::syntax::shell::Options;
use crate::text::{Passage, Span, Spanned, shorten};

impl<'a> Walk<'a> {
    /// Reads a step whose meaning is known here; whether it was one.
    pub(super) fn step(&mut self, name: &str, call: &'a Call, given: Option<&str>) -> bool {
        match name {
            "sh" | "bat" | "powershell" | "pwsh" => self.run(name, call, given),
            "echo" | "println" | "print" => {
                if let Some(said) = self.reading.first(call, "message") {
                    let words = vec![self.word(&said.value, said.span)];
                    self.implied("echo", words, self.reading.span(&call.at));
                }
            }
            "dir" => {
                let outer = self.folder.clone();
                let path = self.reading.first(call, "path").map(|t| self.known(&t.value)).unwrap_or_default();
                self.folder = Some(match &outer {
                    Some(outer) => format!("{outer}/{path}"),
                    None => path.trim_start_matches("./").trim_end_matches('/').to_owned(),
                })
                .filter(|f| !f.is_empty() && f != ".");
                self.inside(call);
                self.folder = outer;
            }
            "withEnv" => self.with_variables(call),
            "withCredentials"
            | "sshagent"
            | "withAWS"
            | "withKubeConfig"
            | "withDockerRegistry"
            | "docker.withRegistry" => {
                self.with_secrets(name, call);
            }
            "catchError" | "warnError" => {
                // Whatever the build's result becomes, the next stage runs; a build that fails all the same lets nothing
                // be merged. <https://www.jenkins.io/doc/pipeline/steps/workflow-basic-steps/>
                let result = self.reading.argument(call, "buildResult").map(|r| r.value);
                let fails = name == "catchError" && result.is_none_or(|r| r == "FAILURE" || r == "ABORTED");
                let applies = match fails {
                    true => Value::Unresolved("the build fails, and what follows runs".to_owned()),
                    false => Value::Known(true),
                };
                let tolerance = Tolerance { place: self.reading.span(&call.name_at), how: How::Key, applies };
                let outer = self.tolerated.replace(tolerance);
                self.inside(call);
                self.tolerated = outer;
            }
            "timeout" => {
                let minutes = self.reading.minutes(call);
                let holds_all = self.frame.steps.is_empty();
                self.inside(call);
                if holds_all && self.frame.limits.minutes.is_none() {
                    self.frame.limits.minutes = minutes;
                }
            }
            "lock" => {
                let lock =
                    self.reading.first(call, "resource").or_else(|| self.reading.argument(call, "label"));
                self.locked(lock);
                self.inside(call);
            }
            "build" => self.downstream(call),
            "archiveArtifacts" | "archive" | "stash" | "unstash" | "copyArtifacts" => {
                self.transfer(name, call)
            }
            "sshCommand" | "sshScript" | "sshPut" | "sshGet" => self.remote(name, call),
            "sshPublisher" => self.publisher(call),
            "load" | "evaluate" => {
                self.complete = false;
                self.use_step(name, call, Some("a Groovy script that is loaded while the pipeline runs"));
            }
            _ => return false,
        }
        true
    }

    fn inside(&mut self, call: &'a Call) {
        call.body.iter().for_each(|b| self.block(b));
    }

    pub(super) fn word(&self, text: &str, place: Span) -> Word {
        let values = self.variables.expand(text);
        Word { text: text.to_owned(), place, literal: !text.contains('$'), values }
    }

    /// A step that is a command, though no shell is asked.
    fn implied(&mut self, program: &str, words: Vec<Word>, place: Span) {
        let command = commands::implied(program, words, place);
        self.commands(program, vec![command], place);
    }

    fn commands(&mut self, name: &str, commands: Vec<Command>, place: Span) {
        let mut step = self.new_step(name, place);
        step.commands = commands;
        self.frame.steps.push(step);
    }

    /// `sh 'make'`, `bat(script: '…', returnStatus: true)`.
    fn run(&mut self, name: &str, call: &'a Call, given: Option<&str>) {
        let written = call.named("script").map(|a| &a.value).or_else(|| call.plain().next());
        let place = self.reading.span(&call.at);
        let Some(passage) = written.and_then(|e| self.reading.passage(e)) else {
            return self.commands(name, Vec::new(), place);
        };
        let passage = self.whole(passage);
        let first = passage.text().lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with("#!"));
        let mut step = self.new_step(&shorten(first.unwrap_or(name), 80), place);
        if let Some(label) = self.reading.argument(call, "label") {
            step.name = label.value;
            step.named = true;
        }
        if name != "sh" {
            step.shell = Some(name.to_owned());
        }
        let captured = self.reading.flag(call, "returnStdout");
        step.commands = self.read(name, &passage);
        for command in &mut step.commands {
            command.captured |= captured;
        }
        // A status that is returned is a failure only if somebody looks at it.
        if self.reading.flag(call, "returnStatus")
            && given.is_none()
            && let Some(argument) = call.named("returnStatus")
        {
            let at =
                argument.name.as_ref().map_or(argument.value.at(), |n| n.1.start..argument.value.at().end);
            let place = self.reading.span(&at);
            step.tolerated = Some(Tolerance { place, how: How::Key, applies: Value::Known(true) });
        }
        self.frame.steps.push(step);
    }

    /// A text that is only a variable is what the file gives to it.
    fn whole(&self, passage: Passage) -> Passage {
        let text = passage.text().trim();
        let alone =
            text.strip_prefix("${").and_then(|t| t.strip_suffix('}')).filter(|t| !t.contains(['$', '}']));
        match alone.and_then(|name| self.variables.get(name)) {
            Some([one]) => {
                let mut out = Passage::new(passage.file(), passage.span(0..0).start as usize);
                out.push_meaning(one, passage.whole().range());
                out
            }
            _ => passage,
        }
    }

    fn read(&self, name: &str, passage: &Passage) -> Vec<Command> {
        if name != "sh" {
            return commands::lower_lines(passage, &[]);
        }
        // Without a `#!` line it is `sh -xe`.
        let trimmed = passage.text().trim_start();
        let options = match trimmed.strip_prefix("#!").and_then(|t| t.lines().next()) {
            Some(line) => {
                let interpreter = line.split_whitespace().any(|w| {
                    matches!(w.rsplit('/').next(), Some("sh" | "bash" | "dash" | "zsh" | "ksh" | "ash"))
                });
                if !interpreter {
                    return Vec::new();
                }
                let errexit = line.split_whitespace().any(|w| w.starts_with('-') && w.contains('e'));
                Options { errexit: Some(errexit), pipefail: Some(line.contains("pipefail")) }
            }
            None => Options { errexit: Some(true), pipefail: Some(false) },
        };
        let known = |text: &str| self.variables.expand(text);
        commands::lower_list(std::slice::from_ref(passage), options, &known).into_iter().flatten().collect()
    }

    /// `withEnv(["A=b"]) { … }`.
    fn with_variables(&mut self, call: &'a Call) {
        let count = self.settings.len();
        if let Some(Expr::List(all, _)) =
            call.plain().next().or_else(|| Some(&call.named("overrides")?.value))
        {
            for said in all.iter().filter_map(|a| self.reading.said(&a.value)) {
                let Some((name, value)) = said.value.split_once('=') else { continue };
                let setting = self.variables.resolve(value);
                self.variables.set(name, vec![value.to_owned()]);
                self.settings.push(Setting {
                    place: said.span,
                    key: name.to_owned(),
                    path: format!("withEnv.{name}"),
                    setting,
                    source: SettingSource::Pipeline,
                    target: None,
                    key_place: said.span,
                });
            }
        }
        self.inside(call);
        self.settings.truncate(count);
    }

    /// `withCredentials([string(credentialsId: 'x', variable: 'X')]) { … }` and its like.
    fn with_secrets(&mut self, name: &str, call: &'a Call) {
        let count = self.secrets.len();
        let registry = self.registry.clone();
        let mut found: Vec<Spanned<String>> = Vec::new();
        for key in ["credentialsId", "credentials", "credential"] {
            found.extend(self.reading.argument(call, key));
            if let Some(Expr::List(all, _)) = call.named(key).map(|a| &a.value) {
                found.extend(all.iter().filter_map(|a| self.reading.said(&a.value)));
            }
        }
        if name == "withCredentials" {
            found.extend(listed(call).filter_map(|inner| self.reading.argument(inner, "credentialsId")));
            if let Some(Expr::List(all, _)) = call.plain().next() {
                // `[[$class: 'StringBinding', credentialsId: 'x']]`.
                for item in all {
                    if let Expr::List(fields, _) = &item.value {
                        let id = fields.iter().find(|f| f.name_is("credentialsId"));
                        found.extend(id.and_then(|f| self.reading.said(&f.value)));
                    }
                }
            }
        }
        if name == "sshagent" {
            match call.plain().next() {
                Some(Expr::List(all, _)) => {
                    found.extend(all.iter().filter_map(|a| self.reading.said(&a.value)))
                }
                one => found.extend(one.and_then(|e| self.reading.said(e))),
            }
        }
        if name == "docker.withRegistry" {
            let mut plain = call.plain();
            let host = plain.next().and_then(|e| self.reading.said(e)).map(|t| self.known(&t.value));
            let host = host.map(|h| h.split_once("://").map_or(h.clone(), |(_, rest)| rest.to_owned()));
            self.registry = host.map(|h| h.trim_end_matches('/').to_owned()).filter(|h| !h.is_empty());
            found.extend(plain.next().and_then(|e| self.reading.said(e)));
        }
        let taken: Vec<SecretUse> =
            found.into_iter().map(|t| SecretUse { name: self.known(&t.value), place: t.span }).collect();
        self.secrets.extend(taken);
        self.inside(call);
        self.secrets.truncate(count);
        self.registry = registry;
    }

    /// `build job: 'deploy-production'`: another job of the server.
    fn downstream(&mut self, call: &'a Call) {
        self.use_step("build", call, Some("another job of the server"));
        let Some(job) = self.reading.first(call, "job") else {
            self.complete = false;
            return;
        };
        if self.outside.len() < 64 {
            self.outside.push(crate::facts::Use {
                place: job.span,
                sort: crate::facts::UseKind::Workflow,
                name: self.known(&job.value),
                version: None,
                local: false,
                inputs: Vec::new(),
                unresolved: Some("a job that the server defines".into()),
            });
        }
    }

    /// Files that are kept with the build, or handed on within it.
    fn transfer(&mut self, name: &str, call: &'a Call) {
        let place = self.reading.span(&call.at);
        let up = !matches!(name, "unstash" | "copyArtifacts");
        let names = match name {
            "archiveArtifacts" | "archive" => None,
            "copyArtifacts" => self.reading.argument(call, "projectName"),
            _ => self.reading.first(call, "name"),
        };
        let paths = match name {
            "archiveArtifacts" => self.reading.first(call, "artifacts"),
            "archive" => self.reading.first(call, "includes"),
            _ => self.reading.argument(call, "includes").or_else(|| self.reading.argument(call, "filter")),
        };
        let split = |all: Spanned<String>| {
            all.value.split(',').map(|p| Spanned::new(p.trim().to_owned(), all.span)).collect::<Vec<_>>()
        };
        self.frame.transfers.push(Transfer {
            place,
            up,
            name: names.map_or_else(|| Value::Known("archive".into()), |n| self.variables.resolve(&n.value)),
            paths: paths.map(split).unwrap_or_default(),
            // A stash lives as long as its build.
            retention_days: self.head.retention.filter(|_| name.starts_with("archive")),
        });
        self.use_step(name, call, None);
    }

    /// Steps of the SSH Pipeline Steps plugin. <https://www.jenkins.io/doc/pipeline/steps/ssh-steps/>
    fn remote(&mut self, name: &str, call: &'a Call) {
        let place = self.reading.span(&call.at);
        let host = self
            .reading
            .argument(call, "remote")
            .map_or_else(|| "a server".to_owned(), |t| self.known(&t.value));
        match name {
            "sshCommand" => {
                let written = call.named("command").map(|a| &a.value);
                let Some(passage) = written.and_then(|e| self.reading.passage(e)) else { return };
                self.send(&host, &passage, place);
            }
            "sshScript" => {
                let Some(script) = self.reading.argument(call, "script") else { return };
                let mut command =
                    commands::implied("bash", vec![self.word(&script.value, script.span)], place);
                command.remote = Some(host);
                self.commands(name, vec![command], place);
            }
            _ => {
                let (from, into) = (self.reading.argument(call, "from"), self.reading.argument(call, "into"));
                let (Some(from), Some(into)) = (from, into) else { return };
                let far = |path: &str| format!("{host}:{path}");
                let words = match name {
                    "sshPut" => [(from.value, from.span), (far(&into.value), into.span)],
                    _ => [(far(&from.value), from.span), (into.value, into.span)],
                };
                let words = words.iter().map(|(text, at)| self.word(text, *at)).collect();
                self.implied("scp", words, place);
            }
        }
    }

    fn send(&mut self, host: &str, passage: &Passage, place: Span) {
        let known = |text: &str| self.variables.expand(text);
        let options = Options { errexit: None, pipefail: Some(false) };
        let lowered = commands::lower_list(std::slice::from_ref(passage), options, &known);
        let mut all: Vec<Command> = lowered.into_iter().flatten().collect();
        all.iter_mut().for_each(|c| c.remote = Some(host.to_owned()));
        // The connection itself is what reaches the machine.
        let mut words = vec![self.word(host, place)];
        words.push(self.word(passage.text().trim(), passage.whole()));
        let mut step: Step = self.new_step("ssh", place);
        step.commands = std::iter::once(commands::implied("ssh", words, place)).chain(all).collect();
        self.frame.steps.push(step);
    }

    /// `sshPublisher(publishers: [sshPublisherDesc(configName: 'x', transfers: [sshTransfer(…)])])`.
    fn publisher(&mut self, call: &'a Call) {
        let place = self.reading.span(&call.at);
        let mut hosts = Vec::new();
        let mut sent: Vec<(&'a Expr, String, bool)> = Vec::new();
        gather(
            &call.arguments,
            &mut |name, value| match name {
                "configName" => hosts.extend(self.reading.said(value)),
                "execCommand" => {
                    sent.push((value, hosts.last().map(|h| h.value.clone()).unwrap_or_default(), true))
                }
                "sourceFiles" => {
                    sent.push((value, hosts.last().map(|h| h.value.clone()).unwrap_or_default(), false))
                }
                _ => {}
            },
            0,
        );
        for (value, host, runs) in sent {
            let host = if host.is_empty() { "a server".to_owned() } else { self.known(&host) };
            let Some(passage) = self.reading.passage(value).filter(|p| !p.text().trim().is_empty()) else {
                continue;
            };
            if runs {
                self.send(&host, &passage, place);
            } else {
                let words =
                    vec![self.word(passage.text(), passage.whole()), self.word(&format!("{host}:"), place)];
                self.implied("scp", words, place);
            }
        }
    }

    /// `docker.build(…)`, `docker.image(…).inside { }`, `image.push()`; whether it was one of these.
    /// <https://www.jenkins.io/doc/book/pipeline/docker/>
    pub(super) fn container(&mut self, call: &'a Call, given: Option<&str>) -> bool {
        let place = self.reading.span(&call.at);
        if call.receiver.is_none() && matches!(call.name.as_str(), "docker.build" | "docker.image") {
            let Some((reference, at)) = self.reference(call) else { return true };
            if call.name == "docker.build" {
                let mut words =
                    vec![self.word("build", place), self.word("-t", at), self.word(&reference, at)];
                let more = call.plain().nth(1).and_then(|e| self.reading.said(e));
                match &more {
                    Some(more) => {
                        words.extend(more.value.split_whitespace().map(|w| self.word(w, more.span)))
                    }
                    None => words.push(self.word(".", place)),
                }
                self.implied("docker", words, place);
            }
            if let Some(name) = given.filter(|g| !g.is_empty()) {
                self.built.insert(name.to_owned(), (reference, at));
            }
            return true;
        }
        let (method, object) = match &call.receiver {
            Some(Expr::Call(inner)) if inner.receiver.is_none() && inner.name.starts_with("docker.") => {
                let reference = self.reference(inner);
                if inner.name == "docker.build" {
                    self.container(inner, Some(""));
                }
                (call.name.as_str(), reference)
            }
            None => match call.name.rsplit_once('.') {
                Some((owner, method)) => (method, self.built.get(owner).cloned()),
                None => return false,
            },
            _ => return false,
        };
        let Some((reference, at)) = object else {
            // A variable that something else gave its value to.
            let owner = call.name.rsplit_once('.').map(|(o, _)| o.to_owned());
            return match (method, owner, call.receiver.is_none()) {
                ("push", Some(owner), true) => {
                    let word = self.word(&format!("${{{owner}}}"), place);
                    self.implied("docker", vec![self.word("push", place), word], place);
                    true
                }
                ("inside" | "withRun", _, _) => {
                    self.inside(call);
                    true
                }
                _ => false,
            };
        };
        match method {
            "push" => {
                let tag = call.plain().next().and_then(|e| self.reading.said(e));
                let (reference, at) = match tag {
                    Some(tag) => {
                        let reference = self.known(&reference);
                        let path = reference.rfind('/').map_or(0, |slash| slash + 1);
                        let end = reference[path..].find(':').map_or(reference.len(), |colon| path + colon);
                        (format!("{}:{}", &reference[..end], tag.value), tag.span)
                    }
                    None => (reference, at),
                };
                let words = vec![self.word("push", place), self.word(&reference, at)];
                self.implied("docker", words, place);
            }
            "pull" => {
                let words = vec![self.word("pull", place), self.word(&reference, at)];
                self.implied("docker", words, place);
            }
            "inside" | "withRun" | "run" => {
                if !self.frame.agent.images.iter().any(|i| i.place == at) {
                    self.frame.agent.images.push(commands::image_use(&reference, at));
                }
                self.inside(call);
            }
            _ => return false,
        }
        true
    }

    /// The image that `docker.build` or `docker.image` speaks of, with the registry around it.
    fn reference(&self, call: &Call) -> Option<(String, Span)> {
        let said = self.reading.said(call.plain().next()?)?;
        let reference = match &self.registry {
            Some(registry)
                if !said.value.starts_with(registry.as_str())
                    && !self.known(&said.value).starts_with(registry.as_str()) =>
            {
                format!("{registry}/{}", said.value)
            }
            _ => said.value,
        };
        Some((reference, said.span))
    }
}

impl super::Reading<'_> {
    /// Whether an argument is `true`.
    fn flag(&self, call: &Call, name: &str) -> bool {
        matches!(call.named(name).map(|a| &a.value), Some(Expr::Name(value, _)) if value == "true")
    }
}

/// Every named argument, those of descriptions within arguments too.
fn gather<'a>(
    arguments: &'a [crate::syntax::groovy::Argument],
    see: &mut dyn FnMut(&str, &'a Expr),
    depth: usize,
) {
    for argument in arguments {
        if let Some((name, _)) = &argument.name {
            see(name, &argument.value);
        }
        match &argument.value {
            Expr::List(all, _) if depth < 12 => gather(all, see, depth + 1),
            Expr::Call(call) if depth < 12 => gather(&call.arguments, see, depth + 1),
            _ => {}
        }
    }
}
