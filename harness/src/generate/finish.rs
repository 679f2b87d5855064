//! Turns the scene into a Case: documents, accounts, organization, callers of steps. What stands in them is decided before.

use std::collections::BTreeMap;

use countersign_model::case::{
    AccountSpec, AdvanceStep, BucketEncryptionSpec, BucketSpec, CallStep, Case, GroupSpec, InvokeStep, KeySpec,
    OrganizationSpec, OrganizationUnitSpec, PolicyText, PublicAccessBlockSpec, RoleSpec, Step, StepKind, StepPrincipal,
    UserSpec, VpcEndpointKind, VpcEndpointSpec, WorldSpec,
};
use countersign_model::name::{AccountId, Action, Region};
use serde_json::json;

use super::Discard;
use super::scene::{ActorKind, CallDraft, Encryption, Place, Scene, StepDraft};
use super::statement::{Draft, Effect, Principals, document, of_some_version};
use super::vocabulary as words;

impl Scene<'_, '_, '_> {
    /// The Case, without id and origin.
    pub(super) fn finish(mut self) -> Result<Case, Discard> {
        if self.steps.is_empty() {
            return Err(Discard::NoSteps);
        }
        self.add_noise();
        self.fill_empty_places();
        let mut accounts: BTreeMap<AccountId, AccountSpec> = BTreeMap::new();
        for account in &self.accounts {
            accounts.insert(account.clone(), AccountSpec::default());
        }
        self.render_identities(&mut accounts);
        self.render_keys(&mut accounts);
        self.render_buckets(&mut accounts);
        for (account, block) in &self.account_blocks {
            if let Some(spec) = accounts.get_mut(&self.accounts[*account]) {
                spec.public_access_block = Some(*block);
            }
        }
        self.render_extras(&mut accounts);
        let organization = self.render_organization(&mut accounts);
        let steps = self.render_steps()?;
        if self.dice.exhausted() {
            return Err(Discard::Exhausted);
        }
        let clock = format!("{}-{}T12:00:00Z", self.year, if self.past { "06-15" } else { "11-22" });
        let world = WorldSpec {
            region: region(self.region),
            clock: clock.parse().ok(),
            propagation: self.propagation.map(str::to_owned),
            accounts,
            organization,
        };
        Ok(Case {
            schema: None,
            countersign: 1,
            id: "generated".to_owned(),
            title: None,
            source: Vec::new(),
            evidence: None,
            rules: Vec::new(),
            origin: None,
            as_of: if self.past {
                format!("{}-06-15", self.year).parse().ok()
            } else {
                None
            },
            quirks: BTreeMap::new(),
            world: Some(world),
            steps,
            evaluate: None,
            expect: None,
        })
    }

    // ---- rendering ----

    fn render_identities(&mut self, accounts: &mut BTreeMap<AccountId, AccountSpec>) {
        for index in 0..self.identities.len() {
            let identity = self.identities[index].clone();
            let account = self.accounts[identity.account].clone();
            let drafts = self.policies.get(&Place::Identity(index)).cloned().unwrap_or_default();
            let mut inline: BTreeMap<String, PolicyText> = BTreeMap::new();
            let mut attached: Vec<String> = identity.attached.iter().cloned().collect();
            let mut groups = Vec::new();
            // The first half in one document, the rest in another: inline, managed or a group's.
            let cut = if drafts.len() > 1 {
                1 + self.dice.position(drafts.len())
            } else {
                drafts.len()
            };
            let Some(spec) = accounts.get_mut(&account) else {
                continue;
            };
            for (number, part) in [&drafts[..cut], &drafts[cut..]].into_iter().enumerate() {
                if part.is_empty() {
                    continue;
                }
                let document = document(&mut self.dice, part);
                match self.dice.below(5) {
                    0 => {
                        let name = format!("{}-{}", identity.name, if number == 0 { "base" } else { "more" });
                        attached.push(name.clone());
                        spec.managed_policies.insert(name, document);
                    }
                    1 if !identity.role => {
                        let name = format!("{}-team{}", identity.name, if number == 0 { "" } else { "2" });
                        groups.push(name.clone());
                        let policies = [("group".to_owned(), document)].into();
                        spec.groups.insert(
                            name,
                            GroupSpec {
                                path: None,
                                policies,
                                attached: Vec::new(),
                            },
                        );
                    }
                    _ => {
                        let document = of_some_version(&mut self.dice, document);
                        inline.insert(
                            if number == 0 {
                                "access".to_owned()
                            } else {
                                "more".to_owned()
                            },
                            document,
                        );
                    }
                }
            }
            let permissions_boundary = self.policies.get(&Place::Boundary(index)).cloned().map(|drafts| {
                let name = format!("{}-boundary", identity.name);
                let document = document(&mut self.dice, &drafts);
                spec.managed_policies.insert(name.clone(), document);
                name
            });
            if identity.role {
                let trust = self.policies.get(&Place::Trust(index)).cloned();
                let trust = trust.map(|drafts| document(&mut self.dice, &drafts));
                let role = RoleSpec {
                    trust,
                    path: identity.path,
                    policies: inline,
                    attached,
                    permissions_boundary,
                    tags: identity.tags,
                    ..RoleSpec::default()
                };
                spec.roles.insert(identity.name, role);
            } else {
                let user = UserSpec {
                    path: identity.path,
                    policies: inline,
                    attached,
                    groups,
                    permissions_boundary,
                    tags: identity.tags,
                };
                spec.users.insert(identity.name, user);
            }
        }
    }

    fn render_keys(&mut self, accounts: &mut BTreeMap<AccountId, AccountSpec>) {
        for index in 0..self.keys.len() {
            let drafts = self.policies.get(&Place::Key(index)).cloned();
            let policy = drafts.map(|drafts| {
                let document = document(&mut self.dice, &drafts);
                of_some_version(&mut self.dice, document)
            });
            let key = self.keys[index].clone();
            let Some(spec) = accounts.get_mut(&self.accounts[key.account]) else {
                continue;
            };
            let rendered = KeySpec {
                spec: key.kind.map(|(spec, _)| spec.to_owned()),
                usage: key.kind.map(|(_, usage)| usage.to_owned()),
                tags: key.tags,
                state: key.state,
                aliases: key.alias.into_iter().collect(),
                origin: key.origin.map(str::to_owned),
                multi_region: key.multi_region.then_some(true),
                policy,
                grants: key.grants.into_iter().map(|(name, grant)| (name, grant.spec)).collect(),
                ..KeySpec::default()
            };
            spec.keys.insert(key.name, rendered);
        }
    }

    fn render_buckets(&mut self, accounts: &mut BTreeMap<AccountId, AccountSpec>) {
        for index in 0..self.buckets.len() {
            let bucket = self.buckets[index].clone();
            if bucket.made {
                continue;
            }
            let drafts = self.policies.get(&Place::Bucket(index)).cloned();
            // Block Public Access refuses a public policy, so where everybody is named it is off.
            let names_everyone = drafts.as_ref().is_some_and(|drafts| {
                drafts
                    .iter()
                    .any(|draft| draft.effect == Effect::Allow && matches!(draft.principals, Principals::Everyone))
            });
            let public_access_block = bucket.access.or_else(|| {
                (bucket.open || names_everyone).then(|| PublicAccessBlockSpec {
                    block_public_acls: bucket.acl.is_none() && self.dice.coin(),
                    ignore_public_acls: self.dice.coin(),
                    block_public_policy: false,
                    restrict_public_buckets: self.dice.below(7) == 0,
                })
            });
            let policy = drafts.map(|drafts| {
                let document = document(&mut self.dice, &drafts);
                of_some_version(&mut self.dice, document)
            });
            let encryption = match bucket.encryption {
                Encryption::Unset => None,
                Encryption::Aes => Some(BucketEncryptionSpec {
                    sse: "AES256".to_owned(),
                    key: None,
                    bucket_key: false,
                }),
                Encryption::Kms { key, bucket_key } => {
                    let same = self.keys[key].account == bucket.account;
                    let name = if same {
                        self.keys[key].name.clone()
                    } else {
                        self.key_arn(key)
                    };
                    Some(BucketEncryptionSpec {
                        sse: "aws:kms".to_owned(),
                        key: Some(name),
                        bucket_key,
                    })
                }
                Encryption::AwsManaged { bucket_key } => Some(BucketEncryptionSpec {
                    sse: "aws:kms".to_owned(),
                    key: None,
                    bucket_key,
                }),
            };
            let Some(spec) = accounts.get_mut(&self.accounts[bucket.account]) else {
                continue;
            };
            let rendered = BucketSpec {
                acl: bucket.acl.map(str::to_owned),
                ownership: bucket
                    .acl
                    .map(|_| "ObjectWriter")
                    .or(bucket.ownership)
                    .map(str::to_owned),
                requester_pays: bucket.requester_pays.then_some(true),
                sse_c_blocked: bucket.takes_customer_keys.then_some(false),
                tags: bucket.tags,
                abac: bucket.by_tags.then_some(true),
                encryption,
                public_access_block,
                versioning: bucket.versioned.then(|| "Enabled".to_owned()),
                policy,
                objects: bucket.objects,
                ..BucketSpec::default()
            };
            spec.buckets.insert(bucket.name, rendered);
        }
    }

    fn render_extras(&mut self, accounts: &mut BTreeMap<AccountId, AccountSpec>) {
        for (account, name, function) in self.extras.functions.clone() {
            if let Some(spec) = accounts.get_mut(&self.accounts[account]) {
                spec.functions.insert(name, function);
            }
        }
        for (account, name, vault) in self.extras.vaults.clone() {
            if let Some(spec) = accounts.get_mut(&self.accounts[account]) {
                spec.backup_vaults.insert(name, vault);
            }
        }
        if let (Some((service, gateway)), Some(spec)) = (self.endpoint, accounts.get_mut(&self.accounts[0])) {
            let policy = self
                .policies
                .get(&Place::Endpoint)
                .cloned()
                .map(|drafts| document(&mut self.dice, &drafts));
            let kind = if gateway {
                VpcEndpointKind::Gateway
            } else {
                VpcEndpointKind::Interface
            };
            spec.vpc_endpoints.insert(
                ENDPOINT.to_owned(),
                VpcEndpointSpec {
                    service: service.to_owned(),
                    kind,
                    policy,
                },
            );
        }
    }

    fn render_organization(&mut self, accounts: &mut BTreeMap<AccountId, AccountSpec>) -> Option<OrganizationSpec> {
        if !self.organization {
            return None;
        }
        // Seldom the first account of the story itself, which no policy of the organization binds then (`iam:L-49`).
        let (management_account, members) = if self.manages || self.dice.below(6) == 0 {
            (self.accounts[0].clone(), self.accounts[1..].to_vec())
        } else {
            (AccountId::new(words::MANAGEMENT_ACCOUNT).ok()?, self.accounts.clone())
        };
        accounts.entry(management_account.clone()).or_default();
        let [mut root, mut unit] = [0, 1].map(|node| OrganizationUnitSpec {
            scp: self.render_scps(node),
            rcp: self
                .policies
                .get(&Place::Rcp(node))
                .cloned()
                .map(|drafts| document(&mut self.dice, &drafts))
                .into_iter()
                .collect(),
            ..OrganizationUnitSpec::default()
        });
        root.accounts = vec![management_account.clone()];
        let (inside, outside): (Vec<AccountId>, Vec<AccountId>) = members
            .into_iter()
            .partition(|account| !self.apart || *account == self.accounts[0]);
        unit.accounts = inside;
        root.accounts.extend(outside);
        root.units = [("workloads".to_owned(), unit)].into();
        Some(OrganizationSpec {
            management_account,
            root,
        })
    }

    fn render_scps(&mut self, node: usize) -> Vec<PolicyText> {
        let Some(drafts) = self.policies.get(&Place::Scp(node)).cloned() else {
            return Vec::new();
        };
        let mut list = Vec::new();
        if !self.scp_without_full_access.contains(&node) {
            let full = Draft::allow(Principals::Absent, vec!["*".to_owned()], vec!["*".to_owned()]);
            list.push(document(&mut self.dice, &[full]));
        }
        list.push(document(&mut self.dice, &drafts));
        list
    }

    fn render_steps(&mut self) -> Result<Vec<Step>, Discard> {
        let mut steps = Vec::with_capacity(self.steps.len());
        // An actor is the same in every step, and may be in very many.
        let mut principals: BTreeMap<usize, StepPrincipal> = BTreeMap::new();
        for (number, draft) in std::mem::take(&mut self.steps).into_iter().enumerate() {
            steps.push(match draft {
                StepDraft::Advance(duration) => Step::Advance(AdvanceStep {
                    name: Some(format!("{} later", number + 1)),
                    advance: duration.to_owned(),
                }),
                StepDraft::Invoke { function, cold } => Step::Invoke(Box::new(InvokeStep {
                    name: Some(format!("{} {function} starts", number + 1)),
                    kind: StepKind::Setup,
                    function,
                    account: None,
                    cold,
                    expect: None,
                })),
                StepDraft::Call(call) => {
                    let principal = match principals.get(&call.actor) {
                        Some(principal) => principal.clone(),
                        None => {
                            let principal = self.render_principal(call.actor);
                            principals.insert(call.actor, principal.clone());
                            principal
                        }
                    };
                    self.render_call(number, *call, principal)?
                }
            });
        }
        Ok(steps)
    }

    fn render_call(&mut self, number: usize, draft: CallDraft, principal: StepPrincipal) -> Result<Step, Discard> {
        let operation = draft.call.split(':').next_back().unwrap_or_default();
        let name = format!("{} {} {operation}", number + 1, self.short_name(draft.actor));
        let call = Action::new(draft.call.clone()).map_err(|_| Discard::Malformed)?;
        let through = draft.through_endpoint.then(|| ENDPOINT.to_owned());
        Ok(Step::Call(Box::new(CallStep {
            name: Some(name),
            kind: StepKind::Setup,
            principal,
            call,
            with: draft.with,
            region: draft.region.map(region),
            through,
            shape: draft.shape,
            context: draft.context,
            save: draft.save,
            expect: None,
        })))
    }

    fn render_principal(&mut self, actor: usize) -> StepPrincipal {
        let who = self.actors[actor].clone();
        let name = self.short_name(actor);
        let policy = self
            .policies
            .get(&Place::Session(actor))
            .cloned()
            // Written the same way in every step of this actor, or the steps would not share a session.
            .map(|drafts| plain_document(&drafts).into());
        // A case of very many steps says it where a reader could look it up: the model need not do so for each.
        let owner = who
            .identity
            .map_or(who.account, |identity| self.identities[identity].account);
        let account = (self.settings.crossings > 0).then(|| self.accounts[owner].clone());
        match who.kind {
            ActorKind::User { mfa } => StepPrincipal::User { account, name, mfa },
            ActorKind::Role {
                session,
                tags,
                mfa,
                source_identity,
                policy_arns,
            } => StepPrincipal::Role {
                account,
                name,
                session,
                policy,
                policy_arns: policy_arns.into_iter().map(str::to_owned).collect(),
                tags,
                source_identity,
                mfa,
            },
            ActorKind::Federated { name } => {
                let by = who
                    .identity
                    .map_or_else(|| "root".to_owned(), |identity| self.identities[identity].name.clone());
                StepPrincipal::FederatedUser {
                    account,
                    name,
                    by,
                    policy,
                }
            }
            ActorKind::Root => StepPrincipal::Root {
                account: Some(self.accounts[who.account].clone()),
            },
            ActorKind::Service {
                name,
                source_arn,
                source_account,
            } => StepPrincipal::Service {
                name,
                source_arn,
                source_account,
            },
            ActorKind::Anonymous => StepPrincipal::Anonymous,
        }
    }
}

/// The name of the VPC endpoint of generated cases.
pub(crate) const ENDPOINT: &str = "door";

/// A document in one fixed writing: lists everywhere, no Sids.
fn plain_document(drafts: &[Draft]) -> PolicyText {
    let bytes: &[u8] = &[];
    let mut source = arbitrary::Unstructured::new(bytes);
    let mut dice = super::dice::Dice::new(&mut source);
    let statements: Vec<serde_json::Value> = drafts.iter().map(|draft| draft.render(&mut dice)).collect();
    let mut document = serde_json::Map::new();
    document.insert("Version".to_owned(), json!("2012-10-17"));
    document.insert("Statement".to_owned(), serde_json::Value::Array(statements));
    PolicyText::Document(document)
}

fn region(name: &str) -> Region {
    Region::new(name).unwrap_or_default()
}
