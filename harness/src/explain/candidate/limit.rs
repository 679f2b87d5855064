//! Allows in the policies that limit: permissions boundaries, session policies, VPC endpoint policies, service control policies.

use countersign_model::case::{Step, StepPrincipal};
use countersign_model::name::Arn;
use countersign_model::outcome::PolicySet;
use serde_json::{Value, json};

use super::{Desk, document};
use crate::explain::site::{Site, account_path, service_control_levels};
use crate::explain::tree::{Edit, Path, get};

impl Desk<'_> {
    /// An Allow in a policy that limits: boundary, session policy, VPC endpoint policy.
    pub(super) fn limit_statement(&self, set: PolicySet, name: &str) -> Vec<Edit> {
        let principal = (set == PolicySet::VpcEndpoint).then(|| json!("*"));
        let statement = self.statement(principal, &self.resource_text());
        let mut edits = Vec::new();
        for site in self.limit_sites(set, name) {
            edits.push(self.added(&site, statement.clone(), ""));
        }
        if set == PolicySet::Session && edits.is_empty() {
            let policies = document(vec![statement]);
            edits.extend(match (&self.run.journey, self.run.step_path()) {
                (Some(journey), Some(step)) => {
                    let principal = match &journey.step {
                        Step::Call(call) => Some(&call.principal),
                        _ => None,
                    };
                    let below = match principal {
                        Some(StepPrincipal::FederatedUser { .. }) => step.member("as").member("federated_user"),
                        _ => step.member("as"),
                    };
                    let path = below.member("policy");
                    Some(Edit::set(
                        "give the session a session policy",
                        path,
                        policies,
                        &self.run.tree,
                    ))
                }
                _ => Some(Edit::append(
                    "give the session a session policy",
                    Path::of(["evaluate", "policies", "session"]),
                    policies,
                )),
            });
        }
        edits
    }

    /// The documents of a limiting set that the case writes.
    fn limit_sites(&self, set: PolicySet, name: &str) -> Vec<Site> {
        let tree = &self.run.tree;
        let found = |path: Path, words: String| get(tree, &path).is_some().then_some(Site { path, words });
        if self.run.journey.is_none() {
            let base = Path::of(["evaluate", "policies", name]);
            return match set {
                PolicySet::Session => found(base.entry(0), "the session policy".to_owned()),
                PolicySet::VpcEndpoint => found(base.member("policy"), "the VPC endpoint's policy".to_owned()),
                _ => found(base, "the permissions boundary".to_owned()),
            }
            .into_iter()
            .collect();
        }
        match set {
            PolicySet::PermissionsBoundary => {
                let Some(holder) = self.run.holder(self.check) else {
                    return Vec::new();
                };
                let named = get(tree, &holder.path().member("permissions_boundary"));
                let name = named.as_ref().and_then(Value::as_str).unwrap_or_default();
                let name = name
                    .trim_end_matches(".arn}}")
                    .trim_end_matches("\"]")
                    .rsplit(['/', '.', '"'])
                    .next()
                    .unwrap_or(name);
                let path = account_path(&holder.account).member("managed_policies").member(name);
                found(path, format!("the permissions boundary `{name}`"))
                    .into_iter()
                    .collect()
            }
            PolicySet::Session => {
                let Some(step) = self.run.step_path() else {
                    return Vec::new();
                };
                let principal = step.member("as");
                [
                    principal.member("policy"),
                    principal.member("federated_user").member("policy"),
                ]
                .into_iter()
                .filter_map(|path| found(path, "the session policy".to_owned()))
                .collect()
            }
            PolicySet::VpcEndpoint => {
                let Some(Step::Call(call)) = self.run.journey.as_ref().map(|journey| &journey.step) else {
                    return Vec::new();
                };
                let through = call.through.as_deref().unwrap_or_default();
                let accounts = self.run.world().into_iter().flat_map(|world| &world.accounts);
                accounts
                    .filter_map(|(account, _)| {
                        let path = account_path(account).member("vpc_endpoints").member(through);
                        found(path.member("policy"), format!("the policy of VPC endpoint `{through}`"))
                    })
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// An Allow in the SCPs of each level that does not allow yet.
    pub(super) fn service_control_statements(&self) -> Vec<Edit> {
        let tree = &self.run.tree;
        let caller = Arn::new(self.check.caller.as_str()).ok().and_then(|arn| arn.account());
        let levels: Vec<Path> = match (self.run.world(), &caller) {
            (Some(world), Some(account)) => service_control_levels(world, account)
                .into_iter()
                .filter(|(_, own)| *own)
                .map(|(path, _)| path)
                .collect(),
            (Some(_), None) => Vec::new(),
            (None, _) => {
                let list = Path::of(["evaluate", "policies", "service_control"]);
                let count = get(tree, &list)
                    .and_then(|list| list.as_array().map(Vec::len))
                    .unwrap_or(0);
                (0..count).map(|level| list.entry(level)).collect()
            }
        };
        let allowing: Vec<Path> = self
            .check
            .statements
            .iter()
            .filter(|trace| {
                trace.set == PolicySet::ServiceControl && trace.effect == "Allow" && trace.verdict == "applies"
            })
            .filter_map(|trace| self.run.policy_of(self.check, trace))
            .map(|site| site.path)
            .collect();
        let statement = self.statement(None, &self.check.resource);
        let silent = levels.iter().enumerate().filter(|(_, level)| {
            !allowing
                .iter()
                .any(|path| path.segments().starts_with(level.segments()))
        });
        silent
            .filter(|(_, level)| get(tree, &level.entry(0)).is_some())
            .map(|(number, level)| {
                Edit::append(
                    format!("add a statement to the service control policy of level {number}"),
                    level.entry(0).member("Statement"),
                    statement.clone(),
                )
            })
            .collect()
    }
}
