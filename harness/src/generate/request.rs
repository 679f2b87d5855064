//! A call that a story wants to make: its parameters, the checks it will need and what is known about each. Which policies let it
//! through is `permit`'s business; what really comes of it is the model's.

use std::collections::BTreeMap;

use countersign_model::case::Shape;
use serde_json::{Map, Value, json};

use super::fact::{Fact, Known};
use super::scene::{ActorKind, CallDraft, Encryption, Scene, text_blob};
use super::vocabulary::{Identifier, KmsOperation};

/// What a check is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// A key.
    Key(usize),
    /// A bucket.
    Bucket(usize),
    /// An object in a bucket.
    Object(usize, String),
    /// An alias of a key.
    Alias(usize, String),
    /// A role that is to be assumed.
    Role(usize),
    /// No resource: `*`.
    Any,
}

/// One check a call will need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) action: String,
    pub(super) target: Target,
    pub(super) facts: Vec<Fact>,
    /// A grant can permit it.
    pub(super) grantable: bool,
    /// The encryption context, for grants with constraints; none where the operation has none.
    pub(super) context: Option<BTreeMap<String, String>>,
    /// The S3 service asks for the caller.
    pub(super) via_s3: bool,
}

/// A call with what it needs.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) call: CallDraft,
    pub(super) needs: Vec<Need>,
}

/// A KMS call in the making.
#[derive(Debug, Clone, Default)]
pub(super) struct KmsCall {
    pub(super) context: BTreeMap<String, String>,
    /// Name of a saved ciphertext, for Decrypt and ReEncrypt.
    pub(super) ciphertext: Option<String>,
    /// The destination of ReEncrypt.
    pub(super) destination: Option<usize>,
}

impl Scene<'_, '_, '_> {
    /// A bare call without parameters or needs.
    pub(super) fn bare(&self, actor: usize, call: &str) -> CallDraft {
        CallDraft {
            actor,
            call: call.to_owned(),
            with: Map::new(),
            through_endpoint: false,
            region: None,
            shape: Shape::Header,
            context: BTreeMap::new(),
            save: BTreeMap::new(),
        }
    }

    /// Names the key in a request: ARN, id or alias, as the operation and the caller's account permit; and the alias, if it was used.
    pub(super) fn name_key(&mut self, actor: usize, key: usize, identifier: Identifier) -> (String, Option<String>) {
        let own = self.keys[key].account == self.actors[actor].account
            && !matches!(self.actors[actor].kind, ActorKind::Service { .. });
        match (self.dice.below(8), self.keys[key].alias.clone()) {
            (0 | 1, Some(alias)) if identifier == Identifier::KeyOrAlias && own => {
                (alias, self.keys[key].alias.clone())
            }
            (2, Some(alias)) if identifier == Identifier::KeyOrAlias => (
                format!(
                    "arn:aws:kms:{}:{}:{alias}",
                    self.region, self.accounts[self.keys[key].account]
                ),
                Some(alias),
            ),
            (0..=3, _) if own => (self.key_id(key), None),
            _ => (self.key_arn(key), None),
        }
    }

    /// A KMS operation on a key.
    pub(super) fn kms_request(&mut self, actor: usize, operation: &KmsOperation, key: usize, kms: &KmsCall) -> Request {
        let mut call = self.bare(actor, &format!("kms:{}", operation.name));
        let (identifier, alias) = self.name_key(actor, key, operation.identifier);
        let context = if operation.context {
            Some(kms.context.clone())
        } else {
            None
        };
        let mut needs = Vec::new();
        match operation.name {
            "Decrypt" => {
                self.put_ciphertext(&mut call.with, "CiphertextBlob", kms);
                // The key may be read from the ciphertext (`svc:K-10`).
                let unnamed = self.dice.below(5) < 2;
                if !unnamed {
                    call.with.insert("KeyId".to_owned(), json!(identifier));
                }
                put_context(&mut call.with, "EncryptionContext", &kms.context);
                needs.push(self.key_need(operation.name, key, context, alias.filter(|_| !unnamed)));
            }
            "ReEncrypt" => {
                self.put_ciphertext(&mut call.with, "CiphertextBlob", kms);
                if self.dice.coin() {
                    call.with.insert("SourceKeyId".to_owned(), json!(self.key_arn(key)));
                }
                put_context(&mut call.with, "SourceEncryptionContext", &kms.context);
                let destination = kms.destination.unwrap_or(key);
                let (identifier, alias) = self.name_key(actor, destination, operation.identifier);
                call.with.insert("DestinationKeyId".to_owned(), json!(identifier));
                let new_context = if self.dice.coin() {
                    kms.context.clone()
                } else {
                    self.encryption_context()
                };
                put_context(&mut call.with, "DestinationEncryptionContext", &new_context);
                needs.push(self.key_need("ReEncryptFrom", key, context, None));
                needs.push(self.key_need("ReEncryptTo", destination, Some(new_context), alias));
                let same = Fact::new("kms:ReEncryptOnSameKey", Known::Bool(destination == key));
                needs.iter_mut().for_each(|need| need.facts.push(same.clone()));
            }
            name => {
                call.with.insert("KeyId".to_owned(), json!(identifier));
                match name {
                    "Encrypt" => {
                        let phrase = self.phrase();
                        call.with.insert("Plaintext".to_owned(), text_blob(&phrase));
                    }
                    "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => {
                        let spec = if self.dice.coin() {
                            json!("AES_256")
                        } else {
                            json!("AES_128")
                        };
                        call.with.insert("KeySpec".to_owned(), spec);
                    }
                    "ScheduleKeyDeletion" => {
                        let days = 7 + self.dice.below(24);
                        call.with.insert("PendingWindowInDays".to_owned(), json!(days));
                    }
                    "UpdateKeyDescription" => {
                        let phrase = self.phrase();
                        call.with.insert("Description".to_owned(), json!(phrase));
                    }
                    "TagResource" => {
                        let tags: Vec<Value> = self
                            .tags()
                            .into_iter()
                            .map(|(key, value)| json!({"TagKey": key, "TagValue": value}))
                            .collect();
                        call.with.insert("Tags".to_owned(), Value::Array(tags));
                    }
                    "UntagResource" => {
                        let keys: Vec<String> = self.tags().into_keys().collect();
                        call.with.insert("TagKeys".to_owned(), json!(keys));
                    }
                    "GetKeyPolicy" if self.dice.coin() => {
                        call.with.insert("PolicyName".to_owned(), json!("default"));
                    }
                    _ => {}
                }
                if operation.context {
                    put_context(&mut call.with, "EncryptionContext", &kms.context);
                }
                needs.push(self.key_need(name, key, context, alias));
            }
        }
        if operation.tokens && operation.name != "DescribeKey" && self.dice.below(25) == 0 {
            call.with.insert("DryRun".to_owned(), json!(true));
        }
        for need in &mut needs {
            need.grantable = operation.grantable;
        }
        Request { call, needs }
    }

    fn put_ciphertext(&mut self, with: &mut Map<String, Value>, name: &str, kms: &KmsCall) {
        let value = match &kms.ciphertext {
            Some(saved) => json!(format!("{{{{saved.{saved}}}}}")),
            None => text_blob("this is not a ciphertext"),
        };
        with.insert(name.to_owned(), value);
    }

    /// One check on a key, asked by the caller itself.
    pub(super) fn key_need(
        &self,
        action: &str,
        key: usize,
        context: Option<BTreeMap<String, String>>,
        alias: Option<String>,
    ) -> Need {
        let mut facts = self.key_facts(key);
        facts.push(Fact::absent("kms:ViaService"));
        if let Some(context) = &context {
            context_facts(&mut facts, context);
            facts.push(match alias {
                Some(alias) => Fact::text("kms:RequestAlias", alias),
                None => Fact::absent("kms:RequestAlias"),
            });
        }
        if matches!(action, "CreateGrant" | "ListGrants" | "RevokeGrant") {
            facts.push(Fact::new("kms:GrantIsForAWSResource", Known::Bool(false)));
        }
        if matches!(action, "PutKeyPolicy" | "GetKeyPolicy") {
            facts.push(Fact::text("kms:PolicyName", "default"));
        }
        if action == "PutKeyPolicy" {
            facts.push(Fact::absent("kms:BypassPolicyLockoutSafetyCheck"));
        }
        Need {
            action: format!("kms:{action}"),
            target: Target::Key(key),
            facts,
            grantable: false,
            context,
            via_s3: false,
        }
    }

    /// One check on a key that S3 asks for its caller (`svc:F-1`).
    pub(super) fn forwarded_need(
        &self,
        action: &str,
        key: usize,
        bucket: usize,
        object: &str,
        bucket_key: bool,
    ) -> Need {
        let arn = if bucket_key {
            self.bucket_arn(bucket)
        } else {
            format!("{}/{object}", self.bucket_arn(bucket))
        };
        let context: BTreeMap<String, String> = [("aws:s3:arn".to_owned(), arn)].into();
        let mut facts = self.key_facts(key);
        facts.push(Fact::text(
            "kms:ViaService",
            format!("s3.{}.amazonaws.com", self.region),
        ));
        facts.push(Fact::new("aws:ViaAWSService", Known::Bool(true)));
        // Whatever way the caller came, S3 comes another one (`iam:L-96`).
        facts.push(Fact::absent("aws:SourceVpce"));
        context_facts(&mut facts, &context);
        Need {
            action: format!("kms:{action}"),
            target: Target::Key(key),
            facts,
            grantable: true,
            context: Some(context),
            via_s3: true,
        }
    }

    fn key_facts(&self, key: usize) -> Vec<Fact> {
        let key = &self.keys[key];
        let mut facts = vec![
            Fact::text("kms:KeySpec", key.kind.map_or("SYMMETRIC_DEFAULT", |(spec, _)| spec)),
            Fact::text("kms:KeyUsage", key.kind.map_or("ENCRYPT_DECRYPT", |(_, usage)| usage)),
            Fact::text("kms:KeyOrigin", key.origin.unwrap_or("AWS_KMS")),
            Fact::new("kms:MultiRegion", Known::Bool(key.multi_region)),
            Fact::text("aws:ResourceAccount", self.accounts[key.account].as_str()),
        ];
        match &key.alias {
            Some(alias) => facts.push(Fact {
                key: "kms:ResourceAliases".to_owned(),
                value: Known::Many(vec![alias.clone()]),
                identity_only: true,
            }),
            None => facts.push(Fact {
                key: "kms:ResourceAliases".to_owned(),
                value: Known::Absent,
                identity_only: true,
            }),
        }
        for (tag, value) in &key.tags {
            facts.push(Fact::text(format!("aws:ResourceTag/{tag}"), value));
        }
        if key.tags.is_empty() {
            facts.push(Fact::absent("aws:ResourceTag/stage"));
        }
        facts
    }

    /// One check on a bucket or object.
    pub(super) fn s3_need(&self, action: &str, bucket: usize, object: Option<&str>) -> Need {
        let owner = self.accounts[self.buckets[bucket].account].as_str();
        let facts = vec![
            Fact::text("aws:ResourceAccount", owner),
            Fact::text("s3:ResourceAccount", owner),
        ];
        Need {
            action: action.to_owned(),
            target: object.map_or(Target::Bucket(bucket), |object| {
                Target::Object(bucket, object.to_owned())
            }),
            facts,
            grantable: false,
            context: None,
            via_s3: false,
        }
    }

    /// The check of an operation without a resource.
    pub(super) fn any_need(&self, action: &str) -> Need {
        Need {
            action: action.to_owned(),
            target: Target::Any,
            facts: Vec::new(),
            grantable: false,
            context: None,
            via_s3: false,
        }
    }

    /// The key that a bucket encrypts with, and whether with Bucket Keys.
    pub(super) fn bucket_key(&self, bucket: usize) -> Option<(usize, bool)> {
        match self.buckets[bucket].encryption {
            Encryption::Kms { key, bucket_key } => Some((key, bucket_key)),
            _ => None,
        }
    }

    /// What is known about the caller and its network, whatever it asks for.
    pub(super) fn caller_facts(&self, actor: usize, request: &Request) -> Vec<Fact> {
        let who = &self.actors[actor];
        let mut facts = vec![
            Fact::new("aws:SecureTransport", Known::Bool(true)),
            Fact::text("aws:RequestedRegion", self.region),
            Fact::new("aws:CurrentTime", Known::Time { year: self.year }),
            Fact::absent("aws:SourceVpce"),
            Fact::absent("aws:SourceVpc"),
        ];
        if !request.call.through_endpoint {
            let address = request
                .call
                .context
                .get("aws:SourceIp")
                .and_then(Value::as_str)
                .unwrap_or("127.0.0.1");
            facts.push(Fact::new("aws:SourceIp", Known::Address(address.to_owned())));
        } else {
            facts.retain(|fact| !fact.key.starts_with("aws:SourceVpc"));
            facts.push(Fact::absent("aws:SourceIp"));
        }
        if let ActorKind::Service {
            name,
            source_arn,
            source_account,
        } = &who.kind
        {
            facts.push(Fact::new("aws:PrincipalArn", Known::AbsentArn));
            facts.push(Fact::new("aws:PrincipalArn", Known::Absent));
            facts.push(Fact::absent("aws:PrincipalAccount"));
            facts.push(Fact::new("aws:PrincipalIsAWSService", Known::Bool(true)));
            facts.push(Fact::text("aws:PrincipalServiceName", name));
            facts.push(match source_arn {
                Some(arn) => Fact::new("aws:SourceArn", Known::Arn(arn.clone())),
                None => Fact::new("aws:SourceArn", Known::AbsentArn),
            });
            facts.push(match source_account {
                Some(account) => Fact::text("aws:SourceAccount", account.as_str()),
                None => Fact::absent("aws:SourceAccount"),
            });
            return facts;
        }
        facts.push(Fact::absent("aws:SourceAccount"));
        facts.push(Fact::new("aws:SourceArn", Known::AbsentArn));
        let Some(arn) = self.principal_arn(actor) else {
            facts.push(Fact::new("aws:PrincipalArn", Known::AbsentArn));
            facts.push(Fact::absent("aws:PrincipalAccount"));
            return facts;
        };
        facts.push(Fact::new("aws:PrincipalArn", Known::Arn(arn)));
        facts.push(Fact::text("aws:PrincipalAccount", self.accounts[who.account].as_str()));
        facts.push(Fact::new("aws:PrincipalIsAWSService", Known::Bool(false)));
        if self.organization {
            facts.push(Fact::text("aws:PrincipalOrgID", "{{organization.id}}"));
        } else {
            facts.push(Fact::absent("aws:PrincipalOrgID"));
        }
        let mut tags = who
            .identity
            .map(|identity| self.identities[identity].tags.clone())
            .unwrap_or_default();
        match (&who.kind, who.identity) {
            (ActorKind::User { mfa }, Some(identity)) => {
                if mfa.is_none() && request.call.call.starts_with("kms:") {
                    // Long-term keys do not tell (`iam:K-21`); a service that asks for the user does (`iam:L-96`).
                    facts.push(Fact::absent("aws:MultiFactorAuthPresent"));
                }
                facts.push(Fact::text("aws:username", &self.identities[identity].name));
                facts.push(Fact::text("aws:PrincipalType", "User"));
                facts.push(Fact::text("aws:username", "${aws:username}"));
            }
            (
                ActorKind::Role {
                    tags: session_tags,
                    source_identity,
                    ..
                },
                _,
            ) => {
                tags.extend(session_tags.clone());
                facts.push(Fact::absent("aws:username"));
                facts.push(Fact::text("aws:PrincipalType", "AssumedRole"));
                facts.push(match source_identity {
                    Some(name) => Fact::text("aws:SourceIdentity", name),
                    None => Fact::absent("aws:SourceIdentity"),
                });
            }
            (ActorKind::Root, _) => facts.push(Fact::text("aws:PrincipalType", "Account")),
            _ => {}
        }
        if matches!(who.kind, ActorKind::User { .. } | ActorKind::Role { .. }) {
            for (tag, value) in &tags {
                facts.push(Fact::text(format!("aws:PrincipalTag/{tag}"), value));
            }
            if tags.is_empty() {
                facts.push(Fact::absent("aws:PrincipalTag/team"));
            }
        }
        facts
    }

    /// What is known for a check: about caller, network, request and resource.
    pub(super) fn facts(&self, actor: usize, request: &Request, need: &Need) -> Vec<Fact> {
        let mut facts = need.facts.clone();
        if matches!(need.target, Target::Key(_)) && self.principal_arn(actor).is_some() {
            // Twice: the key that policies on keys speak of most often.
            let account = self.accounts[self.actors[actor].account].as_str();
            facts.push(Fact::text("kms:CallerAccount", account));
        }
        if !need.via_s3 {
            facts.push(Fact::new("aws:ViaAWSService", Known::Bool(false)));
        }
        let owner = match &need.target {
            Target::Key(key) | Target::Alias(key, _) => Some(self.keys[*key].account),
            Target::Bucket(bucket) | Target::Object(bucket, _) => Some(self.buckets[*bucket].account),
            Target::Role(role) => Some(self.identities[*role].account),
            Target::Any => None,
        };
        if owner == Some(self.actors[actor].account) && self.principal_arn(actor).is_some() {
            facts.push(Fact::text("aws:ResourceAccount", "${aws:PrincipalAccount}"));
        }
        facts.extend(self.caller_facts(actor, request));
        facts
    }
}

fn put_context(with: &mut Map<String, Value>, name: &str, context: &BTreeMap<String, String>) {
    if !context.is_empty() {
        with.insert(name.to_owned(), json!(context));
    }
}

fn context_facts(facts: &mut Vec<Fact>, context: &BTreeMap<String, String>) {
    facts.push(Fact::text("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT"));
    for (key, value) in context {
        facts.push(Fact::text(format!("kms:EncryptionContext:{key}"), value));
    }
    if context.is_empty() {
        facts.push(Fact::new("kms:EncryptionContext:tenant", Known::AbsentPlain));
        facts.push(Fact::absent("kms:EncryptionContextKeys"));
    } else {
        facts.push(Fact::new(
            "kms:EncryptionContextKeys",
            Known::Many(context.keys().cloned().collect()),
        ));
        facts.push(Fact::new("kms:EncryptionContext:missing", Known::AbsentPlain));
    }
}
