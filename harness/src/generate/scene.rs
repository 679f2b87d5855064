//! The world in the making: accounts, identities, keys, buckets and the policies between them, with the callers and steps of the
//! stories. Here things are created and looked up; `permit` and `breakage` write policies, `finish` renders the Case.

use std::collections::{BTreeMap, BTreeSet};

use countersign_model::case::{GrantSpec, ObjectSpec, PublicAccessBlockSpec, Shape};
use countersign_model::name::AccountId;
use serde_json::{Map, Value, json};

use super::Settings;
use super::dice::Dice;
use super::statement::{Draft, Effect, Principals};
use super::vocabulary as words;

/// The Sid of the statement that delegates a whole key.
pub(super) const DELEGATION_SID: &str = "Enable IAM User Permissions";

/// Where a policy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The key policy of a key.
    Key(usize),
    /// The bucket policy of a bucket.
    Bucket(usize),
    /// The identity policies of a user or role.
    Identity(usize),
    /// The trust policy of a role; without statements the API's default stands.
    Trust(usize),
    /// The permissions boundary of a user or role.
    Boundary(usize),
    /// The session policy of an actor.
    Session(usize),
    /// The SCPs of an organization node: 0 the root, 1 the unit that holds the accounts.
    Scp(usize),
    /// The RCPs of an organization node.
    Rcp(usize),
    /// The policy of the VPC endpoint.
    Endpoint,
}

/// A user or a role.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) account: usize,
    pub(super) name: String,
    pub(super) role: bool,
    pub(super) path: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    /// AWS managed policies, attached as they are.
    pub(super) attached: BTreeSet<String>,
    /// No noise is written for it: somebody is to delete it.
    pub(super) bare: bool,
}

/// Who calls.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub(super) kind: ActorKind,
    /// Index of its account; the first for services and anonymous callers, whom no account binds.
    pub(super) account: usize,
    /// The user or role whose policies it carries; for a federated user the user that made it.
    pub(super) identity: Option<usize>,
}

/// What kind of caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ActorKind {
    User {
        mfa: Option<bool>,
    },
    Role {
        session: String,
        tags: BTreeMap<String, String>,
        mfa: Option<bool>,
        source_identity: Option<String>,
        /// Managed policies of AWS that the session is limited by.
        policy_arns: Vec<&'static str>,
    },
    Federated {
        name: String,
    },
    Root,
    Service {
        name: String,
        source_arn: Option<String>,
        source_account: Option<AccountId>,
    },
    Anonymous,
}

/// A KMS key.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) account: usize,
    pub(super) name: String,
    pub(super) alias: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) state: Option<String>,
    pub(super) grants: BTreeMap<String, Grant>,
    /// The key policy of the API default: nothing else is written into it.
    pub(super) default_policy: bool,
    /// `KeySpec` and `KeyUsage` where they are not those of a symmetric encryption key.
    pub(super) kind: Option<(&'static str, &'static str)>,
    /// `Origin` where it is not `AWS_KMS`.
    pub(super) origin: Option<&'static str>,
    /// Whether it is the primary of a multi-Region key.
    pub(super) multi_region: bool,
}

/// A grant given in the world.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) spec: GrantSpec,
    /// The paths this grant is part of: (actor, action).
    pub(super) serves: Vec<(usize, String)>,
}

/// How a bucket encrypts what comes without a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Encryption {
    /// SSE-S3, not even written down.
    Unset,
    /// SSE-S3.
    Aes,
    /// SSE-KMS under one of our keys.
    Kms { key: usize, bucket_key: bool },
    /// SSE-KMS under `aws/s3`.
    AwsManaged { bucket_key: bool },
}

/// A bucket.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    pub(super) account: usize,
    pub(super) name: String,
    pub(super) encryption: Encryption,
    /// Block Public Access is off.
    pub(super) open: bool,
    /// Whether versioning is on.
    pub(super) versioned: bool,
    /// Block Public Access as it is, where the story says so.
    pub(super) access: Option<PublicAccessBlockSpec>,
    /// Canned ACL, on a bucket whose ACLs count.
    pub(super) acl: Option<&'static str>,
    /// Whether others pay for their requests.
    pub(super) requester_pays: bool,
    /// Object Ownership where it is not the default; on a bucket with an ACL `ObjectWriter` in any case.
    pub(super) ownership: Option<&'static str>,
    /// It comes to be by a step: the world does not have it, and policies name it by its ARN.
    pub(super) made: bool,
    /// Whether it was told to take uploads under customers' keys.
    pub(super) takes_customer_keys: bool,
    pub(super) tags: BTreeMap<String, String>,
    /// Whether its tags count for permissions.
    pub(super) by_tags: bool,
    pub(super) objects: BTreeMap<String, ObjectSpec>,
}

/// A step in the making: the caller is rendered at the end, when its session policy is known.
#[derive(Debug, Clone)]
pub(super) enum StepDraft {
    /// A call by an actor.
    Call(Box<CallDraft>),
    /// The clock moves.
    Advance(&'static str),
    /// A function starts.
    Invoke { function: String, cold: bool },
}

/// A call in the making.
#[derive(Debug, Clone)]
pub(super) struct CallDraft {
    pub(super) actor: usize,
    pub(super) call: String,
    pub(super) with: Map<String, Value>,
    pub(super) through_endpoint: bool,
    /// The Region it goes to, where it is not the world's.
    pub(super) region: Option<&'static str>,
    pub(super) shape: Shape,
    pub(super) context: BTreeMap<String, Value>,
    pub(super) save: BTreeMap<String, String>,
}

/// A function or a backup vault, only in stories about services.
#[derive(Debug, Clone, Default)]
pub(super) struct Extras {
    /// Function name -> (account, role name, key, environment, whether the service's grant is there).
    pub(super) functions: Vec<(usize, String, countersign_model::case::FunctionSpec)>,
    /// Vault name -> key.
    pub(super) vaults: Vec<(usize, String, countersign_model::case::BackupVaultSpec)>,
}

/// The whole scene.
#[derive(Debug)]
pub(super) struct Scene<'s, 'u, 'bytes> {
    pub(super) dice: Dice<'u, 'bytes>,
    pub(super) settings: &'s Settings,
    pub(super) region: &'static str,
    /// Year of the Case clock, which stands in the middle of it.
    pub(super) year: i16,
    /// Whether the year is written as `as_of`.
    pub(super) past: bool,
    pub(super) accounts: Vec<AccountId>,
    pub(super) organization: bool,
    /// Whether the second account is directly below the organization's root, not in the unit.
    pub(super) apart: bool,
    /// Whether the first account manages the organization.
    pub(super) manages: bool,
    /// Block Public Access of accounts.
    pub(super) account_blocks: BTreeMap<usize, PublicAccessBlockSpec>,
    /// Minutes until grants, policies and tags take effect.
    pub(super) propagation: Option<&'static str>,
    pub(super) identities: Vec<Identity>,
    pub(super) actors: Vec<Actor>,
    pub(super) keys: Vec<Key>,
    pub(super) buckets: Vec<Bucket>,
    /// A gateway or interface endpoint in the first account: (service, is it a gateway).
    pub(super) endpoint: Option<(&'static str, bool)>,
    pub(super) policies: BTreeMap<Place, Vec<Draft>>,
    /// Organization nodes whose list of SCPs stands without FullAWSAccess.
    pub(super) scp_without_full_access: BTreeSet<usize>,
    pub(super) steps: Vec<StepDraft>,
    pub(super) extras: Extras,
    pub(super) names: BTreeSet<String>,
    pub(super) saved: u32,
}

impl<'s, 'u, 'bytes> Scene<'s, 'u, 'bytes> {
    /// The ground: accounts, Region, date, organization. Nobody lives there yet.
    pub(super) fn new(mut dice: Dice<'u, 'bytes>, settings: &'s Settings) -> Self {
        let first = dice.position(words::ACCOUNTS.len());
        let mut accounts = vec![account(words::ACCOUNTS[first])];
        if dice.percent(settings.second_account) {
            let step = 1 + dice.position(words::ACCOUNTS.len() - 1);
            accounts.push(account(words::ACCOUNTS[(first + step) % words::ACCOUNTS.len()]));
        }
        let past = dice.percent(settings.past);
        let year = if past {
            *dice.pick(&[2021, 2022, 2023, 2024, 2025])
        } else {
            2026
        };
        let region = *dice.pick(words::REGIONS);
        let organization = dice.percent(settings.organization);
        Self {
            dice,
            settings,
            region,
            year,
            past,
            accounts,
            organization,
            apart: false,
            manages: false,
            account_blocks: BTreeMap::new(),
            propagation: None,
            identities: Vec::new(),
            actors: Vec::new(),
            keys: Vec::new(),
            buckets: Vec::new(),
            endpoint: None,
            policies: BTreeMap::new(),
            scp_without_full_access: BTreeSet::new(),
            steps: Vec::new(),
            extras: Extras::default(),
            names: BTreeSet::new(),
            saved: 0,
        }
    }

    /// Whether the scene has two accounts.
    pub(super) fn crosses(&self) -> bool {
        self.accounts.len() > 1
    }

    /// Index of the second account, or of the only one.
    pub(super) fn other_account(&self) -> usize {
        self.accounts.len() - 1
    }

    /// How many steps there is still room for.
    pub(super) fn room(&self) -> usize {
        (self.settings.most_steps as usize).saturating_sub(self.steps.len())
    }

    /// Adds a statement.
    pub(super) fn write(&mut self, place: Place, draft: Draft) {
        if let Place::Key(key) = place
            && self.keys[key].default_policy
        {
            // What the default says must now be said, or the first statement would take it away.
            self.keys[key].default_policy = false;
            let whole = self.whole_delegation(key);
            self.policies.entry(place).or_default().push(whole);
        }
        if let Place::Trust(role) = place
            && draft.effect == Effect::Deny
            && !self.policies.contains_key(&place)
        {
            let root = self.accounts[self.identities[role].account].root_arn();
            let default = Draft::allow(
                Principals::Aws(vec![root]),
                vec!["sts:AssumeRole".to_owned()],
                Vec::new(),
            );
            self.policies.entry(place).or_default().push(default);
        }
        self.policies.entry(place).or_default().push(draft);
    }

    /// The statement of the API's default key policy (`svc:P-7`).
    pub(super) fn whole_delegation(&self, key: usize) -> Draft {
        let root = self.accounts[self.keys[key].account].root_arn();
        let mut draft = Draft::allow(
            Principals::Aws(vec![root]),
            vec!["kms:*".to_owned()],
            vec!["*".to_owned()],
        );
        draft.sid = Some(DELEGATION_SID.to_owned());
        draft
    }

    /// Adds a step, as long as there is room.
    pub(super) fn call(&mut self, mut draft: CallDraft) {
        if self.room() > 0 {
            if self.asked_before(&draft) && self.dice.below(10) < 6 {
                // The same question from another place is another question.
                let address = format!("198.51.100.{}", 1 + self.dice.below(250));
                draft.context.insert("aws:SourceIp".to_owned(), json!(address));
            }
            self.steps.push(StepDraft::Call(Box::new(draft)));
        }
    }

    /// Whether it can be said where an actor calls from: a service has no network of the customer's, and nobody signs for the anonymous.
    pub(super) fn has_network(&self, actor: usize) -> bool {
        !matches!(
            self.actors[actor].kind,
            ActorKind::Service { .. } | ActorKind::Anonymous
        )
    }

    /// Whether a call that can come from another place was made before.
    fn asked_before(&self, draft: &CallDraft) -> bool {
        let movable = !draft.through_endpoint && draft.context.is_empty() && self.has_network(draft.actor);
        movable
            && self.steps.iter().any(|step| match step {
                StepDraft::Call(other) => {
                    other.actor == draft.actor
                        && other.call == draft.call
                        && other.with == draft.with
                        && other.shape == draft.shape
                        && other.context.is_empty()
                }
                _ => false,
            })
    }

    // ---- naming ----

    /// The ARN of an identity, as a reference.
    pub(super) fn identity_arn(&self, identity: usize) -> String {
        let identity = &self.identities[identity];
        format!(
            "{{{{{}{}.arn}}}}",
            if identity.role { "role" } else { "user" },
            segment(&identity.name)
        )
    }

    /// The ARN of a session of a role, as a reference.
    pub(super) fn session_arn(&self, identity: usize, session: &str) -> String {
        format!(
            "{{{{role{}.session{}.arn}}}}",
            segment(&self.identities[identity].name),
            segment(session)
        )
    }

    /// What `aws:PrincipalArn` is for an actor; none for services and anonymous callers.
    pub(super) fn principal_arn(&self, actor: usize) -> Option<String> {
        let actor = &self.actors[actor];
        match &actor.kind {
            ActorKind::User { .. } | ActorKind::Role { .. } => {
                actor.identity.map(|identity| self.identity_arn(identity))
            }
            ActorKind::Federated { name } => Some(format!(
                "arn:aws:sts::{}:federated-user/{name}",
                self.accounts[actor.account]
            )),
            ActorKind::Root => Some(self.accounts[actor.account].root_arn()),
            ActorKind::Service { .. } | ActorKind::Anonymous => None,
        }
    }

    /// The ARN that is this very caller: the session's for roles.
    pub(super) fn caller_arn(&self, actor: usize) -> Option<String> {
        match (&self.actors[actor].kind, self.actors[actor].identity) {
            (ActorKind::Role { session, .. }, Some(identity)) => Some(self.session_arn(identity, session)),
            _ => self.principal_arn(actor),
        }
    }

    /// The ARN of a key, as a reference.
    pub(super) fn key_arn(&self, key: usize) -> String {
        format!("{{{{key{}.arn}}}}", segment(&self.keys[key].name))
    }

    /// The id of a key, as a reference.
    pub(super) fn key_id(&self, key: usize) -> String {
        format!("{{{{key{}.id}}}}", segment(&self.keys[key].name))
    }

    /// The ARN of a bucket, as a reference.
    pub(super) fn bucket_arn(&self, bucket: usize) -> String {
        let bucket = &self.buckets[bucket];
        if bucket.made {
            return format!("arn:aws:s3:::{}", bucket.name);
        }
        format!("{{{{bucket{}.arn}}}}", segment(&bucket.name))
    }

    /// A short name of the actor for step names.
    pub(super) fn short_name(&self, actor: usize) -> String {
        let actor = &self.actors[actor];
        match &actor.kind {
            ActorKind::User { .. } | ActorKind::Role { .. } => actor
                .identity
                .map_or_else(String::new, |identity| self.identities[identity].name.clone()),
            ActorKind::Federated { name } => name.clone(),
            ActorKind::Root => "root".to_owned(),
            ActorKind::Service { name, .. } => name.clone(),
            ActorKind::Anonymous => "anonymous".to_owned(),
        }
    }
}

/// A segment of a reference: `.name`, or `["name"]` where the name has a dot or another special character.
pub(super) fn segment(name: &str) -> String {
    let plain = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if plain {
        format!(".{name}")
    } else {
        format!("[\"{name}\"]")
    }
}

/// `{text: …}`, the readable form of a blob.
pub(super) fn text_blob(text: &str) -> Value {
    json!({"text": text})
}

fn account(id: &str) -> AccountId {
    AccountId::new(id).expect("the vocabulary holds account ids only, which a test checks")
}

#[cfg(test)]
mod tests {
    use super::{account, segment, words};

    #[test]
    fn the_vocabulary_holds_account_ids() {
        for id in words::ACCOUNTS {
            assert_eq!(account(id).as_str(), *id);
        }
        assert_eq!(account(words::MANAGEMENT_ACCOUNT).as_str(), words::MANAGEMENT_ACCOUNT);
    }

    #[test]
    fn names_with_dots_are_quoted_in_references() {
        assert_eq!(segment("a-b"), ".a-b");
        assert_eq!(segment("a.b"), "[\"a.b\"]");
    }
}
