//! Writes the policies that let a request through: for every group of checks one allow source, chosen among those that suffice for
//! the caller. What breaks such a path is in `breakage`.

use std::collections::{BTreeMap, BTreeSet};

use countersign_model::case::{GrantConstraintsSpec, GrantSpec};

use super::request::{Request, Target};
use super::scene::{ActorKind, Grant, Place, Scene};
use super::statement::{Condition, Draft, Principals};
use super::vocabulary as words;

/// Where checks meet the same resource policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Key(usize),
    Bucket(usize),
    Role(usize),
    Nothing,
}

impl Scene<'_, '_, '_> {
    /// Lets the request through.
    pub(super) fn permit(&mut self, request: &Request) {
        let mut groups: BTreeMap<Group, Vec<usize>> = BTreeMap::new();
        for (position, need) in request.needs.iter().enumerate() {
            let group = match &need.target {
                Target::Key(key) => Group::Key(*key),
                Target::Bucket(bucket) | Target::Object(bucket, _) => Group::Bucket(*bucket),
                Target::Role(role) => Group::Role(*role),
                Target::Alias(..) | Target::Any => Group::Nothing,
            };
            groups.entry(group).or_default().push(position);
        }
        for (group, positions) in groups {
            match group {
                Group::Key(key) => self.permit_on_key(request, key, &positions),
                Group::Bucket(bucket) => self.permit_on_bucket(request, bucket, &positions),
                Group::Role(role) => self.permit_on_role(request, role, &positions),
                Group::Nothing => self.allow_identity(request, &positions),
            }
            self.let_through_guardrails(request, &positions);
        }
    }

    fn permit_on_key(&mut self, request: &Request, key: usize, positions: &[usize]) {
        let actor = request.call.actor;
        let own = self.keys[key].account == self.actors[actor].account;
        match self.actors[actor].kind.clone() {
            ActorKind::Anonymous => {}
            ActorKind::Service { name, .. } => {
                self.allow_key(request, key, positions, Principals::Service(vec![name]), true)
            }
            ActorKind::Root => {
                let account = self.actors[actor].account;
                self.delegate(request, key, positions, account);
            }
            _ => {
                let grantable = positions.iter().all(|position| request.needs[*position].grantable);
                match self.dice.below(10) {
                    0 | 1 if grantable => self.allow_by_grant(request, key, positions),
                    2..=4 if own => {
                        let (principals, must) = self.direct_principals(actor);
                        self.allow_key_with(request, key, positions, principals, must);
                    }
                    5..=9 if own => {
                        let account = self.actors[actor].account;
                        self.delegate(request, key, positions, account);
                        self.allow_identity(request, positions);
                    }
                    _ => {
                        // Both sides (`svc:K-7`).
                        if self.dice.coin() {
                            let account = self.actors[actor].account;
                            self.delegate(request, key, positions, account);
                        } else {
                            let (principals, must) = self.direct_principals(actor);
                            self.allow_key_with(request, key, positions, principals, must);
                        }
                        self.allow_identity(request, positions);
                    }
                }
            }
        }
    }

    /// Ways to name a caller directly in a resource policy, with the condition the way stands on.
    pub(super) fn direct_principals(&mut self, actor: usize) -> (Principals, Option<Condition>) {
        let parent = self.principal_arn(actor).unwrap_or_default();
        let caller = self.caller_arn(actor).unwrap_or_default();
        match self.dice.below(10) {
            0 => {
                let account = self.accounts[self.actors[actor].account].as_str().to_owned();
                let condition = Condition {
                    operator: "StringEquals".to_owned(),
                    key: "aws:PrincipalAccount".to_owned(),
                    values: vec![account],
                };
                (Principals::Everyone, Some(condition))
            }
            1 => {
                let operator = *self.dice.pick(&["ArnEquals", "ArnLike", "StringEquals", "StringLike"]);
                let condition = Condition {
                    operator: operator.to_owned(),
                    key: "aws:PrincipalArn".to_owned(),
                    values: vec![parent],
                };
                (Principals::Everyone, Some(condition))
            }
            2..=4 => (self.with_others(actor, caller), None),
            _ => (self.with_others(actor, parent), None),
        }
    }

    /// The principal, once in a while in company.
    fn with_others(&mut self, actor: usize, arn: String) -> Principals {
        let mut list = vec![arn];
        if self.dice.below(4) == 0 {
            let account = self.actors[actor].account;
            let others: Vec<usize> = (0..self.identities.len())
                .filter(|one| self.identities[*one].account == account)
                .collect();
            if !others.is_empty() {
                let other = *self.dice.pick(&others);
                let arn = self.identity_arn(other);
                if !list.contains(&arn) {
                    list.push(arn);
                }
            }
        }
        Principals::Aws(list)
    }

    fn allow_key_with(
        &mut self,
        request: &Request,
        key: usize,
        positions: &[usize],
        principals: Principals,
        must: Option<Condition>,
    ) {
        self.allow_key(request, key, positions, principals, true);
        if let (Some(condition), Some(last)) = (
            must,
            self.policies.get_mut(&Place::Key(key)).and_then(|list| list.last_mut()),
        ) {
            last.conditions.insert(0, condition);
        }
    }

    fn allow_key(
        &mut self,
        request: &Request,
        key: usize,
        positions: &[usize],
        principals: Principals,
        conditions: bool,
    ) {
        let actions = self.written_actions(request, positions, false);
        // In a key policy the resource is this key whatever stands there, as long as it matches (`svc:K-14`).
        let resource = if self.dice.below(8) == 0 {
            self.key_arn(key)
        } else {
            "*".to_owned()
        };
        let mut draft = Draft::allow(principals, actions, vec![resource]);
        draft.serves = serves(request, positions);
        if conditions && self.dice.percent(self.settings.condition) {
            self.add_holding_condition(request, positions, &mut draft, Place::Key(key));
        }
        self.write(Place::Key(key), draft);
    }

    /// The account principal: delegation to identity policies, and access for the root user (`svc:K-4`).
    fn delegate(&mut self, request: &Request, key: usize, positions: &[usize], account: usize) {
        let principal = if self.dice.below(4) == 0 {
            self.accounts[account].as_str().to_owned()
        } else {
            self.accounts[account].root_arn()
        };
        let whole = self.dice.below(10) < 7;
        let foreign = self.keys[key].account != account;
        let is_delegation = |draft: &Draft| {
            matches!(&draft.principals, Principals::Aws(list)
                if list.iter().any(|one| one == self.accounts[account].as_str() || *one == self.accounts[account].root_arn()))
                && draft.actions == ["kms:*"]
                && draft.conditions.is_empty()
        };
        let existing = self
            .policies
            .get(&Place::Key(key))
            .and_then(|list| list.iter().position(is_delegation));
        if let (Some(position), Some(list)) = (existing, self.policies.get_mut(&Place::Key(key))) {
            list[position].serves.extend(serves(request, positions));
            return;
        }
        if whole && !foreign {
            if self.keys[key].default_policy {
                // The API default is exactly this statement: nothing to write.
                return;
            }
            let mut draft = self.whole_delegation(key);
            draft.principals = Principals::Aws(vec![principal]);
            let taken = self
                .policies
                .get(&Place::Key(key))
                .is_some_and(|list| list.iter().any(|one| one.sid == draft.sid));
            if taken {
                draft.sid = None;
            }
            draft.serves = serves(request, positions);
            self.write(Place::Key(key), draft);
        } else {
            self.allow_key(request, key, positions, Principals::Aws(vec![principal]), true);
        }
    }

    /// An identity policy of the caller.
    pub(super) fn allow_identity(&mut self, request: &Request, positions: &[usize]) {
        let actor = request.call.actor;
        let Some(identity) = self.actors[actor].identity else {
            return;
        };
        let actions: Vec<String> = positions
            .iter()
            .map(|position| request.needs[*position].action.clone())
            .collect();
        if self.dice.below(12) == 0 {
            let covering: Vec<&str> = words::MANAGED_POLICIES
                .iter()
                .filter(|(_, prefixes)| {
                    actions
                        .iter()
                        .all(|action| prefixes.iter().any(|prefix| action.starts_with(prefix)))
                })
                .map(|(arn, _)| *arn)
                .collect();
            if !covering.is_empty() {
                let arn = (*self.dice.pick(&covering)).to_owned();
                self.identities[identity].attached.insert(arn);
                return;
            }
        }
        let draft = self.identity_draft(request, positions, true);
        self.write(Place::Identity(identity), draft);
    }

    /// A statement without principal that allows these checks.
    fn identity_draft(&mut self, request: &Request, positions: &[usize], conditions: bool) -> Draft {
        let actions = self.written_actions(request, positions, true);
        let resources = self.written_resources(request, positions);
        let mut draft = Draft::allow(Principals::Absent, actions, resources);
        draft.serves = serves(request, positions);
        if self.dice.below(25) == 0 {
            draft.not_action = true;
            draft.actions = vec!["iam:*".to_owned(), "organizations:*".to_owned()];
        }
        if conditions && self.dice.percent(self.settings.condition) {
            self.add_holding_condition(request, positions, &mut draft, Place::Identity(0));
        }
        draft
    }

    fn allow_by_grant(&mut self, request: &Request, key: usize, positions: &[usize]) {
        let actor = request.call.actor;
        let grantee = if self.dice.below(2) == 0 {
            self.caller_arn(actor)
        } else {
            self.principal_arn(actor)
        };
        let mut operations: Vec<String> = positions
            .iter()
            .map(|position| operation_name(&request.needs[*position].action))
            .collect();
        if self.dice.below(3) == 0 {
            // Of a key that does not encrypt data keys a grant can say less (`svc:G-4`).
            let more: &[&str] = match self.keys[key].kind {
                None => &["DescribeKey", "RetireGrant", "GenerateDataKeyWithoutPlaintext"],
                Some(_) => &["DescribeKey", "RetireGrant", "CreateGrant"],
            };
            operations.push((*self.dice.pick(more)).to_owned());
        }
        let unique: BTreeSet<String> = operations.into_iter().collect();
        let contexts: Vec<&BTreeMap<String, String>> = positions
            .iter()
            .filter_map(|position| request.needs[*position].context.as_ref())
            .collect();
        // One constraint must suit every check the grant is for.
        let shared = contexts
            .first()
            .filter(|first| contexts.iter().all(|one| one == *first))
            .map(|first| (*first).clone());
        let constraints = match shared {
            Some(context) if !context.is_empty() && self.dice.below(5) < 3 => Some(if self.dice.coin() {
                GrantConstraintsSpec {
                    encryption_context_equals: Some(context),
                    ..GrantConstraintsSpec::default()
                }
            } else {
                let first = context.into_iter().next().into_iter().collect();
                GrantConstraintsSpec {
                    encryption_context_subset: Some(first),
                    ..GrantConstraintsSpec::default()
                }
            }),
            _ => None,
        };
        let spec = GrantSpec {
            grantee_principal: grantee,
            operations: unique.into_iter().collect(),
            constraints,
            ..GrantSpec::default()
        };
        self.add_grant(key, spec, serves(request, positions));
    }

    /// A grant that is there from the start.
    pub(super) fn add_grant(&mut self, key: usize, spec: GrantSpec, serves: Vec<(usize, String)>) -> String {
        let name = format!("grant{}", self.keys[key].grants.len() + 1);
        self.keys[key].grants.insert(name.clone(), Grant { spec, serves });
        name
    }

    fn permit_on_bucket(&mut self, request: &Request, bucket: usize, positions: &[usize]) {
        let actor = request.call.actor;
        let own = self.buckets[bucket].account == self.actors[actor].account;
        match self.actors[actor].kind.clone() {
            ActorKind::Anonymous => {
                self.buckets[bucket].open = true;
                self.allow_bucket(request, bucket, positions, Principals::Everyone, None);
            }
            ActorKind::Service { name, .. } => {
                self.allow_bucket(request, bucket, positions, Principals::Service(vec![name]), None)
            }
            // The owner's root user needs nothing; a foreign one needs the bucket policy.
            ActorKind::Root if own => {}
            // What is yet to be made has no policy.
            _ if self.buckets[bucket].made => self.allow_identity(request, positions),
            ActorKind::Root => {
                let arn = self.accounts[self.actors[actor].account].root_arn();
                self.allow_bucket(request, bucket, positions, Principals::Aws(vec![arn]), None);
            }
            _ if own && self.dice.below(10) < 6 => self.allow_identity(request, positions),
            _ => {
                let (principals, must) = if !own && self.dice.below(3) == 0 {
                    (
                        Principals::Aws(vec![self.accounts[self.actors[actor].account].root_arn()]),
                        None,
                    )
                } else {
                    self.direct_principals(actor)
                };
                self.allow_bucket(request, bucket, positions, principals, must);
                if !own {
                    self.allow_identity(request, positions);
                }
            }
        }
    }

    fn allow_bucket(
        &mut self,
        request: &Request,
        bucket: usize,
        positions: &[usize],
        principals: Principals,
        must: Option<Condition>,
    ) {
        // S3 refuses a statement whose actions have no resource of their kind: one statement for each kind.
        for of_object in [false, true] {
            let kind: Vec<usize> = positions
                .iter()
                .copied()
                .filter(|position| matches!(request.needs[*position].target, Target::Object(..)) == of_object)
                .collect();
            if kind.is_empty() {
                continue;
            }
            let actions = self.written_actions(request, &kind, false);
            let actions = if of_object {
                actions
            } else {
                exact_actions(request, &kind)
            };
            let actions = if actions.iter().any(|action| action.ends_with('*')) {
                exact_actions(request, &kind)
            } else {
                actions
            };
            let resources = if of_object {
                self.object_patterns(request, &kind, bucket)
            } else {
                vec![self.bucket_arn(bucket)]
            };
            let mut draft = Draft::allow(principals.clone(), actions, resources);
            draft.serves = serves(request, &kind);
            draft.conditions.extend(must.clone());
            if self.dice.percent(self.settings.condition) {
                self.add_holding_condition(request, &kind, &mut draft, Place::Bucket(bucket));
            }
            self.write(Place::Bucket(bucket), draft);
        }
    }

    /// Boundary, session policy and SCP lists let the checks through as well.
    pub(super) fn let_through_guardrails(&mut self, request: &Request, positions: &[usize]) {
        let actor = request.call.actor;
        let mut places = Vec::new();
        if let Some(identity) = self.actors[actor].identity {
            places.push(Place::Boundary(identity));
        }
        places.push(Place::Session(actor));
        for place in places {
            if self.policies.contains_key(&place) {
                let draft = self.identity_draft(request, positions, false);
                self.write(place, draft);
            }
        }
        if self.organization && self.principal_arn(actor).is_some() {
            for node in self.scp_without_full_access.clone() {
                let mut draft = Draft::allow(
                    Principals::Absent,
                    exact_actions(request, positions),
                    vec!["*".to_owned()],
                );
                draft.serves = serves(request, positions);
                self.write(Place::Scp(node), draft);
            }
        }
    }

    /// A trust policy that names the caller, or its account with an identity policy behind; both across accounts.
    fn permit_on_role(&mut self, request: &Request, role: usize, positions: &[usize]) {
        let actor = request.call.actor;
        if self.principal_arn(actor).is_none() {
            return;
        }
        let own = self.identities[role].account == self.actors[actor].account;
        let direct = self.dice.below(5) < 2;
        let (principals, must) = if direct {
            self.direct_principals(actor)
        } else {
            (
                Principals::Aws(vec![self.accounts[self.actors[actor].account].root_arn()]),
                None,
            )
        };
        let mut draft = Draft::allow(principals, exact_actions(request, positions), Vec::new());
        draft.serves = serves(request, positions);
        draft.conditions.extend(must);
        if self.dice.percent(self.settings.condition) {
            self.add_holding_condition(request, positions, &mut draft, Place::Trust(role));
        }
        self.write(Place::Trust(role), draft);
        if !direct || !own {
            self.allow_identity(request, positions);
        }
    }
}

/// The actions themselves, each once.
pub(super) fn exact_actions(request: &Request, positions: &[usize]) -> Vec<String> {
    let mut actions: Vec<String> = Vec::new();
    for position in positions {
        let action = &request.needs[*position].action;
        if !actions.contains(action) {
            actions.push(action.clone());
        }
    }
    actions
}

/// The paths that these checks are part of.
pub(super) fn serves(request: &Request, positions: &[usize]) -> Vec<(usize, String)> {
    positions
        .iter()
        .map(|position| (request.call.actor, request.needs[*position].action.clone()))
        .collect()
}

/// `Decrypt` from `kms:Decrypt`: the name a grant uses.
pub(super) fn operation_name(action: &str) -> String {
    action.split_once(':').map_or(action, |(_, name)| name).to_owned()
}
