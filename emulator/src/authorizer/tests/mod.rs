//! Table tests of the authorizer against the vectors of `iam:§8` and `iam:§12`. Here live the shared
//! builders; the tables are in the sub-modules. A = 111111111111, B = 222222222222.

mod condition_switches;
mod conditions;
mod every_row;
mod faults;
mod formulas;
mod key_policies;
mod messages;
mod micro_cases;
mod patterns;
mod principals;
mod properties;
mod saving;
mod trust_and_endpoints;

use std::sync::Arc;

use super::*;
use crate::fault::FaultSet;
use crate::names::AccountId;
use crate::quirks::Quirks;

pub(super) const A: &str = "111111111111";
pub(super) const B: &str = "222222222222";
pub(super) const USER_ARN: &str = "arn:aws:iam::111111111111:user/u";
pub(super) const ROLE_ARN: &str = "arn:aws:iam::111111111111:role/R";
pub(super) const SESSION_ARN: &str = "arn:aws:sts::111111111111:assumed-role/R/s";
pub(super) const FEDERATED_ARN: &str = "arn:aws:sts::111111111111:federated-user/fed";
pub(super) const USER_ID: &str = "AIDAUSERUSERUSERUSER";
pub(super) const ROLE_ID: &str = "AROAROLEROLEROLEROLE";

/// Allows reading the object of the micro-cases.
pub(super) const GET: &str = r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#;
/// Says nothing about it.
pub(super) const SILENT: &str = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;
pub(super) const ALLOW_ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;

pub(super) fn account(id: &str) -> AccountId {
    AccountId::parse(id).expect("tests use well-formed account ids")
}

pub(super) fn user() -> Caller {
    user_of(A, USER_ARN)
}

pub(super) fn user_of(of: &str, arn: &str) -> Caller {
    Caller::User {
        account: account(of),
        arn: arn.into(),
        unique_id: USER_ID.into(),
    }
}

pub(super) fn session() -> Caller {
    session_of(ROLE_ARN, "s", ROLE_ID)
}

pub(super) fn session_of(role_arn: &str, name: &str, role_id: &str) -> Caller {
    let role = role_arn.rsplit('/').next().unwrap_or_default();
    Caller::RoleSession {
        account: account(A),
        arn: format!("arn:aws:sts::{A}:assumed-role/{role}/{name}"),
        role_arn: role_arn.into(),
        role_path_known: true,
        role_unique_id: role_id.into(),
        service_linked: role_arn.contains("role/aws-service-role/"),
    }
}

pub(super) fn federated() -> Caller {
    Caller::FederatedUser {
        account: account(A),
        arn: FEDERATED_ARN.into(),
        parent_user: Some((USER_ARN.into(), USER_ID.into())),
    }
}

pub(super) fn root() -> Caller {
    Caller::Root {
        account: account(A),
        partition: "aws".to_owned(),
        assumed: false,
    }
}

pub(super) fn service(name: &str) -> Caller {
    Caller::Service { name: name.into() }
}

/// The principal keys of `iam:§12.1`.
pub(super) fn context_of(caller: &Caller) -> Context {
    let mut context = Context::new();
    context.set_bool("aws:ViaAWSService", false);
    context.set_bool("aws:SecureTransport", true);
    if let Some(account) = caller.account() {
        context.set("aws:PrincipalAccount", account.as_str());
        context.set_bool("aws:PrincipalIsAWSService", false);
    }
    match caller {
        Caller::User { arn, .. } => {
            context.set("aws:PrincipalArn", arn.as_str());
            context.set("aws:username", arn.rsplit('/').next().unwrap_or_default());
        }
        Caller::RoleSession { role_arn, .. } => context.set("aws:PrincipalArn", role_arn.as_str()),
        Caller::FederatedUser { arn, .. } => context.set("aws:PrincipalArn", arn.as_str()),
        Caller::Root { account, .. } => context.set("aws:PrincipalArn", account.root_arn()),
        Caller::Service { .. } => context.set_bool("aws:PrincipalIsAWSService", true),
        Caller::Anonymous => context.set("aws:PrincipalAccount", "anonymous"),
        Caller::WebIdentity { .. } => {}
    }
    context
}

/// A JSON principal from a short name: `*`, `u`, `R`, `R/s`, `fed`, `A:root`, `B:root`, or JSON text.
pub(super) fn principal(name: &str) -> String {
    let arn = match name {
        "*" => return "\"*\"".to_owned(),
        "u" => USER_ARN.to_owned(),
        "R" => ROLE_ARN.to_owned(),
        "R/s" => SESSION_ARN.to_owned(),
        "fed" => FEDERATED_ARN.to_owned(),
        "A:root" => format!("arn:aws:iam::{A}:root"),
        "B:root" => format!("arn:aws:iam::{B}:root"),
        text if text.starts_with(['{', '[']) => return text.to_owned(),
        arn if arn.starts_with("arn:") => arn.to_owned(),
        other => return format!("{{\"Service\":\"{other}\"}}"),
    };
    format!("{{\"AWS\":\"{arn}\"}}")
}

/// A statement of a resource policy on the object of the micro-cases.
pub(super) fn to(effect: &str, who: &str, more: &str) -> String {
    let who = principal(who);
    format!(r#"{{"Effect":"{effect}","Principal":{who},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"{more}}}"#)
}

/// An identity statement with a condition block.
pub(super) fn get_if(effect: &str, condition: &str) -> String {
    format!(r#"{{"Effect":"{effect}","Action":"*","Resource":"*","Condition":{condition}}}"#)
}

pub(super) fn text_of(statements: &[&str]) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

pub(super) fn policy(kind: PolicyKind, statements: &[&str]) -> Arc<Policy> {
    let policy = Policy::stored(kind, &text_of(statements));
    assert_eq!(policy.unusable(), None, "{}", policy.text());
    Arc::new(policy)
}

/// One access question under construction.
pub(super) struct Case {
    pub(super) id: &'static str,
    pub(super) caller: Caller,
    pub(super) sets: PolicySets,
    pub(super) settings: Settings,
    pub(super) context: Context,
    pub(super) action: &'static str,
    pub(super) resource: String,
    pub(super) owner: AccountId,
    pub(super) mode: ResourcePolicyMode,
}

pub(super) fn case(id: &'static str, caller: Caller) -> Case {
    Case {
        id,
        context: context_of(&caller),
        caller,
        sets: PolicySets::default(),
        settings: Settings::default(),
        action: "s3:GetObject",
        resource: "arn:aws:s3:::b/k".into(),
        owner: account(A),
        mode: ResourcePolicyMode::Optional,
    }
}

impl Case {
    pub(super) fn identity(mut self, statements: &[&str]) -> Self {
        let inline = AttachedPolicy::inline(policy(PolicyKind::IdentityInline, statements));
        self.sets.identity.push(inline);
        self
    }

    pub(super) fn boundary(mut self, statements: &[&str]) -> Self {
        let boundary = policy(PolicyKind::Boundary, statements);
        self.sets.boundary = Some(AttachedPolicy::managed("arn:aws:iam::111111111111:policy/PB", boundary));
        self
    }

    pub(super) fn session_policy(mut self, statements: &[&str]) -> Self {
        let inline = AttachedPolicy::inline(policy(PolicyKind::Session, statements));
        self.sets.session.get_or_insert_default().push(inline);
        self
    }

    /// One level of service control policies.
    pub(super) fn scp(mut self, statements: &[&str]) -> Self {
        let attached = AttachedPolicy::managed(
            "arn:aws:organizations::1:policy/p-scp",
            policy(PolicyKind::ServiceControl, statements),
        );
        self.sets.service_control.push(PolicyLevel {
            policies: vec![attached],
        });
        self
    }

    /// One level of resource control policies.
    pub(super) fn rcp(mut self, statements: &[&str]) -> Self {
        let attached = AttachedPolicy::managed(
            "arn:aws:organizations::1:policy/p-rcp",
            policy(PolicyKind::ResourceControl, statements),
        );
        self.sets.resource_control.push(PolicyLevel {
            policies: vec![attached],
        });
        self
    }

    pub(super) fn endpoint(mut self, gateway: bool, statements: &[&str]) -> Self {
        self.sets.endpoint = Some(EndpointPolicy {
            policy: policy(PolicyKind::VpcEndpoint, statements),
            gateway,
        });
        self
    }

    /// The policy of the resource; its kind follows the mode.
    pub(super) fn resource_policy(mut self, statements: &[&str]) -> Self {
        let kind = match self.mode {
            ResourcePolicyMode::Optional => PolicyKind::BucketPolicy,
            ResourcePolicyMode::KeyPolicy { .. } => PolicyKind::KeyPolicy,
            ResourcePolicyMode::TrustPolicy => PolicyKind::Trust,
        };
        self.sets.resource = Some(policy(kind, statements));
        self
    }

    pub(super) fn owned_by_b(mut self) -> Self {
        self.owner = account(B);
        self
    }

    pub(super) fn asks(mut self, action: &'static str, resource: &str) -> Self {
        self.action = action;
        self.resource = resource.into();
        self
    }

    pub(super) fn key(self) -> Self {
        let mut case = self.asks("kms:Decrypt", "arn:aws:kms:us-east-1:111111111111:key/k");
        case.mode = ResourcePolicyMode::KeyPolicy { aws_managed: false };
        case
    }

    pub(super) fn assume_role(self) -> Self {
        let mut case = self.asks("sts:AssumeRole", "arn:aws:iam::111111111111:role/T");
        case.mode = ResourcePolicyMode::TrustPolicy;
        case
    }

    pub(super) fn with(mut self, key: &'static str, value: &str) -> Self {
        self.context.set(key, value);
        self
    }

    pub(super) fn with_many(mut self, key: &'static str, values: &[&str]) -> Self {
        self.context
            .set_many(key, values.iter().map(|value| (*value).to_owned()).collect());
        self
    }

    pub(super) fn without(mut self, key: &str) -> Self {
        self.context.remove(key);
        self
    }

    pub(super) fn grant(mut self, grant: GranteeMatch) -> Self {
        self.sets.grant = Some(grant);
        self
    }

    pub(super) fn quirk(mut self, change: impl FnOnce(&mut Quirks)) -> Self {
        change(&mut self.settings.quirks);
        self
    }

    pub(super) fn fault(mut self, id: &str) -> Self {
        self.settings.faults = FaultSet::from_ids([id]).expect("tests name real faults");
        self
    }

    pub(super) fn request(&self) -> AccessRequest<'_> {
        AccessRequest {
            caller: &self.caller,
            action: self.action,
            resource: &self.resource,
            resource_account: Some(&self.owner),
            mode: self.mode,
            context: &self.context,
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        authorize(&self.request(), &self.sets, &self.settings)
    }

    /// Checks the verdict against `ALLOW`, `GRANT`, `XD(set)`, `ID(set)` or `ERROR`.
    #[track_caller]
    pub(super) fn expect(self, expected: &str) {
        let verdict = self.verdict();
        let found = match &verdict {
            Verdict::Allow(AllowedBy::Policies) => "ALLOW".to_owned(),
            Verdict::Allow(AllowedBy::Grant) => "GRANT".to_owned(),
            Verdict::Deny(denial) => {
                assert!(denial.all.contains(denial.blamed), "{}: {denial:?}", self.id);
                let kind = if denial.explicit { "XD" } else { "ID" };
                format!("{kind}({})", short(denial.blamed))
            }
            Verdict::Error(_) => "ERROR".to_owned(),
        };
        assert_eq!(found, expected, "{}: {verdict:?}", self.id);
    }
}

pub(super) fn short(policy_type: PolicyType) -> &'static str {
    match policy_type {
        PolicyType::ServiceControl => "SCP",
        PolicyType::ResourceControl => "RCP",
        PolicyType::VpcEndpoint => "VPCEP",
        PolicyType::PermissionsBoundary => "PB",
        PolicyType::Session => "SP",
        PolicyType::Identity => "IDP",
        PolicyType::Resource => "RBP",
        PolicyType::RoleTrust => "trust",
    }
}
