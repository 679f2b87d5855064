//! Creates what a scene is made of: names, users, roles, callers, keys, buckets, objects, encryption contexts. What they may do is
//! written elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use countersign_model::case::ObjectSpec;

use super::scene::{Actor, ActorKind, Bucket, Encryption, Identity, Key, Place, Scene};
use super::vocabulary as words;

impl Scene<'_, '_, '_> {
    /// A name that nobody has: no reference is ambiguous across accounts.
    pub(super) fn name(&mut self, from: &[&str]) -> String {
        let word = self.dice.pick(from).to_string();
        let mut name = if self.dice.coin() {
            word.clone()
        } else {
            format!("{word}-{}", self.dice.below(90) + 10)
        };
        let mut number = 2;
        while !self.names.insert(name.to_ascii_lowercase()) {
            name = format!("{word}{number}");
            number += 1;
        }
        name
    }

    /// A name for a saved value.
    pub(super) fn saved_name(&mut self, what: &str) -> String {
        self.saved += 1;
        if self.saved == 1 {
            what.to_owned()
        } else {
            format!("{what}{}", self.saved)
        }
    }

    /// A new user.
    pub(super) fn new_user(&mut self, account: usize) -> usize {
        let name = self.name(words::USERS);
        self.new_identity(account, name, false)
    }

    /// A new role.
    pub(super) fn new_role(&mut self, account: usize) -> usize {
        let name = self.name(words::ROLES);
        self.new_identity(account, name, true)
    }

    fn new_identity(&mut self, account: usize, name: String, role: bool) -> usize {
        let path = (self.dice.below(8) == 0)
            .then(|| (*self.dice.pick(&["/team/", "/app/prod/", "/service-role/"])).to_owned());
        let tags = if self.dice.below(5) == 0 {
            self.tags()
        } else {
            BTreeMap::new()
        };
        self.identities.push(Identity {
            account,
            name,
            role,
            path,
            tags,
            attached: BTreeSet::new(),
            bare: false,
        });
        let index = self.identities.len() - 1;
        if self.dice.percent(self.settings.boundary) {
            // Empty for now: `permit` writes into it what its paths need.
            self.policies.insert(Place::Boundary(index), Vec::new());
        }
        index
    }

    /// Some tags.
    pub(super) fn tags(&mut self) -> BTreeMap<String, String> {
        let keys = self.dice.some(words::TAG_KEYS, 1, 2);
        keys.into_iter()
            .map(|key| (key.to_owned(), (*self.dice.pick(words::WORDS)).to_owned()))
            .collect()
    }

    /// A caller of the usual kinds in an account, with an identity of its own.
    pub(super) fn new_actor(&mut self, account: usize) -> usize {
        match self.dice.weighted(&[(30, 0), (58, 1), (5, 2), (7, 3)]) {
            0 => self.new_user_actor(account),
            1 => self.new_role_actor(account),
            2 => self.new_federated_actor(account),
            _ => self.root_actor(account),
        }
    }

    /// A user that calls.
    pub(super) fn new_user_actor(&mut self, account: usize) -> usize {
        let identity = self.new_user(account);
        let mfa = (self.dice.below(12) == 0).then(|| self.dice.coin());
        self.push_actor(ActorKind::User { mfa }, account, Some(identity))
    }

    /// A session of a new role.
    pub(super) fn new_role_actor(&mut self, account: usize) -> usize {
        let identity = self.new_role(account);
        self.session_actor(identity)
    }

    /// A session of a role.
    pub(super) fn session_actor(&mut self, identity: usize) -> usize {
        let session = if self.dice.below(4) == 0 {
            format!("{}-{}", self.dice.pick(words::WORDS), self.dice.below(900) + 100)
        } else {
            (*self.dice.pick(words::SESSIONS)).to_owned()
        };
        self.named_session_actor(identity, session)
    }

    /// A session of a role with this name.
    pub(super) fn named_session_actor(&mut self, identity: usize, session: String) -> usize {
        let own: Vec<String> = self.identities[identity].tags.keys().cloned().collect();
        let tags = match self.dice.below(9) {
            0 => self.tags(),
            // The session's word against the role's.
            1..=3 if !own.is_empty() => {
                let key = self.dice.pick(&own).clone();
                [(key, (*self.dice.pick(words::WORDS)).to_owned())].into()
            }
            _ => BTreeMap::new(),
        };
        let mfa = (self.dice.below(12) == 0).then(|| self.dice.coin());
        let source_identity = (self.dice.below(16) == 0).then(|| (*self.dice.pick(words::USERS)).to_owned());
        let account = self.identities[identity].account;
        let actor = self.push_actor(
            ActorKind::Role {
                session,
                tags,
                mfa,
                source_identity,
                policy_arns: Vec::new(),
            },
            account,
            Some(identity),
        );
        if self.dice.percent(self.settings.session_policy) {
            self.policies.insert(Place::Session(actor), Vec::new());
        }
        actor
    }

    /// A federated user made by a new user. It has a session policy, without which it could do nothing.
    pub(super) fn new_federated_actor(&mut self, account: usize) -> usize {
        let identity = self.new_user(account);
        let name = self.name(&["Fred", "Gina", "Hugo", "Iris", "Jens", "Kira"]);
        let actor = self.push_actor(ActorKind::Federated { name }, account, Some(identity));
        if self.dice.below(5) > 0 {
            self.policies.insert(Place::Session(actor), Vec::new());
        }
        actor
    }

    /// The root user of an account.
    pub(super) fn root_actor(&mut self, account: usize) -> usize {
        self.push_actor(ActorKind::Root, account, None)
    }

    /// A service that calls as itself.
    pub(super) fn service_actor(&mut self) -> usize {
        let name = (*self.dice.pick(words::SERVICES)).to_owned();
        let account = self.accounts[0].clone();
        let service = name
            .split('.')
            .next()
            .unwrap_or("backup")
            .split('-')
            .next()
            .unwrap_or("backup");
        let source_arn = (self.dice.below(4) > 0).then(|| {
            format!(
                "arn:aws:{service}:{}:{account}:job/{}",
                self.region,
                self.dice.below(90_000) + 10_000
            )
        });
        let source_account = (self.dice.below(3) > 0).then_some(account);
        self.push_actor(
            ActorKind::Service {
                name,
                source_arn,
                source_account,
            },
            0,
            None,
        )
    }

    /// Nobody.
    pub(super) fn anonymous_actor(&mut self) -> usize {
        self.push_actor(ActorKind::Anonymous, 0, None)
    }

    fn push_actor(&mut self, kind: ActorKind, account: usize, identity: Option<usize>) -> usize {
        self.actors.push(Actor {
            kind,
            account,
            identity,
        });
        self.actors.len() - 1
    }

    /// A new key.
    pub(super) fn new_key(&mut self, account: usize) -> usize {
        let name = self.name(words::KEYS);
        let alias = (self.dice.below(2) == 0).then(|| format!("alias/{name}"));
        let tags = if self.dice.below(5) == 0 {
            self.tags()
        } else {
            BTreeMap::new()
        };
        let default_policy = self.dice.below(12) == 0;
        self.keys.push(Key {
            account,
            name,
            alias,
            tags,
            state: None,
            grants: BTreeMap::new(),
            default_policy,
            kind: None,
            origin: None,
            multi_region: false,
        });
        self.keys.len() - 1
    }

    /// A new bucket, encrypted in one of the ways; mostly under the key if there is one.
    pub(super) fn new_bucket(&mut self, account: usize, key: Option<usize>) -> usize {
        let base = format!(
            "{}-{}",
            self.dice.pick(words::BUCKET_OWNERS),
            self.dice.pick(words::BUCKET_USES)
        );
        let number = self.dice.below(1000);
        let name = self.name(&[&format!("{base}-{number:03}")]);
        let bucket_key = self.dice.below(5) == 0;
        let encryption = match (key, self.dice.below(16)) {
            (Some(key), 0..=11) => Encryption::Kms { key, bucket_key },
            (_, 12 | 13) => Encryption::AwsManaged { bucket_key },
            (_, 14) => Encryption::Aes,
            _ => Encryption::Unset,
        };
        let versioned = self.dice.below(10) == 0;
        self.buckets.push(Bucket {
            account,
            name,
            encryption,
            open: false,
            versioned,
            objects: BTreeMap::new(),
            access: None,
            acl: None,
            requester_pays: false,
            ownership: None,
            made: false,
            takes_customer_keys: false,
            tags: BTreeMap::new(),
            by_tags: false,
        });
        self.buckets.len() - 1
    }

    /// A bucket that a step is to make: with SSE-S3, as every new bucket.
    pub(super) fn bucket_to_make(&mut self, account: usize) -> usize {
        let bucket = self.new_bucket(account, None);
        let made = &mut self.buckets[bucket];
        made.made = true;
        made.encryption = Encryption::Unset;
        made.versioned = false;
        bucket
    }

    /// A key for an object: folder, stem, ending.
    pub(super) fn object_name(&mut self) -> String {
        let number = if self.dice.below(3) == 0 {
            String::new()
        } else {
            format!("-{}", self.dice.below(1000))
        };
        format!(
            "{}{}{number}{}",
            self.dice.pick(words::FOLDERS),
            self.dice.pick(words::STEMS),
            self.dice.pick(words::ENDINGS)
        )
    }

    /// An object that is there from the start, under the bucket's default encryption or, once in a while, another.
    pub(super) fn new_object(&mut self, bucket: usize) -> String {
        let mut name = self.object_name();
        while self.buckets[bucket].objects.contains_key(&name) {
            name.push('2');
        }
        let body = self.phrase();
        let tags = if self.dice.below(8) == 0 {
            self.tags()
        } else {
            BTreeMap::new()
        };
        let mut object = ObjectSpec {
            body,
            tags,
            ..ObjectSpec::default()
        };
        if self.dice.below(12) == 0 {
            let own: Vec<usize> = (0..self.keys.len())
                .filter(|key| self.keys[*key].account == self.buckets[bucket].account)
                .collect();
            if !own.is_empty() && self.dice.coin() {
                object.sse = Some("aws:kms".to_owned());
                object.key = Some(self.keys[*self.dice.pick(&own)].name.clone());
            } else {
                object.sse = Some("AES256".to_owned());
            }
        }
        self.buckets[bucket].objects.insert(name.clone(), object);
        name
    }

    /// A short text.
    pub(super) fn phrase(&mut self) -> String {
        format!(
            "{} {} {}",
            self.dice.pick(words::WORDS),
            self.dice.pick(words::WORDS),
            self.dice.below(10_000)
        )
    }

    /// An encryption context, empty two times in five.
    pub(super) fn encryption_context(&mut self) -> BTreeMap<String, String> {
        if self.dice.below(5) < 2 {
            BTreeMap::new()
        } else {
            self.some_encryption_context()
        }
    }

    /// An encryption context with at least one pair, and no two keys that differ in case only.
    pub(super) fn some_encryption_context(&mut self) -> BTreeMap<String, String> {
        let keys = self.dice.some(words::CONTEXT_KEYS, 1, 2);
        let mut context: BTreeMap<String, String> = BTreeMap::new();
        for key in keys {
            if !context.keys().any(|have| have.eq_ignore_ascii_case(key)) {
                let value = format!("{}-{}", self.dice.pick(words::WORDS), self.dice.below(100));
                context.insert(key.to_owned(), value);
            }
        }
        context
    }
}
