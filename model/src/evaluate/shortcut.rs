//! Pairs that are decided before any policy is looked at.

use std::collections::BTreeSet;

use super::Caller;
use super::input::{PolicySets, Request, ResourcePolicy};
use super::message::denial_message;
use crate::outcome::{Check, CheckDecision, PolicySet};
use crate::rule::{RuleId, rule};

/// The decision on such a pair.
#[derive(Debug)]
pub(super) struct Shortcut {
    allow: bool,
    rule: RuleId,
    /// Whom a message blames, if it gives a reason.
    blamed: Option<PolicySet>,
}

impl Shortcut {
    /// The answer of such a pair.
    pub(super) fn check(self, request: &Request<'_>) -> Check {
        let decision = if self.allow {
            CheckDecision::Allow
        } else {
            CheckDecision::ImplicitDeny
        };
        Check {
            action: request.action.clone(),
            resource: request.resource.to_owned(),
            caller: request.caller.message_name(),
            via: request.via.map(str::to_owned),
            decision,
            blamed: self.blamed,
            failed: self.blamed.into_iter().collect(),
            gates: Vec::new(),
            statements: Vec::new(),
            rules: BTreeSet::from([self.rule]),
            message: (!self.allow).then(|| denial_message(request, decision, self.blamed, None)),
        }
    }
}

/// Key operations that work on a key of another account (`svc:K-8`), as permissions.
const CROSS_ACCOUNT_KEY_ACTIONS: &[&str] = &[
    "creategrant",
    "decapsulate",
    "decrypt",
    "derivesharedsecret",
    "describekey",
    "encapsulate",
    "encrypt",
    "generatedatakey",
    "generatedatakeypair",
    "generatedatakeypairwithoutplaintext",
    "generatedatakeywithoutplaintext",
    "generatemac",
    "getkeyrotationstatus",
    "getpublickey",
    "listgrants",
    "reencryptfrom",
    "reencryptto",
    "retiregrant",
    "revokegrant",
    "sign",
    "verify",
    "verifymac",
];

/// Credentials that cannot make a call at all (`iam:L-63`, `iam:L-78`), calls nobody can be kept from (`iam:L-80`), and two things KMS
/// never lets anybody do (`svc:K-9`, `svc:K-30`).
pub(super) fn shortcut(request: &Request<'_>, sets: &PolicySets<'_>) -> Option<Shortcut> {
    let service = request.action.service().to_ascii_lowercase();
    let operation = request.action.operation().to_ascii_lowercase();
    let allow = |rule| {
        Some(Shortcut {
            allow: true,
            rule,
            blamed: None,
        })
    };
    let refuse = |rule| {
        Some(Shortcut {
            allow: false,
            rule,
            blamed: None,
        })
    };
    let context = request.context;
    match (service.as_str(), request.caller) {
        // A permission that other services ask for, not a call to IAM.
        ("iam", _) if operation == "passrole" => None,
        ("sts", Caller::Anonymous | Caller::Service { .. } | Caller::Federated { .. }) => None,
        ("sts", _) if operation == "getcalleridentity" => allow(rule("iam:L-80")),
        ("iam" | "sts", Caller::FederatedUser(_)) => refuse(rule("iam:L-78")),
        ("sts", Caller::RoleSession(_)) if matches!(operation.as_str(), "getsessiontoken" | "getfederationtoken") => {
            refuse(rule("iam:L-78"))
        }
        ("sts", Caller::User(_)) if context.get("aws:TokenIssueTime").is_some() => {
            let allowed = ["assumerole", "tagsession", "setsourceidentity"].contains(&operation.as_str());
            if allowed { None } else { refuse(rule("iam:L-78")) }
        }
        ("iam", Caller::User(_))
            if context.get("aws:TokenIssueTime").is_some() && !context.is_true("aws:MultiFactorAuthPresent") =>
        {
            refuse(rule("iam:L-78"))
        }
        ("sts", Caller::Root { .. }) if operation == "assumerole" => refuse(rule("iam:L-63")),
        ("sts", _) if operation == "getsessiontoken" => allow(rule("iam:L-80")),
        ("kms", caller) => {
            let foreign =
                matches!((caller.account(), request.resource_account), (Some(own), Some(owner)) if own != owner);
            let on_key = matches!(sets.resource, ResourcePolicy::Key(_));
            let on_reserved_alias = request
                .resource
                .splitn(6, ':')
                .nth(5)
                .is_some_and(|name| name.starts_with("alias/aws/"));
            if foreign && on_key && !CROSS_ACCOUNT_KEY_ACTIONS.contains(&operation.as_str()) {
                Some(Shortcut {
                    allow: false,
                    rule: rule("svc:K-9"),
                    blamed: Some(PolicySet::Resource),
                })
            } else if on_reserved_alias && matches!(operation.as_str(), "createalias" | "updatealias" | "deletealias") {
                refuse(rule("svc:K-30"))
            } else {
                None
            }
        }
        _ => None,
    }
}
