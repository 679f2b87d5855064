//! A key of another account that is not there: its account is told nothing, so that the answer is that of a key whose policy is silent
//! (`svc:K-32`). What the caller's own side says comes first, as anywhere: a Deny (`iam:L-10`), then the gates (`iam:R-07`).

use super::authorize::{constraint_keys, denied_by_resource, set_caller_account};
use super::grant_operations::constraints_of;
use super::table::Operation;
use crate::context::{Context, ContextValue};
use crate::name::AccountId;
use crate::outcome::{Check, CheckDecision, PolicySet};
use crate::policy::{Document, PolicyKind};
use crate::rule::rule;
use crate::world::access::{self, Attached, Pair};
use crate::world::actor::Actor;
use crate::world::parameters::Parameters;
use crate::world::policy::StoredPolicy;
use crate::world::state::State;
use crate::world::trace::Stop;

/// The rule that such a denial names.
const RULE: &str = "svc:K-32";

/// Parameters that are condition keys under a name of their own, with the value of one that is left out.
const PARAMETERS: &[(&str, &str, Option<&str>)] = &[
    (
        "EncryptionAlgorithm",
        "kms:EncryptionAlgorithm",
        Some("SYMMETRIC_DEFAULT"),
    ),
    ("SigningAlgorithm", "kms:SigningAlgorithm", None),
    ("MessageType", "kms:MessageType", Some("RAW")),
    ("MacAlgorithm", "kms:MacAlgorithm", None),
    ("KeyPairSpec", "kms:DataKeyPairSpec", None),
    ("KeyAgreementAlgorithm", "kms:KeyAgreementAlgorithm", None),
    ("GranteePrincipal", "kms:GranteePrincipal", None),
    ("GranteeServicePrincipal", "kms:GranteeServicePrincipal", None),
    ("RetiringPrincipal", "kms:RetiringPrincipal", None),
    ("RetiringServicePrincipal", "kms:RetiringServicePrincipal", None),
    ("PolicyName", "kms:PolicyName", None),
];

/// What is asked of such a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnknownKey<'a> {
    pub(super) operation: &'static Operation,
    pub(super) action: &'a str,
    /// The ARN as it was given: of a key or an alias.
    pub(super) arn: &'a str,
    pub(super) account: &'a AccountId,
    pub(super) with: Parameters<'a>,
}

impl UnknownKey<'_> {
    /// The denial.
    ///
    /// # Errors
    /// A parameter of the request that is not of its type.
    pub(super) fn denial(&self, state: &State, actor: &Actor) -> Result<Check, Stop> {
        let silent = StoredPolicy::silent(Document::empty(PolicyKind::Key));
        let pair = Pair {
            action: self.action,
            resource: self.arn.to_owned(),
            owner: Some(self.account),
            policy: Attached::Key(&silent, "key policy"),
            keys: self.keys(actor)?,
            grant: None,
            acl: false,
            outside_resource_control: false,
        };
        let mut check = access::decide(state, actor, &pair);
        let is_gate = matches!(
            check.blamed,
            Some(PolicySet::ServiceControl | PolicySet::ResourceControl | PolicySet::VpcEndpoint)
        );
        if check.decision == CheckDecision::ExplicitDeny || check.decision == CheckDecision::ImplicitDeny && is_gate {
            check.rules.insert(rule(RULE));
            return Ok(check);
        }
        Ok(denied_by_resource(state, actor, self.action, self.arn, RULE))
    }

    /// The condition keys of the request; those of the key are nobody's.
    fn keys(&self, actor: &Actor) -> Result<Context, Stop> {
        let mut keys = Context::new();
        set_caller_account(actor, &mut keys);
        let is_source = self.action == "kms:ReEncryptFrom";
        let re_encrypts = is_source || self.action == "kms:ReEncryptTo";
        for (parameter, key, default) in PARAMETERS {
            let parameter = Self::of_side(parameter, re_encrypts, is_source);
            if let Some(text) = self.with.text(&parameter)?.or(*default)
                && self.operation.has_key(key)
            {
                keys.set(key, text);
            }
        }
        if re_encrypts {
            keys.set("kms:ReEncryptOnSameKey", false);
        }
        if self.operation.has_key("kms:GrantIsForAWSResource") {
            keys.set("kms:GrantIsForAWSResource", actor.via.is_some());
        }
        if self.operation.has_key("kms:RequestAlias")
            && let Some(alias) = self.arn.splitn(6, ':').nth(5).filter(|name| name.starts_with("alias/"))
        {
            keys.set("kms:RequestAlias", alias);
        }
        if self.operation.has_key("kms:GrantOperations")
            && let Some(operations) = self.with.texts("Operations")?
        {
            keys.set("kms:GrantOperations", operations);
        }
        let constraints = constraints_of(self.with)?;
        if self.operation.has_key("kms:GrantConstraintType") {
            for (key, value) in constraint_keys(&constraints).iter() {
                keys.set(key, value.clone());
            }
        }
        let parameter = Self::of_side("EncryptionContext", re_encrypts, is_source);
        let context = self
            .with
            .text_map(&parameter)?
            .or_else(|| constraints.pairs().cloned())
            .unwrap_or_default();
        if self.operation.has_key("kms:EncryptionContextKeys") && !context.is_empty() {
            keys.set_family(
                "kms:EncryptionContext:",
                context.iter().map(|(key, value)| (key.as_str(), value.as_str())),
            );
            keys.set(
                "kms:EncryptionContextKeys",
                ContextValue::Many(context.into_keys().collect()),
            );
        }
        Ok(keys)
    }

    /// ReEncrypt has some parameters twice.
    fn of_side(parameter: &str, re_encrypts: bool, is_source: bool) -> String {
        match (re_encrypts, is_source) {
            (true, true) => format!("Source{parameter}"),
            (true, false) => format!("Destination{parameter}"),
            (false, _) => parameter.to_owned(),
        }
    }
}
