//! The organization of a case: units, accounts, and the SCPs and RCPs on the way from the root to an account.
//! Which of them apply to a caller or resource is the authorizer's.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use jiff::civil::{Date, date};
use serde::Deserialize;
use thiserror::Error;

use crate::authorizer::{AttachedPolicy, NoPrincipals, Policy, PolicyKind, PolicyLevel, SaveRules};
use crate::names::AccountId;

/// Deepest nesting of units; AWS allows five levels below the root.
const DEEPEST: usize = 16;
/// ARN of the policy that allows everything.
const FULL_ACCESS_ARN: &str = "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess";
/// Its text.
const FULL_ACCESS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// From this day SCPs may be twice as long and twice as many (iam:§1.9).
const LARGER_SERVICE_CONTROL_SINCE: Date = date(2026, 5, 15);

/// How long a policy of an organization may be, in characters of every kind, and how many may be attached to one
/// node (iam:§1.9). The RCP that AWS attaches everywhere counts, so customers have one less.
fn quota(kind: PolicyKind, as_of: Date) -> (usize, usize) {
    match kind {
        PolicyKind::ServiceControl if as_of >= LARGER_SERVICE_CONTROL_SINCE => (10_240, 10),
        PolicyKind::ServiceControl => (5_120, 5),
        _ => (5_120, 4),
    }
}

/// An organization, flattened: every account knows its path and the levels above it.
#[derive(Debug, Clone)]
pub struct Organization {
    id: String,
    management_account: AccountId,
    accounts: BTreeMap<AccountId, Place>,
}

#[derive(Debug, Clone)]
struct Place {
    path: String,
    service_control: Vec<PolicyLevel>,
    resource_control: Vec<PolicyLevel>,
}

/// The organization as the contract writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationInput {
    id: String,
    /// Id of the root, `r-…`; made from the organization's id when absent.
    #[serde(default)]
    root_id: Option<String>,
    management_account: String,
    root: NodeInput,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NodeInput {
    scp: Vec<PolicyInput>,
    rcp: Vec<PolicyInput>,
    accounts: Vec<String>,
    units: BTreeMap<String, NodeInput>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyInput {
    name: String,
    #[serde(default)]
    arn: Option<String>,
    document: String,
}

/// Why an organization is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OrganizationError {
    /// Not a 12-digit account id.
    #[error("`{0}` is not an account id")]
    Account(String),
    /// An account in two places.
    #[error("account `{0}` is in the organization twice")]
    Twice(String),
    /// Units nested too deeply.
    #[error("units are nested deeper than {DEEPEST}")]
    TooDeep,
    /// A policy that is longer than its type may be (iam:§1.9).
    #[error("policy `{name}` is longer than {longest} characters")]
    TooLong {
        /// Name of the policy.
        name: String,
        /// The quota.
        longest: usize,
    },
    /// More policies on one node than may be attached (iam:§1.9).
    #[error("more than {most} policies of one type are attached to a node")]
    TooMany {
        /// The quota.
        most: usize,
    },
    /// A policy document that Organizations refuses (iam:E-21).
    #[error("policy `{name}`: {reason}")]
    Policy {
        /// Name of the policy.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

impl Organization {
    /// Checks and flattens an organization.
    ///
    /// # Errors
    /// [`OrganizationError`].
    pub fn build(input: &OrganizationInput, as_of: Date) -> Result<Self, OrganizationError> {
        let management_account = account(&input.management_account)?;
        let mut organization = Self {
            id: input.id.clone(),
            management_account,
            accounts: BTreeMap::new(),
        };
        let root = input.root_id.clone().unwrap_or_else(|| root_id(&input.id));
        let path = format!("{}/{root}/", input.id);
        organization.add_node(&input.root, path.clone(), &[], &[], as_of, 0)?;
        let management = organization.management_account.clone();
        // Its own policies never bind it (iam:L-49); they are kept for the fault that forgets so.
        let service_control = vec![organization.level(&input.root.scp, PolicyKind::ServiceControl, as_of)?];
        organization.accounts.entry(management).or_insert(Place {
            path,
            service_control,
            resource_control: Vec::new(),
        });
        Ok(organization)
    }

    /// `o-…`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// True for member accounts and the management account.
    #[must_use]
    pub fn contains(&self, account: &AccountId) -> bool {
        self.accounts.contains_key(account)
    }

    /// The account's path `o-…/r-…/ou-…/` (iam:K-04).
    #[must_use]
    pub fn path(&self, account: &AccountId) -> Option<&str> {
        self.accounts.get(account).map(|place| place.path.as_str())
    }

    /// SCP levels for callers of `account`; none for the management account and strangers (iam:L-49).
    #[must_use]
    pub fn service_control_levels(&self, account: &AccountId) -> Vec<PolicyLevel> {
        self.member(account)
            .map(|place| place.service_control.clone())
            .unwrap_or_default()
    }

    /// The same, the management account included: only for the seeded fault of iam:L-49.
    #[must_use]
    pub fn service_control_levels_of_anybody(&self, account: &AccountId) -> Vec<PolicyLevel> {
        self.accounts
            .get(account)
            .map(|place| place.service_control.clone())
            .unwrap_or_default()
    }

    /// RCP levels for resources of `account`; none for the management account and strangers (iam:L-49).
    #[must_use]
    pub fn resource_control_levels(&self, account: &AccountId) -> Vec<PolicyLevel> {
        self.member(account)
            .map(|place| place.resource_control.clone())
            .unwrap_or_default()
    }

    fn member(&self, account: &AccountId) -> Option<&Place> {
        if *account == self.management_account {
            return None;
        }
        self.accounts.get(account)
    }

    fn add_node(
        &mut self,
        node: &NodeInput,
        path: String,
        service_above: &[PolicyLevel],
        resource_above: &[PolicyLevel],
        as_of: Date,
        depth: usize,
    ) -> Result<(), OrganizationError> {
        if depth > DEEPEST {
            return Err(OrganizationError::TooDeep);
        }
        let mut service_control = service_above.to_vec();
        service_control.push(self.level(&node.scp, PolicyKind::ServiceControl, as_of)?);
        let mut resource_control = resource_above.to_vec();
        resource_control.push(self.level(&node.rcp, PolicyKind::ResourceControl, as_of)?);
        for text in &node.accounts {
            let place = Place {
                path: path.clone(),
                service_control: service_control.clone(),
                resource_control: resource_control.clone(),
            };
            if self.accounts.insert(account(text)?, place).is_some() {
                return Err(OrganizationError::Twice(text.clone()));
            }
        }
        for (name, unit) in &node.units {
            let unit_id = if name.starts_with("ou-") {
                name.clone()
            } else {
                format!("ou-{name}")
            };
            let path = format!("{path}{unit_id}/");
            self.add_node(unit, path, &service_control, &resource_control, as_of, depth + 1)?;
        }
        Ok(())
    }

    /// One node's policies; no SCPs means FullAWSAccess alone (contract).
    fn level(&self, inputs: &[PolicyInput], kind: PolicyKind, as_of: Date) -> Result<PolicyLevel, OrganizationError> {
        let rules = SaveRules {
            as_of,
            principals: &NoPrincipals,
        };
        let (longest, most) = quota(kind, as_of);
        if inputs.len() > most {
            return Err(OrganizationError::TooMany { most });
        }
        let mut policies = Vec::with_capacity(inputs.len().max(1));
        for input in inputs {
            if input.document.chars().count() > longest {
                return Err(OrganizationError::TooLong {
                    name: input.name.clone(),
                    longest,
                });
            }
            let policy = Policy::save(kind, &input.document, &rules).map_err(|error| OrganizationError::Policy {
                name: input.name.clone(),
                reason: error.to_string(),
            })?;
            let arn = input.arn.clone().unwrap_or_else(|| self.policy_arn(kind, &input.name));
            policies.push(AttachedPolicy::managed(arn, Arc::new(policy)));
        }
        if policies.is_empty() && kind == PolicyKind::ServiceControl {
            policies.push(AttachedPolicy::managed(FULL_ACCESS_ARN, full_access()));
        }
        Ok(PolicyLevel { policies })
    }

    fn policy_arn(&self, kind: PolicyKind, name: &str) -> String {
        let word = if kind == PolicyKind::ServiceControl {
            "service_control_policy"
        } else {
            "resource_control_policy"
        };
        format!(
            "arn:aws:organizations::{}:policy/{}/{word}/p-{name}",
            self.management_account, self.id
        )
    }
}

fn full_access() -> Arc<Policy> {
    static POLICY: OnceLock<Arc<Policy>> = OnceLock::new();
    POLICY
        .get_or_init(|| Arc::new(Policy::stored(PolicyKind::ServiceControl, FULL_ACCESS)))
        .clone()
}

fn account(text: &str) -> Result<AccountId, OrganizationError> {
    AccountId::parse(text).ok_or_else(|| OrganizationError::Account(text.to_owned()))
}

/// The root's id, made from the organization's: `o-abcd1234` -> `r-abcd`.
fn root_id(organization: &str) -> String {
    let tail: String = organization.trim_start_matches("o-").chars().take(4).collect();
    format!("r-{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(text: &str) -> Result<Organization, OrganizationError> {
        let input: OrganizationInput = serde_json::from_str(text).expect("the test writes valid input");
        Organization::build(&input, crate::state::CURRENT_DATE)
    }

    #[test]
    fn levels_go_from_the_root_to_the_account() {
        let organization = build(
            r#"{"id":"o-abcdef","management_account":"999999999999","root":{"units":{"dev":{"scp":[{"name":"d",
            "document":"{\"Version\":\"2012-10-17\",\"Statement\":[]}"}],"accounts":["111111111111"]}}}}"#,
        );
        // An empty statement list is refused, so this organization is too.
        assert!(matches!(organization, Err(OrganizationError::Policy { .. })));
        let organization = build(
            r#"{"id":"o-abcdef","management_account":"999999999999","root":{"units":{"dev":{"scp":[{"name":"d",
            "document":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"kms:*\",\"Resource\":\"*\"}]}"}],
            "accounts":["111111111111"]}}}}"#,
        )
        .expect("it is valid");
        let member = AccountId::parse("111111111111").expect("12 digits");
        let management = AccountId::parse("999999999999").expect("12 digits");
        assert_eq!(organization.service_control_levels(&member).len(), 2);
        assert_eq!(
            organization.service_control_levels(&member)[0].policies.len(),
            1,
            "FullAWSAccess at the root"
        );
        assert_eq!(organization.resource_control_levels(&member).len(), 2);
        assert!(organization.service_control_levels(&management).is_empty(), "iam:L-49");
        assert_eq!(organization.path(&member), Some("o-abcdef/r-abcd/ou-dev/"));
    }

    /// iam:§1.9: white space counts, the date decides, the RCP of AWS takes one place.
    #[test]
    fn quotas() {
        let rcp = |size: usize| {
            let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}"#;
            format!("{text}{}", " ".repeat(size - text.len()))
        };
        let scp = |size: usize| format!("{FULL_ACCESS}{}", " ".repeat(size - FULL_ACCESS.len()));
        let built = |scps: &[String], rcps: &[String], as_of: Date| {
            let policies = |texts: &[String]| {
                let policy = |text: &String| PolicyInput {
                    name: "p".to_owned(),
                    arn: None,
                    document: text.clone(),
                };
                texts.iter().map(policy).collect()
            };
            let input = OrganizationInput {
                id: "o-a".to_owned(),
                root_id: None,
                management_account: "999999999999".to_owned(),
                root: NodeInput {
                    scp: policies(scps),
                    rcp: policies(rcps),
                    ..NodeInput::default()
                },
            };
            Organization::build(&input, as_of).err()
        };
        let too_long = |longest| {
            Some(OrganizationError::TooLong {
                name: "p".to_owned(),
                longest,
            })
        };
        let too_many = |most| Some(OrganizationError::TooMany { most });
        let (before, since) = (date(2026, 5, 14), date(2026, 5, 15));
        assert_eq!(built(&[scp(10_240)], &[], since), None);
        assert_eq!(built(&[scp(10_241)], &[], since), too_long(10_240));
        assert_eq!(built(&[scp(5_120)], &[], before), None);
        assert_eq!(built(&[scp(5_121)], &[], before), too_long(5_120));
        assert_eq!(built(&[], &[rcp(5_120)], since), None);
        assert_eq!(built(&[], &[rcp(5_121)], since), too_long(5_120));
        assert_eq!(built(&vec![scp(200); 10], &[], since), None);
        assert_eq!(built(&vec![scp(200); 11], &[], since), too_many(10));
        assert_eq!(built(&vec![scp(200); 6], &[], before), too_many(5));
        assert_eq!(built(&[], &vec![rcp(200); 4], since), None);
        assert_eq!(built(&[], &vec![rcp(200); 5], since), too_many(4));
    }

    #[test]
    fn an_account_has_one_place() {
        let organization = build(
            r#"{"id":"o-a","management_account":"999999999999",
            "root":{"accounts":["111111111111"],"units":{"x":{"accounts":["111111111111"]}}}}"#,
        );
        assert_eq!(
            organization.err(),
            Some(OrganizationError::Twice("111111111111".to_owned()))
        );
    }
}
