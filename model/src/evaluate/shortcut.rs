//! Pairs that are decided before any policy is looked at.

use super::Caller;
use super::decide::Judgement;
use super::input::Request;
use super::message::denial_message;
use crate::outcome::{Check, CheckDecision, PolicySet};
use crate::rule::{RuleId, Rules, rule};

/// The decision on such a pair.
#[derive(Debug)]
pub(super) struct Shortcut {
    allow: bool,
    rule: RuleId,
    /// Whom a message blames, if it gives a reason.
    blamed: Option<PolicySet>,
}

impl Shortcut {
    /// The answer of such a pair without its explanation.
    pub(super) fn judgement(&self) -> Judgement {
        Judgement {
            decision: if self.allow {
                CheckDecision::Allow
            } else {
                CheckDecision::ImplicitDeny
            },
            blamed: self.blamed,
        }
    }

    /// The answer of such a pair.
    pub(super) fn check(self, request: &Request<'_>) -> Check {
        let decision = self.judgement().decision;
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
            rules: self.rules(request),
            message: (!self.allow).then(|| denial_message(request, decision, self.blamed, None)),
        }
    }
}

impl Shortcut {
    /// The rule that decides, and the one about the credentials where it leaves the call alone (`iam:L-78`).
    fn rules(&self, request: &Request<'_>) -> Rules {
        let mut rules = Rules::from([self.rule.clone()]);
        if self.allow && matches!(request.caller, Caller::FederatedUser(_)) {
            rules.insert(rule("iam:L-78"));
        }
        rules
    }
}

/// Credentials that cannot make a call at all (`iam:L-63`, `iam:L-78`) and calls nobody can be kept from (`iam:L-80`).
pub(super) fn shortcut(request: &Request<'_>) -> Option<Shortcut> {
    let service = ["iam", "sts"]
        .into_iter()
        .find(|service| service.eq_ignore_ascii_case(request.action.service()))?;
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
    match (service, request.caller) {
        // A permission that other services ask for, not a call to IAM.
        ("iam", _) if operation == "passrole" => None,
        ("sts", Caller::Service { .. }) if operation == "getcalleridentity" => allow(rule("iam:L-80")),
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
        _ => None,
    }
}
