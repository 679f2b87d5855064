//! The policy documents of a case: where they stand, and which of them say nothing. Counting is the parent's.

use std::borrow::Cow;
use std::collections::BTreeSet;

use countersign_model::case::{Case, PolicyText, Step, StepPrincipal, WorldSpec};
use serde_json::Value;

/// Every policy document of a case, with the kind of policy it is.
pub(super) fn policies(case: &Case) -> Vec<(&'static str, Cow<'_, PolicyText>)> {
    let mut found = Vec::new();
    if let Some(world) = &case.world {
        policies_of_world(world, &mut found);
    }
    let mut sessions: BTreeSet<&StepPrincipal> = BTreeSet::new();
    for step in &case.steps {
        let Step::Call(call) = step else { continue };
        if let StepPrincipal::Role {
            policy: Some(policy), ..
        }
        | StepPrincipal::FederatedUser {
            policy: Some(policy), ..
        } = &call.principal
            && sessions.insert(&call.principal)
        {
            found.push(("session", Cow::Owned(PolicyText::from(policy.clone()))));
        }
    }
    found
}

fn policies_of_world<'a>(world: &'a WorldSpec, found: &mut Vec<(&'static str, Cow<'a, PolicyText>)>) {
    for account in world.accounts.values() {
        let boundaries: BTreeSet<&String> = account
            .users
            .values()
            .filter_map(|user| user.permissions_boundary.as_ref())
            .chain(
                account
                    .roles
                    .values()
                    .filter_map(|role| role.permissions_boundary.as_ref()),
            )
            .collect();
        for (name, policy) in &account.managed_policies {
            found.push((
                if boundaries.contains(name) {
                    "permissions_boundary"
                } else {
                    "identity"
                },
                Cow::Borrowed(policy),
            ));
        }
        let inline = account
            .users
            .values()
            .flat_map(|user| user.policies.values())
            .chain(account.groups.values().flat_map(|group| group.policies.values()))
            .chain(account.roles.values().flat_map(|role| role.policies.values()));
        found.extend(inline.map(|policy| ("identity", Cow::Borrowed(policy))));
        found.extend(
            account
                .roles
                .values()
                .filter_map(|role| role.trust.as_ref())
                .map(|policy| ("trust", Cow::Borrowed(policy))),
        );
        found.extend(
            account
                .keys
                .values()
                .filter_map(|key| key.policy.as_ref())
                .map(|policy| ("key_policy", Cow::Borrowed(policy))),
        );
        found.extend(
            account
                .buckets
                .values()
                .filter_map(|bucket| bucket.policy.as_ref())
                .map(|policy| ("bucket_policy", Cow::Borrowed(policy))),
        );
        found.extend(
            account
                .vpc_endpoints
                .values()
                .filter_map(|door| door.policy.as_ref())
                .map(|policy| ("vpc_endpoint", Cow::Borrowed(policy))),
        );
    }
    let mut nodes: Vec<_> = world
        .organization
        .iter()
        .map(|organization| &organization.root)
        .collect();
    while let Some(node) = nodes.pop() {
        found.extend(node.scp.iter().map(|policy| ("service_control", Cow::Borrowed(policy))));
        found.extend(
            node.rcp
                .iter()
                .map(|policy| ("resource_control", Cow::Borrowed(policy))),
        );
        nodes.extend(node.units.values());
    }
}

/// Kinds that are there without a document of ours: AWS managed policies, default key policies, grants, open buckets.
pub(super) fn layers_without_document(case: &Case) -> Vec<&'static str> {
    let mut layers = Vec::new();
    for account in case.world.iter().flat_map(|world| world.accounts.values()) {
        let attached = account
            .users
            .values()
            .flat_map(|user| &user.attached)
            .chain(account.roles.values().flat_map(|role| &role.attached));
        if attached
            .into_iter()
            .any(|policy| policy.starts_with("arn:aws:iam::aws:"))
        {
            layers.push("identity");
        }
        if account.keys.values().any(|key| key.policy.is_none()) {
            layers.push("key_policy");
        }
        if account.keys.values().any(|key| !key.grants.is_empty()) {
            layers.push("grant");
        }
        if account
            .buckets
            .values()
            .any(|bucket| bucket.public_access_block.is_some())
        {
            layers.push("public_access_block");
        }
    }
    if case
        .steps
        .iter()
        .any(|step| matches!(step, Step::Call(call) if call.call.as_str() == "kms:CreateGrant"))
    {
        layers.push("grant");
    }
    layers
}

/// A policy that only says that everything, or everything of a service, is allowed on everything.
pub(super) fn is_trivial(policy: &PolicyText) -> bool {
    let written;
    let document = match policy {
        PolicyText::Document(document) => document,
        PolicyText::Verbatim(text) => match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(document)) => {
                written = document;
                &written
            }
            _ => return false,
        },
    };
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    statements.iter().all(|statement| {
        let texts = |member: &str| match statement.get(member) {
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let (actions, resources) = (texts("Action"), texts("Resource"));
        statement.get("Effect").and_then(Value::as_str) == Some("Allow")
            && statement.get("Condition").is_none()
            && !actions.is_empty()
            && actions.iter().all(|action| *action == "*" || action.ends_with(":*"))
            && !resources.is_empty()
            && resources.iter().all(|resource| *resource == "*")
    })
}

#[cfg(test)]
mod tests {
    use super::is_trivial;
    use countersign_model::case::PolicyText;
    use serde_json::json;

    fn policy(value: serde_json::Value) -> PolicyText {
        serde_json::from_value(value).expect("a document")
    }

    #[test]
    fn trivial_policies_only_say_that_everything_is_allowed() {
        let allow_all =
            json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
        assert!(is_trivial(&policy(allow_all)));
        let delegation = json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"}]});
        assert!(is_trivial(&policy(delegation)));
        for other in [
            json!({"Effect": "Deny", "Action": "*", "Resource": "*"}),
            json!({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}),
            json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
            json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
        ] {
            assert!(!is_trivial(&policy(json!({"Statement": [other]}))), "{other}");
        }
    }
}
