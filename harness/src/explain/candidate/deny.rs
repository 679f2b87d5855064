//! Ways around a statement that denies: it goes, it spares the request, or the request has another fact.

use countersign_model::name::Arn;
use countersign_model::outcome::{PolicySet, StatementTrace};
use serde_json::Value;

use super::{Desk, named, reference_name};
use crate::explain::fact::facts;
use crate::explain::site::Site;
use crate::explain::tree::{Edit, Path, get};

impl Desk<'_> {
    /// Takes away what denies, or makes it not apply.
    pub(super) fn undo_denies(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        let denying = |trace: &&StatementTrace| trace.effect == "Deny" && trace.verdict == "applies";
        for trace in self.check.statements.iter().filter(denying) {
            edits.extend(self.detached(trace));
            let Some((site, path, statement)) = self.run.statement(self.check, trace) else {
                // A text that cannot be changed without a loss goes as a whole.
                let site = self.run.policy_of(self.check, trace);
                edits.extend(
                    site.and_then(|site| Edit::remove(format!("remove {}", site.words), site.path, &self.run.tree)),
                );
                continue;
            };
            edits.extend(facts(self.run, &statement, false));
            edits.extend(self.narrowed(&site, &path, &statement, trace));
            let words = format!("remove {} from {}", named(trace), site.words);
            let alone = get(&self.run.tree, &site.path.member("Statement").entry(1)).is_none();
            if alone {
                // A policy without statements cannot be saved: the policy goes as a whole.
                edits.extend(Edit::remove(
                    format!("remove {}", site.words),
                    site.path,
                    &self.run.tree,
                ));
            } else {
                edits.extend(Edit::remove(words, path, &self.run.tree));
            }
        }
        edits
    }

    /// A managed policy that denies, no longer attached.
    fn detached(&self, trace: &StatementTrace) -> Option<Edit> {
        if trace.set != PolicySet::Identity || !trace.policy.starts_with("arn:") {
            return None;
        }
        let holder = self.run.holder(self.check)?;
        let attached = holder.path().member("attached");
        let list = get(&self.run.tree, &attached)?;
        let name = trace.policy.rsplit('/').next()?;
        let position = list.as_array()?.iter().position(|entry| {
            let given = entry.as_str().unwrap_or_default();
            given == trace.policy
                || given == name
                || given.contains(&format!("managed_policy.{}.", reference_name(name)))
        })?;
        let words = format!("detach the managed policy `{name}` from {}", holder.words());
        Edit::remove(words, attached.entry(position), &self.run.tree)
    }

    /// A Deny that spares the request: by one more exception where it has a list of them, or because the caller is a service.
    fn narrowed(&self, site: &Site, path: &Path, statement: &Value, trace: &StatementTrace) -> Vec<Edit> {
        let place = format!("{} of {}", named(trace), site.words);
        let principals = self.principals();
        let mut edits = Vec::new();
        if statement.get("NotPrincipal").is_some_and(Value::is_object) {
            for (member, text) in principals.iter().filter(|(member, _)| member != "*") {
                let below = path.member("NotPrincipal").member(member);
                let words = format!("spare `{text}` in {place}");
                edits.push(Edit::append(words, below, text.as_str().into()));
            }
        }
        let lists = [
            ("NotAction", self.check.action.to_string()),
            ("NotResource", self.resource_text()),
        ];
        for (member, value) in lists {
            if statement.get(member).is_some() {
                let words = format!("spare `{value}` in {place}");
                edits.push(Edit::append(words, path.member(member), value.into()));
            }
        }
        let tests = statement.get("Condition").and_then(Value::as_object);
        for (operator, keys) in tests
            .into_iter()
            .flatten()
            .filter(|(operator, _)| operator.contains("Not"))
        {
            for key in keys.as_object().into_iter().flat_map(|keys| keys.keys()) {
                if let Some(value) = self.value_of(key) {
                    let below = path.member("Condition").member(operator).member(key);
                    let words = format!("add `{value}` to the exceptions by `{key}` in {place}");
                    edits.push(Edit::append(words, below, value.into()));
                }
            }
        }
        if principals.iter().any(|(member, _)| member == "Service") {
            let key = "aws:PrincipalIsAWSService";
            let below = path.member("Condition").member("Bool").member(key);
            if get(&self.run.tree, &below).is_none() {
                let words = format!("let {place} spare AWS services");
                edits.push(Edit::set(words, below, "false".into(), &self.run.tree));
            }
        }
        edits
    }

    /// What the request has under a condition key, as far as the case says.
    fn value_of(&self, key: &str) -> Option<String> {
        let principals = self.principals();
        let named = principals
            .iter()
            .find(|(member, text)| member == "AWS" && !text.ends_with(":root"));
        let account = Arn::new(self.check.caller.as_str()).ok().and_then(|arn| arn.account());
        match key.to_ascii_lowercase().as_str() {
            "aws:principalarn" => named.map(|(_, text)| text.clone()),
            "aws:principalaccount" => account.map(|account| account.to_string()),
            lower => {
                let (_, request) = self.run.request()?;
                let given = request
                    .context
                    .iter()
                    .find(|(given, _)| given.to_ascii_lowercase() == lower);
                given.and_then(|(_, value)| value.as_str()).map(str::to_owned)
            }
        }
    }
}
